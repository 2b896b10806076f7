# SPDX-License-Identifier: Apache-2.0
# WebhookLimit: how many webhooks there may be and how long they may be together;
# and how long one may be.
use strict;
use warnings FATAL => 'all';

use Test::More;
use WebhookApi qw(call entity have_sql path_of sql sql_write);
use WebhookCheck qw(answered decoded refused);
use WebhookCtl ();
use WebhookServer ();
use WebhookSink ();

my $server = WebhookServer->new(conf => "WebhookLimit 3 64K\n",
    directives => { WebhookProbe => undef })->start;
my $save = '/api/v1/Agents/Webhook/SaveWebhook';
my $sink = WebhookSink->new;

sub webhook {
    my ($bytes, %members) = @_;

    return { Name => 'limit', Events => ['a.b'], State => 'Active',
        TargetUrl => $sink->url('/taken'),
        Properties => $bytes ? { p => 'x' x $bytes } : undef, %members };
}

sub full {
    my ($answer, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    refused $answer, 409, qr/WebhookLimit/, $name;
    is decoded($answer)->{ErrorType}, 'ConflictException', '... a conflict';
    return;
}

sub made {
    my ($answer, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return decoded(answered $answer, 200, $name)->{WebhookId};
}

sub count { return scalar @{ decoded(call($server, GET => path_of())) } }

# -- their number --------------------------------------------------------------

my ($first, $second, $third) = map {
    made(call($server, POST => path_of(), webhook(0)), "webhook $_ of three")
} 1 .. 3;

full(call($server, POST => path_of(), webhook(0)), 'a fourth');
full(call($server, POST => $save, webhook(0)), 'a fourth by SaveWebhook');
is count(), 3, 'there are three';
is made(call($server, POST => $save,
    webhook(0, WebhookId => $first, Name => 'more')), 'SaveWebhook of a known one'),
    $first, '... changes it';
is entity($server, $first)->{Name}, 'more', '... and it may grow';

# -- their length --------------------------------------------------------------

made(call($server, PUT => path_of($first), webhook(40_000)), 'a long one');

my $before = entity($server, $second);
my %calls = (
    PUT => sub { call($server, PUT => path_of($second), webhook(40_000)) },
    PATCH => sub { call($server, PATCH => path_of($second),
        { Properties => webhook(40_000)->{Properties} }) },
    SaveWebhook => sub { call($server, POST => $save,
        webhook(40_000, WebhookId => $second)) },
);

for my $name (sort keys %calls) {
    my $asked = $sink->requests;
    my $mark = $server->error_log_mark;

    full($calls{$name}->(), "$name: two long ones");
    is scalar($sink->requests), $asked + 1, '... asks the target once';
    is scalar(() = $server->error_log_since($mark) =~ /WH2029/g), 1,
        '... and is not tried again';
}
is_deeply entity($server, $second), $before, 'it is as it was';
made(call($server, PUT => path_of($first),
    webhook(0, Properties => { p => 'y' x 40_000 })), 'as long as before');
made(call($server, PUT => path_of($first), webhook(10_000)), 'shorter');
made($calls{$_}->(), "then there is room for a $_") for sort keys %calls;

# -- deleted ones --------------------------------------------------------------

answered call($server, DELETE => path_of($third)), 204, 'one is deleted';
full(call($server, POST => path_of(), webhook(20_000)),
    'a new one that is too long');
full(call($server, POST => $save, webhook(20_000)), '... by SaveWebhook');
$third = made(call($server, POST => $save, webhook(0)), 'a short one');
full(call($server, POST => path_of(), webhook(0)), 'another one');

# -- one -----------------------------------------------------------------------

my %long = (Headers => { 'X-A' => 'x' x 30_000 },
    Properties => { p => 'x' x 30_000 }, ErrorAssociates => ['x' x 6_000]);

refused call($server, PUT => path_of($third), webhook(0, %long)), 400,
    qr/Headers, Properties, ErrorEmails and ErrorAssociates .* 65536/,
    'one that is too long by itself';

# -- a limit that was made lower -----------------------------------------------

$server->write_conf(conf => "WebhookLimit 1 64K\n")->graceful;
made(call($server, PUT => path_of($second),
    webhook(40_000, State => 'Stopped')), 'too many: one can be stopped');
answered call($server, DELETE => path_of($third)), 204, '... and deleted';
full(call($server, POST => path_of(), webhook(0)), '... but no one is added');

# -- without the directive, and webhookctl ------------------------------------------

SKIP: {
    skip 'sqlite3 is not installed', 7 if !have_sql();
    my $ctl = WebhookCtl->new($server);
    my @create = (qw(webhook create --events a.b --state Stopped --target),
        'https://hooks.example.com/in');

    $server->write_conf(conf => '')->graceful;
    sql_write($server, 'WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL '
        . 'SELECT i + 1 FROM n WHERE i < 10996) INSERT INTO webhook SELECT i, '
        . q{'Other', name, events, target_url, secret, state, type, headers, }
        . 'NULL, registered, updated, registered_id, registered_by, '
        . 'updated_id, updated_by, error_emails, error_associates, '
        . "description, notify_via, notify_when, version, app_id FROM n "
        . "JOIN webhook ON id = $second");
    is sql($server, 'SELECT count(*) FROM webhook'), 9_999, 'one is missing';
    is $ctl->run(@create)->{status}, 0, 'webhookctl makes it';
    my $run = $ctl->run(@create);
    is $run->{status}, 1, '... and no other';
    like $run->{err}, qr/\Awebhookctl: .*WebhookLimit.*\n\z/, '... and says why';
    full(call($server, POST => path_of(), webhook(0)), 'nor does the API');
}

done_testing;
