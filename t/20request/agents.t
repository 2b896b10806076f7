# SPDX-License-Identifier: Apache-2.0
# /api/v1/Agents/Webhook/{Method}: the eight methods, as its clients call them.
use strict;
use warnings FATAL => 'all';

use JSON::PP ();
use Test::More;
use WebhookApi qw(call create entity path_of remove signal);
use WebhookCheck qw(answered decoded etag_of message_of refused without);
use WebhookRun ();
use WebhookServer ();
use WebhookSink ();

# Targets that answer 500, on purpose.
WebhookRun::expect_log(qr/WH1221: webhook \d+ .* status 500/);

my $server = WebhookServer->new(conf => "WebhookRetry 100ms\n")->start;
my $sink = WebhookSink->new(script => { '/bad' => [{ status => 500,
    headers => ['X-Reason' => 'tired'], body => 'not today' }],
    '/created' => '201' });
my $json = JSON::PP->new->utf8->canonical->allow_nonref;
my $agents = '/api/v1/Agents/Webhook';
my $missing = 2_000_000_000;

# A call as the client of npm makes it: always a type, "null" for no body.
sub agent {
    my ($method, $body, %headers) = @_;

    return call($server, POST => "$agents/$method",
        defined $body ? $body : 'null', 'SO-Browser-TZ-Offset' => 0,
        Accept => 'application/json', %headers);
}

sub count { return scalar @{ decoded(call($server, GET => path_of())) } }

# -- CreateDefaultWebhook ----------------------------------------------------------

my $default = decoded(call($server, GET => path_of('default')));

for my $body ('null', '{}', '', ' ', undef) {
    my $answer = call($server, POST => "$agents/CreateDefaultWebhook", $body);
    my $name = defined $body ? "'$body'" : 'nothing';

    answered $answer, 200, "CreateDefaultWebhook with $name";
    is_deeply decoded($answer), $default, '... the default';
}
is count(), 0, 'it makes no webhook';

# -- SaveWebhook -------------------------------------------------------------------

# What the client of npm sends for a default webhook that was filled in.
my %camel = (
    webhookId => 0, name => "agent \x{e6}", events => ['a.b', 'c.d'],
    targetUrl => $sink->url('/in'), secret => 'Something Super Secret',
    state => 'Active', type => 'webhook', headers => { 'X-My' => 'Value' },
    properties => { My => { nested => [1] } },
    registered => '0001-01-01T00:00:00.000Z', registeredAssociate => undef,
    updated => '0001-01-01T00:00:00.000Z', updatedAssociate => undef,
    errorsEmail => undef, errorEmails => ['me@example.com'],
    errorAssociates => [], description => undef, notifyVia => 3, notifyWhen => 0,
    totalCalls => 0, totalErrors => 0, consecutiveErrors => 0, lastError => '',
);
my $saved = decoded(answered agent('SaveWebhook', \%camel), 200,
    'SaveWebhook makes a webhook');
my $id = $saved->{WebhookId};

cmp_ok $id, '>', 0, '... with an id';
is_deeply [sort keys %$saved], [sort keys %$default],
    '... all members and no links';
is $saved->{Name}, $camel{name}, '... its name';
is_deeply $saved->{Events}, $camel{events}, '... its events';
is $saved->{State}, 'Active', '... its state as a name';
is $saved->{NotifyVia}, 'Email, InApp', '... flags as names';
is $saved->{NotifyWhen}, 'None', '... none of them too';
is_deeply $saved->{Headers}, $camel{headers}, '... its headers';
is_deeply $saved->{Properties}, $camel{properties}, '... its properties';
is $saved->{Secret}, $camel{secret}, '... its secret';
like $saved->{Registered}, qr/\A20\d\d-\d\d-\d\dT/, '... and a date';
is_deeply without(entity($server, $id), '_Links'), $saved, '... and is kept';

