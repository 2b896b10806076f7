/* SPDX-License-Identifier: Apache-2.0 */
/* How an endpoint fares, and what may be sent to it because of that. */
#include <apr_general.h>

#include "policy/health.h"
#include "unit/tap.h"

#define NOW apr_time_from_sec(1000000)
#define CAP 16

/* In the middle of the spread: steps as they are written. */
#define DICE 0x80000000U

static apr_pool_t *pool;
static wh_retry_schedule_t *schedule;
static wh_health_t health;

static int fail_at(apr_time_t now, apr_time_t started, int attempts,
                   apr_time_t due, apr_interval_time_t pause)
{
    wh_health_failure_t failure = {
        .started = started, .attempts = attempts, .due = due, .pause = pause};

    return wh_health_failed(&health, &failure, schedule, CAP, now, DICE);
}

static void test_start(void)
{
    wh_health_init(&health, 0, 0, CAP);
    is_int(wh_health_limit(&health, CAP), WH_HEALTH_NEW_LIMIT, "a new one");
    is_int(wh_health_standing(&health), WH_STANDING_NEW, "... stands as one");
    wh_health_init(&health, 0, 1, CAP);
    is_int(wh_health_limit(&health, CAP), CAP, "one that has answered");
    is_int(wh_health_standing(&health), WH_STANDING_GOOD, "... stands well");
    is_int(wh_health_limit(&health, 4), 4, "... within a lower limit");
    wh_health_init(&health, 2, 0, CAP);
    is_int(health.failures, 2, "failures are remembered");
    is_int(wh_health_standing(&health), WH_STANDING_FAILING, "... and count");
    wh_health_init(&health, APR_INT64_C(5000000000), 0, CAP);
    is_int(health.state, WH_HEALTH_COOLING, "many of them: it is cooling");
    is_int(health.until, 0, "... and is probed at once");
    is_int(wh_health_limit(&health, CAP), 1, "... once at a time");
}

static void test_growth(void)
{
    int i;

    wh_health_init(&health, 0, 0, CAP);
    for (i = 0; i < 100; i++) {
        wh_health_success(&health, CAP, NOW);
    }
    is_int(health.state, WH_HEALTH_GOOD, "successes");
    is_int(wh_health_limit(&health, CAP), CAP, "... open it to the limit");
    is_int(fail_at(NOW, NOW, 1, NOW + 1, 0), 0, "one failure");
    is_int(wh_health_limit(&health, CAP), CAP / 2, "... halves it");
    is_int(wh_health_standing(&health), WH_STANDING_FAILING, "... and counts");
    is_int(fail_at(NOW, NOW, 1, NOW + 1, 0), 0, "a second one");
    wh_health_success(&health, CAP, NOW);
    is_int(fail_at(NOW, NOW, 1, NOW + 1, 0), 0, "a success in between");
    is_int(health.state, WH_HEALTH_GOOD, "... begins the count anew");
}

/* Steps of the schedule: 1s 4s 30s 5m. */
static void test_probes(void)
{
    static const int seconds[] = {30, 300, 300, 300};
    apr_time_t now = NOW;
    size_t i;

    wh_health_init(&health, 0, 1, CAP);
    fail_at(now, now, 1, 0, 0);
    fail_at(now, now, 1, 0, 0);
    for (i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        is_int(fail_at(now, now, 1, now + 1, 0), 1, "failure %d", (int)i + 3);
        is_int(health.until - now, apr_time_from_sec(seconds[i]),
               "... the next probe in %d s", seconds[i]);
        is_int(wh_health_limit(&health, CAP), 1, "... alone");
        now = health.until;
    }
}

/* What was under way when it began to cool is no probe. */
static void test_burst(void)
{
    int i;

    wh_health_init(&health, 0, 1, CAP);
    for (i = 0; i < CAP; i++) {
        fail_at(NOW + i, NOW - 1, 1, NOW + 1, 0);
    }
    is_int(health.failures, 3, "sixteen at one time count as three");
    is_int(health.until, NOW + 2 + apr_time_from_sec(30),
           "... and as one wait");
}

