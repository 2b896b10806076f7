# SPDX-License-Identifier: Apache-2.0
# Every media type of request bodies, for signals and for webhooks: what
# arrives, and that bad input is refused with 4xx, whatever it is.
use strict;
use warnings FATAL => 'all';

use JSON::PP ();
use Test::More;
use WebhookApi qw(call create entity path_of remove);
use WebhookCheck qw(answered decoded message_of refused without);
use WebhookServer ();
use WebhookSink ();

my $server = WebhookServer->new->start;
my $sink = WebhookSink->new;
my $url = $sink->url('/in?a=b&c=%2Fd');
my $json = JSON::PP->new->utf8->canonical;
my $agents = '/api/v1/Agents/Webhook';
my $received = 0;
my ($JSON, $TEXT_JSON, $XML, $TEXT_XML, $FORM, $PATCH, $MERGE) = (
    'application/json', 'text/json', 'application/xml', 'text/xml',
    'application/x-www-form-urlencoded', 'application/json-patch+json',
    'application/merge-patch+json');

create($server, TargetUrl => $sink->url('/signal'), Events => ['t20.media']);

# -- signals ------------------------------------------------------------------

# The next request that the receiver gets.
sub next_received {
    my @requests = $sink->wait_for(++$received, 15);

    return @requests ? $requests[-1] : { body => '{}', headers => [] };
}

# The sorted names in Changes after a signal that is accepted.
sub changes_of {
    my ($type, $body, $path) = @_;
    my $answer = call($server, POST => $path || path_of('t20.media', 5), $body,
        'Content-Type' => $type);

    if ($answer->{status} != 204) {
        diag "$answer->{status} $answer->{content}";
        return "status $answer->{status}";
    }
    return join ',', sort @{ $sink->json(next_received())->{Changes} || [] };
}