for my $none (undef, 0) {
    my %entity = (%camel, webhookId => $none);
    my $made = decoded(answered agent('SaveWebhook', \%entity), 200,
        'SaveWebhook of ' . (defined $none ? 'id 0' : 'id null'));

    cmp_ok $made->{WebhookId}, '>', $id, '... makes another';
    remove($server, $made->{WebhookId});
}
{
    my $made = decoded(answered agent('SaveWebhook',
        without(\%camel, 'webhookId')), 200, 'SaveWebhook without an id');

    cmp_ok $made->{WebhookId}, '>', $id, '... makes another';
    remove($server, $made->{WebhookId});
}
{
    my $before = etag_of(call($server, GET => path_of($id)));
    my $changed = decoded(answered agent('SaveWebhook', { webhookId => $id,
        name => 'changed', targetUrl => $sink->url('/in'),
        events => ['e.f'], registered => '1999-01-01T00:00:00Z',
        totalCalls => 9 }), 200, 'SaveWebhook with an id changes');

    is $changed->{WebhookId}, $id, '... that webhook';
    is $changed->{Name}, 'changed', '... what is given';
    is $changed->{Secret}, undef, '... what is left out becomes the default';
    is $changed->{Registered}, $saved->{Registered}, '... not its date';
    is $changed->{TotalCalls}, 0, '... not its counters';
    is_deeply without(entity($server, $id), '_Links'), $changed, '... for good';
    isnt etag_of(call($server, GET => path_of($id))), $before,
        '... it is another version';
    is count(), 1, '... and makes no other';
    answered agent('SaveWebhook', { %camel, webhookId => $id }), 200,
        '... and back';
}
{
    # An entity that came from the server can be sent back as it is.
    my $answer = answered agent('SaveWebhook', entity($server, $id)), 200,
        'SaveWebhook of what GET gave';

    is_deeply without(decoded($answer), 'Updated'),
        without(without(entity($server, $id), '_Links'), 'Updated'),
        '... changes nothing';
}
refused agent('SaveWebhook', { %camel, webhookId => $missing }), 404, qr/./,
    'SaveWebhook of what is not there';
refused agent('SaveWebhook', $json->encode(\%camel) =~
    s/"webhookId":0/"webhookId":2147483648/r), 400, qr/32 bits/,
    'SaveWebhook of an id that is too large';
for (['nothing', ''], ['null', 'null'], ['an array', '[]'], ['a text', '"x"'],
     ['a wrapper', $json->encode({ webhook => \%camel })],
     ['http to a port that is not allowed',
        { %camel, targetUrl => 'https://8.8.8.8:22/' }],
     ['no target', { %camel, targetUrl => undef }],
     ['a state that is none', { %camel, state => 'Asleep' }],
     ['flags that are none', { %camel, notifyVia => 4 }],
     ['an id that is a text', { %camel, webhookId => 'x' }],
     ['an id that is no integer', $json->encode(\%camel) =~
        s/"webhookId":0/"webhookId":1.5/r]) {
    refused agent('SaveWebhook', $_->[1]), 400, qr/./, "SaveWebhook of $_->[0]";
}
is count(), 1, 'none of these has made a webhook';

# -- GetWebhook ------------------------------------------------------------------------

for my $query ("webhookId=$id", "WebhookId=$id", "WEBHOOKID=$id",
               "x=1&webhookid=$id&y", "webhookId=$id&webhookId=$missing") {
    my $answer = answered agent("GetWebhook?$query"), 200, "GetWebhook?$query";

    is_deeply decoded($answer), without(entity($server, $id), '_Links'),
        '... the webhook';
}
is_deeply decoded(call($server, POST => "$agents/GetWebhook?webhookId=$id")),
    without(entity($server, $id), '_Links'), 'GetWebhook without a body';
for my $none ($missing, 0, -1) {
    my $answer = answered agent("GetWebhook?webhookId=$none"), 200,
        "GetWebhook of $none, which is not there";

    is $answer->{content} =~ s/\s+//gr, 'null', '... null';
    is $answer->{headers}{'content-type'}, 'application/json; charset=utf-8',
        '... as JSON';
}
for my $query ('', '?webhookId=', '?webhookId=x', '?webhookId=1.5', '?id=1',
               '?webhookId=%zz') {
    refused agent("GetWebhook$query"), 400, qr/./, "GetWebhook$query";
}

# -- GetAllWebhooks -----------------------------------------------------------------------

my $stopped = create($server, Name => 'Other', State => 'Stopped', Secret => 's',
    TargetUrl => $sink->url('/in'), Events => ['e.f', 'A.B']);
my @all = ($id, $stopped);
my @filters = (
    ['null', @all], ['{}', @all], ['', @all],
    ['{"nameFilter":null,"eventFilter":null,"statusFilter":null}', @all],
    ['{"NameFilter":"","EventFilter":"","StatusFilter":""}', @all],
    ['{"nameFilter":"","eventFilter":"","statusFilter":0}', @all],
    ['{"statusFilter":"Unknown"}', @all],
    ['{"nameFilter":"Other","eventFilter":null}', $stopped],
    ['{"nameFilter":"OTHER"}', $stopped], ['{"nameFilter":"Othe"}'],
    ['{"eventFilter":"c.d"}', $id], ['{"EventFilter":"a.b"}', @all],
    ['{"eventFilter":"e"}'], ['{"statusFilter":"Stopped"}', $stopped],
    ['{"statusFilter":"stopped"}', $stopped], ['{"statusFilter":2}', $stopped],
    ['{"statusFilter":1}', $id], ['{"statusFilter":3}'],
    ['{"statusFilter":1,"nameFilter":"Other"}'],
    ['{"unknown":1}', @all],
);
for (@filters) {
    my ($body, @ids) = @$_;
    my $list = decoded(answered agent('GetAllWebhooks', $body), 200,
        "GetAllWebhooks $body");

    is_deeply [map { $_->{WebhookId} } @$list], \@ids, '... which';
    is_deeply [grep { defined $_->{Secret} || exists $_->{_Links} } @$list], [],
        '... without secrets and links';
}
for my $body ('[]', '"x"', '5', '{"statusFilter":"Asleep"}',
              '{"statusFilter":9}', '{"nameFilter":{}}', '{"eventFilter":[]}') {
    refused agent('GetAllWebhooks', $body), 400, qr/./, "GetAllWebhooks $body";
}

