# SPDX-License-Identifier: Apache-2.0
# API.md is true: its examples are sent, its operations answer as its table of
# statuses says, its media types are read and written.
use strict;
use warnings FATAL => 'all';

use JSON::PP ();
use Test::More;
use WebhookServer ();

my $json = JSON::PP->new->utf8->allow_nonref;
my $text = read_manual();
my @operations = ((map { [@$_, ''] } table('REST form')),
    (map { [@$_, 'agents: '] } table('Agents form')));
my %matrix = map { $_->[0] => $_ } table('Operation, media type, status');
my ($of_all) = $text =~ /can also answer ([\d, and]+)\./;
my $server = WebhookServer->new->start;

cmp_ok scalar @operations, '>', 10, 'there are operations';
test_examples();
test_operations();
test_media_types();
test_errors();
$server->stop;
done_testing;

# ---- the text -----------------------------------------------------------------

sub read_manual {
    for my $path (map { "$_/API.md" } grep { defined } $ENV{WEBHOOK_STAGE},
        $ENV{SRCDIR} && "$ENV{SRCDIR}/mod_webhook") {
        open my $file, '<:encoding(UTF-8)', $path or next;
        local $/;
        return scalar <$file>;
    }
    die "API.md is neither in WEBHOOK_STAGE nor in SRCDIR\n";
}

