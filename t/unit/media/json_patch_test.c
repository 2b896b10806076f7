/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Patch: the examples of RFC 6902, the corners of RFC 6901, and what the
 * API has beyond them. */
#include <apr_general.h>

#include "media/json_patch.h"
#include "unit/media/quoted.h"

static apr_pool_t *pool;

/* Applies and checks what holds for every patch: the arguments stay as they
 * were, and there is a result or a message, never both. */
static apr_status_t apply(const char **result, const char **message,
                          const json_t *target, const json_t *patch,
                          const char *name)
{
    const char *target_before = dump(target, pool);
    const char *patch_before = dump(patch, pool);
    json_t *value = (json_t *)target;
    apr_status_t rv;

    *message = "unset";
    rv = wh_json_patch_apply(&value, message, target, patch, pool);
    *result = value ? dump(value, pool) : NULL;
    is_str(dump(target, pool), target_before, "%s: the target stays", name);
    is_str(dump(patch, pool), patch_before, "%s: the patch stays", name);
    ok(rv == APR_SUCCESS ? value && !*message : !value && *message,
       "%s: either a result or a message", name);
    return rv;
}

static void applies(const char *name, const char *target, const char *patch,
                    const char *want)
{
    const char *result, *message;
    apr_status_t rv = apply(&result, &message, parse_quoted(target, pool),
                            parse_quoted(patch, pool), name);

    is_int(rv, APR_SUCCESS, "%s: applied", name);
    is_str(result, quoted(want, pool), "%s: the result", name);
}

static void fails(const char *name, apr_status_t status, const char *target,
                  const char *patch, const char *want)
{
    const char *result, *message;
    apr_status_t rv = apply(&result, &message, parse_quoted(target, pool),
                            parse_quoted(patch, pool), name);

    is_int(rv, status, "%s: the status", name);
    is_str(message, quoted(want, pool), "%s: the message", name);
}

#define NOWHERE "the path leads to nothing that is there."
#define ANOTHER "the value there is another one."
#define NO_MOVE "move and copy are not supported, use add and remove."

static void test_appendix_a(void)
{
    applies("A.1 a member", "{'foo':'bar'}",
            "[{'op':'add','path':'/baz','value':'qux'}]",
            "{'foo':'bar','baz':'qux'}");
    applies("A.2 an item", "{'foo':['bar','baz']}",
            "[{'op':'add','path':'/foo/1','value':'qux'}]",
            "{'foo':['bar','qux','baz']}");
    applies("A.3 removing a member", "{'baz':'qux','foo':'bar'}",
            "[{'op':'remove','path':'/baz'}]", "{'foo':'bar'}");
    applies("A.4 removing an item", "{'foo':['bar','qux','baz']}",
            "[{'op':'remove','path':'/foo/1'}]", "{'foo':['bar','baz']}");
    applies("A.5 replacing", "{'baz':'qux','foo':'bar'}",
            "[{'op':'replace','path':'/baz','value':'boo'}]",
            "{'baz':'boo','foo':'bar'}");
    fails("A.6 moving a value", APR_EINVAL,
          "{'foo':{'bar':'baz','waldo':'fred'},'qux':{'corge':'grault'}}",
          "[{'op':'move','from':'/foo/waldo','path':'/qux/thud'}]",
          "Operation 1 (move '/qux/thud'): " NO_MOVE);
    fails("A.7 moving an item", APR_EINVAL,
          "{'foo':['all','grass','cows','eat']}",
          "[{'op':'move','from':'/foo/1','path':'/foo/3'}]",
          "Operation 1 (move '/foo/3'): " NO_MOVE);
    applies("A.8 a test that holds", "{'baz':'qux','foo':['a',2,'c']}",
            "[{'op':'test','path':'/baz','value':'qux'},"
            "{'op':'test','path':'/foo/1','value':2}]",
            "{'baz':'qux','foo':['a',2,'c']}");
    fails("A.9 a test that fails", WH_PATCH_TEST_FAILED, "{'baz':'qux'}",
          "[{'op':'test','path':'/baz','value':'bar'}]",
          "Operation 1 (test '/baz'): " ANOTHER);
    applies("A.10 a nested object", "{'foo':'bar'}",
            "[{'op':'add','path':'/child','value':{'grandchild':{}}}]",
            "{'foo':'bar','child':{'grandchild':{}}}");
    applies("A.11 members that are not known", "{'foo':'bar'}",
            "[{'op':'add','path':'/baz','value':'qux','xyz':123}]",
            "{'foo':'bar','baz':'qux'}");
    fails("A.12 a target that is not there", APR_EINVAL, "{'foo':'bar'}",
          "[{'op':'add','path':'/baz/bat','value':'qux'}]",
          "Operation 1 (add '/baz/bat'): " NOWHERE);
    applies("A.14 the order of escapes", "{'/':9,'~1':10}",
            "[{'op':'test','path':'/~01','value':10}]", "{'/':9,'~1':10}");
    fails("A.15 a string is no number", WH_PATCH_TEST_FAILED, "{'/':9,'~1':10}",
          "[{'op':'test','path':'/~01','value':'10'}]",
          "Operation 1 (test '/~01'): " ANOTHER);
    applies("A.16 an array as an item", "{'foo':['bar']}",
            "[{'op':'add','path':'/foo/-','value':['abc','def']}]",
            "{'foo':['bar',['abc','def']]}");
}

