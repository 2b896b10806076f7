/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Merge Patch: the examples of RFC 7396, and what the API has beyond. */
#include <apr_general.h>

#include "media/merge_patch.h"
#include "unit/media/quoted.h"

static apr_pool_t *pool;

/* want: NULL when the patch is to be refused with a message */
static void check(const char *name, const char *target_text,
                  const char *patch_text, const char *want,
                  const char *want_message)
{
    json_t *target = parse_quoted(target_text, pool);
    json_t *patch = parse_quoted(patch_text, pool), *result = target;
    const char *target_before = dump(target, pool);
    const char *patch_before = dump(patch, pool);
    const char *message = "unset";
    apr_status_t rv;

    rv = wh_merge_patch_apply(&result, &message, target, patch, pool);
    is_int(rv, want ? APR_SUCCESS : APR_EINVAL, "%s: the status", name);
    is_str(result ? dump(result, pool) : NULL, want ? quoted(want, pool) : NULL,
           "%s: the result", name);
    is_str(message, want_message, "%s: the message", name);
    is_str(dump(target, pool), target_before, "%s: the target stays", name);
    is_str(dump(patch, pool), patch_before, "%s: the patch stays", name);
}

static void merges(const char *target, const char *patch, const char *want)
{
    check(apr_psprintf(pool, "%s and %s", target, patch), target, patch, want,
          NULL);
}

static void test_appendix_a(void)
{
    merges("{'a':'b'}", "{'a':'c'}", "{'a':'c'}");
    merges("{'a':'b'}", "{'b':'c'}", "{'a':'b','b':'c'}");
    merges("{'a':'b'}", "{'a':null}", "{}");
    merges("{'a':'b','b':'c'}", "{'a':null}", "{'b':'c'}");
    merges("{'a':['b']}", "{'a':'c'}", "{'a':'c'}");
    merges("{'a':'c'}", "{'a':['b']}", "{'a':['b']}");
    merges("{'a':{'b':'c'}}", "{'a':{'b':'d','c':null}}", "{'a':{'b':'d'}}");
    merges("{'a':[{'b':'c'}]}", "{'a':[1]}", "{'a':[1]}");
    merges("['a','b']", "['c','d']", "['c','d']");
    merges("{'a':'b'}", "['c']", "['c']");
    merges("{'a':'foo'}", "null", "null");
    merges("{'a':'foo'}", "'bar'", "'bar'");
    merges("{'e':null}", "{'a':1}", "{'e':null,'a':1}");
    merges("[1,2]", "{'a':'b','c':null}", "{'a':'b'}");
    merges("{}", "{'a':{'bb':{'ccc':null}}}", "{'a':{'bb':{}}}");
}

/* The examples in the text of the RFC: sections 1 and 3. */
static void test_sections(void)
{
    merges("{'a':'b','c':{'d':'e','f':'g'}}", "{'a':'z','c':{'f':null}}",
           "{'a':'z','c':{'d':'e'}}");
    merges("{'title':'Goodbye!',"
           "'author':{'givenName':'John','familyName':'Doe'},"
           "'tags':['example','sample'],'content':'This will be unchanged'}",
           "{'title':'Hello!','phoneNumber':'+01-123-456-7890',"
           "'author':{'familyName':null},'tags':['example']}",
           "{'title':'Hello!','author':{'givenName':'John'},"
           "'tags':['example'],'content':'This will be unchanged',"
           "'phoneNumber':'+01-123-456-7890'}");
}

