/* SPDX-License-Identifier: Apache-2.0 */
/* A webhook to and from JSON. */
#include <apr_general.h>
#include <apr_strings.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "model/webhook_json.h"
#include "unit/tap.h"

static apr_pool_t *pool;

/* Reads text over a default webhook. */
static apr_status_t read_text(wh_webhook_t *webhook, const char **message,
                              const char *text)
{
    json_t *entity = json_loads(text, 0, NULL);
    apr_status_t rv;

    *message = NULL;
    wh_webhook_json_default(webhook);
    rv = wh_webhook_json_read(webhook, message, entity, pool);
    json_decref(entity);
    return rv;
}

static const char *write_text(const wh_webhook_t *webhook, int with_secret)
{
    json_t *entity = wh_webhook_json_write(webhook, with_secret);
    char *dump = json_dumps(entity, JSON_COMPACT);
    const char *text = apr_pstrdup(pool, dump);

    free(dump);
    json_decref(entity);
    return text;
}

static const char *member(const wh_webhook_t *webhook, const char *name)
{
    json_t *entity = wh_webhook_json_write(webhook, 1);
    char *dump = json_dumps(json_object_get(entity, name),
                            JSON_COMPACT | JSON_ENCODE_ANY);
    const char *text = apr_pstrdup(pool, dump ? dump : "(absent)");

    free(dump);
    json_decref(entity);
    return text;
}

static void test_default(void)
{
    wh_webhook_t webhook;

    wh_webhook_json_default(&webhook);
    is_str(write_text(&webhook, 1),
           "{\"WebhookId\":0,\"Name\":null,"
           "\"Events\":[\"contact.created\",\"contact.deleted\"],"
           "\"TargetUrl\":null,\"Secret\":null,\"State\":\"Active\","
           "\"Type\":\"webhook\",\"Headers\":null,\"Properties\":null,"
           "\"Registered\":\"0001-01-01T00:00:00\","
           "\"Updated\":\"0001-01-01T00:00:00\","
           "\"RegisteredAssociate\":null,\"UpdatedAssociate\":null,"
           "\"ErrorsEmail\":null,\"ErrorEmails\":[],\"ErrorAssociates\":[],"
           "\"Description\":null,\"NotifyVia\":\"None\","
           "\"NotifyWhen\":\"None\",\"TotalCalls\":0,\"TotalErrors\":0,"
           "\"ConsecutiveErrors\":0,\"LastError\":\"\"}",
           "the default entity, members in their order");
}

static void test_round_trip(void)
{
    static const char *const rows[][3] = {
        {"Name", "\"h\303\270ok\"", "\"h\303\270ok\""},
        {"name", "\"x\"", NULL},
        {"Events", "[\"a.b\",\"c\"]", "[\"a.b\",\"c\"]"},
        {"Events", "[\"a.b\",\"A.B\",\"a.b\"]", "[\"a.b\"]"},
        {"Events", "[]", "[]"},
        {"TargetUrl", "\"https://x/?a=b&c\"", "\"https://x/?a=b&c\""},
        {"State", "\"stopped\"", "\"Stopped\""},
        {"State", "3", "\"TooManyErrors\""},
        {"State", "\"2\"", "\"Stopped\""},
        {"Type", "\"WebHook\"", "\"WebHook\""},
        {"Headers", "{\"X-b\":\"1\",\"x-A\":\"\"}",
         "{\"X-b\":\"1\",\"x-A\":\"\"}"},
        {"Properties", "{\"B\":{\"c\":[1,true]},\"a\":null}",
         "{\"B\":{\"c\":[1,true]},\"a\":null}"},
        {"ErrorEmails", "[\"a@b\",\"c@d\"]", "[\"a@b\",\"c@d\"]"},
        {"ErrorsEmail", "\"a@b\"", "\"a@b\""},
        {"ErrorsEmail", "\"\"", "null"},
        {"ErrorAssociates", "[{\"Id\":5}]", "[{\"Id\":5}]"},
        {"NotifyVia", "\"email\"", "\"Email\""},
        {"NotifyVia", "3", "\"Email, InApp\""},
        {"NotifyVia", "\"InApp,Email\"", "\"Email, InApp\""},
        {"NotifyVia", "\"None\"", "\"None\""},
        {"NotifyVia", "\"\"", "\"None\""},
        {"NotifyWhen", "2", "\"Disabling\""},
        {"NotifyWhen", "\"FirstFailure, Disabling\"",
         "\"FirstFailure, Disabling\""},
        {"Description", "null", "null"},
        {"State", "null", "\"Active\""},
        {"Events", "null", "[\"contact.created\",\"contact.deleted\"]"},
        /* read-only */
        {"WebhookId", "7", "0"},
        {"TotalCalls", "7", "0"},
        {"LastError", "\"x\"", "\"\""},
        {"Registered", "\"2020-01-01T00:00:00Z\"", "\"0001-01-01T00:00:00\""},
        {"RegisteredAssociate", "{\"AssociateId\":5}", "null"}};
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        wh_webhook_t webhook;
        const char *message;
        const char *text =
            apr_psprintf(pool, "{\"%s\":%s}", rows[i][0], rows[i][1]);

        is_int(read_text(&webhook, &message, text), APR_SUCCESS, "reads %s",
               text);
        if (rows[i][2]) {
            is_str(member(&webhook, rows[i][0]), rows[i][2], "writes it");
        }
    }
}

