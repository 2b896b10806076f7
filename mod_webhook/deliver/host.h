/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The hosts that have to be reached for a webhook, and which of them are names.
 * Stage: deliver · from: endpoint · to: names
 * pure: no I/O
 */
#ifndef WH_DELIVER_HOST_H
#define WH_DELIVER_HOST_H

#include "base/settings.h"
#include "deliver/target.h"

/** A proxy, and a target that is looked up here. */
#define WH_HOSTS_MAX 2

typedef struct wh_host_t {
    char *name; /**< as libcurl has it, in brackets if it is IPv6 */
    int port;
} wh_host_t;

/**
 * Lists them: the proxy if there is one, and the target unless the proxy looks
 * it up. To be freed in any case.
 * @param count receives their number; 0: the target is not called at all
 * @return APR_SUCCESS or APR_ENOMEM
 */
apr_status_t wh_hosts_find(wh_host_t hosts[WH_HOSTS_MAX], int *count,
                           const wh_settings_t *settings,
                           const wh_target_t *target);

void wh_hosts_free(wh_host_t hosts[WH_HOSTS_MAX]);

/** 1: libcurl would ask the resolver. It reads addresses and knows localhost. */
int wh_host_is_name(const char *name);

#endif
