# SPDX-License-Identifier: Apache-2.0
# The address guard against whoever tries to get past it: hundreds of spellings,
# by every way that a target comes in, in a network of the test's own in which
# each connect(2) is seen. Nobody connects to an address that is not allowed.
#
# WEBHOOK_SOAK=10000 makes so many names change their address between two looks,
# in all locales together (default: 120).
use strict;
use warnings FATAL => 'all';

use Test::More;
use WebhookNet ();

BEGIN { WebhookNet::enter() }

use JSON::PP ();
use WebhookApi qw(call create entity have_sql path_of settled signal sql
    sql_write);
use WebhookBypass ();
use WebhookRun ();
use WebhookServer qw(wait_for);

WebhookRun::expect_log(qr/WH1221: webhook \d+ event \S+ attempt \d: .*failed for good/);

use constant {
    FOUR => '93.184.216.34',
    SIX => '2606:4700::1111',
    STATUSES => [301, 302, 303, 307, 308],
    # In each of two locales.
    FLIPS => int(($ENV{WEBHOOK_SOAK} || 120) / 2),
};

my $net = WebhookNet->new;
my @urls = WebhookBypass::urls();
my %proxies = map { ($_ => 'http://127.0.0.1:8080', uc $_ => 'http://10.0.0.1:8080') }
    qw(http_proxy https_proxy ftp_proxy all_proxy);

note scalar(@urls), ' spellings';

# Starts a server with more in its environment.
sub start {
    my ($environment, %directives) = @_;
    local @ENV{keys %$environment} = values %$environment;

    return WebhookServer->new(directives => { WebhookAllowNetwork => undef,
        WebhookRetry => '50ms', %directives }, conf =>
        "<Location /signaltest>\nSetHandler signaltest\n</Location>\n")->start;
}

# All that was connected to since the mark, but for httpd itself and the public
# addresses; and how many of these.
my %known;

sub judge_connects {
    my ($server, $name) = @_;
    my $port = $server->port;
    my @new = grep { !$known{$_}++ && $_ ne "127.0.0.1 $port" } $net->connects;
    my $public = qr/\A(?:\Q${\FOUR}\E|\Q${\SIX}\E) (?:80|8080)\z/;

    is_deeply [grep { $_ !~ $public } @new], [], $name;
    return;
}

sub paths { return map { $_->[0] } $net->requests }

# ---- the ways in ---------------------------------------------------------------

sub bytes {
    my ($text) = @_;

    utf8::encode($text);
    return $text;
}

# Each target as a new webhook, and each that is taken as a test event too.
sub try_new {
    my ($server) = @_;
    my %statuses;

    for my $url (@urls) {
        my %webhook = (Name => 'new', Events => ['bypass'], TargetUrl => $url);
        my $status = call($server, POST => path_of(), \%webhook)->{status};

        $statuses{$status}++;
        call($server, POST => path_of('Test'), \%webhook) if $status == 200;
    }
    is_deeply [grep { !/\A(?:200|400)\z/ } keys %statuses], [],
        'each is taken or refused';
    ok $statuses{200} && $statuses{400}, "... $statuses{200} and $statuses{400}";
    return;
}

# Each target as a change of a webhook that has another one.
sub try_update {
    my ($server) = @_;
    my %webhook = (Name => 'update', Events => ['bypass'],
        TargetUrl => 'http://' . FOUR . '/before');
    my ($id, %statuses, $turn) = (create($server, %webhook));

    for my $url (@urls) {
        my $answer = $turn++ % 2
            ? call($server, PATCH => path_of($id), { TargetUrl => $url },
                'Content-Type' => 'application/merge-patch+json')
            : call($server, PUT => path_of($id),
                { %webhook, TargetUrl => $url });

        $statuses{ $answer->{status} }++;
        $id = create($server, %webhook) if $answer->{status} == 200;
    }
    is_deeply [grep { !/\A(?:200|400)\z/ } keys %statuses], [],
        'each change is taken or refused';
    return;
}

