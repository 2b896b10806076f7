/* SPDX-License-Identifier: Apache-2.0 */
/* Waits between attempts. */
#include <apr_date.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <string.h>

#include "policy/retry.h"
#include "unit/tap.h"

#define SECOND ((apr_int64_t)1000000)
#define DAY (86400 * SECOND)

/* Sunday, 6 November 2033, 08:49:37 UTC. */
#define NOW (2014879777 * SECOND)

static apr_pool_t *pool;

static void test_steps(void)
{
    static const struct {
        const char *text;
        apr_int64_t step; /* 0: refused */
    } rows[] = {{"1s", SECOND},
                {"30s", 30 * SECOND},
                {"5m", 300 * SECOND},
                {"2h", 7200 * SECOND},
                {"3d", 3 * DAY},
                {"250ms", 250000},
                {"1ms", 1000},
                {"30d", 30 * DAY},
                {"720h", 30 * DAY},
                {"2592000s", 30 * DAY},
                {"2592000000ms", 30 * DAY},
                {"01s", SECOND},
                {"31d", 0},
                {"721h", 0},
                {"43201m", 0},
                {"2592001s", 0},
                {"2592000001ms", 0},
                {"0s", 0},
                {"0ms", 0},
                {"000d", 0},
                {"0", 0},
                {"", 0},
                {"s", 0},
                {"ms", 0},
                {"5", 0},
                {"-1s", 0},
                {"+1s", 0},
                {" 1s", 0},
                {"1s ", 0},
                {"1 s", 0},
                {"1S", 0},
                {"1M", 0},
                {"1sec", 0},
                {"1mss", 0},
                {"1us", 0},
                {"1w", 0},
                {"1y", 0},
                {"1.5s", 0},
                {"1,5s", 0},
                {"0x1s", 0},
                {"1e3s", 0},
                {"1s4s", 0},
                {"9223372036854775807s", 0},
                {"9223372036854775808ms", 0},
                {"99999999999999999999999d", 0}};
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        apr_interval_time_t step = -1;
        apr_status_t rv = wh_retry_parse_step(&step, rows[i].text);

        is_int(rv, rows[i].step ? APR_SUCCESS : APR_EINVAL, "step \"%s\"",
               rows[i].text);
        is_int(step, rows[i].step ? rows[i].step : -1, "its length");
    }
}

static void test_schedules(void)
{
    static const struct {
        const char *text;
        int count; /* 0: refused */
    } rows[] = {{"1s", 1},
                {"1s 2s", 2},
                {"  1s\t2s  3m ", 3},
                {WH_RETRY_DEFAULT, 11},
                {"", 0},
                {" ", 0},
                {"\t", 0},
                {"1s,2s", 0},
                {"1s 2", 0},
                {"1s 0s", 0},
                {"x 1s", 0},
                {"1s 31d", 0},
                {"1s\n2s", 0},
                {"none", 0}};
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        wh_retry_schedule_t *schedule = NULL;
        apr_status_t rv = wh_retry_parse(&schedule, rows[i].text, pool);

        is_int(rv, rows[i].count ? APR_SUCCESS : APR_EINVAL,
               "schedule number %d", (int)i);
        is_int(schedule ? schedule->count : 0, rows[i].count, "its count");
    }
}

static void test_schedule_limits(void)
{
    char text[65 * 4 + 1] = "";
    wh_retry_schedule_t *schedule = NULL;
    int i;

    for (i = 0; i < 64; i++) {
        strcat(text, "30d ");
    }
    ok(wh_retry_parse(&schedule, text, pool) == APR_SUCCESS, "64 steps");
    is_int(schedule ? schedule->count : 0, 64, "all there");
    is_int(schedule ? wh_retry_horizon(schedule) : 0, 64 * 33 * DAY,
           "horizon of the longest schedule");
    strcat(text, "30d ");
    is_int(wh_retry_parse(&schedule, text, pool), APR_EINVAL, "not 65 steps");
}

static void test_default(void)
{
    static const apr_int64_t seconds[] = {
        1, 4, 30, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400};
    wh_retry_schedule_t *schedule = NULL;
    apr_int64_t sum = 0;
    int i;

    if (wh_retry_parse(&schedule, WH_RETRY_DEFAULT, pool) != APR_SUCCESS) {
        ok(0, "the default schedule is readable");
        return;
    }
    for (i = 0; i < 11; i++) {
        is_int(schedule->steps[i], seconds[i] * SECOND, "default step %d",
               i + 1);
        sum += seconds[i];
    }
    is_int(wh_retry_horizon(schedule), sum * SECOND / 10 * 11,
           "horizon of the default");
}

