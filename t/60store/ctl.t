# SPDX-License-Identifier: Apache-2.0
# webhookctl on the database of a running server: what it saves the API shows,
# what the API takes it shows, and each end has its exit status.
use strict;
use warnings FATAL => 'all';

use JSON::PP ();
use Test::More;
use WebhookApi qw(create database entity have_sql remove settled signal sql sql_write);
use WebhookCtl ();
use WebhookRun ();
use WebhookServer qw(wait_for);
use WebhookSink ();

plan skip_all => 'sqlite3 is not installed' if !have_sql();

my $sink = WebhookSink->new(script => {
    '/fails' => [ { status => 500, body => "no\e[31m\r\nway" } ] });
my $server = WebhookServer->new(directives => {
    WebhookRetry => '1h', WebhookProbe => 'Off' })->start;
my $ctl = WebhookCtl->new($server);
my @local = ('--allow-http', '--allow-network', '127.0.0.0/8');
my $long = 4_000_000_000_000_000_000;

# One call: its exit status, and what standard output and error are like.
sub runs {
    my ($what, $status, $out, $err, @arguments) = @_;
    my $run = $ctl->run(@arguments);

    $what =~ s/[^ -~]/?/g;
    subtest $what => sub {
        is $run->{status}, $status, 'exit status';
        like $run->{out}, $out, 'standard output';
        like $run->{err}, $err, 'standard error';
        unlike $run->{err}, qr/\n./, 'at most one line of it';
    };
    return $run;
}

my $nothing = qr/\A\z/;

# httpd answers before its dispatcher has made the database.
wait_for { $server->request(GET => '/api/v1/Webhook')->{status} == 200 } 20;

# -- webhooks ------------------------------------------------------------------

my $secret = $ctl->file("key of the hook\n");
my $run = runs('create', 0, qr/\Awebhook (\d+) is created\n\z/, $nothing,
    qw(webhook create --name), "caf\xc3\xa9", '--events',
    'sale.sold,sale.lost',
    '--target', $sink->url('/taken'), '--secret-file', $secret, '--header',
    'X-Shop=1', '--header', 'X-Other=2', '--property', 'origin={"a":[1]}',
    '--errors-email', 'ops@example.com,dev@example.com', '--description',
    'made by hand', '--notify-via', 'Email', '--notify-when',
    'FirstFailure,Disabling', @local);
my ($id) = $run->{out} =~ /(\d+)/;
my $entity = entity($server, $id);

is_deeply [@$entity{qw(Name State Secret Description NotifyVia NotifyWhen)}],
    ["caf\x{e9}", 'Active', 'key of the hook', 'made by hand', 'Email',
    'FirstFailure, Disabling'], 'the API shows what was saved';
is_deeply $entity->{Events}, ['sale.sold', 'sale.lost'], '... the events';
is_deeply $entity->{Headers}, { 'X-Shop' => '1', 'X-Other' => '2' },
    '... the headers';
is_deeply $entity->{Properties}, { origin => { a => [1] } },
    '... the properties';
is_deeply $entity->{ErrorEmails}, ['ops@example.com', 'dev@example.com'],
    '... the addresses';
ok $entity->{RegisteredAssociate}{Name}, '... and who it was: '
    . ($entity->{RegisteredAssociate}{Name} || '');
my ($test) = $sink->requests;
my %headers = map { lc $_->[0] => $_->[1] } @{ $test->{headers} };
is $headers{'x-hook-test'}, 'true', 'the target got the test event';
is $headers{'x-shop'}, '1', '... with the headers';
ok $sink->verify_signature($test, 'key of the hook'), '... signed';

runs('update', 0, qr/\Awebhook $id is changed\n\z/, $nothing, 'webhook',
    'update', $id, '--state', 'stopped', '--header', 'X-Other=', '--header',
    'X-New=3', '--property', 'origin=null', '--secret', '', @local);
