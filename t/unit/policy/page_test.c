/* SPDX-License-Identifier: Apache-2.0 */
/* Pages and spans, as callers ask for them. */
#include "policy/page.h"

#include <apr_general.h>
#include <string.h>

#include "model/event.h"
#include "unit/tap.h"

#define MOMENT APR_INT64_C(1769862645000000) /* 2026-01-31T12:30:45Z */

static apr_pool_t *pool;

static void test_ids(void)
{
    static const char *const bad[] = {"",
                                      "0",
                                      "07",
                                      "-7",
                                      "+7",
                                      " 7",
                                      "7 ",
                                      "7x",
                                      "0x7",
                                      "1e3",
                                      "9223372036854775807",
                                      "9223372036854775808",
                                      "9999999999999999999",
                                      "18446744073709551623",
                                      "99999999999999999999999999"};
    size_t i;

    is_int(wh_id_parse("7"), 7, "an id");
    is_int(wh_id_parse("9223372036854775806"), APR_INT64_MAX - 1,
           "the largest");
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        is_int(wh_id_parse(bad[i]), 0, "\"%s\" is none", bad[i]);
    }
}

static apr_status_t query(wh_page_t *page, const char *name, const char *value)
{
    apr_table_t *parameters = apr_table_make(pool, 2);
    const char *message = "none";
    apr_status_t rv;

    if (name) {
        apr_table_setn(parameters, name, value);
    }
    rv = wh_page_query(page, &message, parameters);
    ok((rv == APR_SUCCESS) == (message == NULL), "... a message if refused");
    return rv;
}

static void test_query(void)
{
    static const char *const bad[][2] = {{"state", "happy"},
                                         {"state", "0"},
                                         {"from", "yesterday"},
                                         {"to", "2026-02-30"},
                                         {"limit", "0"},
                                         {"limit", "501"},
                                         {"limit", "-1"},
                                         {"limit", "ten"},
                                         {"limit", "4294967297"},
                                         {"cursor", "x"},
                                         {"cursor", "-5"},
                                         {"cursor", "1 OR 1=1"},
                                         {"cursor", "99999999999999999999"}};
    wh_page_t page;
    size_t i;

    is_int(query(&page, NULL, NULL), APR_SUCCESS, "nothing is asked for");
    is_int(page.state, -1, "all states");
    ok(!page.event && !page.from && !page.to && !page.cursor, "no bounds");
    is_int(page.limit, WH_PAGE_DEFAULT, "a page");
    is_int(query(&page, "STATE", "Failed"), APR_SUCCESS, "in any case");
    is_int(page.state, WH_DELIVERY_FAILED, "a state");
    is_int(query(&page, "state", ""), APR_SUCCESS, "an empty one");
    is_int(page.state, -1, "is none");
    query(&page, "event", "a.b");
    is_str(page.event, "a.b", "an event");
    query(&page, "from", "2026-01-31T12:30:45Z");
    is_int(page.from, MOMENT, "from");
    query(&page, "to", "2026-01-31T14:30:45+02:00");
    is_int(page.to, MOMENT, "to");
    query(&page, "limit", "500");
    is_int(page.limit, WH_PAGE_MAX, "a longer page");
    query(&page, "cursor", "12345678901234567");
    is_int(page.cursor, APR_INT64_C(12345678901234567), "a later page");
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        is_int(query(&page, bad[i][0], bad[i][1]), APR_EINVAL, "%s=%s",
               bad[i][0], bad[i][1]);
    }
}

static apr_status_t span_of(wh_span_t *span, const char *text, int texts)
{
    json_t *object = json_loads(text, 0, NULL);
    const char *message = "none";
    apr_status_t rv = wh_span_read(span, &message, object, texts);

    ok((rv == APR_SUCCESS) == (message == NULL), "... a message if refused");
    json_decref(object);
    return rv;
}

static void test_span(void)
{
    static const char *const bad[] = {
        "{\"From\":7}",
        "{\"From\":\"soon\"}",
        "{\"To\":[]}",
        "{\"To\":\"\"}",
        "{\"OnlyFailed\":\"true\"}",
        "{\"OnlyFailed\":1}",
        "{\"OnlyFailled\":false}",
        "{\"State\":\"failed\"}",
        "{\"from\":null,\"From\":null}",
        "{\"From\":\"2026-01-31\",\"To\":\"2026-01-31\"}",
        "{\"From\":\"2026-02-01\",\"To\":\"2026-01-31\"}"};
    const char *message;
    wh_span_t span;
    size_t i;

    is_int(wh_span_read(&span, &message, NULL, 0), APR_SUCCESS, "no body");
    ok(!span.from && !span.to && span.only_failed, "all that failed");
    is_int(span_of(&span,
                   "{\"from\":\"2026-01-31T12:30:45Z\",\"TO\":"
                   "\"2026-01-31T12:30:46Z\",\"onlyfailed\":false}",
                   0),
           APR_SUCCESS, "all members, in any case");
    is_int(span.from, MOMENT, "from");
    is_int(span.to, MOMENT + 1000000, "to");
    is_int(span.only_failed, 0, "and which");
    is_int(span_of(&span, "{\"From\":null,\"To\":null,\"OnlyFailed\":null}", 0),
           APR_SUCCESS, "null is as good as nothing");
    is_int(span.only_failed, 1, "so what failed");
    is_int(span_of(&span, "{\"From\":\"\",\"OnlyFailed\":\"False\"}", 1),
           APR_SUCCESS, "texts of a form");
    is_int(span.only_failed, 0, "stand for what they say");
    is_int(span_of(&span, "{\"OnlyFailed\":\"true\"}", 1), APR_SUCCESS,
           "either way");
    is_int(span.only_failed, 1, "truly");
    is_int(span_of(&span, "{\"OnlyFailed\":\"no\"}", 1), APR_EINVAL,
           "but no other");
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        is_int(span_of(&span, bad[i], 0), APR_EINVAL, "%s", bad[i]);
    }
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_ids();
    test_query();
    test_span();
    apr_terminate();
    return done_testing();
}
