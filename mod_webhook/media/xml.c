/* SPDX-License-Identifier: Apache-2.0 */
/* XML read as a JSON value; xml_write.c is the other way. */
#include "media/xml.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <apr_xml.h>
#include <string.h>

#include "base/text.h"
#include "media/json.h"
#include "media/xml_scan.h"

static const char deep_message[] =
    "The request body is nested deeper than 64 levels.";
static const char type_message[] =
    "The request body has an element whose type does not fit its content.";

/* ---- elements to values -------------------------------------------------- */

#define TYPES(X)                                                               \
    X(OBJECT, "object")                                                        \
    X(ARRAY, "array")                                                          \
    X(STRING, "string")                                                        \
    X(JSON, "json")                                                            \
    X(NUMBER, "number")                                                        \
    X(BOOLEAN, "boolean")                                                      \
    X(NULL, "null")

#define TYPE_SYMBOL(symbol, name) TYPE_##symbol,
typedef enum { TYPES(TYPE_SYMBOL) TYPE_COUNT } type_t;
#undef TYPE_SYMBOL

#define TYPE_NAME(symbol, name) name,
static const char *const type_names[] = {TYPES(TYPE_NAME)};
#undef TYPE_NAME

/* A document while it is made a value. */
typedef struct build_t {
    const char *message; /* set where it failed */
    apr_pool_t *scratch;
} build_t;

static json_t *build_value(build_t *build, const apr_xml_elem *element,
                           int depth);

static json_t *refuse(build_t *build, const char *message)
{
    build->message = message;
    return NULL;
}

/* A prefix that begins with "xml" is left in the name by apr_xml. */
static const char *local_name(const char *name)
{
    const char *colon = strrchr(name, ':');

    return colon ? colon + 1 : name;
}

/* The value of an attribute in no namespace, or NULL. */
static const char *attribute(const apr_xml_elem *element, const char *name)
{
    const apr_xml_attr *attr;

    for (attr = element->attr; attr; attr = attr->next) {
        if (attr->ns == APR_XML_NS_NONE && !strcmp(attr->name, name)) {
            return attr->value;
        }
    }
    return NULL;
}

static int is_nil(const apr_xml_elem *element)
{
    const apr_xml_attr *attr;

    for (attr = element->attr; attr; attr = attr->next) {
        if (!strcmp(local_name(attr->name), "nil")) {
            return !strcmp(attr->value, "true") || !strcmp(attr->value, "1");
        }
    }
    return 0;
}

static int is_blank(const apr_text_header *text)
{
    const apr_text *piece;

    for (piece = text->first; piece; piece = piece->next) {
        if (!wh_text_is_blank(piece->text, strlen(piece->text))) {
            return 0;
        }
    }
    return 1;
}

/* The text of an element without child elements. */
static const char *content(const apr_xml_elem *element, apr_size_t *length,
                           apr_pool_t *pool)
{
    const apr_text *piece;
    apr_size_t total = 0;
    char *text, *at;

    for (piece = element->first_cdata.first; piece; piece = piece->next) {
        total += strlen(piece->text);
    }
    text = at = apr_palloc(pool, total + 1);
    for (piece = element->first_cdata.first; piece; piece = piece->next) {
        apr_size_t size = strlen(piece->text);

        memcpy(at, piece->text, size);
        at += size;
    }
    *at = '\0';
    *length = total;
    return text;
}

/* One JSON value that begins with one of these bytes, or NULL. The first byte
 * keeps arrays and objects out before anything is allocated. */
static json_t *load_scalar(const char *text, apr_size_t length,
                           const char *first)
{
    const char *start = text + strspn(text, " \t\r\n");

    if (!*start || !strchr(first, *start)) {
        return NULL;
    }
    return json_loadb(text, length, JSON_DECODE_ANY, NULL);
}

/* An array that does not say so. One element may be called Webhook without
 * being an item: it is the argument of a call. */
static int is_list(const apr_xml_elem *element)
{
    const apr_xml_elem *child = element->first_child;
    const char *name = local_name(child->name);

    while ((child = child->next)) {
        if (strcmp(local_name(child->name), name) != 0) {
            return 0;
        }
    }
    return !apr_cstr_casecmp(name, "item") ||
           !apr_cstr_casecmp(name, "string") ||
           (!apr_cstr_casecmp(name, "Webhook") && element->first_child->next);
}

static type_t type_of(const apr_xml_elem *element, int depth)
{
    const char *name = attribute(element, "type");
    int type = 0;

    if (is_nil(element)) {
        return TYPE_NULL;
    }
    if (name) {
        while (type < TYPE_COUNT && strcmp(type_names[type], name) != 0) {
            type++;
        }
        return (type_t)type;
    }
    if (element->first_child) {
        return is_list(element) ? TYPE_ARRAY : TYPE_OBJECT;
    }
    return depth == 1 && is_blank(&element->first_cdata) ? TYPE_OBJECT
                                                         : TYPE_STRING;
}

/* The name of a member; NULL: refused. */
static const char *name_of(build_t *build, const apr_xml_elem *element)
{
    const char *name = local_name(element->name), *type;
    json_t *string;

    if (!*name) {
        refuse(build, "The request body has an element without a name.");
        return NULL;
    }
    if (strcmp(name, "member") != 0 || !attribute(element, "name")) {
        return name;
    }
    name = attribute(element, "name");
    type = attribute(element, "name-type");
    if (!type) {
        return name;
    }
    string =
        strcmp(type, "json") ? NULL : load_scalar(name, strlen(name), "\"");
    if (!string) {
        refuse(build, "The request body has a name that does not fit its "
                      "name-type.");
        return NULL;
    }
    name = apr_pstrdup(build->scratch, json_string_value(string));
    json_decref(string);
    return name;
}

