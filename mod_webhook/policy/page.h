/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Which deliveries are asked for: pages of lists, spans of time.
 * Stage: policy · from: request · to: - · pure · any thread
 */
#ifndef WH_POLICY_PAGE_H
#define WH_POLICY_PAGE_H

#include <apr_errno.h>
#include <apr_tables.h>
#include <apr_time.h>
#include <jansson.h>

/** Deliveries of a page. */
#define WH_PAGE_DEFAULT 100
#define WH_PAGE_MAX 500

/** A page, as a query asks for it. */
typedef struct wh_page_t {
    int state;          /**< wh_delivery_state_t, -1: all */
    const char *event;  /**< name, or NULL */
    apr_time_t from;    /**< at or after this; 0: no bound */
    apr_time_t to;      /**< before this */
    int limit;          /**< 1 to WH_PAGE_MAX */
    apr_int64_t cursor; /**< ids below this one; 0: the first page */
} wh_page_t;

/**
 * Reads state, event, from, to, limit and cursor; what is missing or empty
 * does not count.
 * @return APR_SUCCESS, or APR_EINVAL with a message
 */
apr_status_t wh_page_query(wh_page_t *page, const char **message,
                           const apr_table_t *parameters);

/** What a replay is to send. */
typedef struct wh_span_t {
    apr_time_t from;
    apr_time_t to;
    int only_failed;
} wh_span_t;

/**
 * Reads From, To and OnlyFailed, in any case; NULL: all that failed. A member
 * that is unknown is refused: it could be one that is misspelled, and then more
 * would be sent than was meant.
 * @param texts 1: a text may stand for true and false
 * @return APR_SUCCESS, or APR_EINVAL with a message
 */
apr_status_t wh_span_read(wh_span_t *span, const char **message,
                          const json_t *object, int texts);

/** Reads a whole text as a 64-bit id. @return 0: it is none */
apr_int64_t wh_id_parse(const char *text);

#endif
