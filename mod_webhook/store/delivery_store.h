/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the dispatcher does with the database: events, deliveries, nodes.
 * Stage: store · from: dispatcher (commit thread) · to: the database
 * runs on: the commit thread · owns: nothing
 *
 * Functions marked [batch] run inside wh_store_batch(); the others are calls
 * of their own.
 */
#ifndef WH_STORE_DELIVERY_STORE_H
#define WH_STORE_DELIVERY_STORE_H

#include "model/event.h"
#include "store/store.h"

/** How long to wait for the write lock; WH_LOCK_WAIT: without end. */
void wh_store_patience_set(wh_store_t *store, apr_interval_time_t patience);

/** Work of one transaction; may run twice after a failure. */
typedef apr_status_t wh_store_batch_fn_t(wh_store_t *store, void *baton);

/** Runs work in one transaction under the write lock. */
apr_status_t wh_store_batch(wh_store_t *store, wh_store_batch_fn_t *work,
                            void *baton);

/**
 * The number that changes with every change to any webhook.
 * @param last_id receives the highest id of an event or a delivery, whichever
 *        process has made it; 0: there is none. NULL: not asked for
 */
apr_status_t wh_store_generation(apr_int64_t *generation, apr_int64_t *last_id,
                                 wh_store_t *store);

/** Webhooks of all contexts, by id, as far as they are needed to deliver: the
 * description, error_associates and last_error of each are NULL. */
apr_status_t wh_store_webhook_snapshot(apr_array_header_t **webhooks,
                                       wh_store_t *store, apr_pool_t *pool);

/** The same, whole: for tools. */
apr_status_t wh_store_webhook_list_all(apr_array_header_t **webhooks,
                                       wh_store_t *store, apr_pool_t *pool);

/** What is known of an event that could not be inserted. */
typedef struct wh_known_event_t {
    int by_key; /**< 1: the idempotency key is known, 0: the uuid */
    int same;   /**< 1: it says the same */

    char uuid[WH_UUID_SIZE];
    apr_int64_t id; /**< its row id */
} wh_known_event_t;

/** [batch] Inserts an event. APR_EEXIST: it is known already, see known. */
apr_status_t wh_store_event_insert(wh_known_event_t *known, wh_store_t *store,
                                   const wh_event_t *event);

/** Looks an idempotency key up. APR_ENOENT: it is not known. */
apr_status_t wh_store_event_by_key(wh_known_event_t *known, wh_store_t *store,
                                   const wh_event_t *event);

/** The owner of a delivery that waits for an earlier one of its order key.
 * Whatever ends that one makes it free, in the same transaction. */
#define WH_OWNER_BLOCKED (-1)

/** A new delivery. */
typedef struct wh_delivery_row_t {
    apr_int64_t id;
    apr_int64_t event_id;
    apr_int32_t webhook_id;
    apr_time_t due;
    apr_int64_t owner;     /**< a node; 0: it waits in the database */
    apr_int64_t order_key; /**< 0: it waits for no other */
} wh_delivery_row_t;

/**
 * [batch] Inserts a delivery.
 * @param blocked 1: it has no owner yet, as an earlier one of its order key
 *        has not ended
 */
apr_status_t wh_store_delivery_insert(int *blocked, wh_store_t *store,
                                      const wh_delivery_row_t *row);

/**
 * [batch] A delivery of an order key has ended: the next one is free.
 * @param followed 1: there was one
 */
apr_status_t wh_store_order_follow(int *followed, wh_store_t *store,
                                   apr_int64_t webhook_id,
                                   apr_int64_t order_key);

/** What an outcome counts for. All zeros: it was recorded before, by an earlier
 * run of the batch for instance, or is no attempt. */
typedef struct wh_recorded_t {
    int success; /**< to be added to the webhook's usage */
    int error;   /**< has been added to it */
} wh_recorded_t;

/**
 * [batch] Records the outcome that a delivery thread reported.
 * @param followed set to 1 if the next one of its order key is free now; left
 *        alone if the outcome is recorded already
 */
apr_status_t wh_store_outcome(wh_recorded_t *recorded, int *followed,
                              wh_store_t *store, apr_int64_t node,
                              apr_int64_t attempt_id,
                              const wh_delivery_t *delivery);

/** [batch] Until when nothing is sent to a webhook, as its receiver has asked;
 * if it is still of this version. */
apr_status_t wh_store_pause(wh_store_t *store, apr_int32_t webhook_id,
                            apr_int64_t version, apr_time_t until);

/** [batch] Adds a number of successful calls to a webhook's usage. */
apr_status_t wh_store_usage_success(wh_store_t *store, apr_int32_t webhook_id,
                                    apr_int64_t calls);

