/* SPDX-License-Identifier: Apache-2.0 */
/* JSON values as XML and back. */
#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>

#include "media/json.h"
#include "media/xml.h"
#include "unit/tap.h"

static apr_pool_t *pool;

/* The length counts, so that texts may hold NUL. */
#define TEXT(text) text, sizeof(text) - 1

#define DECLARATION "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

static const char *dump(const json_t *value)
{
    char *text =
        value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    const char *copy = text ? apr_pstrdup(pool, text) : "(none)";

    free(text);
    return copy;
}

static void test_write(void)
{
    static const char *const rows[][2] = {
        {"{}", "<r></r>"},
        {"{\"a\":\"b\"}", "<r><a>b</a></r>"},
        {"{\"a\":\"\"}", "<r><a></a></r>"},
        {"{\"a\":1,\"b\":-1.5,\"c\":true,\"d\":false,\"e\":null}",
         "<r><a type=\"number\">1</a><b type=\"number\">-1.5</b>"
         "<c type=\"boolean\">true</c><d type=\"boolean\">false</d>"
         "<e type=\"null\"></e></r>"},
        {"{\"a\":{\"b\":[1,\"x\",[]]}}",
         "<r><a type=\"object\"><b type=\"array\">"
         "<item type=\"number\">1</item><item>x</item>"
         "<item type=\"array\"></item></b></a></r>"},
        {"[]", "<r type=\"array\"></r>"},
        {"[{}]", "<r type=\"array\"><item type=\"object\"></item></r>"},
        {"\"x\"", "<r>x</r>"},
        {"\"\"", "<r type=\"string\"></r>"},
        {"\" \"", "<r type=\"string\"> </r>"},
        {"null", "<r type=\"null\"></r>"},
        {"true", "<r type=\"boolean\">true</r>"},
        {"{\"item\":\"x\"}", "<r type=\"object\"><item>x</item></r>"},
        {"{\"String\":\"x\"}", "<r type=\"object\"><String>x</String></r>"},
        {"{\"Webhook\":\"x\"}", "<r><Webhook>x</Webhook></r>"},
        {"{\"item\":\"x\",\"string\":\"y\"}",
         "<r><item>x</item><string>y</string></r>"},
        {"{\"member\":\"x\"}", "<r><member>x</member></r>"},
        {"{\"a b\":\"x\"}", "<r><member name=\"a b\">x</member></r>"},
        {"{\"\":\"x\"}", "<r><member name=\"\">x</member></r>"},
        {"{\"1\":\"x\"}", "<r><member name=\"1\">x</member></r>"},
        {"{\"-a\":\"x\"}", "<r><member name=\"-a\">x</member></r>"},
        {"{\"_a-b.c1\":\"x\"}", "<r><_a-b.c1>x</_a-b.c1></r>"},
        {"{\"a:b\":\"x\"}", "<r><member name=\"a:b\">x</member></r>"},
        {"{\"XmlFoo\":\"x\"}", "<r><member name=\"XmlFoo\">x</member></r>"},
        {"{\"xm\":\"x\"}", "<r><xm>x</xm></r>"},
        {"{\"\303\251\":\"\303\251\"}",
         "<r><member name=\"\303\251\">\303\251</member></r>"},
        {"{\"<\\\"&'>\\t\\n\\r\":[\"<\\\"&'>\\t\\n\\r\"]}",
         "<r><member name=\"&lt;&quot;&amp;'&gt;&#9;&#10;&#13;\" "
         "type=\"array\"><item>&lt;\"&amp;'&gt;\t\n&#13;</item></member></r>"},
        {"{\"a\":\"]]>\"}", "<r><a>]]&gt;</a></r>"},
        {"{\"a\":\"x\\u0001\\n\"}",
         "<r><a type=\"json\">\"x\\u0001\\n\"</a></r>"},
        {"{\"a\":\"\\ufffe<\"}", "<r><a type=\"json\">\"\\uFFFE&lt;\"</a></r>"},
        {"{\"a\":\"\\uffff\"}", "<r><a type=\"json\">\"\\uFFFF\"</a></r>"},
        {"{\"a\":\"\\ufffd\\u007f\"}", "<r><a>\357\277\275\177</a></r>"},
        {"{\"\\u0001\":1}",
         "<r><member name=\"&quot;\\u0001&quot;\" name-type=\"json\" "
         "type=\"number\">1</member></r>"},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *value = json_loads(rows[i][0], JSON_DECODE_ANY, NULL), *again;
        const char *message = "none";
        apr_size_t length;
        const char *text = wh_xml_write(&length, value, "r", pool);

        is_str(text, apr_pstrcat(pool, DECLARATION, rows[i][1], NULL),
               "writes %s", rows[i][0]);
        is_int((apr_int64_t)length, (apr_int64_t)strlen(text), "its length");
        is_int(wh_xml_parse(&again, &message, text, length, pool), APR_SUCCESS,
               "and reads it");
        ok(json_equal(value, again), "the same");
        json_decref(value);
    }
}

