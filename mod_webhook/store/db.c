/* SPDX-License-Identifier: Apache-2.0 */
#include "store/db.h"

#include <apr_strings.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "store/store.h"

#define QUIET_TIME apr_time_from_sec(10)

int wh_db_may_log(wh_db_t *db, int *suppressed)
{
    apr_time_t now = apr_time_now();

    if (now < db->quiet_until && db->quiet_until <= now + QUIET_TIME) {
        db->suppressed++;
        return 0;
    }
    *suppressed = db->suppressed;
    db->suppressed = 0;
    db->quiet_until = now + QUIET_TIME;
    return 1;
}

/* Logs what the driver says and throws the handle away. */
static apr_status_t broken(wh_db_t *db, const char *what, int code)
{
    const char *text = apr_dbd_error(db->driver, db->handle, code);
    int suppressed;

    if (wh_db_may_log(db, &suppressed)) {
        wh_log(WH_LOG_ERROR, APR_SUCCESS,
               WHLOGNO(1101) "database: %s failed (%d: %s); %d failures "
                             "before it were not logged",
               what, code, text ? text : "no text", suppressed);
    }
    wh_db_close(db);
    return WH_STORE_DOWN;
}

apr_status_t wh_db_open(wh_db_t *db)
{
    const char *error = NULL;
    int suppressed;
    apr_status_t rv;

    if (db->handle) {
        return APR_SUCCESS;
    }
    rv = apr_dbd_get_driver(db->pool, db->driver_name, &db->driver);
    if (rv != APR_SUCCESS) {
        if (wh_db_may_log(db, &suppressed)) {
            wh_log(WH_LOG_ERROR, rv,
                   WHLOGNO(1102) "database driver %s cannot be loaded",
                   db->driver_name);
        }
        return WH_STORE_DOWN;
    }
    if (apr_pool_create(&db->handle_pool, db->pool) != APR_SUCCESS) {
        return WH_STORE_DOWN;
    }
    apr_pool_tag(db->handle_pool, "webhook_db_handle");
    if (apr_pool_create(&db->call_pool, db->handle_pool) != APR_SUCCESS) {
        apr_pool_destroy(db->handle_pool);
        db->handle_pool = NULL;
        return WH_STORE_DOWN;
    }
    apr_pool_tag(db->call_pool, "webhook_db_call");
    rv = apr_dbd_open_ex(db->driver, db->handle_pool, db->params, &db->handle,
                         &error);
    if (rv != APR_SUCCESS) {
        if (wh_db_may_log(db, &suppressed)) {
            wh_log(WH_LOG_ERROR, rv,
                   WHLOGNO(1103) "database cannot be opened: %s; %d failures "
                                 "before it were not logged",
                   error ? error : "no text", suppressed);
        }
        db->handle = NULL;
        apr_pool_destroy(db->handle_pool);
        db->handle_pool = NULL;
        return WH_STORE_DOWN;
    }
    return APR_SUCCESS;
}

void wh_db_close(wh_db_t *db)
{
    if (!db->handle) {
        return;
    }
    wh_db_rollback(db);
    apr_dbd_close(db->driver, db->handle);
    db->handle = NULL;
    memset(db->prepared, 0, sizeof(db->prepared));
    apr_pool_destroy(db->handle_pool);
    db->handle_pool = NULL;
    db->call_pool = NULL;
}

apr_status_t wh_db_execute(wh_db_t *db, const char *sql)
{
    int affected = 0;
    int code = apr_dbd_query(db->driver, db->handle, &affected, sql);

    return code ? broken(db, sql, code) : APR_SUCCESS;
}

static void rows_init(wh_rows_t *rows, wh_db_t *db, apr_dbd_results_t *results)
{
    rows->db = db;
    rows->results = results;
    rows->row = NULL;
    rows->count = apr_dbd_num_tuples(db->driver, results);
    rows->next = 1;
}

