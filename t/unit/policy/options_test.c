/* SPDX-License-Identifier: Apache-2.0 */
/* The options of a webhook, out of its Properties. */
#include <apr_general.h>
#include <apr_strings.h>

#include "policy/options.h"
#include "unit/tap.h"

static apr_pool_t *pool;

/* What is said of {"mod_webhook": {<members>}}. */
static const char *read_options(wh_options_t *options, const char *members)
{
    return wh_options_read(
        options, apr_psprintf(pool, "{\"mod_webhook\": {%s}}", members), pool);
}

static void test_none(void)
{
    static const char *const texts[] = {
        NULL, "{}", "{\"other\": {\"MaxRate\": 1}}", "{\"mod_webhook\": null}",
        "{\"mod_webhook\": {}}"};
    wh_options_t options;
    size_t i;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        is_str(wh_options_read(&options, texts[i], pool), NULL, "%s: in order",
               texts[i] ? texts[i] : "NULL");
        ok(options.max_rate == 0 && options.ordering == WH_ORDERING_NONE,
           "... and says nothing");
        ok(!options.secret_count && !options.include_values &&
               !options.cloudevents_binary && !options.cloudevents_handshake &&
               !options.cloudevents_source && !options.cloudevents_origin,
           "... of kinds neither");
    }
}

static void test_in_order(void)
{
    wh_options_t options;

    is_str(read_options(&options, "\"MaxRate\": 2.5, \"Ordering\": \"key\""),
           NULL, "two options");
    ok(options.max_rate == 2.5, "... the rate");
    is_int(options.ordering, WH_ORDERING_KEY, "... the order");
    is_str(read_options(&options, "\"maxrate\": \"3\", \"ORDERING\": \"None\""),
           NULL, "in any case, numbers as texts");
    ok(options.max_rate == 3, "... the rate");
    is_str(read_options(&options, "\"MaxRate\": null"), NULL, "null");
    ok(options.max_rate == 0, "... is nothing");
    is_str(wh_options_read(&options,
                           "{\"Mod_Webhook\": {\"Ordering\": \"webhook\"}}",
                           pool),
           NULL, "the object in any case");
    is_int(options.ordering, WH_ORDERING_WEBHOOK, "... is read");
}

static void test_kinds(void)
{
    wh_options_t options;

    is_str(read_options(
               &options,
               "\"IncludeValues\": true, \"CloudEventsMode\": \"Binary\", "
               "\"CloudEventsSource\": \"urn:a%20b?c\", "
               "\"CloudEventsHandshake\": \"True\", "
               "\"CloudEventsOrigin\": \"a-b.example\""),
           NULL, "all of the kinds");
    ok(options.include_values && options.cloudevents_binary &&
           options.cloudevents_handshake,
       "... flags and modes");
    is_str(options.cloudevents_source, "urn:a%20b?c", "... source");
    is_str(options.cloudevents_origin, "a-b.example", "... origin");
    is_str(read_options(&options,
                        "\"Secrets\": [{\"secret\": \"a\", \"until\": "
                        "\"1970-01-01T00:00:01Z\"}, {\"Secret\": \"b\"}]"),
           NULL, "secrets");
    is_int(options.secret_count, 2, "... two");
    is_str(options.secrets[0].text, "a", "... one");
    is_int(options.secrets[0].until, 1000000, "... and its end");
    is_int(options.secrets[1].until, 0, "... the other has none");
    is_str(read_options(&options,
                        "\"MaxRate\": 5, \"CloudEventsAllowedRate\": 120"),
           NULL, "a rate that is allowed");
    ok(options.max_rate == 2 && options.own_rate == 5 &&
           options.allowed_rate == 2,
       "... the smaller counts");
    read_options(&options, "\"MaxRate\": 1, \"CloudEventsAllowedRate\": 120");
    ok(options.max_rate == 1, "... always");
    read_options(&options, "\"CloudEventsAllowedRate\": 120");
    ok(options.max_rate == 2 && options.own_rate == 0, "... also alone");
}

