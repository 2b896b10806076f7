/* SPDX-License-Identifier: Apache-2.0 */
/* The wrapper of apr_dbd. */
#include "store/db.h"

#include "unit/store/fixture.h"

static void test_rows(void)
{
    wh_rows_t rows;
    int count = 0;

    is_int(wh_db_execute(&outside, "CREATE TABLE x (i BIGINT, t TEXT)"),
           APR_SUCCESS, "a table");
    is_int(wh_db_execute(&outside, "INSERT INTO x VALUES (1, NULL), (2, ''), "
                                   "(-9223372036854775808, 'abc'), (NULL, "
                                   "'9223372036854775807')"),
           APR_SUCCESS, "rows");
    wh_db_query(&rows, &outside, "SELECT i, t FROM x ORDER BY rowid");
    is_int(rows.count, 4, "are counted");
    ok(wh_rows_next(&rows), "first row");
    is_int(wh_rows_int64(&rows, 0), 1, "a number");
    is_str(wh_rows_text(&rows, 1, pool), NULL, "NULL is NULL");
    is_int(wh_rows_int64(&rows, 1), 0, "and no number");
    ok(wh_rows_next(&rows), "second row");
    is_str(wh_rows_text(&rows, 1, pool), "", "an empty text is not NULL");
    ok(wh_rows_next(&rows), "third row");
    ok(wh_rows_int64(&rows, 0) == APR_INT64_MIN, "the smallest number");
    is_str(wh_rows_peek(&rows, 1), "abc", "a text");
    ok(wh_rows_next(&rows), "fourth row");
    is_str(wh_rows_peek(&rows, 0), NULL, "no number is NULL");
    ok(wh_rows_int64(&rows, 1) == APR_INT64_MAX, "the largest number");
    ok(!wh_rows_next(&rows), "the end");
    ok(!wh_rows_next(&rows), "stays the end");
    wh_db_query(&rows, &outside, "SELECT i FROM x WHERE i = 77");
    while (wh_rows_next(&rows)) {
        count++;
    }
    is_int(count + rows.count, 0, "no rows");
}

static void test_transactions(void)
{
    is_int(wh_db_begin(&outside), APR_SUCCESS, "begin");
    wh_db_execute(&outside, "DELETE FROM x");
    wh_db_rollback(&outside);
    is_int(number("SELECT count(*) FROM x"), 4, "rolled back");
    wh_db_rollback(&outside);
    is_int(number("SELECT count(*) FROM x"), 4, "twice is safe");
    wh_db_begin(&outside);
    wh_db_execute(&outside, "DELETE FROM x WHERE i = 1");
    is_int(wh_db_commit(&outside), APR_SUCCESS, "commit");
    wh_db_rollback(&outside);
    is_int(number("SELECT count(*) FROM x"), 3, "stays committed");
    wh_db_begin(&outside);
    wh_db_execute(&outside, "DELETE FROM x");
    wh_db_close(&outside);
    ok(!outside.handle, "closed");
    is_int(wh_db_open(&outside), APR_SUCCESS, "opened again");
    is_int(number("SELECT count(*) FROM x"), 3,
           "closing undoes what was not committed");
}

static void test_prepared(void)
{
    apr_int64_t id = 4, beat = 99;
    const void *set[] = {&id, &beat};
    const void *one[] = {&id};
    int affected = -1;
    wh_rows_t rows;

    is_int(wh_db_update(&outside, &affected, WH_SQL_NODE_SET, set), APR_SUCCESS,
           "an update");
    is_int(affected, 1, "says how many rows");
    is_int(wh_db_update(&outside, NULL, WH_SQL_NODE_SET, set), APR_SUCCESS,
           "again, the number unasked");
    id = 5;
    is_int(wh_db_select(&rows, &outside, WH_SQL_NODE_LIST, one), APR_SUCCESS,
           "a select");
    is_int(rows.count, 1, "finds the row");
    wh_db_update(&outside, &affected, WH_SQL_NODE_DELETE, one);
    is_int(affected, 0, "nothing to delete");
    id = 4;
    wh_db_update(&outside, &affected, WH_SQL_NODE_DELETE, one);
    is_int(affected, 1, "deleted");
}

static void test_failures(void)
{
    wh_db_t other = outside;
    wh_rows_t rows;

    is_int(wh_db_execute(&outside, "NO SQL"), WH_STORE_DOWN, "no SQL");
    ok(!outside.handle, "a failure closes the handle");
    wh_db_open(&outside);
    is_int(wh_db_query(&rows, &outside, "SELECT * FROM missing"), WH_STORE_DOWN,
           "no such table");
    ok(!outside.handle, "closed again");
    is_int(wh_db_open(&outside), APR_SUCCESS, "it can be opened");
    is_int(wh_db_open(&outside), APR_SUCCESS, "twice");
    wh_db_begin(&outside);
    wh_db_execute(&outside, "DELETE FROM x");
    is_int(wh_db_execute(&outside, "INSERT INTO x VALUES (1)"), WH_STORE_DOWN,
           "a failure inside a transaction");
    is_int(outside.in_transaction, 0, "ends it");
    wh_db_open(&outside);
    is_int(number("SELECT count(*) FROM x"), 3, "and undoes it");
    other.handle = NULL;
    other.driver_name = "nonesuch";
    is_int(wh_db_open(&other), WH_STORE_DOWN, "no such driver");
    other.driver_name = "sqlite3";
    other.params = apr_pstrcat(pool, directory, "/none/test.db", NULL);
    is_int(wh_db_open(&other), WH_STORE_DOWN, "no such directory");
    wh_db_close(&other);
    ok(!other.handle, "closing what is not open is safe");
}

/* Every text is known, and the database understands it. */
static void test_statements(void)
{
    int i, missing = 0, refused = 0;

    for (i = 0; i < WH_STATEMENT_COUNT; i++) {
        const char *sql = wh_statement_text((wh_statement_t)i);
        apr_dbd_prepared_t *prepared = NULL;

        if (!sql) {
            missing++;
        }
        else if (apr_dbd_prepare(outside.driver, outside.handle_pool,
                                 outside.handle, sql, NULL, &prepared) != 0) {
            diag("%s", sql);
            refused++;
        }
    }
    is_int(missing, 0, "each statement has its text");
    is_int(refused, 0, "which can be prepared");
}

int main(void)
{
    if (!begin()) {
        return 1;
    }
    test_rows();
    test_transactions();
    test_prepared();
    test_failures();
    test_statements();
    end();
    return done_testing();
}
