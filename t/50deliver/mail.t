# SPDX-License-Identifier: Apache-2.0
# Owners hear by mail that their webhooks fail, from a server that is theirs.
use strict;
use warnings FATAL => 'all';
use utf8;

use Test::More;
use WebhookApi qw(create entity signal update);
use WebhookMail ();
use WebhookRun ();
use WebhookServer qw(wait_for);
use WebhookSink ();

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);

plan skip_all => 'python3-aiosmtpd is missing' if !WebhookMail::available();

WebhookRun::expect_log(
    qr/WH1221: webhook \d+ event \S+ attempt \d+: status, status (?:500|410)/,
    qr/WH1317: webhook \d+ is disabled after \d+ errors in a row/);

my $mail = WebhookMail->new;
my $sink = WebhookSink->new(script => { '*' => 500, '/gone' => 410,
    '/once' => '500,200,500,200' });
my $server = WebhookServer->new(directives => {
    WebhookProfile => 'superoffice', WebhookRetry => '20ms 20ms',
    WebhookMailServer => $mail->url,
    WebhookMailFrom => 'webhooks@sender.example' })->start;

sub wait_state {
    my ($id, $state) = @_;

    return wait_for { entity($server, $id)->{State} eq $state } 20;
}

# Three events are nine attempts.
sub disable {
    my ($id, $event) = @_;
    my $first = signal($server, $event, 1, { a => 1 });

    signal($server, $event, $_) for 2 .. 3;
    ok wait_state($id, 'TooManyErrors'), "$event: disabled";
    return $first;
}

# Mails about a webhook; a mail of another one that comes later says that no
# more are on their way.
sub about {
    my ($id) = @_;

    return grep { $_->{header}{subject} =~ /\AWebhook $id / } $mail->mails;
}

# -- both kinds ----------------------------------------------------------------

my $id = create($server, Events => ['both'], Name => 'Both',
    TargetUrl => $sink->url('/in?key=SECRET'), NotifyVia => 'Email',
    NotifyWhen => 'FirstFailure, Disabling',
    ErrorEmails => ['one@owner.example', 'two@owner.example']);
my $event = disable($id, 'both');
wait_for { about($id) == 2 } 20;
my ($first, $disabled) = sort { $b->{header}{subject} cmp $a->{header}{subject} }
    about($id);
is $first && $first->{header}{subject}, "Webhook $id fails: Both",
    'a mail at the first failure';
is $disabled && $disabled->{header}{subject}, "Webhook $id disabled: Both",
    '... and one when it is disabled';
$disabled ||= { header => {}, text => '', names => [] };
is $disabled->{header}{'x-rcptto'}, 'one@owner.example, two@owner.example',
    'to all addresses';
is $disabled->{header}{'x-mailfrom'}, 'webhooks@sender.example', 'from ours';
is $disabled->{header}{from}, '<webhooks@sender.example>', '... which it shows';
is $disabled->{header}{to}, '<one@owner.example>, <two@owner.example>',
    '... as it shows them';
is $disabled->{header}{'auto-submitted'}, 'auto-generated',
    'nobody is to answer it';
like $disabled->{header}{'message-id'}, qr/\A<[0-9a-f-]{36}\@sender\.example>\z/,
    'an id';
like $disabled->{header}{date}, qr/\A\w{3}, \d\d \w{3} \d{4} [\d:]{8} \+0000\z/,
    'a date';
like $disabled->{text}, qr/^Id: +$id\r$/m, 'the text has the id';
like $disabled->{text}, qr/^Target host: +127\.0\.0\.1\r$/m, '... the host';
like $disabled->{text}, qr/^Error: +status 500\r$/m, '... and the error';
like $first->{text}, qr/^Event: +both\r$/m, '... and the event';
unlike $disabled->{text}, qr/SECRET/, 'but not the URL, which may hold keys';

# -- once ----------------------------------------------------------------------

update($server, $id, State => 'Active');
disable($id, 'both');

# -- who asks for what ---------------------------------------------------------

my %kinds = (
    older => [{ ErrorsEmail => 'older@owner.example' }, 'disabled'],
    disabling => [{ NotifyVia => 'Email', NotifyWhen => 'Disabling' },
        'disabled'],
    failure => [{ NotifyVia => 'Email, InApp', NotifyWhen => 'FirstFailure' },
        'fails'],
    never => [{ NotifyVia => 'None', NotifyWhen => 'FirstFailure, Disabling' },
        ''],
    inapp => [{ NotifyVia => 'InApp', NotifyWhen => 'Disabling' }, ''],
    nobody => [{ NotifyVia => 'Email', NotifyWhen => 'Disabling',
        ErrorEmails => [] }, ''],
);
my %ids;
for my $kind (sort keys %kinds) {
    my $members = $kinds{$kind}[0];

    $members->{ErrorEmails} ||= ["$kind\@owner.example"]
        if !$members->{ErrorsEmail};
    $ids{$kind} = create($server, Name => $kind, Events => [$kind],
        TargetUrl => $sink->url("/$kind"), %$members);
    disable($ids{$kind}, $kind);
}

