# SPDX-License-Identifier: Apache-2.0
# POST /api/v1/Webhook/{eventName}/{primaryKey} and the routes around it: what
# is accepted, and with which status everything else is refused.
use strict;
use warnings;

use Apache::Test qw(-withtestmore);
use Apache::TestRequest ();
use HTTP::Request ();
use IO::Socket::INET ();
use JSON::PP qw(decode_json);
use MIME::Base64 qw(encode_base64);
use WebhookRun ();

plan tests => 328, need_module('webhook'), need_lwp();

my $basic = 'Basic ' . encode_base64('tje0:Tje0', '');
my $api = '/api/v1/Webhook';
my $uuid = qr/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
# WebhookMaxBody of the shared server: its default.
my $limit = 256 * 1024;

sub call {
    my ($method, $path, $body, %header) = @_;
    my $request = HTTP::Request->new(
        $method => Apache::TestRequest::resolve_url($path));

    $request->header(Authorization => $basic);
    if (defined $body) {
        $request->header('Content-Type' => 'application/json');
        $request->content($body);
    }
    for my $name (keys %header) {
        if (defined $header{$name}) {
            $request->header($name => $header{$name});
        }
        else {
            $request->remove_header($name);
        }
    }
    return Apache::TestRequest::user_agent()->request($request);
}

# Three tests: the status, and the API's form of an error.
sub refused {
    my ($answer, $status, $text, $name) = @_;
    my $error = eval { decode_json($answer->content) } || {};

    is $answer->code, $status, "$name: $status";
    is $answer->header('Content-Type'), 'application/json; charset=utf-8',
        '... as JSON';
    ok $error->{Error} && $error->{ErrorType}
        && ($error->{Message} // '') eq ($error->{ErrorMessage} // '-')
        && $error->{Message} =~ $text
        && $error->{ErrorSource} eq 'mod_webhook', '... that says why'
        or diag $answer->content;
}

# Three tests.
sub accepted {
    my ($answer, $name) = @_;

    is $answer->code, 204, "$name: 204" or diag $answer->content;
    is $answer->content, '', '... without a body';
    like $answer->header('X-SuperOffice-EventId'), $uuid, '... with an id';
}

# The status of an exchange that no client library would do.
sub raw {
    my ($text, %option) = @_;
    my $socket = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1',
        PeerPort => Apache::Test::vars('port'),
        Timeout => 30) or die "connect: $!";
    my $answer = '';

    print {$socket} $text;
    $socket->flush;
    $socket->shutdown(1) if $option{half_close};
    local $SIG{ALRM} = sub { die "no answer\n" };
    alarm 30;
    while (sysread($socket, my $part, 4096)) {
        $answer .= $part;
        last if $answer =~ /\r\n\r\n/;
    }
    alarm 0;
    return $answer =~ m{^HTTP/1\.1 (\d+)} ? $1 : 'none';
}

# -- what is accepted --------------------------------------------------------

accepted call(POST => "$api/t20.none/0"), 'no body';
accepted call(POST => "$api/t20.none/0", undef,
              'Content-Type' => 'text/plain'), 'no body, another type';
accepted call(POST => "$api/t20.none/0", ''), 'empty body';
accepted call(POST => "$api/t20.none/0", " \r\n\t"), 'white space';
accepted call(POST => "$api/t20.none/0", 'null'), 'null';
accepted call(POST => "$api/t20.none/0", '{}'), 'empty object';
accepted call(POST => "$api/t20.none/0",
              '{"windowName":"foo","widgets":123}'), 'an object';
accepted call(POST => "$api/t20.none/0",
              qq({"n\xc3\xb8kkel":"\xe2\x82\xac","deep":[[{"a":null}]],)
              . q("big":9223372036854775807,"real":1.5e3,"pair":"\ud83d\ude00"})),
    'all of JSON';
accepted call(POST => "$api/t20.none/0", '{"a":[1,],}'), 'a comma too much';
accepted call(POST => "$api/t20.none/0", "\xef\xbb\xbf{}"),
    'a byte order mark';
accepted call(POST => "$api/t20.none/0", '{"a":' . '[' x 63 . ']' x 63 . '}'),
    '64 levels';
accepted call(POST => "$api/t20.none/0",
              '{"a":"' . '[{:' x 5000 . '\\"' . ':' x 10_000 . '"}'),
    'brackets and colons in a string';
accepted call(POST => "$api/t20.none/0",
              '{"a":"' . 'x' x ($limit - 8) . '"}'), 'as large as allowed';

