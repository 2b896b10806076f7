/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Ids: UUIDs that the world sees, 64-bit numbers for rows.
 * Stage: all · runs on: see each function
 */
#ifndef WH_BASE_IDENTIFIER_H
#define WH_BASE_IDENTIFIER_H

#include <apr.h>
#include <apr_errno.h>
#include <apr_time.h>

/** Text of a UUID with its NUL. */
#define WH_UUID_SIZE 37

/** Bits of a row id below the milliseconds since 2024: 10 node, 12 counter. */
#define WH_ROW_ID_SHIFT 22
#define WH_NODE_MAX 1023

/**
 * A new UUID version 7 (RFC 9562 section 5.7), lower case. Any thread.
 * APR_EGENERAL: no random numbers to be had.
 */
apr_status_t wh_uuid_create(char uuid[WH_UUID_SIZE], apr_time_t now);

/** 1 if text is a UUID in the form that wh_uuid_create() writes. */
int wh_uuid_valid(const char *text);

/** Makes row ids: time-ordered, unique among nodes. One thread. */
typedef struct wh_row_ids_t {
    apr_int64_t node; /**< 0 to WH_NODE_MAX */
    apr_int64_t last; /**< last id given out: ids never go back */
} wh_row_ids_t;

/** The next id. When the clock stands still or goes back, the ids run on. */
apr_int64_t wh_row_id_next(wh_row_ids_t *ids, apr_time_t now);

/** The smallest id that can have been made at or after a time; the largest
 * number, if none can. */
apr_int64_t wh_row_id_floor(apr_time_t time);

/** When an id was made, to the millisecond. */
apr_time_t wh_row_id_time(apr_int64_t id);

#endif