static void test_retry_after(void)
{
    static const struct {
        const char *value;
        apr_int64_t wait;
    } rows[] = {{"120", 120 * SECOND},
                {"1", SECOND},
                {"0", 0},
                {"00120", 120 * SECOND},
                {" 120 ", 120 * SECOND},
                {"\t7", 7 * SECOND},
                {"86399", 86399 * SECOND},
                {"86400", DAY},
                {"86401", DAY},
                {"2147483648", DAY},
                {"100000000000000000000", DAY},
                {"9223372036854775808", DAY},
                {"18446744073709551616", DAY},
                {"1000000000000000000000000000000000000000000000", DAY},
                {"-1", 0},
                {"+1", 0},
                {"1.5", 0},
                {"1e3", 0},
                {"0x10", 0},
                {"1e20", 0},
                {"-0", 0},
                {"-100000000000000000000", 0},
                {"1_000", 0},
                {"12h", 0},
                {"120.", 0},
                {".5", 0},
                {"120s", 0},
                {"120, 60", 0},
                {"120;60", 0},
                {"1 2", 0},
                {"", 0},
                {" ", 0},
                {"soon", 0},
                {"\xd9\xa1", 0},
                {"-", 0},
                /* the three dates, 23 seconds from now */
                {"Sun, 06 Nov 2033 08:50:00 GMT", 23 * SECOND},
                {"Sunday, 06-Nov-33 08:50:00 GMT", 23 * SECOND},
                {"Sun Nov  6 08:50:00 2033", 23 * SECOND},
                {"Sun, 06 Nov 2033 08:49:37 GMT", 0},
                {"Sun, 06 Nov 2033 08:49:36 GMT", 0},
                {"Sunday, 06-Nov-94 08:49:37 GMT", 0},
                {"Sun Nov  6 08:49:37 1994", 0},
                {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
                {"Mon, 07 Nov 2033 08:49:37 GMT", DAY},
                {"Mon, 07 Nov 2033 08:49:38 GMT", DAY},
                {"Fri, 31 Dec 9999 23:59:59 GMT", DAY},
                {"Sun, 06 Nov", 0},
                {"Sun, 31 Feb 2034 08:49:37 GMT", 0},
                {"Sun, 06 Nov 2033 25:00:00 GMT", 0},
                {"Sun, 06 Foo 2033 08:50:00 GMT", 0},
                {"2033-11-06T08:50:00Z", 0},
                {"Sun,", 0},
                {"Sun, ", 0}};
    size_t i;

    is_int(apr_date_parse_http("Sun, 06 Nov 2033 08:49:37 GMT"), NOW,
           "the clock of this test");
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is_int(wh_retry_after(rows[i].value, NOW), rows[i].wait,
               "Retry-After \"%s\"", rows[i].value);
    }
}

/* Every beginning of a good value is either read or counts as nothing. */
static void test_cut_values(void)
{
    static const char *const values[] = {"Sun, 06 Nov 2033 08:50:00 GMT",
                                         "Sunday, 06-Nov-33 08:50:00 GMT",
                                         "Sun Nov  6 08:50:00 2033"};
    size_t i, length;

    for (i = 0; i < 3; i++) {
        int good = 1;

        for (length = 0; length < strlen(values[i]); length++) {
            char *cut = apr_pstrmemdup(pool, values[i], length);
            apr_interval_time_t wait = wh_retry_after(cut, NOW);

            good = good && wait >= 0 && wait <= DAY;
        }
        ok(good, "cut anywhere: \"%s\"", values[i]);
    }
}

