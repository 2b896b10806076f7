# SPDX-License-Identifier: Apache-2.0
# Idempotency-Key: one event for one key, however often it is signalled.
use strict;
use warnings FATAL => 'all';

use POSIX ();
use Test::More;
use WebhookApi qw(create signal try_signal);
use WebhookServer qw(wait_for);
use WebhookSink ();

my $sink = WebhookSink->new;
my $server = WebhookServer->new->start;
my $count = 0;

create($server, Events => ['key.used'], TargetUrl => $sink->url);

sub id_of {
    my ($key, $number, $data, %headers) = @_;
    my $answer = try_signal($server, 'key.used', $number, $data,
        'Idempotency-Key' => $key, %headers);

    return $answer->{status} == 204
        ? $answer->{headers}{'x-superoffice-eventid'}
        : $answer->{status};
}

sub received {
    my @requests = $sink->wait_for(++$count, 20)
        or BAIL_OUT("delivery $count does not arrive");

    return $sink->json($requests[-1])->{EventId};
}

# A delivery that comes after everything else, so that nothing is on its way.
sub nothing_more {
    my ($what) = @_;

    signal($server, 'key.used', 99);
    received();
    is scalar $sink->requests, $count, $what;
    return;
}

my $first = id_of('one', 1, { a => 1, b => 2 });
is received(), $first, 'an event with a key is delivered';
is id_of('one', 1, { a => 1, b => 2 }), $first, 'again: 204 and the same id';
is id_of('one', 1, '{ "a" : 1,  "b" : 2 }'), $first,
    '... with other blanks in it too';
is id_of('one', 1, { a => 1, b => 3 }), 422, 'other data: 422';
is id_of('one', 1, { a => 1 }), 422, 'less data: 422';
is id_of('one', 2, { a => 1, b => 2 }), 422, 'another primary key: 422';
is try_signal($server, 'key.other', 1, { a => 1, b => 2 },
    'Idempotency-Key' => 'one')->{status}, 422,
    'another event that nobody listens to: 422';
nothing_more('... and none of it is delivered');

isnt id_of('One', 1, { a => 1, b => 2 }), $first, 'keys differ by case';
received();
my $answer = $server->request(POST => '/api/v1/Webhook/key.used/1',
    user => 'tje1:Tje1', headers => { 'Idempotency-Key' => 'one',
        'Content-Type' => 'application/json' }, content => '{"z":1}');
SKIP: {
    skip 'there is no second user', 1 if $answer->{status} == 401;
    isnt $answer->{headers}{'x-superoffice-eventid'}, $first,
        'another user has keys of its own';
    received();
}

# What is not stored is not remembered.
is try_signal($server, 'key.other', 1, {}, 'Idempotency-Key' => 'free')
    ->{status}, 204, 'an event with a key that nobody listens to';
$first = id_of('free', 2, { a => 1 });
is received(), $first, '... leaves the key to another event';
$first = id_of('one', 1, { a => 1, b => 2 });

# -- all at once ---------------------------------------------------------------

my @pids;
pipe my $read, my $write or BAIL_OUT("pipe: $!");
for (1 .. 8) {
    my $pid = fork;

    defined $pid or BAIL_OUT("fork: $!");
    if (!$pid) {
        syswrite $write, id_of('race', 5, { a => 1 }) . "\n";
        POSIX::_exit(0);
    }
    push @pids, $pid;
}
waitpid $_, 0 for @pids;
close $write;
my %ids = map { ($_ => 1) } <$read>;
is scalar keys %ids, 1, 'eight at once with one key: one event id';
is received() . "\n", (keys %ids)[0], '... that is delivered';
nothing_more('... once');

# -- later ---------------------------------------------------------------------

$server->stop;
$server->start;
is id_of('one', 1, { a => 1, b => 2 }), $first, 'known after a stop';
$server->crash;
$server->start;
is id_of('one', 1, { a => 1, b => 2 }), $first, 'known after a crash';
is id_of('one', 1, {}), 422, '... with its data';
nothing_more('... and not delivered again');

done_testing;
