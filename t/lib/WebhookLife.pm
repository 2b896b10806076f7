# SPDX-License-Identifier: Apache-2.0
package WebhookLife;

# A server under load whose processes are killed, restarted and stopped, and
# the account of what that did to the events: for the tests of t/70life.
#
#     my $life = WebhookLife->new(mpm => 'worker');
#     $life->phase('children are killed', 0, sub { $life->kill_children(5) });
#     $life->finish;
#
# A phase runs with load from its begin to its end. Then the load ends, what is
# pending is delivered, and the ledgers are compared: nothing that was
# acknowledged may be lost, nothing may come that was not sent, and no more may
# come twice than the phase allows.

use strict;
use warnings FATAL => 'all';

use Test::More;
use Time::HiRes ();
use WebhookApi qw(create have_sql settled);
use WebhookLoad ();
use WebhookRun ();
use WebhookServer qw(wait_for);
use WebhookSink ();

# Transfers at one time to the one endpoint there is.
use constant TRANSFERS => 4;

# A dispatcher that is killed may have sent what it had not recorded yet: the
# transfers under way and those whose outcomes wait for the next commit.
use constant UNRECORDED => 4 * TRANSFERS;

sub new {
    my ($class, %options) = @_;
    my $self = bless { load => {}, duplicates => 0 }, $class;

    $self->{load_options} = delete $options{load} || {};
    WebhookRun::expect_log(
        qr/AH00052: child pid \d+ exit signal Killed \(9\)/,
        qr/WH1402: the dispatcher has died .*\b9\b/);
    my $directives = delete $options{directives} || {};
    # Slow enough that there are always transfers under way.
    $self->{sink} = WebhookSink->new(script =>
        { '/load' => { status => 200, delay => 0.01 } });
    $self->{server} = WebhookServer->new(directives => {
        WebhookRetry => '200ms 200ms 200ms 1s',
        WebhookEndpointConcurrency => TRANSFERS,
        WebhookDrainTimeout => '5s', %$directives }, %options);
    $self->{server}->write_conf(conf => "$self->{server}{conf}\n"
        . mpm_lines($self->{server}{mpm}));
    $self->{server}->start;
    $self->{webhook} = create($self->{server}, Events => ['load.created'],
        TargetUrl => $self->{sink}->url('/load'));
    $self->{load} = WebhookLoad->new(port => $self->{server}->port,
        pace => 0.01, %{ $self->{load_options} });
    return $self;
}

# More than one child, and free slots for new ones beside those that end.
sub mpm_lines {
    my ($mpm) = @_;

    return <<'END' if $mpm eq 'prefork';
StartServers 6
MinSpareServers 3
ServerLimit 32
MaxRequestWorkers 16
END
    return <<'END';
ServerLimit 12
StartServers 3
MinSpareThreads 12
MaxSpareThreads 32
MaxRequestWorkers 32
END
}

sub server { return $_[0]{server} }
sub sink { return $_[0]{sink} }
sub load { return $_[0]{load} }

# So many more events are acknowledged: the server is in full work again.
sub goes_on {
    my ($self, $what, $count) = @_;

    return 1 if $self->{load}->wait_for($count || 20, 30,
        $self->{load}->acknowledged);
    fail("$what: events are accepted again");
    return 0;
}

sub phase {
    my ($self, $name, $allowed, $work) = @_;
    my $before = $self->{load}->acknowledged;
    my $begin = Time::HiRes::time();

    $self->{load}->start;
    $self->goes_on("before $name") and $work->();
    $self->{load}->stop;
    my $verdict = $self->settle;
    my $duplicates = $verdict->{duplicates} - $self->{duplicates};
    $self->{duplicates} = $verdict->{duplicates};
    is_deeply $verdict->{lost}, [], "$name: "
        . ($verdict->{acknowledged} - $before) . ' events, none is lost';
    is_deeply $verdict->{foreign}, [], '... none was invented';
    cmp_ok $duplicates, '<=', $allowed, "... no more than $allowed twice";
    note sprintf '%d came twice, %.1f s; answers so far: %s', $duplicates,
        Time::HiRes::time() - $begin, join ', ',
        map { "$_: $verdict->{statuses}{$_}" }
        sort keys %{ $verdict->{statuses} };
    return $verdict;
}

