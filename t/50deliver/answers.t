# SPDX-License-Identifier: Apache-2.0
# Receivers that answer badly, late, too much or not at all.
use strict;
use warnings FATAL => 'all';

use Test::More;
use WebhookApi qw(create entity have_sql signal sql);
use WebhookServer qw(wait_for);
use WebhookSink ();

my $sink = WebhookSink->new;
my $proxy = WebhookSink->new;
my $server = WebhookServer->new(directives => {
    WebhookRetry => '100ms 100ms 100ms 100ms', WebhookTimeout => '2s',
    WebhookConnectTimeout => '2s',
    WebhookEndpointConcurrency => 3,
});
{
    # httpd's environment is its operator's, not the owners' of webhooks.
    my $url = $proxy->url('');
    local @ENV{qw(http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY
        ALL_PROXY no_proxy)} = (($url) x 6, '');
    $server->start;
}

# More than is read of an answer.
my $much = 'x' x (100 * 1024);
my $status = "HTTP/1.1 200 OK\r\n";
# path => [answers, number of requests that come]
my %cases = (
    '/hang' => ['hang,200', 2, 'no answer within WebhookTimeout'],
    '/close' => ['close,200', 2, 'closed without an answer'],
    '/reset' => ['reset,200', 2, 'reset without an answer'],
    '/half' => [[{ raw => 'HTTP/1.1 20', close => 1 }, 200], 2,
        'half a status line'],
    '/nohead' => [[{ raw => "${status}X-A: 1\r\n", close => 1 }, 200], 2,
        'closed within the header'],
    '/words' => [[{ raw => "hello\r\n", close => 1 }, 200], 2,
        'something that is not HTTP'],
    '/version' => [[{ raw => "HTTP/7.3 200 OK\r\n\r\n", close => 1 }, 200], 2,
        'a version that nobody knows'],
    '/upgrade' => [[{ raw => "HTTP/1.1 101 Go\r\nUpgrade: x\r\n"
        . "Connection: Upgrade\r\n\r\n" }, 200], 2, 'another protocol'],
    '/header' => [[{ raw => $status . ('X-A: ' . 'x' x 8000 . "\r\n") x 12
        . "\r\n", close => 1 }, 200], 2, 'an endless header'],
    '/chunk' => [[{ raw => "${status}Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        close => 1 }, 200], 1, 'a success with a bad chunk'],
    '/short' => [[{ status => 200, body => 'x', length => 100, close => 1 },
        200], 1, 'a success with a short body'],
    '/stuck' => [[{ status => 200, body => 'x', length => 100 }, 200], 1,
        'a success whose body never ends'],
    '/drip' => [[{ status => 200, body => 'x' x 100, drip => 0.1 }, 200], 2,
        'an answer whose header drips too slowly'],
    '/large' => [[{ status => 200, body => $much }, 200], 1,
        'a success with more than is read'],
    '/large500' => [[{ status => 500, body => $much }, 200], 2,
        'a failure with more than is read'],
    '/continue' => [[{ raw => "HTTP/1.1 100 Continue\r\n\r\n"
        . "HTTP/1.1 103 Hints\r\nX: 1\r\n\r\n${status}Content-Length: 0\r\n\r\n"
        }, 200], 1, 'interim answers before a success'],
    '/binary' => [[{ status => 400, body => join '', map { chr } 0 .. 255 },
        200], 2, 'a failure with all bytes there are'],
);
my %ids;

$sink->script({ map { ($_ => $cases{$_}[0]) } keys %cases });
$ids{$_} = create($server, Events => ['odd'], TargetUrl => $sink->url($_))
    for sort keys %cases;
signal($server, 'odd', 1);

sub number {
    my ($path) = @_;

    return scalar grep { $_->{path} eq $path } $sink->requests;
}

for my $path (sort keys %cases) {
    my (undef, $count, $what) = @{ $cases{$path} };

    # A call is counted when its outcome is recorded.
    wait_for { entity($server, $ids{$path})->{TotalCalls} >= $count } 15;
    my $entity = entity($server, $ids{$path});
    is_deeply [@$entity{qw(TotalCalls TotalErrors ConsecutiveErrors)},
        number($path)], [$count, $count - 1, 0, $count],
        "$what: " . ($count > 1 ? 'tried again' : 'delivered once');
}
SKIP: {
    skip 'sqlite3 is not installed', 1 if !have_sql();
    cmp_ok sql($server, 'SELECT max(a.duration) FROM attempt a JOIN delivery d'
        . ' ON d.id = a.delivery_id WHERE d.webhook_id = ' . $ids{'/hang'}), '>=',
        1_900_000, 'a hanging receiver is waited for';
}
is scalar $proxy->requests, 0, 'proxies of the environment are not asked';

# -- the limit of one endpoint -------------------------------------------------

# Nothing is answered before all are there.
my $all = $server->root . '/all';
$sink->script({ '/slow' => { status => 200, delay => 0.2, until => $all } });
create($server, Events => ['slow'], TargetUrl => $sink->url('/slow'));
signal($server, 'slow', $_) for 1 .. 9;
WebhookServer::spew($all, '');
wait_for { number('/slow') == 9 } 20;
my @slow = grep { $_->{path} eq '/slow' } $sink->requests;
is scalar @slow, 9, 'a slow receiver gets everything';
my ($most) = sort { $b <=> $a } map { $_->{in_flight} } @slow;
cmp_ok $most, '<=', 3, 'never more than WebhookEndpointConcurrency at once';
cmp_ok $most, '>=', 2, '... but not one by one';

done_testing;
