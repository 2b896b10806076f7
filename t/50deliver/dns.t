# SPDX-License-Identifier: Apache-2.0
# Name servers that answer wrongly, too much or not at all, in namespaces of the
# test's own.
use strict;
use warnings FATAL => 'all';

use Test::More;
use WebhookDns ();

BEGIN { WebhookDns::enter() }

use WebhookApi qw(create have_sql signal sql);
use WebhookRun ();
use WebhookServer qw(wait_for);
use WebhookSink ();

# A name that is not answered keeps a thread of the C library for ten seconds, as
# resolv.conf has it, and a transfer for the two of WebhookConnectTimeout.
use constant {
    CONCURRENCY => 24,
    LOOKUPS_PER_TRANSFER => 10 / 2,
};

plan skip_all => 'sqlite3 is not installed' if !have_sql();

WebhookRun::expect_log(qr/WH1221: webhook \d+ event \S+ attempt 1: address not/);

my $dns = WebhookDns->new;
my $sink = WebhookSink->new;
my $server = WebhookServer->new(directives => {
    WebhookRetry => '1h', WebhookTimeout => '5s', WebhookConnectTimeout => '2s',
    WebhookEndpointConcurrency => 4, WebhookConcurrency => CONCURRENCY })
    ->start;

sub threads {
    my ($count) = WebhookServer::slurp('/proc/' . $server->dispatcher_pid
        . '/status') =~ /^Threads:\s+(\d+)/m;

    return $count;
}

sub hook {
    my ($event, $name) = @_;

    return create($server, Events => [$event],
        TargetUrl => "http://$name.test:" . $sink->port . "/$name");
}

sub attempt_of {
    my ($id) = @_;
    my $row = '';

    wait_for { $row = sql($server, 'SELECT d.state, a.status,'
        . " ifnull(a.error, '') FROM attempt a JOIN delivery d"
        . " ON d.id = a.delivery_id WHERE d.webhook_id = $id") } 20;
    return $row;
}

# Both delivery threads have worked by then.
my @first = map { hook('first', 'fine') } 1, 2;
signal($server, 'first', 1);
attempt_of($_) for @first;
my $idle = threads();

# -- each once -----------------------------------------------------------------

# name => what is recorded: state of the delivery, status, error
my $dead = '0|0|dns';
my %rows = (
    fine => ['1|200|', 'a name as it should be'],
    nxdomain => [$dead, 'NXDOMAIN'],
    servfail => [$dead, 'SERVFAIL'],
    refused => [$dead, 'REFUSED'],
    empty => [$dead, 'no records'],
    loop => [$dead, 'CNAMEs that go in a circle'],
    truncated => ['1|200|', 'TC=1, the rest over TCP'],
    many => ['1|200|', '1000 addresses, one of them right'],
    ttl0 => ['1|200|', 'TTL 0'],
    mixed => ['1|200|', 'one address that is not allowed, one that is'],
    inside => ['2|0|address not allowed', 'an address that is not allowed'],
    silent => ['0|0|timeout', 'silence'],
    'truncated-silent' => ['0|0|timeout', 'TC=1, then silence over TCP'],
);
my %odd = map { ($_ => 1) } qw(garbage short cut);

my %ids = map { ($_ => hook('odd', $_)) } sort(keys %rows, keys %odd);
signal($server, 'odd', 1);
for my $name (sort keys %rows) {
    is attempt_of($ids{$name}), $rows{$name}[0], $rows{$name}[1];
}
# What the resolver makes of them is its own matter; nobody is delivered to.
for my $name (sort keys %odd) {
    like attempt_of($ids{$name}), qr/\A0\|0\|(?:dns|timeout)\z/, $name;
}
is scalar(grep { $_->{path} eq '/ttl0' } $sink->requests), 1, 'TTL 0: once';
signal($server, 'odd', 2);

# -- silence holds nobody up ----------------------------------------------------

# The C library waits for an answer over TCP as long as the server lets it: one
# thread for each of the two attempts at truncated-silent.
$idle += 2;
ok wait_for(sub { threads() <= $idle }, 25),
    'lookups over UDP end when the resolver gives up';
my @silent = map { hook('silent', "silent-$_") } 1 .. 5;
my $well = hook('well', 'fine');
signal($server, 'well', 0);
signal($server, 'silent', $_) for 1 .. 20;
my ($most, $key) = (0, 0);
my $sent = sub { sql($server, 'SELECT count(*) FROM attempt a JOIN delivery d'
    . " ON d.id = a.delivery_id WHERE d.webhook_id = $_[0]") };
ok wait_for(sub {
    my $threads = threads();

    $most = $threads if $threads > $most;
    signal($server, 'well', ++$key);
    return $threads > $idle + 10 && $key > 20;
}, 20), 'names are waited for';
ok wait_for(sub { $sent->($well) == $key + 1 }, 20),
    'a healthy webhook is delivered to meanwhile';
my $longest = sql($server, 'SELECT max(duration) FROM attempt a JOIN delivery d'
    . " ON d.id = a.delivery_id WHERE d.webhook_id = $well");
cmp_ok $longest / 1e6, '<', 2, '... each time at once';
cmp_ok $most, '<=', $idle + CONCURRENCY * LOOKUPS_PER_TRANSFER,
    'not more threads than transfers have lookups';

done_testing;
