/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "model/webhook.h"
#include "store/delivery_store.h"
#include "store/store_priv.h"

/* Whoever changes a webhook says so here, in the same transaction: the
 * dispatcher compares the number before it matches a batch. */
static apr_status_t changed(wh_store_t *store)
{
    apr_int64_t generation;

    return wh_store_number_next(&generation, store, "generation");
}

wh_webhook_t *wh_store_webhook_row(wh_rows_t *rows, apr_pool_t *pool)
{
    wh_webhook_t *w = apr_pcalloc(pool, sizeof(*w));
    int column = 0;

    w->id = (apr_int32_t)wh_rows_int64(rows, column++);
    w->context = wh_rows_text(rows, column++, pool);
    w->name = wh_rows_text(rows, column++, pool);
    w->events = wh_rows_text(rows, column++, pool);
    w->target_url = wh_rows_text(rows, column++, pool);
    w->secret = wh_rows_text(rows, column++, pool);
    w->state = (int)wh_rows_int64(rows, column++);
    w->type = wh_rows_text(rows, column++, pool);
    w->headers = wh_rows_text(rows, column++, pool);
    w->properties = wh_rows_text(rows, column++, pool);
    w->registered = wh_rows_int64(rows, column++);
    w->updated = wh_rows_int64(rows, column++);
    w->registered_id = (apr_int32_t)wh_rows_int64(rows, column++);
    w->registered_by = wh_rows_text(rows, column++, pool);
    w->updated_id = (apr_int32_t)wh_rows_int64(rows, column++);
    w->updated_by = wh_rows_text(rows, column++, pool);
    w->error_emails = wh_rows_text(rows, column++, pool);
    w->error_associates = wh_rows_text(rows, column++, pool);
    w->description = wh_rows_text(rows, column++, pool);
    w->notify_via = (int)wh_rows_int64(rows, column++);
    w->notify_when = (int)wh_rows_int64(rows, column++);
    w->version = wh_rows_int64(rows, column++);
    w->app_id = wh_rows_int64(rows, column++);
    w->total_calls = wh_rows_int64(rows, column++);
    w->total_errors = wh_rows_int64(rows, column++);
    w->consecutive_errors = wh_rows_int64(rows, column++);
    w->paused_until = wh_rows_int64(rows, column++);
    w->last_error = wh_rows_text(rows, column++, pool);
    return w;
}

/* What the calls below want or give. */
typedef struct request_t {
    wh_statement_t statement; /* of a list */
    const char *context;      /* NULL: all */
    apr_int64_t id;
    apr_int64_t version; /* the one expected, 0: any */
    apr_int64_t written; /* id or version that an earlier run has written */
    int affected;
    wh_webhook_t *webhook;
    apr_array_header_t *webhooks;
    apr_pool_t *pool;
} request_t;

static apr_status_t list_chunk(wh_rows_t *rows, wh_store_t *store,
                               const request_t *request, apr_int64_t last)
{
    const void *of_context[] = {request->context, &last};
    const void *of_all[] = {&last};

    return wh_db_select(rows, &store->db, request->statement,
                        request->context ? of_context : of_all);
}

/* In chunks: drivers walk a result from its start for every row. */
static apr_status_t list(wh_store_t *store, void *baton)
{
    request_t *request = baton;
    apr_int64_t last = 0;
    wh_rows_t rows;
    apr_status_t rv;

    request->webhooks =
        apr_array_make(request->pool, 16, sizeof(wh_webhook_t *));
    do {
        rv = list_chunk(&rows, store, request, last);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        while (wh_rows_next(&rows)) {
            wh_webhook_t *webhook = wh_store_webhook_row(&rows, request->pool);

            APR_ARRAY_PUSH(request->webhooks, wh_webhook_t *) = webhook;
            last = webhook->id;
        }
    } while (rows.count == WH_ROWS_CHUNK);
    return APR_SUCCESS;
}

static apr_status_t list_by(apr_array_header_t **webhooks, wh_store_t *store,
                            wh_statement_t statement, const char *context,
                            apr_pool_t *pool)
{
    request_t request = {
        .statement = statement, .context = context, .pool = pool};
    apr_status_t rv = wh_store_read(store, list, &request);

    *webhooks = request.webhooks;
    return rv;
}

