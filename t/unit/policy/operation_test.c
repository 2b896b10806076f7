/* SPDX-License-Identifier: Apache-2.0 */
/* Paths and methods of the API: which operation they mean. */
#include "policy/operation.h"

#include <apr_general.h>
#include <apr_strings.h>

#include "unit/tap.h"

static apr_pool_t *pool;

typedef struct found_t {
    const char *uri;
    const char *base;
    const char *rest; /* NULL: not ours */
    wh_form_kind_t form;
} found_t;

static const found_t found[] = {
    {"/api/v1/Webhook", "/api/v1", "", WH_FORM_REST},
    {"/api/v1/Webhook/", "/api/v1", "/", WH_FORM_REST},
    {"/API/V1/wEBHOOK/7", "/api/v1", "/7", WH_FORM_REST},
    {"/Cust12345/api/v1/Webhook/a.b/0", "/api/v1", "/a.b/0", WH_FORM_REST},
    {"/api/v1/api/v1/Webhook/1", "/api/v1", "/1", WH_FORM_REST},
    {"/api/v1/Agents/Webhook/SaveWebhook", "/api/v1", "/SaveWebhook",
     WH_FORM_AGENT},
    {"/x/API/v1/agents/WEBHOOK", "/api/v1", "", WH_FORM_AGENT},
    {"/api/v1/Webhooks", "/api/v1", NULL, WH_FORM_REST},
    {"/api/v1/Agents/Webhooks/x", "/api/v1", NULL, WH_FORM_REST},
    {"/api/v1/Agents/Contact/Save", "/api/v1", NULL, WH_FORM_REST},
    {"/api/v2/Webhook", "/api/v1", NULL, WH_FORM_REST},
    {"/xapi/v1/Webhook", "/api/v1", NULL, WH_FORM_REST},
    {"/api/v1", "/api/v1", NULL, WH_FORM_REST},
    {"", "/api/v1", NULL, WH_FORM_REST},
    {"*", "/api/v1", NULL, WH_FORM_REST},
    {"/handler/Webhook/5", "", "/5", WH_FORM_REST},
    {"/handler/Agents/Webhook/GetWebhook", "", "/GetWebhook", WH_FORM_AGENT},
    {"/Agents/Webhook", "", "", WH_FORM_AGENT},
};

static void test_find(void)
{
    size_t i;

    for (i = 0; i < sizeof(found) / sizeof(found[0]); i++) {
        wh_form_kind_t form;
        const char *rest = wh_path_find(&form, found[i].uri, found[i].base);

        is_str(rest, found[i].rest, "%s", found[i].uri);
        if (rest && found[i].rest) {
            is_int(form, found[i].form, "... and its form");
        }
    }
}

typedef struct route_t {
    const char *method;
    wh_form_kind_t form;
    const char *rest;
    int operation; /* -1: none, -2: no path at all */
} route_t;

