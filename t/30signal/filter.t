# SPDX-License-Identifier: Apache-2.0
# Webhooks that listen for patterns of names, and filters on an event's data.
use strict;
use warnings FATAL => 'all';

use JSON::PP ();
use Test::More;
use WebhookApi qw(call create entity have_sql path_of signal sql_write update);
use WebhookRun ();
use WebhookServer qw(wait_for);
use WebhookSink ();

my $sink = WebhookSink->new;
my $server = WebhookServer->new->start;
my $json = JSON::PP->new->utf8->canonical;

# -- what is received ----------------------------------------------------------

# A webhook that gets everything, last: what was to come before it has come.
my $all = create($server, Name => 'all', Events => ['*'],
    TargetUrl => $sink->url('/all'));
my $signalled = 0;

sub got { return grep { $_->{path} eq $_[0] } $sink->requests }

sub send_event {
    signal($server, @_);
    $signalled++;
    return;
}

# Numbers of the events that came to a path, once all have come everywhere
# that were committed.
sub numbers {
    my ($path) = @_;

    wait_for { got('/all') >= $signalled } 20;
    wait_for {
        WebhookApi::sql($server,
            'SELECT count(*) FROM delivery WHERE state = 0') == 0;
    } 20 if have_sql();
    return [sort { $a <=> $b }
        map { $sink->json($_)->{PrimaryKey} } got($path)];
}

sub listen_to {
    my ($path, $events, $filter) = @_;

    return create($server, Name => $path, Events => $events,
        TargetUrl => $sink->url($path),
        $filter ? (Properties => { kept => 1,
            mod_webhook => { Filter => $filter } }) : ());
}

# -- patterns ------------------------------------------------------------------

listen_to('/prefix', ['contact.*']);
listen_to('/suffix', ['*.created', 'contact.created']);
listen_to('/middle', ['list.*.created']);
listen_to('/exact', ['contact.created']);

send_event('contact.created', 1);
send_event('contact.person.changed', 2);
send_event('sale.created', 3);
send_event('list.a.b.created', 4);
send_event('list.created', 5);
send_event('CONTACT.Created', 6);
send_event('contact', 7);

is_deeply numbers('/all'), [1 .. 7], '* means every name';
is_deeply numbers('/prefix'), [1, 2, 6], 'contact.*';
is_deeply numbers('/suffix'), [1, 3, 4, 5, 6],
    '*.created, each event once though its name is listed too';
is_deeply numbers('/middle'), [4], 'list.*.created';
is_deeply numbers('/exact'), [1, 6], 'a name is a name';

# -- state events --------------------------------------------------------------

my $watched = create($server, Name => 'watched', Events => ['*'],
    TargetUrl => $sink->url('/watched'));
update($server, $watched, State => 'Stopped');
update($server, $watched, State => 'Active');
ok wait_for { got('/watched') == 1 } 20;
is $sink->header((got('/watched'))[0], 'X-SuperOffice-Event'),
    "webhook$watched.started",
    'a webhook for everything hears that it was started, not that it stopped';
ok wait_for { got('/all') == $signalled + 2 } 20;
is_deeply [sort grep { /^webhook/ }
    map { $sink->header($_, 'X-SuperOffice-Event') } got('/all')],
    ["webhook$watched.started", "webhook$watched.stopped"],
    '... another one hears both';
update($server, $watched, Events => ['nothing']);
$signalled = got('/all');

# -- the list ------------------------------------------------------------------

sub names_of {
    my ($event) = @_;
    my $answer = call($server, GET => path_of() . "?eventFilter=$event");

    return [sort map { $_->{Name} } @{ $json->decode($answer->{content}) }];
}

is_deeply names_of('contact.created'), [sort qw(all /exact /prefix /suffix)],
    'eventFilter finds patterns';
is_deeply names_of('LIST.x.created'), [sort qw(all /middle /suffix)],
    '... in any case';
is_deeply names_of('contact.*'), [sort qw(all /prefix)],
    '... and a pattern by its text';
is_deeply names_of('sale.sold'), ['all'], '... and nobody else';

# -- filters -------------------------------------------------------------------

listen_to('/large', ['order.*'], { 'order.total' => { ge => 100 },
    '$primaryKey' => { ne => 13 } });
listen_to('/words', ['order.paid'], { or => [
    { currency => 'EUR' }, { currency => { in => ['CHF', 'NOK'] } },
    { not => { currency => { exists => JSON::PP::true } } } ] });
my $changing = listen_to('/changing', ['*.paid'], { currency => 'USD' });

# Data: total, currency.
my $next = 100;
sub order {
    my ($total, $currency, $number) = @_;

    $number = $next++ if !defined $number;
    send_event('order.paid', $number, {
        order => { total => $total }, $currency ? (currency => $currency) : () });
    return $number;
}

