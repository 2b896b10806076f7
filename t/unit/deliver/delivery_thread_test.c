/* SPDX-License-Identifier: Apache-2.0 */
/* A delivery thread against a receiver that behaves as its path says. */
#include <apr_general.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <curl/curl.h>
#include <poll.h>
#include <stdlib.h>

#include "deliver/delivery_thread.h"
#include "deliver/message.h"
#include "deliver/outcome.h"
#include "deliver/target.h"
#include "model/event.h"
#include "base/monotonic.h"
#include "policy/address.h"
#include "policy/retry.h"
#include "unit/deliver/threaded_receiver.h"
#include "unit/tap.h"

static apr_pool_t *pool;
static wh_settings_t settings = {.endpoint_concurrency = 4,
                                 .timeout = 30000000,
                                 .connect_timeout = 30000000};
static wh_event_t *event;

/* -- the thread ----------------------------------------------------------- */

static wh_delivery_thread_t *delivery_thread;
static apr_thread_t *thread_handle;
static wh_inbox_t *inbox;     /* the commit thread's */
static wh_message_t *waiting; /* taken, not yet looked at */

static void *APR_THREAD_FUNC run_thread(apr_thread_t *thread, void *data)
{
    (void)thread;
    wh_delivery_thread_run(data);
    return NULL;
}

static void start_thread(int concurrency)
{
    is_int(wh_delivery_thread_create(&delivery_thread, &settings, inbox,
                                     concurrency, -1),
           APR_SUCCESS, "a delivery thread");
    apr_thread_create(&thread_handle, NULL, run_thread, delivery_thread, pool);
}

static void post(wh_message_t *message)
{
    wh_message_list_t list = {NULL, NULL};

    wh_message_list_add(&list, message);
    wh_inbox_post(wh_delivery_thread_inbox(delivery_thread), &list);
}

static void post_target_after(apr_int32_t id, const char *url, int state,
                              int calls)
{
    wh_webhook_t webhook = {.id = id,
                            .context = "",
                            .name = "w",
                            .target_url = url,
                            .total_calls = calls,
                            .state = state};

    post(&wh_target_create(&webhook)->message);
}

/* One that has answered before: all its transfers may begin at once. */
static void post_target(apr_int32_t id, const char *url, int state)
{
    post_target_after(id, url, state, 1);
}

static const char *url_of(const char *path)
{
    return apr_psprintf(pool, "http://127.0.0.1:%d%s", receiver.port, path);
}

static void post_deliveries(apr_int32_t webhook, apr_int64_t first, int count)
{
    int i;

    for (i = 0; i < count; i++) {
        wh_delivery_t *delivery = wh_delivery_create(event, first + i, webhook);

        delivery->message.kind = WH_MESSAGE_DELIVERY;
        delivery->due = 42;
        post(&delivery->message);
    }
}

static void post_stop(apr_interval_time_t time)
{
    wh_stop_t *stop = calloc(1, sizeof(*stop));

    stop->message.kind = WH_MESSAGE_STOP;
    stop->deadline = wh_monotonic_now() + time;
    post(&stop->message);
}

/* The next message to the commit thread; NULL: none came in time. */
static wh_message_t *next_message(void)
{
    struct pollfd wait = {wh_inbox_descriptor(inbox), POLLIN, 0};
    wh_message_t *message;

    if (!waiting && poll(&wait, 1, 60000) == 1) {
        waiting = wh_inbox_take(inbox);
    }
    message = waiting;
    waiting = message ? message->next : NULL;
    return message;
}

static wh_delivery_t *next_outcome(void)
{
    wh_message_t *message = next_message();

    return message && message->kind == WH_MESSAGE_OUTCOME
               ? (wh_delivery_t *)message
               : NULL;
}

/* Counts outcomes of a kind among the next ones. */
static int count_outcomes(int number, wh_outcome_kind_t kind)
{
    int count = 0;

    while (number-- > 0) {
        wh_delivery_t *delivery = next_outcome();

        if (!delivery) {
            return -1;
        }
        count += delivery->outcome == kind;
        wh_delivery_destroy(delivery);
    }
    return count;
}

/* After the last word nothing may come. */
static void end_thread(void)
{
    wh_message_t *message = next_message();
    apr_status_t rv;

    is_int(message ? message->kind : 0, WH_MESSAGE_STOPPED, "the last word");
    apr_thread_join(&rv, thread_handle);
    ok(!waiting && !wh_inbox_take(inbox), "is the last one");
    wh_delivery_thread_destroy(delivery_thread);
}

