/* SPDX-License-Identifier: Apache-2.0 */
/**
 * An event and the deliveries made of it, in the dispatcher's memory.
 * Stage: model · from: channel, store · to: delivery threads
 */
#ifndef WH_MODEL_EVENT_H
#define WH_MODEL_EVENT_H

#include <apr.h>
#include <apr_pools.h>
#include <apr_time.h>

#include "base/identifier.h"
#include "base/inbox.h"

/**
 * One event: read-only after wh_event_create() but for its two counts, shared by
 * its deliveries. All strings lie in the same block of memory.
 */
typedef struct wh_event_t {
    volatile apr_uint32_t references;
    apr_int64_t id; /**< row id; 0: not stored yet */
    char uuid[WH_UUID_SIZE];
    apr_time_t time; /**< when it was signalled, UTC */
    apr_int32_t primary_key;
    apr_int32_t associate_id;
    const char *name;
    const char *context;
    const char *changes;     /**< JSON array: names of data's members */
    const char *data;        /**< JSON object */
    const char *idempotency; /**< fingerprint of the key, "" for none */
    apr_size_t size;         /**< bytes of the block */
    int scheduled; /**< deliveries in memory: the commit thread's count */
} wh_event_t;

/** Copies what fields points to into a new event with one reference.
 * NULL: out of memory. */
wh_event_t *wh_event_create(const wh_event_t *fields);
wh_event_t *wh_event_retain(wh_event_t *event);
void wh_event_release(wh_event_t *event);

/** Names of the members of a JSON object as a JSON array, in their order.
 * NULL: data is no JSON object. */
const char *wh_event_changes(const char *data, apr_pool_t *pool);

/** States of a delivery row. */
typedef enum {
    WH_DELIVERY_PENDING = 0,
    WH_DELIVERY_DELIVERED = 1,
    WH_DELIVERY_FAILED = 2
} wh_delivery_state_t;

/** What became of an attempt. */
typedef enum {
    WH_OUTCOME_DELIVERED, /**< the receiver took it */
    WH_OUTCOME_RETRY,     /**< failed, due again at a time */
    WH_OUTCOME_FAILED,    /**< failed for good */
    WH_OUTCOME_RETURNED   /**< not tried, or broken off: back to the database
                               unchanged */
} wh_outcome_kind_t;

/** Of an answer is kept: so much of status line and headers, the blank line
 * behind them included, then so much of the body. */
#define WH_ANSWER_PART 1024
#define WH_ANSWER_MAX (2 * WH_ANSWER_PART)

/**
 * One delivery on its way: made by the commit thread, posted to a delivery
 * thread, posted back with its outcome. Belongs to whoever holds it.
 */
typedef struct wh_delivery_t {
    wh_message_t message; /**< first: it is posted */
    apr_int64_t id;
    apr_int32_t webhook_id;
    int attempts; /**< attempts made and recorded */
    apr_time_t due;
    apr_int64_t order_key; /**< others of this key wait for it; 0: none do */
    wh_event_t *event;
    apr_size_t size; /**< bytes it counts with while it is in memory */
    char *body;      /**< bytes of earlier attempts, or NULL */
    /* outcome: filled by the delivery thread */
    wh_outcome_kind_t outcome;
    int body_is_new; /**< 1: body is to be stored */
    int status;      /**< HTTP status, 0: none came */
    int gone; /**< 1: the receiver has said that it takes nothing any more */
    const char *error; /**< error class, a constant; NULL: none */
    const char *told;  /**< what users are told in its place, a constant; NULL:
                            the answer */
    char address[64];  /**< address dialled, "" for none */
    apr_time_t started;
    apr_interval_time_t duration;
    int broken_off; /**< 1: by a stop; on record, but counted nowhere */
    char *answer;   /**< clean text, or NULL */
    /* how its endpoint fares, by now */
    apr_uint32_t target_number; /**< for the webhook as of then */
    apr_time_t hold_until;      /**< send no more before; 0: any time */
    apr_time_t paused_until;    /**< likewise, as the receiver has asked */
    int has_followed; /**< 1: the next one of its order key may go now; set by
                         the commit thread */
    int room;         /**< most deliveries in memory; 0: not said */
} wh_delivery_t;

/** A delivery that holds its own reference to the event; NULL: no memory. */
wh_delivery_t *wh_delivery_create(wh_event_t *event, apr_int64_t id,
                                  apr_int32_t webhook_id);
void wh_delivery_destroy(wh_delivery_t *delivery);

/** "pending", "delivered", "failed". */
const char *wh_delivery_state_name(wh_delivery_state_t state);
/** Reads such a name, in any case. @return 1 or 0 */
int wh_delivery_state_parse(int *state, const char *text);

/** Where the body of an answer text begins, "" if it has none: behind the
 * blank line, which is kept also of headers that were cut. NULL: the headers
 * did not come to their end. */
const char *wh_answer_body(const char *answer);

#endif