static const char *const readings[][2] = {
    /* roots */
    {"<r/>", "{}"},
    {"<r></r>", "{}"},
    {"<r> \n</r>", "{}"},
    {"<r type='string'/>", "\"\""},
    {"<r type=''/>", NULL},
    {"<r>x</r>", "\"x\""},
    {"<r type='array'/>", "[]"},
    {"\n <r/> \n", "{}"},
    {"\357\273\277<r/>", "{}"},
    {"<!-- a --><?pi x?><r/><!-- <b> --><?pi <c>?>\n", "{}"},
    /* declarations */
    {"<?xml version='1.0'?><r/>", "{}"},
    {"<?xml version=\"1.0\" encoding=\"utf-8\"?><r/>", "{}"},
    {"<?xml version='1.0' encoding='US-ASCII'?><r/>", "{}"},
    {"<?xml version = '1.1' standalone='yes' ?>\n<r/>", "{}"},
    {"<?xml\tversion='1.0'\r\nencoding='UTF-8' standalone='no'?><r/>", "{}"},
    {"\357\273\277<?xml version='1.0'?><r/>", "{}"},
    /* members */
    {"<r><a/></r>", "{\"a\":\"\"}"},
    {"<r>\n  <a>x</a>\n  <b> y </b>\n</r>", "{\"a\":\"x\",\"b\":\" y \"}"},
    {"<r><a>x</a><A>y</A></r>", "{\"a\":\"x\",\"A\":\"y\"}"},
    {"<r><a><b>x</b></a></r>", "{\"a\":{\"b\":\"x\"}}"},
    {"<r><a>x<!-- c -->y<?p?>z</a></r>", "{\"a\":\"xyz\"}"},
    {"<r><a><![CDATA[<b>&amp;]]>&lt;&#65;&#x42;&apos;&quot;&gt;&amp;"
     "</a></r>",
     "{\"a\":\"<b>&amp;<AB'\\\">&\"}"},
    {"<r><a>x\r\ny\rz&#13;</a></r>", "{\"a\":\"x\\ny\\nz\\r\"}"},
    {"<r><a> </a></r>", "{\"a\":\" \"}"},
    {"<r><\303\251>x</\303\251></r>", "{\"\303\251\":\"x\"}"},
    {"<r><member name='a b'>x</member></r>", "{\"a b\":\"x\"}"},
    {"<r><member name=''>x</member></r>", "{\"\":\"x\"}"},
    {"<r><member>x</member></r>", "{\"member\":\"x\"}"},
    {"<r><other name='a'>x</other></r>", "{\"other\":\"x\"}"},
    {"<r><member name='\"\\u0001\"' name-type='json'>x</member></r>",
     "{\"\\u0001\":\"x\"}"},
    /* types */
    {"<r><a type='number'> 1 </a></r>", "{\"a\":1}"},
    {"<r><a type='number'>-1.5e3</a></r>", "{\"a\":-1500.0}"},
    {"<r><a type='number'>9223372036854775807</a></r>",
     "{\"a\":9223372036854775807}"},
    {"<r><a type='boolean'>true</a><b type='boolean'> false</b></r>",
     "{\"a\":true,\"b\":false}"},
    {"<r><a type='null'/><b type='null'> </b></r>", "{\"a\":null,\"b\":null}"},
    {"<r><a type='json'>\"\\u0001\"</a></r>", "{\"a\":\"\\u0001\"}"},
    {"<r><a type='string'>1</a></r>", "{\"a\":\"1\"}"},
    {"<r><a type='object'/><b type='array'/></r>", "{\"a\":{},\"b\":[]}"},
    {"<r><a type='array'><x>1</x><y>2</y></a></r>", "{\"a\":[\"1\",\"2\"]}"},
    {"<r><a type='object'><item>1</item></a></r>", "{\"a\":{\"item\":\"1\"}}"},
    {"<r><a other='x' lang='y'>1</a></r>", "{\"a\":\"1\"}"},
    {"<r><a xml:lang='en' xml:space='preserve'>1</a></r>", "{\"a\":\"1\"}"},
    /* arrays without a type */
    {"<r><item>1</item></r>", "[\"1\"]"},
    {"<r><item>1</item><item>2</item></r>", "[\"1\",\"2\"]"},
    {"<r><Item>1</Item><Item>2</Item></r>", "[\"1\",\"2\"]"},
    {"<r><STRING>1</STRING></r>", "[\"1\"]"},
    {"<r><item>1</item><Item>2</Item></r>", "{\"item\":\"1\",\"Item\":\"2\"}"},
    {"<r><item>1</item><other>2</other></r>",
     "{\"item\":\"1\",\"other\":\"2\"}"},
    {"<r><Webhook>1</Webhook></r>", "{\"Webhook\":\"1\"}"},
    {"<r><webhook>1</webhook><webhook>2</webhook></r>", "[\"1\",\"2\"]"},
    {"<r><a><item/></a></r>", "{\"a\":[\"\"]}"},
    /* namespaces */
    {"<r xmlns='urn:a'><a type='number'>1</a></r>", "{\"a\":1}"},
    {"<p:r xmlns:p='urn:a'><p:a>1</p:a><b xmlns='urn:b'>2</b></p:r>",
     "{\"a\":\"1\",\"b\":\"2\"}"},
    {"<r xmlns:i='urn:i'><a i:nil='true'/><b i:nil='1'> </b>"
     "<c i:nil='false'/></r>",
     "{\"a\":null,\"b\":null,\"c\":\"\"}"},
    {"<r nil='true'/>", "null"},
    {"<r xmlns:i='urn:i'><a i:type='number'>x</a></r>", "{\"a\":\"x\"}"},
    {"<r><xmlfoo:a>1</xmlfoo:a></r>", "{\"a\":\"1\"}"},
};

