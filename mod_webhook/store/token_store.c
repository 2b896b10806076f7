/* SPDX-License-Identifier: Apache-2.0 */
#include "store/token_store.h"

#include "store/store_priv.h"

/* What the calls below want or give. */
typedef struct request_t {
    const char *context; /* NULL: all */
    apr_int64_t id;
    const char *hash;
    apr_time_t time;
    int affected;
    int deleted; /* 1: an earlier run has deleted it */
    const wh_token_t *token;
    const wh_app_t *app;
    void *found; /* a record */
    apr_array_header_t *list;
    apr_pool_t *pool;
} request_t;

/* Makes a record of a row, whose id is in the first column. */
typedef void *read_row_fn_t(wh_rows_t *rows, apr_pool_t *pool);

static void *read_token(wh_rows_t *rows, apr_pool_t *pool)
{
    wh_token_t *token = apr_pcalloc(pool, sizeof(*token));
    int column = 0;

    token->id = wh_rows_int64(rows, column++);
    token->kind = (wh_token_kind_t)wh_rows_int64(rows, column++);
    token->context = wh_rows_text(rows, column++, pool);
    token->owner = wh_rows_text(rows, column++, pool);
    token->associate_id = (apr_int32_t)wh_rows_int64(rows, column++);
    token->app_id = wh_rows_int64(rows, column++);
    token->scopes = (int)wh_rows_int64(rows, column++);
    token->created = wh_rows_int64(rows, column++);
    token->expires = wh_rows_int64(rows, column++);
    return token;
}

static void *read_app(wh_rows_t *rows, apr_pool_t *pool)
{
    wh_app_t *app = apr_pcalloc(pool, sizeof(*app));
    int column = 0;

    app->id = wh_rows_int64(rows, column++);
    app->context = wh_rows_text(rows, column++, pool);
    app->name = wh_rows_text(rows, column++, pool);
    app->webhook_access = wh_rows_int64(rows, column++) != 0;
    app->created = wh_rows_int64(rows, column++);
    return app;
}

/* -- what tokens and applications have in common --------------------------- */

/* The one row of a select. */
static apr_status_t find_row(request_t *request, wh_store_t *store,
                             wh_statement_t statement, const void **args,
                             read_row_fn_t *read_row)
{
    wh_rows_t rows;
    apr_status_t rv = wh_db_select(&rows, &store->db, statement, args);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!wh_rows_next(&rows)) {
        return APR_ENOENT;
    }
    request->found = read_row(&rows, request->pool);
    return APR_SUCCESS;
}

/* In chunks: drivers walk a result from its start for every row. */
static apr_status_t list_rows(request_t *request, wh_store_t *store,
                              wh_statement_t statement, read_row_fn_t *read_row)
{
    apr_int64_t last = 0;
    const void *args[] = {request->context, request->context, &last};
    wh_rows_t rows;
    apr_status_t rv;

    request->list = apr_array_make(request->pool, 16, sizeof(void *));
    do {
        rv = wh_db_select(&rows, &store->db, statement, args);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        while (wh_rows_next(&rows)) {
            last = wh_rows_int64(&rows, 0);
            APR_ARRAY_PUSH(request->list, void *) =
                read_row(&rows, request->pool);
        }
    } while (rows.count == WH_ROWS_CHUNK);
    return APR_SUCCESS;
}

/* A row of this hash was there: hashes are of random secrets, so that only an
 * earlier run of the same insert can have made it. APR_ENOENT: it was not. */
static apr_status_t find_inserted(apr_int64_t *id, wh_store_t *store,
                                  wh_statement_t statement, const char *hash)
{
    const void *args[] = {hash};
    wh_rows_t rows;
    apr_status_t rv = wh_db_select(&rows, &store->db, statement, args);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!wh_rows_next(&rows)) {
        return APR_ENOENT;
    }
    *id = wh_rows_int64(&rows, 0);
    return APR_SUCCESS;
}

/* Deletes one row of a context. */
static apr_status_t delete_one(wh_store_t *store, request_t *request,
                               wh_statement_t statement)
{
    const void *args[] = {&request->id, request->context, request->context};
    int affected = 0;
    apr_status_t rv = wh_db_update(&store->db, &affected, statement, args);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (affected == 0) {
        return request->deleted ? APR_SUCCESS : APR_ENOENT;
    }
    request->deleted = 1;
    return APR_SUCCESS;
}

/* -- tokens ----------------------------------------------------------------- */

