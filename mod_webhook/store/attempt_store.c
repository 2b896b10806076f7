/* SPDX-License-Identifier: Apache-2.0 */
#include "store/attempt_store.h"

#include "store/store_priv.h"

typedef struct recent_t {
    apr_int64_t after;
    apr_int64_t limit;
    apr_array_header_t *attempts;
    apr_pool_t *pool;
} recent_t;

static wh_log_recent_t *read_row(wh_rows_t *rows, apr_pool_t *pool)
{
    wh_log_recent_t *recent = apr_pcalloc(pool, sizeof(*recent));
    wh_log_attempt_t *attempt = &recent->attempt;
    int column = 0;

    attempt->id = wh_rows_int64(rows, column++);
    attempt->delivery_id = wh_rows_int64(rows, column++);
    attempt->number = (int)wh_rows_int64(rows, column++);
    attempt->started = wh_rows_int64(rows, column++);
    attempt->duration = wh_rows_int64(rows, column++);
    attempt->status = (int)wh_rows_int64(rows, column++);
    attempt->error = wh_rows_text(rows, column++, pool);
    attempt->address = wh_rows_text(rows, column++, pool);
    recent->webhook_id = (apr_int32_t)wh_rows_int64(rows, column++);
    recent->event_uuid = wh_rows_text(rows, column++, pool);
    recent->event_name = wh_rows_text(rows, column++, pool);
    recent->context = wh_rows_text(rows, column++, pool);
    return recent;
}

static apr_status_t read_recent(wh_store_t *store, void *baton)
{
    recent_t *recent = baton;
    const void *args[] = {&recent->after, &recent->limit};
    wh_rows_t rows;
    apr_status_t rv;

    recent->attempts = apr_array_make(recent->pool, 16, sizeof(void *));
    rv = wh_db_select(&rows, &store->db, WH_SQL_ATTEMPT_RECENT, args);
    while (rv == APR_SUCCESS && wh_rows_next(&rows)) {
        APR_ARRAY_PUSH(recent->attempts, void *) =
            read_row(&rows, recent->pool);
    }
    return rv;
}

apr_status_t wh_store_attempt_recent(apr_array_header_t **attempts,
                                     wh_store_t *store, apr_int64_t after,
                                     int limit, apr_pool_t *pool)
{
    recent_t recent = {.after = after, .limit = limit, .pool = pool};
    apr_status_t rv = wh_store_read(store, read_recent, &recent);

    *attempts = recent.attempts;
    return rv;
}

static apr_status_t read_last_id(wh_store_t *store, void *baton)
{
    apr_int64_t *id = baton;
    wh_rows_t rows;
    apr_status_t rv;

    *id = 0;
    rv = wh_db_query(&rows, &store->db, wh_statement_text(WH_SQL_LAST_ID));
    if (rv == APR_SUCCESS && wh_rows_next(&rows)) {
        *id = wh_rows_int64(&rows, 0);
    }
    return rv;
}

apr_status_t wh_store_last_id(apr_int64_t *id, wh_store_t *store)
{
    return wh_store_read(store, read_last_id, id);
}