static void test_read(void)
{
    size_t i;

    for (i = 0; i < sizeof(readings) / sizeof(readings[0]); i++) {
        json_t *value = NULL;
        const char *message = NULL;
        apr_status_t rv = wh_xml_parse(&value, &message, readings[i][0],
                                       strlen(readings[i][0]), pool);

        is_int(rv, readings[i][1] ? APR_SUCCESS : APR_EINVAL, "reads %s",
               readings[i][0]);
        is_str(dump(value), readings[i][1] ? readings[i][1] : "(none)",
               "as it is meant");
    }
}

static const struct {
    const char *text;
    apr_size_t length;
    const char *part;
} bad[] = {
    /* no document */
    {TEXT(""), "well-formed"},
    {TEXT(" "), "well-formed"},
    {TEXT("x"), "well-formed"},
    {TEXT("<"), "well-formed"},
    {TEXT("<r"), "well-formed"},
    {TEXT("<r>"), "well-formed"},
    {TEXT("<r><a></r>"), "well-formed"},
    {TEXT("</r>"), "well-formed"},
    {TEXT("<r/><r/>"), "well-formed"},
    {TEXT("<r/>x"), "well-formed"},
    {TEXT("<r a=b/>"), "well-formed"},
    {TEXT("<r a='1' a='2'/>"), "well-formed"},
    {TEXT("<r a='<'/>"), "well-formed"},
    {TEXT("<r a='1/>"), "well-formed"},
    {TEXT("<r>]]></r>"), "well-formed"},
    {TEXT("<r><![CDATA[x</r>"), "well-formed"},
    {TEXT("<r><!-- x</r>"), "well-formed"},
    {TEXT("<r><!-- -- --></r>"), "well-formed"},
    {TEXT("<r><?p x</r>"), "well-formed"},
    {TEXT("<r>&#0;</r>"), "well-formed"},
    {TEXT("<r>&#1;</r>"), "well-formed"},
    {TEXT("<r>&#xFFFE;</r>"), "well-formed"},
    {TEXT("<r>&#xD800;</r>"), "well-formed"},
    {TEXT("<r>&amp</r>"), "well-formed"},
    {TEXT("<r>\1</r>"), "well-formed"},
    {TEXT("<r>\357\277\276</r>"), "well-formed"},
    {TEXT("<1/>"), "well-formed"},
    {TEXT("<r><-a/></r>"), "well-formed"},
    {TEXT("{\"a\":1}"), "well-formed"},
    /* bytes */
    {TEXT("<r>\0</r>"), "null character"},
    {TEXT("<r/>\0"), "null character"},
    {TEXT("<\0r\0/\0>\0"), "null character"},
    {TEXT("<r>\351</r>"), "UTF-8"},
    {TEXT("<r>\355\240\200</r>"), "UTF-8"},
    {TEXT("<r>\300\274</r>"), "UTF-8"},
    {TEXT("<r/><!-- \377 -->"), "UTF-8"},
    /* entities and document types */
    {TEXT("<r>&x;</r>"), "well-formed"},
    {TEXT("<r a='&x;'/>"), "well-formed"},
    {TEXT("<r>&nbsp;</r>"), "well-formed"},
    {TEXT("<!DOCTYPE r><r/>"), "document type"},
    {TEXT("<!doctype r><r/>"), "document type"},
    {TEXT("<!-- a --><!DOCTYPE r SYSTEM 'file:///etc/passwd'><r/>"),
     "document type"},
    {TEXT("<?xml version='1.0'?><!DOCTYPE r [<!ENTITY a 'x'>"
          "<!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>"
          "<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'>]><r>&c;</r>"),
     "document type"},
    {TEXT("<r><!ENTITY a 'x'></r>"), "document type"},
    {TEXT("<r><![CDATA ["), "document type"},
    /* declarations */
    {TEXT("<?xml?><r/>"), "declaration"},
    {TEXT("<?xml ?><r/>"), "declaration"},
    {TEXT("<?xml version='2.0'?><r/>"), "declaration"},
    {TEXT("<?xml version='1.'?><r/>"), "declaration"},
    {TEXT("<?xml version='1.0\"?><r/>"), "declaration"},
    {TEXT("<?xml version='1.0' ><r/>"), "declaration"},
    {TEXT("<?xml version='1.0'encoding='utf-8'?><r/>"), "declaration"},
    {TEXT("<?xml encoding='utf-8'?><r/>"), "declaration"},
    {TEXT("<?xml version='1.0' encoding=''?><r/>"), "declaration"},
    {TEXT("<?xml version='1.0' encoding=utf-8?><r/>"), "declaration"},
    {TEXT("<?xml version='1.0' standalone='maybe'?><r/>"), "declaration"},
    {TEXT("<?xml version='1.0' standalone='yes' encoding='utf-8'?><r/>"),
     "declaration"},
    {TEXT("<?xml version='1.0' x='y'?><r/>"), "declaration"},
    {TEXT("<?xml version='1.0'?><?xml version='1.0'?><r/>"), "declaration"},
    {TEXT("<?xml version='1.0'?><?xml version='1.0' encoding='x'?><r/>"),
     "declaration"},
    {TEXT("<?xml version='1.0'"), "declaration"},
    {TEXT("<?xml version='1.0"), "declaration"},
    {TEXT("<?xml version="), "declaration"},
    {TEXT("<?xml version"), "declaration"},
    {TEXT("<?xml "), "declaration"},
    {TEXT(" <?xml version='1.0'?><r/>"), "well-formed"},
    {TEXT("<r/><?xml version='1.0'?>"), "well-formed"},
    {TEXT("<?XML version='1.0'?><r/>"), "well-formed"},
    {TEXT("<?xml version='1.0' encoding='iso-8859-1'?><r/>"), "encoding"},
    {TEXT("<?xml version='1.0' encoding='utf-16'?><r/>"), "encoding"},
    {TEXT("<?xml version='1.0' encoding='utf-8-and-longer-than-it'?><r/>"),
     "encoding"},
    /* names */
    {TEXT("<r><a>1</a><a>2</a></r>"), "twice"},
    {TEXT("<r><a>1</a><b>2</b><a>2</a></r>"), "twice"},
    {TEXT("<r><a>1</a><member name='a'>2</member></r>"), "twice"},
    {TEXT("<r xmlns:p='urn:p'><a>1</a><p:a>2</p:a></r>"), "twice"},
    {TEXT("<p:r/>"), "well-formed"},
    {TEXT("<r p:a='1'/>"), "well-formed"},
    {TEXT("<r xmlns:p=''><p:a/></r>"), "well-formed"},
    {TEXT("<r xmlns:p='urn:p'><p:/></r>"), "without a name"},
    {TEXT("<r><member name='x' name-type='json'/></r>"), "name-type"},
    {TEXT("<r><member name='1' name-type='json'/></r>"), "name-type"},
    {TEXT("<r><member name='\"\\u0000\"' name-type='json'/></r>"), "name-type"},
    {TEXT("<r><member name='\"x\"' name-type='xml'/></r>"), "name-type"},
    /* text beside elements */
    {TEXT("<r>x<a/></r>"), "beside"},
    {TEXT("<r><a/>x</r>"), "beside"},
    {TEXT("<r><a/><b/>&#160;</r>"), "beside"},
    {TEXT("<r><a/><![CDATA[x]]></r>"), "beside"},
    {TEXT("<r type='object'>x</r>"), "beside"},
    {TEXT("<r type='array'>x</r>"), "beside"},
    {TEXT("<r><a>1<b/></a></r>"), "beside"},
    /* types */
    {TEXT("<r type='thing'/>"), "unknown type"},
    {TEXT("<r type='Number'>1</r>"), "unknown type"},
    {TEXT("<r type='number'/>"), "does not fit"},
    {TEXT("<r type='number'>x</r>"), "does not fit"},
    {TEXT("<r type='number'>01</r>"), "does not fit"},
    {TEXT("<r type='number'>1 2</r>"), "does not fit"},
    {TEXT("<r type='number'>NaN</r>"), "does not fit"},
    {TEXT("<r type='number'>\"1\"</r>"), "does not fit"},
    {TEXT("<r type='number'>[1]</r>"), "does not fit"},
    {TEXT("<r type='number'>9223372036854775808</r>"), "does not fit"},
    {TEXT("<r type='number'>1e999</r>"), "does not fit"},
    {TEXT("<r type='boolean'>1</r>"), "does not fit"},
    {TEXT("<r type='boolean'>True</r>"), "does not fit"},
    {TEXT("<r type='boolean'/>"), "does not fit"},
    {TEXT("<r type='null'>x</r>"), "does not fit"},
    {TEXT("<r nil='true'>x</r>"), "does not fit"},
    {TEXT("<r nil='true'><a/></r>"), "does not fit"},
    {TEXT("<r type='json'>1</r>"), "does not fit"},
    {TEXT("<r type='json'>{\"a\":1}</r>"), "does not fit"},
    {TEXT("<r type='json'>\"a</r>"), "does not fit"},
    {TEXT("<r type='json'>\"\\u0000\"</r>"), "does not fit"},
    {TEXT("<r type='json'>x</r>"), "does not fit"},
    {TEXT("<r type='json'/>"), "does not fit"},
    {TEXT("<r type='string'><a/></r>"), "does not fit"},
    {TEXT("<r type='number'><a/></r>"), "does not fit"},
};