static apr_status_t insert_token(wh_store_t *store, void *baton)
{
    request_t *request = baton;
    const wh_token_t *t = request->token;
    apr_int64_t kind = t->kind, associate_id = t->associate_id;
    apr_int64_t scopes = t->scopes;
    const void *args[] = {&request->id, request->hash, &kind,      t->context,
                          t->owner,     &associate_id, &t->app_id, &scopes,
                          &t->created,  &t->expires};
    int affected = 0;
    apr_status_t rv;

    rv = wh_store_number_next(&request->id, store, "last_token_id");
    if (rv == APR_SUCCESS) {
        rv = wh_db_update(&store->db, &affected, WH_SQL_TOKEN_INSERT, args);
    }
    if (rv == APR_SUCCESS && affected == 0) {
        rv = find_inserted(&request->id, store, WH_SQL_TOKEN_FIND,
                           request->hash);
    }
    return rv;
}

apr_status_t wh_store_token_insert(wh_store_t *store, wh_token_t *token,
                                   const char *hash)
{
    request_t request = {.token = token, .hash = hash};
    apr_status_t rv = wh_store_write(store, insert_token, &request);

    if (rv == APR_SUCCESS) {
        token->id = request.id;
    }
    return rv;
}

static apr_status_t find_token(wh_store_t *store, void *baton)
{
    request_t *request = baton;
    const void *args[] = {request->hash};

    return find_row(request, store, WH_SQL_TOKEN_FIND, args, read_token);
}

apr_status_t wh_store_token_find(wh_token_t **token, wh_store_t *store,
                                 const char *hash, apr_pool_t *pool)
{
    request_t request = {.hash = hash, .pool = pool};
    apr_status_t rv = wh_store_read(store, find_token, &request);

    *token = request.found;
    return rv;
}

static apr_status_t list_tokens(wh_store_t *store, void *baton)
{
    return list_rows(baton, store, WH_SQL_TOKEN_LIST, read_token);
}

apr_status_t wh_store_token_list(apr_array_header_t **tokens, wh_store_t *store,
                                 const char *context, apr_pool_t *pool)
{
    request_t request = {.context = context, .pool = pool};
    apr_status_t rv = wh_store_read(store, list_tokens, &request);

    *tokens = request.list;
    return rv;
}

static apr_status_t delete_token(wh_store_t *store, void *baton)
{
    return delete_one(store, baton, WH_SQL_TOKEN_DELETE);
}

apr_status_t wh_store_token_revoke(wh_store_t *store, const char *context,
                                   apr_int64_t id)
{
    request_t request = {.context = context, .id = id};

    return wh_store_write(store, delete_token, &request);
}

static apr_status_t extend_token(wh_store_t *store, void *baton)
{
    const request_t *request = baton;
    const void *args[] = {&request->time, &request->time, &request->id};
    int affected = 0;
    apr_status_t rv;

    rv = wh_db_update(&store->db, &affected, WH_SQL_TOKEN_EXTEND, args);
    return rv == APR_SUCCESS && affected == 0 ? APR_ENOENT : rv;
}

apr_status_t wh_store_token_extend(wh_store_t *store, apr_int64_t id,
                                   apr_time_t expires)
{
    request_t request = {.id = id, .time = expires};

    return wh_store_write(store, extend_token, &request);
}

static apr_status_t sweep_tokens(wh_store_t *store, void *baton)
{
    request_t *request = baton;
    const void *args[] = {&request->time};

    return wh_db_update(&store->db, &request->affected, WH_SQL_TOKEN_SWEEP,
                        args);
}

apr_status_t wh_store_token_sweep(int *deleted, wh_store_t *store,
                                  apr_time_t before)
{
    request_t request = {.time = before};
    apr_status_t rv = wh_store_write(store, sweep_tokens, &request);

    *deleted = request.affected;
    return rv;
}

/* -- applications ----------------------------------------------------------- */

static apr_status_t insert_app(wh_store_t *store, void *baton)
{
    request_t *request = baton;
    const wh_app_t *app = request->app;
    apr_int64_t webhook_access = app->webhook_access;
    const void *args[] = {&request->id, request->hash,   app->context,
                          app->name,    &webhook_access, &app->created};
    int affected = 0;
    apr_status_t rv;

    rv = wh_store_number_next(&request->id, store, "last_app_id");
    if (rv == APR_SUCCESS) {
        rv = wh_db_update(&store->db, &affected, WH_SQL_APP_INSERT, args);
    }
    if (rv == APR_SUCCESS && affected == 0) {
        /* Not its hash, so it is its name. */
        rv = find_inserted(&request->id, store, WH_SQL_APP_FIND, request->hash);
        rv = rv == APR_ENOENT ? APR_EEXIST : rv;
    }
    return rv;
}

