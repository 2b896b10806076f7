# SPDX-License-Identifier: Apache-2.0
# PATCH of a webhook: JSON Patch (RFC 6902) and merge patch (RFC 7396) as the
# API has them, preconditions of every change, and updates that are not lost.
use strict;
use warnings FATAL => 'all';

use HTTP::Date qw(time2str);
use JSON::PP ();
use POSIX ();
use Test::More;
use WebhookApi qw(call create entity path_of remove);
use WebhookCheck qw(allowed answered decoded etag_of refused without);
use WebhookServer ();

my $server = WebhookServer->new->start;
my $json = JSON::PP->new->utf8->canonical;
my $target = 'https://hooks.example.com/in?a=b';
my $id = create($server, TargetUrl => $target);
# What a change always changes.
my @stamps = qw(Updated UpdatedAssociate _Links);
# What every case starts from.
my %first = (
    Name => 'first', TargetUrl => $target, Secret => 's3cret',
    Events => ['a.created', 'b.changed'], State => 'Stopped',
    Headers => { 'X-A' => '1' }, Description => 'text',
    Properties => { a => { b => [1, 2] }, 'c/d' => 1, 'm~n' => 2, Case => 1 },
    ErrorEmails => ['old@example.com', 'other@example.com'],
    ErrorAssociates => [{ Id => 1 }], NotifyVia => 'Email',
);

sub reset_webhook {
    my $answer = call($server, PUT => path_of($id), \%first);

    $answer->{status} == 200 or BAIL_OUT("PUT: $answer->{content}");
    return without(decoded($answer), @stamps);
}

sub patch {
    my ($patch, $type, %headers) = @_;

    $headers{'Content-Type'} = $type if $type;
    return call($server, PATCH => path_of($id),
        ref $patch ? $json->encode($patch) : $patch, %headers);
}

# The members that a patch has to change; all others stay.
sub patched {
    my ($patch, $changes, $name, $type) = @_;
    my $expected = { %{ reset_webhook() }, %$changes };
    my $answer = answered patch($patch, $type), 200, $name;
    my $entity = decoded($answer);

    is_deeply without($entity, @stamps), $expected, '... what is answered';
    is_deeply without(entity($server, $id), @stamps), $expected,
        '... and what is kept';
    return $entity;
}

sub not_patched {
    my ($patch, $status, $pattern, $name, $type) = @_;
    my $expected = reset_webhook();

    refused patch($patch, $type), $status, $pattern, $name;
    is_deeply without(entity($server, $id), @stamps), $expected,
        '... changes nothing';
    return;
}

sub op {
    my ($op, $path, @value) = @_;

    return { op => $op, path => $path, @value ? (value => $value[0]) : () };
}

# -- JSON Patch ---------------------------------------------------------------

my $numbers = [op(test => '/TotalCalls', 0), op(test => '/WebhookId', $id),
    op(test => '/Events', ['a.created', 'b.changed']),
    op(test => '/Properties/a', { b => [1, 2] }), op(test => '/Name', 'first'),
    op(test => '/Registered', entity($server, $id)->{Registered}),
    op(replace => '/Name', 'n')];

