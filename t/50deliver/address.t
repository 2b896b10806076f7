# SPDX-License-Identifier: Apache-2.0
# Targets that must not be called: not when they are saved, and not when they
# have got into the database some other way.
use strict;
use warnings FATAL => 'all';

use IO::Select ();
use IO::Socket::INET ();
use Test::More;
use WebhookApi qw(call create entity have_sql path_of signal sql sql_write);
use WebhookRun ();
use WebhookServer qw(wait_for);

WebhookRun::expect_log(
    qr/WH1221: webhook \d+ event \S+ attempt 1: (?:address not allowed|url),/,
    qr/WH1221: webhook \d+ event \S+ attempt \d+: .* failed for good/);

# Nobody answers here, and a connection is seen even if nothing is sent.
my $listener = IO::Socket::INET->new(Listen => 64, LocalAddr => '127.0.0.1')
    or BAIL_OUT("cannot listen: $!");
my $port = $listener->sockport;
my $six = eval {
    require IO::Socket::IP;
    IO::Socket::IP->new(Listen => 64, LocalHost => '::1', LocalPort => $port);
};
my $watch = IO::Select->new(grep { $_ } $listener, $six);
note $six ? 'with ::1' : 'without ::1';

sub refused {
    my ($server, $url, $message) = @_;
    my $answer = call($server, POST => path_of(),
        { Name => 't', Events => ['address'], TargetUrl => $url });

    is $answer->{status}, 400, "refused: $url";
    like $answer->{content}, $message, '... and why';
}

# Puts each address into a webhook's row, signals, and gives back what the
# attempts came to: [address => error].
sub attempts_of {
    my ($server, $saved, @urls) = @_;
    my %ids = map { ($_ => create($server, Events => ['address'],
        TargetUrl => $saved)) } @urls;

    sql_write($server, join '', (map { "UPDATE webhook SET target_url = '$_' "
        . "WHERE id = $ids{$_};" } @urls),
        "UPDATE meta SET value = value + 1 WHERE name = 'generation'");
    signal($server, 'address', 1);
    wait_for { !grep { !entity($server, $_)->{TotalErrors} } values %ids } 20;
    return map { [$_ => sql($server, 'SELECT DISTINCT a.error FROM attempt a '
        . 'JOIN delivery d ON d.id = a.delivery_id '
        . "WHERE d.webhook_id = $ids{$_}")] } @urls;
}

# -- no network is allowed: the default ----------------------------------------

my $server = WebhookServer->new(directives => {
    WebhookAllowNetwork => undef, WebhookRetry => '50ms' })->start;
my $not_allowed = qr/"Webhook TargetUrl: target address not allowed"/;

refused($server, $_, $not_allowed)
    for "http://127.0.0.1:$port/", "http://127.1:$port/",
    "http://2130706433:$port/", "http://0x7f.1:$port/",
    "http://0177.0.0.01:$port/", "http://127.0.0.1.:$port/",
    "http://0.0.0.0:$port/", "http://[::1]:$port/",
    "http://[::ffff:127.0.0.1]:$port/", "http://[0:0:0:0:0:0:0:1]:$port/",
    'http://169.254.169.254/latest/', 'http://10.0.0.1/', 'http://[fe80::1]/',
    'http://[fe80::1%25lo]/', 'http://192.0.2.1:22/';
refused($server, $_, qr/"Message":"Webhook TargetUrl must /)
    for 'file:///etc/passwd', "gopher://127.0.0.1:$port/_x", 'ftp://127.0.0.1/',
    "http://user:password\@127.0.0.1:$port/", '//127.0.0.1/', '/path', '',
    "http://127.0.0.1:$port/ x", "http://127.0.0.1:$port/\r\nX: y";

# A name is judged by what it means when it is called.
my $name = create($server, Events => ['name'],
    TargetUrl => "http://localhost:$port/");
my $event = signal($server, 'name', 1);
ok $server->wait_for_log(qr/event $event attempt 1: address not allowed/, 20),
    'a name that means this machine is saved, but not called';
wait_for { entity($server, $name)->{TotalErrors} } 10;
is entity($server, $name)->{LastError}, 'target address not allowed',
    '... and its owner sees that';

SKIP: {
    skip 'sqlite3 is not installed', 12 if !have_sql();
    my @addresses = ("http://127.0.0.1:$port/", "http://127.1:$port/",
        "http://2130706433:$port/", "http://0x7f000001:$port/",
        "http://0177.1:$port/",
        "http://0.0.0.0:$port/", "http://[::1]:$port/",
        "http://[::ffff:127.0.0.1]:$port/");

    for my $attempt (attempts_of($server, "http://localhost:$port/",
        @addresses)) {
        is $attempt->[1], 'address not allowed', "not called: $attempt->[0]";
    }
    for my $attempt (attempts_of($server, "http://localhost:$port/",
        "file:///etc/passwd", "gopher://127.0.0.1:$port/_x",
        "http://user\@127.0.0.1:$port/")) {
        isnt $attempt->[1], '', "not called: $attempt->[0]";
    }
    is sql($server, 'SELECT count(*) FROM delivery WHERE state = 1'), 0,
        'nothing counts as delivered';
}
is_deeply [$watch->can_read(0)], [], 'no connection was made';
$server->stop;

# -- a network is allowed, but its services are not ----------------------------

$server = WebhookServer->new(directives => { WebhookRetry => '50ms' })->start;
refused($server, 'http://127.0.0.1:25/', $not_allowed);
SKIP: {
    skip 'sqlite3 is not installed', 1 if !have_sql();
    for my $attempt (attempts_of($server, "http://127.0.0.1:$port/",
        'http://127.0.0.1:25/')) {
        is $attempt->[1], 'address not allowed', "not called: $attempt->[0]";
    }
}
$server->stop;

# -- https is required ---------------------------------------------------------

$server = WebhookServer->new(directives => {
    WebhookRequireHTTPS => undef, WebhookRetry => '50ms' })->start;
refused($server, "http://127.0.0.1:$port/",
    qr/"Webhook TargetUrl must be secure: 'HTTPS:' not found in http:/);
refused($server, "HTTP://127.0.0.1:$port/", qr/must be secure/);
SKIP: {
    skip 'sqlite3 is not installed', 1 if !have_sql();
    for my $attempt (attempts_of($server, "https://127.0.0.1:$port/",
        "http://127.0.0.1:$port/")) {
        isnt $attempt->[1], '', "not called: $attempt->[0]";
    }
}
is_deeply [$watch->can_read(0)], [], 'no connection was made';

done_testing;
