# SPDX-License-Identifier: Apache-2.0
# Who is let in and what he may do: tokens, tickets, passwords, scopes,
# applications, tenants. Revocation is seen within a second.
use strict;
use warnings FATAL => 'all';

use JSON::PP qw(decode_json encode_json);
use Test::More;
use WebhookApi qw(have_sql path_of sql_write);
use WebhookCtl ();
use WebhookRun ();
use WebhookServer qw(wait_for);

WebhookRun::expect_log(qr/WH204[0234]: /);
WebhookRun::expect_log(qr/WH203[123]: /);
WebhookRun::expect_log(qr/AH0163[01]: /);
WebhookRun::expect_log(qr/AH01617: user tje1/);
WebhookRun::expect_log(qr/AH01614: client used wrong authentication scheme/);

my $users = "$ENV{WEBHOOK_STAGE}/t/conf/users";
my $basic = WebhookServer::free_port();
my $restricted = WebhookServer::free_port();
my $tenants = WebhookServer::free_port();
my $environment = WebhookServer::free_port();
my $server = WebhookServer->new(api => '', modules => ['authz_user', 'env'],
    conf => <<"END")->start;
Listen 127.0.0.1:$basic
Listen 127.0.0.1:$restricted
Listen 127.0.0.1:$tenants
Listen 127.0.0.1:$environment
<LocationMatch "^/api/v1/(Agents/)?Webhook">
    AuthType Webhook
    AuthName "hooks of \\"all\\""
    AuthBasicProvider file
    AuthUserFile "$users"
    Require valid-user
</LocationMatch>
<Location "/site">
    AuthType Webhook
    AuthName site
    Require valid-user
</Location>
<Location "/api/v1/Webhook/only.scope">
    Require webhook-scope signal
    AuthzSendForbiddenOnFailure On
</Location>
<VirtualHost 127.0.0.1:$basic>
    <Location "/api">
        AuthType Basic
    </Location>
</VirtualHost>
<VirtualHost 127.0.0.1:$restricted>
    WebhookOnlineRestricted On
</VirtualHost>
<VirtualHost 127.0.0.1:$environment>
    SetEnv TENANT a
    WebhookContext "%{env:TENANT}"
</VirtualHost>
<VirtualHost 127.0.0.1:$tenants>
    WebhookContext "%{HTTP:X-Tenant}"
</VirtualHost>
END

my $ctl = WebhookCtl->new($server);

# Calls with an Authorization header, or none.
sub call {
    my ($authorization, $method, $path, %options) = @_;
    my $port = $options{port} || $server->port;
    my %headers = %{ $options{headers} || {} };

    $headers{Authorization} = $authorization if defined $authorization;
    $headers{'Content-Type'} = 'application/json' if exists $options{body};
    return HTTP::Tiny->new(keep_alive => 0)->request($method,
        "http://127.0.0.1:$port" . path_of() . $path, { headers => \%headers,
            exists $options{body} ? (content => encode_json($options{body}))
                : () });
}

sub status { return call(@_)->{status} }

sub entity { return decode_json($_[0]{content}) }

sub token {
    my ($scopes, @options) = @_;

    return $ctl->json(qw(token create --owner robot --scope), $scopes, @options);
}

my %webhook = (Name => 'auth', Events => ['auth.none'], State => 'Stopped',
    TargetUrl => 'http://127.0.0.1:9009/');
my $password = 'Basic ' . MIME::Base64::encode_base64('tje0:Tje0', '');
my $all = token('signal,manage,read');
my $bearer = "Bearer $all->{Token}";

# -- nobody, passwords -----------------------------------------------------------

{
    my $answer = call(undef, GET => '');
    my $challenges = $answer->{headers}{'www-authenticate'};

    is $answer->{status}, 401, 'nobody: 401';
    is_deeply [sort @$challenges],
        ['Basic realm="hooks of \"all\"", charset="UTF-8"',
         'Bearer realm="hooks of \"all\""', 'SoTicket realm="hooks of \"all\""'],
        '... is told what may be shown';
    is entity($answer)->{ErrorType}, 'AuthenticationException',
        '... in the form of the API';
    is $answer->{headers}{'content-type'}, 'application/json; charset=utf-8',
        '... as JSON';
    like call(undef, GET => '', headers => { Accept => 'text/xml' })->{content},
        qr/<Error>.*<ErrorType>AuthenticationException</s, '... or as XML';
}
is status($password, GET => ''), 200, 'a password';
is status(MIME::Base64::encode_base64('tje0:Tje0', ''), GET => ''), 401,
    'no scheme';
is status('Digest username="tje0"', GET => ''), 401, 'another scheme';
is status('Basic dGplMA==', GET => ''), 401, 'no colon';
is status('Basic !!!', GET => ''), 401, 'no base64';
is status('Basic ' . MIME::Base64::encode_base64("tje0:pw-4711", ''), GET => ''),
    401, 'a wrong password';
