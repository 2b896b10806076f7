# SPDX-License-Identifier: Apache-2.0
# A webhook that fails for too long is disabled; what it has missed is kept for
# it, or dropped where the site wants that.
use strict;
use warnings FATAL => 'all';

use Test::More;
use Time::HiRes ();
use WebhookApi qw(create entity have_sql settled signal update);
use WebhookRun ();
use WebhookServer qw(wait_for);
use WebhookSink ();

WebhookRun::expect_log(
    qr/WH1221: webhook \d+ event \S+ attempt \d+: status, status (?:503|410)/,
    qr/WH1317: webhook \d+ is disabled after \d+ errors in a row/);

my $sink = WebhookSink->new(script => { '*' => 503 });

sub start {
    my (@lines) = @_;

    return WebhookServer->new(conf => join "\n", 'WebhookRetry '
        . join(' ', ('100ms') x 20), @lines, '')->start;
}

sub taken {
    my ($path) = @_;
    my %events = map { ($sink->header($_, 'X-SuperOffice-EventId') => 1) }
        grep { $_->{path} eq $path } $sink->requests;

    return scalar keys %events;
}

# -- held ---------------------------------------------------------------------------------------------------

my $server = start('WebhookDisableAfter 0 5');
my $id = create($server, Events => ['a.b'], TargetUrl => $sink->url('/held'));
create($server, Events => ["webhook$id.errors"],
    TargetUrl => $sink->url('/errors'));
signal($server, 'a.b', $_) for 1 .. 10;
ok wait_for { entity($server, $id)->{State} eq 'TooManyErrors' } 30;
ok wait_for { taken('/errors') == 1 } 20;
signal($server, 'a.b', $_) for 11 .. 20;
$server->graceful;
$sink->script({ '*' => 200 });
my $before = grep { $_->{path} eq '/held' } $sink->requests;
my $begun = Time::HiRes::time();
update($server, $id, State => 'Active');
ok wait_for { taken('/held') == 20 } 40;
is entity($server, $id)->{State}, 'Active', '... and it stays active';
SKIP: {
    skip 'sqlite3 is not installed', 1 if !have_sql();
    ok settled($server, 30), 'nothing is left';
}
my @later = (grep { $_->{path} eq '/held' } $sink->requests);
@later = @later[$before .. $#later];
# The rate begins with the change, however late the first of them is taken.
cmp_ok scalar(grep { $_->{time} < $begun + 0.8 } @later), '<=', 14,
    'what was held comes at a bounded rate';

# -- gone -----------------------------------------------------------------------------------------------------

$sink->script({ '/gone' => '410,200', '*' => 200 });
my $gone = create($server, Events => ['gone'], TargetUrl => $sink->url('/gone'));
signal($server, 'gone', 1);
ok wait_for { entity($server, $gone)->{State} eq 'TooManyErrors' } 20;
signal($server, 'gone', 2);
update($server, $gone, State => 'Active');
ok wait_for { taken('/gone') == 2 } 20;
$server->stop;

# -- dropped, never ----------------------------------------------------------------------------------------------

$sink->script({ '*' => 503 });
$server = start('WebhookDisableAfter 0 3', 'WebhookWhenDisabled drop');
$id = create($server, Events => ['a.b'], TargetUrl => $sink->url('/dropped'));
signal($server, 'a.b', $_) for 1 .. 10;
ok wait_for { entity($server, $id)->{State} eq 'TooManyErrors' } 30;
SKIP: {
    skip 'sqlite3 is not installed', 1 if !have_sql();
    ok settled($server, 30), 'what waited is dropped';
}
$server->stop;

$server = start('WebhookDisableAfter never');
$id = create($server, Events => ['a.b'], TargetUrl => $sink->url('/never'));
signal($server, 'a.b', 1);
ok wait_for { entity($server, $id)->{TotalErrors} >= 12 } 30;
is entity($server, $id)->{State}, 'Active', 'never';
$server->stop;

# Failures are many, but the time is not over.
$server = start('WebhookDisableAfter 1h 2');
$id = create($server, Events => ['a.b'], TargetUrl => $sink->url('/early'));
signal($server, 'a.b', 1);
ok wait_for { entity($server, $id)->{TotalErrors} >= 6 } 30;
is entity($server, $id)->{State}, 'Active', 'not yet';

done_testing;
