# SPDX-License-Identifier: Apache-2.0
# $select and _Links, LastError, the test of a target, and the description of
# the API, which is compared with what the API does.
use strict;
use warnings FATAL => 'all';

use JSON::PP ();
use Test::More;
use WebhookApi qw(call create entity path_of remove signal);
use WebhookCheck qw(answered decoded refused without);
use WebhookNpm ();
use WebhookRun ();
use WebhookServer ();
use WebhookSink ();

# Targets that answer 500 and an application that nobody knows, on purpose.
WebhookRun::expect_log(qr/WH1221: webhook \d+ .* status 500/,
    qr/WH2033: user tje0: the application is not known/);

my $server = WebhookServer->new(conf => "WebhookRetry 100ms\n")->start;
my $sink = WebhookSink->new(script => {
    '/bad' => [{ status => 500, headers => ['X-Reason' => 'tired'],
        body => 'not today' }],
    '/fine' => [{ status => 200, headers => ['X-Mood' => 'good'],
        body => 'thank you' }],
    '/close' => 'close' });
my $agents = '/api/v1/Agents/Webhook';
my $missing = 2_000_000_000;
my %member = (Name => 'select', TargetUrl => $sink->url('/fine'),
    Events => ['a.b'], Secret => 's', Headers => { 'X-A' => 'b', 'X-C' => 'd' },
    Properties => { p => { q => 1, r => 2 } }, Description => 'text',
    State => 'Stopped');
my $id = create($server, %member);
my $failing = create($server, TargetUrl => $sink->url('/bad'),
    Events => ['t20.fails']);

# -- $select: what is not selected is null, and there ------------------------------

my $whole = without(entity($server, $id), '_Links');
my @selections = (
    ['Name,State', qw(Name State)], ['Name', qw(Name)],
    ['name, targeturl ,EVENTS', qw(Name TargetUrl Events)],
    ['WebhookId,Headers', qw(WebhookId Headers)],
    ['Name,Nothing,LastError', qw(Name LastError)],
    ['Nothing'], [',,Name,', qw(Name)],
    ['', keys %$whole], ['+', keys %$whole],
);

sub is_selected {
    my ($entity, $name, @members) = @_;
    my %expected = map { ($_ => undef) } keys %$whole;
    my %got = %{ without($entity, '_Links') };

    @expected{@members} = @$whole{@members};
    # They change with each answer.
    for my $stamp (qw(Updated UpdatedAssociate)) {
        $expected{$stamp} = $got{$stamp}
            if defined $expected{$stamp} && defined $got{$stamp};
    }
    is_deeply \%got, \%expected, $name;
    return;
}

for (@selections) {
    my ($select, @members) = @$_;
    my $query = '$select=' . $select =~ s/ /%20/gr;
    my %calls = (
        GET => call($server, GET => path_of($id) . "?$query"),
        'GET, escaped' => call($server,
            GET => path_of($id) . '?%24select=' . $select =~ s/ /+/gr),
        'GET, any case' => call($server,
            GET => path_of($id) . '?x=1&$SELECT=' . $select =~ s/ /+/gr),
        PUT => call($server, PUT => path_of($id) . "?$query", \%member),
        PATCH => call($server, PATCH => path_of($id) . "?$query", {}),
        GetWebhook => call($server,
            POST => "$agents/GetWebhook?webhookId=$id&$query", 'null'),
    );

    for my $name (sort keys %calls) {
        is_selected decoded(answered $calls{$name}, 200,
            "$name, \$select=$select"), '... the members', @members;
    }
}
{
    my $answer = answered call($server,
        POST => path_of() . '?$select=WebhookId,Name,State', \%member), 200,
        'POST with $select';
    my $made = decoded($answer);

    is_deeply [map { $made->{$_} } qw(Name State Secret TargetUrl Events)],
        ['select', 'Stopped', undef, undef, undef], '... the members';
    is entity($server, $made->{WebhookId})->{Secret}, 's',
        '... of a webhook that is complete';
    remove($server, $made->{WebhookId});
    my $list = decoded(answered call($server,
        POST => "$agents/GetAllWebhooks?\$select=Name,Secret",
        { nameFilter => 'select' }), 200, 'GetAllWebhooks with $select');

    is_selected { %{ $list->[0] }, Secret => 's' }, '... the members',
        qw(Name Secret);
    is $list->[0]{Secret}, undef, '... but secrets are not in a list';
}
{
    my $nested = decoded(call($server, GET => path_of($id)
        . '?$select=headers/x-a,Properties/p/q,RegisteredAssociate/Name'));

    is $nested->{Headers}{'X-A'}, 'b', 'a member of a member';
    is $nested->{Headers}{'X-C'}, undef, '... not another';
    is $nested->{Properties}{p}{q}, 1, '... deeper too';
    is $nested->{Properties}{p}{r}, undef, '... not another';
    is $nested->{RegisteredAssociate}{Name}, 'tje0', '... of an associate';
    is $nested->{RegisteredAssociate}{Type}, undef, '... not all of it';
    is $nested->{Name}, undef, '... and nothing else';
}
is entity($server, $id)->{Description}, 'text', 'a selection changes nothing';

