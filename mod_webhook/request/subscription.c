/* SPDX-License-Identifier: Apache-2.0 */
#include "request/subscription.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <string.h>

#include "base/text.h"
#include "config/config.h"
#include "deliver/validate.h"
#include "httpd_private.h"
#include "model/webhook_json.h"
#include "request/caller.h"
#include "request/probe_gate.h"
#include "signal/child.h"
#include "signal/state_event.h"

/* Changes that meet: up to so many tries, with pauses of up to 2, 4, 8 ... 128
 * milliseconds between them. */
#define TRIES_MAX 30
#define PAUSE_UNIT apr_time_from_msec(2)
#define PAUSE_DOUBLINGS 6

/* What one visit to the storage wants and gives. */
typedef struct visit_t {
    apr_status_t rv; /* what the storage said */
    const char *context;
    apr_int32_t id;
    apr_int64_t version;
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
    return wh_store_webhook_update(store, visit->webhook, visit->version);
}

static apr_status_t visit_delete(wh_store_t *store, visit_t *visit)
{
    return wh_store_webhook_delete(store, visit->context, visit->id,
                                   visit->version);
}

static int answer_storage(const char **message, request_rec *r, apr_status_t rv)
{
    switch (rv) {
    case APR_SUCCESS:
        return OK;
    case APR_ENOENT:
        *message = "There is no such webhook.";
        return HTTP_NOT_FOUND;
    case WH_STORE_CHANGED:
        *message = "The webhook was changed by somebody else meanwhile.";
        return HTTP_CONFLICT;
    case WH_STORE_FULL:
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      WHLOGNO(2029) "WebhookLimit leaves no room for a webhook "
                                    "that is to be saved");
        *message = "There are as many webhooks, or as many bytes of them, as "
                   "WebhookLimit allows.";
        return HTTP_CONFLICT;
    default:
        ap_log_rerror(APLOG_MARK, APLOG_INFO, rv, r,
                      WHLOGNO(2020) "the webhook storage is not available");
        *message = "The storage is not available now.";
        return HTTP_SERVICE_UNAVAILABLE;
    }
}

/* A handle is held for one call only: others wait for it. */
static int with_store(visit_fn_t *call, visit_t *visit, const char **message,
                      request_rec *r)
{
    wh_store_t *store;
    apr_status_t rv = wh_child_store_get(&store);

    if (rv == APR_SUCCESS) {
        visit->context = wh_call_get(r)->context;
        visit->pool = r->pool;
        rv = call(store, visit);
        wh_child_store_put(store);
    }
    visit->rv = rv;
    return answer_storage(message, r, rv);
}

/* An application sees its own, a user without one all of the context. */
static int is_visible(const request_rec *r, const wh_webhook_t *webhook)
{
    apr_int64_t app_id = wh_caller_app(r);

    return !app_id || webhook->app_id == app_id;
}

int wh_subscription_list(apr_array_header_t **webhooks, const char **message,
                         request_rec *r)
{
    visit_t visit = {0};
    int status = with_store(visit_list, &visit, message, r);
    int i;

    *webhooks = apr_array_make(r->pool, 16, sizeof(wh_webhook_t *));
    for (i = 0; status == OK && i < visit.webhooks->nelts; i++) {
        wh_webhook_t *webhook =
            APR_ARRAY_IDX(visit.webhooks, i, wh_webhook_t *);

        if (is_visible(r, webhook)) {
            APR_ARRAY_PUSH(*webhooks, wh_webhook_t *) = webhook;
        }
    }
    return status;
}

int wh_subscription_get(wh_webhook_t **webhook, const char **message,
                        request_rec *r, apr_int32_t id)
{
    visit_t visit = {.id = id};
    int status = with_store(visit_get, &visit, message, r);

    if (status == OK && !is_visible(r, visit.webhook)) {
        status = answer_storage(message, r, APR_ENOENT);
    }
    *webhook = status == OK ? visit.webhook : NULL;
    return status;
}

