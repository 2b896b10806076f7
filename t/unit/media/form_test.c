/* SPDX-License-Identifier: Apache-2.0 */
/* application/x-www-form-urlencoded. */
#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>

#include "media/form.h"
#include "media/json.h"
#include "unit/tap.h"

static apr_pool_t *pool;

/* The length counts, so that texts may hold NUL. */
#define TEXT(text) text, sizeof(text) - 1

static const char *dump(const json_t *value)
{
    char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
    const char *copy = text ? apr_pstrdup(pool, text) : "(none)";

    free(text);
    return copy;
}

static void test_good(void)
{
    static const char *const rows[][2] = {
        {"", "(none)"},
        {"a=1", "{\"a\":\"1\"}"},
        {"a=1&b=2", "{\"a\":\"1\",\"b\":\"2\"}"},
        {"a=1&A=2", "{\"a\":\"1\",\"A\":\"2\"}"},
        {"a", "{\"a\":\"\"}"},
        {"a=", "{\"a\":\"\"}"},
        {"a=b=c", "{\"a\":\"b=c\"}"},
        {"a&b", "{\"a\":\"\",\"b\":\"\"}"},
        {"&&a=1&&b=2&", "{\"a\":\"1\",\"b\":\"2\"}"},
        {"&", "{}"},
        {"a+b=c+d", "{\"a b\":\"c d\"}"},
        {"a%20b=%63%2B", "{\"a b\":\"c+\"}"},
        {"%c3%A9=%F0%9F%98%80", "{\"\303\251\":\"\360\237\230\200\"}"},
        {"\303\251=1", "{\"\303\251\":\"1\"}"},
        {"a%26b=c%3Dd%25", "{\"a&b\":\"c=d%\"}"},
        {"a;b=1", "{\"a;b\":\"1\"}"},
        {"a%3D=1", "{\"a=\":\"1\"}"},
        {"a=%0d%0A%01", "{\"a\":\"\\r\\n\\u0001\"}"},
        /* arrays */
        {"a=1&a=2&a=3", "{\"a\":[\"1\",\"2\",\"3\"]}"},
        {"a[]=1", "{\"a\":[\"1\"]}"},
        {"a[]", "{\"a\":[\"\"]}"},
        {"a[]=1&a[]=2", "{\"a\":[\"1\",\"2\"]}"},
        {"a[]=1&a=2", "{\"a\":[\"1\",\"2\"]}"},
        {"a=1&a[]=2", "{\"a\":[\"1\",\"2\"]}"},
        {"a[][]=1", "{\"a\":[[\"1\"]]}"},
        {"a[][]=1&a[][]=2", "{\"a\":[[\"1\"],[\"2\"]]}"},
        {"a=1&a[][]=2", "{\"a\":[\"1\",[\"2\"]]}"},
        /* objects */
        {"a[b]=1", "{\"a\":{\"b\":\"1\"}}"},
        {"a[b]=1&a[c]=2", "{\"a\":{\"b\":\"1\",\"c\":\"2\"}}"},
        {"a[b][c]=1&a[b][d]=2", "{\"a\":{\"b\":{\"c\":\"1\",\"d\":\"2\"}}}"},
        {"a[b]=1&a[b]=2", "{\"a\":{\"b\":[\"1\",\"2\"]}}"},
        {"a[b][]=1&a[b][]=2", "{\"a\":{\"b\":[\"1\",\"2\"]}}"},
        {"a[0]=1&a[1]=2", "{\"a\":{\"0\":\"1\",\"1\":\"2\"}}"},
        {"a[][b]=1&a[][c]=2", "{\"a\":[{\"b\":\"1\"},{\"c\":\"2\"}]}"},
        {"a%5Bb%5D=1", "{\"a\":{\"b\":\"1\"}}"},
        {"a[+]=1", "{\"a\":{\" \":\"1\"}}"},
        {"a[b[c]=1", "{\"a\":{\"b[c\":\"1\"}}"},
        {"a[b.c]=1", "{\"a\":{\"b.c\":\"1\"}}"},
        /* ordinary names */
        {"a[=1", "{\"a[\":\"1\"}"},
        {"a[b=1", "{\"a[b\":\"1\"}"},
        {"a]=1", "{\"a]\":\"1\"}"},
        {"a[b]c=1", "{\"a[b]c\":\"1\"}"},
        {"a[b]c[d]=1", "{\"a[b]c[d]\":\"1\"}"},
        {"a[b[c]]=1", "{\"a[b[c]]\":\"1\"}"},
        {"a[b][=1", "{\"a[b][\":\"1\"}"},
        {"[a]=1", "{\"[a]\":\"1\"}"},
        {"[]=1", "{\"[]\":\"1\"}"},
        {"[=1", "{\"[\":\"1\"}"},
        {"{\"a\":1}", "{\"{\\\"a\\\":1}\":\"\"}"},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *value = NULL;
        const char *message = "none";

        is_int(wh_form_parse(&value, &message, rows[i][0], strlen(rows[i][0]),
                             pool),
               APR_SUCCESS, "reads %s", rows[i][0]);
        is_str(dump(value), rows[i][1], "as it is meant");
    }
}

