# SPDX-License-Identifier: Apache-2.0
# /api/v1/Webhook: create, read, list, change and delete webhooks, and what a
# webhook must be like.
use strict;
use warnings;

use Apache::Test qw(-withtestmore);
use Apache::TestRequest ();
use HTTP::Request ();
use JSON::PP qw(decode_json encode_json);
use MIME::Base64 qw(encode_base64);
use URI::Escape qw(uri_escape);
use WebhookRun ();

plan tests => 222, need_module('webhook'), need_lwp();

my $basic = 'Basic ' . encode_base64('tje0:Tje0', '');
my $api = '/api/v1/Webhook';
# Other tests have webhooks in the same database.
my $tag = "t20 webhooks $$ " . time;
my $target = 'https://hooks.example.com/in?a=b&key=%2Fc';
my @made;

sub call {
    my ($method, $path, $body, %header) = @_;
    my $request = HTTP::Request->new(
        $method => Apache::TestRequest::resolve_url("$api$path"));

    $request->header(%{ { Authorization => $basic, %header } });
    if (defined $body) {
        $request->header('Content-Type' => 'application/json');
        $request->content(ref $body ? encode_json($body) : $body);
    }
    return Apache::TestRequest::user_agent()->request($request);
}

sub entity {
    my ($answer) = @_;

    return eval { decode_json($answer->content) };
}

# A webhook with these members; its target and events are given if they are
# not among them.
sub create {
    my (%member) = @_;
    my $answer = call(POST => '', {
        Name => $tag, TargetUrl => $target, Events => ['t20.never'],
        State => 'Stopped', %member });

    push @made, entity($answer)->{WebhookId} if $answer->code == 200;
    return $answer;
}

sub refused {
    my ($answer, $text, $name) = @_;
    my $error = entity($answer) || {};

    is $answer->code, 400, "$name: 400";
    is $error->{ErrorType}, 'ArgumentException', '... an argument';
    like $error->{Message}, $text, '... and which';
}

END {
    local $?;
    call(DELETE => "/$_") for @made;
}

# -- the default entity ------------------------------------------------------

my @members = qw(WebhookId Name Events TargetUrl Secret State Type Headers
    Properties Registered Updated RegisteredAssociate UpdatedAssociate
    ErrorsEmail ErrorEmails ErrorAssociates Description NotifyVia NotifyWhen
    TotalCalls TotalErrors ConsecutiveErrors LastError);
my $default = entity(call(GET => '/default'));

is_deeply [sort keys %$default], [sort @members], 'the default has all members';
is $default->{WebhookId}, 0, 'no id';
is_deeply $default->{Events}, ['contact.created', 'contact.deleted'],
    'example events';
is $default->{State}, 'Active', 'active';
is $default->{Type}, 'webhook', 'of the one type';
is $default->{Registered}, '0001-01-01T00:00:00', 'never registered';
is $default->{$_}, undef, "no $_"
    for qw(Name TargetUrl Secret Headers Properties RegisteredAssociate);
is call(GET => '/DEFAULT')->code, 200, 'in any case';
is call(PUT => '/default', {})->header('Allow'), 'GET, HEAD, OPTIONS',
    'it is only read';

# -- create, read, change, delete --------------------------------------------

my $created = create(
    Secret => 'Something Super Secret', State => 'Active',
    Headers => { 'X-My-Header' => 'Some Value', 'x-lower' => '' },
    Properties => { My => { nested => [1, JSON::PP::true, undef] } },
    ErrorsEmail => 'me@example.com', Description => "\x{e6}\x{20ac}",
    NotifyVia => 3, NotifyWhen => 'Disabling');
my $id = entity($created)->{WebhookId};

is $created->code, 200, 'a webhook is made' or diag $created->content;
is $created->header('Content-Type'), 'application/json; charset=utf-8',
    'its entity comes back';
ok $id > 0, 'with an id';

my $got = entity(call(GET => "/$id"));

is_deeply $got, entity($created), 'it can be read again';
is $got->{Name}, $tag, 'its name';
is $got->{TargetUrl}, $target, 'its target, with the query as it was';
is_deeply $got->{Events}, ['t20.never'], 'its events';
is $got->{Secret}, 'Something Super Secret', 'its secret';
is_deeply $got->{Headers}, { 'X-My-Header' => 'Some Value', 'x-lower' => '' },
    'its headers, names in their case';
is_deeply $got->{Properties}, { My => { nested => [1, JSON::PP::true, undef] } },
    'its properties';
is $got->{ErrorsEmail}, 'me@example.com', 'an address';
is_deeply $got->{ErrorEmails}, ['me@example.com'], 'also in the list';
is $got->{Description}, "\x{e6}\x{20ac}", 'its description';
is $got->{NotifyVia}, 'Email, InApp', 'flags from a number';
is $got->{NotifyWhen}, 'Disabling', 'flags from a name';
like $got->{Registered}, qr/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'a date';
is $got->{Updated}, $got->{Registered}, 'twice';
is $got->{RegisteredAssociate}{Name}, 'tje0', 'and a user';
is_deeply [sort keys %{ $got->{RegisteredAssociate} }], [sort qw(TableRight
    FieldProperties AssociateId Name PersonId Rank Tooltip Type GroupIdx
    FullName FormalName Deleted EjUserId UserName ExtraFields CustomFields)],
    'an associate has all members';
