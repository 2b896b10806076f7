# SPDX-License-Identifier: Apache-2.0
# The disk is full: nothing is accepted that is not stored, and all goes on by
# itself when there is room again.
use strict;
use warnings FATAL => 'all';

use File::Temp ();
use Test::More;
use WebhookApi qw(call create entity path_of try_signal);
use WebhookRun ();
use WebhookServer qw(wait_for);
use WebhookSink ();

my $folder = $ENV{WEBHOOK_SMALL_DISK};

# A file system of a few megabytes in a mount namespace of this test's own; a
# user who is not root gets one where the kernel allows user namespaces.
sub run_on_small_disk {
    my $disk = File::Temp::tempdir('disk-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    my @root = $> == 0 ? () : ('-r');
    my @back = $> == 0 ? ()
        : ('unshare', '-U', "--map-user=$>", '--map-group=' . ($) + 0), '--');
    my $mount = 'mount -t tmpfs -o size=4m,mode=0777 none "$0" && exec "$@"';
    my @in_it = ('unshare', '-m', @root, 'sh', '-c', $mount, $disk, @back);

    if (system('sh', '-c', '"$@" >/dev/null 2>&1', 'sh', @in_it, 'true') != 0) {
        plan skip_all => 'no small file system can be mounted here';
    }
    $ENV{WEBHOOK_SMALL_DISK} = $disk;
    my $status = system @in_it, $^X, $0;
    # Ended here, so that File::Temp cleans up.
    exit($status >> 8 || $status);
}

run_on_small_disk() if !defined $folder;

WebhookRun::expect_log(
    qr/WH1101: database: .* failed \(\d+: (?:database or disk is full|disk I\/O error)\)/,
    qr/WH1103: database cannot be opened/, qr/WH111[0-9]: /,
    qr/WH2001: event disk\.full is not accepted/,
    qr/WH2020: the webhook storage is not available/);

my $sink = WebhookSink->new;
my $server = WebhookServer->new(state_dir => "$folder/state")->start;
my $dispatcher = $server->the_dispatcher;
my $id = create($server, Events => ['disk.full'], TargetUrl => $sink->url);
my $key = 0;
my %accepted;

sub send_one {
    my ($size) = @_;
    my $answer = try_signal($server, 'disk.full', ++$key,
        { text => 'x' x $size });

    $accepted{ $answer->{headers}{'x-superoffice-eventid'} } = 1
        if $answer->{status} == 204;
    return $answer;
}

sub missing {
    my %left = %accepted;

    delete $left{ $sink->json($_)->{EventId} } for $sink->requests;
    return keys %left;
}

# -- full ----------------------------------------------------------------------

is send_one(10)->{status}, 204, 'accepted while there is room';
my $ballast = "$folder/ballast";
open my $file, '>', $ballast or BAIL_OUT("$ballast: $!");
$file->autoflush(1);
{
    no warnings;
    my $block = 'x' x 4096;
    1 while syswrite($file, $block) && -s $file < 64 * 1024 * 1024;
}
close $file;

my $answer;
wait_for { ($answer = send_one(20_000))->{status} != 204 } 30;
is $answer->{status}, 503, 'not accepted when the disk is full';
like $answer->{headers}{'retry-after'}, qr/\A\d+\z/, '... with Retry-After';
unlike $answer->{content}, qr/sqlite|database|disk/i,
    '... and nothing said about the inside';
is call($server, POST => path_of(), { Name => 'x' x 400, Events => ['disk.full'],
    Description => 'x' x 4000, TargetUrl => $sink->url })->{status}, 503,
    'no webhook is made either';
my %statuses;
$statuses{ send_one(20_000)->{status} }++ for 1 .. 20;
is_deeply [keys %statuses], [503], 'that stays so';
is $server->dispatcher_pid, $dispatcher, 'the dispatcher stays';

# -- room again ----------------------------------------------------------------

unlink $ballast or BAIL_OUT("$ballast: $!");
ok wait_for { send_one(1_000)->{status} == 204 } 20;
is call($server, GET => path_of($id))->{status}, 200, 'webhooks are read';
is $server->dispatcher_pid, $dispatcher, '... without a restart';
ok !!create($server, Events => ['more'], TargetUrl => $sink->url), '... and made';
ok wait_for { !missing() } 20;
is scalar(my @missing = missing()), 0, 'all that was accepted is delivered';
ok wait_for { entity($server, $id)->{TotalCalls} >= keys %accepted } 20;

done_testing;
