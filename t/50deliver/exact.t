# SPDX-License-Identifier: Apache-2.0
# The same bytes on every attempt, signed as they are sent, whatever happens
# between the attempts and however large they are.
use strict;
use warnings FATAL => 'all';

use Digest::SHA ();
use JSON::PP ();
use Test::More;
use WebhookApi qw(create entity have_sql signal sql try_signal update);
use WebhookHostile ();
use WebhookServer qw(wait_for);

plan skip_all => 'sqlite3 is not installed' if !have_sql();

use constant MEBI => 1024 * 1024;

my $receiver = WebhookHostile->new(bodies => 1);
my $slow = WebhookHostile->new(bodies => 1, slow => 5 * MEBI);
my $context = "Kunde \xc3\xa5";
my $server = WebhookServer->new(conf => qq(WebhookContext "$context"\n),
    directives => { WebhookRetry => '500ms 500ms 500ms 500ms',
        WebhookMaxBody => '64M', WebhookDrainTimeout => '1s' })->start;
my $json = JSON::PP->new->utf8;
my $secret = "s\xc3\xa9cret";

# A webhook as bytes: what is not ASCII is sent as it stands here.
sub hook {
    my ($event, $url) = @_;
    my $answer = $server->request(POST => '/api/v1/Webhook',
        headers => { 'Content-Type' => 'application/json' },
        content => qq({"Name":"Gr\xc3\xb6\xc3\x9fe \xf0\x9f\x98\x80 \\u0001",)
            . qq("Events":["$event"],"TargetUrl":"$url",)
            . qq("Secret":"$secret","Properties":{"\xc3\xa4":"\xe2\x82\xac",)
            . '"z":1,"a":[1.50,"\u2028"]}}');

    $answer->{content} =~ /"WebhookId":(\d+)/
        or BAIL_OUT("create: $answer->{status} $answer->{content}");
    return $1;
}

sub event_of { return $_[0]->header($_[1], 'X-SuperOffice-EventId') }

# The requests of one event, once there are so many.
sub requests_of {
    my ($at, $event, $count) = @_;
    my @got;

    wait_for { @got = grep { event_of($at, $_) eq $event } $at->requests;
        @got >= $count } 30;
    @got >= $count or BAIL_OUT("$event: " . @got . " of $count requests");
    return @got;
}

sub is_signed {
    my ($at, $request, $key) = @_;
    my $made = Digest::SHA::hmac_sha256_base64($at->body($request), $key);

    $made .= '=' while length($made) % 4;
    return $at->header($request, 'X-SuperOffice-Signature') eq $made;
}

sub are_same {
    my ($what, @requests) = @_;

    is_deeply [map { $_->{sha256} } @requests],
        [($requests[0]{sha256}) x @requests], $what;
    return;
}

sub attempts_of {
    my ($event) = @_;

    return sql($server, "SELECT a.status, ifnull(a.error, '') FROM attempt a"
        . ' JOIN delivery d ON d.id = a.delivery_id JOIN event e'
        . " ON e.id = d.event_id WHERE e.uuid = '$event' ORDER BY a.id");
}

# -- retries, the webhook changed and httpd restarted in between ----------------

my $id = hook('retry', $receiver->url('seq?gate,half-head,400,reset-head,ok'));
my $event = signal($server, 'retry', 1, "{\"\xc3\xbc\":null,\"b\":{}}");
requests_of($receiver, $event, 1);
update($server, $id, Name => 'another', Properties => { other => 1 },
    Secret => 'new');
$receiver->open_gate;
requests_of($receiver, $event, 2);
$server->graceful;
my @got = requests_of($receiver, $event, 5);
are_same('five attempts, the same bytes', @got[0 .. 4]);
is_deeply [map { $receiver->header($_, 'X-SuperOffice-Retry') } @got],
    [0 .. 4], '... each with its number';
ok is_signed($receiver, $got[0], $secret), 'signed by the bytes sent';
ok is_signed($receiver, $_, 'new'), '... the last with the secret of its time'
    for $got[4];
my $body = $receiver->body($got[0]);
like $body, qr/"Changes":\["\xc3\xbc","b"\]/, 'names of changes as they came';
like $body, qr/"ContextIdentifier":"\Q$context\E"/, 'the context';
like $body, qr/"WebhookName":"Gr\xc3\xb6\xc3\x9fe \xf0\x9f\x98\x80 \\u0001"/,
    'the name';
like $body, qr/"\xc3\xa4":"\xe2\x82\xac","z":1,"a":\[1\.5,/, 'the properties';
ok eval { $json->decode($body); 1 }, 'it is JSON';

# An attempt whose end the old dispatcher does not wait for: it may have arrived.
$id = hook('under.way', $receiver->url('seq?hang,ok'));
$event = signal($server, 'under.way', 1, { a => 1 });
requests_of($receiver, $event, 1);
update($server, $id, Name => 'another', Properties => { other => 1 });
$server->graceful;
@got = requests_of($receiver, $event, 2);
are_same('an attempt that a restart broke off: the same bytes', @got);
is_deeply [map { $receiver->header($_, 'X-SuperOffice-Retry') } @got], [0, 0],
    '... and no attempt that counts';
my $attempts = "SELECT group_concat(a.number || ':' || ifnull(a.error, '') || ':'"
    . " || (a.duration > 0) || ':' || a.address, ' ') FROM attempt a JOIN"
    . " delivery d ON d.id = a.delivery_id WHERE d.webhook_id = $id";
ok wait_for(sub { sql($server, $attempts) =~ / / }, 10), '... both on record';
is sql($server, $attempts), '1:stopped:1:127.0.0.1 1::1:127.0.0.1',
    '... and what became of them';
is entity($server, $id)->{TotalErrors}, 0, '... one of which is no error';

# -- what may be empty ----------------------------------------------------------

hook('empty', $receiver->url('ok'));
for my $data (undef, 'null', '{}', '[]', '""') {
    my $answer = try_signal($server, 'empty', 0, $data);
    my $what = defined $data ? $data : 'nothing';

    if ($answer->{status} != 204) {
        is $answer->{status}, 400, "data that is $what is refused";
        next;
    }
    my ($request) = requests_of($receiver,
        $answer->{headers}{'x-superoffice-eventid'}, 1);
    like $receiver->body($request), qr/"Changes":\[\],/, "data: $what";
    ok is_signed($receiver, $request, $secret), '... signed';
}

# -- 10 MiB ---------------------------------------------------------------------

# The names of changes are what a callback has of its data.
my @names = map { sprintf '%05d%s', $_, "\xc3\xb6" x 530 } 1 .. 9999;
my $large = '{' . join(',', map { qq("$_":0) } @names) . '}';
my $changes = '"Changes":[' . join(',', map { qq("$_") } @names) . ']';

cmp_ok length $changes, '>', 10 * MEBI, 'more than 10 MiB';
hook('large', $receiver->url('seq?503,1xx'));
hook('large', $slow->url('ok'));
$event = signal($server, 'large', 1, $large);
my @pair = requests_of($receiver, $event, 2);
my ($slowly) = requests_of($slow, $event, 1);
are_same('10 MiB, tried again: the same bytes', @pair);
ok index($receiver->body($pair[1]), $changes) > 0, '... all of them';
ok is_signed($receiver, $pair[1], $secret), '... signed';
ok is_signed($slow, $slowly, $secret), 'a receiver that reads slowly';
is $slowly->{length}, $pair[0]{length}, '... gets all of them';
is $receiver->header($pair[1], 'Content-Length'), $pair[1]{length},
    'their length is told';
is $receiver->header($_, 'Transfer-Encoding'), undef, '... no chunks'
    for $pair[1];
ok WebhookApi::settled($server, 20), 'all are delivered';

# A value of that size is not sent on.
$event = signal($server, 'empty', 1, '{"a":"' . 'x' x (10 * MEBI) . '"}');
my ($short) = requests_of($receiver, $event, 1);
like $receiver->body($short), qr/"Changes":\["a"\]/, '10 MiB in one value';

# Refused without having been read: what the sender sees of that depends on
# what comes first, the answer or the reset.
my $refuses = WebhookHostile->new(early_steps =>
    [[send => "HTTP/1.1 413 Large\r\nContent-Length: 0\r\n\r\n"], ['close']]);
hook('refused', $refuses->early_url);
$event = signal($server, 'refused', 1, $large);
ok wait_for(sub { attempts_of($event) }, 20), 'refused without being read';
like attempts_of($event), qr/\A(?:413\|status|0\|reset)$/m, '... a failure';
WebhookApi::remove($server, sql($server,
    'SELECT max(id) FROM webhook'));

# -- HTTP/1.0 -------------------------------------------------------------------

for my $name (qw(http10 http10-bare http10-keep)) {
    hook($name, $receiver->url($name));
    for my $key (1, 2) {
        $event = signal($server, $name, $key);
        requests_of($receiver, $event, 1);
        wait_for { attempts_of($event) ne '' } 10;
        is attempts_of($event), '200|', "$name: event $key is delivered";
    }
}

# -- a connection that is closed while it rests ---------------------------------

# The second request meets a connection that its receiver closes. libcurl sends
# it again by itself: one attempt, two requests with the same id.
hook('idle', $receiver->url('idle'));
$server->wait_for(sub { WebhookApi::settled($server, 1) }, 10);
my @events = map {
    my $one = signal($server, 'idle', $_);
    wait_for { attempts_of($one) ne '' } 10;
    $one;
} 1 .. 10;
my @counts = map { my $one = $_;
    scalar grep { event_of($receiver, $_) eq $one } $receiver->requests
} @events;
my ($twice) = grep { $counts[$_] == 2 } 0 .. $#events;
ok defined $twice, 'a request on a connection that is closed comes again';
@got = requests_of($receiver, $events[$twice], 2);
are_same('... with the same bytes', @got);
isnt $got[0]{connection}, $got[1]{connection}, '... on another connection';
is_deeply [map { $receiver->header($_, 'X-SuperOffice-Retry') } @got], [0, 0],
    '... and the same number';
is attempts_of($events[$twice]), '200|', '... as one attempt';
is_deeply [map { attempts_of($_) } @events], [('200|') x @events],
    'however often it happens it is never an error';
like $server->error_log, qr/WH1223: .* event $events[$twice] attempt 1: sent 2/,
    '... which the log tells';

# -- all of them ----------------------------------------------------------------

my @all = $receiver->requests;
my @old = grep { !is_signed($receiver, $_, $secret) &&
    !is_signed($receiver, $_, 'new') } @all;
is scalar @old, 0, 'each of ' . @all . ' requests is signed by its bytes';
is scalar(grep { defined $receiver->header($_, 'Expect') } @all), 0,
    'none waits for "100 Continue"';

done_testing;
