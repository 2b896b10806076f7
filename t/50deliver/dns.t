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

# A delivery thread has an eighth of its transfers as places for lookups. A quarter
# of them is for names that take longer than a second. A process looks up 64, those
# included that nobody waits for any more, and lives until nobody does, two seconds
# (WebhookConnectTimeout) at most after it has taken the last one.
use constant {
    THREADS => 2,
    CONCURRENCY => 256,
    PLACES => 256 / 8,
    EACH => 64,
    WORKERS => 4,
    SILENT => 200,
    EVENTS => 4,
};

plan skip_all => 'sqlite3 is not installed' if !have_sql();

WebhookRun::expect_log(qr/WH1221: webhook \d+ event \S+ attempt 1: address not/,
    qr/WH1402: the dispatcher has died .*\b[09]\b/,
    qr/WH2410: the process that looks names up is gone/);

my $dns = WebhookDns->new;
my $sink = WebhookSink->new;
my $server = WebhookServer->new(directives => {
    WebhookRetry => '1h', WebhookTimeout => '5s', WebhookConnectTimeout => '2s',
    WebhookThreads => THREADS, WebhookEndpointConcurrency => 4,
    WebhookConcurrency => CONCURRENCY })
    ->start;

# 0: it has just ended.
sub threads_of {
    my ($pid) = @_;

    open my $in, '<', "/proc/$pid/status" or return 0;
    my ($count) = map { /^Threads:\s+(\d+)/ ? $1 : () } <$in>;
    close $in;
    return $count // 0;
}

sub threads { return threads_of($server->dispatcher_pid) }

# The dispatcher's one child, and the children of that one. These have a thread for
# each lookup.
sub keeper {
    my $dispatcher = $server->dispatcher_pid or return 0;
    my ($keeper) = grep { $_->[2] == $dispatcher } WebhookServer::processes();

    return $keeper ? $keeper->[0] : 0;
}

sub workers {
    my $keeper = keeper() or return;

    return map { $_->[0] } grep { $_->[2] == $keeper }
        WebhookServer::processes();
}

sub lookups {
    my $count = 0;

    for my $threads (map { threads_of($_) } @_) {
        $count += $threads - 1 if $threads > 1;
    }
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

# The C library waits for an answer over TCP as long as the server lets it.
ok wait_for(sub { !workers() }, 10), 'no lookup outlasts its time for long';
is threads(), $idle, '... and none is a thread of the dispatcher';

my $well = hook('well', 'fine');
signal($server, 'well', 0);
ok wait_for(sub { attempt_of($well) }, 20), 'a webhook with a name that is known';

my @silent = map { hook('silent', ($_ % 2 ? '' : 'truncated-') . "hush-$_") }
    1 .. SILENT;
signal($server, 'silent', $_) for 1 .. EVENTS;
my ($most_threads, $most_lookups, $most_workers, $key) = (0, 0, 0, 0);
my $of_silent = 'webhook_id IN (' . join(', ', @silent) . ')';
my $given_up = sub { sql($server, 'SELECT count(*) FROM delivery WHERE'
    . " $of_silent AND attempts > 0") };
my $look = sub {
    my @workers = workers();
    my ($threads, $lookups) = (threads(), lookups(@workers));

    $most_threads = $threads if $threads > $most_threads;
    $most_workers = @workers if @workers > $most_workers;
    $most_lookups = $lookups if $lookups > $most_lookups;
    signal($server, 'well', ++$key);
};
ok wait_for(sub { $look->(); $most_lookups >= PLACES / 2 }, 10),
    'names are looked up';
my $new = hook('new', 'fine-too');
signal($server, 'new', 0);
my $arrived = sub { my ($path) = @_;
    return grep { $_->{path} eq $path } $sink->requests };
ok wait_for(sub { $look->(); $arrived->('/fine-too') }, 20),
    'a new webhook with a name has its turn';
ok wait_for(sub { $look->(); $given_up->() > 1.5 * PLACES }, 30),
    'places are free again for others, whatever they were taken by';
ok wait_for(sub { $arrived->('/fine') >= $key }, 20),
    'a healthy webhook is delivered to meanwhile';
# By the record: this test and the receiver may be late themselves.
my $longest = sql($server, 'SELECT max(a.started - e.time) FROM attempt a JOIN'
    . ' delivery d ON d.id = a.delivery_id JOIN event e ON e.id = d.event_id'
    . " WHERE d.webhook_id = $well AND e.primary_key > 0") / 1e6;
cmp_ok $longest, '<', 1.5, '... each time at once';
is $most_threads, $idle, 'no lookup is a thread of the dispatcher';
cmp_ok $most_workers, '<=', WORKERS, 'there are few processes';
cmp_ok $most_lookups, '<=', EACH * WORKERS, '... with as many lookups as they take';
cmp_ok $most_lookups, '>', PLACES, '... more than there are places, by those given up';
my $untouched = sql($server, 'SELECT count(*) FROM delivery WHERE'
    . " $of_silent AND attempts = 0");
cmp_ok $untouched, '>', SILENT * EVENTS / 2, 'what waits has cost no attempt';

# -- and goes on when it ends ------------------------------------------------------

$dns->speak;
ok wait_for(sub { my %seen = map { ($_->{path} => 1) }
    grep { $_->{path} =~ /hush/ } $sink->requests; keys %seen >= SILENT * 0.6 },
    30), 'names that are answered at last are delivered to';
ok wait_for(sub { !workers() }, 20), 'and then nothing is looked up';

# -- a worker that breaks down -----------------------------------------------------

# Killed while it looks the name up, which is two seconds: whoever comes too late
# for that tries again.
my $broken;
for my $try (1 .. 5) {
    my $unlucky = hook("unlucky.$try", "silent-unlucky-$try");
    my @workers;

    signal($server, "unlucky.$try", 1);
    wait_for { @workers = workers(); lookups(@workers) } 10
        or next;
    kill 'KILL', @workers;
    $broken = attempt_of($unlucky);
    last if $broken =~ /\|dns\z/;
}
like $broken, qr/\|dns\z/, 'a lookup fails with the process that makes it';
hook('again', 'fine-again');
signal($server, 'again', 1);
ok wait_for(sub { $arrived->('/fine-again') }, 20), '... the next one has another';
is threads(), $idle, '... and none is a thread of the dispatcher';

# -- processes end with each other -------------------------------------------------

my ($keeper, @ends) = (keeper());
my $late = hook('late', 'silent-late');
signal($server, 'late', 1);
ok wait_for(sub { @ends = workers() }, 10), 'a lookup';
kill 'KILL', $server->the_dispatcher;
ok wait_for(sub {
    my %alive = map { ($_->[0] => 1) } WebhookServer::processes();

    return !grep { $alive{$_} } $keeper, @ends;
}, 10), 'ends with its dispatcher';
my $next = wait_for(sub { keeper() }, 20);
ok $next, 'the next has its own';
kill 'KILL', $next if $next;
ok wait_for(sub { !keeper() }, 10), 'which ends';
my $before = $arrived->('/fine');
signal($server, 'well', 0);
ok wait_for(sub { $arrived->('/fine') > $before }, 20),
    'without it names are looked up nevertheless';
ok wait_for(sub { keeper() }, 30), '... until there is another one';
hook('later', 'fine-later');
signal($server, 'later', 1);
ok wait_for(sub { $arrived->('/fine-later') }, 20), '... which looks them up';

done_testing;
