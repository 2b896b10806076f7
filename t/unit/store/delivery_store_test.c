/* SPDX-License-Identifier: Apache-2.0 */
/* Events, deliveries and outcomes in the database. */
#include "model/webhook.h"
#include "store/delivery_store.h"

#include "unit/store/fixture.h"
#include "unit/store/insert.h"

static apr_status_t insert_event(const wh_event_t *event,
                                 wh_known_event_t *known)
{
    insert_t insert = {.event = *event};
    apr_status_t rv;

    memset(&insert.known, 0x55, sizeof(insert.known));
    rv = wh_store_batch(store, insert_work, &insert);
    *known = insert.known;
    return rv;
}

static void test_insert(void)
{
    is_int(insert_pair(100, 1, 1000, NODE), APR_SUCCESS,
           "an event and a delivery");
    is_str(text("SELECT uuid || '|' || context || '|' || name || '|' || "
                "primary_key || '|' || associate_id || '|' || time || '|' || "
                "data || '|' || ifnull(idempotency, 'NULL') FROM event "
                "WHERE id = 100"),
           "00000000-0000-7000-8000-000000000064|tenant|contact.created|-7|5|"
           "1767323045678900|{\"a\":1,\"b\":\"\303\251'\"}|NULL",
           "the event's row");
    is_str(text("SELECT event_id || '|' || webhook_id || '|' || state || '|' "
                "|| attempts || '|' || due || '|' || owner || '|' || "
                "ifnull(body, 'NULL') FROM delivery WHERE id = 101"),
           "100|1|0|0|1000|3|NULL", "the delivery's row");
}

static void test_repeated(void)
{
    wh_event_t event = make_event(100);
    wh_known_event_t known;

    event.id = 102;
    is_int(insert_event(&event, &known), APR_EEXIST, "the same uuid again");
    ok(!known.by_key && known.same, "is known by it");
    is_str(known.uuid, event.uuid, "under it");
    is_int(number("SELECT count(*) FROM event"), 1, "no second row");
    event = make_event(104);
    is_int(insert_event(&event, &known), APR_SUCCESS,
           "events without a key are never the same");
}

static void test_idempotency(void)
{
    wh_event_t first = make_event(110), event;
    wh_known_event_t known;

    first.idempotency = "key";
    is_int(wh_store_event_by_key(&known, store, &first), APR_ENOENT,
           "a key that is not known");
    is_int(insert_event(&first, &known), APR_SUCCESS, "its first event");
    is_int(wh_store_event_by_key(&known, store, &first), APR_SUCCESS,
           "is known");
    ok(known.by_key && known.same, "as the same");
    event = make_event(112);
    event.idempotency = "key";
    event.time += 5;
    event.associate_id = 6;
    is_int(insert_event(&event, &known), APR_EEXIST, "the same said again");
    ok(known.by_key && known.same, "is told as that");
    is_str(known.uuid, first.uuid, "with the first one's uuid");
    event.data = "{\"a\":2}";
    is_int(insert_event(&event, &known), APR_EEXIST, "other data");
    ok(known.by_key && !known.same, "are told");
    is_str(known.uuid, first.uuid, "with the first one's uuid");
    event.data = first.data;
    event.primary_key = 8;
    insert_event(&event, &known);
    is_int(known.same, 0, "another primary key");
    event.primary_key = first.primary_key;
    event.name = "contact.changed";
    insert_event(&event, &known);
    is_int(known.same, 0, "another name");
    event.name = first.name;
    event.context = "";
    insert_event(&event, &known);
    is_int(known.same, 0, "another context");
    is_int(wh_store_event_by_key(&known, store, &event), APR_SUCCESS,
           "found without an insert");
    is_int(known.same, 0, "as another event");
    event.context = first.context;
    event.idempotency = "KEY";
    is_int(insert_event(&event, &known), APR_SUCCESS, "another key");
}

/* Known events are told within one transaction, too. */
static apr_status_t insert_twice(wh_store_t *at, void *baton)
{
    wh_event_t first = make_event(120), second = make_event(122);
    wh_known_event_t *known = baton;
    apr_status_t rv;

    first.idempotency = second.idempotency = "twice";
    rv = wh_store_event_insert(known, at, &first);
    if (rv != APR_SUCCESS ||
        wh_store_event_insert(known, at, &first) != APR_EEXIST) {
        return APR_EGENERAL;
    }
    return wh_store_event_insert(known, at, &second) == APR_EEXIST
               ? APR_SUCCESS
               : APR_EGENERAL;
}

