# SPDX-License-Identifier: Apache-2.0
package WebhookSink;

# A receiver of callbacks, independent of the code under test: core Perl only,
# one process for all connections, HTTP/1.1 with keep-alive.
#
#     my $sink = WebhookSink->new(script => { '/a' => '503,503,200' });
#     register a webhook for $sink->url('/a'), signal an event
#     my @got = $sink->wait_for(3, 10);
#     ok($sink->verify_signature($got[0], $secret));
#
# A script is a list of answers to the requests for one path (its query does
# not count), '*' for the others; the last answer repeats. It is a text, one
# word for each answer, or an array of such words and of hashes:
#   204     that status, an empty body
#   hang    takes the request and never answers
#   close   takes it and closes the connection
#   reset   takes it and resets the connection
#   { status, headers => [name => value, ...], body, delay => seconds,
#     close => 1 (after the answer), length => N (a false Content-Length),
#     raw => bytes in place of an answer, drip => seconds between its bytes,
#     until => path: nothing is answered before that file is there }
#   delay counts before close, reset and hang too: { delay => 1, reset => 1 }
#
# Each request is recorded before it is answered: n (from 1), method, path,
# query, version, headers ([[name, value], ...] as sent), body (bytes), time,
# connection (from 1), in_flight (requests being answered, this one included),
# tls. The record is on disk, so it outlives the sink.

use strict;
use warnings FATAL => 'all';

use Carp qw(croak);
use Digest::SHA ();
use Errno qw(EAGAIN EINTR EWOULDBLOCK);
use File::Temp ();
use IO::Handle ();
use IO::Select ();
use IO::Socket::INET ();
use JSON::PP ();
use POSIX ();
use Socket qw(SOL_SOCKET SO_LINGER SOMAXCONN);
use Time::HiRes ();

use constant {
    HEAD_MAX => 65536,
    READ_SIZE => 65536,
};

# Bytes stay bytes: each is one character up to U+00FF.
my $json = JSON::PP->new->ascii->canonical->allow_nonref;

# ---- in the test -------------------------------------------------------------

# Options: script => {...}, tls => 1 (see tls_available), port.
sub new {
    my ($class, %options) = @_;
    my $parent = $ENV{WEBHOOK_STAGE} ? "$ENV{WEBHOOK_STAGE}/srv" : undef;
    my $self = bless { owner => $$, tls => $options{tls} }, $class;

    mkdir $parent if $parent;
    $self->{folder} = File::Temp->newdir('sinkXXXXXX',
        $parent ? (DIR => $parent) : (TMPDIR => 1));
    $self->{records} = "$self->{folder}/requests";
    $self->{script} = "$self->{folder}/script";
    $self->{listener} = listen_on($options{port} || 0);
    $self->{port} = $self->{listener}->sockport;
    $self->make_certificate if $self->{tls};
    $self->script($options{script} || {});
    $self->start;
    return $self;
}

sub listen_on {
    my ($port) = @_;

    return IO::Socket::INET->new(Listen => SOMAXCONN, ReuseAddr => 1,
        LocalAddr => '127.0.0.1', LocalPort => $port)
        || croak "cannot listen on 127.0.0.1:$port: $!";
}

sub port { return $_[0]{port} }
sub pid { return $_[0]{pid} }
sub ca_file { return "$_[0]{folder}/cert.pem" }

sub url {
    my ($self, $path) = @_;

    return ($self->{tls} ? 'https' : 'http') . "://127.0.0.1:$self->{port}"
        . (defined $path ? $path : '/');
}

# Replaces the scripts; each starts with its first answer again. Counts from
# the next request, of an open connection too.
sub script {
    my ($self, $script) = @_;
    my %answers = map { ($_ => parse_script($script->{$_})) } keys %$script;

    open my $file, '>', "$self->{script}.new" or croak "$self->{script}: $!";
    print {$file} $json->encode(\%answers);
    close $file or croak "$self->{script}: $!";
    rename "$self->{script}.new", $self->{script}
        or croak "$self->{script}: $!";
    return $self;
}