/* A.13 is a text, not a value: the parser does not let it pass. */
static void test_same_name_twice(void)
{
    const char *text = quoted(
        "[{'op':'add','path':'/baz','value':'qux','op':'remove'}]", pool);
    const char *message = NULL;
    json_t *document;

    is_int(wh_json_parse(&document, &message, text, strlen(text), pool),
           APR_EINVAL, "A.13 op twice");
}

static void test_add(void)
{
    applies("no operation", "{'a':[1,2]}", "[]", "{'a':[1,2]}");
    applies("add replaces, in its place", "{'a':1,'b':2}",
            "[{'op':'add','path':'/a','value':[0]}]", "{'a':[0],'b':2}");
    applies("add of null", "{}", "[{'op':'add','path':'/a','value':null}]",
            "{'a':null}");
    applies("add over null", "{'a':null}",
            "[{'op':'add','path':'/a','value':1}]", "{'a':1}");
    applies("add first", "[1,2]", "[{'op':'add','path':'/0','value':0}]",
            "[0,1,2]");
    applies("add at the length", "[1,2]",
            "[{'op':'add','path':'/2','value':3}]", "[1,2,3]");
    applies("add to nothing", "[]", "[{'op':'add','path':'/0','value':{}}]",
            "[{}]");
    applies("add behind the end by name", "[[]]",
            "[{'op':'add','path':'/0/-','value':false},"
            "{'op':'add','path':'/0/-','value':true}]",
            "[[false,true]]");
    fails("add behind the length", APR_EINVAL, "[1,2]",
          "[{'op':'add','path':'/3','value':0}]",
          "Operation 1 (add '/3'): " NOWHERE);
    fails("add into a string", APR_EINVAL, "{'a':'b'}",
          "[{'op':'add','path':'/a/0','value':'c'}]",
          "Operation 1 (add '/a/0'): " NOWHERE);
    fails("add into null", APR_EINVAL, "{'a':null}",
          "[{'op':'add','path':'/a/b','value':'c'}]",
          "Operation 1 (add '/a/b'): " NOWHERE);
    applies("a number as the name of a member", "{'0':'a','01':'b'}",
            "[{'op':'add','path':'/1','value':'c'},"
            "{'op':'replace','path':'/0','value':'d'},"
            "{'op':'remove','path':'/01'}]",
            "{'0':'d','1':'c'}");
    applies("'-' as the name of a member", "{'-':1}",
            "[{'op':'replace','path':'/-','value':2}]", "{'-':2}");
    applies("later operations see earlier ones", "{}",
            "[{'op':'add','path':'/a','value':[]},"
            "{'op':'add','path':'/a/0','value':{}},"
            "{'op':'add','path':'/a/0/b','value':1},"
            "{'op':'test','path':'','value':{'a':[{'b':1}]}}]",
            "{'a':[{'b':1}]}");
    applies("the same value twice is two values", "{}",
            "[{'op':'add','path':'/a','value':{'x':[]}},"
            "{'op':'add','path':'/b','value':{'x':[]}},"
            "{'op':'add','path':'/a/x/-','value':1}]",
            "{'a':{'x':[1]},'b':{'x':[]}}");
}

