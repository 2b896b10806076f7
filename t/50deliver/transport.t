# SPDX-License-Identifier: Apache-2.0
# How receivers are reached: authorities, pins, client certificates, versions of
# TLS, HTTP/2, proxies; for all webhooks and for one of them; and how often a
# connection is made.
use strict;
use warnings FATAL => 'all';

use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Test::More;
use WebhookApi qw(call create entity path_of signal sql sql_write have_sql);
use WebhookProxy ();
use WebhookRun ();
use WebhookServer qw(wait_for);
use WebhookSink ();
use WebhookTls ();

plan skip_all => WebhookTls::missing() if WebhookTls::missing();

WebhookRun::expect_log(
    qr/WH1221: webhook \d+ event \S+ attempt 2: (?:tls|configuration|reset|proxy|connect|protocol), /);

my $json = JSON::PP->new->utf8->canonical;
my $server = WebhookServer->new;
my $folder = $server->root;
my $ca = WebhookTls::authority($folder, 'one');
my $other_ca = WebhookTls::authority($folder, 'two');
my ($cert, $key) = WebhookTls::certificate($ca, 'receiver');
my ($client_cert, $client_key) = WebhookTls::certificate($other_ca, 'sender');
my $pem = WebhookServer::slurp($ca);
my $other_pem = WebhookServer::slurp($other_ca);
my $proxied = WebhookSink->new;
my $proxy = WebhookProxy->new(to => $proxied->port);

$server->write_conf(directives => { WebhookRetry => '50ms' }, conf => <<"END");
WebhookClientCertificate mine $client_cert $client_key
WebhookProxy way @{[$proxy->url('http')]}
WebhookProxy socks @{[$proxy->url('socks5h')]}
END
$server->start;

my $next = 0;

# A webhook with options; its event and its id.
sub listen_with_id {
    my ($url, %options) = @_;
    my $event = 'transport.' . ++$next;
    my $id = create($server, Events => [$event], TargetUrl => $url,
        %options ? (Properties => { mod_webhook => \%options }) : ());

    return ($event, $id);
}

sub listen_to { return (listen_with_id(@_))[0] }

# Signals the event and waits until it has failed for good, of this class.
sub fails {
    my ($event, $class, $name) = @_;
    my $uuid = signal($server, $event, 1);

    return ok $server->wait_for_log(
        qr/event $uuid attempt 2: \Q$class\E, .*failed for good/, 20), $name;
}

sub arrives {
    my ($receiver, $event, $path, $number, $name) = @_;

    signal($server, $event, $number);
    my $found = wait_for {
        scalar grep { $_->{key} == $number } $receiver->requests($path) } 20;

    return ok $found, $name;
}

# -- authorities ---------------------------------------------------------------

my $receiver = WebhookTls->new(cert => $cert, key => $key);
my $trusting = listen_to($receiver->url('/trusting'), CACertificate => $pem);
my $strange = listen_to($receiver->url('/strange'));
my $wrong = listen_to($receiver->url('/wrong'), CACertificate => $other_pem);
my $both = listen_to($receiver->url('/both'),
    CACertificate => "$other_pem\n$pem");

arrives($receiver, $trusting, '/trusting', 1,
    'a private authority, given by the webhook');
fails($strange, 'tls', 'another webhook does not trust it');
arrives($receiver, $trusting, '/trusting', 2, 'the first one still does');
fails($strange, 'tls', '... and its connection is nobody else\'s');
fails($wrong, 'tls', 'another authority does not do');
arrives($receiver, $both, '/both', 1, 'two authorities');
fails($strange, 'tls', 'and again');
is scalar(grep { m{/strange|/wrong} } map { $_->{path} } $receiver->requests),
    0, 'nothing was sent to whom was not trusted';

# -- pins ----------------------------------------------------------------------

my $pin = WebhookTls::pin($cert);
my $bad_pin = WebhookTls::pin($client_cert);
my $pinned = listen_to($receiver->url('/pinned'), CACertificate => $pem,
    PinnedPublicKey => "$bad_pin;$pin");
my $mispinned = listen_to($receiver->url('/mispinned'), CACertificate => $pem,
    PinnedPublicKey => $bad_pin);

