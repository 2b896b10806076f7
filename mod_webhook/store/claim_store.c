/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "store/delivery_store.h"
#include "store/store_priv.h"

/* Rows of one claim at the most: a driver walks a result from its start for
 * every row, so that twice the rows cost four times the steps. */
#define CLAIM_ROWS 250

typedef struct claim_t {
    wh_message_list_t *list;
    int *taken;
    apr_int64_t node;
    apr_int64_t webhook_id;
    apr_time_t now;
    apr_int64_t limit;
} claim_t;

static void discard(wh_message_list_t *list)
{
    wh_message_t *message = list->first;

    while (message) {
        wh_message_t *next = message->next;

        wh_delivery_destroy((wh_delivery_t *)message);
        message = next;
    }
    list->first = list->last = NULL;
}

/* Columns d.id, d.attempts, d.due, d.body, those of the event, d.order_key.
 * APR_EINVAL: the row says nothing that could be delivered. */
static apr_status_t read_delivery(wh_delivery_t **result, wh_rows_t *rows,
                                  apr_int32_t webhook_id, apr_pool_t *pool)
{
    const char *body = wh_rows_peek(rows, 3);
    const char *uuid = wh_rows_peek(rows, 5);
    wh_event_t fields = {.id = wh_rows_int64(rows, 4),
                         .time = wh_rows_int64(rows, 6),
                         .primary_key = (apr_int32_t)wh_rows_int64(rows, 7),
                         .associate_id = (apr_int32_t)wh_rows_int64(rows, 8),
                         .name = wh_rows_peek(rows, 9),
                         .context = wh_rows_peek(rows, 10),
                         .data = wh_rows_peek(rows, 11),
                         .idempotency = ""};
    wh_delivery_t *delivery;
    wh_event_t *event;

    if (uuid) {
        apr_cpystrn(fields.uuid, uuid, sizeof(fields.uuid));
    }
    fields.changes = fields.data ? wh_event_changes(fields.data, pool) : NULL;
    if (!fields.name || !fields.context || !fields.changes) {
        return APR_EINVAL;
    }
    event = wh_event_create(&fields);
    delivery =
        event ? wh_delivery_create(event, wh_rows_int64(rows, 0), webhook_id)
              : NULL;
    if (event) {
        wh_event_release(event);
    }
    if (delivery) {
        delivery->attempts = (int)wh_rows_int64(rows, 1);
        delivery->due = wh_rows_int64(rows, 2);
        delivery->body = body ? strdup(body) : NULL;
        delivery->order_key = wh_rows_int64(rows, 12);
    }
    *result = delivery;
    return delivery ? APR_SUCCESS : APR_ENOMEM;
}

/* All rows of a select lie in memory, and then again as deliveries: at least
 * one row is taken, and no more than fit this. */
#define CLAIM_BYTES (4 * 1024 * 1024)

static apr_status_t count_fitting(wh_store_t *store, claim_t *claim,
                                  const void **args)
{
    apr_int64_t bytes = 0, fit = 0;
    wh_rows_t rows;
    apr_status_t rv;

    rv = wh_db_select(&rows, &store->db, WH_SQL_DELIVERY_DUE_SIZES, args);
    while (rv == APR_SUCCESS && bytes < CLAIM_BYTES && wh_rows_next(&rows)) {
        bytes += wh_rows_int64(&rows, 0);
        fit++;
    }
    claim->limit = fit > 0 ? fit : 1;
    return rv;
}

/* Mostly all fit, and then one row tells so. */
static apr_status_t limit_bytes(wh_store_t *store, claim_t *claim)
{
    const void *args[] = {&claim->webhook_id, &claim->now, &claim->limit};
    wh_rows_t rows;
    apr_status_t rv;

    rv = wh_db_select(&rows, &store->db, WH_SQL_DELIVERY_DUE_BYTES, args);
    if (rv == APR_SUCCESS && wh_rows_next(&rows) &&
        wh_rows_int64(&rows, 1) > CLAIM_BYTES) {
        rv = count_fitting(store, claim, args);
    }
    return rv;
}

typedef struct damaged_t {
    apr_int64_t id;
    apr_int64_t order_key;
} damaged_t;

/* @param damaged of damaged_t: rows that cannot be delivered */
static apr_status_t read_due(wh_store_t *store, claim_t *claim,
                             apr_array_header_t *damaged, apr_pool_t *pool)
{
    const void *args[] = {&claim->webhook_id, &claim->now, &claim->limit};
    wh_rows_t rows;
    apr_status_t rv;

    rv = wh_db_select(&rows, &store->db, WH_SQL_DELIVERY_DUE, args);
    while (rv == APR_SUCCESS && wh_rows_next(&rows)) {
        wh_delivery_t *delivery;

        rv = read_delivery(&delivery, &rows, (apr_int32_t)claim->webhook_id,
                           pool);
        if (rv == APR_SUCCESS) {
            wh_message_list_add(claim->list, &delivery->message);
        }
        else if (rv == APR_EINVAL) {
            damaged_t *row = apr_array_push(damaged);

            row->id = wh_rows_int64(&rows, 0);
            row->order_key = wh_rows_int64(&rows, 12);
            rv = APR_SUCCESS;
        }
    }
    return rv;
}

