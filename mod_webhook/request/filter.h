/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Which webhooks a list shows.
 * Private to request/ · pure · any thread
 */
#ifndef WH_REQUEST_FILTER_H
#define WH_REQUEST_FILTER_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_tables.h>
#include <jansson.h>

#include "model/webhook.h"

/** Empty texts and WH_STATE_UNKNOWN do not filter. */
typedef struct wh_filter_t {
    const char *name;
    const char *event;
    int state;
} wh_filter_t;

/**
 * Reads nameFilter, eventFilter and statusFilter from a query's parameters.
 * @return APR_SUCCESS, or APR_EINVAL and a message
 */
apr_status_t wh_filter_query(wh_filter_t *filter, const char **message,
                             const apr_table_t *parameters);

/** The same from the members of an object, in any case; NULL: none. null and
 * the number 0 do not filter. */
apr_status_t wh_filter_members(wh_filter_t *filter, const char **message,
                               const json_t *object, apr_pool_t *pool);

/** 1 if the webhook is to be shown. */
int wh_filter_match(const wh_filter_t *filter, const wh_webhook_t *webhook);

#endif
