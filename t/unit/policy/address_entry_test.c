/* SPDX-License-Identifier: Apache-2.0 */
/* What the operator says of addresses: entries that open and that refuse. */
#include "unit/policy/addresses.h"

/* An own address is opened by an entry of its own; loopback by one that speaks
 * of loopback alone. */
static void test_own_allowed(void)
{
    static const struct {
        const char *network, *address;
        int verdict;
    } rows[] = {{"198.41.0.0/24", "198.41.0.4", OWN},
                {"198.41.0.4/31", "198.41.0.4", OWN},
                {"0.0.0.0/0", "198.41.0.4", OWN},
                {"198.41.0.4", "198.41.0.4", YES},
                {"198.41.0.4/32", "::ffff:198.41.0.4", YES},
                {"::ffff:198.41.0.4", "198.41.0.4", YES},
                {"10.0.0.0/8", "10.0.0.7", OWN},
                {"10.0.0.0/8", "10.0.0.8", YES},
                {"10.0.0.7", "10.0.0.7", YES},
                {"2606:4700::/32", "2606:4700::1111", OWN},
                {"2606:4700::1111", "2606:4700::1111", YES},
                {"64:ff9b::/96", "64:ff9b::198.41.0.4", OWN},
                {"64:ff9b::198.41.0.4", "64:ff9b::198.41.0.4", YES},
                {"127.0.0.0/8", "127.0.0.1", YES},
                {"127.0.0.0/8", "127.200.0.1", YES},
                {"126.0.0.0/7", "127.0.0.1", OWN},
                {"0.0.0.0/0", "127.0.0.1", OWN},
                {"::ffff:0:0/96", "127.0.0.1", OWN},
                {"::ffff:127.0.0.0/104", "127.0.0.1", YES},
                {"::/0", "::1", OWN},
                {"::/127", "::1", OWN},
                {"::1", "::1", YES},
                {"0.0.0.0/0", "0.0.0.0", OWN},
                {"0.0.0.0/8", "0.0.0.0", OWN},
                {"0.0.0.0/8", "0.0.0.1", YES},
                {"0.0.0.0", "0.0.0.0", YES},
                {"::/0", "::", OWN},
                {"127.0.0.0/8", "0.0.0.0", OWN}};
    struct sockaddr_storage own[3];
    int i;

    own[0] = address_of("198.41.0.4");
    own[1] = address_of("10.0.0.7");
    own[2] = address_of("2606:4700::1111");
    for (i = 0; i < COUNT(rows); i++) {
        wh_address_policy_t *policy = create_policy_with(rows[i].network);
        struct sockaddr_storage storage = address_of(rows[i].address);

        is_int(wh_address_judge(policy, (struct sockaddr *)&storage, own, 3),
               rows[i].verdict, "then our own %s", rows[i].address);
    }
}

/* RFC 6052 section 2.4: the prefix is as long as the entry. */
static void test_local_translators(void)
{
    static const struct {
        const char *network, *address;
        int verdict;
    } rows[] = {{"64:ff9b:1::/48", "64:ff9b:1:808:8:800::", YES},
                {"64:ff9b:1::/48", "64:ff9b:1:a00:1:200::", NO},
                {"64:ff9b:1:100::/56", "64:ff9b:1:108:8:808::", YES},
                {"64:ff9b:1:100::/56", "64:ff9b:1:10a:0:102::", NO},
                {"64:ff9b:1:abcd::/64", "64:ff9b:1:abcd:8:808:800::", YES},
                {"64:ff9b:1:abcd::/64", "64:ff9b:1:abcd:a:1:200::", NO},
                {"64:ff9b:1:abcd::/64", "64:ff9b:1:abcd:a:1:208:808", NO},
                {"64:ff9b:1:abcd::/64", "64:ff9b:1:abcd:64:6464:c800:8", META},
                {"64:ff9b:1:abcd::/64", "64:ff9b:1:abcd:64:6464:c900:c8", NO},
                {"64:ff9b:1:abcd::/96", "64:ff9b:1:abcd::8.8.8.8", YES},
                {"64:ff9b:1:abcd::/96", "64:ff9b:1:abcd::10.1.2.3", NO}};
    int i;

    for (i = 0; i < COUNT(rows); i++) {
        wh_address_policy_t *policy = create_policy_with(rows[i].network);

        is_int(judge(policy, rows[i].address), rows[i].verdict, "%s: %s",
               rows[i].network, rows[i].address);
    }
}