static void test_case(void)
{
    wh_webhook_t webhook;
    const char *message;

    read_text(&webhook, &message,
              "{\"targetURL\":\"u\",\"SECRET\":\"s\",\"nAmE\":\"n\","
              "\"unknown\":{\"x\":1}}");
    is_str(webhook.target_url, "u", "targetURL is TargetUrl");
    is_str(webhook.secret, "s", "SECRET is Secret");
    is_str(webhook.name, "n", "nAmE is Name");
}

static void test_emails(void)
{
    wh_webhook_t webhook;
    const char *message;

    read_text(&webhook, &message, "{\"ErrorsEmail\":\"a@b\"}");
    is_str(member(&webhook, "ErrorEmails"), "[\"a@b\"]",
           "the old member fills the list");
    read_text(&webhook, &message,
              "{\"ErrorsEmail\":\"a@b\",\"ErrorEmails\":[\"c@d\",\"e@f\"]}");
    is_str(member(&webhook, "ErrorEmails"), "[\"c@d\",\"e@f\"]",
           "the list wins");
    is_str(member(&webhook, "ErrorsEmail"), "\"c@d\"",
           "its first address is the old member");
    read_text(&webhook, &message,
              "{\"ErrorEmails\":[],\"ErrorsEmail\":\"a@b\"}");
    is_str(member(&webhook, "ErrorsEmail"), "\"a@b\"",
           "an empty list does not win");
}

static void test_refusals(void)
{
    static const char *const rows[][2] = {
        {"{\"Name\":5}", "Webhook Name must be a string or null"},
        {"{\"Events\":\"a\"}",
         "Webhook Events must be an array of event names"},
        {"{\"Events\":[1]}", "Webhook Events must be names"},
        {"{\"Events\":[\"a,b\"]}", "Webhook Events must be names"},
        {"{\"Events\":[\"\"]}", "Webhook Events must be names"},
        {"{\"state\":\"sleeping\"}", "Webhook State must be"},
        {"{\"State\":0}", "Webhook State must be"},
        {"{\"State\":4}", "Webhook State must be"},
        {"{\"State\":1.5}", "Webhook State must be"},
        {"{\"State\":true}", "Webhook State must be"},
        {"{\"Type\":\"\"}", "Webhook Type must be"},
        {"{\"Type\":7}", "Webhook Type must be"},
        {"{\"Type\":1}", "Webhook Type must be"},
        {"{\"Headers\":[]}", "Webhook Headers must be an object"},
        {"{\"Headers\":{\"a\":1}}", "Webhook Headers must have strings"},
        {"{\"Properties\":\"x\"}", "Webhook Properties must be an object"},
        {"{\"ErrorEmails\":[\"nobody\"]}", "Webhook ErrorEmails must be a"},
        {"{\"ErrorEmails\":[\"a@b\\r\\nBcc: c@d\"]}",
         "Webhook ErrorEmails must be a mail address"},
        {"{\"ErrorEmails\":\"a@b\"}", "Webhook ErrorEmails must be an array"},
        {"{\"ErrorsEmail\":\"@b\"}", "Webhook ErrorsEmail must be a mail"},
        {"{\"ErrorsEmail\":\"a@b@c\"}", "Webhook ErrorsEmail must be a mail"},
        {"{\"ErrorAssociates\":{}}", "Webhook ErrorAssociates must be an"},
        {"{\"NotifyVia\":4}", "Webhook NotifyVia must be None, Email, InApp"},
        {"{\"NotifyVia\":-1}", "Webhook NotifyVia must be"},
        {"{\"NotifyVia\":\"Post\"}", "Webhook NotifyVia must be"},
        {"{\"NotifyWhen\":[]}", "Webhook NotifyWhen must be None, FirstFail"}};
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        wh_webhook_t webhook;
        const char *message;

        is_int(read_text(&webhook, &message, rows[i][0]), APR_EINVAL,
               "refuses %s", rows[i][0]);
        ok(message && strstr(message, rows[i][1]) == message, "says \"%s\"",
           message ? message : "nothing");
    }
}

