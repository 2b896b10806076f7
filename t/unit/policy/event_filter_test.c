/* SPDX-License-Identifier: Apache-2.0 */
/* Filters on the data of events. */
#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "policy/event_filter.h"
#include "unit/tap.h"

static apr_pool_t *pool;

/* "yes", "no", or what is wrong with the filter. */
static const char *verdict(const char *form_text, const char *data_text)
{
    json_t *form = json_loads(form_text, JSON_DECODE_ANY, NULL);
    json_t *data = json_loads(data_text, 0, NULL);
    const wh_event_filter_t *filter = NULL;
    const char *message = NULL;
    wh_event_filter_t *kept;
    apr_pool_t *scratch;
    wh_event_facts_t facts = {.name = "Sale.Line.Changed",
                              .primary_key = -7,
                              .associate_id = 12,
                              .data = data};
    int passes;

    if (!form) {
        return "no JSON";
    }
    apr_pool_create(&scratch, pool);
    if (wh_event_filter_create(&filter, &message, form, scratch) ==
        APR_SUCCESS) {
        message = NULL;
    }
    kept = wh_event_filter_keep(filter);
    passes = wh_event_filter_passes(filter, &facts);
    /* What is kept must need neither the filter nor its form any more. */
    message = message ? apr_pstrdup(pool, message) : NULL;
    apr_pool_destroy(scratch);
    json_decref(form);
    if (wh_event_filter_passes(kept, &facts) != passes) {
        return "what is kept says something else";
    }
    free(kept);
    json_decref(data);
    if (message) {
        return passes ? "refused, and lets events through" : message;
    }
    return passes ? "yes" : "no";
}

typedef struct row_t {
    const char *form;
    const char *data;
    const char *verdict;
} row_t;

static void check_rows(const row_t *rows, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        is_str(verdict(rows[i].form, rows[i].data), rows[i].verdict, "%s of %s",
               rows[i].form, rows[i].data);
    }
}

#define CHECK(rows) check_rows(rows, sizeof(rows) / sizeof(rows[0]))

static void test_equality(void)
{
    static const row_t rows[] = {
        {"{}", "{}", "yes"},
        {"{\"a\":1}", "{\"a\":1}", "yes"},
        {"{\"a\":1}", "{\"a\":1.0}", "yes"},
        {"{\"a\":1.5}", "{\"a\":1}", "no"},
        {"{\"a\":1}", "{\"a\":\"1\"}", "no"},
        {"{\"a\":1}", "{\"a\":true}", "no"},
        {"{\"a\":1}", "{}", "no"},
        {"{\"a\":1}", "{\"A\":1}", "no"},
        {"{\"a\":\"x\"}", "{\"a\":\"x\"}", "yes"},
        {"{\"a\":\"x\"}", "{\"a\":\"X\"}", "no"},
        {"{\"a\":\"x\"}", "{\"a\":\"xx\"}", "no"},
        {"{\"a\":\"\"}", "{\"a\":\"\"}", "yes"},
        {"{\"a\":\"\"}", "{\"a\":null}", "no"},
        {"{\"a\":true}", "{\"a\":true}", "yes"},
        {"{\"a\":true}", "{\"a\":false}", "no"},
        {"{\"a\":null}", "{\"a\":null}", "yes"},
        {"{\"a\":null}", "{}", "no"},
        {"{\"a\":null}", "{\"a\":false}", "no"},
        {"{\"a\":1}", "{\"a\":[1]}", "no"},
        {"{\"a\":1}", "{\"a\":{}}", "no"},
        {"{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", "yes"},
        {"{\"a\":1,\"b\":2}", "{\"a\":1}", "no"},
        {"{\"a\":{\"eq\":1}}", "{\"a\":1}", "yes"},
        {"{\"a\":{\"ne\":1}}", "{\"a\":2}", "yes"},
        {"{\"a\":{\"ne\":1}}", "{\"a\":1.0}", "no"},
        {"{\"a\":{\"ne\":1}}", "{\"a\":\"1\"}", "yes"},
        {"{\"a\":{\"ne\":1}}", "{\"a\":[]}", "yes"},
        {"{\"a\":{\"ne\":1}}", "{}", "no"},
    };

    CHECK(rows);
}