apr_status_t wh_db_query(wh_rows_t *rows, wh_db_t *db, const char *sql)
{
    apr_dbd_results_t *results = NULL;
    int code;

    apr_pool_clear(db->call_pool);
    code =
        apr_dbd_select(db->driver, db->call_pool, db->handle, &results, sql, 1);
    if (code) {
        return broken(db, sql, code);
    }
    rows_init(rows, db, results);
    return APR_SUCCESS;
}

static apr_status_t prepare(wh_db_t *db, wh_statement_t statement)
{
    const char *sql = wh_statement_text(statement);
    int code;

    if (db->prepared[statement]) {
        return APR_SUCCESS;
    }
    code = apr_dbd_prepare(db->driver, db->handle_pool, db->handle, sql, NULL,
                           &db->prepared[statement]);
    if (code) {
        db->prepared[statement] = NULL;
        return broken(db, sql, code);
    }
    return APR_SUCCESS;
}

apr_status_t wh_db_update(wh_db_t *db, int *affected, wh_statement_t statement,
                          const void **args)
{
    apr_status_t rv = prepare(db, statement);
    int rows = 0;
    int code;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    apr_pool_clear(db->call_pool);
    code = apr_dbd_pbquery(db->driver, db->call_pool, db->handle, &rows,
                           db->prepared[statement], args);
    if (code) {
        return broken(db, wh_statement_text(statement), code);
    }
    if (affected) {
        *affected = rows;
    }
    return APR_SUCCESS;
}

apr_status_t wh_db_select(wh_rows_t *rows, wh_db_t *db,
                          wh_statement_t statement, const void **args)
{
    apr_status_t rv = prepare(db, statement);
    apr_dbd_results_t *results = NULL;
    int code;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    apr_pool_clear(db->call_pool);
    code = apr_dbd_pbselect(db->driver, db->call_pool, db->handle, &results,
                            db->prepared[statement], 1, args);
    if (code) {
        return broken(db, wh_statement_text(statement), code);
    }
    rows_init(rows, db, results);
    return APR_SUCCESS;
}

int wh_rows_next(wh_rows_t *rows)
{
    if (rows->next > rows->count) {
        return 0;
    }
    return apr_dbd_get_row(rows->db->driver, rows->db->call_pool, rows->results,
                           &rows->row, rows->next++) == 0;
}

const char *wh_rows_peek(wh_rows_t *rows, int column)
{
    const char *text = NULL;

    /* datum_get tells NULL from the empty string on every driver. */
    if (apr_dbd_datum_get(rows->db->driver, rows->row, column,
                          APR_DBD_TYPE_STRING, &text) != APR_SUCCESS) {
        return NULL;
    }
    return text;
}

apr_int64_t wh_rows_int64(wh_rows_t *rows, int column)
{
    const char *text = wh_rows_peek(rows, column);

    return text ? apr_atoi64(text) : 0;
}

const char *wh_rows_text(wh_rows_t *rows, int column, apr_pool_t *pool)
{
    return apr_pstrdup(pool, wh_rows_peek(rows, column));
}

apr_status_t wh_db_begin(wh_db_t *db)
{
    apr_status_t rv = wh_db_execute(db, wh_statement_text(WH_SQL_BEGIN));

    if (rv == APR_SUCCESS) {
        db->in_transaction = 1;
    }
    return rv;
}

apr_status_t wh_db_commit(wh_db_t *db)
{
    apr_status_t rv = wh_db_execute(db, "COMMIT");

    if (rv == APR_SUCCESS) {
        db->in_transaction = 0;
    }
    return rv;
}

void wh_db_rollback(wh_db_t *db)
{
    int affected = 0;

    if (db->handle && db->in_transaction) {
        /* Fails when the driver has rolled back already: nothing is left to
         * undo then, and every caller closes the handle or starts anew. */
        apr_dbd_query(db->driver, db->handle, &affected, "ROLLBACK");
    }
    db->in_transaction = 0;
}
