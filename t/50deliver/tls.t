# SPDX-License-Identifier: Apache-2.0
# https: delivered when the certificate can be trusted, and else not at all.
use strict;
use warnings FATAL => 'all';

use IO::Socket::INET ();
use POSIX ();
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
    WebhookConnectTimeout => '5s' });

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

# -- bad certificates of a good authority, and bad manners -----------------------

# Each is a server of openssl's, which writes down what it is sent. If all were
# in order the same server would be delivered to: that is the first row.
my %servers;
pipe my $input, my $open or BAIL_OUT("no pipe: $!");

END {
    my $status = $?;

    kill 'KILL', $_ for values %servers;
    waitpid $_, 0 for values %servers;
    $? = $status;
}

sub certificate {
    my ($name, $subject, @dates) = @_;

    openssl("req -newkey rsa:2048 -nodes -batch -subj /CN=$subject -addext"
        . " subjectAltName=$subject -keyout $name.key -out request");
    openssl('ca -batch -config issue -keyfile ca.key -cert ca.pem -in request'
        . " -out $name.pem @dates");
    return;
}

sub serve {
    my ($name, @options) = @_;
    my $port = WebhookServer::free_port();
    my $pid = fork;

    defined $pid or BAIL_OUT("cannot fork: $!");
    if (!$pid) {
        # Once its input ends it ends too.
        open STDIN, '<&', $input;
        open STDOUT, '>', "$ca/$name.out";
        open STDERR, '>&', \*STDOUT;
        chdir $ca;
        exec qw(openssl s_server -quiet -accept), "127.0.0.1:$port",
            @options or POSIX::_exit(127);
    }
    $servers{$port} = $pid;
    wait_for { IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $port) } 10 or BAIL_OUT("openssl s_server: @options");
    return $port;
}

sub port_of { return "127.0.0.1:$_[0]" }

WebhookServer::spew("$ca/issue", <<'END');
[ca]
default_ca = test
[test]
database = issued
serial = number
new_certs_dir = .
default_md = sha256
default_days = 2
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
END
WebhookServer::spew("$ca/issued", '');
certificate('good', 'IP:127.0.0.1');
certificate('expired', 'IP:127.0.0.1', qw(-startdate 20200101000000Z
    -enddate 20200201000000Z));
certificate('early', 'IP:127.0.0.1', qw(-startdate 20900101000000Z
    -enddate 20900201000000Z));
certificate('name', 'DNS:other.example');
openssl('req -x509 -newkey rsa:2048 -nodes -days 2 -batch -subj /CN=127.0.0.1'
    . ' -addext subjectAltName=IP:127.0.0.1 -keyout self.key -out self.pem');
my @weak = (-cipher => 'ALL:@SECLEVEL=0');
my $mute = IO::Socket::INET->new(Listen => 8, LocalAddr => '127.0.0.1');
# name, what it is, error class (undef: it can be spoken to), options, certificate
my @rows = (
    [good => 'all in order', undef],
    [expired => 'a certificate that has expired', 'tls'],
    [early => 'a certificate that is not valid yet', 'tls'],
    [name => 'a certificate for another name', 'tls'],
    [self => 'a certificate signed by itself', 'tls'],
    [tls10 => 'TLS 1.0 only', 'tls', -tls1 => @weak],
    [tls11 => 'TLS 1.1 only', 'tls', '-tls1_1' => @weak],
    [client12 => 'TLS 1.2, a certificate of the sender is wanted', 'tls',
        qw(-tls1_2 -Verify 1 -verify_return_error)],
    [client13 => 'TLS 1.3, a certificate of the sender is wanted', 'tls',
        qw(-tls1_3 -Verify 1 -verify_return_error)],
);

$server->stop;
$server->{directives}{WebhookCACertificateFile} = "$ca/ca.pem";
delete $server->{directives}{WebhookVerifyTLS};
$server->{directives}{WebhookTimeout} = '8s';
$server->write_conf;
$server->start;
# 15 MB of records that are no answer, which libcrypto would read at one go.
my @flood = (tickets => undef, undef, qw(-num_tickets 60000));
for my $row (@rows, \@flood) {
    my ($name, undef, undef, @options) = @$row;
    my $file = -e "$ca/$name.pem" ? $name : 'good';
    my $port = serve($name, @options, -cert => "$file.pem",
        -key => "$file.key");

    create($server, Events => ['manners'], Name => $name,
        TargetUrl => 'https://' . port_of($port) . '/');
}
create($server, Events => ['manners'], Name => 'mute',
    TargetUrl => 'https://' . port_of($mute->sockport) . '/');
WebhookRun::expect_log(qr/WH1221: webhook \d+ event \S+ attempt 2: (?:protocol|reset), /);
$event = signal($server, 'manners', 1);

sub error_of {
    my ($name) = @_;
    my $error = '';

    wait_for { $error = WebhookApi::sql($server, 'SELECT a.error FROM attempt a'
        . ' JOIN delivery d ON d.id = a.delivery_id JOIN webhook w'
        . " ON w.id = d.webhook_id WHERE w.name = '$name' AND a.number = 1") }
        20;
    return $error;
}

for my $row (@rows, [mute => 'a handshake that is never answered', 'timeout']) {
    my ($name, $what, $error) = @$row;
    my $found = error_of($name);
    my $sent = WebhookServer::slurp("$ca/$name.out") =~ /EventId/;

    if (!defined $error) {
        # It is no receiver of HTTP, but it has got the request.
        isnt $found, 'tls', $what;
        ok wait_for(sub { WebhookServer::slurp("$ca/$name.out") =~ /EventId/ },
            10), '... and the request is sent';
        next;
    }
    is $found, $error, $what;
    ok !$sent, '... and nothing is sent';
}
is error_of('tickets'), 'reset', 'tickets for new sessions without end are cut';

done_testing;
