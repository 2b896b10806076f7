/* SPDX-License-Identifier: Apache-2.0 */
/* Ages when the clock is set. */
#include "policy/clock_leap.h"
#include "unit/tap.h"

#define SECOND APR_USEC_PER_SEC
#define DAY (86400 * SECOND)
#define NOW (20000 * DAY)
#define RUN (5 * DAY) /* of the monotonic clock */

static wh_clock_leap_t leap;

static apr_interval_time_t look(apr_time_t wall, apr_time_t monotonic)
{
    return wh_clock_leap_look(&leap, wall, monotonic);
}

static apr_interval_time_t age(apr_time_t since, apr_time_t now)
{
    return wh_clock_leap_age(&leap, since, now);
}

static apr_time_t border(apr_interval_time_t span, apr_time_t now)
{
    return wh_clock_leap_border(&leap, span, now);
}

static void test_none(void)
{
    leap = (wh_clock_leap_t){0};
    is_int(look(NOW, RUN), 0, "the first look");
    is_int(look(NOW + SECOND, RUN + SECOND), 0, "a second later");
    is_int(look(NOW + 60 * SECOND, RUN + 2 * SECOND), 0,
           "ahead by less than a minute");
    is_int(look(NOW - DAY, RUN + 3 * SECOND), -DAY - 61 * SECOND, "set back");
    is_int(look(NOW - DAY - 50 * SECOND, RUN + 3 * SECOND), 0,
           "... by less than a minute");
    look(NOW - DAY, RUN + 3 * SECOND);
    is_int(look(NOW - DAY + 9 * DAY, RUN + 3 * SECOND + 9 * DAY), 0,
           "a long time without a look");
    is_int(age(NOW - DAY, NOW), DAY, "what is a day old");
    is_int(border(DAY, NOW), NOW - DAY, "older than a day");
}

static void test_ahead(void)
{
    const apr_time_t later = NOW + 10 * DAY + SECOND;

    leap = (wh_clock_leap_t){0};
    look(NOW, RUN);
    is_int(look(later, RUN + SECOND), 10 * DAY, "ten days ahead");
    is_int(age(NOW - DAY, later), DAY + SECOND, "what was stored before it");
    is_int(age(NOW, later), SECOND, "... just before it");
    is_int(age(later, later + SECOND), SECOND, "... and after it");
    is_int(border(7 * DAY, later), NOW + SECOND - 7 * DAY,
           "nothing is older than a week by it");
    is_int(border(7 * DAY, later + 7 * DAY - 1), NOW + SECOND - 1,
           "... nor until a week has passed");
    is_int(border(7 * DAY, later + 7 * DAY), later,
           "then all is that came before it");
    is_int(look(later + 8 * DAY, RUN + SECOND + 8 * DAY), 0, "time passes");
    is_int(border(7 * DAY, later + 8 * DAY), later + DAY, "as always then");
    is_int(age(NOW - DAY, later + 8 * DAY), 9 * DAY + SECOND,
           "what came before it is as old as it is");
}

/* An error that is corrected. */
static void test_undone(void)
{
    leap = (wh_clock_leap_t){0};
    look(NOW, RUN);
    look(NOW + 10 * DAY, RUN + SECOND);
    ok(look(NOW - 100 * SECOND, RUN + 2 * SECOND) < 0, "set back again");
    is_int(border(DAY, NOW), NOW - DAY, "older than a day");
    is_int(age(NOW - DAY, NOW), DAY, "what is a day old");
    look(NOW, RUN + 102 * SECOND);
    look(NOW + 10 * DAY, RUN + 103 * SECOND);
    look(NOW + 300 * SECOND, RUN + 402 * SECOND);
    is_int(age(NOW - DAY, NOW + 300 * SECOND), DAY + 300 * SECOND,
           "it is right some minutes later");
    is_int(border(DAY, NOW + 300 * SECOND), NOW + 300 * SECOND - DAY,
           "... and counts as ever");
}

/* In part. */
static void test_half_undone(void)
{
    leap = (wh_clock_leap_t){0};
    look(NOW, RUN);
    look(NOW + 30 * DAY, RUN);
    is_int(look(NOW + 10 * DAY, RUN), -20 * DAY, "set back in part");
    is_int(border(7 * DAY, NOW + 10 * DAY), NOW - 7 * DAY,
           "nothing is older by the rest");
    is_int(age(NOW - DAY, NOW + 10 * DAY), DAY, "nor this one");
    is_int(age(NOW + 10 * DAY, NOW + 11 * DAY), DAY, "what came after it");
}

int main(void)
{
    test_none();
    test_ahead();
    test_undone();
    test_half_undone();
    return done_testing();
}