static void test_bad(void)
{
    size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        json_t *value = NULL;
        const char *message = NULL;

        is_int(wh_xml_parse(&value, &message, bad[i].text, bad[i].length, pool),
               APR_EINVAL, "refuses number %d: %s", (int)i, bad[i].text);
        ok(!value && message && !strncmp(message, "The request body ", 17) &&
               message[strlen(message) - 1] == '.' &&
               strstr(message, bad[i].part),
           "and says why: %s", message ? message : "(NULL)");
    }
}

static void test_converted(void)
{
    const char *text = "<?xml version='1.0' encoding='utf-16'?><r>x</r>";
    json_t *value = NULL;
    const char *message = NULL;

    is_int(wh_xml_parse_converted(&value, &message, text, strlen(text), pool),
           APR_SUCCESS, "a converted text may declare what it was");
    is_str(dump(value), "\"x\"", "and is read as UTF-8");
    text = "<?xml version='1.0' encoding=utf-16?><r>x</r>";
    is_int(wh_xml_parse_converted(&value, &message, text, strlen(text), pool),
           APR_EINVAL, "the declaration must be in order all the same");
}

/* unit is written count times; "#" in it becomes the number. */
static const char *repeat(const char *head, const char *unit, int count,
                          const char *tail)
{
    char *text = apr_palloc(pool, strlen(head) + strlen(tail) + 1 +
                                      (apr_size_t)count * (strlen(unit) + 16));
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

static const char *nested(const char *open, const char *middle,
                          const char *close, int depth)
{
    return apr_pstrcat(pool, repeat("", open, depth, middle),
                       repeat("", close, depth, ""), NULL);
}

static void check_bound(const char *text, const char *part, const char *name)
{
    json_t *value = NULL;
    const char *message = NULL;
    apr_status_t rv = wh_xml_parse(&value, &message, text, strlen(text), pool);

    is_int(rv, part ? APR_EINVAL : APR_SUCCESS, "%s", name);
    if (part) {
        ok(message && strstr(message, part), "and says why: %s",
           message ? message : "(NULL)");
    }
    apr_pool_clear(pool);
}

static void test_depth(void)
{
    check_bound(nested("<a>", "", "</a>", 64), NULL, "64 elements deep");
    check_bound(nested("<a>", "x", "</a>", 65), NULL,
                "a text in 64 objects is the 65th");
    check_bound(nested("<a>", "<a type='object'/>", "</a>", 64), "64 levels",
                "but not an object");
    check_bound(nested("<a>", "<a/>", "</a>", 65), "64 levels", "66 elements");
    check_bound(repeat("", "<a>", 1000000, ""), "64 levels", "and a million");
    check_bound(nested("<a x='>'>", "", "</a>", 66), "64 levels",
                "a bracket in an attribute does not end the tag");
    check_bound(nested("<a x='/>' >", "", "</a>", 66), "64 levels",
                "nor does it close the element");
    check_bound(nested("<a x=\"'/>\">", "", "</a>", 66), "64 levels",
                "whatever the quotes");
    check_bound(
        nested("<a><!-- </a> --><![CDATA[]]><?p </a>?>", "", "</a>", 66),
        "64 levels", "end tags in comments and the like are none");
    check_bound(repeat("<r><!-- ", "<a>", 100, " --></r>"), NULL,
                "start tags in comments are none");
    check_bound(repeat("<r><?p ", "<a>", 100, " ?></r>"), NULL,
                "nor in instructions");
    check_bound(repeat("<r><![CDATA[", "<a>", 100, "]]></r>"), NULL,
                "nor in CDATA");
    check_bound(repeat("<r x='", "&lt;a>", 100, "'></r>"), NULL,
                "nor in attributes");
    check_bound(repeat("<r type='array'>", "<item/>", 1000, "</r>"), NULL,
                "elements that close themselves are not deep");
}

static void test_count(void)
{
    check_bound(repeat("<r>", "<a#/>", 10000, "</r>"), NULL, "10000 members");
    check_bound(repeat("<r>", "<a#/>", 10001, "</r>"), "10000",
                "10001 members");
    check_bound(repeat("<r>", "<item/>", 10000, "</r>"), NULL, "10000 items");
    check_bound(repeat("<r>", "<item/>", 10001, "</r>"), "10000",
                "10001 items");
    check_bound(
        repeat("<r>", "<item type='null' a='' b='' c=''/>", 10000, "</r>"),
        NULL, "40000 attributes");
    check_bound(repeat("<r", " a#=''", 40000, "/>"), NULL,
                "all of one element");
    check_bound(repeat("<r", " a#=''", 40001, "/>"), "attributes", "one more");
    check_bound(repeat("<r", " xmlns:a#='urn:#'", 1000, "/>"), NULL,
                "1000 namespaces");
    check_bound(repeat("<r", " xmlns:a#='urn:#'", 1001, "/>"), "namespace",
                "one more");
    check_bound(repeat("<r>", "<a# xmlns='urn:#'/>", 1001, "</r>"), "namespace",
                "each in an element of its own");
    check_bound(repeat("<r", "\nxmlns:a#='urn:#'", 1001, "/>"), "namespace",
                "whatever white space is before them");
}

/* In linear time, or the program would not end. */
static void test_large(void)
{
    check_bound(repeat("<r>", "x", 4000000, "</r>"), NULL, "a long text");
    check_bound(repeat("<r>", "\n", 999998, "</r>"), NULL, "many lines");
    check_bound(repeat("<r>", "\n", 999999, "</r>"), "too many lines",
                "one more");
    check_bound(repeat("<r>", "&amp;\r", 500000, "</r>"), "too many lines",
                "of all kinds");
    check_bound(repeat("<r>", "&amp;", 400000, "</r>"), NULL,
                "many references");
    check_bound(repeat("<r>", "<!---->", 400000, "</r>"), NULL,
                "many comments");
    check_bound(repeat("<r>", "<![CDATA[x]]>", 200000, "</r>"), NULL,
                "many sections");
    check_bound(repeat("<r><a/>", "]", 2000000, "</r>"), "beside",
                "many brackets");
    check_bound(repeat("<!--", "->", 1000000, ""), "well-formed",
                "a comment without an end");
    check_bound(repeat("<r", " ", 2000000, ""), "well-formed",
                "a tag without an end");
    check_bound(repeat("", "<!--", 500000, ""), "well-formed",
                "comments that open");
    check_bound(repeat("", "<![CDATA[", 300000, ""), "well-formed",
                "sections that open");
    check_bound(repeat("", "<?", 500000, ""), "well-formed",
                "instructions that open");
    check_bound(repeat("", "</a>", 500000, ""), "well-formed", "only end tags");
    check_bound(repeat("<r a='", "x", 2000000, "'/>"), NULL,
                "a long attribute");
    check_bound(repeat("<", "r", 2000000, "/>"), NULL, "a long name");
    check_bound(repeat("<?xml version='", "1", 1000000, "'?><r/>"),
                "declaration", "a long version");
    check_bound(repeat("<r type='json'>", "[", 1000000, "</r>"), "does not fit",
                "arrays where a string should be");
    check_bound(repeat("<r type='number'>", "1", 1000000, "</r>"),
                "does not fit", "a long number");
}

/* ---- any value survives -------------------------------------------------- */

/* The same numbers on every machine (xorshift of 64 bits). */
static apr_uint64_t state = 88172645463325252u;

static unsigned int next_random(unsigned int below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned int)(state >> 33) % below;
}