arrives($receiver, $pinned, '/pinned', 1, 'one of two pins is that of the key');
fails($mispinned, 'tls', 'another pin does not do');
arrives($receiver, $trusting, '/trusting', 3, 'without a pin');
fails($mispinned, 'tls', '... whose connection has no pin');
is scalar $receiver->requests('/mispinned'), 0, 'nothing was sent';

# -- client certificates -------------------------------------------------------

my $asking = WebhookTls->new(cert => $cert, key => $key, clientCa => $other_ca);
my $known = listen_to($asking->url('/known'), CACertificate => $pem,
    ClientCertificate => 'Mine');
my $unknown = listen_to($asking->url('/unknown'), CACertificate => $pem);

arrives($asking, $known, '/known', 1, 'a client certificate');
is(($asking->connections)[0]{client}, 'sender', '... is the one configured');
my $uuid = signal($server, $unknown, 1);
ok $server->wait_for_log(qr/event $uuid attempt 2: .*failed for good/, 20),
    'without one the receiver refuses';
is scalar $asking->requests('/unknown'), 0,
    '... and the other webhook\'s connection is not used';

# -- versions ------------------------------------------------------------------

my $old = WebhookTls->new(cert => $cert, key => $key, maxVersion => 'TLSv1.2');
my $modern = listen_to($old->url('/modern'), CACertificate => $pem,
    MinTLS => '1.3');
my $lenient = listen_to($old->url('/lenient'), CACertificate => $pem,
    MinTLS => '1.2');

arrives($old, $lenient, '/lenient', 1, 'TLS 1.2 where it may be');
is(($old->connections)[0]{version}, 'TLSv1.2', '... is what is spoken');
fails($modern, 'tls', 'MinTLS 1.3 refuses it, in spite of the open connection');
is scalar $old->requests('/modern'), 0, 'nothing was sent';

# -- HTTP/2 --------------------------------------------------------------------

my $h2 = WebhookTls->new(cert => $cert, key => $key, http2 => 1);
my $streams = listen_to($h2->url('/streams'), CACertificate => $pem,
    HTTP2 => JSON::PP::true);
my $lines = listen_to($h2->url('/lines'), CACertificate => $pem);

arrives($h2, $lines, '/lines', 0, 'a receiver that has HTTP/2');
is(($h2->requests('/lines'))[0]{http}, '1.1', '... is not asked for it');
signal($server, $streams, $_) for 1 .. 100;
my @got = $h2->wait_for(100, 30, '/streams');
is scalar @got, 100, 'HTTP2: all arrive';
is scalar(grep { $_->{http} ne '2.0' } @got), 0, '... with HTTP/2';
my %ports = map { ($_->{port} => 1) } @got;
cmp_ok scalar keys %ports, '<=', 2, '... as streams of one connection';
my $plain_h2 = listen_to($receiver->url('/h2'), CACertificate => $pem,
    HTTP2 => 'true');
arrives($receiver, $plain_h2, '/h2', 1, 'a receiver without HTTP/2');
is(($receiver->requests('/h2'))[0]{http}, '1.1', '... is spoken to as ever');

# -- proxies -------------------------------------------------------------------

my $through = WebhookProxy->new(to => $receiver->port);
my $port = $receiver->port;
my $sink_port = $proxied->port;

my $http = listen_to("http://receiver.example:$sink_port/http", Proxy => 'way');
signal($server, $http, 1);
ok $proxied->wait_for(1, 20), 'through an HTTP proxy';
is(($proxied->requests)[0]{path}, '/http', '... to the receiver');
is(($proxy->asked)[0], "POST http://receiver.example:$sink_port/http",
    '... whose name the proxy looks up');
my $socks = listen_to("http://receiver.example:$sink_port/socks",
    Proxy => 'socks');
signal($server, $socks, 1);
ok $proxied->wait_for(2, 20), 'through a SOCKS proxy';
is(($proxy->asked)[1], "SOCKS receiver.example:$sink_port",
    '... which looks the name up too');

# All webhooks by a proxy, one of them not; CONNECT for https.
$server->stop;
$server->write_conf(conf => <<"END");
WebhookClientCertificate mine $client_cert $client_key
WebhookProxy @{[$through->url('http')]}
WebhookProxy way @{[$proxy->url('http')]}
WebhookMinTLS 1.3
WebhookHTTP2 On
END
$server->start;
my $connect = listen_to("https://receiver.example:$port/connect",
    CACertificate => $pem);
