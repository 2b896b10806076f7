/* SPDX-License-Identifier: Apache-2.0 */
/* Event names and primary keys. */
#include <apr_general.h>
#include <stdint.h>
#include <string.h>

#include "policy/event_name.h"
#include "unit/tap.h"

static int is_allowed_byte(int byte)
{
    return byte && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                          "0123456789._-",
                          byte) != NULL;
}

static void test_bytes(void)
{
    int byte;

    for (byte = 0; byte < 256; byte++) {
        char name[3] = {'a', (char)byte, 'z'};

        ok(wh_event_name_valid(name, 3) == is_allowed_byte(byte),
           "byte 0x%02x in a name: %s", byte,
           is_allowed_byte(byte) ? "accepted" : "refused");
    }
}

static void test_lengths(void)
{
    char name[WH_EVENT_NAME_MAX + 2];

    memset(name, 'n', sizeof(name));
    ok(!wh_event_name_valid(name, 0), "no empty name");
    ok(wh_event_name_valid(name, 1), "one character");
    ok(wh_event_name_valid(name, 127), "127 characters");
    ok(wh_event_name_valid(name, 128), "128 characters");
    ok(!wh_event_name_valid(name, 129), "not 129 characters");
    ok(wh_event_name_valid("ok\n", 2), "nothing behind the length is read");
    ok(!wh_event_name_valid("ok\n", 3), "no line end at the end");
    ok(!wh_event_name_valid("ok", 3), "no NUL at the end");
}

static void test_entity(void)
{
    static const struct {
        const char *name;
        int length;
    } rows[] = {{"window.closed", 6},
                {"list.category.created", 13},
                {"y_table.created", 7},
                {"test", 4},
                {"webhook66.started", 9},
                {".created", 0},
                {"window.", 6},
                {"a..b", 2},
                {".", 0},
                {"", 0}};
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is_int((int)wh_event_name_entity_length(rows[i].name), rows[i].length,
               "entity of \"%s\"", rows[i].name);
    }
}

static void test_shown(void)
{
    static const struct {
        const char *name;
        const char *shown; /* NULL: the name itself */
    } rows[] = {{"webhook66.started", "webhook.started"},
                {"webhook1.stopped", "webhook.stopped"},
                {"webhook2147483647.errors", "webhook.errors"},
                {"webhook007.errors", "webhook.errors"},
                {"webhook.errors", NULL},
                {"webhook66.error", NULL},
                {"webhook66.errors2", NULL},
                {"webhook66.errors.more", NULL},
                {"webhook66.changed", NULL},
                {"webhook66", NULL},
                {"webhook66.", NULL},
                {"webhook", NULL},
                {"webhook-1.errors", NULL},
                {"webhook6a.errors", NULL},
                {"mywebhook66.errors", NULL},
                {"Webhook66.errors", NULL},
                {"sale.sold", NULL},
                {"", NULL}};
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *shown = wh_event_name_shown(rows[i].name);

        is_str(shown, rows[i].shown ? rows[i].shown : rows[i].name,
               "\"%s\" in a payload", rows[i].name);
        ok(rows[i].shown || shown == rows[i].name, "is the name itself if so");
    }
}

static void test_good_keys(void)
{
    static const struct {
        const char *text;
        apr_int32_t value;
    } rows[] = {{"0", 0},
                {"1", 1},
                {"-1", -1},
                {"-7", -7},
                {"10", 10},
                {"123", 123},
                {"2147483646", 2147483646},
                {"2147483647", INT32_MAX},
                {"-2147483647", -2147483647},
                {"-2147483648", INT32_MIN}};
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        apr_int32_t value = 99;

        ok(wh_primary_key_parse(&value, rows[i].text), "key \"%s\" is read",
           rows[i].text);
        is_int(value, rows[i].value, "its value");
    }
}