is $got->{TotalCalls}, 0, 'no calls yet';
is $got->{LastError}, '', 'no error yet';

{
    my $get = call(GET => "/$id");
    my $head = call(HEAD => "/$id");

    is $head->code, 200, 'HEAD goes with GET';
    is $head->content, '', '... without a body';
    is $head->header('Content-Length'), $get->header('Content-Length'),
        '... but with its length';
    is $get->header('Cache-Control'), 'no-store', 'a secret is not cached';
}

my $changed = call(PUT => "/$id", {
    webhookid => 999_999, name => "$tag 2", targeturl => $target,
    events => ['t20.never', 'T20.Never', 'b.c'], state => 2,
    registered => '1999-01-01T00:00:00Z', totalCalls => 7, unknown => 1 });
my $after = entity($changed);

is $changed->code, 200, 'it can be changed' or diag $changed->content;
is $after->{WebhookId}, $id, 'the id in the path counts';
is $after->{Name}, "$tag 2", 'names in any case';
is_deeply $after->{Events}, ['t20.never', 'b.c'], 'a name counts once';
is $after->{State}, 'Stopped', 'a state from a number';
is $after->{Registered}, $got->{Registered}, 'its date stays';
is $after->{TotalCalls}, 0, 'its counters too';
is $after->{Secret}, undef, 'what is left out becomes the default';
is $after->{Headers}, undef, 'all of it';
is_deeply entity(call(GET => "/$id")), $after, 'and that is what is kept';

{
    my $answer = call(PUT => "/$id", { %$after, Secret => 's' });

    is $answer->code, 200, 'an entity can be sent back as it came';
    is entity($answer)->{Secret}, 's', '... with a change';
}

is call(PUT => "/$id", '')->code, 400, 'PUT without an entity';
is call(PUT => "/$id", 'null')->code, 400, 'PUT null';
is call(PUT => "/$id", '[]')->code, 400, 'PUT an array';
is entity(call(GET => "/$id"))->{Secret}, 's', 'change nothing';
is call(POST => '', '')->code, 400, 'POST without an entity';
is call(POST => '/', 'null')->code, 400, 'POST null';

# -- lists -------------------------------------------------------------------

my $other = entity(create(Name => uc $tag, State => 'TooManyErrors',
                          Events => ['a.b', 'Special.Event.' . $$],
                          Secret => 'hidden'))->{WebhookId};

sub listed {
    my ($query) = @_;
    my $list = entity(call(GET => $query));
    my %mine = map { $_ => 1 } @made;

    return join ' ', map { $_->{WebhookId} }
        grep { $mine{ $_->{WebhookId} } } @$list;
}

is listed(''), "$id $other", 'the list has both';
is listed('/'), "$id $other", 'with a slash too';
is listed('?nameFilter=&eventFilter=&statusFilter='), "$id $other",
    'empty filters do not filter';
is listed('?statusFilter=Unknown'), "$id $other", 'nor does Unknown';
is listed('?statusFilter=0'), "$id $other", 'nor does 0';
is listed('?nameFilter=' . uri_escape($tag)), $other, 'by name, in any case';
is listed('?NAMEFILTER=' . $tag =~ s/ /+/gr), $other, 'blanks as plus';
is listed('?nameFilter=' . substr($tag, 0, 5)), '', 'not by a part';
is listed("?eventfilter=special.event.$$"), $other, 'by event';
is listed('?eventFilter=special'), '', 'not by a part';
is listed('?statusFilter=toomanyerrors'), $other, 'by state';
is listed('?statusFilter=2&x=y&z'), $id, 'by its number';
is listed("?statusFilter=2&eventFilter=special.event.$$"), '', 'by all';
is call(GET => '?statusFilter=foo')->code, 400, 'not by nonsense';
is call(GET => '?nameFilter=%zz')->code, 400, 'nor by a broken query';
unlike call(GET => '')->content, qr/hidden/, 'a list tells no secrets';

# -- what a webhook must be like ---------------------------------------------

