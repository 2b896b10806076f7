/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_store.h"
#include "store/store_priv.h"

typedef struct replay_t {
    wh_log_range_t range;
    apr_time_t now;
    apr_array_header_t *ids; /* of one portion: apr_int64_t */
    int replayed;            /* of one portion */
} replay_t;

/* Without an end the search would follow what is delivered meanwhile. */
static apr_status_t bound_range(wh_store_t *store, void *baton)
{
    replay_t *replay = baton;
    apr_int64_t last = 0;
    wh_rows_t rows;
    apr_status_t rv;

    rv = wh_db_query(&rows, &store->db, wh_statement_text(WH_SQL_LAST_ID));
    if (rv == APR_SUCCESS && wh_rows_next(&rows)) {
        last = wh_rows_int64(&rows, 0);
    }
    if (last < replay->range.high) {
        replay->range.high = last + 1;
    }
    return rv;
}

/* Not under the write lock: events need not wait for a long search. */
static apr_status_t find_portion(wh_store_t *store, void *baton)
{
    replay_t *replay = baton;
    wh_rows_t rows;
    apr_status_t rv;

    apr_array_clear(replay->ids);
    rv =
        wh_db_select(&rows, &store->db, WH_SQL_REPLAY_LIST, replay->range.args);
    while (rv == APR_SUCCESS && wh_rows_next(&rows)) {
        APR_ARRAY_PUSH(replay->ids, apr_int64_t) = wh_rows_int64(&rows, 0);
    }
    return rv;
}

/* The dispatcher compares the number of replays. */
static apr_status_t replay_portion(wh_store_t *store, void *baton)
{
    replay_t *replay = baton;
    apr_int64_t number;
    apr_status_t rv = APR_SUCCESS;
    int i, affected;

    replay->replayed = 0;
    for (i = 0; rv == APR_SUCCESS && i < replay->ids->nelts; i++) {
        const void *args[] = {
            &replay->now,         &APR_ARRAY_IDX(replay->ids, i, apr_int64_t),
            &replay->range.state, &replay->range.state,
            &replay->now,
        };

        affected = 0;
        rv = wh_db_update(&store->db, &affected, WH_SQL_REPLAY, args);
        replay->replayed += affected;
    }
    return rv == APR_SUCCESS ? wh_store_number_next(&number, store, "replays")
                             : rv;
}

static apr_status_t replay_all(int *replayed, wh_store_t *store,
                               replay_t *replay)
{
    apr_status_t rv = wh_store_read(store, bound_range, replay);

    while (rv == APR_SUCCESS) {
        rv = wh_store_read(store, find_portion, replay);
        if (rv != APR_SUCCESS || replay->ids->nelts == 0) {
            return rv;
        }
        replay->range.low =
            APR_ARRAY_IDX(replay->ids, replay->ids->nelts - 1, apr_int64_t);
        rv = wh_store_write(store, replay_portion, replay);
        if (rv == APR_SUCCESS) {
            *replayed += replay->replayed;
        }
    }
    return rv;
}

apr_status_t wh_store_replay(int *replayed, wh_store_t *store,
                             const wh_log_filter_t *filter)
{
    replay_t replay = {.now = apr_time_now()};
    apr_pool_t *pool;
    apr_status_t rv = apr_pool_create(&pool, store->pool);

    *replayed = 0;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    apr_pool_tag(pool, "webhook_replay");
    replay.ids = apr_array_make(pool, WH_ROWS_CHUNK, sizeof(apr_int64_t));
    wh_log_range_init(&replay.range, filter, WH_LOG_SPAN);
    rv = replay_all(replayed, store, &replay);
    apr_pool_destroy(pool);
    return rv;
}

static apr_status_t read_replays(wh_store_t *store, void *baton)
{
    return wh_store_number(baton, store, "replays");
}

apr_status_t wh_store_replays(apr_int64_t *number, wh_store_t *store)
{
    return wh_store_read(store, read_replays, number);
}
