/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a callback. */
#include <apr_general.h>
#include <apr_strings.h>
#include <jansson.h>
#include <stdlib.h>

#include "deliver/payload.h"
#include "policy/sign.h"
#include "unit/tap.h"

/* 2026-01-02T03:04:05Z */
#define TIME APR_INT64_C(1767323045000000)

static apr_pool_t *pool;

static wh_event_t sample(void)
{
    wh_event_t event = {.uuid = "8f4a1c52-6d0b-4c39-9a53-0b7a3c1d2e4f",
                        .time = TIME + 678900,
                        .primary_key = 0,
                        .associate_id = 5,
                        .name = "window.closed",
                        .context = "Default",
                        .changes = "[\"windowName\",\"widgets\"]",
                        .data = "{\"windowName\":\"foo\",\"widgets\":123}",
                        .idempotency = ""};

    return event;
}

static const char *tail_of(const char *name, const char *properties)
{
    char *text = wh_payload_tail(name, properties);
    const char *copy = apr_pstrdup(pool, text);

    free(text);
    return copy;
}

static const char *render(const wh_event_t *event, const char *context_json,
                          const char *tail)
{
    apr_size_t length = 0;
    char *body = wh_payload_render(&length, event, NULL, context_json, tail);
    const char *copy = apr_pstrdup(pool, body);

    is_int((apr_int64_t)length, (apr_int64_t)strlen(copy), "the length");
    free(body);
    return copy;
}

/* The example that the API's description works out. */
static void test_example(void)
{
    static const char want[] =
        "{\"EventId\":\"8f4a1c52-6d0b-4c39-9a53-0b7a3c1d2e4f\","
        "\"Timestamp\":\"2026-01-02T03:04:05.6789Z\","
        "\"Changes\":[\"windowName\",\"widgets\"],"
        "\"Event\":\"window.closed\",\"PrimaryKey\":0,"
        "\"Entity\":\"window\",\"ContextIdentifier\":\"Default\","
        "\"ChangedByAssociateId\":5,\"WebhookName\":\"My hook\"}";
    wh_event_t event = sample();
    const char *body = render(&event, "\"Default\"", tail_of("My hook", NULL));
    char signature[WH_SIGNATURE_SIZE];

    is_str(body, want, "the body, byte by byte");
    is_int((apr_int64_t)strlen(body), 261, "261 bytes");
    wh_sign_superoffice(signature, "Something Super Secret", body, 261);
    is_str(signature,
           "sEplWu3L0GCkwGz0zxWLEs7HRlRUBMrJoYTQJmuZHQw=", "its signature");
    wh_sign_superoffice(signature, "s3cret-\303\245\303\237", body, 261);
    is_str(signature, "dOrwVnDy3yDUX1Fxp5qfIgab5b87MNkpm0JbRGjMCVE=",
           "with a secret beyond ASCII");
    is_str(render(&event, "\"Default\"", tail_of("My hook", NULL)), want,
           "the same bytes every time");
}

/* The body of a state event names no webhook; its primary key does. */
static void test_state_event(void)
{
    wh_event_t event = sample();
    const char *body;

    event.name = "webhook66.errors";
    event.changes = "[\"state\"]";
    event.primary_key = 66;
    body = render(&event, "\"Default\"", tail_of("n", NULL));
    ok(strstr(body, "\"Changes\":[\"state\"],\"Event\":\"webhook.errors\","
                    "\"PrimaryKey\":66,\"Entity\":\"webhook\",") != NULL,
       "a state event: %s", body);
}

static void test_timestamps(void)
{
    static const struct {
        apr_time_t time;
        const char *text;
    } rows[] = {
        {TIME, "2026-01-02T03:04:05Z"},
        {TIME + 1, "2026-01-02T03:04:05.000001Z"},
        {TIME + 10, "2026-01-02T03:04:05.00001Z"},
        {TIME + 100000, "2026-01-02T03:04:05.1Z"},
        {TIME + 120000, "2026-01-02T03:04:05.12Z"},
        {TIME + 123456, "2026-01-02T03:04:05.123456Z"},
        {TIME + 100001, "2026-01-02T03:04:05.100001Z"},
        {TIME + 678900, "2026-01-02T03:04:05.6789Z"},
        {TIME + 999999, "2026-01-02T03:04:05.999999Z"},
        {0, "1970-01-01T00:00:00Z"},
        {APR_INT64_C(951782400000000), "2000-02-29T00:00:00Z"},
        {APR_INT64_C(253402300799999999), "9999-12-31T23:59:59.999999Z"},
    };
    char text[WH_TIMESTAMP_SIZE];
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        wh_payload_timestamp(text, rows[i].time);
        is_str(text, rows[i].text, "timestamp");
    }
}

