# SPDX-License-Identifier: Apache-2.0
# WebhookProbe On: an active webhook is saved only if its target takes the test
# event, and a refusal does not tell what is behind an address.
use strict;
use warnings FATAL => 'all';

use Test::More;
use WebhookApi qw(call entity path_of);
use WebhookCheck qw(answered decoded etag_of refused);
use WebhookServer ();
use WebhookSink ();

my $server = WebhookServer->new(conf => "WebhookTimeout 3s\n",
    directives => { WebhookProbe => undef })->start;
my $agents = '/api/v1/Agents/Webhook';
my $sink = WebhookSink->new(script => {
    '/bad' => [{ status => 500, body => 'secret answer' }],
    '/gone' => '410', '/close' => 'close', '/reset' => 'reset',
    '/hang' => 'hang', '/moved' => [{ status => 302,
        headers => [Location => 'http://127.0.0.1/'] }] });
my $nobody = WebhookServer::free_port();
my $tls = 'https://127.0.0.1:' . $sink->port . '/';

sub webhook {
    my ($target, %members) = @_;

    return { Name => 'probe', Events => ['a.b'], State => 'Active',
        Secret => 's3cret', Headers => { 'X-A' => 'b' },
        TargetUrl => $target =~ m{\A/} ? $sink->url($target) : $target,
        %members };
}

sub count { return scalar @{ decoded(call($server, GET => path_of())) } }

# -- targets that answer ---------------------------------------------------------

my $id = decoded(answered call($server, POST => path_of(), webhook('/fine')),
    200, 'POST with a target that answers')->{WebhookId};
my @requests = $sink->requests;

is @requests, 1, 'it was asked once';
is $sink->header($requests[0], 'X-Hook-Test'), 'true', '... by a test';
is $sink->header($requests[0], 'X-A'), 'b', '... with the headers';
ok $sink->verify_signature($requests[0], 's3cret'), '... signed';
is_deeply [@{ $sink->json($requests[0]) }{qw(Event PrimaryKey Changes)}],
    ['test', 0, []], '... the test event';

my $asked = 1;

# The target is asked so often by the call that answers like this.
sub asks {
    my ($times, $answer, $name) = @_;

    answered $answer, 200, $name;
    is scalar($sink->requests), $asked += $times, "... asks $times times";
    return;
}

asks(1, call($server, POST => "$agents/SaveWebhook", webhook('/fine')),
    'SaveWebhook');
asks(1, call($server, PUT => path_of($id), webhook('/fine?a=b')),
    'PUT of another target');
asks(0, call($server, POST => path_of(),
    webhook('/bad', State => 'Stopped')), 'POST of a stopped webhook');
asks(0, call($server, PUT => path_of($id),
    webhook('/bad', State => 'TooManyErrors')), 'PUT of a disabled one');
asks(1, call($server, PATCH => path_of($id),
    { State => 'Active', TargetUrl => $sink->url('/fine') }),
    'PATCH that makes it active');

# -- targets that do not ------------------------------------------------------------

my @targets = (['500', '/bad'], ['410', '/gone'], ['a redirect', '/moved'],
    ['nothing', '/close'], ['a reset', '/reset'], ['no end', '/hang'],
    ['no TLS', $tls], ['nobody', "http://127.0.0.1:$nobody/"],
    ['no such name', 'http://nothing.invalid/']);
my $before = entity($server, $id);
my $etag = etag_of(call($server, GET => path_of($id)));
my $count = count();
my %messages;

for (@targets) {
    my ($name, $target) = @$_;
    my %calls = (
        POST => call($server, POST => path_of(), webhook($target)),
        PUT => call($server, PUT => path_of($id), webhook($target)),
        PATCH => call($server, PATCH => path_of($id),
            { TargetUrl => webhook($target)->{TargetUrl} }),
        SaveWebhook => call($server, POST => "$agents/SaveWebhook",
            webhook($target)),
    );

    for my $method (sort keys %calls) {
        refused $calls{$method}, 400, qr/TargetUrl/, "$method: $name";
        my $error = decoded($calls{$method});

        is $error->{ErrorType}, 'ArgumentException', '... an argument';
        unlike $calls{$method}{content}, qr/secret|127\.0\.0\.1/,
            '... that tells nothing of the target';
        $messages{ $error->{Message} }++;
    }
}
is keys %messages, 1, 'all for the same reason' or diag join "\n", %messages;
is count(), $count, 'none is saved';
is_deeply entity($server, $id), $before, '... or changed';
is etag_of(call($server, GET => path_of($id))), $etag, '... at all';

done_testing;
