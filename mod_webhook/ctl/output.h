/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What people and programs read: tables, fields, JSON, and the one line that
 * says what went wrong.
 * Private to ctl/ · one thread
 *
 * Stored texts came from anywhere. Nothing that a terminal would obey gets
 * through: what is written here is made harmless, callers give texts as they
 * are.
 */
#ifndef WH_CTL_OUTPUT_H
#define WH_CTL_OUTPUT_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>
#include <jansson.h>
#include <stdio.h>

/** How the program ends. */
enum {
    WH_EXIT_DONE = 0,
    WH_EXIT_FAILED = 1, /**< refused, or nothing found */
    WH_EXIT_USAGE = 2,
    WH_EXIT_STORAGE = 3 /**< no database, or it does not answer */
};

/** Text on one line: control characters, also those above U+007F, and marks
 * that turn the direction of writing are shown as escapes, what is no UTF-8
 * as "?". NULL and "" give "-". */
const char *wh_output_text(const char *text, apr_pool_t *pool);

/** ISO 8601 in UTC with milliseconds; 0 gives "-". */
const char *wh_output_time(apr_time_t time, apr_pool_t *pool);

/** Times, texts and ids as the API has them in JSON: see store/log_json.h. */
json_t *wh_output_json_time(apr_time_t time);
json_t *wh_output_json_text(const char *text);
json_t *wh_output_json_id(apr_int64_t id);

/** Stored JSON text as a value; null if it is none. */
json_t *wh_output_json_value(const char *text);

/**
 * Prints a value and drops the reference. Plain ASCII, so that no byte means
 * anything to a terminal.
 * @param lines 1: all on one line, for a stream of values
 * @return WH_EXIT_DONE, or WH_EXIT_FAILED: value is NULL, out of memory
 */
int wh_output_json(json_t *value, int lines);

/** Columns of a table. */
#define WH_COLUMNS_MAX 12

/** A table, printed in portions; columns keep their places. */
typedef struct wh_table_t {
    apr_pool_t *pool;
    apr_array_header_t *cells; /**< of const char *, row by row */
    int columns;
    int width[WH_COLUMNS_MAX];
} wh_table_t;

/** @param headings ended by NULL, at most WH_COLUMNS_MAX */
wh_table_t *wh_table_create(const char *const *headings, apr_pool_t *pool);

/** @param cells as many as there are headings; copied */
void wh_table_add(wh_table_t *table, const char *const *cells);

/** Prints the rows that were added since the last time, and drops them. Begin
 * with the headings. */
void wh_table_print(wh_table_t *table);

/** One line "name: value" of a record. */
void wh_output_field(const char *name, const char *value, apr_pool_t *pool);

/** A text of several lines, indented. */
void wh_output_block(const char *text, apr_pool_t *pool);

/**
 * One line to standard error: "webhookctl: ...".
 * @return status, for the caller to return
 */
int wh_output_fail(int status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
