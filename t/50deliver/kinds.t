# SPDX-License-Identifier: Apache-2.0
# The kinds of delivery, by Type: headers and bytes, the same on every attempt,
# several secrets, the handshake, and what is refused when a webhook is saved.
use strict;
use warnings FATAL => 'all';

use Digest::SHA qw(hmac_sha256_base64);
use JSON::PP ();
use MIME::Base64 qw(decode_base64 encode_base64);
use POSIX qw(strftime);
use Test::More;
use WebhookApi qw(call create entity path_of signal update);
use WebhookCheck qw(answered decoded refused);
use WebhookCtl ();
use WebhookRun ();
use WebhookServer qw(wait_for);
use WebhookSink ();

my $json = JSON::PP->new->utf8->canonical;
my $uuid = qr/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/;
my $iso = qr/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/;
my $sink = WebhookSink->new;
my $server = WebhookServer->new(conf => <<"END")->start;
WebhookRetry 100ms 100ms 100ms
WebhookContext "Caf\xc3\xa9 1"
SetEnvIf Request_URI "/sale\." WEBHOOK_ASSOCIATE_ID=5
END

# Requests for a path, once there are so many.
sub received {
    my ($path, $count) = @_;
    my @got;

    wait_for { @got = grep { $_->{path} eq $path } $sink->requests;
        @got >= $count } 20;
    @got >= $count or BAIL_OUT("$path: " . @got . " of $count requests");
    return @got;
}

sub value { return $sink->header(@_) }

sub hmac {
    my ($bytes, $key) = @_;
    my $code = hmac_sha256_base64($bytes, $key);

    $code .= '=' while length($code) % 4;
    return $code;
}

sub later { return strftime '%Y-%m-%dT%H:%M:%SZ', gmtime time + $_[0] }

sub options { return { Properties => { mod_webhook => { @_ } } } }

# Those of the headers whose names match.
sub named {
    my ($request, $pattern) = @_;

    return { map { @$_ } grep { $_->[0] =~ $pattern }
        @{ $request->{headers} } };
}

# -- webhook ---------------------------------------------------------------------

{
    create($server, Events => ['sale.sold'], TargetUrl => $sink->url('/values'),
        Secret => 'main', Properties => { More => 1, mod_webhook => {
            IncludeValues => JSON::PP::true, Secrets => [
                { Secret => 'second', Until => undef },
                { Secret => 'ended', Until => later(-60) },
                { secret => 'third', until => later(3600) }] } });
    signal($server, 'sale.sold', 7, '{"b":{"x":[1,"\u00e9"]},"a":0.1}');
    my ($got) = received('/values', 1);
    like $got->{body}, qr/"Changes":\["b","a"\],
        "Values":\{"b":\{"x":\[1,"\xc3\xa9"\]\},"a":0\.1\},"Event":/x,
        'webhook: the values stand behind the changes';
    like $got->{body}, qr/"More":1\}\z/, '... properties as ever';
    unlike $got->{body}, qr/mod_webhook|second/, '... no options, no secrets';
    is_deeply named($got, qr/signature/i), {
        'X-SuperOffice-Signature' => hmac($got->{body}, 'main'),
        'X-SuperOffice-Signature-2' => hmac($got->{body}, 'second'),
        'X-SuperOffice-Signature-3' => hmac($got->{body}, 'third') },
        '... a signature by each secret that counts';
}
{
    $sink->script({ '/until' => [{ status => 503,
        headers => ['Retry-After' => 8] }, 200] });
    create($server, Events => ['until'], TargetUrl => $sink->url('/until'),
        %{ options(Secrets => [{ Secret => 'short', Until => later(7) },
            { Secret => 'long' }]) });
    signal($server, 'until', 1, {});
    my @got = received('/until', 2);
    is_deeply named($got[0], qr/signature/i), {
        'X-SuperOffice-Signature' => hmac($got[0]{body}, 'short'),
        'X-SuperOffice-Signature-2' => hmac($got[0]{body}, 'long') },
        'without a Secret the others sign';
    is_deeply named($got[1], qr/signature/i), {
        'X-SuperOffice-Signature' => hmac($got[0]{body}, 'long') },
        '... until their end, by the time of the attempt';
}

# -- standardwebhooks --------------------------------------------------------------

my $key = join '', map { chr } 0 .. 31;
my $hmac_secret = 'whsec_' . encode_base64($key, '');
my $ed_secret = 'whsk_' . encode_base64($key, '');