my @json_patches = (
    ['replace', [op(replace => '/Name', 'n')], { Name => 'n' }],
    ['no leading slash', [op(replace => 'Name', 'n')], { Name => 'n' }],
    ['a path in any case', [op(replace => '/nAME', 'n')], { Name => 'n' }],
    ['an operation in any case', [op(REPLACE => '/Name', 'n')],
        { Name => 'n' }],
    ['no operation', [], {}],
    ['add replaces a member', [op(add => '/Name', 'n')], { Name => 'n' }],
    ['add to the end of an array', [op(add => '/Events/-', 'c.d')],
        { Events => ['a.created', 'b.changed', 'c.d'] }],
    ['the same without a slash', [op(add => 'events/-', 'c.d')],
        { Events => ['a.created', 'b.changed', 'c.d'] }],
    ['add at an index', [op(add => '/Events/0', 'c.d')],
        { Events => ['c.d', 'a.created', 'b.changed'] }],
    ['add at the length', [op(add => '/Events/2', 'c.d')],
        { Events => ['a.created', 'b.changed', 'c.d'] }],
    ['remove an item', [op(remove => '/Events/0')],
        { Events => ['b.changed'] }],
    ['replace an item', [op(replace => '/Events/1', 'c.d')],
        { Events => ['a.created', 'c.d'] }],
    ['replace an array', [op(replace => '/Events', ['c.d'])],
        { Events => ['c.d'] }],
    ['add a header', [op(add => '/Headers/X-B', '2')],
        { Headers => { 'X-A' => '1', 'X-B' => '2' } }],
    ['add all headers', [op(add => '/Headers', { 'X-B' => '2' })],
        { Headers => { 'X-B' => '2' } }],
    ['a header in any case keeps its spelling',
        [op(replace => '/headers/x-a', '2')], { Headers => { 'X-A' => '2' } }],
    ['remove a header', [op(remove => '/Headers/X-A'),
        op(add => '/Headers/X-B', '2')], { Headers => { 'X-B' => '2' } }],
    ['replace nested properties', [op(replace => '/Properties',
        { my => { nested => [1, { deep => JSON::PP::true }] } })],
        { Properties => { my => { nested => [1,
            { deep => JSON::PP::true }] } } }],
    ['deep in properties', [op(replace => '/Properties/a/b/0', 9)],
        { Properties => { %{ $first{Properties} }, a => { b => [9, 2] } } }],
    ['an escaped slash', [op(replace => '/Properties/c~1d', 9)],
        { Properties => { %{ $first{Properties} }, 'c/d' => 9 } }],
    ['an escaped tilde', [op(replace => '/Properties/m~0n', 9)],
        { Properties => { %{ $first{Properties} }, 'm~n' => 9 } }],
    ['an empty name', [op(add => '/Properties/a/', 9)],
        { Properties => { %{ $first{Properties} },
            a => { b => [1, 2], '' => 9 } } }],
    ['remove gives the default: null', [op(remove => '/Secret')],
        { Secret => undef }],
    ['remove the description', [op(remove => '/Description')],
        { Description => undef }],
    ['remove headers and properties', [op(remove => '/Headers'),
        op(remove => '/Properties')],
        { Headers => undef, Properties => undef }],
    ['remove gives the default: a state', [op(remove => '/State')],
        { State => 'Active' }],
    ['remove gives the default: flags', [op(remove => '/NotifyVia')],
        { NotifyVia => 'None' }],
    ['remove gives the default: events', [op(remove => '/Events')],
        { Events => ['contact.created', 'contact.deleted'] }],
    ['null removes too', [op(replace => '/Secret', undef)],
        { Secret => undef }],
    ['a state by name', [op(replace => '/State', 'active')],
        { State => 'Active' }],
    ['a state by number', [op(replace => '/State', 3)],
        { State => 'TooManyErrors' }],
    ['flags by number', [op(replace => '/NotifyVia', 3)],
        { NotifyVia => 'Email, InApp' }],
    ['an associate', [op(add => '/ErrorAssociates/-', { Id => 2 })],
        { ErrorAssociates => [{ Id => 1 }, { Id => 2 }] }],
    ['the older name of the first address',
        [op(replace => '/ErrorsEmail', 'new@example.com')],
        { ErrorsEmail => 'new@example.com',
          ErrorEmails => ['new@example.com', 'other@example.com'] }],
    ['the newer name', [op(replace => '/ErrorEmails/0', 'new@example.com')],
        { ErrorsEmail => 'new@example.com',
          ErrorEmails => ['new@example.com', 'other@example.com'] }],
    ['tests that hold', $numbers, { Name => 'n' }],
    ['a test of what an operation before made', [op(add => '/Name', 'x'),
        op(test => '/Name', 'x'), op(replace => '/Name', 'y')],
        { Name => 'y' }],
    ['a test of numbers by value', '[{"op":"test","path":"/Properties/Case",'
        . '"value":1.0},{"op":"add","path":"/Name","value":"n"}]',
        { Name => 'n' }],
    ['what only the server sets', [op(replace => '/WebhookId', 4711),
        op(replace => '/Registered', '1999-01-01T00:00:00Z'),
        op(replace => '/TotalCalls', 7), op(replace => '/LastError', 'x'),
        op(remove => '/RegisteredAssociate')], {}],
    ['an unknown member', [op(add => '/Unknown', 1)], {}],
    ['unknown members of an operation',
        [{ op => 'add', path => '/Name', value => 'n', comment => 'x' }],
        { Name => 'n' }],
    ['members of an operation in any case',
        [{ Op => 'add', PATH => '/Name', Value => 'n' }], { Name => 'n' }],
    ['a comma too much', '[{"op":"add","path":"/Name","value":"n",},]',
        { Name => 'n' }],
    ['an event twice', [op(add => '/Events/-', 'A.Created')], {}],
);
patched $_->[1], $_->[2], "JSON Patch: $_->[0]" for @json_patches;

