/* SPDX-License-Identifier: Apache-2.0 */
#include "media/accept.h"

#include <apr_cstr.h>
#include <string.h>

#define WH_FORMAT_NAME(symbol, name) name,
static const char *const names[] = {WH_FORMATS(WH_FORMAT_NAME)};
#undef WH_FORMAT_NAME

#define WH_FORMAT_CHARSET(symbol, name) name "; charset=utf-8",
static const char *const content_types[] = {WH_FORMATS(WH_FORMAT_CHARSET)};
#undef WH_FORMAT_CHARSET

/* How much of a type a range names; the most specific one counts. */
enum { MATCH_NONE, MATCH_ANY, MATCH_TYPE, MATCH_EXACT };

/* A part of the header. */
typedef struct part_t {
    const char *text;
    apr_size_t length;
} part_t;

typedef struct range_t {
    part_t type;
    part_t subtype;
    int quality; /* thousandths */
} range_t;

/* What is known of one format. */
typedef struct verdict_t {
    int match;
    int quality;
} verdict_t;

static int is_space(char c)
{
    return c == ' ' || c == '\t';
}

static int is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static part_t trim(part_t part)
{
    while (part.length && is_space(*part.text)) {
        part.text++;
        part.length--;
    }
    while (part.length && is_space(part.text[part.length - 1])) {
        part.length--;
    }
    return part;
}

/* Cuts off the part before a separator that stands in no quotes, and goes
 * behind it. 0: nothing is left. */
static int next_part(part_t *part, const char **rest, const char *end,
                     char separator)
{
    const char *c;
    int quoted = 0;

    if (!*rest) {
        return 0;
    }
    for (c = *rest; c < end && (quoted || *c != separator); c++) {
        if (quoted && *c == '\\' && c + 1 < end) {
            c++;
        }
        else if (*c == '"') {
            quoted = !quoted;
        }
    }
    part->text = *rest;
    part->length = (apr_size_t)(c - *rest);
    *part = trim(*part);
    *rest = c < end ? c + 1 : NULL;
    return 1;
}

static int is_part(const part_t *part, const char *text)
{
    return part->length == strlen(text) &&
           !apr_cstr_casecmpn(part->text, text, part->length);
}

static int is_token(const part_t *part)
{
    apr_size_t i;

    for (i = 0; i < part->length; i++) {
        if (!is_token_char(part->text[i])) {
            return 0;
        }
    }
    return part->length > 0;
}

/* Parts a text at the first separator. 0: there is none. */
static int split(part_t *left, part_t *right, part_t whole, char separator)
{
    const char *at = memchr(whole.text, separator, whole.length);

    if (!at) {
        return 0;
    }
    left->text = whole.text;
    left->length = (apr_size_t)(at - whole.text);
    right->text = at + 1;
    right->length = whole.length - left->length - 1;
    return 1;
}

/* A weight in thousandths (RFC 9110 section 12.4.2), or -1. Clients written in
 * Java leave the zero out ("q=.2"). */
static int read_quality(part_t text)
{
    int unit = 1000, quality = 0;
    apr_size_t i = 0;

    if (text.length && (*text.text == '0' || *text.text == '1')) {
        quality = *text.text == '1' ? 1000 : 0;
        i = 1;
    }
    if (i == text.length) {
        return i ? quality : -1;
    }
    if (text.text[i] != '.' || (i == 0 && text.length == 1)) {
        return -1;
    }
    for (i++; i < text.length; i++) {
        unit /= 10;
        if (unit == 0 || text.text[i] < '0' || text.text[i] > '9') {
            return -1;
        }
        quality += unit * (text.text[i] - '0');
    }
    return quality <= 1000 ? quality : -1;
}

/* 1: a quoted string from its first quote to its last. */
static int is_quoted(const part_t *part)
{
    apr_size_t i;

    if (part->length < 2 || part->text[0] != '"') {
        return 0;
    }
    for (i = 1; i < part->length && part->text[i] != '"'; i++) {
        i += part->text[i] == '\\';
    }
    return i == part->length - 1;
}

/* Type and subtype; "*" alone is sent by Java too, for any of both. */
static int read_type(range_t *range, part_t text)
{
    static const part_t any = {"*", 1};

    if (is_part(&text, "*")) {
        range->type = range->subtype = any;
        return 1;
    }
    return split(&range->type, &range->subtype, text, '/') &&
           is_token(&range->type) && is_token(&range->subtype) &&
           (!is_part(&range->type, "*") || is_part(&range->subtype, "*"));
}

static int read_parameter(range_t *range, part_t text)
{
    part_t name, value;

    if (text.length == 0) {
        return 1;
    }
    if (!split(&name, &value, text, '=') || !is_token(&name)) {
        /* An extension of the weight may stand without a value. */
        return is_token(&text);
    }
    if (is_part(&name, "q")) {
        range->quality = read_quality(value);
        return range->quality >= 0;
    }
    return is_token(&value) || is_quoted(&value);
}

/* One element of the header. 0: it is not in order. */
static int read_range(range_t *range, part_t element)
{
    const char *rest = element.text, *end = element.text + element.length;
    part_t part;

    range->quality = 1000;
    if (!next_part(&part, &rest, end, ';') || !read_type(range, part)) {
        return 0;
    }
    while (next_part(&part, &rest, end, ';')) {
        if (!read_parameter(range, part)) {
            return 0;
        }
    }
    return 1;
}

static int match_of(const range_t *range, const char *name)
{
    part_t whole = {name, strlen(name)}, type, subtype;

    if (is_part(&range->type, "*")) {
        return MATCH_ANY;
    }
    if (!split(&type, &subtype, whole, '/') ||
        type.length != range->type.length ||
        apr_cstr_casecmpn(type.text, range->type.text, type.length)) {
        return MATCH_NONE;
    }
    if (is_part(&range->subtype, "*")) {
        return MATCH_TYPE;
    }
    return is_part(&range->subtype, subtype.text) ? MATCH_EXACT : MATCH_NONE;
}

static void apply(verdict_t verdicts[WH_FORMAT_COUNT], const range_t *range)
{
    int i;

    for (i = 0; i < WH_FORMAT_COUNT; i++) {
        int match = match_of(range, names[i]);

        if (match > verdicts[i].match ||
            (match && match == verdicts[i].match &&
             range->quality > verdicts[i].quality)) {
            verdicts[i].match = match;
            verdicts[i].quality = range->quality;
        }
    }
}

wh_format_t wh_accept_choose(const char *accept)
{
    verdict_t verdicts[WH_FORMAT_COUNT] = {{MATCH_NONE, 0}};
    const char *rest = accept, *end = accept ? accept + strlen(accept) : NULL;
    wh_format_t best = WH_FORMAT_NONE;
    part_t element;
    int i, ranges = 0;

    while (next_part(&element, &rest, end, ',')) {
        range_t range;

        if (element.length && read_range(&range, element)) {
            apply(verdicts, &range);
            ranges++;
        }
    }
    if (ranges == 0) {
        return WH_FORMAT_JSON;
    }
    for (i = 0; i < WH_FORMAT_COUNT; i++) {
        if (verdicts[i].quality >
            (best == WH_FORMAT_NONE ? 0 : verdicts[best].quality)) {
            best = (wh_format_t)i;
        }
    }
    return best;
}

const char *wh_format_content_type(wh_format_t format)
{
    return content_types[format < WH_FORMAT_COUNT ? format : WH_FORMAT_JSON];
}

int wh_format_is_xml(wh_format_t format)
{
    return format == WH_FORMAT_XML || format == WH_FORMAT_TEXT_XML;
}
