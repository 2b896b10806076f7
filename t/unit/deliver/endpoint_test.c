/* SPDX-License-Identifier: Apache-2.0 */
/* Queues and whose turn it is. */
#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>

#include "deliver/endpoint.h"
#include "deliver/message.h"
#include "unit/tap.h"

static apr_pool_t *pool;
static wh_event_t *event;
static wh_endpoints_t endpoints;
static wh_message_list_t refused;

static void set_state(apr_int32_t id, int state)
{
    wh_webhook_t webhook = {.id = id, .context = "", .state = state};

    wh_endpoints_target(&endpoints, wh_target_create(&webhook), &refused);
}

static void queue(apr_int32_t webhook, apr_int64_t id)
{
    wh_endpoints_queue(&endpoints, wh_delivery_create(event, id, webhook),
                       &refused);
}

/* Starts one transfer: the id of its delivery, 0: none. */
static apr_int64_t start(wh_endpoint_t **endpoint)
{
    wh_delivery_t *delivery;
    apr_int64_t id;

    *endpoint = wh_endpoints_next(&endpoints, &delivery);
    if (!*endpoint) {
        return 0;
    }
    id = delivery->id;
    wh_delivery_destroy(delivery);
    return id;
}

static void finish(wh_endpoint_t *endpoint)
{
    wh_endpoints_done(&endpoints, endpoint);
}

/* Ids that start, each transfer ended at once. */
static const char *run(int most)
{
    const char *ids = "";
    wh_endpoint_t *endpoint;
    apr_int64_t id;
    int i;

    for (i = 0; i < most && (id = start(&endpoint)); i++) {
        ids = apr_psprintf(pool, "%s%s%d", ids, i ? " " : "", (int)id);
        finish(endpoint);
    }
    return ids;
}

/* What was refused, as "id:outcome", and the error. */
static const char *take_refused(void)
{
    wh_message_t *message = refused.first;
    const char *text = "";

    while (message) {
        wh_message_t *next = message->next;
        wh_delivery_t *delivery = (wh_delivery_t *)message;

        text = apr_psprintf(
            pool, "%s%s%d:%s%s%s", text, *text ? " " : "", (int)delivery->id,
            delivery->outcome == WH_OUTCOME_RETURNED ? "returned" : "failed",
            delivery->error ? ":" : "", delivery->error ? delivery->error : "");
        if (message->kind != WH_MESSAGE_OUTCOME) {
            text = "wrong kind of message";
        }
        wh_delivery_destroy(delivery);
        message = next;
    }
    refused.first = refused.last = NULL;
    return text;
}

static void open_endpoints(int limit)
{
    wh_endpoints_init(&endpoints, limit, pool);
}

static void close_endpoints(void)
{
    wh_endpoints_destroy(&endpoints, pool);
    is_int((apr_int64_t)apr_hash_count(endpoints.by_webhook), 0,
           "no endpoint is left");
}

static void test_order(void)
{
    wh_endpoint_t *endpoint;
    int i;

    open_endpoints(1);
    is_int(start(&endpoint), 0, "nothing to do");
    set_state(1, WH_STATE_ACTIVE);
    for (i = 11; i <= 14; i++) {
        queue(1, i);
    }
    is_str(run(10), "11 12 13 14", "first in, first out");
    is_int(start(&endpoint), 0, "nothing is left");
    queue(1, 15);
    is_str(run(10), "15", "it goes on");
    is_str(take_refused(), "", "nothing is refused");
    close_endpoints();
}

static void test_fairness(void)
{
    int i;

    open_endpoints(1);
    for (i = 1; i <= 3; i++) {
        set_state(i, WH_STATE_ACTIVE);
    }
    for (i = 0; i < 4; i++) {
        queue(1, 100 + i);
    }
    queue(2, 200);
    queue(2, 201);
    queue(3, 300);
    is_str(run(10), "100 200 300 101 201 102 103",
           "each in turn, however much one has");
    for (i = 0; i < 1000; i++) {
        queue(1, 1000 + i);
    }
    is_str(run(2), "1000 1001", "one alone has all the turns");
    queue(3, 301);
    is_str(run(3), "1002 301 1003", "another one comes soon");
    wh_endpoints_drain(&endpoints, &refused, pool);
    take_refused();
    close_endpoints();
}