static void test_remove_and_replace(void)
{
    applies("remove of null", "{'a':null,'b':1}",
            "[{'op':'remove','path':'/a'}]", "{'b':1}");
    applies("remove needs no value and minds none", "{'a':1}",
            "[{'op':'remove','path':'/a','value':2}]", "{}");
    applies("remove twice at an index", "[1,2,3]",
            "[{'op':'remove','path':'/0'},{'op':'remove','path':'/0'}]", "[3]");
    fails("remove of what is not there", APR_EINVAL, "{'a':1}",
          "[{'op':'remove','path':'/b'}]",
          "Operation 1 (remove '/b'): " NOWHERE);
    fails("remove at the length", APR_EINVAL, "[1]",
          "[{'op':'remove','path':'/1'}]",
          "Operation 1 (remove '/1'): " NOWHERE);
    fails("remove of '-'", APR_EINVAL, "[1]", "[{'op':'remove','path':'/-'}]",
          "Operation 1 (remove '/-'): " NOWHERE);
    fails("remove of all", APR_EINVAL, "{'a':1}", "[{'op':'remove','path':''}]",
          "Operation 1 (remove ''): the whole document cannot be removed.");
    applies("replace in its place", "[1,2,3]",
            "[{'op':'replace','path':'/1','value':null}]", "[1,null,3]");
    applies("replace below an item", "[{'a':[0,{'b':1}]}]",
            "[{'op':'replace','path':'/0/a/1/b','value':2}]",
            "[{'a':[0,{'b':2}]}]");
    fails("replace of what is not there", APR_EINVAL, "{'a':{}}",
          "[{'op':'replace','path':'/a/b','value':1}]",
          "Operation 1 (replace '/a/b'): " NOWHERE);
    fails("replace at the length", APR_EINVAL, "[1]",
          "[{'op':'replace','path':'/1','value':1}]",
          "Operation 1 (replace '/1'): " NOWHERE);
    fails("replace of '-'", APR_EINVAL, "[1]",
          "[{'op':'replace','path':'/-','value':1}]",
          "Operation 1 (replace '/-'): " NOWHERE);
    fails("an item of '-' on the way", APR_EINVAL, "[{}]",
          "[{'op':'add','path':'/-/a','value':1}]",
          "Operation 1 (add '/-/a'): " NOWHERE);
}

static void test_root(void)
{
    applies("the root by add", "{'a':1}",
            "[{'op':'add','path':'','value':[1]}]", "[1]");
    applies("the root by replace", "[1]",
            "[{'op':'replace','path':'','value':{'a':1}}]", "{'a':1}");
    applies("the root becomes null", "{'a':1}",
            "[{'op':'replace','path':'','value':null}]", "null");
    applies("the root is patched on", "{'a':1}",
            "[{'op':'replace','path':'','value':{'b':[]}},"
            "{'op':'add','path':'/b/-','value':2}]",
            "{'b':[2]}");
    applies("test of the root", "{'a':[1,{'b':null}]}",
            "[{'op':'test','path':'','value':{'a':[1,{'b':null}]}}]",
            "{'a':[1,{'b':null}]}");
    applies("a root that is a string", "'a'",
            "[{'op':'test','path':'','value':'a'}]", "'a'");
    fails("below a root that is a string", APR_EINVAL, "'a'",
          "[{'op':'add','path':'/0','value':'a'}]",
          "Operation 1 (add '/0'): " NOWHERE);
}

