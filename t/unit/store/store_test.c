/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a store, its schema and its write lock. */
#include <apr_thread_proc.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "store/delivery_store.h"
#include "store/migration.h"
#include "store/store_priv.h"

#include "unit/store/fixture.h"

static int mode_of(const char *path)
{
    struct stat info;

    return stat(path, &info) < 0 ? -1 : (int)(info.st_mode & 07777);
}

static const char *pragma(const char *sql)
{
    wh_rows_t rows;

    wh_db_query(&rows, &store->db, sql);
    return wh_rows_next(&rows) ? wh_rows_text(&rows, 0, pool) : "no row";
}

static void test_open(void)
{
    is_int(mode_of(settings.database_params), 0600,
           "the database is for its user alone");
    is_int(mode_of(apr_pstrcat(pool, directory, "/test.db.lock", NULL)), 0600,
           "so is the lock");
    is_str(pragma("PRAGMA journal_mode"), "wal", "a write-ahead log");
    is_str(pragma("PRAGMA synchronous"), "2", "each commit is on disk");
    is_str(pragma("PRAGMA wal_autocheckpoint"), "0",
           "no checkpoint without the lock");
    is_int(number("SELECT value FROM meta WHERE name = 'schema'"),
           WH_SCHEMA_VERSION, "the schema is that of this code");
    is_int(number("SELECT value FROM meta WHERE name = 'generation'"), 1,
           "the first generation");
    is_int(wh_store_open(store), APR_SUCCESS, "opening it twice is safe");
}

static void test_open_again(void)
{
    wh_store_t *second;
    apr_int64_t generation = 0;

    wh_db_execute(&outside, "UPDATE meta SET value = 77 "
                            "WHERE name = 'generation'");
    is_int(wh_store_create(&second, &settings), APR_SUCCESS, "a second store");
    is_int(wh_store_generation(&generation, NULL, second), APR_SUCCESS,
           "opens by itself");
    is_int(generation, 77, "and leaves what is there");
    wh_store_destroy(second);
    wh_store_create(&second, &settings);
    wh_store_destroy(second);
    ok(1, "a store that was never opened is destroyed");
}

static void test_newer_schema(void)
{
    wh_store_t *second;

    wh_db_execute(&outside, "UPDATE meta SET value = value + 1 "
                            "WHERE name = 'schema'");
    wh_store_create(&second, &settings);
    is_int(wh_store_open(second), WH_STORE_DOWN, "a newer schema is refused");
    wh_db_execute(&outside, "UPDATE meta SET value = value - 1 "
                            "WHERE name = 'schema'");
    is_int(wh_store_open(second), APR_SUCCESS, "and opened when it is known");
    wh_store_destroy(second);
}

static void test_cannot_open(void)
{
    wh_settings_t bad = settings;
    apr_int64_t generation;
    wh_store_t *second;
    int pages;

    bad.database_params = apr_pstrcat(pool, directory, "/none/db", NULL);
    wh_store_create(&second, &bad);
    is_int(wh_store_open(second), WH_STORE_DOWN, "no directory for the lock");
    is_int(wh_store_checkpoint(&pages, second, 0), WH_STORE_DOWN,
           "nor a checkpoint");
    wh_store_destroy(second);
    bad.database_params = apr_pstrcat(pool, directory, "/folder", NULL);
    mkdir(bad.database_params, 0700);
    wh_store_create(&second, &bad);
    is_int(wh_store_open(second), WH_STORE_DOWN, "a directory as database");
    is_int(wh_store_generation(&generation, NULL, second), WH_STORE_DOWN,
           "nor a call that opens it");
    rmdir(bad.database_params);
    unlink(apr_pstrcat(pool, bad.database_params, ".lock", NULL));
    bad.database_params = settings.database_params;
    second->db.params = settings.database_params;
    is_int(wh_store_generation(&generation, NULL, second), APR_SUCCESS,
           "the next call tries again");
    wh_store_destroy(second);
    bad.database_driver = "nonesuch";
    wh_store_create(&second, &bad);
    is_int(wh_store_open(second), WH_STORE_DOWN, "no such driver");
    wh_store_destroy(second);
}

