/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kind "standardwebhooks": Standard Webhooks 1.0.
 */
#include <apr_strings.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deliver/kind.h"
#include "deliver/payload.h"
#include "media/json.h"
#include "policy/event_name.h"
#include "policy/sign.h"

#define HEAD "Content-Type: application/json\n"

/* The members around the data: their names, an event's name, a time. */
#define FIXED_SIZE 256

/* Digits of a time in seconds, and the two points. */
#define CONTENT_EXTRA (WH_UUID_SIZE + 24)

static const char *const own_headers[] = {"webhook-", NULL};

static const char *secret_refusal(const wh_kind_t *kind, const char *secret,
                                  apr_pool_t *pool)
{
    (void)kind;
    (void)pool;
    return wh_sign_standard_refusal(secret);
}

/* What tells which thing the event is about. A member of the event's data that
 * bears one of these names gives way: receivers rely on them. */
static char *data_text(const wh_event_t *event)
{
    const char *name = wh_event_name_shown(event->name);
    json_t *data = json_loads(event->data, 0, NULL);
    char *text;

    data = json_is_object(data) ? data : json_object();
    json_object_set_new(data, "PrimaryKey", json_integer(event->primary_key));
    json_object_set_new(
        data, "Entity",
        json_stringn(name, (size_t)wh_event_name_entity_length(name)));
    json_object_set_new(data, "ContextIdentifier", json_string(event->context));
    json_object_set_new(data, "ChangedByAssociateId",
                        json_integer(event->associate_id));
    text = wh_json_dump(data, JSON_COMPACT);
    json_decref(data);
    return text;
}

static apr_status_t render(wh_parcel_t *body, const wh_attempt_t *attempt)
{
    const wh_event_t *event = attempt->event;
    char timestamp[WH_TIMESTAMP_SIZE];
    char *data = data_text(event);
    apr_size_t size = FIXED_SIZE + (data ? strlen(data) : 0);
    char *text = data ? malloc(size) : NULL;
    apr_status_t rv = APR_ENOMEM;

    if (text) {
        wh_payload_timestamp(timestamp, event->time);
        snprintf(text, size,
                 "{\"type\":\"%s\",\"timestamp\":\"%s\",\"data\":%s}",
                 wh_event_name_shown(event->name), timestamp, data);
        rv = wh_parcel_create(body, HEAD, text, strlen(text));
    }
    free(text);
    free(data);
    return rv;
}

/* All signatures in one value, parted by blanks. */
static apr_status_t sign_content(char *value, const wh_attempt_t *attempt,
                                 const char *content, apr_size_t length)
{
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; i < attempt->secret_count && rv == APR_SUCCESS; i++) {
        if (i > 0) {
            *value++ = ' ';
        }
        rv = wh_sign_standard(value, attempt->secrets[i], content, length);
        if (rv == APR_SUCCESS) {
            value += strlen(value);
        }
    }
    return rv;
}

/* The id is the same on every attempt, the time that of this one. */
static apr_status_t sign(wh_header_list_t *list, const wh_attempt_t *attempt)
{
    char value[WH_KIND_SECRETS_MAX * WH_STANDARD_SIGNATURE_SIZE + 1];
    const char *id = attempt->event->uuid;
    apr_int64_t seconds = apr_time_sec(attempt->now);
    apr_size_t size = CONTENT_EXTRA + attempt->length;
    char *content;
    apr_status_t rv;
    int head;

    if (!attempt->secret_count) {
        return APR_ENOENT;
    }
    content = malloc(size);
    if (!content) {
        return APR_ENOMEM;
    }
    head = snprintf(content, size, "%s.%" APR_INT64_T_FMT ".", id, seconds);
    memcpy(content + head, attempt->body, attempt->length);
    rv = sign_content(value, attempt, content,
                      (apr_size_t)head + attempt->length);
    free(content);
    if (rv == APR_SUCCESS) {
        rv = wh_header_list_add(list, "webhook-id: %s", id);
    }
    if (rv == APR_SUCCESS) {
        rv = wh_header_list_add(list, "webhook-timestamp: %" APR_INT64_T_FMT,
                                seconds);
    }
    return rv == APR_SUCCESS
               ? wh_header_list_add(list, "webhook-signature: %s", value)
               : rv;
}

const wh_kind_t wh_kind_standard = {.name = "standardwebhooks",
                                    .own_headers = own_headers,
                                    .needs_secret = 1,
                                    .secret_refusal = secret_refusal,
                                    .render = render,
                                    .sign = sign};