/* One bad row must not hold up a webhook: it has failed. */
static apr_status_t fail_damaged(wh_store_t *store, const claim_t *claim,
                                 const apr_array_header_t *damaged)
{
    apr_status_t rv = APR_SUCCESS;
    int i, followed;

    for (i = 0; rv == APR_SUCCESS && i < damaged->nelts; i++) {
        const damaged_t *row = &APR_ARRAY_IDX(damaged, i, damaged_t);
        const void *args[] = {&row->id};

        wh_log(WH_LOG_ERROR, APR_SUCCESS,
               WHLOGNO(1121) "delivery %" APR_INT64_T_FMT
                             " has failed: its event cannot be read",
               row->id);
        rv = wh_db_update(&store->db, NULL, WH_SQL_DELIVERY_FAIL, args);
        if (rv == APR_SUCCESS && row->order_key) {
            rv = wh_store_order_follow(&followed, store, claim->webhook_id,
                                       row->order_key);
        }
    }
    return rv;
}

static apr_status_t give_back(wh_store_t *store, apr_int64_t node,
                              apr_int64_t id)
{
    const void *args[] = {&id, &node};

    return wh_db_update(&store->db, NULL, WH_SQL_DELIVERY_GIVE_BACK, args);
}

/* What the first run of this work took, should its COMMIT have taken place
 * after all. */
static apr_status_t give_back_list(wh_store_t *store, apr_int64_t node,
                                   const wh_message_list_t *list)
{
    const wh_message_t *message;
    apr_status_t rv = APR_SUCCESS;

    for (message = list->first; rv == APR_SUCCESS && message;
         message = message->next) {
        rv = give_back(store, node, ((const wh_delivery_t *)message)->id);
    }
    return rv;
}

/* Under the write lock and in one transaction, so nobody else can take the
 * rows between the select and the updates. */
static apr_status_t claim_work(wh_store_t *store, void *baton)
{
    claim_t *claim = baton;
    apr_array_header_t *damaged;
    wh_message_t *message;
    apr_pool_t *pool;
    apr_status_t rv;

    rv = give_back_list(store, claim->node, claim->list);
    discard(claim->list);
    *claim->taken = 0;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    apr_pool_create(&pool, store->pool);
    apr_pool_tag(pool, "webhook_claim");
    damaged = apr_array_make(pool, 1, sizeof(damaged_t));
    rv = limit_bytes(store, claim);
    if (rv == APR_SUCCESS) {
        rv = read_due(store, claim, damaged, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = fail_damaged(store, claim, damaged);
    }
    for (message = claim->list->first; rv == APR_SUCCESS && message;
         message = message->next) {
        wh_delivery_t *delivery = (wh_delivery_t *)message;
        const void *args[] = {&claim->node, &delivery->id};

        rv = wh_db_update(&store->db, NULL, WH_SQL_DELIVERY_TAKE, args);
        ++*claim->taken;
    }
    apr_pool_destroy(pool);
    return rv;
}

apr_status_t wh_store_claim(wh_message_list_t *list, int *taken,
                            wh_store_t *store, apr_int64_t node,
                            apr_int32_t webhook_id, apr_time_t now, int limit)
{
    claim_t claim = {list, taken,
                     node, webhook_id,
                     now,  limit > CLAIM_ROWS ? CLAIM_ROWS : limit};
    apr_status_t rv;

    list->first = list->last = NULL;
    rv = wh_store_write(store, claim_work, &claim);
    if (rv != APR_SUCCESS && rv != WH_STORE_UNKNOWN) {
        discard(list);
        *taken = 0;
    }
    return rv;
}

typedef struct give_back_t {
    apr_int64_t node;
    const apr_array_header_t *ids;
} give_back_t;

static apr_status_t give_back_all(wh_store_t *store, void *baton)
{
    give_back_t *work = baton;
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; rv == APR_SUCCESS && i < work->ids->nelts; i++) {
        rv = give_back(store, work->node,
                       APR_ARRAY_IDX(work->ids, i, apr_int64_t));
    }
    return rv;
}

apr_status_t wh_store_give_back(wh_store_t *store, apr_int64_t node,
                                const apr_array_header_t *ids)
{
    give_back_t work = {node, ids};

    return wh_store_write(store, give_back_all, &work);
}

typedef struct next_due_t {
    apr_int64_t webhook_id;
    apr_time_t due;
} next_due_t;

static apr_status_t read_next_due(wh_store_t *store, void *baton)
{
    next_due_t *wanted = baton;
    const void *args[] = {&wanted->webhook_id};
    wh_rows_t rows;
    apr_status_t rv;

    rv = wh_db_select(&rows, &store->db, WH_SQL_DELIVERY_NEXT_DUE, args);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!wh_rows_next(&rows)) {
        return APR_ENOENT;
    }
    wanted->due = wh_rows_int64(&rows, 0);
    return APR_SUCCESS;
}

apr_status_t wh_store_next_due(apr_time_t *due, wh_store_t *store,
                               apr_int32_t webhook_id)
{
    next_due_t wanted = {webhook_id, 0};
    apr_status_t rv = wh_store_read(store, read_next_due, &wanted);

    *due = wanted.due;
    return rv;
}