sub parse_script {
    my ($script) = @_;
    my @answers = map { ref $_ ? $_ : parse_word($_) }
        ref $script eq 'ARRAY' ? @$script
        : ref $script ? $script : split /[\s,]+/, $script;

    @answers or croak 'a script without an answer';
    return \@answers;
}

sub parse_word {
    my ($word) = @_;

    return { status => $word + 0 } if $word =~ /\A[1-9]\d\d\z/;
    return { $word => 1 } if $word =~ /\A(?:hang|close|reset)\z/;
    croak "'$word' is no answer of a script";
}

# What has been received so far, in the order of arrival.
sub requests {
    my ($self) = @_;

    open my $file, '<', $self->{records} or return;
    # The last line may be half written.
    return map { $json->decode($_) } grep { /\n\z/ } <$file>;
}

# The first n requests, once there are so many; nothing after the deadline.
sub wait_for {
    my ($self, $count, $seconds) = @_;
    my $end = Time::HiRes::time() + ($seconds || 10);

    while (1) {
        my @requests = $self->requests;

        return @requests if @requests >= $count;
        return if Time::HiRes::time() >= $end;
        Time::HiRes::sleep(0.02);
    }
}

# The value of a header, whatever its case; several are joined by ", ".
sub header {
    my ($self, $request, $name) = @_;
    my @values = map { $_->[1] } grep { lc $_->[0] eq lc $name }
        @{ $request->{headers} };

    return @values ? join ', ', @values : undef;
}

sub json {
    my ($self, $request) = @_;

    return JSON::PP->new->utf8->decode($request->{body});
}

# base64(HMAC-SHA256(secret, raw body)) with padding.
sub verify_signature {
    my ($self, $request, $secret) = @_;

    return 0 if !$request;
    my $given = $self->header($request, 'X-SuperOffice-Signature');
    my $made = Digest::SHA::hmac_sha256_base64($request->{body}, $secret);

    $made .= '=' while length($made) % 4;
    return defined $given && $given eq $made;
}

# Stops it: connections are closed, connects are refused until start().
sub stop {
    my ($self) = @_;

    return if !$self->{pid};
    # Its group: the processes that speak TLS for it too.
    kill 'KILL', -$self->{pid};
    waitpid delete $self->{pid}, 0;
    return $self;
}

sub start {
    my ($self) = @_;

    return $self if $self->{pid};
    $self->{listener} ||= listen_on($self->{port});
    my $pid = fork;
    defined $pid or croak "cannot fork: $!";
    if (!$pid) {
        setpgrp;
        # The test's END blocks and destructors are not this process's.
        eval { WebhookSink::Loop->new($self)->run; 1 }
            or print STDERR "WebhookSink: $@";
        POSIX::_exit(1);
    }
    # In both, so that the group is there for whoever comes first.
    setpgrp $pid, $pid;
    $self->{pid} = $pid;
    # Only the receiver holds the socket, so that it closes with it.
    close delete $self->{listener};
    return $self;
}

sub DESTROY {
    my ($self) = @_;

    return if $self->{owner} != $$;
    local ($?, $!, $@);
    $self->stop;
    return;
}

# ---- TLS ---------------------------------------------------------------------

# False if a test that needs https has to be skipped.
sub tls_available {
    return eval { require IO::Socket::SSL; 1 }
        && system('openssl version >/dev/null 2>&1') == 0;
}

# Valid for 127.0.0.1 and localhost; it is its own authority.
sub make_certificate {
    my ($self) = @_;
    my $folder = $self->{folder};

    system('openssl req -x509 -newkey rsa:2048 -nodes -days 2 -batch'
        . ' -subj /CN=127.0.0.1 -addext'
        . ' subjectAltName=IP:127.0.0.1,DNS:localhost'
        . " -keyout $folder/key.pem -out $folder/cert.pem 2>/dev/null") == 0
        or croak 'openssl cannot make a certificate';
    return;
}

