# SPDX-License-Identifier: Apache-2.0
package WebhookNpm;

# Packages of npm for tests that use other people's programs.
#
#     my ($folder, $why) = WebhookNpm::install('name@1.2.3');
#     plan skip_all => $why if !$folder;
#
# Packages are installed in the stage, without running their scripts. Versions
# are named in full, so that a new one breaks nothing.

use strict;
use warnings FATAL => 'all';

use Carp qw(croak);

use constant SECONDS => 120;

# What npm says when there is no way to the registry.
my $unreachable = qr/\b(?:E(?:NOTFOUND|AI_AGAIN|CONNREFUSED|CONNRESET|TIMEDOUT
    |HOSTUNREACH|NETUNREACH|SOCKETTIMEDOUT|ADDRNOTAVAIL)|ERR_SOCKET_TIMEOUT
    |UND_ERR_\w+|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+)\b/x;

sub have {
    my ($program) = @_;

    return scalar grep { -x "$_/$program" } split /:/, $ENV{PATH};
}

# The folder that holds node_modules, or nothing and a reason to skip. That a
# package is not there, or is not what it was, is no reason: it dies.
sub install {
    my ($package) = @_;
    (my $name = $package) =~ s/[^\w.]+/-/g;
    my $folder = "$ENV{WEBHOOK_STAGE}/npm-$name";

    for my $program (qw(node npm)) {
        return (undef, "$program is not installed") if !have($program);
    }
    return $folder if -d "$folder/node_modules";
    mkdir $folder or croak "$folder: $!";
    my $status = system "timeout @{[SECONDS]} npm install --ignore-scripts"
        . ' --no-audit --no-fund --no-update-notifier --fetch-retries 1'
        . " --cache '$folder/cache' --prefix '$folder' '$package'"
        . " >'$folder/log' 2>&1 </dev/null";
    return $folder if $status == 0 && -d "$folder/node_modules";
    open my $file, '<', "$folder/log" or croak "$folder/log: $!";
    local $/;
    my $log = <$file>;
    $log = '' if !defined $log;
    return (undef, "the registry of npm cannot be reached ($1)")
        if $log =~ /($unreachable)/;
    return (undef, 'the registry of npm does not answer')
        if $status >> 8 == 124;
    croak "npm install $package failed:\n$log";
}

1;
