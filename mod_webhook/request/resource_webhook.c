/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <httpd.h>
#include <http_core.h>
#include <http_protocol.h>

#include "httpd_private.h"
#include "media/form.h"
#include "media/select.h"
#include "model/webhook_json.h"
#include "request/answer.h"
#include "request/body.h"
#include "request/caller.h"
#include "request/resource.h"
#include "request/subscription.h"

const char *wh_resource_url(request_rec *r, const char *path)
{
    return ap_construct_url(r->pool, ap_os_escape_path(r->pool, path, 1), r);
}

/* Links begin where the client reached the API: behind the prefix that it
 * used, on the server as ServerName and UseCanonicalName have it. */
static json_t *links_of(request_rec *r, const wh_webhook_t *webhook)
{
    const char *all = wh_resource_url(r, wh_call_get(r)->resource_path);
    const char *self = apr_psprintf(r->pool, "%s/%d", all, webhook->id);

    return json_pack("{s:s, s:s, s:s}", "Self", self, "Archive", all,
                     "LastError",
                     apr_pstrcat(r->pool, self, "/LastError", NULL));
}

int wh_resource_read_query(apr_table_t **parameters, const char **message,
                           request_rec *r)
{
    return wh_form_query(parameters, message, r->args, r->pool) == APR_SUCCESS
               ? OK
               : HTTP_BAD_REQUEST;
}

int wh_resource_answer_entity(request_rec *r, const wh_webhook_t *webhook,
                              const apr_table_t *parameters)
{
    json_t *entity = wh_webhook_json_write(webhook, 1);

    wh_select_apply(entity, apr_table_get(parameters, "$select"), r->pool);
    json_object_set_new(entity, "_Links", links_of(r, webhook));
    wh_subscription_set_validators(r, webhook);
    return wh_answer_value(r, WH_ROOT_WEBHOOK, entity);
}

int wh_resource_default(request_rec *r, const wh_path_t *path)
{
    wh_webhook_t webhook;

    (void)path;
    wh_webhook_json_default(&webhook);
    return wh_answer_value(r, WH_ROOT_WEBHOOK,
                           wh_webhook_json_write(&webhook, 1));
}

int wh_resource_answer_list(request_rec *r, const wh_filter_t *filter,
                            const char *select)
{
    apr_array_header_t *all;
    const char *message;
    json_t *array;
    int i, status = wh_subscription_list(&all, &message, r);

    if (status != OK) {
        return wh_answer_error(r, status, message);
    }
    array = json_array();
    for (i = 0; i < all->nelts; i++) {
        const wh_webhook_t *webhook =
            APR_ARRAY_IDX(all, i, const wh_webhook_t *);

        if (wh_filter_match(filter, webhook)) {
            json_t *entity = wh_webhook_json_write(webhook, 0);

            wh_select_apply(entity, select, r->pool);
            json_array_append_new(array, entity);
        }
    }
    return wh_answer_value(r, WH_ROOT_LIST, array);
}

int wh_resource_list(request_rec *r, const wh_path_t *path)
{
    apr_table_t *parameters;
    wh_filter_t filter;
    const char *message;

    (void)path;
    if (wh_resource_read_query(&parameters, &message, r) != OK ||
        wh_filter_query(&filter, &message, parameters) != APR_SUCCESS) {
        return wh_answer_error(r, HTTP_BAD_REQUEST, message);
    }
    return wh_resource_answer_list(r, &filter, NULL);
}

int wh_resource_get(request_rec *r, const wh_path_t *path)
{
    apr_table_t *parameters;
    wh_webhook_t *webhook;
    const char *message;
    int status = wh_resource_read_query(&parameters, &message, r);

    if (status == OK) {
        status = wh_subscription_get(&webhook, &message, r, path->id);
    }
    return status == OK ? wh_resource_answer_entity(r, webhook, parameters)
                        : wh_answer_error(r, status, message);
}

