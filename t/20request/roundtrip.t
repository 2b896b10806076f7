# SPDX-License-Identifier: Apache-2.0
# What is stored survives every form: random webhooks are made as JSON, read as
# XML, sent back as that XML, and are what they were.
use strict;
use warnings FATAL => 'all';

use JSON::PP ();
use Test::More;
use WebhookApi qw(call path_of);
use WebhookCheck qw(decoded without);
use WebhookServer ();
use WebhookXml ();

plan skip_all => 'XML::LibXML is not installed' if !WebhookXml::available();

use constant { SEED => 20_111_017, WEBHOOKS => 200, TEXT_MAX => 60 };

my $server = WebhookServer->new->start;
my $json = JSON::PP->new->utf8->canonical->allow_nonref;

# The same numbers in every run; a failure can be seen again.
srand SEED;

# -- random webhooks -------------------------------------------------------------

sub one_of { return $_[int rand @_] }

# Hostile for XML, for JSON, for white space rules and for encodings.
my @letters = ('a' .. 'z', 'A' .. 'Z', 0 .. 9, ' ', ' ', '_', '-', '.', ':',
    qw(< > & " '), ']]>', '&amp;', '<![CDATA[', '<!--', '\\', '/', '~', '%',
    "\t", "\n", "\r", "\r\n", "\x01", "\x08", "\x0b", "\x1f", "\x7f", "\x{80}",
    "\x{85}", "\x{a0}", "\x{e6}", "\x{ad}", "\x{2028}", "\x{20ac}",
    "\x{d7ff}", "\x{e000}", "\x{feff}", "\x{fffd}", "\x{fffe}", "\x{ffff}",
    "\x{10000}", "\x{1f600}", "\x{10ffff}");

sub random_text {
    my ($most) = @_;

    return '' if rand() < 0.1;
    return join '', map { one_of(@letters) } 1 .. 1 + int rand $most;
}

sub random_name {
    return one_of('item', 'Item', 'member', 'string', 'Webhook', 'xml', 'XmlA',
        'xmlns', 'xmlns:a', 'type', 'name', 'nil', 'a', 'A', 'a b', '1', '-a',
        'a:b', ':', "\x{e6}", "a\x{300}", '') if rand() < 0.5;
    return random_text(8);
}

sub random_number {
    return one_of(0, -1, 1, 4096, 2_147_483_648, -9_223_372_036_854_775_807,
        9_223_372_036_854_775_807, 0.5, -0.25, 1.5e300, 2.5e-300, 123_456.789);
}

sub random_value {
    my ($depth) = @_;
    my $kind = int rand($depth > 0 ? 7 : 5);

    return random_text(12) if $kind == 0;
    return random_number() if $kind == 1;
    return one_of(JSON::PP::true, JSON::PP::false) if $kind == 2;
    return undef if $kind == 3;
    return one_of([], {}, '') if $kind == 4;
    return [map { random_value($depth - 1) } 1 .. int rand 4] if $kind == 5;
    return { map { (random_name() => random_value($depth - 1)) }
        1 .. int rand 4 };
}

# Members of the payload are not for Properties, nor is an empty name.
sub random_properties {
    return undef if rand() < 0.3;
    return {} if rand() < 0.1;
    return { map { ('p' . random_text(6) . $_ => random_value(4)) }
        1 .. int rand 6 };
}

sub random_headers {
    return undef if rand() < 0.3;
    return {} if rand() < 0.1;
    return { map { my $number = $_;
        ("X-$number" . one_of('', '-a', '.b', '_c') => one_of('', 'v', 'a b',
            'a,b;c="d"', '<&>', "\x{e6}", 'x' x 100)) } 1 .. int rand 5 };
}

sub random_webhook {
    my %optional = (
        Secret => random_text(TEXT_MAX), Description => random_text(TEXT_MAX),
        Headers => random_headers(), Properties => random_properties(),
        ErrorEmails => [map { "u$_\@example.com" } 1 .. int rand 4],
        ErrorAssociates => [map { random_value(2) } 1 .. int rand 3],
        NotifyVia => one_of('None', 'Email', 'InApp', 'Email, InApp', 0 .. 3),
        NotifyWhen => one_of('None', 'FirstFailure', 'Disabling', 0 .. 3),
        State => one_of('Active', 'Stopped', 'TooManyErrors', 1 .. 3),
    );
    my %chosen = map { rand() < 0.8 ? ($_ => $optional{$_}) : () }
        sort keys %optional;

    return {
        %chosen, Name => random_text(TEXT_MAX),
        Events => [map { one_of('a', 'list.b', 'X_1', '-') . ".$_" }
            1 .. 1 + int rand 8],
        TargetUrl => 'https://hooks.example.com/'
            . one_of('', 'a?b=c&d=%2F', "?q='<x>'", 'a;b#c', '?' . 'x' x 500),
    };
}

# -- the way round ------------------------------------------------------------------

# The text of an entity without what every change changes.
sub settled_text {
    my ($answer) = @_;

    return $answer->{content} =~ s/"Updated":\s*"[^"]*"/"Updated":""/r;
}

# What has gone wrong with one webhook; '' if all is well.
sub way_round {
    my ($webhook) = @_;
    my $made = call($server, POST => path_of(), $json->encode($webhook));

    $made->{status} == 200 or return "POST: $made->{status} $made->{content}";
    my $path = path_of(decoded($made)->{WebhookId});
    my $before = call($server, GET => $path);
    my $entity = decoded($before);

    for my $name (grep { !/\A(?:Notify|State)/ } sort keys %$webhook) {
        my ($sent, $got) = map { $json->encode($_) } $webhook->{$name},
            $entity->{$name};

        $sent eq $got or return "$name was $sent, is $got";
    }
    my $xml = call($server, GET => $path, undef, Accept => 'application/xml');
    my (undef, $read) = eval { WebhookXml::parse($xml->{content}) };

    $json->encode($read) eq $json->encode($entity)
        or return "as XML: $@ $xml->{content}";
    my $put = call($server, PUT => $path, $xml->{content},
        'Content-Type' => 'application/xml');

    $put->{status} == 200
        or return "PUT: $put->{status} $put->{content} of $xml->{content}";
    my $after = call($server, GET => $path);

    settled_text($after) eq settled_text($before)
        or return "was $before->{content}, is $after->{content}";
    call($server, DELETE => $path)->{status} == 204 or return 'DELETE';
    return '';
}

for my $number (1 .. WEBHOOKS) {
    my $webhook = random_webhook();

    is way_round($webhook), '', "webhook $number"
        or diag $json->encode($webhook);
}

done_testing;
