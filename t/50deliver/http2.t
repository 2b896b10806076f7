# SPDX-License-Identifier: Apache-2.0
# Receivers that break the rules of HTTP/2: what is made of each, that nobody
# else notices, and that nothing is lost.
use strict;
use warnings FATAL => 'all';

use Test::More;
use WebhookApi qw(create have_sql settled signal sql);
use WebhookHttp2 ();
use WebhookServer qw(wait_for);
use WebhookTls ();

plan skip_all => WebhookTls::missing() if WebhookTls::missing();
plan skip_all => 'sqlite3 is not installed' if !have_sql();

use constant MEBI => 1024 * 1024;

my @rows = WebhookHttp2::rows();
my @floods = WebhookHttp2::flood_rows();
my $server = WebhookServer->new(directives => { WebhookHTTP2 => 'On',
    WebhookRetry => join(' ', ('1s') x 30), WebhookTimeout => '4s',
    WebhookConnectTimeout => '4s', WebhookDisableAfter => 'never' });
my $ca = WebhookTls::authority($server->root, 'one');
my ($cert, $key) = WebhookTls::certificate($ca, 'receiver');
$server->{directives}{WebhookCACertificateFile} = $ca;
$server->write_conf;
my @config = (cert => $cert, key => $key);
my $receiver = WebhookHttp2->new(@config);
my $flooding = WebhookHttp2->new(@config);
my $healthy = WebhookTls->new(@config, http2 => 1);
$server->start;
my $dispatcher = $server->the_dispatcher;

# Bytes of the dispatcher's memory that are resident: VmRSS, or at most: VmHWM.
sub resident {
    my ($name) = @_;
    my ($size) = WebhookServer::slurp('/proc/' . $server->dispatcher_pid
        . '/status') =~ /^$name:\s+(\d+) kB/m;

    return $size * 1024;
}

# ([webhook, state, delivery, number, status, error], ...) of all attempts in
# their order.
sub attempts {
    my ($which) = @_;
    my @attempts = map { [split /\|/, $_, 6] } split /\n/, sql($server,
        'SELECT d.webhook_id, d.state, d.id, row_number() OVER (PARTITION BY'
        . " d.id ORDER BY a.id), a.status, ifnull(a.error, '') FROM attempt a"
        . ' JOIN delivery d ON d.id = a.delivery_id'
        . (defined $which ? " WHERE d.webhook_id = $which" : '')
        . ' ORDER BY a.id');

    return @attempts;
}

sub number_of_attempts {
    my ($which) = @_;

    return sql($server, 'SELECT count(*) FROM attempt a JOIN delivery d ON'
        . " d.id = a.delivery_id WHERE d.webhook_id IN ($which)");
}

# Requests of a webhook beyond one for each attempt.
sub sent_again {
    my ($id) = @_;
    my $count = 0;

    $count += $_ - 1 for $server->error_log
        =~ /WH1223: webhook $id event \S+ attempt \d+: sent (\d+) times/g;
    return $count;
}

# -- each of them, a healthy webhook beside them -------------------------------

create($server, Events => ['well'], TargetUrl => $healthy->url('/'));
signal($server, 'well', 0);
ok scalar $healthy->wait_for(1, 20), 'a healthy webhook is delivered to';
my $before = resident('VmRSS');
my %row_of = map { (create($server, Events => ['odd'],
    TargetUrl => $receiver->url($_->{name})) => $_) } @rows;
my %flood_of = map { (create($server, Events => ['flood'],
    TargetUrl => $flooding->url($_->{name})) => $_) } @floods;
my %stalled = map { (create($server, Events => ['stalled'],
    TargetUrl => $receiver->url($_)) => $_) } qw(window-stalled window-0);

# Waits until each of these webhooks has one attempt behind it. What they have
# come to by then.
sub first_attempts {
    my @ids = @_;
    my $list = join ',', @ids;

    ok wait_for(sub { sql($server, 'SELECT count(DISTINCT delivery_id) FROM'
        . ' attempt a JOIN delivery d ON d.id = a.delivery_id WHERE'
        . " d.webhook_id IN ($list)") == @ids }, 30),
        'every first attempt comes to an end';
    my %wanted = map { ($_ => 1) } @ids;
    return grep { $wanted{ $_->[0] } } attempts();
}

sub judge {
    my ($rows, @attempts) = @_;

    for my $id (sort { $a <=> $b } keys %$rows) {
        my $row = $rows->{$id};
        my @wrong = grep { defined } map {
            WebhookHttp2::difference($row, @$_[4, 5]) }
            grep { $_->[0] == $id } @attempts;

        is_deeply \@wrong, [], "$row->{does}: "
            . ($row->{error} ? "tried again ($row->{error})" : 'delivered');
    }
    return;
}

signal($server, 'odd', 1);
# More than the window has room for.
signal($server, 'stalled', 2, '{"' . 'x' x 100_000 . '":1}');
signal($server, 'well', $_) for 1 .. 20;
ok scalar $healthy->wait_for(21, 20), '... beside those that are not';
my @attempts = first_attempts(keys %row_of, keys %stalled);
judge(\%row_of, @attempts);
is_deeply [map { "$_->[4] $_->[5]" } grep { $stalled{ $_->[0] }
    && $_->[3] == 1 } @attempts], [('0 timeout') x 2],
    'a body that the window has no room for: tried again';