static const char *const pieces[] = {"a",
                                     "Z",
                                     "_",
                                     "-",
                                     ".",
                                     "1",
                                     ":",
                                     " ",
                                     "\t",
                                     "\n",
                                     "\r",
                                     "\r\n",
                                     "<",
                                     ">",
                                     "&",
                                     "\"",
                                     "'",
                                     "]]>",
                                     "\\",
                                     "\1",
                                     "\33",
                                     "\37",
                                     "\177",
                                     "&amp;",
                                     "<!--",
                                     "\303\251",
                                     "/",
                                     "{",
                                     "]",
                                     "&#0;",
                                     "\357\277\276",
                                     "\302\205",
                                     "\342\200\250",
                                     "\357\277\277",
                                     "\357\277\275",
                                     "\360\237\230\200",
                                     "\357\273\277",
                                     "\364\217\277\277"};

static const char *const names[] = {
    "",       "item",    "Item",    "ITEM",  "string",    "String",
    "member", "Webhook", "webhook", "xml",   "xmlfoo",    "XMLNS",
    "xmlns",  "a b",     "a:b",     "name",  "type",      "nil",
    "1a",     "-",       "a",       "A",     "name-type", "_Links",
    "\1",     "\"\1\"",  "\"a\"",   "a\r\n", "\303\251",  "\357\277\276"};

