# SPDX-License-Identifier: Apache-2.0
# The parent is killed and leaves children and dispatcher behind: the dispatcher
# sees it, hands back its work and ends; nothing is lost.
use strict;
use warnings FATAL => 'all';

use Test::More;
use Time::HiRes ();
use WebhookLife ();
use WebhookRun ();
use WebhookServer qw(wait_for);

WebhookRun::expect_log(qr/WH2001: event load\.created is not accepted/);

my $life = WebhookLife->new(directives => { WebhookSignalTimeout => '500ms' });
my $server = $life->server;

$life->phase('the parent is killed', 0, sub {
    my $dispatcher = $server->the_dispatcher;
    my $begin = Time::HiRes::time();

    kill 'KILL', $server->pid;
    ok wait_for { $server->reap } 10;
    ok wait_for { !-d "/proc/$dispatcher"
        || WebhookServer::slurp("/proc/$dispatcher/stat") =~ /\) Z/ } 20;
    my $took = Time::HiRes::time() - $begin;
    cmp_ok $took, '<', 8, sprintf 'its dispatcher ends after %.1f s', $took;
    like $server->error_log, qr/WH1352: .*the server is gone/,
        '... because the server is gone';
    like $server->error_log, qr/WH1354: .* has ended/, '... in good order';

    # Nobody stores anything now, and the children say so.
    my $answer = $server->request(
        POST => '/api/v1/Webhook/load.created/1', content => '');
    is $answer->{status}, 503, 'a child that is left accepts nothing';
    like $answer->{headers}{'retry-after'}, qr/\A\d+\z/, '... with Retry-After';

    $server->kill_group;
    ok wait_for { $server->group_ended } 10;
    $server->start;
    $life->goes_on('started again');
});
$life->finish;

done_testing;
