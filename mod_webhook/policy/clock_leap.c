/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/clock_leap.h"

apr_interval_time_t wh_clock_leap_look(wh_clock_leap_t *leap, apr_time_t wall,
                                       apr_time_t monotonic)
{
    apr_interval_time_t ahead = 0;

    if (leap->wall) {
        ahead = (wall - leap->wall) - (monotonic - leap->monotonic);
    }
    if (ahead >= WH_CLOCK_LEAP_MIN) {
        leap->from = wall - ahead;
        leap->to = wall;
    }
    else if (ahead <= -WH_CLOCK_BACK_MIN) {
        /* So much of the leap has been undone. */
        leap->to += leap->to ? ahead : 0;
        if (leap->to <= leap->from) {
            leap->from = leap->to = 0;
        }
    }
    else {
        ahead = 0;
    }
    leap->wall = wall;
    leap->monotonic = monotonic;
    return ahead;
}

apr_interval_time_t wh_clock_leap_age(const wh_clock_leap_t *leap,
                                      apr_time_t since, apr_time_t now)
{
    return now - since - (since <= leap->from ? leap->to - leap->from : 0);
}

apr_time_t wh_clock_leap_border(const wh_clock_leap_t *leap,
                                apr_interval_time_t age, apr_time_t now)
{
    apr_time_t border = now - age;

    /* Nothing that came after the leap is so old yet. */
    return leap->to && border < leap->to ? border - (leap->to - leap->from)
                                         : border;
}
