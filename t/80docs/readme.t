# SPDX-License-Identifier: Apache-2.0
# README.md is true: its configuration, its commands and its receivers are
# taken out of the text and run, with other names for host, user and target.
use strict;
use warnings FATAL => 'all';

use Apache::Test qw(-withtestmore);
use Digest::SHA qw(hmac_sha256_base64);
use File::Temp ();
use JSON::PP qw(decode_json);
use WebhookServer ();
use WebhookSink ();

my $folder = File::Temp->newdir;
my $readme = read_readme();
my @blocks = fenced_blocks($readme);
my @commands = map { split_commands($_) } texts_of('sh');

# What the build, build/check or a person at a terminal does.
my %not_here = map { ($_ => 1) } 'build/quickstart', 'build/check',
    'autoreconf -fi', './configure', 'make', 'sudo make install',
    'sudo apachectl graceful';

# A worked example of the API's rules, with two secrets. The second has
# letters outside ASCII: it counts as its UTF-8 bytes.
my $body = '{"EventId":"8f4a1c52-6d0b-4c39-9a53-0b7a3c1d2e4f",'
    . '"Timestamp":"2026-01-02T03:04:05.6789Z",'
    . '"Changes":["windowName","widgets"],"Event":"window.closed",'
    . '"PrimaryKey":0,"Entity":"window","ContextIdentifier":"Default",'
    . '"ChangedByAssociateId":5,"WebhookName":"My hook"}';
my $secret = 'Something Super Secret';
my $signature = 'sEplWu3L0GCkwGz0zxWLEs7HRlRUBMrJoYTQJmuZHQw=';
my $secret_2 = "s3cret-\xc3\xa5\xc3\x9f";
my $signature_2 = 'dOrwVnDy3yDUX1Fxp5qfIgab5b87MNkpm0JbRGjMCVE=';

# [name, secret, body, signature, whether it is right]
my @vectors = (
    ['the example', $secret, $body, $signature, 1],
    ['a secret with other letters', $secret_2, $body, $signature_2, 1],
    ['another secret', "$secret!", $body, $signature, 0],
    ['another body', $secret, $body =~ s/widgets/gadgets/r, $signature, 0],
    ['a line end behind it', $secret, "$body\n", $signature, 0],
    ['another signature', $secret, $body, $signature_2, 0],
    ['a shorter signature', $secret, $body, substr($signature, 0, 43), 0],
    ['a longer signature', $secret, $body, "$signature=", 0],
    ['an empty signature', $secret, $body, '', 0],
    ['no signature', $secret, $body, undef, 0],
);

# A program prints what verify(secret, body, signature) says.
my %receivers = (
    c => { program => 'cc', end => <<'END', run => \&run_c },
#include <stdio.h>
int main(int argc, char **argv)
{
    static char body[65536];
    size_t length = fread(body, 1, sizeof(body), stdin);

    puts(verify(argv[1], body, length, argc > 2 ? argv[2] : NULL) ? "yes"
                                                                  : "no");
    return 0;
}
END
    python => { program => 'python3', end => <<'END' },

import sys
secret, *rest = sys.argv[1:]
print('yes' if verify(secret, sys.stdin.buffer.read(), rest[0] if rest else None)
      else 'no')
END
    js => { program => 'node', end => <<'END' },

const [secret, signature] = process.argv.slice(2);
const body = require('node:fs').readFileSync(0);
console.log(verify(secret, body, signature) ? 'yes' : 'no');
END
    php => { program => 'php', end => <<'END' },

echo verify($argv[1], file_get_contents('php://stdin'), $argv[2] ?? null)
    ? 'yes' : 'no';
END
);