apr_status_t wh_store_webhook_list(apr_array_header_t **webhooks,
                                   wh_store_t *store, const char *context,
                                   apr_pool_t *pool)
{
    return list_by(webhooks, store, WH_SQL_WEBHOOK_LIST, context, pool);
}

apr_status_t wh_store_webhook_list_all(apr_array_header_t **webhooks,
                                       wh_store_t *store, apr_pool_t *pool)
{
    return list_by(webhooks, store, WH_SQL_WEBHOOK_LIST_ALL, NULL, pool);
}

apr_status_t wh_store_webhook_snapshot(apr_array_header_t **webhooks,
                                       wh_store_t *store, apr_pool_t *pool)
{
    return list_by(webhooks, store, WH_SQL_WEBHOOK_SNAPSHOT, NULL, pool);
}

static apr_status_t get(wh_store_t *store, void *baton)
{
    request_t *request = baton;
    const void *args[] = {request->context, &request->id};
    wh_rows_t rows;
    apr_status_t rv;

    rv = wh_db_select(&rows, &store->db, WH_SQL_WEBHOOK_GET, args);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!wh_rows_next(&rows)) {
        return APR_ENOENT;
    }
    request->webhook = wh_store_webhook_row(&rows, request->pool);
    return APR_SUCCESS;
}

apr_status_t wh_store_webhook_get(wh_webhook_t **webhook, wh_store_t *store,
                                  const char *context, apr_int32_t id,
                                  apr_pool_t *pool)
{
    request_t request = {.context = context, .id = id, .pool = pool};
    apr_status_t rv = wh_store_read(store, get, &request);

    *webhook = request.webhook;
    return rv;
}

static int same_text(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

/* Whether all that a save writes is the same. */
static int same_record(const wh_webhook_t *a, const wh_webhook_t *b)
{
    const char *texts[][2] = {{a->name, b->name},
                              {a->events, b->events},
                              {a->target_url, b->target_url},
                              {a->secret, b->secret},
                              {a->type, b->type},
                              {a->headers, b->headers},
                              {a->properties, b->properties},
                              {a->updated_by, b->updated_by},
                              {a->error_emails, b->error_emails},
                              {a->error_associates, b->error_associates},
                              {a->description, b->description}};
    apr_int64_t numbers[][2] = {{a->state, b->state},
                                {a->updated, b->updated},
                                {a->updated_id, b->updated_id},
                                {a->notify_via, b->notify_via},
                                {a->notify_when, b->notify_when}};
    int same = 1;
    size_t i;

    for (i = 0; same && i < sizeof(texts) / sizeof(texts[0]); i++) {
        same = same_text(texts[i][0], texts[i][1]);
    }
    for (i = 0; same && i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        same = numbers[i][0] == numbers[i][1];
    }
    return same;
}

static apr_int64_t length_of(const char *text)
{
    return text ? (apr_int64_t)strlen(text) : 0;
}

/* What a client makes a webhook long by. */
static apr_int64_t client_bytes(const wh_webhook_t *w)
{
    return length_of(w->name) + length_of(w->events) +
           length_of(w->target_url) + length_of(w->secret) +
           length_of(w->headers) + length_of(w->properties) +
           length_of(w->error_emails) + length_of(w->error_associates) +
           length_of(w->description);
}

/* Whether the database may take so much more. */
static apr_status_t check_room(wh_store_t *store, int webhooks,
                               apr_int64_t bytes)
{
    const wh_settings_t *settings = store->settings;
    wh_rows_t rows;
    apr_status_t rv;

    if (!settings->webhook_limit && !settings->webhook_bytes) {
        return APR_SUCCESS;
    }
    rv = wh_db_query(&rows, &store->db, wh_statement_text(WH_SQL_WEBHOOK_SIZE));
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!wh_rows_next(&rows)) {
        return WH_STORE_DOWN;
    }
    if (settings->webhook_limit && webhooks &&
        wh_rows_int64(&rows, 0) + webhooks > settings->webhook_limit) {
        rv = WH_STORE_FULL;
    }
    if (settings->webhook_bytes &&
        wh_rows_int64(&rows, 1) + bytes > settings->webhook_bytes) {
        rv = WH_STORE_FULL;
    }
    return rv;
}

static apr_status_t check_insert(wh_store_t *store, const wh_webhook_t *w)
{
    return check_room(store, 1,
                      client_bytes(w) + length_of(w->context) +
                          length_of(w->type) + length_of(w->registered_by) +
                          length_of(w->updated_by));
}

