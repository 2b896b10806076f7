/* SPDX-License-Identifier: Apache-2.0 */
#include <httpd.h>
#include <http_log.h>
#include <stdlib.h>
#include <string.h>

#include "httpd_private.h"
#include "media/json.h"
#include "policy/event_name.h"
#include "request/answer.h"
#include "request/body.h"
#include "request/caller.h"
#include "request/resource.h"
#include "signal/child.h"

#define IDEMPOTENCY_KEY_MAX 255

static int is_key_valid(const char *key)
{
    apr_size_t length = strlen(key), i;

    if (length < 1 || length > IDEMPOTENCY_KEY_MAX) {
        return 0;
    }
    for (i = 0; i < length; i++) {
        if (key[i] <= ' ' || key[i] >= 0x7f) {
            return 0;
        }
    }
    return 1;
}

/* What names and headers say. NULL: in order. */
static const char *set_names(wh_signal_t *signal, request_rec *r,
                             const char *event_name, apr_int32_t primary_key)
{
    if (!wh_event_name_valid(event_name, strlen(event_name))) {
        return "The event name must be 1 to 128 letters, digits, \".\", "
               "\"_\" and \"-\".";
    }
    signal->event_name = event_name;
    signal->primary_key = primary_key;
    signal->idempotency_key = apr_table_get(r->headers_in, "Idempotency-Key");
    if (signal->idempotency_key && !is_key_valid(signal->idempotency_key)) {
        return "Idempotency-Key must be 1 to 255 visible ASCII characters.";
    }
    signal->context = wh_call_get(r)->context;
    signal->associate_id = wh_caller_associate(r);
    signal->user = r->user;
    return NULL;
}

static apr_status_t free_text(void *text)
{
    free(text);
    return APR_SUCCESS;
}

/* The members in the order in which they came: receivers see their names. */
static int set_data(wh_signal_t *signal, request_rec *r, const json_t *data)
{
    char *text;

    if (!data || json_is_null(data)) {
        return OK;
    }
    text = wh_json_dump(data, JSON_COMPACT);
    if (!text) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    apr_pool_cleanup_register(r->pool, text, free_text, apr_pool_cleanup_null);
    signal->data = text;
    signal->data_length = strlen(text);
    return OK;
}

static int answer_unavailable(request_rec *r, apr_status_t rv,
                              const wh_signal_t *signal)
{
    /* What fails in the storage the dispatcher logs, once and not for each
     * request. */
    ap_log_rerror(APLOG_MARK, rv == APR_TIMEUP ? APLOG_WARNING : APLOG_INFO, rv,
                  r, WHLOGNO(2001) "event %s is not accepted",
                  signal->event_name);
    if (rv != APR_TIMEUP) {
        return wh_answer_error(r, HTTP_SERVICE_UNAVAILABLE,
                               "The event is not accepted, because "
                               "it cannot be stored now.");
    }
    if (signal->idempotency_key) {
        return wh_answer_error(
            r, HTTP_SERVICE_UNAVAILABLE,
            "The outcome is unknown: the event may be stored or not. A "
            "repeat with the same Idempotency-Key is safe.");
    }
    return wh_answer_error(
        r, HTTP_SERVICE_UNAVAILABLE,
        "The outcome is unknown: the event may be stored or not, and a "
        "repeat may signal it twice. With an Idempotency-Key, a repeat "
        "with the same key is safe.");
}

static int answer_signal(request_rec *r, apr_status_t rv,
                         const wh_signal_t *signal,
                         const wh_signal_result_t *result)
{
    const char *message = result->message;

    switch (rv) {
    case APR_SUCCESS:
        if (result->event_id[0]) {
            apr_table_set(r->headers_out, "X-SuperOffice-EventId",
                          result->event_id);
        }
        return wh_answer_empty(r);
    case APR_EINVAL:
        return wh_answer_error(r, HTTP_BAD_REQUEST,
                               message ? message
                                       : "The event is not acceptable.");
    case APR_EEXIST:
        return wh_answer_error(r, HTTP_UNPROCESSABLE_ENTITY,
                               "This Idempotency-Key was used for another "
                               "event.");
    case APR_ENOSPC:
        return wh_answer_error(r, HTTP_REQUEST_ENTITY_TOO_LARGE,
                               "The event is larger than what is allowed.");
    default:
        return answer_unavailable(r, rv, signal);
    }
}

int wh_resource_signal_send(request_rec *r, const char *event_name,
                            apr_int32_t primary_key, const json_t *data)
{
    wh_signal_t signal = {0};
    wh_signal_result_t result = {{0}, 0, 0, NULL};
    const char *message = set_names(&signal, r, event_name, primary_key);
    apr_status_t rv;

    if (message) {
        return wh_answer_error(r, HTTP_BAD_REQUEST, message);
    }
    if (set_data(&signal, r, data) != OK) {
        return wh_answer_error(r, HTTP_INTERNAL_SERVER_ERROR,
                               "The data cannot be written as JSON.");
    }
    rv = wh_signal_send(&result, wh_child_channel(), &signal, r->pool);
    return answer_signal(r, rv, &signal, &result);
}

int wh_resource_signal(request_rec *r, const wh_path_t *path)
{
    apr_int32_t primary_key;
    const char *message = NULL;
    json_t *data;
    int texts, status;

    if (!wh_primary_key_parse(&primary_key, path->segments[1])) {
        return wh_answer_error(r, HTTP_BAD_REQUEST,
                               "The primary key must be a whole number of 32 "
                               "bits.");
    }
    status = wh_body_object(&data, &texts, &message, r);
    return status == OK ? wh_resource_signal_send(r, path->segments[0],
                                                  primary_key, data)
                        : wh_answer_error(r, status, message);
}