# Rows that the API has never seen.
sub try_database {
    my ($server, $prefix, @targets) = @_;
    my $id = create($server, Name => 'row', Events => ['bypass'],
        TargetUrl => 'http://' . FOUR . "/$prefix");
    my $next = 1_000_000 * (ord($prefix) - 96);
    my $file = $server->root . "/$prefix.sql";
    my @ids;

    WebhookServer::spew($file, join '', "BEGIN;\nCREATE TEMP TABLE row AS "
        . "SELECT * FROM webhook WHERE id = $id;\n", (map {
            (my $text = bytes($_)) =~ s/'/''/g;
            push @ids, ++$next;
            "UPDATE row SET id = $next, target_url = '$text';\n"
                . "INSERT INTO webhook SELECT * FROM row;\n"
                . "INSERT INTO webhook_usage VALUES ($next, 0, 0, 0, NULL, 0, 0);\n"
        } @targets), "UPDATE meta SET value = value + 1 WHERE name = "
        . "'generation';\nCOMMIT;\n");
    sql_write($server, ".read $file");
    return @ids;
}

sub redirects {
    my $turn = 0;

    return map { 'http://' . FOUR . WebhookNet::redirect_path(
        STATUSES->[$turn++ % @{ +STATUSES }], $_) } @urls;
}

# Names whose address is another one at the second look.
sub try_rebinding {
    my ($server, $locale) = @_;
    my ($taken, $refused) = (0, 0);

    for my $number (1 .. FLIPS) {
        my $address = (qw(7f000001 0a000001 a9fea9fe c6290004))[$number % 4];
        my %webhook = (Name => 'flip', Events => ['bypass'], TargetUrl =>
            "http://flip-5db8d822-$address-$locale$number.test/flip");
        my $answer = call($server, POST => path_of('Test'), \%webhook);

        $taken++ if $answer->{content} =~ /"Success":true/;
        # There may be so many webhooks and no more.
        create($server, %webhook) if $number <= 60;
        $answer = call($server, POST => path_of('Test'), \%webhook);
        $refused++ if $answer->{content} =~ /"Success":false/;
    }
    is $taken, FLIPS, 'names with a public address are called';
    is $refused, FLIPS, '... and not when they have got another one';
    return;
}

# ---- only public addresses, the default ---------------------------------------------

for my $locale (qw(C C.UTF-8)) {
    my $server = start({ %proxies, no_proxy => '', LC_ALL => $locale,
        WEBHOOK_TEST_SETLOCALE => 1 },
        WebhookRequireHTTPS => 'Off');
    my %control = map { ($_ => create($server, Events => ['control'],
        TargetUrl => "http://$_/control-$locale")) } FOUR, '[' . SIX . ']',
        'public.test', 'a-93-184-216-34.test:8080', "both-7f000001-5db8d822.test",
        '%39%33.184.216.34', '1572395042';

    is codeset($server), $locale eq 'C' ? 'ANSI_X3.4-1968' : 'UTF-8',
        "the server speaks $locale";
    signal($server, 'control', 1);
    ok wait_for(sub { (grep { $_ eq "/control-$locale" } paths())
        == keys %control }, 30), 'public addresses are called';
    my %dialled = map { ("$_->[2] $_->[3]" => 1) } $net->requests;

    ok $dialled{"@{[FOUR]} 80"} && $dialled{"@{[FOUR]} 8080"}
        && $dialled{"@{[SIX]} 80"}, '... at both families and ports';
    judge_connects($server, '... and nobody else');

    try_new($server);
    try_update($server);
    try_rebinding($server, lc substr $locale, -1);
    SKIP: {
        skip 'sqlite3 is not installed', 3 if !have_sql();
        my @ids = try_database($server, 'b', @urls);

        try_database($server, 'c', redirects());
        signal($server, 'bypass', 1);
        ok settled($server, 60), 'all deliveries have come to an end';
        is scalar(grep { m{\A/redirect/} } paths()),
            2 * @urls * ($locale eq 'C' ? 1 : 2),
            'each redirect was seen, twice';
        is_deeply [grep { $_ ne '' } told($server, $ids[0], $ids[-1])],
            ['dns', 'target address not allowed',
            'the target did not answer'],
            'users read the same words for each address';
    }
    judge_connects($server, "$locale: no address is called that must not be");
    $server->stop;
}

