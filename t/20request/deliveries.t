# SPDX-License-Identifier: Apache-2.0
# What is known of deliveries: lists with filters and pages, one with its
# attempts, replays; who sees what, and what is refused.
use strict;
use warnings FATAL => 'all';

use HTTP::Tiny ();
use JSON::PP qw(decode_json encode_json);
use Test::More;
use WebhookApi qw(call create have_sql path_of remove settled signal sql
    sql_write update);
use WebhookCheck qw(answered refused);
use WebhookCtl ();
use WebhookRun ();
use WebhookServer qw(wait_for);
use WebhookSink ();
use WebhookXml ();

plan skip_all => 'sqlite3 is not installed' if !have_sql();
WebhookRun::expect_log(qr/WH2044: token \d+ belongs to another tenant/,
    qr/WH1221: webhook \d+ event \S+ attempt 2: connect/);
WebhookRun::expect_log(qr/WH1221: webhook \d+ event \S+ attempt 2: status/);

my $users = "$ENV{WEBHOOK_STAGE}/t/conf/users";
my $tenant = WebhookServer::free_port();
my $sink = WebhookSink->new(script => { '/fails' => [
    { status => 500, headers => ['X-Long' => 'h' x 3000],
      body => "no\e[31m " . 'b' x 3000 } ] });
my $server = WebhookServer->new(api => '', directives => {
    WebhookRetry => '50ms', WebhookProbe => 'Off',
    WebhookDrainTimeout => '1s' },
    modules => ['authz_user'], conf => <<"END")->start;
Listen 127.0.0.1:$tenant
<LocationMatch "^/api/v1/(Agents/)?Webhook">
    AuthType Webhook
    AuthName "hooks"
    AuthBasicProvider file
    AuthUserFile "$users"
    Require valid-user
</LocationMatch>
<VirtualHost 127.0.0.1:$tenant>
    WebhookContext Other
</VirtualHost>
END
my $ctl = WebhookCtl->new($server);

