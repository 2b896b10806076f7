/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/database.h"

#include <apr_dbd.h>
#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/output.h"
#include "store/db.h"
#include "store/lock.h"
#include "store/migration.h"

#define DEFAULT_DATABASE WH_DEFAULT_STATE_DIR "/webhook.db"

/* What every SQLite database begins with, its NUL included. */
#define MAGIC "SQLite format 3"

/* Another writer holds the lock for milliseconds. */
#define PATIENCE apr_time_from_sec(5)

static int fail_errno(const char *path, int error)
{
    return wh_output_fail(WH_EXIT_STORAGE, "%s: %s", path, strerror(error));
}

static const char *find_path(const wh_ctl_t *ctl)
{
    const char *path = wh_option_text(ctl->options, WH_OPTION_DATABASE);

    if (!path) {
        path = getenv("WEBHOOK_DATABASE");
    }
    return path && *path ? path : DEFAULT_DATABASE;
}

static const char *user_name(uid_t user, apr_pool_t *pool)
{
    const struct passwd *entry = getpwuid(user);

    return entry ? apr_pstrdup(pool, entry->pw_name)
                 : apr_psprintf(pool, "user %lu", (unsigned long)user);
}

/* For good: real, effective and saved ids. */
static int become(const char *path, const struct stat *file)
{
    const struct passwd *entry = getpwuid(file->st_uid);
    int rc = entry ? initgroups(entry->pw_name, file->st_gid)
                   : setgroups(1, &file->st_gid);

    if (rc < 0 || setgid(file->st_gid) < 0 || setuid(file->st_uid) < 0) {
        return wh_output_fail(WH_EXIT_STORAGE,
                              "%s: cannot become its owner: %s", path,
                              strerror(errno));
    }
    return WH_EXIT_DONE;
}

/* A link is not followed by root: whoever may write in the directory could
 * choose by it as whom this goes on. */
static int take_identity(const char *path, apr_pool_t *pool)
{
    struct stat file;
    int is_root = geteuid() == 0;

    if ((is_root ? lstat(path, &file) : stat(path, &file)) < 0) {
        return errno == ENOENT
                   ? wh_output_fail(WH_EXIT_STORAGE,
                                    "%s: there is no database; httpd makes it "
                                    "when it starts",
                                    path)
                   : fail_errno(path, errno);
    }
    if (!S_ISREG(file.st_mode)) {
        return wh_output_fail(WH_EXIT_STORAGE, "%s: not a regular file", path);
    }
    if (is_root) {
        return file.st_uid == 0 ? WH_EXIT_DONE : become(path, &file);
    }
    if (file.st_uid != geteuid()) {
        return wh_output_fail(WH_EXIT_STORAGE,
                              "%s: belongs to %s; run this as root or as that "
                              "user",
                              path, user_name(file.st_uid, pool));
    }
    return WH_EXIT_DONE;
}

/* SQLite would take an empty file for a new database, and only later find
 * that another one is none. One of ours is empty as well until its log is
 * written back; it has its lock beside it. */
static int check_magic(const char *path, apr_pool_t *pool)
{
    char head[sizeof(MAGIC)] = "";
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    int length;

    if (descriptor < 0) {
        return fail_errno(path, errno);
    }
    length = (int)read(descriptor, head, sizeof(head));
    close(descriptor);
    if (length == 0 &&
        access(apr_pstrcat(pool, path, ".lock", NULL), F_OK) == 0) {
        return WH_EXIT_DONE;
    }
    if (length != (int)sizeof(head) || memcmp(head, MAGIC, sizeof(head))) {
        return wh_output_fail(WH_EXIT_STORAGE, "%s: not an SQLite database",
                              path);
    }
    return WH_EXIT_DONE;
}

