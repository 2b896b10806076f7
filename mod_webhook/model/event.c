/* SPDX-License-Identifier: Apache-2.0 */
#include "model/event.h"

#include <apr_cstr.h>
#include <apr_atomic.h>
#include <apr_strings.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *place(char **at, const char *text)
{
    apr_size_t size = strlen(text) + 1;
    char *start = *at;

    memcpy(start, text, size);
    *at += size;
    return start;
}

wh_event_t *wh_event_create(const wh_event_t *fields)
{
    apr_size_t size = sizeof(wh_event_t) + strlen(fields->name) +
                      strlen(fields->context) + strlen(fields->changes) +
                      strlen(fields->data) + strlen(fields->idempotency) + 5;
    wh_event_t *event = malloc(size);
    char *at;

    if (!event) {
        return NULL;
    }
    *event = *fields;
    event->references = 1;
    event->scheduled = 0;
    event->size = size;
    at = (char *)(event + 1);
    event->name = place(&at, fields->name);
    event->context = place(&at, fields->context);
    event->changes = place(&at, fields->changes);
    event->data = place(&at, fields->data);
    event->idempotency = place(&at, fields->idempotency);
    return event;
}

wh_event_t *wh_event_retain(wh_event_t *event)
{
    apr_atomic_inc32(&event->references);
    return event;
}

void wh_event_release(wh_event_t *event)
{
    if (apr_atomic_dec32(&event->references) == 0) {
        free(event);
    }
}

const char *wh_event_changes(const char *data, apr_pool_t *pool)
{
    json_t *object = json_loads(data, 0, NULL);
    json_t *names, *value;
    const char *key, *result = NULL;
    char *text;

    if (!json_is_object(object)) {
        json_decref(object);
        return NULL;
    }
    names = json_array();
    json_object_foreach(object, key, value)
    {
        json_array_append_new(names, json_string(key));
    }
    text = json_dumps(names, JSON_COMPACT);
    if (text) {
        result = apr_pstrdup(pool, text);
        free(text);
    }
    json_decref(names);
    json_decref(object);
    return result;
}

wh_delivery_t *wh_delivery_create(wh_event_t *event, apr_int64_t id,
                                  apr_int32_t webhook_id)
{
    wh_delivery_t *delivery = calloc(1, sizeof(*delivery));

    if (delivery) {
        delivery->event = wh_event_retain(event);
        delivery->id = id;
        delivery->webhook_id = webhook_id;
    }
    return delivery;
}

void wh_delivery_destroy(wh_delivery_t *delivery)
{
    wh_event_release(delivery->event);
    free(delivery->body);
    free(delivery->answer);
    free(delivery);
}

static const char *const state_names[] = {[WH_DELIVERY_PENDING] = "pending",
                                          [WH_DELIVERY_DELIVERED] = "delivered",
                                          [WH_DELIVERY_FAILED] = "failed"};

#define STATE_COUNT (sizeof(state_names) / sizeof(state_names[0]))

const char *wh_delivery_state_name(wh_delivery_state_t state)
{
    return (unsigned int)state < STATE_COUNT ? state_names[state] : "unknown";
}

int wh_delivery_state_parse(int *state, const char *text)
{
    apr_size_t i;

    for (i = 0; i < STATE_COUNT; i++) {
        if (!apr_cstr_casecmp(state_names[i], text)) {
            *state = (int)i;
            return 1;
        }
    }
    return 0;
}

const char *wh_answer_body(const char *answer)
{
    const char *line = answer;
    const char *end;

    /* Lines end as the receiver ended them. */
    for (end = strchr(line, '\n'); end; end = strchr(line, '\n')) {
        if (end == line || (end == line + 1 && *line == '\r')) {
            return end + 1;
        }
        line = end + 1;
    }
    return NULL;
}