static void test_allow(void)
{
    static const struct {
        const char *network, *address;
        int verdict;
    } rows[] = {{"10.1.2.0/24", "10.1.2.0", YES},
                {"10.1.2.0/24", "10.1.2.255", YES},
                {"10.1.2.0/24", "10.1.1.255", NO},
                {"10.1.2.0/24", "10.1.3.0", NO},
                {"10.1.2.0/24", "::ffff:10.1.2.3", YES},
                {"10.1.2.0/24", "::ffff:10.1.3.0", NO},
                {"10.1.2.0/24", "64:ff9b::10.1.2.3", NO},
                {"10.1.2.0/24", "::10.1.2.3", NO},
                {"10.0.0.128/25", "10.0.0.127", NO},
                {"10.0.0.128/25", "10.0.0.128", YES},
                {"172.16.0.0/13", "172.23.255.255", YES},
                {"172.16.0.0/13", "172.24.0.0", NO},
                {"127.0.0.1", "127.0.0.1", YES},
                {"127.0.0.1", "127.0.0.2", OWN},
                {"127.0.0.1", "::1", OWN},
                {"127.0.0.2/31", "127.0.0.3", YES},
                {"127.0.0.2/31", "127.0.0.4", OWN},
                {"::ffff:127.0.0.1", "127.0.0.1", YES},
                {"::ffff:10.0.0.0/104", "10.255.255.255", YES},
                {"::ffff:10.0.0.0/104", "11.0.0.0", YES},
                {"::ffff:10.0.0.0/104", "192.168.0.1", NO},
                {"::ffff:0:0/96", "192.168.0.1", YES},
                {"0.0.0.0/0", "192.168.0.1", YES},
                {"0.0.0.0/0", "::ffff:192.168.0.1", YES},
                {"0.0.0.0/0", "fd00::1", NO},
                {"::/0", "fd00::2", YES},
                {"::/0", "fd00::1", YES},
                {"::/0", "10.0.0.1", NO},
                {"::/0", "::ffff:10.0.0.1", NO},
                {"::1", "::1", YES},
                {"::1/128", "::2", NO},
                {"fd00::/8", "fd00::", YES},
                {"fd00::/8", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", YES},
                {"fd00::/8", "fcff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NO},
                {"fd00::/8", "fe00::", NO},
                {"fd00:1:2:2::/63", "fd00:1:2:3:ffff::1", YES},
                {"fd00:1:2:2::/63", "fd00:1:2:4::", NO},
                /* what holds an IPv4 address is judged by that, too */
                {"::/0", "64:ff9b::10.0.0.1", NO},
                {"::/0", "64:ff9b:1::10.0.0.1", NO},
                {"::/0", "64:ff9b:1::8.8.8.8", YES},
                {"::/0", "::ffff:0:10.0.0.1", NO},
                {"::/0", "::ffff:0:127.0.0.1", OWN},
                {"::/0", "::10.0.0.1", NO},
                {"::/0", "2002:a00:1::1", NO},
                {"::/0", "2002:7f00:1::1", OWN},
                {"::/0", "2002:a9fe:a9fe::", META},
                {"::/0", "2002:808:808::1", YES},
                {"2002::/16", "2002:a00:1::1", NO},
                {"2001::/32", "2001:0:808:808::f5ff:fffe", NO},
                {"2001::/32", "2001:0:808:808::80ff:fffe", OWN},
                {"2001::/32", "2001:0:808:808::f7f7:f7f7", YES},
                {"fe80::/10", "fe80::5efe:10.0.0.1", NO},
                {"fe80::/10", "fe80::200:5efe:8.8.8.8", YES},
                {"10.0.0.0/8", "8.8.8.8", YES}};
    int i;

    for (i = 0; i < COUNT(rows); i++) {
        wh_address_policy_t *policy = create_policy_with(rows[i].network);

        is_int(judge(policy, rows[i].address), rows[i].verdict, "then %s",
               rows[i].address);
    }
}

static void test_allow_several(void)
{
    wh_address_policy_t *policy = create_policy_with("127.0.0.0/8");
    wh_address_policy_t *other = create_policy();
    int i;

    for (i = 0; i < 50; i++) {
        wh_address_policy_allow(policy, apr_psprintf(pool, "10.0.%d.0/24", i));
    }
    is_int(judge(policy, "127.0.0.1"), YES, "the first of 51 entries");
    is_int(judge(policy, "10.0.49.1"), YES, "the last of 51 entries");
    is_int(judge(policy, "10.0.50.1"), NO, "none of 51 entries");
    is_int(judge(other, "127.0.0.1"), OWN, "another policy knows of none");
}

static const char *const bad_networks[] = {
    "",
    " ",
    "/",
    "/8",
    "10",
    "10.0.0",
    "10.0.0.0.0",
    "10.0.0.256",
    "10.0.0.0/",
    "10.0.0.0/33",
    "10.0.0.0/-1",
    "10.0.0.0/+8",
    "10.0.0.0/ 8",
    "10.0.0.0/8 ",
    " 10.0.0.0/8",
    "10.0.0.0/8/8",
    "10.0.0.0/8x",
    "10.0.0.0/255.0.0.0",
    "10.0.0.0/0008",
    "10.0.0.0/4294967304",
    "10.0.0.1/8",
    "10.1.0.0/15",
    "128.0.0.0/0",
    "10.0.0.1/31",
    "010.0.0.1/32",
    "0x0a.0.0.1",
    "167772161",
    "localhost",
    "example.com",
    "*",
    "all",
    "::1/129",
    "::1/127",
    "::1/0",
    ":::",
    "fd00::1/8",
    "fd00:1:2:3::/63",
    "fe80::1%1",
    "fe80::1%eth0",
    "[::1]",
    "::1/",
    "::ffff:10.0.0.1/104",
    "::ffff:0:0/95",
    "::ffff:0:0/0",
    "1:2:3:4:5:6:7",
    "12345::",
    "fd00::/8,fc00::/8",
    "127.0.0.1:",
    "127.0.0.1:0",
    "127.0.0.1:65536",
    "127.0.0.1:-1",
    "127.0.0.1:http",
    "127.0.0.1: 80",
    "127.0.0.1:80:80",
    "127.0.0.0/8:80",
    "127.0.0.1:80/8",
    "localhost:80",
    ":80",
    "[]:80",
    "[:80",
    "]:80",
    "[::1",
    "[::1]:",
    "[::1]:0",
    "[::1]80",
    "[::1]:80/8",
    "[::1/128]:80",
    "[127.0.0.1]:80",
    "[[::1]]:80",
    "0000:0000:0000:0000:0000:ffff:255.255.255.2555",
    "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/8"};

static void test_bad_networks(void)
{
    wh_address_policy_t *policy = create_policy();
    int i;

    for (i = 0; i < COUNT(bad_networks); i++) {
        is_int(wh_address_policy_allow(policy, bad_networks[i]), APR_EINVAL,
               "no network: \"%s\"", bad_networks[i]);
    }
    is_int(judge(policy, "10.0.0.1"), NO, "and none of them opens anything");
    is_int(judge(policy, "::1"), OWN, "nor here");
}

/* Hosts that give away credentials: only their own entry opens them. */
static void test_guarded(void)
{
    static const struct {
        const char *host;
        const char *exact;
        const char *neighbour;
        const char *broad[4];
    } rows[] = {{"169.254.169.254",
                 "169.254.169.254/32",
                 "169.254.169.255",
                 {"169.254.0.0/16", "169.254.169.254/31", "0.0.0.0/0", NULL}},
                {"169.254.170.2",
                 "169.254.170.2/32",
                 "169.254.170.3",
                 {"169.254.0.0/16", "169.254.170.2/31", "0.0.0.0/0", NULL}},
                {"169.254.170.23",
                 "169.254.170.23/32",
                 "169.254.170.22",
                 {"169.254.0.0/16", "169.254.170.22/31", "0.0.0.0/0", NULL}},
                {"168.63.129.16",
                 "168.63.129.16/32",
                 "168.63.129.17",
                 {"168.63.129.0/24", "168.63.129.16/31", "0.0.0.0/0", NULL}},
                {"100.100.100.200",
                 "100.100.100.200/32",
                 "100.100.100.201",
                 {"100.64.0.0/10", "100.100.100.200/31", "0.0.0.0/0", NULL}},
                {"192.0.0.192",
                 "192.0.0.192/32",
                 "192.0.0.193",
                 {"192.0.0.0/24", "192.0.0.192/31", "0.0.0.0/0", NULL}},
                {"fd00:ec2::254",
                 "fd00:ec2::254/128",
                 "fd00:ec2::255",
                 {"fd00::/8", "fd00:ec2::254/127", "::/0", NULL}},
                {"fd00:ec2::23",
                 "fd00:ec2::23/128",
                 "fd00:ec2::22",
                 {"fd00::/8", "fd00:ec2::22/127", "::/0", NULL}},
                {"fd20:ce::254",
                 "fd20:ce::254/128",
                 "fd20:ce::255",
                 {"fd00::/8", "fd20:ce::254/127", "::/0", NULL}}};
    int i, k;

    for (i = 0; i < COUNT(rows); i++) {
        wh_address_policy_t *policy = create_policy();

        is_int(judge(policy, rows[i].host), META, "%s is closed", rows[i].host);
        for (k = 0; rows[i].broad[k]; k++) {
            policy = create_policy_with(rows[i].broad[k]);
            is_int(judge(policy, rows[i].host), META, "%s does not open %s",
                   rows[i].broad[k], rows[i].host);
            is_int(judge(policy, rows[i].neighbour), YES, "but opens %s",
                   rows[i].neighbour);
        }
        is_int(wh_address_policy_allow(policy, rows[i].exact), APR_SUCCESS,
               "allow %s as well", rows[i].exact);
        is_int(judge(policy, rows[i].host), YES, "now %s is open",
               rows[i].host);
        policy = create_policy_with(rows[i].host);
        is_int(judge(policy, rows[i].host), YES, "%s opens itself",
               rows[i].host);
    }
}

static void test_guarded_spellings(void)
{
    wh_address_policy_t *policy = create_policy_with("169.254.0.0/16");

    is_int(judge(policy, "::ffff:169.254.169.254"), META,
           "mapped form of a guarded host");
    wh_address_policy_allow(policy, "::ffff:169.254.0.0/112");
    wh_address_policy_allow(policy, "::/0");
    is_int(judge(policy, "::ffff:169.254.169.254"), META,
           "mapped form with a mapped network");
    is_int(judge(policy, "64:ff9b::169.254.169.254"), META,
           "translated form of a guarded host");
    wh_address_policy_allow(policy, "::ffff:169.254.169.254/128");
    is_int(judge(policy, "169.254.169.254"), YES,
           "the mapped entry is an entry of exactly that host");
    is_int(judge(policy, "::ffff:169.254.169.254"), YES, "in either form");
}

/* Whoever allows the translator's prefix opens public IPv4 and no more. */
static void test_nat64(void)
{
    wh_address_policy_t *policy = create_policy_with("64:ff9b::/96");
    struct sockaddr_storage own = address_of("198.41.0.4");
    struct sockaddr_storage target = address_of("64:ff9b::198.41.0.4");

    is_int(judge(policy, "64:ff9b::8.8.8.8"), YES, "public behind NAT64");
    is_int(judge(policy, "64:ff9b::127.0.0.1"), OWN, "loopback behind it");
    is_int(judge(policy, "64:ff9b::10.0.0.1"), NO, "private behind it");
    is_int(judge(policy, "64:ff9b::168.63.129.16"), META, "guarded behind it");
    is_int(judge(policy, "64:ff9b:1::8.8.8.8"), NO, "another prefix");
    is_int(wh_address_judge(policy, (struct sockaddr *)&target, &own, 1), OWN,
           "own address behind it");
    wh_address_policy_allow(policy, "10.0.0.0/8");
    is_int(judge(policy, "64:ff9b::10.0.0.1"), YES,
           "private behind it, allowed as IPv4");
    policy = create_policy_with("64:ff9b::127.0.0.1");
    is_int(judge(policy, "64:ff9b::127.0.0.1"), YES, "an entry of its own");
    is_int(judge(policy, "127.0.0.1"), OWN, "is no entry for IPv4");
}

/* Refused is refused, whatever else is said. */
static void test_deny(void)
{
    static const struct {
        const char *denied, *allowed, *address;
        int verdict;
    } rows[] = {
        {"8.8.0.0/16", NULL, "8.8.0.0", DENIED},
        {"8.8.0.0/16", NULL, "8.8.255.255", DENIED},
        {"8.8.0.0/16", NULL, "8.7.255.255", YES},
        {"8.8.0.0/16", NULL, "8.9.0.0", YES},
        {"8.8.0.0/16", NULL, "::ffff:8.8.8.8", DENIED},
        {"8.8.0.0/16", "8.8.8.8", "8.8.8.8", DENIED},
        {"8.8.0.0/16", "8.8.8.8:443", "8.8.8.8", DENIED},
        {"8.8.8.8", "0.0.0.0/0", "8.8.8.8", DENIED},
        {"8.8.8.8", NULL, "8.8.8.9", YES},
        {"10.1.0.0/16", "10.0.0.0/8", "10.1.2.3", DENIED},
        {"10.1.0.0/16", "10.0.0.0/8", "10.2.0.0", YES},
        {"10.1.0.0/16", NULL, "10.2.0.0", NO},
        {"127.0.0.2", "127.0.0.0/8", "127.0.0.2", DENIED},
        {"127.0.0.2", "127.0.0.0/8", "127.0.0.1", YES},
        {"169.254.169.254", "169.254.169.254", "169.254.169.254", DENIED},
        {"2606:4700::/32", NULL, "2606:4700::1", DENIED},
        {"2606:4700::/32", NULL, "2606:4701::1", YES},
        {"::/0", NULL, "2606:4701::1", DENIED},
        {"::/0", NULL, "8.8.8.8", YES},
        {"0.0.0.0/0", NULL, "8.8.8.8", DENIED},
        {"0.0.0.0/0", NULL, "2606:4701::1", YES},
        {"8.8.8.0/24", "64:ff9b::/96", "64:ff9b::8.8.8.8", DENIED},
        {"8.8.8.0/24", "64:ff9b::/96", "64:ff9b::8.8.9.8", YES},
        {"8.8.8.0/24", "64:ff9b::8.8.8.8", "64:ff9b::8.8.8.8", DENIED}};
    int i;

    for (i = 0; i < COUNT(rows); i++) {
        wh_address_policy_t *policy = create_policy();

        is_int(wh_address_policy_deny(policy, rows[i].denied), APR_SUCCESS,
               "deny %s", rows[i].denied);
        if (rows[i].allowed) {
            is_int(wh_address_policy_allow(policy, rows[i].allowed),
                   APR_SUCCESS, "allow %s", rows[i].allowed);
        }
        is_int(judge(policy, rows[i].address), rows[i].verdict, "then %s",
               rows[i].address);
    }
    is_int(wh_address_policy_deny(create_policy(), "127.0.0.1:80"), APR_EINVAL,
           "no port is denied");
    is_int(wh_address_policy_deny(create_policy(), "10.0.0.1/8"), APR_EINVAL,
           "bits behind the mask");
}

/* One host and one port: louder than all rules but WebhookDenyNetwork. */
static void test_allow_port(void)
{
    static const struct {
        const char *entry, *address;
        int port, verdict;
    } rows[] = {{"127.0.0.1:8080", "127.0.0.1", 8080, YES},
                {"127.0.0.1:8080", "::ffff:127.0.0.1", 8080, YES},
                {"127.0.0.1:8080", "127.0.0.1", 8081, OWN},
                {"127.0.0.1:8080", "127.0.0.2", 8080, OWN},
                {"127.0.0.1:25", "127.0.0.1", 25, YES},
                {"127.0.0.1:1", "127.0.0.1", 1, YES},
                {"127.0.0.1:65535", "127.0.0.1", 65535, YES},
                {"8.8.8.8:25", "8.8.8.8", 25, YES},
                {"8.8.8.8:25", "8.8.8.8", 26, WH_ADDRESS_PORT},
                {"8.8.8.8:25", "8.8.8.8", 443, YES},
                {"[::1]:6000", "::1", 6000, YES},
                {"[::1]:6000", "::1", 6001, OWN},
                {"[::ffff:127.0.0.1]:81", "127.0.0.1", 81, YES},
                {"[fd00:ec2::254]:80", "fd00:ec2::254", 80, YES},
                {"[fd00:ec2::254]:80", "fd00:ec2::254", 443, META}};
    int i;

    for (i = 0; i < COUNT(rows); i++) {
        wh_address_policy_t *policy = create_policy_with(rows[i].entry);

        is_int(judge_port(policy, rows[i].address, rows[i].port),
               rows[i].verdict, "then %s port %d", rows[i].address,
               rows[i].port);
    }
}

/* Our own httpd is not called, unless the entry says so with the port. */
static void test_listeners(void)
{
    wh_address_policy_t *policy = create_policy_with("127.0.0.1");
    struct sockaddr_storage own = address_of("198.41.0.4");
    struct sockaddr_storage nat64 = address_of("64:ff9b::198.41.0.4");

    wh_address_policy_allow(policy, "::1");
    wh_address_policy_allow(policy, "198.41.0.4");
    wh_address_policy_listen(policy, 8080);
    wh_address_policy_listen(policy, 443);
    is_int(judge_port(policy, "127.0.0.1", 8080), WH_ADDRESS_LISTENER,
           "a port of ours");
    is_int(judge_port(policy, "127.0.0.1", 443), WH_ADDRESS_LISTENER,
           "another one");
    is_int(judge_port(policy, "::1", 8080), WH_ADDRESS_LISTENER, "over IPv6");
    is_int(judge_port(policy, "127.0.0.1", 8081), YES, "a port of others");
    is_int(judge_port(policy, "8.8.8.8", 8080), YES, "another machine");
    is_int(wh_address_judge(policy, (struct sockaddr *)&own, &own, 1),
           WH_ADDRESS_LISTENER, "at an own address");
    wh_address_policy_allow(policy, "64:ff9b::198.41.0.4");
    is_int(wh_address_judge(policy, (struct sockaddr *)&nat64, &own, 1),
           WH_ADDRESS_LISTENER, "at an own address behind NAT64");
    wh_address_policy_allow(policy, "127.0.0.1:8080");
    is_int(judge_port(policy, "127.0.0.1", 8080), YES,
           "an entry with the port");
}

int main(void)
{
    apr_initialize();
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return 1;
    }
    test_own_allowed();
    test_allow();
    test_local_translators();
    test_allow_several();
    test_bad_networks();
    test_guarded();
    test_guarded_spellings();
    test_nat64();
    test_deny();
    test_allow_port();
    test_listeners();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
