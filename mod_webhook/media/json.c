/* SPDX-License-Identifier: Apache-2.0 */
#include "media/json.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static int is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
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

/* What is known of the text before the parser sees it. */
typedef struct scan_t {
    const char *text;
    apr_size_t length;
    char *copy; /* NULL until a comma is dropped */
    int depth;
    int members;
    char before;      /* the last byte that is no white space, of the syntax */
    char than_before; /* the one before it */
    apr_size_t comma; /* index of the last comma */
} scan_t;

static int is_closing(char c)
{
    return c == ']' || c == '}';
}

static int is_opening(char c)
{
    return c == '[' || c == '{';
}

/* A comma before a closing bracket, but not the first thing in it. Of several
 * in a row one is left, which the parser refuses. */
static int is_trailing_comma(const scan_t *scan, char c)
{
    return scan->before == ',' && is_closing(c) &&
           !is_opening(scan->than_before);
}

static void drop_comma(scan_t *scan, apr_pool_t *pool)
{
    if (!scan->copy) {
        scan->copy = apr_pmemdup(pool, scan->text, scan->length);
    }
    scan->copy[scan->comma] = ' ';
}

/* One byte of the syntax, outside of strings; for a string its first quote. */
static const char *take(scan_t *scan, apr_size_t i, apr_pool_t *pool)
{
    char c = scan->text[i];

    if (is_trailing_comma(scan, c)) {
        drop_comma(scan, pool);
    }
    else if (((is_opening(scan->before) && !is_closing(c)) ||
              scan->before == ',') &&
             ++scan->members > WH_MEDIA_MEMBERS_MAX) {
        return "The request body has more than 10000 members and items.";
    }
    if (is_opening(c) && ++scan->depth > WH_MEDIA_DEPTH_MAX) {
        return "The request body is nested deeper than 64 levels.";
    }
    if (is_closing(c)) {
        scan->depth--;
    }
    if (c == ',') {
        scan->comma = i;
    }
    scan->than_before = scan->before;
    scan->before = c;
    return NULL;
}

/* The parser recurses and allocates for each member: both are bounded before
 * it sees the text. Text that is no JSON may be miscounted; it fails later. */
static const char *measure(scan_t *scan, apr_pool_t *pool)
{
    const char *message = NULL;
    apr_size_t i;

    for (i = 0; i < scan->length && !message; i++) {
        char c = scan->text[i];

        if (is_space(c)) {
            continue;
        }
        message = take(scan, i, pool);
        if (c == '"') {
            i = skip_string(scan->text, scan->length, i + 1);
        }
    }
    return message;
}

static const char *describe(const json_error_t *error, apr_pool_t *pool)
{
    const char *what;

    switch (json_error_code(error)) {
    case json_error_duplicate_key:
        what = "has the same name twice in an object";
        break;
    case json_error_numeric_overflow:
        what = "has a number that does not fit";
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

/* The digits that one real needs to be read back the same. */
static int digits_of(double real)
{
    char text[32];
    int digits;

    for (digits = 15; digits < 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, real);
        if (strtod(text, NULL) == real) {
            break;
        }
    }
    return digits;
}

static int most(int one, int other)
{
    return one > other ? one : other;
}

/* The digits that the reals of a value need; 0: it has none. */
static int digits_needed(const json_t *value)
{
    const char *name;
    json_t *member;
    int digits = json_is_real(value) ? digits_of(json_real_value(value)) : 0;
    size_t i;

    json_object_foreach((json_t *)value, name, member)
    {
        digits = most(digits, digits_needed(member));
    }
    json_array_foreach(value, i, member)
    {
        digits = most(digits, digits_needed(member));
    }
    return digits;
}

char *wh_json_dump(const json_t *value, size_t flags)
{
    return json_dumps(
        value, flags | (size_t)JSON_REAL_PRECISION(digits_needed(value)));
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

/* A byte order mark is no part of the text (RFC 8259 section 8.1). */
static apr_size_t mark_length(const char *text, apr_size_t length)
{
    return length >= 3 && !memcmp(text, "\357\273\277", 3) ? 3 : 0;
}

static apr_status_t load(json_t **document, const char **message,
                         const char *text, apr_size_t length, apr_pool_t *pool,
                         apr_pool_t *scratch)
{
    scan_t scan = {.text = text, .length = length};
    json_error_t error;

    *message = measure(&scan, scratch);
    if (*message) {
        return APR_EINVAL;
    }
    *document = json_loadb(scan.copy ? scan.copy : text, length,
                           JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!*document) {
        *message = describe(&error, pool);
        return APR_EINVAL;
    }
    wh_json_own(*document, pool);
    return APR_SUCCESS;
}

apr_status_t wh_json_parse(json_t **document, const char **message,
                           const char *text, apr_size_t length,
                           apr_pool_t *pool)
{
    apr_size_t skipped = mark_length(text, length);
    apr_pool_t *scratch;
    apr_status_t rv;

    *document = NULL;
    text += skipped;
    length -= skipped;
    if (wh_text_is_blank(text, length)) {
        return APR_SUCCESS;
    }
    rv = apr_pool_create(&scratch, pool);
    if (rv != APR_SUCCESS) {
        *message = "The request body could not be read.";
        return rv;
    }
    apr_pool_tag(scratch, "wh_json");
    rv = load(document, message, text, length, pool, scratch);
    apr_pool_destroy(scratch);
    return rv;
}
