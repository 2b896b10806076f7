/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <apr_strings.h>
#include <jansson.h>
#include <stdlib.h>

/* Length of the well-formed sequence at text (Unicode 15, table 3-7), or 0. */
static apr_size_t sequence_length(const unsigned char *text, apr_size_t left)
{
    unsigned char low = 0x80, high = 0xbf;
    apr_size_t i, want;

    if (text[0] < 0x80) {
        return 1;
    }
    if (text[0] >= 0xc2 && text[0] <= 0xdf) {
        want = 2;
    }
    else if (text[0] >= 0xe0 && text[0] <= 0xef) {
        want = 3;
        low = text[0] == 0xe0 ? 0xa0 : 0x80;
        high = text[0] == 0xed ? 0x9f : 0xbf;
    }
    else if (text[0] >= 0xf0 && text[0] <= 0xf4) {
        want = 4;
        low = text[0] == 0xf0 ? 0x90 : 0x80;
        high = text[0] == 0xf4 ? 0x8f : 0xbf;
    }
    else {
        return 0;
    }
    if (left < want || text[1] < low || text[1] > high) {
        return 0;
    }
    for (i = 2; i < want; i++) {
        if (text[i] < 0x80 || text[i] > 0xbf) {
            return 0;
        }
    }
    return want;
}

void wh_text_clean(char *text, apr_size_t length)
{
    apr_size_t at = 0, step;

    while (at < length) {
        unsigned char c = (unsigned char)text[at];

        step = sequence_length((unsigned char *)text + at, length - at);
        if (step == 0 || c == 0x7f ||
            (c < 0x20 && c != '\t' && c != '\n' && c != '\r')) {
            text[at] = '?';
            step = 1;
        }
        at += step;
    }
}

int wh_text_is_utf8(const char *text, apr_size_t length)
{
    apr_size_t at = 0, step = 1;

    while (at < length && step > 0) {
        step = sequence_length((const unsigned char *)text + at, length - at);
        at += step;
    }
    return step > 0;
}

int wh_text_is_blank(const char *text, apr_size_t length)
{
    apr_size_t at = 0;

    while (at < length && (text[at] == ' ' || text[at] == '\t' ||
                           text[at] == '\n' || text[at] == '\r')) {
        at++;
    }
    return at == length;
}

const char *wh_text_json(const char *text, apr_pool_t *pool)
{
    json_t *value;
    char *dump;
    const char *copy;

    if (!text) {
        return "null";
    }
    value = json_string(text);
    if (!value) {
        return NULL;
    }
    dump = json_dumps(value, JSON_ENCODE_ANY);
    json_decref(value);
    if (!dump) {
        return NULL;
    }
    copy = apr_pstrdup(pool, dump);
    free(dump);
    return copy;
}

void wh_text_lower_bytes(char *text, apr_size_t length)
{
    apr_size_t i;

    /* tolower() would depend on the locale. */
    for (i = 0; i < length; i++) {
        if (text[i] >= 'A' && text[i] <= 'Z') {
            text[i] = (char)(text[i] - 'A' + 'a');
        }
    }
}

char *wh_text_lower(const char *text, apr_pool_t *pool)
{
    char *copy = apr_pstrdup(pool, text);

    wh_text_lower_bytes(copy, strlen(copy));
    return copy;
}
