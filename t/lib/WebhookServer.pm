# SPDX-License-Identifier: Apache-2.0
package WebhookServer;

# A private httpd with a small configuration of its own, for tests of starts,
# restarts, crashes and directives. The shared server is for all the rest.
#
#     my $server = WebhookServer->new(conf => "WebhookThreads 4\n");
#     $server->start;
#     my $answer = $server->request(POST => '/api/v1/Webhook/sale.created/7');
#     $server->crash;
#     $server->start;
#     wait_for { $server->dispatcher_pid } 10 or die 'no dispatcher';
#
# Options of new(), all optional:
#   conf       lines behind the basics; the last of a directive wins
#   directives => { Name => value or undef } changes or removes basics
#   mpm        event, worker or prefork
#   modules    [names] of more modules of httpd, such as ssl
#   without    [names] of modules of the usual list that are not wanted
#   state_dir  WebhookStateDir (default: a new one below the ServerRoot)
#   api        path with Basic authentication (default /api); '' for none
#
# Its directory lies in the stage, so that its error log is judged at the end
# of the run. All its processes end with the test, whatever happens.

use strict;
use warnings FATAL => 'all';

use Carp qw(croak);
use Exporter qw(import);
use File::Basename ();
use HTTP::Tiny ();
use IO::Select ();
use IO::Socket::INET ();
use MIME::Base64 ();
use POSIX ();
use Scalar::Util ();
use Time::HiRes ();

our @EXPORT_OK = qw(wait_for free_port);

use constant {
    USER => 'tje0',
    PASSWORD => 'Tje0',
    START_SECONDS => 60,
    STOP_SECONDS => 30,
};

my %servers;
my $number = 0;

# ---- tools -------------------------------------------------------------------

# Polls until the block gives a true value, which is returned, or until the
# deadline (seconds): then it returns nothing. As a function and as a method:
#     wait_for { $server->dispatcher_pid } 10;
#     ok($server->wait_for(sub { $server->dispatcher_pid }, 10), 'it is there');
sub wait_for(&;$) {
    my ($block, $seconds) = grep { !Scalar::Util::blessed($_) } @_;
    my $end = Time::HiRes::time() + ($seconds || 10);
    my $pause = 0.005;

    while (1) {
        my $value = $block->();

        return $value if $value;
        return if Time::HiRes::time() >= $end;
        Time::HiRes::sleep($pause);
        $pause *= 1.5 if $pause < 0.1;
    }
}

# A port nobody listens on now, another one each time.
my %given;

sub free_port {
    while (1) {
        my $socket = IO::Socket::INET->new(Listen => 1,
            LocalAddr => '127.0.0.1') or croak "no free port: $!";
        my $port = $socket->sockport;

        return $port if !$given{$port}++;
    }
}

sub slurp {
    my ($path) = @_;

    open my $file, '<', $path or return '';
    local $/;
    my $text = <$file>;
    return defined $text ? $text : '';
}

sub spew {
    my ($path, $text) = @_;

    open my $file, '>', $path or croak "$path: $!";
    print {$file} $text;
    close $file or croak "$path: $!";
    return;
}

# ---- the configuration -------------------------------------------------------

sub new {
    my ($class, %options) = @_;
    my $stage = $ENV{WEBHOOK_STAGE}
        or croak 'WEBHOOK_STAGE is not set: run by build/run-apache-test';
    my $self = bless {
        conf => '', directives => {}, modules => [], without => [],
        api => '/api', mpm => $ENV{WEBHOOK_MPM} || 'event', %options,
    }, $class;

    $self->{owner} = $$;
    $self->{root} = "$stage/srv/$$." . ++$number;
    $self->{port} = free_port();
    $self->{state_dir} = "$self->{root}/state" if !defined $self->{state_dir};
    mkdir "$stage/srv";
    mkdir $self->{root} or croak "$self->{root}: $!";
    mkdir "$self->{root}/htdocs" or croak "$self->{root}/htdocs: $!";
    spew("$self->{root}/htdocs/index.html", "up\n");
    $self->write_conf;
    $servers{$self->{root}} = { owner => $$ };
    return $self;
}

