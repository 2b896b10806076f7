/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/guard.h"

#include <apr_strings.h>
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

#include "base/log.h"

#define REFRESH_INTERVAL apr_time_from_sec(60)

#define OWN_AT_FIRST 32

void wh_guard_init(wh_guard_t *guard, const wh_address_policy_t *policy,
                   apr_pool_t *pool)
{
    memset(guard, 0, sizeof(*guard));
    guard->policy = policy;
    guard->pool = pool;
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

/* What is outgrown stays in the pool: together as much as the list itself. */
static void add_own(wh_guard_t *guard, const struct sockaddr *address,
                    apr_size_t size)
{
    struct sockaddr_storage *grown;

    if (guard->own_count == guard->own_size) {
        guard->own_size = guard->own_size ? guard->own_size * 2 : OWN_AT_FIRST;
        grown = apr_pcalloc(guard->pool,
                            (apr_size_t)guard->own_size * sizeof(*grown));
        if (guard->own_count) {
            memcpy(grown, guard->own,
                   (apr_size_t)guard->own_count * sizeof(*grown));
        }
        guard->own = grown;
    }
    memcpy(&guard->own[guard->own_count++], address, size);
}

void wh_guard_refresh(wh_guard_t *guard, apr_time_t now)
{
    struct ifaddrs *all, *one;

    if (guard->read_at && now >= guard->read_at &&
        now - guard->read_at < REFRESH_INTERVAL) {
        return;
    }
    if (getifaddrs(&all) < 0) {
        wh_log(WH_LOG_WARNING, APR_FROM_OS_ERROR(errno),
               WHLOGNO(1201) "cannot read this machine's addresses");
        return;
    }
    guard->own_count = 0;
    for (one = all; one; one = one->ifa_next) {
        apr_size_t size = address_size(one->ifa_addr);

        if (size) {
            add_own(guard, one->ifa_addr, size);
        }
    }
    freeifaddrs(all);
    guard->read_at = now;
}

int wh_guard_is_ready(const wh_guard_t *guard)
{
    return guard->read_at != 0;
}

const char *wh_guard_refusal(const wh_guard_t *guard,
                             const struct sockaddr *address)
{
    wh_address_verdict_t verdict =
        wh_address_judge(guard->policy, address, guard->own, guard->own_count);

    return verdict == WH_ADDRESS_ALLOWED ? NULL
                                         : wh_address_verdict_name(verdict);
}

int wh_guard_is_public(const wh_guard_t *guard, const struct sockaddr *address)
{
    return wh_address_is_public(guard->policy, address, guard->own,
                                guard->own_count);
}

apr_status_t wh_guard_read_address(struct sockaddr_storage *address,
                                   const char *text, int port)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;

    memset(address, 0, sizeof(*address));
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((apr_uint16_t)port);
        return APR_SUCCESS;
    }
    if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((apr_uint16_t)port);
        return APR_SUCCESS;
    }
    return APR_EINVAL;
}

void wh_guard_address_text(char text[WH_GUARD_TEXT],
                           const struct sockaddr *address)
{
    char host[INET6_ADDRSTRLEN] = "?";
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof(v4));
        inet_ntop(AF_INET, &v4.sin_addr, host, sizeof(host));
        apr_snprintf(text, WH_GUARD_TEXT, "%s:%d", host, ntohs(v4.sin_port));
    }
    else if (address->sa_family == AF_INET6) {
        memcpy(&v6, address, sizeof(v6));
        inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof(host));
        apr_snprintf(text, WH_GUARD_TEXT, "[%s]:%d", host, ntohs(v6.sin6_port));
    }
    else {
        apr_snprintf(text, WH_GUARD_TEXT, "family %d", address->sa_family);
    }
}
