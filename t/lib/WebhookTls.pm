# SPDX-License-Identifier: Apache-2.0
package WebhookTls;

# Receivers that speak TLS in many ways and count handshakes (tls_receiver.mjs),
# and the certificates for them.
#
#     my $ca = WebhookTls::authority($folder, 'one');
#     my ($cert, $key) = WebhookTls::certificate($ca, 'server');
#     my $receiver = WebhookTls->new(cert => $cert, key => $key, http2 => 1);
#     register a webhook for $receiver->url('/a'), signal an event
#     my @got = $receiver->wait_for(3, 10);
#     my @handshakes = $receiver->connections;
#
# Options of new(): cert, key; clientCa => file (a certificate is demanded),
# maxVersion => 'TLSv1.2', http2 => 1, close => 1 (after each answer).

use strict;
use warnings FATAL => 'all';

use Carp qw(croak);
use File::Temp ();
use JSON::PP ();
use WebhookServer ();

my $json = JSON::PP->new->canonical;

sub parent_folder {
    my $parent = $ENV{WEBHOOK_STAGE} ? "$ENV{WEBHOOK_STAGE}/srv" : undef;

    mkdir $parent if $parent;
    return $parent ? (DIR => $parent) : (TMPDIR => 1);
}

# Why there can be no receiver; nothing if there can.
sub missing {
    for my $program (qw(node openssl)) {
        return "$program is not installed"
            if !grep { -x "$_/$program" } split /:/, $ENV{PATH};
    }
    return;
}

# ---- certificates ------------------------------------------------------------

sub openssl {
    my ($folder, $command) = @_;

    system("cd '$folder' && openssl $command 2>openssl.log") == 0
        or croak "openssl $command: "
            . WebhookServer::slurp("$folder/openssl.log");
    return;
}

my $new_key = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -batch';

# The path of its certificate, <folder>/<name>.pem.
sub authority {
    my ($folder, $name) = @_;

    openssl($folder, "req -x509 $new_key -days 2 -subj /CN=$name"
        . ' -addext keyUsage=critical,keyCertSign,cRLSign'
        . " -keyout $name.key -out $name.pem");
    return "$folder/$name.pem";
}

# A certificate of an authority for 127.0.0.1 and its key, both as paths.
sub certificate {
    my ($authority, $name) = @_;
    my ($folder, $ca) = $authority =~ m{\A(.*)/([^/]*)\.pem\z};

    openssl($folder, "req $new_key -subj /CN=$name -addext"
        . ' subjectAltName=IP:127.0.0.1,DNS:receiver.example'
        . " -keyout $name.key -out $name.csr");
    openssl($folder, "x509 -req -in $name.csr -CA $ca.pem -CAkey $ca.key"
        . " -CAcreateserial -days 2 -copy_extensions copy -out $name.pem");
    return ("$folder/$name.pem", "$folder/$name.key");
}

# As PinnedPublicKey wants it.
sub pin {
    my ($certificate) = @_;
    my ($folder) = $certificate =~ m{\A(.*)/};

    openssl($folder, "x509 -in $certificate -pubkey -noout |"
        . ' openssl pkey -pubin -outform der |'
        . ' openssl dgst -sha256 -binary | openssl base64 >pin');
    my ($text) = WebhookServer::slurp("$folder/pin") =~ /(\S+)/;

    return "sha256//$text";
}

# ---- a receiver --------------------------------------------------------------

sub new {
    my ($class, %config) = @_;

    return $class->run('tls_receiver.mjs', %config);
}

# A program that writes its port, or its ports, into a file "port" of its folder
# and what it sees, a line of JSON each, into "log".
sub run {
    my ($class, $name, %config) = @_;
    my $self = bless { owner => $$ }, $class;

    $self->{folder} = File::Temp->newdir('tlsXXXXXX', parent_folder());
    my $program = __FILE__ =~ s{[^/]*\z}{$name}r;

    # The pipe is its standard input: it ends with the test.
    $self->{pid} = open $self->{pipe}, '|-', 'node', $program,
        $json->encode({ %config, folder => "$self->{folder}" })
        or croak "node: $!";
    WebhookServer::wait_for { -e "$self->{folder}/port" } 20
        or croak 'the receiver does not start';
    $self->{port} = WebhookServer::slurp("$self->{folder}/port");
    return $self;
}

sub port { return $_[0]{port} }
sub url { return "https://127.0.0.1:$_[0]{port}$_[1]" }

sub lines {
    my ($self, $type) = @_;

    open my $file, '<', "$self->{folder}/log" or return;
    return grep { $_->{type} eq $type } map { $json->decode($_) }
        grep { /\n\z/ } <$file>;
}

# TLS handshakes that ended well: port, reused, version, alpn, client.
sub connections { return $_[0]->lines('connection') }

# Requests for a path, or all: port, http, path, key.
sub requests {
    my ($self, $path) = @_;

    return grep { !defined $path || $_->{path} eq $path }
        $self->lines('request');
}

sub wait_for {
    my ($self, $count, $seconds, $path) = @_;

    WebhookServer::wait_for { $self->requests($path) >= $count } $seconds;
    return $self->requests($path);
}

sub stop {
    my ($self) = @_;

    return if !$self->{pipe};
    # Other processes of the test may hold its standard input too.
    kill 'KILL', $self->{pid};
    close delete $self->{pipe};
    return;
}

sub DESTROY {
    my ($self) = @_;

    local ($?, $!, $@);
    $self->stop if $self->{owner} == $$;
    return;
}

1;