static void test_bad(void)
{
    static const struct {
        const char *text;
        apr_size_t length;
        const char *part;
    } rows[] = {
        {TEXT("a=%"), "percent sign"},
        {TEXT("a=%4"), "percent sign"},
        {TEXT("a=%zz"), "percent sign"},
        {TEXT("a=%4&b=1"), "percent sign"},
        {TEXT("%=1"), "percent sign"},
        {TEXT("a=1&b%2=1"), "percent sign"},
        {TEXT("a=%00"), "null character"},
        {TEXT("a%00b=1"), "null character"},
        {TEXT("a=1\0"), "null character"},
        {TEXT("\0"), "null character"},
        {TEXT("a=\0&b=1"), "null character"},
        {TEXT("a=%FF"), "UTF-8"},
        {TEXT("a=\377"), "UTF-8"},
        {TEXT("%C3=1"), "UTF-8"},
        {TEXT("a=%C3&b=%A9"), "UTF-8"},
        {TEXT("a=%ED%A0%80"), "UTF-8"},
        {TEXT("a=%C0%AF"), "UTF-8"},
        {TEXT("a[%FF]=1"), "UTF-8"},
        {TEXT("=1"), "without a name"},
        {TEXT("a=1&="), "without a name"},
        {TEXT("a=1&a[b]=2"), "one name"},
        {TEXT("a[b]=1&a=2"), "one name"},
        {TEXT("a[b]=1&a[]=2"), "one name"},
        {TEXT("a[]=1&a[b]=2"), "one name"},
        {TEXT("a=1&a=2&a[b]=3"), "one name"},
        {TEXT("a[b]=1&a[b][c]=2"), "one name"},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *value = NULL;
        const char *message = NULL;

        is_int(
            wh_form_parse(&value, &message, rows[i].text, rows[i].length, pool),
            APR_EINVAL, "refuses number %d: %s", (int)i, rows[i].text);
        ok(!value && message && !strncmp(message, "The request body ", 17) &&
               strstr(message, rows[i].part),
           "and says why: %s", message ? message : "(NULL)");
    }
}

/* unit is written count times; "#" in it becomes the number. */
static const char *repeat(const char *head, const char *unit, int count,
                          const char *tail)
{
    char *text = apr_palloc(pool, strlen(head) + strlen(tail) + 1 +
                                      (apr_size_t)count * (strlen(unit) + 8));
    char *at = text + sprintf(text, "%s", head);
    const char *c;
    int i;

    for (i = 0; i < count; i++) {
        for (c = unit; *c; c++) {
            if (*c == '#') {
                at += sprintf(at, "%d", i);
            }
            else {
                *at++ = *c;
            }
        }
    }
    strcpy(at, tail);
    return text;
}

static void check_bound(const char *text, const char *part, const char *name)
{
    json_t *value = NULL;
    const char *message = NULL;
    apr_status_t rv = wh_form_parse(&value, &message, text, strlen(text), pool);

    is_int(rv, part ? APR_EINVAL : APR_SUCCESS, "%s", name);
    if (part) {
        ok(message && strstr(message, part), "and says why");
    }
    apr_pool_clear(pool);
}

