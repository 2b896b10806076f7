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

json_t *wh_openapi_id(void)
{
    return json_pack("{s:s, s:s}", "type", "string", "pattern", "^[0-9]+$");
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

static json_t *typed(const char *type)
{
    return json_pack("{s:s}", "type", type);
}

static json_t *text_or_null(void)
{
    return json_pack("{s:[s, s]}", "type", "string", "null");
}

static json_t *number_or_null(void)
{
    return json_pack("{s:[s, s]}", "type", "integer", "null");
}

static json_t *time_or_null(void)
{
    return json_pack("{s:[s, s], s:s}", "type", "string", "null", "format",
                     "date-time");
}

static json_t *object_of(json_t *properties)
{
    return json_pack("{s:s, s:o}", "type", "object", "properties", properties);
}

static json_t *list_of(const char *name, apr_pool_t *pool)
{
    return json_pack("{s:s, s:o}", "type", "array", "items",
                     wh_openapi_reference("schemas", name, pool));
}

static json_t *delivery_properties(void)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:{s:[s, s, s]}, s:o, s:o}",
                     "Id", wh_openapi_id(), "Created", time_or_null(),
                     "EventId", typed("string"), "Event", typed("string"),
                     "WebhookId", wh_openapi_int32(), "State", "enum",
                     "pending", "delivered", "failed", "Attempts",
                     typed("integer"), "Due", time_or_null());
}

static void add_delivery_schemas(json_t *all, apr_pool_t *pool)
{
    json_t *whole = delivery_properties();

    json_object_set_new(whole, "AttemptList", list_of("Attempt", pool));
    json_object_set_new(all, "Delivery", object_of(delivery_properties()));
    json_object_set_new(all, "DeliveryWithAttempts", object_of(whole));
    json_object_set_new(all, "DeliveryList",
                        object_of(json_pack("{s:o, s:o}", "Deliveries",
                                            list_of("Delivery", pool), "Next",
                                            text_or_null())));
    json_object_set_new(
        all, "Attempt",
        object_of(
            json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
                      "s:o}",
                      "Id", wh_openapi_id(), "DeliveryId", wh_openapi_id(),
                      "Number", typed("integer"), "Started", time_or_null(),
                      "Seconds", typed("number"), "Address", text_or_null(),
                      "Status", typed("integer"), "Error", text_or_null(),
                      "Headers", text_or_null(), "Body", text_or_null())));
}

static void add_replay_schemas(json_t *all, apr_pool_t *pool)
{
    json_object_set_new(
        all, "Replay",
        object_of(json_pack(
            "{s:o, s:o, s:{s:[s, s, s, s]}, s:o, s:o, s:o, s:o, s:o, s:o, "
            "s:o, s:o}",
            "Id", wh_openapi_id(), "WebhookId", wh_openapi_int32(), "State",
            "enum", "counting", "running", "done", "cancelled", "From",
            time_or_null(), "To", time_or_null(), "OnlyFailed",
            typed("boolean"), "Total", number_or_null(), "Done",
            typed("integer"), "Created", time_or_null(), "CreatedBy",
            typed("string"), "Updated", time_or_null())));
    json_object_set_new(all, "Replays", list_of("Replay", pool));
    json_object_set_new(all, "ReplayArguments",
                        json_pack("{s:[s, s], s:{s:o, s:o, s:{s:s, s:b}}, s:b}",
                                  "type", "object", "null", "properties",
                                  "From", time_or_null(), "To", time_or_null(),
                                  "OnlyFailed", "type", "boolean", "default", 1,
                                  "additionalProperties", 0));
}

json_t *wh_openapi_schemas(apr_pool_t *pool)
{
    json_t *all = body_schemas(pool);

    add_delivery_schemas(all, pool);
    add_replay_schemas(all, pool);
    add_argument_schemas(all, pool);
    return all;
}