{
    $sink->script({ '/standard' => [{ status => 503,
        headers => ['Retry-After' => 2] }, 200] });
    my $id = create($server, Type => 'StandardWebhooks', Events => ['sale.sold'],
        TargetUrl => $sink->url('/standard'), Secret => $hmac_secret,
        Headers => { 'X-Own' => 'o' },
        %{ options(Secrets => [{ Secret => $ed_secret, Until => later(3600) },
            { Secret => 'whsec_' . encode_base64('n' x 24, '') }]) });
    is entity($server, $id)->{Type}, 'standardwebhooks',
        'standardwebhooks: the type has one spelling';
    my $event = signal($server, 'sale.sold', 7,
        '{"amount":12.5,"PrimaryKey":"mine","who":"\u00e9"}');
    my @got = received('/standard', 2);
    my $got = $got[0];

    is_deeply [sort map { $_->[0] } @{ $got->{headers} }],
        [sort qw(Host User-Agent Accept Content-Type Content-Length X-Own
            webhook-id webhook-timestamp webhook-signature)],
        '... these headers and no other';
    is value($got, 'Content-Type'), 'application/json', '... JSON';
    is value($got, 'webhook-id'), $event, '... the id is that of the event';
    my $body = $sink->json($got);
    is_deeply [sort keys %$body], [qw(data timestamp type)], '... its members';
    is $body->{type}, 'sale.sold', '... type';
    like $body->{timestamp}, qr/\A$iso\z/, '... timestamp';
    is_deeply $body->{data}, { amount => 12.5, who => "\x{e9}",
        PrimaryKey => 7, Entity => 'sale', ContextIdentifier => "Caf\x{e9} 1",
        ChangedByAssociateId => 5 },
        '... the values, and what they belong to';
    for my $one (@got) {
        my $time = value($one, 'webhook-timestamp');
        my @signatures = split / /, value($one, 'webhook-signature');

        cmp_ok abs($time - $one->{time}), '<', 5, '... the time of the attempt';
        is @signatures, 3, '... three signatures';
        is $signatures[0], 'v1,' . hmac("$event.$time.$one->{body}", $key),
            '... of id, time and body';
        like $signatures[1], qr{\Av1a,[A-Za-z0-9+/]{86}==\z}, '... ed25519';
        is $signatures[2], 'v1,' . hmac("$event.$time.$one->{body}", 'n' x 24),
            '... the new secret';
    }
    is $got[1]{body}, $got->{body}, 'the next attempt has the same bytes';
    is value($got[1], 'webhook-id'), $event, '... and id';
    cmp_ok value($got[1], 'webhook-timestamp'), '>',
        value($got, 'webhook-timestamp'), '... and its own time';
}

# -- cloudevents -------------------------------------------------------------------

{
    create($server, Type => 'cloudevents', Events => ['sale.sold'],
        TargetUrl => $sink->url('/structured'), Secret => 'any');
    my $event = signal($server, 'sale.sold', 7, { amount => 12.5 });
    my ($got) = received('/structured', 1);
    my $body = $sink->json($got);

    is value($got, 'Content-Type'),
        'application/cloudevents+json; charset=utf-8', 'structured';
    like delete $body->{time}, qr/\A$iso\z/, '... time';
    is_deeply $body, { specversion => '1.0', id => $event, type => 'sale.sold',
        source => '/webhook/Caf%C3%A9%201', subject => '7', associateid => 5,
        datacontenttype => 'application/json', data => { amount => 12.5 } },
        '... the attributes and the data';
    is_deeply named($got, qr/\A(?:ce-|webhook-)/i), {}, '... none as headers';
    ok $sink->verify_signature($got, 'any'), '... signed as others are';
}
{
    $sink->script({ '/binary' => [503, 503, 200] });
    my $id = create($server, Type => 'cloudevents', Events => ['sale.kept'],
        TargetUrl => $sink->url('/binary'),
        %{ options(CloudEventsMode => 'binary') });
    my $event = signal($server, 'sale.kept', 0, { amount => 12.5 });
    received('/binary', 1);
    update($server, $id, %{ options(CloudEventsMode => 'structured',
        CloudEventsSource => 'urn:changed') });
    my @got = received('/binary', 3);
    my $head = named($got[0], qr/\Ace-/i);

    is value($got[0], 'Content-Type'), 'application/json', 'binary';
    is $got[0]{body}, '{"amount":12.5}', '... the data alone';
    like delete $head->{'ce-time'}, qr/\A$iso\z/, '... time';
    is_deeply $head, { 'ce-specversion' => '1.0', 'ce-id' => $event,
        'ce-type' => 'sale.kept', 'ce-source' => '/webhook/Caf%25C3%25A9%25201',
        'ce-associateid' => '5' }, '... attributes, encoded, no subject 0';
    ok !defined value($got[0], 'X-SuperOffice-Signature'), '... not signed';
    is_deeply [map { $_->{body} } @got], [($got[0]{body}) x 3],
        'other attempts have the same bytes, although the mode has changed';
    is_deeply [map { named($_, qr/\A(?:ce-|content-type)/i) } @got],
        [(named($got[0], qr/\A(?:ce-|content-type)/i)) x 3],
        '... and the headers that belong to them';
    signal($server, 'sale.kept', -3, { amount => 1 });
    @got = received('/binary', 4);
    my $body = $sink->json($got[3]);
    is_deeply [@$body{qw(source subject)}], ['urn:changed', '-3'],
        'the next event has the new mode and source';
}

