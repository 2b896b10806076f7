# SPDX-License-Identifier: Apache-2.0
# Replays with a real receiver: one delivery, many with progress, cancel
# half-way, a restart and a crash half-way; nothing is lost, and what is sent
# twice is what has been said.
use strict;
use warnings FATAL => 'all';

use JSON::PP qw(decode_json);
use Test::More;
use WebhookApi qw(call create database have_sql path_of settled signal sql sql_write
    update);
use WebhookCheck qw(answered);
use WebhookCtl ();
use WebhookRun ();
use WebhookServer qw(wait_for);
use WebhookSink ();

plan skip_all => 'sqlite3 is not installed' if !have_sql();
WebhookRun::expect_log(qr/WH1221: webhook \d+ event \S+ attempt 2: .*for good/,
    qr/WH1402: the dispatcher has died/);

# Three events fail twice each, all else arrives.
my $sink = WebhookSink->new(script => { '/first' => 500 });
my $server = WebhookServer->new(directives => { WebhookRetry => '50ms',
    WebhookWindow => '1000 64' })->start;

sub job { return decode_json(answered(call($server, GET =>
    path_of('Replays', $_[0])), 200, 'a replay')->{content}) }

sub start_job {
    my ($webhook, %members) = @_;

    return decode_json(answered(call($server, POST =>
        path_of($webhook, 'Replays'), \%members), 202, 'it begins')->{content})
        ->{Id};
}

# How often each event came to a path.
sub times_at {
    my ($path) = @_;
    my %times;

    $times{ $sink->header($_, 'X-SuperOffice-EventId') }++
        for grep { $_->{path} eq $path } $sink->requests;
    return \%times;
}

sub state_of { my ($id) = @_;
    return sql($server, "SELECT state FROM replay WHERE id = $id") }

# Many deliveries of a webhook that have failed, each with an event of its own.
sub add_failed {
    my ($webhook, $count) = @_;

    sql_write($server, 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 '
        . "FROM n WHERE i < $count) INSERT INTO event (id, uuid, context, name, "
        . 'primary_key, associate_id, time, data, size) SELECT e.id + 2 * i, '
        . "substr(e.uuid, 1, 24) || printf('%04x%08x', $webhook, i), e.context, "
        . "'many', i, 0, e.time, '{}', 2 FROM n, (SELECT * FROM event "
        . 'ORDER BY id DESC LIMIT 1) AS e');
    sql_write($server, 'INSERT INTO delivery (id, event_id, webhook_id, state, '
        . "attempts, due, owner) SELECT id + 1, id, $webhook, 2, 12, 0, 0 FROM "
        . "event WHERE name = 'many' AND uuid LIKE '%' || "
        . "printf('%04x', $webhook) || '________'");
    return;
}

# -- one, then only what failed -------------------------------------------------------

my $hook = create($server, Events => ['some'], TargetUrl => $sink->url('/first'));
signal($server, 'some', $_) for 1 .. 3;
ok settled($server, 30), 'three fail';
$sink->script({});
signal($server, 'some', $_) for 4 .. 6;
ok settled($server, 30), '... and three arrive';
is scalar($sink->requests), 9, '... at the first attempt';
my ($failed) = split /\n/, sql($server,
    'SELECT d.id FROM delivery d WHERE d.state = 2 ORDER BY d.id');
answered call($server, POST => path_of('Deliveries', $failed, 'Replay')), 204,
    'one is replayed';
ok settled($server, 30), '... and ends';
is sql($server, "SELECT state FROM delivery WHERE id = $failed"), 1,
    '... it arrives';
is scalar($sink->requests), 10, '... alone';
my $job = start_job($hook, OnlyFailed => JSON::PP::true);
ok wait_for(sub { job($job)->{State} eq 'done' }, 30), 'what failed is replayed';
ok settled($server, 30), '... and ends';
is job($job)->{Done}, 2, '... which are two';
is_deeply [sort values %{ times_at('/first') }], [1, 1, 1, 3, 3, 3],
    '... nothing else is sent';
is sql($server, 'SELECT count(*) FROM delivery WHERE state <> 1'), 0,
    'all have arrived';

# -- many, with a restart and a crash half-way ------------------------------------------

# Slow, so that there is still much to do when the dispatcher is killed.
$sink->script({ '/many' => [{ status => 204, delay => 0.1 }] });
my $many = create($server, Events => ['none'], TargetUrl => $sink->url('/many'));

add_failed($many, 2500);
$job = start_job($many, OnlyFailed => JSON::PP::true);
my @seen;
sub watch {
    my ($least) = @_;

    return wait_for { push @seen, job($job)->{Done}; $seen[-1] >= $least } 60;
}
ok watch(500), 'it is under way';
is job($job)->{Total}, 2500, '... and has counted';
ok $server->graceful, 'httpd restarts';
ok watch(1000), '... it goes on';
is state_of($job), 1, '... and is not done';
# The one before the restart may still be there: it would end the job soon.
kill KILL => $server->dispatcher_pids or BAIL_OUT("kill: $!");
$sink->script({ '/many' => [{ status => 204, delay => 0.01 }],
    '/cancel' => [{ status => 204, delay => 0.05 }] });