my $both = 'widgets,windowName';
my @signals = (
    [$JSON, '{"windowName":"foo","widgets":123}', $both],
    [$TEXT_JSON, '{"windowName":"foo","widgets":123}', $both],
    [$JSON, '{"windowName":"foo","widgets":{"a":[1,],},}', $both],
    [$JSON, "\xef\xbb\xbf" . '{"windowName":"foo","widgets":123}', $both],
    [$JSON, '{"gone":null}', 'gone'],
    [$JSON, 'null', ''],
    [$JSON, '', ''],
    [$MERGE, '{"windowName":"foo","widgets":123,"gone":null}', $both],
    [$MERGE, '{}', ''],
    [$PATCH, '[{"op":"add","path":"/windowName","value":"foo"},'
        . '{"op":"add","path":"widgets","value":123}]', $both],
    [$PATCH, '[{"op":"add","path":"/widgets","value":[]},'
        . '{"op":"add","path":"/widgets/-","value":1},'
        . '{"op":"test","path":"/widgets","value":[1]},'
        . '{"op":"add","path":"/windowName","value":""},'
        . '{"op":"add","path":"/gone","value":1},'
        . '{"op":"remove","path":"/gone"}]', $both],
    [$PATCH, '[{"op":"replace","path":"","value":'
        . '{"windowName":1,"widgets":2}}]', $both],
    [$PATCH, '[]', ''],
    [$XML, '<data><windowName>foo</windowName><widgets type="number">123'
        . '</widgets></data>', $both],
    [$TEXT_XML, "<?xml version=\"1.0\"?>\n<!-- x --><data>\n"
        . " <windowName><![CDATA[<&]]></windowName>\r\n <widgets>"
        . '<item>1</item><item>2</item></widgets></data>', $both],
    [$XML, '<a:data xmlns:a="http://example.com/a"><a:windowName/>'
        . '<a:widgets/></a:data>', $both],
    [$XML, '<data><member name="windowName">x</member><member name="widgets"'
        . ' type="null"/></data>', $both],
    [$XML, '<data type="object"/>', ''],
    [$XML, '<data/>', ''],
    [$XML, '<b>' . '<a>' x 64 . '</a>' x 64 . '</b>', 'a'],
    [$FORM, 'windowName=foo&widgets=123', $both],
    [$FORM, 'windowName=foo+bar%21&widgets[]=1&widgets[]=2', $both],
    [$FORM, 'windowName&widgets[a][b]=1', $both],
    [$FORM, '', ''],
);
for (@signals) {
    my ($type, $body, $changes) = @$_;

    is changes_of($type, $body), $changes,
        "signal, $type: " . ($body =~ tr/\r\n -~//cdr);
}

# -- charsets of signals ----------------------------------------------------------

my $umlaut = "\x{fc}mlaut";
my @charsets = (
    ["$JSON; charset=utf-8", "{\"\xc3\xbcmlaut\":1}"],
    ["$JSON;charset=\"UTF-8\"", "{\"\xc3\xbcmlaut\":1}"],
    ["$JSON; charset=ISO-8859-1", "{\"\xfcmlaut\":1}"],
    ["$TEXT_JSON; version=1; Charset=iso-8859-1", "{\"\xfcmlaut\":1}"],
    ["$JSON; charset=utf-16le",
        join '', map { "$_\0" } '{', '"', "\xfc", split //, 'mlaut":1}'],
    ["$XML; charset=ISO-8859-1", "<d><\xfcmlaut>1</\xfcmlaut></d>"],
    ["$XML; charset=ISO-8859-1", '<?xml version="1.0" encoding="UTF-8"?>'
        . "<d><\xfcmlaut>1</\xfcmlaut></d>"],
    ["$XML; charset=utf-8", '<?xml version="1.0" encoding="UTF-8"?>'
        . "<d><\xc3\xbcmlaut>1</\xc3\xbcmlaut></d>"],
    [$XML, "<d><\xc3\xbcmlaut>1</\xc3\xbcmlaut></d>"],
    [$XML, "\xef\xbb\xbf<d><\xc3\xbcmlaut>1</\xc3\xbcmlaut></d>"],
    [$XML, '<d><member name="&#xFC;mlaut">1</member></d>'],
    ["$FORM; charset=ISO-8859-1", "\xfcmlaut=1"],
    [$FORM, '%C3%BCmlaut=1'],
    ["$MERGE; charset=ISO-8859-1", "{\"\xfcmlaut\":1}"],
    ["$PATCH; charset=ISO-8859-1",
        "[{\"op\":\"add\",\"path\":\"/\xfcmlaut\",\"value\":1}]"],
);
for my $number (0 .. $#charsets) {
    my ($type, $body) = @{ $charsets[$number] };

    is changes_of($type, $body), $umlaut, "signal, $type: case $number";
}

# -- webhooks: create, change, test ----------------------------------------------

my %made = (
    Name => 'media', TargetUrl => $url, Events => ['a.b', 'c.d'],
    Headers => { 'X-A' => 'b c' }, State => 'Stopped', NotifyVia => 'Email',
    Secret => "s \x{e9}", ErrorEmails => ['me@example.com'],
);
# The same webhook in each type.
my $escaped_url = $url =~ s/&/&amp;/gr;
my $form_url = $url =~ s/([^\w.])/sprintf '%%%02X', ord $1/ger;
my @webhooks = (
    [$JSON, $json->encode(\%made)],
    [$TEXT_JSON, $json->encode(\%made)],
    ["$JSON; charset=utf-8",
        $json->encode(\%made) =~ s/\}\z/,"Unknown":[1,],}/r],
    [$MERGE, $json->encode({ %made, Description => undef })],
    [$PATCH, $json->encode([map { { op => 'add', path => "/$_",
        value => $made{$_} } } sort keys %made])],
    [$XML, xml_of($escaped_url)],
    [$TEXT_XML, xml_of($escaped_url)],
    ["$TEXT_XML; charset=iso-8859-1",
        xml_of($escaped_url) =~ s/\xc3\xa9/\xe9/r],
    [$FORM, "Name=media&TargetUrl=$form_url&Events=a.b,c.d"
        . '&Headers%5BX-A%5D=b+c&State=Stopped&NotifyVia=Email'
        . '&Secret=s%20%C3%A9&ErrorEmails[]=me%40example.com'],
    [$FORM, "name=media&targeturl=$form_url&events=a.b&events=c.d"
        . '&headers[X-A]=b+c&state=2&notifyvia=email&secret=s+%c3%a9'
        . '&errorsemail=me@example.com'],
);

