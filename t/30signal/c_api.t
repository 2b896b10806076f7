# SPDX-License-Identifier: Apache-2.0
# Events that another module signals through include/mod_webhook.h: the module
# mod_signaltest calls the function and prints what it returns.
use strict;
use warnings FATAL => 'all';

use HTTP::Tiny ();
use Test::More;
use WebhookApi qw(create);
use WebhookServer ();
use WebhookSink ();

my $uuid = qr/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/;
my $sink = WebhookSink->new;
my $off_port = WebhookServer::free_port();
my $server = WebhookServer->new(conf => <<"END")->start;
WebhookMaxBody 1K
WebhookSignalTimeout 5s
<Location /signaltest>
    SetHandler signaltest
</Location>
<Location /known>
    SetHandler signaltest
    AuthType Basic
    AuthName "webhook test"
    AuthBasicProvider file
    AuthUserFile "$ENV{WEBHOOK_STAGE}/t/conf/users"
    Require valid-user
</Location>
Listen 127.0.0.1:$off_port
<VirtualHost 127.0.0.1:$off_port>
    WebhookEngine Off
</VirtualHost>
END
my $count = 0;

create($server, Events => ['c.api'], TargetUrl => $sink->url, Name => 'c');

sub escape {
    my ($text) = @_;

    $text =~ s/([^A-Za-z0-9._-])/sprintf '%%%02X', ord $1/ge;
    return $text;
}

# The name of the status and the event id.
sub call {
    my ($path, %arguments) = @_;
    my $query = join '&', map { "$_=" . escape($arguments{$_}) }
        sort keys %arguments;
    my $answer = $server->request(GET => "$path?$query", user =>
        $path eq '/known' ? 'tje0:Tje0' : '');

    my ($name, $id) = $answer->{content} =~ /^(\w+)\nid (.*)$/m
        or return "$answer->{status} $answer->{content}";
    return ($name, $id);
}

sub received {
    my @requests = $sink->wait_for(++$count, 20)
        or BAIL_OUT("delivery $count does not arrive");

    return $requests[$count - 1];
}

# -- accepted ------------------------------------------------------------------

my ($status, $id) = call('/signaltest', name => 'c.api', pk => -7,
    associate => 42, data => '{"b":1,"a":"x"}');
is $status, 'APR_SUCCESS', 'an event with everything';
like $id, qr/\A$uuid\z/, '... has an id';
my $got = received();
is $sink->header($got, 'X-SuperOffice-EventId'), $id, '... which is delivered';
like $got->{body}, qr/"Changes":\["b","a"\],"Event":"c\.api",
    "PrimaryKey":-7,"Entity":"c","ContextIdentifier":"Default",
    "ChangedByAssociateId":42,"WebhookName":"c"\}\z/x, '... with what it says';

for my $case (['a request', {}], ['a server record', { server => 1 }]) {
    my ($what, $arguments) = @$case;

    ($status, $id) = call('/signaltest', name => 'c.api', %$arguments);
    is $status, 'APR_SUCCESS', "$what is enough, without data";
    is $sink->json(received())->{EventId}, $id, '... and delivered';
}

($status, $id) = call('/signaltest', name => 'nobody.listens');
is $status, 'APR_SUCCESS', 'nobody listens: that is no error';

# -- refused -------------------------------------------------------------------

for my $case (['APR_EINVAL', 'no name', {}],
    ['APR_EINVAL', 'an empty name', { name => '' }],
    ['APR_EINVAL', 'a name with a blank', { name => 'a b' }],
    ['APR_EINVAL', 'a name with a line end', { name => "a\nb" }],
    ['APR_EINVAL', 'a long name', { name => 'x' x 129 }],
    ['APR_EINVAL', 'an array', { name => 'c.api', data => '[1]' }],
    ['APR_EINVAL', 'half an object', { name => 'c.api', data => '{"a":' }],
    ['APR_EINVAL', 'two objects', { name => 'c.api', data => '{}{}' }],
    ['APR_EINVAL', 'bad UTF-8', { name => 'c.api', data => "{\"\xff\":1}" }],
    ['APR_EINVAL', 'no record', { name => 'c.api', null => 1 }],
    ['APR_ENOSPC', 'more than WebhookMaxBody',
        { name => 'c.api', data => '{"a":"' . 'x' x 1017 . '"}' }]) {
    my ($expected, $what, $arguments) = @$case;

    is + (call('/signaltest', %$arguments))[0], $expected, "refused: $what";
}
is + (call('/signaltest', name => 'c.api', data => '{"a":"' . 'x' x 1016
    . '"}'))[0], 'APR_SUCCESS', 'as large as allowed';
received();
my $off = HTTP::Tiny->new->get("http://127.0.0.1:$off_port/signaltest?name=c");
like $off->{content}, qr/^APR_ENOTIMPL$/m, 'not where WebhookEngine is off';

# -- a key ---------------------------------------------------------------------

my @first = call('/signaltest', name => 'c.api', key => 'k1', pk => 1);
is $first[0], 'APR_SUCCESS', 'an event with a key';
received();
is_deeply [call('/signaltest', name => 'c.api', key => 'k1', pk => 1)],
    \@first, 'again: the same id';
is + (call('/signaltest', name => 'c.api', key => 'k1', pk => 2))[0],
    'APR_EEXIST', 'another event with the key';
my @other = call('/known', name => 'c.api', key => 'k1', pk => 2);
is $other[0], 'APR_SUCCESS', 'another user has keys of its own';
isnt $other[1], $first[1], '... and another event';
is $sink->json(received())->{PrimaryKey}, 2, '... which is delivered';

# -- no answer from the dispatcher ---------------------------------------------

my $dispatcher = $server->the_dispatcher;
kill 'STOP', $dispatcher;
($status, $id) = call('/signaltest', name => 'c.api', pk => 99);
is $status, 'APR_TIMEUP', 'no answer in time: unknown';
like $id, qr/\A$uuid\z/, '... and the id that it may have';
kill 'CONT', $dispatcher;
is $sink->json(received())->{EventId}, $id, '... as it was delivered after all';
is scalar $sink->requests, $count, 'nothing more was received';

done_testing;