my $direct = listen_to($receiver->url('/direct'), CACertificate => $pem,
    Proxy => 'none');

arrives($receiver, $connect, '/connect', 1, 'a proxy for all, CONNECT');
is_deeply [$through->asked], ["CONNECT receiver.example:$port"],
    '... and TLS with the receiver itself';
arrives($receiver, $direct, '/direct', 1, 'one webhook asks for none');
is scalar $through->asked, 1, '... and the proxy is not asked';
fails(listen_to($old->url('/old'), CACertificate => $pem, Proxy => 'none',
    MinTLS => '1.2'), 'tls', 'a webhook cannot go below WebhookMinTLS');
arrives($h2, listen_to($h2->url('/all'), CACertificate => $pem,
    Proxy => 'none'), '/all', 1, 'WebhookHTTP2 On');
is(($h2->requests('/all'))[0]{http}, '2.0', '... is HTTP/2');
arrives($h2, listen_to($h2->url('/not'), CACertificate => $pem,
    Proxy => 'none', HTTP2 => JSON::PP::false), '/not', 1, 'HTTP2 false');
is(($h2->requests('/not'))[0]{http}, '1.1', '... is HTTP/1.1');

# What a proxy itself answers is no answer of the receiver.
for my $answer ("HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\n"
    . "Content-Length: 2\r\n\r\nok", "HTTP/1.1 403 Forbidden\r\n\r\n") {
    my $liar = WebhookProxy->new(answer => $answer);

    $server->stop;
    $server->write_conf(conf => 'WebhookProxy ' . $liar->url('http'));
    $server->start;
    my ($event, $id) = listen_with_id('https://receiver.example/liar');

    $uuid = signal($server, $event, 1);
    ok $server->wait_for_log(qr/event $uuid attempt 2: .*failed for good/, 20),
        'a proxy that answers ' . substr($answer, 9, 3)
        . ' in place of the receiver delivers nothing';
    # The log has it first.
    ok wait_for(sub { entity($server, $id)->{TotalErrors} == 2 }, 20),
        '... which are errors';
    $liar->stop;
}

# -- addresses -----------------------------------------------------------------

# Nothing local may be called; the proxy is the operator's choice.
$server->stop;
$server->write_conf(directives => { WebhookRetry => '50ms',
    WebhookAllowNetwork => undef }, conf => 'WebhookProxy way '
    . $proxy->url('http'));
$server->start;
my $before = $proxied->requests;
signal($server, listen_to("http://receiver.example:$sink_port/guard",
    Proxy => 'way'), 1);
ok $proxied->wait_for($before + 1, 20), 'a proxy on an address of our own';
like call($server, POST => path_of(), { Name => 'x', Events => ['x'],
    TargetUrl => $proxied->url('/x'), Properties => { mod_webhook => {
    Proxy => 'way' } } })->{content}, qr/target address not allowed/,
    '... an address as a target is judged all the same';

# -- refusals ------------------------------------------------------------------

my $says = '400 Webhook Properties: "mod_webhook": ';
my $private = WebhookServer::slurp($client_key);
my @refused = (
    [{ CACertificate => 'x' },
        '"CACertificate" must be certificates of authorities in PEM form.'],
    [{ CACertificate => "$pem$private" },
        '"CACertificate" must be certificates of authorities in PEM form.'],
    [{ CACertificate => '/etc/ssl/certs/ca-certificates.crt' },
        '"CACertificate" must be certificates of authorities in PEM form.'],
    [{ PinnedPublicKey => '/etc/passwd' }, '"PinnedPublicKey" must be sha256//,'
        . ' and a hash in base64, or several, joined by a semicolon.'],
    [{ ClientCertificate => 'mine' },
        '"ClientCertificate" must be a name of WebhookClientCertificate.'],
    [{ ClientCertificate => '' },
        '"ClientCertificate" must be a name of WebhookClientCertificate.'],
    [{ Proxy => 'http://proxy:3128' },
        '"Proxy" must be none or a name of WebhookProxy.'],
    [{ MinTLS => '1.1' }, '"MinTLS" must be 1.2 or 1.3.'],
    [{ HTTP2 => 'maybe' }, '"HTTP2" must be true or false.'],
);
for my $row (@refused) {
    my ($options, $message) = @$row;
    my $answer = call($server, POST => path_of(), { Name => 'x',
        Events => ['x'], TargetUrl => 'https://receiver.example/',
        Properties => { mod_webhook => $options } });

    is "$answer->{status} " . $json->decode($answer->{content})->{Message},
        $says . $message, "refused: $message";
}

