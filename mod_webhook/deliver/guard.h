/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The address guard: no socket is made for an address that may not be dialled.
 * Stage: deliver · from: libcurl, before each connect(2) · to: policy/address
 * runs on: a delivery thread · owns: the list of this machine's addresses
 */
#ifndef WH_DELIVER_GUARD_H
#define WH_DELIVER_GUARD_H

#include <apr_pools.h>
#include <apr_time.h>

#include "policy/address.h"

/** More addresses than this are not looked at; no host has them. */
#define WH_GUARD_OWN_MAX 1024

typedef struct wh_guard_t {
    const wh_address_policy_t *policy;
    struct sockaddr_storage *own;
    int own_count;
    apr_time_t read_at;
} wh_guard_t;

void wh_guard_init(wh_guard_t *guard, const wh_address_policy_t *policy,
                   apr_pool_t *pool);

/** Reads the machine's addresses again when the list is a minute old. */
void wh_guard_refresh(wh_guard_t *guard, apr_time_t now);

/** Judges address and port; NULL: may be dialled, else why not. */
const char *wh_guard_refusal(const wh_guard_t *guard,
                             const struct sockaddr *address);

#endif
