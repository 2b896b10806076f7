# SPDX-License-Identifier: Apache-2.0
package WebhookNet;

# A network of the test's own in which every address is this machine: whoever
# connects to whatever is seen, and somebody answers at ports 80 and 8080 of all
# of them.
#
#     BEGIN { WebhookNet::enter() }      # first of all: starts the program again
#     my $net = WebhookNet->new;
#     ... $net->connects                 # "93.184.216.34 80", "2606:4700::1 80"
#     ... $net->requests                 # [path, Host header, address, port]
#
# enter() skips the whole test, and says why, where a user cannot have a network
# namespace. Paths: "/redirect/302/URL-in-hex" is answered so, all else with 200.
# Names: "a-10-0-0-1.test" and "six-(32 hex digits).test" mean that address,
# "both-A-B.test" two (numbers in hex), "flip-A-B-x.test" A when it is looked up
# for the first time and B from then on; others are unknown.

use strict;
use warnings FATAL => 'all';

use Carp qw(croak);
use Cwd ();
use IO::Select ();
use POSIX ();
use Socket qw(:all);
use WebhookServer ();

use constant {
    RESOLVER => '127.0.0.53',
    OWN_ADDRESS => '198.41.0.4',
    PORTS => [80, 8080],
    AF_PACKET => 17,
    PACKET_OUTGOING => 4,
    ETH_P_ALL => 3,
    REQUEST_MAX => 65_536,
};

# ---- the namespace -------------------------------------------------------------

# $1: folder with resolv.conf and hosts; the rest is the program.
my $SETUP = <<'END';
set -e
ip link set lo up
ip addr add 198.41.0.4/32 dev lo
ip route add local 0.0.0.0/0 dev lo
ip -6 route add local ::/0 dev lo
mount --bind "$1/resolv.conf" /etc/resolv.conf
mount --bind "$1/hosts" /etc/hosts
shift
exec "$@"
END

sub skip_all {
    my ($reason) = @_;

    print "1..0 # SKIP $reason\n";
    exit 0;
}

sub enter {
    my $folder = "$ENV{WEBHOOK_STAGE}/srv/net";
    # The user stays who he is, with the rights of root in what is his own.
    my @unshare = qw(unshare --user --map-current-user --keep-caps --net
        --mount);

    return if ($ENV{WEBHOOK_NETWORK} || '') eq 'own';
    for my $program (qw(unshare ip mount)) {
        grep { -x "$_/$program" } split /:/, "$ENV{PATH}:/usr/sbin:/sbin"
            or skip_all("$program is not installed");
    }
    $ENV{PATH} .= ':/usr/sbin:/sbin';
    my $problem = `@unshare true 2>&1`;
    skip_all("no network namespace for this user: $problem") if $?;
    mkdir "$ENV{WEBHOOK_STAGE}/srv";
    mkdir $folder;
    WebhookServer::spew("$folder/resolv.conf", 'nameserver ' . RESOLVER
        . "\noptions timeout:1 attempts:1\n");
    WebhookServer::spew("$folder/hosts", "127.0.0.1 localhost loop.test\n"
        . "::1 localhost ip6-localhost\n169.254.169.254 metadata.test\n"
        . "93.184.216.34 public.test\n");
    $ENV{WEBHOOK_NETWORK} = 'own';
    exec @unshare, 'sh', '-c', $SETUP, 'sh', $folder, $^X, Cwd::abs_path($0)
        or die "unshare: $!";
}

# ---- what the test asks ---------------------------------------------------------

sub new {
    my ($class) = @_;
    my $self = bless { owner => $$,
        log => "$ENV{WEBHOOK_STAGE}/srv/net/log.$$" }, $class;
    my %sockets = (packets => packet_socket(), names => name_socket(),
        listeners => [map { (listener4($_), listener6($_)) } @{ +PORTS }]);
    my $pid = fork;

    defined $pid or croak "cannot fork: $!";
    if (!$pid) {
        # The test's END blocks and destructors are not this process's.
        eval { WebhookNet::Server->new($self->{log}, $self->{owner},
            %sockets)->run; 1 } or print STDERR $@;
        POSIX::_exit(1);
    }
    $self->{pid} = $pid;
    return $self;
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $!, $@);

    return if $self->{owner} != $$ || !$self->{pid};
    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
    return;
}

