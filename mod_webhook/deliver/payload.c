/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/payload.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/json.h"
#include "policy/event_name.h"
#include "policy/header.h"
#include "policy/options.h"

/* Longest text that the fixed members and their values can take, without the
 * texts of variable length. */
#define FIXED_SIZE 336

void wh_payload_timestamp(char text[WH_TIMESTAMP_SIZE], apr_time_t time)
{
    apr_time_exp_t utc;
    int length;

    apr_time_exp_gmt(&utc, time);
    length = snprintf(text, WH_TIMESTAMP_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d",
                      utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                      utc.tm_hour, utc.tm_min, utc.tm_sec);
    if (utc.tm_usec) {
        length += snprintf(text + length, (size_t)(WH_TIMESTAMP_SIZE - length),
                           ".%06d", utc.tm_usec);
        while (text[length - 1] == '0') {
            length--;
        }
    }
    snprintf(text + length, (size_t)(WH_TIMESTAMP_SIZE - length), "Z");
}

/* Those that are the webhook's own to be passed on. */
static void add_properties(json_t *members, const char *properties)
{
    json_t *all = properties ? json_loads(properties, 0, NULL) : NULL;
    json_t *value;
    const char *name;

    json_object_foreach(all, name, value)
    {
        if (!wh_property_refusal(name) && !wh_options_is_member(name)) {
            json_object_set(members, name, value);
        }
    }
    json_decref(all);
}

static json_t *tail_members(const char *webhook_name, const char *properties)
{
    json_t *members = json_object();
    json_t *named = json_string(webhook_name ? webhook_name : "");

    /* A row written by hand may hold what is no UTF-8. */
    json_object_set_new(members, "WebhookName",
                        named ? named : json_string(""));
    add_properties(members, properties);
    return members;
}

char *wh_payload_tail(const char *webhook_name, const char *properties)
{
    json_t *members = tail_members(webhook_name, properties);
    char *text = wh_json_dump(members, JSON_COMPACT);

    json_decref(members);
    if (text) {
        text[0] = ','; /* the brace opens before the event's members */
    }
    return text;
}

char *wh_payload_properties(const char *properties)
{
    json_t *members = json_object();
    char *text;

    add_properties(members, properties);
    text = wh_json_dump(members, JSON_COMPACT);
    json_decref(members);
    return text;
}

char *wh_payload_render(apr_size_t *length, const wh_event_t *event,
                        const char *values, const char *context_json,
                        const char *tail)
{
    const char *name = wh_event_name_shown(event->name);
    char timestamp[WH_TIMESTAMP_SIZE];
    apr_size_t size = FIXED_SIZE + strlen(event->changes) + 2 * strlen(name) +
                      (values ? strlen(values) : 0) + strlen(context_json) +
                      strlen(tail);
    char *body = malloc(size);
    int written;

    if (!body) {
        return NULL;
    }
    wh_payload_timestamp(timestamp, event->time);
    written =
        snprintf(body, size,
                 "{\"EventId\":\"%s\",\"Timestamp\":\"%s\","
                 "\"Changes\":%s%s%s,\"Event\":\"%s\",\"PrimaryKey\":%d,"
                 "\"Entity\":\"%.*s\",\"ContextIdentifier\":%s,"
                 "\"ChangedByAssociateId\":%d%s",
                 event->uuid, timestamp, event->changes,
                 values ? ",\"Values\":" : "", values ? values : "", name,
                 event->primary_key, (int)wh_event_name_entity_length(name),
                 name, context_json, event->associate_id, tail);
    *length = (apr_size_t)written;
    return body;
}
