/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of deliveries against a model of it: a million random steps of
 * signals, claims, attempts, failures, pauses, changes of webhooks, clocks that
 * jump and crashes. The schedule, the endpoints, their health and the rules of
 * order are the real ones; the database and the receivers are the model.
 *
 * WEBHOOK_MODEL_STEPS and WEBHOOK_MODEL_SEED repeat a run.
 */
#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>

#include "deliver/endpoint.h"
#include "deliver/message.h"
#include "dispatcher/schedule.h"
#include "policy/order.h"
#include "store/delivery_store.h"
#include "unit/tap.h"

#define NODE 1
#define WEBHOOKS 6
#define PENDING_MAX 400
#define PENDING_EACH 60
#define IN_FLIGHT_MAX 64

#ifdef __SANITIZE_ADDRESS__
#define STEPS 100000
#else
#define STEPS 1000000
#endif

typedef struct row_t {
    apr_int64_t id;
    apr_int32_t webhook;
    apr_int64_t key;
    apr_int64_t owner;
    apr_time_t due;
    int attempts;
} row_t;

static apr_pool_t *pool, *life;
static wh_settings_t settings = {
    .window = 120, .endpoint_window = 40, .endpoint_concurrency = 4};
static wh_webhook_t webhooks[WEBHOOKS];
static wh_schedule_t schedule;
static wh_endpoints_t endpoints;
static wh_inbox_t *inbox;
static wh_message_list_t outcomes;
static wh_event_t *event;

static row_t rows[PENDING_MAX]; /* what has not ended, by id */
static int row_count;
static apr_int64_t last_id;
static apr_time_t now = APR_INT64_C(1790000000000000);
static apr_time_t latest; /* the clock goes back now and then */
static apr_uint32_t dice;

static struct {
    wh_endpoint_t *endpoint;
    wh_delivery_t *delivery;
    apr_time_t started;
    apr_uint32_t receiver;
} flights[IN_FLIGHT_MAX];
static int flight_count;

static int delivered, failed, crashes, wrong;
static const char *complaint = "";

/* The first thing that is wrong, and how many there are. */
static void check(int holds, const char *what)
{
    if (!holds && !wrong++) {
        complaint = what;
    }
}

static apr_uint32_t roll(apr_uint32_t sides)
{
    dice ^= dice << 13;
    dice ^= dice >> 17;
    dice ^= dice << 5;
    return dice % sides;
}

/* ---- the database ---- */

static row_t *find_row(apr_int64_t id)
{
    int i;

    for (i = 0; i < row_count; i++) {
        if (rows[i].id == id) {
            return &rows[i];
        }
    }
    return NULL;
}

/* The first one of a key that has not ended. */
static row_t *first_of_key(apr_int32_t webhook, apr_int64_t key)
{
    int i;

    for (i = 0; i < row_count; i++) {
        if (rows[i].webhook == webhook && rows[i].key == key) {
            return &rows[i];
        }
    }
    return NULL;
}

/* 1: another one may follow. */
static int end_row(row_t *row)
{
    apr_int32_t webhook = row->webhook;
    apr_int64_t key = row->key;
    int at = (int)(row - rows);

    memmove(row, row + 1, (size_t)(row_count - at - 1) * sizeof(*row));
    row_count--;
    row = key ? first_of_key(webhook, key) : NULL;
    if (row && row->owner == WH_OWNER_BLOCKED) {
        row->owner = 0;
        return 1;
    }
    return 0;
}

/* ---- the commit thread ---- */

static void sync_webhooks(void)
{
    apr_array_header_t *all =
        apr_array_make(life, WEBHOOKS, sizeof(wh_webhook_t *));
    int i;

    for (i = 0; i < WEBHOOKS; i++) {
        APR_ARRAY_PUSH(all, wh_webhook_t *) = &webhooks[i];
    }
    check(wh_schedule_sync(&schedule, all) == APR_SUCCESS, "a sync fails");
}

