# SPDX-License-Identifier: Apache-2.0
# A storm: hundreds of webhooks of hosts that are dead or hang, a backlog of
# thousands whose receiver comes back, and one webhook that is well beside them.
#
# With WEBHOOK_SOAK it is 1000 webhooks and a backlog of 50,000 (default: 300 and
# 5000).
use strict;
use warnings FATAL => 'all';

use Test::More;
use WebhookApi qw(create entity have_sql settled signal sql sql_write);
use WebhookServer qw(free_port wait_for);
use WebhookSink ();

plan skip_all => 'sqlite3 is not installed' if !have_sql();

use constant {
    CROWD => $ENV{WEBHOOK_SOAK} ? 1000 : 300,
    BACKLOG => $ENV{WEBHOOK_SOAK} ? 50_000 : 5000,
    # Of a step of one second at the least: a fifth less by jitter.
    STEP => 800_000,
};

my $healthy = WebhookSink->new;
my $hanging = WebhookSink->new(script => { '*' => 'hang' });
my $returning = WebhookSink->new;
my $dead = 'http://127.0.0.1:' . free_port() . '/';
my $server = WebhookServer->new(directives => { WebhookTimeout => '2s',
    WebhookRetry => join(' ', ('1s') x 64), WebhookDisableAfter => 'never' })
    ->start;

# How many of these webhooks have so many attempts behind them.
sub webhooks_with {
    my ($ids, $least) = @_;

    return sql($server, 'SELECT count(*) FROM (SELECT 1 FROM attempt a JOIN'
        . " delivery d ON d.id = a.delivery_id WHERE d.webhook_id IN ($ids)"
        . " GROUP BY d.webhook_id HAVING count(*) >= $least)");
}

# Deliveries that wait, an hour old, straight into the database.
sub fill {
    my ($id) = @_;
    my $now = int(time * 1e6);
    # Row ids: milliseconds since 2024.
    my $first = (int(time * 1000) - 1_704_067_200_000 - 3_600_000) << 22;

    sql_write($server, "BEGIN; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
        . ' SELECT i + 1 FROM n WHERE i < ' . BACKLOG . ') INSERT INTO event'
        . ' (id, uuid, context, name, primary_key, associate_id, time, data,'
        . " size) SELECT $first + 2 * i, printf('%08x-0000-7000-8000-%012x', i,"
        . " i), 'Default', 'backlog', i, 0, $now, '{}', 2 FROM n; INSERT INTO"
        . ' delivery (id, event_id, webhook_id, state, attempts, due, owner)'
        . " SELECT id + 1, id, $id, 0, 0, $now, 0 FROM event WHERE name ="
        . " 'backlog'; COMMIT");
    return;
}

# Pauses of these webhooks that are shorter than a step. From the third failure on
# an endpoint is probed: one delivery, a step after the last one.
sub hasty_probes {
    my ($at, $ids) = @_;

    return sql($at, 'SELECT group_concat(webhook_id || ":" || n || ":" || pause)'
        . ' FROM (SELECT webhook_id, started - lag(started + duration) OVER w'
        . ' AS pause, row_number() OVER w AS n FROM attempt a JOIN delivery d'
        . " ON d.id = a.delivery_id WHERE d.webhook_id IN ($ids) WINDOW w AS"
        . ' (PARTITION BY d.webhook_id ORDER BY started)) WHERE n > 3 AND pause'
        . ' < ' . STEP);
}

# -- far from it ---------------------------------------------------------------

# A server with nothing else to do than to wait for one that hangs; looked at in
# the end.
my $quiet = WebhookServer->new(directives => { WebhookTimeout => '1s',
    WebhookRetry => join(' ', ('1s') x 64), WebhookDisableAfter => 'never' })
    ->start;
my $alone = create($quiet, Events => ['alone'],
    TargetUrl => $hanging->url('/alone'));

signal($quiet, 'alone', $_) for 1 .. 9;

# -- all at once ---------------------------------------------------------------