# [pattern, status, what else]: one for each curl command, in their order.
my @answers = (
    [qr/TargetUrl/, 200, \&is_saved],
    [qr{window\.closed/0}, 204, \&is_delivered],
    [qr/Idempotency-Key/, 204, \&is_repeatable],
    [qr/Authorization: Bearer/, 204, sub {
        ok $_[0]->{event}, 'the event has an id' }],
    [qr{/default$}, 200, sub {
        is $_[0]->{json}{State}, 'Active', 'a webhook to fill in' }],
    [qr/eventFilter/, 200, sub {
        my ($answer) = @_;
        is scalar @{ $answer->{json} }, 1, 'the list has the webhook';
        is $answer->{json}[0]{Secret}, undef, 'and not its secret' }],
    [qr{-i -u \S+ \S+/1$}, 200, sub {
        is $_[0]->{json}{Secret}, $secret, 'the webhook has its secret' }],
    [qr/-X PATCH/, 200, sub {
        is $_[0]->{json}{State}, 'Stopped', 'the webhook is stopped';
        is $_[0]->{json}{Secret}, $secret, '... and the rest is as it was' }],
    [qr{/LastError$}, 200, sub {
        is $_[0]->{content}, '""', 'no error is an empty string' }],
    [qr/-X DELETE/, 204, sub { }],
);