/* Reads the entity in the body. */
static int read_entity(wh_webhook_t *webhook, const char **message,
                       request_rec *r)
{
    json_t *entity;
    int texts;
    int status = wh_body_object(&entity, &texts, message, r);

    if (status == OK && !entity) {
        *message = "Bad request. Entity to save is not in request body.";
        status = HTTP_BAD_REQUEST;
    }
    return status == OK
               ? wh_subscription_read(webhook, message, r, entity, texts)
               : status;
}

int wh_resource_create(request_rec *r, const wh_path_t *path)
{
    apr_table_t *parameters;
    wh_webhook_t webhook;
    const char *message = NULL;
    int status = wh_resource_read_query(&parameters, &message, r);
    int again;

    (void)path;
    if (status == OK) {
        status = read_entity(&webhook, &message, r);
    }
    if (status == OK) {
        status = wh_subscription_save(&webhook, &again, NULL, &message, r);
    }
    return status == OK ? wh_resource_answer_entity(r, &webhook, parameters)
                        : wh_answer_error(r, status, message);
}

int wh_resource_update(request_rec *r, const wh_path_t *path)
{
    apr_table_t *parameters;
    wh_webhook_t webhook, *stored;
    const char *message = NULL;
    int status, again, tries = 0;
    int read = wh_resource_read_query(&parameters, &message, r);

    if (read == OK) {
        read = read_entity(&webhook, &message, r);
    }
    do {
        const char *problem = NULL;

        again = 0;
        /* What is not there is told before what is wrong with the body. */
        status = wh_subscription_get(&stored, &problem, r, path->id);
        if (status == OK) {
            wh_subscription_set_validators(r, stored);
            status = wh_subscription_preconditions(&problem, r);
        }
        if (status == OK && read != OK) {
            return wh_answer_error(r, read, message);
        }
        if (status == OK) {
            status =
                wh_subscription_save(&webhook, &again, stored, &problem, r);
        }
        message = problem;
    } while (again && wh_subscription_try_again(&tries));
    return status == OK ? wh_resource_answer_entity(r, &webhook, parameters)
                        : wh_answer_error(r, status, message);
}

int wh_resource_delete(request_rec *r, const wh_path_t *path)
{
    wh_webhook_t *stored;
    const char *message = NULL;
    int status, tries = 0;

    do {
        status = wh_subscription_get(&stored, &message, r, path->id);
        if (status == OK) {
            wh_subscription_set_validators(r, stored);
            status = wh_subscription_preconditions(&message, r);
        }
        if (status == OK) {
            status =
                wh_subscription_delete(&message, r, path->id, stored->version);
        }
    } while (status == HTTP_CONFLICT && wh_subscription_try_again(&tries));
    if (status != OK) {
        return wh_answer_error(r, status, message);
    }
    apr_table_unset(r->headers_out, "ETag");
    apr_table_unset(r->headers_out, "Last-Modified");
    return wh_answer_empty(r);
}

int wh_resource_answer_last_error(request_rec *r, apr_int32_t id,
                                  int missing_is_null)
{
    wh_webhook_t *webhook;
    const char *message;
    int status = wh_subscription_get(&webhook, &message, r, id);
    json_t *text;

    if (status == HTTP_NOT_FOUND && missing_is_null) {
        return wh_answer_value(r, WH_ROOT_TEXT, json_null());
    }
    if (status != OK) {
        return wh_answer_error(r, status, message);
    }
    text = json_string(webhook->last_error ? webhook->last_error : "");
    return wh_answer_value(r, WH_ROOT_TEXT, text ? text : json_string(""));
}

int wh_resource_last_error(request_rec *r, const wh_path_t *path)
{
    return wh_resource_answer_last_error(r, path->id, 0);
}

int wh_resource_test(request_rec *r, const wh_path_t *path)
{
    wh_webhook_t webhook;
    const char *message = NULL;
    json_t *result = NULL;
    int status = read_entity(&webhook, &message, r);

    (void)path;
    if (status == OK) {
        status = wh_subscription_test(&result, &message, r, &webhook);
    }
    return status == OK ? wh_answer_value(r, WH_ROOT_RESULT, result)
                        : wh_answer_error(r, status, message);
}
