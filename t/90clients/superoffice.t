# SPDX-License-Identifier: Apache-2.0
# The vendor's own client, @superoffice/webapi from npm, works unchanged: every
# method, with a password and with a ticket, in two time zones.
use strict;
use warnings FATAL => 'all';

use JSON::PP ();
use Test::More;
use WebhookCtl ();
use WebhookNpm ();
use WebhookRun ();
use WebhookServer ();
use WebhookSink ();

my ($folder, $why) = WebhookNpm::install('@superoffice/webapi@12.4.1514');

plan skip_all => $why if !$folder;

my $json = JSON::PP->new->utf8;
my $users = "$ENV{WEBHOOK_STAGE}/t/conf/users";
my $sink = WebhookSink->new(script => { '/bad' => [{ status => 500,
    body => 'not today' }], '/in' => [{ status => 200, body => 'ok' }] });
my $server = WebhookServer->new(api => '', conf => <<"END")->start;
WebhookRetry 100ms
<LocationMatch "^/(deep/)?api">
    AuthType Webhook
    AuthName "webhook test"
    AuthBasicProvider file
    AuthUserFile "$users"
    Require valid-user
</LocationMatch>
END
my $strict = WebhookServer->new(
    directives => { WebhookRequireHTTPS => undef })->start;

# A wrong password, a ticket that is none, a bad target: all on purpose.
WebhookRun::expect_log(qr/user tje0\b.*[Pp]assword/, qr/WH204\d: /,
    qr/WH1221: webhook \d+ .* status 500/);

# A ticket of an application, and the application's secret.
sub make_ticket {
    my $ctl = WebhookCtl->new($server);
    my $app = $ctl->json(qw(app create --name npm));
    my $ticket = $ctl->json(qw(token create --ticket --owner client --scope),
        'signal,manage,read', '--app', $app->{Id});

    return ($ticket->{Token}, $app->{Secret});
}

# Runs the client; its tests are ours.
sub run_client {
    my ($zone, $ticket, $app) = @_;

    local $ENV{TZ} = $zone;
    local $ENV{NODE_PATH} = "$folder/node_modules";
    local $ENV{WEBHOOK_URL} = $server->url;
    local $ENV{WEBHOOK_STRICT} = $strict->url;
    local $ENV{WEBHOOK_SINK} = $sink->url('') =~ s{/\z}{}r;
    local $ENV{WEBHOOK_TICKET} = $ticket;
    local $ENV{WEBHOOK_APP} = $app;
    open my $output, '-|', 'timeout', 180, 'node',
        "$ENV{WEBHOOK_STAGE}/t/90clients/superoffice.js" or die "node: $!";
    my $last = '';

    while (my $line = <$output>) {
        my $test = eval { $json->decode($line) };

        if (!$test) {
            diag $line;
            next;
        }
        my ($held, $name, $what) = @$test;

        ok $held, "$zone: $name" or diag $what;
        $last = $name;
    }
    close $output;
    is $?, 0, "$zone: the client ends well";
    is $last, 'all done', '... with all its tests';
    return;
}

# What the receiver has got of the signals of one run, each so many times.
sub check_received {
    my ($since, $name, $times) = @_;
    my @all = $sink->requests;
    my %by_key;

    for my $request (grep { $_->{path} eq '/in' } @all[$since .. $#all]) {
        my $event = $sink->json($request);

        next if $event->{Event} ne 'npm.event';
        ok $sink->verify_signature($request, 'Something Super Secret'),
            "$name: event $event->{PrimaryKey} is signed";
        is $sink->header($request, 'X-My-Header'), 'Some Value',
            '... has the header';
        is_deeply $event->{MyProperty}{nested}, [1, JSON::PP::true, undef],
            '... and the property';
        push @{ $by_key{ $event->{PrimaryKey} } },
            join ',', sort @{ $event->{Changes} };
    }
    is_deeply \%by_key, { 7 => [('A,b') x $times], 8 => [('') x $times],
        9 => [('') x $times], -10 => [('') x $times] },
        "$name: its events arrive with their changes";
    return;
}

{
    my $before = $sink->requests;

    run_client('UTC', '', '');
    check_received($before, 'Basic', 1);
}
{
    my @secrets = make_ticket();
    my $before = $sink->requests;

    run_client('America/St_Johns', @secrets);
    # The ticket's signals go to its own webhook and to the user's.
    check_received($before, 'SOTicket', 3);
}

done_testing;