is status('Basic ' . MIME::Base64::encode_base64("nobody:x", ''), GET => ''),
    401, 'an unknown user';

# -- tokens ------------------------------------------------------------------------

like $all->{Token}, qr/\A8A:[\w-]{43}\z/, 'a token is made';
is status($bearer, GET => ''), 200, 'a bearer token';
is status("bEARER   $all->{Token}", GET => ''), 200, '... in another spelling';
is status($bearer, POST => '/auth.none/1'), 204, '... signals';
is status("SoTicket $all->{Token}", GET => ''), 401, '... is no ticket';
is status("Bearer $all->{Token}x", GET => ''), 401, 'a longer one is not known';
is status('Bearer ' . lc $all->{Token}, GET => ''), 401, 'nor in small letters';
is status('Bearer', GET => ''), 401, 'nor none';
is status('Bearer a b', GET => ''), 401, 'nor two';
is status('Bearer ' . 'x' x 5000, GET => ''), 401, 'nor a long one';
like call('Bearer none', GET => '')->{headers}{'www-authenticate'}[0],
    qr/^Bearer .*error="invalid_token"/, 'RFC 6750 says how to refuse';
is call($bearer, POST => '', body => \%webhook)->{status}, 200, 'it manages';
is entity(call($bearer, GET => ''))->[0]{RegisteredAssociate}{Name}, 'robot',
    '... in the name of its owner';

my $ticket = token('read', '--ticket');
like $ticket->{Token}, qr/\A7T:/, 'a ticket is made';
is status("$_ $ticket->{Token}", GET => ''), 200, "$_ ticket"
    for qw(SoTicket SOTicket SOTICKET);
is status("Bearer $ticket->{Token}", GET => ''), 401, '... is no bearer token';

# -- scopes --------------------------------------------------------------------------

my %may = (
    signal => { signal => 204, manage => 403, read => 403 },
    manage => { signal => 403, manage => 200, read => 200 },
    read => { signal => 403, manage => 403, read => 200 },
);
for my $scope (sort keys %may) {
    my $of = 'Bearer ' . token($scope)->{Token};

    is status($of, POST => '/auth.none/1'), $may{$scope}{signal},
        "$scope: a signal";
    is status($of, POST => '', body => \%webhook), $may{$scope}{manage},
        "$scope: a change";
    is status($of, GET => ''), $may{$scope}{read}, "$scope: a list";
}
{
    my $signal = 'Bearer ' . token('signal')->{Token};
    my $answer = call($signal, GET => '');

    like $answer->{headers}{'www-authenticate'}, qr/insufficient_scope/,
        'a scope that is missing is named so';
    is status($signal, POST => '/only.scope/1'), 204, 'Require webhook-scope';
    is status("SoTicket $ticket->{Token}", POST => '/only.scope/1'), 403,
        '... refuses other scopes';
    is status($password, POST => '/only.scope/1'), 403,
        '... and who has none';
    is status($password, POST => '/ONLY.Scope/1'), 403, '... in any spelling';
}

# -- an end ----------------------------------------------------------------------------

{
    my $short = token('read', qw(--expires 1s));
    my $of = "Bearer $short->{Token}";

    ok wait_for(sub { status($of, GET => '') == 401 }, 5), 'a token expires';
}
{
    my $revoked = token('read');
    my $of = "Bearer $revoked->{Token}";
    my $begun;

    is status($of, GET => ''), 200, 'a token works';
    $ctl->run(qw(token revoke), $revoked->{Id});
    $begun = Time::HiRes::time();
    # What is asked a second later or more is refused, however late the answers.
    my $late = 0;
    ok wait_for(sub {
        my $asked = Time::HiRes::time();

        return 1 if status($of, GET => '') == 401;
        $late++ if $asked - $begun >= 1;
        return 0;
    }, 20), 'until it is revoked';
    is $late, 0, '... within a second';
}

# -- applications -------------------------------------------------------------------------

my $one = $ctl->json(qw(app create --name one));
my $two = $ctl->json(qw(app create --name two --no-webhook-access));

sub as_app {
    my ($app, $method, $path, %options) = @_;

    return call($password, $method, $path, %options,
        headers => { 'SO-AppToken' => $app->{Secret} });
}

my $of_one = entity(as_app($one, POST => '', body => \%webhook))->{WebhookId};
my $of_all = entity(call($password, POST => '', body => \%webhook))->{WebhookId};

is_deeply [map { $_->{WebhookId} } @{ entity(as_app($one, GET => '')) }],
    [$of_one], 'an application sees its own';
is_deeply entity(as_app($two, GET => '')), [], '... and no other\'s';
for my $method (qw(GET DELETE)) {
    is as_app($two, $method => "/$of_one")->{status}, 404, "$method: 404";
    is as_app($one, $method => "/$of_all")->{status}, 404, '... for either';
}
is as_app($two, PUT => "/$of_one", body => \%webhook)->{status}, 404, 'PUT: 404';
is as_app($two, PATCH => "/$of_one", body => {})->{status}, 404, 'PATCH: 404';
is as_app($two, GET => "/$of_one/LastError")->{status}, 404, 'LastError: 404';
is as_app($one, PATCH => "/$of_one", body => { Name => 'x' })->{status}, 200,
    'it changes its own';
