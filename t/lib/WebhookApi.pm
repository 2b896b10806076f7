# SPDX-License-Identifier: Apache-2.0
package WebhookApi;

# What tests of deliveries ask of a private server (WebhookServer), each in one
# call. A call that is not answered as it should be ends the test.
#
#     my $id = create($server, Events => ['sale.sold'], TargetUrl => $url);
#     my $event = signal($server, 'sale.sold', 7, { amount => 1 });
#     update($server, $id, State => 'Stopped');
#     is sql($server, 'SELECT count(*) FROM event'), 1;

use strict;
use warnings FATAL => 'all';

use Carp qw(croak);
use Exporter qw(import);
use Fcntl qw(LOCK_EX);
use JSON::PP ();
use WebhookServer ();

our @EXPORT_OK = qw(call create database update entity remove signal try_signal have_sql sql
    sql_write settled path_of);

my $json = JSON::PP->new->utf8->canonical;

sub path_of { return join '/', '/api/v1/Webhook', @_ }

# The body is bytes, or what becomes JSON; its type is JSON's unless the headers
# say something else.
sub call {
    my ($server, $method, $path, $body, %headers) = @_;

    if (defined $body) {
        $headers{'Content-Type'} = 'application/json'
            if !exists $headers{'Content-Type'};
        $body = $json->encode($body) if ref $body;
    }
    my $answer = $server->request($method, $path, headers => \%headers,
        defined $body ? (content => $body) : ());

    # HTTP::Tiny gives none for an answer that can have none.
    $answer->{content} = '' if !defined $answer->{content};
    return $answer;
}

sub expect {
    my ($status, $answer, $what) = @_;

    $answer->{status} == $status
        or croak "$what: $answer->{status} $answer->{content}";
    return $answer;
}

# The new webhook's id.
sub create {
    my ($server, %members) = @_;
    my $answer = expect(200, call($server, POST => path_of(), {
        Name => 'test', Events => ['test.signalled'], %members }), 'create');

    return $json->decode($answer->{content})->{WebhookId};
}

sub entity {
    my ($server, $id) = @_;

    return $json->decode(
        expect(200, call($server, GET => path_of($id)), 'get')->{content});
}

# Changes some members and keeps the others.
sub update {
    my ($server, $id, %members) = @_;

    expect(200, call($server, PUT => path_of($id),
        { %{ entity($server, $id) }, %members }), 'update');
    return;
}

sub remove {
    my ($server, $id) = @_;

    expect(204, call($server, DELETE => path_of($id)), 'delete');
    return;
}

# The answer, whatever it is. Data may be a text that is sent as it is.
sub try_signal {
    my ($server, $name, $key, $data, %headers) = @_;

    return call($server, POST => path_of($name, $key), $data, %headers);
}

# The event's id.
sub signal {
    my $answer = expect(204, try_signal(@_), 'signal');

    return $answer->{headers}{'x-superoffice-eventid'};
}

# ---- the database, from outside -------------------------------------------------

sub database {
    my ($server) = @_;

    return $server->state_dir . '/webhook.db';
}

sub have_sql {
    return scalar grep { -x "$_/sqlite3" } split /:/, $ENV{PATH};
}

sub run_sql {
    my ($server, $sql, @options) = @_;

    open my $output, '-|', 'sqlite3', '-bail', @options, database($server), $sql
        or croak "sqlite3: $!";
    local $/;
    my $text = <$output>;
    close $output or croak "sqlite3 failed with status $?: $sql";
    $text = '' if !defined $text;
    $text =~ s{\n\z}{};
    return $text;
}

# Reads: columns parted by "|", rows by newlines.
sub sql {
    my ($server, $sql) = @_;

    return run_sql($server, $sql, '-readonly');
}

# Writes, under the lock that every writer takes.
sub sql_write {
    my ($server, $sql) = @_;
    my $path = $server->state_dir . '/webhook.db.lock';

    open my $lock, '>>', $path or croak "$path: $!";
    flock $lock, LOCK_EX or croak "$path: $!";
    return run_sql($server, $sql, '-cmd', '.timeout 5000');
}

# True when no delivery (of one webhook, if it is given) is pending any more, in
# time.
sub settled {
    my ($server, $seconds, $id) = @_;
    my $which = defined $id ? "AND webhook_id = $id" : '';

    return WebhookServer::wait_for {
        sql($server, "SELECT count(*) FROM delivery WHERE state = 0 $which")
            == 0
    } $seconds;
}

1;
