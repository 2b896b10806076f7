/* SPDX-License-Identifier: Apache-2.0 */
/* Queues and whose turn it is. */
#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "deliver/endpoint.h"
#include "deliver/message.h"
#include "unit/tap.h"

#define NOW apr_time_from_sec(1000000)

static apr_pool_t *pool;
static wh_event_t *event;
static wh_endpoints_t endpoints;
static wh_message_list_t refused;
static wh_settings_t settings = {.endpoint_window = 1000};
static wh_endpoint_room_t room;

/* Room for those that answer, and for others or not. */
static void set_room(int others, int crowded)
{
    room.standing[WH_STANDING_GOOD] = 1;
    room.standing[WH_STANDING_NEW] = room.standing[WH_STANDING_FAILING] =
        others;
    room.crowded = crowded;
}

/* One that has answered before, so that its limit is all there is. */
static void set_state(apr_int32_t id, int state)
{
    wh_webhook_t webhook = {
        .id = id, .context = "", .total_calls = 1, .state = state};

    wh_endpoints_target(&endpoints, wh_target_create(&webhook), &refused);
}

static void add_new(apr_int32_t id)
{
    wh_webhook_t webhook = {.id = id, .context = "", .state = WH_STATE_ACTIVE};

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

    *endpoint = wh_endpoints_next(&endpoints, &room, &delivery);
    if (!*endpoint) {
        return 0;
    }
    id = delivery->id;
    wh_delivery_destroy(delivery);
    return id;
}