int wh_subscription_read(wh_webhook_t *webhook, const char **message,
                         request_rec *r, json_t *entity, int texts)
{
    wh_webhook_json_default(webhook);
    if (texts &&
        wh_webhook_json_from_text(entity, message, r->pool) != APR_SUCCESS) {
        return HTTP_BAD_REQUEST;
    }
    if (wh_webhook_json_read(webhook, message, entity, r->pool) !=
        APR_SUCCESS) {
        return HTTP_BAD_REQUEST;
    }
    webhook->name = webhook->name ? webhook->name : "";
    webhook->context = wh_call_get(r)->context;
    return OK;
}

/* What a client cannot change comes from the stored record. */
static void keep_stored(wh_webhook_t *webhook, const wh_webhook_t *stored)
{
    webhook->id = stored->id;
    webhook->version = stored->version;
    webhook->app_id = stored->app_id;
    webhook->registered = stored->registered;
    webhook->registered_id = stored->registered_id;
    webhook->registered_by = stored->registered_by;
    webhook->total_calls = stored->total_calls;
    webhook->total_errors = stored->total_errors;
    webhook->consecutive_errors = stored->consecutive_errors;
    webhook->last_error = stored->last_error;
}

/* The name in a form that every answer can show. */
static const char *shown_user(const request_rec *r)
{
    char *user = apr_pstrdup(r->pool, r->user);

    wh_text_clean(user, strlen(user));
    return user;
}

static void stamp(wh_webhook_t *webhook, const wh_webhook_t *stored,
                  request_rec *r)
{
    webhook->updated = apr_time_now();
    webhook->updated_id = wh_caller_associate(r);
    webhook->updated_by = shown_user(r);
    if (stored) {
        keep_stored(webhook, stored);
        return;
    }
    webhook->id = 0;
    webhook->app_id = wh_caller_app(r);
    webhook->registered = webhook->updated;
    webhook->registered_id = webhook->updated_id;
    webhook->registered_by = webhook->updated_by;
}

static int is_same_text(const char *one, const char *other)
{
    return !strcmp(one ? one : "", other ? other : "");
}

/* A save that is tried again, because somebody else saved meanwhile, does not
 * ask the target again. */
static int is_probed(const wh_webhook_t *probed, const wh_webhook_t *webhook)
{
    return probed && is_same_text(probed->target_url, webhook->target_url) &&
           is_same_text(probed->secret, webhook->secret) &&
           is_same_text(probed->type, webhook->type) &&
           is_same_text(probed->headers, webhook->headers) &&
           is_same_text(probed->properties, webhook->properties);
}

/* The rate that the target has allowed becomes an option. */
static int keep_allowed(wh_webhook_t *webhook, const wh_call_t *call,
                        request_rec *r)
{
    return wh_probe_keep(webhook, call->probe, r->pool) == APR_SUCCESS
               ? OK
               : HTTP_INTERNAL_SERVER_ERROR;
}

/* Always the same words: they must not tell what is behind an address. */
static int judge(wh_webhook_t *webhook, const char **message, request_rec *r)
{
    const wh_settings_t *settings = wh_child_settings();
    wh_call_t *call = wh_call_get(r);
    wh_probe_result_t result;
    int status;

    if (wh_validate_webhook(webhook, message, settings, r->pool) !=
        APR_SUCCESS) {
        return HTTP_BAD_REQUEST;
    }
    if (!settings->probe || webhook->state != WH_STATE_ACTIVE) {
        return OK;
    }
    if (is_probed(call->probed, webhook)) {
        return keep_allowed(webhook, call, r);
    }
    status = wh_probe_gate(&result, message, r, webhook);
    if (status == OK && !result.success) {
        *message =
            result.not_allowed
                ? "Webhook TargetUrl must allow callbacks in a handshake."
                : "Webhook TargetUrl must answer the test event with "
                  "success.";
        status = HTTP_BAD_REQUEST;
    }
    if (status != OK) {
        return status;
    }
    call->probed = apr_pmemdup(r->pool, webhook, sizeof(*webhook));
    call->probe = apr_pmemdup(r->pool, &result, sizeof(result));
    return keep_allowed(webhook, call, r);
}

/* A subscriber learns of it by an event; the change itself is stored already,
 * so a failure here takes nothing back. */