static void test_values(void)
{
    merges("{}", "{}", "{}");
    merges("{'a':1}", "{}", "{'a':1}");
    merges("{}", "{'a':null}", "{}");
    merges("null", "{'a':1}", "{'a':1}");
    merges("'x'", "{'a':null}", "{}");
    merges("1", "2", "2");
    merges("{'a':1}", "[]", "[]");
    merges("{'a':1}", "false", "false");
    merges("{'a':1,'b':2}", "{'a':1.5}", "{'a':1.5,'b':2}");
    merges("{'a':null}", "{'a':{'b':null,'c':1}}", "{'a':{'c':1}}");
    merges("{'a':'b'}", "{'a':{'b':{'c':{'d':null}}}}", "{'a':{'b':{'c':{}}}}");
    merges("{'a':{'b':1}}", "{'a':{}}", "{'a':{'b':1}}");
    merges("{'a':{'b':1}}", "{'a':null}", "{}");
    merges("{'a':{'b':1}}", "{'a':[]}", "{'a':[]}");
    merges("{}", "{'a':[null,{'b':null}]}", "{'a':[null,{'b':null}]}");
    merges("{'':1}", "{'':null,' ':2}", "{' ':2}");
    merges("{'\xc3\xa9':1}", "{'\\u00e9':2}", "{'\xc3\xa9':2}");
    merges("{'a/b':1,'~':2}", "{'a/b':3,'~':null}", "{'a/b':3}");
}

static void test_case(void)
{
    merges("{'Name':1,'State':2}", "{'name':3}", "{'Name':3,'State':2}");
    merges("{'Name':1,'State':2}", "{'NAME':null}", "{'State':2}");
    merges("{'Category':{'Id':1}}", "{'category':{'id':2,'Name':'x'}}",
           "{'Category':{'Id':2,'Name':'x'}}");
    merges("{'Tags':[1]}", "{'TAGS':[2]}", "{'Tags':[2]}");
    merges("{'Name':1,'name':2}", "{'name':3}", "{'Name':1,'name':3}");
    merges("{'Name':1,'name':2}", "{'NAME':3}", "{'Name':3,'name':2}");
    merges("{'Name':1,'name':2}", "{'name':3,'Name':4}", "{'Name':4,'name':3}");
    merges("{'\xc3\x89':1}", "{'\xc3\xa9':2}", "{'\xc3\x89':1,'\xc3\xa9':2}");
    /* New members are not matched with each other. */
    merges("{}", "{'a':1,'A':2}", "{'a':1,'A':2}");
    merges("{}", "{'x':{'a':[],'A':{}}}", "{'x':{'a':[],'A':{}}}");
}

static void test_ambiguous(void)
{
    static const char *const rows[][2] = {
        {"{'Name':1}", "{'name':2,'NAME':3}"},
        {"{'Name':1}", "{'Name':2,'NAME':3}"},
        {"{'Name':1}", "{'NAME':2,'Name':3}"},
        {"{'Name':1}", "{'name':null,'NAME':3}"},
        {"{'Name':1}", "{'name':2,'NAME':null}"},
        {"{'Name':1}", "{'Name':null,'name':null}"},
        {"{'x':[],'Name':{'Id':1}}", "{'Name':{'ID':2,'id':2}}"},
        {"{'Name':1,'name':2}", "{'NAME':3,'Name':4}"}};
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        check(apr_psprintf(pool, "%s and %s", rows[i][0], rows[i][1]),
              rows[i][0], rows[i][1], NULL,
              "The patch has two names of one member that differ only in "
              "case.");
    }
}

static void test_append(void)
{
    merges("{'a':[1]}", "{'a':{'b':2}}", "{'a':[1,{'b':2}]}");
    merges("{'a':[]}", "{'A':{}}", "{'a':[{}]}");
    merges("{'a':[{'b':1}]}", "{'a':{'b':2}}", "{'a':[{'b':1},{'b':2}]}");
    merges("{'a':[1]}", "{'a':{'b':null,'c':{'d':null,'e':3}}}",
           "{'a':[1,{'c':{'e':3}}]}");
    merges("{'x':{'Headers':[1]}}", "{'x':{'headers':{'n':'v'}}}",
           "{'x':{'Headers':[1,{'n':'v'}]}}");
    /* Only members: the document itself is as the RFC has it. */
    merges("[1]", "{'a':2}", "{'a':2}");
    /* Items are not matched with anything. */
    merges("{'a':[[1]]}", "{'a':{'b':{}}}", "{'a':[[1],{'b':{}}]}");
}

