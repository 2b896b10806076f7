# SPDX-License-Identifier: Apache-2.0
# What a receiver gets, byte by byte: headers, body, signature.
use strict;
use warnings FATAL => 'all';

use Digest::SHA qw(hmac_sha256_base64);
use Test::More;
use WebhookApi qw(create entity signal update);
use WebhookServer qw(wait_for);
use WebhookSink ();

my $sink = WebhookSink->new;
my $server = WebhookServer->new(conf => <<'END')->start;
WebhookContext "Cust 1"
SetEnvIf Request_URI "/window\." WEBHOOK_ASSOCIATE_ID=5
END
my $count = 0;

# The next request that the sink gets.
sub received {
    my @requests = $sink->wait_for(++$count, 20)
        or BAIL_OUT("delivery $count does not arrive");

    return $requests[$count - 1];
}

sub value { return $sink->header(@_) }

# -- all of it -----------------------------------------------------------------

# Sent as text: members keep their order, and the name is not ASCII.
my $secret = "s3cret-\xc3\xa5\xc3\x9f";
my $name = "Gr\xc3\xb6\xc3\x9fe \\\" \xe2\x9c\x93";
my $url = $sink->url('/in') . '?action=safeParse&key=%2Fa+b&empty=';
my $answer = $server->request(POST => '/api/v1/Webhook',
    headers => { 'Content-Type' => 'application/json' },
    content => qq({"Name":"$name","Events":["window.closed"],)
        . qq("TargetUrl":"$url","Secret":"$secret","Headers":)
        . '{"X-lower-UPPER":"v 1","X-Empty":"","Authorization":"Bearer t;1"},'
        . '"Properties":{"Zone":"z","Alpha":{"b":[1,null,true],"a":{}},'
        . qq("\xc3\xa4":"\xc3\xb6"}}));
is $answer->{status}, 200, 'a webhook with everything';
like $answer->{content}, qr/"WebhookId":(\d+)/, '... and its id';
my ($full) = $answer->{content} =~ /"WebhookId":(\d+)/;

my $id = signal($server, 'window.closed', 7,
    '{"windowName":"foo","widgets":123,"B":null,"a":{"x":1},"' . "\xc3\xa9"
    . '":0}');
my $got = received();

is $got->{method}, 'POST', 'method';
is "$got->{path}?$got->{query}", '/in?action=safeParse&key=%2Fa+b&empty=',
    'path and query exactly as registered';
is $got->{version}, 'HTTP/1.1', 'version';
is_deeply [sort map { $_->[0] } @{ $got->{headers} }],
    [sort qw(Host User-Agent Accept Content-Type Content-Length Authorization
        X-Empty X-lower-UPPER X-SuperOffice-Event X-SuperOffice-EventId
        X-SuperOffice-Retry X-SuperOffice-Signature)],
    'these headers, spelt so, and no other';
is value($got, 'Host'), '127.0.0.1:' . $sink->port, 'Host';
is value($got, 'Content-Type'), 'application/json; charset=utf-8',
    'Content-Type';
like value($got, 'User-Agent'),
    qr{\ANetServer-Webhook/\d+(?:\.\d+)+(?: \S+)?\z},
    'User-Agent';
is value($got, 'Content-Length'), length $got->{body}, 'Content-Length';
is value($got, 'X-SuperOffice-Event'), 'window.closed', 'event';
is value($got, 'X-SuperOffice-EventId'), $id, 'event id as in the answer';
is value($got, 'X-SuperOffice-Retry'), '0', 'first attempt';
is value($got, 'X-lower-UPPER'), 'v 1', 'a custom header';
is value($got, 'X-Empty'), '', 'an empty one is sent';
is value($got, 'Authorization'), 'Bearer t;1', 'and one with a semicolon';

my ($timestamp) = $got->{body} =~ /"Timestamp":"([^"]*)"/;
like $timestamp, qr/\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{0,6}[1-9])?Z\z/,
    'timestamp in UTC, without trailing zeros';
is $got->{body}, qq({"EventId":"$id","Timestamp":"$timestamp",)
    . qq("Changes":["windowName","widgets","B","a","\xc3\xa9"],)
    . '"Event":"window.closed","PrimaryKey":7,"Entity":"window",'
    . '"ContextIdentifier":"Cust 1","ChangedByAssociateId":5,'
    . qq("WebhookName":"$name","Zone":"z",)
    . qq("Alpha":{"b":[1,null,true],"a":{}},"\xc3\xa4":"\xc3\xb6"}),
    'the body, byte by byte';
is value($got, 'X-SuperOffice-Signature'),
    hmac_sha256_base64($got->{body}, $secret) . '=', 'the signature';
ok !$sink->verify_signature($got, 's3cret'), '... of no other secret';

# -- the smallest --------------------------------------------------------------

my $small = create($server, Name => '', Events => ['a', 'list.category.created',
    'n.0'], TargetUrl => $sink->url);

for my $case (['a', 0, undef, 'a', '[]'],
    ['list.category.created', -2147483648, '{}', 'list.category', '[]'],
    ['n.0', 2147483647, 'null', 'n', '[]'],
    ['a', 1, '{"":1}', 'a', '[""]'],
    ['A', 1, { one => 1 }, 'A', '["one"]']) {
    my ($event, $key, $data, $entity, $changes) = @$case;

    $id = signal($server, $event, $key, $data);
    $got = received();
    like $got->{body}, qr/\A\{"EventId":"$id","Timestamp":"[^"]+",
        "Changes":\Q$changes\E,"Event":"$event","PrimaryKey":$key,
        "Entity":"\Q$entity\E","ContextIdentifier":"Cust\ 1",
        "ChangedByAssociateId":0,"WebhookName":""\}\z/x, "$event $key";
    is value($got, 'X-SuperOffice-Signature'), undef,
        '... not signed without a secret';
    is value($got, 'X-SuperOffice-Event'), $event, '... and its event';
}

# -- one event, several webhooks -----------------------------------------------

update($server, $small, Events => ['window.closed'], Secret => 'two',
    Name => 'second');
$id = signal($server, 'window.closed', 8);
my @pair = (received(), received());
is_deeply [map { value($_, 'X-SuperOffice-EventId') } @pair], [$id, $id],
    'both get the same event id';
is_deeply [sort map { $_->{path} } @pair], ['/', '/in'], 'each at its target';
for my $request (@pair) {
    ok $sink->verify_signature($request,
        $request->{path} eq '/in' ? $secret : 'two'), '... signed with its own';
}

# -- the connection is kept ----------------------------------------------------

update($server, $full, State => 'Stopped');
my %connections;
# A call is counted when it is over: one that is still under way has the
# connection.
my $calls = 6;
for my $key (1 .. 20) {
    wait_for { entity($server, $small)->{TotalCalls} == $calls } 20
        or BAIL_OUT("call $calls is not counted");
    $calls++;
    signal($server, 'window.closed', $key);
    $connections{ received()->{connection} } = 1;
}
is scalar keys %connections, 1, 'twenty deliveries over one connection';

done_testing;