static void stop_thread(void)
{
    post_stop(PATIENCE);
    end_thread();
}

/* -- tests ---------------------------------------------------------------- */

static void test_never_run(void)
{
    is_int(wh_delivery_thread_create(&delivery_thread, &settings, inbox, 1, -1),
           APR_SUCCESS, "a thread");
    wh_delivery_thread_destroy(delivery_thread);
    ok(1, "that never runs is destroyed");
}

static void test_idle_stop(void)
{
    start_thread(4);
    stop_thread();
}

static void test_delivered(void)
{
    int before = receiver.requests, connections = receiver.connection_count;

    start_thread(8);
    post_target(1, url_of("/ok"), WH_STATE_ACTIVE);
    post_target(2, url_of("/ok"), WH_STATE_ACTIVE);
    post_deliveries(1, 100, 60);
    post_deliveries(2, 200, 60);
    is_int(count_outcomes(120, WH_OUTCOME_DELIVERED), 120, "all arrive");
    is_int(receiver.requests - before, 120, "each once");
    ok(receiver.connection_count - connections <= 8,
       "over no more connections than there may be transfers");
    stop_thread();
}

static void test_outcome_of(const char *path, wh_outcome_kind_t kind,
                            const char *error, int status)
{
    apr_time_t begun = apr_time_now();
    wh_delivery_t *delivery;

    start_thread(4);
    post_target(1, url_of(path), WH_STATE_ACTIVE);
    post_deliveries(1, 100, 1);
    delivery = next_outcome();
    if (!ok(delivery != NULL, "%s: an outcome", path)) {
        return;
    }
    is_int(delivery->id, 100, "of the delivery");
    is_int(delivery->outcome, kind, "%s: its kind", path);
    is_str(delivery->error, error, "%s: its error", path);
    is_int(delivery->status, status, "%s: its status", path);
    is_int(delivery->attempts, 1, "one attempt");
    ok(delivery->started >= begun, "with its time");
    if (kind == WH_OUTCOME_RETRY) {
        ok(delivery->due > delivery->started, "due again");
        is_str(delivery->body, receiver.body, "with the body that was sent");
        is_int(delivery->body_is_new, 1, "to be stored");
    }
    wh_delivery_destroy(delivery);
    stop_thread();
}

/* One delivery, asked three times to come back in two hours by a status that
 * says nothing of the others: it waits so long, its endpoint as its schedule
 * says. */
static void test_asked_alone(void)
{
    const wh_retry_schedule_t *before = settings.retry;
    wh_retry_schedule_t *longer;
    int i;

    wh_retry_parse(&longer, "1s 4s 30s 30s", pool);
    settings.retry = longer;
    start_thread(4);
    post_target(1, url_of("/later"), WH_STATE_ACTIVE);
    for (i = 0; i < 3; i++) {
        wh_delivery_t *delivery = wh_delivery_create(event, 100, 1);

        delivery->message.kind = WH_MESSAGE_DELIVERY;
        delivery->attempts = i;
        post(&delivery->message);
        delivery = next_outcome();
        if (!ok(delivery != NULL, "attempt %d", i)) {
            return;
        }
        is_int(delivery->outcome, WH_OUTCOME_RETRY, "fails");
        ok(delivery->due > delivery->started + apr_time_from_sec(7000),
           "the delivery waits");
        ok(delivery->hold_until < delivery->started + apr_time_from_sec(60),
           "the endpoint does not");
        wh_delivery_destroy(delivery);
    }
    stop_thread();
    settings.retry = before;
}

static void test_outcomes(void)
{
    test_outcome_of("/503", WH_OUTCOME_RETRY, "status", 503);
    test_outcome_of("/reset", WH_OUTCOME_RETRY, "reset", 0);
    settings.timeout = 200000;
    test_outcome_of("/hang", WH_OUTCOME_RETRY, "timeout", 0);
    settings.timeout = 30000000;
}

