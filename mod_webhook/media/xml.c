/* SPDX-License-Identifier: Apache-2.0 */
/* XML read as a JSON value; xml_write.c is the other way. */
#include "media/xml.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <apr_xml.h>
#include <limits.h>
#include <string.h>

#include "base/text.h"
#include "media/json.h"

/* The innermost array or object may hold elements of its own. */
#define ELEMENT_DEPTH_MAX (WH_MEDIA_DEPTH_MAX + 1)

/* A type, a name and the like for each element. */
#define ATTRIBUTES_MAX (4 * WH_MEDIA_MEMBERS_MAX)

/* apr_xml compares each new URI with all that it knows, and each prefix with
 * all that are declared around it. */
#define NAMESPACES_MAX 1000

static const char declaration_message[] =
    "The request body has an XML declaration that is not in order.";
static const char deep_message[] =
    "The request body is nested deeper than 64 levels.";
static const char type_message[] =
    "The request body has an element whose type does not fit its content.";

/* ---- the XML declaration ------------------------------------------------- */

/* The part of a text that is still to be read. */
typedef struct cursor_t {
    const char *at;
    const char *end;
} cursor_t;

static int skip_space(cursor_t *cursor)
{
    const char *start = cursor->at;

    while (cursor->at < cursor->end && wh_text_is_blank(cursor->at, 1)) {
        cursor->at++;
    }
    return cursor->at > start;
}

static int take_word(cursor_t *cursor, const char *word)
{
    apr_size_t length = strlen(word);

    if ((apr_size_t)(cursor->end - cursor->at) < length ||
        memcmp(cursor->at, word, length) != 0) {
        return 0;
    }
    cursor->at += length;
    return 1;
}

/* Copies a quoted value; a longer one than fits is none that we know. */
static int take_value(cursor_t *cursor, char value[16])
{
    apr_size_t length = 0;
    char quote;

    skip_space(cursor);
    if (!take_word(cursor, "=")) {
        return 0;
    }
    skip_space(cursor);
    if (cursor->at == cursor->end ||
        (*cursor->at != '"' && *cursor->at != '\'')) {
        return 0;
    }
    quote = *cursor->at++;
    while (cursor->at < cursor->end && *cursor->at != quote) {
        if (length < 15) {
            value[length++] = *cursor->at;
        }
        cursor->at++;
    }
    value[length] = '\0';
    return take_word(cursor, quote == '"' ? "\"" : "'");
}

/* 1: what follows is a declaration, whatever it says. */
static int is_declaration(const cursor_t *cursor)
{
    cursor_t probe = *cursor;

    return take_word(&probe, "<?xml") &&
           (skip_space(&probe) || take_word(&probe, "?"));
}

static int is_version(const char *value)
{
    return !strncmp(value, "1.", 2) && value[2] &&
           strspn(value + 2, "0123456789") == strlen(value + 2);
}

/* Reads the declaration (XML 1.0 section 2.8), so that the parser never sees
 * one: it would follow the encoding that is declared there.
 * 0: not in order. */
static int take_declaration(cursor_t *cursor, char encoding[16])
{
    char value[16];
    int space;

    encoding[0] = '\0';
    if (!is_declaration(cursor)) {
        return 1;
    }
    if (!take_word(cursor, "<?xml") || !skip_space(cursor) ||
        !take_word(cursor, "version") || !take_value(cursor, value) ||
        !is_version(value)) {
        return 0;
    }
    space = skip_space(cursor);
    if (space && take_word(cursor, "encoding")) {
        if (!take_value(cursor, encoding) || !encoding[0]) {
            return 0;
        }
        space = skip_space(cursor);
    }
    if (space && take_word(cursor, "standalone") &&
        (!take_value(cursor, value) ||
         (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0))) {
        return 0;
    }
    skip_space(cursor);
    return take_word(cursor, "?>") && !is_declaration(cursor);
}

/* ---- bounds -------------------------------------------------------------- */

/* What is counted before the parser sees the text. Where the text is no XML
 * the count may be wrong from there on, and the parser stops there. */
typedef struct scan_t {
    const char *at;
    const char *end;
    int depth;
    int elements;
    int attributes;
    int namespaces;
} scan_t;

/* Behind the mark, which ends with ">"; else the end. */
static const char *skip_to(const scan_t *scan, apr_size_t from,
                           const char *mark)
{
    apr_size_t length = strlen(mark);
    const char *start, *c;

    if ((apr_size_t)(scan->end - scan->at) < from) {
        return scan->end;
    }
    start = scan->at + from;
    for (c = start; (c = memchr(c, '>', (size_t)(scan->end - c))); c++) {
        if ((apr_size_t)(c + 1 - start) >= length &&
            !memcmp(c + 1 - length, mark, length)) {
            return c + 1;
        }
    }
    return scan->end;
}

