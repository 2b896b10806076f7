# SPDX-License-Identifier: Apache-2.0
# A user that a session lets in, as a browser would have him: requests that
# another site's page could make it send are refused.
use strict;
use warnings FATAL => 'all';

use JSON::PP qw(decode_json encode_json);
use Test::More;
use WebhookApi qw(path_of);
use WebhookServer ();

my $users = "$ENV{WEBHOOK_STAGE}/t/conf/users";
my $server = WebhookServer->new(api => '',
    modules => [qw(auth_form session session_cookie request authz_user)],
    conf => <<"END")->start;
<Location "/">
    AuthType Form
    AuthName "site"
    AuthFormProvider file
    AuthUserFile "$users"
    AuthFormFakeBasicAuth On
    Session On
    SessionCookieName session path=/
    Require valid-user
</Location>
<Location "/login">
    SetHandler form-login-handler
    AuthFormLoginRequiredLocation /login
    AuthFormLoginSuccessLocation /
    AuthType None
    Require all granted
</Location>
<Location "/elsewhere">
    SetHandler webhook
</Location>
END
my %webhook = (Name => 'forgery', Events => ['forgery.none'],
    State => 'Stopped', TargetUrl => 'http://127.0.0.1:9009/');

sub call {
    my ($method, $path, $headers, $body) = @_;

    $headers->{'Content-Type'} = 'application/json' if $body;
    return HTTP::Tiny->new(keep_alive => 0, max_redirect => 0)->request(
        $method, $server->url($path), { headers => $headers,
            $body ? (content => $body) : () });
}

# Cookies that an answer sets, by name.
sub cookies {
    my ($answer) = @_;
    my $set = $answer->{headers}{'set-cookie'};
    my %cookies;

    for my $cookie (ref $set ? @$set : defined $set ? $set : ()) {
        $cookies{$1} = $2 if $cookie =~ /\A([^=]+)=([^;]*)/;
    }
    return \%cookies;
}

sub log_in {
    my ($user, $password) = @_;
    my $answer = HTTP::Tiny->new(keep_alive => 0, max_redirect => 0)->request(
        POST => $server->url('/login'), {
            headers => { 'Content-Type' => 'application/x-www-form-urlencoded' },
            content => "httpd_username=$user&httpd_password=$password" });

    return cookies($answer)->{session} || BAIL_OUT('no session');
}

# One that has a session and looks at the list has the cookie.
sub visitor {
    my ($user, $password) = @_;
    my $session = log_in($user, $password);
    my $answer = call(GET => path_of(), { Cookie => "session=$session" });

    is $answer->{status}, 200, "$user has a session";
    return { session => $session, answer => $answer,
        token => cookies($answer)->{'XSRF-TOKEN'} };
}

sub signal {
    my ($visitor, %headers) = @_;
    my $token = exists $headers{cookie} ? delete $headers{cookie}
        : $visitor->{token};

    return call(POST => path_of('forgery.none', 1), {
        Cookie => "session=$visitor->{session}"
            . (defined $token ? "; XSRF-TOKEN=$token" : ''),
        %headers })->{status};
}

my $one = visitor('tje0', 'Tje0');
my $other = visitor('tje1', 'Tje1');

ok $one->{token}, 'the first look gives a token';
like $one->{answer}{headers}{'set-cookie'}
    && join(' ', ref $one->{answer}{headers}{'set-cookie'}
        ? @{ $one->{answer}{headers}{'set-cookie'} }
        : $one->{answer}{headers}{'set-cookie'}),
    qr/XSRF-TOKEN=[^ ]*;path=\/;SameSite=Strict/, '... for this site alone';
ok !cookies(call(GET => path_of(), { Cookie =>
    "session=$one->{session}; XSRF-TOKEN=$one->{token}" }))->{'XSRF-TOKEN'},
    'the second look keeps it';

is signal($one), 401, 'the cookie alone is not enough';
is signal($one, 'X-XSRF-TOKEN' => $one->{token}), 204, 'the header with it is';
is signal($one, 'X-XSRF-TOKEN' => "$one->{token}x"), 401, 'another value is not';
is signal($one, 'X-XSRF-TOKEN' => $one->{token}, cookie => undef), 401,
    'nor the header alone';
