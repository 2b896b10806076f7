# SPDX-License-Identifier: Apache-2.0
# A webhook that hangs, fails or asks for a pause hurts nobody but itself.
use strict;
use warnings FATAL => 'all';

use Test::More;
use WebhookApi qw(create entity have_sql signal sql update);
use WebhookServer qw(wait_for);
use WebhookSink ();

my $sink = WebhookSink->new(script => { '*' => 200 });
my $hanging = WebhookSink->new(script => { '*' => 'hang' });
my $server = WebhookServer->new(conf => <<'END')->start;
WebhookConcurrency 32
WebhookThreads 1
WebhookTimeout 60s
WebhookRetry 1s 1s 1s 2s 2s 2s 2s 2s 2s 2s 2s 2s
END

sub got {
    my ($path) = @_;

    return grep { $_->{path} eq $path } $sink->requests;
}

sub numbers { return map { $sink->json($_)->{PrimaryKey} } @_ }

# -- more hanging ones than there are transfers --------------------------------------------

create($server, Events => ['crowd'], TargetUrl => $hanging->url("/$_"))
    for 1 .. 60;
create($server, Events => ['crowd'], TargetUrl => $sink->url('/healthy'));
# All that hang have their first transfers before the healthy one has anything.
signal($server, 'crowd', 0);
ok wait_for { $hanging->requests >= 24 } 20;
signal($server, 'crowd', $_) for 1 .. 100;
ok wait_for { got('/healthy') == 101 } 30;
cmp_ok scalar $hanging->requests, '<=', 60,
    'those that hang are tried with one transfer each';
$hanging->stop;

# -- failing: one probe at a time, and the others wait untried ------------------------------------

$sink->script({ '*' => 200, '/failing' => 503 });
my $failing = create($server, Events => ['fail'],
    TargetUrl => $sink->url('/failing'));
signal($server, 'fail', $_) for 1 .. 30;
ok wait_for { entity($server, $failing)->{ConsecutiveErrors} >= 5 } 30;
my @failed = got('/failing');
is scalar(grep { $_->{in_flight} > 4 } @failed), 0, 'few at one time';
SKIP: {
    skip 'sqlite3 is not installed', 2 if !have_sql();
    my $untried = sql($server, 'SELECT count(*) FROM delivery '
        . "WHERE webhook_id = $failing AND attempts = 0");

    cmp_ok $untried, '>=', 20, 'most deliveries have cost no attempt';
    # In one reading: the next probe may come at any moment.
    my ($attempts, $errors) = split /\|/, sql($server, 'SELECT (SELECT count(*)'
        . ' FROM attempt a JOIN delivery d ON d.id = a.delivery_id WHERE'
        . " d.webhook_id = $failing), total_errors FROM webhook_usage WHERE"
        . " webhook_id = $failing");

    is $attempts, $errors, '... and each attempt is on record';
}
# It is remembered: after a restart it begins with a probe.
my $before = @failed;
$server->graceful;
ok wait_for { got('/failing') > $before } 20;
cmp_ok((got('/failing'))[-1]{in_flight}, '<=', 2, 'a restart changes nothing');

my $mark = got('/failing');
$sink->script({ '*' => 200 });

