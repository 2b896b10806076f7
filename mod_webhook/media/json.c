/* SPDX-License-Identifier: Apache-2.0 */
#include "media/json.h"

#include <apr_cstr.h>
#include <apr_strings.h>

static int is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int is_blank(const char *text, apr_size_t length)
{
    apr_size_t i = 0;

    while (i < length && is_space(text[i])) {
        i++;
    }
    return i == length;
}

/* The index of the quote that ends a string, or length. */
static apr_size_t skip_string(const char *text, apr_size_t length, apr_size_t i)
{
    for (; i < length && text[i] != '"'; i++) {
        if (text[i] == '\\') {
            i++;
        }
    }
    return i;
}

/* The parser recurses and allocates for each member: both are bounded before
 * it sees the text. Text that is no JSON may be miscounted; it fails later. */
static const char *measure(const char *text, apr_size_t length)
{
    int depth = 0, members = 0;
    apr_size_t i;

    for (i = 0; i < length; i++) {
        switch (text[i]) {
        case '"':
            i = skip_string(text, length, i + 1);
            break;
        case '{':
        case '[':
            if (++depth > WH_MEDIA_DEPTH_MAX) {
                return "The request body is nested deeper than 64 levels.";
            }
            break;
        case '}':
        case ']':
            depth--;
            break;
        case ':':
            if (++members > WH_MEDIA_MEMBERS_MAX) {
                return "The request body has more than 10000 members.";
            }
            break;
        default:
            break;
        }
    }
    return NULL;
}

static const char *describe(const json_error_t *error, apr_pool_t *pool)
{
    const char *what;

    switch (json_error_code(error)) {
    case json_error_duplicate_key:
        what = "has the same name twice in an object";
        break;
    case json_error_numeric_overflow:
        what = "has a number that does not fit 64 bits";
        break;
    case json_error_invalid_utf8:
        what = "is not valid UTF-8";
        break;
    case json_error_null_character:
    case json_error_null_byte_in_key:
        what = "has a null character";
        break;
    case json_error_end_of_input_expected:
        what = "has something behind its JSON value";
        break;
    default:
        what = "is not valid JSON";
        break;
    }
    return apr_psprintf(pool, "The request body %s (line %d, column %d).", what,
                        error->line, error->column);
}

static apr_status_t release(void *document)
{
    json_decref(document);
    return APR_SUCCESS;
}

void wh_json_own(json_t *value, apr_pool_t *pool)
{
    if (value) {
        apr_pool_cleanup_register(pool, value, release, apr_pool_cleanup_null);
    }
}

const char *wh_json_name(const json_t *object, const char *name)
{
    void *at = json_object_iter_at((json_t *)object, name);

    if (at) {
        return json_object_iter_key(at);
    }
    for (at = json_object_iter((json_t *)object); at;
         at = json_object_iter_next((json_t *)object, at)) {
        if (!apr_cstr_casecmp(json_object_iter_key(at), name)) {
            return json_object_iter_key(at);
        }
    }
    return NULL;
}

json_t *wh_json_member(const json_t *object, const char *name)
{
    const char *own = wh_json_name(object, name);

    return own ? json_object_get(object, own) : NULL;
}

int wh_json_deeper(const json_t *value, int levels)
{
    size_t i;
    void *at;

    if (!json_is_object(value) && !json_is_array(value)) {
        return 0;
    }
    if (levels <= 0) {
        return 1;
    }
    for (i = 0; i < json_array_size(value); i++) {
        if (wh_json_deeper(json_array_get(value, i), levels - 1)) {
            return 1;
        }
    }
    for (at = json_object_iter((json_t *)value); at;
         at = json_object_iter_next((json_t *)value, at)) {
        if (wh_json_deeper(json_object_iter_value(at), levels - 1)) {
            return 1;
        }
    }
    return 0;
}

apr_status_t wh_json_parse(json_t **document, const char **message,
                           const char *text, apr_size_t length,
                           apr_pool_t *pool)
{
    json_error_t error;

    *document = NULL;
    if (is_blank(text, length)) {
        return APR_SUCCESS;
    }
    *message = measure(text, length);
    if (*message) {
        return APR_EINVAL;
    }
    *document = json_loadb(text, length,
                           JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!*document) {
        *message = describe(&error, pool);
        return APR_EINVAL;
    }
    wh_json_own(*document, pool);
    return APR_SUCCESS;
}
