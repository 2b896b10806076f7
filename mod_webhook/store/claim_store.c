/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "store/delivery_store.h"
#include "store/store_priv.h"

typedef struct claim_work_t {
    wh_claim_t *claims;
    int count;
    int *done;
    apr_int64_t node;
    apr_time_t now;
    apr_int64_t bytes; /* of what this run has taken */
    int rows;          /* likewise */
} claim_work_t;

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

static apr_status_t count_fitting(wh_store_t *store, claim_work_t *work,
                                  apr_int64_t *limit, const void **args)
{
    apr_int64_t fit = 0;
    wh_rows_t rows;
    apr_status_t rv;

    rv = wh_db_select(&rows, &store->db, WH_SQL_DELIVERY_DUE_SIZES, args);
    while (rv == APR_SUCCESS && work->bytes < CLAIM_BYTES &&
           wh_rows_next(&rows)) {
        work->bytes += wh_rows_int64(&rows, 0);
        fit++;
    }
    *limit = fit > 0 ? fit : 1;
    return rv;
}

/* Mostly all fit, and then one row tells so. */
static apr_status_t limit_bytes(wh_store_t *store, claim_work_t *work,
                                apr_int64_t webhook_id, apr_int64_t *limit)
{
    const void *args[] = {&webhook_id, &work->now, limit};
    apr_int64_t bytes;
    wh_rows_t rows;
    apr_status_t rv;

    rv = wh_db_select(&rows, &store->db, WH_SQL_DELIVERY_DUE_BYTES, args);
    if (rv != APR_SUCCESS || !wh_rows_next(&rows)) {
        return rv;
    }
    bytes = wh_rows_int64(&rows, 1);
    if (work->bytes + bytes > CLAIM_BYTES) {
        return count_fitting(store, work, limit, args);
    }
    work->bytes += bytes;
    return APR_SUCCESS;
}

typedef struct damaged_t {
    apr_int64_t id;
    apr_int64_t order_key;
} damaged_t;

