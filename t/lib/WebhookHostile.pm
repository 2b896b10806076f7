# SPDX-License-Identifier: Apache-2.0
package WebhookHostile;

# A receiver that does all that a receiver must not do, and a table of what the
# sender has to make of it. Core Perl, one process for all connections.
#
#     my $receiver = WebhookHostile->new;
#     for my $row (WebhookHostile::rows()) {
#         a webhook for $receiver->url($row->{name}); signal an event; then
#         its attempt has $row->{status} and $row->{error}
#     }
#
# The first part of a path is the name of a row. Others are:
#   mix   by PrimaryKey: if it is odd the row "ok", else one after the other
#   seq   the rows of the query, parted by commas, one for each request with
#         the same event id; the last one repeats
#   gate  500, once open_gate() was called
#
# A row of the table:
#   name    what a path says
#   does    in words
#   status  of the attempt as it is recorded; 0: none came
#   error   its class; undef: delivered. What is no success is tried again
#   slow    1: the sender notices by its time limit only
#   also    classes that the sender may find as well, where it depends on what
#           the kernel tells it first
#   steps   what to do once the request is there, see below
#
# Steps: [send => bytes], [repeat => bytes, number of bytes in all], [drip =>
# bytes, seconds between], [hold] until the other side closes, [close],
# [reset], [next]: take another request on this connection; [close_next]: the
# same, but that one is read and the connection closed.
#
# Each request is recorded before its first step: n (from 1), name, path,
# version, headers ([[name, value], ...]), time, connection (from 1), length and
# sha256 of the body. Option bodies => 1 keeps the bodies too, see body().
# Option slow => bytes a second: how fast requests are read. Option early_steps:
# see early_url().

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

my $json = JSON::PP->new->ascii->canonical->allow_nonref;

# ---- the table ---------------------------------------------------------------

use constant {
    OK => "HTTP/1.1 200 OK\r\n",
    NO => "HTTP/1.1 500 No\r\n",
    EMPTY => "Content-Length: 0\r\n\r\n",
    GIB => 1 << 30,
};

# 1 MiB of zeros becomes 1 KiB; a member after the other is good gzip too.
sub gzip_member {
    require IO::Compress::Gzip;
    my $zeros = "\0" x (1 << 20);

    IO::Compress::Gzip::gzip(\$zeros => \my $packed) or croak 'no gzip';
    return $packed;
}

sub row {
    my ($name, $does, $status, $error, @steps) = @_;

    return { name => $name, does => $does, status => $status,
        error => $error, steps => \@steps };
}

sub slow { return { %{ row(@_) }, slow => 1 } }

# One answer in one piece, then the connection is closed.
sub said {
    my ($name, $does, $status, $error, $bytes) = @_;

    return row($name, $does, $status, $error, [send => $bytes], ['close']);
}

# In good order, and the connection is kept.
sub kept {
    my ($name, $does, $status, $error, $bytes) = @_;

    return row($name, $does, $status, $error, [send => $bytes], ['next']);
}

