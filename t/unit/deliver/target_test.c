/* SPDX-License-Identifier: Apache-2.0 */
/* A webhook made ready for a delivery thread. */
#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>

#include "deliver/message.h"
#include "deliver/target.h"
#include "unit/tap.h"

#define DEFAULTS "Expect:"

static apr_pool_t *pool;

static wh_webhook_t sample(void)
{
    wh_webhook_t webhook = {.id = 7,
                            .context = "Default",
                            .name = "My hook",
                            .events = "a",
                            .target_url = "https://receiver.example/x",
                            .secret = "s",
                            .state = WH_STATE_ACTIVE,
                            .type = "webhook"};

    return webhook;
}

static const char *headers_of(const char *headers)
{
    wh_webhook_t webhook = sample();
    const struct curl_slist *line;
    const char *joined = "";
    wh_target_t *target;

    webhook.headers = headers;
    target = wh_target_create(&webhook);
    if (!target) {
        return "no target";
    }
    for (line = target->headers; line; line = line->next) {
        joined =
            apr_pstrcat(pool, joined, *joined ? "|" : "", line->data, NULL);
    }
    wh_target_release(target);
    return joined;
}

static void test_members(void)
{
    wh_webhook_t webhook = sample();
    wh_target_t *target = wh_target_create(&webhook);

    is_int(target->message.kind, WH_MESSAGE_TARGET, "it can be posted");
    is_int(target->webhook_id, 7, "id");
    is_int(target->active, 1, "active");
    is_int(target->removed, 0, "there");
    is_int(target->references, 1, "one reference");
    is_str(target->url.text, "https://receiver.example/x", "address");
    is_str(target->secret, "s", "secret");
    is_str(target->context_json, "\"Default\"", "context as JSON");
    is_str(target->payload_tail, ",\"WebhookName\":\"My hook\"}", "tail");
    wh_target_retain(target);
    wh_target_release(target);
    is_str(target->url.text, "https://receiver.example/x", "held once more");
    wh_target_release(target);
}

static void test_states(void)
{
    wh_webhook_t webhook = sample();
    int state;

    for (state = WH_STATE_UNKNOWN; state <= WH_STATE_TOO_MANY_ERRORS; state++) {
        wh_target_t *target;

        webhook.state = state;
        target = wh_target_create(&webhook);
        is_int(target->active, state == WH_STATE_ACTIVE, "state %d", state);
        wh_target_release(target);
    }
}

static void test_little(void)
{
    wh_webhook_t webhook = {.id = 8, .context = "q\"\n", .secret = ""};
    wh_target_t *target = wh_target_create(&webhook);

    is_str(target->secret, NULL, "an empty secret is none");
    is_str(target->url.text, NULL, "no address");
    ok(target->refusal != NULL, "so it is not called");
    is_str(target->context_json, "\"q\\\"\\n\"", "context is escaped");
    is_str(target->payload_tail, ",\"WebhookName\":\"\"}", "no name");
    wh_target_release(target);
}

static void test_headers(void)
{
    static const struct {
        const char *headers;
        const char *lines;
    } rows[] = {
        {NULL, DEFAULTS},
        {"{}", DEFAULTS},
        {"[]", DEFAULTS},
        {"no JSON", DEFAULTS},
        {"{\"X-A\":\"b c\",\"X-B\":\"d\"}", "X-A: b c|X-B: d|" DEFAULTS},
        {"{\"X-Empty\":\"\"}", "X-Empty;|" DEFAULTS},
        {"{\"X-Utf8\":\"\303\251\"}", "X-Utf8: \303\251|" DEFAULTS},
        {"{\"X-Number\":1,\"X-Null\":null,\"X-List\":[]}", DEFAULTS},
        {"{\"Host\":\"evil.example\"}", DEFAULTS},
        {"{\"content-length\":\"3\"}", DEFAULTS},
        {"{\"Transfer-Encoding\":\"chunked\"}", DEFAULTS},
        {"{\"Content-Type\":\"text/plain\"}", DEFAULTS},
        {"{\"User-Agent\":\"x\"}", DEFAULTS},
        {"{\"X-SuperOffice-Event\":\"forged\"}", DEFAULTS},
        {"{\"X-Hook-Test\":\"1\"}", DEFAULTS},
        {"{\"Expect\":\"100-continue\"}", DEFAULTS},
        {"{\"X-A\":\"b\\r\\nX-C: d\"}", DEFAULTS},
        {"{\"X-A\\r\\nX-C\":\"d\"}", DEFAULTS},
        {"{\"X A\":\"d\",\"\":\"d\",\"X:\":\"d\"}", DEFAULTS},
        {"{\"X-Bad\":\"\\u0001\",\"X-Good\":\"g\"}", "X-Good: g|" DEFAULTS},
        {"{\"Authorization\":\"Bearer t\"}",
         "Authorization: Bearer t|" DEFAULTS},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is_str(headers_of(rows[i].headers), rows[i].lines, "headers %s",
               rows[i].headers ? rows[i].headers : "NULL");
    }
}

static void test_removed(void)
{
    wh_target_t *target = wh_target_create_removed(9);

    is_int(target->message.kind, WH_MESSAGE_TARGET, "it can be posted");
    ok(target->webhook_id == 9 && target->removed && !target->active,
       "a webhook that is gone");
    wh_target_release(target);
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_members();
    test_states();
    test_little();
    test_headers();
    test_removed();
    apr_terminate();
    return done_testing();
}
