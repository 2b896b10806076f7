/* SPDX-License-Identifier: Apache-2.0 */
/**
 * How an endpoint fares, and what may be sent to it because of that.
 * Stage: policy · from: deliver · to: - · pure: no I/O, the clock and the dice are passed in
 *
 *     NEW ──success──> GOOD ──WH_HEALTH_COOL_AFTER failures──> COOLING
 *                       ^                                         │ success
 *                       └────────── ten seconds or so ── RECOVERING
 *
 * While an endpoint is cooling one delivery at a time is tried, by the retry
 * schedule; the others wait and cost no attempt. After a success they flow
 * again: ten in the first second, twice as many in each further one.
 */
#ifndef WH_POLICY_HEALTH_H
#define WH_POLICY_HEALTH_H

#include <apr_time.h>

#include "policy/retry.h"

/** Failures in a row after which an endpoint is cooling. */
#define WH_HEALTH_COOL_AFTER 3

/** Transfers at one time to an endpoint that has not answered yet. */
#define WH_HEALTH_NEW_LIMIT 1

typedef enum {
    WH_HEALTH_NEW,       /**< nothing is known yet */
    WH_HEALTH_GOOD,      /**< its last answers were successes, mostly */
    WH_HEALTH_COOLING,   /**< one probe at a time */
    WH_HEALTH_RECOVERING /**< it was cooling, and has taken something */
} wh_health_state_t;

typedef struct wh_health_t {
    wh_health_state_t state;
    int failures;     /**< in a row */
    int limit;        /**< transfers at one time, grows with each success */
    apr_time_t since; /**< when it began to cool or to recover */
    apr_time_t until; /**< nothing is tried before; 0: at once */
    apr_time_t
        paused; /**< likewise, as the receiver asked: no success ends it */
} wh_health_t;

/** One attempt that has failed. */
typedef struct wh_health_failure_t {
    apr_time_t started;
    int attempts;   /**< of its delivery, this one included */
    apr_time_t due; /**< its delivery's next attempt; 0: there is none */
    apr_interval_time_t pause; /**< the receiver asks all to wait; 0: no */
} wh_health_failure_t;

/**
 * @param failures in a row, as they are remembered
 * @param proven 1: its last attempt was a success
 * @param cap most transfers at one time to one endpoint
 */
void wh_health_init(wh_health_t *health, apr_int64_t failures, int proven,
                    int cap);

/** Lets it begin as after a success: it was disabled or stopped, and what has
 * waited meanwhile must not come all at once. */
void wh_health_recover(wh_health_t *health, apr_time_t now);

/** The clock was set back by so much. */
void wh_health_shift(wh_health_t *health, apr_interval_time_t time);

/** Transfers that may be under way at one time. */
int wh_health_limit(const wh_health_t *health, int cap);

/** Deliveries a second that may begin; 0: no bound. */
double wh_health_rate(const wh_health_t *health, apr_time_t now);

/** What an endpoint may take of what all share. */
typedef enum {
    WH_STANDING_GOOD,   /**< it answers */
    WH_STANDING_NEW,    /**< nothing is known of it */
    WH_STANDING_FAILING /**< its last attempt has failed */
} wh_standing_t;

#define WH_STANDINGS 3

wh_standing_t wh_health_standing(const wh_health_t *health);

void wh_health_success(wh_health_t *health, int cap, apr_time_t now);

/**
 * Counts a failure. What began before the endpoint was found to be cooling
 * does not count again.
 * @return 1 if it is cooling or has been told to pause: look at until
 */
int wh_health_failed(wh_health_t *health, const wh_health_failure_t *failure,
                     const wh_retry_schedule_t *schedule, int cap,
                     apr_time_t now, apr_uint32_t dice);

#endif
