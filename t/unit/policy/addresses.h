/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the programs about addresses share: policies made from texts, and
 * verdicts on them.
 */
#ifndef T_UNIT_POLICY_ADDRESSES_H
#define T_UNIT_POLICY_ADDRESSES_H

#include <apr_general.h>
#include <apr_strings.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/address.h"
#include "unit/tap.h"

#define ADDRESSES_FUNCTION static inline __attribute__((unused))

#define COUNT(rows) (int)(sizeof(rows) / sizeof((rows)[0]))

#define YES WH_ADDRESS_ALLOWED
#define NO WH_ADDRESS_SPECIAL
#define OWN WH_ADDRESS_OWN
#define META WH_ADDRESS_METADATA
#define DENIED WH_ADDRESS_DENIED

/** Of the program. */
static apr_pool_t *pool;

/* Ends the program: a table of this file is misspelt or memory is out. */
ADDRESSES_FUNCTION void bail_out(const char *what)
{
    printf("Bail out! %s\n", what);
    exit(1);
}

ADDRESSES_FUNCTION struct sockaddr_storage address_of(const char *text)
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

ADDRESSES_FUNCTION wh_address_verdict_t
judge_port(const wh_address_policy_t *policy, const char *text, int port)
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

ADDRESSES_FUNCTION wh_address_verdict_t judge(const wh_address_policy_t *policy,
                                              const char *text)
{
    return judge_port(policy, text, 443);
}

ADDRESSES_FUNCTION wh_address_policy_t *create_policy(void)
{
    wh_address_policy_t *policy = NULL;

    if (wh_address_policy_create(&policy, pool) != APR_SUCCESS) {
        bail_out("wh_address_policy_create");
    }
    return policy;
}

ADDRESSES_FUNCTION wh_address_policy_t *create_policy_with(const char *network)
{
    wh_address_policy_t *policy = create_policy();

    is_int(wh_address_policy_allow(policy, network), APR_SUCCESS, "allow %s",
           network);
    return policy;
}

#endif
