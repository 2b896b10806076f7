/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON value as XML; xml.c is the other way. */
#include <apr_cstr.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "media/json.h"
#include "media/xml.h"

#define FIRST_SIZE 1024

typedef struct writer_t {
    char *text; /* of malloc(), which unlike a pool can make it grow */
    apr_size_t length;
    apr_size_t size;
    int failed; /* no memory: nothing is written any more */
} writer_t;

/* How an element is opened. */
typedef struct tag_t {
    const char *element;
    const char *member; /* NULL: element says it */
} tag_t;

static void write_value(writer_t *writer, const json_t *value, const tag_t *tag,
                        int is_root);

static void put_bytes(writer_t *writer, const char *bytes, apr_size_t length)
{
    apr_size_t size = writer->size ? writer->size : FIRST_SIZE;
    char *text;

    while (size - writer->length <= length) {
        size *= 2;
    }
    if (size > writer->size && !writer->failed) {
        text = realloc(writer->text, size);
        writer->failed = !text;
        writer->text = text ? text : writer->text;
        writer->size = text ? size : writer->size;
    }
    if (!writer->failed) {
        memcpy(writer->text + writer->length, bytes, length);
        writer->length += length;
        writer->text[writer->length] = '\0';
    }
}

static void put(writer_t *writer, const char *text)
{
    put_bytes(writer, text, strlen(text));
}

/* Parsers make blanks of the line ends in an attribute, and a line feed of the
 * carriage return in a text. */
static const char *reference(char c, int in_attribute)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '\r':
        return "&#13;";
    case '"':
        return in_attribute ? "&quot;" : NULL;
    case '\t':
        return in_attribute ? "&#9;" : NULL;
    case '\n':
        return in_attribute ? "&#10;" : NULL;
    default:
        return NULL;
    }
}

static void put_escaped(writer_t *writer, const char *text, apr_size_t length,
                        int in_attribute)
{
    apr_size_t start = 0, i;

    for (i = 0; i < length; i++) {
        const char *escaped = reference(text[i], in_attribute);

        if (escaped) {
            put_bytes(writer, text + start, i - start);
            put(writer, escaped);
            start = i + 1;
        }
    }
    put_bytes(writer, text + start, length - start);
}

/* 1: XML 1.0 has every character of it (section 2.2). The text is UTF-8. */
static int is_carried(const char *text, apr_size_t length)
{
    apr_size_t i;

    for (i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c < ' ' && c != '\t' && c != '\n' && c != '\r') {
            return 0;
        }
        /* U+FFFE and U+FFFF */
        if (c == 0xef && length - i >= 3 &&
            (!memcmp(text + i, "\357\277\276", 3) ||
             !memcmp(text + i, "\357\277\277", 3))) {
            return 0;
        }
    }
    return 1;
}

