# SPDX-License-Identifier: Apache-2.0
# Each unit program as one subtest: what it says, and that it says a plan, and
# that it ends with status 0.
use strict;
use warnings FATAL => 'all';

use File::Find ();
use Test::More;

my $folder = $ENV{WEBHOOK_UNIT_DIR};
my @programs;

defined $folder or BAIL_OUT('WEBHOOK_UNIT_DIR is not set');
File::Find::find({ no_chdir => 1, wanted => sub {
    push @programs, $File::Find::name if -f && -x _ && /_test\z/;
} }, $folder);

sub how_it_ended {
    my ($status) = @_;

    return $status & 127 ? 'killed by signal ' . ($status & 127)
        : 'status ' . ($status >> 8);
}

sub run_program {
    my ($program) = @_;
    my @command = (split(' ', $ENV{WEBHOOK_UNIT_WRAPPER} || ''), $program);
    my ($tests, $planned) = (0);

    my $pid = open my $output, '-|', @command
        or return fail("cannot run @command: $!");
    # One that hangs must not take the other tests with it.
    local $SIG{ALRM} = sub {
        diag("$program takes too long");
        kill 'KILL', $pid;
    };
    alarm($ENV{WEBHOOK_UNIT_WRAPPER} ? 300 : 60);
    while (my $line = <$output>) {
        chomp $line;
        if ($line =~ /\A(not )?ok \d+(?: - (.*))?/) {
            $tests++;
            # Test::More has an opinion on names that are numbers.
            ok(!$1, defined $2 ? "- $2" : 'no name');
        }
        elsif ($line =~ /\A1\.\.(\d+)/) {
            $planned = $1;
        }
        else {
            diag($line);
        }
    }
    close $output;
    alarm 0;
    is(how_it_ended($?), 'status 0', 'how it ended');
    is($planned, $tests, 'its plan');
    return;
}

ok(scalar @programs, 'there are unit programs');
for my $program (sort @programs) {
    my $name = substr $program, 1 + length $folder;

    subtest $name => sub { run_program($program) };
}
done_testing();