static int starts_with(const scan_t *scan, const char *mark)
{
    apr_size_t length = strlen(mark);

    return (apr_size_t)(scan->end - scan->at) >= length &&
           !memcmp(scan->at, mark, length);
}

/* Goes behind a tag; 1: it closes itself. A quote stands only around the value
 * of an attribute. */
static int scan_tag(scan_t *scan)
{
    char quote = '\0', before = '\0';

    for (; scan->at < scan->end; scan->at++) {
        char c = *scan->at;

        if (quote) {
            quote = c == quote ? '\0' : quote;
        }
        else if (c == '"' || c == '\'') {
            quote = c;
            scan->attributes++;
        }
        else if (c == '>') {
            scan->at++;
            return before == '/';
        }
        else if (c == 'x' && starts_with(scan, "xmlns")) {
            scan->namespaces++;
        }
        before = c;
    }
    return 0;
}

static const char *scan_start_tag(scan_t *scan)
{
    if (++scan->depth > ELEMENT_DEPTH_MAX) {
        return deep_message;
    }
    /* The root is no member. */
    if (++scan->elements > WH_MEDIA_MEMBERS_MAX + 1) {
        return "The request body has more than 10000 elements.";
    }
    if (scan_tag(scan)) {
        scan->depth--;
    }
    if (scan->attributes > ATTRIBUTES_MAX) {
        return "The request body has too many XML attributes.";
    }
    if (scan->namespaces > NAMESPACES_MAX) {
        return "The request body has more than 1000 namespace declarations.";
    }
    return NULL;
}

/* What begins with "<". */
static const char *scan_markup(scan_t *scan)
{
    if (starts_with(scan, "<!--")) {
        scan->at = skip_to(scan, 4, "-->");
    }
    else if (starts_with(scan, "<![CDATA[")) {
        scan->at = skip_to(scan, 9, "]]>");
    }
    else if (starts_with(scan, "<!")) {
        return "The request body has a document type, which is not accepted.";
    }
    else if (starts_with(scan, "<?")) {
        scan->at = skip_to(scan, 2, "?>");
    }
    else if (starts_with(scan, "</")) {
        scan->depth--;
        scan_tag(scan);
    }
    else {
        return scan_start_tag(scan);
    }
    return NULL;
}

static const char *measure(const char *text, apr_size_t length)
{
    scan_t scan = {.at = text, .end = text + length};
    const char *message = NULL;

    while (!message &&
           (scan.at = memchr(scan.at, '<', (size_t)(scan.end - scan.at)))) {
        message = scan_markup(&scan);
    }
    return message;
}

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
    cursor_t cursor = {text, text + length};

    skip_space(&cursor);
    if (cursor.at == cursor.end || !*cursor.at || !strchr(first, *cursor.at)) {
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
                         const cursor_t *text, apr_pool_t *pool,
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
    rv = apr_xml_parser_feed(parser, text->at,
                             (apr_size_t)(text->end - text->at));
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

/* What can be said without the parser; goes behind the declaration. */
static const char *check(cursor_t *text, int any_encoding)
{
    apr_size_t length = (apr_size_t)(text->end - text->at);
    char encoding[16];

    if (length > INT_MAX) {
        return "The request body is too large for XML.";
    }
    if (memchr(text->at, '\0', length)) {
        return "The request body has a null character.";
    }
    if (!wh_text_is_utf8(text->at, length)) {
        return "The request body is not valid UTF-8.";
    }
    take_word(text, "\357\273\277");
    if (!take_declaration(text, encoding)) {
        return declaration_message;
    }
    if (!any_encoding && encoding[0] && apr_cstr_casecmp(encoding, "utf-8") &&
        apr_cstr_casecmp(encoding, "us-ascii")) {
        return "The request body declares an XML encoding other than UTF-8.";
    }
    return measure(text->at, (apr_size_t)(text->end - text->at));
}

static apr_status_t parse(json_t **document, const char **message,
                          const char *text, apr_size_t length, int any_encoding,
                          apr_pool_t *pool)
{
    cursor_t cursor = {text, text + length};
    apr_pool_t *scratch;
    apr_status_t rv;

    *document = NULL;
    *message = check(&cursor, any_encoding);
    if (*message) {
        return APR_EINVAL;
    }
    rv = apr_pool_create(&scratch, pool);
    if (rv != APR_SUCCESS) {
        *message = "The request body could not be read.";
        return rv;
    }
    apr_pool_tag(scratch, "wh_xml");
    rv = load(document, message, &cursor, pool, scratch);
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
