/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/output.h"

#include <apr_general.h>
#include <stdlib.h>

#include "unit/tap.h"

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

static void test_text(apr_pool_t *pool)
{
    static const struct {
        const char *text;
        const char *shown;
        const char *what;
    } cases[] = {
        {"plain", "plain", "plain text"},
        {"\xc3\xa5 \xe2\x82\xac \xf0\x9f\x98\x80",
         "\xc3\xa5 \xe2\x82\xac \xf0\x9f\x98\x80", "letters of all lengths"},
        {NULL, "-", "nothing"},
        {"", "-", "an empty text"},
        {"\x1b[31mred", "?[31mred", "an escape sequence"},
        {"a\tb\nc\rd", "a\\tb\\nc\\rd", "white space"},
        {"\xc2\x9b"
         "31m",
         "\\u009b31m", "a control above ASCII"},
        {"\xe2\x80\xae"
         "evil",
         "\\u202eevil", "a turn of direction"},
        {"\xe2\x80\xa8", "\\u2028", "a line separator"},
        {"\xff\xfe", "??", "no UTF-8"},
        {"\xe2\x82", "??", "a cut sequence"},
        {"\x7f", "?", "delete"},
    };
    int i;

    for (i = 0; i < COUNT(cases); i++) {
        is_str(wh_output_text(cases[i].text, pool), cases[i].shown, "%s",
               cases[i].what);
    }
}

static void test_time(apr_pool_t *pool)
{
    is_str(wh_output_time(0, pool), "-", "no time");
    is_str(wh_output_time(APR_INT64_C(1769862645123456), pool),
           "2026-01-31T12:30:45.123Z", "a time");
}

static void is_json(json_t *value, const char *expected, const char *what)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

    is_str(text, expected, "%s", what);
    free(text);
    json_decref(value);
}

static void test_json(void)
{
    is_json(wh_output_json_text(NULL), "null", "NULL is null");
    is_json(wh_output_json_text("\x1b\xc3\xa5"), "\"\\u001B\\u00E5\"",
            "a text as it is");
    is_json(wh_output_json_text("a\xff"), "\"a?\"", "no UTF-8 is cleaned");
    is_json(wh_output_json_id(APR_INT64_MAX), "\"9223372036854775807\"",
            "ids are texts");
    is_json(wh_output_json_value("{\"a\": [1]}"), "{\"a\": [1]}",
            "stored JSON is a value");
    is_json(wh_output_json_value("{"), "null", "what is none is null");
    is_json(wh_output_json_time(0), "null", "no time is null");
}

/* What is printed comes back as text. */
static void test_table(apr_pool_t *pool)
{
    static const char *const headings[] = {"ID", "NAME", NULL};
    static const char *const first[] = {"1", "\xc3\xa5sa\nx"};
    static const char *const second[] = {"\xc3\xa5\xc3\xa5\xc3\xa5\xc3\xa5",
                                         NULL};
    static const char expected[] = "ID    NAME\n"
                                   "1     \xc3\xa5sa\\nx\n"
                                   "\xc3\xa5\xc3\xa5\xc3\xa5\xc3\xa5  -\n"
                                   "1     \xc3\xa5sa\\nx\n";
    char *text = NULL;
    size_t size = 0;
    FILE *screen = stdout;
    wh_table_t *table = wh_table_create(headings, pool);

    stdout = open_memstream(&text, &size);
    wh_table_add(table, first);
    wh_table_add(table, second);
    wh_table_print(table);
    wh_table_add(table, first);
    wh_table_print(table);
    wh_table_print(table);
    fclose(stdout);
    stdout = screen;
    is_str(text, expected, "columns stand below each other, printed once");
    free(text);
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_text(pool);
    test_time(pool);
    test_json();
    test_table(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