sub broken_rows {
    return (
        row('close', 'closes without an answer', 0, 'reset', ['close']),
        row('reset', 'resets without an answer', 0, 'reset', ['reset']),
        { %{ row('reset-head', 'resets within the header', 200, 'reset',
            [send => OK . 'X-A: '], ['reset']) }, any_status => 1 },
        { %{ row('reset-body', 'resets within the body of a success', 200,
            undef, [send => OK . "Content-Length: 9\r\n\r\nx"], ['reset']) },
            also => 'reset', any_status => 1 },
        said('half-line', 'half a status line', 0, 'reset', 'HTTP/1.1 20'),
        said('half-head', 'half a header', 200, 'protocol', OK . "X-A: 1\r\n"),
        said('short-body', 'a success with a short body', 200, undef,
            OK . "Content-Length: 9\r\n\r\nx"),
        said('short-500', 'a failure with a short body', 500, 'status',
            NO . "Content-Length: 9\r\n\r\nx"),
        said('bad-chunk', 'a success with a bad chunk', 200, undef,
            OK . "Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
        said('bad-chunk-500', 'a failure with a bad chunk', 500, 'status',
            NO . "Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
        said('long-chunk', 'a chunk longer than all numbers', 200, undef,
            OK . "Transfer-Encoding: chunked\r\n\r\n" . 'f' x 40 . "\r\nx"),
        said('http09', 'HTTP/0.9', 0, 'protocol', "hello\r\n"),
        said('version', 'a version that nobody knows', 0, 'protocol',
            "HTTP/7.3 200 OK\r\n" . EMPTY),
        said('lower', 'a protocol in small letters', 200, undef,
            "http/1.1 200 OK\r\n" . EMPTY),
        said('000', 'status 000', 0, 'protocol', "HTTP/1.1 000 x\r\n" . EMPTY),
        said('099', 'status 099', 0, 'protocol', "HTTP/1.1 099 x\r\n" . EMPTY),
        said('2000', 'a status of four digits', 0, 'protocol',
            "HTTP/1.1 2000 x\r\n" . EMPTY),
        kept('999', 'status 999', 999, 'status', "HTTP/1.1 999 x\r\n" . EMPTY),
        said('101', 'another protocol', 101, 'protocol',
            "HTTP/1.1 101 x\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"),
    );
}

sub header_rows {
    return (
        row('1xx-flood', 'interim answers without end', 103, 'protocol',
            [repeat => "HTTP/1.1 103 Hints\r\n\r\n", GIB]),
        said('1xx-only', 'interim answers, then nothing', 102, 'reset',
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 x\r\n\r\n"),
        kept('1xx', 'interim answers before a success', 200, undef,
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 x\r\n\r\n"
            . "HTTP/1.1 103 Hints\r\nX-A: 1\r\n\r\n" . OK . EMPTY),
        kept('1xx-500', 'interim answers before a failure', 500, 'status',
            "HTTP/1.1 100 Continue\r\n\r\n" . NO . EMPTY),
        row('line-100k', 'a header line of 100 KiB', 200, 'protocol',
            [send => OK . 'X-A: ' . 'x' x 102400 . "\r\n" . EMPTY], ['close']),
        row('line-endless', 'a header line without end', 200, 'protocol',
            [send => OK . 'X-A: '], [repeat => 'x' x 4096, GIB]),
        row('status-100k', 'a status line of 100 KiB', 0, 'protocol',
            [send => 'HTTP/1.1 200 ' . 'x' x 102400 . "\r\n" . EMPTY],
            ['close']),
        row('header-endless', 'headers without end', 200, 'protocol',
            [send => OK], [repeat => 'X-A: ' . 'x' x 500 . "\r\n", GIB]),
        row('header-many', 'very many small headers', 200, 'protocol',
            [send => OK], [repeat => "A:b\r\n", 200_000],
            [send => "\r\n"], ['close']),
        said('nul', 'a header with a NUL', 200, 'protocol',
            OK . "X-A: a\0b\r\n" . EMPTY),
        said('no-colon', 'a header line that is none', 200, 'protocol',
            OK . "nothing\r\n" . EMPTY),
        kept('two-status', 'a second status line within a failure', 500,
            'status', NO . "HTTP/1.1: 200 OK\r\n" . EMPTY),
        said('bare-lf', 'line feeds alone', 200, undef,
            "HTTP/1.1 200 OK\nContent-Length: 0\n\n"),
        said('two-lengths', 'two lengths of a body', 200, undef,
            OK . "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx"),
        said('length-and-chunks', 'a length and chunks', 200, undef,
            OK . "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
            . "2\r\nxx\r\n0\r\n\r\n"),
        kept('trailer', 'a failure whose trailer is a success', 500, 'status',
            NO . "Transfer-Encoding: chunked\r\n\r\n0\r\n"
            . "HTTP/1.1 200: OK\r\n\r\n"),
        slow('drip-head', 'a header that drips', 0, 'timeout',
            [drip => OK . EMPTY, 0.3], ['close']),
        slow('hang', 'no answer', 0, 'timeout', ['hold']),
    );
}

sub body_rows {
    my $bomb = gzip_member();

    return (
        slow('drip-body', 'a success whose body drips', 200, undef,
            [send => OK . "Content-Length: 99\r\n\r\n"],
            [drip => 'x' x 99, 0.3], ['close']),
        slow('drip-500', 'a failure whose body drips', 500, 'status',
            [send => NO . "Content-Length: 99\r\n\r\n"],
            [drip => 'x' x 99, 0.3], ['close']),
        slow('held', 'a success, its body held open', 200, undef,
            [send => OK . "\r\n"], ['hold']),
        row('endless', 'a success of 16 GiB, undeclared', 200, undef,
            [send => OK . "\r\n"], [repeat => 'x' x 65536, 16 * GIB],
            ['close']),
        row('endless-500', 'a failure of 16 GiB, undeclared', 500, 'status',
            [send => NO . "\r\n"], [repeat => 'x' x 65536, 16 * GIB],
            ['close']),
        row('declared', 'a success of 16 GiB, declared', 200, undef,
            [send => OK . 'Content-Length: ' . 16 * GIB . "\r\n\r\n"],
            [repeat => 'x' x 65536, 16 * GIB], ['close']),
        row('chunks', 'chunks of one byte, without end', 200, undef,
            [send => OK . "Transfer-Encoding: chunked\r\n\r\n"],
            [repeat => "1\r\nx\r\n" x 1000, 16 * GIB], ['close']),
        row('chunk-extension', 'an extension of a chunk without end', 200, undef,
            [send => OK . "Transfer-Encoding: chunked\r\n\r\n1;"],
            [repeat => 'x' x 65536, 16 * GIB], ['close']),
        row('chunk-extension-500', 'the same of a failure', 500, 'status',
            [send => NO . "Transfer-Encoding: chunked\r\n\r\n1;"],
            [repeat => 'x' x 65536, 16 * GIB], ['close']),
        row('gzip', 'a bomb as content encoding', 200, undef,
            [send => OK . "Content-Encoding: gzip\r\n\r\n"],
            [repeat => $bomb, GIB], ['close']),
        row('gzip-transfer', 'a bomb as transfer encoding', 500, 'status',
            [send => NO . "Transfer-Encoding: gzip\r\n\r\n"],
            [repeat => $bomb, GIB], ['close']),
        kept('stray', '204 with a body', 204, undef,
            "HTTP/1.1 204 No Content\r\n\r\nstray"),
        kept('two-answers', 'a failure and a success for one request', 500,
            'status', NO . EMPTY . OK . EMPTY),
    );
}

sub plain_rows {
    return (
        kept('ok', 'a success', 200, undef, OK . EMPTY),
        (map { kept($_, "status $_", $_, 'status', "HTTP/1.1 $_ x\r\n" . EMPTY)
        } 400, 401, 404, 410, 413, 503),
        (map { kept($_, "status $_ to a trap", $_, 'status',
            "HTTP/1.1 $_ x\r\nLocation: /trap\r\n" . EMPTY)
        } 300 .. 303, 305, 307, 308),
        kept('loop', 'a redirect to itself', 307, 'status',
            "HTTP/1.1 307 x\r\nLocation: /loop\r\n" . EMPTY),
        kept('to-file', 'a redirect to a file', 302, 'status',
            "HTTP/1.1 302 x\r\nLocation: file:///etc/passwd\r\n" . EMPTY),
        kept('to-auth', 'a challenge', 401, 'status',
            "HTTP/1.1 401 x\r\nWWW-Authenticate: Digest realm=x, nonce=y\r\n"
            . EMPTY),
        said('http10', 'HTTP/1.0', 200, undef,
            "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx"),
        said('http10-bare', 'HTTP/1.0 without a length', 200, undef,
            "HTTP/1.0 200 OK\r\n\r\nx"),
        kept('http10-keep', 'HTTP/1.0 with a connection that is kept', 200,
            undef, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" . EMPTY),
        said('keep-then-close', 'a connection said to be kept is closed', 200,
            undef, OK . "Connection: keep-alive\r\n" . EMPTY),
        kept('close-then-keep', 'a connection said to be closed is kept', 200,
            undef, OK . "Connection: close\r\n" . EMPTY),
        kept('odd-connection', 'a connection header that is nonsense', 200,
            undef, OK . "Connection: Content-Length, \x7f, x\r\n"
            . "Keep-Alive: timeout=-1, max=99999999999999999999\r\n" . EMPTY),
        kept('cookies', 'cookies and other hosts', 200, undef,
            OK . "Set-Cookie: a=b\r\nAlt-Svc: h2=\":1\"; ma=99\r\n"
            . "Strict-Transport-Security: max-age=9999\r\n" . EMPTY),
        row('idle', 'closes with the next request unanswered', 200, undef,
            [send => OK . EMPTY], ['close_next']),
    );
}

my @rows;

sub rows {
    @rows = (plain_rows(), broken_rows(), header_rows(), body_rows())
        if !@rows;
    return @rows;
}

sub row_named {
    my ($name) = @_;
    my ($row) = grep { $_->{name} eq $name } rows();

    return $row;
}

# The row that a request to "mix" for this PrimaryKey gets.
sub row_of_key {
    my ($key) = @_;
    my @all = rows();

    return $key % 2 ? row_named('ok') : $all[$key / 2 % @all];
}

# undef: what is recorded is what the row says; else in what it differs.
sub difference {
    my ($row, $status, $error) = @_;

    return if $row->{also} && $error eq $row->{also};
    return "error \"$error\", not \"" . ($row->{error} || '') . '"'
        if $error ne ($row->{error} || '');
    return "status $status, not $row->{status}"
        if $status != $row->{status} && !$row->{any_status};
    return;
}

# ---- in the test -------------------------------------------------------------

sub new {
    my ($class, %options) = @_;
    my $parent = $ENV{WEBHOOK_STAGE} ? "$ENV{WEBHOOK_STAGE}/srv" : undef;
    my $self = bless { %options, owner => $$ }, $class;

    mkdir $parent if $parent;
    $self->{folder} = File::Temp->newdir('hostileXXXXXX',
        $parent ? (DIR => $parent) : (TMPDIR => 1));
    $self->{records} = "$self->{folder}/requests";
    $self->{listener} = listen_somewhere();
    $self->{early} = listen_somewhere();
    $self->{port} = $self->{listener}->sockport;
    $self->{early_port} = $self->{early}->sockport;
    rows();
    $self->start;
    return $self;
}

sub listen_somewhere {
    return IO::Socket::INET->new(Listen => SOMAXCONN,
        LocalAddr => '127.0.0.1') || croak "cannot listen: $!";
}

sub start {
    my ($self) = @_;
    my $pid = fork;

    defined $pid or croak "cannot fork: $!";
    if (!$pid) {
        eval { WebhookHostile::Loop->new($self)->run; 1 }
            or print STDERR "WebhookHostile: $@";
        POSIX::_exit(1);
    }
    $self->{pid} = $pid;
    close delete $self->{$_} for qw(listener early);
    return;
}

sub url { return "http://127.0.0.1:$_[0]{port}/$_[1]" }

# Here the steps of the option early are done before anything has been read; a
# success if it is not given. Nothing is recorded.
sub early_url { return "http://127.0.0.1:$_[0]{early_port}/" }

# Lets what waits at "gate" have its answer.
sub open_gate {
    my ($self) = @_;

    open my $file, '>', "$self->{folder}/gate" or croak "gate: $!";
    return;
}

sub requests {
    my ($self) = @_;

    open my $file, '<', $self->{records} or return;
    # The last line may be half written.
    return map { $json->decode($_) } grep { /\n\z/ } <$file>;
}

sub body {
    my ($self, $request) = @_;

    open my $file, '<:raw', "$self->{folder}/body.$request->{n}"
        or croak "request $request->{n} has no body: $!";
    local $/;
    my $body = <$file>;
    return defined $body ? $body : '';
}

sub header {
    my ($self, $request, $name) = @_;
    my @values = map { $_->[1] } grep { lc $_->[0] eq lc $name }
        @{ $request->{headers} };

    return @values ? join ', ', @values : undef;
}

sub DESTROY {
    my ($self) = @_;

    return if $self->{owner} != $$ || !$self->{pid};
    local ($?, $!, $@);
    kill 'KILL', $self->{pid};
    waitpid delete $self->{pid}, 0;
    return;
}

# ---- the receiver, in its own process ----------------------------------------

package WebhookHostile::Loop;

use strict;
use warnings FATAL => 'all';

use Errno qw(EAGAIN EINTR EWOULDBLOCK);
use Socket qw(SOL_SOCKET SO_LINGER);

use constant SIZE => 65536;

sub new {
    my ($class, $receiver) = @_;
    my $self = bless { receiver => $receiver, reads => IO::Select->new,
        connections => {}, accepted => 0, received => 0 }, $class;

    open $self->{records}, '>>', $receiver->{records}
        or die "$receiver->{records}: $!";
    $self->{records}->autoflush(1);
    for my $listener (@$receiver{qw(listener early)}) {
        $listener->blocking(0);
        $self->{reads}->add($listener);
    }
    return $self;
}

sub run {
    my ($self) = @_;

    local $SIG{PIPE} = 'IGNORE';
    while (getppid == $self->{receiver}{owner}) {
        my @busy = grep { $_->{out} ne '' && !$_->{at} }
            values %{ $self->{connections} };
        my $writes = IO::Select->new(map { $_->{socket} } @busy);
        my ($readable, $writable) = IO::Select->select($self->{reads},
            $writes, undef, $self->pause);

        $self->read_from($_) for @{ $readable || [] };
        for my $socket (@{ $writable || [] }) {
            my $connection = $self->{connections}{$socket} or next;

            $self->go_on($connection);
        }
        $self->run_timers;
    }
    return;
}

sub pause {
    my ($self) = @_;
    my $pause = 0.5;

    for my $connection (values %{ $self->{connections} }) {
        my $at = $connection->{at} || $connection->{read_at} or next;
        my $rest = $at - Time::HiRes::time();

        $pause = $rest if $rest < $pause;
    }
    return $pause > 0 ? $pause : 0;
}

sub run_timers {
    my ($self) = @_;
    my $now = Time::HiRes::time();

    for my $connection (values %{ $self->{connections} }) {
        if ($connection->{at} && $connection->{at} <= $now) {
            delete $connection->{at};
            $self->go_on($connection);
        }
        if ($connection->{read_at} && $connection->{read_at} <= $now) {
            delete $connection->{read_at};
            $self->{reads}->add($connection->{socket});
        }
    }
    return;
}

sub read_from {
    my ($self, $socket) = @_;
    my $receiver = $self->{receiver};

    return $self->read_some($self->{connections}{$socket})
        if $self->{connections}{$socket};
    return if $socket != $receiver->{listener} && $socket != $receiver->{early};
    while (my $new = $socket->accept) {
        $new->blocking(0);
        $self->{connections}{$new} = { socket => $new, in => '', out => '',
            number => ++$self->{accepted}, steps => [],
            early => $socket == $receiver->{early} };
        $self->{reads}->add($new);
        $self->take_early($self->{connections}{$new})
            if $self->{connections}{$new}{early};
    }
    return;
}

sub drop {
    my ($self, $connection, $reset) = @_;
    my $socket = $connection->{socket};

    delete $self->{connections}{$socket};
    $self->{reads}->remove($socket);
    setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'II', 1, 0 if $reset;
    close $socket;
    return;
}

sub read_some {
    my ($self, $connection) = @_;
    my $rate = $self->{receiver}{slow};
    my $count = sysread $connection->{socket}, $connection->{in}, SIZE,
        length $connection->{in};

    if (!defined $count) {
        return if $! == EAGAIN || $! == EWOULDBLOCK || $! == EINTR;
        return $self->drop($connection);
    }
    return $self->drop($connection) if $count == 0;
    if ($rate) {
        $self->{reads}->remove($connection->{socket});
        $connection->{read_at} = Time::HiRes::time() + $count / $rate;
    }
    $self->take($connection) if !$connection->{steps_left};
    return;
}

# ---- one request --------------------------------------------------------------

sub take {
    my ($self, $connection) = @_;
    my $request = parse($connection) or return;
    my $row = $self->choose($request);

    $self->record($connection, $request, $row);
    if ($connection->{close_next}) {
        return $self->drop($connection);
    }
    return $self->begin($connection, $row);
}

# Sends before anything has been read; what is read then is not looked at.
sub take_early {
    my ($self, $connection) = @_;

    return $self->begin($connection, { steps => $self->{receiver}{early_steps}
        || [[send => WebhookHostile::OK() . WebhookHostile::EMPTY()],
            ['hold']] });
}

sub begin {
    my ($self, $connection, $row) = @_;

    $connection->{steps_left} = [map { [@$_] } @{ $row->{steps} }];
    return $self->go_on($connection);
}

sub parse {
    my ($connection) = @_;
    my $end = index $connection->{in}, "\r\n\r\n";

    return if $end < 0;
    if (!$connection->{head}) {
        my ($line, @lines) = split /\r\n/, substr $connection->{in}, 0, $end;
        my ($method, $target, $version) = split / /, $line;
        my ($path, $query) = split /\?/, $target, 2;

        $connection->{head} = { method => $method, path => $path,
            query => $query, version => $version,
            headers => [map { [split /:[ \t]*/, $_, 2] } @lines] };
    }
    my ($length) = map { $_->[1] } grep { lc $_->[0] eq 'content-length' }
        @{ $connection->{head}{headers} };

    return if length $connection->{in} < $end + 4 + ($length || 0);
    my $request = delete $connection->{head};
    $request->{body} = substr $connection->{in}, $end + 4, $length || 0;
    substr $connection->{in}, 0, $end + 4 + ($length || 0), '';
    return $request;
}

sub choose {
    my ($self, $request) = @_;
    my (undef, $name) = split m{/}, $request->{path};

    if ($name eq 'mix') {
        my ($key) = $request->{body} =~ /"PrimaryKey":(\d+)/;

        return WebhookHostile::row_of_key($key || 0);
    }
    if ($name eq 'seq') {
        my ($event) = map { $_->[1] } grep { $_->[0] eq
            'X-SuperOffice-EventId' } @{ $request->{headers} };
        my $turn = $self->{turns}{$request->{query}}{$event}++ || 0;
        my @names = split /,/, $request->{query};

        $name = $names[$turn < @names ? $turn : -1];
    }
    return { name => $name, steps => [['gate'], [send => WebhookHostile::NO()
        . WebhookHostile::EMPTY()], ['next']] } if $name eq 'gate';
    return WebhookHostile::row_named($name)
        || { name => $name, steps => [[send => "HTTP/1.1 404 x\r\n"
            . WebhookHostile::EMPTY()], ['close']] };
}

sub record {
    my ($self, $connection, $request, $row) = @_;
    my $body = delete $request->{body};
    my $n = ++$self->{received};

    if ($self->{receiver}{bodies}) {
        my $path = "$self->{receiver}{folder}/body.$n";

        open my $file, '>:raw', $path or die "$path: $!";
        print {$file} $body;
        close $file or die "$path: $!";
    }
    @$request{qw(n name time connection length sha256)} = ($n, $row->{name},
        Time::HiRes::time(), $connection->{number}, length $body,
        Digest::SHA::sha256_hex($body));
    print { $self->{records} } $json->encode($request), "\n";
    return;
}

# ---- what is done with it ------------------------------------------------------

# Writes what can be written and goes on to the next step when it is out.
sub go_on {
    my ($self, $connection) = @_;

    while (1) {
        return if !$self->write_some($connection);
        my $step = $connection->{steps_left}[0] or return;
        my ($kind, $bytes, $number) = @$step;

        return $self->drop($connection, $kind eq 'reset')
            if $kind eq 'close' || $kind eq 'reset';
        return if $kind eq 'hold';
        if ($kind eq 'gate') {
            if (!-e "$self->{receiver}{folder}/gate") {
                $connection->{at} = Time::HiRes::time() + 0.02;
                return;
            }
            shift @{ $connection->{steps_left} };
            next;
        }
        return $self->await_next($connection, $kind)
            if $kind eq 'next' || $kind eq 'close_next';
        if ($kind eq 'drip') {
            $connection->{out} = substr $bytes, 0, 1;
            $step->[1] = substr $bytes, 1;
            shift @{ $connection->{steps_left} } if $step->[1] eq '';
            $connection->{at} = Time::HiRes::time() + $number;
            return;
        }
        $connection->{out} = $bytes;
        if ($kind eq 'repeat') {
            # Larger pieces than single lines: it has to be a flood.
            my $times = 1 + int 32768 / length $bytes;

            $connection->{out} = $bytes x $times;
            $step->[2] = $number - $times * length $bytes;
        }
        shift @{ $connection->{steps_left} }
            if $kind eq 'send' || $step->[2] <= 0;
    }
}

sub await_next {
    my ($self, $connection, $kind) = @_;

    delete $connection->{steps_left};
    $connection->{close_next} = $kind eq 'close_next';
    return $self->take($connection);
}

# 1: nothing is left to be written.
sub write_some {
    my ($self, $connection) = @_;

    return 0 if $connection->{at};
    while ($connection->{out} ne '') {
        my $written = syswrite $connection->{socket}, $connection->{out};

        if (!defined $written) {
            return 0 if $! == EAGAIN || $! == EWOULDBLOCK;
            next if $! == EINTR;
            $self->drop($connection);
            return 0;
        }
        substr $connection->{out}, 0, $written, '';
    }
    return 1;
}

1;
