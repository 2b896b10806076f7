/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict on addresses and ports. */
#include <apr_general.h>
#include <apr_strings.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "policy/address.h"
#include "unit/tap.h"

#define COUNT(rows) (int)(sizeof(rows) / sizeof((rows)[0]))

#define YES WH_ADDRESS_ALLOWED
#define NO WH_ADDRESS_SPECIAL
#define OWN WH_ADDRESS_OWN
#define META WH_ADDRESS_METADATA
#define DENIED WH_ADDRESS_DENIED

static apr_pool_t *pool;

/* Ends the program: a table of this file is misspelt or memory is out. */
static void bail_out(const char *what)
{
    printf("Bail out! %s\n", what);
    exit(1);
}

static struct sockaddr_storage address_of(const char *text)
{
    struct sockaddr_storage storage;
    struct sockaddr_in *in = (struct sockaddr_in *)&storage;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&storage;

    memset(&storage, 0, sizeof(storage));
    if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
        storage.ss_family = AF_INET;
        in->sin_port = htons(443);
    }
    else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
        storage.ss_family = AF_INET6;
        in6->sin6_port = htons(443);
    }
    else {
        bail_out(text);
    }
    return storage;
}

static wh_address_verdict_t judge_port(const wh_address_policy_t *policy,
                                       const char *text, int port)
{
    struct sockaddr_storage storage = address_of(text);

    if (storage.ss_family == AF_INET) {
        ((struct sockaddr_in *)&storage)->sin_port =
            htons((unsigned short)port);
    }
    else {
        ((struct sockaddr_in6 *)&storage)->sin6_port =
            htons((unsigned short)port);
    }
    return wh_address_judge(policy, (struct sockaddr *)&storage, NULL, 0);
}

static wh_address_verdict_t judge(const wh_address_policy_t *policy,
                                  const char *text)
{
    return judge_port(policy, text, 443);
}

static wh_address_policy_t *create_policy(void)
{
    wh_address_policy_t *policy = NULL;

    if (wh_address_policy_create(&policy, pool) != APR_SUCCESS) {
        bail_out("wh_address_policy_create");
    }
    return policy;
}

static wh_address_policy_t *create_policy_with(const char *network)
{
    wh_address_policy_t *policy = create_policy();

    is_int(wh_address_policy_allow(policy, network), APR_SUCCESS, "allow %s",
           network);
    return policy;
}

/* First and last address of a range that is refused; the addresses one before
 * and one after, NULL where there is none, with their own verdicts. */
typedef struct range_row_t {
    const char *first, *last, *before;
    int before_verdict;
    const char *after;
    int after_verdict;
} range_row_t;

static const range_row_t v4_ranges[] = {
    {"0.0.0.0", "0.255.255.255", NULL, 0, "1.0.0.0", YES},
    {"10.0.0.0", "10.255.255.255", "9.255.255.255", YES, "11.0.0.0", YES},
    {"100.64.0.0", "100.127.255.255", "100.63.255.255", YES, "100.128.0.0",
     YES},
    {"127.0.0.0", "127.255.255.255", "126.255.255.255", YES, "128.0.0.0", YES},
    {"168.63.129.16", "168.63.129.16", "168.63.129.15", YES, "168.63.129.17",
     YES},
    {"169.254.0.0", "169.254.255.255", "169.253.255.255", YES, "169.255.0.0",
     YES},
    {"172.16.0.0", "172.31.255.255", "172.15.255.255", YES, "172.32.0.0", YES},
    {"192.0.0.0", "192.0.0.255", "191.255.255.255", YES, "192.0.1.0", YES},
    {"192.0.2.0", "192.0.2.255", "192.0.1.255", YES, "192.0.3.0", YES},
    {"192.88.99.0", "192.88.99.255", "192.88.98.255", YES, "192.88.100.0", YES},
    {"192.168.0.0", "192.168.255.255", "192.167.255.255", YES, "192.169.0.0",
     YES},
    {"198.18.0.0", "198.19.255.255", "198.17.255.255", YES, "198.20.0.0", YES},
    {"198.51.100.0", "198.51.100.255", "198.51.99.255", YES, "198.51.101.0",
     YES},
    {"203.0.113.0", "203.0.113.255", "203.0.112.255", YES, "203.0.114.0", YES},
    {"224.0.0.0", "239.255.255.255", "223.255.255.255", YES, "240.0.0.0", NO},
    {"240.0.0.0", "255.255.255.255", "239.255.255.255", NO, NULL, 0}};

