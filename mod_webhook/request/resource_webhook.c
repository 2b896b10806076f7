/* SPDX-License-Identifier: Apache-2.0 */
#include <httpd.h>
#include <http_log.h>

#include "config/config.h"
#include "httpd_private.h"
#include "model/webhook_json.h"
#include "request/answer.h"
#include "request/body.h"
#include "request/filter.h"
#include "request/resource.h"
#include "deliver/validate.h"
#include "signal/child.h"

static int answer_missing(request_rec *r)
{
    return wh_answer_error(r, HTTP_NOT_FOUND, "There is no such webhook.");
}

static int answer_storage(request_rec *r, apr_status_t rv)
{
    if (rv == APR_ENOENT) {
        return answer_missing(r);
    }
    ap_log_rerror(APLOG_MARK, APLOG_INFO, rv, r,
                  WHLOGNO(2020) "the webhook storage is not available");
    return wh_answer_unavailable(r, "The storage is not available now.");
}

/* What one visit to the storage wants and gives. */
typedef struct visit_t {
    const char *context;
    apr_int32_t id;
    wh_webhook_t *webhook;
    apr_array_header_t *webhooks;
    apr_pool_t *pool;
} visit_t;

typedef apr_status_t visit_fn_t(wh_store_t *store, visit_t *visit);

static apr_status_t visit_list(wh_store_t *store, visit_t *visit)
{
    return wh_store_webhook_list(&visit->webhooks, store, visit->context,
                                 visit->pool);
}

static apr_status_t visit_get(wh_store_t *store, visit_t *visit)
{
    return wh_store_webhook_get(&visit->webhook, store, visit->context,
                                visit->id, visit->pool);
}

static apr_status_t visit_insert(wh_store_t *store, visit_t *visit)
{
    return wh_store_webhook_insert(store, visit->webhook);
}

static apr_status_t visit_update(wh_store_t *store, visit_t *visit)
{
    return wh_store_webhook_update(store, visit->webhook, 0);
}

static apr_status_t visit_delete(wh_store_t *store, visit_t *visit)
{
    return wh_store_webhook_delete(store, visit->context, visit->id, 0);
}

/* A handle is held for one call only: others wait for it. */
static apr_status_t with_store(visit_fn_t *call, visit_t *visit, request_rec *r)
{
    wh_store_t *store;
    apr_status_t rv = wh_child_store_get(&store);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    visit->context = wh_config_context(r->server, r, r->pool);
    visit->pool = r->pool;
    rv = call(store, visit);
    wh_child_store_put(store);
    return rv;
}

int wh_resource_default(request_rec *r, const wh_path_t *path)
{
    wh_webhook_t webhook;

    (void)path;
    wh_webhook_json_default(&webhook);
    return wh_answer_json(r, wh_webhook_json_write(&webhook, 1));
}

int wh_resource_list(request_rec *r, const wh_path_t *path)
{
    visit_t visit = {0};
    wh_filter_t filter;
    const char *message;
    json_t *array;
    apr_status_t rv;
    int i;

    (void)path;
    if (wh_filter_parse(&filter, &message, r->args, r->pool) != APR_SUCCESS) {
        return wh_answer_error(r, HTTP_BAD_REQUEST, message);
    }
    rv = with_store(visit_list, &visit, r);
    if (rv != APR_SUCCESS) {
        return answer_storage(r, rv);
    }
    array = json_array();
    for (i = 0; i < visit.webhooks->nelts; i++) {
        const wh_webhook_t *webhook =
            APR_ARRAY_IDX(visit.webhooks, i, wh_webhook_t *);

        if (wh_filter_match(&filter, webhook)) {
            json_array_append_new(array, wh_webhook_json_write(webhook, 0));
        }
    }
    return wh_answer_json(r, array);
}

int wh_resource_get(request_rec *r, const wh_path_t *path)
{
    visit_t visit = {.id = path->id};
    apr_status_t rv = with_store(visit_get, &visit, r);

    if (rv != APR_SUCCESS) {
        return answer_storage(r, rv);
    }
    return wh_answer_json(r, wh_webhook_json_write(visit.webhook, 1));
}

/* Reads the entity in the body into a default webhook and judges it. */
static int read_entity(wh_webhook_t *webhook, const char **message,
                       request_rec *r)
{
    json_t *document;
    int status = wh_body_json(&document, message, r);

    if (status != OK) {
        return status;
    }
    if (!json_is_object(document)) {
        *message = "The request body must be a webhook, a JSON object.";
        return HTTP_BAD_REQUEST;
    }
    wh_webhook_json_default(webhook);
    if (wh_webhook_json_read(webhook, message, document, r->pool) !=
            APR_SUCCESS ||
        wh_validate_webhook(webhook, message, wh_child_settings(), r->pool) !=
            APR_SUCCESS) {
        return HTTP_BAD_REQUEST;
    }
    webhook->name = webhook->name ? webhook->name : "";
    webhook->context = wh_config_context(r->server, r, r->pool);
    webhook->updated = apr_time_now();
    webhook->updated_id = wh_resource_associate(r);
    webhook->updated_by = r->user;
    return OK;
}

int wh_resource_create(request_rec *r, const wh_path_t *path)
{
    wh_webhook_t webhook;
    visit_t visit = {.webhook = &webhook};
    const char *message = NULL;
    int status = read_entity(&webhook, &message, r);
    apr_status_t rv;

    (void)path;
    if (status != OK) {
        return wh_answer_error(r, status, message);
    }
    webhook.registered = webhook.updated;
    webhook.registered_id = webhook.updated_id;
    webhook.registered_by = webhook.updated_by;
    rv = with_store(visit_insert, &visit, r);
    if (rv != APR_SUCCESS) {
        return answer_storage(r, rv);
    }
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                  WHLOGNO(2021) "webhook %d is created", webhook.id);
    return wh_answer_json(r, wh_webhook_json_write(&webhook, 1));
}

/* What a client cannot change comes from the stored record. */
static void keep_stored(wh_webhook_t *webhook, const wh_webhook_t *stored)
{
    webhook->id = stored->id;
    webhook->registered = stored->registered;
    webhook->registered_id = stored->registered_id;
    webhook->registered_by = stored->registered_by;
    webhook->total_calls = stored->total_calls;
    webhook->total_errors = stored->total_errors;
    webhook->consecutive_errors = stored->consecutive_errors;
    webhook->last_error = stored->last_error;
}

int wh_resource_update(request_rec *r, const wh_path_t *path)
{
    wh_webhook_t webhook;
    visit_t visit = {.id = path->id};
    const char *message = NULL;
    apr_status_t rv = with_store(visit_get, &visit, r);
    int status;

    if (rv != APR_SUCCESS) {
        return answer_storage(r, rv);
    }
    status = read_entity(&webhook, &message, r);
    if (status != OK) {
        return wh_answer_error(r, status, message);
    }
    keep_stored(&webhook, visit.webhook);
    visit.webhook = &webhook;
    rv = with_store(visit_update, &visit, r);
    if (rv != APR_SUCCESS) {
        return answer_storage(r, rv);
    }
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                  WHLOGNO(2022) "webhook %d is changed", webhook.id);
    return wh_answer_json(r, wh_webhook_json_write(&webhook, 1));
}

int wh_resource_delete(request_rec *r, const wh_path_t *path)
{
    visit_t visit = {.id = path->id};
    apr_status_t rv = with_store(visit_delete, &visit, r);

    if (rv != APR_SUCCESS) {
        return answer_storage(r, rv);
    }
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                  WHLOGNO(2023) "webhook %d is deleted", path->id);
    return wh_answer_empty(r);
}