# ---- with everything allowed that a network can allow ----------------------------------

# What a network opens, what only its own entry does, and what is refused.
SKIP: {
    skip 'sqlite3 is not installed', 10 if !have_sql();
    my $server = start({}, WebhookRequireHTTPS => 'Off',
        WebhookAllowNetwork => '0.0.0.0/0 ::/0 127.0.0.2 100.100.100.200'
            . ' 127.0.0.9:81 192.168.0.2:81',
        WebhookDenyNetwork => "10.1.0.0/16 93.184.216.35\n"
            . 'WebhookDenyNetwork fd00:1::/32');
    my $port = $server->port;
    my %open = ('http://10.0.0.1/' => '10.0.0.1 80',
        'http://192.168.0.1:8080/' => '192.168.0.1 8080',
        'http://127.0.0.2/' => '127.0.0.2 80',
        'http://100.100.100.200/' => '100.100.100.200 80',
        'http://[fd00::1]/' => 'fd00::1 80',
        'http://a-172-16-0-1.test/' => '172.16.0.1 80',
        'http://[64:ff9b::808:808]/' => '64:ff9b::808:808 80');
    my @closed = ((map { "http://$_/" } qw(10.1.2.3 93.184.216.35 127.0.0.1
        0.0.0.0 198.41.0.4 [::1] [::] 169.254.169.254 168.63.129.16
        [fd00:1::1] [fd00:ec2::254] [64:ff9b::a01:203] [64:ff9b::7f00:1]
        [64:ff9b::a9fe:a9fe] [2002:a9fe:a9fe::1] [::ffff:0:7f00:1]
        [::ffff:10.1.2.3] a-10-1-2-3.test a-169-254-169-254.test localhost
        127.0.0.9 127.0.0.9:82 192.168.0.2:82)),
        "http://127.0.0.2:$port/", 'http://10.0.0.1:25/');
    my %before = map { ($_ => 1) } $net->connects;
    # At 192.168.0.2:81 nobody listens: it is called, and does not answer.
    my @ids = try_database($server, 'd', 'http://192.168.0.2:81/',
        sort(keys %open), @closed);

    signal($server, 'bypass', 1);
    ok settled($server, 30), 'all deliveries have come to an end';
    is sql($server, "SELECT group_concat(target_url, ' ') FROM (SELECT "
        . 'w.target_url FROM webhook w JOIN webhook_usage u ON '
        . "u.webhook_id = w.id WHERE w.id >= $ids[0] AND u.total_errors = 0 "
        . 'AND u.total_calls = 1 ORDER BY w.target_url)'),
        join(' ', sort keys %open), 'what is open is called, and nothing else';
    my @called = grep { $_ ne "127.0.0.1 $port" && !$before{$_} } $net->connects;

    is_deeply [sort @called], [sort '192.168.0.2 81', values %open],
        '... nor connected to';
    is sql($server, "SELECT group_concat(DISTINCT last_error) FROM "
        . "webhook_usage WHERE webhook_id > $ids[@ids - @closed - 1]"),
        'target address not allowed', '... and users read the same of all';
    is entity($server, $ids[0])->{LastError}, 'the target did not answer',
        '... but not of one that may be called';
    for my $class ('metadata service: 169.254.169.254:80',
        'address of this machine: 198.41.0.4:80', 'port: 10.0.0.1:25',
        "port of this server: 127.0.0.2:$port",
        'network refused by WebhookDenyNetwork: 10.1.2.3:80') {
        like $server->error_log,
            qr/WH1221: [^\n]*\(\Q$class\E\), failed for good/,
            "the operator reads: $class";
    }
}

sub codeset {
    my ($server) = @_;

    return call($server, GET => '/signaltest')->{content} =~ /^codeset (\S+)$/m
        ? $1 : '';
}

sub told {
    my ($server, $from, $to) = @_;

    return split /\n/, sql($server, 'SELECT DISTINCT ifnull(last_error, '
        . "'') FROM webhook_usage WHERE webhook_id BETWEEN $from AND $to "
        . 'ORDER BY 1') . "\n";
}

done_testing;
