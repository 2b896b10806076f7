/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/health.h"

#include <string.h>

/* Deliveries of the first second of a recovery; the rate doubles each second,
 * and is none any more after this many doublings. */
#define RECOVERY_RATE 10.0
#define RECOVERY_DOUBLINGS 10

void wh_health_init(wh_health_t *health, apr_int64_t failures, int proven,
                    int cap)
{
    memset(health, 0, sizeof(*health));
    health->limit = WH_HEALTH_NEW_LIMIT;
    if (failures >= WH_HEALTH_COOL_AFTER) {
        /* The first probe is due at once: it may have been long ago. */
        health->state = WH_HEALTH_COOLING;
        health->failures = WH_HEALTH_COOL_AFTER;
    }
    else if (failures > 0) {
        health->failures = (int)failures;
    }
    else if (proven) {
        health->state = WH_HEALTH_GOOD;
        health->limit = cap;
    }
}

void wh_health_recover(wh_health_t *health, apr_time_t now)
{
    memset(health, 0, sizeof(*health));
    health->state = WH_HEALTH_RECOVERING;
    health->since = now;
    health->limit = 1;
}

void wh_health_shift(wh_health_t *health, apr_interval_time_t time)
{
    health->since -= time;
    health->until -= time;
    health->paused -= time;
}

int wh_health_limit(const wh_health_t *health, int cap)
{
    if (health->state == WH_HEALTH_COOLING) {
        return 1;
    }
    return health->limit < cap ? health->limit : cap;
}

/* Seconds since the recovery began; a clock that was set back begins anew. */
static apr_int64_t recovered_for(const wh_health_t *health, apr_time_t now)
{
    return now > health->since ? apr_time_sec(now - health->since) : 0;
}

double wh_health_rate(const wh_health_t *health, apr_time_t now)
{
    apr_int64_t seconds = recovered_for(health, now);

    if (health->state != WH_HEALTH_RECOVERING ||
        seconds >= RECOVERY_DOUBLINGS) {
        return 0;
    }
    return RECOVERY_RATE * (double)(1 << seconds);
}

wh_standing_t wh_health_standing(const wh_health_t *health)
{
    if (health->failures > 0 || health->state == WH_HEALTH_COOLING) {
        return WH_STANDING_FAILING;
    }
    return health->state == WH_HEALTH_NEW ? WH_STANDING_NEW : WH_STANDING_GOOD;
}

void wh_health_success(wh_health_t *health, int cap, apr_time_t now)
{
    apr_time_t paused = health->paused;

    health->failures = 0;
    if (health->state == WH_HEALTH_COOLING) {
        /* It may be the answer of a transfer that began before the pause. */
        wh_health_recover(health, now);
        health->paused = health->until = paused;
        return;
    }
    if (health->limit < cap) {
        health->limit++;
    }
    if (health->state == WH_HEALTH_NEW ||
        (health->state == WH_HEALTH_RECOVERING &&
         recovered_for(health, now) >= RECOVERY_DOUBLINGS)) {
        health->state = WH_HEALTH_GOOD;
    }
}

static void wait_until(wh_health_t *health, apr_time_t time)
{
    if (time > health->until) {
        health->until = time;
    }
}

/* A single delivery is its own probe: it is not spread twice. */
static apr_time_t next_probe(const wh_health_t *health,
                             const wh_health_failure_t *failure,
                             const wh_retry_schedule_t *schedule,
                             apr_time_t now, apr_uint32_t dice)
{
    int step =
        health->failures < schedule->count ? health->failures : schedule->count;
    apr_time_t due = now;

    if (failure->due && failure->attempts == health->failures) {
        return failure->due;
    }
    /* Cannot be used up: the step is one of the schedule's. */
    (void)wh_retry_next(&due, schedule, step, 0, now, dice);
    return due;
}

int wh_health_failed(wh_health_t *health, const wh_health_failure_t *failure,
                     const wh_retry_schedule_t *schedule, int cap,
                     apr_time_t now, apr_uint32_t dice)
{
    int limit = wh_health_limit(health, cap);

    if (failure->pause > 0) {
        wait_until(health, now + failure->pause);
        if (now + failure->pause > health->paused) {
            health->paused = now + failure->pause;
        }
    }
    if (health->state == WH_HEALTH_COOLING &&
        failure->started < health->since) {
        return 1;
    }
    health->failures++;
    health->limit = limit > 1 ? limit / 2 : 1;
    if (health->state == WH_HEALTH_COOLING ||
        health->failures >= WH_HEALTH_COOL_AFTER) {
        health->state = WH_HEALTH_COOLING;
        health->since = now;
        wait_until(health, next_probe(health, failure, schedule, now, dice));
        return 1;
    }
    return failure->pause > 0;
}
