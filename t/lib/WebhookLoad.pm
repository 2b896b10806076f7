# SPDX-License-Identifier: Apache-2.0
package WebhookLoad;

# Load and its ledger: several processes signal events over connections that
# are kept alive, and write down what they sent and what was acknowledged.
#
#     my $load = WebhookLoad->new(port => 8080, workers => 4)->start;
#     $load->wait_for(500, 20);             # acknowledged events, seconds
#     $load->stop;
#     my $verdict = $load->verdict(@requests_of_the_receiver);
#
# An event is known by its primary key, which is never used twice. What was
# acknowledged and not received is lost; what was not acknowledged may be
# received or not, and what was never sent may not be.

use strict;
use warnings FATAL => 'all';

use Fcntl qw(O_APPEND O_CREAT O_WRONLY);
use File::Temp ();
use IO::Select ();
use IO::Socket::INET ();
use JSON::PP ();
use MIME::Base64 ();
use POSIX ();
use Time::HiRes ();

# Primary keys of one worker; a run of any length has its own.
use constant KEYS => 1_000_000;

# A request that is not answered by then is given up.
use constant PATIENCE => 20;

sub new {
    my ($class, %options) = @_;
    my $self = bless {
        path => '/api/v1/Webhook',
        event => 'load.created',
        user => 'tje0:Tje0',
        workers => 4,
        pace => 0.005,
        per_connection => 0, # requests; 0: as many as the server takes
        owner => $$,
        runs => 0,
        pids => [],
        %options,
    }, $class;

    $self->{directory} = File::Temp::tempdir('load-XXXXXX', TMPDIR => 1,
        CLEANUP => 1);
    return $self;
}

# May be called again after stop(): the ledger goes on.
sub start {
    my ($self) = @_;

    for my $worker (1 .. $self->{workers}) {
        my $number = $self->{runs} * $self->{workers} + $worker;
        my $pid = fork;

        die "fork: $!" if !defined $pid;
        if (!$pid) {
            # The parent's temporary things are not this process's to remove.
            eval { $self->work($number); 1 } or warn $@;
            POSIX::_exit(0);
        }
        push @{ $self->{pids} }, $pid;
    }
    $self->{runs}++;
    return $self;
}

# Each worker ends the request it is at, so nothing stays unknown by this.
sub stop {
    my ($self) = @_;

    kill 'TERM', @{ $self->{pids} };
    waitpid $_, 0 for splice @{ $self->{pids} };
    return $self;
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $!, $@);

    $self->stop if $self->{owner} == $$ && @{ $self->{pids} };
    return;
}

sub work {
    my ($self, $number) = @_;
    my $stopped = 0;
    my $connection;

    local $SIG{TERM} = sub { $stopped = 1 };
    local $SIG{PIPE} = 'IGNORE';
    sysopen my $ledger, "$self->{directory}/$number",
        O_WRONLY | O_CREAT | O_APPEND or die "ledger: $!";
    for (my $count = 1; !$stopped; $count++) {
        my $key = $number * KEYS + $count;

        $connection ||= $self->connect_server;
        if (!$connection) {
            $self->pause(0.02);
            next;
        }
        syswrite $ledger, "sent $key\n";
        my ($status, $id, $open) = $self->signal($connection, $key);
        syswrite $ledger, "answer $key $status $id\n";
        $open = 0 if $self->{per_connection}
            && $count % $self->{per_connection} == 0;
        undef $connection if !$open;
        $self->pause($self->{pace});
    }
    return;
}

sub pause {
    my ($self, $seconds) = @_;

    select undef, undef, undef, $seconds; # delay: the pace of the load
    return;
}

sub connect_server {
    my ($self) = @_;

    return IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $self->{port}, Proto => 'tcp', Timeout => 5);
}

