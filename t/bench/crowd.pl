# SPDX-License-Identifier: Apache-2.0
# Part of t/bench/run: a healthy webhook beside many that hang, and a backlog of
# a million deliveries. Each has a server of its own, with the defaults of the
# module for what is measured.
use strict;
use warnings;

use Time::HiRes qw(time sleep);

our ($work, %children, @results, %port, %option);

sub crowd_config
{
    return <<"EOF";
LoadModule webhook_module "$option{module}"
WebhookEngine On
WebhookStateDir "$work/crowd"
WebhookAllowNetwork 127.0.0.0/8
WebhookRequireHTTPS Off
WebhookProbe Off
EOF
}

sub write_file
{
    my ($path, $text, $mode) = @_;
    open my $out, '>', $path or die "$path: $!\n";
    print $out $text;
    close $out or die "$path: $!\n";
    chmod $mode, $path if $mode;
}

# As root the server's names are asked of a name server that never answers: a
# socket that nobody reads. Returns that, or nothing.
sub start_crowd_server
{
    my $silent = $> == 0 && IO::Socket::INET->new(Proto => 'udp',
        LocalAddr => '127.0.0.66', LocalPort => 53);
    my $server = $option{httpd};
    if ($silent) {
        write_file("$work/resolv.conf", "nameserver 127.0.0.66\n");
        write_file("$work/httpd", "#!/bin/sh\n"
                . "mount --bind '$work/resolv.conf' /etc/resolv.conf &&\n"
                . "exec '$server' \"\$@\"\n", 0755);
        $option{httpd} = "$work/unshared";
        write_file($option{httpd}, "#!/bin/sh\n"
                . "exec unshare --mount '$work/httpd' \"\$@\"\n", 0755);
    }
    start_server('crowd', crowd_config());
    $option{httpd} = $server;
    return $silent;
}

sub add_webhook
{
    my ($event, $url) = @_;
    my $response = request('crowd', 'POST', '/api/v1/Webhook',
        qq({"Name":"b","Events":["$event"],"TargetUrl":"$url"}));
    die "cannot make a webhook: $response->{status} $response->{content}\n"
        unless $response->{status} == 200;
}

sub crowd_signal
{
    my ($event, $number) = @_;
    my $response = request('crowd', 'POST', "/api/v1/Webhook/$event/$number");
    die "cannot signal: $response->{status} $response->{content}\n"
        unless $response->{status} == 204;
}

# MiB in memory.
sub dispatcher_memory
{
    for my $path (glob '/proc/[0-9]*/status') {
        my $text = slurp($path);
        next unless $text =~ /^Name:\s+webhook-disp/m
            && $text =~ /^PPid:\s+(\d+)/m && $1 == $children{'server-crowd'};
        return $1 / 1024 if $text =~ /^VmRSS:\s+(\d+) kB/m;
    }
    return 0;
}

# From the begin of the signal's request until the callback is there, 99th
# percentile of one after the other, in microseconds.
sub healthy_p99
{
    my @begun;
    sink('reset');
    my $end = time + $option{seconds};
    while (time < $end) {
        push @begun, time;
        crowd_signal('bench.healthy', scalar @begun);
        sleep 0.004;
    }
    wait_for_deliveries(scalar @begun, 60);
    my @arrived = sort { $a <=> $b } split ' ', sink('times');
    my @took = sort { $a <=> $b }
        map { $arrived[$_] - $begun[$_] * 1e6 } 0 .. $#begun;
    return $took[int(0.99 * $#took)];
}

sub row_isolation
{
    need_servers('sink');
    my $silent = start_crowd_server();
    my @targets = ("http://127.0.0.1:$port{sink}/hang",
        "http://127.0.0.1:$port{sink}/drip",
        $silent ? 'http://name-%d.example.com/' : ());
    add_webhook('bench.healthy', "http://127.0.0.1:$port{sink}/");
    healthy_p99();
    my @alone = map { healthy_p99() } 1 .. $option{rounds};
    my $memory = dispatcher_memory();
    add_webhook('bench.crowd', $targets[$_ % @targets] =~ s/%d/$_/r)
        for 1 .. $option{crowd};
    crowd_signal('bench.crowd', $_) for 1 .. 5;
    my (@beside, @ratios);
    for my $round (1 .. $option{rounds}) {
        push @beside, healthy_p99();
        push @ratios, $beside[-1] / $alone[$round - 1];
        progress("# isolation round %d: %8.0f / %8.0f = %.2f,"
                . " %.0f MiB (%.0f MiB alone)\n", $round, $beside[-1],
            $alone[$round - 1], $ratios[-1], dispatcher_memory(), $memory);
    }
    progress("# isolation without names that hang: it takes root\n")
        if !$silent;
    add_result('isolation', 'us', \@alone, \@beside, \@ratios);
    stop_program('server-crowd');
    delete $port{crowd};
}

# Deliveries that wait, straight into the database: what is measured is how
# they are taken from it.
sub fill
{
    my ($count) = @_;
    my $now = int(time * 1e6);
    # Row ids: milliseconds since 2024, an hour ago.
    my $first = (int(time * 1000) - 1_704_067_200_000 - 3_600_000) << 22;
    open my $sqlite, '|-', "sqlite3 '$work/crowd/webhook.db' >/dev/null"
        or die "sqlite3: $!\n";
    print $sqlite <<"EOF";
BEGIN;
DELETE FROM delivery; DELETE FROM event; DELETE FROM attempt;
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n
    WHERE i < $count - 1)
INSERT INTO event (id, uuid, context, name, primary_key, associate_id, time,
    data, size) SELECT $first + 2 * i, printf('%08x-0000-7000-8000-%012x', i, i),
    'Default', 'bench.healthy', i, 0, $now, '{"n":1}', 7 FROM n;
INSERT INTO delivery (id, event_id, webhook_id, state, attempts, due, owner)
    SELECT id + 1, id, 1, 0, 0, $now, 0 FROM event;
COMMIT;
PRAGMA wal_checkpoint(TRUNCATE);
EOF
    close $sqlite or die "sqlite3: status $?\n";
}

# Microseconds for each of the first deliveries of a backlog, and the memory
# that the dispatcher has taken by then.
sub claim_time
{
    my ($count) = @_;
    my $first = 1000;
    fill($count);
    sink('reset');
    start_server('crowd', crowd_config());
    poll_until("$first of $count deliveries", 120,
        sub { sink_count()->{count} >= $first });
    my $memory = dispatcher_memory();
    stop_program('server-crowd');
    my @arrived = sort { $a <=> $b } split ' ', sink('times');
    return (($arrived[$first - 1] - $arrived[0]) / $first, $memory);
}

sub row_backlog
{
    need_servers('sink');
    if (!-d "$work/crowd") {
        start_server('crowd', crowd_config());
        add_webhook('bench.healthy', "http://127.0.0.1:$port{sink}/");
        sink('reset');
        crowd_signal('bench.healthy', 1);
        wait_for_deliveries(1, 20);
        stop_program('server-crowd');
    }
    my (@short, @long, @ratios);
    for my $round (1 .. ($option{rounds} < 3 ? $option{rounds} : 3)) {
        my ($time) = claim_time(1000);
        push @short, $time;
        ($time, my $memory) = claim_time($option{pending});
        push @long, $time;
        push @ratios, $long[-1] / $short[-1];
        progress("# backlog  round %d: %8.1f / %8.1f us = %.2f, %.0f MiB\n",
            $round, $long[-1], $short[-1], $ratios[-1], $memory);
    }
    add_result('backlog', 'us', \@short, \@long, \@ratios);
    delete $port{crowd};
}

1;
