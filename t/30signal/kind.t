# SPDX-License-Identifier: Apache-2.0
# A kind of delivery that another module adds through include/mod_webhook.h:
# mod_signaltest adds "SignalTest", and itself sees to it that what must not be
# added is refused.
use strict;
use warnings FATAL => 'all';

use Test::More;
use WebhookApi qw(call create entity path_of signal);
use WebhookCheck qw(answered decoded refused);
use WebhookCtl ();
use WebhookRun ();
use WebhookServer qw(wait_for);
use WebhookSink ();

my $sink = WebhookSink->new(script => { '/retry' => [503, 200],
    '/teapot' => 418, '/accepted' => 202 });
my $server = WebhookServer->new(
    directives => { WebhookRetry => '100ms 100ms' })->start;

sub received {
    my ($path, $count) = @_;
    my @got;

    wait_for { @got = grep { $_->{path} eq $path } $sink->requests;
        @got >= $count } 20;
    @got >= $count or BAIL_OUT("$path: " . @got . " of $count requests");
    return @got;
}

sub value { return $sink->header(@_) }

sub webhook {
    my ($path, %members) = @_;

    return (Name => 'k', Type => 'signaltest', Events => ["kind.$path"],
        TargetUrl => $sink->url("/$path"), %members);
}

my $id = create($server, webhook('retry', Secret => 'k_one', Properties =>
    { colour => 'red', mod_webhook => { Secrets => [{ Secret => 'k_three' }] } },
    Headers => { 'X-Own' => 'o' }));

sub check_delivery {
    my ($when, $first) = @_;

    $sink->script({ '/retry' => [503, 200], '/teapot' => 418,
        '/accepted' => 202 });
    signal($server, 'kind.retry', 7, { a => 1 });
    my @got = (received('/retry', $first + 2))[$first, $first + 1];
    is $got[0]{body}, qq(it is kind.retry 7 {"a":1} attempt 0 of Default\n),
        "$when: the module's body";
    is value($got[0], 'Content-Type'), 'text/x-signaltest', '... its type';
    like value($got[0], 'X-First'), qr/\A\d{16}\z/, '... a header of the body';
    is value($got[0], 'X-Webhook'), 'k {"colour":"red"}',
        '... what it is told of the webhook';
    is value($got[0], 'X-Kind'), length($got[0]{body}) . ' bytes, attempt 0',
        '... one of the attempt, which knows the body';
    is value($got[0], 'X-Kind-Signature'), '5, 7', '... and all secrets';
    is value($got[0], 'X-Own'), 'o', '... one of the webhook';
    is scalar(grep { $_->[0] =~ /\AX-SuperOffice-/ } @{ $got[0]{headers} }), 0,
        '... and none of another kind';
    is $got[1]{body}, $got[0]{body}, 'the next attempt has the same body';
    is value($got[1], $_), value($got[0], $_), "... and $_"
        for 'Content-Type', 'X-First';
    like value($got[1], 'X-Kind'), qr/attempt 1\z/, '... and its own headers';
    return;
}

check_delivery('at first', 0);
is entity($server, $id)->{Type}, 'SignalTest', 'the type has one spelling';

# -- success --------------------------------------------------------------------

my $teapot = create($server, webhook('teapot'));
my $accepted = create($server, webhook('accepted'));
WebhookRun::expect_log(qr/WH1221: webhook \d+ event \S+ attempt 3: status/,
    qr/WH1278: webhook \d+ event \S+ attempt/);
signal($server, 'kind.teapot', 1, {});
my $event = signal($server, 'kind.accepted', 1, {});
ok $server->wait_for_log(qr/event $event attempt 3: status.*failed for good/,
    20), '202 is no success for it';
ok wait_for { entity($server, $teapot)->{TotalCalls} == 1 } 10;
is entity($server, $teapot)->{TotalErrors}, 0, '418 is one';

# -- failure ---------------------------------------------------------------------

$event = signal($server, 'kind.teapot', -1, {});
ok $server->wait_for_log(qr/event $event attempt 3: its type makes no/, 20),
    'what it makes no body of fails after all attempts';
ok wait_for { entity($server, $teapot)->{TotalErrors} == 3 } 10;
is scalar(received('/teapot', 1)), 1, '... and is not sent';

# -- saving ----------------------------------------------------------------------

refused(call($server, POST => path_of(), { webhook('x', Secret => 'x') }), 400,
    qr/\AWebhook Secret must begin with k_ for Type SignalTest\.\z/,
    'a secret that it does not take');
refused(call($server, POST => path_of(),
    { webhook('x', Headers => { 'x-kind-two' => 'x' }) }), 400,
    qr/"x-kind-two" is set by the sender/, 'a header that is its own');
refused(call($server, POST => path_of(), { webhook('x', Type => 'none') }), 400,
    qr/cloudevents or SignalTest\.\z/, 'another type');
{
    my $ctl = WebhookCtl->new($server);
    my $run = $ctl->run(qw(webhook update), $id, qw(--description x --no-probe));

    isnt $run->{status}, 0, 'webhookctl does not know it';
    like $run->{err}, qr/Type must be webhook, standardwebhooks or cloudevents\./,
        '... and says so';
}
my $result = decoded(answered call($server, POST => path_of('Test'),
    { webhook('test', Secret => 'k_') }), 200, 'the test event');
ok $result->{Success}, '... is taken';
my ($test) = received('/test', 1);
like value($test, 'X-Kind'), qr/, test\z/, '... the module knows that it is one';
is value($test, 'X-Hook-Test'), 'true', '... so does the receiver';

# -- restart ---------------------------------------------------------------------

$server->graceful;
check_delivery('after a restart', 2);

done_testing;