for my $type ('application/json;charset=utf-8', 'Application/JSON; CHARSET="UTF-8"',
              'text/json', 'application/json; version=1 ; charset=Utf-8') {
    accepted call(POST => "$api/t20.none/0", '{}', 'Content-Type' => $type),
        "type $type";
}
accepted call(POST => "$api/t20.none/0", '{}',
              'Content-Encoding' => 'identity'), 'coding identity';

for my $key (qw(1 -1 2147483647 -2147483648)) {
    accepted call(POST => "$api/t20.none/$key"), "primary key $key";
}
for my $name ('test', 'a', 'list.category.created', 'y_table.changed',
              'Webhook123.started', '-_.', 'x' x 128, '%74est') {
    accepted call(POST => "$api/$name/0"), "event name $name";
}

accepted call(POST => '/api/V1/wEBHOOK/t20.none/0'), 'path in another case';
accepted call(POST => '/api/deep/er/api/v1/Webhook/t20.none/0'),
    'path with a prefix';
accepted call(POST => "$api/t20.none/0", '{}',
              'Sec-Fetch-Site' => 'same-origin'), 'from our own page';

# -- idempotency keys --------------------------------------------------------

accepted call(POST => "$api/t20.none/0", '{}',
              'Idempotency-Key' => '~' x 255), 'key of 255 characters';
for my $key ('', 'x' x 256, 'a b', "\xc3\xb8") {
    refused call(POST => "$api/t20.none/0", '{}', 'Idempotency-Key' => $key),
        400, qr/Idempotency-Key/, 'key ' . length $key;
}

# -- bodies that are refused -------------------------------------------------

my %bad = (
    'an array' => ['[]', qr/an object/],
    'a string' => ['"a"', qr/an object/],
    'a number' => ['5', qr/an object/],
    'true' => ['true', qr/an object/],
    'half an object' => ['{"a":', qr/not valid JSON/],
    'no JSON' => ['windowName=foo', qr/not valid JSON/],
    'text behind' => ['{} x', qr/behind/],
    'two objects' => ['{}{}', qr/behind/],
    'two commas too much' => ['{"a":1,,}', qr/not valid JSON/],
    'a comma alone' => ['{,}', qr/not valid JSON/],
    'a comment' => ['{/* */}', qr/not valid JSON/],
    'single quotes' => ["{'a':1}", qr/not valid JSON/],
    'a name twice' => ['{"a":1,"a":2}', qr/twice/],
    'a name twice, escaped' => ['{"a":1,"\u0061":2}', qr/twice/],
    'a name twice, inside' => ['{"b":[{"a":1,"a":2}]}', qr/twice/],
    'invalid UTF-8' => [qq({"a":"\xff"}), qr/UTF-8/],
    'overlong UTF-8' => [qq({"a":"\xc0\xaf"}), qr/UTF-8/],
    'half a pair' => ['{"a":"\ud83d"}', qr/JSON/],
    'a byte 0' => [qq({"a":"\0"}), qr/null|JSON/],
    'an escaped 0' => ['{"a":"\u0000"}', qr/null/],
    'an escaped 0 in a name' => ['{"\u0000":1}', qr/null/],
    'a byte 0 behind' => ["{}\0", qr/behind|JSON|null/],
    'a control byte' => [qq({"a":"\x01"}), qr/JSON/],
    'a large integer' => ['{"a":9223372036854775808}', qr/a number that does not fit/],
    'a large real' => ['{"a":1e999}', qr/a number that does not fit/],
    '65 levels' => ['{"a":' . '[' x 64 . ']' x 64 . '}', qr/64 levels/],
    '100000 levels' => ['[' x 100_000, qr/64 levels/],
    '10001 members' => ['{' . join(',', map { qq("a$_":1) } 0 .. 10_000) . '}',
                        qr/10000 members/],
    'two byte order marks' => ["\xef\xbb\xbf\xef\xbb\xbf{}", qr/JSON/],
);
for my $name (sort keys %bad) {
    refused call(POST => "$api/t20.none/0", $bad{$name}[0]), 400,
        $bad{$name}[1], $name;
}

refused call(POST => "$api/t20.none/0", '{}', 'Content-Type' => undef), 415,
    qr/Content-Type/, 'no type';
