/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict on addresses and ports. */
#include <sys/un.h>

#include "unit/policy/addresses.h"

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
    test_ports();
    test_names();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