static void test_refused(void)
{
    wh_delivery_t *delivery;
    int port, fd = listen_somewhere(&port);

    close(fd);
    start_thread(4);
    post_target(1, apr_psprintf(pool, "http://127.0.0.1:%d/", port),
                WH_STATE_ACTIVE);
    post_deliveries(1, 100, 1);
    delivery = next_outcome();
    is_int(delivery->outcome, WH_OUTCOME_RETRY, "nobody listens");
    is_str(delivery->error, "connect", "its error");
    wh_delivery_destroy(delivery);
    stop_thread();
}

static void test_blocked(void)
{
    const wh_address_policy_t *allowing = settings.addresses;
    int connections = receiver.connection_count;
    wh_address_policy_t *strict;
    wh_delivery_t *delivery;

    wh_address_policy_create(&strict, pool);
    settings.addresses = strict;
    start_thread(4);
    post_target(1, url_of("/ok"), WH_STATE_ACTIVE);
    post_deliveries(1, 100, 1);
    delivery = next_outcome();
    is_int(delivery->outcome, WH_OUTCOME_FAILED, "an address not allowed");
    is_str(delivery->error, "address not allowed", "its error");
    wh_delivery_destroy(delivery);
    stop_thread();
    settings.addresses = allowing;
    is_int(receiver.connection_count, connections, "is never dialled");
}

/* A row that was written by hand: libcurl is not even asked. */
static void test_bad_url(void)
{
    static const char *const rows[][2] = {{"http://user@127.0.0.1:", "/"},
                                          {"ftp://127.0.0.1:", "/"},
                                          {" http://127.0.0.1:", "/"},
                                          {"http://127.0.0.1:", "/ x"}};
    int connections = receiver.connection_count, i;

    start_thread(4);
    for (i = 0; i < 4; i++) {
        const char *url =
            apr_psprintf(pool, "%s%d%s", rows[i][0], receiver.port, rows[i][1]);
        wh_delivery_t *delivery;

        post_target(i + 1, url, WH_STATE_ACTIVE);
        post_deliveries(i + 1, 100 + i, 1);
        delivery = next_outcome();
        is_int(delivery->outcome, WH_OUTCOME_FAILED, "no URL: %s", url);
        is_str(delivery->error, "url", "its error");
        is_str(delivery->told, WH_TOLD_REFUSED, "and what users read");
        is_int(delivery->attempts, 1, "one attempt");
        wh_delivery_destroy(delivery);
    }
    stop_thread();
    is_int(receiver.connection_count, connections, "nothing is dialled");
}

/* The receiver closes a connection that rests. A delivery that meets the very
 * moment would be tried again, so the next one waits until it has closed. */
static void test_closed_at_rest(void)
{
    int i, delivered = 0, closed;

    closed = wait_for(&receiver.closed, receiver.connection_count);
    start_thread(4);
    post_target(1, url_of("/close"), WH_STATE_ACTIVE);
    for (i = 0; i < 20; i++) {
        post_deliveries(1, 100 + i, 1);
        delivered += count_outcomes(1, WH_OUTCOME_DELIVERED);
        wait_for(&receiver.closed, closed + i + 1);
    }
    is_int(delivered, 20, "each delivery gets a connection that works");
    stop_thread();
}

static void test_limits(void)
{
    receiver.holding_most = 0;
    release_all(0);
    settings.endpoint_concurrency = 2;
    start_thread(5);
    post_target(1, url_of("/hold"), WH_STATE_ACTIVE);
    post_target(2, url_of("/ok"), WH_STATE_ACTIVE);
    post_deliveries(1, 100, 10);
    is_int(wait_for(&receiver.holding, 2), 2, "an endpoint has its limit");
    post_deliveries(2, 200, 20);
    is_int(count_outcomes(20, WH_OUTCOME_DELIVERED), 20,
           "others go on meanwhile");
    release_all(1);
    is_int(count_outcomes(10, WH_OUTCOME_DELIVERED), 10, "then the rest");
    is_int(receiver.holding_most, 2, "never more at a time");
    stop_thread();
}

static void test_total_limit(void)
{
    int i;

    receiver.holding_most = 0;
    release_all(0);
    start_thread(3);
    for (i = 1; i <= 6; i++) {
        post_target(i, url_of("/hold"), WH_STATE_ACTIVE);
        post_deliveries(i, 100 * i, 2);
    }
    is_int(wait_for(&receiver.holding, 3), 3, "the thread has its limit");
    release_all(1);
    is_int(count_outcomes(12, WH_OUTCOME_DELIVERED), 12, "all arrive");
    is_int(receiver.holding_most, 3, "never more at a time");
    settings.endpoint_concurrency = 4;
    stop_thread();
}

