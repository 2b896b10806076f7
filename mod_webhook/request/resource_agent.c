/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agents (RPC) form: methods that are posted to, with their arguments in
 * the query or in members of the body (superoffice.md sections 3 and 10).
 */
#include <apr_strings.h>
#include <httpd.h>
#include <http_protocol.h>
#include <string.h>

#include "httpd_private.h"
#include "media/form.h"
#include "media/json.h"
#include "media/select.h"
#include "model/webhook_json.h"
#include "policy/event_name.h"
#include "request/answer.h"
#include "request/body.h"
#include "request/resource.h"
#include "request/subscription.h"

/* An int32 as a number or as its text. */
static int read_int32(apr_int32_t *number, const json_t *value)
{
    json_int_t integer = json_integer_value(value);

    if (json_is_string(value)) {
        return wh_primary_key_parse(number, json_string_value(value));
    }
    *number = (apr_int32_t)integer;
    return json_is_integer(value) && integer == *number;
}

static int query_id(apr_int32_t *id, apr_table_t **parameters,
                    const char **message, request_rec *r)
{
    int status = wh_resource_read_query(parameters, message, r);
    const char *text =
        status == OK ? apr_table_get(*parameters, "webhookId") : NULL;

    if (status == OK && (!text || !wh_primary_key_parse(id, text))) {
        *message = "The query must have webhookId, a whole number of 32 bits.";
        status = HTTP_BAD_REQUEST;
    }
    return status;
}

static int answer_webhook(request_rec *r, const wh_webhook_t *webhook,
                          const apr_table_t *parameters)
{
    json_t *entity = wh_webhook_json_write(webhook, 1);

    wh_select_apply(entity, apr_table_get(parameters, "$select"), r->pool);
    return wh_answer_value(r, WH_ROOT_WEBHOOK, entity);
}

/* A new webhook, or the one that its WebhookId names. */
static int find_stored(wh_webhook_t **stored, const char **message,
                       request_rec *r, const json_t *entity)
{
    const json_t *value = wh_json_member(entity, "WebhookId");
    apr_int32_t id = 0;

    *stored = NULL;
    if (value && !json_is_null(value) && !read_int32(&id, value)) {
        *message = "Webhook WebhookId must be a whole number of 32 bits.";
        return HTTP_BAD_REQUEST;
    }
    return id ? wh_subscription_get(stored, message, r, id) : OK;
}

int wh_agent_save(request_rec *r, const wh_path_t *path)
{
    apr_table_t *parameters;
    wh_webhook_t webhook, *stored;
    const char *message = NULL;
    json_t *entity = NULL;
    int texts = 0, again, tries = 0;
    int status = wh_resource_read_query(&parameters, &message, r);

    (void)path;
    if (status == OK) {
        status = wh_body_object(&entity, &texts, &message, r);
    }
    if (status == OK && !entity) {
        message = "Bad request. Entity to save is not in request body.";
        status = HTTP_BAD_REQUEST;
    }
    if (status == OK) {
        status = wh_subscription_read(&webhook, &message, r, entity, texts);
    }
    if (status != OK) {
        return wh_answer_error(r, status, message);
    }
    do {
        again = 0;
        status = find_stored(&stored, &message, r, entity);
        if (status == OK) {
            status =
                wh_subscription_save(&webhook, &again, stored, &message, r);
        }
    } while (again && wh_subscription_try_again(&tries));
    return status == OK ? answer_webhook(r, &webhook, parameters)
                        : wh_answer_error(r, status, message);
}

int wh_agent_get(request_rec *r, const wh_path_t *path)
{
    apr_table_t *parameters;
    wh_webhook_t *webhook;
    const char *message = NULL;
    apr_int32_t id = 0;
    int status = query_id(&id, &parameters, &message, r);

    (void)path;
    if (status == OK) {
        status = wh_subscription_get(&webhook, &message, r, id);
        if (status == HTTP_NOT_FOUND) {
            return wh_answer_value(r, WH_ROOT_WEBHOOK, json_null());
        }
    }
    return status == OK ? answer_webhook(r, webhook, parameters)
                        : wh_answer_error(r, status, message);
}

