/* SPDX-License-Identifier: Apache-2.0 */
/**
 * How old something is when the clock has been set ahead meanwhile.
 * Stage: policy · from: dispatcher · to: - · pure: both clocks are passed in
 *
 * What was stored before a leap is not older by it: no delivery is thrown away for
 * its age, and no webhook given up, before the time has really passed. A machine
 * that has slept, or a process that was stopped, looks the same: it had no chance
 * to deliver meanwhile. The last leap of a minute or more is remembered, as long as
 * the dispatcher lives.
 */
#ifndef WH_POLICY_CLOCK_LEAP_H
#define WH_POLICY_CLOCK_LEAP_H

#include <apr_time.h>

/** Less than this is no leap. */
#define WH_CLOCK_LEAP_MIN apr_time_from_sec(60)

/** And less than this is not set back. */
#define WH_CLOCK_BACK_MIN apr_time_from_sec(60)

/** All zeros: not looked at yet. */
typedef struct wh_clock_leap_t {
    apr_time_t wall;      /**< at the last look */
    apr_time_t monotonic; /**< likewise */
    apr_time_t from;      /**< the last leap: the clock went from here */
    apr_time_t
        to; /**< to here, less what was set back since; 0: there was none */
} wh_clock_leap_t;

/**
 * Looks at the clocks, once a second or so.
 * @return how far the clock has leapt ahead since the last look, below 0: it was
 *         set back; 0: neither
 */
apr_interval_time_t wh_clock_leap_look(wh_clock_leap_t *leap, apr_time_t wall,
                                       apr_time_t monotonic);

/** How old something is whose time is since. */
apr_interval_time_t wh_clock_leap_age(const wh_clock_leap_t *leap,
                                      apr_time_t since, apr_time_t now);

/** The time before which all things are older than an age. */
apr_time_t wh_clock_leap_border(const wh_clock_leap_t *leap,
                                apr_interval_time_t age, apr_time_t now);

#endif
