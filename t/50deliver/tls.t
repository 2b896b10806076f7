# SPDX-License-Identifier: Apache-2.0
# https: delivered when the certificate can be trusted, and else not at all.
use strict;
use warnings FATAL => 'all';

use Test::More;
use WebhookApi qw(call create entity path_of signal);
use WebhookRun ();
use WebhookServer qw(wait_for);
use WebhookSink ();

plan skip_all => 'IO::Socket::SSL or openssl is missing'
    if !WebhookSink::tls_available();

WebhookRun::expect_log(qr/WH1221: webhook \d+ event \S+ attempt 2: (?:tls|timeout), /);

my $sink = WebhookSink->new(tls => 1);
my $server = WebhookServer->new(directives => {
    WebhookRequireHTTPS => undef, WebhookRetry => '50ms',
    WebhookConnectTimeout => '1s' });

# -- unknown to the system -----------------------------------------------------

# Keys of connections are for nobody, even if the environment asks for them.
my $keys = $server->root . '/keys';
{
    local $ENV{SSLKEYLOGFILE} = $keys;
    $server->start;
}
my $id = create($server, Events => ['tls'], TargetUrl => $sink->url('/no'));
my $event = signal($server, 'tls', 1);
ok $server->wait_for_log(qr/event $event attempt 2: tls, .*failed for good/, 20),
    'a certificate that nobody vouches for is refused';
is scalar $sink->requests, 0, '... before anything is sent';
wait_for { entity($server, $id)->{TotalErrors} == 2 } 10;
is entity($server, $id)->{LastError}, 'the target did not answer',
    '... and its owner sees that';
is call($server, POST => path_of('Test'), { Name => 'tls', Events => ['tls'],
    TargetUrl => $sink->url('/no') })->{status}, 200, '... a test too';
ok !-e $keys, 'no key is written';
$server->stop;

# -- trusted -------------------------------------------------------------------

# The certificate of another name, of an authority that is trusted too.
my $wrong = WebhookSink->new(tls => 1);
my ($folder) = $wrong->ca_file =~ m{(.*)/};
system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -batch"
    . " -subj /CN=other.example -addext subjectAltName=DNS:other.example"
    . " -keyout $folder/key.pem -out $folder/cert.pem 2>/dev/null") == 0
    or BAIL_OUT('openssl makes no certificate');
my $authorities = $server->root . '/authorities.pem';
WebhookServer::spew($authorities,
    join '', map { WebhookServer::slurp($_->ca_file) } $sink, $wrong);
$server->{directives}{WebhookCACertificateFile} = $authorities;
$server->write_conf;
$server->start;
$id = create($server, Events => ['trusted'], TargetUrl => $sink->url('/yes'),
    Secret => 'k');
signal($server, 'trusted', 1, { a => 1 });
my ($got) = $sink->wait_for(1, 20);
ok $got, 'delivered with an authority of WebhookCACertificateFile';
ok $got && $sink->verify_signature($got, 'k'), '... and signed';
is $got && $got->{path}, '/yes', '... to its path';

my $plain = WebhookSink->new;
my @bad = (['the name in the certificate is another', $wrong],
    ['a receiver that does not speak TLS is not spoken to in clear', $plain]);
for my $bad (@bad) {
    my ($what, $receiver) = @$bad;
    my $port = $receiver->port;

    $id = create($server, Events => ["bad.$port"],
        TargetUrl => "https://127.0.0.1:$port/");
    $event = signal($server, "bad.$port", 1);
    ok $server->wait_for_log(qr/event $event attempt 2: .* failed for good/,
        20), $what;
    is scalar $receiver->requests, 0, '... and nothing is sent';
}

# -- revoked -------------------------------------------------------------------

# An authority of the test's own, a certificate of it, and its list.
my $signed = WebhookSink->new(tls => 1);
($folder) = $signed->ca_file =~ m{(.*)/};
my $ca = $server->root . '/ca';

sub openssl {
    my ($command) = @_;

    system("cd $ca && openssl $command 2>openssl.log") == 0
        or BAIL_OUT("openssl $command: " . WebhookServer::slurp("$ca/openssl.log"));
    return;
}

mkdir $ca or BAIL_OUT("$ca: $!");
WebhookServer::spew("$ca/index", '');
WebhookServer::spew("$ca/number", "01\n");
WebhookServer::spew("$ca/conf", <<'END');
[ca]
default_ca = test
[test]
database = index
crlnumber = number
default_md = sha256
default_crl_days = 2
END
openssl('req -x509 -newkey rsa:2048 -nodes -days 2 -batch -subj /CN=authority'
    . ' -addext keyUsage=critical,keyCertSign,cRLSign'
    . ' -keyout ca.key -out ca.pem');
openssl('req -newkey rsa:2048 -nodes -batch -subj /CN=127.0.0.1 -addext'
    . " subjectAltName=IP:127.0.0.1 -keyout $folder/key.pem -out request");
openssl('x509 -req -in request -CA ca.pem -CAkey ca.key -CAcreateserial'
    . " -days 2 -copy_extensions copy -out $folder/cert.pem");
openssl('ca -config conf -gencrl -keyfile ca.key -cert ca.pem -out crl.pem');
$server->stop;
$server->{directives}{WebhookCACertificateFile} = "$ca/ca.pem";
$server->{directives}{WebhookCARevocationFile} = "$ca/crl.pem";
$server->write_conf;
$server->start;
create($server, Events => ['listed'], TargetUrl => $signed->url('/listed'));
signal($server, 'listed', 1);
ok $signed->wait_for(1, 20), 'a certificate that is not on the list will do';
openssl("ca -config conf -revoke $folder/cert.pem -keyfile ca.key -cert ca.pem");
openssl('ca -config conf -gencrl -keyfile ca.key -cert ca.pem -out crl.pem');
# A new dispatcher: the old one may still have a connection.
$server->stop;
$server->start;
$event = signal($server, 'listed', 2);
ok $server->wait_for_log(qr/event $event attempt 2: tls, .*failed for good/, 20),
    'one that was revoked will not';
is scalar $signed->requests, 1, '... and nothing is sent';

# A list that cannot be read is nobody's fault but ours: no attempt is counted.
WebhookRun::expect_log(qr/WH1222: /);
WebhookServer::spew("$ca/crl.pem", '');
$event = signal($server, 'listed', 3);
ok $server->wait_for_log(qr/event $event: no attempt possible/, 20),
    'a list that cannot be read stops deliveries';
is WebhookApi::sql($server, "SELECT attempts, state FROM delivery d JOIN event e"
    . " ON e.id = d.event_id WHERE e.uuid = '$event'"), '0|0',
    '... and costs them nothing';

# -- not verified --------------------------------------------------------------

$server->stop;
delete $server->{directives}{$_}
    for qw(WebhookCACertificateFile WebhookCARevocationFile);
$server->{directives}{WebhookVerifyTLS} = 'Off';
$server->write_conf;
$server->start;
create($server, Events => ['unverified'], TargetUrl => $_->url('/unverified'))
    for $sink, $wrong;
signal($server, 'unverified', 1);
for my $receiver ($sink, $wrong) {
    my $found = wait_for { scalar grep { $_->{path} eq '/unverified' }
        $receiver->requests } 20;

    ok $found, 'WebhookVerifyTLS Off: any certificate will do';
}

done_testing;
