/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A webhook of a form, or of XML that does not say what is what: members are
 * texts and become what the entity wants.
 */
#include <apr_cstr.h>
#include <apr_strings.h>
#include <string.h>

#include "media/json.h"
#include "model/webhook_json.h"

static int find_field(wh_field_t *field, const char *name)
{
    int i;

    for (i = 0; wh_webhook_json_field(field, i); i++) {
        if (!apr_cstr_casecmp(field->name, name)) {
            return 1;
        }
    }
    return 0;
}

static json_t *split(const char *text, apr_pool_t *pool)
{
    json_t *array = json_array();
    char *rest = NULL, *word;

    for (word = apr_strtok(apr_pstrdup(pool, text), ",", &rest); word;
         word = apr_strtok(NULL, ",", &rest)) {
        apr_size_t length;

        word += strspn(word, " ");
        length = strlen(word);
        while (length > 0 && word[length - 1] == ' ') {
            length--;
        }
        json_array_append_new(array, json_stringn(word, length));
    }
    return array;
}

/* What a text stands for; NULL: the text itself. A new reference. */
static apr_status_t convert(json_t **value, const char **message,
                            const wh_field_t *field, const char *text,
                            apr_pool_t *pool)
{
    int is_list = field->kind == WH_FIELD_TEXTS || field->kind == WH_FIELD_LIST;
    json_t *parsed = NULL;

    *value = NULL;
    if (!is_list && field->kind != WH_FIELD_OBJECT) {
        return APR_SUCCESS;
    }
    if (!*text) {
        *value = is_list ? json_array() : json_object();
    }
    else if (is_list && *text != '[') {
        *value = split(text, pool);
    }
    else {
        if (wh_json_parse(&parsed, message, text, strlen(text), pool) !=
            APR_SUCCESS) {
            *message = apr_pstrcat(pool, "Webhook ", field->name,
                                   " must be JSON text.", NULL);
            return APR_EINVAL;
        }
        *value = json_incref(parsed);
    }
    return APR_SUCCESS;
}

apr_status_t wh_webhook_json_from_text(json_t *entity, const char **message,
                                       apr_pool_t *pool)
{
    const char *name;
    json_t *value;
    void *next;

    json_object_foreach_safe(entity, next, name, value)
    {
        const char *text = json_string_value(value);
        json_t *converted = NULL;
        wh_field_t field;

        if (!text || !find_field(&field, name)) {
            continue;
        }
        if (convert(&converted, message, &field, text, pool) != APR_SUCCESS) {
            return APR_EINVAL;
        }
        if (converted) {
            json_object_set_new(entity, name, converted);
        }
    }
    return APR_SUCCESS;
}