# -- one failure among successes, 410 ------------------------------------------

my $once = create($server, Events => ['once'], TargetUrl => $sink->url('/once'),
    ErrorEmails => ['once@owner.example'], NotifyVia => 'Email',
    NotifyWhen => 'FirstFailure');
for my $calls (2, 4) {
    signal($server, 'once', $calls);
    wait_for { entity($server, $once)->{TotalCalls} == $calls } 20;
}
my $gone = create($server, Events => ['gone'], Name => "Gone — für immer 漢字",
    TargetUrl => $sink->url('/gone'), ErrorEmails => ['gone@owner.example']);
signal($server, 'gone', 1);
ok wait_state($gone, 'TooManyErrors'), '410 disables at once';
is entity($server, $gone)->{TotalErrors}, 1, '... after one attempt';
wait_for { about($gone) } 20;
is_deeply [map { $_->{header}{subject} } about($gone)],
    ["Webhook $gone disabled: Gone — für immer 漢字"],
    '... with a mail, whatever the letters of its name';
like(((about($gone))[0] || { text => '' })->{text}, qr/^Webhook: +Gone — für immer 漢字\r$/m,
    '... in the text too');

# -- that was the last one -----------------------------------------------------

for my $kind (sort keys %kinds) {
    my $what = $kinds{$kind}[1];

    is_deeply [map { $_->{header}{subject} } about($ids{$kind})],
        $what ? ["Webhook $ids{$kind} $what: $kind"] : [],
        "$kind: " . ($what || 'no mail');
}
is scalar(my @got = about($id)), 2, 'what was told an hour ago is not told again';
is scalar(@got = about($once)), 1, '... nor another first failure';

# -- names that would be more than a name --------------------------------------

my $names = [qw(date from to subject message-id mime-version content-type
    content-transfer-encoding auto-submitted)];
my $count = $mail->mails;
my $hostile = create($server, Events => ['hostile'],
    TargetUrl => $sink->url('/hostile'), ErrorEmails => ['h@owner.example'],
    Name => 'plain');
# The database may have been written by hand.
WebhookApi::sql_write($server, "UPDATE webhook SET name = 'a' || char(13, 10) "
    . "|| 'Bcc: victim\@other.example' || char(13, 10, 13, 10) || 'Buy', "
    . "error_emails = json_array('h\@owner.example', 'x\@y' || char(13, 10) "
    . "|| 'RCPT TO:<victim\@other.example>') WHERE id = $hostile; "
    . "UPDATE meta SET value = value + 1 WHERE name = 'generation'")
    if WebhookApi::have_sql();
disable($hostile, 'hostile');
wait_for { about($hostile) } 20;
my ($got) = about($hostile);
is_deeply [grep { !/\Ax-/ } @{ $got->{names} || [] }], $names,
    'a hostile name makes no header';
is $got->{header}{'x-rcptto'}, 'h@owner.example', '... and no recipient';
unlike $got->{text}, qr/^(?:Bcc|Buy)/m, '... and no line';
is scalar(@got = $mail->mails), $count + 1, '... and no mail';
$server->stop;

# -- TLS -----------------------------------------------------------------------

my $secure = WebhookMail->new(tls => 1);
$server->{directives}{WebhookMailServer} = $secure->url;
$server->write_conf;
$server->start;
my $tls = create($server, Events => ['tls'], TargetUrl => $sink->url('/tls'),
    Name => 'tls', ErrorEmails => ['tls@owner.example']);
disable($tls, 'tls');
my ($sealed) = $secure->wait_for(1, 20);
is $sealed && $sealed->{header}{subject}, "Webhook $tls disabled: tls",
    'TLS is used with a server that offers it';

# -- nobody there --------------------------------------------------------------

$secure->stop;
WebhookRun::expect_log(qr/WH1275: \d+ mails are not sent/,
    qr/WH1272: mail about webhook \d+, try 1: /);
my $silent = create($server, Events => ['silent'], Name => 'silent',
    TargetUrl => $sink->url('/silent'), ErrorEmails => ['s@owner.example']);
disable($silent, 'silent');
ok $server->wait_for_log(qr/WH1272: mail about webhook $silent, try 1/, 20),
    'no mail server: it is tried again';
ok $server->stop, 'a stop does not wait for that';
ok $server->wait_for_log(qr/WH1275: 1 mails are not sent/, 1), '... and says so';

done_testing;