static void test_order(void)
{
    static const row_t rows[] = {
        {"{\"a\":{\"lt\":2}}", "{\"a\":1}", "yes"},
        {"{\"a\":{\"lt\":2}}", "{\"a\":2}", "no"},
        {"{\"a\":{\"le\":2}}", "{\"a\":2.0}", "yes"},
        {"{\"a\":{\"gt\":2}}", "{\"a\":2.5}", "yes"},
        {"{\"a\":{\"gt\":2}}", "{\"a\":2}", "no"},
        {"{\"a\":{\"ge\":2}}", "{\"a\":2}", "yes"},
        {"{\"a\":{\"ge\":2}}", "{\"a\":1.9}", "no"},
        {"{\"a\":{\"ge\":1,\"lt\":3}}", "{\"a\":2}", "yes"},
        {"{\"a\":{\"ge\":1,\"lt\":3}}", "{\"a\":3}", "no"},
        {"{\"a\":{\"lt\":-1.5}}", "{\"a\":-2}", "yes"},
        {"{\"a\":{\"gt\":-1.5}}", "{\"a\":-1}", "yes"},
        {"{\"a\":{\"lt\":\"b\"}}", "{\"a\":\"ab\"}", "yes"},
        {"{\"a\":{\"lt\":\"ab\"}}", "{\"a\":\"a\"}", "yes"},
        {"{\"a\":{\"gt\":\"ab\"}}", "{\"a\":\"a\"}", "no"},
        {"{\"a\":{\"gt\":\"B\"}}", "{\"a\":\"a\"}", "yes"},
        {"{\"a\":{\"gt\":\"z\"}}", "{\"a\":\"\xc3\xa4\"}", "yes"},
        {"{\"a\":{\"lt\":2}}", "{\"a\":\"1\"}", "no"},
        {"{\"a\":{\"ge\":\"1\"}}", "{\"a\":2}", "no"},
        {"{\"a\":{\"lt\":2}}", "{\"a\":null}", "no"},
        {"{\"a\":{\"lt\":2}}", "{\"a\":true}", "no"},
        {"{\"a\":{\"lt\":2}}", "{\"a\":{}}", "no"},
        {"{\"a\":{\"lt\":2}}", "{}", "no"},
        /* where a double cannot hold the integer */
        {"{\"a\":{\"gt\":9007199254740992.0}}", "{\"a\":9007199254740993}",
         "yes"},
        {"{\"a\":9007199254740992.0}", "{\"a\":9007199254740993}", "no"},
        {"{\"a\":9007199254740993}", "{\"a\":9007199254740992.0}", "no"},
        {"{\"a\":{\"lt\":9223372036854775808.0}}",
         "{\"a\":9223372036854775807}", "yes"},
        {"{\"a\":{\"gt\":-1e300}}", "{\"a\":-9223372036854775808}", "yes"},
        {"{\"a\":-9223372036854775808.0}", "{\"a\":-9223372036854775808}",
         "yes"},
        {"{\"a\":{\"lt\":1e308}}", "{\"a\":-1e308}", "yes"},
        {"{\"a\":0}", "{\"a\":-0.0}", "yes"},
    };

    CHECK(rows);
}

static void test_words(void)
{
    static const row_t rows[] = {
        {"{\"a\":{\"exists\":true}}", "{\"a\":null}", "yes"},
        {"{\"a\":{\"exists\":true}}", "{}", "no"},
        {"{\"a\":{\"exists\":false}}", "{}", "yes"},
        {"{\"a\":{\"exists\":false}}", "{\"a\":[]}", "no"},
        {"{\"a\":{\"in\":[1,\"x\",null]}}", "{\"a\":\"x\"}", "yes"},
        {"{\"a\":{\"in\":[1,\"x\",null]}}", "{\"a\":1.0}", "yes"},
        {"{\"a\":{\"in\":[1,\"x\",null]}}", "{\"a\":null}", "yes"},
        {"{\"a\":{\"in\":[1,\"x\",null]}}", "{\"a\":2}", "no"},
        {"{\"a\":{\"in\":[1,\"x\",null]}}", "{}", "no"},
        {"{\"and\":[{\"a\":1},{\"b\":2}]}", "{\"a\":1,\"b\":2}", "yes"},
        {"{\"and\":[{\"a\":1},{\"b\":2}]}", "{\"a\":1}", "no"},
        {"{\"or\":[{\"a\":1},{\"b\":2}]}", "{\"b\":2}", "yes"},
        {"{\"or\":[{\"a\":1},{\"b\":2}]}", "{\"b\":1}", "no"},
        {"{\"or\":[{\"a\":1},{\"b\":2}],\"c\":3}", "{\"a\":1}", "no"},
        {"{\"or\":[{\"a\":1},{\"b\":2}],\"c\":3}", "{\"a\":1,\"c\":3}", "yes"},
        {"{\"not\":{\"a\":1}}", "{\"a\":2}", "yes"},
        {"{\"not\":{\"a\":1}}", "{}", "yes"},
        {"{\"not\":{\"a\":1}}", "{\"a\":1}", "no"},
        {"{\"not\":{\"a\":1,\"b\":2}}", "{\"a\":1}", "yes"},
        {"{\"not\":{\"not\":{\"a\":1}}}", "{\"a\":1}", "yes"},
    };

    CHECK(rows);
}

