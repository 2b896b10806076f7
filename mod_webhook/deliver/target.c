/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/target.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "deliver/message.h"
#include "deliver/payload.h"
#include "policy/header.h"

static int append(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);

    if (longer) {
        *list = longer;
    }
    return longer != NULL;
}

static int append_custom(struct curl_slist **list, const char *name,
                         const char *value)
{
    apr_size_t size = strlen(name) + strlen(value) + 3;
    char *line = malloc(size);
    int done;

    if (!line) {
        return 0;
    }
    /* "Name:" would make libcurl take a header away, "Name;" sends it empty. */
    snprintf(line, size, *value ? "%s: %s" : "%s;", name, value);
    done = append(list, line);
    free(line);
    return done;
}

/* Rules may have become stricter since the webhook was saved, and a row may
 * have been written by hand: each header is judged again. */
static int build_headers(wh_target_t *target, const char *text)
{
    json_t *headers = text ? json_loads(text, 0, NULL) : NULL;
    json_t *value;
    const char *name;
    int done = 1;

    json_object_foreach(headers, name, value)
    {
        const char *string = json_string_value(value);

        if (string && !wh_header_refusal(name, string) &&
            !wh_kind_owns_header(target->kind, name)) {
            done = done && append_custom(&target->headers, name, string);
        }
    }
    json_decref(headers);
    /* Bodies are small: waiting for "100 Continue" only costs a round trip. */
    return done && append(&target->headers, "Expect:");
}

/* Most webhooks have none, and a pool is some kilobytes. */
static apr_status_t read_options(wh_target_t *target, const char *properties)
{
    apr_status_t rv;

    if (!properties || !strcasestr(properties, WH_OPTIONS_MEMBER)) {
        return APR_SUCCESS;
    }
    rv = wh_pool_create(&target->pool, "webhook_target", 0);
    if (rv == APR_SUCCESS) {
        /* What is not in order was written by hand: the default counts. */
        (void)wh_options_read(&target->options, properties, target->pool);
    }
    return rv;
}

static char *json_text(const char *text)
{
    json_t *value = json_string(text);
    char *result = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;

    json_decref(value);
    return result;
}

/* Kinds of other modules make what they like of the webhook. */
static int keep_for_added(wh_target_t *target, const wh_webhook_t *webhook)
{
    if (!target->kind || !target->kind->baton) {
        return 1;
    }
    target->name = strdup(webhook->name ? webhook->name : "");
    target->properties = wh_payload_properties(webhook->properties);
    return target->name && target->properties;
}

wh_target_t *wh_target_create(const wh_webhook_t *webhook)
{
    wh_target_t *target = calloc(1, sizeof(*target));

    if (!target) {
        return NULL;
    }
    target->message.kind = WH_MESSAGE_TARGET;
    target->references = 1;
    target->webhook_id = webhook->id;
    target->active = webhook->state == WH_STATE_ACTIVE;
    target->failures = webhook->consecutive_errors;
    target->proven = webhook->total_calls > 0 && !webhook->consecutive_errors;
    target->kind = wh_kind_find(webhook->type);
    /* The same judgement as when it was saved: a row may have been written by
     * hand. */
    target->refusal = wh_url_parse(&target->url, webhook->target_url);
    target->context_json = json_text(webhook->context);
    target->payload_tail = wh_payload_tail(webhook->name, webhook->properties);
    if (webhook->secret && webhook->secret[0]) {
        target->secret = strdup(webhook->secret);
    }
    if (wh_url_is_shortage(target->refusal) || !target->context_json ||
        !target->payload_tail || !keep_for_added(target, webhook) ||
        (webhook->secret && webhook->secret[0] && !target->secret) ||
        !build_headers(target, webhook->headers) ||
        read_options(target, webhook->properties) != APR_SUCCESS) {
        wh_target_release(target);
        return NULL;
    }
    return target;
}

wh_target_t *wh_target_create_removed(apr_int32_t webhook_id)
{
    wh_target_t *target = calloc(1, sizeof(*target));

    if (target) {
        target->message.kind = WH_MESSAGE_TARGET;
        target->references = 1;
        target->webhook_id = webhook_id;
        target->removed = 1;
    }
    return target;
}

void wh_target_retain(wh_target_t *target)
{
    target->references++;
}

void wh_target_release(wh_target_t *target)
{
    if (--target->references > 0) {
        return;
    }
    curl_slist_free_all(target->headers);
    wh_url_free(&target->url);
    free(target->secret);
    free(target->context_json);
    free(target->payload_tail);
    free(target->name);
    free(target->properties);
    if (target->pool) {
        apr_pool_destroy(target->pool);
    }
    free(target);
}
