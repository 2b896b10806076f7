/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A store on a database of its own in a new directory, and a second connection
 * that looks at the rows. For programs that include it once.
 */
#ifndef T_UNIT_STORE_FIXTURE_H
#define T_UNIT_STORE_FIXTURE_H

#include <apr_dbd.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/settings.h"
#include "store/db.h"
#include "store/store.h"
#include "unit/tap.h"

#define FIXTURE_FUNCTION static inline __attribute__((unused))

static apr_pool_t *pool;
static char directory[] = "/tmp/webhook-test-XXXXXX";
static wh_settings_t settings = {.database_driver = "sqlite3",
                                 .state_dir = directory};
static wh_store_t *store;
static wh_db_t outside;

/** A directory and the name of a database in it; opens nothing. */
FIXTURE_FUNCTION int begin_directory(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (!mkdtemp(directory) || apr_dbd_init(pool) != APR_SUCCESS) {
        return 0;
    }
    settings.database_params = apr_pstrcat(pool, directory, "/test.db", NULL);
    outside.pool = pool;
    outside.driver_name = settings.database_driver;
    outside.params = settings.database_params;
    return 1;
}

/** The store and the second connection. */
FIXTURE_FUNCTION int begin_store(void)
{
    return wh_store_create(&store, &settings) == APR_SUCCESS &&
           wh_store_open(store) == APR_SUCCESS &&
           wh_db_open(&outside) == APR_SUCCESS;
}

FIXTURE_FUNCTION int begin(void)
{
    return begin_directory() && begin_store();
}

FIXTURE_FUNCTION void end(void)
{
    wh_db_close(&outside);
    wh_store_destroy(store);
    unlink(settings.database_params);
    unlink(apr_pstrcat(pool, directory, "/test.db.lock", NULL));
    ok(rmdir(directory) == 0, "nothing else is left in the directory");
    apr_terminate();
}

/** First column of the first row, -1: no row. */
FIXTURE_FUNCTION apr_int64_t number(const char *sql)
{
    wh_rows_t rows;

    if (wh_db_query(&rows, &outside, sql) != APR_SUCCESS ||
        !wh_rows_next(&rows)) {
        return -1;
    }
    return wh_rows_int64(&rows, 0);
}

FIXTURE_FUNCTION const char *text(const char *sql)
{
    wh_rows_t rows;

    if (wh_db_query(&rows, &outside, sql) != APR_SUCCESS ||
        !wh_rows_next(&rows)) {
        return "no row";
    }
    return wh_rows_text(&rows, 0, pool);
}

/** From now on no byte can be written to a file; nothing may be printed. */
FIXTURE_FUNCTION void set_disk_full(int full)
{
    struct rlimit limit;

    /* A write then fails, instead of ending the program. */
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = full ? 0 : limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
}

/* -- a COMMIT that takes place and fails, or that somebody waits for -------- */

static int lost_commits; /* so many COMMITs from now on are answered so */
static void (*after_commit)(void); /* called once, after the next one */

typedef int fixture_query_t(const apr_dbd_driver_t *driver, apr_dbd_t *handle,
                            int *affected, const char *sql);

/** In the place of the library's, which does the work. */
int apr_dbd_query(const apr_dbd_driver_t *driver, apr_dbd_t *handle,
                  int *affected, const char *sql)
{
    static fixture_query_t *original;
    int code;

    if (!original) {
        original = (fixture_query_t *)dlsym(RTLD_NEXT, "apr_dbd_query");
    }
    code = original(driver, handle, affected, sql);
    if (after_commit && !strcmp(sql, "COMMIT")) {
        void (*call)(void) = after_commit;

        after_commit = NULL;
        call();
    }
    if (lost_commits > 0 && !strcmp(sql, "COMMIT")) {
        lost_commits--;
        code = 1;
    }
    return code;
}

#endif