# Writes the configuration again, with other lines if they are given; a restart
# reads it.
sub write_conf {
    my ($self, %options) = @_;

    @$self{keys %options} = values %options;
    spew($self->conf_path, join "\n", $self->basics, $self->modules,
        $self->mpm_settings, $self->api_settings, $self->directives,
        $self->{conf}, '');
    return $self;
}

sub basics {
    my ($self) = @_;

    return <<"END";
ServerRoot "$self->{root}"
ServerName 127.0.0.1
Listen 127.0.0.1:$self->{port}
DocumentRoot "$self->{root}/htdocs"
DefaultRuntimeDir "$self->{root}"
PidFile "$self->{root}/httpd.pid"
ErrorLog "$self->{root}/error_log"
LogLevel warn webhook:trace2
END
}

# The modules of the shared server with another MPM, and what is asked for.
sub modules {
    my ($self) = @_;
    my $folder = $ENV{WEBHOOK_HTTPD_MODULEDIR};
    my %without = map { ("${_}_module" => 1) } @{ $self->{without} };
    my @lines = grep { !/mpm_\w+_module/ && !$without{ (split)[1] } }
        split /\n/, slurp($ENV{WEBHOOK_MODULES});
    my $mpm = "$folder/mod_mpm_$self->{mpm}.so";

    unshift @lines, "LoadModule mpm_$self->{mpm}_module $mpm" if -f $mpm;
    for my $name (@{ $self->{modules} }) {
        -f "$folder/mod_$name.so" or croak "no module $name in $folder";
        push @lines, "LoadModule ${name}_module $folder/mod_$name.so";
    }
    push @lines, '<IfModule mime_module>', 'TypesConfig /dev/null',
        '</IfModule>';
    # Only for root: httpd's children then have the rights of this user.
    push @lines, 'User nobody', 'Group ' . getgrgid((getpwnam 'nobody')[3])
        if $> == 0;
    return @lines;
}

sub mpm_settings {
    my ($self) = @_;

    return <<'END' if $self->{mpm} eq 'prefork';
StartServers 2
MinSpareServers 1
MaxSpareServers 8
ServerLimit 8
MaxRequestWorkers 8
END
    return <<'END';
StartServers 1
ServerLimit 3
ThreadLimit 8
ThreadsPerChild 8
MinSpareThreads 1
MaxSpareThreads 24
MaxRequestWorkers 24
END
}

sub api_settings {
    my ($self) = @_;
    my $users = File::Basename::dirname(__FILE__) . '/../conf/users';

    return '' if $self->{api} eq '';
    return <<"END";
<Location "$self->{api}">
    AuthType Basic
    AuthName "webhook test"
    AuthBasicProvider file
    AuthUserFile "$users"
    Require valid-user
</Location>
END
}

sub directives {
    my ($self) = @_;
    my %lines = (
        WebhookEngine => 'On',
        WebhookStateDir => qq("$self->{state_dir}"),
        WebhookAllowNetwork => '127.0.0.0/8',
        WebhookProbe => 'Off',
        WebhookRequireHTTPS => 'Off',
        %{ $self->{directives} },
    );

    return map { defined $lines{$_} ? "$_ $lines{$_}" : () } sort keys %lines;
}

# ---- what is known of it -----------------------------------------------------

sub root { return $_[0]{root} }
sub port { return $_[0]{port} }
sub pid { return $_[0]{pid} }
sub state_dir { return $_[0]{state_dir} }
sub conf_path { return "$_[0]{root}/httpd.conf" }
sub error_log { return slurp("$_[0]{root}/error_log") }
sub url { return "http://127.0.0.1:$_[0]{port}" . ($_[1] || '') }

# What httpd wrote before it had an error log.
sub output { return slurp("$_[0]{root}/output") }

# Size of the error log now, for error_log_since().
sub error_log_mark { return length $_[0]->error_log }

sub error_log_since {
    my ($self, $mark) = @_;

    return substr $self->error_log, $mark;
}

sub wait_for_log {
    my ($self, $pattern, $seconds, $mark) = @_;

    return wait_for { $self->error_log_since($mark || 0) =~ $pattern } $seconds;
}

# [pid, name, parent, group] of each process that has not ended. One that has
# ended but waits for its parent to ask is none.
sub processes {
    my @processes;

    for my $path (glob '/proc/[0-9]*/stat') {
        # The name in parentheses may hold blanks and parentheses.
        my ($pid, $name, $state, $parent, $group) =
            slurp($path) =~ /\A(\d+) \((.*)\) (\S) (\d+) (\d+)/s or next;

        push @processes, [$pid, $name, $parent, $group] if $state !~ /[ZX]/;
    }
    return @processes;
}

