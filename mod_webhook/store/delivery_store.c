/* SPDX-License-Identifier: Apache-2.0 */
#include "store/delivery_store.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "store/store_priv.h"

apr_status_t wh_store_batch(wh_store_t *store, wh_store_batch_fn_t *work,
                            void *baton)
{
    return wh_store_write(store, work, baton);
}

typedef struct generation_t {
    apr_int64_t number;
    apr_int64_t last_id;
} generation_t;

static apr_status_t read_generation(wh_store_t *store, void *baton)
{
    generation_t *generation = baton;
    wh_rows_t rows;
    apr_status_t rv = wh_db_select(&rows, &store->db, WH_SQL_GENERATION, NULL);

    if (rv == APR_SUCCESS && wh_rows_next(&rows)) {
        generation->number = wh_rows_int64(&rows, 0);
        generation->last_id = wh_rows_int64(&rows, 1);
    }
    return rv;
}

apr_status_t wh_store_generation(apr_int64_t *generation, apr_int64_t *last_id,
                                 wh_store_t *store)
{
    generation_t read = {0, 0};
    apr_status_t rv = wh_store_read(store, read_generation, &read);

    *generation = read.number;
    if (last_id) {
        *last_id = read.last_id;
    }
    return rv;
}

static int same_event(wh_rows_t *rows, const wh_event_t *event)
{
    const char *name = wh_rows_peek(rows, 1);
    const char *data = wh_rows_peek(rows, 3);
    const char *context = wh_rows_peek(rows, 4);

    return name && data && context && !strcmp(name, event->name) &&
           wh_rows_int64(rows, 2) == event->primary_key &&
           !strcmp(data, event->data) && !strcmp(context, event->context);
}

static apr_status_t find_by_key(wh_known_event_t *known, wh_store_t *store,
                                const wh_event_t *event)
{
    const void *args[] = {event->idempotency};
    wh_rows_t rows;
    apr_status_t rv;

    rv = wh_db_select(&rows, &store->db, WH_SQL_EVENT_BY_KEY, args);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!wh_rows_next(&rows)) {
        return APR_ENOENT;
    }
    known->by_key = 1;
    known->same = same_event(&rows, event);
    known->id = wh_rows_int64(&rows, 5);
    apr_cpystrn(known->uuid, wh_rows_peek(&rows, 0), sizeof(known->uuid));
    return APR_SUCCESS;
}

typedef struct by_key_t {
    wh_known_event_t *known;
    const wh_event_t *event;
} by_key_t;

static apr_status_t read_by_key(wh_store_t *store, void *baton)
{
    by_key_t *wanted = baton;

    return find_by_key(wanted->known, store, wanted->event);
}

apr_status_t wh_store_event_by_key(wh_known_event_t *known, wh_store_t *store,
                                   const wh_event_t *event)
{
    by_key_t wanted = {known, event};

    return wh_store_read(store, read_by_key, &wanted);
}

/* The row was not inserted: either the same event came before (a child sent
 * it again after its connection broke), or its key is known. */
static apr_status_t find_known(wh_known_event_t *known, wh_store_t *store,
                               const wh_event_t *event)
{
    const void *args[] = {event->uuid};
    wh_rows_t rows;
    apr_status_t rv;

    rv = wh_db_select(&rows, &store->db, WH_SQL_EVENT_BY_UUID, args);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    memset(known, 0, sizeof(*known));
    if (wh_rows_next(&rows)) {
        known->same = 1;
        known->id = wh_rows_int64(&rows, 0);
        memcpy(known->uuid, event->uuid, sizeof(known->uuid));
        return APR_EEXIST;
    }
    rv = find_by_key(known, store, event);
    return rv == APR_SUCCESS ? APR_EEXIST : rv;
}

apr_status_t wh_store_event_insert(wh_known_event_t *known, wh_store_t *store,
                                   const wh_event_t *event)
{
    apr_int64_t primary_key = event->primary_key;
    apr_int64_t associate_id = event->associate_id;
    apr_int64_t size = (apr_int64_t)strlen(event->data);
    const void *args[] = {
        &event->id,     event->uuid,
        event->context, event->name,
        &primary_key,   &associate_id,
        &event->time,   event->data,
        &size,          event->idempotency[0] ? event->idempotency : NULL};
    int affected = 0;
    apr_status_t rv;

    rv = wh_db_update(&store->db, &affected, WH_SQL_EVENT_INSERT, args);
    if (rv == APR_SUCCESS && affected == 0) {
        return find_known(known, store, event);
    }
    return rv;
}

/* One that was broken off has the number of the one that takes its place. */
static apr_status_t insert_attempt(wh_store_t *store, apr_int64_t id,
                                   const wh_delivery_t *delivery)
{
    apr_int64_t number = delivery->attempts + delivery->broken_off;
    apr_int64_t status = delivery->status;
    int is_other = delivery->told && delivery->error &&
                   strcmp(delivery->told, delivery->error);
    const void *args[] = {&id,
                          &delivery->id,
                          &number,
                          &delivery->started,
                          &delivery->duration,
                          &status,
                          delivery->error,
                          delivery->address[0] ? delivery->address : NULL,
                          delivery->answer,
                          is_other ? delivery->told : NULL};

    return wh_db_update(&store->db, NULL, WH_SQL_ATTEMPT_INSERT, args);
}

