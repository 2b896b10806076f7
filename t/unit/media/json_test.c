/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text of unknown origin. */
#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>

#include "media/json.h"
#include "unit/tap.h"

static apr_pool_t *pool;

/* The length counts, so that texts may hold NUL. */
#define TEXT(text) text, sizeof(text) - 1

static const char *dump(const json_t *value)
{
    char *text;
    const char *copy;

    if (!value) {
        return "(none)";
    }
    text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    copy = apr_pstrdup(pool, text);
    free(text);
    return copy;
}

static void test_good(void)
{
    static const struct {
        const char *text;
        apr_size_t length;
        const char *value;
    } rows[] = {
        {TEXT("{}"), "{}"},
        {TEXT(" [ ] "), "[]"},
        {TEXT("null"), "null"},
        {TEXT("\"a\""), "\"a\""},
        {TEXT("{\"a\":{\"b\":[1,-2.5,true,false,null,\"x\"]}}"),
         "{\"a\":{\"b\":[1,-2.5,true,false,null,\"x\"]}}"},
        {TEXT("{\"a\":1,\"A\":2}"), "{\"a\":1,\"A\":2}"},
        {TEXT("9223372036854775807"), "9223372036854775807"},
        {TEXT("-9223372036854775808"), "-9223372036854775808"},
        {TEXT("\"\\u00e9\\ud83d\\ude00\""), "\"\303\251\360\237\230\200\""},
        {TEXT("{\"\":\"\"}"), "{\"\":\"\"}"},
        /* nothing is there */
        {TEXT(""), "(none)"},
        {TEXT(" \t\r\n"), "(none)"},
        {TEXT("\357\273\277"), "(none)"},
        {TEXT("\357\273\277 \n"), "(none)"},
        /* a byte order mark */
        {TEXT("\357\273\277{\"a\":1}"), "{\"a\":1}"},
        /* a trailing comma */
        {TEXT("[1,]"), "[1]"},
        {TEXT("[1 , \r\n\t]"), "[1]"},
        {TEXT("{\"a\":1,}"), "{\"a\":1}"},
        {TEXT("{\"a\":[\"b\",],\"c\":{\"d\":{},},}"),
         "{\"a\":[\"b\"],\"c\":{\"d\":{}}}"},
        {TEXT("[[],]"), "[[]]"},
        {TEXT("[\",]\",]"), "[\",]\"]"},
        {TEXT("[\"\\\",]\"]"), "[\"\\\",]\"]"},
        {TEXT("[\"\\\\\",]"), "[\"\\\\\"]"},
        {TEXT("{\",}\":\",}\"}"), "{\",}\":\",}\"}"},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *value = NULL;
        const char *message = "none";

        is_int(
            wh_json_parse(&value, &message, rows[i].text, rows[i].length, pool),
            APR_SUCCESS, "reads %s", rows[i].text);
        is_str(dump(value), rows[i].value, "as it is meant");
    }
}

static void test_bad(void)
{
    static const struct {
        const char *text;
        apr_size_t length;
        const char *part;
    } rows[] = {
        {TEXT("{"), "valid JSON"},
        {TEXT("[1"), "valid JSON"},
        {TEXT("[1,"), "valid JSON"},
        {TEXT("\"a"), "valid JSON"},
        {TEXT("\"a\\"), "valid JSON"},
        {TEXT("nul"), "valid JSON"},
        {TEXT("{a:1}"), "valid JSON"},
        {TEXT("{'a':1}"), "valid JSON"},
        {TEXT("01"), "JSON"},
        {TEXT("NaN"), "valid JSON"},
        {TEXT("[1]x"), "behind its JSON value"},
        {TEXT("1,"), "behind its JSON value"},
        {TEXT("{} {}"), "behind its JSON value"},
        /* commas that are no trailing ones */
        {TEXT("[,]"), "valid JSON"},
        {TEXT("{,}"), "valid JSON"},
        {TEXT("[ , ]"), "valid JSON"},
        {TEXT("[1,,]"), "valid JSON"},
        {TEXT("[1,,2]"), "valid JSON"},
        {TEXT("[,1]"), "valid JSON"},
        {TEXT("{\"a\":1,,}"), "valid JSON"},
        {TEXT("{\"a\":,}"), "valid JSON"},
        {TEXT("[1,}"), "valid JSON"},
        {TEXT(","), "valid JSON"},
        {TEXT(",]"), "JSON"},
        /* numbers */
        {TEXT("9223372036854775808"), "does not fit"},
        {TEXT("-9223372036854775809"), "does not fit"},
        {TEXT("1e400"), "does not fit"},
        {TEXT("[-1e999]"), "does not fit"},
        /* names and characters */
        {TEXT("{\"a\":1,\"a\":2}"), "twice"},
        {TEXT("{\"a\":1,\"\\u0061\":2}"), "twice"},
        {TEXT("\"\\u0000\""), "null character"},
        {TEXT("{\"\\u0000\":1}"), "null character"},
        {TEXT("\"a\0b\""), "JSON"},
        {TEXT("[1]\0"), "JSON"},
        {TEXT("\0"), "JSON"},
        {TEXT("\"\377\""), "UTF-8"},
        {TEXT("\"\303\""), "UTF-8"},
        {TEXT("\"\300\257\""), "UTF-8"},
        {TEXT("\"\355\240\200\""), "UTF-8"},
        {TEXT("\"\\ud800\""), "JSON"},
        {TEXT("\377\376{\0}\0"), "UTF-8"},
        {TEXT("{\0}\0"), "JSON"},
        {TEXT("\357\273\277\357\273\277{}"), "JSON"},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *value = NULL;
        const char *message = NULL;

        is_int(
            wh_json_parse(&value, &message, rows[i].text, rows[i].length, pool),
            APR_EINVAL, "refuses number %d: %s", (int)i, rows[i].text);
        ok(!value && message && !strncmp(message, "The request body ", 17) &&
               strstr(message, rows[i].part),
           "and says why: %s", message ? message : "(NULL)");
    }
}

