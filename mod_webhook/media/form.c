/* SPDX-License-Identifier: Apache-2.0 */
#include "media/form.h"

#include <apr_escape.h>
#include <apr_strings.h>
#include <string.h>

#include "base/text.h"
#include "media/json.h"

/* What is wrong is said as a part of a sentence; the caller knows of what. */
static const char mixed[] = "uses one name for a value, an array or an object";
static const char no_memory[] = "could not be read";

/* A form while it is split, in a copy that is decoded in place. */
typedef struct pairs_t {
    char *rest; /* NULL: no pair is left */
    char *name;
    const char *value;
} pairs_t;

static const char *decode(char *text)
{
    apr_status_t rv =
        apr_unescape_url(text, text, APR_ESCAPE_STRING, NULL, NULL, 1, NULL);

    if (rv == APR_BADCH) {
        return "has a null character";
    }
    if (rv != APR_SUCCESS && rv != APR_NOTFOUND) {
        return "has a percent sign without two hexadecimal digits behind it";
    }
    if (!wh_text_is_utf8(text, strlen(text))) {
        return "is not valid UTF-8";
    }
    return NULL;
}

/* The next pair that is not empty; name is NULL behind the last. */
static const char *next_pair(pairs_t *pairs)
{
    const char *wrong;
    char *pair, *value;

    pairs->name = NULL;
    do {
        pair = pairs->rest;
        if (!pair) {
            return NULL;
        }
        pairs->rest = strchr(pair, '&');
        if (pairs->rest) {
            *pairs->rest++ = '\0';
        }
    } while (!*pair);
    value = strchr(pair, '=');
    if (value) {
        *value++ = '\0';
        wrong = decode(value);
        if (wrong) {
            return wrong;
        }
    }
    wrong = decode(pair);
    if (!wrong && !*pair) {
        wrong = "has a value without a name";
    }
    pairs->name = pair;
    pairs->value = value ? value : "";
    return wrong;
}

/* Where the brackets of a name begin, if they go on to its end; else NULL: it
 * is an ordinary name. */
static char *brackets_of(char *name)
{
    char *start = strchr(name, '['), *at = start;

    if (!start || start == name) {
        return NULL;
    }
    while (*at == '[') {
        at = strchr(at, ']');
        if (!at) {
            return NULL;
        }
        at++;
    }
    return *at ? NULL : start;
}

/* A place in the document where a value goes. */
typedef struct place_t {
    json_t *container;
    const char *name; /* of the member; NULL: a new item of an array */
    int depth;        /* of the container; the document's is 1 */
    int *members;     /* of the whole document */
} place_t;

static json_t *value_at(const place_t *place)
{
    return place->name ? json_object_get(place->container, place->name) : NULL;
}

/* Takes over the reference to value. */
static const char *put_value(const place_t *place, json_t *value)
{
    int failed;

    if (++*place->members > WH_MEDIA_MEMBERS_MAX) {
        json_decref(value);
        return "has more than 10000 members and items";
    }
    failed = place->name
                 ? json_object_set_new(place->container, place->name, value)
                 : json_array_append_new(place->container, value);
    return failed ? no_memory : NULL;
}

/* "a=1&a[]=2": the text becomes the first item of an array. */
static const char *wrap(const place_t *place, json_t *text)
{
    json_t *array = json_array();

    if (json_array_append(array, text)) {
        json_decref(array);
        return no_memory;
    }
    return put_value(place, array);
}

/* Goes down into the object or array that is at the place, or into a new one.
 * name is that of the place in it. */
static const char *enter(place_t *place, const char *name)
{
    json_t *inner = value_at(place);
    const char *wrong = NULL;

    if (place->depth == WH_MEDIA_DEPTH_MAX) {
        return "is nested deeper than 64 levels";
    }
    if (!inner) {
        wrong = put_value(place, name ? json_object() : json_array());
    }
    else if (json_is_object(inner) != (name != NULL)) {
        wrong = mixed;
    }
    else if (json_is_string(inner)) {
        wrong = wrap(place, inner);
    }
    if (wrong) {
        return wrong;
    }
    place->container =
        place->name ? value_at(place)
                    : json_array_get(place->container,
                                     json_array_size(place->container) - 1);
    place->name = name;
    place->depth++;
    return NULL;
}

/* Where there is a value already, it becomes an array. */
static const char *add_value(place_t *place, const char *value)
{
    const char *wrong = value_at(place) ? enter(place, NULL) : NULL;

    return wrong ? wrong : put_value(place, json_string(value));
}

static const char *add_pair(json_t *document, int *members, pairs_t *pairs)
{
    char *at = brackets_of(pairs->name);
    place_t place = {document, pairs->name, 1, members};
    const char *wrong = NULL;

    while (at && *at && !wrong) {
        char *end = at + strcspn(at, "]");

        *at++ = '\0';
        *end = '\0';
        wrong = enter(&place, *at ? at : NULL);
        at = end + 1;
    }
    return wrong ? wrong : add_value(&place, pairs->value);
}

static const char *build(json_t *document, char *text)
{
    pairs_t pairs = {.rest = text};
    const char *wrong;
    int members = 0;

    while (!(wrong = next_pair(&pairs)) && pairs.name) {
        wrong = add_pair(document, &members, &pairs);
        if (wrong) {
            break;
        }
    }
    return wrong;
}

static apr_status_t refuse(const char **message, const char *what,
                           const char *wrong, apr_pool_t *pool)
{
    *message = apr_pstrcat(pool, "The ", what, " ", wrong, ".", NULL);
    return APR_EINVAL;
}

apr_status_t wh_form_parse(json_t **document, const char **message,
                           const char *text, apr_size_t length,
                           apr_pool_t *pool)
{
    const char *wrong;
    apr_pool_t *scratch;
    apr_status_t rv;

    *document = NULL;
    if (length == 0) {
        return APR_SUCCESS;
    }
    if (memchr(text, '\0', length)) {
        return refuse(message, "request body", "has a null character", pool);
    }
    rv = apr_pool_create(&scratch, pool);
    if (rv != APR_SUCCESS) {
        *message = "The request body could not be read.";
        return rv;
    }
    apr_pool_tag(scratch, "wh_form");
    *document = json_object();
    wrong = build(*document, apr_pstrmemdup(scratch, text, length));
    apr_pool_destroy(scratch);
    if (wrong) {
        json_decref(*document);
        *document = NULL;
        return refuse(message, "request body", wrong, pool);
    }
    wh_json_own(*document, pool);
    return APR_SUCCESS;
}

apr_status_t wh_form_query(apr_table_t **parameters, const char **message,
                           const char *query, apr_pool_t *pool)
{
    pairs_t pairs = {.rest = query ? apr_pstrdup(pool, query) : NULL};
    const char *wrong;
    int count = 0;

    *parameters = apr_table_make(pool, 8);
    while (!(wrong = next_pair(&pairs)) && pairs.name) {
        if (++count > WH_FORM_PARAMETERS_MAX) {
            wrong = "has more than 1000 parameters";
            break;
        }
        if (!apr_table_get(*parameters, pairs.name)) {
            apr_table_setn(*parameters, pairs.name, pairs.value);
        }
    }
    return wrong ? refuse(message, "query", wrong, pool) : APR_SUCCESS;
}
