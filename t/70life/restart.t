# SPDX-License-Identifier: Apache-2.0
# Restarts and stops under load: nothing is lost, nothing is sent twice, and
# nothing piles up.
use strict;
use warnings FATAL => 'all';

use Test::More;
use WebhookApi qw(create signal);
use WebhookLife ();
use WebhookServer qw(wait_for);

my $life = WebhookLife->new;
my $server = $life->server;

sub descriptors {
    my ($pid) = @_;

    return scalar(() = glob "/proc/$pid/fd/*");
}

# Graceful restarts that come only when the last one's dispatcher has gone, so
# that the count is one of a state at rest.
sub restart_and_count {
    my ($kind) = @_;

    $life->restart($kind => 1);
    wait_for { $server->dispatcher_pid } 15;
    return descriptors($server->pid);
}

my ($first, $last);
$life->phase('ten graceful restarts', 0, sub {
    $first = restart_and_count('graceful');
    $life->restart(graceful => 8);
    $last = restart_and_count('graceful');
});
is $last, $first, 'the parent has no more descriptors than after the first';
$life->phase('five restarts', 0, sub {
    $life->restart(restart => 4);
    is restart_and_count('restart'), $first, '... nor after restarts';
});
$life->phase('three stops', 0, sub {
    for (1 .. 3) {
        ok $server->stop, 'stopped under load';
        $server->start;
        $life->goes_on('started again');
    }
});
is scalar(grep { -e "/proc/$_" } $server->dispatcher_pids), 1,
    'one dispatcher at a time';

# -- a receiver that never answers does not hold the server up -----------------

$life->sink->script({ '/hang' => 'hang', '/load' => 200 });
create($server, Events => ['hang'], TargetUrl => $life->sink->url('/hang'));
signal($server, 'hang', $_) for 1 .. 20;
wait_for { grep { $_->{path} eq '/hang' } $life->sink->requests } 10;
$server->write_conf(directives => { %{ $server->{directives} },
    WebhookDrainTimeout => '3s' });
$life->phase('a restart with hanging transfers', 0, sub {
    $life->restart(graceful => 2);
});
ok wait_for { $server->dispatcher_pid } 15;
ok $server->graceful_stop, 'a graceful stop with hanging transfers';
unlike $server->error_log, qr/AH0004[56]:/, '... nothing had to be forced';
$server->start;
$life->phase('after it', 0, sub { $life->goes_on('started again') });
$life->finish;

done_testing;