static void test_bounds(void)
{
    check_bound(repeat("a", "[b]", 63, "=1"), NULL, "64 levels");
    check_bound(repeat("a", "[b]", 64, "=1"), "64 levels", "65 levels");
    check_bound(repeat("a", "[]", 63, "=1"), NULL, "64 levels of arrays");
    check_bound(repeat("a", "[]", 64, "=1"), "64 levels", "65 of them");
    check_bound(apr_pstrcat(pool, repeat("a", "[b]", 63, "=1&"),
                            repeat("a", "[b]", 63, "=2"), NULL),
                "64 levels", "an array that is made is a level too");
    check_bound(repeat("", "n#=1&", 10000, ""), NULL, "10000 members");
    check_bound(repeat("", "n#=1&", 10001, ""), "10000", "10001 members");
    check_bound(repeat("", "a[]=&", 9999, ""), NULL, "9999 items");
    check_bound(repeat("", "a[]=&", 10000, ""), "10000",
                "10000 and their array");
    check_bound(repeat("", "a[][][][][][][][][]=&", 10000, ""), "10000",
                "inner arrays count");
    check_bound(repeat("a", "[b]", 1000000, "=1"), "64 levels",
                "many brackets");
    check_bound(repeat("a", "[", 1000000, "=1"), NULL, "that do not close");
    check_bound(repeat("a[", "]", 1000000, "=1"), NULL, "or do not open");
    check_bound(repeat("", "&", 1000000, "a"), NULL, "many empty pairs");
    check_bound(repeat("", "%41", 1000000, ""), NULL, "many escapes");
    check_bound(repeat("", "=", 1000000, ""), "without a name", "only equals");
}

static void test_length(void)
{
    json_t *value = NULL;
    const char *message = NULL;

    is_int(wh_form_parse(&value, &message, "a=b%41", 3, pool), APR_SUCCESS,
           "bytes behind the length are not looked at");
    is_str(dump(value), "{\"a\":\"b\"}", "the value ends there");
    is_int(wh_form_parse(&value, &message, "a=b%41", 5, pool), APR_EINVAL,
           "not even to end an escape");
}

static void test_query(void)
{
    static const struct {
        const char *query;
        const char *name;
        const char *value;
    } rows[] = {
        {NULL, "a", NULL},
        {"", "a", NULL},
        {"&&", "a", NULL},
        {"a=1", "a", "1"},
        {"a=1", "b", NULL},
        {"WebhookId=3", "webhookid", "3"},
        {"a=1&A=2", "a", "1"},
        {"a=1&A=2", "A", "1"},
        {"a=&a=2", "a", ""},
        {"a", "a", ""},
        {"%24select=Name,State", "$select", "Name,State"},
        {"$select=category/id+x", "$SELECT", "category/id x"},
        {"a[]=1", "a[]", "1"},
        {"a[]=1", "a", NULL},
        {"n=%C3%A9%26", "n", "\303\251&"},
        {"a=1&&b=2&", "b", "2"},
    };
    static const char *const bad[] = {
        "a=%",   "a=%0g", "a=%00",  "a=%ff",  "=1",
        "a=1&=", "%C3",   "a=\200", "a=1&b=%"};
    apr_table_t *table;
    const char *message;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is_int(wh_form_query(&table, &message, rows[i].query, pool),
               APR_SUCCESS, "query %s", rows[i].query ? rows[i].query : "NULL");
        is_str(apr_table_get(table, rows[i].name), rows[i].value, "its %s",
               rows[i].name);
    }
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        message = NULL;
        is_int(wh_form_query(&table, &message, bad[i], pool), APR_EINVAL,
               "refuses the query %s", bad[i]);
        ok(message && !strncmp(message, "The query ", 10), "and says why: %s",
           message ? message : "(NULL)");
    }
    is_int(wh_form_query(&table, &message, repeat("", "n#=1&", 1000, ""), pool),
           APR_SUCCESS, "1000 parameters");
    is_int(apr_table_elts(table)->nelts, 1000, "are all there");
    is_int(wh_form_query(&table, &message, repeat("", "n#=1&", 1001, ""), pool),
           APR_EINVAL, "1001 parameters");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_good();
    test_bad();
    test_bounds();
    test_length();
    test_query();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