# -- refusals ------------------------------------------------------------------------

sub refuses {
    my ($pattern, $name, %members) = @_;

    refused(call($server, POST => path_of(), { Name => 'r', Events => ['r'],
        TargetUrl => $sink->url('/r'), %members }), 400, $pattern, $name);
    return;
}

refuses(qr/\AWebhook Type must be webhook, standardwebhooks, cloudevents\b/,
    "type $_", Type => $_) for 'crmscript', 'x';
refuses(qr/\AWebhook Secret must be set for Type standardwebhooks\.\z/,
    'no secret', Type => 'standardwebhooks');
my $short = encode_base64('s' x 23, '');
my $standard = { 'plain text' => qr/must begin with whsec_ or whsk_/,
    encode_base64($key, '') => qr/must begin with/,
    'whsec_*' => qr/must have base64/, "whsec_$short" => qr/24 to 64 bytes/,
    'whsec_' . encode_base64('s' x 65, '') => qr/24 to 64 bytes/,
    "whsk_$short" => qr/seed of 32 bytes/,
    'whsk_' . encode_base64('s' x 64, '') => qr/seed of 32 bytes/ };
for my $secret (sort keys %$standard) {
    refuses($standard->{$secret}, "secret $secret", Type => 'standardwebhooks',
        Secret => $secret);
    refuses($standard->{$secret}, '... among more', Type => 'standardwebhooks',
        Secret => $hmac_secret, %{ options(Secrets => [{ Secret => $secret }]) });
}
refuses(qr/"Webhook-Id" is set by the sender/, 'a header of the kind',
    Type => 'standardwebhooks', Secret => $hmac_secret,
    Headers => { 'Webhook-Id' => 'x' });
refuses(qr/"Ce-Id" is set by the sender/, '... of another',
    Type => 'cloudevents', Headers => { 'Ce-Id' => 'x' });
answered(call($server, POST => path_of(), { Events => ['r'], State => 'Stopped',
    TargetUrl => $sink->url('/r'), Headers => { 'Ce-Id' => 'x' } }), 200,
    '... which is free for others');
for my $case ([Secrets => 'x'], [Secrets => [('x') x 9]], [Secrets => ['x']],
    [Secrets => [{ Secret => '' }]], [Secrets => [{ Until => later(1) }]],
    [Secrets => [{ Secret => 'x', Until => 'tomorrow' }]],
    [Secrets => [{ Secret => 'x', Until => '2026-02-30T00:00:00Z' }]],
    [IncludeValues => 'maybe'], [CloudEventsMode => 'batch'],
    [CloudEventsSource => 'a b'], [CloudEventsSource => ''],
    [CloudEventsOrigin => 'a/b'], [CloudEventsHandshake => 2],
    [CloudEventsAllowedRate => 0]) {
    refuses(qr/\AWebhook Properties: "mod_webhook": "$case->[0]" must be /,
        "option $case->[0] " . $json->encode([$case->[1]]),
        %{ options(@$case) });
}

# -- secrets are not shown -------------------------------------------------------------

