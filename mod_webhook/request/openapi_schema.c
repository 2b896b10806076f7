/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "model/webhook_json.h"
#include "request/openapi.h"

json_t *wh_openapi_reference(const char *kind, const char *name,
                             apr_pool_t *pool)
{
    return json_pack("{s:s}", "$ref",
                     apr_pstrcat(pool, "#/components/", kind, "/", name, NULL));
}

json_t *wh_openapi_int32(void)
{
    return json_pack("{s:s, s:s}", "type", "integer", "format", "int32");
}

static json_t *linked_webhook(void)
{
    json_t *schema = wh_webhook_json_schema();

    json_object_set_new(json_object_get(schema, "properties"), "_Links",
                        json_pack("{s:s, s:{s:s}, s:b}", "type", "object",
                                  "additionalProperties", "type", "string",
                                  "readOnly", 1));
    return schema;
}

static json_t *body_schemas(apr_pool_t *pool)
{
    json_t *all = json_pack(
        "{s:o, s:o, s:{s:s, s:o}, s:{s:[o, {s:s}]}, s:{s:s}, s:{s:s}, s:{}}",
        "Webhook", wh_webhook_json_schema(), "WebhookWithLinks",
        linked_webhook(), "Webhooks", "type", "array", "items",
        wh_openapi_reference("schemas", "Webhook", pool), "WebhookOrNull",
        "anyOf", wh_openapi_reference("schemas", "Webhook", pool), "type",
        "null", "Text", "type", "string", "Data", "type", "object", "Anything");

    json_object_set_new(all, "Patch",
                        json_pack("{s:[{s:s}, {s:s, s:{s:s}}]}", "anyOf",
                                  "type", "object", "type", "array", "items",
                                  "type", "object"));
    json_object_set_new(
        all, "WebhookResult",
        json_pack("{s:s, s:{s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s}}}", "type",
                  "object", "properties", "Success", "type", "boolean",
                  "Message", "type", "string", "TableRight", "type", "null",
                  "FieldProperties", "type", "object"));
    json_object_set_new(
        all, "Error",
        json_pack("{s:s, s:{s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s}}}",
                  "type", "object", "properties", "Error", "type", "boolean",
                  "ErrorType", "type", "string", "Message", "type", "string",
                  "ErrorMessage", "type", "string", "ErrorSource", "type",
                  "string"));
    return all;
}

static void add_argument_schemas(json_t *all, apr_pool_t *pool)
{
    json_object_set_new(all, "Filters",
                        json_pack("{s:[s,s], s:{s:{}, s:{}, s:{}}}", "type",
                                  "object", "null", "properties", "NameFilter",
                                  "EventFilter", "StatusFilter"));
    json_object_set_new(
        all, "TestArguments",
        json_pack("{s:s, s:{s:o}}", "type", "object", "properties", "Webhook",
                  wh_openapi_reference("schemas", "Webhook", pool)));
    json_object_set_new(all, "SignalArguments",
                        json_pack("{s:s, s:[s], s:{s:{s:s}, s:o, s:{s:[s,s]}}}",
                                  "type", "object", "required", "EventName",
                                  "properties", "EventName", "type", "string",
                                  "PrimaryKey", wh_openapi_int32(), "Data",
                                  "type", "object", "null"));
    json_object_set_new(all, "IdArguments",
                        json_pack("{s:s, s:{s:o}}", "type", "object",
                                  "properties", "WebhookId",
                                  wh_openapi_int32()));
}

json_t *wh_openapi_schemas(apr_pool_t *pool)
{
    json_t *all = body_schemas(pool);

    add_argument_schemas(all, pool);
    return all;
}