# Rows of the first table below a heading, as cells without their backticks.
sub table {
    my ($heading) = @_;
    my ($part) = $text =~ /^#+ \Q$heading\E\n(.*?)(?=^#+ |\z)/ms;
    my ($lines) = ($part // '') =~ /((?:^\|.*\n)+)/m;
    my @rows = map { [map { s/^\s+|\s+$|`//gr } split /\|/, s/^\||\|$//gr] }
        split /\n/, $lines // '';

    return @rows[2 .. $#rows];
}

# The one example that matches.
sub example {
    my ($language, $pattern) = @_;
    my @found = grep { /$pattern/ } $text =~ /^```$language\n(.*?)^```$/msg;

    is scalar @found, 1, "one example of $language has $pattern";
    return $found[0] =~ s/\n\z//r;
}

# ---- requests -----------------------------------------------------------------

sub call {
    my ($method, $path, $type, $body, %headers) = @_;
    my $answer = $server->request($method => $path,
        content => $body,
        headers => { (defined $type ? ('Content-Type' => $type) : ()),
            %headers });

    $answer->{json} = eval { $json->decode($answer->{content}) };
    return $answer;
}

sub api { return call($_[0], "/api/v1/Webhook$_[1]", @_[2 .. $#_]) }

# What a client may say of a webhook.
sub said_of {
    my ($answer) = @_;
    my %said = %{ $answer->{json} || {} };

    delete @said{qw(WebhookId Registered Updated _Links)};
    return \%said;
}

# ---- the examples -------------------------------------------------------------

sub test_examples {
    my $first = api(POST => '', 'application/json',
        example(json => qr/^\{\s+"Name": "My hook"/));
    my $patch = example(json => qr/"op": "test"/);
    my $merge = example(json => qr/"name": "A third name"/);
    my $id = $first->{json}{WebhookId};

    is $first->{status}, 200, 'the webhook as JSON';
    for (['application/xml', example(xml => qr/<Webhook>/)],
        ['application/x-www-form-urlencoded', example(text => qr/^Name=/)]) {
        my $answer = api(POST => '', @$_);

        is $answer->{status}, 200, "the same as $_->[0]";
        is_deeply said_of($answer), said_of($first), '... gives the same';
    }

    my $answer = api(PATCH => "/$id", 'application/json', $patch);
    is $answer->{status}, 200, 'the JSON Patch';
    is $answer->{json}{Name}, 'Another name', '... the name';
    is_deeply $answer->{json}{Events},
        [qw(window.closed window.opened button.clicked)], '... the events';
    $answer = api(PATCH => "/$id", 'application/json', $merge);
    is $answer->{status}, 200, 'the merge patch';
    is $answer->{json}{Name}, 'A third name', '... the name';
    is_deeply $answer->{json}{Headers}, { 'X-Other' => '1' },
        '... the headers';

    $answer = api(POST => "/$id/Replays", 'application/json',
        example(json => qr/^\{"From"/));
    is $answer->{status}, 409, 'a replay of a webhook that is stopped';

    my $result = $json->decode(example(json => qr/"Success"/));
    $answer = api(POST => '/Test', 'application/json', $json->encode({
        Events => ['a.b'],
        TargetUrl => 'http://127.0.0.1:' . WebhookServer::free_port() }));
    is_deeply $answer->{json}, $result, 'a test that nobody answers';
}

# ---- the operations -----------------------------------------------------------

# A delivery that waits for a target that is not there, its event, a replay.
sub known_delivery {
    my $id = api(POST => '', 'application/json', $json->encode({
        Name => 'not there', Events => ['log.seen'], TargetUrl =>
        'http://127.0.0.1:' . WebhookServer::free_port() . '/' }))
        ->{json}{WebhookId};
    my $event = api(POST => '/log.seen/1')->{headers}{'x-superoffice-eventid'};
    my $list = api(GET => "/$id/Deliveries")->{json};
    my $replay = api(POST => "/$id/Replays")->{json};

    return (eventId => $event, deliveryId => $list->{Deliveries}[0]{Id},
        replayId => $replay->{Id});
}

# An operation with an empty body answers with one of its own statuses; that
# there is no such path or method would be among those of all.
sub test_operations {
    my $id = api(GET => '')->{json}[0]{WebhookId};
    my %value = (id => $id, eventName => 'a.b', primaryKey => 1,
        known_delivery());

    for (@operations) {
        my ($request, $name, $scope, $meaning, $form) = @$_;
        my ($method, $path) = split / /, $request;
        my $row = $matrix{"$form$name"} || [];
        my @statuses = ("$row->[6], $row->[7]") =~ /(\d{3})/g;

        # It is used by all that come before.
        next if $method eq 'DELETE';
        $path =~ s/\{(\w+)\}/$value{$1}/g;
        $path = '' if $path eq '/';
        $path = ($form ? '/api/v1/Agents/Webhook' : '/api/v1/Webhook') . $path;
        my $status = call($method, $path)->{status};
        ok scalar(grep { $_ == $status && $_ != 404 } @statuses),
            "$form$name: $status";
        is call(PROPFIND => $path)->{status}, 405, '... not with any method';
        is $server->request($method => $path, user => '')->{status}, 401,
            '... not for anybody';
    }
    is api(DELETE => "/$id")->{status}, 204, 'DeleteWebhook: 204';
    like $of_all, qr/401, 403, 405/, 'the statuses of all';
}

# ---- media types --------------------------------------------------------------

my %bodies;

sub test_media_types {
    %bodies = (
        'JSON' => '{"a": 1,}',
        'XML' => '<x><a>1</a></x>',
        'form' => 'a=1',
        'JSON Patch' => '[{"op": "add", "path": "/a", "value": 1}]',
        'merge patch' => '{"a": 1, "b": null}',
    );
    for (table('Request bodies')) {
        my ($type, $kind) = @$_;

        is api(POST => '/a.b/1', $type, $bodies{$kind})->{status}, 204,
            "$type is read";
        is api(POST => '/a.b/1', "$type; charset=nobody-knows",
            $bodies{$kind})->{status}, 415, '... but not in any charset';
        is api(POST => '/a.b/1', $type, "\0")->{status}, 400,
            '... and not NUL';
    }
    is api(POST => '/a.b/1', 'text/plain', 'a')->{status}, 415,
        'another media type is not read';
    for (table('Answers')) {
        my $answer = api(GET => '/default', undef, undef, Accept => $_->[0]);

        is $answer->{headers}{'content-type'}, "$_->[0]; charset=utf-8",
            "$_->[0] is written";
    }
    is api(GET => '/default', undef, undef, Accept => 'text/plain')->{status},
        406, 'another one is not';
}

# ---- errors -------------------------------------------------------------------

sub test_errors {
    my $answer = api(GET => '/2147483647');
    my $xml = api(GET => '/2147483647', undef, undef,
        Accept => 'application/xml');

    is $answer->{status}, 404, 'a webhook that is not there';
    is $answer->{content}, example(json => qr/SoNotFound/),
        '... is told as in the example';
    like $xml->{content}, qr/<Error><Error type="boolean">true/,
        '... in XML too';
}