static wh_delivery_t *make_delivery(const row_t *row)
{
    wh_delivery_t *delivery = wh_delivery_create(event, row->id, row->webhook);

    delivery->attempts = row->attempts;
    delivery->due = row->due;
    delivery->order_key = row->key;
    return delivery;
}

static int pending_of(apr_int32_t webhook)
{
    int i, count = 0;

    for (i = 0; i < row_count; i++) {
        count += rows[i].webhook == webhook;
    }
    return count;
}

static void signal_one(void)
{
    static const char *const names[] = {"sale.changed", "contact.changed"};
    wh_webhook_t *webhook = &webhooks[roll(WEBHOOKS)];
    wh_schedule_entry_t *entry = wh_schedule_entry(&schedule, webhook->id);
    row_t *row = &rows[row_count];
    int reserved;

    if (pending_of(webhook->id) >= PENDING_EACH ||
        webhook->state == WH_STATE_STOPPED) {
        return;
    }
    reserved = wh_schedule_reserve(&schedule, entry, now);
    *row = (row_t){.id = ++last_id,
                   .webhook = webhook->id,
                   .key = wh_order_key(entry->ordering, names[roll(2)],
                                       (apr_int32_t)roll(3)),
                   .owner = reserved ? NODE : 0,
                   .due = now};
    if (row->key && first_of_key(row->webhook, row->key)) {
        row->owner = WH_OWNER_BLOCKED;
    }
    row_count++;
    if (reserved && row->owner == NODE) {
        wh_schedule_dispatch(&schedule, entry, make_delivery(row));
    }
    else if (reserved) {
        wh_schedule_unreserve(&schedule, entry);
    }
    else if (row->owner == 0) {
        wh_schedule_waiting(&schedule, entry, now);
    }
}

/* Oldest first, as the statement has it. */
static row_t *next_due_row(apr_int32_t webhook)
{
    row_t *found = NULL;
    int i;

    for (i = 0; i < row_count; i++) {
        if (rows[i].webhook == webhook && rows[i].owner == 0 &&
            (!found || rows[i].due < found->due)) {
            found = &rows[i];
        }
    }
    return found;
}

static void claim_entry(wh_schedule_entry_t *entry)
{
    int room = wh_schedule_room(&schedule, entry, now);
    row_t *row = NULL;

    for (; room > 0; room--) {
        row = next_due_row(entry->webhook_id);
        if (!row || row->due > now) {
            break;
        }
        row->owner = NODE;
        entry->in_memory++;
        schedule.in_memory++;
        wh_schedule_dispatch(&schedule, entry, make_delivery(row));
    }
    row = next_due_row(entry->webhook_id);
    entry->next_due = row ? row->due : WH_NEVER;
}

static void claim(void)
{
    int i;

    if (schedule.wake > now) {
        return;
    }
    schedule.wake = WH_NEVER;
    for (i = 0; i < WEBHOOKS; i++) {
        wh_schedule_entry_t *entry = wh_schedule_entry(&schedule, i + 1);

        if (entry->active && entry->next_due < WH_NEVER) {
            claim_entry(entry);
            if (wh_schedule_due(entry) < schedule.wake &&
                entry->next_due < WH_NEVER) {
                schedule.wake = wh_schedule_due(entry);
            }
        }
    }
}

static void record(wh_delivery_t *delivery)
{
    row_t *row = find_row(delivery->id);

    check(row && row->owner == NODE, "an outcome of what is not in memory");
    if (!row) {
        return;
    }
    switch (delivery->outcome) {
    case WH_OUTCOME_RETRY:
        row->attempts = delivery->attempts;
        row->due = delivery->due;
        row->owner = 0;
        break;
    case WH_OUTCOME_RETURNED:
        check(row->attempts == delivery->attempts, "a return cost an attempt");
        row->owner = 0;
        break;
    default:
        delivered += delivery->outcome == WH_OUTCOME_DELIVERED;
        failed += delivery->outcome == WH_OUTCOME_FAILED;
        delivery->has_followed = end_row(row);
    }
}