# -- _Links ----------------------------------------------------------------------------

my %linked = (
    GET => call($server, GET => path_of($id)),
    POST => call($server, POST => path_of(), \%member),
    PUT => call($server, PUT => path_of($id), \%member),
    PATCH => call($server, PATCH => path_of($id), {}),
);
for my $name (sort keys %linked) {
    my $entity = decoded($linked{$name});
    my $links = $entity->{_Links};

    is ref $links, 'HASH', "$name has links" or next;
    is_deeply [grep { !defined || ref } values %$links], [], '... of texts';
    like $links->{Self}, qr{/api/v1/Webhook/$entity->{WebhookId}\z},
        '... itself';
    my $path = $links->{Self} =~ s{\Ahttp://127\.0\.0\.1:\d+}{}r;

    is decoded(call($server, GET => $path))->{WebhookId}, $entity->{WebhookId},
        '... and that leads back';
}
remove($server, decoded($linked{POST})->{WebhookId});
{
    my %plain = (
        default => decoded(call($server, GET => path_of('default'))),
        list => decoded(call($server, GET => path_of()))->[0],
        CreateDefaultWebhook => decoded(call($server,
            POST => "$agents/CreateDefaultWebhook", 'null')),
        GetWebhook => decoded(call($server,
            POST => "$agents/GetWebhook?webhookId=$id", 'null')),
        SaveWebhook => decoded(call($server, POST => "$agents/SaveWebhook",
            { %member, WebhookId => $id })),
        GetAllWebhooks => decoded(call($server,
            POST => "$agents/GetAllWebhooks", '{}'))->[0],
    );

    for my $name (sort keys %plain) {
        ok exists $plain{$name}{Name} && !exists $plain{$name}{_Links},
            "$name has none";
    }
}
answered call($server, PUT => path_of($id), entity($server, $id)), 200,
    'an entity with links can be sent back';

# -- LastError -----------------------------------------------------------------------------

is decoded(answered call($server, GET => path_of($id, 'LastError')), 200,
    'LastError'), '', '... an empty text when there was none';
signal($server, 't20.fails', 1, {});
ok +(WebhookServer::wait_for {
    (entity($server, $failing)->{LastError} // '') ne '' } 15),
    'a delivery fails';
{
    my $error = decoded(call($server, GET => path_of($failing, 'lasterror')));

    like $error, qr/\b500\b/, 'LastError has the status';
    like $error, qr/X-Reason: tired/i, '... the headers';
    like $error, qr/not today/, '... and the body of the answer';
    is $error, entity($server, $failing)->{LastError}, '... as the webhook has';
}
refused call($server, GET => path_of($missing, 'LastError')), 404, qr/./,
    'LastError of what is not there';
refused call($server, GET => path_of('a.b', 'LastError')), 405, qr/./,
    'LastError of a name is a signal';

# -- POST /Test ------------------------------------------------------------------------------

# The test events that the receiver has got: deliveries come when they come.
sub test_events {
    return grep { $sink->header($_, 'X-Hook-Test') } $sink->requests;
}

sub tested {
    my ($body, $path, $name) = @_;
    my $before = test_events();
    my $result = decoded(answered call($server, POST => path_of($path), $body),
        200, $name);
    my @requests = test_events();

    is_deeply [sort keys %$result],
        [qw(FieldProperties Message Success TableRight)], '... a result';
    is_deeply [@$result{qw(TableRight FieldProperties)}], [undef, {}],
        '... without rights and properties';
    ok JSON::PP::is_bool($result->{Success}) && !ref $result->{Message},
        '... a boolean and a text';
    return ($result, @requests[$before .. $#requests]);
}

for my $path (qw(Test test TEST)) {
    my ($result, @requests) = tested({ %member, State => 'Active' }, $path,
        "POST /$path");

    ok $result->{Success}, '... Success';
    like $result->{Message}, qr/X-Mood: good/i, '... the headers';
    like $result->{Message}, qr/thank you/, '... and the body of the answer';
    is @requests, 1, '... the target was asked once';
    is $sink->header($requests[0], 'X-Hook-Test'), 'true', '... as a test';
    is $sink->header($requests[0], 'X-A'), 'b', '... with its headers';
    ok $sink->verify_signature($requests[0], 's'), '... signed';
    my $event = $sink->json($requests[0]);

    is_deeply [@$event{qw(Event Entity PrimaryKey Changes WebhookName)}],
        ['test', 'test', 0, [], 'select'], '... the test event';
    is_deeply $event->{p}, $member{Properties}{p}, '... with its properties';
}
for my $bad (['/bad', qr/not today/], ['/close', qr/./]) {
    my ($result, @requests) = tested({ %member,
        TargetUrl => $sink->url($bad->[0]) }, 'Test', "POST /Test of $bad->[0]");

    ok !$result->{Success}, '... no Success';
    like $result->{Message}, $bad->[1], '... and why';
    is @requests, 1, '... asked once';
}
{
    my $port = WebhookServer::free_port();
    my ($result) = tested({ %member,
        TargetUrl => "http://127.0.0.1:$port/" }, 'Test',
        'POST /Test of a port where nobody listens');

    ok !$result->{Success}, '... no Success';
    like $result->{Message}, qr/\S/, '... and why';
}
{
    my $count = @{ decoded(call($server, GET => path_of())) };

    refused call($server, POST => path_of('Test'), $_->[1]), 400, $_->[2],
        "POST /Test with $_->[0]"
        for ['nothing', '', qr/./], ['null', 'null', qr/./],
            ['an array', '[]', qr/./],
            ['no target', { Name => 'x' }, qr/TargetUrl/],
            ['a bad target', { %member, TargetUrl => 'x' }, qr/TargetUrl/],
            ['a forbidden one', { %member, TargetUrl => 'https://10.0.0.1/' },
                qr/not allowed/],
            ['a bad header', { %member, Headers => { Host => 'x' } },
                qr/Headers/];
    is scalar @{ decoded(call($server, GET => path_of())) }, $count,
        'a test saves nothing';
}

# -- openapi.json -------------------------------------------------------------------------------

my $described = answered call($server, GET => path_of('openapi.json')), 200,
    'openapi.json';
my $openapi = decoded($described);
my %operations = (
    'GET /Webhook/default' => 'v1Webhook_DefaultWebhook',
    'GET /Webhook/openapi.json' => 'v1Webhook_GetOpenApi',
    'GET /Webhook' => 'v1Webhook_GetAllWebhooks',
    'POST /Webhook' => 'v1Webhook_PostWebhook',
    'POST /Webhook/Test' => 'v1Webhook_TestWebhook',
    'GET /Webhook/{id}' => 'v1Webhook_GetWebhook',
    'PUT /Webhook/{id}' => 'v1Webhook_PutWebhook',
    'PATCH /Webhook/{id}' => 'v1Webhook_PatchWebhook',
    'DELETE /Webhook/{id}' => 'v1Webhook_DeleteWebhook',
    'GET /Webhook/{id}/LastError' => 'v1Webhook_GetLastError',
    'GET /Webhook/{id}/Deliveries' => 'v1Webhook_GetDeliveries',
    'GET /Webhook/{id}/Replays' => 'v1Webhook_GetReplays',
    'POST /Webhook/{id}/Replays' => 'v1Webhook_PostReplay',
    'GET /Webhook/Events/{eventId}/Deliveries' =>
        'v1Webhook_GetEventDeliveries',
    'GET /Webhook/Deliveries/{deliveryId}' => 'v1Webhook_GetDelivery',
    'POST /Webhook/Deliveries/{deliveryId}/Replay' =>
        'v1Webhook_ReplayDelivery',
    'GET /Webhook/Replays/{replayId}' => 'v1Webhook_GetReplay',
    'DELETE /Webhook/Replays/{replayId}' => 'v1Webhook_DeleteReplay',
    'POST /Webhook/{eventName}/{primaryKey}' => 'v1Webhook_SignalEvent',
    map { ("POST /Agents/Webhook/$_" => "v1WebhookAgent_$_") }
        qw(CreateDefaultWebhook SaveWebhook GetWebhook DeleteWebhook
        GetAllWebhooks TestWebhook SignalEvent GetLastError),
);

like $described->{headers}{'content-type'}, qr{\Aapplication/json\b}, '... JSON';
like $openapi->{openapi}, qr/\A3\.1\.\d+\z/, '... OpenAPI 3.1';
is call($server, GET => '/api/v1/webhook/OpenAPI.json')->{content},
    $described->{content}, '... in any case';

my $base = ($openapi->{servers} || [])->[0]{url} // '';
my %found;

for my $path (sort keys %{ $openapi->{paths} || {} }) {
    for my $method (grep { /\A(?:get|put|post|patch|delete)\z/ }
                    sort keys %{ $openapi->{paths}{$path} }) {
        $found{ uc($method) . " $path" } =
            $openapi->{paths}{$path}{$method}{operationId};
    }
}
is_deeply \%found, \%operations, 'its operations are those of the API';
like $base, qr{/api/v1\z}, 'its server is where it came from';
$base =~ s{\Ahttps?://[^/]+}{};

# Two webhooks with two deliveries each, which are sent once more now and then.
my ($beside, $replayed) = map { create($server, Events => ['t20.replayed'],
    TargetUrl => $sink->url('/replayed')) } 1, 2;
my ($replayed_event) = map { signal($server, 't20.replayed', $_) } 1, 2;

sub log_of { return decoded(call($server, GET => path_of(@_))) }

# Nothing is pending, no replay is open.
sub wait_for_rest {
    WebhookServer::wait_for {
        !grep({ $_->{State} eq 'pending' }
            @{ log_of($replayed, 'Deliveries')->{Deliveries} })
        && !grep({ $_->{State} !~ /done|cancelled/ }
            @{ log_of($replayed, 'Replays') })
    } 20 or BAIL_OUT('a delivery or a replay does not end');
    return;
}

wait_for_rest();
my $delivery = log_of($replayed, 'Deliveries')->{Deliveries}[0]{Id};

sub start_replay {
    return decoded(call($server, POST => path_of($replayed, 'Replays')))->{Id};
}

# One that was cancelled before it was done.
sub cancelled_replay {
    for (1 .. 50) {
        wait_for_rest();
        my $job = start_replay();

        return $job if call($server, DELETE => path_of('Replays', $job))
            ->{status} == 204;
    }
    BAIL_OUT('each replay is done before it can be cancelled');
}

my $replay = cancelled_replay();

# A real path for a described one.
sub real_path {
    my ($path) = @_;
    my %value = (id => $id, eventName => 't20.none', primaryKey => 0,
        eventId => $replayed_event, deliveryId => $delivery,
        replayId => $replay);

    return $base . $path =~ s/\{(\w+)\}/$value{$1}/ger;
}

# Exactly what is described answers: with the body left out, some by 400.
for my $path (sort keys %{ $openapi->{paths} || {} }) {
    my $described = $openapi->{paths}{$path};
    my @missing = grep { !$described->{$_} } qw(get put post patch delete);
    my %known = %$described;

    for my $method (sort grep { /\A(?:get|put|post|patch)\z/ } keys %known) {
        my $status = call($server, uc $method => real_path($path))->{status};

        ok $known{$method}{responses}{$status},
            uc $method . " $path: $status is described";
        unlike $status, qr/\A(?:404|405|5..)\z/, '... and it answers';
    }
    for my $method (grep { $path !~ /Agents/ || $_ ne 'get' } @missing) {
        # Both a signal and this match.
        next if $method eq 'post' && $path =~ m{\A/Webhook/[^/]+/[^/]+\z};
        is call($server, uc $method => real_path($path))->{status}, 405,
            uc $method . " $path: not described, 405";
    }
}
{
    my $gone = create($server, TargetUrl => $sink->url);

    is call($server, DELETE => $base . "/Webhook/$gone")->{status}, 204,
        'DELETE answers too';
}
is_deeply [sort keys %{ $openapi->{components}{schemas}{Webhook}{properties}
    || {} }], [sort keys %$whole], 'its webhook has the members of webhooks';
{
    my @types = (qw(application/json text/json application/xml text/xml),
        'application/json-patch+json', 'application/merge-patch+json',
        'application/x-www-form-urlencoded');
    my $signal =
        $openapi->{paths}{'/Webhook/{eventName}/{primaryKey}'}{post} || {};

    is_deeply [sort keys %{ $signal->{requestBody}{content} || {} }],
        [sort @types], 'its signal takes all media types';
    ok !$signal->{requestBody}{required}, '... or nothing';
}

# -- the headers that it names ---------------------------------------------------

# Named ones by their operation; those of answers by operation and status.
my $parts = $openapi->{components} || {};
my @described_operations = map {
    my $path = $_;
    map { { %{ $openapi->{paths}{$path}{$_} }, method => uc, path => $path } }
        grep { /\A(?:get|put|post|patch|delete)\z/ }
        sort keys %{ $openapi->{paths}{$path} }
} sort keys %{ $openapi->{paths} || {} };

sub component {
    my ($kind, $reference) = @_;
    my ($name) = ($reference->{'$ref'} // '') =~ m{\A#/components/$kind/(.+)\z};

    return $name && $parts->{$kind}{$name} ? $name : undef;
}

sub takes {
    my ($operation, $header) = @_;

    return scalar grep { $_ eq $header } map { component(parameters => $_) // () }
        @{ $operation->{parameters} };
}

sub gives {
    my ($operation, $status) = @_;

    return sort keys %{ $operation->{responses}{$status}{headers} || {} };
}

my %body = (
    v1Webhook_SignalEvent => {}, v1Webhook_PatchWebhook => {},
    v1Webhook_PostReplay => {},
    v1WebhookAgent_GetAllWebhooks => {},
    v1WebhookAgent_TestWebhook => { Webhook => \%member },
    v1WebhookAgent_SignalEvent => { EventName => 't20.none' },
    v1WebhookAgent_GetLastError => { WebhookId => $id },
    map { ("v1Webhook${_}Webhook" => \%member) } qw(_Post _Put _Test
        Agent_Save),
);

# As it should be called, on a webhook of its own if it deletes one.
sub perform {
    my ($operation, %headers) = @_;
    my $name = $operation->{operationId};
    my $target = $name =~ /DeleteW/ ? create($server, TargetUrl => $sink->url)
        : $name =~ /Deliver|Repla/ ? $replayed : $id;
    my $path = real_path($operation->{path} =~ s/\{id\}/$target/r);

    # One that is open, or pending, could not be started again.
    wait_for_rest() if $name =~ /PostReplay|ReplayDelivery/;

    # A page that is not the last one.
    $path .= '?limit=1' if $name =~ /Deliveries\z/;
    $path .= "?webhookId=$target" if $name =~ /Agent_(?:Get|Delete)Webhook\z/;
    return call($server, $operation->{method}, $path, $body{$name}, %headers);
}

my @conditions = (['If-Match' => '"no"'], ['If-None-Match' => '*'],
    ['If-Unmodified-Since' => 'Mon, 01 Jan 2001 00:00:00 GMT']);

is_deeply [sort keys %{ $parts->{parameters} }],
    [sort qw(SO-AppToken X-XSRF-TOKEN Idempotency-Key),
        map { $_->[0] } @conditions], 'headers of requests are described';
is_deeply [sort keys %{ $parts->{headers} }],
    [sort qw(Accept-Encoding Accept-Patch Allow ETag Last-Modified Link Location
        Retry-After WWW-Authenticate X-SuperOffice-EventId)], '... and those of answers';
for my $name (sort keys %{ $parts->{parameters} }) {
    is_deeply [@{ $parts->{parameters}{$name} }{qw(name in)}],
        [$name, 'header'], "... $name";
}
is_deeply [map { [$_->{operationId}, grep { !defined component(headers => $_) }
    map { values %{ $_->{headers} || {} } } values %{ $_->{responses} }] }
    @described_operations], [map { [$_->{operationId}] } @described_operations],
    'no answer has one that is not described';

# Whether a header comes that an operation names, and none that it does not.
sub has_named {
    my ($operation, $answer, $name) = @_;
    my @given = grep { defined $answer->{headers}{lc $_} }
        sort keys %{ $parts->{headers} };

    is_deeply \@given, [gives($operation, $answer->{status})],
        "$operation->{operationId}: $name";
    return;
}

for my $operation (@described_operations) {
    my $name = $operation->{operationId};
    my $answer = perform($operation);
    my $app = perform($operation, 'SO-AppToken' => 'x');

    like $answer->{status}, qr/\A20[024]\z/, "$name: it succeeds";
    has_named $operation, $answer, '... with the headers that it names';
    is !!takes($operation, 'SO-AppToken'), $app->{status} == 401,
        '... SO-AppToken counts';
    has_named $operation, $server->request($operation->{method},
        real_path($operation->{path}), user => ''), '... 401';
    is !!takes($operation, 'X-XSRF-TOKEN'), $operation->{method} ne 'GET',
        '... X-XSRF-TOKEN is for what is no GET';
    is perform($operation, 'Idempotency-Key' => 'a b')->{status},
        takes($operation, 'Idempotency-Key') ? 400 : $answer->{status},
        '... Idempotency-Key';
    is perform($operation, @$_)->{status},
        takes($operation, $_->[0]) ? 412 : $answer->{status}, "... $_->[0]"
        for @conditions;
    next if !$operation->{responses}{415};
    my $coded = perform($operation, 'Content-Encoding' => 'gzip');

    refused $coded, 415, qr/Content-Encoding/, "$name: a coding";
    has_named $operation, $coded, '... 415';
}
is_deeply [gives({ responses => $_->{responses} }, 405)], ['Allow'],
    "$_->{operationId}: 405 names Allow" for @described_operations;
is_deeply [map { [gives($_, 503)] } @described_operations],
    [map { ['Retry-After'] } @described_operations], '503 names Retry-After';
is_deeply [map { $_->{responses}{429} ? gives($_, 429) : 'Retry-After' }
    @described_operations], [map { 'Retry-After' } @described_operations],
    '429 too';
is $parts->{securitySchemes}{SoAppToken}{name}, 'SO-AppToken',
    'an application is a way to authenticate';

# -- its numbers ---------------------------------------------------------------------

is_deeply $parts->{schemas}{Webhook}{properties}{WebhookId},
    { type => 'integer', format => 'int32', readOnly => JSON::PP::true },
    'an id has 32 bits';
is $parts->{schemas}{Webhook}{properties}{TotalCalls}{format}, 'int32',
    'a count too';
is_deeply [map { "$_->{name} $_->{schema}{type} $_->{schema}{format}" }
    grep { ($_->{schema}{type} // '') eq 'integer' }
    @{ ($openapi->{paths}{'/Webhook/{eventName}/{primaryKey}'}{post}
        || {})->{parameters} },
    @{ ($openapi->{paths}{'/Webhook/{id}'}{get} || {})->{parameters} }],
    ['primaryKey integer int32', 'id integer int32'], 'ids in paths too';

SKIP: {
    my ($folder, $why) =
        WebhookNpm::install('@seriousme/openapi-schema-validator@2.11.0');

    skip $why, 1 if !$folder;
    WebhookServer::spew("$folder/document.json", $described->{content});
    WebhookServer::spew("$folder/openapi.mjs", WebhookServer::slurp(
        "$ENV{WEBHOOK_STAGE}/t/20request/openapi.mjs"));
    is `node '$folder/openapi.mjs' '$folder/document.json' 2>&1`,
        "valid 3.1\n", 'it is valid by the schema of OpenAPI';
}

done_testing;