/* @param damaged of damaged_t: rows that cannot be delivered */
static apr_status_t read_due(wh_store_t *store, const claim_work_t *work,
                             wh_claim_t *claim, apr_int64_t limit,
                             apr_array_header_t *damaged, apr_pool_t *pool)
{
    apr_int64_t webhook_id = claim->webhook_id;
    const void *args[] = {&webhook_id, &work->now, &limit};
    wh_rows_t rows;
    apr_status_t rv;

    rv = wh_db_select(&rows, &store->db, WH_SQL_DELIVERY_DUE, args);
    while (rv == APR_SUCCESS && wh_rows_next(&rows)) {
        wh_delivery_t *delivery;

        rv = read_delivery(&delivery, &rows, claim->webhook_id, pool);
        if (rv == APR_SUCCESS) {
            wh_message_list_add(&claim->taken, &delivery->message);
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
static apr_status_t fail_damaged(wh_store_t *store, const wh_claim_t *claim,
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

/* Rows of a webhook, which this node owns from now on. */
static apr_status_t take(wh_store_t *store, claim_work_t *work,
                         wh_claim_t *claim, apr_pool_t *pool)
{
    apr_array_header_t *damaged = apr_array_make(pool, 1, sizeof(damaged_t));
    int left = WH_CLAIM_ROWS - work->rows;
    apr_int64_t limit = claim->limit < left ? claim->limit : left;
    wh_message_t *message;
    apr_status_t rv;

    rv = limit_bytes(store, work, claim->webhook_id, &limit);
    if (rv == APR_SUCCESS) {
        rv = read_due(store, work, claim, limit, damaged, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = fail_damaged(store, claim, damaged);
        claim->damaged = damaged->nelts;
    }
    for (message = claim->taken.first; rv == APR_SUCCESS && message;
         message = message->next) {
        const void *args[] = {&work->node, &((wh_delivery_t *)message)->id};

        rv = wh_db_update(&store->db, NULL, WH_SQL_DELIVERY_TAKE, args);
        claim->count++;
    }
    work->rows += claim->count;
    return rv;
}

static apr_status_t find_next_due(wh_store_t *store, wh_claim_t *claim)
{
    apr_int64_t webhook_id = claim->webhook_id;
    const void *args[] = {&webhook_id};
    wh_rows_t rows;
    apr_status_t rv;

    rv = wh_db_select(&rows, &store->db, WH_SQL_DELIVERY_NEXT_DUE, args);
    claim->next_due = APR_INT64_MAX;
    if (rv == APR_SUCCESS && wh_rows_next(&rows)) {
        claim->next_due = wh_rows_int64(&rows, 0);
    }
    return rv;
}

static void discard_earlier(wh_claim_t *claims, int count)
{
    int i;

    for (i = 0; i < count; i++) {
        discard(&claims[i].earlier);
    }
}

static void set_aside(wh_claim_t *claim)
{
    wh_message_t *message = claim->taken.first;

    claim->taken.first = claim->taken.last = NULL;
    claim->count = claim->damaged = 0;
    while (message) {
        wh_message_t *next = message->next;

        wh_message_list_add(&claim->earlier, message);
        message = next;
    }
}

/* What an earlier run of this work has taken goes back. It stays known until the
 * answer is: should that run have been committed, and this one not. */
static apr_status_t begin_claims(wh_store_t *store, claim_work_t *work)
{
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; i < work->count; i++) {
        set_aside(&work->claims[i]);
    }
    for (i = 0; rv == APR_SUCCESS && i < work->count; i++) {
        rv = give_back_list(store, work->node, &work->claims[i].earlier);
    }
    work->bytes = 0;
    work->rows = 0;
    *work->done = 0;
    return rv;
}

/* Under the write lock and in one transaction, so nobody else can take the
 * rows between the select and the updates. */
static apr_status_t claim_all(wh_store_t *store, void *baton)
{
    claim_work_t *work = baton;
    apr_status_t rv = begin_claims(store, work);
    apr_pool_t *pool;

    if (rv == APR_SUCCESS) {
        rv = apr_pool_create(&pool, store->pool);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    apr_pool_tag(pool, "webhook_claim");
    while (rv == APR_SUCCESS && *work->done < work->count &&
           work->bytes < CLAIM_BYTES && work->rows < WH_CLAIM_ROWS) {
        wh_claim_t *claim = &work->claims[*work->done];

        if (claim->limit > 0) {
            rv = take(store, work, claim, pool);
        }
        if (rv == APR_SUCCESS) {
            rv = find_next_due(store, claim);
        }
        ++*work->done;
    }
    apr_pool_destroy(pool);
    return rv;
}

apr_status_t wh_store_claim(int *done, wh_store_t *store, apr_int64_t node,
                            wh_claim_t *claims, int count, apr_time_t now)
{
    claim_work_t work = {claims, count, done, node, now, 0, 0};
    apr_status_t rv;
    int i;

    *done = 0;
    for (i = 0; i < count; i++) {
        claims[i].taken.first = claims[i].taken.last = NULL;
        claims[i].earlier = claims[i].taken;
    }
    rv = wh_store_write(store, claim_all, &work);
    if (rv != APR_SUCCESS && rv != WH_STORE_UNKNOWN) {
        for (i = 0; i < count; i++) {
            set_aside(&claims[i]);
        }
    }
    if (rv != WH_STORE_UNKNOWN) {
        discard_earlier(claims, count);
    }
    return rv;
}

/* Of statements that change all times after one. */
typedef struct times_t {
    apr_int64_t value;
    apr_int64_t after;
    int count; /* of those changed */
} times_t;

static apr_status_t move_times(wh_store_t *store, void *baton)
{
    times_t *work = baton;
    const void *args[] = {&work->value, &work->after};
    const void *mark[] = {&work->after, &work->after};
    int affected = 0;
    apr_status_t rv =
        wh_db_update(&store->db, &affected, WH_SQL_CLOCK_BACK, mark);

    if (rv != APR_SUCCESS || affected == 0) {
        return rv; /* an earlier run has done it */
    }
    rv = wh_db_update(&store->db, NULL, WH_SQL_DELIVERY_EARLIER, args);
    return rv == APR_SUCCESS
               ? wh_db_update(&store->db, NULL, WH_SQL_USAGE_EARLIER, args)
               : rv;
}

apr_status_t wh_store_clock_back(wh_store_t *store, apr_interval_time_t time,
                                 apr_time_t now)
{
    times_t work = {time, now, 0};

    return wh_store_write(store, move_times, &work);
}

static apr_status_t limit_due(wh_store_t *store, void *baton)
{
    times_t *work = baton;
    const void *args[] = {&work->value, &work->after};

    return wh_db_update(&store->db, &work->count, WH_SQL_DELIVERY_BOUND, args);
}

apr_status_t wh_store_due_limit(wh_store_t *store, apr_time_t latest,
                                apr_time_t now)
{
    times_t work = {now, latest, 0};
    apr_status_t rv = wh_store_write(store, limit_due, &work);

    if (rv == APR_SUCCESS && work.count > 0) {
        wh_log(WH_LOG_WARNING, APR_SUCCESS,
               WHLOGNO(1122) "%d deliveries waited longer than any may: the "
                             "clock was wrong, or WebhookRetry is shorter now",
               work.count);
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
