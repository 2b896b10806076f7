/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Inside of a store: for the files of store/ alone.
 */
#ifndef WH_STORE_STORE_PRIV_H
#define WH_STORE_STORE_PRIV_H

#include "base/settings.h"
#include "store/db.h"
#include "store/lock.h"
#include "store/log_store.h"
#include "store/store.h"

struct wh_store_t {
    const wh_settings_t *settings;
    apr_pool_t *pool; /* own allocator: one thread at a time */
    wh_db_t db;
    wh_lock_t lock; /* beside the database; -1: not open */
    int locked;
    apr_interval_time_t patience; /* how long to wait for the lock */
};

/** A piece of work on an open handle. May run twice, also after a COMMIT that
 * failed and took place all the same: it sets what it returns from scratch
 * and recognises what it finds done. */
typedef apr_status_t wh_store_work_fn_t(wh_store_t *store, void *baton);

/**
 * Runs work in a transaction under the write lock: COMMIT when it returns
 * APR_SUCCESS, else ROLLBACK. When the database fails the handle is reopened
 * and the work done once more: prepared statements die when the schema
 * changes under them, and then a new handle is all it takes.
 */
apr_status_t wh_store_write(wh_store_t *store, wh_store_work_fn_t *work,
                            void *baton);

/** The same without lock and transaction, for work that only reads. */
apr_status_t wh_store_read(wh_store_t *store, wh_store_work_fn_t *work,
                           void *baton);

/** [inside of work] A number of table meta; 0 if there is none of this name. */
apr_status_t wh_store_number(apr_int64_t *value, wh_store_t *store,
                             const char *name);
/** [inside of write work] Adds 1 to a number and gives it. */
apr_status_t wh_store_number_next(apr_int64_t *value, wh_store_t *store,
                                  const char *name);

/** Parameters of the statements that list deliveries of the log; those of
 * events are the ones from WH_LOG_EVENT on. */
#define WH_LOG_PARAMETERS 15
#define WH_LOG_EVENT 8

typedef struct wh_log_range_t {
    const wh_log_filter_t *filter;
    apr_int64_t low;  /* ids above it */
    apr_int64_t high; /* ids below it */
    apr_int64_t webhook_id;
    apr_int64_t state;
    apr_int64_t limit; /* of one select */
    const void *args[WH_LOG_PARAMETERS];
} wh_log_range_t;

/** Ids of an event's deliveries follow its own without a gap; this leaves room
 * for four million webhooks. */
#define WH_LOG_SPAN (APR_INT64_C(1000) << WH_ROW_ID_SHIFT)

/**
 * The ids that a filter leaves; args point into the range.
 * @param span ids after that of filter->event_id that belong to it
 */
void wh_log_range_init(wh_log_range_t *range, const wh_log_filter_t *filter,
                       apr_int64_t span);

/** One row of wh_statement's webhook columns as a record. */
struct wh_webhook_t *wh_store_webhook_row(wh_rows_t *rows, apr_pool_t *pool);

/** An order key of a webhook. */
typedef struct wh_order_key_t {
    apr_int64_t webhook_id;
    apr_int64_t order_key;
} wh_order_key_t;

/** [batch] The order keys of what the next portion of a sweep deletes although
 * it has not ended. @param keys of wh_order_key_t */
apr_status_t wh_store_order_expired(apr_array_header_t **keys,
                                    wh_store_t *store, apr_int64_t below_id,
                                    apr_pool_t *pool);

/** [batch] wh_store_order_follow() for each of them. */
apr_status_t wh_store_order_follow_all(wh_store_t *store,
                                       const apr_array_header_t *keys);

#endif
