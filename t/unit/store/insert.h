/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Events and deliveries as the store inserts them. For programs that include
 * fixture.h before it.
 */
#ifndef T_UNIT_STORE_INSERT_H
#define T_UNIT_STORE_INSERT_H

#include "store/delivery_store.h"
#include "unit/store/fixture.h"

#define NODE 3

FIXTURE_FUNCTION wh_event_t make_event(apr_int64_t id)
{
    wh_event_t event = {.id = id,
                        .time = APR_INT64_C(1767323045678900),
                        .primary_key = -7,
                        .associate_id = 5,
                        .name = "contact.created",
                        .context = "tenant",
                        .changes = "[\"a\",\"b\"]",
                        .data = "{\"a\":1,\"b\":\"\303\251'\"}",
                        .idempotency = ""};

    snprintf(event.uuid, sizeof(event.uuid), "%08x-0000-7000-8000-%012x",
             (unsigned int)(id >> 32), (unsigned int)id);
    return event;
}

typedef struct insert_t {
    wh_event_t event;
    apr_int64_t delivery; /* id; 0: none */
    apr_int32_t webhook;
    apr_time_t due;
    apr_int64_t owner;
    wh_known_event_t known;
    apr_int64_t order_key;
    int blocked;
} insert_t;

FIXTURE_FUNCTION apr_status_t insert_work(wh_store_t *at, void *baton)
{
    insert_t *insert = baton;
    apr_status_t rv = wh_store_event_insert(&insert->known, at, &insert->event);

    if (rv == APR_SUCCESS && insert->delivery) {
        wh_delivery_row_t row = {.id = insert->delivery,
                                 .event_id = insert->event.id,
                                 .webhook_id = insert->webhook,
                                 .due = insert->due,
                                 .owner = insert->owner,
                                 .order_key = insert->order_key};

        rv = wh_store_delivery_insert(&insert->blocked, at, &row);
    }
    return rv;
}

/** An event and its delivery, whose row is the next one. */
FIXTURE_FUNCTION apr_status_t insert_pair(apr_int64_t id, apr_int32_t webhook,
                                          apr_time_t due, apr_int64_t owner)
{
    insert_t insert = {.event = make_event(id),
                       .delivery = id + 1,
                       .webhook = webhook,
                       .due = due,
                       .owner = owner};

    return wh_store_batch(store, insert_work, &insert);
}

#endif