# -- TestWebhook ---------------------------------------------------------------------------

# The test events that the receiver has got: deliveries come when they come.
sub test_events {
    return grep { $sink->header($_, 'X-Hook-Test') } $sink->requests;
}

sub tested {
    my ($webhook, $success, $name) = @_;
    my $before = test_events();
    my $result = decoded(answered agent('TestWebhook',
        { webhook => $webhook }), 200, $name);
    my @after = test_events();

    ok !!$result->{Success} == $success, '... Success';
    is_deeply [sort keys %$result],
        [qw(FieldProperties Message Success TableRight)], '... as a result';
    is @after, $before + 1, '... one test event';
    is $sink->header($after[-1], 'X-Hook-Test'), 'true', '... which says so';
    is $sink->json($after[-1])->{Event}, 'test', '... in its name too';
    return $result;
}

tested({ %camel, webhookId => 0 }, 1, 'TestWebhook');
tested({ %camel, webhookId => $id, state => 'Stopped' }, 1,
    'TestWebhook of a saved one');
is tested({ %camel, targetUrl => $sink->url('/bad') }, 0,
    'TestWebhook of a bad target')->{Message} =~ /not today/, 1,
    '... the answer of the target';
for (['nothing', ''], ['null', 'null'], ['an empty object', '{}'],
     ['a null', '{"webhook":null}'], ['a text', '{"webhook":"x"}'],
     ['no wrapper', \%camel], ['no target', { webhook => { name => 'x' } }],
     ['a target that is none', { webhook => { %camel, targetUrl => 'x' } }]) {
    refused agent('TestWebhook', $_->[1]), 400, qr/./, "TestWebhook: $_->[0]";
}
{
    my $result = decoded(answered agent('TestWebhook', { WEBHOOK => \%camel }),
        200, 'TestWebhook in any case');

    ok $result->{Success}, '... Success';
}
is count(), 2, 'TestWebhook makes no webhook';

# -- SignalEvent ----------------------------------------------------------------------------

create($server, TargetUrl => $sink->url('/event'), Events => ['t20.agent']);

sub event_received {
    my ($body, $name) = @_;
    my $before = $sink->requests;
    my $answer = answered agent('SignalEvent', $body), 204, $name;
    my @requests = $sink->wait_for($before + 1, 15);

    is $answer->{content}, '', '... no content';
    return @requests ? $sink->json($requests[-1]) : {};
}