static void test_one_batch(void)
{
    wh_known_event_t known;

    is_int(wh_store_batch(store, insert_twice, &known), APR_SUCCESS,
           "repeated in the same transaction");
    is_str(known.uuid, "00000000-0000-7000-8000-000000000078",
           "the first one counts");
    is_int(number("SELECT count(*) FROM event WHERE idempotency = 'twice'"), 1,
           "once");
}

/* A webhook with counters, and a delivery that this node owns. */
static apr_int32_t make_webhook(void)
{
    wh_webhook_t webhook = {.context = "tenant",
                            .name = "w",
                            .events = "contact.created",
                            .target_url = "https://receiver.example/",
                            .state = WH_STATE_ACTIVE,
                            .type = "webhook"};

    wh_store_webhook_insert(store, &webhook);
    return webhook.id;
}

static wh_recorded_t recorded;
static int followed; /* what the last outcome has said */

static apr_status_t outcome_work(wh_store_t *at, void *baton)
{
    const wh_delivery_t *delivery = baton;

    return wh_store_outcome(&recorded, &followed, at, NODE, delivery->id + 1000,
                            delivery);
}

/* Records the outcome of a new delivery and gives its row as text. */
static const char *row_after(apr_int64_t event, wh_delivery_t *delivery)
{
    delivery->id = event + 1;
    is_int(insert_pair(event, delivery->webhook_id, 1000, NODE), APR_SUCCESS,
           "delivery %d", (int)event + 1);
    is_int(wh_store_batch(store, outcome_work, delivery), APR_SUCCESS,
           "its outcome");
    return text(apr_psprintf(
        pool,
        "SELECT state || '|' || attempts || '|' || due || '|' || owner || "
        "'|' || ifnull(body, 'NULL') FROM delivery WHERE id = %d",
        (int)event + 1));
}

static const char *attempt_of(apr_int64_t delivery)
{
    return text(apr_psprintf(
        pool,
        "SELECT id || '|' || number || '|' || started || '|' || duration || "
        "'|' || status || '|' || ifnull(error, 'NULL') || '|' || "
        "ifnull(address, 'NULL') || '|' || ifnull(answer, 'NULL') "
        "FROM attempt WHERE delivery_id = %d",
        (int)delivery));
}

static const char *usage_of(apr_int32_t webhook)
{
    return text(apr_psprintf(
        pool,
        "SELECT total_calls || '|' || total_errors || '|' || "
        "consecutive_errors || '|' || ifnull(last_error, 'NULL') || '|' || "
        "failing_since FROM webhook_usage WHERE webhook_id = %d",
        webhook));
}

static void test_delivered(apr_int32_t webhook)
{
    wh_delivery_t delivery = {.webhook_id = webhook,
                              .outcome = WH_OUTCOME_DELIVERED,
                              .attempts = 1,
                              .due = 1000,
                              .status = 204,
                              .address = "192.0.2.1",
                              .started = 5000,
                              .duration = 70,
                              .body = (char *)"not kept",
                              .body_is_new = 1,
                              .answer = (char *)"HTTP/1.1 204 No Content"};

    is_str(row_after(200, &delivery), "1|1|1000|0|NULL", "delivered");
    is_str(attempt_of(201),
           "1201|1|5000|70|204|NULL|192.0.2.1|HTTP/1.1 204 No Content",
           "its attempt");
    is_str(usage_of(webhook), "0|0|0|NULL|0", "is counted by the batch alone");
    is_int(recorded.error, 0, "it is no error");
}

static void test_retry(apr_int32_t webhook)
{
    wh_delivery_t delivery = {.webhook_id = webhook,
                              .outcome = WH_OUTCOME_RETRY,
                              .attempts = 1,
                              .due = 9000,
                              .status = 503,
                              .error = "status",
                              .started = 6000,
                              .duration = 80,
                              .body = (char *)"the bytes",
                              .body_is_new = 1,
                              .answer = (char *)"HTTP/1.1 503 Wait"};

    is_str(row_after(210, &delivery), "0|1|9000|0|the bytes",
           "to be tried again, with the same body");
    is_str(attempt_of(211), "1211|1|6000|80|503|status|NULL|HTTP/1.1 503 Wait",
           "its attempt");
    is_str(usage_of(webhook), "1|1|1|HTTP/1.1 503 Wait|6000",
           "counts as an error, and when they began");
    is_int(recorded.error, 1, "which is told");
    delivery.started = 7000;
    delivery.answer = NULL;
    delivery.body = NULL;
    delivery.body_is_new = 0;
    delivery.status = 0;
    delivery.error = "timeout";
    delivery.told = "what users read";
    is_str(row_after(220, &delivery), "0|1|9000|0|NULL", "no body to keep");
    is_str(attempt_of(221), "1221|1|7000|80|0|timeout|NULL|NULL",
           "an attempt without an answer");
    is_str(usage_of(webhook), "2|2|2|what users read|6000",
           "not the class of the error, and the first failure's time");
}