/* A text member of so many bytes. */
static const char *sized(const char *name, size_t length)
{
    char *text = apr_palloc(pool, length + 1);

    memset(text, 'x', length);
    text[length] = '\0';
    return apr_psprintf(pool, "{\"%s\":\"%s\"}", name, text);
}

static void test_lengths(void)
{
    static const struct {
        const char *name;
        size_t most;
    } rows[] = {{"Name", WH_NAME_MAX},
                {"TargetUrl", WH_TARGET_URL_MAX},
                {"Secret", WH_SECRET_MAX},
                {"Description", WH_DESCRIPTION_MAX}};
    wh_webhook_t webhook;
    const char *message;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is_int(read_text(&webhook, &message, sized(rows[i].name, rows[i].most)),
               APR_SUCCESS, "%s may be as long as allowed", rows[i].name);
        is_int(read_text(&webhook, &message,
                         sized(rows[i].name, rows[i].most + 1)),
               APR_EINVAL, "%s may not be longer", rows[i].name);
    }
}

/* A webhook whose four JSON texts have so many bytes together, most of them in
 * the one that is named. */
static const char *four_texts(const char *longest, int bytes)
{
    static const struct {
        const char *name;
        const char *head;
        const char *tail;
    } rows[] = {{"Headers", "{\"a\":\"", "\"}"},
                {"Properties", "{\"a\":\"", "\"}"},
                {"ErrorAssociates", "[\"", "\"]"}};
    const char *text = "{\"ErrorEmails\":[\"a@b\"]";
    size_t i;

    bytes -= 7 + 8 + 8 + 4;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int length = strcmp(rows[i].name, longest) ? 0 : bytes;
        char *filling = apr_pcalloc(pool, (size_t)length + 1);

        memset(filling, 'x', (size_t)length);
        text = apr_pstrcat(pool, text, ",\"", rows[i].name, "\":", rows[i].head,
                           filling, rows[i].tail, NULL);
    }
    return apr_pstrcat(pool, text, "}", NULL);
}

static void test_length_together(void)
{
    static const char *const names[] = {"Headers", "Properties",
                                        "ErrorAssociates"};
    static const char sentence[] =
        "Webhook Headers, Properties, ErrorEmails and ErrorAssociates must "
        "have at most 65536 bytes together.";
    wh_webhook_t webhook, stored;
    const char *message;
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        is_int(read_text(&webhook, &message,
                         four_texts(names[i], WH_JSON_COLUMN_MAX)),
               APR_SUCCESS, "a long %s, with all others", names[i]);
        is_int(read_text(&webhook, &message,
                         four_texts(names[i], WH_JSON_COLUMN_MAX + 1)),
               APR_EINVAL, "one byte more");
        is_str(message, sentence, "says so");
    }
    read_text(&stored, &message, four_texts("Headers", WH_JSON_COLUMN_MAX));
    webhook = stored;
    webhook.errors_email = "c@d";
    is_int(wh_webhook_json_settle_email(&webhook, &message, &stored, pool),
           APR_SUCCESS, "another address of the same length");
    is_str(webhook.error_emails, "[\"c@d\"]", "takes the place");
    webhook = stored;
    webhook.errors_email = "c@dd";
    is_int(wh_webhook_json_settle_email(&webhook, &message, &stored, pool),
           APR_EINVAL, "a longer one");
    is_str(message, sentence, "is too much");
}

/* Names of 7 bytes, which take 8 each when joined. */
static const char *many_events(int count)
{
    char *text = apr_palloc(pool, (size_t)count * 10 + 20);
    char *at = text + apr_snprintf(text, 20, "{\"Events\":[");
    int i;

    for (i = 0; i < count; i++) {
        at += apr_snprintf(at, 12, "\"e%06d\",", i);
    }
    strcpy(at - 1, "]}");
    return text;
}

static void test_event_lengths(void)
{
    wh_webhook_t webhook;
    const char *message;

    is_int(read_text(&webhook, &message, many_events(500)), APR_SUCCESS,
           "500 names of 7 bytes fit");
    is_int((apr_int64_t)strlen(webhook.events), 3999, "joined");
    is_int(read_text(&webhook, &message, many_events(501)), APR_EINVAL,
           "501 do not");
}

