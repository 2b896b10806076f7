/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The only place that calls apr_dbd.
 * Stage: store · from: the other files of store/ · to: apr_dbd
 * runs on: the thread that owns the wh_store_t
 *
 * What apr_dbd does behind one's back is kept out by rule: transactions are
 * plain BEGIN, COMMIT and ROLLBACK (apr_dbd_transaction_end() answers success
 * after a rollback); parameters are bound by type (the text calls bind
 * numbers as text); rows are fetched by number (the one way all drivers
 * share); after any failure the handle is thrown away with its statements (a
 * prepared statement is dead for ever once the schema has changed).
 */
#ifndef WH_STORE_DB_H
#define WH_STORE_DB_H

#include <apr_dbd.h>
#include <apr_pools.h>

#include "store/statement.h"

typedef struct wh_db_t {
    const char *driver_name;
    const char *params;
    apr_pool_t *pool;        /* owner's; lives as long as the object */
    apr_pool_t *handle_pool; /* of the open handle: statements, rows */
    apr_pool_t *call_pool;   /* cleared before each statement */
    const apr_dbd_driver_t *driver;
    apr_dbd_t *handle; /* NULL: closed */
    apr_dbd_prepared_t *prepared[WH_STATEMENT_COUNT];
    int in_transaction;
    apr_time_t quiet_until; /* failures are not logged before then */
    int suppressed;         /* failures not logged */
} wh_db_t;

/** Rows that one select asks for at the most. */
#define WH_ROWS_CHUNK 500

/** Rows of a select; valid until the next call on the same wh_db_t. */
typedef struct wh_rows_t {
    wh_db_t *db;
    apr_dbd_results_t *results;
    apr_dbd_row_t *row;
    int count;
    int next; /* number of the next row, from 1 */
} wh_rows_t;

/** All return APR_SUCCESS or WH_STORE_DOWN (logged, handle closed). */
apr_status_t wh_db_open(wh_db_t *db);
void wh_db_close(wh_db_t *db);

/**
 * Tells if a failure may be logged: once in ten seconds for a handle. A
 * database that is down would else fill the log with every event.
 * @param suppressed how many were not logged before this one
 */
int wh_db_may_log(wh_db_t *db, int *suppressed);

/** One statement without parameters and without rows. */
apr_status_t wh_db_execute(wh_db_t *db, const char *sql);

/** One statement without parameters, its rows. */
apr_status_t wh_db_query(wh_rows_t *rows, wh_db_t *db, const char *sql);

/**
 * Runs a prepared statement that changes rows.
 * @param affected number of rows, or NULL
 * @param args one pointer a parameter: const char * for %s, apr_int64_t * for
 *        %lld; NULL binds SQL NULL
 */
apr_status_t wh_db_update(wh_db_t *db, int *affected, wh_statement_t statement,
                          const void **args);

/** Runs a prepared select. */
apr_status_t wh_db_select(wh_rows_t *rows, wh_db_t *db,
                          wh_statement_t statement, const void **args);

/** Steps to the next row: 1, or 0 at the end. */
int wh_rows_next(wh_rows_t *rows);
apr_int64_t wh_rows_int64(wh_rows_t *rows, int column);
/** Copied into pool; NULL for SQL NULL. */
const char *wh_rows_text(wh_rows_t *rows, int column, apr_pool_t *pool);
/** Points into the row: valid until the next step; NULL for SQL NULL. */
const char *wh_rows_peek(wh_rows_t *rows, int column);

apr_status_t wh_db_begin(wh_db_t *db);
apr_status_t wh_db_commit(wh_db_t *db);
/** Undoes the open transaction, if there is one. */
void wh_db_rollback(wh_db_t *db);

#endif
