# SPDX-License-Identifier: Apache-2.0
# Deliveries follow the webhooks: new ones, stopped ones, deleted ones, and
# one that is dead beside one that lives.
use strict;
use warnings FATAL => 'all';

use Test::More;
use WebhookApi qw(create entity have_sql remove settled signal sql update);
use WebhookServer qw(wait_for);
use WebhookSink ();

my $sink = WebhookSink->new;
my $server = WebhookServer->new(conf => <<'END', directives => {
StartServers 3
END
    WebhookRetry => '300ms 300ms 300ms 60s' })->start;

sub got { return grep { $_->{path} eq $_[0] } $sink->requests }

# -- saved before the signal: it gets it ---------------------------------------

# Each request is a new connection, so the children take turns.
my %missing;
for my $number (1 .. 50) {
    create($server, Events => ["new.$number"],
        TargetUrl => $sink->url("/new/$number"));
    signal($server, "new.$number", $number);
    $missing{$number} = 1;
}
wait_for { delete @missing{ map { m{\A/new/(\d+)} } map { $_->{path} }
    $sink->requests }; !%missing } 20;
is_deeply [sort keys %missing], [],
    'fifty webhooks get the event that was signalled right after them';

my $changed = create($server, Events => ['first'],
    TargetUrl => $sink->url('/changed'));
for my $number (1 .. 20) {
    update($server, $changed, Events => ["changed.$number"]);
    signal($server, "changed.$number", $number);
    signal($server, 'changed.' . ($number - 1), -$number);
}
wait_for { got('/changed') == 20 } 20;
is_deeply [sort { $a <=> $b } map { $sink->json($_)->{PrimaryKey} }
    got('/changed')], [1 .. 20], 'a change counts from the next signal on';

# -- stopped -------------------------------------------------------------------

my $stopped = create($server, Events => ['stop'],
    TargetUrl => $sink->url('/stopped'));
my $beside = create($server, Events => ['stop'],
    TargetUrl => $sink->url('/beside'));
signal($server, 'stop', 1);
wait_for { got('/stopped') == 1 } 20;
update($server, $stopped, State => 'Stopped');
signal($server, 'stop', 2);
update($server, $stopped, State => 'Active');
signal($server, 'stop', 3);
wait_for { got('/stopped') >= 2 && got('/beside') == 3 } 20;
is_deeply [map { $sink->json($_)->{PrimaryKey} } got('/stopped')], [1, 3],
    'a stopped webhook misses what comes meanwhile';
is scalar got('/beside'), 3, '... its neighbour does not';

# -- stopped while a delivery waits for its next attempt -----------------------

# The first answer comes when it is stopped, so that no attempt is before that.
my $answer = $server->root . '/answer';
$sink->script({ '/pause' => [{ status => 503, until => $answer }, 200] });
my $pause = create($server, Events => ['pause'],
    TargetUrl => $sink->url('/pause'));
signal($server, 'pause', 1);
wait_for { got('/pause') == 1 } 20;
update($server, $pause, State => 'Stopped');
WebhookServer::spew($answer, '');
wait_for { entity($server, $pause)->{TotalErrors} == 1 } 20;
# A sure sign that the time of the next attempt is over.
signal($server, 'stop', 4);
$sink->script({ '/beside' => '503,200', '/pause' => '200' });
my $wait = create($server, Events => ['wait'],
    TargetUrl => $sink->url('/beside'));
signal($server, 'wait', 1);
wait_for { grep { $_->{path} eq '/beside'
    && $sink->header($_, 'X-SuperOffice-Retry') } $sink->requests } 20;
is scalar got('/pause'), 1, 'nothing is sent while it is stopped';
update($server, $pause, State => 'Active');
wait_for { got('/pause') == 2 } 20;
is scalar got('/pause'), 2, '... what waited goes out when it is active again';

# -- deleted -------------------------------------------------------------------

$sink->script({ '/gone' => '503' });
my $gone = create($server, Events => ['gone'],
    TargetUrl => $sink->url('/gone'));
signal($server, 'gone', $_) for 1 .. 5;
wait_for { got('/gone') >= 5 } 20;
remove($server, $gone);
ok signal($server, 'gone', 6), 'nobody listens any more';
SKIP: {
    skip 'sqlite3 is not installed', 1 if !have_sql();
    ok settled($server, 15), 'what was pending is dropped';
}
my $number = got('/gone');
my $asked = got('/beside');
signal($server, 'wait', 2);
wait_for { got('/beside') > $asked } 20;
is scalar got('/gone'), $number, '... and not tried again';

# -- a dead one beside a living ------------------------------------------------

my $dead = WebhookSink->new(script => { '*' => 'hang' });
my @dead = map { create($server, Events => ['both'],
    TargetUrl => $dead->url("/$_")) } 1 .. 4;
create($server, Events => ['both'], TargetUrl => $sink->url('/alive'));
my $begin = time;
signal($server, 'both', $_) for 1 .. 100;
wait_for { got('/alive') == 100 } 30;
is scalar got('/alive'), 100, 'four hanging webhooks, a fifth gets everything';
ok wait_for { $dead->requests == 4 } 10;
my %per_path;
$per_path{ $_->{path} }++ for $dead->requests;
is_deeply [sort { $a <=> $b } values %per_path], [(1) x 4],
    '... while those that have never answered are tried with one each';
update($server, $_, State => 'Stopped') for @dead;
$dead->stop;

done_testing;