/* One that is too long already can still be stopped or made shorter, also by
 * somebody with a longer name. */
static apr_status_t check_update(wh_store_t *store, const wh_webhook_t *w,
                                 const wh_webhook_t *stored)
{
    apr_int64_t more = client_bytes(w) - client_bytes(stored);

    return more > 0 ? check_room(store, 0,
                                 more + length_of(w->updated_by) -
                                     length_of(stored->updated_by))
                    : APR_SUCCESS;
}

/* Whether an earlier run of an insert took place after all. Its id may be
 * somebody else's by now: then the record says so. */
static apr_status_t find_inserted(int *found, wh_store_t *store,
                                  request_t *request)
{
    const wh_webhook_t *w = request->webhook;
    request_t stored = {.context = w->context, .id = request->written};
    apr_status_t rv = APR_ENOENT;

    *found = 0;
    if (request->written) {
        stored.pool = request->pool;
        rv = get(store, &stored);
    }
    if (rv == APR_SUCCESS) {
        *found = stored.webhook->registered == w->registered &&
                 stored.webhook->app_id == w->app_id &&
                 same_text(stored.webhook->registered_by, w->registered_by) &&
                 same_record(stored.webhook, w);
    }
    return rv == APR_ENOENT ? APR_SUCCESS : rv;
}

static apr_status_t insert_columns(wh_store_t *store, const wh_webhook_t *w,
                                   apr_int64_t id)
{
    apr_int64_t state = w->state, registered_id = w->registered_id;
    apr_int64_t updated_id = w->updated_id, via = w->notify_via;
    apr_int64_t when = w->notify_when, version = 1;
    const void *args[] = {&id,
                          w->context,
                          w->name,
                          w->events,
                          w->target_url,
                          w->secret,
                          &state,
                          w->type,
                          w->headers,
                          w->properties,
                          &w->registered,
                          &w->updated,
                          &registered_id,
                          w->registered_by,
                          &updated_id,
                          w->updated_by,
                          w->error_emails,
                          w->error_associates,
                          w->description,
                          &via,
                          &when,
                          &version,
                          &w->app_id};

    return wh_db_update(&store->db, NULL, WH_SQL_WEBHOOK_INSERT, args);
}

/* Ids are never used again: a counter, not the highest id in the table. */
static apr_status_t insert_row(wh_store_t *store, void *baton)
{
    request_t *request = baton;
    const void *usage_args[] = {&request->id};
    int found;
    apr_status_t rv = find_inserted(&found, store, request);

    if (rv != APR_SUCCESS || found) {
        return rv;
    }
    rv = check_insert(store, request->webhook);
    if (rv == APR_SUCCESS) {
        rv = wh_store_number_next(&request->id, store, "last_webhook_id");
    }
    if (rv == APR_SUCCESS) {
        request->written = request->id;
        rv = insert_columns(store, request->webhook, request->id);
    }
    if (rv == APR_SUCCESS) {
        rv = wh_db_update(&store->db, NULL, WH_SQL_USAGE_INSERT, usage_args);
    }
    return rv == APR_SUCCESS ? changed(store) : rv;
}

/* Writes with a pool for the records that the work reads on its way. */
static apr_status_t write_with_pool(wh_store_t *store, wh_store_work_fn_t *work,
                                    request_t *request)
{
    apr_status_t rv = apr_pool_create(&request->pool, store->pool);

    if (rv == APR_SUCCESS) {
        apr_pool_tag(request->pool, "webhook_save");
        rv = wh_store_write(store, work, request);
        apr_pool_destroy(request->pool);
    }
    return rv;
}

apr_status_t wh_store_webhook_insert(wh_store_t *store, wh_webhook_t *webhook)
{
    request_t request = {.webhook = webhook};
    apr_status_t rv = write_with_pool(store, insert_row, &request);

    if (rv == APR_SUCCESS) {
        webhook->id = (apr_int32_t)request.written;
        webhook->version = 1;
    }
    return rv;
}