static void test_changes(void)
{
    wh_target_t *gone = wh_target_create_removed(1);
    wh_delivery_t *delivery;

    release_all(0);
    settings.endpoint_concurrency = 1;
    start_thread(4);
    post_deliveries(1, 99, 1);
    is_int(count_outcomes(1, WH_OUTCOME_RETURNED), 1, "not known: given back");
    post_target(1, url_of("/hold"), WH_STATE_ACTIVE);
    post_deliveries(1, 100, 3);
    wait_for(&receiver.holding, 1);
    post_target(1, url_of("/hold"), WH_STATE_STOPPED);
    is_int(count_outcomes(2, WH_OUTCOME_RETURNED), 2,
           "stopped: what waits is given back");
    post(&gone->message);
    post_deliveries(1, 110, 1);
    delivery = next_outcome();
    is_int(delivery->outcome, WH_OUTCOME_FAILED, "deleted: it fails");
    wh_delivery_destroy(delivery);
    release_all(1);
    is_int(count_outcomes(1, WH_OUTCOME_DELIVERED), 1,
           "what was in flight arrives");
    settings.endpoint_concurrency = 4;
    stop_thread();
}

/* Told to stop with work left: what is in flight may end. */
static void test_stop_in_time(void)
{
    wh_delivery_t *delivery;

    release_all(0);
    settings.endpoint_concurrency = 1;
    start_thread(4);
    post_target(1, url_of("/hold"), WH_STATE_ACTIVE);
    post_deliveries(1, 100, 4);
    wait_for(&receiver.holding, 1);
    post_stop(PATIENCE);
    post_deliveries(1, 110, 2);
    is_int(count_outcomes(5, WH_OUTCOME_RETURNED), 5,
           "what waits or comes late is given back");
    release_all(1);
    delivery = next_outcome();
    is_int(delivery->id, 100, "what was in flight");
    is_int(delivery->outcome, WH_OUTCOME_DELIVERED, "arrives");
    wh_delivery_destroy(delivery);
    settings.endpoint_concurrency = 4;
    end_thread();
}

static void test_stop_deadline(void)
{
    int before = receiver.requests, i, untouched = 0;
    apr_time_t begun;

    start_thread(4);
    post_target(1, url_of("/hang"), WH_STATE_ACTIVE);
    post_deliveries(1, 100, 3);
    wait_for(&receiver.requests, before + 3);
    begun = apr_time_now();
    post_stop(apr_time_from_msec(100));
    for (i = 0; i < 3; i++) {
        wh_delivery_t *delivery = next_outcome();

        untouched += delivery && delivery->outcome == WH_OUTCOME_RETURNED &&
                     delivery->attempts == 0 && delivery->due == 42 &&
                     delivery->body && delivery->body_is_new &&
                     delivery->started >= begun - apr_time_from_sec(60) &&
                     delivery->duration > 0 &&
                     !strcmp(delivery->error, "stopped");
        if (delivery) {
            wh_delivery_destroy(delivery);
        }
    }
    is_int(untouched, 3,
           "at the deadline all go back as they were, with the bytes that were "
           "sent, "
           "and what is known of the attempt");
    ok(apr_time_now() - begun >= apr_time_from_msec(100), "not before");
    ok(apr_time_now() - begun < apr_time_from_sec(20),
       "and without waiting for the receiver");
    end_thread();
}

/* Disabled while it is in flight: no attempt follows. */
static void test_discards(void)
{
    int before = receiver.requests;
    wh_webhook_t webhook = {.id = 1,
                            .context = "",
                            .target_url = url_of("/hang"),
                            .state = WH_STATE_TOO_MANY_ERRORS};
    wh_target_t *target = wh_target_create(&webhook);

    start_thread(4);
    post_target(1, url_of("/hang"), WH_STATE_ACTIVE);
    post_deliveries(1, 100, 2);
    wait_for(&receiver.requests, before + 2);
    target->discards = 1;
    post(&target->message);
    post_stop(0);
    is_int(count_outcomes(2, WH_OUTCOME_FAILED), 2,
           "what is in flight to a disabled webhook fails");
    end_thread();
}

/* A row written by hand. The handle that served another webhook before has that
 * one's URL in it still: nobody may be called. */
