# SPDX-License-Identifier: Apache-2.0
package WebhookDns;

# A name server that does what a name server must not do, in namespaces of the
# test's own: the machine's resolver and network are not touched.
#
#     WebhookDns::enter();     # first of all: starts the test again inside
#     my $dns = WebhookDns->new;
#     a webhook for http://silent.test:PORT/
#
# enter() needs unshare(1) and mount(8) of util-linux and a kernel that gives
# namespaces to everybody. Where that is not so the test is skipped.
#
# The first label of a name says what comes: see answer(). Only A records are
# there.

use strict;
use warnings FATAL => 'all';

use Carp qw(croak);
use Cwd ();
use IO::Select ();
use IO::Socket::INET ();
use POSIX ();
use Socket qw(inet_aton);
use Test::More ();

use constant {
    PORT => 53,
    NXDOMAIN => 3,
    SERVFAIL => 2,
    REFUSED => 5,
    TRUNCATED => 0x0200,
    A => 1,
    CNAME => 5,
    UDP_MAX => 512,
    SIOCSIFFLAGS => 0x8914,
    IFF_UP => 1,
};

my @unshare = qw(unshare --user --map-current-user --keep-caps --net --mount);

sub enter {
    return set_up() if $ENV{WEBHOOK_DNS_INSIDE};
    Test::More::plan(skip_all => 'no namespaces for this user (unshare of'
            . ' util-linux 2.38 and user.max_user_namespaces are needed)')
        if system(join(' ', @unshare) . ' mount --bind /etc/resolv.conf'
            . ' /etc/resolv.conf >/dev/null 2>&1') != 0;
    $ENV{WEBHOOK_DNS_INSIDE} = 1;
    exec @unshare, $^X, $0 or croak "unshare: $!";
}

# In namespaces of its own: a loopback interface, and files of the resolver
# that name the server.
sub set_up {
    my $folder = "$ENV{WEBHOOK_STAGE}/srv";
    my %files = ('resolv.conf' => "nameserver 127.0.0.1\n",
        'nsswitch.conf' => "hosts: dns\n");

    socket my $socket, Socket::PF_INET(), Socket::SOCK_DGRAM(), 0
        or croak "no socket: $!";
    my $request = pack 'a16 s x22', 'lo', IFF_UP;
    ioctl $socket, SIOCSIFFLAGS, $request
        or croak "no loopback: $!";
    mkdir $folder;
    for my $name (keys %files) {
        open my $file, '>', "$folder/$name" or croak "$folder/$name: $!";
        print {$file} $files{$name};
        close $file or croak "$folder/$name: $!";
        system('mount', '--bind', "$folder/$name", "/etc/$name") == 0
            or croak "/etc/$name cannot be replaced";
    }
    return;
}

# ---- the server --------------------------------------------------------------

sub new {
    my ($class) = @_;
    my %address = (LocalAddr => '127.0.0.1', LocalPort => PORT);
    my $self = bless { owner => $$ }, $class;

    $self->{udp} = IO::Socket::INET->new(%address, Proto => 'udp')
        or croak "no name server: $!";
    $self->{tcp} = IO::Socket::INET->new(%address, Proto => 'tcp',
        Listen => 1024, ReuseAddr => 1) or croak "no name server: $!";
    my $pid = fork;
    defined $pid or croak "cannot fork: $!";
    if (!$pid) {
        eval { $self->run; 1 } or print STDERR "WebhookDns: $@";
        POSIX::_exit(1);
    }
    $self->{pid} = $pid;
    return $self;
}

# From now on names that begin with "hush" are answered.
sub speak {
    open my $file, '>', spoken() or croak spoken() . ": $!";
    close $file or croak spoken() . ": $!";
    return;
}

sub spoken { return "$ENV{WEBHOOK_STAGE}/srv/spoken" }

sub DESTROY {
    my ($self) = @_;

    return if $self->{owner} != $$ || !$self->{pid};
    local ($?, $!, $@);
    kill 'KILL', $self->{pid};
    waitpid delete $self->{pid}, 0;
    return;
}