# [pattern, what is printed, status]: one for each command of webhookctl, in
# their order. Status 1: there is nothing to be sent again.
my @lookups = (
    [qr/webhook list/, qr/^ *1 .*My hook/m],
    [qr/event list/, qr/window\.closed/],
    [qr/delivery list/, qr//],
    [qr/replay --state/, qr//, 1],
    [qr/replay list/, qr/^ID +CREATED/],
    [qr/token list/, qr/\bshop\b/],
    [qr/check/, qr//],
);

plan tests => 31 + @vectors * keys(%receivers) + @answers + 2 * @lookups,
    need_module('webhook');

test_example();
test_receivers();
my ($server, $sink);
start_server();
test_commands();
test_refusal();
my @left = take_commands(qr/webhookctl/);
is have('curl') ? scalar @left : 0, 0, 'every command of webhookctl was run';
$server->stop;
is scalar(grep { !$not_here{$_} } @commands), 0, 'every command was run'
    or diag explain \@commands;

# ---- the text -----------------------------------------------------------------

sub slurp {
    my ($path) = @_;

    open my $file, '<:raw', $path or die "$path: $!\n";
    local $/;
    return scalar <$file>;
}

sub spew {
    my ($path, $text) = @_;

    open my $file, '>:raw', $path or die "$path: $!\n";
    print {$file} $text;
    close $file or die "$path: $!\n";
    return $path;
}

sub read_readme {
    my @folders = grep { defined } @ENV{qw(WEBHOOK_STAGE SRCDIR)};

    for my $path (map { "$_/README.md" } @folders) {
        return slurp($path) if -r $path;
    }
    die "README.md is neither in WEBHOOK_STAGE nor in SRCDIR\n";
}

sub fenced_blocks {
    my ($text) = @_;
    my @found;

    push @found, { language => $1, text => $2 }
        while $text =~ /^```(\w+)\n(.*?)^```$/msg;
    return @found;
}

sub texts_of {
    my ($language) = @_;

    return map { $_->{text} } grep { $_->{language} eq $language } @blocks;
}

# A command ends with its line, unless that ends with "\" or within quotes.
sub split_commands {
    my ($text) = @_;
    my @found = $text =~ /((?:[^'"\\\n]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+)\n/sg;

    return map { s/\\\n\s*//gr } @found;
}

# Takes the commands that match out of those that are still to be run.
sub take_commands {
    my ($pattern) = @_;
    my @taken = grep { /$pattern/ } @commands;

    @commands = grep { !/$pattern/ } @commands;
    return @taken;
}

sub have {
    my ($program) = @_;

    return scalar grep { -x "$_/$program" } split /:/, $ENV{PATH};
}

# ---- the example of a callback ------------------------------------------------

sub example {
    my ($head, $text) = split /\n\n/, (texts_of('http'))[0], 2;
    my %header = map { /^([\w-]+): (.*)/ ? ($1 => $2) : () } split /\n/, $head;

    chomp $text;
    return (\%header, $text);
}

sub test_example {
    my ($header, $text) = example();

    is $text, $body, 'the body of the example';
    is length $text, 261, '... has its length';
    is $header->{'X-SuperOffice-Signature'}, $signature, '... its signature';
    is hmac_sha256_base64($text, $secret) . '=', $signature, '... is right';
}

# ---- the receivers ------------------------------------------------------------

sub run_c {
    my ($source) = @_;

    system('cc', '-Wall', '-Wextra', '-Werror', '-o', "$folder/c", $source,
        '-lcrypto') == 0 or die "the C receiver does not compile\n";
    return "$folder/c";
}

sub say_of {
    my ($input, @command) = @_;
    my $pid = open my $output, '-|';

    defined $pid or die "cannot fork: $!\n";
    if (!$pid) {
        open STDIN, '<', $input or die "$input: $!\n";
        $ENV{LC_ALL} = 'C.UTF-8';
        exec { $command[0] } @command or die "$command[0]: $!\n";
    }
    my $said = <$output> // '';
    close $output;
    $said =~ s/\s+\z//;
    return $? == 0 ? $said : "status $?, $said";
}

sub test_receivers {
    for my $language (sort keys %receivers) {
        my $receiver = $receivers{$language};
        my ($text) = texts_of($language);

      SKIP: {
            skip "$receiver->{program} is not installed", scalar @vectors
                if !have($receiver->{program});
            my $source = spew("$folder/receiver.$language",
                ($text // '') . $receiver->{end});
            my @program = $receiver->{run} ? $receiver->{run}->($source)
                : ($receiver->{program}, $source);

            for my $vector (@vectors) {
                my ($name, $key, $bytes, $given, $right) = @$vector;
                my $input = spew("$folder/body", $bytes);

                is say_of($input, @program, $key, $given // ()),
                    $right ? 'yes' : 'no', "$language: $name";
            }
        }
    }
}

# ---- the configuration --------------------------------------------------------

# The file is made as README.md says where htpasswd is installed; it would ask
# for the password, so that is given.
sub make_users {
    my ($command) = take_commands(qr/^sudo htpasswd /);
    my $path = "$folder/users";

    my ($file) = $command =~ m{^sudo htpasswd -c (/etc/\S+) app$}
        or die "$command?\n";
  SKIP: {
        if (!have('htpasswd')) {
            spew($path, 'app:' . crypt('password', '$6$webhooks$') . "\n");
            skip 'htpasswd is not installed', 1;
        }
        is system("htpasswd -bc $path app password 2>/dev/null"), 0, $command;
    }
    return ($file, $path);
}

sub start_server {
    my ($conf) = texts_of('apache');
    my ($users, $path) = make_users();
    my ($line) = grep { /^LoadModule webhook_module / }
        split /\n/, slurp($ENV{WEBHOOK_MODULES});

    is $conf =~ s/^LoadModule webhook_module .*$/$line/m, 1, 'the module';
    is $conf =~ s/\Q$users\E/$path/, 1, 'the users';
    chmod 0755, $folder;
    # Its own directives but for the switch: the receiver is on this machine.
    # It is asked by the test event, as README.md says.
    $server = WebhookServer->new(api => '', without => ['webhook'],
        directives => { WebhookEngine => undef, WebhookProbe => undef },
        conf => $conf);
    take_commands(qr/^sudo apachectl configtest$/);
    my ($status, $output) = $server->config_test;
    is $status, 0, 'the configuration' or diag $output;
    $server->start;
    $sink = WebhookSink->new;
    is $server->request(GET => '/api/v1/Webhook', user => '')->{status}, 401,
        'nobody gets in without a user';
}

# ---- the commands -------------------------------------------------------------

sub run_curl {
    my ($command) = @_;
    my $base = $server->url;
    my $target = $sink->url('/hook');

    $command =~ s{http://localhost}{$base}g;
    $command =~ s{https://receiver\.example\.com/hook}{$target}g;
    $command =~ s{^curl }{curl -sS --max-time 30 --noproxy '*' };
    my $text = qx($command);
    my ($head, $content) = split /\r\n\r\n/, $text, 2;
    my ($status) = ($head // '') =~ m{\AHTTP/1\.1 (\d+) };
    my ($event) = ($head // '') =~ /^X-SuperOffice-EventId: (\S+)/m;

    return { status => $status, event => $event, content => $content,
        json => scalar eval { decode_json($content) } };
}

# Root's tool on the machine's database is the tests' on that of the server.
sub run_webhookctl {
    my ($command) = @_;

    local $ENV{WEBHOOK_DATABASE} = $server->state_dir . '/webhook.db';
    $command =~ s{\bsudo webhookctl }{$ENV{WEBHOOK_STAGE}/bin/webhookctl };
    my $text = qx($command);
    return ($? >> 8, $text);
}

# What "token=$(...)" is for the shell of a person.
sub make_token {
    my ($command) = take_commands(qr/^token=\$\(.*\)$/);
    my ($status, $text) = run_webhookctl($command =~ s/^token=\$\((.*)\)$/$1/r);

    is $status, 0, $command;
    chomp($ENV{token} = $text);
    like $ENV{token}, qr/\A8A:[\w-]+\z/, '... prints a token and nothing else';
}

sub test_lookups {
    my @lines = take_commands(qr/^sudo webhookctl /);

    for my $expected (@lookups) {
        my ($pattern, $wanted, $code) = @$expected;
        my ($command) = grep { /$pattern/ } @lines;
        my ($status, $text) = run_webhookctl($command // 'false');

        is $status, $code // 0, $command // "$pattern";
        like $text, $wanted, '... prints what it should';
    }
    is scalar @lines, scalar @lookups, 'the number of commands of webhookctl';
}

sub test_commands {
    my @curl = take_commands(qr/^curl /);

    is scalar @curl, scalar @answers, 'the number of curl commands';
  SKIP: {
        skip 'curl is not installed', 18 + @answers + 2 * @lookups
            if !have('curl');
        for my $expected (@answers) {
            my ($pattern, $status, $more) = @$expected;
            my ($command) = grep { /$pattern/ } @curl;

            $command //= 'false';
            make_token() if $command =~ /\$token/;
            # The webhook is still there.
            test_lookups() if $command =~ /-X DELETE/;
            my $answer = run_curl($command);
            is $answer->{status}, $status, $command;
            $more->($answer, $command);
        }
    }
}

sub is_saved {
    my ($answer) = @_;

    is $answer->{json}{WebhookId}, 1, 'the webhook has an id';
}

sub is_delivered {
    my ($answer) = @_;
    my ($test, $request) = $sink->wait_for(2, 30);
    my ($header) = example();
    my @missing = grep { !defined $sink->header($request, $_) } keys %$header;

    is $sink->header($test, 'X-Hook-Test'), 'true',
        'the test event came before';
    is "@missing", '', 'the callback has the headers of the example';
    is $sink->header($request, 'User-Agent'), $header->{'User-Agent'},
        '... and its user agent';
    ok $sink->verify_signature($request, $secret), '... and is signed';
    is $sink->header($request, 'X-SuperOffice-EventId'), $answer->{event},
        '... with the id of the event';
}

sub is_repeatable {
    my ($answer, $command) = @_;

    is run_curl($command)->{event}, $answer->{event}, 'a repeat has no effect';
}

# The members of an error, in their order.
sub test_refusal {
    my ($text) = texts_of('json');
    my $names = sub { join ' ', $_[0] =~ /"(\w+)":/g };
    my $answer = $server->request(GET => '/api/v1/Webhook/1',
        user => 'app:password');

    is $names->($answer->{content}), $names->($text), 'the form of an error';
}