sub xml_of {
    my ($target) = @_;

    return "<?xml version='1.0'?><Webhook><Name>media</Name>"
        . "<TargetUrl>$target</TargetUrl><Events><string>a.b</string>"
        . '<string>c.d</string></Events><Headers><X-A>b c</X-A></Headers>'
        . '<State>Stopped</State><NotifyVia>Email</NotifyVia>'
        . "<Secret>s \xc3\xa9</Secret><ErrorEmails><item>me\@example.com"
        . '</item></ErrorEmails></Webhook>';
}

# What a request has made of a webhook: its members that were in the request.
sub is_made {
    my ($answer, $name) = @_;
    my $entity = decoded(answered $answer, 200, $name);
    my %got = ref $entity eq 'HASH' ? %$entity : ();

    is_deeply { map { ($_ => $got{$_}) } keys %made }, \%made, '... as sent';
    is $got{Description}, undef, '... and no more';
    is_deeply without(entity($server, $got{WebhookId}), '_Links'),
        without(\%got, '_Links'), '... and kept' if $got{WebhookId};
    return $got{WebhookId};
}

for (@webhooks) {
    my ($type, $body) = @$_;
    my %headers = ('Content-Type' => $type);
    my $id = is_made(call($server, POST => path_of(), $body, %headers),
        "POST a webhook as $type");
    my $other = create($server, TargetUrl => $url, Description => 'old');
    my $saved = is_made(call($server, POST => "$agents/SaveWebhook", $body,
        %headers), "SaveWebhook as $type");

    is is_made(call($server, PUT => path_of($other), $body, %headers),
        "PUT a webhook as $type"), $other, '... the same one';
    my $result = decoded(answered call($server, POST => path_of('Test'), $body,
        %headers), 200, "POST /Test as $type");
    my $request = next_received();

    ok $result->{Success}, '... the target answers';
    is $sink->header($request, 'X-Hook-Test'), 'true', '... the test event';
    is $sink->header($request, 'X-A'), 'b c', '... with the headers';
    is "$request->{path}?$request->{query}", '/in?a=b&c=%2Fd',
        '... at the target';
    ok $sink->verify_signature($request, "s \xc3\xa9"), '... signed';
    remove($server, $_) for grep { defined } $id, $other, $saved;
}

# -- the agent's signal -------------------------------------------------------------

my @agent_signals = (
    [$JSON, '{"EventName":"t20.media","PrimaryKey":5,"Data":'
        . '{"windowName":"foo","widgets":1}}'],
    [$TEXT_JSON, '{"eventName":"t20.media","primaryKey":5,"data":'
        . '{"windowName":"foo","widgets":1,},}'],
    [$MERGE, '{"EventName":"t20.media","PrimaryKey":5,"Data":'
        . '{"windowName":"foo","widgets":1}}'],
    [$PATCH, '[{"op":"add","path":"/EventName","value":"t20.media"},'
        . '{"op":"add","path":"/PrimaryKey","value":5},{"op":"add",'
        . '"path":"/Data","value":{"windowName":"foo","widgets":1}}]'],
    [$XML, '<SignalEvent><EventName>t20.media</EventName><PrimaryKey>5'
        . '</PrimaryKey><Data><windowName>foo</windowName><widgets '
        . 'type="number">1</widgets></Data></SignalEvent>'],
    [$TEXT_XML, '<x><EventName>t20.media</EventName><PrimaryKey type="number">5'
        . '</PrimaryKey><Data><windowName/><widgets/></Data></x>'],
    [$FORM, 'EventName=t20.media&PrimaryKey=5&Data[windowName]=foo'
        . '&Data[widgets]=1'],
);
for (@agent_signals) {
    my ($type, $body) = @$_;

    is changes_of($type, $body, "$agents/SignalEvent"), $both,
        "SignalEvent as $type";
    is $sink->json(($sink->requests)[-1])->{PrimaryKey}, 5,
        '... with its primary key';
}