patched [op(replace => '/Name', 'n')], { Name => 'n' }, "an array as $_", $_
    for qw(application/json-patch+json text/json application/merge-patch+json);

for my $op ('{"op":"move","from":"/Name","path":"/Description"}',
            '{"op":"copy","from":"/Name","path":"/Description"}') {
    my ($name) = $op =~ /(move|copy)/;

    not_patched "[$op]", 400, qr/\b$name\b/, "JSON Patch: $name";
}

for (['a name', [op(test => '/Name', 'other')]],
     ['a number and a text', [op(test => '/TotalCalls', '0')]],
     ['null', [op(test => '/Name', undef)]],
     ['nowhere', [op(test => '/Nothing/there', 1)]],
     ['null, nowhere', [op(test => '/Nothing', undef)]],
     ['after a change', [op(replace => '/Name', 'n'),
        op(test => '/Name', 'first')]],
     ['before a change', [op(test => '/Secret', 'guessed'),
        op(replace => '/Name', 'n')]]) {
    not_patched $_->[1], 409, qr/test/, "JSON Patch: a test fails: $_->[0]";
}
{
    my $answer = patch([op(test => '/Secret', 'guessed')]);

    unlike $answer->{content}, qr/s3cret/, 'a test that fails tells no secret';
}

my @bad_json_patches = (
    ['replace what is not there', [op(replace => '/Nowhere', 1)]],
    ['remove what is not there', [op(remove => '/Nowhere')]],
    ['add below what is not there', [op(add => '/Nowhere/deep', 1)]],
    ['an index behind the end', [op(replace => '/Events/2', 'c.d')]],
    ['add behind the end', [op(add => '/Events/3', 'c.d')]],
    ['remove behind the end', [op(remove => '/Events/99')]],
    ['remove -', [op(remove => '/Events/-')]],
    ['replace -', [op(replace => '/Events/-', 'c.d')]],
    ['a negative index', [op(add => '/Events/-1', 'c.d')]],
    ['an index with a zero', [op(add => '/Events/01', 'c.d')]],
    ['a name as an index', [op(add => '/Events/abc', 'c.d')]],
    ['a huge index', [op(add => '/Events/18446744073709551616', 'c.d')]],
    ['below a text', [op(add => '/Name/x', 1)]],
    ['a broken escape', [op(replace => '/Na~2me', 'n')]],
    ['an unknown operation', [op(spam => '/Name', 'n')]],
    ['no operation', [{ path => '/Name', value => 'n' }]],
    ['an operation that is no text', [op([] => '/Name', 'n')]],
    ['no path', [{ op => 'remove' }]],
    ['a path that is no text', [{ op => 'remove', path => 5 }]],
    ['add without a value', [op(add => '/Name')]],
    ['replace without a value', [op(replace => '/Name')]],
    ['test without a value', [op(test => '/Name')]],
    ['an item that is no object', [op(replace => '/Name', 'n'), 'x']],
    ['an item that is null', [undef]],
    ['an array in an array', [[op(replace => '/Name', 'n')]]],
    ['the whole as a text', [op(replace => '', 'text')]],
    ['the last of two is bad', [op(replace => '/Name', 'n'),
        op(remove => '/Nowhere')]],
    ['1001 operations', [map { op(replace => '/Name', "n$_") } 1 .. 1001]],
);
not_patched $_->[1], 400, qr/./, "JSON Patch: $_->[0]" for @bad_json_patches;

patched [map { op(replace => '/Name', "n$_") } 1 .. 1000],
    { Name => 'n1000' }, '1000 operations';
not_patched [map { op(add => '/Properties/a' . '/x' x $_, {}) } 1 .. 70], 400,
    qr/./, 'operations that nest deeper than a body may';

# -- what the rules of a webhook refuse ------------------------------------------

