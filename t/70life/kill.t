# SPDX-License-Identifier: Apache-2.0
# Children and dispatchers are killed again and again under load; children end
# by themselves after a few connections.
use strict;
use warnings FATAL => 'all';

use Test::More;
use WebhookLife ();

my $life = WebhookLife->new;
$life->phase('twenty children are killed', 0,
    sub { $life->kill_children(20) });
$life->phase('ten dispatchers are killed', 10 * WebhookLife::UNRECORDED,
    sub { $life->kill_dispatcher(10) });
$life->phase('both', 3 * WebhookLife::UNRECORDED, sub {
    for (1 .. 3) {
        $life->kill_children(2);
        $life->kill_dispatcher(1);
    }
});
$life->finish;

$life = WebhookLife->new(conf => "MaxConnectionsPerChild 20\n",
    load => { per_connection => 3 });
my %children;
$life->phase('twenty connections for a child', 0, sub {
    for (1 .. 20) {
        $children{$_} = 1 for $life->server->children_pids;
        $life->goes_on('children end') or last;
    }
});
cmp_ok scalar keys %children, '>', 5, 'children came and went';
$life->finish;

done_testing;