static void test_allow(void)
{
    const char *properties = NULL;

    wh_options_allow(&properties, 0, pool);
    is_str(properties, "{\"mod_webhook\":{}}", "no bound, no properties");
    wh_options_allow(&properties, 7, pool);
    is_str(properties, "{\"mod_webhook\":{\"CloudEventsAllowedRate\":7}}",
           "a rate");
    properties = "{\"a\":1,\"MOD_webhook\":{\"MaxRate\":2,"
                 "\"cloudeventsallowedrate\":9}}";
    wh_options_allow(&properties, 2000000000, pool);
    is_str(properties,
           "{\"a\":1,\"MOD_webhook\":{\"MaxRate\":2,"
           "\"CloudEventsAllowedRate\":6000000}}",
           "in place of another one, within the bound");
    wh_options_allow(&properties, 0, pool);
    is_str(properties, "{\"a\":1,\"MOD_webhook\":{\"MaxRate\":2}}",
           "without a bound it goes");
}

static int passes(const wh_event_filter_t *filter, const char *data_text)
{
    json_t *data = json_loads(data_text, 0, NULL);
    wh_event_facts_t facts = {.name = "a.b", .data = data};
    int result = wh_event_filter_passes(filter, &facts);

    json_decref(data);
    return result;
}

/* Its problem; NULL: it is none, or lets through {"a":1} and not {"a":2}. */
static const char *judge_filter(const char *member)
{
    const char *properties =
        apr_psprintf(pool, "{\"mod_webhook\":{\"Ordering\":1,%s}}", member);
    wh_event_filter_t *filter;
    const char *problem;

    is_int(wh_options_read_filter(&filter, &problem, properties, pool),
           APR_SUCCESS, "read: %s", member);
    if (filter && !problem) {
        ok(passes(filter, "{\"a\":1}") && !passes(filter, "{\"a\":2}"),
           "... lets through what it should");
    }
    if (problem) {
        ok(filter && !passes(filter, "{}"), "... lets nothing through");
    }
    free(filter);
    return filter ? problem : "there is none";
}

static void test_filter(void)
{
    const char *problem;
    wh_event_filter_t *filter;
    wh_options_t options;

    is_str(read_options(&options, "\"filter\": {\"a\": 1}"), NULL, "a filter");
    is_str(read_options(&options, "\"Filter\": \"{\\\"a\\\": 1}\""), NULL,
           "a filter as a text");
    is_str(read_options(&options, "\"Filter\": null"), NULL, "null");
    ok(read_options(&options, "\"Filter\": [1]") != NULL, "no filter");

    is_str(judge_filter("\"filter\": {\"a\": 1}"), NULL, "a filter");
    is_str(judge_filter("\"Filter\": \"{\\\"a\\\": 1}\""), NULL,
           "a filter as a text");
    is_str(judge_filter("\"Filter\": null"), "there is none", "null");
    is_str(judge_filter("\"MaxRate\": 1"), "there is none", "something else");
    is_str(judge_filter("\"Filter\": [1]"), "must be an object of conditions",
           "no filter");
    wh_options_read_filter(&filter, &problem, NULL, pool);
    ok(!filter && !problem, "no properties, no filter");
}

#define PIN "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void test_transport(void)
{
    wh_options_t options;

    is_str(read_options(&options, "\"MaxRate\": 1"), NULL, "none");
    ok(!options.transport && !options.transport_wrong, "... nothing is asked");
    is_str(read_options(&options,
                        "\"MinTLS\": \"1.3\", \"HTTP2\": true, \"Proxy\": "
                        "\"way\", \"ClientCertificate\": \"mine\", "
                        "\"PinnedPublicKey\": \"" PIN "\""),
           NULL, "transport");
    ok(options.transport && !options.transport_wrong, "... is asked for");
    is_int(options.min_tls, WH_TLS_1_3, "... the version");
    is_int(options.http2, WH_SWITCH_ON, "... HTTP/2");
    is_str(options.proxy, "way", "... the proxy");
    is_str(options.client_certificate, "mine", "... the certificate");
    is_str(options.pins, PIN, "... the pin");
    is_str(read_options(&options, "\"MinTLS\": 1.2, \"HTTP2\": \"False\""),
           NULL, "as a number and as a text");
    is_int(options.min_tls, WH_TLS_1_2, "... the version");
    is_int(options.http2, WH_SWITCH_OFF, "... no HTTP/2");
    ok(read_options(&options, "\"CACertificate\": \"x\"") != NULL,
       "what is not in order");
    ok(options.transport && options.transport_wrong && !options.ca_certificate,
       "... is marked");
}