/* "[[...1...]]" and the like; each unit is written count times. */
static const char *repeat(const char *head, const char *unit, int count,
                          const char *tail)
{
    apr_size_t size = strlen(unit);
    char *text = apr_palloc(pool, strlen(head) + (apr_size_t)count * size +
                                      strlen(tail) + 1);
    char *at = text + strlen(head);
    int i;

    strcpy(text, head);
    for (i = 0; i < count; i++, at += size) {
        memcpy(at, unit, size);
    }
    strcpy(at, tail);
    return text;
}

static const char *nested(const char *open, const char *close, int depth)
{
    return apr_pstrcat(pool, repeat("", open, depth, ""),
                       repeat("", close, depth, ""), NULL);
}

static void check_bound(const char *text, const char *part, const char *name)
{
    json_t *value = NULL;
    const char *message = NULL;
    apr_status_t rv = wh_json_parse(&value, &message, text, strlen(text), pool);

    is_int(rv, part ? APR_EINVAL : APR_SUCCESS, "%s", name);
    if (part) {
        ok(message && strstr(message, part), "and says why");
    }
    apr_pool_clear(pool);
}

static const char *members(int count, const char *tail)
{
    char *text = apr_palloc(pool, (apr_size_t)count * 16 + 16), *at = text;
    int i;

    *at++ = '{';
    for (i = 0; i < count; i++) {
        at += sprintf(at, "%s\"%d\":%d", i ? "," : "", i, i);
    }
    sprintf(at, "%s}", tail);
    return text;
}

static void test_bounds(void)
{
    check_bound(nested("[", "]", 64), NULL, "64 levels");
    check_bound(nested("[", "]", 65), "64 levels", "65 levels");
    check_bound(nested("{\"a\":[", "]}", 32), NULL, "64 levels of two kinds");
    check_bound(nested("{\"a\":[", "]}", 33), "64 levels", "66 of them");
    check_bound(repeat("[", "[],", 9999, "[]]"), NULL, "10000 empty arrays");
    check_bound(repeat("[", "[],", 10000, "[]]"), "10000", "one more");
    check_bound(repeat("[", "1,", 10000, "]"), NULL,
                "10000 items and a trailing comma");
    check_bound(repeat("[", "1,", 10001, "]"), "10000", "one more");
    check_bound(repeat("[", "[1],", 5000, "]"), NULL, "items of items count");
    check_bound(repeat("[", "[1],", 5001, "]"), "10000", "all of them");
    check_bound(members(10000, ""), NULL, "10000 members");
    check_bound(members(10000, ","), NULL, "and a trailing comma");
    check_bound(members(10001, ""), "10000", "10001 members");
    check_bound(repeat("\"", "[{,:", 100000, "\""), NULL,
                "brackets in a string mean nothing");
    check_bound(repeat("", "[", 2000000, ""), "64 levels", "many brackets");
    check_bound(repeat("[", "],[", 2000000, ""), "10000", "and closed ones");
    check_bound(repeat("\"", "\\\"", 1000000, ""), "JSON",
                "a string without an end");
    check_bound(repeat("[1", ",", 2000000, "]"), "10000", "only commas");
    check_bound(repeat("[1", " ,]", 2000000, ""), "JSON",
                "many trailing commas");
    check_bound(repeat("", " ", 2000000, "1"), NULL, "a lot of white space");
}

static void test_member(void)
{
    json_t *object = json_pack("{s:i,s:i,s:i}", "name", 1, "Name", 2, "URL", 3);

    is_int(json_integer_value(wh_json_member(object, "Name")), 2, "exactly");
    is_int(json_integer_value(wh_json_member(object, "NAME")), 1,
           "else the first in any case");
    is_int(json_integer_value(wh_json_member(object, "url")), 3, "in any case");
    ok(!wh_json_member(object, "ur"), "not a part of it");
    ok(!wh_json_member(NULL, "a"), "nothing of NULL");
    json_decref(object);
}

/* Reals with the digits they need, and no fewer. */
static void test_dump(void)
{
    static const char *const texts[] = {
        "0.1",
        "[0.1,0.2,1.5]",
        "{\"a\":1e300}",
        "1.0",
        "0.30000000000000004",
        "[1,2]",
        "\"0.1\"",
        "-0.0",
        "1.7976931348623157e308",
    };
    size_t i;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        json_t *value = json_loads(texts[i], JSON_DECODE_ANY, NULL);
        char *text = wh_json_dump(value, JSON_COMPACT | JSON_ENCODE_ANY);
        json_t *back = json_loads(text, JSON_DECODE_ANY, NULL);

        is_str(text, texts[i], "%s is written as it was", texts[i]);
        ok(json_equal(value, back), "... and read back the same");
        json_decref(back);
        json_decref(value);
        free(text);
    }
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_good();
    test_bad();
    test_bounds();
    test_member();
    wh_json_own(NULL, pool);
    test_dump();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
