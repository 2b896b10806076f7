/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Points in time as ISO 8601 has them. Pure; any thread.
 */
#ifndef WH_BASE_TIME_TEXT_H
#define WH_BASE_TIME_TEXT_H

#include <apr_time.h>

/** Longest text that wh_time_print() makes, with its NUL. */
#define WH_TIME_SIZE 32

/**
 * Reads "2026-01-31", "2026-01-31T12:00", "2026-01-31T12:00:00",
 * "2026-01-31T12:00:00.250"; "Z" or an offset such as "+02:00" may follow,
 * UTC without it, and a blank may stand for the "T".
 * @return 1, or 0: it is none, or not after 1970
 */
int wh_time_parse(apr_time_t *time, const char *text);

/** Writes a time in UTC with milliseconds: "2026-01-31T12:00:00.250Z". */
void wh_time_print(char text[WH_TIME_SIZE], apr_time_t time);

#endif