static const range_row_t v6_ranges[] = {
    {"::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, 0, "2000::", YES},
    {"2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
     "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", YES, "2001:200::", YES},
    {"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
     "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", YES, "2001:db9::", YES},
    {"2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
     "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", YES, "2003::", YES},
    {"3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
     "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", YES, "3fff:1000::", YES},
    {"4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
     "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", YES, NULL, 0}};

static void check_range(const wh_address_policy_t *policy,
                        const range_row_t *row)
{
    ok(judge(policy, row->first) != YES, "%s (first)", row->first);
    ok(judge(policy, row->last) != YES, "%s (last)", row->last);
    if (row->before) {
        is_int(judge(policy, row->before), row->before_verdict,
               "%s (one before)", row->before);
    }
    if (row->after) {
        is_int(judge(policy, row->after), row->after_verdict, "%s (one after)",
               row->after);
    }
}

static const char *mapped(const char *address)
{
    return address ? apr_pstrcat(pool, "::ffff:", address, NULL) : NULL;
}

static void test_ranges(void)
{
    wh_address_policy_t *policy = create_policy();
    int i;

    for (i = 0; i < COUNT(v4_ranges); i++) {
        range_row_t row = v4_ranges[i];

        check_range(policy, &row);
        row.first = mapped(row.first);
        row.last = mapped(row.last);
        row.before = mapped(row.before);
        row.after = mapped(row.after);
        check_range(policy, &row);
    }
    for (i = 0; i < COUNT(v6_ranges); i++) {
        check_range(policy, &v6_ranges[i]);
    }
}

static apr_uint32_t number_of(const char *v4)
{
    struct in_addr in;

    if (inet_pton(AF_INET, v4, &in) != 1) {
        bail_out(v4);
    }
    return ntohl(in.s_addr);
}

static int in_v4_ranges(apr_uint32_t number)
{
    int i;

    for (i = 0; i < COUNT(v4_ranges); i++) {
        if (number >= number_of(v4_ranges[i].first) &&
            number <= number_of(v4_ranges[i].last)) {
            return 1;
        }
    }
    return 0;
}

/* One address of each /18 or so, at a place that moves with the address. */
static void test_all_of_v4(void)
{
    wh_address_policy_t *policy = create_policy();
    apr_uint64_t number;
    int wrong = 0;

    for (number = 0; number <= 0xffffffffU; number += 16381) {
        struct sockaddr_in in;

        memset(&in, 0, sizeof(in));
        in.sin_family = AF_INET;
        in.sin_port = htons(443);
        in.sin_addr.s_addr = htonl((apr_uint32_t)number);
        wrong += (wh_address_judge(policy, (struct sockaddr *)&in, NULL, 0) ==
                  YES) == in_v4_ranges((apr_uint32_t)number);
    }
    is_int(wrong, 0, "verdicts over the whole of IPv4");
}

static void test_well_known(void)
{
    static const struct {
        const char *address;
        int verdict;
    } rows[] = {{"8.8.8.8", YES},
                {"93.184.216.34", YES},
                {"::ffff:8.8.8.8", YES},
                {"2606:4700::1111", YES},
                {"2a00:1450::1", YES},
                {"2620:4f:8000::1", YES},
                /* AS112 and AMT: special-purpose, but globally reachable */
                {"192.31.196.1", YES},
                {"192.52.193.1", YES},
                {"192.175.48.1", YES},
                {"255.255.255.255", NO},
                {"0.0.0.0", OWN},
                {"169.254.169.254", META},
                {"169.254.170.2", META},
                {"169.254.170.23", META},
                {"100.100.100.200", META},
                {"192.0.0.192", META},
                {"192.0.0.170", NO},
                {"192.0.0.9", NO},
                {"::", OWN},
                {"::1", OWN},
                {"::7f00:1", NO},           /* IPv4-compatible */
                {"::808:808", NO},          /* IPv4-compatible, public inside */
                {"::ffff:0:127.0.0.1", NO}, /* SIIT */
                {"::ffff:0:8.8.8.8", NO},
                {"::fffe:8.8.8.8", NO},
                {"64:ff9b::127.0.0.1", NO}, /* NAT64 */
                {"64:ff9b::8.8.8.8", NO},
                {"64:ff9b:1::8.8.8.8", NO},
                {"2002:7f00:1::1", NO}, /* 6to4 */
                {"2002:808:808::1", NO},
                {"2001:0:808:808::1", NO}, /* Teredo */
                {"2001:2::1", NO},
                {"2001:10::1", NO},
                {"2001:20::1", NO},
                {"2001:30::1", NO},
                {"2001:1::1", NO},
                {"100::1", NO},
                {"100:0:0:1::1", NO},
                {"5f00::1", NO},
                {"fc00::1", NO},
                {"fd00::1", NO},
                {"fd00:ec2::254", META},
                {"fd20:ce::254", META},
                {"fe80::1", NO},
                {"fe80::5efe:8.8.8.8", NO}, /* ISATAP */
                {"2606:4700::5efe:127.0.0.1", OWN},
                {"2606:4700::200:5efe:10.0.0.1", NO},
                {"2606:4700::200:5efe:8.8.8.8", YES},
                {"2606:4700::5eff:127.0.0.1", YES},
                {"2606:4700::100:5efe:127.0.0.1", YES},
                {"168.63.129.16", META},
                {"::ffff:168.63.129.16", META},
                {"169.254.42.42", META},
                {"169.254.0.23", META},
                {"fd00:42::42", META},
                {"fe80::a9fe:a9fe", META},
                {"127.0.0.1", OWN},
                {"127.255.255.254", OWN},
                {"::ffff:127.0.0.1", OWN},
                {"::ffff:0.0.0.0", OWN},
                {"0.0.0.1", NO},
                {"64:ff9b::1:8.8.8.8", NO},
                {"2001:0:4136:e378:8000:63bf:3fff:fdd2", NO},
                {"fec0::1", NO},
                {"ff02::1", NO}};
    wh_address_policy_t *policy = create_policy();
    int i;

    for (i = 0; i < COUNT(rows); i++) {
        is_int(judge(policy, rows[i].address), rows[i].verdict, "%s",
               rows[i].address);
    }
}

static void test_families(void)
{
    wh_address_policy_t *policy = create_policy_with("fe80::/10");
    struct sockaddr_storage storage = address_of("2606:4700::1111");
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&storage;
    struct sockaddr_un local;
    struct sockaddr other;

    in6->sin6_scope_id = 1;
    is_int(wh_address_judge(policy, (struct sockaddr *)&storage, NULL, 0),
           WH_ADDRESS_FAMILY, "public address with a scope id");
    storage = address_of("fe80::1");
    is_int(wh_address_judge(policy, (struct sockaddr *)&storage, NULL, 0), YES,
           "allowed link-local address without a scope id");
    in6->sin6_scope_id = 0x80000000U;
    is_int(wh_address_judge(policy, (struct sockaddr *)&storage, NULL, 0),
           WH_ADDRESS_FAMILY, "the same with one");
    storage = address_of("::ffff:8.8.8.8");
    in6->sin6_scope_id = 2;
    is_int(wh_address_judge(policy, (struct sockaddr *)&storage, NULL, 0),
           WH_ADDRESS_FAMILY, "mapped address with a scope id");
    memset(&local, 0, sizeof(local));
    local.sun_family = AF_UNIX;
    is_int(wh_address_judge(policy, (struct sockaddr *)&local, NULL, 0),
           WH_ADDRESS_FAMILY, "local socket");
    memset(&other, 0, sizeof(other));
    other.sa_family = AF_UNSPEC;
    is_int(wh_address_judge(policy, &other, NULL, 0), WH_ADDRESS_FAMILY,
           "no family");
    other.sa_family = 40; /* AF_VSOCK on Linux */
    is_int(wh_address_judge(policy, &other, NULL, 0), WH_ADDRESS_FAMILY,
           "virtual machine socket");
}

static void test_own(void)
{
    static const struct {
        const char *address;
        int verdict;
    } rows[] = {{"198.41.0.4", OWN},
                {"::ffff:198.41.0.4", OWN},
                {"198.41.0.5", YES},
                {"198.41.0.3", YES},
                {"192.5.5.241", OWN}, /* mapped in the list */
                {"2606:4700::1111", OWN},
                {"2606:4700::1112", YES},
                {"2606:4700::5efe:198.41.0.4", OWN},
                {"10.0.0.7", OWN},
                {"10.0.0.1", NO},
                {"fe80::7", OWN},
                {"fe80::8", NO}};
    wh_address_policy_t *policy = create_policy();
    struct sockaddr_storage own[6];
    int i;

    own[0] = address_of("10.0.0.7");
    memset(&own[1], 0xff, sizeof(own[1]));
    own[1].ss_family = 17; /* a link-layer address, as getifaddrs() gives */
    own[2] = address_of("198.41.0.4");
    own[3] = address_of("::ffff:192.5.5.241");
    own[4] = address_of("2606:4700::1111");
    own[5] = address_of("fe80::7");
    ((struct sockaddr_in6 *)&own[5])->sin6_scope_id = 2;
    for (i = 0; i < COUNT(rows); i++) {
        struct sockaddr_storage storage = address_of(rows[i].address);
        struct sockaddr *address = (struct sockaddr *)&storage;

        is_int(wh_address_judge(policy, address, own, 6), rows[i].verdict,
               "%s, with own addresses", rows[i].address);
        is_int(wh_address_is_public(policy, address, own, 6),
               rows[i].verdict == YES, "public or not");
        ok(wh_address_judge(policy, address, own, 0) != OWN, "%s, with none",
           rows[i].address);
    }
}

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

static void test_bad_networks(void)
{
    static const char *const rows[] = {
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
    wh_address_policy_t *policy = create_policy();
    int i;

    for (i = 0; i < COUNT(rows); i++) {
        is_int(wh_address_policy_allow(policy, rows[i]), APR_EINVAL,
               "no network: \"%s\"", rows[i]);
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

static void test_ports(void)
{
    static const int bad[] = {1719, 1720, 1723, 2049, 3659, 4045, 4190,
                              5060, 5061, 6000, 6566, 6665, 6666, 6667,
                              6668, 6669, 6679, 6697, 10080};
    int port, i, wrong = 0;

    for (port = -2; port <= 65540; port++) {
        int expected =
            port == 80 || port == 443 || (port >= 1024 && port <= 65535);

        for (i = 0; i < COUNT(bad); i++) {
            expected = expected && port != bad[i];
        }
        if (wh_address_port_allowed(port) != expected) {
            wrong++;
            ok(0, "port %d", port);
        }
    }
    is_int(wrong, 0, "all ports");
    is_int(judge_port(create_policy(), "8.8.8.8", 22), WH_ADDRESS_PORT,
           "a port of a public address");
    is_int(judge_port(create_policy_with("10.0.0.0/8"), "10.0.0.1", 6000),
           WH_ADDRESS_PORT, "a port of an allowed one");
    is_int(wh_address_port_allowed(443), 1, "443");
    is_int(wh_address_port_allowed(25), 0, "25");
    is_int(wh_address_port_allowed(6000), 0, "6000");
    is_int(wh_address_port_allowed(0), 0, "0");
    is_int(wh_address_port_allowed(65536), 0, "65536");
}

static void test_names(void)
{
    int i, k;

    for (i = WH_ADDRESS_ALLOWED; i <= WH_ADDRESS_FAMILY; i++) {
        const char *name = wh_address_verdict_name((wh_address_verdict_t)i);

        ok(name && *name, "name of verdict %d", i);
        for (k = WH_ADDRESS_ALLOWED; k < i; k++) {
            ok(strcmp(name, wh_address_verdict_name((wh_address_verdict_t)k)) !=
                   0,
               "it is not that of %d", k);
        }
    }
}

int main(void)
{
    apr_initialize();
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return 1;
    }
    test_ranges();
    test_all_of_v4();
    test_well_known();
    test_families();
    test_own();
    test_own_allowed();
    test_allow();
    test_allow_several();
    test_bad_networks();
    test_guarded();
    test_guarded_spellings();
    test_nat64();
    test_deny();
    test_allow_port();
    test_listeners();
    test_ports();
    test_names();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