# ---- the receiver, in its own process ----------------------------------------

package WebhookSink::Loop;

use strict;
use warnings FATAL => 'all';

use Errno qw(EAGAIN EINTR EWOULDBLOCK);
use Socket qw(SOL_SOCKET SO_LINGER);

my %REASON = (200 => 'OK', 204 => 'No Content', 410 => 'Gone',
    429 => 'Too Many Requests', 500 => 'Internal Server Error',
    503 => 'Service Unavailable');

sub new {
    my ($class, $sink) = @_;
    my $self = bless {
        sink => $sink, select => IO::Select->new, connections => {},
        accepted => 0, received => 0, in_flight => 0, position => {},
        script => {}, script_id => '',
    }, $class;

    open $self->{records}, '>>', $sink->{records} or die "$sink->{records}: $!";
    $self->{records}->autoflush(1);
    # A sink that was stopped and started goes on counting.
    $self->{received} = () = $sink->requests;
    $self->{plain} = $sink->{listener};
    $self->start_tls if $sink->{tls};
    $self->{plain}->blocking(0);
    $self->{select}->add($self->{plain});
    return $self;
}

# In the outer process: TLS connections are decrypted by one process each and
# handed on to an inner port, so that there is one loop for both kinds.
sub start_tls {
    my ($self) = @_;
    my $outer = $self->{plain};

    require IO::Socket::SSL;
    $self->{plain} = WebhookSink::listen_on(0);
    my $port = $self->{plain}->sockport;
    my $parent = $$;
    my $pid = fork;
    defined $pid or die "cannot fork: $!";
    if (!$pid) {
        close $self->{plain};
        $self->serve_tls($outer, $port, $parent);
        POSIX::_exit(0);
    }
    close $outer;
    return;
}

sub serve_tls {
    my ($self, $outer, $port, $parent) = @_;
    my $ready = IO::Select->new($outer);

    local $SIG{CHLD} = 'IGNORE';
    while (getppid == $parent) {
        $ready->can_read(1) or next;
        my $connection = $outer->accept or next;
        my $pid = fork;

        defined $pid or die "cannot fork: $!";
        if (!$pid) {
            close $outer;
            $self->pump_tls($connection, $port);
            POSIX::_exit(0);
        }
        close $connection;
    }
    return;
}

sub pump_tls {
    my ($self, $connection, $port) = @_;
    my $folder = $self->{sink}{folder};
    my $tls = IO::Socket::SSL->start_SSL($connection, SSL_server => 1,
        SSL_cert_file => "$folder/cert.pem", SSL_key_file => "$folder/key.pem")
        or return;
    my $plain = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $port) or return;
    my $ready = IO::Select->new($tls, $plain);

    while (1) {
        # What OpenSSL has read already does not show in the socket.
        my @readable = $tls->pending ? ($tls) : $ready->can_read;

        for my $from (@readable) {
            my $to = $from == $tls ? $plain : $tls;
            my $count = sysread $from, my $bytes, 16384;

            return if !$count;
            while (length $bytes) {
                my $written = syswrite $to, $bytes or return;
                substr $bytes, 0, $written, '';
            }
        }
    }
}

sub run {
    my ($self) = @_;

    local $SIG{PIPE} = 'IGNORE';
    while (1) {
        for my $socket ($self->{select}->can_read($self->pause)) {
            if ($socket == $self->{plain}) {
                $self->accept_all;
            }
            elsif (my $connection = $self->{connections}{ fileno $socket }) {
                $self->read_some($connection);
            }
        }
        $self->run_timers;
    }
}

# Until the next timer; also short enough to notice that the test has gone.
sub pause {
    my ($self) = @_;
    my $now = Time::HiRes::time();
    my $pause = 1;

    POSIX::_exit(0) if getppid != $self->{sink}{owner};
    for my $connection (values %{ $self->{connections} }) {
        defined $connection->{at} or next;
        my $rest = $connection->{at} - $now;

        $pause = $rest if $rest < $pause;
    }
    return $pause > 0 ? $pause : 0;
}