sub verdict {
    my ($self) = @_;

    return $self->{load}->verdict(map { $_->{body} }
        grep { $_->{path} eq '/load' } $self->{sink}->requests);
}

# The verdict once everything has arrived, or once it is too late.
sub settle {
    my ($self) = @_;
    my $verdict;

    wait_for { $verdict = $self->verdict; !@{ $verdict->{lost} } } 30;
    return $verdict if !have_sql();
    settled($self->{server}, 30, $self->{webhook})
        or fail('nothing is pending any more');
    return $self->verdict;
}

# ---- what may happen ------------------------------------------------------------

sub kill_children {
    my ($self, $times) = @_;

    for my $time (1 .. $times) {
        my @pids = wait_for { my @now = $self->{server}->children_pids;
            @now ? \@now : undef } 10;
        my $pid = $pids[0][rand @{ $pids[0] }];

        kill 'KILL', $pid;
        $self->goes_on("child $time killed") or return;
    }
    return;
}

sub kill_dispatcher {
    my ($self, $times) = @_;
    my $longest = 0;

    for my $time (1 .. $times) {
        my $old = wait_for { $self->{server}->dispatcher_pid } 10;
        my $begin = Time::HiRes::time();

        kill 'KILL', $old;
        wait_for { my $new = $self->{server}->dispatcher_pid;
            $new && $new != $old } 15
            or return fail("dispatcher $time killed: there is a new one");
        my $took = Time::HiRes::time() - $begin;
        $longest = $took if $took > $longest;
        $self->goes_on("dispatcher $time killed") or return;
    }
    # A second is what httpd takes to notice.
    cmp_ok $longest, '<', 5, sprintf 'a new dispatcher within %.1f s', $longest;
    return;
}

# The restarts come one right after the other's events.
sub restart {
    my ($self, $kind, $times) = @_;

    for my $time (1 .. $times) {
        $self->{server}->$kind;
        $self->goes_on("$kind $time", 60) or return;
    }
    return;
}

# Ends the server; nothing may be left of it and nothing had to be forced.
sub finish {
    my ($self) = @_;
    my $server = $self->{server};

    wait_for { $server->dispatcher_pid } 15;
    is scalar(my @dispatchers = $server->dispatcher_pids), 1,
        'one dispatcher is left';
    ok $server->stop, 'it stops';
    ok $server->group_ended, '... and no process of it stays';
    unlike $server->error_log, qr/AH0004[56]:/, '... none had to be forced';
    unlike $server->error_log, qr/AH00051:|AH00050:|Segmentation|Aborted/,
        '... none crashed';
    return;
}

# The same small set for each MPM.
sub suite {
    my ($mpm) = @_;

    plan skip_all => "there is no MPM $mpm"
        if !-f "$ENV{WEBHOOK_HTTPD_MODULEDIR}/mod_mpm_$mpm.so";
    my $life = WebhookLife->new(mpm => $mpm);

    $life->phase('children are killed', 0, sub { $life->kill_children(5) });
    $life->phase('the dispatcher is killed', 2 * UNRECORDED,
        sub { $life->kill_dispatcher(2) });
    $life->phase('graceful restarts', 0, sub { $life->restart(graceful => 3) });
    $life->phase('restarts', 0, sub { $life->restart(restart => 2) });
    $life->phase('stopped and started', 0, sub {
        ok $life->server->stop, 'stopped under load';
        $life->server->start;
        $life->goes_on('started again');
    });
    $life->phase('graceful stop', 0, sub {
        ok $life->server->graceful_stop, 'gracefully stopped under load';
        $life->server->start;
        $life->goes_on('started again');
    });
    $life->finish;
    done_testing;
    return;
}

1;