/* The document and pointers of RFC 6901 section 5. */
static void test_pointers(void)
{
    static const char document[] =
        "{'foo':['bar','baz'],'':0,'a/b':1,'c%d':2,'e^f':3,'g|h':4,"
        "'i\\\\j':5,'k\\'l':6,' ':7,'m~n':8}";
    static const struct {
        const char *path;
        const char *value;
    } rows[] = {{"", document},      {"/foo", "['bar','baz']"},
                {"/foo/0", "'bar'"}, {"/", "0"},
                {"/a~1b", "1"},      {"/c%d", "2"},
                {"/e^f", "3"},       {"/g|h", "4"},
                {"/i\\\\j", "5"},    {"/k\\'l", "6"},
                {"/ ", "7"},         {"/m~0n", "8"}};
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        applies(apr_psprintf(pool, "pointer \"%s\"", rows[i].path), document,
                apr_psprintf(pool, "[{'op':'test','path':'%s','value':%s}]",
                             rows[i].path, rows[i].value),
                document);
    }
    applies("empty names", "{'':{'':1}}",
            "[{'op':'replace','path':'//','value':2}]", "{'':{'':2}}");
    applies("a slash at the end is an empty name", "{'a':{'':1}}",
            "[{'op':'replace','path':'/a/','value':2}]", "{'a':{'':2}}");
    applies("an escaped name is made", "{}",
            "[{'op':'add','path':'/~0~1~01','value':1}]", "{'~/~1':1}");
    applies("other letters", "{'\xc3\xa9':1,'\\ud83d\\ude00':2}",
            "[{'op':'test','path':'/\\u00e9','value':1},"
            "{'op':'remove','path':'/\xf0\x9f\x98\x80'}]",
            "{'\xc3\xa9':1}");
}

static void test_bad_pointers(void)
{
    static const char *const indexes[] = {
        "00",  "01", "-1", "+1",  "1e0", " 1",         "1 ",
        "0x1", "",   "a",  "1.0", "--",  "4294967296", "18446744073709551616"};
    static const char *const escapes[] = {"/~", "/~2", "/a~", "/~/0", "/~~0"};
    const char *path;
    apr_size_t i;

    for (i = 0; i < sizeof(indexes) / sizeof(*indexes); i++) {
        path = apr_psprintf(pool, "/a/%s", indexes[i]);
        fails(path, APR_EINVAL, "{'a':[1,2]}",
              apr_psprintf(pool, "[{'op':'add','path':'%s','value':0}]", path),
              apr_psprintf(pool, "Operation 1 (add '%s'): " NOWHERE, path));
        fails(path, APR_EINVAL, "{'a':[1,2]}",
              apr_psprintf(pool, "[{'op':'remove','path':'%s'}]", path),
              apr_psprintf(pool, "Operation 1 (remove '%s'): " NOWHERE, path));
    }
    for (i = 0; i < sizeof(escapes) / sizeof(*escapes); i++) {
        path = escapes[i];
        fails(path, APR_EINVAL, "{'~':1,'':{}}",
              apr_psprintf(pool, "[{'op':'test','path':'%s','value':1}]", path),
              apr_psprintf(pool,
                           "Operation 1 (test '%s'): '~' in a path must be "
                           "'~0', and '/' in a name '~1'.",
                           path));
    }
}

/* -- beyond the RFC ------------------------------------------------------- */