static void test_no_database(void)
{
    const char *path = apr_pstrcat(pool, directory, "/other.db", NULL);
    wh_settings_t bad = settings;
    wh_store_t *second;
    FILE *file = fopen(path, "w");

    fputs("This is a text and no database, and it is long enough to be seen "
          "as one: its first bytes are not those of SQLite.\n",
          file);
    fclose(file);
    bad.database_params = path;
    wh_store_create(&second, &bad);
    is_int(wh_store_open(second), WH_STORE_DOWN, "a file that is no database");
    wh_store_destroy(second);
    is_int(mode_of(path) >= 0, 1, "is left as it is");
    unlink(path);
    unlink(apr_pstrcat(pool, path, ".lock", NULL));
}

static void test_patience(void)
{
    wh_lock_t holder;

    wh_lock_open(&holder, apr_pstrcat(pool, directory, "/test.db.lock", NULL));
    wh_lock_acquire(&holder, WH_LOCK_WAIT);
    wh_store_patience_set(store, apr_time_from_msec(20));
    is_int(wh_store_webhook_delete(store, "", 1, 0), APR_TIMEUP,
           "the write lock is held by somebody else");
    wh_lock_release(&holder);
    is_int(wh_store_webhook_delete(store, "", 1, 0), APR_ENOENT,
           "released: the call goes through");
    wh_lock_acquire(&holder, 0);
    is_int(wh_store_webhook_delete(store, "", 1, 0), APR_TIMEUP,
           "a call leaves the lock free");
    wh_lock_close(&holder);
    wh_store_patience_set(store, WH_LOCK_WAIT);
}

typedef struct work_t {
    int calls;
    int fail; /* so many calls hit a broken statement */
    apr_status_t answer;
} work_t;

static apr_status_t insert_node(wh_store_t *at, void *baton)
{
    apr_int64_t id = 55, beat = 1;
    const void *args[] = {&id, &beat};
    work_t *work = baton;
    apr_status_t rv;

    work->calls++;
    rv = wh_db_update(&at->db, NULL, WH_SQL_NODE_SET, args);
    if (rv == APR_SUCCESS && work->fail-- > 0) {
        rv = wh_db_execute(&at->db, "SELECT broken");
    }
    return rv == APR_SUCCESS ? work->answer : rv;
}

static void test_batch(void)
{
    work_t work = {0, 0, APR_EGENERAL};

    is_int(wh_store_batch(store, insert_node, &work), APR_EGENERAL,
           "work that does not succeed");
    is_int(work.calls, 1, "is done once");
    is_int(number("SELECT count(*) FROM node"), 0, "and undone");
    work = (work_t){0, 2, APR_SUCCESS};
    is_int(wh_store_batch(store, insert_node, &work), WH_STORE_DOWN,
           "a database that fails twice");
    is_int(work.calls, 2, "is not asked a third time");
    is_int(number("SELECT count(*) FROM node"), 0, "nothing is stored");
    work = (work_t){0, 0, APR_SUCCESS};
    is_int(wh_store_batch(store, insert_node, &work), APR_SUCCESS,
           "the next call opens it again");
    work = (work_t){0, 1, APR_SUCCESS};
    is_int(wh_store_batch(store, insert_node, &work), APR_SUCCESS,
           "a database that fails once");
    is_int(work.calls, 2, "is asked twice");
    is_int(number("SELECT count(*) FROM node"), 1, "the row is there");
    wh_db_execute(&outside, "DELETE FROM node");
}

static void test_commit_fails(void)
{
    work_t work = {0, 0, APR_SUCCESS};
    apr_status_t rv;

    set_disk_full(1);
    rv = wh_store_batch(store, insert_node, &work);
    set_disk_full(0);
    is_int(rv, WH_STORE_UNKNOWN, "COMMIT fails: nobody knows");
    is_int(work.calls, 2, "it was tried again");
    work.calls = 0;
    is_int(wh_store_batch(store, insert_node, &work), APR_SUCCESS,
           "the next call works");
    is_int(work.calls, 1, "at once");
    is_int(number("SELECT count(*) FROM node"), 1, "the row is there");
    is_str(text("PRAGMA integrity_check"), "ok", "the database is in order");
    wh_db_execute(&outside, "DELETE FROM node");
}

/* Somebody works on the database with another program. */
static void meet(const char *what, const char *sql)
{
    apr_int64_t generation = 0;
    wh_known_event_t known;
    wh_event_t event = {
        .idempotency = "k", .name = "", .context = "", .data = "{}"};
    work_t work = {0, 0, APR_SUCCESS};

    wh_store_generation(&generation, NULL, store);
    wh_store_event_by_key(&known, store, &event);
    wh_store_batch(store, insert_node, &work);
    is_int(wh_db_execute(&outside, sql), APR_SUCCESS, "%s", what);
    generation = 0;
    is_int(wh_store_generation(&generation, NULL, store), APR_SUCCESS,
           "%s: a read works", what);
    is_int(generation, 77, "%s: and reads", what);
    is_int(wh_store_event_by_key(&known, store, &event), APR_ENOENT,
           "%s: a select with an index works", what);
    is_int(wh_store_batch(store, insert_node, &work), APR_SUCCESS,
           "%s: a write works", what);
}