static void commit_outcomes(void)
{
    wh_message_t *message = outcomes.first;

    outcomes.first = outcomes.last = NULL;
    while (message) {
        wh_message_t *next = message->next;
        wh_delivery_t *delivery = (wh_delivery_t *)message;

        record(delivery);
        wh_schedule_left(&schedule, delivery);
        wh_delivery_destroy(delivery);
        message = next;
    }
}

/* ---- the delivery thread ---- */

static void read_inbox(void)
{
    wh_message_t *message;

    wh_schedule_flush(&schedule);
    message = wh_inbox_take(inbox);
    while (message) {
        wh_message_t *next = message->next;

        if (message->kind == WH_MESSAGE_TARGET) {
            wh_endpoints_target(&endpoints, (wh_target_t *)message, &outcomes);
        }
        else {
            wh_endpoints_queue(&endpoints, (wh_delivery_t *)message, &outcomes);
        }
        message = next;
    }
}

static void check_start(const wh_endpoint_t *endpoint,
                        const wh_delivery_t *delivery)
{
    const row_t *row = find_row(delivery->id);
    int i, others = 0;

    check(row && row->owner == NODE, "something starts that is not in memory");
    if (!row) {
        return;
    }
    check(row->due <= latest, "a retry comes too early");
    check(endpoint->target->active, "a webhook that is not active");
    check(endpoint->health.until <= now, "an endpoint that has to rest");
    check(endpoint->in_flight <= settings.endpoint_concurrency &&
              endpoint->in_flight + endpoint->earlier <=
                  2 * settings.endpoint_concurrency,
          "more transfers than an endpoint may have");
    check(!row->key || row == first_of_key(row->webhook, row->key),
          "somebody passes one of the same order key");
    for (i = 0; i < flight_count; i++) {
        const wh_delivery_t *other = flights[i].delivery;

        check(other->id != delivery->id, "a delivery is under way twice");
        others += flights[i].endpoint == endpoint &&
                  flights[i].receiver == endpoint->receiver &&
                  flights[i].started >= endpoint->health.since;
    }
    check(endpoint->health.state != WH_HEALTH_COOLING || others == 0,
          "two probes at one time");
}

static void start_some(int most)
{
    wh_endpoint_room_t room = {.standing = {1, roll(2), roll(2)},
                               .crowded = (int)roll(2)};
    wh_endpoint_t *endpoint;
    wh_delivery_t *delivery;

    if (most > 1) {
        room = (wh_endpoint_room_t){.standing = {1, 1, 1}};
    }
    wh_endpoints_wake(&endpoints, now);
    while (most-- > 0 && flight_count < IN_FLIGHT_MAX &&
           (endpoint = wh_endpoints_next(&endpoints, &room, &delivery))) {
        check_start(endpoint, delivery);
        flights[flight_count].endpoint = endpoint;
        flights[flight_count].delivery = delivery;
        flights[flight_count].receiver = endpoint->receiver;
        flights[flight_count++].started = now;
    }
}

/* What an attempt comes to. */
static void decide(wh_delivery_t *delivery, int success)
{
    delivery->message.kind = WH_MESSAGE_OUTCOME;
    if (!success && roll(50) == 0) {
        delivery->outcome = WH_OUTCOME_RETURNED;
        return;
    }
    delivery->attempts++;
    delivery->outcome = WH_OUTCOME_DELIVERED;
    if (!success) {
        delivery->outcome =
            wh_retry_next(&delivery->due, settings.retry, delivery->attempts, 0,
                          now, roll(0xffffffff)) == APR_SUCCESS
                ? WH_OUTCOME_RETRY
                : WH_OUTCOME_FAILED;
    }
}