apr_status_t wh_store_app_insert(wh_store_t *store, wh_app_t *app,
                                 const char *hash)
{
    request_t request = {.app = app, .hash = hash};
    apr_status_t rv = wh_store_write(store, insert_app, &request);

    if (rv == APR_SUCCESS) {
        app->id = request.id;
    }
    return rv;
}

static apr_status_t find_app(wh_store_t *store, void *baton)
{
    request_t *request = baton;
    const void *args[] = {request->hash};

    return find_row(request, store, WH_SQL_APP_FIND, args, read_app);
}

apr_status_t wh_store_app_find(wh_app_t **app, wh_store_t *store,
                               const char *hash, apr_pool_t *pool)
{
    request_t request = {.hash = hash, .pool = pool};
    apr_status_t rv = wh_store_read(store, find_app, &request);

    *app = request.found;
    return rv;
}

static apr_status_t get_app(wh_store_t *store, void *baton)
{
    request_t *request = baton;
    const void *args[] = {&request->id};

    return find_row(request, store, WH_SQL_APP_GET, args, read_app);
}

apr_status_t wh_store_app_get(wh_app_t **app, wh_store_t *store, apr_int64_t id,
                              apr_pool_t *pool)
{
    request_t request = {.id = id, .pool = pool};
    apr_status_t rv = wh_store_read(store, get_app, &request);

    *app = request.found;
    return rv;
}

static apr_status_t list_apps(wh_store_t *store, void *baton)
{
    return list_rows(baton, store, WH_SQL_APP_LIST, read_app);
}

apr_status_t wh_store_app_list(apr_array_header_t **apps, wh_store_t *store,
                               const char *context, apr_pool_t *pool)
{
    request_t request = {.context = context, .pool = pool};
    apr_status_t rv = wh_store_read(store, list_apps, &request);

    *apps = request.list;
    return rv;
}

static apr_status_t delete_app(wh_store_t *store, void *baton)
{
    request_t *request = baton;
    const void *args[] = {&request->id};
    apr_status_t rv = delete_one(store, request, WH_SQL_APP_DELETE);

    if (rv == APR_SUCCESS) {
        rv = wh_db_update(&store->db, NULL, WH_SQL_TOKEN_DELETE_OF_APP, args);
    }
    return rv;
}

apr_status_t wh_store_app_delete(wh_store_t *store, const char *context,
                                 apr_int64_t id)
{
    request_t request = {.context = context, .id = id};

    return wh_store_write(store, delete_app, &request);
}

/* -- secrets ---------------------------------------------------------------- */

typedef struct secret_t {
    const char *name;
    const char *proposed;
    const char *value;
    apr_pool_t *pool;
} secret_t;

static apr_status_t read_secret(wh_store_t *store, void *baton)
{
    secret_t *secret = baton;
    const void *args[] = {secret->name};
    wh_rows_t rows;
    apr_status_t rv;

    rv = wh_db_select(&rows, &store->db, WH_SQL_SECRET_GET, args);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!wh_rows_next(&rows)) {
        return APR_ENOENT;
    }
    secret->value = wh_rows_text(&rows, 0, secret->pool);
    return APR_SUCCESS;
}

static apr_status_t propose_secret(wh_store_t *store, void *baton)
{
    secret_t *secret = baton;
    const void *args[] = {secret->name, secret->proposed};
    apr_status_t rv;

    rv = wh_db_update(&store->db, NULL, WH_SQL_SECRET_INSERT, args);
    return rv == APR_SUCCESS ? read_secret(store, baton) : rv;
}

/* Mostly it is there already, and then no lock is needed. */
apr_status_t wh_store_secret(const char **value, wh_store_t *store,
                             const char *name, const char *proposed,
                             apr_pool_t *pool)
{
    secret_t secret = {.name = name, .proposed = proposed, .pool = pool};
    apr_status_t rv = wh_store_read(store, read_secret, &secret);

    if (rv == APR_ENOENT) {
        rv = wh_store_write(store, propose_secret, &secret);
    }
    *value = rv == APR_SUCCESS ? secret.value : NULL;
    return rv;
}
