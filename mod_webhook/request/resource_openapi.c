/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OpenAPI 3.1 document, made of the lists that the code itself works by:
 * operations, media types and members.
 */
#include <apr_strings.h>
#include <httpd.h>
#include <http_core.h>
#include <http_protocol.h>
#include <string.h>

#include "base/version.h"
#include "config/config.h"
#include "httpd_private.h"
#include "media/accept.h"
#include "media/media.h"
#include "policy/page.h"
#include "request/answer.h"
#include "request/caller.h"
#include "request/openapi.h"
#include "request/resource.h"

#define MEDIA_NAME(kind, name) name,
static const char *const request_types[] = {WH_MEDIA_TYPES(MEDIA_NAME)};
#undef MEDIA_NAME

#define FORMAT_NAME(symbol, name) name,
static const char *const answer_types[] = {WH_FORMATS(FORMAT_NAME)};
#undef FORMAT_NAME

/* What operations take and give: names of schemas, NULL: nothing. */
typedef struct shape_t {
    const char *request;
    const char *answer;
    int request_is_optional;
} shape_t;

static const shape_t shapes[WH_OPERATION_COUNT] = {
    [WH_OPERATION_DEFAULT] = {NULL, "Webhook", 0},
    [WH_OPERATION_OPENAPI] = {NULL, "Anything", 0},
    [WH_OPERATION_LIST] = {NULL, "Webhooks", 0},
    [WH_OPERATION_CREATE] = {"Webhook", "WebhookWithLinks", 0},
    [WH_OPERATION_TEST] = {"Webhook", "WebhookResult", 0},
    [WH_OPERATION_GET] = {NULL, "WebhookWithLinks", 0},
    [WH_OPERATION_UPDATE] = {"Webhook", "WebhookWithLinks", 0},
    [WH_OPERATION_PATCH] = {"Patch", "WebhookWithLinks", 0},
    [WH_OPERATION_DELETE] = {NULL, NULL, 0},
    [WH_OPERATION_LAST_ERROR] = {NULL, "Text", 0},
    [WH_OPERATION_DELIVERIES] = {NULL, "DeliveryList", 0},
    [WH_OPERATION_REPLAYS] = {NULL, "Replays", 0},
    [WH_OPERATION_REPLAY_START] = {"ReplayArguments", "Replay", 1},
    [WH_OPERATION_EVENT_DELIVERIES] = {NULL, "DeliveryList", 0},
    [WH_OPERATION_DELIVERY] = {NULL, "DeliveryWithAttempts", 0},
    [WH_OPERATION_DELIVERY_REPLAY] = {NULL, NULL, 0},
    [WH_OPERATION_REPLAY] = {NULL, "Replay", 0},
    [WH_OPERATION_REPLAY_CANCEL] = {NULL, NULL, 0},
    [WH_OPERATION_SIGNAL] = {"Data", NULL, 1},
    [WH_OPERATION_AGENT_DEFAULT] = {NULL, "Webhook", 0},
    [WH_OPERATION_AGENT_SAVE] = {"Webhook", "Webhook", 0},
    [WH_OPERATION_AGENT_GET] = {NULL, "WebhookOrNull", 0},
    [WH_OPERATION_AGENT_DELETE] = {NULL, NULL, 0},
    [WH_OPERATION_AGENT_LIST] = {"Filters", "Webhooks", 1},
    [WH_OPERATION_AGENT_TEST] = {"TestArguments", "WebhookResult", 0},
    [WH_OPERATION_AGENT_SIGNAL] = {"SignalArguments", NULL, 0},
    [WH_OPERATION_AGENT_LAST_ERROR] = {"IdArguments", "Text", 0},
};

static json_t *content(const char *const *types, size_t count, const char *name,
                       apr_pool_t *pool)
{
    json_t *object = json_object();
    size_t i;

    for (i = 0; i < count; i++) {
        json_object_set_new(
            object, types[i],
            json_pack("{s:o}", "schema",
                      wh_openapi_reference("schemas", name, pool)));
    }
    return object;
}

static json_t *answer_content(const char *name, apr_pool_t *pool)
{
    return content(answer_types, sizeof(answer_types) / sizeof(answer_types[0]),
                   name, pool);
}

