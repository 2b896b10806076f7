# SPDX-License-Identifier: Apache-2.0
package WebhookHttp2;

# Receivers that break the rules of HTTP/2 (h2_receiver.mjs), and a table of what
# the sender has to make of each.
#
#     my $receiver = WebhookHttp2->new(cert => $cert, key => $key);
#     for my $row (WebhookHttp2::rows()) {
#         a webhook for $receiver->url($row->{name}); signal an event; then
#         its attempt has $row->{status} and $row->{error}
#     }
#     $receiver->mend;    from now on all of them answer with 200
#
# A row of the table:
#   name    of a way of h2_receiver.mjs, which has a port of its own
#   does    in words
#   status  of the attempt as it is recorded; 0: none came
#   error   its class; undef: delivered. What is no success is tried again
#   sent    requests of one attempt: libcurl sends one that was refused again,
#           five times at most
#   unread  1: the receiver closes before it has read the request
#   slow    1: the sender notices by its time limit only
#   also    class that the sender may find as well, and no status with it,
#           where it depends on how much has come at once, or is still to
#           come on a connection that was kept
#
# An answer and what breaks it come in one record of TLS: libcurl sees the whole
# of it at once, so that each row has one outcome.

use strict;
use warnings FATAL => 'all';

use parent 'WebhookTls';

use Carp qw(croak);
use JSON::PP ();
use WebhookServer ();

# ---- the table ---------------------------------------------------------------

sub row {
    my ($name, $does, $status, $error, %more) = @_;

    return { name => $name, does => $does, status => $status,
        error => $error, sent => 1, %more };
}

sub plain_rows {
    return (
        row('ok', 'a success', 200, undef),
        row('http1-only', 'offers HTTP/1.1 alone', 200, undef),
        row('no-alpn', 'offers nothing and speaks HTTP/1.1', 200, undef),
        row('no-ack', 'does not confirm settings', 200, undef),
        row('max-1', 'one stream at a time', 200, undef),
        row('table-huge', 'a table of 4 GiB for headers', 200, undef),
        row('interim', 'interim answers before a success', 200, undef),
        row('trailer', 'a success with a trailer', 200, undef),
        row('trailer-500', 'a failure with a trailer', 500, 'status'),
        row('head-48k', 'a success with 48 KiB of headers', 200, undef),
        row('404', 'status 404', 404, 'status'),
        row('999', 'status 999', 999, 'status'),
        row('307', 'a redirect', 307, 'status'),
        row('window-stalled', 'a window that does not open', 200, undef),
    );
}

sub closing_rows {
    return (
        row('close-early', 'closes before the request', 0, 'reset',
            unread => 1),
        row('close', 'closes without an answer', 0, 'reset'),
        row('destroy', 'drops the connection', 0, 'reset'),
        row('cut-frame', 'closes within a frame', 0, 'reset'),
        row('cut-head', 'closes between headers', 0, 'reset'),
        row('cut-body', 'a success, closed within the body', 200, undef),
        row('cut-500', 'a failure, closed within the body', 500, 'status'),
        row('liar', 'HTTP/1.1 in answer to HTTP/2', 0, 'reset'),
        row('liar-early', 'HTTP/1.1 before the request', 0, 'reset',
            unread => 1),
        row('goaway-early', 'leaves at once', 0, 'protocol', sent => 6),
        row('goaway-close', 'leaves and closes at once', 0, 'protocol',
            also => 'reset', unread => 1),
        row('goaway-calm', 'leaves at once, asking for calm', 0, 'protocol',
            sent => 6),
        row('goaway-calm-after', 'asks for calm in place of an answer', 0,
            'reset'),
        row('goaway-first', 'leaves, and answers what it has', 200, undef),
        row('goaway-after', 'a success, then it leaves', 200, undef),
    );
}

# A request that was refused is sent again, on a new connection.
sub stream_rows {
    return (
        row('refused', 'refuses each stream', 0, 'reset', sent => 6),
        row('refused-early', 'refuses the body too', 0, 'reset', sent => 6),
        row('refused-503', 'a failure, then refuses', 0, 'reset', sent => 6),
        row('refused-once', 'refuses each request once', 200, undef,
            sent => 2),
        row('max-0', 'no stream may be open', 0, 'reset', sent => 6),
        row('reset-cancel', 'ends the stream: CANCEL', 0, 'protocol'),
        row('reset-internal', 'ends the stream: INTERNAL_ERROR', 0,
            'protocol'),
        row('reset-no-error', 'ends the stream: NO_ERROR', 0, 'protocol'),
        row('reset-head', 'a success, and the stream is broken', 0,
            'protocol'),
        row('reset-500', 'a failure, and the stream is broken', 0, 'protocol'),
        row('reset-idle', 'ends a stream that is none', 0, 'reset'),
        row('held', 'a success, its stream held open', 200, undef, slow => 1),
        row('held-500', 'a failure, its stream held open', 500, 'status',
            slow => 1),
        row('hang', 'no answer', 0, 'timeout', slow => 1),
        row('after-end', 'goes on behind the end', 500, 'status'),
    );
}

