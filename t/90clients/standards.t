# SPDX-License-Identifier: Apache-2.0
# The published packages of two standards read callbacks as they arrived:
# standardwebhooks and cloudevents, from npm.
use strict;
use warnings FATAL => 'all';

use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Test::More;
use WebhookApi qw(create signal);
use WebhookNpm ();
use WebhookServer qw(wait_for);
use WebhookSink ();

my @folders;

for my $package ('standardwebhooks@1.1.1', 'cloudevents@10.0.0') {
    my ($folder, $why) = WebhookNpm::install($package);

    plan skip_all => $why if !$folder;
    push @folders, "$folder/node_modules";
}

# The key pair of RFC 8032, section 7.1, test 1.
my $seed = pack 'H*', '9d61b19deffd5a60ba844af492ec2cc4'
    . '4449c5697b326919703bac031cae7f60';
my $public = pack 'H*', 'd75a980182b10ab7d54bfed3c964073a'
    . '0ee172f3daa62325af021a68f707511a';
my $old = 'whsec_' . encode_base64('the old secret of 32 bytes......', '');
my $new = 'whsec_' . encode_base64('the new secret, which is longer than it', '');
my $json = JSON::PP->new->utf8;
my $sink = WebhookSink->new(script => { '/standard' => [503, 200] });
my $server = WebhookServer->new(
    directives => { WebhookRetry => '100ms' })->start;

sub callbacks {
    my ($path, $count) = @_;
    my @got;

    wait_for { @got = grep { $_->{path} eq $path } $sink->requests;
        @got >= $count } 20;
    @got >= $count or BAIL_OUT("$path: " . @got . " of $count requests");
    return map { { headers => { map { lc $_->[0] => $_->[1] }
        @{ $_->{headers} } }, body => encode_base64($_->{body}, '') } } @got;
}

my %target = (Events => ['sale.sold'], State => 'Active');
create($server, %target, Type => 'standardwebhooks', Secret => $old,
    TargetUrl => $sink->url('/standard'), Properties => { mod_webhook => {
        Secrets => [{ Secret => $new }, { Secret => 'whsk_'
            . encode_base64($seed . $public, '') }] } });
create($server, %target, Type => 'cloudevents',
    TargetUrl => $sink->url('/structured'));
create($server, %target, Type => 'cloudevents', TargetUrl =>
    $sink->url('/binary'), Properties => { mod_webhook => {
        CloudEventsMode => 'binary', CloudEventsSource => '/shop?a=b' } });
my $data = { amount => 12.5, who => "\x{e9}\x{2713}", list => [1, undef] };
my $event = signal($server, 'sale.sold', 7, $json->encode($data));
my %attributes = (specversion => '1.0', id => $event, type => 'sale.sold',
    subject => '7', datacontenttype => 'application/json', data => $data);

my @all;
my $number = 0;
for my $callback (callbacks('/standard', 2)) {
    my $name = 'attempt ' . $number++;
    my $body = $json->decode(MIME::Base64::decode_base64($callback->{body}));
    my $want = { type => 'sale.sold', timestamp => $body->{timestamp},
        data => { %$data, PrimaryKey => 7, Entity => 'sale',
            ContextIdentifier => 'Default', ChangedByAssociateId => 0 } };

    push @all, map { { %$callback, want => $want, %$_ } }
        { name => "$name, old secret", secret => $old },
        { name => "$name, new secret", secret => $new },
        { name => $name, publicKey => encode_base64($public, '') };
}
push @all, map { { %$_, name => 'structured', event => 1, want =>
    { %attributes, source => '/webhook/Default', associateid => 0 } } }
    callbacks('/structured', 1);
# In headers numbers are texts.
push @all, map { { %$_, name => 'binary', event => 1, want =>
    { %attributes, source => '/shop?a=b', associateid => '0' } } }
    callbacks('/binary', 1);

open my $file, '>', "$folders[0]/callbacks.json" or die "callbacks.json: $!";
print {$file} $json->encode(\@all);
close $file or die "callbacks.json: $!";
local $ENV{NODE_PATH} = join ':', @folders;
my $command = "timeout 120 node '$ENV{WEBHOOK_STAGE}/t/90clients/standards.js'"
    . " <'$folders[0]/callbacks.json'";
open my $output, '-|', $command or die "node: $!";
my $last = '';

while (my $line = <$output>) {
    my $test = eval { $json->decode($line) };

    if (!$test) {
        diag $line;
        next;
    }
    my ($held, $name, $what) = @$test;

    ok $held, $name or diag $what;
    $last = $name;
}
close $output;
is $?, 0, 'the program ends well';
is $last, 'all done', '... with all its tests';

done_testing;