# Status 0: no answer. The last value says if the connection can be used on.
sub signal {
    my ($self, $connection, $key) = @_;
    my $credentials = MIME::Base64::encode_base64($self->{user}, '');
    my $body = '{"name":"' . $key . '"}';

    print {$connection} "POST $self->{path}/$self->{event}/$key HTTP/1.1\r\n"
        . "Host: 127.0.0.1\r\nAuthorization: Basic $credentials\r\n"
        . "Content-Type: application/json\r\n"
        . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
    $connection->flush;
    my $head = $self->read_answer($connection);
    return (0, '-', 0) if !defined $head;
    my ($status) = $head =~ m{\AHTTP/1\.1 (\d+)};
    my ($id) = $head =~ /^X-SuperOffice-EventId: (\S+)/mi;
    my $open = $head !~ /^Connection: close/mi;
    return ($status || 0, $id || '-', $open);
}

# The header section; the body is read and dropped. undef: none came.
sub read_answer {
    my ($self, $connection) = @_;
    my $deadline = Time::HiRes::time() + PATIENCE;
    my $select = IO::Select->new($connection);
    my ($data, $need) = ('', -1);

    until ($need >= 0 && length $data >= $need) {
        my $left = $deadline - Time::HiRes::time();

        return if $left <= 0;
        next if !$select->can_read($left);
        my $count = sysread $connection, $data, 65536, length $data;
        next if !defined $count && $!{EINTR};
        return if !$count;
        my $end = index $data, "\r\n\r\n";
        next if $end < 0;
        my ($length) = $data =~ /^Content-Length: (\d+)/mi;
        $need = $end + 4 + ($length || 0);
    }
    return substr $data, 0, index($data, "\r\n\r\n") + 4;
}

# Of all runs: { sent => {key => 1}, acknowledged => {key => event id},
# statuses => {status => count} }.
sub ledger {
    my ($self) = @_;
    my %ledger = (sent => {}, acknowledged => {}, statuses => {});

    for my $path (glob "$self->{directory}/*") {
        open my $file, '<', $path or die "$path: $!";
        while (my $line = <$file>) {
            my ($kind, $key, $status, $id) = split ' ', $line;

            # A line that is being written has no end yet.
            last if $line !~ /\n\z/;
            if ($kind eq 'sent') {
                $ledger{sent}{$key} = 1;
                next;
            }
            $ledger{statuses}{$status}++;
            $ledger{acknowledged}{$key} = $id if $status == 204;
        }
        close $file;
    }
    return \%ledger;
}

sub acknowledged {
    my ($self) = @_;

    return scalar keys %{ $self->ledger->{acknowledged} };
}

# True when so many more events than $from are acknowledged in time.
sub wait_for {
    my ($self, $count, $seconds, $from) = @_;
    my $deadline = Time::HiRes::time() + $seconds;
    my $wanted = $count + ($from || 0);

    while ($self->acknowledged < $wanted) {
        return 0 if Time::HiRes::time() > $deadline;
        Time::HiRes::sleep(0.02);
    }
    return 1;
}

# Compares with what a receiver got: a list of bodies of the deliveries.
# { lost => [event ids], duplicates => number, foreign => [keys],
#   acknowledged => number, statuses => {...} }
sub verdict {
    my ($self, @bodies) = @_;
    my $ledger = $self->ledger;
    my (%seen, %keys);

    for my $body (@bodies) {
        my $payload = JSON::PP::decode_json($body);

        $seen{ $payload->{EventId} }++;
        $keys{ $payload->{PrimaryKey} } = 1;
    }
    my $duplicates = 0;
    $duplicates += $_ - 1 for values %seen;
    return {
        acknowledged => scalar keys %{ $ledger->{acknowledged} },
        statuses => $ledger->{statuses},
        lost => [grep { !$seen{$_} } values %{ $ledger->{acknowledged} }],
        foreign => [grep { !$ledger->{sent}{$_} } keys %keys],
        duplicates => $duplicates,
    };
}

1;