#define SAYS "Webhook Properties: \"mod_webhook\": "

static void test_refused(void)
{
    static const struct {
        const char *members;
        const char *problem;
    } rows[] = {
        {"\"MaxRate\": 0",
         SAYS "\"MaxRate\" must be a number from 0.001 to 100000."},
        {"\"MaxRate\": 100001",
         SAYS "\"MaxRate\" must be a number from 0.001 to 100000."},
        {"\"MaxRate\": \"nan\"",
         SAYS "\"MaxRate\" must be a number from 0.001 to 100000."},
        {"\"MaxRate\": \"1x\"",
         SAYS "\"MaxRate\" must be a number from 0.001 to 100000."},
        {"\"MaxRate\": \"\"",
         SAYS "\"MaxRate\" must be a number from 0.001 to 100000."},
        {"\"MaxRate\": true",
         SAYS "\"MaxRate\" must be a number from 0.001 to 100000."},
        {"\"Ordering\": \"some\"",
         SAYS "\"Ordering\" must be none, key or webhook."},
        {"\"Ordering\": 1", SAYS "\"Ordering\" must be none, key or webhook."},
        {"\"Filter\": 1", SAYS "\"Filter\" must be an object of conditions."},
        {"\"Filter\": \"{\"",
         SAYS "\"Filter\" must be an object of conditions."},
        {"\"Filter\": {\"a\": {\"is\": 1}}",
         SAYS "\"Filter\" \"is\" is no operator: eq, ne, lt, le, gt, ge, "
              "exists or in."},
        {"\"Filter\": 1, \"MaxRate\": 0",
         SAYS "\"Filter\" must be an object of conditions."},
        {"\"MinTLS\": \"1.1\"", SAYS "\"MinTLS\" must be 1.2 or 1.3."},
        {"\"MinTLS\": \"1.3x\"", SAYS "\"MinTLS\" must be 1.2 or 1.3."},
        {"\"MinTLS\": []", SAYS "\"MinTLS\" must be 1.2 or 1.3."},
        {"\"HTTP2\": 1", SAYS "\"HTTP2\" must be true or false."},
        {"\"Proxy\": 1", SAYS "\"Proxy\" must be none or a name of "
                              "WebhookProxy."},
        {"\"Speed\": 1", SAYS "\"Speed\" is no option."},
        {"\"Filter\": null, \"filter\": {\"a\": 1}",
         SAYS "\"filter\" is there twice."},
    };
    /* Each would sign for ever. */
    static const char *const secrets[] = {
        "\"Secrets\": [{\"Secret\": \"a\", \"Untill\": \"2020-01-01\"}]",
        ("\"Secrets\": [{\"Secret\": \"a\", \"until\": \"2020-01-01\", "
         "\"Until\": null}]"),
        "\"Secrets\": [{\"Secret\": \"a\", \"secret\": \"b\"}]",
    };
    wh_options_t options;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is_str(read_options(&options, rows[i].members), rows[i].problem, "%s",
               rows[i].members);
        ok(options.max_rate == 0 && options.ordering == WH_ORDERING_NONE,
           "... leaves the defaults");
    }
    is_str(wh_options_read(&options, "{\"mod_webhook\": [1]}", pool),
           "Webhook Properties: \"mod_webhook\" must be an object.", "a list");
    is_str(wh_options_read(&options,
                           "{\"mod_webhook\": null, \"MOD_WEBHOOK\": "
                           "{\"Filter\": {\"a\": 1}}}",
                           pool),
           "Webhook Properties: \"mod_webhook\" is there twice.",
           "options that one would be found of");
    for (i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        ok(read_options(&options, secrets[i]) != NULL, "%s", secrets[i]);
        is_int(options.secret_count, 0, "... is none");
    }
    is_str(read_options(&options, "\"Speed\": 1, \"MaxRate\": 4"),
           SAYS "\"Speed\" is no option.", "one of two in order");
    ok(options.max_rate == 4, "... is read");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_none();
    test_in_order();
    test_kinds();
    test_allow();
    test_filter();
    test_transport();
    test_refused();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