static apr_status_t update_columns(int *affected, wh_store_t *store,
                                   const wh_webhook_t *w, apr_int64_t version)
{
    apr_int64_t id = w->id, state = w->state, updated_id = w->updated_id;
    apr_int64_t via = w->notify_via, when = w->notify_when;
    const void *args[] = {w->name,
                          w->events,
                          w->target_url,
                          w->secret,
                          &state,
                          w->type,
                          w->headers,
                          w->properties,
                          &w->updated,
                          &updated_id,
                          w->updated_by,
                          w->error_emails,
                          w->error_associates,
                          w->description,
                          &via,
                          &when,
                          w->context,
                          &id,
                          &version};

    return wh_db_update(&store->db, affected, WH_SQL_WEBHOOK_UPDATE, args);
}

/* What was counted against it before is forgiven. */
static apr_status_t reset_usage(wh_store_t *store, apr_int64_t id)
{
    const void *args[] = {&id};

    return wh_db_update(&store->db, NULL, WH_SQL_USAGE_RESET, args);
}

/* A pause that was asked for counts for the webhook as it was. */
static apr_status_t resume(wh_store_t *store, apr_int64_t id)
{
    const void *args[] = {&id};

    return wh_db_update(&store->db, NULL, WH_SQL_USAGE_RESUME, args);
}

static apr_status_t update_row(wh_store_t *store, void *baton)
{
    request_t *request = baton;
    const wh_webhook_t *w = request->webhook;
    request_t stored = {
        .context = w->context, .id = w->id, .pool = request->pool};
    int affected = 0;
    apr_status_t rv = get(store, &stored);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (request->written && request->written == stored.webhook->version &&
        same_record(stored.webhook, w)) {
        return APR_SUCCESS; /* the earlier run took place after all */
    }
    if (request->version && request->version != stored.webhook->version) {
        return WH_STORE_CHANGED;
    }
    rv = check_update(store, w, stored.webhook);
    if (rv == APR_SUCCESS) {
        rv = update_columns(&affected, store, w, stored.webhook->version);
    }
    if (rv == APR_SUCCESS && affected == 0) {
        return WH_STORE_CHANGED;
    }
    request->written = stored.webhook->version + 1;
    if (rv == APR_SUCCESS) {
        rv = resume(store, w->id);
    }
    if (rv == APR_SUCCESS && w->state == WH_STATE_ACTIVE &&
        stored.webhook->state != WH_STATE_ACTIVE) {
        rv = reset_usage(store, w->id);
    }
    return rv == APR_SUCCESS ? changed(store) : rv;
}

apr_status_t wh_store_webhook_update(wh_store_t *store, wh_webhook_t *webhook,
                                     apr_int64_t version)
{
    request_t request = {.webhook = webhook, .version = version};
    apr_status_t rv = write_with_pool(store, update_row, &request);

    if (rv == APR_SUCCESS) {
        webhook->version = request.written;
    }
    return rv;
}

static apr_status_t delete_row(wh_store_t *store, void *baton)
{
    request_t *request = baton;
    const void *args[] = {request->context, &request->id};
    const void *usage_args[] = {&request->id};
    apr_status_t rv = get(store, request);

    if (rv == APR_ENOENT && request->written) {
        return APR_SUCCESS; /* the earlier run took place after all */
    }
    if (rv == APR_SUCCESS && request->version &&
        request->version != request->webhook->version) {
        rv = WH_STORE_CHANGED;
    }
    if (rv == APR_SUCCESS) {
        request->written = request->webhook->version;
        rv = wh_db_update(&store->db, NULL, WH_SQL_WEBHOOK_DELETE, args);
    }
    if (rv == APR_SUCCESS) {
        rv = wh_db_update(&store->db, NULL, WH_SQL_USAGE_DELETE, usage_args);
    }
    return rv == APR_SUCCESS ? changed(store) : rv;
}

static apr_status_t cancel_waiting(wh_store_t *store, void *baton)
{
    request_t *request = baton;
    const void *args[] = {&request->id};

    return wh_db_update(&store->db, &request->affected, WH_SQL_DELIVERY_CANCEL,
                        args);
}

apr_status_t wh_store_webhook_delete(wh_store_t *store, const char *context,
                                     apr_int32_t id, apr_int64_t version)
{
    request_t request = {.context = context, .id = id, .version = version};
    apr_status_t rv = write_with_pool(store, delete_row, &request);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    /* The webhook is gone; what waited for it ends, in portions, so that
     * events are not held up. Should that fail, retention ends the rest. */
    do {
        request.affected = 0;
        rv = wh_store_write(store, cancel_waiting, &request);
    } while (rv == APR_SUCCESS && request.affected > 0);
    return APR_SUCCESS;
}