# Each reading of its own: more may come between two.
sub recovered { my @got = got('/failing'); return @got[$mark .. $#got] }

ok wait_for { my %seen = map { ($_ => 1) } numbers(recovered());
    keys %seen == 30 } 60;
my @recovered = recovered();
my $first = $recovered[0]{time};
cmp_ok scalar(grep { $_->{time} < $first + 0.8 } @recovered), '<=', 14,
    'it recovers at a bounded rate';
ok wait_for { entity($server, $failing)->{ConsecutiveErrors} == 0 } 10;

# -- a pause that the receiver asks for ---------------------------------------------------------

for my $status (429, 503) {
    my $path = "/pause$status";

    $sink->script({ '*' => 200, $path => [{ status => $status,
        headers => ['Retry-After' => 3] }, { status => 200 }] });
    create($server, Events => ["pause$status"], TargetUrl => $sink->url($path));
    signal($server, "pause$status", 1);
    ok wait_for { got($path) == 1 } 20;
    ok $server->wait_for_log(qr/attempt 1: status, status $status/, 10);
    signal($server, "pause$status", $_) for 2 .. 5;
    ok wait_for { got($path) == 6 } 30;
    my @times = map { $_->{time} } got($path);
    cmp_ok $times[1] - $times[0], '>=', 2.9,
        "$status with Retry-After holds up all that the webhook has";
}

# -- and after a restart ------------------------------------------------------------------------

sub restart {
    my $old = $server->the_dispatcher;

    $server->graceful;
    return ok wait_for { ($server->dispatcher_pid // $old) != $old } 20;
}

$sink->script({ '*' => 200, '/rest' => [
    map { { status => 503, headers => ['Retry-After' => $_] } } 6, 3600]});
my $resting = create($server, Events => ['rest'], TargetUrl => $sink->url('/rest'));
signal($server, 'rest', 1);
ok wait_for { entity($server, $resting)->{ConsecutiveErrors} == 1 } 20;
restart();
signal($server, 'rest', $_) for 2 .. 4;
ok wait_for { got('/rest') == 2 } 30;
my @rest = map { $_->{time} } got('/rest');
cmp_ok $rest[1] - $rest[0], '>=', 5.9, 'the pause outlives the dispatcher';
ok wait_for { entity($server, $resting)->{ConsecutiveErrors} == 2 } 20;
$sink->script({ '*' => 200 });
update($server, $resting, Description => 'mended');
restart();
# All but the one that was told to wait for an hour.
ok wait_for(sub { got('/rest') == 5 }, 30), '... but not a change of the webhook';

# -- a change ends the wait for the schedule, too ------------------------------------------------

my $slowly = WebhookServer->new(directives => { WebhookRetry => '1h' })->start;

$sink->script({ '*' => 200, '/patient' => '503,503,503,200' });
my $patient = create($slowly, Events => ['wait'], TargetUrl => $sink->url('/patient'));
signal($slowly, 'wait', $_) for 1 .. 10;
ok wait_for { entity($slowly, $patient)->{TotalErrors} == 3 } 20;
is scalar(got('/patient')), 3, 'the others wait for the first one\'s next attempt';
update($slowly, $patient, Name => 'mended');
ok wait_for(sub { got('/patient') == 10 }, 20), '... or for a change of the webhook';
$slowly->stop;

# -- nor do answers count that are for the webhook as it was ------------------------------------

$sink->script({ '*' => 200, '/before' => [{ status => 503, delay => 1,
    headers => ['Retry-After' => 3600] }] });
my $moving = create($server, Events => ['move'], TargetUrl => $sink->url('/before'));
signal($server, 'move', 1);
ok wait_for { got('/before') == 1 } 20;
update($server, $moving, TargetUrl => $sink->url('/after'));
ok wait_for { entity($server, $moving)->{TotalErrors} == 1 } 20;
signal($server, 'move', $_) for 2 .. 4;
ok wait_for(sub { got('/after') == 3 }, 20),
    'a pause that the old receiver asks for is not the new one\'s';

$sink->script({ '*' => 200, '/left' => [{ status => 410, delay => 1 }] });
my $leaving = create($server, Events => ['leave'], TargetUrl => $sink->url('/left'));
signal($server, 'leave', 1);
ok wait_for { got('/left') == 1 } 20;
update($server, $leaving, TargetUrl => $sink->url('/found'));
ok wait_for(sub { got('/found') == 1 }, 20), '... nor that it is gone';
is entity($server, $leaving)->{State}, 'Active', '... which disables nobody';

# -- a save holds up nobody who does well ---------------------------------------------------------

$sink->script({ '*' => 200, '/busy' => '200,hang,200' });
my $busy = create($server, Events => ['busy'], TargetUrl => $sink->url('/busy'));
signal($server, 'busy', 1);
ok wait_for { entity($server, $busy)->{TotalCalls} == 1 } 20;
signal($server, 'busy', 2);
ok wait_for { got('/busy') == 2 } 20;
# Each time one more than one that hangs.
for my $change ([Description => 'another'], [Name => 'another'],
    [TargetUrl => $sink->url('/else')]) {
    my $before = got('/busy') + got('/else');

    update($server, $busy, @$change);
    signal($server, 'busy', $_) for 1 .. 3;
    ok wait_for(sub { got('/busy') + got('/else') >= $before + 3 }, 20),
        "$change->[0] is saved while one of its transfers hangs";
}

# -- large events for those that hang ------------------------------------------------------------

# Each waits for longer than is waited for here, and together their deliveries
# would be larger than what all may have in memory.
my $holding = WebhookSink->new(script => { '*' => 'hang' });
my $other = WebhookServer->new(conf => "WebhookTimeout 60s\n")->start;
create($other, Events => ['large'], TargetUrl => $holding->url("/$_"))
    for 1 .. 60;
create($other, Events => ['small'], TargetUrl => $sink->url('/small'));
signal($other, 'large', 0, {});
ok wait_for { $holding->requests == 60 } 30;
signal($other, 'large', $_, { text => 'x' x 250_000 }) for 1 .. 7;
signal($other, 'small', $_) for 1 .. 20;
ok wait_for { got('/small') == 20 } 20;
$holding->stop;
$other->stop;

# -- a rate of its own --------------------------------------------------------------------------

create($server, Events => ['rated'], TargetUrl => $sink->url('/rated'),
    Properties => { mod_webhook => { MaxRate => 5 } });
signal($server, 'rated', $_) for 1 .. 11;
ok wait_for { got('/rated') == 11 } 30;
my @rated = map { $_->{time} } got('/rated');
cmp_ok $rated[-1] - $rated[0], '>=', 1.7, 'five a second';
is scalar(grep { exists $sink->json($_)->{mod_webhook} } got('/rated')), 0,
    'the options are no part of the callback';

done_testing;
