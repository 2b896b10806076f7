# SPDX-License-Identifier: Apache-2.0
# What is stored outlives a stop and a crash, and only its user can read it.
use strict;
use warnings FATAL => 'all';

use Test::More;
use WebhookApi qw(create entity have_sql settled signal sql);
use WebhookLoad ();
use WebhookServer qw(wait_for);
use WebhookSink ();

my $sink = WebhookSink->new;
my $server = WebhookServer->new(directives => { WebhookRetry => '1s 1s 1s 1s 1s 1s' })
    ->start;

sub mode_of { return sprintf '%04o', (stat $_[0])[2] & 07777 }

sub got { return grep { $_->{path} eq $_[0] } $sink->requests }

# -- files ---------------------------------------------------------------------

my $id = create($server, Events => ['stop'], TargetUrl => $sink->url('/stop'));
signal($server, 'stop', 1, { word => 'hush-hush' });
wait_for { got('/stop') == 1 } 20;
my $folder = $server->state_dir;
is mode_of($folder), '0700', 'the state directory is private';
my @files = grep { !/\.sock\z/ } glob "$folder/*";
ok scalar(grep { /webhook\.db\z/ } @files), 'the database is in it';
is_deeply [map { "$_ " . mode_of($_) } @files], [map { "$_ 0600" } @files],
    'and so are its files';
is mode_of("$folder/channel.sock"), '0600',
    'the socket is private too';
SKIP: {
    skip 'sqlite3 is not installed', 1 if !have_sql();
    is sql($server, 'PRAGMA journal_mode'), 'wal', 'the journal is a log';
}

# -- a retry waits across a stop -----------------------------------------------

# A stop may take longer than a wait: how many attempts come before it is not
# the point, but that they go on where they were.
$sink->script({ '/stop' => '503,503,503,503,503,503,200' });
signal($server, 'stop', 2, { a => 1 });
wait_for { entity($server, $id)->{TotalErrors} >= 1 } 20;
ok $server->stop, 'stopped while a retry is pending';
my $before = got('/stop');
cmp_ok $before, '<', 8, '... and it still is';
$server->start;
my $errors = entity($server, $id)->{TotalErrors};
wait_for { entity($server, $id)->{TotalErrors} > $errors } 20;
$server->crash;
$server->start;
wait_for { got('/stop') == 8 } 30;
my (undef, @attempts) = got('/stop');
is scalar @attempts, 7, 'the next ones are made after a start and after a crash';
is_deeply [map { $sink->header($_, 'X-SuperOffice-Retry') } @attempts], [0 .. 6],
    '... and counted on';
is_deeply [map { $_->{body} } @attempts], [($attempts[0]{body}) x 7],
    '... with the same bytes';

# -- a transfer is under way at a stop -----------------------------------------

$sink->script({ '/slow' => { status => 200, delay => 1 } });
create($server, Events => ['slow'], TargetUrl => $sink->url('/slow'));
signal($server, 'slow', 1);
wait_for { got('/slow') == 1 } 20;
ok $server->stop, 'stopped while a receiver is about to answer';
$server->start;
SKIP: {
    skip 'sqlite3 is not installed', 1 if !have_sql();
    is sql($server, 'SELECT count(*) FROM delivery WHERE state <> 1'), 0,
        'its answer was waited for and recorded';
}

# -- killed right after the acknowledgement ------------------------------------

$sink->script({ '*' => 200 });
create($server, Events => ['load.created'], TargetUrl => $sink->url('/load'));
my $load = WebhookLoad->new(port => $server->port, pace => 0);
for my $round (1 .. 3) {
    my $from = $load->acknowledged;

    $load->start;
    ok $load->wait_for(150, 30, $from), "round $round: under load";
    $server->crash;
    $load->stop;
    $server->start;
}
my $verdict;
wait_for { $verdict = $load->verdict(map { $_->{body} } got('/load'));
    !@{ $verdict->{lost} } } 30;
is_deeply $verdict->{lost}, [], "$verdict->{acknowledged} events were "
    . 'acknowledged, none is lost';
is_deeply $verdict->{foreign}, [], '... and none was invented';
note "$verdict->{duplicates} duplicates";
SKIP: {
    skip 'sqlite3 is not installed', 2 if !have_sql();
    ok settled($server, 20), 'nothing is pending';
    is sql($server, 'PRAGMA integrity_check'), 'ok', 'the database is sound';
}

done_testing;
