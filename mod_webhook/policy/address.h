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
    WH_ADDRESS_SPECIAL,  /**< in a special-purpose range */
    WH_ADDRESS_OWN,      /**< one of this machine's own, loopback too */
    WH_ADDRESS_METADATA, /**< hands out credentials of the machine */
    WH_ADDRESS_DENIED,   /**< in a network that the operator refuses */
    WH_ADDRESS_PORT,     /**< a port that is not for webhooks */
    WH_ADDRESS_LISTENER, /**< our own httpd listens there */
    WH_ADDRESS_FAMILY    /**< neither IPv4 nor IPv6, or with a scope id */
} wh_address_verdict_t;

typedef struct wh_address_policy_t wh_address_policy_t;

/** The default policy: public addresses only. Lives as long as pool. */
apr_status_t wh_address_policy_create(wh_address_policy_t **policy,
                                      apr_pool_t *pool);

/**
 * Adds a network that may be dialled although it is special. It opens loopback
 * addresses if it lies within their range. An entry of one host opens also one
 * of this machine's own addresses or a metadata service, which no wider one
 * does; with a port it opens that port alone, whatever the rules of ports say.
 * @param entry "10.1.2.0/24", "::1", "fd00::/8", "127.0.0.1:81", "[::1]:81"
 * @return APR_SUCCESS or APR_EINVAL (not an address, bits out of range, bits
 *         set behind the mask, or a port with a network)
 */
apr_status_t wh_address_policy_allow(wh_address_policy_t *policy,
                                     const char *entry);

/**
 * Adds a network that must not be dialled, whatever else is said of it. What
 * holds an IPv4 address of it, as NAT64 does, is refused too.
 * @param network as above, without a port
 */
apr_status_t wh_address_policy_deny(wh_address_policy_t *policy,
                                    const char *network);

/** Adds a port at which our own httpd listens. */
void wh_address_policy_listen(wh_address_policy_t *policy, int port);

/**
 * Judges one address and its port. IPv4-mapped IPv6 is unwrapped first.
 * @param own the machine's own addresses (own_count of them); may be NULL
 * Any thread: the policy is read-only by then.
 */
wh_address_verdict_t wh_address_judge(const wh_address_policy_t *policy,
                                      const struct sockaddr *address,
                                      const struct sockaddr_storage *own,
                                      int own_count);

/**
 * 1: an address of the public Internet and not our own: it needs no entry.
 * What is found at another one is nothing to be told to users.
 */
int wh_address_is_public(const wh_address_policy_t *policy,
                         const struct sockaddr *address,
                         const struct sockaddr_storage *own, int own_count);

/**
 * Judges a TCP port of a target: 80, 443 and 1024 upwards, less the "bad
 * ports" of the WHATWG Fetch standard.
 * @return 1 if it may be dialled
 */
int wh_address_port_allowed(int port);

/** Short English name of a verdict, for the operator's log. */
const char *wh_address_verdict_name(wh_address_verdict_t verdict);

#endif
