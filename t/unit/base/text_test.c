/* SPDX-License-Identifier: Apache-2.0 */
/* Text that came from elsewhere. */
#include <apr_general.h>
#include <apr_strings.h>

#include "base/text.h"
#include "unit/tap.h"

static apr_pool_t *pool;

/* The length counts, so that texts may hold NUL. */
#define TEXT(text) text, sizeof(text) - 1

typedef struct row_t {
    const char *in;
    apr_size_t length;
    const char *out;
    const char *name;
} row_t;

static const row_t rows[] = {
    {TEXT(""), "", "nothing"},
    {TEXT("plain text."), "plain text.", "ASCII"},
    {TEXT("a\tb\r\nc"), "a\tb\r\nc", "tab and line ends"},
    {TEXT("a\0b"), "a?b", "NUL"},
    {TEXT("\1\2\13\14\16\33\37 "), "??????? ", "control bytes"},
    {TEXT("a\177b"), "a?b", "DEL"},
    {TEXT("\303\251"), "\303\251", "two bytes"},
    {TEXT("\342\202\254"), "\342\202\254", "three bytes"},
    {TEXT("\360\237\230\200"), "\360\237\230\200", "four bytes"},
    {TEXT("\302\200"), "\302\200", "U+0080, the first of two bytes"},
    {TEXT("\337\277"), "\337\277", "U+07FF, the last of two"},
    {TEXT("\340\240\200"), "\340\240\200", "U+0800, the first of three"},
    {TEXT("\355\237\277"), "\355\237\277", "U+D7FF, before the surrogates"},
    {TEXT("\356\200\200"), "\356\200\200", "U+E000, behind them"},
    {TEXT("\357\277\277"), "\357\277\277", "U+FFFF, the last of three"},
    {TEXT("\360\220\200\200"), "\360\220\200\200", "U+10000"},
    {TEXT("\364\217\277\277"), "\364\217\277\277", "U+10FFFF, the last"},
    {TEXT("\300\257"), "??", "overlong slash of two bytes"},
    {TEXT("\301\277"), "??", "overlong of two bytes"},
    {TEXT("\340\200\257"), "???", "overlong of three bytes"},
    {TEXT("\340\237\277"), "???", "longest overlong of three bytes"},
    {TEXT("\360\200\200\257"), "????", "overlong of four bytes"},
    {TEXT("\360\217\277\277"), "????", "longest overlong of four bytes"},
    {TEXT("\355\240\200"), "???", "high surrogate"},
    {TEXT("\355\277\277"), "???", "low surrogate"},
    {TEXT("\355\240\275\355\270\200"), "??????", "surrogate pair"},
    {TEXT("\364\220\200\200"), "????", "U+110000"},
    {TEXT("\365\200\200\200"), "????", "beyond Unicode"},
    {TEXT("\370\210\200\200\200"), "?????", "five bytes"},
    {TEXT("\376\377"), "??", "byte order mark of UTF-16"},
    {TEXT("\200"), "?", "continuation alone"},
    {TEXT("a\277b"), "a?b", "continuation in ASCII"},
    {TEXT("\303"), "?", "two bytes, cut after one"},
    {TEXT("\342\202"), "??", "three bytes, cut after two"},
    {TEXT("\360\237\230"), "???", "four bytes, cut after three"},
    {TEXT("\303A"), "?A", "a letter instead of a continuation"},
    {TEXT("\342\202A"), "??A", "a letter instead of the second one"},
    {TEXT("\360\237A\200"), "??A?", "a letter in the middle"},
    {TEXT("\303\303\251"), "?\303\251", "it goes on at the next good byte"},
    {TEXT("\303\251\0\342\202\254"), "\303\251?\342\202\254",
     "good ones around NUL"},
};

