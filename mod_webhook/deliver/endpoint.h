/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The queues of one delivery thread: an endpoint for each webhook, and whose
 * turn it is.
 * Stage: deliver · from: delivery thread · runs on: that thread · owns: queued deliveries
 */
#ifndef WH_DELIVER_ENDPOINT_H
#define WH_DELIVER_ENDPOINT_H

#include <apr_hash.h>
#include <apr_skiplist.h>

#include "base/settings.h"
#include "deliver/names.h"
#include "deliver/target.h"
#include "model/event.h"
#include "policy/health.h"

typedef struct wh_endpoint_t {
    apr_int32_t webhook_id;
    wh_target_t *target;     /* NULL: not known yet */
    wh_message_list_t queue; /* of wh_delivery_t, first in first out */
    wh_health_t health;
    wh_name_user_t lookup; /* while it waits for a name it is in no ring */
    apr_uint32_t receiver; /* grows when it is to be judged anew */
    int in_flight;         /* to that one */
    int earlier;           /* to those before */
    int slow;              /* of them, for longer than WH_ENDPOINT_SLOW */
    apr_time_t next_start; /* by its rate */
    apr_time_t wake;       /* when it rests: until then */
    int resting;           /* 1: in the list of those that rest */
    int ready;             /* 1: in a ring */
    wh_standing_t ring;    /* in which */
    struct wh_endpoint_t *next_ready;
    struct wh_endpoint_t *previous_ready;
} wh_endpoint_t;

/** Endpoints that may start a transfer, in turn. */
typedef struct wh_endpoint_ring_t {
    wh_endpoint_t *first;
    wh_endpoint_t *last;
} wh_endpoint_ring_t;

typedef struct wh_endpoints_t {
    apr_hash_t *by_webhook;
    const wh_settings_t *settings;
    wh_names_t *names; /* those of the thread; NULL: none are looked up */
    wh_endpoint_ring_t rings[WH_STANDINGS]; /* for each standing one */
    apr_skiplist *resting;                  /* by the time at which they wake */
    apr_uint32_t turns;
    apr_time_t now; /* of the last wh_endpoints_wake() */
} wh_endpoints_t;

/** What there is room for when a transfer is to be started. */
typedef struct wh_endpoint_room_t {
    int standing[WH_STANDINGS]; /* 1: for an endpoint of this standing */
    int crowded; /* 1: half of all transfers are taken: while others wait each
                     endpoint may have a quarter of its own */
} wh_endpoint_room_t;

/** A transfer that lasts longer makes its endpoint a slow one, which stands
 * with those that fail. */
#define WH_ENDPOINT_SLOW apr_time_from_sec(1)

apr_status_t wh_endpoints_init(wh_endpoints_t *endpoints,
                               const wh_settings_t *settings, apr_pool_t *pool);

/** The name that an endpoint has waited for is known, or cannot be: its turn
 * comes. A wh_names_ready_fn_t; the baton is the wh_endpoints_t. */
void wh_endpoints_named(void *endpoints, wh_name_user_t *lookup);

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

/** Sets the time, and lets those go on that have rested. */
void wh_endpoints_wake(wh_endpoints_t *endpoints, apr_time_t now);

/** When the next endpoint has rested; APR_INT64_MAX: none rests. */
apr_time_t wh_endpoints_next_wake(const wh_endpoints_t *endpoints);

/** 1: an endpoint could start a transfer if there were room. */
int wh_endpoints_ready(const wh_endpoints_t *endpoints);

/** The endpoint whose turn it is and its oldest delivery; NULL: none. It
 * counts as in flight from now on. */
wh_endpoint_t *wh_endpoints_next(wh_endpoints_t *endpoints,
                                 const wh_endpoint_room_t *room,
                                 wh_delivery_t **delivery);

/** How it stands now. */
wh_standing_t wh_endpoint_standing(const wh_endpoint_t *endpoint);

/**
 * Learns from an attempt that was made.
 * @param failure NULL: a success
 * @param refused receives the queue of an endpoint that has to rest: it is
 *        returned to the database, untried
 */
void wh_endpoints_learn(wh_endpoints_t *endpoints, wh_endpoint_t *endpoint,
                        const wh_health_failure_t *failure, apr_uint32_t dice,
                        wh_message_list_t *refused);

/** Lets an endpoint rest that could not be tried: its queue is returned. */
void wh_endpoints_rest(wh_endpoints_t *endpoints, wh_endpoint_t *endpoint,
                       apr_time_t until, wh_message_list_t *refused);

/** Puts a delivery on refused that nobody takes any more: returned, or failed
 * if its webhook is gone or drops what it has. */
void wh_endpoints_refuse(wh_endpoints_t *endpoints, wh_delivery_t *delivery,
                         wh_message_list_t *refused);

/** Tells the commit thread, by a delivery on its way there, how its endpoint
 * fares. */
void wh_endpoints_say(const wh_endpoints_t *endpoints,
                      const wh_endpoint_t *endpoint, wh_delivery_t *delivery);

/** A transfer of the endpoint has ended.
 * @param receiver the endpoint's when it began */
void wh_endpoints_done(wh_endpoints_t *endpoints, wh_endpoint_t *endpoint,
                       apr_uint32_t receiver);

/** Empties all queues: everything is put on returned. */
void wh_endpoints_drain(wh_endpoints_t *endpoints, wh_message_list_t *returned,
                        apr_pool_t *pool);

#endif