/* What the parameters of paths and queries are, by their names. */
static json_t *parameter_schema(const char *name)
{
    static const char *const numbers[] = {"id", "primaryKey", "webhookId"};
    static const char *const ids[] = {"deliveryId", "replayId"};
    static const char *const times[] = {"from", "to"};
    size_t i;

    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (!strcmp(name, numbers[i])) {
            return wh_openapi_int32();
        }
    }
    for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        if (!strcmp(name, ids[i])) {
            return wh_openapi_id();
        }
    }
    for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        if (!strcmp(name, times[i])) {
            return json_pack("{s:s, s:s}", "type", "string", "format",
                             "date-time");
        }
    }
    if (!strcmp(name, "limit")) {
        return json_pack("{s:s, s:i, s:i, s:i}", "type", "integer", "minimum",
                         1, "maximum", WH_PAGE_MAX, "default", WH_PAGE_DEFAULT);
    }
    if (!strcmp(name, "state")) {
        return json_pack("{s:s, s:[s, s, s]}", "type", "string", "enum",
                         "pending", "delivered", "failed");
    }
    return json_pack("{s:s}", "type", "string");
}

static json_t *parameter(const char *name, const char *where)
{
    return json_pack("{s:s, s:s, s:b, s:o}", "name", name, "in", where,
                     "required", !strcmp(where, "path"), "schema",
                     parameter_schema(name));
}

/* What stands in braces in a path. */
static void add_path_parameters(json_t *list, const char *path,
                                apr_pool_t *pool)
{
    const char *open, *close;

    for (open = strchr(path, '{'); open; open = strchr(close, '{')) {
        const char *name;

        close = strchr(open, '}');
        name = apr_pstrmemdup(pool, open + 1, (apr_size_t)(close - open) - 1);
        json_array_append_new(list, parameter(name, "path"));
    }
}

static void add_query_parameters(json_t *list, const wh_operation_t *operation)
{
    static const struct {
        wh_operation_id_t operation;
        const char *name;
    } queries[] = {
        {WH_OPERATION_LIST, "nameFilter"},
        {WH_OPERATION_LIST, "eventFilter"},
        {WH_OPERATION_LIST, "statusFilter"},
        {WH_OPERATION_CREATE, "$select"},
        {WH_OPERATION_GET, "$select"},
        {WH_OPERATION_UPDATE, "$select"},
        {WH_OPERATION_PATCH, "$select"},
        {WH_OPERATION_DELIVERIES, "state"},
        {WH_OPERATION_DELIVERIES, "event"},
        {WH_OPERATION_DELIVERIES, "from"},
        {WH_OPERATION_DELIVERIES, "to"},
        {WH_OPERATION_DELIVERIES, "limit"},
        {WH_OPERATION_DELIVERIES, "cursor"},
        {WH_OPERATION_EVENT_DELIVERIES, "state"},
        {WH_OPERATION_EVENT_DELIVERIES, "limit"},
        {WH_OPERATION_EVENT_DELIVERIES, "cursor"},
        {WH_OPERATION_AGENT_GET, "$select"},
        {WH_OPERATION_AGENT_GET, "webhookId"},
        {WH_OPERATION_AGENT_DELETE, "webhookId"},
        {WH_OPERATION_AGENT_LIST, "$select"},
    };
    size_t i;

    for (i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        if (queries[i].operation == operation->id) {
            json_array_append_new(list, parameter(queries[i].name, "query"));
        }
    }
}

/* Statuses come as "200 404". */
static void add_answers(json_t *answers, const wh_operation_t *operation,
                        const char *statuses, const char *schema,
                        apr_pool_t *pool)
{
    char *rest = NULL;
    char *status = apr_strtok(apr_pstrdup(pool, statuses), " ", &rest);

    for (; status; status = apr_strtok(NULL, " ", &rest)) {
        int number = atoi(status);
        const char *line = ap_get_status_line(number);
        json_t *answer = json_pack("{s:s}", "description", line + 4);
        const char *name = number >= HTTP_BAD_REQUEST ? "Error" : schema;
        json_t *headers;

        if (name && number != HTTP_NO_CONTENT) {
            json_object_set_new(answer, "content", answer_content(name, pool));
        }
        headers = wh_openapi_answer_headers(operation, number, name, pool);
        if (headers) {
            json_object_set_new(answer, "headers", headers);
        }
        json_object_set_new(answers, status, answer);
    }
}

