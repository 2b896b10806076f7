# SPDX-License-Identifier: Apache-2.0
package WebhookBypass;

# Spellings of addresses that must not be called, as URLs: hundreds, generated
# from the classes of addresses and the ways to write them.
#
#     my @urls = WebhookBypass::urls();

use strict;
use warnings FATAL => 'all';
use utf8;

use constant WHOLE => qw(0.0.0.0 10.0.0.1 127.0.0.1 169.254.169.254
    198.41.0.4);

# One or two addresses of each class; the last one is this machine's own.
sub ipv4 {
    return qw(0.0.0.0 0.0.0.1 10.0.0.1 100.64.0.1 100.100.100.200 127.0.0.1
        127.255.255.254 168.63.129.16 169.254.169.254 169.254.170.2 172.16.0.1
        172.31.255.254 192.0.0.192 192.0.2.7 192.88.99.1 192.168.0.1
        198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1
        255.255.255.255 198.41.0.4);
}

sub ipv6 {
    return qw(:: ::1 ::2 100::1 100:0:0:1::1 64:ff9b::808:808
        64:ff9b:1::808:808 1fff:ffff::1 2001::1 2001:0:808:808::f7f7:f7f7
        2001:2::1 2001:10::1 2001:20::1 2001:30::1 2001:1ff::1 2001:db8::1
        2002:808:808::1 3fff::1 3fff:fff::1 4000::1 5f00::1 8000::1 fc00::1
        fd00::1 fd00:ec2::254 fd20:ce::254 fe80::1 fe80::a9fe:a9fe fec0::1
        ff02::1 ff0e::1 2606:4700::5efe:7f00:1);
}

# The ways to write an IPv4 address.
sub spellings {
    my ($address) = @_;
    my @n = split /\./, $address;
    my $number = ($n[0] << 24) + ($n[1] << 16) + ($n[2] << 8) + $n[3];
    my $hex = sprintf '%x:%x', $number >> 16, $number & 0xffff;

    return ($address, "$address.", "$address..", $number, "$number.",
        sprintf('0%o', $number), sprintf('0x%x', $number),
        sprintf('0X%08X', $number), sprintf('0x%016x', $number),
        sprintf('0x%x.', $number), $number + 2**32,
        join('.', map { sprintf '0%o', $_ } @n),
        join('.', map { sprintf '0%04o', $_ } @n),
        join('.', map { sprintf '0x%x', $_ } @n),
        join('.', map { sprintf '0x%04X', $_ } @n),
        sprintf('0x%x.%d.0%o.%d', @n),
        # Where it means the same address in octal too.
        (grep { $_ > 7 && $_ < 100 } @n) ? ()
            : sprintf('%03d.%03d.%03d.%03d', @n),
        sprintf('%d.%d', $n[0], $number & 0xffffff),
        sprintf('0x%x.0%o', $n[0], $number & 0xffffff),
        sprintf('%d.%d.%d', @n[0, 1], $number & 0xffff),
        sprintf('%d.%d.%d.', @n[0, 1], $number & 0xffff),
        join('.', map { $_ + 256 } @n),
        "[::ffff:$address]", "[::FFFF:$hex]", "[0:0:0:0:0:ffff:$address]",
        "[0000:0000:0000:0000:0000:ffff:$hex]", "[::$address]", "[::$hex]",
        "[::ffff:0:$address]", "[64:ff9b::$address]", "[64:ff9b:1::$address]",
        "[2002:$hex\::1]", "[2002:$hex\::$hex]", "[fe80::5efe:$address]",
        "[2606:4700::200:5efe:$address]", "[2606:4700::5efe:$hex]",
        sprintf('[2001:0:808:808::%x:%x]', ~$number >> 16 & 0xffff,
            ~$number & 0xffff));
}

# Letters that some resolver or other takes for digits and dots.
sub disguises {
    my ($address) = @_;
    my @dots = ("\x{3002}", "\x{ff0e}", "\x{ff61}");
    my ($wide, $circled, $bold, $mixed, $superscript) = ($address) x 5;

    $wide =~ tr/0-9./\x{ff10}-\x{ff19}\x{ff0e}/;
    $circled =~ tr/0-9/\x{24ea}\x{2460}-\x{2468}/;
    $bold =~ tr/0-9/\x{1d7ce}-\x{1d7d7}/;
    $mixed =~ tr/1/\x{ff11}/;
    $superscript =~ tr/0123456789/\x{2070}\x{b9}\x{b2}\x{b3}\x{2074}-\x{2079}/;
    return ($wide, $circled, $bold, $mixed, $superscript,
        map { my $dot = $_; (my $text = $address) =~ s/[.]/$dot/g; $text } @dots);
}