static void test_single_delivery(void)
{
    int i;

    wh_health_init(&health, 0, 0, CAP);
    for (i = 1; i <= 3; i++) {
        fail_at(NOW + i, NOW + i, i, NOW + 12345 * i, 0);
    }
    is_int(health.until, NOW + 12345 * 3,
           "a single delivery's own time is the probe's");
    fail_at(NOW + 4, NOW + 4, 4, 0, 0);
    is_int(health.until, NOW + 4 + apr_time_from_sec(300),
           "it has failed for good: the schedule's");
}

static void test_recovery(void)
{
    int i;

    wh_health_init(&health, 3, 0, CAP);
    wh_health_success(&health, CAP, NOW);
    is_int(health.state, WH_HEALTH_RECOVERING, "a probe succeeds");
    is_int(wh_health_standing(&health), WH_STANDING_GOOD, "it answers");
    is_int(wh_health_limit(&health, CAP), 1, "one at a time at first");
    ok(wh_health_rate(&health, NOW) == 10, "ten in the first second");
    ok(wh_health_rate(&health, NOW + apr_time_from_sec(1)) == 20,
       "twenty in the second");
    ok(wh_health_rate(&health, NOW + apr_time_from_sec(9)) == 5120,
       "and so on");
    ok(wh_health_rate(&health, NOW + apr_time_from_sec(10)) == 0, "then all");
    ok(wh_health_rate(&health, NOW - apr_time_from_sec(9)) == 10,
       "the clock is set back: as at first");
    for (i = 0; i < 50; i++) {
        wh_health_success(&health, CAP, NOW + apr_time_from_sec(5));
    }
    is_int(health.state, WH_HEALTH_RECOVERING, "it takes its time");
    wh_health_success(&health, CAP, NOW + apr_time_from_sec(10));
    is_int(health.state, WH_HEALTH_GOOD, "... and is over");
    ok(wh_health_rate(&health, NOW) == 0, "no bound is left");
}

static void test_relapse(void)
{
    wh_health_init(&health, 3, 0, CAP);
    wh_health_success(&health, CAP, NOW);
    is_int(fail_at(NOW + 1, NOW + 1, 1, NOW + 2, 0), 0, "one failure");
    fail_at(NOW + 2, NOW + 2, 1, NOW + 3, 0);
    is_int(fail_at(NOW + 3, NOW + 3, 1, NOW + 4, 0), 1, "three");
    is_int(health.state, WH_HEALTH_COOLING, "it is cooling again");
}

static void test_pause(void)
{
    wh_health_init(&health, 0, 1, CAP);
    is_int(fail_at(NOW, NOW, 1, NOW + 1, apr_time_from_sec(60)), 1,
           "it asks for a pause");
    is_int(health.until, NOW + apr_time_from_sec(60), "of a minute");
    is_int(fail_at(NOW, NOW, 1, NOW + 1, apr_time_from_sec(20)), 1,
           "and for a shorter one");
    is_int(health.until, NOW + apr_time_from_sec(60), "the longer one counts");
    wh_health_success(&health, CAP, NOW);
    is_int(health.until, NOW + apr_time_from_sec(60),
           "a success that was under way does not end it");
    fail_at(NOW, NOW, 1, NOW + 1, 0);
    fail_at(NOW, NOW, 1, NOW + 1, 0);
    fail_at(NOW, NOW, 1, NOW + 1, 0);
    is_int(health.state, WH_HEALTH_COOLING, "it is cooling");
    wh_health_success(&health, CAP, NOW);
    is_int(health.state, WH_HEALTH_RECOVERING, "a success ends that");
    is_int(health.until, NOW + apr_time_from_sec(60), "but not the pause");
    wh_health_shift(&health, apr_time_from_sec(3600));
    is_int(health.until, NOW - apr_time_from_sec(3540),
           "a clock that was set back neither");
    is_int(health.paused, health.until, "and it moves with the clock");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    wh_retry_parse(&schedule, "1s 4s 30s 5m", pool);
    test_start();
    test_growth();
    test_probes();
    test_burst();
    test_single_delivery();
    test_recovery();
    test_relapse();
    test_pause();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