static void test_other_program(void)
{
    const char *sql = "VACUUM; ANALYZE; CREATE INDEX z ON node (heartbeat)";
    const char *command =
        apr_psprintf(pool, "sqlite3 %s \"%s\" >/dev/null 2>&1",
                     settings.database_params, sql);

    meet("VACUUM", "VACUUM");
    meet("ANALYZE", "ANALYZE");
    meet("a new table", "CREATE TABLE strange (x TEXT)");
    meet("a new index", "CREATE INDEX strange_x ON node (heartbeat, id)");
    meet("a dropped index", "DROP INDEX strange_x");
    meet("a new column", "ALTER TABLE node ADD COLUMN more TEXT");
    if (system(command) == 0) {
        meet("another process", "DROP INDEX z");
    }
    else {
        diag("sqlite3 is not installed");
    }
    is_str(text("PRAGMA integrity_check"), "ok", "the database is in order");
}

#define THREADS 4
#define TURNS 50

static apr_status_t count_up(wh_store_t *at, void *baton)
{
    (void)baton;
    return wh_db_execute(&at->db, "UPDATE meta SET value = value + 1 "
                                  "WHERE name = 'last_webhook_id'");
}

static void *APR_THREAD_FUNC write_often(apr_thread_t *thread, void *data)
{
    wh_store_t *own;
    apr_status_t rv = wh_store_create(&own, &settings);
    int i;

    (void)data;
    if (rv == APR_SUCCESS) {
        wh_store_patience_set(own, WH_LOCK_WAIT);
        for (i = 0; rv == APR_SUCCESS && i < TURNS; i++) {
            rv = wh_store_batch(own, count_up, NULL);
        }
        wh_store_destroy(own);
    }
    apr_thread_exit(thread, rv);
    return NULL;
}

static void test_threads(void)
{
    apr_int64_t before =
        number("SELECT value FROM meta WHERE name = 'last_webhook_id'");
    apr_thread_t *threads[THREADS];
    apr_status_t rv;
    int i, failed = 0;

    for (i = 0; i < THREADS; i++) {
        apr_thread_create(&threads[i], NULL, write_often, NULL, pool);
    }
    for (i = 0; i < THREADS; i++) {
        apr_thread_join(&rv, threads[i]);
        failed += rv != APR_SUCCESS;
    }
    is_int(failed, 0, "threads write with stores of their own");
    is_int(number("SELECT value FROM meta WHERE name = 'last_webhook_id'"),
           before + THREADS * TURNS, "no write is lost");
}

/* Killed at any moment of its first start: the next one finishes it. */
static void test_killed_while_migrating(void)
{
    wh_settings_t fresh = settings;
    int turn, status, failed = 0;

    fresh.database_params = apr_pstrcat(pool, directory, "/fresh.db", NULL);
    for (turn = 0; turn < 10; turn++) {
        wh_store_t *again;
        pid_t child = fork();

        if (child == 0) {
            /* The signal comes from the kernel, at a time that differs. */
            ualarm((useconds_t)(1000 + 1500 * turn), 0);
            if (wh_store_create(&again, &fresh) == APR_SUCCESS) {
                wh_store_open(again);
            }
            _exit(0);
        }
        waitpid(child, &status, 0);
        wh_store_create(&again, &fresh);
        failed += wh_store_open(again) != APR_SUCCESS;
        wh_store_destroy(again);
        unlink(fresh.database_params);
        unlink(apr_pstrcat(pool, fresh.database_params, "-wal", NULL));
        unlink(apr_pstrcat(pool, fresh.database_params, "-shm", NULL));
        unlink(apr_pstrcat(pool, fresh.database_params, ".lock", NULL));
    }
    is_int(failed, 0, "a start that was killed is done again");
}

int main(void)
{
    if (!begin()) {
        return 1;
    }
    test_open();
    test_open_again();
    test_newer_schema();
    test_cannot_open();
    test_no_database();
    test_patience();
    test_batch();
    test_commit_fails();
    test_other_program();
    test_threads();
    test_killed_while_migrating();
    end();
    return done_testing();
}
