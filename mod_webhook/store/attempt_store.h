/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Attempts of all deliveries as they are recorded, for whoever looks on.
 * Stage: store · from: ctl · to: the database
 * runs on: the one thread that holds the wh_store_t
 */
#ifndef WH_STORE_ATTEMPT_STORE_H
#define WH_STORE_ATTEMPT_STORE_H

#include "store/log_store.h"

/** An attempt, and what it was made for. */
typedef struct wh_log_recent_t {
    wh_log_attempt_t attempt; /**< first; without its answer */
    apr_int32_t webhook_id;
    const char *event_uuid;
    const char *event_name;
    const char *context;
} wh_log_recent_t;

/**
 * Attempts of all contexts, oldest first.
 * @param attempts of wh_log_recent_t *
 * @param after only ids above this one
 * @param limit rows, at most WH_ROWS_CHUNK
 */
apr_status_t wh_store_attempt_recent(apr_array_header_t **attempts,
                                     wh_store_t *store, apr_int64_t after,
                                     int limit, apr_pool_t *pool);

/** The highest id of an event, a delivery or an attempt; 0: there is none. */
apr_status_t wh_store_last_id(apr_int64_t *id, wh_store_t *store);

#endif
