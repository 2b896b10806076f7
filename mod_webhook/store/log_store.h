/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What happened, for people: events, deliveries, attempts; and replay.
 * Stage: store · from: ctl, request · to: the database
 * runs on: the one thread that holds the wh_store_t
 *
 * Lists are newest first when after is 0, else oldest first; newer than after
 * and older than before (0: no bound); at most limit rows, 0 means 500. Ids
 * are time-ordered, so a list goes on from the last id it gave. A context that
 * is NULL stands for all. Times of a range become ids by wh_row_id_floor().
 *
 * Nothing but ids, and the attempts of a delivery, has an index here, for it
 * would cost every event: a filter that few rows pass walks all rows of the
 * range.
 */
#ifndef WH_STORE_LOG_STORE_H
#define WH_STORE_LOG_STORE_H

#include "base/identifier.h"
#include "model/event.h"
#include "store/store.h"

/** Which rows a list shows; zeros and NULLs do not filter. */
typedef struct wh_log_filter_t {
    const char *context;
    const char *event_name; /**< in any case */
    apr_int32_t webhook_id; /**< of deliveries alone */
    int state; /**< of deliveries alone: wh_delivery_state_t, -1: all */
    apr_int64_t event_id;
    apr_int64_t app_id; /**< of deliveries alone: those of its webhooks */
    apr_int64_t since;  /**< row ids from this one on; does not turn the list */
    apr_int64_t before; /**< row ids below this one, of events or deliveries */
    apr_int64_t after;  /**< row ids above this one */
    int limit;
} wh_log_filter_t;

typedef struct wh_log_event_t {
    apr_int64_t id;
    const char *uuid;
    const char *context;
    const char *name;
    apr_int32_t primary_key;
    apr_int32_t associate_id;
    apr_time_t time;
    const char *data; /**< JSON object */
} wh_log_event_t;

typedef struct wh_log_delivery_t {
    apr_int64_t id;
    apr_int64_t event_id;
    const char *event_uuid;
    const char *event_name;
    apr_int32_t webhook_id;
    wh_delivery_state_t state;
    int attempts;
    apr_time_t due;
    apr_int64_t owner; /**< node in whose memory it is, 0: none */
} wh_log_delivery_t;

typedef struct wh_log_attempt_t {
    apr_int64_t id;
    apr_int64_t delivery_id;
    int number;
    apr_time_t started;
    apr_interval_time_t duration;
    int status;          /**< HTTP status, 0: none */
    const char *error;   /**< class, or NULL */
    const char *address; /**< dialled, or NULL */
    const char *answer;  /**< see wh_answer_body(), or NULL */
    const char *told; /**< all that users may know of it, or NULL: the rest */
} wh_log_attempt_t;

/** @param events of wh_log_event_t * */
apr_status_t wh_store_event_list(apr_array_header_t **events, wh_store_t *store,
                                 const wh_log_filter_t *filter,
                                 apr_pool_t *pool);
/** By row id or UUID text. APR_ENOENT. */
apr_status_t wh_store_event_get(wh_log_event_t **event, wh_store_t *store,
                                const char *context, const char *id,
                                apr_pool_t *pool);

/** @param deliveries of wh_log_delivery_t * */
apr_status_t wh_store_delivery_list(apr_array_header_t **deliveries,
                                    wh_store_t *store,
                                    const wh_log_filter_t *filter,
                                    apr_pool_t *pool);

/** Rows that wh_store_delivery_page() looks at, those of four seconds at the
 * least. */
#define WH_LOG_PAGE_ROWS 20000

/**
 * One page, newest first, of a list that may be long and of which little may
 * pass the filter: it may have fewer rows than filter->limit, or none, and
 * still go on.
 * @param next filter->before of the next page; 0: there is none
 */
apr_status_t wh_store_delivery_page(apr_array_header_t **deliveries,
                                    apr_int64_t *next, wh_store_t *store,
                                    const wh_log_filter_t *filter,
                                    apr_pool_t *pool);

/** @param app_id see wh_log_filter_t; APR_ENOENT */
apr_status_t wh_store_delivery_get(wh_log_delivery_t **delivery,
                                   wh_store_t *store, const char *context,
                                   apr_int64_t app_id, apr_int64_t id,
                                   apr_pool_t *pool);

/** Attempts that are shown of a delivery: at the least three rounds of any
 * schedule. */
#define WH_LOG_ATTEMPTS_MAX 200

/** The last attempts of a delivery, oldest first; after a replay their numbers
 * begin again. @param attempts of wh_log_attempt_t * */
apr_status_t wh_store_attempt_list(apr_array_header_t **attempts,
                                   wh_store_t *store, apr_int64_t delivery_id,
                                   apr_pool_t *pool);

/**
 * Makes deliveries that match the filter pending again, with no attempts made
 * and due at once, in portions of at most 500 for each transaction; those that
 * are pending already, newer than this call or without a webhook are left
 * alone. The same body goes out again under the same ids. The dispatcher
 * notices within about a second. Retention goes on from when the event was
 * made. filter->state -1 means failed and delivered ones; filter->limit is not
 * used.
 * @param replayed number of deliveries, also of what was done before an error
 */
apr_status_t wh_store_replay(int *replayed, wh_store_t *store,
                             const wh_log_filter_t *filter);

/** The number that changes with every replay. */
apr_status_t wh_store_replays(apr_int64_t *number, wh_store_t *store);

/** What wh_store_check() found. */
typedef struct wh_check_t {
    apr_int64_t schema;            /**< version of the database */
    const char *integrity;         /**< "ok", or what the database says */
    apr_int64_t orphan_usage;      /**< usage rows without a webhook */
    apr_int64_t orphan_pending;    /**< pending deliveries without a webhook */
    apr_int64_t orphan_deliveries; /**< deliveries without an event */
    apr_int64_t orphan_attempts;   /**< attempts without a delivery, but for
                                        those that retention may part */
    apr_int64_t orphan_tokens;     /**< tokens whose application is gone */
    apr_int64_t
        stranded; /**< pending deliveries of a node that is not listed, or held
                       back for an earlier one that is not there */
} wh_check_t;

/** Looks the whole database over; reads only. When integrity is not "ok" the
 * rest is not looked for. */
apr_status_t wh_store_check(wh_check_t *check, wh_store_t *store,
                            apr_pool_t *pool);

#endif
