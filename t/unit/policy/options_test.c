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
        {"\"Speed\": 1", SAYS "\"Speed\" is no option."},
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
    test_refused();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