create($server, Events => ['well'], TargetUrl => $healthy->url('/'));
my @crowd = map { create($server, Events => ['storm'], TargetUrl =>
    $_ % 2 ? $dead : $hanging->url("/$_")) } 1 .. CROWD;
my $crowd = join ',', @crowd;
my $backlog = create($server, Events => ['backlog'],
    TargetUrl => $returning->url('/'));

$returning->stop;
$server->stop;
fill($backlog);
$server->start;
my $dispatcher = $server->the_dispatcher;
my $number = 0;

# Events for the healthy one, and that they arrive.
sub is_well {
    my ($count, $name) = @_;

    signal($server, 'well', ++$number) for 1 .. $count;
    return ok scalar $healthy->wait_for($number, 30), $name;
}

signal($server, 'storm', $_) for 1 .. 5;
is_well(100, 'a healthy webhook is served while the storm begins');
ok wait_for(sub { is_well_quietly(); webhooks_with($crowd, 1) == CROWD }, 60),
    'each of the others is tried';
is_well(100, 'it is served while all of them fail');
ok wait_for(sub { is_well_quietly(); webhooks_with($crowd, 5) == CROWD }, 120),
    '... and are probed';
is_well(100, '... and are probed again');

# One event each time, so that it is never idle.
sub is_well_quietly {
    signal($server, 'well', ++$number);
    return;
}

# -- what that has cost --------------------------------------------------------

is hasty_probes($server, $crowd), '',
    'each endpoint is probed by one delivery, by the schedule';
# In one reading: the next probe may come at any moment.
my ($tried, $attempts, $untried) = split /\|/, sql($server, 'SELECT'
    . ' sum(attempts > 0), sum(attempts), sum(attempts = 0 AND state = 0) FROM'
    . " delivery WHERE webhook_id = $backlog");
cmp_ok $attempts, '>=', 3, 'the backlog has been tried';
is hasty_probes($server, $backlog), '', '... by its probes';
is $untried, BACKLOG - $tried, '... and the rest has cost no attempt';
is $server->dispatcher_pid, $dispatcher, 'the dispatcher lives';

# -- its receiver is back ------------------------------------------------------

$returning->start;
ok settled($server, $ENV{WEBHOOK_SOAK} ? 240 : 120, $backlog),
    'the backlog is delivered';
my @got = $returning->requests;
my %seen;

$seen{ $returning->json($_)->{PrimaryKey} }++ for @got;
is keys %seen, BACKLOG, '... all of it';
is scalar @got, BACKLOG, '... each once';
my ($failed, $errors) = split /\|/, sql($server, 'SELECT sum(attempts) - '
    . BACKLOG . ', (SELECT total_errors FROM webhook_usage WHERE webhook_id ='
    . " $backlog) FROM delivery WHERE webhook_id = $backlog AND state = 1");
is $failed, $errors, '... with no attempt but those that found it dead';
is sql($server, 'SELECT count(*) FROM attempt a JOIN delivery d ON d.id ='
    . " a.delivery_id WHERE d.webhook_id = $backlog AND a.error = 'connect'"),
    $errors, '... which are on record';

# Ten in the first second, and twice as many in each further one.
my @times = map { $_->{time} - $got[0]{time} } @got;
for my $second (1, 2, 3, 4) {
    my $most = 10 * (2**$second - 1);
    my $count = grep { $_ < $second - 0.1 } @times;

    cmp_ok $count, '<=', 1.3 * $most + 4,
        "... at a bounded rate: $count by second $second";
}
note sprintf 'backlog: %d in %.1f s', scalar @got, $times[-1];
is_well(20, 'the healthy webhook goes on');
is entity($server, $crowd[0])->{State}, 'Active', 'nobody is disabled';

cmp_ok sql($quiet, 'SELECT count(*) FROM attempt'), '>=', 5,
    'far from the storm one is probed';
is hasty_probes($quiet, $alone), '', '... by the schedule';

done_testing;