static const char *wrapped(const char *before, const char *inner,
                           const char *after, int count)
{
    const char *text = inner;

    for (; count > 0; count--) {
        text = apr_pstrcat(pool, before, text, after, NULL);
    }
    return text;
}

static const char *objects(int levels, const char *inner)
{
    return wrapped("{'a':", inner, "}", levels);
}

static void test_depth(void)
{
    static const char too_deep[] =
        "The patched value would be nested deeper than 64 levels.";

    check("64 objects", "{}", objects(64, "1"), objects(64, "1"), NULL);
    check("65 objects", "{}", objects(65, "1"), NULL, too_deep);
    check("65 objects, the last empty", "{}", objects(64, "{}"), NULL,
          too_deep);
    check("64 objects over 64", objects(64, "1"), objects(64, "2"),
          objects(64, "2"), NULL);
    check("an array in 63 objects", "{}", objects(63, "[1]"),
          objects(63, "[1]"), NULL);
    check("an array in 64 objects", "{}", objects(64, "[1]"), NULL, too_deep);
    check("64 arrays", "1", wrapped("[", "1", "]", 64),
          wrapped("[", "1", "]", 64), NULL);
    check("65 arrays", "1", wrapped("[", "1", "]", 65), NULL, too_deep);
    check("63 objects that are appended", "{'a':[]}", objects(63, "1"),
          apr_psprintf(pool, "{'a':[%s]}", objects(62, "1")), NULL);
    check("64 objects that are appended", "{'a':[]}", objects(64, "1"), NULL,
          too_deep);
}

/* Each name of the patch is looked for among all of the target; both are as
 * large as a body can be. Quadratic, this test would not be worth waiting for;
 * what it checks is that matching by the index does what matching by eye does.
 */
static void test_many_members(void)
{
    json_t *target = json_object(), *patch = json_object(), *result = NULL;
    const char *message, *name;
    int i, wrong = 0;

    for (i = 0; i < WH_MEDIA_MEMBERS_MAX; i++) {
        name = apr_psprintf(pool, "Member%d", i);
        json_object_set_new(target, name, json_integer(i));
        name = apr_psprintf(pool, "mEMBER%d", WH_MEDIA_MEMBERS_MAX - 1 - i);
        json_object_set_new(patch, name, json_integer(-i));
    }
    is_int(wh_merge_patch_apply(&result, &message, target, patch, pool),
           APR_SUCCESS, "10000 members: applied");
    is_int((int)json_object_size(result), WH_MEDIA_MEMBERS_MAX,
           "10000 members: no new ones");
    for (i = 0; i < WH_MEDIA_MEMBERS_MAX; i++) {
        name = apr_psprintf(pool, "Member%d", i);
        wrong += json_integer_value(json_object_get(result, name)) !=
                 i + 1 - WH_MEDIA_MEMBERS_MAX;
    }
    is_int(wrong, 0, "10000 members: all have the patch's value");
    json_decref(patch);
    json_decref(target);
}

static void test_sharing(void)
{
    json_t *target = json_pack("{s:[i]}", "a", 1), *result = NULL;
    json_t *patch = json_pack("{s:[i]}", "b", 2);
    const char *message;
    apr_pool_t *inner;

    apr_pool_create(&inner, pool);
    is_int(wh_merge_patch_apply(&result, &message, target, patch, inner),
           APR_SUCCESS, "applied in a pool of its own");
    json_array_clear(json_object_get(target, "a"));
    json_array_clear(json_object_get(patch, "b"));
    is_str(dump(result, pool), "{\"a\":[1],\"b\":[2]}",
           "a result shares nothing with its arguments");
    json_incref(result);
    apr_pool_destroy(inner);
    is_int((int)result->refcount, 1, "the pool lets go of the result");
    json_decref(result);
    json_decref(patch);
    json_decref(target);
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_appendix_a();
    test_sections();
    test_values();
    test_case();
    test_ambiguous();
    test_append();
    test_depth();
    test_many_members();
    test_sharing();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
