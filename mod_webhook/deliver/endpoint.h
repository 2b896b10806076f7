/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The queues of one delivery thread: an endpoint for each webhook, and whose
 * turn it is.
 * Stage: deliver · from: delivery thread · runs on: that thread · owns: queued deliveries
 */
#ifndef WH_DELIVER_ENDPOINT_H
#define WH_DELIVER_ENDPOINT_H

#include <apr_hash.h>

#include "deliver/target.h"
#include "model/event.h"

typedef struct wh_endpoint_t {
    apr_int32_t webhook_id;
    wh_target_t *target;     /* NULL: not known yet */
    wh_message_list_t queue; /* of wh_delivery_t, first in first out */
    int in_flight;
    int ready; /* 1: in the ring */
    struct wh_endpoint_t *next_ready;
} wh_endpoint_t;

typedef struct wh_endpoints_t {
    apr_hash_t *by_webhook;
    int limit; /* transfers in flight per endpoint */
    /* ring of endpoints that may start a transfer, in turn */
    wh_endpoint_t *first_ready;
    wh_endpoint_t *last_ready;
} wh_endpoints_t;

void wh_endpoints_init(wh_endpoints_t *endpoints, int limit, apr_pool_t *pool);

/** Frees endpoints and targets; the queues must be empty. */
void wh_endpoints_destroy(wh_endpoints_t *endpoints, apr_pool_t *pool);

/**
 * Takes a new state of a webhook. What can no longer be delivered is put on
 * refused: returned to the database (not active), or failed (deleted, or
 * disabled for its errors).
 */
void wh_endpoints_target(wh_endpoints_t *endpoints, wh_target_t *target,
                         wh_message_list_t *refused);

/** Queues a delivery, or puts it on refused. */
void wh_endpoints_queue(wh_endpoints_t *endpoints, wh_delivery_t *delivery,
                        wh_message_list_t *refused);

/** The endpoint whose turn it is and its oldest delivery; NULL: none. It
 * counts as in flight from now on. */
wh_endpoint_t *wh_endpoints_next(wh_endpoints_t *endpoints,
                                 wh_delivery_t **delivery);

/** A transfer of the endpoint has ended. */
void wh_endpoints_done(wh_endpoints_t *endpoints, wh_endpoint_t *endpoint);

/** Empties all queues: everything is put on returned. */
void wh_endpoints_drain(wh_endpoints_t *endpoints, wh_message_list_t *returned,
                        apr_pool_t *pool);

#endif
