# SPDX-License-Identifier: Apache-2.0
# The address guard against whoever tries to get past it: hundreds of spellings,
# by every way that a target comes in, in a network of the test's own in which
# each connect(2) is seen. Nobody connects to an address that is not allowed.
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
                . "INSERT INTO webhook_usage VALUES ($next, 0, 0, 0, NULL, 0);\n"
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

    for my $number (1 .. 60) {
        my $address = (qw(7f000001 0a000001 a9fea9fe c6290004))[$number % 4];
        my %webhook = (Name => 'flip', Events => ['bypass'], TargetUrl =>
            "http://flip-5db8d822-$address-$locale$number.test/flip");
        my $answer = call($server, POST => path_of('Test'), \%webhook);

        $taken++ if $answer->{content} =~ /"Success":true/;
        create($server, %webhook);
        $answer = call($server, POST => path_of('Test'), \%webhook);
        $refused++ if $answer->{content} =~ /"Success":false/;
    }
    is $taken, 60, 'names with a public address are called';
    is $refused, 60, '... and not when they have got another one';
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

    note 'new: ', time - $^T;
    try_new($server);
    note 'update: ', time - $^T;
    try_update($server);
    note 'rebind: ', time - $^T;
    try_rebinding($server, lc substr $locale, -1);
    SKIP: {
        skip 'sqlite3 is not installed', 3 if !have_sql();
        my @ids = try_database($server, 'b', @urls);

        try_database($server, 'c', redirects());
        signal($server, 'bypass', 1);
        note 'signal: ', time - $^T;
        ok settled($server, 60), 'all deliveries have come to an end';
        is scalar(grep { m{\A/redirect/} } paths()),
            2 * @urls * ($locale eq 'C' ? 1 : 2),
            'each redirect was seen, twice';
        is_deeply [told($server, $ids[0], $ids[-1])],
            ['', 'dns', 'target address not allowed'],
            'users read the same words for each address'
            or note sql($server, 'SELECT target_url FROM webhook w JOIN '
                . 'webhook_usage u ON u.webhook_id = w.id WHERE last_error '
                . "LIKE '%answer%' LIMIT 40");
    }
    note 'judge: ', time - $^T;
    judge_connects($server, "$locale: no address is called that must not be");
    $server->stop;
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