static void finish(wh_endpoint_t *endpoint)
{
    wh_endpoints_done(&endpoints, endpoint, endpoint->receiver);
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
    wh_retry_schedule_t *schedule;

    wh_retry_parse(&schedule, "1s 4s 30s 5m", pool);
    settings.endpoint_concurrency = limit;
    settings.max_rate = 0;
    settings.retry = schedule;
    set_room(1, 0);
    wh_endpoints_init(&endpoints, &settings, pool);
    wh_endpoints_wake(&endpoints, NOW);
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

/* The end of an attempt; a failure's delivery is due at once. */
static void end(wh_endpoint_t *endpoint, int success, apr_interval_time_t pause)
{
    wh_health_failure_t failure = {
        .started = endpoints.now, .attempts = 1, .pause = pause};

    wh_endpoints_learn(&endpoints, endpoint, success ? NULL : &failure,
                       0x80000000, &refused);
    wh_endpoints_done(&endpoints, endpoint, endpoint->receiver);
}

static void fail_times(int times)
{
    wh_endpoint_t *endpoint;

    for (; times > 0; times--) {
        start(&endpoint);
        end(endpoint, 0, 0);
    }
}

static void test_cooling(void)
{
    wh_delivery_t *said;
    wh_endpoint_t *endpoint;
    int i;

    open_endpoints(4);
    set_state(1, WH_STATE_ACTIVE);
    for (i = 11; i <= 16; i++) {
        queue(1, i);
    }
    fail_times(3);
    is_str(take_refused(), "14:returned 15:returned 16:returned",
           "three failures: what waits goes back");
    queue(1, 17);
    is_str(take_refused(), "17:returned", "and what comes before its time");
    wh_endpoints_wake(&endpoints, NOW + apr_time_from_sec(29));
    queue(1, 17);
    is_int(start(&endpoint), 0, "nothing is tried");
    is_int(wh_endpoints_next_wake(&endpoints), NOW + apr_time_from_sec(30),
           "before that");
    wh_endpoints_wake(&endpoints, NOW + apr_time_from_sec(30) - 1);
    is_int(start(&endpoint), 0, "... to the microsecond");
    wh_endpoints_wake(&endpoints, NOW + apr_time_from_sec(30));
    queue(1, 18);
    is_int(start(&endpoint), 17, "then one");
    said = wh_delivery_create(event, 1, 1);
    wh_endpoints_say(&endpoints, endpoint, said);
    is_int(said->room, 1, "... which is all that memory should hold");
    wh_delivery_destroy(said);
    ok(start(&(wh_endpoint_t *){NULL}) == 0, "... and no other beside it");
    end(endpoint, 1, 0);
    is_int(start(&endpoint), 18, "a success: the next one at once");
    end(endpoint, 1, 0);
    queue(1, 19);
    queue(1, 20);
    is_int(start(&endpoint), 19, "... and one more");
    end(endpoint, 1, 0);
    is_int(start(&endpoint), 0, "... but not one right after the other");
    is_int(wh_endpoints_next_wake(&endpoints),
           NOW + apr_time_from_sec(30) + apr_time_from_msec(100),
           "... ten a second");
    wh_endpoints_drain(&endpoints, &refused, pool);
    take_refused();
    close_endpoints();
}

static void test_pause(void)
{
    wh_endpoint_t *endpoint;

    open_endpoints(4);
    set_state(1, WH_STATE_ACTIVE);
    queue(1, 11);
    queue(1, 12);
    start(&endpoint);
    end(endpoint, 0, apr_time_from_sec(60));
    is_str(take_refused(), "12:returned", "a pause is asked for: all wait");
    wh_endpoints_wake(&endpoints, NOW + apr_time_from_sec(59));
    queue(1, 13);
    is_int(start(&endpoint), 0, "so long");
    wh_endpoints_wake(&endpoints, NOW + apr_time_from_sec(60));
    is_int(start(&endpoint), 13, "and no longer");
    end(endpoint, 1, 0);
    close_endpoints();
}

/* What kept an endpoint waiting is over when its webhook is changed. */
static void test_mended(void)
{
    wh_webhook_t webhook = {.id = 1,
                            .context = "",
                            .properties =
                                "{\"mod_webhook\": {\"MaxRate\": 0.01}}",
                            .total_calls = 1,
                            .state = WH_STATE_ACTIVE};
    wh_endpoint_t *endpoint;

    open_endpoints(4);
    wh_endpoints_target(&endpoints, wh_target_create(&webhook), &refused);
    queue(1, 11);
    queue(1, 12);
    is_int(start(&endpoint), 11, "one in a hundred seconds");
    end(endpoint, 1, 0);
    is_int(start(&endpoint), 0, "the next one waits");
    webhook.properties = NULL;
    wh_endpoints_target(&endpoints, wh_target_create(&webhook), &refused);
    is_int(start(&endpoint), 12, "... until the webhook is changed");
    end(endpoint, 1, 0);
    close_endpoints();
}

/* One that was slow for once does not wait among those that hang. */
static void test_quick_again(void)
{
    wh_endpoint_t *endpoint, *other;

    open_endpoints(8);
    set_state(1, WH_STATE_ACTIVE);
    queue(1, 11);
    queue(1, 12);
    is_int(start(&endpoint), 11, "one is under way");
    endpoint->slow++;
    queue(1, 13);
    end(endpoint, 1, 0);
    endpoint->in_flight++;
    endpoint->slow--;
    wh_endpoints_done(&endpoints, endpoint, endpoint->receiver);
    set_room(0, 0);
    is_int(start(&other), 12, "its turn is that of those that answer");
    end(other, 1, 0);
    is_str(run(10), "13", "the rest");
    close_endpoints();
}

static void test_rate(void)
{
    wh_webhook_t webhook = {.id = 1,
                            .context = "",
                            .properties = "{\"mod_webhook\": {\"MaxRate\": 2}}",
                            .total_calls = 1,
                            .state = WH_STATE_ACTIVE};
    int i, started = 0;

    open_endpoints(4);
    wh_endpoints_target(&endpoints, wh_target_create(&webhook), &refused);
    for (i = 0; i < 100; i++) {
        queue(1, 100 + i);
    }
    for (i = 0; i <= 100; i++) {
        wh_endpoint_t *endpoint;

        wh_endpoints_wake(&endpoints, NOW + apr_time_from_msec(100 * i));
        while (start(&endpoint)) {
            end(endpoint, 1, 0);
            started++;
        }
    }
    is_int(started, 21, "two a second for ten seconds, and one at the start");
    wh_endpoints_wake(&endpoints, NOW - apr_time_from_sec(3600));
    ok(wh_endpoints_next_wake(&endpoints) <=
           NOW - apr_time_from_sec(3600) + apr_time_from_msec(500),
       "the clock is set back: nothing waits longer for that");
    wh_endpoints_drain(&endpoints, &refused, pool);
    take_refused();
    close_endpoints();
}

/* Those that answer do not wait for those that do not. */
static void test_standing(void)
{
    wh_webhook_t known = {
        .id = 1, .context = "", .total_calls = 5, .state = WH_STATE_ACTIVE};
    wh_endpoint_t *endpoint, *other;

    open_endpoints(8);
    wh_endpoints_target(&endpoints, wh_target_create(&known), &refused);
    add_new(2);
    queue(2, 21);
    queue(1, 11);
    queue(1, 12);
    queue(1, 13);
    is_int(start(&endpoint), 11, "the one that answers is first");
    set_room(0, 0);
    is_int(start(&other), 12, "others have no room");
    set_room(0, 1);
    is_int(start(&other), 0, "a crowd: a quarter of its limit each");
    set_room(1, 0);
    endpoint->slow++;
    is_int(start(&other), 21, "there is room again");
    end(other, 1, 0);
    wh_endpoints_done(&endpoints, endpoint, endpoint->receiver);
    set_room(0, 0);
    is_int(start(&other), 0, "a slow one is like one that is not known");
    endpoint->slow--;
    wh_endpoints_done(&endpoints, endpoint, endpoint->receiver);
    set_room(1, 0);
    is_str(run(10), "13", "the rest");
    close_endpoints();
}

/* A probe's turn comes although others are always ready. */
static void test_turns(void)
{
    wh_webhook_t known = {
        .id = 1, .context = "", .total_calls = 5, .state = WH_STATE_ACTIVE};
    int i;

    open_endpoints(8);
    wh_endpoints_target(&endpoints, wh_target_create(&known), &refused);
    add_new(2);
    for (i = 0; i < 20; i++) {
        queue(1, 100 + i);
    }
    queue(2, 21);
    ok(strstr(run(8), "21") != NULL, "one turn of eight is theirs");
    wh_endpoints_drain(&endpoints, &refused, pool);
    take_refused();
    close_endpoints();
}

/* An endpoint with a name that is not known is nobody's business; one with an
 * address has its turn. */
static void test_names(void)
{
    wh_webhook_t named = {.id = 1,
                          .context = "",
                          .target_url = "http://a.test/",
                          .state = WH_STATE_ACTIVE};
    wh_webhook_t literal = {.id = 2,
                            .context = "",
                            .target_url = "http://127.0.0.1/",
                            .state = WH_STATE_ACTIVE};
    wh_name_user_t *lookup;
    wh_names_t names;
    int pair[2];

    open_endpoints(8);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0) {
        abort();
    }
    wh_names_init(&names, pair[0], 4, apr_time_from_sec(5), wh_endpoints_named,
                  &endpoints, pool);
    endpoints.names = &names;
    wh_endpoints_target(&endpoints, wh_target_create(&named), &refused);
    wh_endpoints_target(&endpoints, wh_target_create(&literal), &refused);
    queue(1, 11);
    queue(2, 12);
    is_str(run(10), "12", "whoever waits for a name has no turn");
    is_int(wh_endpoints_ready(&endpoints), 0, "... and is in nobody's way");
    queue(1, 13);
    is_str(run(10), "", "... whatever comes for it");
    /* The keeper is gone: what is not known is looked up elsewhere. */
    close(pair[1]);
    wh_names_read(&names, NOW);
    is_str(run(10), "11 13", "then nothing of it is lost");

    set_state(1, WH_STATE_STOPPED);
    lookup = &((wh_endpoint_t *)apr_hash_get(endpoints.by_webhook, &named.id,
                                             sizeof(named.id)))
                  ->lookup;
    ok(!lookup->names[0], "nobody looks up what is not called");
    close_endpoints();
    wh_names_destroy(&names);
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
    test_cooling();
    test_pause();
    test_mended();
    test_quick_again();
    test_rate();
    test_standing();
    test_turns();
    test_names();
    is_int(event->references, 1, "no delivery is left");
    wh_event_release(event);
    apr_terminate();
    return done_testing();
}