static const route_t routes[] = {
    {"GET", WH_FORM_REST, "", WH_OPERATION_LIST},
    {"GET", WH_FORM_REST, "/", WH_OPERATION_LIST},
    {"POST", WH_FORM_REST, "/", WH_OPERATION_CREATE},
    {"GET", WH_FORM_REST, "/Default", WH_OPERATION_DEFAULT},
    {"GET", WH_FORM_REST, "/OpenAPI.json", WH_OPERATION_OPENAPI},
    {"POST", WH_FORM_REST, "/TEST", WH_OPERATION_TEST},
    {"GET", WH_FORM_REST, "/7", WH_OPERATION_GET},
    {"PUT", WH_FORM_REST, "/-2147483648", WH_OPERATION_UPDATE},
    {"PATCH", WH_FORM_REST, "/7", WH_OPERATION_PATCH},
    {"DELETE", WH_FORM_REST, "/7", WH_OPERATION_DELETE},
    {"GET", WH_FORM_REST, "/7/lasterror", WH_OPERATION_LAST_ERROR},
    {"POST", WH_FORM_REST, "/7/LastError", WH_OPERATION_SIGNAL},
    {"POST", WH_FORM_REST, "/a.b/0", WH_OPERATION_SIGNAL},
    {"GET", WH_FORM_REST, "/a.b/LastError", -1},
    {"GET", WH_FORM_REST, "/a.b/0", -1},
    {"GET", WH_FORM_REST, "/2147483648", -1},
    {"GET", WH_FORM_REST, "/07", -1},
    {"GET", WH_FORM_REST, "/{id}", -1},
    {"get", WH_FORM_REST, "/7", -1},
    {"POST", WH_FORM_REST, "/7", -1},
    {"GET", WH_FORM_REST, "/7/", -2},
    {"GET", WH_FORM_REST, "//", -2},
    {"POST", WH_FORM_REST, "/a/0/x", -1},
    {"POST", WH_FORM_REST, "/a/0/x/y", -2},
    {"GET", WH_FORM_REST, "/7/deliveries", WH_OPERATION_DELIVERIES},
    {"GET", WH_FORM_REST, "/a.b/Deliveries", -1},
    {"POST", WH_FORM_REST, "/7/Deliveries", WH_OPERATION_SIGNAL},
    {"GET", WH_FORM_REST, "/7/Replays", WH_OPERATION_REPLAYS},
    {"POST", WH_FORM_REST, "/7/REPLAYS", WH_OPERATION_REPLAY_START},
    {"POST", WH_FORM_REST, "/a.b/Replays", WH_OPERATION_SIGNAL},
    {"POST", WH_FORM_REST, "/7/8", WH_OPERATION_SIGNAL},
    {"GET", WH_FORM_REST, "/Events/x/Deliveries",
     WH_OPERATION_EVENT_DELIVERIES},
    {"GET", WH_FORM_REST, "/7/x/Deliveries", -1},
    {"GET", WH_FORM_REST, "/Deliveries/8", WH_OPERATION_DELIVERY},
    {"POST", WH_FORM_REST, "/Deliveries/8", WH_OPERATION_SIGNAL},
    {"POST", WH_FORM_REST, "/deliveries/8/replay",
     WH_OPERATION_DELIVERY_REPLAY},
    {"GET", WH_FORM_REST, "/Deliveries/8/Replay", -1},
    {"GET", WH_FORM_REST, "/Replays/8", WH_OPERATION_REPLAY},
    {"DELETE", WH_FORM_REST, "/Replays/8", WH_OPERATION_REPLAY_CANCEL},
    {"POST", WH_FORM_REST, "/Replays/8", WH_OPERATION_SIGNAL},
    {"DELETE", WH_FORM_REST, "/7/Replays", -1},
    {"POST", WH_FORM_AGENT, "/savewebhook", WH_OPERATION_AGENT_SAVE},
    {"POST", WH_FORM_AGENT, "/SignalEvent", WH_OPERATION_AGENT_SIGNAL},
    {"GET", WH_FORM_AGENT, "/SaveWebhook", -1},
    {"POST", WH_FORM_AGENT, "/GetWebhookPlugins", -1},
    {"POST", WH_FORM_AGENT, "/a.b/0", -1},
    {"POST", WH_FORM_AGENT, "/", -1},
};

static void test_routes(void)
{
    size_t i;

    for (i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        const route_t *route = &routes[i];
        const wh_operation_t *operation;
        wh_path_t path;
        apr_status_t rv = wh_path_split(&path, route->form, route->rest, pool);

        is_int(rv, route->operation == -2 ? APR_EINVAL : APR_SUCCESS, "%s",
               route->rest);
        operation =
            rv == APR_SUCCESS ? wh_operation_find(&path, route->method) : NULL;
        is_int(operation ? (int)operation->id : -1,
               route->operation < 0 ? -1 : route->operation, "... %s",
               route->method);
    }
}