static void test_secret(void)
{
    wh_webhook_t webhook;
    const char *message;

    read_text(&webhook, &message, "{\"Secret\":\"top secret\"}");
    ok(strstr(write_text(&webhook, 1), "top secret") != NULL,
       "the secret is shown when asked for");
    ok(strstr(write_text(&webhook, 0), "top secret") == NULL, "and not else");
    ok(strstr(write_text(&webhook, 0), "\"Secret\":null") != NULL,
       "but is null then");
}

static void test_dates_and_people(void)
{
    wh_webhook_t webhook;

    wh_webhook_json_default(&webhook);
    webhook.registered = apr_time_from_sec(1700000000) + 5;
    webhook.registered_id = 5;
    webhook.registered_by = "tje0";
    webhook.last_error = "broken";
    webhook.total_calls = APR_INT64_C(5000000000);
    is_str(member(&webhook, "Registered"), "\"2023-11-14T22:13:20Z\"",
           "a date in UTC");
    is_str(member(&webhook, "RegisteredAssociate"),
           "{\"TableRight\":null,\"FieldProperties\":{},\"AssociateId\":5,"
           "\"Name\":\"tje0\",\"PersonId\":0,\"Rank\":0,\"Tooltip\":\"\","
           "\"Type\":\"Unknown\",\"GroupIdx\":0,\"FullName\":\"tje0\","
           "\"FormalName\":\"tje0\",\"Deleted\":false,\"EjUserId\":0,"
           "\"UserName\":\"tje0\",\"ExtraFields\":{},\"CustomFields\":{}}",
           "an associate with all members");
    is_str(member(&webhook, "UpdatedAssociate"), "null", "or none");
    is_str(member(&webhook, "LastError"), "\"broken\"", "the last error");
    is_str(member(&webhook, "TotalCalls"), "2147483647",
           "a large count is an int32");
}

static void test_broken_record(void)
{
    wh_webhook_t webhook;

    wh_webhook_json_default(&webhook);
    webhook.name = "\377";
    webhook.headers = "{";
    webhook.state = 77;
    webhook.events = NULL;
    webhook.error_emails = "nonsense";
    is_str(member(&webhook, "Name"), "null", "a name that is not UTF-8");
    is_str(member(&webhook, "Headers"), "null", "headers that are not JSON");
    is_str(member(&webhook, "State"), "\"Unknown\"", "a state out of range");
    is_str(member(&webhook, "Events"), "[]", "no events");
    is_str(member(&webhook, "ErrorsEmail"), "null", "no list of addresses");
}

/* Those of the options are as secret as the member. */
static void test_hidden(void)
{
    static const struct {
        const char *properties;
        const char *shown;
    } rows[] = {
        {"{\"a\":1,\"mod_webhook\":{\"MaxRate\":2}}",
         "{\"a\":1,\"mod_webhook\":{\"MaxRate\":2}}"},
        {"{\"MOD_WEBHOOK\":{\"secrets\":[{\"SECRET\":\"x\",\"Until\":\"y\"},"
         "{\"Secret\":\"x\",\"secret\":\"x\"}]},\"Secrets\":[\"z\"]}",
         "{\"MOD_WEBHOOK\":{\"secrets\":[{\"SECRET\":null,\"Until\":\"y\"},"
         "{\"Secret\":null,\"secret\":null}]},\"Secrets\":[\"z\"]}"},
        {"{\"mod_webhook\":{\"Secrets\":[\"x\",[\"x\"]],\"SECRETS\":\"x\"}}",
         "{\"mod_webhook\":{\"Secrets\":[null,null],\"SECRETS\":null}}"},
        {"{\"mod_webhook\":[\"x\"]}", "{\"mod_webhook\":[\"x\"]}"},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *properties = json_loads(rows[i].properties, 0, NULL);
        char *text;

        wh_webhook_json_hide(properties);
        text = json_dumps(properties, JSON_COMPACT);
        is_str(text, rows[i].shown, "%s", rows[i].properties);
        free(text);
        json_decref(properties);
    }
}

int main(void)
{
    apr_initialize();
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return 1;
    }
    test_default();
    test_round_trip();
    test_case();
    test_emails();
    test_refusals();
    test_lengths();
    test_length_together();
    test_event_lengths();
    test_secret();
    test_hidden();
    test_dates_and_people();
    test_broken_record();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