is signal($one, 'X-XSRF-TOKEN' => 'a', cookie => 'a'), 401,
    'nor what the server never gave';
is signal($one, 'X-XSRF-TOKEN' => $other->{token}, cookie => $other->{token}),
    401, 'nor what it gave to another user';
is signal($one, 'X-XSRF-TOKEN' => ''), 401, 'nor nothing';

my @changes = (
    [POST => path_of(), encode_json(\%webhook)],
    [POST => path_of('Test'), encode_json(\%webhook)],
    [PUT => path_of(1), encode_json(\%webhook)],
    [PATCH => path_of(1), '{}'],
    [DELETE => path_of(1)],
    [POST => '/api/v1/Agents/Webhook/GetAllWebhooks', '{}'],
    [POST => '/api/v1/Agents/Webhook/SaveWebhook', encode_json(\%webhook)],
);
for my $change (@changes) {
    my ($method, $path, $body) = @$change;
    my %cookie = (Cookie =>
        "session=$one->{session}; XSRF-TOKEN=$one->{token}");
    my $answer = call($method, $path, { %cookie }, $body);

    is $answer->{status}, 401, "$method $path needs the token";
    like decode_json($answer->{content})->{Message}, qr/X-XSRF-TOKEN/,
        '... and says so';
    isnt call($method, $path, { %cookie, 'X-XSRF-TOKEN' => $one->{token} },
        $body)->{status}, 401, '... with it, it does not';
}

# The document of the API names the header where it is needed.
{
    my %cookie = (Cookie =>
        "session=$one->{session}; XSRF-TOKEN=$one->{token}");
    my $paths = decode_json(call(GET => path_of('openapi.json'), { %cookie })
        ->{content})->{paths};
    my $count = 0;

    for my $path (sort keys %$paths) {
        for my $method (sort keys %{ $paths->{$path} }) {
            my $named = grep { ($_->{'$ref'} // '') =~ /X-XSRF-TOKEN/ }
                @{ $paths->{$path}{$method}{parameters} };
            my $real = $path =~ s/\{\w+\}/1/gr;
            my $answer = call(uc $method, "/api/v1$real", { %cookie });

            is $answer->{status} == 401 ? 1 : 0, $named,
                uc $method . " $path: X-XSRF-TOKEN as described";
            $count++;
        }
    }
    cmp_ok $count, '>', 15, 'all operations';
}

# The module that looks for the user has put a password into the request by
# then, which is not the client's.
{
    my $path = '/elsewhere/Webhook/forgery.none/1';
    my %cookie = (Cookie =>
        "session=$one->{session}; XSRF-TOKEN=$one->{token}");

    is call(POST => $path, { %cookie })->{status}, 401,
        'with SetHandler the token is needed too';
    is call(POST => $path, { %cookie, 'X-XSRF-TOKEN' => $one->{token} })
        ->{status}, 204, '... and enough';
}

# -- other sites ---------------------------------------------------------------------

my $here = $server->url;
my %known = ('X-XSRF-TOKEN' => $one->{token});

is signal($one, %known, Origin => $here), 204, 'our own page';
is signal($one, %known, 'Sec-Fetch-Site' => $_), 204, "Sec-Fetch-Site: $_"
    for qw(same-origin none);
is signal($one, %known, 'Sec-Fetch-Site' => 'cross-site'), 403,
    'a page that is not ours';
is signal($one, %known, Origin => $_), 403, "Origin: $_"
    for 'null', 'https://evil.example', 'http://127.0.0.1', 'http://127.0.0.1:1',
    "$here.evil.example", 'http://127.0.0.10:' . $server->port, 'x', '';
{
    my %basic = (Authorization =>
        'Basic ' . MIME::Base64::encode_base64('tje0:Tje0', ''));

    is call(POST => path_of('forgery.none', 1), {
        Cookie => "session=$one->{session}", %basic })->{status}, 204,
        'who shows a password needs no token';
    is call(POST => path_of('forgery.none', 1), {
        Cookie => "session=$one->{session}", %basic,
        Origin => 'https://evil.example' })->{status}, 403,
        '... but is not sent by another site either';
    is call(GET => path_of(), { Cookie => "session=$one->{session}",
        Origin => 'https://evil.example' })->{status}, 200,
        'a look changes nothing';
}
$server->stop;
done_testing;
