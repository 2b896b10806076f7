/* SPDX-License-Identifier: Apache-2.0 */
/* Content negotiation. */
#include <apr_general.h>
#include <apr_strings.h>

#include "media/accept.h"
#include "unit/tap.h"

#define JSON WH_FORMAT_JSON
#define TEXT_JSON WH_FORMAT_TEXT_JSON
#define XML WH_FORMAT_XML
#define TEXT_XML WH_FORMAT_TEXT_XML
#define NONE WH_FORMAT_NONE

static const struct {
    const char *accept;
    wh_format_t format;
} choices[] = {
    {NULL, JSON},
    {"", JSON},
    {" \t", JSON},
    {",", JSON},
    {", ,\t,", JSON},
    {"*/*", JSON},
    {"application/json", JSON},
    {"APPLICATION/Json", JSON},
    {"text/json", TEXT_JSON},
    {"application/xml", XML},
    {"text/xml", TEXT_XML},
    {"text/*", TEXT_JSON},
    {"application/*", JSON},
    {"TEXT/*", TEXT_JSON},
    {"text/html", NONE},
    {"application/xhtml+xml", NONE},
    {"application/jsonx", NONE},
    {"application/jso", NONE},
    {"image/*", NONE},
    {"text/html, application/xml;q=0.9, */*;q=0.8", XML},
    {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,"
     "image/webp,*/*;q=0.8",
     XML},
    {"application/xml, application/json", JSON},
    {"application/xml, application/json;q=0.999", XML},
    {"application/xml;q=0.5, application/json;q=0.501", JSON},
    {"text/xml;q=0.2, text/json;q=0.1", TEXT_XML},
    {",application/xml,,", XML},
    {"application/xml ; q=1 , */* ; q=0.1", XML},
    /* the more specific one counts, wherever it stands */
    {"*/*, application/json;q=0.1", TEXT_JSON},
    {"application/json;q=0.1, */*", TEXT_JSON},
    {"application/*;q=0.1, text/*;q=0.2, text/json;q=0.1", TEXT_XML},
    {"*/*;q=0.9, text/*;q=0.1", JSON},
    {"*/*;q=0.1, application/*;q=0.2, application/json;q=0", XML},
    {"application/json;q=0.1, application/json;q=0.3, text/xml;q=0.2", JSON},
    /* nothing is left */
    {"*/*;q=0", NONE},
    {"application/json;q=0", NONE},
    {"application/json;q=0.000", NONE},
    {"*/*;q=0, text/xml", TEXT_XML},
    {"application/json;q=0, */*;q=0.001", TEXT_JSON},
    /* weights */
    {"application/xml;q=1.000, */*;q=0.999", XML},
    {"application/xml;Q=0.5, application/json;q=0.4", XML},
    {"application/xml;q=1., */*;q=0.1", XML},
    {"application/xml;q=0., text/xml;q=0.001", TEXT_XML},
    {"application/xml;q=.2, text/xml;q=.19", XML},
    {"text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", JSON},
    {"*", JSON},
    {"*;q=0", NONE},
    /* other parameters */
    {"application/xml;charset=utf-8", XML},
    {"application/xml;version=\"1;q=0\";q=0.5, text/xml;q=0.4", XML},
    {"application/xml;a=\"b,c\", text/html", XML},
    {"application/xml;a=\"\\\",text/json,\"", XML},
    {"application/xml;q=0.5;ext;other=1, text/xml;q=0.4", XML},
    {"application/xml;;q=0.5;, text/xml;q=0.4", XML},
    /* an element that is not in order drops out */
    {"nonsense", JSON},
    {"text", JSON},
    {"/", JSON},
    {"text/", JSON},
    {"/xml", JSON},
    {"*/xml", JSON},
    {"*/xml, text/xml", TEXT_XML},
    {"text / xml", JSON},
    {"text/xml/json", JSON},
    {"application json, text/xml", TEXT_XML},
    {"application/json;q=2, text/xml;q=0.1", TEXT_XML},
    {"application/json;q=1.001, text/xml;q=0.1", TEXT_XML},
    {"application/json;q=0.1234, text/xml;q=0.1", TEXT_XML},
    {"application/json;q=-1, text/xml;q=0.1", TEXT_XML},
    {"application/json;q=, text/xml;q=0.1", TEXT_XML},
    {"application/json;q=., text/xml;q=0.1", TEXT_XML},
    {"application/json;q=1x, text/xml;q=0.1", TEXT_XML},
    {"application/json;q=01, text/xml;q=0.1", TEXT_XML},
    {"application/json;q=\"1\", text/xml;q=0.1", TEXT_XML},
    {"application/json;q = 1, text/xml;q=0.1", TEXT_XML},
    {"application/json;a=b c, text/xml;q=0.1", TEXT_XML},
    {"application/json;=b, text/xml;q=0.1", TEXT_XML},
    {"text/xml;q=0.1, application/json;a=\"b", TEXT_XML},
    {"text/xml;q=0.1, application/json;a=\"b\\", TEXT_XML},
    {"text/xml;q=0.1, application/json;a=\"b\"c", TEXT_XML},
    {"text/xml;q=0.1, application/\303\251", TEXT_XML},
    {"text/xml;q=0.1, application/json\1", TEXT_XML},
};

