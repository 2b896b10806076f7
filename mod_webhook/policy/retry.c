/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/retry.h"

#include <apr_date.h>
#include <apr_strings.h>
#include <apr_tables.h>
#include <string.h>

#define STEPS_MAX 64
#define STEP_MAX apr_time_from_sec(30 * 24 * 60 * 60)

/* A step varies by a tenth of itself in either direction. */
#define JITTER_PART 10

static const struct {
    const char *name;
    apr_interval_time_t length;
} units[] = {{"ms", APR_USEC_PER_SEC / 1000},
             {"s", apr_time_from_sec(1)},
             {"m", apr_time_from_sec(60)},
             {"h", apr_time_from_sec(60 * 60)},
             {"d", apr_time_from_sec(24 * 60 * 60)}};

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* 0: no such unit. */
static apr_interval_time_t unit_length(const char *name)
{
    apr_size_t i;

    for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (!strcmp(name, units[i].name)) {
            return units[i].length;
        }
    }
    return 0;
}

apr_status_t wh_retry_parse_step(apr_interval_time_t *step, const char *text)
{
    char *unit;
    apr_int64_t number;
    apr_interval_time_t length;

    if (!is_digit(*text)) {
        return APR_EINVAL;
    }
    /* Too many digits give the largest number, which is out of range too. */
    number = apr_strtoi64(text, &unit, 10);
    length = unit_length(unit);
    if (!length || number < 1 || number > STEP_MAX / length) {
        return APR_EINVAL;
    }
    *step = number * length;
    return APR_SUCCESS;
}

apr_status_t wh_retry_parse(wh_retry_schedule_t **schedule, const char *text,
                            apr_pool_t *pool)
{
    wh_retry_schedule_t *parsed;
    apr_array_header_t *steps;
    char *rest = NULL;
    char *word = apr_strtok(apr_pstrdup(pool, text), " \t", &rest);

    steps = apr_array_make(pool, 16, sizeof(apr_interval_time_t));
    for (; word; word = apr_strtok(NULL, " \t", &rest)) {
        apr_interval_time_t step;

        if (steps->nelts == STEPS_MAX ||
            wh_retry_parse_step(&step, word) != APR_SUCCESS) {
            return APR_EINVAL;
        }
        APR_ARRAY_PUSH(steps, apr_interval_time_t) = step;
    }
    if (!steps->nelts) {
        return APR_EINVAL;
    }
    parsed = apr_palloc(pool, sizeof(*parsed));
    parsed->count = steps->nelts;
    parsed->steps = (apr_interval_time_t *)steps->elts;
    *schedule = parsed;
    return APR_SUCCESS;
}

apr_interval_time_t wh_retry_horizon(const wh_retry_schedule_t *schedule)
{
    apr_interval_time_t sum = 0;
    int i;

    for (i = 0; i < schedule->count; i++) {
        sum += schedule->steps[i] + schedule->steps[i] / JITTER_PART;
    }
    return sum;
}

apr_interval_time_t wh_retry_longest(const wh_retry_schedule_t *schedule)
{
    apr_interval_time_t longest = WH_RETRY_AFTER_MAX;
    int i;

    for (i = 0; i < schedule->count; i++) {
        longest = schedule->steps[i] > longest ? schedule->steps[i] : longest;
    }
    return longest + longest / JITTER_PART;
}

/* Cuts to what a receiver may ask for. */
static apr_interval_time_t limit_wait(apr_interval_time_t wait)
{
    if (wait < 0) {
        return 0;
    }
    return wait < WH_RETRY_AFTER_MAX ? wait : WH_RETRY_AFTER_MAX;
}

/* Digits and nothing else; too many of them are simply a long wait. */
static apr_interval_time_t parse_seconds(const char *value)
{
    const apr_int64_t most = apr_time_sec(WH_RETRY_AFTER_MAX);
    apr_int64_t seconds = 0;

    for (; is_digit(*value); value++) {
        seconds = seconds * 10 + (*value - '0');
        if (seconds > most) {
            seconds = most;
        }
    }
    while (is_blank(*value)) {
        value++;
    }
    return *value ? 0 : apr_time_from_sec(seconds);
}

apr_interval_time_t wh_retry_after(const char *value, apr_time_t now)
{
    apr_time_t date;

    while (is_blank(*value)) {
        value++;
    }
    if (is_digit(*value)) {
        return parse_seconds(value);
    }
    date = apr_date_parse_http(value);
    return date == APR_DATE_BAD ? 0 : limit_wait(date - now);
}

/* dice / 2^32 of the way from -10 % to +10 %. The product is taken in two
 * halves: long steps would overflow 64 bits. */
static apr_interval_time_t spread_step(apr_interval_time_t step,
                                       apr_uint32_t dice)
{
    apr_interval_time_t tenth = step / JITTER_PART;
    apr_uint64_t width = (apr_uint64_t)tenth * 2 + 1;
    apr_uint64_t high = (width >> 32) * dice;
    apr_uint64_t low = (width & 0xffffffffU) * dice >> 32;

    return step - tenth + (apr_interval_time_t)(high + low);
}

apr_status_t wh_retry_next(apr_time_t *due, const wh_retry_schedule_t *schedule,
                           int attempts, apr_interval_time_t retry_after,
                           apr_time_t now, apr_uint32_t dice)
{
    apr_interval_time_t step;
    apr_interval_time_t asked = limit_wait(retry_after);

    if (attempts > schedule->count) {
        return APR_EOF;
    }
    step = spread_step(schedule->steps[attempts < 1 ? 0 : attempts - 1], dice);
    *due = now + (step > asked ? step : asked);
    return APR_SUCCESS;
}
