/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_priv.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/pool.h"
#include "store/delivery_store.h"
#include "store/migration.h"

/* A request waits so long for the write lock; the dispatcher without end. */
#define REQUEST_PATIENCE apr_time_from_sec(5)

apr_status_t wh_store_create(wh_store_t **result, const wh_settings_t *settings)
{
    apr_pool_t *pool;
    wh_store_t *store;
    apr_status_t rv = wh_pool_create(&pool, "webhook_store", 0);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    store = apr_pcalloc(pool, sizeof(*store));
    store->settings = settings;
    store->pool = pool;
    store->lock.descriptor = -1;
    store->patience = REQUEST_PATIENCE;
    store->db.pool = pool;
    store->db.driver_name = settings->database_driver;
    *result = store;
    return APR_SUCCESS;
}

void wh_store_patience_set(wh_store_t *store, apr_interval_time_t patience)
{
    store->patience = patience;
}

static apr_status_t lock(wh_store_t *store)
{
    apr_status_t rv;

    if (store->lock.descriptor < 0) {
        const char *path = apr_pstrcat(
            store->pool, store->settings->database_params, ".lock", NULL);

        rv = wh_lock_open(&store->lock, path);
        if (rv != APR_SUCCESS) {
            wh_log(WH_LOG_ERROR, rv,
                   WHLOGNO(1111) "cannot open the lock file %s", path);
            return WH_STORE_DOWN;
        }
    }
    rv = wh_lock_acquire(&store->lock, store->patience);
    if (rv == APR_SUCCESS) {
        store->locked = 1;
    }
    else if (rv != APR_TIMEUP) {
        wh_log(WH_LOG_ERROR, rv,
               WHLOGNO(1112) "cannot take the write lock of the database");
        rv = WH_STORE_DOWN;
    }
    return rv;
}

static void unlock(wh_store_t *store)
{
    if (store->locked) {
        wh_lock_release(&store->lock);
        store->locked = 0;
    }
}

void wh_store_destroy(wh_store_t *store)
{
    /* The last handle to close writes the log back into the database: under
     * the lock like every write. Without the lock it is closed all the same. */
    if (store->db.handle && !store->locked) {
        lock(store);
    }
    wh_db_close(&store->db);
    unlock(store);
    wh_lock_close(&store->lock);
    apr_pool_destroy(store->pool);
}

/* SQLite would make the file with the process's umask. Nothing else in this
 * process can have it open when O_EXCL succeeds, so that closing it here
 * drops no lock of SQLite's. */
static void create_private(const char *path)
{
    int descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (descriptor >= 0) {
        close(descriptor);
    }
}

/* Sets one pragma and checks what the database makes of it: these are not
 * stored in the file, and a write without them would not survive a crash. */