sub accept_all {
    my ($self) = @_;

    while (my $socket = $self->{plain}->accept) {
        $socket->blocking(0);
        $self->{connections}{ fileno $socket } = {
            socket => $socket, number => ++$self->{accepted},
            in => '', out => '', at => undef,
        };
        $self->{select}->add($socket);
    }
    return;
}

sub drop {
    my ($self, $connection, $reset) = @_;
    my $socket = $connection->{socket};

    $self->{in_flight}-- if $connection->{answer};
    delete $self->{connections}{ fileno $socket };
    $self->{select}->remove($socket);
    setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'II', 1, 0 if $reset;
    close $socket;
    return;
}

sub read_some {
    my ($self, $connection) = @_;
    my $count = sysread $connection->{socket}, $connection->{in},
        WebhookSink::READ_SIZE, length $connection->{in};

    if (!defined $count) {
        return if $! == EAGAIN || $! == EWOULDBLOCK || $! == EINTR;
        return $self->drop($connection);
    }
    return $self->drop($connection) if $count == 0;
    # A request that comes before the last one is answered waits.
    $self->take_request($connection) if !$connection->{answer};
    return;
}

# ---- one request ------------------------------------------------------------

sub take_request {
    my ($self, $connection) = @_;
    my $request = $self->parse($connection) or return;
    my $answer = $self->next_answer($request->{path});

    $self->{in_flight}++;
    $connection->{answer} = $answer;
    $connection->{request} = $request;
    $request->{n} = ++$self->{received};
    $request->{time} = Time::HiRes::time();
    $request->{connection} = $connection->{number};
    $request->{in_flight} = $self->{in_flight};
    $request->{tls} = $self->{sink}{tls} ? 1 : 0;
    print { $self->{records} } $json->encode($request), "\n";
    $connection->{at} = Time::HiRes::time() + ($answer->{delay} || 0);
    return;
}

# A whole request at the begin of what was read; nothing if more must come.
sub parse {
    my ($self, $connection) = @_;

    # A TLS handshake, for instance: it never comes to an empty line.
    if ($connection->{in} =~ /\A[A-Z]{0,20}[^A-Z ]/) {
        syswrite $connection->{socket}, "HTTP/1.1 400 Bad Request\r\n\r\n";
        return $self->drop($connection);
    }
    my $end = index $connection->{in}, "\r\n\r\n";

    if ($end < 0) {
        $self->drop($connection)
            if length $connection->{in} > WebhookSink::HEAD_MAX;
        return;
    }
    my ($line, @lines) = split /\r\n/, substr $connection->{in}, 0, $end;
    my ($method, $target, $version) =
        $line =~ m{\A(\S+) (\S+) (HTTP/1\.[01])\z}
        or return $self->drop($connection);
    my @headers = map { [split /:[ \t]*/, $_, 2] } @lines;
    my ($body, $size) = body_of(\@headers, $connection->{in}, $end + 4);

    $self->expect_continue($connection, \@headers) if !defined $body;
    return if !defined $body;
    substr $connection->{in}, 0, $size, '';
    delete $connection->{continued};
    my ($path, $query) = split /\?/, $target, 2;
    return { method => $method, path => $path, query => $query,
        version => $version, headers => \@headers, body => $body };
}

sub value_of {
    my ($headers, $name) = @_;
    my ($found) = grep { lc $_->[0] eq $name } @$headers;

    return $found ? $found->[1] : '';
}

# The body and the size of the whole request, or nothing yet.
sub body_of {
    my ($headers, $bytes, $begin) = @_;
    my $body = '';
    my $length = value_of($headers, 'content-length') || 0;

    if (lc value_of($headers, 'transfer-encoding') ne 'chunked') {
        return if length $bytes < $begin + $length;
        return (substr($bytes, $begin, $length), $begin + $length);
    }
    while (1) {
        pos($bytes) = $begin;
        $bytes =~ /\G([0-9A-Fa-f]+)[^\r\n]*\r\n/gc or return;
        my $size = hex $1;
        my $data = pos $bytes;

        return if length $bytes < $data + $size + 2;
        return ($body, $data + 2) if $size == 0;
        $body .= substr $bytes, $data, $size;
        $begin = $data + $size + 2;
    }
}

