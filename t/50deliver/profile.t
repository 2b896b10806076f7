# SPDX-License-Identifier: Apache-2.0
# WebhookProfile superoffice: the original's rules, from end to end.
use strict;
use warnings FATAL => 'all';

use Test::More;
use WebhookApi qw(create entity have_sql settled signal sql update);
use WebhookMail ();
use WebhookRun ();
use WebhookServer qw(wait_for);
use WebhookSink ();

WebhookRun::expect_log(
    qr/WH1221: webhook \d+ event \S+ attempt 3: status, status 201/,
    qr/WH1317: webhook \d+ is disabled after 9 errors in a row/);

my $mail = WebhookMail::available() ? WebhookMail->new : undef;
my $sink = WebhookSink->new(script => { '/failing' => 201 });
my $server = WebhookServer->new(directives => {
    WebhookProfile => 'superoffice',
    $mail ? (WebhookMailServer => $mail->url,
        WebhookMailFrom => 'webhooks@sender.example') : () })->start;

sub requests_for {
    my ($path) = @_;

    return grep { $_->{path} eq $path } $sink->requests;
}

sub header_of { return $sink->header(@_) }

my $id = create($server, Events => ['sale.sold'], Name => 'Failing',
    TargetUrl => $sink->url('/failing'),
    ErrorsEmail => 'owner@receiver.example');
my $watcher = create($server, Events => ["webhook$id.errors"], Secret => 'w',
    TargetUrl => $sink->url('/watcher'));

# -- one event -----------------------------------------------------------------

my $event = signal($server, 'sale.sold', 1, { amount => 1 });
ok $server->wait_for_log(qr/event $event attempt 3: .*failed for good/, 30),
    '201 is no success';
my @got = requests_for('/failing');
is_deeply [map { header_of($_, 'X-SuperOffice-Retry') } @got], [0, 1, 2],
    'three attempts';
is_deeply [map { header_of($_, 'X-SuperOffice-EventId') } @got],
    [($event) x 3], '... with one event id';
cmp_ok $got[1]{time} - $got[0]{time}, '>=', 0.9, '... the second after 1 s';
cmp_ok $got[2]{time} - $got[1]{time}, '>=', 3.6, '... the third after 4 s more';
wait_for { entity($server, $id)->{TotalErrors} == 3 } 10;
my $entity = entity($server, $id);
is $entity->{ConsecutiveErrors}, 3, 'attempts are counted';
is $entity->{State}, 'Active', 'three are not too many';

# -- too many ------------------------------------------------------------------

# The ninth failure is the second of the last of them: there is no third.
my @events = map { signal($server, 'sale.sold', $_) } 2 .. 4;
ok wait_for { entity($server, $id)->{State} eq 'TooManyErrors' } 30;
$entity = entity($server, $id);
is $entity->{ConsecutiveErrors}, 9, 'nine failed attempts in a row disable it';
like $entity->{LastError}, qr{\AHTTP/1\.1 201 }, '... and it tells the last';
my ($told) = wait_for { (requests_for('/watcher'))[0] } 20;
ok $told, 'another webhook hears of it' or BAIL_OUT('no state event');
is header_of($told, 'X-SuperOffice-Event'), "webhook$id.errors",
    '... by an event with the id in its header';
my $body = $sink->json($told);
is $body->{Event}, 'webhook.errors', '... and none in its body';
is $body->{Entity}, 'webhook', '... of a webhook';
is $body->{PrimaryKey}, $id, '... which is its key';
is_deeply $body->{Changes}, ['state'], '... whose state has changed';
is $body->{ChangedByAssociateId}, 0, '... by nobody';
is $body->{ContextIdentifier}, 'Default', '... in its context';
is $body->{EventId}, header_of($told, 'X-SuperOffice-EventId'), '... with an id';
ok $sink->verify_signature($told, 'w'), '... signed';
SKIP: {
    skip 'python3-aiosmtpd is missing', 2 if !$mail;
    my @mails = $mail->wait_for(1, 20);

    is scalar @mails, 1, 'its owner gets a mail';
    is $mails[0]{header}{subject}, "Webhook $id disabled: Failing",
        '... which says so';
}

# -- what is discarded ---------------------------------------------------------

SKIP: {
    skip 'sqlite3 is not installed', 2 if !have_sql();
    ok settled($server, 20), 'nothing waits for it any more';
    is sql($server, 'SELECT count(*), sum(attempts) FROM delivery WHERE '
        . "webhook_id = $id AND state = 2"), '4|9', '... all have failed';
}
signal($server, 'sale.sold', 5);
is scalar requests_for('/failing'), 9, 'nothing is sent to it';

# -- active again --------------------------------------------------------------

$sink->script({ '/failing' => '201,200,200' });
update($server, $id, State => 'Active');
$entity = entity($server, $id);
is $entity->{State}, 'Active', 'its owner sets it active again';
is $entity->{ConsecutiveErrors}, 0, 'errors begin at 0';
$event = signal($server, 'sale.sold', 6);
ok wait_for { requests_for('/failing') == 11 } 20;
is_deeply [map { header_of($_, 'X-SuperOffice-EventId') }
    (requests_for('/failing'))[9, 10]], [$event, $event],
    'new events are sent to it, the discarded ones are not';
ok wait_for { entity($server, $id)->{TotalCalls} == 11 } 10;
$entity = entity($server, $id);
is $entity->{State}, 'Active', 'one more error is not too many';
is $entity->{ConsecutiveErrors}, 0, '200 is a success';
is $entity->{TotalErrors}, 10, 'all errors are counted';
is scalar requests_for('/watcher'), 1, 'one event was signalled';

done_testing;