my @bad_results = (
    ['State', 'Asleep', qr/State/],
    ['Events', [], qr/Events/],
    ['Events', ['a,b'], qr/Events/],
    ['Events', 'a.b', qr/Events/],
    ['Name', 5, qr/Name/],
    ['Name', 'x' x 401, qr/Name/],
    ['TargetUrl', undef, qr/TargetUrl/],
    ['TargetUrl', 'ftp://example.com/', qr/TargetUrl/],
    ['TargetUrl', 'https://10.0.0.1/', qr/not allowed/],
    ['Headers', { Host => 'x' }, qr/Headers/],
    ['Headers', [], qr/Headers/],
    ['Properties', 'x', qr/Properties/],
    ['Type', 'crmscript', qr/Type/],
    ['ErrorEmails', ['nobody'], qr/ErrorEmails/],
    ['NotifyVia', 9, qr/NotifyVia/],
);
for (@bad_results) {
    my ($member, $value, $pattern) = @$_;
    my $text = substr $json->encode([$value]), 0, 40;

    not_patched [op(replace => "/$member", $value)], 400, $pattern,
        "JSON Patch: $member $text";
    not_patched { $member => $value }, 400, $pattern,
        "merge patch: $member $text";
}
not_patched [map { op(add => '/Events/-', "e$_" . 'x' x 100) } 1 .. 50], 400,
    qr/Events/, 'JSON Patch: too many events';

# -- merge patch -----------------------------------------------------------------

my @merge_patches = (
    ['a member', { Name => 'n' }, { Name => 'n' }],
    ['nothing', {}, {}],
    ['names in any case', { nAME => 'n', secret => 'n' },
        { Name => 'n', Secret => 'n' }],
    ['null removes', { Secret => undef, Description => undef },
        { Secret => undef, Description => undef }],
    ['null gives the default', { State => undef }, { State => 'Active' }],
    ['members of a member', { Headers => { 'X-B' => '2' } },
        { Headers => { 'X-A' => '1', 'X-B' => '2' } }],
    ['a header in any case keeps its spelling', { headers => { 'x-a' => '2' } },
        { Headers => { 'X-A' => '2' } }],
    ['null removes a header',
        { Headers => { 'X-A' => undef, 'X-B' => '2' } },
        { Headers => { 'X-B' => '2' } }],
    ['deep in properties', { Properties => { a => { c => 3 } } },
        { Properties => { %{ $first{Properties} },
            a => { b => [1, 2], c => 3 } } }],
    ['a value in place of an object', { Properties => { a => 5 } },
        { Properties => { %{ $first{Properties} }, a => 5 } }],
    ['an array replaces', { Events => ['c.d'] }, { Events => ['c.d'] }],
    ['an array inside replaces', { Properties => { a => { b => [] } } },
        { Properties => { %{ $first{Properties} }, a => { b => [] } } }],
    ['an object for an array is appended', { ErrorAssociates => { Id => 2 } },
        { ErrorAssociates => [{ Id => 1 }, { Id => 2 }] }],
    ['a state by number', { State => 1 }, { State => 'Active' }],
    ['flags by name', { NotifyVia => 'InApp, Email', NotifyWhen => 'Disabling' },
        { NotifyVia => 'Email, InApp', NotifyWhen => 'Disabling' }],
    ['the older name of the first address',
        { ErrorsEmail => 'new@example.com' },
        { ErrorsEmail => 'new@example.com',
          ErrorEmails => ['new@example.com', 'other@example.com'] }],
    ['what only the server sets', { WebhookId => 4711, TotalCalls => 7,
        Registered => '1999-01-01T00:00:00Z', RegisteredAssociate => undef,
        LastError => 'x' }, {}],
    ['unknown members', { Unknown => 1, _Links => { Self => 'x' } }, {}],
    ['commas too much', '{"Name":"n","Events":["c.d",],}',
        { Name => 'n', Events => ['c.d'] }],
);
patched $_->[1], $_->[2], "merge patch: $_->[0]" for @merge_patches;

patched { Name => 'n' }, { Name => 'n' }, "an object as $_", $_
    for qw(application/merge-patch+json text/json application/json-patch+json);
not_patched { Events => { a => 1 } }, 400, qr/Events/,
    'merge patch: an object is no event';
not_patched { ErrorAssociates => 'x' }, 400, qr/ErrorAssociates/,
    'merge patch: a text is no array';
not_patched '{"Name":"a","Name":"b"}', 400, qr/twice/,
    'merge patch: a name twice';

# -- XML and forms: an object is a merge patch, an array a JSON Patch --------------

patched '<Webhook><Name>n</Name><Secret type="null"/><Headers><X-B>2</X-B>'
    . '</Headers><Events><item>c.d</item></Events></Webhook>',
    { Name => 'n', Secret => undef, Events => ['c.d'],
      Headers => { 'X-A' => '1', 'X-B' => '2' } }, 'XML: an object', $_
    for qw(application/xml text/xml);
