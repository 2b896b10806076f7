/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kind "cloudevents": CloudEvents 1.0 over HTTP, structured or binary.
 */
#include <apr_network_io.h>
#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deliver/handshake.h"
#include "deliver/kind.h"
#include "deliver/kind_superoffice.h"
#include "deliver/payload.h"
#include "deliver/target.h"
#include "policy/event_name.h"

#define SOURCE_BEGIN "/webhook/"
#define STRUCTURED_HEAD                                                        \
    "Content-Type: application/cloudevents+json; charset=utf-8\n"
#define BINARY_HEAD "Content-Type: application/json\n"

/* The attributes of fixed length, an event's name, a time. */
#define FIXED_SIZE 512

static const char *const own_headers[] = {"ce-", "WebHook-Request-", NULL};

/* By ranges, not by ctype.h: another module may have set a locale. */
static int is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || (c && strchr("-._~", c));
}

/* In a header only these go as they are (HTTP binding, section 3.1.3.2). */
static int is_plain(unsigned char c)
{
    return c > ' ' && c < 0x7f && c != '"' && c != '%';
}

/* Three bytes for one at most, and a NUL. */
static char *encode(const char *begin, const char *text,
                    int (*stays)(unsigned char c))
{
    static const char digits[] = "0123456789ABCDEF";
    char *encoded = malloc(strlen(begin) + 3 * strlen(text) + 1);
    char *at = encoded;

    if (!encoded) {
        return NULL;
    }
    while (*begin) {
        *at++ = *begin++;
    }
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (stays(c)) {
            *at++ = *text;
        }
        else {
            *at++ = '%';
            *at++ = digits[c >> 4];
            *at++ = digits[c & 15];
        }
    }
    *at = '\0';
    return encoded;
}

/* 0 is no number: an attribute that is there is not empty, and this one says
 * nothing then. */
static const char *subject(char text[48], const char *before,
                           const wh_event_t *event, const char *after)
{
    if (!event->primary_key) {
        return "";
    }
    snprintf(text, 48, "%s%d%s", before, event->primary_key, after);
    return text;
}

static apr_status_t render_structured(wh_parcel_t *body,
                                      const wh_event_t *event,
                                      const char *source)
{
    apr_size_t size = FIXED_SIZE + strlen(source) + strlen(event->data);
    char *text = malloc(size);
    char timestamp[WH_TIMESTAMP_SIZE], number[48];
    apr_status_t rv;

    if (!text) {
        return APR_ENOMEM;
    }
    wh_payload_timestamp(timestamp, event->time);
    snprintf(text, size,
             "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"%s\","
             "\"type\":\"%s\",%s\"time\":\"%s\","
             "\"datacontenttype\":\"application/json\",\"associateid\":%d,"
             "\"data\":%s}",
             event->uuid, source, wh_event_name_shown(event->name),
             subject(number, "\"subject\":\"", event, "\","), timestamp,
             event->associate_id, event->data);
    rv = wh_parcel_create(body, STRUCTURED_HEAD, text, strlen(text));
    free(text);
    return rv;
}

static apr_status_t render_binary(wh_parcel_t *body, const wh_event_t *event,
                                  const char *source)
{
    char *value = encode("", source, is_plain);
    apr_size_t size = FIXED_SIZE + (value ? strlen(value) : 0);
    char *head = value ? malloc(size) : NULL;
    char timestamp[WH_TIMESTAMP_SIZE], number[48];
    apr_status_t rv = APR_ENOMEM;

    if (head) {
        wh_payload_timestamp(timestamp, event->time);
        snprintf(head, size,
                 BINARY_HEAD "ce-specversion: 1.0\nce-id: %s\nce-source: %s\n"
                             "ce-type: %s\n%sce-time: %s\nce-associateid: %d\n",
                 event->uuid, value, wh_event_name_shown(event->name),
                 subject(number, "ce-subject: ", event, "\n"), timestamp,
                 event->associate_id);
        rv = wh_parcel_create(body, head, event->data, strlen(event->data));
    }
    free(head);
    free(value);
    return rv;
}

static apr_status_t render(wh_parcel_t *body, const wh_attempt_t *attempt)
{
    const wh_options_t *options = &attempt->target->options;
    const wh_event_t *event = attempt->event;
    char *made = NULL;
    const char *source = options->cloudevents_source;
    apr_status_t rv = APR_ENOMEM;

    if (!source) {
        source = made = encode(SOURCE_BEGIN, event->context, is_unreserved);
    }
    if (source) {
        rv = options->cloudevents_binary
                 ? render_binary(body, event, source)
                 : render_structured(body, event, source);
    }
    free(made);
    return rv;
}

/* A receiver that has allowed an origin wants to see it again. */
static apr_status_t sign(wh_header_list_t *list, const wh_attempt_t *attempt)
{
    const wh_options_t *options = &attempt->target->options;
    char origin[WH_ORIGIN_SIZE];
    apr_status_t rv = APR_SUCCESS;

    if (options->cloudevents_handshake) {
        wh_handshake_origin(origin, options);
        rv = wh_header_list_add(list, "WebHook-Request-Origin: %s", origin);
    }
    return rv == APR_SUCCESS ? wh_kind_sign_superoffice(list, attempt) : rv;
}

const wh_kind_t wh_kind_cloudevents = {.name = "cloudevents",
                                       .own_headers = own_headers,
                                       .render = render,
                                       .sign = sign};
