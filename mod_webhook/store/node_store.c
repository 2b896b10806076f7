/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "base/identifier.h"
#include "store/delivery_store.h"
#include "store/store_priv.h"

typedef struct node_t {
    apr_int64_t id;
    apr_time_t now;
    apr_int64_t last_id;
    int released;
    int forget;
    apr_array_header_t *others;
    apr_pool_t *pool;
} node_t;

static apr_status_t release(wh_store_t *store, node_t *node)
{
    const void *args[] = {&node->id};

    return wh_db_update(&store->db, &node->released, WH_SQL_DELIVERY_RELEASE,
                        args);
}

/* What a dead process of the same number still owned is free again. */
static apr_status_t enter(wh_store_t *store, void *baton)
{
    node_t *node = baton;
    const void *args[] = {&node->id, &node->now};
    wh_rows_t rows;
    apr_status_t rv = release(store, node);

    if (rv == APR_SUCCESS) {
        rv = wh_db_update(&store->db, NULL, WH_SQL_NODE_SET, args);
    }
    if (rv == APR_SUCCESS) {
        rv = wh_db_query(&rows, &store->db, wh_statement_text(WH_SQL_LAST_ID));
    }
    if (rv == APR_SUCCESS && wh_rows_next(&rows)) {
        node->last_id = wh_rows_int64(&rows, 0);
    }
    return rv;
}

apr_status_t wh_store_node_enter(apr_int64_t *last_id, wh_store_t *store,
                                 apr_int64_t node_id, apr_time_t now)
{
    node_t node = {.id = node_id, .now = now};
    apr_status_t rv = wh_store_write(store, enter, &node);

    *last_id = node.last_id;
    return rv;
}

static apr_status_t list_others(wh_store_t *store, void *baton)
{
    node_t *node = baton;
    const void *args[] = {&node->id};
    wh_rows_t rows;
    apr_status_t rv;

    node->others = apr_array_make(node->pool, 4, sizeof(apr_int64_t));
    rv = wh_db_select(&rows, &store->db, WH_SQL_NODE_LIST, args);
    while (rv == APR_SUCCESS && wh_rows_next(&rows)) {
        APR_ARRAY_PUSH(node->others, apr_int64_t) = wh_rows_int64(&rows, 0);
    }
    return rv;
}

apr_status_t wh_store_node_list(apr_array_header_t **nodes, wh_store_t *store,
                                apr_int64_t self, apr_pool_t *pool)
{
    node_t node = {.id = self, .pool = pool};
    apr_status_t rv = wh_store_read(store, list_others, &node);

    *nodes = node.others;
    return rv;
}

static apr_status_t leave(wh_store_t *store, void *baton)
{
    node_t *node = baton;
    const void *args[] = {&node->id};
    apr_status_t rv = release(store, node);

    if (rv == APR_SUCCESS && node->forget) {
        rv = wh_db_update(&store->db, NULL, WH_SQL_NODE_DELETE, args);
    }
    return rv;
}

apr_status_t wh_store_node_release(int *released, wh_store_t *store,
                                   apr_int64_t node_id, int forget)
{
    node_t node = {.id = node_id, .forget = forget};
    apr_status_t rv = wh_store_write(store, leave, &node);

    *released = node.released;
    return rv;
}

/* An event is made a little before its deliveries: it goes a little later,
 * so that no border between two ids parts them. */
#define EVENT_MARGIN (APR_INT64_C(60000) << WH_ROW_ID_SHIFT)

typedef struct sweep_t {
    apr_int64_t below_id;
    int deleted;
    int expired;
} sweep_t;

static apr_status_t count_expired(wh_store_t *store, sweep_t *work)
{
    const void *args[] = {&work->below_id};
    wh_rows_t rows;
    apr_status_t rv;

    rv = wh_db_select(&rows, &store->db, WH_SQL_EXPIRED_COUNT, args);
    if (rv == APR_SUCCESS && wh_rows_next(&rows)) {
        work->expired = (int)wh_rows_int64(&rows, 0);
    }
    return rv;
}

/* One portion of one table. */
static apr_status_t sweep_table(int *affected, wh_store_t *store, sweep_t *work,
                                wh_statement_t statement, apr_int64_t below_id)
{
    const void *args[] = {&below_id};
    apr_status_t rv = wh_db_update(&store->db, affected, statement, args);

    work->deleted += *affected;
    return rv;
}

/* What waited for a delivery that goes must not wait for ever. */
static apr_status_t sweep_deliveries(int *affected, wh_store_t *store,
                                     sweep_t *work)
{
    apr_array_header_t *keys;
    apr_pool_t *pool;
    apr_status_t rv = apr_pool_create(&pool, store->pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    apr_pool_tag(pool, "webhook_sweep");
    rv = count_expired(store, work);
    if (rv == APR_SUCCESS) {
        rv = wh_store_order_expired(&keys, store, work->below_id, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = sweep_table(affected, store, work, WH_SQL_SWEEP_DELIVERY,
                         work->below_id);
    }
    if (rv == APR_SUCCESS) {
        rv = wh_store_order_follow_all(store, keys);
    }
    apr_pool_destroy(pool);
    return rv;
}

/* A table that has more than one portion goes first to its end, so that no
 * delivery outlives its event. */
static apr_status_t sweep(wh_store_t *store, void *baton)
{
    const apr_time_t time = wh_row_id_time(((sweep_t *)baton)->below_id);
    sweep_t *work = baton;
    int affected = 0;
    apr_status_t rv;

    work->deleted = work->expired = 0;
    rv = sweep_table(&affected, store, work, WH_SQL_SWEEP_ATTEMPT,
                     work->below_id);
    if (rv != APR_SUCCESS || affected == WH_ROWS_CHUNK) {
        return rv;
    }
    rv = sweep_deliveries(&affected, store, work);
    if (rv != APR_SUCCESS || affected == WH_ROWS_CHUNK) {
        return rv;
    }
    rv = sweep_table(&affected, store, work, WH_SQL_SWEEP_EVENT,
                     work->below_id - EVENT_MARGIN);
    if (rv != APR_SUCCESS || affected == WH_ROWS_CHUNK) {
        return rv;
    }
    return sweep_table(&affected, store, work, WH_SQL_SWEEP_REPLAY, time);
}

apr_status_t wh_store_sweep(int *deleted, int *expired, wh_store_t *store,
                            apr_int64_t below_id)
{
    sweep_t work = {.below_id = below_id};
    apr_status_t rv = wh_store_write(store, sweep, &work);

    *deleted = work.deleted;
    *expired = work.expired;
    return rv;
}
