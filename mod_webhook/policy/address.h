/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Which network addresses may be dialled: deny unless allowed.
 * Stage: policy · from: config, request, deliver · to: - · pure: no I/O
 *
 * The verdict is on the address of a socket, never on a name. The tables come
 * from the IANA special-purpose address registries.
 */
#ifndef WH_POLICY_ADDRESS_H
#define WH_POLICY_ADDRESS_H

#include <apr_pools.h>
#include <sys/socket.h>

typedef enum {
    WH_ADDRESS_ALLOWED = 0,
    WH_ADDRESS_SPECIAL, /**< in a special-purpose range */
    WH_ADDRESS_OWN,     /**< one of this machine's own */
    WH_ADDRESS_FAMILY   /**< neither IPv4 nor IPv6, or with a scope id */
} wh_address_verdict_t;

typedef struct wh_address_policy_t wh_address_policy_t;

/** The default policy: public addresses only. Lives as long as pool. */
apr_status_t wh_address_policy_create(wh_address_policy_t **policy,
                                      apr_pool_t *pool);

/**
 * Adds a network that may be dialled although it is special or our own.
 * @param network "10.1.2.0/24", "::1", "fd00::/8"
 * @return APR_SUCCESS or APR_EINVAL (not an address, bits out of range, or
 *         bits set behind the mask)
 */
apr_status_t wh_address_policy_allow(wh_address_policy_t *policy,
                                     const char *network);

/**
 * Judges one address. IPv4-mapped IPv6 is unwrapped first.
 * @param own the machine's own addresses (own_count of them); may be NULL
 * Any thread: the policy is read-only by then.
 */
wh_address_verdict_t wh_address_judge(const wh_address_policy_t *policy,
                                      const struct sockaddr *address,
                                      const struct sockaddr_storage *own,
                                      int own_count);

/**
 * Judges a TCP port of a target: 80, 443 and 1024 upwards, less the "bad
 * ports" of the WHATWG Fetch standard.
 * @return 1 if it may be dialled
 */
int wh_address_port_allowed(int port);

/** Short English name of a verdict, for the operator's log. */
const char *wh_address_verdict_name(wh_address_verdict_t verdict);

#endif