static void finish_one(int always)
{
    int at = flight_count ? (int)roll((apr_uint32_t)flight_count) : 0;
    wh_delivery_t *delivery = flights[at].delivery;
    wh_endpoint_t *endpoint = flights[at].endpoint;
    wh_health_failure_t failure = {.started = flights[at].started};
    apr_uint32_t receiver = flights[at].receiver;

    if (flight_count == 0) {
        return;
    }
    /* Some receivers fail more often than others. */
    decide(delivery, always || roll(8) > (apr_uint32_t)delivery->webhook_id);
    if (delivery->outcome == WH_OUTCOME_RETRY) {
        failure.due = delivery->due;
    }
    failure.attempts = delivery->attempts;
    failure.pause = roll(20) ? 0 : apr_time_from_sec(1 + roll(100));
    flights[at] = flights[--flight_count];
    if (delivery->outcome != WH_OUTCOME_RETURNED &&
        receiver == endpoint->receiver) {
        wh_endpoints_learn(&endpoints, endpoint,
                           delivery->outcome == WH_OUTCOME_DELIVERED ? NULL
                                                                     : &failure,
                           roll(0xffffffff), &outcomes);
    }
    wh_endpoints_say(&endpoints, endpoint, delivery);
    wh_message_list_add(&outcomes, &delivery->message);
    wh_endpoints_done(&endpoints, endpoint, receiver);
}

/* ---- the world ---- */

static void open_life(void)
{
    apr_pool_create(&life, pool);
    wh_inbox_create(&inbox, life);
    wh_schedule_init(&schedule, &settings, &inbox, 1, life);
    wh_endpoints_init(&endpoints, &settings, life);
    wh_endpoints_wake(&endpoints, now);
    sync_webhooks();
}

static void close_life(void)
{
    wh_message_list_t lost = {NULL, NULL};
    wh_message_t *message;

    read_inbox();
    wh_endpoints_drain(&endpoints, &lost, life);
    while (flight_count > 0) {
        wh_delivery_destroy(flights[--flight_count].delivery);
    }
    for (message = lost.first; message;) {
        wh_message_t *next = message->next;

        wh_delivery_destroy((wh_delivery_t *)message);
        message = next;
    }
    for (message = outcomes.first; message;) {
        wh_message_t *next = message->next;

        wh_delivery_destroy((wh_delivery_t *)message);
        message = next;
    }
    outcomes.first = outcomes.last = NULL;
    wh_endpoints_destroy(&endpoints, life);
    wh_schedule_destroy(&schedule);
    apr_pool_destroy(life);
}

/* All that was in memory is free again, as the next node finds it. */
static void crash(void)
{
    int i;

    close_life();
    for (i = 0; i < row_count; i++) {
        if (rows[i].owner == NODE) {
            rows[i].owner = 0;
        }
    }
    crashes++;
    open_life();
}

static void change_webhook(void)
{
    wh_webhook_t *webhook = &webhooks[roll(WEBHOOKS)];

    switch (roll(12)) {
    case 0:
        webhook->name = webhook->name[0] == 'a' ? "b" : "a";
        break;
    default:
        webhook->state = WH_STATE_ACTIVE;
        break;
    case 1:
        webhook->state = roll(2) ? WH_STATE_STOPPED : WH_STATE_TOO_MANY_ERRORS;
    }
    sync_webhooks();
}

static void pass_time(void)
{
    switch (roll(200)) {
    case 0:
        now += apr_time_from_sec(3600 * (1 + (apr_time_t)roll(72)));
        break;
    case 1:
        now -= apr_time_from_sec(roll(7200));
        break;
    default:
        now += roll(2000000);
    }
    latest = now > latest ? now : latest;
}