sub lines {
    my ($self, $kind) = @_;

    return map { /\A$kind (.*)/ ? $1 : () }
        split /\n/, WebhookServer::slurp($self->{log});
}

# All that was connected to until now: the packet of a connect of our own comes
# behind those of the others.
sub connects {
    my ($self) = @_;
    my $port = 40_000 + $self->{marks}++;

    socket my $socket, AF_INET, SOCK_STREAM, 0 or croak "socket: $!";
    connect $socket, pack_sockaddr_in($port, inet_aton('192.0.2.1'));
    WebhookServer::wait_for {
        grep { $_ eq "192.0.2.1 $port" } $self->lines('connect') } 20
        or croak 'the packets are not seen';
    my %seen = map { ($_ => 1) } grep { !/\A192\.0\.2\.1 4\d{4}\z/ }
        $self->lines('connect');

    return sort keys %seen;
}

sub requests { return map { [split / /] } $_[0]->lines('request') }
sub lookups { return $_[0]->lines('lookup') }

sub redirect_path {
    my ($status, $location) = @_;

    utf8::encode($location) if utf8::is_utf8($location);
    return "/redirect/$status/" . unpack 'H*', $location;
}

# ---- its sockets ---------------------------------------------------------------------

sub packet_socket {
    my $protocol = unpack 'S', pack 'n', ETH_P_ALL;

    socket my $socket, AF_PACKET, SOCK_DGRAM, $protocol
        or croak "packet socket: $!";
    setsockopt $socket, SOL_SOCKET, SO_RCVBUF, 4 << 20;
    return $socket;
}

sub name_socket {
    socket my $socket, AF_INET, SOCK_DGRAM, 0 or croak "socket: $!";
    bind $socket, pack_sockaddr_in(53, inet_aton(RESOLVER))
        or croak "name server: $!";
    return $socket;
}

sub listener4 {
    my ($port) = @_;

    socket my $socket, AF_INET, SOCK_STREAM, 0 or croak "socket: $!";
    setsockopt $socket, SOL_SOCKET, SO_REUSEADDR, 1;
    bind $socket, pack_sockaddr_in($port, INADDR_ANY) or croak "bind: $!";
    listen $socket, 1024 or croak "listen: $!";
    return $socket;
}

sub listener6 {
    my ($port) = @_;

    socket my $socket, AF_INET6, SOCK_STREAM, 0 or croak "socket: $!";
    setsockopt $socket, SOL_SOCKET, SO_REUSEADDR, 1;
    setsockopt $socket, IPPROTO_IPV6, IPV6_V6ONLY, 1;
    bind $socket, pack_sockaddr_in6($port, IN6ADDR_ANY) or croak "bind: $!";
    listen $socket, 1024 or croak "listen: $!";
    return $socket;
}

# ---- the process that looks on and answers ----------------------------------------------

package WebhookNet::Server;

use Socket qw(:all);

sub new {
    my ($class, $log, $owner, %sockets) = @_;
    my $self = bless { owner => $owner, connections => {}, looked => {},
        listening => { map { (fileno $_ => $_) } @{ $sockets{listeners} } },
        %sockets }, $class;

    open $self->{log}, '>>', $log or die "$log: $!";
    $self->{log}->autoflush(1);
    $self->{select} = IO::Select->new($sockets{packets}, $sockets{names},
        @{ $sockets{listeners} });
    return $self;
}

# Until the test ends, however it does.
sub run {
    my ($self) = @_;

    while (getppid == $self->{owner}) {
        for my $socket ($self->{select}->can_read(1)) {
            if ($socket == $self->{packets}) { $self->see_packet }
            elsif ($socket == $self->{names}) { $self->answer_name }
            elsif ($self->{listening}{ fileno $socket }) {
                $self->take_connection($socket);
            }
            else { $self->read_request($socket) }
        }
    }
    return;
}

sub note {
    my ($self, @words) = @_;

    print { $self->{log} } "@words\n";
    return;
}