static void signal_state(request_rec *r, const wh_webhook_t *webhook)
{
    apr_status_t rv = wh_state_event_send(
        wh_child_channel(), webhook, wh_caller_associate(r), r->user, r->pool);

    if (rv != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, rv, r,
                      WHLOGNO(2024) "the new state of webhook %d is not "
                                    "signalled",
                      webhook->id);
    }
}

int wh_subscription_save(wh_webhook_t *webhook, int *again,
                         const wh_webhook_t *stored, const char **message,
                         request_rec *r)
{
    visit_t visit = {.webhook = webhook,
                     .version = stored ? stored->version : 0};
    int status;

    *again = 0;
    if (stored && wh_webhook_json_settle_email(webhook, message, stored,
                                               r->pool) != APR_SUCCESS) {
        return HTTP_BAD_REQUEST;
    }
    status = judge(webhook, message, r);
    if (status != OK) {
        return status;
    }
    stamp(webhook, stored, r);
    status =
        with_store(stored ? visit_update : visit_insert, &visit, message, r);
    *again = visit.rv == WH_STORE_CHANGED;
    if (status != OK) {
        return status;
    }
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                  WHLOGNO(2021) "webhook %d is %s", webhook->id,
                  stored ? "changed" : "created");
    if (stored && stored->state != webhook->state) {
        signal_state(r, webhook);
    }
    return OK;
}

int wh_subscription_try_again(int *tries)
{
    apr_uint32_t chance = 0;
    int doublings = *tries < PAUSE_DOUBLINGS ? *tries : PAUSE_DOUBLINGS;

    if (++*tries >= TRIES_MAX) {
        return 0;
    }
    /* Without randomness the pause is the whole one. */
    if (apr_generate_random_bytes((unsigned char *)&chance, sizeof(chance)) !=
        APR_SUCCESS) {
        chance = 0;
    }
    apr_sleep((PAUSE_UNIT << doublings) -
              chance % (apr_uint32_t)(PAUSE_UNIT << doublings));
    return 1;
}

int wh_subscription_delete(const char **message, request_rec *r, apr_int32_t id,
                           apr_int64_t version)
{
    visit_t visit = {.id = id, .version = version};
    int status = with_store(visit_delete, &visit, message, r);

    if (status == OK) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      WHLOGNO(2023) "webhook %d is deleted", id);
    }
    return status;
}

int wh_subscription_test(json_t **result, const char **message, request_rec *r,
                         wh_webhook_t *webhook)
{
    wh_probe_result_t probe;
    int status = OK;

    if (wh_validate_webhook(webhook, message, wh_child_settings(), r->pool) !=
        APR_SUCCESS) {
        return HTTP_BAD_REQUEST;
    }
    status = wh_probe_gate(&probe, message, r, webhook);
    if (status == OK) {
        *result =
            json_pack("{s:b, s:s, s:n, s:{}}", "Success", probe.success,
                      "Message", probe.answer, "TableRight", "FieldProperties");
    }
    return status;
}

void wh_subscription_set_validators(request_rec *r, const wh_webhook_t *webhook)
{
    apr_table_setn(r->headers_out, "ETag",
                   apr_psprintf(r->pool, "\"%d.%" APR_INT64_T_FMT "\"",
                                webhook->id, webhook->version));
    r->mtime = 0;
    ap_update_mtime(r, webhook->updated);
    ap_set_last_modified(r);
}

int wh_subscription_preconditions(const char **message, request_rec *r)
{
    const char *not_tags = apr_table_get(r->headers_in, "If-None-Match");
    const char *tag = apr_table_get(r->headers_out, "ETag");
    int status;

    /* RFC 9110 section 13.1.4: the tag alone counts then. */
    if (apr_table_get(r->headers_in, "If-Match")) {
        apr_table_unset(r->headers_in, "If-Unmodified-Since");
    }
    status = ap_meets_conditions(r);
    /* Section 13.1.2: "W/" does not matter here. httpd minds it in writes. */
    if (status == OK && not_tags && tag &&
        ap_find_etag_weak(r->pool, not_tags, tag)) {
        status = HTTP_PRECONDITION_FAILED;
    }
    if (status == OK || status == HTTP_NOT_MODIFIED) {
        return OK;
    }
    *message = "The webhook is not the one that If-Match, If-None-Match or "
               "If-Unmodified-Since asks for.";
    return status;
}
