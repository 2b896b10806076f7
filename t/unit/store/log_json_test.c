/* SPDX-License-Identifier: Apache-2.0 */
/* Records of the log as JSON. */
#include "store/log_json.h"

#include <apr_general.h>
#include <stdlib.h>
#include <string.h>

#include "base/identifier.h"
#include "unit/tap.h"

static apr_pool_t *pool;

static void is_json(json_t *value, const char *expected, const char *name)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

    is_str(text, expected, "%s", name);
    free(text);
    json_decref(value);
}

static void test_values(void)
{
    is_json(wh_log_json_time(0), "null", "no time");
    is_json(wh_log_json_time(APR_INT64_C(1769862645250999)),
            "\"2026-01-31T12:30:45.250Z\"", "a time");
    is_json(wh_log_json_text(NULL), "null", "no text");
    is_json(wh_log_json_text("caf\303\251"), "\"caf\303\251\"", "a text");
    is_json(wh_log_json_text("a\377\033b"), "\"a??b\"", "what is none");
    is_json(wh_log_json_id(APR_INT64_MAX), "\"9223372036854775807\"", "an id");
}

static void test_states(void)
{
    int state = -1;

    is_str(wh_delivery_state_name(WH_DELIVERY_FAILED), "failed", "a state");
    is_str(wh_delivery_state_name((wh_delivery_state_t)9), "unknown",
           "is none");
    ok(wh_delivery_state_parse(&state, "DELIVERED") &&
           state == WH_DELIVERY_DELIVERED,
       "in any case");
    ok(!wh_delivery_state_parse(&state, "happy"), "is none either");
    is_str(wh_replay_state_name(WH_REPLAY_CANCELLED), "cancelled", "a job's");
    is_str(wh_replay_state_name((wh_replay_state_t)7), "unknown", "is none");
}

typedef struct row_t {
    const char *answer;
    const char *headers;
    const char *body;
} row_t;

/* Headers and body are apart, however the receiver ends its lines. */
static void test_attempt(void)
{
    static const row_t rows[] = {
        {NULL, NULL, NULL},
        {"HTTP/1.1 500 No\r\nX: 1\r\n\r\nbody\r\n\r\nmore",
         "HTTP/1.1 500 No\r\nX: 1", "body\r\n\r\nmore"},
        {"HTTP/1.1 500 No\nX: 1\n\nb", "HTTP/1.1 500 No\nX: 1", "b"},
        {"HTTP/1.1 204 No\r\n\r\n", "HTTP/1.1 204 No", ""},
        {"HTTP/1.1 500 No\r\nX: 1\r\n", "HTTP/1.1 500 No\r\nX: 1\r\n", NULL},
    };
    wh_log_attempt_t attempt = {.id = 7,
                                .delivery_id = 6,
                                .number = 2,
                                .started = APR_INT64_C(1769862645000000),
                                .duration = 1500000,
                                .status = 500,
                                .error = "status",
                                .address = "192.0.2.1"};
    size_t i;

    is_json(wh_log_attempt_json(&attempt),
            "{\"Id\":\"7\",\"DeliveryId\":\"6\",\"Number\":2,\"Started\":"
            "\"2026-01-31T12:30:45.000Z\",\"Seconds\":1.5,\"Address\":"
            "\"192.0.2.1\",\"Status\":500,\"Error\":\"status\",\"Headers\":"
            "null,\"Body\":null}",
            "an attempt without an answer");
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *value;

        attempt.answer = rows[i].answer;
        value = wh_log_attempt_json(&attempt);
        is_str(json_string_value(json_object_get(value, "Headers")),
               rows[i].headers, "headers of answer %d", (int)i);
        is_str(json_string_value(json_object_get(value, "Body")), rows[i].body,
               "... and its body");
        json_decref(value);
    }
}

/* Neither what has happened nor how long it took. */
static void test_hidden(void)
{
    wh_log_attempt_t attempt = {
        .id = wh_row_id_floor(APR_INT64_C(1769862675000000)) + 5,
        .delivery_id = 6,
        .number = 2,
        .started = APR_INT64_C(1769862645000000),
        .duration = 30000000,
        .error = "timeout",
        .told = "the target did not answer",
        .address = "10.0.0.1"};
    apr_array_header_t *attempts =
        apr_array_make(pool, 1, sizeof(wh_log_attempt_t *));

    APR_ARRAY_PUSH(attempts, wh_log_attempt_t *) = &attempt;
    wh_log_attempts_hide(attempts);
    is_str(attempt.error, "the target did not answer", "what is told");
    is_str(attempt.address, NULL, "... without the address");
    is_int(attempt.duration, 0, "... the time");
    ok(wh_row_id_time(attempt.id) == attempt.started,
       "... or an id that has it");
    is_int(attempt.id & 0xff, 5, "... which still is its own");
}

static void test_delivery(void)
{
    wh_log_delivery_t delivery = {.id = 4194304000,
                                  .event_uuid = "u",
                                  .event_name = "a.b",
                                  .webhook_id = 3,
                                  .state = WH_DELIVERY_DELIVERED,
                                  .attempts = 1,
                                  .due = 5,
                                  .owner = 9};

    is_json(wh_log_delivery_json(&delivery),
            "{\"Id\":\"4194304000\",\"Created\":\"2024-01-01T00:00:01.000Z\","
            "\"EventId\":\"u\",\"Event\":\"a.b\",\"WebhookId\":3,\"State\":"
            "\"delivered\",\"Attempts\":1,\"Due\":null}",
            "a delivery");
}

static void test_job(void)
{
    wh_replay_job_t job = {.id = 5,
                           .webhook_id = 3,
                           .only_failed = 1,
                           .total = 10,
                           .done = 4,
                           .created = APR_INT64_C(1769862645000000),
                           .created_by = "anna"};

    is_json(wh_replay_job_json(&job),
            "{\"Id\":\"5\",\"WebhookId\":3,\"State\":\"counting\",\"From\":"
            "null,\"To\":null,\"OnlyFailed\":true,\"Total\":null,\"Done\":4,"
            "\"Created\":\"2026-01-31T12:30:45.000Z\",\"CreatedBy\":\"anna\","
            "\"Updated\":null}",
            "a job that counts");
    job.state = WH_REPLAY_RUNNING;
    job.from = job.created;
    is_json(wh_replay_job_json(&job),
            "{\"Id\":\"5\",\"WebhookId\":3,\"State\":\"running\",\"From\":"
            "\"2026-01-31T12:30:45.000Z\",\"To\":null,\"OnlyFailed\":true,"
            "\"Total\":10,\"Done\":4,\"Created\":\"2026-01-31T12:30:45.000Z\","
            "\"CreatedBy\":\"anna\",\"Updated\":null}",
            "and one that runs");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_values();
    test_states();
    test_attempt();
    test_hidden();
    test_delivery();
    test_job();
    apr_terminate();
    return done_testing();
}