static void check_counts(void)
{
    int held[WEBHOOKS + 1] = {0}, all = 0, i;

    for (i = 0; i < row_count; i++) {
        held[rows[i].webhook] += rows[i].owner == NODE;
        all += rows[i].owner == NODE;
        check((rows[i].owner == WH_OWNER_BLOCKED) ==
                  (rows[i].key &&
                   first_of_key(rows[i].webhook, rows[i].key) != &rows[i]),
              "the first of a key is free, the others are blocked");
    }
    check(schedule.in_memory == all, "what is in memory is counted");
    check(all <= settings.window, "no more than the window is in memory");
    for (i = 1; i <= WEBHOOKS; i++) {
        check(wh_schedule_entry(&schedule, i)->in_memory == held[i],
              "... for each webhook");
    }
}

static void step(void)
{
    switch (roll(16)) {
    case 0:
    case 1:
    case 2:
        signal_one();
        break;
    case 3:
    case 4:
        read_inbox();
        break;
    case 5:
    case 6:
    case 7:
        start_some(1);
        break;
    case 8:
    case 9:
    case 10:
        finish_one(0);
        break;
    case 11:
        commit_outcomes();
        break;
    case 12:
        claim();
        break;
    case 13:
    case 14:
        pass_time();
        break;
    default:
        if (roll(40) == 0) {
            change_webhook();
        }
        else if (roll(400) == 0) {
            crash();
        }
    }
}

/* Everybody answers from now on: nothing may be left for ever. */
static void drain(void)
{
    int i, rounds;

    for (i = 0; i < WEBHOOKS; i++) {
        webhooks[i].state = WH_STATE_ACTIVE;
    }
    sync_webhooks();
    for (rounds = 0; row_count > 0 && rounds < 200000; rounds++) {
        claim();
        read_inbox();
        start_some(IN_FLIGHT_MAX);
        while (flight_count > 0) {
            finish_one(1);
        }
        commit_outcomes();
        now += apr_time_from_msec(500);
        latest = now > latest ? now : latest;
    }
    is_int(row_count, 0, "everything ends once all receivers answer");
}

static void make_webhooks(void)
{
    static const char *const orders[] = {"none", "key", "webhook"};
    int i;

    for (i = 0; i < WEBHOOKS; i++) {
        webhooks[i] = (wh_webhook_t){
            .id = i + 1,
            .context = "",
            .name = "a",
            .target_url = "https://receiver.example/",
            .properties = apr_psprintf(
                pool, "{\"mod_webhook\": {\"Ordering\": \"%s\"%s}}",
                orders[i % 3], i == 3 ? ", \"MaxRate\": 50" : ""),
            .state = WH_STATE_ACTIVE};
    }
}

static apr_int64_t from_environment(const char *name, apr_int64_t standard)
{
    const char *text = getenv(name);

    return text ? apr_atoi64(text) : standard;
}

int main(void)
{
    wh_event_t fields = {.name = "a",
                         .context = "",
                         .changes = "[]",
                         .data = "{}",
                         .idempotency = ""};
    wh_retry_schedule_t *retry;
    apr_int64_t steps, i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    steps = from_environment("WEBHOOK_MODEL_STEPS", STEPS);
    dice = (apr_uint32_t)from_environment("WEBHOOK_MODEL_SEED",
                                          (apr_time_now() & 0xffffff) | 1);
    diag("seed %u", dice);
    wh_retry_parse(&retry, "1s 4s 30s 5m 30m 2h", pool);
    settings.retry = retry;
    event = wh_event_create(&fields);
    make_webhooks();
    latest = now;
    open_life();
    for (i = 0; i < steps && !wrong; i++) {
        step();
        if (i % 64 == 0) {
            check_counts();
        }
    }
    is_str(complaint, "", "%d steps, %d delivered, %d failed, %d crashes",
           (int)i, delivered, failed, crashes);
    drain();
    is_str(complaint, "", "nothing is wrong until the end");
    close_life();
    is_int(event->references, 1, "no delivery is left");
    wh_event_release(event);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