static void test_extreme_times(void)
{
    static const apr_time_t times[] = {APR_INT64_MIN, APR_INT64_MAX, -1,
                                       APR_INT64_MAX / 2};
    char text[WH_TIMESTAMP_SIZE];
    size_t i;
    int wrong = 0;

    for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        memset(text, 'x', sizeof(text));
        wh_payload_timestamp(text, times[i]);
        wrong += memchr(text, '\0', sizeof(text)) == NULL;
    }
    is_int(wrong, 0, "any time gives a text that ends");
}

static void test_tail(void)
{
    static const struct {
        const char *name;
        const char *properties;
        const char *tail;
    } rows[] = {
        {"n", NULL, ",\"WebhookName\":\"n\"}"},
        {NULL, NULL, ",\"WebhookName\":\"\"}"},
        {"n", "{}", ",\"WebhookName\":\"n\"}"},
        {"n", "{\"b\":1,\"a\":[null]}",
         ",\"WebhookName\":\"n\",\"b\":1,\"a\":[null]}"},
        {"q\"\\\n\303\251", NULL, ",\"WebhookName\":\"q\\\"\\\\\\n\303\251\"}"},
        {"n",
         "{\"EventId\":1,\"eventid\":1,\"TIMESTAMP\":1,\"Changes\":1,"
         "\"Values\":1,\"Event\":1,\"PrimaryKey\":1,\"Entity\":1,"
         "\"ContextIdentifier\":1,\"ChangedByAssociateId\":1,"
         "\"WebhookName\":1,\"webhookname\":2,\"FieldValues\":1,\"\":1,"
         "\"x\":1}",
         ",\"WebhookName\":\"n\",\"x\":1}"},
        {"n", "[1]", ",\"WebhookName\":\"n\"}"},
        {"n", "no JSON", ",\"WebhookName\":\"n\"}"},
        {"n", "", ",\"WebhookName\":\"n\"}"},
        {"n", "{\"u\":\"\\u00e9\\/\"}",
         ",\"WebhookName\":\"n\",\"u\":\"\303\251/\"}"},
        {"n", "{\"r\":1.5,\"i\":9007199254740993}",
         ",\"WebhookName\":\"n\",\"r\":1.5,\"i\":9007199254740993}"},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is_str(tail_of(rows[i].name, rows[i].properties), rows[i].tail,
               "tail number %d", (int)i);
    }
}

/* Whatever the row in the database says, the body is JSON. */
static void test_always_json(void)
{
    static const char *const names[] = {"\377", "a\300\257", "", "x"};
    wh_event_t event = sample();
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *body =
            render(&event, "\"c\"", tail_of(names[i], "{\"p\":1}"));
        json_t *object = json_loads(body, JSON_REJECT_DUPLICATES, NULL);
        const char *bare = render(&event, "\"c\"", tail_of(names[i], NULL));
        json_t *second = json_loads(bare, JSON_REJECT_DUPLICATES, NULL);

        ok(json_is_object(object), "name %d with properties: JSON", (int)i);
        ok(json_is_object(second), "name %d without: JSON", (int)i);
        json_decref(object);
        json_decref(second);
    }
}

static void test_members(void)
{
    static const struct {
        const char *name;
        const char *entity;
    } rows[] = {
        {"contact.created", "contact"},
        {"a.b.c", "a.b"},
        {"plain", "plain"},
        {".x", ""},
        {"x.", "x"},
    };
    wh_event_t event = sample();
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *object;

        event.name = rows[i].name;
        object =
            json_loads(render(&event, "\"c\"", tail_of("n", NULL)), 0, NULL);
        is_str(json_string_value(json_object_get(object, "Event")),
               rows[i].name, "event");
        is_str(json_string_value(json_object_get(object, "Entity")),
               rows[i].entity, "entity of %s", rows[i].name);
        json_decref(object);
    }
}

/* Everything as long as it can be: the body still has its end. */
static void test_longest(void)
{
    wh_event_t event = sample();
    char name[129], changes[20001], context[5000];
    json_t *object;

    memset(name, 'n', 128);
    name[128] = '\0';
    memset(changes, ' ', sizeof(changes));
    changes[0] = '[';
    changes[19999] = ']';
    changes[20000] = '\0';
    memset(context, 'c', sizeof(context));
    context[0] = context[4998] = '"';
    context[4999] = '\0';
    event.name = name;
    event.changes = changes;
    event.primary_key = event.associate_id = -2147483647 - 1;
    event.time = APR_INT64_C(253402300799999999);
    object = json_loads(render(&event, context, tail_of(name, NULL)), 0, NULL);
    is_int((apr_int64_t)json_object_size(object), 9, "nothing is cut off");
    is_int(json_integer_value(json_object_get(object, "PrimaryKey")),
           -2147483647 - 1, "the smallest key");
    json_decref(object);
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_example();
    test_state_event();
    test_timestamps();
    test_extreme_times();
    test_tail();
    test_always_json();
    test_members();
    test_longest();
    apr_terminate();
    return done_testing();
}
