/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "model/webhook.h"
#include "store/delivery_store.h"
#include "store/store_priv.h"

static apr_status_t increment(wh_store_t *store, const char *name)
{
    const void *args[] = {name};

    return wh_db_update(&store->db, NULL, WH_SQL_META_INCREMENT, args);
}

/* Whoever changes a webhook says so here, in the same transaction: the
 * dispatcher compares the number before it matches a batch. */
static apr_status_t changed(wh_store_t *store)
{
    return increment(store, "generation");
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
    w->total_calls = wh_rows_int64(rows, column++);
    w->total_errors = wh_rows_int64(rows, column++);
    w->consecutive_errors = wh_rows_int64(rows, column++);
    w->last_error = wh_rows_text(rows, column++, pool);
    return w;
}

/* What the calls below want or give. */
typedef struct request_t {
    const char *context; /* NULL: all */
    apr_int64_t id;
    int affected;
    wh_webhook_t *webhook;
    apr_array_header_t *webhooks;
    apr_pool_t *pool;
} request_t;

static apr_status_t list_chunk(wh_rows_t *rows, wh_store_t *store,
                               const char *context, apr_int64_t last)
{
    const void *of_context[] = {context, &last};
    const void *of_all[] = {&last};

    return context
               ? wh_db_select(rows, &store->db, WH_SQL_WEBHOOK_LIST, of_context)
               : wh_db_select(rows, &store->db, WH_SQL_WEBHOOK_LIST_ALL,
                              of_all);
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
        rv = list_chunk(&rows, store, request->context, last);
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

apr_status_t wh_store_webhook_list(apr_array_header_t **webhooks,
                                   wh_store_t *store, const char *context,
                                   apr_pool_t *pool)
{
    request_t request = {.context = context, .pool = pool};
    apr_status_t rv = wh_store_read(store, list, &request);

    *webhooks = request.webhooks;
    return rv;
}

apr_status_t wh_store_webhook_list_all(apr_array_header_t **webhooks,
                                       wh_store_t *store, apr_pool_t *pool)
{
    return wh_store_webhook_list(webhooks, store, NULL, pool);
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

/* Ids are never used again: a counter, not the highest id in the table. */
static apr_status_t next_id(apr_int64_t *id, wh_store_t *store)
{
    const void *args[] = {"last_webhook_id"};
    wh_rows_t rows;
    apr_status_t rv = increment(store, "last_webhook_id");

    if (rv == APR_SUCCESS) {
        rv = wh_db_select(&rows, &store->db, WH_SQL_META_GET, args);
    }
    if (rv == APR_SUCCESS && wh_rows_next(&rows)) {
        *id = wh_rows_int64(&rows, 0);
    }
    return rv;
}

static apr_status_t insert_row(wh_store_t *store, void *baton)
{
    wh_webhook_t *w = ((request_t *)baton)->webhook;
    apr_int64_t id = 0, state = w->state, registered_id = w->registered_id;
    apr_int64_t updated_id = w->updated_id, via = w->notify_via;
    apr_int64_t when = w->notify_when;
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
                          &when};
    const void *usage_args[] = {&id};
    apr_status_t rv = next_id(&id, store);

    if (rv == APR_SUCCESS) {
        rv = wh_db_update(&store->db, NULL, WH_SQL_WEBHOOK_INSERT, args);
    }
    if (rv == APR_SUCCESS) {
        rv = wh_db_update(&store->db, NULL, WH_SQL_USAGE_INSERT, usage_args);
    }
    if (rv == APR_SUCCESS) {
        rv = changed(store);
    }
    if (rv == APR_SUCCESS) {
        w->id = (apr_int32_t)id;
    }
    return rv;
}

apr_status_t wh_store_webhook_insert(wh_store_t *store, wh_webhook_t *webhook)
{
    request_t request = {.webhook = webhook};

    return wh_store_write(store, insert_row, &request);
}

static apr_status_t update_row(wh_store_t *store, void *baton)
{
    const wh_webhook_t *w = ((request_t *)baton)->webhook;
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
                          &id};
    int affected = 0;
    apr_status_t rv;

    rv = wh_db_update(&store->db, &affected, WH_SQL_WEBHOOK_UPDATE, args);
    if (rv == APR_SUCCESS && affected == 0) {
        return APR_ENOENT;
    }
    return rv == APR_SUCCESS ? changed(store) : rv;
}

apr_status_t wh_store_webhook_update(wh_store_t *store, wh_webhook_t *webhook,
                                     apr_int64_t version)
{
    request_t request = {.webhook = webhook};

    (void)version;
    return wh_store_write(store, update_row, &request);
}

static apr_status_t delete_row(wh_store_t *store, void *baton)
{
    request_t *request = baton;
    const void *args[] = {request->context, &request->id};
    const void *usage_args[] = {&request->id};
    int affected = 0;
    apr_status_t rv;

    rv = wh_db_update(&store->db, &affected, WH_SQL_WEBHOOK_DELETE, args);
    if (rv == APR_SUCCESS && affected == 0) {
        return APR_ENOENT;
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
    request_t request = {.context = context, .id = id};
    apr_status_t rv = wh_store_write(store, delete_row, &request);

    (void)version;
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