sub percent_encoded {
    my ($text, $every) = @_;

    utf8::encode($text);
    $text =~ s/([^A-Za-z0-9.-])/sprintf '%%%02x', ord $1/ge if !$every;
    $text =~ s/(.)/sprintf '%%%02X', ord $1/gse if $every;
    return $text;
}

# A host and things around it that some parser reads in another way.
sub tricks {
    my ($host, $public) = @_;

    return ("http://$public\@$host/", "http://$public:80\@$host/",
        "http://user:pass\@$host/", "http://\@$host/", "http://:\@$host/",
        "http://$host\\\@$public/", "http://$public\\\@$host/",
        "http://$host%2f\@$public/", "http://$public%40$host/",
        "http://$public%2f\@$host/", "http://$host#\@$public/",
        "http://$host?\@$public/", "http://$host;\@$public/",
        "http://$host&\@$public/", "http://$host,$public/",
        "http://$host%00.$public/", "http://$host%0d%0aHost:$public/",
        "http://$host%20/", "http://$host%09/", "http://$host%23.$public/",
        "http://$host%3f.$public/", "http:\\\\$host/", "http:/$host/",
        "http:$host/", "http:///$host/", "http:////$host/", "http:/\\$host/",
        "//$host/", "\\\\$host\\x", $host, "$host:80", "$host/x",
        " http://$host/", "http://$host/ ", "\thttp://$host/",
        "http:// $host/", "ht\ttp://$host/", "http://\n$host/",
        "http://$host\t/", "http://$host:80 /", "http://$host\r\nX: y/",
        "HTTP://$host/", "hTTp://$host/", "url:http://$host/",
        "http://$host:/", "http://$host:0/", "http://$host:080/",
        "http://$host:00000000080/", "http://$host:65616/",
        "http://$host:-80/", "http://$host:8080/", "http://$host:80\@$public/",
        "http://$host:22/", "http://$host:6379/", "https://$host:80/",
        "https://$host/", "http://$host/../../x", "http://$host?x",
        "http://$host#x", "http://[$host]/", "http://$host%25lo/");
}

sub schemes {
    my ($host) = @_;

    return ("file:///etc/passwd", "file://$host/etc/passwd",
        map { "$_://$host/" } qw(ftp ftps gopher dict telnet ldap ldaps smb
            smbs scp sftp tftp rtsp rtmp rtmpt smtp smtps pop3 imap mqtt ws wss
            javascript data jar netdoc unix));
}

sub ipv6_urls {
    my ($address) = @_;
    my @groups = map { sprintf '%04x', $_ } unpack 'n8',
        Socket::inet_pton(Socket::AF_INET6(), $address);

    return ("http://[$address]/", 'http://[' . uc(join ':', @groups) . ']/',
        "http://[$address]:8080/", "http://[$address%25lo]/",
        "http://[$address%lo]/", "http://[$address%251]/",
        "http://six-" . join('', @groups) . '.test/');
}

# Hosts whose names mean such an address.
sub names {
    return (qw(localhost LOCALHOST localhost. ip6-localhost loop.test
        metadata.test both-7f000001-0a000001.test),
        map { (my $name = $_) =~ tr/./-/; "a-$name.test" } ipv4());
}

sub urls {
    my $public = 'public.test';
    my @urls;

    my $turn = 0;
    for my $address (ipv4()) {
        # All ways for some, every third in turn for the others.
        my @ways = spellings($address);

        @ways = @ways[grep { $_ % 3 == $turn % 3 } 0 .. $#ways]
            if !grep { $_ eq $address } WHOLE;
        $turn++;
        push @urls, map { "http://$_/" } @ways;
        push @urls, "http://" . percent_encoded($address, 1) . '/';
    }
    push @urls, map { ipv6_urls($_) } ipv6();
    # What an address is dressed up in.
    for my $address (qw(127.0.0.1 169.254.169.254 198.41.0.4)) {
        for my $text (disguises($address)) {
            push @urls, "http://$text/", 'http://' . percent_encoded($text) . '/';
        }
        push @urls, tricks($address, $public), "http://$address:8080/";
    }
    push @urls, tricks('[::1]', $public), schemes('127.0.0.1');
    push @urls, map { ("http://$_/", "http://$_:8080/") } names();
    my %seen;
    return grep { !$seen{$_}++ } @urls;
}

1;
