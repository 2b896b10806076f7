# SPDX-License-Identifier: Apache-2.0
# Order for those who ask: over failures, restarts, crashes and a backlog.
use strict;
use warnings FATAL => 'all';

use Test::More;
use WebhookApi qw(call create have_sql path_of settled signal);
use WebhookServer qw(wait_for);
use WebhookSink ();

# Each key's deliveries fail now and then; the sink's script goes on over all
# keys, so which of them fail is different in each run.
my @script = (200, 200, 503, 200, 'reset', 200, 200, 500, 503, 200);
my $sink = WebhookSink->new(script => { '*' => 200,
    '/key' => "@script[map { $_ % 10 } 0 .. 599]",
    '/strict' => "@script[map { $_ % 10 } 0 .. 599]" });
my $server = WebhookServer->new(conf => <<'END')->start;
WebhookWindow 64 16
WebhookRetry 100ms 100ms 100ms 200ms 200ms 200ms 200ms 500ms 1s 1s 1s 1s 1s 1s
END

sub ordered {
    my ($ordering) = @_;

    return (Properties => { mod_webhook => { Ordering => $ordering } });
}

# What has arrived, as [number, event], in the order of the answers with 200.
sub taken {
    my ($path, @answers) = @_;
    my @requests = grep { $_->{path} eq $path } $sink->requests;

    return map { my $body = $sink->json($requests[$_]);
        [$body->{PrimaryKey}, $body->{EventId}] }
        grep { !@answers || $answers[$_ % @answers] eq '200' } 0 .. $#requests;
}

# The events of each number in the order of their arrival, each once: at least
# once is the promise, so a repeat of the last one is none.
sub by_number {
    my %events;

    for (@_) {
        my ($number, $event) = @$_;

        push @{ $events{$number} }, $event
            if !@{ $events{$number} || [] } || $events{$number}[-1] ne $event;
    }
    return \%events;
}

# -- by entity and number -------------------------------------------------------------------------

create($server, Events => ['sale.changed', 'sale.closed'], ordered('key'),
    TargetUrl => $sink->url('/key'));
create($server, Events => ['sale.changed', 'sale.closed'], ordered('webhook'),
    TargetUrl => $sink->url('/strict'));
create($server, Events => ['sale.changed'], TargetUrl => $sink->url('/free'));

my (%sent, @sent);
sub send_some {
    my ($rounds) = @_;

    for my $round (1 .. $rounds) {
        for my $number (1 .. 5) {
            my $event = signal($server,
                $round % 2 ? 'sale.changed' : 'sale.closed', $number);

            push @{ $sent{$number} }, $event;
            push @sent, $event;
        }
    }
    return;
}

send_some(6);
$server->graceful;
send_some(6);
$server->crash;
$server->start;
send_some(6);

SKIP: {
    skip 'sqlite3 is not installed', 1 if !have_sql();
    ok settled($server, 90), 'everything ends';
}
ok wait_for { keys %{ { map { ($_->[1] => 1) } taken('/strict', @script) } }
    == @sent } 90;
ok wait_for { keys %{ { map { ($_->[1] => 1) } taken('/key', @script) } }
    == @sent } 30;
is_deeply by_number(taken('/key', @script)), \%sent,
    'each number has its events in their order';
is_deeply [@{ by_number(map { [0, $_->[1]] } taken('/strict', @script))->{0} }],
    \@sent, 'a webhook that wants all in order has them so';

# -- a failing one holds back its own key alone ---------------------------------------------------------

$sink->script({ '*' => 200, '/held' => '503,503,503,200' });
create($server, Events => ['held.changed'], ordered('key'),
    TargetUrl => $sink->url('/held'));
signal($server, 'held.changed', 1);
ok wait_for { taken('/held') >= 1 } 20;
signal($server, 'held.changed', $_) for 2 .. 9, 1;
ok wait_for { taken('/held') >= 13 } 30;
my @numbers = map { $_->[0] } taken('/held');
is scalar(grep { $_ == 1 } @numbers[-1, -2, -3]) > 0, 1,
    'the held one comes late' or diag "@numbers";
my %first;
for my $at (0 .. $#numbers) {
    $first{$numbers[$at]} = $at if !exists $first{$numbers[$at]};
}
is scalar keys %first, 9, '... all others came';

# -- refused ----------------------------------------------------------------------------------------------

is call($server, POST => path_of(), { Name => 'x', Events => ['a.b'],
    TargetUrl => $sink->url('/x'),
    Properties => { mod_webhook => { Ordering => 'sometimes' } } })->{status},
    400, 'an order that there is not';

done_testing;
