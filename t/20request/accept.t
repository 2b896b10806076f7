# SPDX-License-Identifier: Apache-2.0
# Answers: which media type, in which form, what HEAD and OPTIONS say, and
# that headers about language and time change nothing.
use strict;
use warnings FATAL => 'all';

use JSON::PP ();
use Test::More;
use WebhookApi qw(call create entity path_of remove signal);
use WebhookCheck qw(allowed answered decoded message_of refused without);
use WebhookRun ();
use WebhookServer ();
use WebhookSink ();
use WebhookXml ();

plan skip_all => 'XML::LibXML is not installed' if !WebhookXml::available();

# Targets that answer 500, on purpose.
WebhookRun::expect_log(qr/WH1221: webhook \d+ .* status 500/);

my $server = WebhookServer->new(conf => "WebhookRetry 100ms\n")->start;
my $sink = WebhookSink->new(script => { '/bad' => [{ status => 500,
    body => "<b>\x{c3}\x{a6} & </b>" }] });
my $agents = '/api/v1/Agents/Webhook';
my %member = (Name => "<n> & \"\x{e6}\" \x{20ac}", TargetUrl => $sink->url('/in?a=b&c'),
    Events => ['t20.accept'], Headers => { 'X-A' => 'b' }, Secret => ' s ',
    Properties => { 'a b' => [1, 1.5, JSON::PP::true, undef, {}, []],
        xmlns => "\t", item => "\x01\r\n", end => ']]>' },
    ErrorEmails => ['me@example.com'], Description => '');
my $id = create($server, %member);
my $failing = create($server, TargetUrl => $sink->url('/bad'),
    Events => ['t20.fails']);
my %types = ('application/json' => 'JSON', 'text/json' => 'JSON',
    'application/xml' => 'XML', 'text/xml' => 'XML');

signal($server, 't20.fails', 1, {});
# Until the second of two attempts: from then on its counters stay.
WebhookServer::wait_for { entity($server, $failing)->{TotalErrors} == 2 } 15
    or BAIL_OUT('no delivery failed');

