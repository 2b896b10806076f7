# SPDX-License-Identifier: Apache-2.0
# What is tried again, when, how often, and with which bytes.
use strict;
use warnings FATAL => 'all';

use Test::More;
use WebhookApi qw(create entity have_sql signal sql update);
use WebhookRun ();
use WebhookServer qw(wait_for);
use WebhookSink ();

WebhookRun::expect_log(qr/WH1221: webhook \d+ event \S+ attempt 4: status/);

my $sink = WebhookSink->new;
my $server = WebhookServer->new(directives =>
    { WebhookRetry => '100ms 200ms 300ms', WebhookTimeout => '20s' })->start;

# Requests for a path, once there are so many.
sub received {
    my ($path, $count) = @_;
    my @got;

    wait_for { @got = grep { $_->{path} eq $path } $sink->requests;
        @got >= $count } 20;
    @got >= $count or BAIL_OUT("$path: " . @got . " of $count requests");
    return @got;
}

sub retry_of { return $sink->header($_[0], 'X-SuperOffice-Retry') }
sub gaps { return map { $_[$_]{time} - $_[$_ - 1]{time} } 1 .. $#_ }

# -- 503, 503, 200; the webhook changes in between -----------------------------

my $changed = $server->root . '/changed';
$sink->script({ '/change' => [{ status => 503, body => 'not yet',
    delay => 0.5, until => $changed }, 503, 200] });
my $id = create($server, Name => 'before', Secret => 'old secret',
    Events => ['change'], TargetUrl => $sink->url('/change'));
my $event = signal($server, 'change', 1, { a => 1 });
received('/change', 1);
# The first attempt waits for its answer now.
update($server, $id, Name => 'after', Secret => 'new secret',
    Properties => { more => 1 });
WebhookServer::spew($changed, '');
my @got = received('/change', 3);
is_deeply [map { retry_of($_) } @got], [0, 1, 2], 'attempts are counted';
is_deeply [map { $sink->header($_, 'X-SuperOffice-EventId') } @got],
    [($event) x 3], 'of one event id';
is_deeply [map { $_->{body} } @got], [($got[0]{body}) x 3],
    'with the same bytes, although the webhook has changed';
like $got[0]{body}, qr/"WebhookName":"before"/, '... those of the first';
ok $sink->verify_signature($got[0], 'old secret'), 'signed';
ok $sink->verify_signature($got[2], 'new secret'),
    'an attempt is signed with the secret of its time';
my @gaps = gaps(@got);
cmp_ok $gaps[0], '>=', 0.5 + 0.09, 'the first wait';
cmp_ok $gaps[1], '>=', 0.18, 'the second, which is longer';

ok wait_for { entity($server, $id)->{TotalCalls} == 3 } 10;
my $entity = entity($server, $id);
is $entity->{TotalErrors}, 2, 'errors are counted';
is $entity->{ConsecutiveErrors}, 0, '... and forgotten by a success';
like $entity->{LastError}, qr{\AHTTP/1\.1 503 }, 'the last error is kept';

# -- the schedule ends ---------------------------------------------------------

$sink->script({ '/never' => 500 });
$id = create($server, Events => ['never'], TargetUrl => $sink->url('/never'));
$event = signal($server, 'never', 1);
ok $server->wait_for_log(qr/event $event attempt 4: .*failed for good/, 20),
    'after the last wait it has failed for good';
is scalar received('/never', 4), 4, 'four attempts for three waits';
wait_for { entity($server, $id)->{TotalErrors} == 4 } 10;
is entity($server, $id)->{ConsecutiveErrors}, 4, 'all of them errors';
SKIP: {
    skip 'sqlite3 is not installed', 2 if !have_sql();
    is sql($server, 'SELECT state, attempts FROM delivery '
        . "WHERE webhook_id = $id"), '2|4', 'the delivery is recorded as failed';
    is sql($server, 'SELECT count(*) FROM attempt a JOIN delivery d ON '
        . "d.id = a.delivery_id WHERE d.webhook_id = $id AND a.status = 500"),
        4, '... with its attempts';
}
$event = signal($server, 'never', 2);
ok $server->wait_for_log(qr/event $event attempt 4: .*failed for good/, 20),
    'the next event is tried as often';
is scalar received('/never', 8), 8, '... and the first no more';

# -- Retry-After ---------------------------------------------------------------

# [path, value, least wait, not before]; each is a webhook, all get one event.
sub http_date {
    my ($day, $month, $year) = (localtime)[3, 4, 5];
    my @time = gmtime $_[0];

    return sprintf '%s, %02d %s %d %02d:%02d:%02d GMT',
        (qw(Sun Mon Tue Wed Thu Fri Sat))[$time[6]], $time[3],
        (qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec))[$time[4]],
        1900 + $time[5], @time[2, 1, 0];
}

# When the first answer comes the date may be near, or over.
my $date = time + 3;
my @cases = (['/seconds', 2, 2], ['/date', http_date($date), 0.09, $date],
    ['/zero', 0, 0.09], ['/past', http_date($date - 60), 0.09],
    ['/negative', -5, 0.09], ['/words', 'soon', 0.09],
    ['/fraction', '1.5', 0.09]);
my $others = 0.09 + 1;
$sink->script({ map { my ($path, $value) = @$_;
    ($path => [{ status => 429, headers => ['Retry-After' => $value] }, 200])
} @cases });
create($server, Events => ['after'], TargetUrl => $sink->url($_->[0]))
    for @cases;
signal($server, 'after', 1);
for my $case (@cases) {
    my ($path, $value, $least, $not_before) = @$case;
    my @pair = received($path, 2);

    cmp_ok((gaps(@pair))[0], '>=', $least, "Retry-After: $value waits");
    cmp_ok $pair[1]{time}, '>=', $not_before, '... until then' if $not_before;
}

# -- what is a success and what is not -----------------------------------------

my @success = (200, 201, 202, 204, 206, 299);
my @failure = (300, 304, 400, 401, 404, 413, 429, 500, 502, 599, 999);
my @redirect = (301, 302, 303, 307, 308);
my $trap = WebhookSink->new;
$sink->script({
    (map { ("/$_" => [$_]) } @success),
    (map { ("/$_" => [$_, 200]) } @failure),
    (map { ("/$_" => [{ status => $_, headers => ['Location' =>
        $_ % 2 ? $trap->url('/trap') : $sink->url('/trap')] }, 200]) }
        @redirect),
});
create($server, Events => ['status'], TargetUrl => $sink->url("/$_"))
    for @success, @failure, @redirect;
signal($server, 'status', 1);
for my $status (@failure, @redirect) {
    is_deeply [map { retry_of($_) } received("/$status", 2)], [0, 1],
        "$status is tried again";
}
for my $status (@success) {
    is scalar received("/$status", 1), 1, "$status is a success";
}
SKIP: {
    skip 'sqlite3 is not installed', 1 if !have_sql();
    ok WebhookApi::settled($server, 20), 'nothing is pending';
}
is scalar(grep { $_->{path} eq '/trap' } $sink->requests), 0,
    'no redirect is followed';
is scalar $trap->requests, 0, '... to nowhere';
is scalar(grep { received("/$_", 1) > 1 } @success), 0,
    'no success is repeated';

done_testing;