static void test_limit(void)
{
    wh_endpoint_t *first, *second, *third, *other;
    int i;

    open_endpoints(2);
    set_state(1, WH_STATE_ACTIVE);
    set_state(2, WH_STATE_ACTIVE);
    for (i = 0; i < 4; i++) {
        queue(1, 100 + i);
    }
    is_int(start(&first), 100, "one in flight");
    is_int(start(&second), 101, "two in flight");
    is_int(first->in_flight, 2, "are counted");
    is_int(start(&third), 0, "that is the limit");
    queue(2, 200);
    is_int(start(&other), 200, "another endpoint has its own");
    finish(first);
    is_int(start(&first), 102, "one ends, the next begins");
    is_int(start(&third), 0, "and only one");
    finish(second);
    finish(first);
    finish(other);
    is_str(run(10), "103", "the rest");
    close_endpoints();
}

static void test_unknown(void)
{
    open_endpoints(1);
    queue(5, 50);
    is_str(take_refused(), "50:returned", "a webhook that is not known");
    set_state(5, WH_STATE_STOPPED);
    queue(5, 51);
    is_str(take_refused(), "51:returned", "a webhook that is stopped");
    set_state(5, WH_STATE_TOO_MANY_ERRORS);
    queue(5, 52);
    is_str(take_refused(), "52:returned", "one with too many errors");
    set_state(5, WH_STATE_ACTIVE);
    queue(5, 53);
    is_str(run(10), "53", "active again");
    is_str(take_refused(), "", "nothing is refused");
    close_endpoints();
}

static void test_stopped_with_queue(void)
{
    wh_endpoint_t *endpoint;
    int i;

    open_endpoints(1);
    set_state(1, WH_STATE_ACTIVE);
    for (i = 11; i <= 13; i++) {
        queue(1, i);
    }
    is_int(start(&endpoint), 11, "one is in flight");
    set_state(1, WH_STATE_STOPPED);
    is_str(take_refused(), "12:returned 13:returned",
           "stopped: the others go back");
    finish(endpoint);
    is_str(run(10), "", "nothing more is sent");
    set_state(1, WH_STATE_ACTIVE);
    queue(1, 14);
    is_str(run(10), "14", "active again");
    close_endpoints();
}

/* Disabled where nothing is kept for it. */
static void test_discards(void)
{
    wh_webhook_t webhook = {
        .id = 1, .context = "", .state = WH_STATE_TOO_MANY_ERRORS};
    wh_target_t *target = wh_target_create(&webhook);
    wh_endpoint_t *endpoint;

    open_endpoints(1);
    set_state(1, WH_STATE_ACTIVE);
    queue(1, 11);
    queue(1, 12);
    is_int(start(&endpoint), 11, "one is in flight");
    target->discards = 1;
    wh_endpoints_target(&endpoints, target, &refused);
    is_str(take_refused(), "12:failed:webhook disabled",
           "disabled: what waits fails");
    queue(1, 13);
    is_str(take_refused(), "13:failed:webhook disabled",
           "and what comes later");
    finish(endpoint);
    is_str(run(10), "", "nothing more is sent");
    set_state(1, WH_STATE_ACTIVE);
    queue(1, 14);
    is_str(run(10), "14", "active again");
    close_endpoints();
}

static void test_emptied_in_ring(void)
{
    open_endpoints(1);
    set_state(1, WH_STATE_ACTIVE);
    set_state(2, WH_STATE_ACTIVE);
    queue(1, 11);
    queue(2, 21);
    set_state(1, WH_STATE_STOPPED);
    set_state(1, WH_STATE_ACTIVE);
    is_str(take_refused(), "11:returned", "its queue was emptied");
    is_str(run(1), "21", "its turn is passed over");
    queue(1, 12);
    is_str(run(10), "12", "and it has another");
    close_endpoints();
}

