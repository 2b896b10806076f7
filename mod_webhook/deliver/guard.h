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

/** Room for an address and a port as a text. */
#define WH_GUARD_TEXT 64

typedef struct wh_guard_t {
    const wh_address_policy_t *policy;
    apr_pool_t *pool;
    struct sockaddr_storage *own;
    int own_count;
    int own_size;
    apr_time_t read_at; /**< 0: never yet */
} wh_guard_t;

void wh_guard_init(wh_guard_t *guard, const wh_address_policy_t *policy,
                   apr_pool_t *pool);

/** Reads the machine's addresses again when the list is a minute old. If they
 * cannot be read the list stays as it is. */
void wh_guard_refresh(wh_guard_t *guard, apr_time_t now);

/** 1: the list has been read. Before that nobody may be dialled: whether an
 * address is this machine's own cannot be told. */
int wh_guard_is_ready(const wh_guard_t *guard);

/** Judges address and port; NULL: may be dialled, else why not. */
const char *wh_guard_refusal(const wh_guard_t *guard,
                             const struct sockaddr *address);

/** 1: an address of the public Internet. What happens at another one is told
 * to the operator alone. */
int wh_guard_is_public(const wh_guard_t *guard, const struct sockaddr *address);

/** Reads "10.0.0.1" or "::1"; APR_EINVAL: it is neither. */
apr_status_t wh_guard_read_address(struct sockaddr_storage *address,
                                   const char *text, int port);

/** Address and port for the operator's log. */
void wh_guard_address_text(char text[WH_GUARD_TEXT],
                           const struct sockaddr *address);

#endif