static const char *allow(wh_form_kind_t form, const char *rest)
{
    wh_path_t path;

    return wh_path_split(&path, form, rest, pool) == APR_SUCCESS
               ? wh_operation_allow(&path, pool)
               : NULL;
}

static void test_allow(void)
{
    is_str(allow(WH_FORM_REST, "/"), "GET, HEAD, POST, OPTIONS", "all");
    is_str(allow(WH_FORM_REST, "/7"), "GET, HEAD, PUT, PATCH, DELETE, OPTIONS",
           "one");
    is_str(allow(WH_FORM_REST, "/test"), "POST, OPTIONS", "the test");
    is_str(allow(WH_FORM_REST, "/7/LastError"), "GET, HEAD, POST, OPTIONS",
           "an error, or an event of that name");
    is_str(allow(WH_FORM_REST, "/7/Replays"), "GET, HEAD, POST, OPTIONS",
           "replays: each method once");
    is_str(allow(WH_FORM_REST, "/Replays/8"),
           "GET, HEAD, DELETE, POST, OPTIONS", "one, or an event of that name");
    is_str(allow(WH_FORM_REST, "/Deliveries/8/Replay"), "POST, OPTIONS",
           "three segments");
    is_str(allow(WH_FORM_REST, "/nothing"), NULL, "no such path");
    is_str(allow(WH_FORM_AGENT, "/TestWebhook"), "POST, GET, HEAD, OPTIONS",
           "a method of the agent");
    is_str(allow(WH_FORM_AGENT, "/x"), NULL, "no such method");
}

/* What the path says of ids. */
static void test_path(void)
{
    wh_path_t path;

    wh_path_split(&path, WH_FORM_REST, "/42/LastError", pool);
    is_int(path.count, 2, "two segments");
    is_int(path.id, 42, "the first is an id");
    is_str(path.segments[1], "LastError", "the second is kept");
    wh_path_split(&path, WH_FORM_REST, "/a.b/7", pool);
    is_int(path.id, 0, "a name is no id");
    wh_path_split(&path, WH_FORM_REST, "/99999999999", pool);
    is_int(path.id, 0, "nor is what is too large");
}

static void test_canonical(void)
{
    static const struct {
        wh_form_kind_t form;
        const char *rest;
        const char *canonical;
    } paths[] = {
        {WH_FORM_REST, "", ""},
        {WH_FORM_REST, "/", "/"},
        {WH_FORM_REST, "/DEFAULT", "/default"},
        {WH_FORM_REST, "/test", "/Test"},
        {WH_FORM_REST, "/7", "/7"},
        {WH_FORM_REST, "/7/LASTERROR", "/7/LastError"},
        {WH_FORM_REST, "/Window.Closed/0", "/window.closed/0"},
        {WH_FORM_REST, "/A/b/C", "/A/b/C"},
        {WH_FORM_REST, "/Nothing", "/Nothing"},
        {WH_FORM_AGENT, "/savewebhook", "/SaveWebhook"},
        {WH_FORM_AGENT, "/Other", "/Other"},
    };
    size_t i;

    for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        is_str(wh_path_canonical(paths[i].form, paths[i].rest, pool),
               paths[i].canonical, "%s has one spelling", paths[i].rest);
    }
}

/* The list itself: what others take from it. */
static void test_list(void)
{
    int i, j;

    for (i = 0; i < WH_OPERATION_COUNT; i++) {
        const wh_operation_t *one = &wh_operations[i];
        int twice = 0;

        for (j = 0; j < i; j++) {
            twice |= one->form == wh_operations[j].form &&
                     !strcmp(one->name, wh_operations[j].name);
        }
        ok(one->id == (wh_operation_id_t)i && one->path[0] == '/' &&
               one->scope && one->statuses[0] == '2' && !twice,
           "%s is in order", one->name);
    }
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_find();
    test_routes();
    test_allow();
    test_path();
    test_canonical();
    test_list();
    apr_terminate();
    return done_testing();
}
