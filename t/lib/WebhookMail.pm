# SPDX-License-Identifier: Apache-2.0
package WebhookMail;

# A mail server that is not ours: aiosmtpd, each mail a file.
#
#     my $mail = WebhookMail->new;           # tls => 1: takes mail by STARTTLS only
#     WebhookServer->new(directives => { WebhookMailServer => $mail->url, ... });
#     my @mails = $mail->wait_for(2, 10);    # in no order
#     is $mails[0]{header}{subject}, 'Webhook 1 fails: test';
#
# A mail is a hash: header (name in lower case => value, decoded and unfolded;
# the server's own x-mailfrom and x-rcptto among them), names (of all headers,
# in lower case, in their order), text (characters).

use strict;
use warnings FATAL => 'all';

use Carp qw(croak);
use Encode ();
use File::Temp ();
use IO::Socket::INET ();
use MIME::Base64 ();
use POSIX ();
use WebhookServer ();

use constant PROGRAM => '/usr/bin/aiosmtpd';

sub available { return -x PROGRAM }

sub new {
    my ($class, %options) = @_;
    my $self = bless { owner => $$, %options }, $class;

    mkdir "$ENV{WEBHOOK_STAGE}/srv";
    $self->{folder} = File::Temp->newdir('mailXXXXXX',
        DIR => "$ENV{WEBHOOK_STAGE}/srv");
    $self->{port} = WebhookServer::free_port();
    $self->make_certificate if $self->{tls};
    $self->start;
    return $self;
}

sub url { return "smtp://127.0.0.1:$_[0]{port}" }

sub make_certificate {
    my ($self) = @_;

    system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -batch"
        . " -subj /CN=mail.example -keyout $self->{folder}/key.pem"
        . " -out $self->{folder}/cert.pem 2>/dev/null") == 0
        or croak 'openssl makes no certificate';
    return;
}

sub start {
    my ($self) = @_;
    my $folder = $self->{folder};
    my @tls = $self->{tls} ? ('--tlscert', "$folder/cert.pem", '--tlskey',
        "$folder/key.pem") : ();
    my $pid = fork;

    defined $pid or croak "cannot fork: $!";
    if (!$pid) {
        open STDOUT, '>', "$folder/output";
        open STDERR, '>&', \*STDOUT;
        exec { +PROGRAM } PROGRAM, '-n', @tls, '-l', "127.0.0.1:$self->{port}",
            '-c', 'aiosmtpd.handlers.Mailbox', "$folder/box"
            or POSIX::_exit(127);
    }
    $self->{pid} = $pid;
    WebhookServer::wait_for { $self->answers } 30
        or croak 'no mail server: ' . WebhookServer::slurp("$folder/output");
    return $self;
}

sub answers {
    my ($self) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $self->{port}, Timeout => 2);

    return $socket && defined sysread $socket, my $bytes, 1;
}

sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;

    kill 'KILL', $pid;
    waitpid $pid, 0;
    return;
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $!, $@);

    $self->stop if $self->{owner} == $$;
    return;
}

sub mails {
    my ($self) = @_;

    return map { parse(WebhookServer::slurp($_)) }
        sort glob "$self->{folder}/box/new/*";
}

# All mails, once there are so many; nothing after the deadline.
sub wait_for {
    my ($self, $count, $seconds) = @_;
    my @mails;

    WebhookServer::wait_for { @mails = $self->mails; @mails >= $count }
        $seconds || 10;
    return @mails >= $count ? @mails : ();
}

sub parse {
    my ($bytes) = @_;
    my ($head, $body) = split /\r?\n\r?\n/, $bytes, 2;
    my %mail = (names => [], header => {});

    $head =~ s/\r?\n(?=[ \t])//g;
    for my $line (split /\r?\n/, $head) {
        my ($name, $value) = $line =~ /\A([!-9;-~]+): ?(.*)\z/s
            or croak "no header: $line";

        push @{ $mail{names} }, lc $name;
        $mail{header}{lc $name} = Encode::decode('MIME-Header', $value);
    }
    $mail{text} = Encode::decode('UTF-8', MIME::Base64::decode_base64($body));
    return \%mail;
}

1;