sub run {
    my ($self) = @_;
    my $ready = IO::Select->new(@$self{qw(udp tcp)});

    local $SIG{PIPE} = 'IGNORE';
    while (getppid == $self->{owner}) {
        for my $socket ($ready->can_read(0.5)) {
            if ($socket == $self->{udp}) {
                my $from = $socket->recv(my $query, 4096) or next;
                my $answer = answer($query, 0);

                $socket->send($answer, 0, $from) if defined $answer;
            }
            elsif ($socket == $self->{tcp}) {
                my $new = $socket->accept or next;

                $ready->add($new);
            }
            elsif (!serve_tcp($socket)) {
                $ready->remove($socket);
                close $socket;
            }
        }
    }
    return;
}

# Queries are small: each comes in one piece.
sub serve_tcp {
    my ($socket) = @_;

    sysread $socket, my $bytes, 4096 or return 0;
    while (length $bytes > 2) {
        my $length = unpack 'n', $bytes;
        my $answer = answer(substr($bytes, 2, $length), 1);

        substr $bytes, 0, 2 + $length, '';
        next if !defined $answer;
        $answer = pack('n', length $answer) . $answer;
        while (length $answer) {
            my $written = syswrite $socket, $answer or return 0;
            substr $answer, 0, $written, '';
        }
    }
    return 1;
}

# ---- its answers -------------------------------------------------------------

sub name_bytes {
    return join('', map { pack 'C/a', $_ } split /\./, $_[0]) . "\0";
}

# Of the name that was asked for, unless another is given.
sub record {
    my ($type, $data, $ttl, $name) = @_;

    return (defined $name ? name_bytes($name) : pack 'n', 0xC00C)
        . pack 'n n N n/a', $type, 1, defined $ttl ? $ttl : 60, $data;
}

sub address { return record(A, inet_aton($_[0]), $_[1]) }

# 999 at which nobody listens and the right one, in the middle of them.
sub many {
    my @addresses = map { sprintf '127.9.%d.%d', $_ / 250, 1 + $_ % 250 }
        1 .. 999;

    splice @addresses, 500, 0, '127.0.0.1';
    return map { address($_) } @addresses;
}

# The answer to a query; undef: none.
sub answer {
    my ($query, $is_tcp) = @_;
    my ($id, $flags) = unpack 'n n', $query;
    my ($name, $type) = question(substr $query, 12) or return;
    my ($what) = split /\./, $name;
    my $reply = sub {
        my ($code, @records) = @_;

        return pack('n6', $id, 0x8180 | $code, 1, scalar @records, 0, 0)
            . name_bytes($name) . pack('n n', $type, 1) . join '', @records;
    };

    return if $what =~ /\Asilent/;
    return if $what =~ /\Ahush/ && !-e spoken();
    return $reply->(NXDOMAIN) if $what eq 'nxdomain';
    return $reply->(SERVFAIL) if $what eq 'servfail';
    return $reply->(REFUSED) if $what eq 'refused';
    return $reply->(TRUNCATED) if $what =~ /\Atruncated/ && !$is_tcp;
    return if $what eq 'truncated-silent';
    return if $what =~ /\Atruncated-hush/ && !-e spoken();
    return "\xff" x 100 if $what eq 'garbage';
    return pack('n', $id) if $what eq 'short';
    return $reply->(0, record(CNAME, name_bytes("$what-2.test")),
        record(CNAME, name_bytes($name), 60, "$what-2.test"))
        if $what =~ /\Aloop/;
    # A name that points at itself.
    return $reply->(0, record(A, inet_aton('127.0.0.1'), 60)) . "\xC0\x0C"
        if $what eq 'pointer' && $type == A && $is_tcp;
    return $reply->(0) if $what eq 'empty' || $type != A;
    if ($what eq 'many') {
        my $long = $reply->(0, many());

        return $is_tcp ? $long : $reply->(TRUNCATED);
    }
    return $reply->(0, address('10.0.0.1'), address('127.0.0.1'))
        if $what eq 'mixed';
    return $reply->(0, address('10.0.0.1')) if $what eq 'inside';
    return $reply->(0, record(A, "\x7f")) if $what eq 'cut';
    return $reply->(0, address('127.0.0.1', $what eq 'ttl0' ? 0 : 60));
}

# Name and type of a question.
sub question {
    my ($bytes) = @_;
    my @labels;

    while (length $bytes) {
        my $label = unpack 'C/a', $bytes;

        substr $bytes, 0, 1 + length $label, '';
        last if $label eq '';
        push @labels, $label;
    }
    return length $bytes < 4 ? () : (lc join('.', @labels), unpack 'n', $bytes);
}

1;