static void test_choice(void)
{
    size_t i;

    for (i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
        is_int(wh_accept_choose(choices[i].accept), choices[i].format, "%s",
               choices[i].accept ? choices[i].accept : "no header");
    }
}

/* All weights of three digits are told apart. */
static void test_weights(void)
{
    char accept[64];
    int weight, wrong = 0;

    for (weight = 1; weight < 1000; weight++) {
        sprintf(accept, "text/xml;q=0.%03d, application/xml;q=0.%03d", weight,
                weight - 1);
        wrong += wh_accept_choose(accept) != TEXT_XML;
        sprintf(accept, "text/xml;q=0.%03d, application/xml;q=0.%03d",
                weight - 1, weight);
        wrong += wh_accept_choose(accept) != XML;
    }
    is_int(wrong, 0, "weights from 0.000 to 0.999");
}

/* However long it is, one pass is made of it. */
static void test_long(void)
{
    static const char *const units[] = {",", "text/xml,", "a/b;", "\"", "\\\"",
                                        ";", "q=0;",      "*",    " "};
    static char accept[1000001];
    size_t i, at;

    for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        size_t size = strlen(units[i]);

        for (at = 0; at + size < sizeof(accept); at += size) {
            memcpy(accept + at, units[i], size);
        }
        accept[at] = '\0';
        is_int(wh_accept_choose(accept), i == 1 ? TEXT_XML : JSON,
               "a megabyte of %s", units[i]);
    }
}

static void test_names(void)
{
    is_str(wh_format_content_type(JSON), "application/json; charset=utf-8",
           "JSON");
    is_str(wh_format_content_type(TEXT_JSON), "text/json; charset=utf-8",
           "text/json");
    is_str(wh_format_content_type(XML), "application/xml; charset=utf-8",
           "XML");
    is_str(wh_format_content_type(TEXT_XML), "text/xml; charset=utf-8",
           "text/xml");
    is_str(wh_format_content_type(NONE), "application/json; charset=utf-8",
           "what cannot be chosen is answered in JSON");
    ok(wh_format_is_xml(XML) && wh_format_is_xml(TEXT_XML), "two are XML");
    ok(!wh_format_is_xml(JSON) && !wh_format_is_xml(TEXT_JSON) &&
           !wh_format_is_xml(NONE),
       "the others are not");
}

int main(void)
{
    apr_initialize();
    test_choice();
    test_weights();
    test_long();
    test_names();
    apr_terminate();
    return done_testing();
}