static void test_removed(void)
{
    wh_endpoint_t *endpoint;

    open_endpoints(1);
    set_state(1, WH_STATE_ACTIVE);
    queue(1, 11);
    queue(1, 12);
    queue(1, 13);
    is_int(start(&endpoint), 11, "one is in flight");
    wh_endpoints_target(&endpoints, wh_target_create_removed(1), &refused);
    is_str(take_refused(),
           "12:failed:webhook deleted 13:failed:webhook deleted",
           "deleted: the others fail");
    queue(1, 14);
    is_str(take_refused(), "14:failed:webhook deleted",
           "so does what comes while one is in flight");
    is_int((apr_int64_t)apr_hash_count(endpoints.by_webhook), 1,
           "the endpoint stays as long as its transfer");
    finish(endpoint);
    is_int((apr_int64_t)apr_hash_count(endpoints.by_webhook), 0,
           "and goes with it");
    queue(1, 15);
    is_str(take_refused(), "15:returned", "then it is not known");
    set_state(2, WH_STATE_ACTIVE);
    wh_endpoints_target(&endpoints, wh_target_create_removed(2), &refused);
    is_int((apr_int64_t)apr_hash_count(endpoints.by_webhook), 0,
           "one without a transfer goes at once");
    wh_endpoints_target(&endpoints, wh_target_create_removed(3), &refused);
    is_int((apr_int64_t)apr_hash_count(endpoints.by_webhook), 0,
           "one that was never known, too");
    close_endpoints();
}

/* In the ring when it is deleted: it must not be found there later. */
static void test_removed_in_ring(void)
{
    open_endpoints(1);
    set_state(1, WH_STATE_ACTIVE);
    set_state(2, WH_STATE_ACTIVE);
    queue(1, 11);
    queue(2, 21);
    wh_endpoints_target(&endpoints, wh_target_create_removed(1), &refused);
    is_str(take_refused(), "11:failed:webhook deleted", "deleted in the ring");
    is_str(run(10), "21", "its turn is passed over");
    is_int((apr_int64_t)apr_hash_count(endpoints.by_webhook), 1,
           "and it is gone");
    close_endpoints();
}

static void test_drain(void)
{
    wh_endpoint_t *endpoint;

    open_endpoints(1);
    set_state(1, WH_STATE_ACTIVE);
    set_state(2, WH_STATE_ACTIVE);
    queue(1, 11);
    queue(1, 12);
    queue(2, 21);
    is_int(start(&endpoint), 11, "one is in flight");
    wh_endpoints_drain(&endpoints, &refused, pool);
    ok(strlen(take_refused()) == strlen("12:returned 21:returned"),
       "the queues go back");
    finish(endpoint);
    is_str(run(10), "", "nothing is left to send");
    close_endpoints();
}

static void test_new_target(void)
{
    wh_webhook_t webhook = {.id = 1,
                            .context = "",
                            .target_url = "https://new.example/",
                            .state = WH_STATE_ACTIVE};
    wh_endpoint_t *endpoint;

    open_endpoints(1);
    set_state(1, WH_STATE_ACTIVE);
    queue(1, 11);
    queue(1, 12);
    wh_endpoints_target(&endpoints, wh_target_create(&webhook), &refused);
    is_str(take_refused(), "", "a changed webhook keeps its queue");
    is_int(start(&endpoint), 11, "which goes on");
    is_str(endpoint->target->url.text, "https://new.example/",
           "to the new address");
    finish(endpoint);
    is_str(run(10), "12", "in its order");
    close_endpoints();
}

int main(void)
{
    wh_event_t fields = {.name = "a",
                         .context = "",
                         .changes = "[]",
                         .data = "{}",
                         .idempotency = ""};

    apr_initialize();
    apr_pool_create(&pool, NULL);
    event = wh_event_create(&fields);
    test_order();
    test_fairness();
    test_limit();
    test_unknown();
    test_stopped_with_queue();
    test_discards();
    test_emptied_in_ring();
    test_removed();
    test_removed_in_ring();
    test_drain();
    test_new_target();
    is_int(event->references, 1, "no delivery is left");
    wh_event_release(event);
    apr_terminate();
    return done_testing();
}
