/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/feed.h"

#include <apr_strings.h>
#include <errno.h>
#include <string.h>

#define DEFAULT_LIMIT 50
#define LIMIT_MAX 100000

/* Rows of one read. */
#define PORTION 500

/* Pause between two looks. */
#define INTERVAL apr_time_from_msec(500)

/* A row can be so late, in milliseconds: the longest that a transaction waits
 * behind another node's, with room. */
#define LATE_MILLISECONDS APR_INT64_C(2000)
#define LATE (LATE_MILLISECONDS << WH_ROW_ID_SHIFT)

/* Each record of log_store.h begins with its id. */
static apr_int64_t id_of(const void *record)
{
    return *(const apr_int64_t *)record;
}

static int is_shown(const wh_feed_t *feed, const void *record)
{
    return !feed->show || feed->show(record, &feed->filter);
}

/* -- what was shown ----------------------------------------------------- */

static void remember(wh_feed_t *feed, apr_int64_t id)
{
    apr_int64_t *key = apr_pmemdup(feed->seen_pool, &id, sizeof(id));

    apr_hash_set(feed->seen, key, sizeof(*key), "");
    if (id > feed->last) {
        feed->last = id;
    }
}

static int is_seen(const wh_feed_t *feed, apr_int64_t id)
{
    return apr_hash_get(feed->seen, &id, sizeof(id)) != NULL;
}

/* 0 would mean another order. */
static apr_int64_t look_back(const wh_feed_t *feed)
{
    apr_int64_t after = feed->last - LATE;

    after = after > feed->start ? after : feed->start;
    return after > 0 ? after : 1;
}

/* Ids that no look asks for any more are forgotten. */
static void forget(wh_feed_t *feed)
{
    apr_pool_t *old = feed->seen_pool;
    apr_hash_t *seen = feed->seen;
    apr_int64_t after = look_back(feed);
    apr_hash_index_t *at;

    if (apr_pool_create(&feed->seen_pool, apr_pool_parent_get(old)) !=
        APR_SUCCESS) {
        feed->seen_pool = old;
        return;
    }
    feed->seen = apr_hash_make(feed->seen_pool);
    for (at = apr_hash_first(old, seen); at; at = apr_hash_next(at)) {
        apr_int64_t id = *(const apr_int64_t *)apr_hash_this_key(at);

        if (id > after) {
            remember(feed, id);
        }
    }
    apr_pool_destroy(old);
}

void wh_feed_start(wh_feed_t *feed, apr_int64_t id, apr_pool_t *pool)
{
    feed->start = feed->last = id;
    apr_pool_create(&feed->seen_pool, pool);
    feed->seen = apr_hash_make(feed->seen_pool);
}

/* -- following ---------------------------------------------------------- */

static void print_record(wh_feed_t *feed, const void *record, int json,
                         apr_pool_t *pool)
{
    if (json) {
        wh_output_json(feed->json(record), 1);
    }
    else {
        feed->add(feed->table, record, pool);
    }
}

/* One look at one feed. */
static apr_status_t look(wh_feed_t *feed, int *shown, wh_ctl_t *ctl,
                         apr_pool_t *pool)
{
    apr_array_header_t *rows;
    apr_status_t rv;
    int i, found = 0;

    feed->filter.after = look_back(feed);
    feed->filter.before = feed->until;
    feed->filter.limit = PORTION;
    do {
        rv = feed->fetch(&rows, ctl->store, &feed->filter, pool);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        for (i = 0; i < rows->nelts; i++) {
            const void *record = APR_ARRAY_IDX(rows, i, const void *);

            feed->filter.after = id_of(record);
            if (is_seen(feed, id_of(record))) {
                continue;
            }
            remember(feed, id_of(record));
            found++;
            if (is_shown(feed, record)) {
                print_record(feed, record, ctl->json, pool);
                (*shown)++;
            }
        }
    } while (rows->nelts == PORTION);
    if (found) {
        forget(feed);
    }
    return APR_SUCCESS;
}

static apr_status_t look_at_all(wh_feed_t *const *feeds, int count,
                                wh_ctl_t *ctl, apr_pool_t *pool)
{
    apr_status_t rv = APR_SUCCESS;
    int i, shown = 0;

    for (i = 0; i < count && rv == APR_SUCCESS; i++) {
        rv = look(feeds[i], &shown, ctl, pool);
    }
    if (shown && !ctl->json) {
        wh_table_print(feeds[0]->table);
    }
    fflush(stdout);
    return rv;
}

/* Waits for the next look; 0: it is time to end. The signals are blocked, so
 * that nothing is cut off in the middle of a line or of a read. */