ok watch(2500), 'the dispatcher is killed: it goes on';
ok wait_for(sub { state_of($job) == 2 }, 30), '... to its end';
ok settled($server, 60, $many), 'all has ended';
is_deeply [@seen], [sort { $a <=> $b } @seen], 'its progress never goes back';
my $times = times_at('/many');
is scalar keys %$times, 2500, 'every event has come';
# What was under way when the dispatcher was killed comes once more.
my $twice = grep { $_ > 1 } values %$times;
cmp_ok $twice, '<=', 64, "no more than the window twice ($twice)";
is scalar(grep { $_ > 2 } values %$times), 0, '... and none more often';
is sql($server, "SELECT count(*) FROM delivery WHERE webhook_id = $many AND "
    . 'state = 1'), 2500, 'all have arrived';

# -- cancelled half-way, by the tool -----------------------------------------------------

my $ctl = WebhookCtl->new($server);
my $cancelled = create($server, Events => ['none'],
    TargetUrl => $sink->url('/cancel'));

add_failed($cancelled, 3000);
my $run = $ctl->start(qw(replay --yes --webhook), $cancelled);
ok wait_for(sub { $run->out =~ /\] [1-9]\d* of 3000, /m }, 30),
    'the tool shows progress';
my ($id) = $run->out =~ /^replay (\d+) /m;
my $end = $run->end('INT');
is $end->{status}, 0, '... until it is interrupted';
like $end->{err}, qr/replay $id goes on; .*replay cancel $id/, '... and says so';
is state_of($id), 1, '... it goes on';
my $second = $ctl->run(qw(replay --yes --webhook), $cancelled);
is $second->{status}, 1, 'no other beside it';
like $second->{err}, qr/replay $id of webhook $cancelled has not ended/,
    '... and why';
$second = $ctl->run(qw(replay cancel), $id);
is_deeply [@$second{qw(status out err)}],
    [0, "replay $id is cancelled\n", ''], 'cancel';
my $done = job($id)->{Done};
ok settled($server, 60, $cancelled), 'what was pending ends';
is scalar keys %{ times_at('/cancel') }, $done, '... so many have come';
cmp_ok $done, '<', 3000, '... and not all';
is sql($server, "SELECT count(*) FROM delivery WHERE webhook_id = $cancelled "
    . 'AND state = 2'), 3000 - $done, '... the rest stays failed';
is $ctl->run(qw(replay cancel), $id)->{status}, 0, 'twice';

# -- the tool's other words ------------------------------------------------------------------

my ($listed) = @{ $ctl->json(qw(replay list --webhook), $cancelled) };
is_deeply [@$listed{qw(Id State OnlyFailed Total Done)}],
    [$id, 'cancelled', JSON::PP::true, 3000, $done], 'replay list';
is_deeply $ctl->json(qw(replay show), $id), $listed, 'replay show';
like $ctl->run(qw(replay show), $id)->{out}, qr/^Progress: +\[#*-*\] $done of/m,
    '... for people';
like $ctl->run(qw(replay list))->{out}, qr/^$id .* cancelled .*\n(?s:.*)^$job /m,
    'replay list for people, the newest first';
is $ctl->run(qw(replay cancel), $job)->{status}, 1, 'what is done is done';
is $ctl->run(qw(replay show 99999))->{status}, 1, 'none';
is $ctl->run(qw(replay show --context Other), $id)->{status}, 1,
    'not of another context';
my $nothing = $ctl->run(qw(replay --yes --until 2020-01-01 --webhook), $hook);
is $nothing->{status}, 1, 'a replay of nothing';
like $nothing->{err}, qr/no delivery is like that/, '... says so';
my $whole = $ctl->run(qw(replay --yes --state all --webhook), $hook);
is $whole->{status}, 0, 'all of a webhook';
like $whole->{out}, qr/^6 deliveries are sent once more$/m, '... says how many';
ok settled($server, 30, $hook), '... and they arrive';
SKIP: {
    skip 'script is not installed', 3
        if !grep { -x "$_/script" } split /:/, $ENV{PATH};
    local $ENV{WEBHOOK_DATABASE} = database($server);
    my $program = WebhookCtl::program();
    my $shown = `script -qec '$program replay --yes --state all --webhook $hook' /dev/null </dev/null`;

    like $shown, qr/\rreplay \d+ \[#{30}\] 6 of 6, 100%\e\[K\r?\n/,
        'a terminal shows a bar';
    like $shown, qr/^6 deliveries are sent once more/m, '... and the end';
    ok settled($server, 30, $hook), '... of what arrives';
}
my $bare = $ctl->json(qw(replay --yes --no-wait --webhook), $hook);
is $bare->{WebhookId}, $hook, '--no-wait tells of the job alone';
ok wait_for(sub { state_of($bare->{Id}) == 2 }, 20), '... it is done';
ok settled($server, 30, $hook), '... and nothing is pending';
update($server, $hook, State => 'Stopped');
like $ctl->run(qw(replay --yes --webhook), $hook)->{err}, qr/is not active/,
    'not of a webhook that is stopped';
is scalar(@{ $ctl->json(qw(delivery list --until 2020-01-01)) }), 0,
    'delivery list --until';
is scalar(@{ $ctl->json(qw(delivery list --since 1h --webhook), $hook) }), 6,
    '... --since';
update($server, $hook, State => 'Active');
ok $server->stop, 'without httpd';
$bare = $ctl->run(qw(replay --yes --state all --webhook), $hook);
is $bare->{status}, 0, '... a replay waits';
like $bare->{err}, qr/httpd does not run: replay \d+ waits/, '... and it is said';
my $before = $sink->requests;
$server->start;
ok wait_for(sub { $sink->requests >= $before + 6 }, 30),
    '... until httpd is there';
ok settled($server, 30, $hook), '... and all of it arrives';

done_testing;