/** How a webhook fares. */
typedef struct wh_failing_t {
    apr_int64_t consecutive_errors;
    int state;        /**< wh_state_t */
    apr_time_t since; /**< time of the first of them; 0: there is none */
} wh_failing_t;

/** [batch] APR_ENOENT: no such webhook. */
apr_status_t wh_store_failing(wh_failing_t *failing, wh_store_t *store,
                              apr_int32_t webhook_id);

/**
 * [batch] Makes an active webhook TooManyErrors, which is a change like any
 * other (version, generation).
 * @param version it is left alone if it has another one
 * @param drop 1: up to 500 of what waits for it are discarded
 * @param disabled 1: it was active, 0: it was not, and nothing is changed
 */
apr_status_t wh_store_disable(int *disabled, wh_store_t *store,
                              apr_int32_t webhook_id, apr_int64_t version,
                              int drop);

/**
 * Lets up to 500 deliveries fail that wait for a webhook, if it is
 * TooManyErrors or gone; a call of its own.
 * @param discarded their number; 0: no more wait
 */
apr_status_t wh_store_discard(int *discarded, wh_store_t *store,
                              apr_int32_t webhook_id);

/** Deliveries that one call discards. */
#define WH_DISCARD_PORTION 500

/** What is to be taken of one webhook, and what was. */
typedef struct wh_claim_t {
    apr_int32_t webhook_id;
    int limit; /**< deliveries at the most; 0: only next_due is asked for */
    wh_message_list_t taken;   /**< wh_delivery_t, oldest first */
    int count;                 /**< their number */
    int damaged;               /**< others that were due and have failed */
    wh_message_list_t earlier; /**< empty, unless the answer is
                                    WH_STORE_UNKNOWN: see there */
    apr_time_t next_due; /**< of those that wait now; APR_INT64_MAX: none */
} wh_claim_t;

/** Rows that one call takes at the most, whatever the limits come to: a driver
 * walks a result from its start for every row, and events wait meanwhile. */
#define WH_CLAIM_ROWS 250

/**
 * Takes deliveries that are due and belong to nobody; a call of its own, and
 * one transaction.
 * @param done how many of the claims had their turn: the first ones, at least
 *        one; many rows or large ones leave none for the others
 * @param claims with WH_STORE_UNKNOWN their lists are what may have been taken,
 *        by the last run of this work and by earlier ones; with other errors
 *        they are empty
 */
apr_status_t wh_store_claim(int *done, wh_store_t *store, apr_int64_t node,
                            wh_claim_t *claims, int count, apr_time_t now);

/**
 * Gives deliveries back that this node may own without knowing it.
 * @param ids of apr_int64_t
 */
apr_status_t wh_store_give_back(wh_store_t *store, apr_int64_t node,
                                const apr_array_header_t *ids);

/**
 * The clock was set back by so much: what waits for a time that was read from it
 * before, deliveries and paused webhooks, waits no longer for it. All of it in one
 * transaction: afterwards nobody could tell what was written since.
 * @param seen when that was noticed: a second call with the same time does nothing
 */
apr_status_t wh_store_clock_back(wh_store_t *store, apr_interval_time_t time,
                                 apr_time_t seen);

/** What waits for a time after the latest that there can be is due now: the clock
 * was wrong when it was read. */
apr_status_t wh_store_due_limit(wh_store_t *store, apr_time_t latest,
                                apr_time_t now);

/** Enters this node; last_id is the highest row id in the database. */
apr_status_t wh_store_node_enter(apr_int64_t *last_id, wh_store_t *store,
                                 apr_int64_t node, apr_time_t now);

/** Ids of the other nodes. @param nodes of apr_int64_t */
apr_status_t wh_store_node_list(apr_array_header_t **nodes, wh_store_t *store,
                                apr_int64_t self, apr_pool_t *pool);

/** Gives all deliveries of a node back and forgets it. */
apr_status_t wh_store_node_release(int *released, wh_store_t *store,
                                   apr_int64_t node, int forget);

/**
 * Deletes up to 500 rows of each table older than a row id.
 * @param deleted rows deleted in all; 0: nothing left
 * @param expired deliveries among them that had not been delivered
 */
apr_status_t wh_store_sweep(int *deleted, int *expired, wh_store_t *store,
                            apr_int64_t below_id);

/** Copies the write-ahead log into the database, under the write lock.
 * @param pages length of the log before, in pages */
apr_status_t wh_store_checkpoint(int *pages, wh_store_t *store, int truncate);

#endif
