/* SPDX-License-Identifier: Apache-2.0 */
#include "request/openapi.h"

#include <apr_strings.h>
#include <string.h>

/* Which operations look at a header of the request. */
typedef enum { LOOK_ALL, LOOK_CHANGING, LOOK_KEY, LOOK_CONDITION } look_t;

static const struct {
    const char *name;
    look_t look;
    int most; /* characters, 0: no bound */
    const char *description;
} request_headers[] = {
    {"SO-AppToken", LOOK_ALL, 0,
     "The secret of a registered application, which then sees only its own "
     "webhooks"},
    {"X-XSRF-TOKEN", LOOK_CHANGING, 0,
     "The value of the cookie XSRF-TOKEN; needed without an Authorization "
     "header"},
    {"Idempotency-Key", LOOK_KEY, 255,
     "Visible ASCII characters; a repeat with the same key signals no second "
     "event"},
    {"If-Match", LOOK_CONDITION, 0,
     "ETags, one of which the webhook must have, or *"},
    {"If-None-Match", LOOK_CONDITION, 0,
     "ETags, none of which the webhook may have, or *"},
    {"If-Unmodified-Since", LOOK_CONDITION, 0,
     "An HTTP date; does not count beside If-Match"}};

/* A header of answers: with one of the statuses, and if they are set, of
 * operations with this scope or method, or with a body of this schema. */
typedef struct answer_header_t {
    const char *name;
    const char *statuses;
    int scope;
    const char *method;
    const char *schema;
    const char *description;
} answer_header_t;

static const answer_header_t answer_headers[] = {
    {"ETag", "200", 0, NULL, "WebhookWithLinks",
     "Changes with each change of the webhook, not with its counters"},
    {"Last-Modified", "200", 0, NULL, "WebhookWithLinks",
     "When the webhook was changed last"},
    {"X-SuperOffice-EventId", "204", WH_SCOPE_SIGNAL, NULL, NULL,
     "The id that the event's callbacks have"},
    {"Link", "200", 0, NULL, "DeliveryList",
     "The next page, if there is one: <URL>; rel=\"next\""},
    {"Location", "202", 0, NULL, "Replay", "Where the replay is to be seen"},
    {"WWW-Authenticate", "401 403", 0, NULL, NULL,
     "How to authenticate, or which scope a token lacks"},
    {"Allow", "405", 0, NULL, NULL, "The methods of this path"},
    {"Accept-Encoding", "415", 0, NULL, NULL,
     "Which codings a body may have, if it had another"},
    {"Accept-Patch", "415", 0, "PATCH", NULL,
     "Media types of patches that are taken"},
    {"Retry-After", "429 503", 0, NULL, NULL, "Seconds to wait"}};

#define COUNT(table) (sizeof(table) / sizeof(table[0]))

json_t *wh_openapi_parameters(void)
{
    json_t *all = json_object();
    size_t i;

    for (i = 0; i < COUNT(request_headers); i++) {
        json_t *schema = json_pack("{s:s}", "type", "string");

        if (request_headers[i].most) {
            json_object_set_new(schema, "minLength", json_integer(1));
            json_object_set_new(schema, "maxLength",
                                json_integer(request_headers[i].most));
        }
        json_object_set_new(all, request_headers[i].name,
                            json_pack("{s:s, s:s, s:b, s:s, s:o}", "name",
                                      request_headers[i].name, "in", "header",
                                      "required", 0, "description",
                                      request_headers[i].description, "schema",
                                      schema));
    }
    return all;
}

json_t *wh_openapi_headers(void)
{
    json_t *all = json_object();
    size_t i;

    for (i = 0; i < COUNT(answer_headers); i++) {
        int is_number = !strcmp(answer_headers[i].name, "Retry-After");

        json_object_set_new(all, answer_headers[i].name,
                            json_pack("{s:s, s:{s:s}}", "description",
                                      answer_headers[i].description, "schema",
                                      "type",
                                      is_number ? "integer" : "string"));
    }
    return all;
}

/* The statuses tell what an operation looks at. */
static int looks_at(const wh_operation_t *operation, look_t look)
{
    switch (look) {
    case LOOK_CHANGING:
        return strcmp(operation->method, "GET") != 0;
    case LOOK_KEY:
        return strstr(operation->statuses, "422") != NULL;
    case LOOK_CONDITION:
        return strstr(operation->statuses, "412") != NULL;
    case LOOK_ALL:
        break;
    }
    return 1;
}

void wh_openapi_add_parameters(json_t *parameters,
                               const wh_operation_t *operation,
                               apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < COUNT(request_headers); i++) {
        if (looks_at(operation, request_headers[i].look)) {
            json_array_append_new(
                parameters, wh_openapi_reference(
                                "parameters", request_headers[i].name, pool));
        }
    }
}

static int comes_with(const answer_header_t *header,
                      const wh_operation_t *operation, const char *status,
                      const char *schema)
{
    return strstr(header->statuses, status) &&
           (!header->scope || header->scope == operation->scope) &&
           (!header->method || !strcmp(header->method, operation->method)) &&
           (!header->schema || (schema && !strcmp(header->schema, schema)));
}

json_t *wh_openapi_answer_headers(const wh_operation_t *operation, int status,
                                  const char *schema, apr_pool_t *pool)
{
    const char *text = apr_itoa(pool, status);
    json_t *headers = NULL;
    size_t i;

    for (i = 0; i < COUNT(answer_headers); i++) {
        const char *name = answer_headers[i].name;

        if (comes_with(&answer_headers[i], operation, text, schema)) {
            headers = headers ? headers : json_object();
            json_object_set_new(headers, name,
                                wh_openapi_reference("headers", name, pool));
        }
    }
    return headers;
}