static json_t *describe(const wh_operation_t *operation, apr_pool_t *pool)
{
    const shape_t *shape = &shapes[operation->id];
    json_t *parameters = json_array();
    json_t *answers = json_object();
    json_t *description = json_pack(
        "{s:s, s:s, s:[s], s:o, s:o}", "operationId",
        apr_pstrcat(pool,
                    operation->form == WH_FORM_REST ? "v1Webhook_"
                                                    : "v1WebhookAgent_",
                    operation->name, NULL),
        "summary", operation->summary, "tags",
        operation->form == WH_FORM_REST ? "Webhook" : "WebhookAgent",
        "parameters", parameters, "responses", answers);

    add_path_parameters(parameters, operation->path, pool);
    add_query_parameters(parameters, operation);
    wh_openapi_add_parameters(parameters, operation, pool);
    add_answers(answers, operation, operation->statuses, shape->answer, pool);
    add_answers(answers, operation, WH_STATUSES_OF_ALL, NULL, pool);
    if (shape->request) {
        json_object_set_new(
            description, "requestBody",
            json_pack("{s:b, s:o}", "required", !shape->request_is_optional,
                      "content",
                      content(request_types,
                              sizeof(request_types) / sizeof(request_types[0]),
                              shape->request, pool)));
    }
    return description;
}

static json_t *paths(apr_pool_t *pool)
{
    json_t *all = json_object();
    int i;

    for (i = 0; i < WH_OPERATION_COUNT; i++) {
        const wh_operation_t *operation = &wh_operations[i];
        const char *path = apr_pstrcat(
            pool, wh_path_resource(operation->form),
            strcmp(operation->path, "/") ? operation->path : "", NULL);
        char *method = apr_pstrdup(pool, operation->method);

        ap_str_tolower(method);
        if (!json_object_get(all, path)) {
            json_object_set_new(all, path, json_object());
        }
        json_object_set_new(json_object_get(all, path), method,
                            describe(operation, pool));
    }
    return all;
}

/* The application is told beside the user, or comes with his token. */
static json_t *security(void)
{
    return json_pack("[{s:[]}, {s:[]}, {s:[]}, {s:[], s:[]}, {s:[], s:[]}, "
                     "{s:[], s:[]}]",
                     "Basic", "Bearer", "SoTicket", "Basic", "SoAppToken",
                     "Bearer", "SoAppToken", "SoTicket", "SoAppToken");
}

static json_t *security_schemes(void)
{
    return json_pack("{s:{s:s, s:s}, s:{s:s, s:s}, s:{s:s, s:s, s:s}, "
                     "s:{s:s, s:s, s:s}}",
                     "Basic", "type", "http", "scheme", "basic", "Bearer",
                     "type", "http", "scheme", "bearer", "SoTicket", "type",
                     "apiKey", "in", "header", "name", "Authorization",
                     "SoAppToken", "type", "apiKey", "in", "header", "name",
                     "SO-AppToken");
}

static json_t *components(apr_pool_t *pool)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "schemas",
                     wh_openapi_schemas(pool), "parameters",
                     wh_openapi_parameters(), "headers", wh_openapi_headers(),
                     "securitySchemes", security_schemes());
}

int wh_resource_openapi(request_rec *r, const wh_path_t *path)
{
    const char *here = wh_call_get(r)->resource_path;
    apr_size_t length = strlen(here) - strlen(WH_REST_RESOURCE);
    const char *base =
        wh_resource_url(r, apr_pstrmemdup(r->pool, here, length));

    (void)path;
    return wh_answer_value(
        r, "OpenApi",
        json_pack("{s:s, s:{s:s, s:s}, s:[{s:s}], s:o, s:o, s:o}", "openapi",
                  "3.1.0", "info", "title", "mod_webhook", "version",
                  WH_VERSION, "servers", "url", base, "paths", paths(r->pool),
                  "components", components(r->pool), "security", security()));
}