static void test_case(void)
{
    applies("a name in any case keeps its spelling", "{'Department':'a'}",
            "[{'op':'replace','path':'/dePartment','value':'b'}]",
            "{'Department':'b'}");
    applies("add in any case replaces", "{'Name':'a','State':1}",
            "[{'op':'add','path':'/name','value':'b'}]",
            "{'Name':'b','State':1}");
    applies("names on the way", "{'Category':{'Id':1}}",
            "[{'op':'replace','path':'/CATEGORY/id','value':2}]",
            "{'Category':{'Id':2}}");
    applies("the exact name comes first", "{'Name':1,'name':2,'NAME':3}",
            "[{'op':'replace','path':'/name','value':0},"
            "{'op':'remove','path':'/NAME'}]",
            "{'Name':1,'name':0}");
    applies("remove in any case", "{'Name':1}",
            "[{'op':'remove','path':'/NAME'}]", "{}");
    applies("test in any case", "{'Name':1}",
            "[{'op':'test','path':'/NAME','value':1}]", "{'Name':1}");
    fails("but not in values", WH_PATCH_TEST_FAILED, "{'A':{'Name':1}}",
          "[{'op':'test','path':'/a','value':{'name':1}}]",
          "Operation 1 (test '/a'): " ANOTHER);
    applies("only of ASCII letters", "{'\xc3\x89':1}",
            "[{'op':'add','path':'/\xc3\xa9','value':2}]",
            "{'\xc3\x89':1,'\xc3\xa9':2}");
    applies("operations in any case", "{'a':1}",
            "[{'Op':'Replace','PATH':'/a','Value':2},"
            "{'op':'TEST','path':'/a','value':2}]",
            "{'a':2}");
    applies("a member's exact name comes first", "{'a':1}",
            "[{'Op':'remove','op':'add','path':'/b','VALUE':9,'value':2}]",
            "{'a':1,'b':2}");
}

static void test_leading_slash(void)
{
    applies("no slash", "{'Department':'a'}",
            "[{'op':'replace','path':'Department','value':'b'}]",
            "{'Department':'b'}");
    applies("no slash but inner ones", "{'Category':{'Id':1}}",
            "[{'op':'replace','path':'Category/Id','value':2}]",
            "{'Category':{'Id':2}}");
    applies("no slash before an index", "[1]",
            "[{'op':'add','path':'-','value':2}]", "[1,2]");
    applies("no slash before an escape", "{'/':1}",
            "[{'op':'remove','path':'~1'}]", "{}");
}

static void test_move_and_copy(void)
{
    fails("copy", APR_EINVAL, "{'a':1}",
          "[{'op':'copy','from':'/a','path':'/b'}]",
          "Operation 1 (copy '/b'): " NO_MOVE);
    fails("Move without a path", APR_EINVAL, "{'a':1}", "[{'op':'Move'}]",
          "Operation 1 (Move): " NO_MOVE);
    fails("after what would have been done", APR_EINVAL, "{'a':1}",
          "[{'op':'remove','path':'/a'},{'op':'copy','from':'/a','path':'/a'}]",
          "Operation 2 (copy '/a'): " NO_MOVE);
}

/* -- test ------------------------------------------------------------------ */

static void holds(const char *a, const char *b)
{
    const char *target = apr_psprintf(pool, "{'a':%s}", a);

    applies(apr_psprintf(pool, "%s is %s", a, b), target,
            apr_psprintf(pool, "[{'op':'test','path':'/a','value':%s}]", b),
            target);
}

static void differs(const char *a, const char *b)
{
    fails(apr_psprintf(pool, "%s is not %s", a, b), WH_PATCH_TEST_FAILED,
          apr_psprintf(pool, "{'a':%s}", a),
          apr_psprintf(pool, "[{'op':'test','path':'/a','value':%s}]", b),
          "Operation 1 (test '/a'): " ANOTHER);
}

static void test_equality(void)
{
    static const char *const other[] = {
        "null",         "true",  "false", "0",   "1",       "0.5",
        "''",           "'0'",   "'a'",   "'b'", "[]",      "[0]",
        "[0,1]",        "[1,0]", "[[]]",  "{}",  "{'b':1}", "{'a':0}",
        "{'a':0,'b':1}"};
    apr_size_t i, j, count = sizeof(other) / sizeof(*other);

    for (i = 0; i < count; i++) {
        holds(other[i], other[i]);
        for (j = 0; j < count; j++) {
            if (i != j) {
                differs(other[i], other[j]);
            }
        }
    }
    holds("{'a':0,'b':1}", "{'b':1,'a':0}");
    holds("'\xc3\xa9'", "'\\u00e9'");
}