static apr_status_t set_pragma(wh_db_t *db, const char *set, const char *get,
                               const char *expected)
{
    const char *value = NULL;
    wh_rows_t rows;
    apr_status_t rv = wh_db_query(&rows, db, set);

    if (rv == APR_SUCCESS) {
        rv = wh_db_query(&rows, db, get);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (wh_rows_next(&rows)) {
        value = wh_rows_peek(&rows, 0);
    }
    if (!value || strcmp(value, expected)) {
        wh_log(WH_LOG_ERROR, APR_SUCCESS,
               WHLOGNO(1113) "database: %s gives %s instead of %s", get,
               value ? value : "nothing", expected);
        return WH_STORE_DOWN;
    }
    return APR_SUCCESS;
}

static apr_status_t set_pragmas(wh_db_t *db)
{
    apr_status_t rv;

    rv = set_pragma(db, "PRAGMA journal_mode = WAL", "PRAGMA journal_mode",
                    "wal");
    if (rv == APR_SUCCESS) {
        rv = set_pragma(db, "PRAGMA synchronous = FULL", "PRAGMA synchronous",
                        "2");
    }
    /* Checkpoints are made under the write lock only: SQLite up to 3.51.2
     * can lose pages when a checkpoint meets a commit. */
    if (rv == APR_SUCCESS) {
        rv = set_pragma(db, "PRAGMA wal_autocheckpoint = 0",
                        "PRAGMA wal_autocheckpoint", "0");
    }
    return rv;
}

/* Version of the schema; 0 for an empty database. */
static apr_status_t read_version(apr_int64_t *version, wh_db_t *db)
{
    wh_rows_t rows;
    apr_status_t rv;

    rv = wh_db_query(&rows, db,
                     "SELECT count(*) FROM sqlite_master WHERE name = 'meta'");
    *version = 0;
    if (rv != APR_SUCCESS || !wh_rows_next(&rows) ||
        wh_rows_int64(&rows, 0) == 0) {
        return rv;
    }
    rv = wh_db_query(&rows, db, "SELECT value FROM meta WHERE name = 'schema'");
    if (rv == APR_SUCCESS && wh_rows_next(&rows)) {
        *version = wh_rows_int64(&rows, 0);
    }
    return rv;
}

static apr_status_t apply_step(wh_db_t *db, int number)
{
    const char *const *sql = wh_migration_statements(number);
    apr_status_t rv = APR_SUCCESS;
    char text[96];

    if (number == 1) {
        rv = wh_db_execute(db, "CREATE TABLE meta (name TEXT NOT NULL PRIMARY "
                               "KEY, value BIGINT NOT NULL)");
        if (rv == APR_SUCCESS) {
            rv = wh_db_execute(
                db, "INSERT INTO meta (name, value) VALUES ('schema', 0)");
        }
    }
    for (; rv == APR_SUCCESS && *sql; sql++) {
        rv = wh_db_execute(db, *sql);
    }
    if (rv == APR_SUCCESS) {
        apr_snprintf(text, sizeof(text),
                     "UPDATE meta SET value = %d WHERE name = 'schema'",
                     number);
        rv = wh_db_execute(db, text);
    }
    return rv;
}

/* Each step is a transaction of its own: killed half-way, it is done again. */
static apr_status_t migrate(wh_db_t *db)
{
    apr_int64_t version;
    apr_status_t rv = read_version(&version, db);

    if (rv == APR_SUCCESS && version > WH_SCHEMA_VERSION) {
        wh_log(WH_LOG_ERROR, APR_SUCCESS,
               WHLOGNO(1114) "the database has schema version %d, this "
                             "module knows %d: it is too old",
               (int)version, WH_SCHEMA_VERSION);
        return WH_STORE_DOWN;
    }
    while (rv == APR_SUCCESS && version < WH_SCHEMA_VERSION) {
        rv = wh_db_begin(db);
        if (rv == APR_SUCCESS) {
            rv = apply_step(db, (int)version + 1);
        }
        if (rv == APR_SUCCESS) {
            rv = wh_db_commit(db);
        }
        if (rv == APR_SUCCESS) {
            version++;
            wh_log(WH_LOG_INFO, APR_SUCCESS,
                   WHLOGNO(1115) "database schema is now version %d",
                   (int)version);
        }
    }
    return rv;
}

static apr_status_t open_locked(wh_store_t *store)
{
    apr_status_t rv;

    store->db.params = store->settings->database_params;
    create_private(store->db.params);
    rv = wh_db_open(&store->db);
    if (rv == APR_SUCCESS) {
        rv = set_pragmas(&store->db);
    }
    if (rv == APR_SUCCESS) {
        rv = migrate(&store->db);
    }
    if (rv != APR_SUCCESS) {
        wh_db_close(&store->db);
    }
    return rv;
}

apr_status_t wh_store_open(wh_store_t *store)
{
    int held = store->locked;
    apr_status_t rv;

    if (store->db.handle) {
        return APR_SUCCESS;
    }
    rv = held ? APR_SUCCESS : lock(store);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = open_locked(store);
    if (!held) {
        unlock(store);
    }
    return rv;
}

static apr_status_t write_once(wh_store_t *store, wh_store_work_fn_t *work,
                               void *baton)
{
    apr_status_t rv = lock(store);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = wh_store_open(store);
    if (rv == APR_SUCCESS) {
        rv = wh_db_begin(&store->db);
    }
    if (rv == APR_SUCCESS) {
        rv = work(store, baton);
        if (rv == APR_SUCCESS) {
            rv = wh_db_commit(&store->db) == APR_SUCCESS ? APR_SUCCESS
                                                         : WH_STORE_UNKNOWN;
        }
        else {
            wh_db_rollback(&store->db);
        }
    }
    unlock(store);
    return rv;
}

apr_status_t wh_store_write(wh_store_t *store, wh_store_work_fn_t *work,
                            void *baton)
{
    int was_open = store->db.handle != NULL;
    apr_status_t first = write_once(store, work, baton);
    apr_status_t rv;

    if (first != WH_STORE_UNKNOWN && (first != WH_STORE_DOWN || !was_open)) {
        return first;
    }
    rv = write_once(store, work, baton);
    /* The second try said nothing of what became of the first. */
    return rv == WH_STORE_DOWN || rv == APR_TIMEUP ? first : rv;
}

static apr_status_t read_once(wh_store_t *store, wh_store_work_fn_t *work,
                              void *baton)
{
    apr_status_t rv = wh_store_open(store);

    return rv == APR_SUCCESS ? work(store, baton) : rv;
}

apr_status_t wh_store_read(wh_store_t *store, wh_store_work_fn_t *work,
                           void *baton)
{
    int was_open = store->db.handle != NULL;
    apr_status_t rv = read_once(store, work, baton);

    return rv == WH_STORE_DOWN && was_open ? read_once(store, work, baton) : rv;
}

apr_status_t wh_store_number(apr_int64_t *value, wh_store_t *store,
                             const char *name)
{
    const void *args[] = {name};
    wh_rows_t rows;
    apr_status_t rv;

    rv = wh_db_select(&rows, &store->db, WH_SQL_META_GET, args);
    if (rv == APR_SUCCESS) {
        *value = wh_rows_next(&rows) ? wh_rows_int64(&rows, 0) : 0;
    }
    return rv;
}

apr_status_t wh_store_number_next(apr_int64_t *value, wh_store_t *store,
                                  const char *name)
{
    const void *args[] = {name};
    apr_status_t rv;

    rv = wh_db_update(&store->db, NULL, WH_SQL_META_INCREMENT, args);
    return rv == APR_SUCCESS ? wh_store_number(value, store, name) : rv;
}

/* Not in a transaction: SQLite refuses a checkpoint inside one. */
apr_status_t wh_store_checkpoint(int *pages, wh_store_t *store, int truncate)
{
    apr_status_t rv = lock(store);
    wh_rows_t rows;

    *pages = 0;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = wh_store_open(store);
    if (rv == APR_SUCCESS) {
        rv = wh_db_query(&rows, &store->db,
                         truncate ? "PRAGMA wal_checkpoint(TRUNCATE)"
                                  : "PRAGMA wal_checkpoint(PASSIVE)");
    }
    if (rv == APR_SUCCESS && wh_rows_next(&rows)) {
        *pages = (int)wh_rows_int64(&rows, 1);
    }
    unlock(store);
    return rv;
}