is status($password, GET => "/$of_one"), 200, 'a user without one sees all';
is call($password, GET => '', headers => { 'SO-AppToken' => '' })->{status}, 200,
    'an empty header is none';
is call($password, GET => '', headers => { 'SO-AppToken' => 'x' })->{status},
    401, 'an unknown application is refused';
{
    my $of_app = 'Bearer ' . token('read,manage', '--app', $one->{Id})->{Token};

    is_deeply [map { $_->{WebhookId} } @{ entity(call($of_app, GET => '')) }],
        [$of_one], 'a token can belong to an application';
    is call($of_app, GET => '', headers => { 'SO-AppToken' => $two->{Secret} })
        ->{status}, 401, '... and not claim to be another';
}

is call($password, GET => '', port => $restricted)->{status}, 403,
    'restricted: no application';
is call($password, GET => '', port => $restricted,
    headers => { 'SO-AppToken' => $two->{Secret} })->{status}, 403,
    '... one without access';
is call($password, GET => '', port => $restricted,
    headers => { 'SO-AppToken' => $one->{Secret} })->{status}, 200,
    '... one with access';
like entity(call($password, POST => '/auth.none/1', port => $restricted))
    ->{Message}, qr/registered with access/, '... and it says why';

# -- tenants ----------------------------------------------------------------------------------

sub as_tenant {
    my ($tenant, $authorization, $method, $path, %options) = @_;

    return call($authorization, $method, $path, %options, port => $tenants,
        headers => { defined $tenant ? ('X-Tenant' => $tenant) : () });
}

my $of_a = entity(as_tenant('a', $password, POST => '', body => \%webhook))
    ->{WebhookId};
my $token_a = 'Bearer '
    . $ctl->json(qw(--context a token create --owner x --scope read))
        ->{Token};

is as_tenant('a', $password, GET => "/$of_a")->{status}, 200, 'tenant a';
is as_tenant('b', $password, GET => "/$of_a")->{status}, 404,
    '... is invisible to b';
is status($password, GET => "/$of_a"), 404, '... and to the default one';
is as_tenant('a', $token_a, GET => "/$of_a")->{status}, 200, 'a token of a';
is as_tenant('b', $token_a, GET => '')->{status}, 401, '... is none of b';
is status($token_a, GET => ''), 401, '... nor of the default one';
for ([$token_a, 401], [$bearer, 404]) {
    my ($authorization, $status) = @$_;

    my $answer = HTTP::Tiny->new->get($server->url('/site/x'),
        { headers => { Authorization => $authorization } });

    is $answer->{status}, $status,
        "a token opens other paths of its tenant alone: $status";
}
is call($token_a, GET => "/$of_a", port => $environment)->{status}, 200,
    'a tenant that SetEnv names';
is call($bearer, GET => "/$of_a", port => $environment)->{status}, 401,
    '... whose paths no other token opens';
is as_tenant('a', $password, GET => '')->{status}, 200, 'a has its list';
is as_tenant($_, $password, GET => '')->{status}, 403, 'no tenant: 403'
    for undef, 'x' x 101;

# -- plain Basic, and what the log says ----------------------------------------------------------

{
    my $wrong = 'Basic ' . MIME::Base64::encode_base64('tje1:pw-4711', '');
    my $answer = call($wrong, GET => '', port => $basic);

    is $answer->{status}, 401, 'mod_auth_basic refuses';
    is entity($answer)->{ErrorType}, 'AuthenticationException',
        '... in the form of the API';
    is call($password, GET => '', port => $basic)->{status}, 200,
        '... or accepts';
    is call($bearer, GET => '', port => $basic)->{status}, 401,
        'AuthType Basic takes no tokens';
}
SKIP: {
    skip 'sqlite3 is not installed', 2 if !have_sql();
    WebhookRun::expect_log(qr/WH1101: database: /, qr/WH2041: /);
    sql_write($server, 'ALTER TABLE token RENAME TO hidden');
    my $answer = call("Bearer whi_nobody", GET => '');

    is $answer->{status}, 503, 'where no token can be looked up';
    like $answer->{headers}{'retry-after'}, qr/\A\d+\z/, '... with Retry-After';
    sql_write($server, 'ALTER TABLE hidden RENAME TO token');
}
{
    my $log = $server->error_log;
    my @secrets = map { $_->{Token} || $_->{Secret} } $all, $ticket, $one, $two;

    is scalar(grep { index($log, $_) >= 0 } @secrets), 0,
        'no secret is in the log';
    unlike $log, qr/pw-4711/, '... nor a password';
}
$server->stop;
done_testing;