for my $type ('text/plain', 'application/jsonx', 'multipart/form-data',
              'application/json; charset=nonesuch',
              'application/json; charset=') {
    refused call(POST => "$api/t20.none/0", '{}', 'Content-Type' => $type),
        415, qr/Content-Type|charset/, "type $type";
}
refused call(POST => "$api/t20.none/0", '{}', 'Content-Encoding' => 'gzip'),
    415, qr/Content-Encoding/, 'coding gzip';
refused call(POST => "$api/t20.none/0", '{"a":"' . 'x' x ($limit - 7) . '"}'),
    413, qr/$limit/, 'one byte too much';

# -- paths -------------------------------------------------------------------

for my $name ('a b', 'a%20b', 'x' x 129, '%C3%B8', 'a,b', 'a*') {
    refused call(POST => "$api/$name/0"), 400, qr/event name/,
        "event name $name";
}
for my $key ('abc', '1x', '+1', '01', '-0', '1.0', '2147483648',
             '-2147483649', '%201', 'LastError') {
    refused call(POST => "$api/t20.none/$key"), 400, qr/primary key/,
        "primary key $key";
}
refused call(POST => "$api/t20.none/0/"), 404, qr/nothing/, 'slash behind';
refused call(POST => "$api/t20.none/0/1"), 404, qr/nothing/, 'three segments';
refused call(POST => "$api/t20.none"), 404, qr/nothing/, 'one segment';
for my $path ('/api/v1/Webhooks/t20.none/0', '/api/v2/Webhook/t20.none/0',
              '/xapi/v1/Webhook/t20.none/0', '/api/v1Webhook/t20.none/0') {
    my $answer = call(POST => $path);

    ok !$answer->header('X-SuperOffice-EventId'), "$path is not ours";
    unlike $answer->header('Content-Type') // '', qr/json/,
        '... and not touched';
}

# -- methods -----------------------------------------------------------------

for my $method (qw(GET HEAD PUT DELETE PATCH TRACE FOO)) {
    my $answer = call($method => "$api/t20.none/0");

    is $answer->code, 405, "$method of a signal: 405";
    is $answer->header('Allow'), 'POST, OPTIONS', '... and what is allowed';
}
is call(HEAD => "$api/t20.none/0")->content, '', 'HEAD has no body';
{
    my $answer = call(OPTIONS => "$api/t20.none/0");

    is $answer->code, 204, 'OPTIONS: 204';
    is $answer->header('Allow'), 'POST, OPTIONS', '... and what is allowed';
}

# -- who ---------------------------------------------------------------------

for my $path ("$api/t20.none/0", '/elsewhere/api/v1/Webhook/t20.none/0') {
    my $answer = call(POST => $path, '{}', Authorization => undef);

    is $answer->code, 401, "nobody at $path: 401";
    like $answer->header('WWW-Authenticate'), qr/^Basic realm=/,
        '... is asked for a name';
    ok !$answer->header('X-SuperOffice-EventId'), '... and signals nothing';
}
accepted call(POST => '/elsewhere/api/v1/Webhook/t20.none/0', '{}'),
    'the same <Location> covers a prefix';
WebhookRun::expect_log(qr/AH01617: user tje0: .* Password Mismatch/);
is call(POST => "$api/t20.none/0", '{}',
        Authorization => 'Basic ' . encode_base64('tje0:wrong', ''))->code,
    401, 'a wrong password: 401';
refused call(POST => "$api/t20.none/0", '{}',
             'Sec-Fetch-Site' => 'Cross-Site'), 403, qr/site/,
    'from another site';

{
    my $answer = call(POST => "$api/t20.none/0", '[]');

    is $answer->header('X-Content-Type-Options'), 'nosniff', 'nosniff';
    is $answer->header('Cache-Control'), 'no-store', 'no-store';
}

# -- bodies that do not come as announced ------------------------------------

my $head = "POST $api/t20.none/0 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    . "Content-Type: application/json\r\n";
my $known = $head . "Authorization: $basic\r\n";

is raw("${known}Content-Length: 268435456\r\n\r\n"), 413,
    'an announced size is refused before the body comes';
is raw("${known}Content-Length: 100\r\n\r\n{}", half_close => 1), 400,
    'a body that ends too early is not accepted';
is raw("${known}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
       half_close => 1), 400, 'nor is one without its last chunk';
is raw("${known}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"), 204,
    'chunks are fine';
is raw("${known}Transfer-Encoding: chunked\r\n\r\n"
       . sprintf("%x\r\n%s\r\n", $limit + 1, ' ' x ($limit + 1))), 413,
    'but not too many';
is raw("${known}Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}"), 100,
    'a client that asks is told to go on';