my $changed = entity($server, $id);
is_deeply $changed, { %$entity, State => 'Stopped', Secret => undef,
    Properties => undef, Headers => { 'X-Shop' => '1', 'X-New' => '3' },
    map { ($_ => $changed->{$_}) } grep { exists $changed->{$_} }
        qw(Updated UpdatedAssociate _Links) },
    'what is not given stays';
is scalar($sink->requests), 1, '... and a stopped webhook is not tested';

# Its new state is an event like one of the API's.
{
    my $listener = create($server, Name => 'listener',
        Events => ["webhook$id.started"], TargetUrl => $sink->url('/state'));

    runs('started', 0, qr/changed/, $nothing, qw(webhook update), $id,
        qw(--state active --no-probe), @local);
    my ($told) = grep { $_->{path} eq '/state' } $sink->wait_for(2, 20);

    is $sink->header($told, 'X-SuperOffice-Event'), "webhook$id.started",
        'whoever listens is told of the new state';
    runs('stopped', 0, qr/changed/, $nothing, qw(webhook update), $id,
        qw(--state stopped), @local);
    remove($server, $listener);
}
$changed = entity($server, $id);

my $json = $ctl->json(qw(webhook show), $id);
is_deeply $json, { map { ($_ => $changed->{$_}) } keys %$json },
    'show --json is what the API says';
$ctl->run(qw(webhook update), $id, '--secret', 's3cret', @local);
is $ctl->json(qw(webhook show), $id)->{Secret}, undef, 'no secret is shown';
is $ctl->json(qw(webhook show), $id, '--show-secret')->{Secret}, 's3cret',
    '... unless it is asked for';
runs('show', 0, qr/^Secret: +\(set; --show-secret shows it\)$/m, $nothing,
    qw(webhook show), $id);
runs('show --show-secret', 0, qr/^Secret: +s3cret$/m, $nothing,
    qw(webhook show --show-secret), $id);

# What show prints can be edited and put back, without the secret in it.
$json->{Description} = 'edited';
$run = $ctl->run_with($ctl->file(JSON::PP->new->utf8->encode($json)),
    qw(webhook update), $id, qw(--file - --name renamed), @local);
is $run->{status}, 0, "update from a file$run->{err}";
is_deeply [@{ entity($server, $id) }{qw(Name Description Secret)}],
    ['renamed', 'edited', 's3cret'], '... options count more, null nothing';
$run = $ctl->run(qw(webhook create --no-probe --file), $ctl->file(
    JSON::PP->new->utf8->encode({ Name => 'from file', Events => ['a.b'],
    TargetUrl => $sink->url('/file'), ErrorsEmail => 'a@example.com' })),
    @local);
my ($file_id) = $run->{out} =~ /(\d+)/;
is_deeply [@{ entity($server, $file_id) }{qw(Name Events ErrorEmails)}],
    ['from file', ['a.b'], ['a@example.com']], 'create from a file';

my $other = $ctl->json(qw(webhook create --no-probe --context Other --name),
    'elsewhere', '--events', 'x.y', '--target', $sink->url('/'), @local);
is_deeply [map { $_->{WebhookId} } @{ $ctl->json(qw(webhook list)) }],
    [$id, $file_id], 'list';
is_deeply [map { $_->{WebhookId} }
    @{ $ctl->json(qw(webhook list --all-contexts)) }],
    [$id, $file_id, $other->{WebhookId}], '... of all contexts';
for my $filter (['--state', 'stopped'], ['--event', 'SALE.LOST'],
    ['--name', 'RENAMED']) {
    is_deeply [map { $_->{WebhookId} } @{ $ctl->json(qw(webhook list),
        @$filter) }], [$id], "... @$filter";
}
is $ctl->json(qw(webhook list))->[0]{Secret}, undef, '... without secrets';
my $rows = join '', map { "$_ .*\n" } 'ID +STATE +NAME',
    "$id +Stopped +renamed", "$file_id +Active +from file";
runs('list', 0, qr/\A$rows\z/, $nothing, qw(webhook list));

# -- refusals ------------------------------------------------------------------

