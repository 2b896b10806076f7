# SPDX-License-Identifier: Apache-2.0
package WebhookProxy;

# A proxy for tests: HTTP (CONNECT and plain requests) and SOCKS 5. Whatever
# name it is asked for, it connects to the same port of 127.0.0.1.
#
#     my $proxy = WebhookProxy->new(to => $sink->port);
#     WebhookProxy $proxy->url('http')
#     my @asked = $proxy->asked;      'CONNECT receiver.example:443', ...
#
# Options: to => port; answer => the whole answer to CONNECT, after which it
# hangs up.

use strict;
use warnings FATAL => 'all';

use Carp qw(croak);
use File::Temp ();
use IO::Select ();
use IO::Socket::INET ();
use POSIX ();
use WebhookServer ();
use WebhookTls ();

sub new {
    my ($class, %options) = @_;
    my $self = bless { owner => $$, %options }, $class;
    my $listener = IO::Socket::INET->new(Listen => 64,
        LocalAddr => '127.0.0.1', ReuseAddr => 1) or croak "proxy: $!";

    $self->{folder} =
        File::Temp->newdir('proxyXXXXXX', WebhookTls::parent_folder());
    $self->{log} = "$self->{folder}/log";
    $self->{port} = $listener->sockport;
    $self->{pid} = fork;
    defined $self->{pid} or croak "cannot fork: $!";
    if (!$self->{pid}) {
        setpgrp;
        eval { $self->serve($listener); 1 } or print STDERR "proxy: $@";
        POSIX::_exit(1);
    }
    setpgrp $self->{pid}, $self->{pid};
    return $self;
}

sub url { return "$_[1]://127.0.0.1:$_[0]{port}" }

# What it was asked for, in order.
sub asked {
    my ($self) = @_;

    return -e $self->{log} ? split /\n/, WebhookServer::slurp($self->{log}) : ();
}

sub stop {
    my ($self) = @_;

    return if !$self->{pid};
    kill 'KILL', -$self->{pid};
    waitpid delete $self->{pid}, 0;
    return;
}

sub DESTROY {
    my ($self) = @_;

    local ($?, $!, $@);
    $self->stop if $self->{owner} == $$;
    return;
}

# ---- in its own processes ----------------------------------------------------

sub serve {
    my ($self, $listener) = @_;
    my $ready = IO::Select->new($listener);

    local $SIG{CHLD} = 'IGNORE';
    while (getppid == $self->{owner}) {
        $ready->can_read(1) or next;
        my $client = $listener->accept or next;
        my $pid = fork;

        defined $pid or die "cannot fork: $!";
        if (!$pid) {
            close $listener;
            $self->talk($client);
            POSIX::_exit(0);
        }
        close $client;
    }
    return;
}

sub note {
    my ($self, $line) = @_;

    open my $log, '>>', $self->{log} or die "$self->{log}: $!";
    print {$log} "$line\n";
    close $log;
    return;
}

sub take {
    my ($client, $count) = @_;
    my $bytes = '';

    while (length $bytes < $count) {
        sysread $client, $bytes, $count - length $bytes, length $bytes
            or POSIX::_exit(0);
    }
    return $bytes;
}

sub talk {
    my ($self, $client) = @_;
    my $first = take($client, 1);

    return $first eq "\x05" ? $self->socks($client) : $self->http($client, $first);
}

sub connect_on {
    my ($self) = @_;

    return IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $self->{to}) || POSIX::_exit(0);
}

sub socks {
    my ($self, $client) = @_;

    take($client, ord take($client, 1));
    syswrite $client, "\x05\x00";
    my (undef, undef, undef, $kind) = unpack 'C4', take($client, 4);
    my $host = $kind == 1 ? join('.', unpack 'C4', take($client, 4))
        : $kind == 3 ? take($client, ord take($client, 1))
        : POSIX::_exit(0);
    my $port = unpack 'n', take($client, 2);

    $self->note("SOCKS $host:$port");
    my $server = $self->connect_on;

    syswrite $client, "\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00";
    return pump($client, $server);
}

sub http {
    my ($self, $client, $head) = @_;

    while ($head !~ /\r\n\r\n\z/) {
        $head .= take($client, 1);
    }
    my ($method, $target) = $head =~ /\A(\S+) (\S+)/;

    $self->note("$method $target");
    if (defined $self->{answer}) {
        syswrite $client, $self->{answer};
        return;
    }
    my $server = $self->connect_on;

    if ($method eq 'CONNECT') {
        syswrite $client, "HTTP/1.1 200 Connection established\r\n\r\n";
    }
    else {
        $head =~ s{\A(\S+) http://[^/]*}{$1 };
        syswrite $server, $head;
    }
    return pump($client, $server);
}

sub pump {
    my ($client, $server) = @_;
    my $ready = IO::Select->new($client, $server);

    while (1) {
        for my $from ($ready->can_read) {
            my $to = $from == $client ? $server : $client;

            sysread $from, my $bytes, 16384 or return;
            while (length $bytes) {
                my $written = syswrite $to, $bytes or return;

                substr $bytes, 0, $written, '';
            }
        }
    }
}

1;
