/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON Schema (draft 2020-12, as OpenAPI 3.1 has it) of a webhook.
 */
#include "model/webhook_json.h"

static json_t *names_of(const wh_field_t *field)
{
    json_t *names = json_array();
    int i;

    for (i = 0; field->names && field->names[i]; i++) {
        json_array_append_new(names, json_string(field->names[i]));
    }
    return names;
}

static json_t *schema_of(const wh_field_t *field)
{
    switch (field->kind) {
    case WH_FIELD_INT32:
        return json_pack("{s:s, s:s}", "type", "integer", "format", "int32");
    case WH_FIELD_TEXTS:
        return json_pack("{s:[s,s], s:{s:s}}", "type", "array", "null", "items",
                         "type", "string");
    case WH_FIELD_LIST:
        return json_pack("{s:[s,s], s:{}}", "type", "array", "null", "items");
    case WH_FIELD_NAMED:
        return json_pack("{s:s, s:o}", "type", "string", "enum",
                         names_of(field));
    case WH_FIELD_FLAGS:
        return json_pack("{s:[s,s,s], s:s, s:o}", "type", "string", "integer",
                         "null", "description",
                         "None, or some of the examples parted by commas",
                         "examples", names_of(field));
    case WH_FIELD_OBJECT:
        return json_pack("{s:[s,s], s:b}", "type", "object", "null",
                         "additionalProperties", 1);
    case WH_FIELD_DATE:
        return json_pack("{s:s, s:s}", "type", "string", "description",
                         "UTC, ISO 8601; 0001-01-01T00:00:00 when unset");
    case WH_FIELD_TEXT:
        break;
    }
    return json_pack("{s:[s,s]}", "type", "string", "null");
}

json_t *wh_webhook_json_schema(void)
{
    json_t *properties = json_object();
    wh_field_t field;
    int i;

    for (i = 0; wh_webhook_json_field(&field, i); i++) {
        json_t *schema = schema_of(&field);

        if (field.read_only) {
            json_object_set_new(schema, "readOnly", json_true());
        }
        if (field.kind == WH_FIELD_TEXT && field.most) {
            json_object_set_new(schema, "maxLength",
                                json_integer((json_int_t)field.most));
        }
        if (field.kind == WH_FIELD_TEXT && field.names) {
            json_object_set_new(schema, "examples", names_of(&field));
        }
        json_object_set_new(properties, field.name, schema);
    }
    return json_pack("{s:s, s:o}", "type", "object", "properties", properties);
}