static void test_numbers(void)
{
    holds("1", "1.0");
    holds("1.0", "1");
    holds("100", "1e2");
    holds("0", "-0.0");
    holds("[{'b':2}]", "[{'b':2.0}]");
    holds("9007199254740992", "9007199254740992.0");
    holds("-9223372036854775808", "-9223372036854775808.0");
    differs("1", "1.5");
    differs("-1.5", "-1");
    differs("0.1", "0.2");
    differs("9007199254740993", "9007199254740992.0");
    differs("9007199254740992.0", "9007199254740993");
    differs("9007199254740993", "9007199254740992");
    differs("9223372036854775807", "9223372036854775808.0");
    differs("9223372036854775807", "1e300");
    differs("-9223372036854775808", "-1e300");
}

static void test_tests(void)
{
    fails("what is not there equals nothing", WH_PATCH_TEST_FAILED, "{'a':1}",
          "[{'op':'test','path':'/b','value':null}]",
          "Operation 1 (test '/b'): " NOWHERE);
    fails("nor does what would be in it", WH_PATCH_TEST_FAILED, "{'a':1}",
          "[{'op':'test','path':'/b/c','value':null}]",
          "Operation 1 (test '/b/c'): " NOWHERE);
    fails("an item behind the end", WH_PATCH_TEST_FAILED, "[1]",
          "[{'op':'test','path':'/1','value':1}]",
          "Operation 1 (test '/1'): " NOWHERE);
    fails("all or nothing", WH_PATCH_TEST_FAILED, "{'a':1}",
          "[{'op':'replace','path':'/a','value':2},"
          "{'op':'test','path':'/a','value':1},"
          "{'op':'add','path':'/b','value':3}]",
          "Operation 2 (test '/a'): " ANOTHER);
    fails("a bad operation behind a test that fails", APR_EINVAL, "{'a':1}",
          "[{'op':'test','path':'/a','value':2},{'op':'add','path':'/b'}]",
          "Operation 2 (add '/b'): 'value' is missing.");
}

/* -- what is no patch ------------------------------------------------------ */

static void test_malformed(void)
{
    static const char *const no_arrays[] = {"{}",  "null", "1",
                                            "'a'", "true", "{'op':'add'}"};
    apr_size_t i;

    for (i = 0; i < sizeof(no_arrays) / sizeof(*no_arrays); i++) {
        fails(no_arrays[i], APR_EINVAL, "{'a':1}", no_arrays[i],
              "A JSON Patch must be an array of operations.");
    }
    fails("an operation that is no object", APR_EINVAL, "{'a':1}",
          "[{'op':'remove','path':'/a'},['op','add']]",
          "Operation 2: it must be an object.");
    fails("null as an operation", APR_EINVAL, "{}", "[null]",
          "Operation 1: it must be an object.");
    fails("no op", APR_EINVAL, "{}", "[{'path':'/a','value':1}]",
          "Operation 1: 'op' must be a string.");
    fails("op null", APR_EINVAL, "{}", "[{'op':null,'path':'/a','value':1}]",
          "Operation 1: 'op' must be a string.");
    fails("an op that is not known", APR_EINVAL, "{}",
          "[{'op':'spam','path':'/a','value':1}]",
          "Operation 1 (spam '/a'): 'op' must be add, remove, replace or "
          "test.");
    fails("an op with a blank", APR_EINVAL, "{}",
          "[{'op':'add ','path':'/a','value':1}]",
          "Operation 1 (add  '/a'): 'op' must be add, remove, replace or "
          "test.");
    fails("no path", APR_EINVAL, "{}", "[{'op':'add','value':1}]",
          "Operation 1 (add): 'path' must be a string.");
    fails("path null", APR_EINVAL, "{}", "[{'op':'add','path':null,'value':1}]",
          "Operation 1 (add): 'path' must be a string.");
    fails("path a number", APR_EINVAL, "{}",
          "[{'op':'add','path':1,'value':1}]",
          "Operation 1 (add): 'path' must be a string.");
    fails("add without a value", APR_EINVAL, "{'a':1}",
          "[{'op':'add','path':'/a'}]",
          "Operation 1 (add '/a'): 'value' is missing.");
    fails("replace without a value", APR_EINVAL, "{'a':1}",
          "[{'op':'replace','path':'/a'}]",
          "Operation 1 (replace '/a'): 'value' is missing.");
    fails("test without a value", APR_EINVAL, "{'a':null}",
          "[{'op':'test','path':'/a'}]",
          "Operation 1 (test '/a'): 'value' is missing.");
}