my @order = (order(99, 'EUR'), order(100, 'USD'), order(100.5), order('100', 'NOK'),
    order(1000, 'SEK', 13));
is_deeply numbers('/large'), [@order[1, 2]],
    'numbers are compared with numbers, and two conditions hold';
is_deeply numbers('/words'), [@order[0, 2, 3]], 'or, in, not, exists';
is_deeply numbers('/changing'), [$order[1]], 'equality';

update($server, $changing, Properties => {
    mod_webhook => { filter => { currency => 'EUR' } } });
push @order, order(1, 'EUR'), order(1, 'USD');
is_deeply numbers('/changing'), [@order[1, 5]],
    'a changed filter counts from the next signal on';
my $body = $sink->json((got('/large'))[0]);
is_deeply [grep { /kept|mod_webhook/ } sort keys %$body], ['kept'],
    'the filter is no part of what is sent';

# Nobody is left: the event is not stored.
SKIP: {
    skip 'sqlite3 is not installed', 4 if !have_sql();
    update($server, $all, State => 'Stopped');
    my $events = sub { WebhookApi::sql($server, 'SELECT count(*) FROM event') };
    my $before = $events->();
    ok signal($server, 'order.sent', 1, { order => { total => 1 } }),
        'nobody wants the event: 204 all the same';
    is $events->(), $before, '... and it is not stored';

    # -- a row that was written by hand ----------------------------------------

    my ($large) = map { $_->{WebhookId} } grep { $_->{Name} eq '/large' }
        @{ $json->decode(call($server, GET => path_of())->{content}) };
    WebhookRun::expect_log(qr/WH1290: webhooks whose filter is not in order/);
    sql_write($server, qq(UPDATE webhook SET properties =
        '{"mod_webhook":{"Filter":{"a":{"is":1}}}}' WHERE id = $large;
        UPDATE meta SET value = value + 1 WHERE name = 'generation'));
    signal($server, 'order.sent', 2, { order => { total => 100 }, a => 1 });
    is $events->(), $before, 'a filter that is not in order matches nothing';
    like $server->error_log, qr/WH1290: .* no events: 1, the first is webhook $large: "is" is no op/,
        '... and the log says so';
}

# -- refusals ------------------------------------------------------------------

sub refusal {
    my (%members) = @_;
    my $answer = call($server, POST => path_of(), { Name => 'refused',
        Events => ['x'], TargetUrl => $sink->url('/x'), %members });

    return "$answer->{status} " . ($answer->{status} == 400
        ? $json->decode($answer->{content})->{Message} : '');
}

for my $event ('con*', '*created', '**', '*.*', 'a.*.*', 'a*.b', 'a.?') {
    like refusal(Events => [$event]),
        qr/^400 Webhook Events must be names of 1 to 128 .* or patterns in /,
        "$event is refused";
}
like refusal(Events => [map { "a$_.*" } 1 .. 17]),
    qr/^400 Webhook Events must have at most 16 patterns\./, '17 patterns';
like refusal(Events => [map { "a$_.*" } 1 .. 16]), qr/^200 /, '16 patterns';

my $says = '400 Webhook Properties: "mod_webhook": "Filter" ';
my $deep = { a => 1 };
$deep = { not => $deep } for 1 .. 9;
my @refused = (
    [[], 'must be an object of conditions.'],
    ['{', 'must be an object of conditions.'],
    [{ a => { like => 'x' } }, '"like" is no operator: eq, ne, lt, le, gt, ge, '
        . 'exists or in.'],
    [{ and => [] }, '"and" must be a list of 1 to 64 objects.'],
    [{ a => { in => [1 .. 65] } },
        '"a" with "in" must be followed by a list of 1 to 64 values.'],
    [{ map { ("m$_" => 1) } 1 .. 65 }, 'has more than 64 conditions.'],
    [$deep, 'is nested in more than 8 levels.'],
    [{ '$name' => 1 }, '"$name" must be $event, $entity, $primaryKey, '
        . '$associateId or a path.'],
);
for my $row (@refused) {
    my ($filter, $message) = @$row;

    is refusal(Properties => { mod_webhook => { Filter => $filter } }),
        $says . $message, "refused: $message";
}
like refusal(Properties => { mod_webhook => { Filter => '{"a":1}' } }),
    qr/^200 /, 'a filter may be a text, as forms have it';

# -- a name is no pattern ------------------------------------------------------

my $answer = call($server, POST => path_of('contact.%2A', 1));
is $answer->{status}, 400, 'no event is called contact.*';

$server->stop;
$sink->stop;
done_testing;
