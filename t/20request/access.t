# SPDX-License-Identifier: Apache-2.0
# Who is let in: one <Location> covers every spelling of the path, and a
# .htaccess file opens nothing.
use strict;
use warnings FATAL => 'all';

use Test::More;
use WebhookApi qw(create);
use WebhookRun ();
use WebhookServer ();

WebhookRun::expect_log(qr/WH2002: /);
WebhookRun::expect_log(qr/WH2000: /);
WebhookRun::expect_log(qr/AH0163[01]:? /);

my $users = "$ENV{WEBHOOK_STAGE}/t/conf/users";
my $server = WebhookServer->new(api => '', modules => ['authz_user']);
my $open = $server->root . '/htdocs/open';
my $off = WebhookServer::free_port();

$server->write_conf(conf => <<"END");
<Location "/">
    AuthType Basic
    AuthName "site"
    AuthBasicProvider file
    AuthUserFile "$users"
    Require valid-user
</Location>
<Location "/api/v1/Webhook">
    Require user tje0
</Location>
<Location "/handler">
    SetHandler webhook
</Location>
<Directory "$open">
    AllowOverride All
</Directory>
Listen 127.0.0.1:$off
<VirtualHost 127.0.0.1:$off>
    WebhookEngine Off
    <Location "/handler">
        SetHandler webhook
    </Location>
</VirtualHost>
END
mkdir $open or BAIL_OUT("$open: $!");
WebhookServer::spew("$open/.htaccess", <<"END");
SetHandler webhook
AuthType Basic
AuthName "mine"
AuthBasicProvider file
AuthUserFile "$users"
Require valid-user
END
$server->start;

my $id = create($server, TargetUrl => 'http://127.0.0.1:9009/', Secret => 'hidden');

sub status {
    my ($path, $user) = @_;
    my $answer = $server->request(GET => $path, user => $user);

    unlike $answer->{content}, qr/hidden/, "$path tells $user no secret"
        if $answer->{status} != 200;
    return $answer->{status};
}

for my $path ("/api/v1/Webhook/$id", "/x/api/v1/Webhook/$id",
              "/API/v1/Webhook/$id", "/api/v1/webhook/$id",
              "//api/v1//Webhook/$id", "/api/v1/%57ebhook/$id",
              "/x/../api/v1/Webhook/$id") {
    is status($path, 'tje0:Tje0'), 200, "$path: who is allowed";
    is status($path, 'tje1:Tje1'), 401, "$path: who is not";
}

# -- SetHandler ---------------------------------------------------------------

is status("/handler/Webhook/$id", 'tje1:Tje1'), 200,
    'SetHandler in a <Location>: whom that lets in';
is status("/open/Webhook/$id", 'tje1:Tje1'), 403, 'SetHandler in a .htaccess';
{
    local $server->{port} = $off;
    is status("/handler/Webhook/$id", 'tje0:Tje0'), 503,
        'SetHandler where the engine is off';
    is status("/api/v1/Webhook/$id", 'tje0:Tje0'), 404,
        'the path where the engine is off is the site\'s';
}

# -- nobody has asked for a name ----------------------------------------------

my $bare = WebhookServer->new(api => '');

$bare->start;
for my $user ('', 'tje0:Tje0') {
    my $answer = $bare->request(POST => '/api/v1/Webhook/a.b/1', user => $user);

    is $answer->{status}, 401, "without AuthType, '$user' is nobody";
    like $answer->{headers}{'www-authenticate'}, qr/^Bearer /, '... is asked';
    like $answer->{content}, qr/"ErrorType":"AuthenticationException"/,
        '... in the form of the API';
}

done_testing;