patched '<Patch type="array"><item><op>replace</op><path>/Name</path>'
    . '<value>n</value></item><item><op>add</op><path>/Events/-</path>'
    . '<value>c.d</value></item></Patch>',
    { Name => 'n', Events => ['a.created', 'b.changed', 'c.d'] },
    'XML: an array', 'application/xml';
patched 'Name=n&Events=c.d,e.f&State=Active&NotifyVia=Email%2C+InApp'
    . '&Headers%5BX-B%5D=2',
    { Name => 'n', Events => ['c.d', 'e.f'], State => 'Active',
      NotifyVia => 'Email, InApp',
      Headers => { 'X-A' => '1', 'X-B' => '2' } }, 'a form',
    'application/x-www-form-urlencoded';

# -- bodies that are no patch ------------------------------------------------------

for ('null', '5', '"text"', 'true', '', " \n", '{', '[', '{"Name":', 'Name',
     "\xff", "{\"Name\":\"\0\"}") {
    (my $name = $_) =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge;
    not_patched $_, 400, qr/./, "the body '$name'";
}
not_patched '{}', 415, qr/Content-Type/, 'another type', 'text/plain';
is patch('{}', 'text/plain')->{headers}{'accept-patch'},
    'application/json-patch+json, application/merge-patch+json',
    '... and which ones there are';
is call($server, PUT => path_of($id), '{}', 'Content-Type' => 'text/plain')
    ->{headers}{'accept-patch'}, undef, '... which PUT does not tell';
not_patched '{"Name":"' . 'x' x (256 * 1024) . '"}', 413, qr/./,
    'a body that is too large';

# -- what is not there -------------------------------------------------------------

for my $path (qw(999999 2147483647 2147483648 0 -1 01 abc)) {
    refused call($server, PATCH => path_of($path), { Name => 'n' }), 404, qr/./,
        "PATCH of $path";
}
is allowed(call($server, OPTIONS => path_of($id))),
    'DELETE GET HEAD OPTIONS PATCH PUT', 'OPTIONS tells of PATCH';
for my $path ('', '/default', '/Test', '/a.b/1', "/$id/LastError") {
    my $answer = call($server, PATCH => "/api/v1/Webhook$path", {});

    refused $answer, 405, qr/./, "PATCH of '$path'";
    unlike allowed($answer), qr/PATCH/, '... and says what is allowed';
}

# -- entity tags -------------------------------------------------------------------

my $quoted = qr/\A"[!\x23-\x7e]+"\z/;

sub etag_now { return etag_of(call($server, GET => path_of($id))) }

{
    reset_webhook();
    my $first = etag_now();

    like $first, $quoted, 'GET has an entity tag';
    is etag_now(), $first, '... that stays';
    is etag_of(call($server, HEAD => path_of($id))), $first, '... HEAD too';
    my $put = etag_of(call($server, PUT => path_of($id), \%first));

    like $put, $quoted, 'PUT has one';
    isnt $put, $first, '... another one';
    is etag_now(), $put, '... that GET has then';
    my $patched = etag_of(patch({ Name => 'n' }));

    like $patched, $quoted, 'PATCH has one';
    isnt $patched, $put, '... another one';
    isnt $patched, $first, '... not one that was';
    is etag_now(), $patched, '... that GET has then';
    my $answer = call($server, POST => path_of(), \%first);

    like etag_of($answer), $quoted, 'POST has one';
    my $other = decoded($answer)->{WebhookId};

    is etag_of(call($server, GET => path_of($other))), etag_of($answer),
        '... that GET has then';
    remove($server, $other);
}

# -- preconditions (RFC 9110 section 13) -----------------------------------------------

# A new webhook for every try, as DELETE takes it away.
sub try_with {
    my ($method, $headers) = @_;
    my $answer = call($server, POST => path_of(), \%first);
    my $made = decoded($answer)->{WebhookId};
    my %headers = %{ $headers->(etag_of($answer)) };
    my $result = call($server, $method => path_of($made),
        $method eq 'DELETE' ? undef : { %first, Name => 'changed' }, %headers);
    my $after = call($server, GET => path_of($made));

    if ($after->{status} == 200) {
        $result->{name} = decoded($after)->{Name};
        remove($server, $made);
    }
    return $result;
}