static void test_failed(apr_int32_t webhook)
{
    wh_delivery_t delivery = {.webhook_id = webhook,
                              .outcome = WH_OUTCOME_FAILED,
                              .attempts = 12,
                              .due = 1000,
                              .status = 500,
                              .error = "status",
                              .started = 8000,
                              .answer = (char *)""};

    is_str(row_after(230, &delivery), "2|12|1000|0|NULL", "failed for good");
    is_str(usage_of(webhook), "3|3|3|status|6000", "counts as an error");
    delivery.started = 0;
    delivery.attempts = 0;
    delivery.error = "webhook deleted";
    is_str(row_after(240, &delivery), "2|0|1000|0|NULL",
           "failed without an attempt");
    is_str(attempt_of(241), "no row", "has none recorded");
    is_str(usage_of(webhook), "3|3|3|status|6000", "and none counted");
    is_int(recorded.error, 0, "which is told too");
}

static void test_returned(apr_int32_t webhook)
{
    char bytes[] = "bytes";
    wh_delivery_t delivery = {.webhook_id = webhook,
                              .outcome = WH_OUTCOME_RETURNED,
                              .attempts = 4,
                              .due = 7777};

    is_str(row_after(250, &delivery), "0|0|7777|0|NULL", "given back untried");
    is_str(attempt_of(251), "no row", "no attempt");
    delivery.started = 8000;
    delivery.duration = 30;
    delivery.error = "stopped";
    delivery.broken_off = 1;
    is_str(row_after(254, &delivery), "0|0|7777|0|NULL",
           "broken off: as it was");
    is_str(attempt_of(255), "1255|5|8000|30|0|stopped|NULL|NULL",
           "with the number of the one that follows");
    is_int(recorded.error, 0, "and no error");
    delivery.started = delivery.broken_off = 0;
    delivery.body = bytes;
    delivery.body_is_new = 1;
    is_str(row_after(252, &delivery), "0|0|7777|0|bytes",
           "given back with bytes that may have arrived");
    is_str(usage_of(webhook), "3|3|3|status|6000", "nothing counted");
    is_int(recorded.error, 0, "nothing told");
}

static void test_not_ours(apr_int32_t webhook)
{
    wh_delivery_t delivery = {.webhook_id = webhook,
                              .outcome = WH_OUTCOME_DELIVERED,
                              .attempts = 1,
                              .id = 261,
                              .started = 9000};

    insert_pair(260, webhook, 1000, NODE + 1);
    is_int(wh_store_batch(store, outcome_work, &delivery), APR_SUCCESS,
           "the outcome of another node's delivery");
    delivery.outcome = WH_OUTCOME_RETURNED;
    wh_store_batch(store, outcome_work, &delivery);
    is_str(text("SELECT state || '|' || attempts || '|' || owner "
                "FROM delivery WHERE id = 261"),
           "0|0|4", "changes nothing");
    is_str(attempt_of(261), "no row", "and leaves no attempt");
    delivery.id = 999;
    delivery.outcome = WH_OUTCOME_RETRY;
    is_int(wh_store_batch(store, outcome_work, &delivery), APR_SUCCESS,
           "the outcome of one that was swept");
}

static apr_status_t count_successes(wh_store_t *at, void *baton)
{
    return wh_store_usage_success(at, *(apr_int32_t *)baton, 5);
}

static void test_usage(apr_int32_t webhook)
{
    apr_array_header_t *webhooks;
    wh_webhook_t *got;

    is_int(wh_store_batch(store, count_successes, &webhook), APR_SUCCESS,
           "successes are counted");
    is_str(usage_of(webhook), "8|3|0|status|0", "and end a row of errors");
    wh_store_webhook_list_all(&webhooks, store, pool);
    got = APR_ARRAY_IDX(webhooks, 0, wh_webhook_t *);
    ok(got->total_calls == 8 && got->total_errors == 3 &&
           got->consecutive_errors == 0,
       "the webhook shows them");
    is_str(got->last_error, "status", "and the last error");
    webhook = 4711;
    is_int(wh_store_batch(store, count_successes, &webhook), APR_SUCCESS,
           "those of a deleted webhook count nowhere");
}

static void test_outcomes(void)
{
    apr_int32_t webhook = make_webhook();

    test_delivered(webhook);
    test_retry(webhook);
    test_failed(webhook);
    test_returned(webhook);
    test_not_ours(webhook);
    test_usage(webhook);
}

int main(void)
{
    if (!begin()) {
        return 1;
    }
    test_insert();
    test_repeated();
    test_idempotency();
    test_one_batch();
    test_outcomes();
    end();
    return done_testing();
}