static void test_clean(void)
{
    char buffer[64];
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        /* The byte behind the text must stay as it is, even where the text
         * ends in the middle of a sequence that it would finish. */
        memset(buffer, '\277', sizeof(buffer));
        memcpy(buffer, rows[i].in, rows[i].length);
        wh_text_clean(buffer, rows[i].length);
        ok(strlen(rows[i].out) == rows[i].length &&
               !memcmp(buffer, rows[i].out, rows[i].length) &&
               buffer[rows[i].length] == '\277',
           "clean: %s", rows[i].name);
    }
}

/* Cleaning changes control bytes too, so only texts without any are judged. */
static void test_is_utf8(void)
{
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const row_t *row = &rows[i];
        int same = !memcmp(row->in, row->out, row->length);
        apr_size_t at;
        int control = 0;

        for (at = 0; at < row->length; at++) {
            control |= (unsigned char)row->in[at] < ' ' || row->in[at] == 0x7f;
        }
        if (!control || same) {
            is_int(wh_text_is_utf8(row->in, row->length), same, "UTF-8: %s",
                   row->name);
        }
    }
    is_int(wh_text_is_utf8("a\0b\1\177", 5), 1, "UTF-8: control bytes");
    is_int(wh_text_is_utf8("\303\251", 1), 0, "UTF-8: the length counts");
    is_int(wh_text_is_utf8("\303\251", 2), 1, "UTF-8: the whole of it");
}

static void test_is_blank(void)
{
    is_int(wh_text_is_blank("", 0), 1, "blank: nothing");
    is_int(wh_text_is_blank(" \t\r\n", 4), 1, "blank: all white space");
    is_int(wh_text_is_blank(" x", 2), 0, "blank: a letter");
    is_int(wh_text_is_blank(" x", 1), 1, "blank: the length counts");
    is_int(wh_text_is_blank("\0", 1), 0, "blank: NUL is none");
    is_int(wh_text_is_blank("\v", 1), 0, "blank: nor a vertical tab");
    is_int(wh_text_is_blank("\302\240", 2), 0, "blank: nor U+00A0");
}

/* What is cleaned can always be put into JSON, whatever it was. */
static void test_all_pairs(void)
{
    int first, second, wrong = 0;

    for (first = 0; first < 256; first++) {
        for (second = 0; second < 256; second++) {
            char text[3] = {(char)first, (char)second, '\0'};
            char again[3];

            wh_text_clean(text, 2);
            memcpy(again, text, sizeof(again));
            wh_text_clean(again, 2);
            wrong += strlen(text) != 2 || strcmp(text, again) != 0 ||
                     !wh_text_json(text, pool);
        }
        apr_pool_clear(pool);
    }
    is_int(wrong, 0, "all pairs of bytes come out as UTF-8, and stay so");
}

static void test_json(void)
{
    is_str(wh_text_json(NULL, pool), "null", "NULL");
    is_str(wh_text_json("", pool), "\"\"", "the empty text");
    is_str(wh_text_json("a/b", pool), "\"a/b\"", "a plain text");
    is_str(wh_text_json("\"\\\b\f\n\r\t\1", pool),
           "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\"", "escapes");
    is_str(wh_text_json("\303\251\360\237\230\200", pool),
           "\"\303\251\360\237\230\200\"", "UTF-8 stays");
    is_str(wh_text_json("\377", pool), NULL, "not UTF-8");
    is_str(wh_text_json("\355\240\200", pool), NULL, "a surrogate");
}

static void test_lower(void)
{
    char *copy;

    is_str(wh_text_lower("", pool), "", "the empty text in small letters");
    is_str(wh_text_lower("@AZ[`az{09_", pool), "@az[`az{09_", "A to Z");
    is_str(wh_text_lower("\303\211\304\260", pool), "\303\211\304\260",
           "no other letters");
    copy = wh_text_lower("abc", pool);
    copy[0] = 'x';
    is_str(copy, "xbc", "the copy can be written to");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_clean();
    test_is_utf8();
    test_is_blank();
    test_all_pairs();
    test_json();
    test_lower();
    apr_terminate();
    return done_testing();
}
