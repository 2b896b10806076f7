/* SPDX-License-Identifier: Apache-2.0 */
/* $select: what is not selected is null. */
#include <apr_general.h>

#include "media/select.h"
#include "unit/media/quoted.h"

static apr_pool_t *pool;

static const char document[] =
    "{'Name':'n','State':1,'Category':{'Id':2,'Name':'c'},"
    "'Items':[{'Id':3,'Name':'i'},4,{'Id':5}],'Two words':6,'None':null}";

static void check(const char *select, const char *want)
{
    json_t *object = parse_quoted(document, pool);

    wh_select_apply(object, select, pool);
    is_str(dump(object, pool), quoted(want, pool), "select %s",
           select ? select : "(NULL)");
}

/* All but one of the six members are null. */
static void check_one(const char *select, const char *member, const char *value)
{
    static const char *const names[] = {"Name",  "State",     "Category",
                                        "Items", "Two words", "None"};
    const char *want = "";
    apr_size_t i;

    for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
        want =
            apr_pstrcat(pool, want, i ? "," : "", "'", names[i],
                        "':", strcmp(names[i], member) ? "null" : value, NULL);
    }
    check(select, apr_pstrcat(pool, "{", want, "}", NULL));
}

static void test_all(void)
{
    static const char *const all[] = {NULL, "", " ", "\t ", ",", " , ,", "/"};
    apr_size_t i;

    for (i = 0; i < sizeof(all) / sizeof(*all); i++) {
        check(all[i], document);
    }
}

static void test_names(void)
{
    check_one("Name", "Name", "'n'");
    check_one("name", "Name", "'n'");
    check_one(" \tNAME ", "Name", "'n'");
    check_one("Name,Name,nAME", "Name", "'n'");
    check_one(",,Name,", "Name", "'n'");
    check_one("two words", "Two words", "6");
    check_one("Two  words", "", "");
    check_one("Nam", "", "");
    check_one("Names", "", "");
    check_one("*", "", "");
    check_one("None", "None", "null");
    check_one("Name,Unknown,Unknown/Name", "Name", "'n'");
    check("state , NAME", "{'Name':'n','State':1,'Category':null,"
                          "'Items':null,'Two words':null,'None':null}");
}

static void test_paths(void)
{
    check_one("Category", "Category", "{'Id':2,'Name':'c'}");
    check_one("category/id", "Category", "{'Id':2,'Name':null}");
    check_one(" /Category / Name/ ", "Category", "{'Id':null,'Name':'c'}");
    check_one("Category/Id,category/name", "Category", "{'Id':2,'Name':'c'}");
    check_one("Category/Id,Category", "Category", "{'Id':2,'Name':'c'}");
    check_one("Category,Category/Id", "Category", "{'Id':2,'Name':'c'}");
    /* A path that leads to nothing selects nothing on its way. */
    check_one("Category/Unknown", "", "");
    check_one("Category/Id/Deeper", "", "");
    check_one("Name/Deeper", "", "");
    check_one("Items/ID", "Items", "[{'Id':3,'Name':null},4,{'Id':5}]");
    check_one("Items/Name", "Items", "[{'Id':null,'Name':'i'},4,{'Id':null}]");
    check_one("Items/0", "", "");
}

static void test_others(void)
{
    json_t *array = parse_quoted("[{'a':1}]", pool);
    json_t *cases = parse_quoted("{'a':1,'A':2,'b':3}", pool);

    wh_select_apply(NULL, "a", pool);
    wh_select_apply(array, "b", pool);
    is_str(dump(array, pool), "[{\"a\":1}]", "an array stays");
    wh_select_apply(cases, "a", pool);
    is_str(dump(cases, pool), "{\"a\":1,\"A\":2,\"b\":null}",
           "a name stands for all its cases");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_all();
    test_names();
    test_paths();
    test_others();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