my @bad = (
    [{ TargetUrl => undef }, qr/TargetUrl/],
    [{ TargetUrl => '' }, qr/TargetUrl/],
    [{ TargetUrl => 'hooks.example.com/in' }, qr/TargetUrl/],
    [{ TargetUrl => '/in' }, qr/TargetUrl/],
    [{ TargetUrl => 'https://' }, qr/TargetUrl/],
    [{ TargetUrl => 'ftp://example.com/' }, qr/TargetUrl/],
    [{ TargetUrl => 'file:///etc/passwd' }, qr/TargetUrl/],
    [{ TargetUrl => 'javascript:alert(1)' }, qr/TargetUrl/],
    [{ TargetUrl => 'https://me@example.com/' }, qr/user name/],
    [{ TargetUrl => 'https://me:pw@example.com/' }, qr/user name/],
    [{ TargetUrl => 'https://example.com/a b' }, qr/ASCII/],
    [{ TargetUrl => "https://ex\x{e4}mple.com/" }, qr/ASCII/],
    [{ TargetUrl => "https://example.com/\r\nX: y" }, qr/ASCII/],
    [{ TargetUrl => 'https://example.com/' . 'x' x 4000 }, qr/4000 bytes/],
    [{ TargetUrl => 5 }, qr/TargetUrl/],
    [{ Events => [] }, qr/Events/],
    [{ Events => 'a.b' }, qr/Events/],
    [{ Events => ['a,b'] }, qr/Events/],
    [{ Events => ['a*'] }, qr/Events/],
    [{ Events => [map { "e$_" . 'x' x 100 } 1 .. 50] }, qr/Events/],
    [{ Name => 'x' x 401 }, qr/Name/],
    [{ Secret => 'x' x 401 }, qr/Secret/],
    [{ Type => 'crmscript' }, qr/Type/],
    [{ State => 'Asleep' }, qr/State/],
    [{ Headers => { Host => 'x' } }, qr/Headers: "Host"/],
    [{ Headers => { 'X-SuperOffice-Event' => 'x' } }, qr/set by the sender/],
    [{ Headers => { 'X y' => 'x' } }, qr/valid header name/],
    [{ Headers => { 'X-y' => "a\r\nB: c" } }, qr/control/],
    [{ Headers => { 'X-y' => 1 } }, qr/Headers/],
    [{ Headers => { map { ("X-$_" => 'x') } 1 .. 33 } }, qr/32 members/],
    [{ Properties => { eventid => 1 } }, qr/Properties: "eventid"/],
    [{ Properties => { '' => 1 } }, qr/Properties/],
    [{ Properties => [] }, qr/Properties/],
    [{ ErrorsEmail => "a\@b\r\nBcc: c\@d" }, qr/ErrorsEmail/],
    [{ ErrorEmails => ['nobody'] }, qr/ErrorEmails/],
    [{ Description => 'x' x 4001 }, qr/Description/],
);
refused create(%{ $_->[0] }), $_->[1], encode_json($_->[0]) =~ s/(.{60}).*/$1/sr
    for @bad;

for my $url ('https://10.0.0.1/', 'https://192.168.1.1/', 'https://[fe80::1]/',
             'https://[::ffff:10.0.0.1]/', 'https://0xa.1/',
             'https://167772161/', 'https://169.254.169.254/latest/meta-data/',
             'https://0.0.0.0/', 'https://8.8.8.8:22/') {
    my $answer = create(TargetUrl => $url);

    is $answer->code, 400, "$url: 400";
    is entity($answer)->{Message},
        'Webhook TargetUrl: target address not allowed',
        '... for a reason that tells nothing';
}

# The shared server may allow http for its own receivers.
{
    my $answer = create(TargetUrl => 'http://hooks.example.com/in');

    SKIP: {
        skip 'WebhookRequireHTTPS is off', 1 if $answer->code == 200;
        is entity($answer)->{Message}, "Webhook TargetUrl must be secure: "
            . "'HTTPS:' not found in http://hooks.example.com/in",
            'http is refused in the words of the API';
    }
}
is entity(create(TargetUrl => 'HTTPS://Hooks.Example.Com'))->{TargetUrl},
    'https://Hooks.Example.Com/', 'what was parsed is what is kept';

{
    my $before = call(GET => '')->content;

    is call(POST => '?a=%zz', { Name => $tag, TargetUrl => $target,
        State => 'Stopped', Events => ['t20.never'] })->code, 400,
        'a broken query is refused';
    is call(GET => '')->content, $before, '... before anything is saved';
}

# -- what is not there -------------------------------------------------------

is call(DELETE => "/$id")->code, 204, 'it can be deleted';
is call($_ => "/$id", $_ eq 'PUT' ? {} : undef)->code, 404, "$_: it is gone"
    for qw(GET PUT DELETE);
is call(GET => "/$_")->code, 404, "GET $_: 404"
    for qw(abc 0 -1 01 2147483648 1.0);
for my $path (['', 'GET, HEAD, POST, OPTIONS', 'PATCH'],
              ["/$other", 'GET, HEAD, PUT, PATCH, DELETE, OPTIONS', 'POST']) {
    my $answer = call($path->[2] => $path->[0], {});

    is $answer->code, 405, "$path->[2] $path->[0]: 405";
    is $answer->header('Allow'), $path->[1], '... and what is allowed';
    is call(OPTIONS => $path->[0])->header('Allow'), $path->[1],
        '... which OPTIONS says too';
}
is call(POST => '', { Name => $tag, TargetUrl => $target },
        'Sec-Fetch-Site' => 'cross-site')->code, 403,
    'another site makes no webhooks';
is call(GET => "/$other", undef, 'Sec-Fetch-Site' => 'cross-site')->code, 200,
    'but reads what it may';
WebhookRun::expect_log(qr/AH01618: user x not found/);
is call(GET => '', undef, Authorization => 'Basic eDp4')->code, 401,
    'nor does an unknown user';
