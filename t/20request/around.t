# SPDX-License-Identifier: Apache-2.0
# What a site says for all of its paths: a redirection and a rule that forbids
# hold for the API too; what would make a file, a proxy or another path of it
# does not take it away.
use strict;
use warnings FATAL => 'all';

use JSON::PP qw(decode_json);
use MIME::Base64 qw(encode_base64);
use Test::More;
use WebhookApi qw(create path_of);
use WebhookRun ();
use WebhookServer ();

WebhookRun::expect_log(qr/AH0163[01]: /);

my $users = "$ENV{WEBHOOK_STAGE}/t/conf/users";
my %port = map { $_ => WebhookServer::free_port() }
    qw(redirect forbid alias proxy rewrite front);
my $nobody = WebhookServer::free_port();
my %site = (
    redirect => 'Redirect permanent / https://other.example/',
    forbid => "RewriteEngine On\nRewriteRule ^ - [F]",
    alias => 'Alias /api /etc',
    proxy => "ProxyPass / http://127.0.0.1:$nobody/",
    rewrite => "RewriteEngine On\n"
        . 'RewriteRule ^/api/(.*) /elsewhere/$1 [PT]',
    front => "RewriteEngine On\n"
        . 'RewriteRule ^(.*)$ /index.php?q=$1&$select=Name [L]',
);
my $hosts = join '', map { <<"END" } sort keys %site;
Listen 127.0.0.1:$port{$_}
<VirtualHost 127.0.0.1:$port{$_}>
$site{$_}
</VirtualHost>
END
my $server = WebhookServer->new(
    modules => [qw(alias rewrite proxy proxy_http authz_user)],
    conf => $hosts)->start;

sub get {
    my ($site, $path, $authorization) = @_;

    return HTTP::Tiny->new(keep_alive => 0, max_redirect => 0)->get(
        "http://127.0.0.1:$port{$site}$path", { headers => {
            defined $authorization ? (Authorization => $authorization) : () } });
}

my $basic = 'Basic ' . encode_base64('tje0:Tje0', '');
my $moved = get(redirect => '/Cust1' . path_of('default'), $basic);

is $moved->{status}, 301, 'a redirection to https holds for the API';
is $moved->{headers}{location},
    'https://other.example/Cust1' . path_of('default'),
    '... with the path as it came';
my $forbidden = get(forbid => path_of('default'), $basic);

is $forbidden->{status}, 403, 'a rule that forbids holds too';
is decode_json($forbidden->{content})->{ErrorType}, 'ForbiddenException',
    '... in the form of the API';
for my $site (qw(alias proxy rewrite front)) {
    my $answer = get($site => path_of('default'), $basic);

    is $answer->{status}, 200, "$site: the API answers";
    is decode_json($answer->{content})->{State}, 'Active', '... and nobody else';
    is get($site => path_of('default'))->{status}, 401,
        '... whom its <Location> lets in';
    is get($site => '/API/V1/WEBHOOK/DEFAULT')->{status}, 401,
        '... in any spelling';
}
# The query is the client's, whatever a rule makes of it.
{
    create($server, Name => 'somebody', State => 'Stopped',
        TargetUrl => 'http://127.0.0.1:9009/');
    is_deeply [map { $_->{Name} } @{ decode_json(get(front => path_of()
        . '?nameFilter=somebody', $basic)->{content}) }], ['somebody'],
        'a filter that finds';
    is_deeply decode_json(get(front => path_of() . '?nameFilter=nobody',
        $basic)->{content}), [], '... and one that does not';
}
is get(alias => path_of('x' x 5000), $basic)->{status}, 404,
    'no file of this name is looked for';
$server->stop;
done_testing;