sub header_rows {
    return (
        row('upper-case', 'a header in capitals', 0, 'protocol'),
        row('connection-header', 'a header of HTTP/1.1', 0, 'protocol'),
        row('nul', 'a header with a NUL', 0, 'protocol'),
        row('newline', 'a header with an answer in it', 0, 'protocol'),
        row('no-status', 'no status', 0, 'protocol'),
        row('two-status', 'two of them', 0, 'protocol'),
        row('late-status', 'the status behind a header', 0, 'protocol'),
        row('status-x', 'status 2x0', 0, 'protocol'),
        row('000', 'status 000', 0, 'protocol'),
        row('099', 'status 099', 99, 'protocol'),
        row('2000', 'status 2000', 0, 'protocol'),
        row('101', 'another protocol', 0, 'protocol'),
        row('interim-only', 'an interim answer, then nothing', 100, 'timeout',
            slow => 1),
        row('interim-end', 'an interim answer that is the last', 0,
            'protocol'),
        row('trailer-status', 'a failure whose trailer is a success', 0,
            'protocol'),
        row('long-body', 'a success, longer than it says', 0, 'protocol'),
        row('long-500', 'a failure, longer than it says', 0, 'protocol'),
        row('short-body', 'a success, shorter than it says', 0, 'protocol'),
        row('head-100k', '100 KiB of headers', 0, 'reset'),
        row('head-huge', '1 MiB of headers', 0, 'reset'),
        row('hpack-bomb', '4 GiB of headers from 1 MiB', 0, 'reset'),
    );
}

sub frame_rows {
    return (
        row('bad-type', 'headers of no stream', 0, 'reset'),
        row('bad-size', 'a frame that is too large', 0, 'reset'),
        row('bad-hpack', 'headers that cannot be read', 0, 'reset'),
        row('bad-settings', 'settings cut short', 0, 'reset'),
        row('bad-continuation', 'a continuation of nothing', 0, 'reset'),
        row('frame-size', 'frames of one byte', 0, 'reset'),
        row('even-stream', 'a stream of its own', 0, 'reset'),
        row('push', 'a promise that nobody asked for', 0, 'reset'),
        row('garbage', 'garbage', 0, 'reset'),
        row('window-nothing', 'a window grown by 0', 0, 'reset'),
        row('window-overflow', 'a window beyond all bounds', 0, 'reset'),
    );
}

# Without end, as fast as it goes. They are not among rows(): a process that
# floods has little time for others.
sub flood_rows {
    return (
        row('settings-flood', 'settings', 0, 'reset'),
        row('settings-early', 'settings before the request', 0, 'reset',
            unread => 1),
        row('ping-flood', 'pings', 0, 'reset'),
        row('priority-flood', 'priorities', 0, 'reset'),
        row('unknown-flood', 'frames of an unknown type', 0, 'reset'),
        row('reset-flood', 'ends of the stream', 0, 'protocol',
            also => 'reset'),
        row('continuation-flood', 'headers', 0, 'reset'),
        row('continuation-empty', 'headers that are empty', 0, 'reset'),
        row('interim-flood', 'interim answers', 103, 'protocol',
            also => 'reset'),
        row('empty-data', 'a failure with a body of nothing', 500, 'status'),
        row('empty-data-200', 'a success with a body of nothing', 200, undef),
        row('padding', 'a failure with a body of padding', 500, 'status'),
        row('body-endless', 'a success', 200, undef),
        row('body-endless-500', 'a failure', 500, 'status', also => 'reset'),
    );
}

sub rows {
    return (plain_rows(), closing_rows(), stream_rows(), header_rows(),
        frame_rows());
}

# undef: what is recorded is what the row says; else that.
sub difference {
    my ($row, $status, $error) = @_;

    return if $row->{also} && $error eq $row->{also};
    return if $status == $row->{status} && $error eq ($row->{error} || '');
    return "$status $error";
}

# ---- a receiver --------------------------------------------------------------

sub new {
    my ($class, %config) = @_;
    my $self = $class->run('h2_receiver.mjs', %config);

    $self->{ports} = JSON::PP::decode_json($self->{port});
    return $self;
}

sub url {
    my ($self, $name) = @_;

    return 'https://127.0.0.1:'
        . ($self->{ports}{$name} || croak "no way $name") . '/';
}

# What was recorded, of one way or of all: type "connection" (alpn), "request"
# (its headers have come), "answer" (event, key: a good one is given); way,
# connection and stream for each.
sub lines {
    my ($self, $type, $name) = @_;

    return grep { !defined $name || $_->{way} eq $name }
        $self->SUPER::lines($type);
}

sub mend {
    my ($self) = @_;

    syswrite $self->{pipe}, "mend\n" or croak "the receiver: $!";
    WebhookServer::wait_for { $self->lines('mended') } 20
        or croak 'the receiver does not mend';
    return;
}

1;
