# SPDX-License-Identifier: Apache-2.0
# What httpd does by itself inside a request: it goes on with another path, it
# takes names of users and paths with any bytes in them.
use strict;
use warnings FATAL => 'all';

use JSON::PP qw(decode_json encode_json);
use MIME::Base64 qw(encode_base64);
use Test::More;
use WebhookApi qw(path_of);
use WebhookCtl ();
use WebhookRun ();
use WebhookServer ();

WebhookRun::expect_log(qr/AH0163[01]: /);
WebhookRun::expect_log(qr/WH2032: /);

my $users = "$ENV{WEBHOOK_STAGE}/t/conf/users";
my $latin = "$ENV{WEBHOOK_STAGE}/t/conf/latin";
my $tenants = WebhookServer::free_port();

# The users of the other tests, one of them under a name in Latin-1.
{
    open my $from, '<', $users or BAIL_OUT("$users: $!");
    open my $to, '>', $latin or BAIL_OUT("$latin: $!");
    while (my $line = <$from>) {
        print {$to} $line;
        print {$to} $line if $line =~ s/\Atje0:/j\xf6rg:/;
    }
    close $to or BAIL_OUT("$latin: $!");
}

my $server = WebhookServer->new(api => '', modules => ['authz_user'],
    conf => <<"END")->start;
Listen 127.0.0.1:$tenants
<Location "/api">
    AuthType Webhook
    AuthName "inside"
    AuthBasicProvider file
    AuthUserFile "$latin"
    Require valid-user
</Location>
<VirtualHost 127.0.0.1:$tenants>
    WebhookContext "%{HTTP:X-Tenant}"
    <Location "/api/v1/Webhook">
        Require webhook-scope manage
        AuthzSendForbiddenOnFailure On
        ErrorDocument 403 /api/v1/Webhook
    </Location>
</VirtualHost>
END
my %webhook = (Name => 'inside', Events => ['inside.none'],
    State => 'Stopped', TargetUrl => 'http://127.0.0.1:9009/');
my $password = 'Basic ' . encode_base64('tje0:Tje0', '');

sub call {
    my ($authorization, $method, $path, %options) = @_;
    my $port = $options{port} || $server->port;
    my %headers = (%{ $options{headers} || {} },
        Authorization => $authorization);

    $headers{'Content-Type'} = 'application/json' if $options{body};
    return HTTP::Tiny->new(keep_alive => 0)->request($method,
        "http://127.0.0.1:$port$path", { headers => \%headers,
            $options{body} ? (content => encode_json($options{body})) : () });
}

# -- another path of the same configuration ------------------------------------

{
    my $token = WebhookCtl->new($server)->json(
        qw(token create --owner robot --scope signal));
    my %in = map { ($_ => call("Bearer $token->{Token}", GET => path_of() . '/1',
        port => $tenants, headers => { 'X-Tenant' => $_ })) } qw(Default other);

    is $in{Default}{status}, 403, 'a token without the scope';
    like $in{Default}{content}, qr/scopes of this token/,
        '... has none behind an ErrorDocument either';
    is $in{other}{status}, 401, 'a token of another tenant';
    like $in{other}{content}, qr/The token is not known/, '... is not known there';
}

# -- names that are not UTF-8 --------------------------------------------------

{
    my $latin_user = 'Basic ' . encode_base64("j\xf6rg:Tje0", '');
    my $answer = call($latin_user, POST => path_of(), body => \%webhook);
    my $made = $answer->{status} == 200 ? decode_json($answer->{content}) : {};
    my $path = path_of() . '/' . ($made->{WebhookId} || 1);

    is $answer->{status}, 200, 'a user whose name is not UTF-8 saves';
    is $made->{RegisteredAssociate}{Name}, 'j?rg', '... under what can be shown';
    is call($password, GET => $path)->{status}, 200, '... others see it';
    is scalar(@{ decode_json(call($password, GET => path_of())->{content}) }),
        1, '... in the list too';
    is call($latin_user, PATCH => $path, body => { Name => 'again' })
        ->{status}, 200, '... and it can be changed';
}

# -- paths that are not UTF-8 ----------------------------------------------------

for my $prefix ('/%ff', '/%22%3cb%3e%20%0a') {
    my $base = "http://127.0.0.1:" . $server->port . $prefix;
    my $answer = call($password, GET => "$prefix/api/v1/Webhook/openapi.json");

    is $answer->{status}, 200, "the description behind $prefix";
    is lc decode_json($answer->{content})->{servers}[0]{url},
        lc "$base/api/v1", '... has its URL';
    is lc decode_json(call($password, GET => "$prefix/api/v1/Webhook/1")
        ->{content})->{_Links}{Archive}, lc "$base/api/v1/Webhook",
        '... and so has a webhook';
}
$server->stop;
done_testing;