my $past = time2str(time - 86_400);
my $future = time2str(time + 86_400);
my @preconditions = (
    ['the entity tag', 1, sub { { 'If-Match' => $_[0] } }],
    ['a list with it', 1,
        sub { { 'If-Match' => qq("x", $_[0] ,"y,z") } }],
    ['any', 1, sub { { 'If-Match' => '*' } }],
    ['another', 0, sub { { 'If-Match' => '"another"' } }],
    ['a list without it', 0, sub { { 'If-Match' => '"x", "y"' } }],
    ['a weak one', 0, sub { { 'If-Match' => "W/$_[0]" } }],
    ['no quotes', 0, sub { { 'If-Match' => $_[0] =~ tr/"//dr } }],
    ['not this tag', 0, sub { { 'If-None-Match' => $_[0] } }],
    ['not this tag, weakly', 0, sub { { 'If-None-Match' => "W/$_[0]" } }],
    ['not another', 1, sub { { 'If-None-Match' => '"x", W/"y"' } }],
    ['not any', 0, sub { { 'If-None-Match' => '*' } }],
    ['unmodified since tomorrow', 1,
        sub { { 'If-Unmodified-Since' => $future } }],
    ['unmodified since yesterday', 0,
        sub { { 'If-Unmodified-Since' => $past } }],
    ['a date that is none', 1,
        sub { { 'If-Unmodified-Since' => 'yesterday' } }],
    ['no date', 1, sub { { 'If-Unmodified-Since' => '' } }],
    ['a tag counts more than a date', 1,
        sub { { 'If-Match' => $_[0], 'If-Unmodified-Since' => $past } }],
    ['also a wrong one', 0,
        sub { { 'If-Match' => '"x"', 'If-Unmodified-Since' => $future } }],
);
for my $method (qw(PUT PATCH DELETE)) {
    for (@preconditions) {
        my ($name, $holds, $headers) = @$_;
        my $result = try_with($method, $headers);

        if (!$holds) {
            refused $result, 412, qr/./, "$method: $name";
            is $result->{name}, 'first', '... nothing is changed';
        }
        elsif ($method eq 'DELETE') {
            answered $result, 204, "DELETE: $name";
            is $result->{name}, undef, '... it is gone';
        }
        else {
            answered $result, 200, "$method: $name";
            is $result->{name}, 'changed', '... it is changed';
        }
    }
}
{
    my $old = etag_now();

    patch({ Name => 'n' });
    refused call($server, PATCH => path_of($id), { Name => 'm' },
        'If-Match' => $old), 412, qr/./, 'a tag that was true once';
}

# -- updates are not lost ----------------------------------------------------------------

# Does the work of the block in so many processes at once; what each returns.
sub at_once {
    my ($count, $work) = @_;
    my @pipes;

    pipe my $wait, my $go or die "pipe: $!";
    for my $number (1 .. $count) {
        my $pid = open my $pipe, '-|';

        defined $pid or die "fork: $!";
        if (!$pid) {
            close $go;
            # Ends when the parent closes the other side.
            sysread $wait, my $byte, 1;
            my $result = eval { $work->($number) } // "died: $@";

            syswrite STDOUT, $result;
            POSIX::_exit(0);
        }
        push @pipes, $pipe;
    }
    close $go;
    return map { local $/; my $text = <$_>; close $_; $text // '' } @pipes;
}

{
    my $workers = 6;
    my $rounds = 10;

    reset_webhook();
    my @results = at_once($workers, sub {
        my ($worker) = @_;

        return join ' ', map {
            patch($_ % 2 ? { Properties => { "w$worker.$_" => $_ } }
                : [op(add => "/Properties/w$worker.$_", $_)])->{status}
        } 1 .. $rounds;
    });

    is_deeply \@results, [('200 ' x ($rounds - 1) . '200') x $workers],
        'many change one webhook at once';
    my %expected = map { my $worker = $_;
        map { ("w$worker.$_" => $_) } 1 .. $rounds } 1 .. $workers;

    is_deeply entity($server, $id)->{Properties},
        { %{ $first{Properties} }, %expected }, '... no change is lost';
}
{
    reset_webhook();
    my $etag = etag_now();
    my @results = at_once(6, sub {
        return patch({ Name => "worker $_[0]" }, undef,
            'If-Match' => $etag)->{status};
    });

    is join(' ', sort @results), '200 412 412 412 412 412',
        'of many with the same tag one wins';
    like entity($server, $id)->{Name}, qr/\Aworker \d\z/, '... and is kept';
}

done_testing;