#define COUNT(list) ((unsigned int)(sizeof(list) / sizeof((list)[0])))

static const char *random_text(void)
{
    char *text = apr_pcalloc(pool, 100);
    unsigned int left = next_random(8);

    while (left--) {
        strcat(text, pieces[next_random(COUNT(pieces))]);
    }
    return text;
}

static json_t *random_number(void)
{
    switch (next_random(6)) {
    case 0:
        return json_integer((json_int_t)(state & 1 ? INT64_MAX : INT64_MIN));
    case 1:
        return json_integer((json_int_t)state);
    case 2:
        return json_real((double)next_random(1000000) / 7.0);
    case 3:
        return json_real(next_random(2) ? -0.0 : 5e-324);
    case 4:
        return json_real(next_random(2) ? 1.7976931348623157e308 : -1e17);
    default:
        return json_integer((json_int_t)next_random(100) - 50);
    }
}

static json_t *random_value(int depth)
{
    unsigned int count = next_random(5);
    json_t *value;

    switch (next_random(depth > 0 ? 9 : 6)) {
    case 0:
        return json_null();
    case 1:
        return json_boolean(next_random(2));
    case 2:
        return random_number();
    case 6:
        value = json_array();
        while (count--) {
            json_array_append_new(value, random_value(depth - 1));
        }
        return value;
    case 7:
    case 8:
        value = json_object();
        while (count--) {
            json_object_set_new(value,
                                next_random(3)
                                    ? names[next_random(COUNT(names))]
                                    : random_text(),
                                random_value(depth - 1));
        }
        return value;
    default:
        return json_string(random_text());
    }
}

