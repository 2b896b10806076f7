# SPDX-License-Identifier: Apache-2.0
package WebhookCtl;

# The command line tool, run against the database of a private server
# (WebhookServer) or against no server at all.
#
#     my $ctl = WebhookCtl->new($server);
#     my $run = $ctl->run('webhook', 'list');   # status, out, err
#     my $list = $ctl->json('webhook', 'list'); # what --json prints
#     my $tail = $ctl->start('tail');           # goes on
#     my $end = $tail->end('INT');              # status, out, err

use strict;
use warnings FATAL => 'all';

use Carp qw(croak);
use File::Temp ();
use JSON::PP ();
use POSIX ();
use WebhookServer qw(wait_for);

use constant END_SECONDS => 30;

sub program { return "$ENV{WEBHOOK_STAGE}/bin/webhookctl" }

sub new {
    my ($class, $server, %options) = @_;
    my $folder = File::Temp::tempdir('ctl-XXXXXX', TMPDIR => 1, CLEANUP => 1);

    # httpd answers before its dispatcher has made the database.
    if ($server && $server->pid) {
        my $database = $server->state_dir . '/webhook.db';

        wait_for { -s $database } 30 or croak "no $database";
    }
    return bless { folder => $folder, number => 0, environment => {
        WEBHOOK_DATABASE => $server ? $server->state_dir . '/webhook.db' : '',
        %{ $options{environment} || {} } } }, $class;
}

# A new file with this text.
sub file {
    my ($self, $text) = @_;
    my $path = "$self->{folder}/file" . ++$self->{number};

    open my $file, '>', $path or croak "$path: $!";
    print {$file} $text;
    close $file or croak "$path: $!";
    return $path;
}

sub slurp {
    my ($path) = @_;

    open my $file, '<', $path or croak "$path: $!";
    local $/;
    my $text = <$file>;
    return defined $text ? $text : '';
}

# Starts it; standard input is the file that INPUT names.
sub start {
    my ($self, @arguments) = @_;
    my $base = "$self->{folder}/run" . ++$self->{number};
    my $input = delete $self->{input} || '/dev/null';

    # They are there whenever somebody looks.
    for my $path ("$base.out", "$base.err") {
        open my $file, '>', $path or croak "$path: $!";
    }
    my $pid = fork;
    defined $pid or croak "fork: $!";
    if (!$pid) {
        local %ENV = (%ENV, %{ $self->{environment} });
        open STDIN, '<', $input or POSIX::_exit(127);
        open STDOUT, '>', "$base.out" or POSIX::_exit(127);
        open STDERR, '>', "$base.err" or POSIX::_exit(127);
        exec { program() } 'webhookctl', @arguments or POSIX::_exit(127);
    }
    return bless { pid => $pid, base => $base }, 'WebhookCtl::Run';
}

sub run {
    my ($self, @arguments) = @_;

    return $self->start(@arguments)->end;
}

# With this file as standard input.
sub run_with {
    my ($self, $input, @arguments) = @_;

    $self->{input} = $input;
    return $self->run(@arguments);
}

# The value that --json prints; ends the test if there is none.
sub json {
    my ($self, @arguments) = @_;
    my $run = $self->run('--json', @arguments);

    return eval { JSON::PP->new->utf8->decode($run->{out}) }
        // croak "@arguments: status $run->{status}: $run->{out}$run->{err}";
}

package WebhookCtl::Run;

use strict;
use warnings FATAL => 'all';

# What it has written so far.
sub out { return WebhookCtl::slurp("$_[0]{base}.out") }
sub err { return WebhookCtl::slurp("$_[0]{base}.err") }

# Sends a signal, if one is named, and waits for its end.
sub end {
    my ($self, $signal) = @_;

    kill $signal, $self->{pid} if $signal;
    if (!WebhookServer::wait_for {
            waitpid($self->{pid}, POSIX::WNOHANG()) == $self->{pid} }
            WebhookCtl::END_SECONDS) {
        kill 'KILL', $self->{pid};
        waitpid $self->{pid}, 0;
    }
    return { status => $? & 127 ? 'signal ' . ($? & 127) : $? >> 8,
        out => $self->out, err => $self->err };
}

1;