/* jansson keeps a NUL only if it is told to; our parser does not tell it. */
static void test_null_characters(void)
{
    json_t *patch = json_pack("[{s:s, s:s%, s:i}]", "op", "add", "path",
                              "/a\0b", (size_t)4, "value", 1);
    json_t *target = json_object();
    const char *result, *message;

    is_int(apply(&result, &message, target, patch, "a NUL in a path"),
           APR_EINVAL, "a NUL in a path: refused");
    is_str(message, "Operation 1 (add): \"path\" must be a string.",
           "a NUL in a path: the message");
    json_decref(patch);
    json_decref(target);
}

static const char *repeated(const char *text, int count)
{
    apr_size_t length = strlen(text);
    char *all = apr_palloc(pool, length * (apr_size_t)count + 1), *at = all;

    for (; count > 0; count--, at += length) {
        memcpy(at, text, length);
    }
    *at = '\0';
    return all;
}

static void test_excerpts(void)
{
    const char *a_99 = repeated("a", 99), *a_98 = repeated("a", 98);

    fails("a long path is cut", APR_EINVAL, "{}",
          apr_psprintf(pool, "[{'op':'remove','path':'/%s%s'}]", a_99, a_99),
          apr_psprintf(pool, "Operation 1 (remove '/%s...'): " NOWHERE, a_99));
    fails("a path of 100 bytes is not", APR_EINVAL, "{}",
          apr_psprintf(pool, "[{'op':'remove','path':'/%s'}]", a_99),
          apr_psprintf(pool, "Operation 1 (remove '/%s'): " NOWHERE, a_99));
    fails("nor is a character", APR_EINVAL, "{}",
          apr_psprintf(pool, "[{'op':'remove','path':'/%s\xc3\xa9'}]", a_98),
          apr_psprintf(pool, "Operation 1 (remove '/%s...'): " NOWHERE, a_98));
    fails("a long op is cut", APR_EINVAL, "{}",
          apr_psprintf(pool, "[{'op':'%s%s'}]", a_99, a_99),
          apr_psprintf(pool,
                       "Operation 1 (%sa...): 'op' must be add, remove, "
                       "replace or test.",
                       a_99));
    fails("control characters are not shown", APR_EINVAL, "{}",
          "[{'op':'remove','path':'/a\\u0007\\u001b[1m'}]",
          "Operation 1 (remove '/a??[1m'): " NOWHERE);
}

/* -- bounds ------------------------------------------------------------------ */

static void test_operation_count(void)
{
    json_t *patch = json_array(), *target = json_array();
    const char *result, *message;
    int i;

    for (i = 0; i < WH_PATCH_OPERATIONS_MAX; i++) {
        json_array_append_new(patch, json_pack("{s:s, s:s, s:i}", "op", "add",
                                               "path", "/-", "value", i));
    }
    is_int(apply(&result, &message, target, patch, "1000 operations"),
           APR_SUCCESS, "1000 operations: applied");
    is_int((int)json_array_size(parse_quoted(result ? result : "[]", pool)),
           WH_PATCH_OPERATIONS_MAX, "1000 operations: 1000 items");
    json_array_append_new(
        patch, json_pack("{s:s, s:s}", "op", "remove", "path", "/0"));
    is_int(apply(&result, &message, target, patch, "1001 operations"),
           APR_EINVAL, "1001 operations: refused");
    is_str(message, "A JSON Patch must have at most 1000 operations.",
           "1001 operations: the message");
    json_decref(patch);
    json_decref(target);
}