static void test_paths(void)
{
    static const row_t rows[] = {
        {"{\"a.b\":1}", "{\"a\":{\"b\":1}}", "yes"},
        {"{\"a.b\":1}", "{\"a.b\":1}", "no"},
        {"{\"/a.b\":1}", "{\"a.b\":1}", "yes"},
        {"{\"/a/b\":1}", "{\"a\":{\"b\":1}}", "yes"},
        {"{\"/\":1}", "{\"\":1}", "yes"},
        {"{\"/a~1b/c~0d\":1}", "{\"a/b\":{\"c~d\":1}}", "yes"},
        {"{\"/and\":1}", "{\"and\":1}", "yes"},
        {"{\"/$event\":1}", "{\"$event\":1}", "yes"},
        {"{\"a.b.c\":1}", "{\"a\":{\"b\":1}}", "no"},
        {"{\"a.b\":1}", "{\"a\":null}", "no"},
        {"{\"a.0.b\":1}", "{\"a\":[{\"b\":1}]}", "yes"},
        {"{\"a.1\":1}", "{\"a\":[0,1]}", "yes"},
        {"{\"a.2\":1}", "{\"a\":[0,1]}", "no"},
        {"{\"a.01\":1}", "{\"a\":[0,1]}", "no"},
        {"{\"a.-1\":1}", "{\"a\":[0,1]}", "no"},
        {"{\"a.99999999999999999999\":1}", "{\"a\":[1]}", "no"},
        {"{\"a.0\":1}", "{\"a\":{\"0\":1}}", "yes"},
        {"{\"a.b\":{\"exists\":false}}", "{\"a\":1}", "yes"},
        {"{\"a\":1}", "[1]", "no"},
        {"{\"a\":1}", "no JSON", "no"},
        {"{\"a\":{\"exists\":false}}", "no JSON", "yes"},
        {"{\"$event\":\"sale.line.CHANGED\"}", "{}", "yes"},
        {"{\"$event\":{\"in\":[\"x\",\"SALE.line.changed\"]}}", "{}", "yes"},
        {"{\"$event\":\"sale\"}", "{}", "no"},
        {"{\"$entity\":\"Sale.line\"}", "{}", "yes"},
        {"{\"$primaryKey\":-7}", "{}", "yes"},
        {"{\"$primaryKey\":{\"gt\":0}}", "{\"$primaryKey\":1}", "no"},
        {"{\"$associateId\":12.0}", "{}", "yes"},
        {"{\"$associateId\":{\"exists\":true}}", "{}", "yes"},
        {"{\"$primaryKey\":\"-7\"}", "{}", "no"},
    };

    CHECK(rows);
}

#define NO_PATH                                                                \
    " must be a path of at most 16 names, parted by dots, or a JSON Pointer"
#define NO_VALUE " must be compared with a text, a number, true, false or null"

static void test_refused(void)
{
    static const row_t rows[] = {
        {"[]", "{}", "must be an object of conditions"},
        {"\"a\"", "{}", "must be an object of conditions"},
        {"{\"a\":[1]}", "{\"a\":[1]}", "\"a\"" NO_VALUE},
        {"{\"a\":{}}", "{\"a\":{}}", "\"a\" must have an operator"},
        {"{\"a\":{\"eq\":{}}}", "{}", "\"a\"" NO_VALUE},
        {"{\"a\":{\"ne\":[]}}", "{}", "\"a\"" NO_VALUE},
        {"{\"a\":{\"EQ\":1}}", "{}",
         "\"EQ\" is no operator: eq, ne, lt, le, gt, ge, exists or in"},
        {"{\"a\":{\"and\":1}}", "{}",
         "\"and\" is no operator: eq, ne, lt, le, gt, ge, exists or in"},
        {"{\"a\":{\"lt\":null}}", "{}",
         "\"a\" must be compared with a text or a number"},
        {"{\"a\":{\"ge\":true}}", "{}",
         "\"a\" must be compared with a text or a number"},
        {"{\"a\":{\"exists\":1}}", "{}",
         "\"a\" with \"exists\" must be followed by true or false"},
        {"{\"a\":{\"in\":1}}", "{}",
         "\"a\" with \"in\" must be followed by a list of 1 to 64 values"},
        {"{\"a\":{\"in\":[]}}", "{}",
         "\"a\" with \"in\" must be followed by a list of 1 to 64 values"},
        {"{\"a\":{\"in\":[[]]}}", "{}",
         "\"a\" with \"in\" must be followed by texts, numbers, true, false "
         "or null"},
        {"{\"\":1}", "{\"\":1}", "\"\"" NO_PATH},
        {"{\"a.\":1}", "{}", "\"a.\"" NO_PATH},
        {"{\".a\":1}", "{}", "\".a\"" NO_PATH},
        {"{\"a..b\":1}", "{}", "\"a..b\"" NO_PATH},
        {"{\"/a~2\":1}", "{}", "\"/a~2\"" NO_PATH},
        {"{\"/a~\":1}", "{}", "\"/a~\"" NO_PATH},
        {"{\"$Event\":1}", "{}",
         "\"$Event\" must be $event, $entity, $primaryKey, $associateId or a "
         "path"},
        {"{\"and\":{\"a\":1}}", "{}",
         "\"and\" must be a list of 1 to 64 objects"},
        {"{\"or\":[]}", "{}", "\"or\" must be a list of 1 to 64 objects"},
        {"{\"or\":[1]}", "{}",
         "must have conditions in all objects of \"and\", \"or\" and \"not\""},
        {"{\"or\":[{}]}", "{}",
         "must have conditions in all objects of \"and\", \"or\" and \"not\""},
        {"{\"not\":[{\"a\":1}]}", "{}",
         "must have conditions in all objects of \"and\", \"or\" and \"not\""},
        {"{\"not\":{}}", "{}",
         "must have conditions in all objects of \"and\", \"or\" and \"not\""},
    };

    CHECK(rows);
}