static void test_bad_keys(void)
{
    static const char *const rows[] = {"",
                                       "-",
                                       "+",
                                       "+1",
                                       "+0",
                                       "-0",
                                       "00",
                                       "01",
                                       "-01",
                                       " 1",
                                       "1 ",
                                       "\t1",
                                       "1\n",
                                       "1.0",
                                       "1e3",
                                       "0x10",
                                       "1,000",
                                       "a",
                                       "1a",
                                       "--1",
                                       "-+1",
                                       "1-",
                                       "2147483648",
                                       "-2147483649",
                                       "4294967296",
                                       "4294967297",
                                       "9223372036854775807",
                                       "9223372036854775808",
                                       "-9223372036854775809",
                                       "18446744073709551617",
                                       "\xef\xbc\x91",
                                       "\xd9\xa1",
                                       "NaN",
                                       "%31"};
    char digits[10001];
    apr_int32_t value = 99;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ok(!wh_primary_key_parse(&value, rows[i]), "bad key number %d: \"%s\"",
           (int)i, strpbrk(rows[i], "\n\t") ? "(blank)" : rows[i]);
    }
    memset(digits, '1', sizeof(digits) - 1);
    digits[sizeof(digits) - 1] = '\0';
    ok(!wh_primary_key_parse(&value, digits), "bad key of 10,000 digits");
    is_int(value, 99, "a refused key leaves the value alone");
    ok(wh_primary_key_parse(&value, "5") && value == 5,
       "a number out of range does not spoil the next one");
}

static void test_patterns(void)
{
    static const struct {
        const char *text;
        int valid;
    } rows[] = {
        {"*", 1},        {"contact.*", 1}, {"*.created", 1},  {"list.*.b", 1},
        {"a.b.*", 1},    {"*.a.b", 1},     {"*.", 1},         {".*", 1},
        {"-_.*", 1},     {"", 0},          {"contact", 0},    {"con*", 0},
        {"*created", 0}, {"a*.b", 0},      {"a.*b", 0},       {"**", 0},
        {"*.*", 0},      {"a.*.*", 0},     {"*.a.*", 0},      {"a .*", 0},
        {"a,*", 0},      {"a.*\n", 0},     {"\xc3\xa4.*", 0}, {"a.?", 0},
    };
    char name[WH_EVENT_NAME_MAX + 2];
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is_int(wh_event_pattern_valid(rows[i].text, strlen(rows[i].text)),
               rows[i].valid, "\"%s\": %s", rows[i].text,
               rows[i].valid ? "a pattern" : "none");
        ok(!rows[i].valid ||
               !wh_event_name_valid(rows[i].text, strlen(rows[i].text)),
           "... and no name");
    }
    memset(name, 'n', sizeof(name));
    memcpy(name, "*.", 2);
    ok(wh_event_pattern_valid(name, 128), "128 characters");
    ok(!wh_event_pattern_valid(name, 129), "not 129");
}

static void test_lists(void)
{
    static const struct {
        const char *events;
        const char *name;
        int means;
    } rows[] = {
        {"a.b,c", "C", 1},    {"a.b,c", "A.b", 1},   {"a.b,c", "a", 0},
        {"a.b,c", "b,c", 0},  {"", "a", 0},          {"*", "a", 1},
        {"x,a.*", "A.B", 1},  {"x,a.*", "a.", 0},    {"x,a.*", "a", 0},
        {"*.b,x", "a.B", 1},  {"*.b", ".b", 0},      {"a.*.c", "a.b.c", 1},
        {"a.*.c", "a..c", 0}, {"a.*.c", "a.c", 0},   {"a.*", "A.*", 1},
        {"a*", "ab", 0},      {"a.*.*", "a.b.c", 0}, {"*.a", "*.A", 1},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is_int(wh_event_list_means(rows[i].events, rows[i].name), rows[i].means,
               "\"%s\" of \"%s\"", rows[i].name, rows[i].events);
    }
}

int main(void)
{
    apr_initialize();
    test_bytes();
    test_lengths();
    test_patterns();
    test_lists();
    test_entity();
    test_shown();
    test_good_keys();
    test_bad_keys();
    apr_terminate();
    return done_testing();
}
