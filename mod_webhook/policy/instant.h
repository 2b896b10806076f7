/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Points in time as texts.
 * Stage: policy · from: options · to: - · pure: no I/O · any thread
 */
#ifndef WH_POLICY_INSTANT_H
#define WH_POLICY_INSTANT_H

#include <apr_time.h>

/**
 * Reads a date-time of RFC 3339: "2026-01-31T12:00:00Z", with any fraction of
 * a second, and with a zone such as "+02:00". Its years are 1970 to 9999.
 * @return 1 and the time, which is above 0, or 0
 */
int wh_instant_read(apr_time_t *time, const char *text);

#endif