# -- rows that were written by hand --------------------------------------------

SKIP: {
    skip 'sqlite3 is not installed', 4 if !have_sql();
    for my $options ('"ClientCertificate":"mine"', '"CACertificate":"x"',
        '"Proxy":"x"', '"PinnedPublicKey":"x"') {
        my ($event, $id) = listen_with_id('https://receiver.example/');

        sql_write($server, qq(UPDATE webhook SET properties =
            '{"mod_webhook":{$options}}' WHERE id = $id;
            UPDATE meta SET value = value + 1 WHERE name = 'generation'));
        fails($event, 'configuration', "$options in the database");
    }
}
$server->stop;

# -- the test event ------------------------------------------------------------

$server->write_conf(directives => { WebhookProbe => 'On' },
    conf => "WebhookClientCertificate mine $client_cert $client_key");
$server->start;
for my $row ([$asking, 200, CACertificate => $pem,
        ClientCertificate => 'mine'], [$asking, 400, CACertificate => $pem],
    [$receiver, 200, CACertificate => $pem], [$receiver, 400],
    [$receiver, 400, CACertificate => $pem, PinnedPublicKey => $bad_pin]) {
    my ($one, $status, %options) = @$row;

    is call($server, POST => path_of(), { Name => 'x', Events => ['x'],
        TargetUrl => $one->url('/probe'), Properties => {
        mod_webhook => \%options } })->{status}, $status,
        "the test event with @{[sort keys %options]}: $status";
}
$server->stop;

# -- a key that cannot be read -------------------------------------------------

my $moved = "$folder/moved.key";
WebhookServer::spew($moved, $private);
$server->write_conf(directives => { WebhookRetry => '50ms' },
    conf => "WebhookClientCertificate mine $client_cert $moved");
$server->start;
WebhookRun::expect_log(qr/WH1222: webhook \d+ event/);
rename $moved, "$moved.away" or die "$moved: $!";
$known = listen_to($asking->url('/unread'), CACertificate => $pem,
    ClientCertificate => 'mine');
$uuid = signal($server, $known, 1);
ok $server->wait_for_log(qr/event $uuid: no attempt possible/, 20),
    'a key that cannot be read costs no attempt';
rename "$moved.away", $moved or die "$moved: $!";
ok $asking->wait_for(1, 20, '/unread'), '... and is read again';

# -- handshakes ----------------------------------------------------------------

# 200 deliveries to one receiver each: what the receiver has counted.
sub count_handshakes {
    my ($name, $config, %options) = @_;
    my $one = WebhookTls->new(cert => $cert, key => $key, %$config);
    my $event = listen_to($one->url('/count'), CACertificate => $pem, %options);

    signal($server, $event, $_) for 1 .. 200;
    my @requests = $one->wait_for(200, 60, '/count');
    my @connections = $one->connections;
    my %keys = map { ($_->{key} => 1) } @requests;
    my $resumed = grep { $_->{reused} } @connections;

    is scalar keys %keys, 200, "$name: 200 deliveries";
    # An attempt that makes no connection has an address from that judgement.
    ok !have_sql() || wait_for(sub { 200 == sql($server, 'SELECT count(*) FROM'
        . ' attempt a JOIN delivery d ON d.id = a.delivery_id JOIN event e ON'
        . " e.id = d.event_id WHERE e.name = '$event' AND"
        . " a.address = '127.0.0.1'") }, 20),
        '... for each of which the address guard was asked';
    note "$name: " . @connections . " handshakes, $resumed of them resumed";
    return (scalar @connections, $resumed);
}

my ($all, $resumed) = count_handshakes('HTTP/1.1', {});
cmp_ok $all, '<=', 16, '... on no more connections than may be open at once';
($all, $resumed) = count_handshakes('HTTP/2', { http2 => 1 },
    HTTP2 => JSON::PP::true);
cmp_ok $all, '<=', 2, '... on one connection, or two';
($all, $resumed) = count_handshakes('closed after each answer', { close => 1 });
cmp_ok $resumed, '>=', 20, '... sessions are resumed';

$server->stop;
$_->stop for $receiver, $asking, $old, $h2, $proxy, $through, $proxied;
done_testing;