#define TOO_DEEP "the result would be nested deeper than 64 levels."

/* A value of this many levels. */
static const char *nested(int levels)
{
    return apr_pstrcat(pool, repeated("[", levels), repeated("]", levels),
                       NULL);
}

static void test_depth(void)
{
    applies(
        "64 levels at once", "{}",
        apr_psprintf(pool, "[{'op':'add','path':'','value':%s}]", nested(64)),
        nested(64));
    fails("65 levels at once", APR_EINVAL, "{}",
          apr_psprintf(pool, "[{'op':'add','path':'','value':%s}]", nested(65)),
          "Operation 1 (add ''): " TOO_DEEP);
    applies("63 levels in one", "{'a':1}",
            apr_psprintf(pool, "[{'op':'replace','path':'/a','value':%s}]",
                         nested(63)),
            apr_psprintf(pool, "{'a':%s}", nested(63)));
    fails("64 levels in one", APR_EINVAL, "{'a':1}",
          apr_psprintf(pool, "[{'op':'replace','path':'/a','value':%s}]",
                       nested(64)),
          "Operation 1 (replace '/a'): " TOO_DEEP);
    applies("a number in 64 levels", nested(64),
            apr_psprintf(pool, "[{'op':'add','path':'%s/-','value':1}]",
                         repeated("/0", 63)),
            apr_pstrcat(pool, repeated("[", 64), "1", repeated("]", 64), NULL));
    fails("an array in 64 levels", APR_EINVAL, nested(64),
          apr_psprintf(pool, "[{'op':'add','path':'%s/-','value':[]}]",
                       repeated("/0", 63)),
          apr_psprintf(pool, "Operation 1 (add '%s...'): " TOO_DEEP,
                       repeated("/0", 50)));
    fails("level by level", APR_EINVAL, "[]",
          apr_psprintf(pool,
                       "[{'op':'add','path':'/-','value':%s},"
                       "{'op':'add','path':'%s/-','value':[[]]}]",
                       nested(62), repeated("/0", 62)),
          apr_psprintf(pool, "Operation 2 (add '%s...'): " TOO_DEEP,
                       repeated("/0", 50)));
    fails(
        "65 names", APR_EINVAL, "[]",
        apr_psprintf(pool, "[{'op':'remove','path':'%s'}]", repeated("/", 65)),
        apr_psprintf(pool,
                     "Operation 1 (remove '%s'): the path has more than 64 "
                     "names.",
                     repeated("/", 65)));
}

/* Nothing of the arguments is in the result. */
static void test_sharing(void)
{
    json_t *target = json_pack("{s:[i]}", "a", 1);
    json_t *patch =
        json_pack("[{s:s, s:s, s:[i]}]", "op", "add", "path", "/b", "value", 2);
    const char *message;
    json_t *result = NULL;
    apr_pool_t *inner;

    apr_pool_create(&inner, pool);
    is_int(wh_json_patch_apply(&result, &message, target, patch, inner),
           APR_SUCCESS, "applied in a pool of its own");
    json_array_clear(json_object_get(target, "a"));
    json_array_clear(json_object_get(json_array_get(patch, 0), "value"));
    is_str(dump(result, pool), "{\"a\":[1],\"b\":[2]}",
           "a result shares nothing with its arguments");
    json_array_append_new(json_object_get(result, "b"), json_integer(3));
    is_str(dump(patch, pool), "[{\"op\":\"add\",\"path\":\"/b\",\"value\":[]}]",
           "nor they with it");
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
    test_same_name_twice();
    test_add();
    test_remove_and_replace();
    test_root();
    test_pointers();
    test_bad_pointers();
    test_case();
    test_leading_slash();
    test_move_and_copy();
    test_equality();
    test_numbers();
    test_tests();
    test_malformed();
    test_null_characters();
    test_excerpts();
    test_operation_count();
    test_depth();
    test_sharing();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