/* text, count times. */
static const char *repeat(const char *text, int count)
{
    apr_size_t length = strlen(text);
    char *all = apr_palloc(pool, length * (apr_size_t)count + 1);
    int i;

    for (i = 0; i < count; i++) {
        memcpy(all + length * (apr_size_t)i, text, length);
    }
    all[length * (apr_size_t)count] = '\0';
    return all;
}

/* So many conditions, all true of {"a":1}. */
static const char *conditions(int count)
{
    return apr_pstrcat(pool, "{\"and\":[", repeat("{\"a\":1},", count - 1),
                       "{\"a\":1}]}", NULL);
}

static const char *nested(const char *begin, const char *end, int levels)
{
    return apr_pstrcat(pool, repeat(begin, levels), "{\"a\":1}",
                       repeat(end, levels), NULL);
}

static void test_bounds(void)
{
    const char *list;

    is_str(verdict(conditions(64), "{\"a\":1}"), "yes", "64 conditions");
    is_str(verdict(conditions(65), "{\"a\":1}"),
           "\"and\" must be a list of 1 to 64 objects", "65 in one list");
    list = apr_psprintf(pool, "{\"and\":[%s,{\"b\":{\"ne\":1,\"ge\":1}}]}",
                        conditions(63));
    is_str(verdict(list, "{\"a\":1}"), "has more than 64 conditions",
           "65 in two lists");
    is_str(verdict(nested("{\"not\":", "}", 8), "{\"a\":1}"), "yes",
           "8 levels");
    is_str(verdict(nested("{\"not\":", "}", 9), "{\"a\":1}"),
           "is nested in more than 8 levels", "9 levels");
    is_str(verdict(nested("{\"or\":[", "]}", 8), "{\"a\":1}"), "yes",
           "8 levels of lists");
    is_str(verdict(nested("{\"or\":[", "]}", 900), "{\"a\":1}"),
           "is nested in more than 8 levels", "900 levels of lists");
    list =
        apr_pstrcat(pool, "{\"a\":{\"in\":[", repeat("2,", 63), "1]}}", NULL);
    is_str(verdict(list, "{\"a\":1}"), "yes", "64 values");
    list =
        apr_pstrcat(pool, "{\"a\":{\"in\":[", repeat("2,", 64), "1]}}", NULL);
    is_str(verdict(list, "{\"a\":1}"),
           "\"a\" with \"in\" must be followed by a list of 1 to 64 values",
           "65 values");
    list = apr_pstrcat(pool, "{\"", repeat("a.", 15), "a\":1}", NULL);
    is_str(verdict(list, "{\"a\":1}"), "no", "16 names");
    list = apr_pstrcat(pool, "{\"/", repeat("a/", 15), "a\":1}", NULL);
    is_str(verdict(list, "{\"a\":1}"), "no", "16 names of a pointer");
    list = apr_pstrcat(pool, repeat("a.", 16), "a", NULL);
    is_str(verdict(apr_psprintf(pool, "{\"%s\":1}", list), "{\"a\":1}"),
           apr_psprintf(pool, "\"%s\"" NO_PATH, list), "17 names");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_equality();
    test_order();
    test_words();
    test_paths();
    test_refused();
    test_bounds();
    apr_terminate();
    return done_testing();
}
