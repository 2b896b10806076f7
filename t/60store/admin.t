# SPDX-License-Identifier: Apache-2.0
# Old rows go, new ones stay; and what an operator may do to the database of a
# running server loses nothing.
use strict;
use warnings FATAL => 'all';

use Test::More;
use WebhookApi qw(create database have_sql settled signal sql sql_write);
use WebhookLoad ();
use WebhookRun ();
use WebhookServer qw(wait_for);
use WebhookSink ();

plan skip_all => 'sqlite3 is not installed' if !have_sql();

# A writer that does not know the module's lock is in the way now and then.
WebhookRun::expect_log(qr/WH1101: database: .* failed \(\d+: database is locked\)/,
    qr/WH1101: database: .* failed \(\d+: database schema has changed\)/,
    qr/WH2001: event load\.created is not accepted/,
    qr/WH1341: 1 deliveries reached the end of WebhookRetention undelivered/);

my $sink = WebhookSink->new(script => { '/later' => '503' });
my $server = WebhookServer->new(directives => {
    WebhookRetention => '2h', WebhookRetry => '30m',
})->start;

# -- retention -----------------------------------------------------------------

create($server, Events => ['old'], TargetUrl => $sink->url('/old'));
create($server, Events => ['old'], TargetUrl => $sink->url('/later'));
my $first = signal($server, 'old', 1);
signal($server, 'old', 2);
wait_for { sql($server, 'SELECT count(*) FROM attempt') == 4 } 20;
is sql($server, 'SELECT count(*) FROM attempt'), 4, 'two events, two webhooks';

# Ids carry the time, in milliseconds, above 22 bits: three hours are more than
# WebhookRetention.
my $hours = 3 * 60 * 60 * 1000 << 22;
my $aged = "SELECT id FROM event WHERE uuid = '$first'";
# Looked at before the sweep can see it.
is sql_write($server, 'BEGIN IMMEDIATE;'
    . "UPDATE attempt SET id = id - $hours WHERE delivery_id IN "
    . "(SELECT id FROM delivery WHERE event_id = ($aged));"
    . "UPDATE attempt SET delivery_id = delivery_id - $hours WHERE id IN "
    . "(SELECT a.id FROM attempt a JOIN delivery d ON d.id = a.delivery_id "
    . "WHERE d.event_id = ($aged));"
    . "UPDATE delivery SET id = id - $hours, event_id = event_id - $hours "
    . "WHERE event_id = ($aged);"
    . "UPDATE event SET id = id - $hours WHERE uuid = '$first';"
    . 'SELECT count(*) FROM delivery d JOIN event e ON e.id = d.event_id '
    . "WHERE e.uuid = '$first'; COMMIT"), 2, 'one event has aged';
wait_for { sql($server, 'SELECT count(*) FROM event') == 1 } 30;
is sql($server, 'SELECT count(*) FROM event'), 1, 'the old event is gone';
wait_for { sql($server, 'SELECT count(*) FROM delivery') == 2 } 30;
is_deeply [split /\n/, sql($server, 'SELECT count(*) FROM delivery; '
    . 'SELECT count(*) FROM attempt')], [2, 2],
    '... with its deliveries and attempts, the other one is there';
ok $server->wait_for_log(qr/WH1341: 1 deliveries/, 10),
    'that one was never delivered is said';

# -- under load, by another program --------------------------------------------

create($server, Events => ['load.created'], TargetUrl => $sink->url('/load'));
my $load = WebhookLoad->new(port => $server->port, workers => 3)->start;
my $done = 0;
$load->wait_for(50, 20);
my @works = ('VACUUM', 'ANALYZE', 'CREATE INDEX by_name ON event (name)',
    'VACUUM', 'DROP INDEX by_name', 'PRAGMA wal_checkpoint(TRUNCATE)',
    'ALTER TABLE event ADD COLUMN note TEXT', 'REINDEX', 'VACUUM');
for my $work (@works) {
    my $from = $load->acknowledged;

    $done++ if system('sqlite3', '-cmd', '.timeout 20000', '-cmd',
        '.output ' . $server->root . '/sqlite3.out', database($server), $work)
        == 0 && $load->wait_for(20, 20, $from);
}
is $done, @works, 'maintenance while events come';
$load->stop;
my $verdict;
wait_for { $verdict = $load->verdict(map { $_->{body} }
    grep { $_->{path} eq '/load' } $sink->requests);
    !@{ $verdict->{lost} } } 30;
is_deeply $verdict->{lost}, [], "$verdict->{acknowledged} events were "
    . 'acknowledged, none is lost';
is $verdict->{duplicates}, 0, '... none came twice';
is_deeply [grep { $_ != 204 && $_ != 503 } keys %{ $verdict->{statuses} }], [],
    '... and each was answered with 204 or 503';
note join ', ', map { "$_: $verdict->{statuses}{$_}" }
    sort keys %{ $verdict->{statuses} };
wait_for { sql($server, 'SELECT count(*) FROM delivery d JOIN event e ON '
    . "e.id = d.event_id WHERE e.name = 'load.created' AND d.state <> 1") == 0 }
    20;
is sql($server, 'SELECT count(*) FROM delivery d JOIN event e ON '
    . "e.id = d.event_id WHERE e.name = 'load.created' AND d.state <> 1"), 0,
    'all outcomes are recorded';
is sql($server, 'PRAGMA integrity_check'), 'ok', 'the database is sound';

done_testing;