static void test_random_values(void)
{
    int i, wrong = 0;

    for (i = 0; i < 20000; i++) {
        json_t *value = random_value((int)next_random(5)), *again = NULL;
        const char *message = NULL;
        apr_size_t length;
        const char *text = wh_xml_write(&length, value, "r", pool);

        if (!text ||
            wh_xml_parse(&again, &message, text, length, pool) != APR_SUCCESS ||
            !json_equal(value, again)) {
            wrong++;
            diag("%s became %s: %s", dump(value), text ? text : "(NULL)",
                 message ? message : "another value");
        }
        json_decref(value);
        apr_pool_clear(pool);
    }
    is_int(wrong, 0, "20000 values survive");
}

/* Each character by itself, as a text and as a name. */
static void test_characters(void)
{
    unsigned int code;
    int wrong = 0;

    for (code = 1; code < 0x11000; code++) {
        char escaped[20];
        json_t *value, *again = NULL;
        const char *text, *message;
        apr_size_t length;

        sprintf(escaped, "\"\\u%04x\"", code & 0xffff);
        if (code > 0xffff) {
            sprintf(escaped, "\"\\ud%03x\\u%04x\"", 0x800 + (code & 0x3ff),
                    0xdc00 + (code & 0x3ff));
        }
        value = json_loads(escaped, JSON_DECODE_ANY, NULL);
        if (!value) {
            continue; /* half of a surrogate pair */
        }
        value = json_pack("{s:o}", apr_pstrdup(pool, json_string_value(value)),
                          value);
        text = wh_xml_write(&length, value, "r", pool);
        wrong +=
            !text ||
            wh_xml_parse(&again, &message, text, length, pool) != APR_SUCCESS ||
            !json_equal(value, again);
        json_decref(value);
        apr_pool_clear(pool);
    }
    is_int(wrong, 0, "every character of the first plane survives");
}