static void test_next(void)
{
    apr_interval_time_t steps[] = {1 * SECOND, 4 * SECOND, 30 * DAY};
    wh_retry_schedule_t schedule = {3, steps};
    static const struct {
        int attempts;
        apr_int64_t asked;
        apr_uint32_t dice;
        apr_int64_t wait;
    } rows[] = {{1, 0, 0, 900000},
                {1, 0, 0x80000000U, 1000000},
                {1, 0, 0xffffffffU, 1100000},
                {2, 0, 0, 3600000},
                {2, 0, 0xffffffffU, 4400000},
                {3, 0, 0, 27 * DAY},
                {3, 0, 0x80000000U, 30 * DAY},
                {1, 899999, 0, 900000},
                {1, 900000, 0, 900000},
                {1, 900001, 0, 900001},
                {1, DAY, 0, DAY},
                {1, DAY + 1, 0, DAY},
                {1, APR_INT64_MAX, 0, DAY},
                {1, -5, 0, 900000},
                {1, APR_INT64_MIN, 0, 900000},
                {3, DAY, 0, 27 * DAY}};
    apr_time_t due;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        due = 0;
        ok(wh_retry_next(&due, &schedule, rows[i].attempts, rows[i].asked, NOW,
                         rows[i].dice) == APR_SUCCESS,
           "next attempt, case %d", (int)i);
        is_int(due - NOW, rows[i].wait, "its wait");
    }
    due = 5;
    is_int(wh_retry_next(&due, &schedule, 4, 0, NOW, 0), APR_EOF,
           "the schedule is used up");
    is_int(wh_retry_next(&due, &schedule, 1000000, DAY, NOW, 0), APR_EOF,
           "whatever the receiver asks for");
    is_int(due, 5, "then nothing is due");
}

/* A small generator of its own, so that every run draws the same. */
static apr_uint32_t draw(apr_uint64_t *state)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return (apr_uint32_t)(*state >> 32);
}

static void test_bounds(void)
{
    apr_uint64_t state = 20240229;
    int i, outside = 0, wrong_wait = 0;

    for (i = 0; i < 200000; i++) {
        apr_interval_time_t step =
            1 + ((apr_int64_t)draw(&state) << 10) % (30 * DAY);
        apr_interval_time_t asked =
            ((apr_int64_t)draw(&state) << 8) % (2 * DAY);
        wh_retry_schedule_t schedule = {1, &step};
        apr_uint32_t dice = draw(&state);
        apr_interval_time_t capped = asked > DAY ? DAY : asked;
        apr_time_t plain = 0, due = 0;

        if (wh_retry_next(&plain, &schedule, 1, 0, NOW, dice) ||
            plain < NOW + step - step / 10 || plain > NOW + step + step / 10 ||
            plain > NOW + wh_retry_horizon(&schedule)) {
            outside++;
        }
        if (wh_retry_next(&due, &schedule, 1, asked, NOW, dice) ||
            due != (plain > NOW + capped ? plain : NOW + capped)) {
            wrong_wait++;
        }
    }
    is_int(outside, 0, "200,000 waits are within 10 %% of their step");
    is_int(wrong_wait, 0, "200,000 times the longer wait counts");
}

/* Equal shares of the dice fall into equal parts of the range. */
static void test_spread(apr_interval_time_t step)
{
    apr_uint64_t state = 1;
    wh_retry_schedule_t schedule = {1, &step};
    int parts[10] = {0};
    int i, uneven = 0;

    for (i = 0; i < 100000; i++) {
        apr_time_t due = 0;
        apr_int64_t part;

        wh_retry_next(&due, &schedule, 1, 0, 0, draw(&state));
        part = (due - (step - step / 10)) / (step / 50);
        parts[part > 9 ? 9 : part]++;
    }
    for (i = 0; i < 10; i++) {
        uneven += parts[i] < 9500 || parts[i] > 10500;
    }
    is_int(uneven, 0, "step of %" APR_INT64_T_FMT " us: evenly spread", step);
}

static void test_tiny_steps(void)
{
    apr_interval_time_t step;
    int bad = 0;

    for (step = 1; step < 30; step++) {
        wh_retry_schedule_t schedule = {1, &step};
        apr_time_t low = 0, high = 0;

        wh_retry_next(&low, &schedule, 1, 0, 0, 0);
        wh_retry_next(&high, &schedule, 1, 0, 0, 0xffffffffU);
        bad += low != step - step / 10 || high != step + step / 10;
    }
    is_int(bad, 0, "steps of a few microseconds reach both ends");
}

int main(void)
{
    apr_initialize();
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return 1;
    }
    test_steps();
    test_schedules();
    test_schedule_limits();
    test_default();
    test_retry_after();
    test_cut_values();
    test_next();
    test_bounds();
    test_spread(1000 * SECOND);
    test_spread(30 * DAY);
    test_tiny_steps();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
