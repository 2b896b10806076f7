# SPDX-License-Identifier: Apache-2.0
# The manual page and the completion of webhookctl say what its help says.
use strict;
use warnings FATAL => 'all';

use Test::More;
use WebhookCtl ();

my $ctl = WebhookCtl->new(undef);
my $manual = WebhookCtl::slurp("$ENV{WEBHOOK_STAGE}/webhookctl.8");

# What a reader sees of it.
(my $text = $manual) =~ s/\\f.|\\&//g;
$text =~ s/\\-/-/g;
$text =~ s/"//g;

sub unique { my %seen; return sort grep { !$seen{$_}++ } @_ }
sub options_of { return unique($_[0] =~ /^  (--[a-z-]+)/mg) }

my $help = $ctl->run('--help')->{out};
my @commands = $help =~ /^  ((?!-)[a-z]+(?: [a-z]+)?)  /mg;

cmp_ok scalar @commands, '>', 15, 'help names the commands';
is $ctl->run('help')->{out}, $help, 'help and --help are one';
like $ctl->run('--version')->{out}, qr/\Awebhookctl \d+\.\d+\.\d+\n\z/,
    '--version';

# -- the manual page -----------------------------------------------------------

my %heading = map { ($_ => 1) }
    map { s/ +bash\z//r } $text =~ /^\.BR? ([a-z]+(?: [a-z]+)?)(?= |$)/mg;
my @options = options_of($help);

for my $command (@commands) {
    my $run = $ctl->run(split(/ /, $command), '--help');

    is $run->{status}, 0, "$command --help";
    ok $heading{$command}, '... the manual page has a heading for it';
    push @options, options_of($run->{out});
    is $ctl->run('help', split / /, $command)->{out}, $run->{out},
        '... help says the same';
}
@options = unique(@options);
is_deeply [unique($text =~ /^\.BR? (?:.*, )?(--[a-z-]+)/mg, '--until')],
    \@options, 'the manual page describes the options that help knows';

SKIP: {
    skip 'man is not installed', 1
        if !grep { -x "$_/man" } split /:/, $ENV{PATH};
    my $page = $ctl->file($manual);
    local $ENV{MANROFFSEQ} = '';
    my $said = `LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l "$page" 2>&1 >/dev/null`;

    is $said, '', 'man has nothing to say against it';
}

# -- completion ----------------------------------------------------------------

my $script = $ctl->file($ctl->run(qw(completion bash))->{out});

# What bash offers when the last of these words is being typed.
sub completes {
    my (@words) = @_;
    my $code = <<'END';
set -eu
script=$1
shift
set +eu
. "$script"
COMP_WORDS=(webhookctl "$@")
COMP_CWORD=$#
_webhookctl
printf '%s\n' "${COMPREPLY[@]}"
END

    open my $bash, '-|', 'bash', '--norc', '-c', $code, 'bash', $script, @words
        or die "bash: $!";
    my @offered = grep { length } map { chomp; $_ } <$bash>;
    close $bash;
    return @offered;
}

SKIP: {
    skip 'bash is not installed', 1
        if !grep { -x "$_/bash" } split /:/, $ENV{PATH};
    is_deeply [unique(completes(''))], [unique(map { /^(\S+)/ } @commands)],
        'nouns';
    is_deeply [completes('--v')], ['--version'], 'an option without a command';
    for my $noun (unique(map { /^(\S+)/ } @commands)) {
        my @verbs = map { /^\Q$noun\E (\S+)/ } @commands;

        is_deeply [unique(completes($noun, ''))], [unique(@verbs)],
            "verbs of $noun" if @verbs;
    }
    for my $command (@commands) {
        is_deeply [unique(completes(split(/ /, $command), '--'))],
            [options_of($ctl->run(split(/ /, $command), '--help')->{out})],
            "options of $command";
    }
    is_deeply [completes(qw(webhook list --state A))], ['Active'],
        'values of --state';
    is_deeply [completes(qw(webhook list --state = A))], ['Active'],
        '... behind "="';
    is_deeply [completes(qw(webhook create --type s))], ['standardwebhooks'],
        'values of --type';
    is_deeply [completes(qw(delivery list --state), '')],
        [qw(pending delivered failed)], '... are those of the command';
    is_deeply [completes('--context', 'webhook', 'delivery', 'sh')], ['show'],
        'the value of an option is no noun';
    is_deeply [completes('--database', $script)], [$script], 'files';
    is_deeply [completes(qw(webhook create --file), $script)], [$script],
        '... of a command';
    is_deeply [completes(qw(completion b))], ['bash'], 'shells';
    is_deeply [completes(qw(replay 7 --sta))], ['--state'],
        'behind an argument';
}

done_testing;
