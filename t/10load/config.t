# SPDX-License-Identifier: Apache-2.0
# Mistakes in directives: "apache2 -t" fails and its sentence begins with the
# name of the directive, so that an operator knows where to look. No server is
# started.
use strict;
use warnings FATAL => 'all';

use Test::More;

use WebhookRun ();
use WebhookServer ();

# The check of the whole writes to the error log.
WebhookRun::expect_log(qr/\[webhook:error\] .* WH24\d\d: Webhook\w+: (?:must|needs)/);

my $plain = "$ENV{WEBHOOK_STAGE}/t/conf/users";
my $file = "$ENV{WEBHOOK_STAGE}/t/conf/any.pem";
WebhookServer::spew($file, "a list:\n-----BEGIN X509 CRL-----\n");

# A certificate with its key, and another key.
my $pair = "$ENV{WEBHOOK_STAGE}/t/conf/pair";
for my $key ("$pair.key -out $pair.pem", "$pair.other -out $pair.nothing") {
    system('openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1'
        . " -nodes -batch -days 2 -subj /CN=test -keyout $key 2>/dev/null") == 0
        or BAIL_OUT('openssl makes no certificate');
}

# directive => [good values], [bad values]; "" is no value at all.
my %VALUES = (
    WebhookEngine => [[qw(On off)], ['', qw(yes 1)]],
    WebhookBasePath => [
        [qw(/api/v1 /api/v1/ /hooks /a.b/c_d)],
        ['', '""', qw(api/v1 / // /a//b /a/../b /a/./b /a%20b /a?b), '/a#b',
            '"/a b"'],
    ],
    WebhookContext => [
        ['Default', 'Cust12345', '"two words"', "caf\xc3\xa9", 'x' x 100,
            '%{HTTP:X-Tenant}', '"t-%{REMOTE_USER}"', '%{env:TENANT}'],
        ['', '""', 'x' x 101, "\"a\tb\"", "bad\xff", '%{', '%{nothing}',
            '%{nofunc:x}'],
    ],
    WebhookMaxBody => [
        [qw(1K 1024 256K 64M 67108864)],
        ['', qw(0 1023 65M 67108865 -1 1G abc 1KB K 1.5M 99999999999999999999)],
    ],
    WebhookStateDir => [
        ['/tmp/wh', 'relative', '/' . 'd' x 93],
        ['', '""', '/' . 'd' x 94],
    ],
    WebhookDatabase => [
        ['sqlite3 webhook.db', 'sqlite3 /tmp/wh.db', 'sqlite3 "a b.db"'],
        ['', 'sqlite3', 'sqlite3 ""', 'oracle x', 'SQLite3 x', 'a b c'],
    ],
    WebhookThreads => [[qw(1 2 64)], ['', qw(0 65 abc -1 2x 1.5 +2), '" 2"']],
    WebhookConcurrency => [[qw(16 10000)], ['', qw(0 10001 abc -5)]],
    WebhookEndpointConcurrency => [[qw(1 256)], ['', qw(0 1001 many)]],
    WebhookWindow => [
        ['16', '16 16', '1000000', '10000 1000'],
        ['', '15', '1000001', '100 15', '100 abc', '100 100 100'],
    ],
    WebhookLimit => [
        ['1', '1000000', '3 64K', '3 65536', '10000 1024M'],
        ['', '""', '0', '1000001', 'x', '-1', '64K', '3 63K', '3 65535',
            '3 1025M', '3 1G', '3 x', '3 64K 1'],
    ],
    WebhookTimeout => [[qw(5s 30s 10m 5000ms)],
        ['', qw(0 30 30sec 11m 999ms -1s 1.5s abc)]],
    WebhookConnectTimeout => [[qw(100ms 5s 30s)],
        ['', qw(0 5 99ms 11m)]],
    WebhookDrainTimeout => [[qw(0 5s 60s 1m)], ['', qw(5 61s 2m never)]],
    WebhookSignalTimeout => [[qw(100ms 5s 60s)], ['', qw(0 5 99ms 61s)]],
    WebhookRetention => [[qw(7d 30d 720h)], ['', qw(0 7 59m 31d forever)]],
    WebhookRetry => [
        ['1s', '250ms 1s 5m 2h 3d', '5s   5s'],
        ['', '""', '5x', '5', '1s 5x', '1s,5s', '31d', '-1s',
            join(' ', ('1s') x 65)],
    ],
    WebhookRequireHTTPS => [[qw(On Off)], ['', qw(maybe 1)]],
    WebhookOnlineRestricted => [[qw(On Off)], ['', qw(maybe 1)]],
    WebhookVerifyTLS => [[qw(On Off)], ['', qw(maybe 1)]],
    WebhookProbe => [[qw(On Off)], ['', qw(maybe 1)]],
    WebhookProfile => [[qw(durable superoffice SuperOffice)],
        ['', '""', qw(strict durable2), 'durable superoffice']],
    WebhookMailServer => [
        [qw(smtp://localhost smtp://127.0.0.1:25 smtps://mail.example.com:465)],
        ['', '""', qw(localhost http://localhost smtp:// smtp:localhost
            smtp://me@localhost smtp://me:pw@localhost)],
    ],
    WebhookMailFrom => [['webhooks@example.com'],
        ['', '""', qw(webhooks @ a@ @b a@b@c), '"a b@c"', '"a@b, c@d"']],
    WebhookCACertificateFile => [[$file], ['', '""', $plain, qw(/ /nowhere/authorities)]],
    WebhookCARevocationFile => [[$file], ['', '""', $plain, qw(/ /nowhere/revoked)]],
    WebhookMinTLS => [[qw(1.2 1.3)], ['', '""', qw(1.1 1.4 1 TLSv1.3), '1.2 1.3']],
    WebhookHTTP2 => [[qw(On Off)], ['', qw(maybe 2)]],
    WebhookProxy => [
        ['http://proxy:3128', 'http://me:pw@[::1]:3128/', 'socks5://127.0.0.1',
            'socks5h://proxy:1080', 'way http://proxy',
            "way http://a\nWebhookProxy other http://b\nWebhookProxy http://c"],
        ['', '""', qw(none proxy proxy:3128 https://proxy ftp://proxy http://
            http://proxy/path http://proxy?x), 'none http://proxy',
            '"a b" http://proxy', 'way proxy', 'way http://proxy more'],
    ],
    WebhookClientCertificate => [
        ["mine $pair.pem $pair.key",
            "a $pair.pem $pair.key\nWebhookClientCertificate b $pair.pem $pair.key"],
        ['', 'mine', "mine $pair.pem", "mine $pair.pem /nowhere/key",
            "mine /nowhere/certificate $pair.key", "mine $pair.key $pair.pem",
            "mine $plain $pair.key", "mine $pair.pem $pair.other",
            "\"a b\" $pair.pem $pair.key", "mine $pair.pem $pair.key more"],
    ],
    WebhookAllowNetwork => [
        [qw(127.0.0.0/8 10.1.2.3 ::1 fd00::/8 127.0.0.1:81 [::1]:81),
            '10.0.0.0/8 192.168.0.0/16'],
        ['', qw(300.1.1.1 10.0.0.0/33 10.0.0.1/8 localhost fd00::1/8 1.2.3
            ::1/129 10.0.0.0/ 127.0.0.1:0 ::1:80x 10.0.0.0/8:80 [::1]
            127.0.0.1:65536), '127.0.0.1 300.1.1.1'],
    ],
    WebhookDenyNetwork => [
        [qw(127.0.0.0/8 10.1.2.3 ::1 fd00::/8), '10.0.0.0/8 192.168.0.0/16'],
        ['', qw(300.1.1.1 10.0.0.0/33 10.0.0.1/8 localhost fd00::1/8 none
            127.0.0.1:80 [::1]:80), '127.0.0.1 300.1.1.1'],
    ],
);

# Each directive by itself is fine, together they are not.
my @WHOLE = (
    [WebhookRetention => "WebhookRetention 1h\nWebhookRetry 1h 1h\n"],
    [WebhookConnectTimeout =>
        "WebhookTimeout 2s\nWebhookConnectTimeout 3s\n"],
    [WebhookEndpointConcurrency =>
        "WebhookConcurrency 4\nWebhookEndpointConcurrency 5\n"],
    [WebhookWindow => "WebhookWindow 100 200\n"],
    [WebhookMailServer => "WebhookMailServer smtp://localhost\n"],
);

my @MAIN_ONLY = (
    WebhookStateDir => '/tmp/wh', WebhookDatabase => 'sqlite3 webhook.db',
    WebhookThreads => 2, WebhookConcurrency => 64,
    WebhookEndpointConcurrency => 2, WebhookWindow => 100,
    WebhookLimit => '3 64K',
    WebhookTimeout => '9s', WebhookConnectTimeout => '2s',
    WebhookDrainTimeout => '2s', WebhookSignalTimeout => '2s',
    WebhookRetention => '8d', WebhookRetry => '1s',
    WebhookRequireHTTPS => 'On', WebhookAllowNetwork => '10.0.0.0/8',
    WebhookDenyNetwork => '10.1.0.0/16',
    WebhookVerifyTLS => 'Off', WebhookProbe => 'On',
    WebhookProfile => 'superoffice', WebhookMailServer => 'smtp://localhost',
    WebhookMailFrom => 'a@b', WebhookCACertificateFile => $file,
    WebhookCARevocationFile => $file, WebhookMinTLS => '1.3',
    WebhookHTTP2 => 'On', WebhookProxy => 'http://proxy',
    WebhookClientCertificate => "mine $pair.pem $pair.key",
);
my @PER_SERVER = (
    WebhookEngine => 'Off', WebhookBasePath => '/hooks',
    WebhookContext => 'Other', WebhookMaxBody => '1M',
    WebhookOnlineRestricted => 'On',
);

my $server = WebhookServer->new(directives => {
    map { ($_ => undef) } qw(WebhookAllowNetwork WebhookProbe
        WebhookRequireHTTPS) });

sub judge {
    my ($conf) = @_;

    $server->write_conf(conf => $conf);
    return $server->config_test;
}

sub passes {
    my ($conf, $name) = @_;
    my ($status, $output) = judge($conf);

    is($status, 0, "accepted: $name") or diag($output);
    return;
}

# The sentence is of the form "WebhookX: must ..." or, for a wrong number of
# arguments, httpd's own, which begins with the name too.
sub fails {
    my ($directive, $conf, $name) = @_;
    my ($status, $output) = judge($conf);

    isnt($status, 0, "refused: $name");
    like($output, qr/^(?:.*WH\d+: )?$directive(?::| takes| requires| must)/m,
        'the sentence names it');
    return;
}

sub shown {
    my ($text) = @_;

    $text = substr($text, 0, 40) . '...' if length $text > 43;
    $text =~ s/([^\x20-\x7e])/sprintf '\\x%02x', ord $1/ge;
    return $text;
}

passes('', 'the basics');
# A value may need others to make sense of the whole.
my %COMPANION = (
    WebhookTimeout => "WebhookConnectTimeout 1s\n",
    WebhookRetry => "WebhookRetention 30d\n",
    WebhookMailServer => "WebhookMailFrom a\@b.example\n",
);
for my $directive (sort keys %VALUES) {
    my ($good, $bad) = @{ $VALUES{$directive} };
    my $companion = $COMPANION{$directive} || '';

    subtest $directive => sub {
        passes("$companion$directive $_\n", shown($_)) for @$good;
        fails($directive, "$companion$directive $_\n", shown($_)) for @$bad;
    };
}
subtest 'the whole' => sub {
    fails($_->[0], $_->[1], shown($_->[1])) for @WHOLE;
};
subtest 'only in the main server' => sub {
    my @pairs = @MAIN_ONLY;

    while (my ($directive, $value) = splice @pairs, 0, 2) {
        my ($status, $output) =
            judge("<VirtualHost *>\n$directive $value\n</VirtualHost>\n");

        isnt($status, 0, "refused: $directive in a virtual host");
        like($output, qr/$directive/, 'the sentence names it');
    }
};
subtest 'in a virtual host too' => sub {
    my @pairs = @PER_SERVER;

    while (my ($directive, $value) = splice @pairs, 0, 2) {
        passes("<VirtualHost *>\n$directive $value\n</VirtualHost>\n",
            "$directive in a virtual host");
    }
};
subtest 'not in a directory' => sub {
    my @pairs = (@MAIN_ONLY, @PER_SERVER);

    while (my ($directive, $value) = splice @pairs, 0, 2) {
        my ($status, $output) =
            judge("<Directory />\n$directive $value\n</Directory>\n");

        isnt($status, 0, "refused: $directive in a directory");
        like($output, qr/$directive/, 'the sentence names it');
    }
};
done_testing();