# All processes that httpd's parent has forked, the dispatcher too.
sub all_children {
    my ($self) = @_;

    return if !$self->{pid};
    return grep { $_->[2] == $self->{pid} } processes();
}

# The children that answer requests.
sub children_pids {
    my ($self) = @_;

    return map { $_->[0] } grep { $_->[1] !~ /\Awebhook-disp/ }
        $self->all_children;
}

# All dispatchers; an old one that is draining still counts.
sub dispatcher_pids {
    my ($self) = @_;

    return map { $_->[0] } grep { $_->[1] =~ /\Awebhook-disp/ }
        $self->all_children;
}

sub dispatcher_pid {
    my ($self) = @_;
    my @pids = $self->dispatcher_pids;

    return @pids == 1 ? $pids[0] : undef;
}

# The same once there is one: httpd has just been started, or an old one drains.
sub the_dispatcher {
    my ($self) = @_;

    return (wait_for { $self->dispatcher_pid } STOP_SECONDS)
        // croak 'there is no dispatcher, or more than one';
}

# ---- starting and stopping ---------------------------------------------------

sub command {
    my ($self, @arguments) = @_;

    return ($ENV{WEBHOOK_HTTPD}, '-d', $self->{root}, '-f', $self->conf_path,
        @arguments);
}

# "apache2 -t": its exit status and what it says.
sub config_test {
    my ($self) = @_;
    my $mark = $self->error_log_mark;
    my $pid = open my $output, '-|';

    defined $pid or croak "cannot fork: $!";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        exec $self->command('-t') or POSIX::_exit(127);
    }
    my $text = do { local $/; <$output> };
    close $output;
    # A mistake that the check of the whole finds is written to the log.
    return ($? >> 8, (defined $text ? $text : '')
        . $self->error_log_since($mark));
}

# Without setsid the group would be that of the tests, and crash() kills it.
sub spawn {
    my ($self) = @_;
    my $pid = fork;

    defined $pid or croak "cannot fork: $!";
    if (!$pid) {
        POSIX::setsid();
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', "$self->{root}/output";
        open STDERR, '>&', \*STDOUT;
        exec { $ENV{WEBHOOK_HTTPD} } $self->command('-D', 'FOREGROUND')
            or POSIX::_exit(127);
    }
    $self->{pid} = $servers{$self->{root}}{pid} = $pid;
    $servers{$self->{root}}{group} = $pid;
    delete $self->{status};
    return;
}

# Takes the exit status once the parent has ended; 1 then.
sub reap {
    my ($self) = @_;

    return 1 if !$self->{pid};
    return 0 if waitpid($self->{pid}, POSIX::WNOHANG()) == 0;
    $self->{status} = $?;
    delete $self->{pid};
    delete $servers{$self->{root}}{pid};
    return 1;
}

# The exit status of the last parent that ended, as wait() gives it.
sub status { return $_[0]{status} }

# A child has answered, be it by closing. A connect alone says only that the
# parent has bound the port: a signal still kills it, before it has handlers.
sub answers {
    my ($self) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $self->{port}, Timeout => 2) or return 0;

    syswrite $socket, "OPTIONS * HTTP/1.0\r\n\r\n" or return 0;
    IO::Select->new($socket)->can_read(2) or return 0;
    return defined sysread $socket, my $bytes, 1;
}

# Starts and waits until it answers; 0 if httpd ends instead.
sub try_start {
    my ($self) = @_;

    croak 'it is running' if $self->{pid};
    $self->spawn;
    wait_for { $self->reap || $self->answers } START_SECONDS;
    # A port that answers may be another's if the parent has just died.
    return $self->reap ? 0 : $self->answers ? 1 : 0;
}

sub start {
    my ($self) = @_;

    $self->try_start or croak "httpd does not start:\n" . $self->output
        . $self->error_log;
    return $self;
}