static void test_wrong_options(void)
{
    wh_webhook_t webhook = {.id = 2,
                            .context = "",
                            .name = "w",
                            .target_url = url_of("/ok"),
                            .properties =
                                "{\"mod_webhook\": {\"MinTLS\": \"9\"}}",
                            .state = WH_STATE_ACTIVE};
    wh_delivery_t *delivery;
    int before;

    start_thread(4);
    post_target(1, url_of("/ok"), WH_STATE_ACTIVE);
    post_deliveries(1, 100, 1);
    is_int(count_outcomes(1, WH_OUTCOME_DELIVERED), 1, "one is called");
    before = receiver.requests;
    post(&wh_target_create(&webhook)->message);
    post_deliveries(2, 200, 1);
    delivery = next_outcome();
    is_str(delivery->error, "configuration", "the other's options are wrong");
    is_int(delivery->outcome, WH_OUTCOME_RETRY, "... which may be mended");
    is_str(delivery->address, "", "... no address is dialled");
    wh_delivery_destroy(delivery);
    is_int(receiver.requests, before, "... nobody is called");
    post_stop(0);
    end_thread();
}

/* A slow body is no reason to wait for the next delivery's turn. */
static void test_hanging_beside_healthy(void)
{
    int before = receiver.requests;

    start_thread(8);
    post_target(1, url_of("/hang"), WH_STATE_ACTIVE);
    post_target(2, url_of("/ok"), WH_STATE_ACTIVE);
    post_deliveries(1, 100, 50);
    wait_for(&receiver.requests, before + 4);
    post_deliveries(2, 200, 100);
    is_int(count_outcomes(100, WH_OUTCOME_DELIVERED), 100,
           "a hanging endpoint holds nobody up");
    post_stop(0);
    is_int(count_outcomes(50, WH_OUTCOME_RETURNED), 50, "and is given back");
    end_thread();
}

/* So many that nobody has called yet begin one after the other, two at a time
 * and then one each three milliseconds. */
static void test_unproven(void)
{
    enum { COUNT = 60 };
    apr_time_t first = APR_INT64_MAX, last = 0;
    int i, delivered = 0;

    start_thread(2 * COUNT);
    for (i = 1; i <= COUNT; i++) {
        post_target_after(i, url_of("/close"), WH_STATE_ACTIVE, 0);
        post_deliveries(i, 100 + i, 1);
    }
    for (i = 0; i < COUNT; i++) {
        wh_delivery_t *delivery = next_outcome();

        if (!delivery) {
            break;
        }
        delivered += delivery->outcome == WH_OUTCOME_DELIVERED;
        first = delivery->started < first ? delivery->started : first;
        last = delivery->started > last ? delivery->started : last;
        wh_delivery_destroy(delivery);
    }
    is_int(delivered, COUNT, "all of a crowd of new endpoints have their turn");
    ok(last - first >= apr_time_from_msec(3 * (COUNT - 2)), "but not at once");
    stop_thread();
}

static void prepare(void)
{
    wh_event_t fields = {.uuid = "8f4a1c52-6d0b-4c39-9a53-0b7a3c1d2e4f",
                         .name = "window.closed",
                         .context = "",
                         .changes = "[]",
                         .data = "{}",
                         .idempotency = ""};
    wh_retry_schedule_t *schedule;
    wh_address_policy_t *policy;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    curl_global_init(CURL_GLOBAL_ALL);
    wh_retry_parse(&schedule, "1s 4s", pool);
    wh_address_policy_create(&policy, pool);
    wh_address_policy_allow(policy, "127.0.0.1");
    settings.retry = schedule;
    settings.addresses = policy;
    wh_inbox_create(&inbox, pool);
    event = wh_event_create(&fields);
    open_receiver(pool);
}

int main(void)
{
    prepare();
    test_never_run();
    test_idle_stop();
    test_delivered();
    test_outcomes();
    test_asked_alone();
    test_refused();
    test_blocked();
    test_bad_url();
    test_closed_at_rest();
    test_limits();
    test_total_limit();
    test_changes();
    test_stop_in_time();
    test_stop_deadline();
    test_discards();
    test_wrong_options();
    test_hanging_beside_healthy();
    test_unproven();
    close_receiver();
    is_int(event->references, 1, "no delivery is left");
    wh_event_release(event);
    curl_global_cleanup();
    apr_terminate();
    return done_testing();
}
