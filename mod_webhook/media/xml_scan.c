/* SPDX-License-Identifier: Apache-2.0 */
#include "media/xml_scan.h"

#include <apr_cstr.h>
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

/* Each piece of a text takes some thirty bytes in the tree, and a line end by
 * itself is one. */
#define PIECES_MAX 1000000

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
        return "The request body is nested deeper than 64 levels.";
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

/* 1: the parser may make too many pieces of the text. */
static int is_shredded(const char *text, apr_size_t length)
{
    apr_size_t pieces = 0, i;

    for (i = 0; i < length; i++) {
        pieces += text[i] == '\n' || text[i] == '\r' || text[i] == '&' ||
                  text[i] == '<';
    }
    return pieces > PIECES_MAX;
}

static const char *measure(const char *text, apr_size_t length)
{
    scan_t scan = {.at = text, .end = text + length};
    const char *message = NULL;

    if (is_shredded(text, length)) {
        return "The request body has too many lines, references or tags.";
    }
    while (!message &&
           (scan.at = memchr(scan.at, '<', (size_t)(scan.end - scan.at)))) {
        message = scan_markup(&scan);
    }
    return message;
}

/* ---- the whole ----------------------------------------------------------- */

const char *wh_xml_scan(const char **start, const char *text, apr_size_t length,
                        int any_encoding)
{
    cursor_t cursor = {text, text + length};
    char encoding[16];

    *start = text;
    if (length > INT_MAX) {
        return "The request body is too large for XML.";
    }
    if (memchr(text, '\0', length)) {
        return "The request body has a null character.";
    }
    if (!wh_text_is_utf8(text, length)) {
        return "The request body is not valid UTF-8.";
    }
    take_word(&cursor, "\357\273\277");
    if (!take_declaration(&cursor, encoding)) {
        return "The request body has an XML declaration that is not in order.";
    }
    if (!any_encoding && encoding[0] && apr_cstr_casecmp(encoding, "utf-8") &&
        apr_cstr_casecmp(encoding, "us-ascii")) {
        return "The request body declares an XML encoding other than UTF-8.";
    }
    *start = cursor.at;
    return measure(cursor.at, (apr_size_t)(cursor.end - cursor.at));
}
