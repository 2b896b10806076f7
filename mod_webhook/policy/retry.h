/* SPDX-License-Identifier: Apache-2.0 */
/**
 * When a failed delivery is tried again.
 * Stage: policy · from: deliver, dispatcher · to: - · pure: no I/O, the clock and the dice are passed in
 */
#ifndef WH_POLICY_RETRY_H
#define WH_POLICY_RETRY_H

#include <apr_pools.h>
#include <apr_time.h>

/** The longest wait a receiver may ask for with Retry-After. */
#define WH_RETRY_AFTER_MAX apr_time_from_sec(24 * 60 * 60)

/** Waits between attempts: after attempt k (from 1) comes steps[k - 1]. */
typedef struct wh_retry_schedule_t {
    int count;
    apr_interval_time_t *steps;
} wh_retry_schedule_t;

/**
 * Reads one wait such as "1s", "30s", "5m", "2h", "3d", "250ms".
 * @return APR_SUCCESS, or APR_EINVAL (no number, no known unit, zero, over
 *         30 days)
 */
apr_status_t wh_retry_parse_step(apr_interval_time_t *step, const char *text);

/** The default of WebhookRetry, as its text: one list for code and manual. */
#define WH_RETRY_DEFAULT "1s 4s 30s 5m 30m 2h 5h 10h 14h 20h 24h"

/** Reads a list of waits parted by blanks; 1 to 64 of them, else APR_EINVAL. */
apr_status_t wh_retry_parse(wh_retry_schedule_t **schedule, const char *text,
                            apr_pool_t *pool);

/** Longest time from first to last attempt, jitter included. */
apr_interval_time_t wh_retry_horizon(const wh_retry_schedule_t *schedule);

/** Longest wait between two attempts, jitter included. */
apr_interval_time_t wh_retry_longest(const wh_retry_schedule_t *schedule);

/**
 * Value of a Retry-After header (RFC 9110 section 10.2.3): seconds or one of
 * the three HTTP dates. Garbage, negative values and past dates count as 0;
 * anything over WH_RETRY_AFTER_MAX is cut to it.
 */
apr_interval_time_t wh_retry_after(const char *value, apr_time_t now);

/**
 * Decides the next attempt.
 * @param due set to the time of the next attempt
 * @param attempts attempts made so far (1 or more)
 * @param retry_after what the receiver asked for, 0: nothing
 * @param dice a random number; the step is spread evenly over +-10 %
 * @return APR_SUCCESS, or APR_EOF when the schedule is used up
 */
apr_status_t wh_retry_next(apr_time_t *due, const wh_retry_schedule_t *schedule,
                           int attempts, apr_interval_time_t retry_after,
                           apr_time_t now, apr_uint32_t dice);

#endif