my @create = (qw(webhook create --events a.b --target));
runs('an http target', 1, $nothing, qr/must be secure/, @create,
    'http://example.com/');
runs('a private address', 1, $nothing, qr/not allowed/, @create,
    'https://127.0.0.1/');
runs('a target that fails', 1, $nothing, qr/test event \(status 500\)/,
    @create, $sink->url('/fails'), @local);
runs('a target that is not there', 1, $nothing, qr/test event \((?!status)/,
    @create, 'http://127.0.0.1:' . WebhookServer::free_port() . '/', @local);
runs('an event with a blank', 1, $nothing, qr/Events/, @create,
    $sink->url('/'), @local, '--events', 'a/b');
runs('a header of HTTP', 1, $nothing, qr/belongs to HTTP/, @create,
    $sink->url('/'), @local, '--header', 'Host=x');
runs('a file that is no JSON', 1, $nothing, qr/file\d+: /, @create, 'x',
    '--file', $ctl->file('{'));
runs('a file that is an array', 1, $nothing, qr/JSON object/, @create, 'x',
    '--file', $ctl->file('[]'));
runs('no such file', 1, $nothing, qr/No such file/, @create, 'x', '--file',
    '/nowhere/at/all');
runs('an unknown id', 1, $nothing, qr/\Awebhookctl: there is no webhook 999$/,
    qw(webhook show 999));
runs('another context', 1, $nothing, qr/there is no webhook/,
    qw(webhook delete), $id, qw(--context Other));
is scalar(@{ $ctl->json(qw(webhook list --all-contexts)) }), 3,
    'nothing of it was saved';

for my $wrong ([], ['webhook'], ['nothing'], ['webhook', 'paint'],
    ['webhook', 'show'], ['webhook', 'show', 'x'], ['webhook', 'show', '0'],
    ['webhook', 'show', '99999999999'], ['webhook', 'show', 1, 2],
    ['webhook', 'create'], ['webhook', 'list', '--limit', 1],
    ['webhook', 'list', '--state', 'happy'], ['webhook', 'list', '--nothing'],
    ['webhook', 'list', '--name'], ['event', 'list', '--limit', 0],
    ['webhook', 'show', $id, '--all-contexts'],
    ['webhook', 'list', '--all-contexts', '--context', 'x'],
    ['webhook', 'list', '--context', "a\nb"],
    ['webhook', 'list', '--allow-network', '300.0.0.0/8'],
    ['webhook', 'list', '--deny-network', '10.0.0.1/8'],
    ['delivery', 'list', '--state', 'Active'], ['tail', '--for', 'ever'],
    ['replay', '--yes'], ['replay', '--state', 'all', '--yes'],
    ['replay', '--webhook', $id], ['replay', '--state', 'pending', '--yes'],
    ['replay', '--since', 'yesterday', '--yes'], ['completion', 'sh'],
    ['token', 'create', '--owner', 'x'], ['token', 'create', '--scope', 'read'],
    ['token', 'create', '--owner', 'x', '--scope', 'all'],
    ['token', 'create', '--owner', "\e", '--scope', 'read'],
    ['token', 'create', '--owner', 'x', '--scope', 'read', '--expires', '5'],
    ['app', 'create'], ['help', 'nothing']) {
    runs("wrong use: @$wrong", 2, $nothing, qr/\Awebhookctl: .+\n\z/, @$wrong);
}

# -- events and deliveries -----------------------------------------------------

$ctl->run(qw(webhook update), $id, '--state', 'Active', @local);
my $failing = create($server, Events => ['sale.failed'],
    TargetUrl => $sink->url('/fails'));
my $tail = $ctl->start(qw(tail --json));
wait_for { $tail->out ne '' || signal($server, 'sale.lost', 1) && 0 } 20;
ok $tail->out ne '', 'tail shows what comes';
my $event = signal($server, 'sale.sold', 7, { amount => 12, text => "\e[2J" });
my $failed = signal($server, 'sale.failed', 8);
wait_for { $tail->out =~ /"Status":500/
    && $tail->out =~ /$event.*\n(?s:.*)$event/ } 20;
$run = $tail->end('INT');
is $run->{status}, 0, 'interrupted, it ends in order';
is $run->{err}, '', '... and in silence';
my @lines = map { JSON::PP->new->utf8->decode($_) } split /\n/, $run->{out};
is_deeply [map { "$_->{Kind} " . ($_->{Status} // $_->{State}) =~ s/200/sent/r }
    grep { $_->{EventId} eq $event && $_->{Kind} eq 'attempt' } @lines],
    ['attempt sent'], '... one attempt of the event';
is scalar(grep { $_->{EventId} eq $event && $_->{Kind} eq 'delivery' } @lines),
    1, '... and its delivery, once';
ok settled($server, 20, $id), 'delivered';

my $events = $ctl->json(qw(event list));
is $events->[0]{EventId}, $failed, 'event list: the newest first';
is_deeply [@{ $events->[1] }{qw(EventId Event PrimaryKey Context Data)}],
    [$event, 'sale.sold', 7, 'Default', { amount => 12, text => "\e[2J" }],
    '... as it was signalled';
is scalar(@{ $ctl->json(qw(event list --limit 1)) }), 1, '... --limit';
is_deeply [map { $_->{EventId} }
    @{ $ctl->json(qw(event list --event SALE.FAILED)) }], [$failed],
    '... --event';
is_deeply $ctl->json(qw(event list --context Other)), [], '... --context';
my $shown = $ctl->json(qw(event show), $event);
is_deeply $ctl->json(qw(event show), $shown->{Id}), $shown,
    'event show, by UUID and id';
is_deeply [map { @$_{qw(State WebhookId Attempts)} } @{ $shown->{Deliveries} }],
    ['delivered', $id, 1], '... with its delivery';
runs('event show', 0, qr/^ +"text": "\\u001B\[2J"$/m, $nothing,
    qw(event show), $event);
runs('an unknown event', 1, $nothing, qr/there is no event/,
    qw(event show 01900000-0000-7000-8000-000000000000));
runs('an event that is none', 1, $nothing, qr/there is no event/,
    'event', 'show', "x\e");

my ($delivery) = @{ $ctl->json(qw(delivery list --webhook), $failing) };
is_deeply [@$delivery{qw(EventId Event WebhookId State Attempts)}],
    [$failed, 'sale.failed', $failing, 'pending', 1], 'delivery list';
like $delivery->{Due}, qr/\A\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z\z/,
    '... with the time of the next attempt';
is_deeply [map { $_->{Id} } @{ $ctl->json(qw(delivery list --state pending)) }],
    [$delivery->{Id}], '... --state';
is_deeply [map { $_->{EventId} }
    @{ $ctl->json(qw(delivery list --event sale.sold)) }], [$event],
    '... --event';
$shown = $ctl->json(qw(delivery show), $delivery->{Id});
is_deeply [map { @$_{qw(Number Status Address)} } @{ $shown->{AttemptList} }],
    [1, 500, '127.0.0.1'], 'delivery show: the attempt';
like $shown->{AttemptList}[0]{Body}, qr/no\?\[31m/, '... and the answer';
$run = runs('delivery show', 0, qr/^Attempt 1 at \S+: status 500 /m, $nothing,
    qw(delivery show), $delivery->{Id});
unlike $run->{out}, qr/[\e\r]/, '... harmless';
runs('an unknown delivery', 1, $nothing, qr/there is no delivery/,
    qw(delivery show 1));

my $follow = $ctl->start(qw(delivery list --follow --limit 1));
wait_for { $follow->out =~ /\n.*\n/ } 10;
my $after = signal($server, 'sale.sold', 9);
ok wait_for(sub { $follow->out =~ /$after/ }, 10), '--follow goes on';
$run = $follow->end('TERM');
is $run->{status}, 0, '... until it is told to end';
is scalar(() = $run->{out} =~ /^\d/mg), 2, '... each row once';
ok settled($server, 20, $id), 'all is delivered';
$run = $ctl->run(qw(tail --for 1));
is_deeply [@$run{qw(status out err)}], [0, '', ''],
    'nothing comes: tail --for says nothing';

# -- replay --------------------------------------------------------------------

my $before = () = grep { $_->{path} eq '/taken' } $sink->requests;
runs('replay of one event', 0, qr/\A1 deliveries are sent once more\n\z/,
    $nothing, qw(replay --state delivered --yes --event), $event);
ok wait_for(sub { $before + 1 == grep { $_->{path} eq '/taken' }
    $sink->requests }, 20), 'it comes once more';
my @came = grep { $_->{body} =~ /$event/ } $sink->requests;
is $came[0]{body}, $came[-1]{body}, '... with the same body';
ok settled($server, 20, $id), '... and is delivered';
runs('a replay of nothing', 1, $nothing, qr/no delivery/,
    qw(replay --state delivered --yes --until 2020-01-01));
runs('... of what failed', 1, $nothing, qr/no delivery/,
    qw(replay --state failed --yes));
is $ctl->json(qw(replay --state all --all --yes --since 1h))->{Replayed},
    scalar(@{ $ctl->json(qw(delivery list --limit 1000 --webhook), $id) }),
    'all of the last hour';
ok settled($server, 20, $id), '... are delivered';

# -- tokens and applications ---------------------------------------------------

my $app = $ctl->json(qw(app create --name), "shop\xc3\xa5");
like $app->{Secret}, qr/\AAPP:[\w-]{43}\z/, 'app create shows the secret';
runs('the same name', 1, $nothing, qr/of this name/, qw(app create --name),
    "shop\xc3\xa5");
my $closed = $ctl->json(qw(app create --name closed --no-webhook-access));
is_deeply [map { [@$_{qw(Id HasWebhookAccess)}] } @{ $ctl->json(qw(app list)) }],
    [[$app->{Id}, JSON::PP::true], [$closed->{Id}, JSON::PP::false]],
    'app list';
my $token = $ctl->json(qw(token create --owner anna --scope), 'Signal, read',
    qw(--expires 90d --associate 12 --app), $app->{Id});
like $token->{Token}, qr/\A8A:[\w-]{43}\z/, 'token create shows the token';
my $ticket = $ctl->run(qw(token create --owner bert --scope manage --ticket));
like $ticket->{out}, qr/\A7T:[\w-]{43}\n\z/, '... a ticket alone on a line';
my ($listed, $second) = @{ $ctl->json(qw(token list)) };
is_deeply [@$listed{qw(Id Kind Owner Scopes AssociateId AppId)}],
    [$token->{Id}, 'bearer', 'anna', 'signal,read', 12, $app->{Id}],
    'token list';
is $second->{Kind}, 'ticket', '... and the ticket';
ok !grep({ /token|secret|hash/i } keys %$listed), '... no secret';
like sql($server, 'SELECT hash FROM token'), qr/\A([0-9a-f]{64}\n?){2}\z/,
    '... hashes alone are stored';
runs('token of another application', 1, $nothing, qr/no application 77/,
    qw(token create --owner x --scope read --app 77));
runs('token list of another context', 0, qr/\AID[^\n]*\n\z/, $nothing,
    qw(token list --context Other));
runs('revoke', 0, qr/is revoked/, $nothing, qw(token revoke), $second->{Id});
runs('... once', 1, $nothing, qr/there is no token/, qw(token revoke),
    $second->{Id});
runs('app delete', 0, qr/is deleted/, $nothing, qw(app delete), $app->{Id});
is_deeply $ctl->json(qw(token list)), [], '... takes its tokens along';

# -- the test event, deleting --------------------------------------------------

is $ctl->json(qw(webhook test), $id, @local)->{Success}, JSON::PP::true,
    'webhook test';
$run = runs('... that fails', 1, qr/did not take .*\n(?s:.*)no\?\[31m/, $nothing,
    qw(webhook test), $failing, @local);
unlike $run->{out}, qr/[\e\r]/, '... is harmless to see';
runs('delete', 0, qr/is deleted/, $nothing, qw(webhook delete), $failing);
is $server->request(GET => "/api/v1/Webhook/$failing")->{status}, 404,
    '... the API knows it no more';

# -- hostile texts -------------------------------------------------------------

# As only somebody with the database at hand can write them.
sql_write($server, "UPDATE webhook SET name = 'a' || char(27) || ']0;x' || "
    . "char(7, 155, 8238, 10) || x'ff' WHERE id = $id");
$run = $ctl->run(qw(webhook list));
like $run->{out}, qr/a\?\]0;x\?\\u009b\\u202e\\n\?/, 'a hostile name';
unlike $run->{out}, qr/[^\n -~]/, '... is plain text';
my $plain = $ctl->run(qw(webhook show --json), $id);
unlike $plain->{out}, qr/[^\n -~]/, '... in JSON too';
$run = $ctl->run('webhook', 'show', "\e[31m");
unlike $run->{err}, qr/\e/, 'and what was typed is not obeyed either';

# -- the check, and databases that are none ------------------------------------

runs('check', 0, qr/^integrity: ok$/m, $nothing, 'check');
my $sound = $ctl->json('check');
is $sound->{Sound}, JSON::PP::true, '... as JSON';
sql_write($server, "INSERT INTO attempt (id, delivery_id, number, started, "
    . "duration, status) VALUES ($long, $long, 1, 1, 1, 200)");
runs('an attempt of nothing', 1, qr/^attempts without a delivery: 1$/m,
    qr/not sound/, 'check');
sql_write($server, "DELETE FROM attempt WHERE id = $long");

my $empty = $ctl->file('');
my $foreign = $ctl->file('') . '.db';
system 'sqlite3', $foreign, 'CREATE TABLE meta (x)';
runs('no database', 3, $nothing, qr/there is no database/, qw(webhook list
    --database /nowhere/webhook.db));
ok !-e '/nowhere', '... and none is made';
runs('an empty file', 3, $nothing, qr/not an SQLite database/,
    qw(check --database), $empty);
ok -z $empty, '... stays empty';
runs('a directory', 3, $nothing, qr/not a regular file/, qw(check --database),
    '/');
runs('somebody else\'s file', 3, $nothing, qr/belongs to root/,
    qw(check --database /etc/passwd)) if $> != 0;
runs('a foreign database', 3, $nothing, qr/not a database of mod_webhook/,
    qw(check --database), $foreign);

ok $server->stop, 'the server stops';
runs('a state that nobody is told of', 0, qr/is changed/, qr/not signalled/,
    qw(webhook update), $ctl->json(qw(webhook list))->[0]{WebhookId},
    qw(--state toomanyerrors --no-probe), @local);
runs('without a server', 0, qr/renamed|a\?/, $nothing, qw(webhook list));
my $schema = sql($server, "SELECT value FROM meta WHERE name = 'schema'");
sql_write($server, "UPDATE meta SET value = 99 WHERE name = 'schema'");
runs('a newer schema', 3, $nothing, qr/too old for this database/,
    qw(webhook list));
sql_write($server, "UPDATE meta SET value = 1 WHERE name = 'schema'");
runs('an older schema', 3, $nothing, qr/start httpd/, qw(webhook list));
sql_write($server, "UPDATE meta SET value = $schema WHERE name = 'schema'");
runs('as it was', 0, qr/ID/, $nothing, qw(webhook list));

# -- where output ends ---------------------------------------------------------

SKIP: {
    skip 'there is no /dev/full', 2 if !-c '/dev/full';
    my $text = `"@{[WebhookCtl::program()]}" help 2>&1 >/dev/full`;

    is $? >> 8, 1, 'output that cannot be written';
    like $text, qr/\Awebhookctl: cannot write the result\n\z/, '... is said';
}

done_testing;
