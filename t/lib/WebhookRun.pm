# SPDX-License-Identifier: Apache-2.0
package WebhookRun;

# The runner of the shared server, and the verdict on what it logged.
#
#     use WebhookRun ();
#     WebhookRun::expect_log(qr/AH01617: user tje0: .* Password Mismatch/);
#
# Each line of an error log at level error or worse, each warning of
# mod_webhook, each line of another form and each sign of a crash makes the run
# fail, unless it matches a pattern that some test gave to expect_log().

use strict;
use warnings FATAL => 'all';

use File::Find ();

our @ISA;

# The base class is loaded here, not above: tests need only expect_log().
sub new {
    my ($class, @options) = @_;

    require Apache::TestRun;
    @ISA = ('Apache::TestRun');
    return $class->SUPER::new(@options);
}

# Tokens for t/conf/*.in.
sub new_test_config {
    my $self = shift;

    $self->{conf_opts}{stage} = $ENV{WEBHOOK_STAGE};
    return $self->SUPER::new_test_config;
}

sub expect_log {
    my @patterns = @_;
    my $logs = "$ENV{WEBHOOK_STAGE}/t/logs";

    mkdir $logs;
    open my $file, '>>', "$logs/expected" or die "$logs/expected: $!";
    for my $pattern (@patterns) {
        (my $line = "$pattern") =~ s/\n/\\n/g;
        print {$file} "$0\t$line\n";
    }
    close $file or die "$logs/expected: $!";
    return;
}

sub judge {
    my ($stage) = @_;
    my @reasons = (judge_output("$stage/output.txt"), judge_files($stage),
        judge_logs($stage));

    print "FAILED: $_\n" for @reasons;
    return @reasons ? 1 : 0;
}

# Nothing run, all skipped and "not as root" end with status 0 too.
sub judge_output {
    my ($path) = @_;
    my $output = slurp($path);
    my ($tests) = $output =~ /^Files=\d+, Tests=(\d+)/m;

    return 'no test was run' if !$tests;
    return 'the result is not PASS' if $output !~ /^Result: PASS$/m;
    print "note: $1\n" while $output =~ /^(\S+\.t .* skipped: .*)$/mg;
    return;
}

# Reports and dumps that tools or the kernel leave in the stage.
sub judge_files {
    my ($stage) = @_;
    my @reasons;

    File::Find::find({ no_chdir => 1, wanted => sub {
        my ($name) = m{([^/]+)\z};

        if (-f && $name =~ /\Acore(?:\.\d+)?\z/) {
            push @reasons, "a process left a core dump: $_";
        }
        elsif (-s && $name =~ /\A(?:sanitizer|valgrind)\.\d+\z/) {
            push @reasons, "a report in $name:\n" . slurp($_);
        }
    } }, $stage);
    return @reasons;
}

sub judge_logs {
    my ($stage) = @_;
    my @expected = map { (split /\t/, $_, 2)[1] }
        split /\n/, slurp("$stage/t/logs/expected");
    my @reasons;

    for my $log ("$stage/t/logs/error_log", glob "$stage/srv/*/error_log") {
        for my $line (split /\n/, slurp($log)) {
            next if !is_unwanted($line) || grep { $line =~ $_ } @expected;
            push @reasons, "unexpected in " . substr($log, 1 + length $stage)
                . ": $line";
        }
    }
    return @reasons;
}

sub is_unwanted {
    my ($line) = @_;

    return 0 if $line !~ /\S/;
    # httpd's event MPM says so when a child ends while it waits for a client to
    # close: its poll set is gone by then.
    return 0 if $line =~ /AH03092: process_lingering_close: /;
    return 1 if $line =~ /AH0005[12]:|exit signal|Sanitizer|runtime error:/;
    # "[time] [module:level] ..."; anything else was written by a crash, by the
    # C library or by a stray printf.
    return 1 if $line !~ /\A\[[^\]]+\] \[(\w*):(\w+)\]/;
    return 1 if $2 =~ /\A(?:emerg|alert|crit|error)\z/;
    return $1 eq 'webhook' && $2 eq 'warn';
}

# "" for a file that is not there.
sub slurp {
    my ($path) = @_;

    open my $file, '<', $path or return '';
    local $/;
    my $text = <$file>;
    return defined $text ? $text : '';
}

1;