static void put_json(writer_t *writer, const json_t *value, int in_attribute)
{
    char *text = wh_json_dump(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

    if (!text) {
        writer->failed = 1;
        return;
    }
    put_escaped(writer, text, strlen(text), in_attribute);
    free(text);
}

static int is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* 1: the name can be that of an element. Of names in other letters parsers
 * have different tables (XML 1.0, fourth and fifth edition). */
static int is_element_name(const char *name)
{
    const char *c;

    if (!is_letter(*name) || !apr_cstr_casecmpn(name, "xml", 3)) {
        return 0;
    }
    for (c = name; *c; c++) {
        if (!is_letter(*c) && !(*c >= '0' && *c <= '9') && *c != '-' &&
            *c != '.') {
            return 0;
        }
    }
    return 1;
}

static void put_member(writer_t *writer, const char *name)
{
    json_t *string;

    put(writer, " name=\"");
    if (is_carried(name, strlen(name))) {
        put_escaped(writer, name, strlen(name), 1);
        put(writer, "\"");
        return;
    }
    string = json_string(name);
    if (!string) {
        writer->failed = 1;
        return;
    }
    put_json(writer, string, 1);
    put(writer, "\" name-type=\"json\"");
    json_decref(string);
}

static void open_element(writer_t *writer, const tag_t *tag, const char *type)
{
    put(writer, "<");
    put(writer, tag->element);
    if (tag->member) {
        put_member(writer, tag->member);
    }
    if (type) {
        put(writer, " type=\"");
        put(writer, type);
        put(writer, "\"");
    }
    put(writer, ">");
}

static void close_element(writer_t *writer, const tag_t *tag)
{
    put(writer, "</");
    put(writer, tag->element);
    put(writer, ">");
}

/* A root that looks like an array when it does not say what it is: its only
 * child is called as the items of one. */
static int looks_like_array(const json_t *object)
{
    const char *name;

    if (json_object_size(object) != 1) {
        return 0;
    }
    name = json_object_iter_key(json_object_iter((json_t *)object));
    return !apr_cstr_casecmp(name, "item") || !apr_cstr_casecmp(name, "string");
}

static void write_object(writer_t *writer, const json_t *object,
                         const tag_t *tag, int is_root)
{
    const char *name;
    json_t *value;

    open_element(writer, tag,
                 is_root && !looks_like_array(object) ? NULL : "object");
    json_object_foreach((json_t *)object, name, value)
    {
        tag_t inner = {name, NULL};

        if (!is_element_name(name)) {
            inner.element = "member";
            inner.member = name;
        }
        write_value(writer, value, &inner, 0);
    }
    close_element(writer, tag);
}

static void write_array(writer_t *writer, const json_t *array, const tag_t *tag)
{
    static const tag_t item = {"item", NULL};
    size_t i;

    open_element(writer, tag, "array");
    for (i = 0; i < json_array_size(array); i++) {
        write_value(writer, json_array_get(array, i), &item, 0);
    }
    close_element(writer, tag);
}

/* A blank root without a type is an empty object. */
static void write_string(writer_t *writer, const json_t *string,
                         const tag_t *tag, int is_root)
{
    const char *text = json_string_value(string);
    apr_size_t length = json_string_length(string);

    if (is_carried(text, length)) {
        open_element(writer, tag,
                     is_root && wh_text_is_blank(text, length) ? "string"
                                                               : NULL);
        put_escaped(writer, text, length, 0);
    }
    else {
        open_element(writer, tag, "json");
        put_json(writer, string, 0);
    }
    close_element(writer, tag);
}

static void write_word(writer_t *writer, const json_t *value, const tag_t *tag,
                       const char *type)
{
    open_element(writer, tag, type);
    if (!json_is_null(value)) {
        put_json(writer, value, 0);
    }
    close_element(writer, tag);
}

static void write_value(writer_t *writer, const json_t *value, const tag_t *tag,
                        int is_root)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        write_object(writer, value, tag, is_root);
        break;
    case JSON_ARRAY:
        write_array(writer, value, tag);
        break;
    case JSON_STRING:
        write_string(writer, value, tag, is_root);
        break;
    case JSON_INTEGER:
    case JSON_REAL:
        write_word(writer, value, tag, "number");
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        write_word(writer, value, tag, "boolean");
        break;
    default:
        write_word(writer, value, tag, "null");
        break;
    }
}

static apr_status_t release(void *text)
{
    free(text);
    return APR_SUCCESS;
}

const char *wh_xml_write(apr_size_t *length, const json_t *value,
                         const char *root, apr_pool_t *pool)
{
    tag_t tag = {root, NULL};
    writer_t writer = {0};

    *length = 0;
    put(&writer, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    write_value(&writer, value, &tag, 1);
    if (writer.failed) {
        free(writer.text);
        return NULL;
    }
    apr_pool_cleanup_register(pool, writer.text, release,
                              apr_pool_cleanup_null);
    *length = writer.length;
    return writer.text;
}