# -- what is refused, for a signal and for a webhook ------------------------------------

sub nested {
    my ($open, $close, $count) = @_;

    return $open x $count . $close x $count;
}

my $members = join ',', map { qq("a$_":1) } 0 .. 10_000;
my $elements = join '', map { "<a$_/>" } 0 .. 10_000;
my $bomb = '<!DOCTYPE d [<!ENTITY a "0123456789">' . join('', map {
    "<!ENTITY " . chr(ord('a') + $_) . ' "'
        . ('&' . chr(ord('a') + $_ - 1) . ';') x 10 . '">' } 1 .. 9)
    . ']><d><a>&j;</a></d>';
my @bad_json = (
    ['a NUL', "{\"a\":\"\0\"}"],
    ['an escaped NUL', '{"a":"\\u0000"}'],
    ['a NUL behind', "{}\0"],
    ['invalid UTF-8', "{\"a\":\"\xff\"}"],
    ['UTF-8 of half a pair', "{\"a\":\"\xed\xa0\x80\"}"],
    ['an overlong form', "{\"a\":\"\xc0\xaf\"}"],
    ['65 levels', '{"a":' . nested('[', ']', 64) . '}'],
    ['100000 levels', '[' x 100_000],
    ['10001 members', "{$members}"],
    ['10001 items', '{"a":[' . '1,' x 10_000 . '1]}'],
    ['a name twice', '{"a":1,"a":2}'],
    ['a name twice, escaped', '{"a":1,"\\u0061":2}'],
    ['a name twice inside', '{"b":[{"a":1,"a":2}]}'],
    ['only a comma', '{,}'],
    ['only a comma in an array', '{"a":[,]}'],
    ['two commas', '{"a":[1,,]}'],
    ['a comma in front', '{,"a":1}'],
    ['a comma behind it all', '{},'],
    ['truncated', '{"a":'],
    ['truncated after a comma', '{"a":1,'],
    ['two values', '{}{}'],
    ['a comment', '{/* x */}'],
    ['XML', '<a/>'],
    ['a large integer', '{"a":9223372036854775808}'],
    ['a large real', '{"a":1e999}'],
    ['half a pair', '{"a":"\\ud800"}'],
    ['a text', '"a"'],
    ['a number', '1'],
    ['true', 'true'],
);
my @bad_xml = (
    ['a NUL', "<d><a>\0</a></d>"],
    ['a NUL by reference', '<d><a>&#0;</a></d>'],
    ['a control character', "<d><a>\x01</a></d>"],
    ['a NUL in JSON', '<d><a type="json">"\\u0000"</a></d>'],
    ['invalid UTF-8', "<d><a>\xff</a></d>"],
    ['65 levels', '<d>' . nested('<a>', '</a>', 65) . '</d>'],
    ['100000 open elements', '<a>' x 70_000],
    ['10001 elements', "<d>$elements</d>"],
    ['10001 items', '<d><a>' . '<item/>' x 10_001 . '</a></d>'],
    ['a name twice', '<d><a/><b/><a/></d>'],
    ['a name twice by name', '<d><a/><member name="a"/></d>'],
    ['a document type', '<!DOCTYPE d><d><a/></d>'],
    ['a document type with a file',
        '<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]><d>&a;</d>'],
    ['an external document type',
        '<!DOCTYPE d SYSTEM "http://127.0.0.1:1/d"><d/>'],
    ['a document type behind a comment', '<!-- x --><!DOCTYPE d><d/>'],
    ['an entity bomb', $bomb],
    ['an unknown entity', '<d><a>&nbsp;</a></d>'],
    ['truncated', '<d><a>x</a>'],
    ['truncated in a tag', '<d><a'],
    ['truncated in CDATA', '<d><a><![CDATA[x'],
    ['truncated in a comment', '<d/><!-- '],
    ['a wrong end', '<d><a></b></d>'],
    ['two roots', '<d/><d/>'],
    ['text behind', '<d/>x'],
    ['text beside elements', '<d>x<a/></d>'],
    ['a text', '<d>x</d>'],
    ['a number that is none', '<d><a type="number">x</a></d>'],
    ['a boolean that is none', '<d><a type="boolean">yes</a></d>'],
    ['JSON that is none', '<d><a type="json">x</a></d>'],
    ['a type that is none', '<d><a type="date">x</a></d>'],
    ['a null with a text', '<d><a type="null">x</a></d>'],
    ['a prefix without a namespace', '<x:d/>'],
    ['another encoding', '<?xml version="1.0" encoding="ISO-8859-1"?><d/>'],
    ['an array', '<d type="array"><item/></d>'],
    ['JSON', '{"a":1}'],
    ['UTF-16 without saying so', "\xff\xfe<\0d\0/\0>\0"],
);
my @bad_form = (
    ['a broken escape', 'a=%zz'],
    ['half an escape', 'a=%4'],
    ['half an escape in a name', '%a=1'],
    ['a NUL', "a=\0"],
    ['an escaped NUL', 'a=%00'],
    ['an escaped NUL in a name', 'a%00b=1'],
    ['invalid UTF-8', 'a=%FF'],
    ['invalid bytes', "a=\xff"],
    ['an overlong form', 'a=%C0%AF'],
    ['a text and an object', 'a=1&a[b]=2'],
    ['an object and a text', 'a[b]=2&a=1'],
    ['an array and an object', 'a[]=2&a[b]=1'],
    ['no name', '=1'],
    ['66 levels', 'a' . '[b]' x 65 . '=1'],
    ['10001 pairs', join '&', map { "a$_=1" } 0 .. 10_000],
    ['10001 items', 'a=1&' x 10_000 . 'a=1'],
);
my @bad_patch = (
    ['move', '[{"op":"move","from":"/a","path":"/b"}]'],
    ['copy', '[{"op":"copy","from":"/a","path":"/b"}]'],
    ['what is not there', '[{"op":"remove","path":"/a"}]'],
    ['no operation', '[{}]'],
    ['not an operation', '[1]'],
    ['1001 operations', '['
        . join(',', map { qq({"op":"add","path":"/a$_","value":1}) } 0 .. 1000)
        . ']'],
    ['not an object in the end', '[{"op":"add","path":"","value":[]}]'],
);
my @shared = grep { $_->[0] !~ /\AXML/ } @bad_json;
my @bad = (
    (map { [400, $JSON, @$_] } @bad_json),
    (map { [400, $XML, @$_] } @bad_xml), (map { [400, $FORM, @$_] } @bad_form),
    (map { [400, $PATCH, @$_] } @bad_patch),
    (map { [400, $MERGE, @$_] } @shared), (map { [400, $PATCH, @$_] } @shared),
    [400, $JSON, 'an array', '[]'], [400, $JSON, 'an array', '[{}]'],
    [400, "$JSON; charset=utf-16", 'half a character', "{\0}"],
    [400, "$JSON; charset=iso-8859-1", 'a NUL', "{\"a\":\"\0\"}"],
    [400, "$JSON; charset=us-ascii", 'what is no ASCII', "{\"a\":\"\xfc\"}"],
    [415, "$JSON; charset=klingon", 'an unknown charset', '{}'],
    [415, "$XML; charset=klingon", 'an unknown charset', '<d/>'],
    [415, "$FORM; charset=x-unknown", 'an unknown charset', 'a=1'],
    [415, "$JSON; charset=", 'an empty charset', '{}'],
    [415, "$JSON; charset=" . 'x' x 5000, 'a long charset', '{}'],
    [415, "$JSON; charset=\"utf-8", 'half a text', '{}'],
    (map { [415, $_, 'another type', '{}'] } 'text/plain', 'text/html',
        'multipart/form-data; boundary=x', 'application/jsonx',
        'application/octet-stream', 'application/soap+xml', 'json', '*/*', '',
        'application/', '/json', 'application/json/x'),
    (map { [413, $_, 'one byte too much', 'x' x (256 * 1024 + 1)] } $JSON, $XML,
        $FORM, $PATCH, $MERGE),
);
my $webhooks_before = scalar @{ decoded(call($server, GET => path_of())) };
my $received_before = $sink->requests;