sub expect_continue {
    my ($self, $connection, $headers) = @_;

    return if $connection->{continued}
        || lc value_of($headers, 'expect') ne '100-continue';
    $connection->{continued} = 1;
    syswrite $connection->{socket}, "HTTP/1.1 100 Continue\r\n\r\n";
    return;
}

sub next_answer {
    my ($self, $path) = @_;

    $self->load_script;
    my $name = $self->{script}{$path} ? $path : '*';
    my $answers = $self->{script}{$name} || [{ status => 200 }];
    my $position = $self->{position}{$name}++;

    return $answers->[$position < @$answers ? $position : -1];
}

# The test renames a new file over the old one: another inode or time.
sub load_script {
    my ($self) = @_;
    my @state = Time::HiRes::stat($self->{sink}{script}) or return;
    my $id = "$state[1] $state[9]";

    return if $self->{script_id} eq $id;
    open my $file, '<', $self->{sink}{script} or return;
    local $/;
    $self->{script} = $json->decode(<$file>);
    $self->{script_id} = $id;
    $self->{position} = {};
    return;
}

# ---- its answer --------------------------------------------------------------

sub run_timers {
    my ($self) = @_;
    my $now = Time::HiRes::time();
    my @due = grep { defined $_->{at} && $_->{at} <= $now }
        values %{ $self->{connections} };

    for my $connection (@due) {
        $connection->{at} = undef;
        $self->go_on($connection);
    }
    return;
}

sub go_on {
    my ($self, $connection) = @_;
    my $answer = $connection->{answer};

    if (defined $answer->{until} && !-e $answer->{until}) {
        $connection->{at} = Time::HiRes::time() + 0.02;
        return;
    }
    return if $answer->{hang};
    return $self->drop($connection, 1) if $answer->{reset};
    return $self->drop($connection)
        if $answer->{close} && !$answer->{status} && !defined $answer->{raw};
    if (!$connection->{begun}) {
        $connection->{out} = answer_bytes($answer);
        $connection->{begun} = 1;
    }
    return $self->write_some($connection);
}

sub answer_bytes {
    my ($answer) = @_;
    my $status = $answer->{status} || 200;
    my $body = defined $answer->{body} ? $answer->{body} : '';
    my @headers = @{ $answer->{headers} || [] };
    my $text = "HTTP/1.1 $status " . ($REASON{$status} || 'Status') . "\r\n";

    return $answer->{raw} if defined $answer->{raw};
    while (my ($name, $value) = splice @headers, 0, 2) {
        $text .= "$name: $value\r\n";
    }
    $text .= 'Content-Length: ' . (defined $answer->{length}
        ? $answer->{length} : length $body) . "\r\n"
        if $status != 204 && $status >= 200;
    $text .= "Connection: close\r\n" if $answer->{close};
    return "$text\r\n$body";
}

# Slowly if the script says so, else as fast as the other side reads.
sub write_some {
    my ($self, $connection) = @_;
    my $drip = $connection->{answer}{drip};
    my $written = syswrite $connection->{socket}, $connection->{out},
        $drip ? 1 : length $connection->{out};

    if (!defined $written) {
        return $self->drop($connection)
            if $! != EAGAIN && $! != EWOULDBLOCK && $! != EINTR;
        $written = 0;
    }
    substr $connection->{out}, 0, $written, '';
    if (length $connection->{out}) {
        $connection->{at} = Time::HiRes::time() + ($drip || 0.002);
        return;
    }
    return $self->drop($connection) if $connection->{answer}{close};
    $self->{in_flight}--;
    delete @$connection{qw(answer begun request)};
    $self->take_request($connection);
    return;
}

1;