int wh_agent_delete(request_rec *r, const wh_path_t *path)
{
    apr_table_t *parameters;
    wh_webhook_t *webhook;
    const char *message = NULL;
    apr_int32_t id = 0;
    int status = query_id(&id, &parameters, &message, r);

    (void)path;
    if (status == OK) {
        status = wh_subscription_get(&webhook, &message, r, id);
    }
    if (status == OK) {
        status = wh_subscription_delete(&message, r, id, 0);
    }
    return status == OK ? wh_answer_empty(r)
                        : wh_answer_error(r, status, message);
}

int wh_agent_list(request_rec *r, const wh_path_t *path)
{
    apr_table_t *parameters = NULL;
    const char *message = NULL;
    wh_filter_t filter;
    json_t *arguments;
    int texts;
    int status = wh_body_object(&arguments, &texts, &message, r);

    (void)path;
    if (status == OK) {
        status = wh_resource_read_query(&parameters, &message, r);
    }
    if (status == OK && wh_filter_members(&filter, &message, arguments,
                                          r->pool) != APR_SUCCESS) {
        status = HTTP_BAD_REQUEST;
    }
    return status == OK ? wh_resource_answer_list(
                              r, &filter, apr_table_get(parameters, "$select"))
                        : wh_answer_error(r, status, message);
}

int wh_agent_test(request_rec *r, const wh_path_t *path)
{
    wh_webhook_t webhook;
    const char *message = NULL;
    json_t *arguments, *entity = NULL, *result = NULL;
    int texts;
    int status = wh_body_object(&arguments, &texts, &message, r);

    (void)path;
    if (status == OK) {
        entity = wh_json_member(arguments, "Webhook");
        if (!json_is_object(entity)) {
            message = "The member Webhook must be a webhook.";
            status = HTTP_BAD_REQUEST;
        }
    }
    if (status == OK) {
        status = wh_subscription_read(&webhook, &message, r, entity, texts);
    }
    if (status == OK) {
        status = wh_subscription_test(&result, &message, r, &webhook);
    }
    return status == OK ? wh_answer_value(r, WH_ROOT_RESULT, result)
                        : wh_answer_error(r, status, message);
}

/* What is wrong with the arguments of SignalEvent; NULL: nothing. */
static const char *read_signal(const char **event_name,
                               apr_int32_t *primary_key, const json_t **data,
                               const json_t *arguments)
{
    const json_t *key = wh_json_member(arguments, "PrimaryKey");

    *primary_key = 0;
    *event_name = json_string_value(wh_json_member(arguments, "EventName"));
    *data = wh_json_member(arguments, "Data");
    if (!*event_name) {
        return "The member EventName must be the name of an event.";
    }
    if (key && !json_is_null(key) && !read_int32(primary_key, key)) {
        return "The member PrimaryKey must be a whole number of 32 bits.";
    }
    if (*data && !json_is_object(*data) && !json_is_null(*data)) {
        return "The member Data must be an object or null.";
    }
    return NULL;
}

int wh_agent_signal(request_rec *r, const wh_path_t *path)
{
    const char *event_name, *message = NULL;
    apr_int32_t primary_key;
    const json_t *data;
    json_t *arguments;
    int texts;
    int status = wh_body_object(&arguments, &texts, &message, r);

    (void)path;
    if (status == OK) {
        message = read_signal(&event_name, &primary_key, &data, arguments);
        status = message ? HTTP_BAD_REQUEST : OK;
    }
    return status == OK
               ? wh_resource_signal_send(r, event_name, primary_key, data)
               : wh_answer_error(r, status, message);
}

int wh_agent_last_error(request_rec *r, const wh_path_t *path)
{
    const char *message = NULL;
    apr_int32_t id = 0;
    json_t *arguments;
    int texts;
    int status = wh_body_object(&arguments, &texts, &message, r);

    (void)path;
    if (status == OK &&
        !read_int32(&id, wh_json_member(arguments, "WebhookId"))) {
        message = "The member WebhookId must be a whole number of 32 bits.";
        status = HTTP_BAD_REQUEST;
    }
    return status == OK ? wh_resource_answer_last_error(r, id, 1)
                        : wh_answer_error(r, status, message);
}