# Each of these would have a thread for itself if libcurl read on.
signal($server, 'flood', 1);
signal($server, 'well', $_) for 21 .. 40;
ok scalar $healthy->wait_for(41, 20), 'floods do not hold up others';
judge(\%flood_of, first_attempts(keys %flood_of));
is $server->dispatcher_pid, $dispatcher, 'the dispatcher lives';
SKIP: {
    # These keep what has been freed.
    skip 'under a tool memory says nothing', 1
        if $ENV{ASAN_OPTIONS} || $ENV{WEBHOOK_UNIT_WRAPPER};
    cmp_ok resident('VmHWM') - $before, '<', 32 * MEBI,
        '... and has had no need of memory';
}

# -- they have come to their senses --------------------------------------------

$_->mend for $receiver, $flooding;
ok settled($server, 60), 'once they are mended all is delivered';
is sql($server, 'SELECT count(*) FROM delivery WHERE state != 1'), 0,
    '... and nothing failed for good';
my (@few, @many, @answers);
for my $id (keys %row_of, keys %flood_of) {
    my ($row, $at) = $row_of{$id} ? ($row_of{$id}, $receiver)
        : ($flood_of{$id}, $flooding);
    my @own = attempts($id);
    my $sent = @own + sent_again($id);
    my $got = () = $at->lines('request', $row->{name});
    my $shared = grep { $stalled{$_} eq $row->{name} } keys %stalled;

    next if $shared;
    # One may have been under way when they were mended.
    push @few, "$row->{name}: $got of $sent"
        if $got < $sent - 1 && !$row->{unread};
    push @many, "$row->{name}: $got of $sent" if $got > $sent;
    my @good = $at->lines('answer', $row->{name});
    push @answers, $row->{name} if $row->{error} && !@good;
}
is_deeply \@few, [], 'each attempt was seen by its receiver';
is_deeply \@many, [], '... which got no request that nobody knows of';
is_deeply \@answers, [], '... and an answer once it was well';
is sql($server, 'SELECT count(*) FROM delivery d WHERE attempts != (SELECT'
    . ' count(*) FROM attempt WHERE delivery_id = d.id)'), 0,
    'attempts are counted as they were';
my %sent = $server->error_log
    =~ /WH1223: webhook (\d+) event \S+ attempt 1: sent (\d+) times/g;
# Who takes its time over leaving is not asked so often.
is_deeply [map { "$_->[0]{name}: $_->[1]" }
    grep { $_->[0]{sent} > 1 ? $_->[1] < 2 || $_->[1] > $_->[0]{sent}
        : $_->[1] > 1 && !$_->[0]{unread} }
    map { [$row_of{$_}, $sent{$_} || 1] } keys %row_of], [],
    'a request that was refused is sent again, so often and no more';
is +(grep { $_->{alpn} ne 'h2' } $receiver->lines('connection', 'ok'))[0],
    undef, 'HTTP/2 is spoken';
signal($server, 'well', 41);
ok scalar $healthy->wait_for(42, 20), 'the healthy webhook goes on';

# -- many on one connection ----------------------------------------------------

my $busy = WebhookHttp2->new(@config);

# A receiver that leaves after so many streams or takes one at a time: each
# delivery is answered once, and nothing is hidden.
for my $name (qw(leaves-20 leaves-1-calm max-1 refused-once)) {
    my $last = $name eq 'leaves-1-calm' ? 40 : 100;
    my $id = create($server, Events => [$name], TargetUrl => $busy->url($name));

    signal($server, $name, $_) for 1 .. $last;
    ok settled($server, 30, $id), "$name: all arrive";
    my @keys = sort { $a <=> $b } map { $_->{key} }
        $busy->lines('answer', $name);
    my $requests = () = $busy->lines('request', $name);
    my $attempts = number_of_attempts($id);

    is "@keys", join(' ', 1 .. $last), '... each once';
    # One that was refused may not have left yet.
    cmp_ok $requests, '<=', $attempts + sent_again($id),
        '... and what was sent again is known';
    # With one request for each connection some are out of luck five times.
    is $attempts, $last, '... which costs no attempt' if $last == 100;
    note "$name: $requests requests on "
        . scalar(() = $busy->lines('connection', $name)) . ' connections';
}

# Two webhooks of one host: what is wrong with the streams of one is nothing to
# those of the other, on the same connection.
for my $name (qw(share-reset share-large share-body share-hang)) {
    my ($bad, $good) = map { create($server, Events => ["$name.$_"],
        TargetUrl => $busy->url($name)) } qw(bad good);

    for my $number (1 .. 60) {
        signal($server, "$name.bad", $number) if $number % 10 == 0;
        signal($server, "$name.good", $number);
    }
    ok settled($server, 30, $good), "$name: all of the good one arrive";
    is number_of_attempts($good), 60, '... at the first attempt';
    ok wait_for(sub { number_of_attempts($bad) }, 20),
        '... beside one that fails';
    my %used = map { ($_->{connection} => 1) } $busy->lines('answer', $name);

    note "$name: on " . keys(%used) . ' connections';
    WebhookApi::remove($server, $bad);
}

done_testing;