for (['data', '{"eventName":"t20.agent","primaryKey":7,"data":{"B":1,"a":{}}}',
      7, ['B', 'a']],
     ['Pascal case', '{"EventName":"t20.agent","PrimaryKey":-7,"Data":{"a":1}}',
      -7, ['a']],
     ['no data', '{"eventName":"t20.agent","primaryKey":7}', 7, []],
     ['data null', '{"eventName":"t20.agent","primaryKey":7,"data":null}', 7,
      []],
     ['data {}', '{"eventName":"t20.agent","primaryKey":0,"data":{}}', 0, []],
     ['an event in any case',
      '{"eventName":"T20.Agent","primaryKey":2147483647}', 2147483647, []]) {
    my ($name, $body, $key, $changes) = @$_;
    my $event = event_received($body, "SignalEvent with $name");

    is $event->{PrimaryKey}, $key, '... its primary key';
    is_deeply [sort @{ $event->{Changes} || ['?'] }], $changes,
        '... its changes';
    is lc($event->{Event} // ''), 't20.agent', '... its name';
}
for my $body ('', 'null', '[]', '{}', '{"primaryKey":7}',
    '{"eventName":null,"primaryKey":7}', '{"eventName":"","primaryKey":7}',
    '{"eventName":"a b","primaryKey":7}', '{"eventName":5,"primaryKey":7}',
    '{"eventName":"a.b","primaryKey":2147483648}',
    '{"eventName":"a.b","primaryKey":1.5}',
    '{"eventName":"a.b","primaryKey":"x"}',
    '{"eventName":"a.b","primaryKey":[]}',
    '{"eventName":"a.b","primaryKey":7,"data":[]}',
    '{"eventName":"a.b","primaryKey":7,"data":"x"}',
    '{"eventName":"a.b","eventName":"c.d","primaryKey":7}') {
    refused agent('SignalEvent', $body), 400, qr/./, "SignalEvent $body";
}

# -- GetLastError ----------------------------------------------------------------------------

my $failing = create($server, TargetUrl => $sink->url('/bad'),
    Events => ['t20.fails']);

sub last_error { return agent('GetLastError', { webhookId => $_[0] }) }

is decoded(answered last_error($id), 200, 'GetLastError'), '',
    '... an empty text when there was none';
signal($server, 't20.fails', 1, {});
ok +(WebhookServer::wait_for {
    (decoded(last_error($failing)) // '') ne '' } 15),
    '... a text after a failure';
like decoded(last_error($failing)), qr/not today/, '... with the answer';
is decoded(last_error($failing)), entity($server, $failing)->{LastError},
    '... as in the webhook';
is decoded(agent('GetLastError', { WEBHOOKID => $failing })),
    decoded(last_error($failing)), '... names in any case';
is answered(last_error($missing), 200, 'GetLastError of what is not there')
    ->{content} =~ s/\s+//gr, 'null', '... null';
for my $body ('', 'null', '{}', '[]', '{"webhookId":null}',
              '{"webhookId":"x"}', '{"webhookId":1.5}', '5') {
    refused agent('GetLastError', $body), 400, qr/./, "GetLastError $body";
}

# -- DeleteWebhook -----------------------------------------------------------------------------

for my $query ('WebhookId', 'webhookId', 'WEBHOOKID') {
    my $gone = create($server, TargetUrl => $sink->url);
    my $answer = answered agent("DeleteWebhook?$query=$gone"), 204,
        "DeleteWebhook?$query";

    is $answer->{content}, '', '... no content';
    refused call($server, GET => path_of($gone)), 404, qr/./, '... it is gone';
}
for my $query ('', '?WebhookId=', '?WebhookId=x') {
    refused agent("DeleteWebhook$query"), 400, qr/./, "DeleteWebhook$query";
}
like agent("DeleteWebhook?WebhookId=$missing")->{status}, qr/\A(?:204|404)\z/,
    'DeleteWebhook of what is not there';

# -- GET describes ------------------------------------------------------------------------------

my $count = count();
my $received = test_events();

for my $method (qw(CreateDefaultWebhook SaveWebhook GetWebhook DeleteWebhook
    GetAllWebhooks TestWebhook SignalEvent GetLastError)) {
    my $answer = answered call($server,
        GET => "$agents/$method?webhookId=$id&WebhookId=$id"), 200,
        "GET $method describes it";

    like $answer->{content}, qr/\Q$method\E/, '... by its name';
    unlike $answer->{content}, qr/Something Super Secret/, '... and no more';
    is call($server, HEAD => "$agents/$method")->{status}, 200,
        '... and HEAD too';
}
is count(), $count, 'it does not act';
is entity($server, $id)->{WebhookId}, $id, '... on what a query names';

# -- routes ----------------------------------------------------------------------------------------

for my $path ('/API/V1/agents/WEBHOOK/getwebhook', '/api/v1/AGENTS/webhook/GETWEBHOOK',
              '/api/deep/api/v1/Agents/Webhook/GetWebhook') {
    is decoded(call($server, POST => "$path?WEBHOOKID=$id", 'null'))
        ->{WebhookId}, $id, $path;
}
refused call($server, GET => "$agents/SaveWebhook", undef,
    Accept => 'image/png'), 406, qr/Accept/, 'a description as an image';
my $whole = call($server, POST => "$agents/GetWebhook?webhookId=$id", 'null',
    Range => 'bytes=0-9');
is $whole->{status}, 200, 'no part of an answer is asked for';
is decoded($whole)->{WebhookId}, $id, '... but all of it';
for my $path ("$agents/Nothing", "$agents/GetWebhookPlugins",
              "$agents/GetWebhook/1", "$agents/1") {
    refused call($server, POST => $path, 'null'), 404, qr/./, "POST $path";
    refused call($server, GET => $path), 404, qr/./, "GET $path";
}
for my $path ('/api/v1/Agents/Webhooks/GetWebhook',
              '/api/v1/Agent/Webhook/GetWebhook/x') {
    unlike call($server, POST => $path, 'null')->{content}, qr/"WebhookId"/,
        "$path is not ours";
}
refused agent('SaveWebhook', \%camel, 'Sec-Fetch-Site' => 'cross-site'), 403,
    qr/site/, 'another site saves nothing';
is $server->request(POST => "$agents/GetWebhook?webhookId=$id", user => '')
    ->{status}, 401, 'nobody: 401';
is count(), $count, 'and nothing has changed';
is scalar(test_events()), $received, '... nor been tested';

done_testing;