/* The deepest and the largest that JSON may be. */
static void test_limits(void)
{
    static const char *const heads[] = {"[", "{\"a\":", "{\"item\":"};
    static const char *const tails[] = {"]", "}", "}"};
    size_t i;

    for (i = 0; i < 3; i++) {
        const char *json = nested(heads[i], "1", tails[i], 64), *text, *message;
        json_t *value = NULL, *again = NULL;
        apr_size_t length;

        is_int(wh_json_parse(&value, &message, json, strlen(json), pool),
               APR_SUCCESS, "64 levels of %s", heads[i]);
        text = wh_xml_write(&length, value, "r", pool);
        is_int(wh_xml_parse(&again, &message, text, length, pool), APR_SUCCESS,
               "can be read back from XML");
        ok(json_equal(value, again), "the same");
    }
    for (i = 0; i < 2; i++) {
        const char *json =
            i ? repeat("{", "\"\\u0001#\":\"\\u0001\",", 9999, "\"a\":{}}")
              : repeat("[", "null,", 9999, "null]");
        const char *text, *message;
        json_t *value = NULL, *again = NULL;
        apr_size_t length;

        is_int(wh_json_parse(&value, &message, json, strlen(json), pool),
               APR_SUCCESS, "10000 members or items");
        text = wh_xml_write(&length, value, "r", pool);
        is_int(wh_xml_parse(&again, &message, text, length, pool), APR_SUCCESS,
               "can be read back from XML");
        ok(json_equal(value, again), "the same");
    }
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_write();
    test_read();
    test_bad();
    test_converted();
    test_depth();
    test_count();
    test_large();
    test_random_values();
    test_characters();
    test_limits();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