/* Adds a child to an array or object. 0: refused. */
static int add_child(build_t *build, json_t *container,
                     const apr_xml_elem *child, int depth)
{
    const char *name = NULL;
    json_t *value;
    int failed;

    if (!is_blank(&child->following_cdata)) {
        refuse(build, "The request body has text beside its elements.");
        return 0;
    }
    if (json_is_object(container)) {
        name = name_of(build, child);
        if (!name) {
            return 0;
        }
        if (json_object_get(container, name)) {
            refuse(build, "The request body has the same name twice in an "
                          "object.");
            return 0;
        }
    }
    value = build_value(build, child, depth + 1);
    if (!value) {
        return 0;
    }
    failed = name ? json_object_set_new(container, name, value)
                  : json_array_append_new(container, value);
    if (failed) {
        refuse(build, "The request body could not be read.");
    }
    return !failed;
}

/* container is given up if it fails. */
static json_t *build_container(build_t *build, json_t *container,
                               const apr_xml_elem *element, int depth)
{
    const apr_xml_elem *child;

    if (!is_blank(&element->first_cdata)) {
        json_decref(container);
        return refuse(build, "The request body has text beside its elements.");
    }
    if (depth > WH_MEDIA_DEPTH_MAX) {
        json_decref(container);
        return refuse(build, deep_message);
    }
    for (child = element->first_child; child; child = child->next) {
        if (!add_child(build, container, child, depth)) {
            json_decref(container);
            return NULL;
        }
    }
    return container;
}

static json_t *build_boolean(const char *text, apr_size_t length)
{
    json_t *value = load_scalar(text, length, "tf");

    if (value && !json_is_boolean(value)) {
        json_decref(value);
        return NULL;
    }
    return value;
}

static json_t *build_scalar(build_t *build, type_t type,
                            const apr_xml_elem *element)
{
    apr_size_t length;
    const char *text = content(element, &length, build->scratch);
    json_t *value;

    if (element->first_child) {
        return refuse(build, type_message);
    }
    switch (type) {
    case TYPE_STRING:
        value = json_stringn(text, length);
        break;
    case TYPE_JSON:
        value = load_scalar(text, length, "\"");
        break;
    case TYPE_NUMBER:
        value = load_scalar(text, length, "-0123456789");
        break;
    case TYPE_BOOLEAN:
        value = build_boolean(text, length);
        break;
    case TYPE_NULL:
        value = wh_text_is_blank(text, length) ? json_null() : NULL;
        break;
    default:
        value = NULL;
        break;
    }
    return value ? value : refuse(build, type_message);
}

static json_t *build_value(build_t *build, const apr_xml_elem *element,
                           int depth)
{
    type_t type = type_of(element, depth);

    switch (type) {
    case TYPE_OBJECT:
        return build_container(build, json_object(), element, depth);
    case TYPE_ARRAY:
        return build_container(build, json_array(), element, depth);
    case TYPE_COUNT:
        return refuse(build,
                      "The request body has an element of an unknown type.");
    default:
        return build_scalar(build, type, element);
    }
}

/* ---- the whole ----------------------------------------------------------- */

/* The message is in pool, all else in scratch. */
static apr_status_t load(json_t **document, const char **message,
                         const char *text, apr_size_t length, apr_pool_t *pool,
                         apr_pool_t *scratch)
{
    build_t build = {.scratch = scratch};
    apr_xml_parser *parser = apr_xml_parser_create(scratch);
    apr_xml_doc *tree = NULL;
    apr_status_t rv;

    if (!parser) {
        *message = "The request body could not be read.";
        return APR_ENOMEM;
    }
    rv = apr_xml_parser_feed(parser, text, length);
    if (rv == APR_SUCCESS) {
        rv = apr_xml_parser_done(parser, &tree);
    }
    if (rv != APR_SUCCESS) {
        char why[200];

        *message =
            apr_psprintf(pool, "The request body is not well-formed XML (%s).",
                         apr_xml_parser_geterror(parser, why, sizeof(why)));
        return APR_EINVAL;
    }
    *document = build_value(&build, tree->root, 1);
    if (!*document) {
        *message = build.message;
        return APR_EINVAL;
    }
    wh_json_own(*document, pool);
    return APR_SUCCESS;
}

static apr_status_t parse(json_t **document, const char **message,
                          const char *text, apr_size_t length, int any_encoding,
                          apr_pool_t *pool)
{
    const char *start;
    apr_pool_t *scratch;
    apr_status_t rv;

    *document = NULL;
    *message = wh_xml_scan(&start, text, length, any_encoding);
    if (*message) {
        return APR_EINVAL;
    }
    rv = apr_pool_create(&scratch, pool);
    if (rv != APR_SUCCESS) {
        *message = "The request body could not be read.";
        return rv;
    }
    apr_pool_tag(scratch, "wh_xml");
    rv = load(document, message, start, length - (apr_size_t)(start - text),
              pool, scratch);
    apr_pool_destroy(scratch);
    return rv;
}

apr_status_t wh_xml_parse(json_t **document, const char **message,
                          const char *text, apr_size_t length, apr_pool_t *pool)
{
    return parse(document, message, text, length, 0, pool);
}

apr_status_t wh_xml_parse_converted(json_t **document, const char **message,
                                    const char *text, apr_size_t length,
                                    apr_pool_t *pool)
{
    return parse(document, message, text, length, 1, pool);
}
