/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/output.h"

#include <apr_strings.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/time_text.h"
#include "media/json.h"
#include "store/log_json.h"

/* Between two columns. */
#define GAP 2

/* Where the values of a record begin. */
#define FIELD_WIDTH 20

/* Code point of a sequence that is known to be in order. */
static unsigned int code_point(int *length, const unsigned char *text)
{
    if (text[0] < 0x80) {
        *length = 1;
        return text[0];
    }
    if (text[0] < 0xe0) {
        *length = 2;
        return (text[0] & 0x1fu) << 6 | (text[1] & 0x3fu);
    }
    if (text[0] < 0xf0) {
        *length = 3;
        return (text[0] & 0x0fu) << 12 | (text[1] & 0x3fu) << 6 |
               (text[2] & 0x3fu);
    }
    *length = 4;
    return (text[0] & 0x07u) << 18 | (text[1] & 0x3fu) << 12 |
           (text[2] & 0x3fu) << 6 | (text[3] & 0x3fu);
}

/* Controls, line and paragraph separators, and the marks of Unicode's
 * bidirectional algorithm, which show a text in another order than it has. */
static int is_harmful(unsigned int c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x061c ||
           (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

static int append_escape(char *at, unsigned int c)
{
    switch (c) {
    case '\t':
        return sprintf(at, "\\t");
    case '\n':
        return sprintf(at, "\\n");
    case '\r':
        return sprintf(at, "\\r");
    default:
        return sprintf(at, "\\u%04x", c);
    }
}

/* One line, harmless; an empty text stays empty. */
static const char *harmless(const char *text, apr_pool_t *pool)
{
    apr_size_t size = strlen(text);
    char *clean = apr_pstrmemdup(pool, text, size);
    /* An escape has six bytes at the most and stands for one or more. */
    char *result = apr_palloc(pool, size * 6 + 1);
    char *at = result;
    const unsigned char *from;
    int length;

    wh_text_clean(clean, size);
    for (from = (const unsigned char *)clean; *from; from += length) {
        unsigned int c = code_point(&length, from);

        if (is_harmful(c)) {
            at += append_escape(at, c);
        }
        else {
            memcpy(at, from, (apr_size_t)length);
            at += length;
        }
    }
    *at = '\0';
    return result;
}

const char *wh_output_text(const char *text, apr_pool_t *pool)
{
    return text && *text ? harmless(text, pool) : "-";
}

const char *wh_output_time(apr_time_t time, apr_pool_t *pool)
{
    char text[WH_TIME_SIZE] = "-";

    if (time) {
        wh_time_print(text, time);
    }
    return apr_pstrdup(pool, text);
}

json_t *wh_output_json_time(apr_time_t time)
{
    return wh_log_json_time(time);
}

json_t *wh_output_json_text(const char *text)
{
    return wh_log_json_text(text);
}

json_t *wh_output_json_id(apr_int64_t id)
{
    return wh_log_json_id(id);
}

json_t *wh_output_json_value(const char *text)
{
    json_t *value = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;

    return value ? value : json_null();
}

int wh_output_json(json_t *value, int lines)
{
    size_t form = JSON_ENSURE_ASCII | JSON_ENCODE_ANY;
    char *text = NULL;

    if (value) {
        text =
            wh_json_dump(value, form | (lines ? JSON_COMPACT : JSON_INDENT(2)));
    }
    json_decref(value);
    if (!text) {
        return wh_output_fail(WH_EXIT_FAILED, "out of memory");
    }
    puts(text);
    free(text);
    return WH_EXIT_DONE;
}

/* Places on the screen: one for each code point. */
static int width_of(const char *text)
{
    int width = 0;

    for (; *text; text++) {
        width += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return width;
}

wh_table_t *wh_table_create(const char *const *headings, apr_pool_t *pool)
{
    wh_table_t *table = apr_pcalloc(pool, sizeof(*table));

    while (headings[table->columns]) {
        table->columns++;
    }
    apr_pool_create(&table->pool, pool);
    table->cells = apr_array_make(table->pool, 64, sizeof(const char *));
    wh_table_add(table, headings);
    return table;
}

void wh_table_add(wh_table_t *table, const char *const *cells)
{
    int i;

    for (i = 0; i < table->columns; i++) {
        const char *cell = wh_output_text(cells[i], table->pool);
        int width = width_of(cell);

        if (width > table->width[i]) {
            table->width[i] = width;
        }
        APR_ARRAY_PUSH(table->cells, const char *) =
            apr_pstrdup(table->pool, cell);
    }
}

static void print_cell(const wh_table_t *table, int at)
{
    const char *cell = APR_ARRAY_IDX(table->cells, at, const char *);
    int column = at % table->columns;

    if (column == table->columns - 1) {
        puts(cell);
        return;
    }
    printf("%s%*s", cell, table->width[column] - width_of(cell) + GAP, "");
}

void wh_table_print(wh_table_t *table)
{
    int i;

    for (i = 0; i < table->cells->nelts; i++) {
        print_cell(table, i);
    }
    apr_pool_clear(table->pool);
    table->cells = apr_array_make(table->pool, 64, sizeof(const char *));
}

void wh_output_field(const char *name, const char *value, apr_pool_t *pool)
{
    printf("%s:%*s%s\n", name, FIELD_WIDTH - width_of(name) - 1, "",
           wh_output_text(value, pool));
}

void wh_output_block(const char *text, apr_pool_t *pool)
{
    while (*text) {
        apr_size_t length = strcspn(text, "\n");
        apr_size_t shown =
            length > 0 && text[length - 1] == '\r' ? length - 1 : length;

        printf("%s%s\n", shown ? "    " : "",
               harmless(apr_pstrmemdup(pool, text, shown), pool));
        text += length + (text[length] == '\n');
    }
}

int wh_output_fail(int status, const char *format, ...)
{
    apr_pool_t *pool;
    va_list args;
    const char *text;

    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return status;
    }
    va_start(args, format);
    text = apr_pvsprintf(pool, format, args);
    va_end(args);
    fflush(stdout);
    fprintf(stderr, "webhookctl: %s\n", harmless(text, pool));
    apr_pool_destroy(pool);
    return status;
}