static int pause_until(apr_time_t end, const sigset_t *signals)
{
    apr_time_t now = apr_time_now();
    apr_interval_time_t wait = INTERVAL;
    struct timespec time;

    if (end && end - now < wait) {
        wait = end - now;
    }
    if (wait <= 0) {
        return 0;
    }
    time.tv_sec = (time_t)apr_time_sec(wait);
    time.tv_nsec = (long)apr_time_usec(wait) * 1000;
    return sigtimedwait(signals, NULL, &time) < 0;
}

int wh_feed_follow(wh_feed_t *const *feeds, int count, wh_ctl_t *ctl)
{
    apr_int64_t seconds = 0;
    apr_time_t end = 0;
    sigset_t signals, former;
    apr_pool_t *pool;
    apr_status_t rv;

    if (!wh_ctl_number(ctl, &seconds, WH_OPTION_FOR, 1, 1000000000)) {
        return WH_EXIT_USAGE;
    }
    if (seconds) {
        end = apr_time_now() + apr_time_from_sec(seconds);
    }
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, &former);
    apr_pool_create(&pool, ctl->pool);
    do {
        apr_pool_clear(pool);
        rv = look_at_all(feeds, count, ctl, pool);
    } while (rv == APR_SUCCESS && !ferror(stdout) &&
             pause_until(end, &signals));
    apr_pool_destroy(pool);
    sigprocmask(SIG_SETMASK, &former, NULL);
    return rv == APR_SUCCESS ? WH_EXIT_DONE : wh_ctl_storage(rv, NULL);
}

/* -- lists -------------------------------------------------------------- */

/* Newest first, at most limit. */
static apr_status_t fetch_newest(apr_array_header_t **records, wh_feed_t *feed,
                                 int limit, wh_ctl_t *ctl)
{
    apr_array_header_t *rows;
    apr_status_t rv;

    *records = apr_array_make(ctl->pool, 64, sizeof(void *));
    feed->filter.before = feed->until;
    feed->filter.after = 0;
    do {
        int left = limit - (*records)->nelts;

        feed->filter.limit = left < PORTION ? left : PORTION;
        rv = feed->fetch(&rows, ctl->store, &feed->filter, ctl->pool);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        apr_array_cat(*records, rows);
        if (rows->nelts > 0) {
            feed->filter.before =
                id_of(APR_ARRAY_IDX(rows, rows->nelts - 1, const void *));
        }
    } while (rows->nelts == feed->filter.limit && (*records)->nelts < limit);
    return APR_SUCCESS;
}

static int print_list(wh_feed_t *feed, const apr_array_header_t *records,
                      wh_ctl_t *ctl)
{
    json_t *array = ctl->json ? json_array() : NULL;
    int i;

    for (i = 0; i < records->nelts; i++) {
        const void *record = APR_ARRAY_IDX(records, i, const void *);

        if (array) {
            json_array_append_new(array, feed->json(record));
        }
        else {
            feed->add(feed->table, record, ctl->pool);
        }
    }
    if (ctl->json) {
        return wh_output_json(array, 0);
    }
    wh_table_print(feed->table);
    return WH_EXIT_DONE;
}

static int print_and_follow(wh_feed_t *feed, const apr_array_header_t *records,
                            wh_ctl_t *ctl)
{
    int i = records->nelts;

    /* Rows that the limit has left out stay out. */
    wh_feed_start(feed,
                  i ? id_of(APR_ARRAY_IDX(records, i - 1, const void *)) : 0,
                  ctl->pool);
    while (i-- > 0) {
        const void *record = APR_ARRAY_IDX(records, i, const void *);

        remember(feed, id_of(record));
        print_record(feed, record, ctl->json, ctl->pool);
    }
    if (records->nelts && !ctl->json) {
        wh_table_print(feed->table);
    }
    fflush(stdout);
    return wh_feed_follow(&feed, 1, ctl);
}

int wh_feed_list(wh_feed_t *feed, wh_ctl_t *ctl)
{
    apr_array_header_t *records;
    apr_int64_t limit = DEFAULT_LIMIT;
    apr_status_t rv;

    if (!wh_ctl_number(ctl, &limit, WH_OPTION_LIMIT, 1, LIMIT_MAX)) {
        return WH_EXIT_USAGE;
    }
    rv = fetch_newest(&records, feed, (int)limit, ctl);
    if (rv != APR_SUCCESS) {
        return wh_ctl_storage(rv, NULL);
    }
    return wh_option_given(ctl->options, WH_OPTION_FOLLOW)
               ? print_and_follow(feed, records, ctl)
               : print_list(feed, records, ctl);
}