static apr_status_t usage_error(wh_store_t *store,
                                const wh_delivery_t *delivery)
{
    apr_int64_t webhook = delivery->webhook_id;
    const char *answer = delivery->answer && delivery->answer[0]
                             ? delivery->answer
                             : delivery->error;
    const void *args[] = {delivery->told ? delivery->told : answer,
                          &delivery->started, &webhook};

    return wh_db_update(&store->db, NULL, WH_SQL_USAGE_ERROR, args);
}

static apr_status_t keep_body(wh_store_t *store, const wh_delivery_t *delivery)
{
    const void *args[] = {delivery->body, &delivery->id};

    return wh_db_update(&store->db, NULL, WH_SQL_DELIVERY_BODY, args);
}

/* Not tried, or with an end that nobody has seen: then the bytes are kept. */
static apr_status_t give_back(wh_store_t *store, apr_int64_t node,
                              apr_int64_t attempt_id,
                              const wh_delivery_t *delivery)
{
    const void *args[] = {&delivery->due, &delivery->id, &node};
    int affected = 0;
    apr_status_t rv =
        wh_db_update(&store->db, &affected, WH_SQL_DELIVERY_RETURN, args);

    if (rv != APR_SUCCESS || affected == 0) {
        return rv;
    }
    if (delivery->broken_off) {
        rv = insert_attempt(store, attempt_id, delivery);
    }
    if (rv == APR_SUCCESS && delivery->body_is_new) {
        rv = keep_body(store, delivery);
    }
    return rv;
}

/* An order key goes on with its next delivery when this one has ended. */
static apr_status_t follow(int *followed, wh_store_t *store,
                           const wh_delivery_t *delivery)
{
    if (!delivery->order_key || delivery->outcome == WH_OUTCOME_RETRY) {
        return APR_SUCCESS;
    }
    return wh_store_order_follow(followed, store, delivery->webhook_id,
                                 delivery->order_key);
}

/* A failure counts against the webhook. */
static apr_status_t record_attempt(wh_recorded_t *recorded, wh_store_t *store,
                                   apr_int64_t id,
                                   const wh_delivery_t *delivery)
{
    apr_status_t rv;

    if (!delivery->started) {
        return APR_SUCCESS;
    }
    rv = insert_attempt(store, id, delivery);
    if (rv != APR_SUCCESS || delivery->broken_off) {
        return rv;
    }
    if (delivery->outcome == WH_OUTCOME_DELIVERED) {
        recorded->success = 1;
        return APR_SUCCESS;
    }
    recorded->error = 1;
    return usage_error(store, delivery);
}

apr_status_t wh_store_outcome(wh_recorded_t *recorded, int *followed,
                              wh_store_t *store, apr_int64_t node,
                              apr_int64_t attempt_id,
                              const wh_delivery_t *delivery)
{
    static const apr_int64_t states[] = {
        [WH_OUTCOME_DELIVERED] = WH_DELIVERY_DELIVERED,
        [WH_OUTCOME_RETRY] = WH_DELIVERY_PENDING,
        [WH_OUTCOME_FAILED] = WH_DELIVERY_FAILED,
    };
    apr_int64_t attempts = delivery->attempts;
    const void *args[] = {&states[delivery->outcome], &attempts, &delivery->due,
                          &delivery->id, &node};
    int affected = 0;
    apr_status_t rv;

    recorded->success = recorded->error = 0;
    if (delivery->outcome == WH_OUTCOME_RETURNED) {
        return give_back(store, node, attempt_id, delivery);
    }
    rv = wh_db_update(&store->db, &affected, WH_SQL_DELIVERY_RECORD, args);
    if (rv != APR_SUCCESS || affected == 0) {
        /* Swept meanwhile, or taken over by another node: not ours to say. */
        return rv;
    }
    rv = record_attempt(recorded, store, attempt_id, delivery);
    if (rv == APR_SUCCESS && delivery->outcome == WH_OUTCOME_RETRY &&
        delivery->body_is_new) {
        rv = keep_body(store, delivery);
    }
    return rv == APR_SUCCESS ? follow(followed, store, delivery) : rv;
}

apr_status_t wh_store_pause(wh_store_t *store, apr_int32_t webhook_id,
                            apr_int64_t version, apr_time_t until)
{
    apr_int64_t webhook = webhook_id;
    const void *args[] = {&until, &webhook, &webhook, &version};

    return wh_db_update(&store->db, NULL, WH_SQL_USAGE_PAUSE, args);
}

apr_status_t wh_store_usage_success(wh_store_t *store, apr_int32_t webhook_id,
                                    apr_int64_t calls)
{
    apr_int64_t webhook = webhook_id;
    const void *args[] = {&calls, &webhook};

    return wh_db_update(&store->db, NULL, WH_SQL_USAGE_SUCCESS, args);
}