sub get { return call($server, GET => path_of() . $_[0], undef, @_[1 .. $#_]) }
sub json { return decode_json(answered(get(@_), 200, "GET $_[0]")->{content}) }
sub ids { return [map { $_->{Id} } @{ $_[0]{Deliveries} }] }

# Ids as the database has them, the newest first.
sub stored {
    my ($where) = @_;

    return [split /\n/, sql($server, 'SELECT d.id FROM delivery d JOIN event e '
        . "ON e.id = d.event_id WHERE $where ORDER BY d.id DESC")];
}

wait_for { get('')->{status} == 200 } 20;

# -- deliveries of a webhook --------------------------------------------------------

my $hook = create($server, Events => ['log.fine', 'log.other'],
    TargetUrl => $sink->url('/fine'), Secret => 'never shown');
my $failing = create($server, Events => ['log.fine'],
    TargetUrl => $sink->url('/fails'));
my @events = map { signal($server, $_ % 3 ? 'log.fine' : 'log.other', $_) }
    1 .. 6;

ok settled($server, 30), 'all has ended';
my $list = json("/$hook/Deliveries");
is_deeply ids($list), stored("webhook_id = $hook"), 'the newest first';
is $list->{Next}, undef, '... on one page';
my ($first) = @{ $list->{Deliveries} };
is_deeply [sort keys %$first], [sort qw(Id Created EventId Event WebhookId State
    Attempts Due)], 'a delivery';
is_deeply [@$first{qw(EventId Event WebhookId State Attempts Due)}],
    [$events[-1], 'log.other', $hook, 'delivered', 1, undef], '... is known';
like $first->{Created}, qr/\A\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z\z/, '... its time';
like $first->{Id}, qr/\A\d{15,19}\z/, '... its id';
ok !ref $first->{Id} && encode_json([$first->{Id}]) =~ /"/, '... is a string';
unlike get("/$hook/Deliveries")->{content}, qr/never shown/, '... no secret';

# [query, what it selects]
my $middle = $list->{Deliveries}[2]{Created};
my ($border) = $list->{Deliveries}[2]{Id};
for my $filter (['state=delivered', '1'], ['STATE=Failed', '0'],
    ['state=pending', '0'], ['state=', '1'], ['event=log.other',
    "e.name = 'log.other'"], ['EVENT=LOG.OTHER', "e.name = 'log.other'"],
    ['event=log', '0'], ["from=$middle", "d.id >= ($border >> 22) << 22"],
    ["to=$middle", "d.id < ($border >> 22) << 22"],
    ['from=2020-01-01&to=2100-01-01', '1'], ['to=2020-01-01', '0'],
    ['from=2100-01-01T00:00:00%2B02:00', '0'],
    ["event=log.fine&state=delivered&from=2020-01-01", "e.name = 'log.fine'"],
    ['anything=else', '1'], ["event=';--", '0']) {
    my ($query, $where) = @$filter;

    is_deeply ids(json("/$hook/Deliveries?$query")),
        stored("webhook_id = $hook AND $where"), "?$query";
}
is_deeply ids(json("/$failing/Deliveries?state=failed")),
    stored("webhook_id = $failing"), 'what has failed';

# -- pages ---------------------------------------------------------------------------

# Follows Next, and Link beside it, to the end.
sub pages {
    my ($path, $limit, %headers) = @_;
    my ($cursor, @all) = ('');

    for (1 .. 20) {
        my $answer = get("$path?limit=$limit&event=log.fine&cursor=$cursor",
            %headers);
        my $page = decode_json($answer->{content});
        my ($link) = ($answer->{headers}{link} // '')
            =~ /\A<(http[^>]+)>; rel="next"\z/;

        push @all, ids($page);
        is !!$link, defined $page->{Next}, '... with Link as with Next';
        return @all if !defined $page->{Next};
        $cursor = $page->{Next};
        my $linked = $link =~ s{\Ahttp://[^/]+}{}r;
        is_deeply decode_json(call($server, GET => $linked, undef, %headers)
            ->{content}), decode_json(get("$path?limit=$limit&event=log.fine"
            . "&cursor=$cursor", %headers)->{content}), '... which lead on';
    }
    return;
}

my $fine = stored("webhook_id = $hook AND e.name = 'log.fine'");
is_deeply [pages("/$hook/Deliveries", 3)], [[@$fine[0 .. 2]], [$fine->[3]]],
    'pages of three';
is_deeply [pages("/$hook/Deliveries", 2)], [[@$fine[0, 1]], [@$fine[2, 3]]],
    'pages that are full';
is_deeply [pages("/$hook/Deliveries", 1)], [map { [$_] } @$fine], 'of one';
is scalar(@{ json("/$hook/Deliveries?limit=500")->{Deliveries} }), 6,
    'the longest page';
{
    my $signalled = signal($server, 'log.fine', 7);

    ok settled($server, 30), 'one more';
    is_deeply ids(json("/$hook/Deliveries?event=log.fine&cursor=$fine->[0]")),
        [@$fine[1 .. 3]], 'what is new does not turn up on a later page';
    push @events, $signalled;
}
for my $wrong ('limit=0', 'limit=501', 'limit=-1', 'limit=x', 'limit=1e3',
    'limit=4294967297', 'cursor=x', 'cursor=-1', 'cursor=0', 'cursor=1;2',
    'cursor=99999999999999999999', 'state=happy', 'from=yesterday',
    'to=2026-02-30', 'from=2026-01-01T00:00:00+02:00', 'from=%', 'state=%00') {
    refused get("/$hook/Deliveries?$wrong"), 400, qr/\w/, "?$wrong";
}
is_deeply ids(json("/$hook/Deliveries?cursor=1")), [], 'before all';
is_deeply ids(json("/$hook/Deliveries?cursor=9223372036854775806")),
    stored("webhook_id = $hook"), 'after all';

# Few of many: a page may end early and still go on. Where it does tells nothing of
# what others have: 60,000, a millisecond apart.
sql_write($server, 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 '
    . 'FROM n WHERE i < 60000) INSERT INTO delivery (id, event_id, webhook_id, '
    . 'state, attempts, due, owner) SELECT d.id - i * 4194304, d.event_id, 9999, '
    . '1, 1, 0, 0 FROM n, (SELECT min(id) AS id, event_id FROM delivery) AS d');
{
    my ($next, @ends, @all) = (9223372036854775806);

    while (defined $next && @ends < 20) {
        my $page = json("/$hook/Deliveries?cursor=$next");

        push @all, @{ ids($page) };
        $next = $page->{Next};
        push @ends, $next if defined $next;
    }
    is_deeply \@all, stored("webhook_id = $hook"), 'all of it, in pages';
    cmp_ok scalar @ends, '>=', 2, '... that end early';
    is scalar(grep { $_ % (4000 << 22) } @ends), 0,
        '... at times that are nobody\'s';
}
sql_write($server, 'DELETE FROM delivery WHERE webhook_id = 9999');

# -- deliveries of an event ----------------------------------------------------------

$list = json("/Events/$events[0]/Deliveries");
is_deeply ids($list), stored("e.uuid = '$events[0]'"), 'of an event';
is scalar(@{ $list->{Deliveries} }), 2, '... to both webhooks';
is_deeply json('/events/' . uc($events[0]) . '/DELIVERIES'), $list,
    '... in any case';
is_deeply ids(json("/Events/$events[0]/Deliveries?event=none&from=2100-01-01&"
    . 'to=2020-01-01')), ids($list), '... whatever selects events';
is_deeply ids(json("/Events/$events[0]/Deliveries?state=failed")),
    stored("e.uuid = '$events[0]' AND d.state = 2"), '... ?state=failed';
my $page = json("/Events/$events[0]/Deliveries?limit=1");
is_deeply ids(json("/Events/$events[0]/Deliveries?cursor=$page->{Next}")),
    [$list->{Deliveries}[1]{Id}], '... in pages';
refused get("/Events/$_/Deliveries"), 404, qr/no such event/, "event $_"
    for '01900000-0000-7000-8000-000000000000', 'x', '1', '%27--',
        sql($server, 'SELECT max(id) FROM event');
refused get("/Events/$events[0]/Deliveries?limit=0"), 400, qr/limit/,
    'a limit that is none';

# -- one delivery --------------------------------------------------------------------

my ($fail_id) = @{ stored("webhook_id = $failing") };
my $one = json("/Deliveries/$fail_id");
my $attempts = delete $one->{AttemptList};
is_deeply $one, (grep { $_->{Id} eq $fail_id }
    @{ json("/$failing/Deliveries")->{Deliveries} })[0], 'one delivery';
is_deeply [map { [@$_{qw(Number Status Error Address DeliveryId)}] } @$attempts],
    [map { [$_, 500, 'status', '127.0.0.1', $fail_id] } 1, 2],
    '... with its attempts';
is_deeply [sort keys %{ $attempts->[0] }], [sort qw(Id DeliveryId Number Started
    Seconds Address Status Error Headers Body)], '... all that is known';
like $attempts->[0]{Started}, qr/\A\d{4}-.*\.\d{3}Z\z/, '... when';
ok $attempts->[0]{Seconds} >= 0 && $attempts->[0]{Seconds} < 30, '... how long';
like $attempts->[0]{Headers}, qr{\AHTTP/1\.1 500 [^\r]*\r\n.*h{500}}s,
    '... the headers';
is length($attempts->[0]{Headers}), 1020, '... so much of them';
like $attempts->[0]{Body}, qr/\Ano\?\[31m b+\z/, '... the body';
is length($attempts->[0]{Body}), 1024, '... so much of it';
is json("/deliveries/$first->{Id}")->{AttemptList}[0]{Error}, undef,
    'a success has no error';
for my $path ('1', '0', '-1', 'x', '1e5', '9223372036854775807',
    '99999999999999999999', "$fail_id.0", '%20' . $fail_id, "%27$fail_id") {
    refused get("/Deliveries/$path"), 404, qr/no such delivery/,
        "delivery $path";
}

# -- media types ---------------------------------------------------------------------

for my $list ([DeliveryList => "/$hook/Deliveries"],
    [DeliveryList => "/Events/$events[0]/Deliveries"],
    [Delivery => "/Deliveries/$fail_id"], [ArrayOfReplay => "/$hook/Replays"]) {
    my ($root, $path) = @$list;

    for my $type (qw(application/json text/json application/xml text/xml)) {
        my $answer = get($path, Accept => $type);

        is $answer->{headers}{'content-type'}, "$type; charset=utf-8",
            "$path as $type";
        is_deeply [WebhookXml::parse($answer->{content})],
            [$root, json($path)], '... says the same'
            if $type =~ /xml/ && WebhookXml::available();
    }
    refused get($path, Accept => 'image/png'), 406, qr/Accept/,
        "$path as a picture";
    is call($server, HEAD => path_of() . $path)->{status}, 200, "... HEAD";
    is call($server, PUT => path_of() . $path, {})->{status}, 405, '... PUT';
}

# -- replay of one -------------------------------------------------------------------

sub post { return call($server, POST => path_of() . $_[0], @_[1 .. $#_]) }
sub count { my $path = $_[0];
    return scalar grep { $_->{path} eq $path } $sink->requests }

my $before = count('/fine');
answered post("/Deliveries/$first->{Id}/Replay"), 204, 'replay of one';
ok wait_for(sub { count('/fine') == $before + 1 }, 20), '... it comes once more';
ok settled($server, 30), '... and is delivered';
$one = json("/Deliveries/$first->{Id}");
is_deeply [$one->{State}, $one->{Attempts},
    map { $_->{Number} } @{ $one->{AttemptList} }], ['delivered', 1, 1, 1],
    '... its attempts begin again, the former one is kept';
my @bodies = map { $_->{body} } grep { $_->{path} eq '/fine'
    && $_->{body} =~ /$events[5]/ } $sink->requests;
is_deeply [@bodies], [($bodies[0]) x 2], '... with the same body';
refused post("/Deliveries/$_/Replay"), 404, qr/no such delivery/, "of $_"
    for 1, 'x', '99999999999999999999';
sql_write($server, "UPDATE delivery SET state = 0, owner = 0, "
    . "due = 9000000000000000 WHERE id = $first->{Id}");
refused post("/Deliveries/$first->{Id}/Replay"), 409, qr/pending already/,
    'of one that is pending';
sql_write($server, "UPDATE delivery SET state = 1 WHERE id = $first->{Id}");
update($server, $hook, State => 'Stopped');
refused post("/Deliveries/$first->{Id}/Replay"), 409, qr/not active/,
    'of a webhook that is stopped';
refused post("/$hook/Replays", {}), 409, qr/not active/, '... all of it too';
update($server, $hook, State => 'Active');
{
    my $gone = create($server, Events => ['log.gone'],
        TargetUrl => $sink->url('/gone'));

    signal($server, 'log.gone', 1);
    ok settled($server, 30, $gone), 'delivered';
    my ($id) = @{ stored("webhook_id = $gone") };
    remove($server, $gone);
    refused post("/Deliveries/$id/Replay"), 409, qr/is deleted/,
        '... but its webhook is gone';
    is json("/Deliveries/$id")->{State}, 'delivered', '... it is still known';
    refused get("/$gone/Deliveries"), 404, qr/no such webhook/,
        '... by its id or its event alone';
}

# -- replay of many ------------------------------------------------------------------

sub done {
    my ($id) = @_;
    my $job;

    wait_for { ($job = json("/Replays/$id"))->{State} eq 'done' } 30;
    return $job;
}

my $answer = answered(post("/$failing/Replays",
    { From => '2020-01-01T00:00:00Z', To => '2100-01-01', OnlyFailed =>
      JSON::PP::true }), 202, 'replay of all that failed');
my $job = decode_json($answer->{content});
like $job->{Id}, qr/\A\d+\z/, '... has an id';
is_deeply [@$job{qw(WebhookId State OnlyFailed Total Done CreatedBy From To)}],
    [$failing, 'counting', JSON::PP::true, undef, 0, 'tje0',
     '2020-01-01T00:00:00.000Z', '2100-01-01T00:00:00.000Z'], '... is described';
like $answer->{headers}{location}, qr{\Ahttp://.*/api/v1/Webhook/Replays/$job->{Id}\z},
    '... and where it is to be seen';
$job = done($job->{Id});
is_deeply [@$job{qw(State Total Done)}], ['done', 5, 5], '... it is done';
ok settled($server, 30), '... all has ended again';
is json("/Deliveries/$fail_id")->{AttemptList}[3]{Number}, 2,
    '... after as many attempts';
is_deeply [map { $_->{Id} } @{ json("/$failing/Replays") }], [$job->{Id}],
    'the list of replays';
is_deeply json("/$hook/Replays"), [], '... of one webhook';
refused call($server, DELETE => path_of() . "/Replays/$job->{Id}"), 409,
    qr/is done/, 'what is done cannot be cancelled';

$before = count('/fine');
my $empty = done(decode_json(answered(post("/$hook/Replays"), 202,
    'without a body')->{content})->{Id});
is_deeply [@$empty{qw(OnlyFailed Total Done)}], [JSON::PP::true, 0, 0],
    '... what failed, which is nothing';
my $form = done(decode_json(answered(post("/$hook/Replays",
    'OnlyFailed=false&from=2020-01-01', 'Content-Type' =>
    'application/x-www-form-urlencoded'), 202, 'a form')->{content})->{Id});
is_deeply [@$form{qw(OnlyFailed Total)}], [JSON::PP::false, 7], '... is read';
ok settled($server, 30), '... and goes out';
is count('/fine'), $before + 7, '... each once';
$answer = answered(post("/$hook/Replays", "<r><To>2020-01-02</To></r>",
    'Content-Type' => 'application/xml', Accept => 'application/xml'), 202,
    'XML');
like $answer->{content}, qr{<Replay.*<To>2020-01-02T00:00:00\.000Z</To>}s,
    '... both ways';
wait_for { json("/$hook/Replays")->[0]{State} eq 'done' } 20;

for my $wrong ({ From => 'soon' }, { OnlyFailled => JSON::PP::false },
    { OnlyFailed => 'yes' }, { From => '2026-01-02', To => '2026-01-01' },
    { From => [] }, '[]x', '[1]') {
    refused post("/$hook/Replays", $wrong), 400, qr/\w/,
        'refused: ' . (ref $wrong ? encode_json($wrong) : $wrong);
}
refused post("/$hook/Replays", 'x', 'Content-Type' => 'text/plain'), 415,
    qr/\w/, 'another media type';
refused post("/9999/Replays", {}), 404, qr/no such webhook/,
    'of no webhook';
refused get("/9999/Replays"), 404, qr/no such webhook/, '... the list';
refused get("/Replays/$_"), 404, qr/no such replay/, "replay $_"
    for 0, 9999, 'x', '-1', '99999999999999999999';
refused call($server, DELETE => path_of() . "/Replays/9999"), 404,
    qr/no such replay/, '... cancel';

# -- events that are called so ----------------------------------------------------------

answered post("/$_/7"), 204, "an event \"$_\" is still one"
    for qw(Deliveries Replays Events);
refused post("/$hook/Deliveries"), 400, qr/primary key/, 'and no other';
is call($server, OPTIONS => path_of() . "/$hook/Replays")->{headers}{allow},
    'GET, HEAD, POST, OPTIONS', 'what a path allows';

# -- what must not be told --------------------------------------------------------

# Nobody listens: that this is so, and where, tells of a network that only the
# server can reach.
my $silent = create($server, Events => ['log.silent'],
    TargetUrl => 'http://127.0.0.1:' . WebhookServer::free_port() . '/');
signal($server, 'log.silent', 1);
wait_for { stored("webhook_id = $silent AND d.attempts > 0")->[0] } 20;
my $hidden = json('/Deliveries/' . stored("webhook_id = $silent")->[0]);
my $try = $hidden->{AttemptList}[0];
is_deeply [@$try{qw(Error Address Seconds Status Headers Body)}],
    ['the target did not answer', undef, 0, 0, undef, undef],
    'no reason, no address, no time';
my $whole = $ctl->json(qw(delivery show), stored("webhook_id = $silent")->[0]);
is $whole->{AttemptList}[0]{Error}, 'connect', '... but for the operator';
remove($server, $silent);

# -- who sees what -----------------------------------------------------------------------

my %app = map { ($_ => $ctl->json(qw(app create --name), $_)) } qw(mine other);
my $token = sub { return (Authorization => 'Bearer '
    . $ctl->json(qw(token create --owner robot --scope), @_)->{Token}) };
my %reader = $token->('read');
my %signaller = $token->('signal');

sub bare {
    my ($method, $path, %headers) = @_;
    my $port = delete $headers{port} || $server->port;

    return HTTP::Tiny->new(keep_alive => 0)->request($method,
        "http://127.0.0.1:$port" . path_of() . $path,
        { headers => \%headers });
}

my $own;
{
    my $made = call($server, POST => path_of(), { Name => 'own',
        Events => ['log.own', 'log.shared'], TargetUrl => $sink->url('/own') },
        'SO-AppToken' => $app{mine}{Secret});

    $own = decode_json(answered($made, 200, 'of an application')->{content})
        ->{WebhookId};
}
update($server, $hook, Events => ['log.shared']);
my $shared = signal($server, 'log.shared', 1);
ok settled($server, 30), 'delivered to both';
my ($own_id) = @{ stored("webhook_id = $own") };
my ($hook_id) = @{ stored("webhook_id = $hook") };
my %mine = ('SO-AppToken' => $app{mine}{Secret});
my $own_job = decode_json(answered(call($server, POST =>
    path_of($own, 'Replays'), {}, %mine), 202, 'a replay of its own')
    ->{content})->{Id};
my %other = ('SO-AppToken' => $app{other}{Secret});

is_deeply ids(json("/$own/Deliveries", %mine)), [$own_id], 'its own webhook';
is_deeply ids(json("/Events/$shared/Deliveries", %mine)), [$own_id],
    '... and of an event its own delivery';
refused get("/Events/$shared/Deliveries", %other), 404, qr/no such event/,
    '... another application does not learn that there is one';
is scalar(@{ json("/Events/$shared/Deliveries")->{Deliveries} }), 2,
    '... a user without one sees both';
is json("/Deliveries/$own_id", %mine)->{Id}, $own_id, '... one delivery';
is json("/Replays/$own_job", %mine)->{WebhookId}, $own, '... one replay';
# [method, path]
for my $hidden ([GET => "/$own/Deliveries"], [GET => "/Deliveries/$own_id"],
    [POST => "/Deliveries/$own_id/Replay"], [GET => "/$own/Replays"],
    [POST => "/$own/Replays"], [GET => "/Replays/$own_job"],
    [DELETE => "/Replays/$own_job"]) {
    my ($method, $path) = @$hidden;

    refused call($server, $method, path_of() . $path, undef, %other), 404,
        qr/no such/, "$method $path of another application";
    local $server->{port} = $tenant;
    refused call($server, $method, path_of() . $path), 404, qr/no such/,
        '... of another tenant';
}
{
    local $server->{port} = $tenant;
    refused get("/Events/$shared/Deliveries"), 404, qr/no such event/,
        'an event of another tenant';
}
refused call($server, GET => path_of() . "/Deliveries/$hook_id", undef, %mine),
    404, qr/no such delivery/, 'what belongs to no application';
wait_for { json("/Replays/$own_job")->{State} eq 'done' } 20;
refused call($server, DELETE => path_of() . "/Replays/$own_job", undef, %mine),
    409, qr/is done/, 'its own replay was done, and not cancelled';

for my $call ([GET => "/$hook/Deliveries", 200], [GET => "/$hook/Replays", 200],
    [GET => "/Deliveries/$hook_id", 200], [GET => "/Replays/$own_job", 200],
    [GET => "/Events/$shared/Deliveries", 200],
    [POST => "/Deliveries/$hook_id/Replay", 403],
    [POST => "/$hook/Replays", 403], [DELETE => "/Replays/$own_job", 403]) {
    my ($method, $path, $status) = @$call;

    is bare($method, $path, %reader)->{status}, $status,
        "$method $path with a token that reads";
    is bare($method, $path, %signaller)->{status}, 403, '... that signals';
    is bare($method, $path)->{status}, 401, '... without one';
    is bare($method, $path, $token->('manage'), port => $tenant)->{status}, 401,
        '... of another tenant';
    is call($server, $method, path_of() . $path, undef, 'Sec-Fetch-Site' =>
        'cross-site')->{status}, 403, '... from another site'
        if $method ne 'GET';
}

# -- a replay that runs ------------------------------------------------------------------

# Its webhook takes nothing: the replay stays a little ahead of what is sent.
$sink->script({ '/hangs' => 'hang' });
my $hanging = create($server, Events => ['log.hangs'],
    TargetUrl => $sink->url('/hangs'));

sql_write($server, 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 '
    . 'FROM n WHERE i < 3000) INSERT INTO delivery (id, event_id, webhook_id, '
    . "state, attempts, due, owner) SELECT d.id + i, d.event_id, $hanging, 2, "
    . '1, 0, 0 FROM n, (SELECT max(id) AS id, event_id FROM delivery) AS d');
$job = decode_json(answered(post("/$hanging/Replays", {}), 202, 'of many')
    ->{content});
ok wait_for(sub { json("/Replays/$job->{Id}")->{Done} >= 500 }, 20),
    'it is on its way';
refused post("/$hanging/Replays", {}), 409, qr/has not ended/,
    'no other beside it';
is_deeply [@{ json("/Replays/$job->{Id}") }{qw(State Total)}],
    ['running', 3000], '... while it runs';
answered call($server, DELETE => path_of() . "/Replays/$job->{Id}"), 204,
    'cancelled';
my $cancelled = json("/Replays/$job->{Id}");
is $cancelled->{State}, 'cancelled', '... indeed';
cmp_ok $cancelled->{Done}, '<', 3000, '... before its end';
answered call($server, DELETE => path_of() . "/Replays/$job->{Id}"), 204,
    '... once more is the same';
is sql($server, 'SELECT count(*) FROM delivery WHERE state = 2 AND '
    . "webhook_id = $hanging"), 3000 - $cancelled->{Done},
    'the rest stays failed';

done_testing;
