/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

#include "base/log.h"

#define REFRESH_INTERVAL apr_time_from_sec(60)

void wh_guard_init(wh_guard_t *guard, const wh_address_policy_t *policy,
                   apr_pool_t *pool)
{
    memset(guard, 0, sizeof(*guard));
    guard->policy = policy;
    guard->own = apr_pcalloc(pool, WH_GUARD_OWN_MAX * sizeof(*guard->own));
}

static apr_size_t address_size(const struct sockaddr *address)
{
    switch (address ? address->sa_family : AF_UNSPEC) {
    case AF_INET:
        return sizeof(struct sockaddr_in);
    case AF_INET6:
        return sizeof(struct sockaddr_in6);
    default:
        return 0;
    }
}

void wh_guard_refresh(wh_guard_t *guard, apr_time_t now)
{
    struct ifaddrs *all, *one;
    int count = 0;

    if (guard->read_at && now >= guard->read_at &&
        now - guard->read_at < REFRESH_INTERVAL) {
        return;
    }
    if (getifaddrs(&all) < 0) {
        wh_log(WH_LOG_WARNING, APR_FROM_OS_ERROR(errno),
               WHLOGNO(1201) "cannot read this machine's addresses");
        return;
    }
    for (one = all; one && count < WH_GUARD_OWN_MAX; one = one->ifa_next) {
        apr_size_t size = address_size(one->ifa_addr);

        if (size) {
            memcpy(&guard->own[count++], one->ifa_addr, size);
        }
    }
    freeifaddrs(all);
    guard->own_count = count;
    guard->read_at = now;
}

static int port_of(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        return ntohs(((const struct sockaddr_in *)address)->sin_port);
    }
    return ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
}

const char *wh_guard_refusal(const wh_guard_t *guard,
                             const struct sockaddr *address)
{
    wh_address_verdict_t verdict =
        wh_address_judge(guard->policy, address, guard->own, guard->own_count);

    if (verdict != WH_ADDRESS_ALLOWED) {
        return wh_address_verdict_name(verdict);
    }
    return wh_address_port_allowed(port_of(address)) ? NULL : "port";
}