# Nothing of its group is left: no parent, child, dispatcher or orphan.
sub group_ended {
    my ($self) = @_;
    my $group = $servers{$self->{root}}{group} or return 1;

    $self->reap;
    return 0 if $self->{pid} || grep { $_->[3] == $group } processes();
    delete $servers{$self->{root}}{group};
    return 1;
}

sub signal {
    my ($self, $signal) = @_;

    croak 'it is not running' if !$self->{pid};
    kill $signal, $self->{pid} or croak "cannot send $signal: $!";
    return $self;
}

# No thread of a child runs or waits for the disk.
sub is_quiet {
    my ($self) = @_;

    for my $pid ($self->children_pids) {
        for my $thread (glob "/proc/$pid/task/*/stat") {
            return 0 if slurp($thread) =~ /\) [RD] /;
        }
    }
    return 1;
}

# httpd's event MPM may crash when it is told to end a child at the moment in
# which a thread of it frees a connection (signal_threads() aborts the sockets
# of all threads). It does so without this module too, once in about 400 starts
# and stops. So a signal of that kind waits for the threads; under load not for
# long.
sub settle {
    my ($self) = @_;
    my $quiet = 0;

    wait_for { $quiet = $self->is_quiet ? $quiet + 1 : 0; $quiet > 2 } 0.5;
    return;
}

# Waits for the end of all its processes; 1 if that came in time.
sub end_by {
    my ($self, $signal) = @_;

    return 1 if !$self->{pid};
    $self->settle if $signal eq 'TERM';
    $self->signal($signal);
    return 1 if wait_for { $self->group_ended } STOP_SECONDS;
    $self->kill_group;
    return 0;
}

sub stop { return $_[0]->end_by('TERM') }
sub graceful_stop { return $_[0]->end_by('WINCH') }

# Waits until the parent has read its configuration and goes on.
sub reload_by {
    my ($self, $signal) = @_;
    my $mark = $self->error_log_mark;

    $self->settle if $signal eq 'HUP';
    $self->signal($signal);
    $self->wait_for_log(qr/configured -- resuming normal operations/,
        START_SECONDS, $mark)
        or croak "no restart after $signal:\n" . $self->error_log_since($mark);
    wait_for { $self->answers } START_SECONDS
        or croak "no answer after $signal";
    return $self;
}

sub restart { return $_[0]->reload_by('HUP') }
sub graceful { return $_[0]->reload_by('USR1') }

sub kill_group {
    my ($self) = @_;
    my $group = $servers{$self->{root}}{group} or return;

    kill 'KILL', -$group;
    wait_for { $self->group_ended } STOP_SECONDS;
    return;
}

# As when the machine loses power, but for the file system: parent, children
# and dispatcher at once. To kill the parent alone leaves the rest answering.
sub crash {
    my ($self) = @_;

    croak 'it is not running' if !$self->{pid};
    $self->kill_group;
    $self->group_ended or croak 'it cannot be killed';
    return $self;
}

# ---- asking it ---------------------------------------------------------------

# request(METHOD, path, headers => {}, content => text, user => '' for none):
# the answer of HTTP::Tiny, a hash with status, headers and content.
sub request {
    my ($self, $method, $path, %options) = @_;
    my %headers = %{ $options{headers} || {} };
    my $user = defined $options{user} ? $options{user}
        : USER . ':' . PASSWORD;

    $headers{Authorization} = 'Basic ' . MIME::Base64::encode_base64($user, '')
        if $user ne '' && !exists $headers{Authorization};
    my $http = HTTP::Tiny->new(timeout => $options{timeout} || 30,
        keep_alive => 0, max_redirect => 0, proxy => undef,
        http_proxy => undef, https_proxy => undef);
    return $http->request($method, $self->url($path), {
        headers => \%headers,
        exists $options{content} ? (content => $options{content}) : (),
    });
}

# ---- the end -----------------------------------------------------------------

sub DESTROY {
    my ($self) = @_;

    return if $self->{owner} != $$;
    local ($?, $!, $@);
    if (!eval { $self->stop; 1 } || !$self->group_ended) {
        $self->kill_group;
    }
    delete $servers{$self->{root}};
    return;
}

END {
    my $status = $?;

    for my $server (values %servers) {
        next if $server->{owner} != $$ || !$server->{group};
        kill 'KILL', -$server->{group};
        waitpid $server->{pid}, 0 if $server->{pid};
    }
    $? = $status;
}

1;
