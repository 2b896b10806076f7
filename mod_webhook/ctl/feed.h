/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Lists of what happened, and lists that go on.
 * Private to ctl/ · one thread
 *
 * Rows are asked for by id, in portions, each in a read of its own. Ids are
 * time-ordered, but a row can be committed a moment after one with a higher
 * id; so a list that goes on looks back a little and knows what it has shown.
 */
#ifndef WH_CTL_FEED_H
#define WH_CTL_FEED_H

#include <apr_hash.h>
#include <jansson.h>
#include <signal.h>

#include "ctl/ctl.h"
#include "ctl/output.h"
#include "store/log_store.h"

/** Reads rows as the filter says. @param rows of pointers to records */
typedef apr_status_t wh_feed_fetch_fn_t(apr_array_header_t **rows,
                                        wh_store_t *store,
                                        const wh_log_filter_t *filter,
                                        apr_pool_t *pool);
/** Adds a record to a table. */
typedef void wh_feed_add_fn_t(wh_table_t *table, const void *record,
                              apr_pool_t *pool);
typedef json_t *wh_feed_json_fn_t(const void *record);
/** 1 if a record is to be shown, for what fetch cannot filter. */
typedef int wh_feed_show_fn_t(const void *record,
                              const wh_log_filter_t *filter);

/** What a list is made of. */
typedef struct wh_feed_t {
    wh_feed_fetch_fn_t *fetch;
    wh_feed_add_fn_t *add;
    wh_feed_json_fn_t *json;
    wh_feed_show_fn_t *show; /**< NULL: all */
    wh_log_filter_t filter;
    apr_int64_t until; /**< row ids below this one; 0: no bound */
    wh_table_t *table; /**< several feeds may share one */
    /* private to feed.c */
    apr_int64_t start; /* not below this */
    apr_int64_t last;  /* highest id seen */
    apr_hash_t *seen;  /* ids that were shown, as far as they count */
    apr_pool_t *seen_pool;
} wh_feed_t;

/**
 * Lists what --limit allows, the newest first; with --follow the newest last,
 * and goes on.
 * @return the exit status
 */
int wh_feed_list(wh_feed_t *feed, wh_ctl_t *ctl);

/** A row id: shows only what is newer. */
void wh_feed_start(wh_feed_t *feed, apr_int64_t id, apr_pool_t *pool);

/**
 * Shows what comes until SIGINT, SIGTERM or SIGHUP, or the time that --for
 * gives.
 * @return the exit status
 */
int wh_feed_follow(wh_feed_t *const *feeds, int count, wh_ctl_t *ctl);

#endif
