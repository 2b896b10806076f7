/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deliveries that go one after the other: of those of one webhook that have the
 * same order key and have not ended, the one with the lowest id is free, all
 * others are blocked. Each transaction that ends one keeps it so.
 */
#include "store/delivery_store.h"
#include "store/store_priv.h"

static apr_status_t is_any_pending(int *pending, wh_store_t *store,
                                   const wh_delivery_row_t *row)
{
    apr_int64_t webhook = row->webhook_id;
    const void *args[] = {&webhook, &row->order_key};
    wh_rows_t rows;
    apr_status_t rv;

    rv = wh_db_select(&rows, &store->db, WH_SQL_ORDER_PENDING, args);
    if (rv == APR_SUCCESS) {
        *pending = wh_rows_next(&rows);
    }
    return rv;
}

apr_status_t wh_store_delivery_insert(int *blocked, wh_store_t *store,
                                      const wh_delivery_row_t *row)
{
    apr_int64_t webhook = row->webhook_id, owner = row->owner;
    const void *args[] = {&row->id,  &row->event_id, &webhook,
                          &row->due, &owner,         &row->order_key};
    apr_status_t rv = APR_SUCCESS;

    *blocked = 0;
    if (row->order_key) {
        rv = is_any_pending(blocked, store, row);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (*blocked) {
        owner = WH_OWNER_BLOCKED;
    }
    return wh_db_update(&store->db, NULL, WH_SQL_DELIVERY_INSERT, args);
}

apr_status_t wh_store_order_follow(int *followed, wh_store_t *store,
                                   apr_int64_t webhook_id,
                                   apr_int64_t order_key)
{
    const void *args[] = {&webhook_id, &order_key};

    return wh_db_update(&store->db, followed, WH_SQL_ORDER_FOLLOW, args);
}

apr_status_t wh_store_order_expired(apr_array_header_t **keys,
                                    wh_store_t *store, apr_int64_t below_id,
                                    apr_pool_t *pool)
{
    const void *args[] = {&below_id};
    wh_rows_t rows;
    apr_status_t rv;

    *keys = apr_array_make(pool, 1, sizeof(wh_order_key_t));
    rv = wh_db_select(&rows, &store->db, WH_SQL_ORDER_EXPIRED, args);
    while (rv == APR_SUCCESS && wh_rows_next(&rows)) {
        wh_order_key_t *key = apr_array_push(*keys);

        key->webhook_id = wh_rows_int64(&rows, 0);
        key->order_key = wh_rows_int64(&rows, 1);
    }
    return rv;
}

apr_status_t wh_store_order_follow_all(wh_store_t *store,
                                       const apr_array_header_t *keys)
{
    apr_status_t rv = APR_SUCCESS;
    int i, followed;

    for (i = 0; rv == APR_SUCCESS && i < keys->nelts; i++) {
        const wh_order_key_t *key = &APR_ARRAY_IDX(keys, i, wh_order_key_t);

        rv = wh_store_order_follow(&followed, store, key->webhook_id,
                                   key->order_key);
    }
    return rv;
}
