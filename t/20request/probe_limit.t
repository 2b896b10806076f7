# SPDX-License-Identifier: Apache-2.0
# Targets that hang hold a part of httpd's threads and no more, whether a child
# has one of them or many.
use strict;
use warnings FATAL => 'all';

use IO::Select ();
use IO::Socket::INET ();
use JSON::PP qw(encode_json);
use MIME::Base64 qw(encode_base64);
use Test::More;
use WebhookApi qw(call path_of);
use WebhookServer qw(wait_for);
use WebhookSink ();

my $basic = 'Basic ' . encode_base64('tje0:Tje0', '');

# A request whose answer is not waited for.
sub begin {
    my ($server, $body) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $server->port, Timeout => 10) or BAIL_OUT("connect: $!");

    print {$socket} 'POST ' . path_of('Test') . " HTTP/1.1\r\n"
        . "Host: 127.0.0.1\r\nAuthorization: $basic\r\nConnection: close\r\n"
        . "Content-Type: application/json\r\n"
        . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
    $socket->flush;
    return $socket;
}

# [MPM, its requests at one time, those that may wait for targets]
for (['prefork', 8, 2], ['event', 24, 6]) {
    my ($mpm, $threads, $most) = @$_;
    my $server = WebhookServer->new(mpm => $mpm,
        conf => "WebhookTimeout 20s\n")->start;
    my $sink = WebhookSink->new(script => { '/hang' => 'hang' });
    my $body = encode_json({ Name => 'limit', Events => ['a.b'],
        TargetUrl => $sink->url('/hang') });
    my @waiting;

    call($server, GET => path_of())->{status} == 200 or BAIL_OUT('no API');
    # One after the other, until each has asked its target.
    for my $number (1 .. $most) {
        push @waiting, begin($server, $body);
        ok $sink->wait_for($number, 20), "$mpm: probe $number";
    }
    my $refused = call($server, POST => path_of('Test'), $body);

    is $refused->{status}, 429, '... and no more';
    is $refused->{headers}{'retry-after'}, 1, '... for a while';
    is call($server, GET => path_of())->{status}, 200, 'others are answered';
    is scalar($sink->requests), $most, 'nobody else was asked';
    # That ends the waiting.
    $sink->stop;
    is_deeply [map { scalar readline $_ } @waiting],
        [("HTTP/1.1 200 OK\r\n") x $most], 'each gets its answer';
    $server->stop;
}
done_testing;
