/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Replays as jobs: a row that the dispatcher works off in portions, between
 * the batches of events; and the replay of one delivery.
 * Stage: store · from: request, ctl (start, look, cancel), dispatcher (work) · to: the database
 * runs on: the one thread that holds the wh_store_t
 *
 * A job first counts, then makes deliveries pending again, oldest first, no
 * attempts made and due at once. It stays a little ahead of what is sent, so
 * that new events do not wait behind all of it and a cancel has an effect.
 * What it has done and how far it has come are one transaction: it survives
 * any end of the dispatcher, and no delivery is taken twice by the same job.
 * Deliveries that are pending already, or newer than the job, are left alone.
 * Retention takes the job with the deliveries of its age.
 */
#ifndef WH_STORE_REPLAY_JOB_H
#define WH_STORE_REPLAY_JOB_H

#include "store/store.h"

/** As stored; those below WH_REPLAY_DONE are open. */
typedef enum {
    WH_REPLAY_COUNTING,
    WH_REPLAY_RUNNING,
    WH_REPLAY_DONE,
    WH_REPLAY_CANCELLED
} wh_replay_state_t;

typedef struct wh_replay_job_t {
    apr_int64_t id;
    apr_int32_t webhook_id;
    const char *context;
    apr_time_t from; /**< deliveries made at or after this; 0: no bound */
    apr_time_t to;   /**< and before this */
    int only_failed; /**< 0: delivered ones too */
    wh_replay_state_t state;
    apr_int64_t total; /**< deliveries that it will take, once counted */
    apr_int64_t done;  /**< those that it has made pending */
    apr_time_t created;
    const char *created_by;
    apr_time_t updated;
} wh_replay_job_t;

/** Whether something is sent once more. */
typedef enum {
    WH_REPLAY_TAKEN,
    WH_REPLAY_MISSING,  /**< nothing of this id that the caller may see */
    WH_REPLAY_PENDING,  /**< the delivery is pending already */
    WH_REPLAY_GONE,     /**< its webhook is deleted */
    WH_REPLAY_INACTIVE, /**< the webhook is not active */
    WH_REPLAY_BUSY,     /**< the webhook has an open job */
    WH_REPLAY_OVER      /**< the job is done */
} wh_replay_answer_t;

/** Jobs of a webhook that are kept; older ones go when a new one starts. */
#define WH_REPLAY_KEPT 100

/** Rows that a list of jobs has at the most. */
#define WH_REPLAY_LIST_MAX 500

/**
 * Who asks: context NULL: all; app_id 0: no application.
 */
typedef struct wh_replay_caller_t {
    const char *context;
    apr_int64_t app_id;
} wh_replay_caller_t;

/**
 * Starts a job; a dispatcher notices within about a second.
 * @param job webhook_id, context, from, to, only_failed, created and
 *        created_by are given; id is set. It is a webhook of that context that
 *        the caller may see.
 * @param answer TAKEN, MISSING, INACTIVE or BUSY
 */
apr_status_t wh_store_replay_start(wh_replay_answer_t *answer,
                                   wh_store_t *store, wh_replay_job_t *job);

/** APR_ENOENT: none that the caller may see. */
apr_status_t wh_store_replay_get(wh_replay_job_t **job, wh_store_t *store,
                                 const wh_replay_caller_t *caller,
                                 apr_int64_t id, apr_pool_t *pool);

/**
 * Newest first.
 * @param jobs of wh_replay_job_t *, at most WH_REPLAY_LIST_MAX
 * @param webhook_id 0: of all
 * @param before ids below this one; 0: all
 */
apr_status_t wh_store_replay_list(apr_array_header_t **jobs, wh_store_t *store,
                                  const wh_replay_caller_t *caller,
                                  apr_int32_t webhook_id, apr_int64_t before,
                                  apr_pool_t *pool);

/** Ends a job; what is pending by then goes out.
 * @param answer TAKEN (also if it was cancelled before), MISSING or OVER */
apr_status_t wh_store_replay_cancel(wh_replay_answer_t *answer,
                                    wh_store_t *store,
                                    const wh_replay_caller_t *caller,
                                    apr_int64_t id);

/** Makes one delivery pending again, as a job does.
 * @param answer TAKEN, MISSING, PENDING, GONE or INACTIVE */
apr_status_t wh_store_replay_delivery(wh_replay_answer_t *answer,
                                      wh_store_t *store,
                                      const wh_replay_caller_t *caller,
                                      apr_int64_t id, apr_time_t now);

/** What a visit to an open job came to. */
typedef struct wh_replay_portion_t {
    apr_int64_t job_id; /**< 0: none of a higher webhook is open, that is active
                             or gone */
    apr_int32_t webhook_id;
    int worked;              /**< 0: it waits for its webhook */
    int replayed;            /**< deliveries that are pending by it */
    wh_replay_state_t state; /**< of the job now */
} wh_replay_portion_t;

/** Does one portion of the open job whose webhook is the next one after
 * after_webhook. */
apr_status_t wh_store_replay_portion(wh_replay_portion_t *portion,
                                     wh_store_t *store,
                                     apr_int32_t after_webhook, apr_time_t now);

#endif