# A packet that opens a connection: SYN without ACK. The loopback device shows
# each packet twice, going and coming.
sub see_packet {
    my ($self) = @_;
    my $from = recv($self->{packets}, my $bytes, 2048, MSG_DONTWAIT);

    return if !defined $from || length $bytes < 40
        || unpack('x10C', $from) != WebhookNet::PACKET_OUTGOING;
    my $version = ord($bytes) >> 4;
    my $header = $version == 4 ? 4 * (ord($bytes) & 15) : 40;
    my $protocol = ord substr $bytes, $version == 4 ? 9 : 6, 1;

    return if $protocol != IPPROTO_TCP || length $bytes < $header + 14;
    return if (ord(substr $bytes, $header + 13, 1) & 0x12) != 0x02;
    $self->note('connect', $version == 4 ? inet_ntoa(substr $bytes, 16, 4)
        : inet_ntop(AF_INET6, substr $bytes, 24, 16),
        unpack 'n', substr $bytes, $header + 2, 2);
    return;
}

sub take_connection {
    my ($self, $listener) = @_;

    accept my $socket, $listener or return;
    $self->{connections}{ fileno $socket } = { socket => $socket, in => '' };
    $self->{select}->add($socket);
    return;
}

sub read_request {
    my ($self, $socket) = @_;
    my $connection = $self->{connections}{ fileno $socket };
    my $count = sysread $socket, $connection->{in}, 16_384,
        length $connection->{in};

    if (!$count || length $connection->{in} > WebhookNet::REQUEST_MAX) {
        delete $self->{connections}{ fileno $socket };
        $self->{select}->remove($socket);
        close $socket;
        return;
    }
    my ($head) = $connection->{in} =~ /\A(.*?\r\n\r\n)/s or return;
    my ($length) = $head =~ /^Content-Length: (\d+)\r$/mi;
    my ($path) = $head =~ m{\A\S+ (\S+)};
    my ($host) = $head =~ /^Host: (\S+)\r$/mi;

    return if length $connection->{in} < length($head) + ($length || 0);
    $connection->{in} = '';
    $self->note('request', $path, $host || '-', local_name($socket));
    syswrite $socket, answer_to($path);
    return;
}

sub local_name {
    my ($socket) = @_;
    my $name = getsockname $socket;

    if (sockaddr_family($name) == AF_INET) {
        my ($port, $address) = unpack_sockaddr_in($name);
        return (inet_ntoa($address), $port);
    }
    my ($port, $address) = unpack_sockaddr_in6($name);
    return (inet_ntop(AF_INET6, $address), $port);
}

sub answer_to {
    my ($path) = @_;
    my ($status, $hex) = $path =~ m{\A/redirect/(\d+)/([0-9a-f]+)\z};

    return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" if !$status;
    return "HTTP/1.1 $status Moved\r\nContent-Length: 0\r\nLocation: "
        . pack('H*', $hex) . "\r\n\r\n";
}

# ---- the name server -----------------------------------------------------------------------

sub answer_name {
    my ($self) = @_;
    my $from = recv($self->{names}, my $query, 512, MSG_DONTWAIT);

    return if !defined $from || length $query < 17;
    my ($name, $end) = ('', 12);
    while (my $length = ord substr $query, $end, 1) {
        $name .= substr($query, $end + 1, $length) . '.';
        $end += $length + 1;
        return if $end + 5 > length $query;
    }
    my $type = unpack 'n', substr $query, $end + 1, 2;
    my @addresses = $self->addresses_of(lc $name, $type);
    my $known = @addresses || $name =~ /\A(?:a|six|both|flip)-/i;

    $self->note('lookup', $type, $name);
    send $self->{names}, pack('a2 n n n n n', $query,
        0x8580 | ($known ? 0 : 3), 1, scalar @addresses, 0, 0)
        . substr($query, 12, $end + 5 - 12)
        . join('', map { pack('n n n N n/a', 0xc00c, $type, 1, 0, $_) }
            @addresses), 0, $from;
    return;
}

# Of type A (1) or AAAA (28).
sub addresses_of {
    my ($self, $name, $type) = @_;

    if ($type == 28) {
        return $name =~ /\Asix-([0-9a-f]{32})\./ ? pack 'H*', $1 : ();
    }
    return () if $type != 1;
    return pack 'C4', $1, $2, $3, $4
        if $name =~ /\Aa-(\d+)-(\d+)-(\d+)-(\d+)\./;
    return (pack('H8', $1), pack('H8', $2))
        if $name =~ /\Aboth-([0-9a-f]{8})-([0-9a-f]{8})\./;
    return pack 'H8', $self->{looked}{$name}++ ? $2 : $1
        if $name =~ /\Aflip-([0-9a-f]{8})-([0-9a-f]{8})-/;
    return ();
}

1;