{
    my $id = create($server, Name => 'hidden', Events => ['h'], State => 'Stopped',
        TargetUrl => $sink->url('/h'), Secret => 'hush0', Properties => {
            Seen => 1, Mod_Webhook => { SECRETS => [{ SECRET => 'hush1',
                Until => later(60) }, { Secret => 'hush2' }], MaxRate => 9 } });
    is $json->encode(entity($server, $id)->{Properties}) =~ s/"20[^"]*"/"T"/r,
        '{"Mod_Webhook":{"MaxRate":9,"SECRETS":[{"SECRET":"hush1","Until":"T"},'
        . '{"Secret":"hush2"}]},"Seen":1}', 'a webhook has its secrets';
    my $list = answered call($server,
        GET => path_of() . '?nameFilter=hidden'), 200, 'a list';
    unlike $list->{content}, qr/hush/, '... has none';
    like $list->{content}, qr/"SECRET":null,"Until":"20.*"Secret":null/,
        '... but all the rest';
    my $agents = answered call($server, POST =>
        '/api/v1/Agents/Webhook/GetAllWebhooks', { NameFilter => 'hidden' }),
        200, 'the list of the agents form';
    unlike $agents->{content}, qr/hush/, '... neither';
    my $ctl = WebhookCtl->new($server);
    my @show = (qw(webhook show), $id, '--context', "Caf\xc3\xa9 1");
    for my $command ([qw(webhook list)], [qw(--json webhook list)], \@show,
        ['--json', @show]) {
        my $run = $ctl->run(@$command);

        is $run->{status}, 0, "webhookctl @$command";
        unlike $run->{out}, qr/hush/, '... has none';
    }
    like $ctl->run(@show, '--show-secret')->{out}, qr/hush1.*hush2/s,
        '... unless it is asked for';
    my @create = (qw(webhook create --events x --no-probe --target),
        'https://receiver.example/', '--type', 'CloudEvents');
    is $ctl->json(@create)->{Type}, 'cloudevents', 'webhookctl --type';
    my $run = $ctl->run(@create[0 .. $#create - 1], 'standardwebhooks');
    isnt $run->{status}, 0, '... by the same rules';
    like $run->{err}, qr/Secret must be set for Type standardwebhooks/,
        '... says why';
}

# -- the test event and the handshake ----------------------------------------------------

sub asked {
    my ($path) = @_;

    return grep { $_->{path} eq $path } $sink->requests;
}

{
    my $probing = WebhookServer->new(
        directives => { WebhookProbe => undef })->start;
    my $strict = sub {
        my ($path, %options) = @_;

        return call($probing, POST => path_of(), { Name => 'p', Type =>
            'cloudevents', Events => ['p.q'], TargetUrl => $sink->url($path),
            Headers => { 'X-Own' => 'o' }, %{ options(
                CloudEventsHandshake => JSON::PP::true, %options) } });
    };
    my $yes = sub { return { status => 200, headers =>
        ['WebHook-Allowed-Origin' => @_] } };

    $sink->script({ '/yes' => [$yes->('*', 'WebHook-Allowed-Rate' => 120), 200],
        '/name' => [{ %{ $yes->('me.example', 'WebHook-Allowed-Rate' => '*') },
            status => 405 }, 200], '/no' => 200, '/other' =>
            [$yes->('other.example')], '/then' => [$yes->('*'), 500],
        '/test' => 200 });
    my $saved = decoded(answered $strict->('/yes', MaxRate => 5,
        CloudEventsOrigin => 'me.example'), 200, 'a handshake');
    my ($options, $test) = asked('/yes');
    is $options->{method}, 'OPTIONS', '... is asked for first';
    is $options->{body}, '', '... without a body';
    is_deeply named($options, qr/\Awebhook-/i),
        { 'WebHook-Request-Origin' => 'me.example',
          'WebHook-Request-Rate' => '300' }, '... origin and rate';
    is value($options, 'X-Own'), 'o', '... with the webhook\'s headers';
    is $test->{method}, 'POST', '... then the test event';
    is value($test, 'X-Hook-Test'), 'true', '... says so';
    is $sink->json($test)->{type}, 'test', '... is an event';
    is value($test, 'WebHook-Request-Origin'), 'me.example', '... of the origin';
    is $saved->{Properties}{mod_webhook}{CloudEventsAllowedRate}, 120,
        '... the rate is kept';
    $saved = decoded(answered $strict->('/name', CloudEventsAllowedRate => 5,
        CloudEventsOrigin => 'ME.example'), 200, 'an origin by its name');
    is_deeply $saved->{Properties}{mod_webhook},
        { CloudEventsHandshake => JSON::PP::true,
          CloudEventsOrigin => 'ME.example' }, '... without a bound of the rate';
    for my $path ('/no', '/other') {
        refused($strict->($path), 400,
            qr/\AWebhook TargetUrl must allow callbacks in a handshake\.\z/,
            "handshake $path");
        is scalar(asked($path)), 1, '... no test event then';
    }
    refused($strict->('/then'), 400, qr/must answer the test event/,
        'a test event that fails after it');
    my $result = decoded(answered call($probing, POST => path_of('Test'),
        { Type => 'cloudevents', Events => ['p.q'], TargetUrl =>
            $sink->url('/no'), %{ options(CloudEventsHandshake => 'true') } }),
        200, 'TestWebhook');
    is_deeply [@$result{qw(Success Message)}], [JSON::PP::false,
        'the target did not allow callbacks'], '... tells';

    answered(call($probing, POST => path_of(), { Type => 'standardwebhooks',
        Events => ['p.q'], TargetUrl => $sink->url('/test'),
        Secret => $hmac_secret }), 200, 'the test event of standardwebhooks');
    my ($got) = asked('/test');
    is value($got, 'X-Hook-Test'), 'true', '... says so';
    is $sink->json($got)->{type}, 'test', '... is one of its kind';
    is value($got, 'webhook-signature'), 'v1,' . hmac(join('.',
        value($got, 'webhook-id'), value($got, 'webhook-timestamp'),
        $got->{body}), $key), '... is signed';
}

# -- another type between two attempts ------------------------------------------------

# Fails twice, by its webhook's type, and is sent once more when that is another.
{
    my $turning = WebhookSink->new(script => { '*' => [(503) x 4, 200] });
    my $two = WebhookServer->new(conf => "WebhookRetry 50ms\n")->start;
    my $id = create($two, Events => ['turn'], TargetUrl => $turning->url('/'));
    my $event = signal($two, 'turn', 3, { amount => 12 });
    my $replay = sub {
        my ($number) = @_;
        my $path = path_of($id, 'Deliveries') . '?state=failed';
        my $list;

        WebhookRun::expect_log(qr/WH1221: webhook \d+ event \S+ attempt 2: status/);
        ok wait_for(sub { $list = decoded(answered call($two, GET => $path), 200,
            'failed'); @{ $list->{Deliveries} } }, 20), 'it has failed';
        answered call($two, POST => path_of('Deliveries',
            $list->{Deliveries}[0]{Id}, 'Replay')), 204, 'it is replayed';
        ok wait_for(sub { $turning->requests >= $number }, 20), '... and sent';
    };

    ok wait_for(sub { $turning->requests >= 2 }, 20), 'sent in vain';
    update($two, $id, Type => 'standardwebhooks', Secret => $hmac_secret);
    $replay->(4);
    update($two, $id, Type => 'cloudevents', Properties => { mod_webhook =>
        { CloudEventsMode => 'binary' } });
    $replay->(5);
    my @got = $turning->requests;
    is $got[1]{body}, $got[0]{body}, 'the same bytes while the type is the same';
    is $turning->json($got[2])->{type}, 'turn', 'the form of the new type';
    is value($got[2], 'webhook-signature'), 'v1,' . hmac(join('.',
        value($got[2], 'webhook-id'), value($got[2], 'webhook-timestamp'),
        $got[2]{body}), $key), '... with its signature';
    is value($got[2], 'webhook-id'), $event, '... of the same event';
    is $got[3]{body}, $got[2]{body}, '... the same bytes on its next attempt';
    is $got[4]{body}, '{"amount":12}', 'the form of the third type';
    is value($got[4], 'ce-id'), $event, '... with its headers';
    ok !defined value($got[4], 'webhook-signature'), '... and none of the second';
}

# -- a type that nobody knows any more ----------------------------------------------------

SKIP: {
    skip 'sqlite3 is not installed', 3 if !WebhookApi::have_sql();
    WebhookRun::expect_log(qr/WH1278: webhook \d+ event \S+ attempt/);
    my $id = create($server, Events => ['lost'], TargetUrl => $sink->url('/lost'));
    WebhookApi::sql_write($server,
        "UPDATE webhook SET type = 'gone' WHERE id = $id");
    update($server, create($server, Events => ['x'], TargetUrl =>
        $sink->url('/x')), Description => 'the webhooks are read again');
    my $event = signal($server, 'lost', 1, {});
    ok $server->wait_for_log(
        qr/event $event attempt 4: its type makes no callback, failed/, 20),
        'its deliveries fail after all attempts';
    is scalar(asked('/lost')), 0, '... nothing is sent';
    is WebhookApi::sql($server, 'SELECT DISTINCT a.error FROM attempt a '
        . "JOIN delivery d ON d.id = a.delivery_id WHERE d.webhook_id = $id"),
        'type', '... and why is recorded';
}

done_testing;