for (@bad) {
    my ($status, $type, $name, $body) = @$_;

    for my $path (path_of('t20.media', 5), path_of()) {
        my $answer = call($server, POST => $path, $body,
            'Content-Type' => $type);
        my $sentence = message_of(decoded($answer));

        # One test for both, as there are hundreds.
        ok $answer->{status} == $status && $sentence, sprintf '%s: %.60s: %s: %d',
            $path eq path_of() ? 'webhook' : 'signal', $type, $name, $status
            or diag "$answer->{status} " . substr $answer->{content}, 0, 500;
        unlike $sentence // '', qr/[^\x20-\x7e]/, '... in plain words';
    }
}

# What is harmless for a signal is no webhook.
my @bad_webhooks = (
    [$JSON, 'two names that differ in case',
        $json->encode(\%made) =~ s/\}\z/,"nAME":"x"}/r],
    [$XML, 'two names that differ in case',
        xml_of($escaped_url) =~ s{</Webhook>}{<nAME>x</nAME></Webhook>}r],
    [$FORM, 'two names that differ in case',
        "Name=a&nAME=b&TargetUrl=$form_url&Events=a.b"],
    [$FORM, 'a name twice', "Name=a&Name=b&TargetUrl=$form_url&Events=a.b"],
    [$FORM, 'a text that is no state',
        "Name=a&State=Asleep&TargetUrl=$form_url&Events=a.b"],
    [$FORM, 'a text that is no object',
        "Name=a&Headers=x&TargetUrl=$form_url&Events=a.b"],
    [$XML, 'an array that is no text', '<Webhook><Name><item/></Name>'
        . "<TargetUrl>$escaped_url</TargetUrl></Webhook>"],
    [$JSON, 'names in a text', $json->encode({ %made, Events => 'a.b' })],
    [$JSON, 'a number in a text', $json->encode({ %made, Name => 5 })],
    [$JSON, 'null', 'null'], [$JSON, 'nothing', ''], [$JSON, 'no members', '{}'],
    [$XML, 'nothing', ''], [$FORM, 'nothing', ''], [$PATCH, 'nothing', '[]'],
    [$MERGE, 'nothing', '{}'], [$XML, 'no members', '<Webhook/>'],
    [$XML, 'null', '<Webhook type="null"/>'],
);
for (@bad_webhooks) {
    my ($type, $name, $body) = @$_;

    for my $path (path_of(), path_of('Test'), "$agents/SaveWebhook") {
        refused call($server, POST => $path, $body, 'Content-Type' => $type),
            400, qr/./, "$path: $type: $name";
    }
}
is scalar @{ decoded(call($server, GET => path_of())) }, $webhooks_before,
    'none of these has made a webhook';
is changes_of($JSON, '{"last":1}'), 'last', 'nor an event that is delivered';
is scalar($sink->requests), $received_before + 1, '... or a test event';

done_testing;
