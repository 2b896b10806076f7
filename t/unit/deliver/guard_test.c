/* SPDX-License-Identifier: Apache-2.0 */
/* The address guard. */
#include <apr_general.h>
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "deliver/guard.h"
#include "unit/tap.h"

#define NOW apr_time_from_sec(1000)

static apr_pool_t *pool;

#define MANY 3000

/* What the C library says of a machine that has no memory for it, or thousands
 * of addresses; and of this one. */
static enum { OF_THIS_MACHINE, UNREADABLE, MANY_ADDRESSES } answer;
static struct ifaddrs many[MANY];
static struct sockaddr_in addresses[MANY];

int getifaddrs(struct ifaddrs **all)
{
    int (*real)(struct ifaddrs **) = NULL;
    int i;

    if (answer == UNREADABLE) {
        errno = ENOMEM;
        return -1;
    }
    if (answer == OF_THIS_MACHINE) {
        *(void **)&real = dlsym(RTLD_NEXT, "getifaddrs");
        return real(all);
    }
    for (i = 0; i < MANY; i++) {
        addresses[i].sin_family = AF_INET;
        addresses[i].sin_addr.s_addr = htonl(0xC6290000U + (unsigned)i);
        many[i].ifa_addr = (struct sockaddr *)&addresses[i];
        many[i].ifa_next = i + 1 < MANY ? &many[i + 1] : NULL;
    }
    *all = many;
    return 0;
}

void freeifaddrs(struct ifaddrs *all)
{
    void (*real)(struct ifaddrs *) = NULL;

    if (all != many) {
        *(void **)&real = dlsym(RTLD_NEXT, "freeifaddrs");
        real(all);
    }
}

static wh_guard_t open_guard(const char *allowed)
{
    wh_address_policy_t *policy;
    wh_guard_t guard;

    wh_address_policy_create(&policy, pool);
    if (allowed) {
        wh_address_policy_allow(policy, allowed);
    }
    wh_guard_init(&guard, policy, pool);
    return guard;
}

static const char *judge(const wh_guard_t *guard, const char *text, int port)
{
    struct sockaddr_storage address = {.ss_family = AF_UNIX};
    struct sockaddr_in *in = (struct sockaddr_in *)&address;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address;

    if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons((unsigned short)port);
    }
    else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons((unsigned short)port);
    }
    return wh_guard_refusal(guard, (struct sockaddr *)&address);
}

static void test_default(void)
{
    wh_guard_t guard = open_guard(NULL);

    is_str(judge(&guard, "8.8.8.8", 443), NULL, "a public address");
    is_str(judge(&guard, "2606:4700::1", 443), NULL, "a public IPv6 address");
    is_str(judge(&guard, "8.8.8.8", 22), "port", "a port that is not HTTP's");
    is_str(judge(&guard, "2606:4700::1", 6000), "port", "over IPv6, too");
    ok(judge(&guard, "127.0.0.1", 443) != NULL, "loopback");
    ok(judge(&guard, "10.0.0.1", 443) != NULL, "a private address");
    ok(judge(&guard, "169.254.169.254", 80) != NULL, "cloud metadata");
    ok(judge(&guard, "::1", 443) != NULL, "loopback over IPv6");
    ok(judge(&guard, "::ffff:127.0.0.1", 443) != NULL, "loopback, mapped");
    ok(judge(&guard, "a path", 443) != NULL, "a unix socket");
}

static void test_allowed(void)
{
    wh_guard_t guard = open_guard("127.0.0.0/8");

    is_str(judge(&guard, "127.0.0.1", 8080), NULL, "allowed by the operator");
    is_str(judge(&guard, "127.0.0.1", 25), "port", "at a port that may be");
    ok(judge(&guard, "10.0.0.1", 8080) != NULL, "others are not");
}

static void test_own(void)
{
    wh_guard_t guard = open_guard(NULL);
    struct sockaddr_in own = {.sin_family = AF_INET};
    struct ifaddrs *all, *one;
    int count = 0;

    is_int(guard.own_count, 0, "not read yet");
    wh_guard_refresh(&guard, NOW);
    if (getifaddrs(&all) == 0) {
        for (one = all; one; one = one->ifa_next) {
            count += one->ifa_addr && (one->ifa_addr->sa_family == AF_INET ||
                                       one->ifa_addr->sa_family == AF_INET6);
        }
        freeifaddrs(all);
    }
    is_int(guard.own_count, count, "all addresses of this machine are read");
    /* An address that this machine could have. */
    inet_pton(AF_INET, "198.41.0.4", &own.sin_addr);
    memcpy(&guard.own[0], &own, sizeof(own));
    guard.own_count = 1;
    ok(judge(&guard, "198.41.0.4", 443) != NULL, "its own address");
    is_str(judge(&guard, "198.41.0.5", 443), NULL, "a neighbour's");
}

static void test_refresh(void)
{
    wh_guard_t guard = open_guard(NULL);
    int count;

    wh_guard_refresh(&guard, NOW);
    count = guard.own_count;
    guard.own_count = -1;
    wh_guard_refresh(&guard, NOW + apr_time_from_sec(59));
    is_int(guard.own_count, -1, "not again within a minute");
    wh_guard_refresh(&guard, NOW + apr_time_from_sec(60));
    is_int(guard.own_count, count, "again after a minute");
    guard.own_count = -1;
    wh_guard_refresh(&guard, NOW - apr_time_from_sec(3600));
    is_int(guard.own_count, count, "and when the clock went back");
}

static void test_many(void)
{
    wh_guard_t guard = open_guard(NULL);

    answer = MANY_ADDRESSES;
    wh_guard_refresh(&guard, NOW);
    answer = OF_THIS_MACHINE;
    is_int(guard.own_count, MANY, "however many addresses there are");
    ok(judge(&guard, "198.41.0.0", 443) != NULL, "the first one");
    ok(judge(&guard, "198.41.11.183", 443) != NULL, "the last one");
    is_str(judge(&guard, "198.41.11.184", 443), NULL, "the one after it");
}

static void test_unreadable(void)
{
    wh_guard_t guard = open_guard(NULL);
    int count;

    answer = UNREADABLE;
    wh_guard_refresh(&guard, NOW);
    ok(!wh_guard_is_ready(&guard), "not ready without the addresses");
    answer = OF_THIS_MACHINE;
    wh_guard_refresh(&guard, NOW);
    ok(wh_guard_is_ready(&guard), "ready with them, at the next look");
    count = guard.own_count;
    answer = UNREADABLE;
    wh_guard_refresh(&guard, NOW + apr_time_from_sec(60));
    answer = OF_THIS_MACHINE;
    is_int(guard.own_count, count, "those that were read are kept");
    ok(wh_guard_is_ready(&guard), "and it stays ready");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_default();
    test_allowed();
    test_own();
    test_refresh();
    test_many();
    test_unreadable();
    apr_terminate();
    return done_testing();
}