sub type_of { return $_[0]{headers}{'content-type'} // '' }

# -- the choice (RFC 9110 section 12.5.1) ----------------------------------------

my @choices = (
    [undef, 'application/json'], ['', 'application/json'],
    ['*/*', 'application/json'], ['application/*', 'application/json'],
    ['text/*', 'text/json'], ['application/json', 'application/json'],
    ['text/json', 'text/json'], ['application/xml', 'application/xml'],
    ['text/xml', 'text/xml'], ['APPLICATION/XML', 'application/xml'],
    ['application/json, text/javascript, */*; q=0.01', 'application/json'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
        'application/xml'],
    ['application/xml;q=0.5, application/json;q=0.4', 'application/xml'],
    ['application/json;q=0.4,application/xml;q=0.5', 'application/xml'],
    ['application/json;q=0.123 , text/xml;q=0.124', 'text/xml'],
    ['text/xml, application/json', 'application/json'],
    ['text/xml, text/json', 'text/json'],
    ['text/xml, application/xml', 'application/xml'],
    ['application/json;q=0, */*', 'text/json'],
    ['*/*, application/json;q=0, text/json;q=0', 'application/xml'],
    ['application/*;q=0.2, text/*;q=0.3', 'text/json'],
    ['text/*, text/json;q=0', 'text/xml'],
    ['*/*;q=0.1, text/xml;q=0.05, application/*;q=0.01', 'text/json'],
    ['text/html, */*;q=0.1', 'application/json'],
    ['image/png;q=1, application/xml;q=0.001', 'application/xml'],
    ['application/xml; charset=utf-8; q=0.7, text/json;q=0.8', 'text/json'],
    ['application/xml;charset="a,b;q=0";q=0.9,text/json;q=0.8',
        'application/xml'],
    ['application/xml;Q=0.1, text/json;q=0.2', 'text/json'],
    [', ,, application/xml ,', 'application/xml'],
    ['nonsense', 'application/json'], ['/', 'application/json'],
    ['application/json;q=2', 'application/json'],
    ['nonsense, application/xml', 'application/xml'],
    ['text/json;q=x, application/xml', 'application/xml'],
    ['x' x 6000, 'application/json'],
    ['text/html', undef], ['image/*', undef], ['application/json;q=0', undef],
    ['*/*;q=0', undef], ['application/json;q=0.0, text/html', undef],
    ['application/problem+json', undef], ['*/xml, text/plain', undef],
);
for (@choices) {
    my ($accept, $type) = @$_;
    my $answer = call($server, GET => path_of('default'), undef,
        defined $accept ? (Accept => $accept) : ());
    my $name = sprintf "Accept '%.70s'", $accept // 'absent';

    if (!$type) {
        refused $answer, 406, qr/\S \S/, $name;
        is type_of($answer), 'application/json; charset=utf-8',
            '... in what all can read';
        like message_of(decoded($answer)), qr/application\/xml/,
            '... and what there is';
        next;
    }
    answered $answer, 200, $name;
    is type_of($answer), "$type; charset=utf-8", "... $type";
}

# -- every operation that has a body ------------------------------------------------

sub write_as {
    my ($method, $path, $body) = @_;

    return sub { call($server, $method => $path, $body, @_) };
}

my %entity = %{ entity($server, $id) };
my %save = (%member, Name => 'accept');
my $missing = 2_000_000_000;
# name, root element, call with headers, members that differ each time
my @operations = (
    ['GET default', 'Webhook', write_as(GET => path_of('default'))],
    ['GET list', 'ArrayOfWebhook', write_as(GET => path_of())],
    ['GET', 'Webhook', write_as(GET => path_of($id))],
    ['POST', 'Webhook', write_as(POST => path_of(), \%save)],
    ['PUT', 'Webhook', write_as(PUT => path_of($id), \%member)],
    ['PATCH', 'Webhook', write_as(PATCH => path_of($id), { State => 'Active' })],
    ['POST Test', 'WebhookResult', write_as(POST => path_of('Test'), \%save)],
    ['GET LastError', 'string', write_as(GET => path_of($failing, 'LastError'))],
    ['GET LastError of none', 'string',
        write_as(GET => path_of($id, 'LastError'))],
    ['CreateDefaultWebhook', 'Webhook',
        write_as(POST => "$agents/CreateDefaultWebhook", 'null')],
    ['SaveWebhook', 'Webhook', write_as(POST => "$agents/SaveWebhook", \%save)],
    ['GetWebhook', 'Webhook',
        write_as(POST => "$agents/GetWebhook?webhookId=$id", 'null')],
    ['GetWebhook of none', 'Webhook',
        write_as(POST => "$agents/GetWebhook?webhookId=$missing", 'null')],
    ['GetAllWebhooks', 'ArrayOfWebhook',
        write_as(POST => "$agents/GetAllWebhooks", '{}')],
    ['TestWebhook', 'WebhookResult',
        write_as(POST => "$agents/TestWebhook", { webhook => \%save })],
    ['GetLastError', 'string',
        write_as(POST => "$agents/GetLastError", { webhookId => $failing })],
);

# What is not the same in two answers: times, new ids, a receiver's headers.
sub comparable {
    my ($value) = @_;

    return [map { comparable($_) } @$value] if ref $value eq 'ARRAY';
    return $value if ref $value ne 'HASH';
    return { %{ without($value, qw(Updated Registered WebhookId _Links)) },
        exists $value->{FieldProperties} ? (Message => '') : () };
}

sub created_by {
    my ($answer) = @_;
    my $value = type_of($answer) =~ /xml/
        ? (eval { WebhookXml::parse($answer->{content}) })[1]
        : decoded($answer);
    my $made = ref $value eq 'HASH' ? $value->{WebhookId} : undef;

    remove($server, $made) if $made && $made != $id && $made != $failing;
    return $value;
}

for (@operations) {
    my ($name, $root, $call) = @$_;
    my $expected = comparable(created_by($call->()));

    for my $type (sort keys %types) {
        my $answer = answered $call->(Accept => $type), 200, "$name as $type";

        is type_of($answer), "$type; charset=utf-8", '... as asked for';
        if ($types{$type} eq 'XML') {
            my ($name) = eval { WebhookXml::parse($answer->{content}) };

            is $name, $root, "... in <$root>" or diag $answer->{content};
        }
        is_deeply comparable(created_by($answer)), $expected,
            '... with the same content';
    }
}

# The test events that the receiver has got: deliveries come when they come.
sub test_events {
    return grep { $sink->header($_, 'X-Hook-Test') } $sink->requests;
}

# What is not acceptable is said before anything is done.
{
    my $count = @{ decoded(call($server, GET => path_of())) };
    my $tests = test_events();

    for (@operations) {
        my ($name, undef, $call) = @$_;

        refused $call->(Accept => 'text/html'), 406, qr/./, "$name as HTML";
    }
    refused call($server, PATCH => path_of($id), { Name => 'changed' },
        Accept => 'image/png'), 406, qr/./, 'PATCH as an image';
    is scalar @{ decoded(call($server, GET => path_of())) }, $count,
        '... makes no webhook';
    is entity($server, $id)->{Name}, $member{Name}, '... changes none';
    is scalar(test_events()), $tests, '... and sends no test event';
}

# -- answers without a body ------------------------------------------------------------

sub is_empty {
    my ($answer, $name) = @_;

    answered $answer, 204, $name;
    is $answer->{content}, '', '... no body';
    is $answer->{headers}{'content-type'}, undef, '... and no type of it';
    return;
}

for my $accept (undef, '*/*', 'application/xml', 'text/html', '*/*;q=0') {
    my %headers = defined $accept ? (Accept => $accept) : ();
    my $name = $accept // 'without Accept';
    my @gone = map { create($server, TargetUrl => $sink->url) } 1, 2;

    is_empty call($server, POST => path_of('t20.none', 0), '{}', %headers),
        "signal, $name";
    is_empty call($server, POST => "$agents/SignalEvent",
        { EventName => 't20.none', PrimaryKey => 0 }, %headers),
        "SignalEvent, $name";
    is_empty call($server, DELETE => path_of($gone[0]), undef, %headers),
        "DELETE, $name";
    is_empty call($server, POST => "$agents/DeleteWebhook?WebhookId=$gone[1]",
        'null', %headers), "DeleteWebhook, $name";
    is_empty call($server, OPTIONS => path_of(), undef, %headers),
        "OPTIONS, $name";
}

# -- errors in the form that was asked for ---------------------------------------------------

my @errors = (
    [400, 'POST nothing', write_as(POST => path_of(), '')],
    [400, 'POST a bad webhook', write_as(POST => path_of(), { Name => 5 })],
    [400, 'a bad signal', write_as(POST => path_of('t20.none', 'x'), '{}')],
    [400, 'a bad filter', write_as(GET => path_of() . '?statusFilter=x')],
    [400, 'SaveWebhook null', write_as(POST => "$agents/SaveWebhook", 'null')],
    [400, 'an object that is no XML', write_as(POST => path_of(), "\xff<&\">")],
    [404, 'GET what is not there', write_as(GET => path_of($missing))],
    [404, 'DELETE what is not there', write_as(DELETE => path_of($missing))],
    [404, 'PUT what is not there', write_as(PUT => path_of($missing), \%save)],
    [404, 'no such path', write_as(GET => path_of(1, 2, 3))],
    [404, 'a path with a coded slash', write_as(POST => path_of('a%2Fb', 0), '{}')],
    [404, 'no such method', write_as(POST => "$agents/Nothing", 'null')],
    [404, 'SaveWebhook of none', write_as(POST => "$agents/SaveWebhook",
        { %save, WebhookId => $missing })],
    [405, 'PUT a list', write_as(PUT => path_of(), \%save)],
    [409, 'a test that fails', write_as(PATCH => path_of($id),
        [{ op => 'test', path => '/Name', value => '' }])],
    [412, 'another version', sub { call($server, PUT => path_of($id), \%save,
        'If-Match' => '"no"', @_) }],
    [413, 'too large', write_as(POST => path_of(), ' ' x (256 * 1024 + 1))],
    [415, 'no type', sub { call($server, POST => path_of(), '{}',
        'Content-Type' => 'text/plain', @_) }],
);
for (@errors) {
    my ($status, $name, $call) = @$_;
    my $expected = decoded(refused $call->(), $status, qr/./, $name);

    for my $type (sort keys %types) {
        my $answer = answered $call->(Accept => $type), $status,
            "$name as $type";

        is type_of($answer), "$type; charset=utf-8", '... as asked for';
        if ($types{$type} eq 'JSON') {
            is_deeply decoded($answer), $expected, '... the same error';
            next;
        }
        my ($root, $error) = eval { WebhookXml::parse($answer->{content}) };

        is $root, 'Error', '... in <Error>' or diag $answer->{content};
        is_deeply $error, $expected, '... the same error';
    }
}

# -- HEAD and OPTIONS ---------------------------------------------------------------------

my @paths = (
    ['', 'GET HEAD OPTIONS POST'], ['/default', 'GET HEAD OPTIONS'],
    ["/$id", 'DELETE GET HEAD OPTIONS PATCH PUT'],
    ['/openapi.json', 'GET HEAD OPTIONS'], ['/Test', 'OPTIONS POST'],
    ['/t20.none/0', 'OPTIONS POST'],
);
for (@paths) {
    my ($path, $allow) = @$_;
    my $options = call($server, OPTIONS => "/api/v1/Webhook$path");

    is $options->{status}, 204, "OPTIONS of '$path'";
    is allowed($options), $allow, '... what is allowed';
    for my $method (qw(GET PUT POST PATCH DELETE)) {
        next if $allow =~ /\b$method\b/;
        my $answer = call($server, $method => "/api/v1/Webhook$path",
            $method =~ /^P/ ? '{}' : undef);

        refused $answer, 405, qr/./, "$method of '$path'";
        is allowed($answer), $allow, '... what is allowed';
    }
}
is call($server, OPTIONS => path_of($id))->{headers}{'accept-patch'},
    'application/json-patch+json, application/merge-patch+json',
    'OPTIONS tells which patches there are';
is call($server, OPTIONS => path_of())->{headers}{'accept-patch'}, undef,
    '... where there are any';
for my $method (qw(CreateDefaultWebhook SaveWebhook GetWebhook DeleteWebhook
    GetAllWebhooks TestWebhook SignalEvent GetLastError)) {
    my $options = call($server, OPTIONS => "$agents/$method");

    is $options->{status}, 204, "OPTIONS of $method";
    is allowed($options), 'GET HEAD OPTIONS POST', '... what is allowed';
    for my $other (qw(PUT PATCH DELETE)) {
        refused call($server, $other => "$agents/$method"), 405, qr/./,
            "$other of $method";
    }
}
like allowed(call($server, OPTIONS => path_of($failing, 'LastError'))),
    qr/GET HEAD OPTIONS/, 'OPTIONS of LastError';
for my $path (path_of(), path_of('default'), path_of($id),
              path_of($failing, 'LastError'), path_of('openapi.json')) {
    for my $type ('application/json', 'text/xml') {
        next if $path =~ /openapi/ && $type =~ /xml/;
        my $get = call($server, GET => $path, undef, Accept => $type);
        my $head = call($server, HEAD => $path, undef, Accept => $type);

        is $head->{status}, 200, "HEAD of $path as $type";
        is $head->{content}, '', '... no body';
        is $head->{headers}{$_}, $get->{headers}{$_}, "... $_ as of GET"
            for qw(content-type content-length etag cache-control);
    }
}
for my $path (path_of($missing), path_of('t20.none', 0), path_of('Test')) {
    my $head = call($server, HEAD => $path);

    like $head->{status}, qr/\A40[45]\z/, "HEAD of $path";
    is $head->{content}, '', '... no body';
}

# -- headers that change nothing ----------------------------------------------------------------

my @languages = (
    ['Accept-Language', '', 'US', 'no;q=0.5, *;q=0', '-', 'x' x 2000],
    ['SO-Language', '', '*', 'x', 'no', 'xx-YY-' . 'z' x 500, '"<&>%00'],
    ['SO-Culture', '', 'nb-NO', 'fa-IR', '???', '0'],
    ['SO-TimeZone', '', '57', 'W. Europe Standard Time, includeTZOffset',
        ',includeTZOffset', 'Nowhere/Land', '-1'],
    ['SO-Browser-TZ-Offset', '', '0', '-780', 'x', '99999999999999999999'],
);
my $plain = call($server, GET => path_of($id))->{content};

for (@languages) {
    my ($header, @values) = @$_;

    for my $value (@values) {
        my $name = sprintf "%s '%.30s'", $header, $value =~ tr/ -~//cdr;

        is call($server, GET => path_of($id), undef, $header => $value)
            ->{content}, $plain, "GET, $name";
        answered call($server, POST => path_of('t20.none', 0), '{}',
            $header => $value), 204, "signal, $name";
        answered call($server, PATCH => path_of($id), {}, $header => $value),
            200, "PATCH, $name";
        $plain = call($server, GET => path_of($id))->{content};
    }
}

done_testing;