/* -1: it has no table of ours. */
static apr_status_t read_version(apr_int64_t *version, wh_db_t *db)
{
    wh_rows_t rows;
    apr_status_t rv;

    *version = -1;
    rv = wh_db_query(&rows, db,
                     "SELECT count(*) FROM sqlite_master WHERE name IN "
                     "('meta', 'webhook', 'delivery')");
    if (rv != APR_SUCCESS || !wh_rows_next(&rows) ||
        wh_rows_int64(&rows, 0) < 3) {
        return rv;
    }
    rv = wh_db_query(&rows, db, "SELECT value FROM meta WHERE name = 'schema'");
    if (rv == APR_SUCCESS && wh_rows_next(&rows)) {
        *version = wh_rows_int64(&rows, 0);
    }
    return rv;
}

/* Under the lock: the last handle to close writes the log back. */
static apr_status_t read_version_locked(apr_int64_t *version, const char *path,
                                        apr_pool_t *pool)
{
    wh_db_t db = {.driver_name = "sqlite3", .params = path, .pool = pool};
    wh_lock_t lock;
    apr_status_t rv;

    rv = wh_lock_open(&lock, apr_pstrcat(pool, path, ".lock", NULL));
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = wh_lock_acquire(&lock, PATIENCE);
    if (rv == APR_SUCCESS) {
        rv = wh_db_open(&db);
        if (rv == APR_SUCCESS) {
            rv = read_version(version, &db);
        }
        wh_db_close(&db);
    }
    wh_lock_close(&lock);
    return rv;
}

static int check_schema(const char *path, apr_pool_t *pool)
{
    apr_int64_t version = -1;
    apr_status_t rv = read_version_locked(&version, path, pool);
    char text[120];

    if (rv == APR_TIMEUP || rv == WH_STORE_DOWN) {
        return wh_ctl_storage(rv, NULL);
    }
    if (rv != APR_SUCCESS) {
        return wh_output_fail(WH_EXIT_STORAGE, "%s: %s", path,
                              apr_strerror(rv, text, sizeof(text)));
    }
    if (version < 0) {
        return wh_output_fail(WH_EXIT_STORAGE,
                              "%s: not a database of mod_webhook", path);
    }
    if (version > WH_SCHEMA_VERSION) {
        return wh_output_fail(WH_EXIT_STORAGE,
                              "%s: has schema version %d, this program knows "
                              "%d: it is too old for this database",
                              path, (int)version, WH_SCHEMA_VERSION);
    }
    if (version < WH_SCHEMA_VERSION) {
        return wh_output_fail(WH_EXIT_STORAGE,
                              "%s: has schema version %d, this program needs "
                              "%d: start httpd with the module of the same "
                              "version first",
                              path, (int)version, WH_SCHEMA_VERSION);
    }
    return WH_EXIT_DONE;
}

int wh_database_open(wh_ctl_t *ctl)
{
    const char *path = find_path(ctl);
    int status = take_identity(path, ctl->pool);
    apr_status_t rv;

    if (status == WH_EXIT_DONE) {
        status = check_magic(path, ctl->pool);
    }
    if (status != WH_EXIT_DONE) {
        return status;
    }
    rv = apr_dbd_init(ctl->pool);
    if (rv != APR_SUCCESS) {
        return wh_ctl_storage(rv, NULL);
    }
    status = check_schema(path, ctl->pool);
    if (status != WH_EXIT_DONE) {
        return status;
    }
    ctl->settings.database_driver = "sqlite3";
    ctl->settings.database_params = path;
    /* A dispatcher's channel is beside its database, if the site did not
     * choose another place for it. */
    ctl->settings.state_dir = apr_pstrmemdup(
        ctl->pool, path, strchr(path, '/') ? strrchr(path, '/') - path : 0);
    if (!*ctl->settings.state_dir) {
        ctl->settings.state_dir = ".";
    }
    rv = wh_store_create(&ctl->store, &ctl->settings);
    return rv == APR_SUCCESS ? WH_EXIT_DONE : wh_ctl_storage(rv, NULL);
}
