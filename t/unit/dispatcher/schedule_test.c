/* SPDX-License-Identifier: Apache-2.0 */
/* Which deliveries are in memory, and when the others are due. */
#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>

#include "deliver/message.h"
#include "deliver/target.h"
#include "dispatcher/schedule.h"
#include "unit/tap.h"

#define NOW 1000
#define THREADS 2

static apr_pool_t *pool;
static wh_settings_t settings = {.window = 10, .endpoint_window = 4};
static wh_schedule_t schedule;
static wh_inbox_t *inboxes[THREADS];
static wh_event_t *event;

static void open_schedule(void)
{
    event->scheduled = 0;
    int i;

    for (i = 0; i < THREADS; i++) {
        wh_inbox_create(&inboxes[i], pool);
    }
    wh_schedule_init(&schedule, &settings, inboxes, THREADS, pool);
}

/* What has been posted to a thread, as text; all of it is freed. */
static const char *posted(int thread)
{
    wh_message_t *message;
    const char *text = "";

    wh_schedule_flush(&schedule);
    message = wh_inbox_take(inboxes[thread]);
    while (message) {
        wh_message_t *next = message->next;

        if (message->kind == WH_MESSAGE_TARGET) {
            wh_target_t *target = (wh_target_t *)message;

            text = apr_psprintf(pool, "%s%starget %d%s", text,
                                *text ? ", " : "", target->webhook_id,
                                target->removed    ? " gone"
                                : target->discards ? " fails all"
                                : target->active   ? ""
                                                   : " off");
            wh_target_release(target);
        }
        else {
            wh_delivery_t *delivery = (wh_delivery_t *)message;

            text = apr_psprintf(pool, "%s%sdelivery %d", text,
                                *text ? ", " : "", (int)delivery->id);
            wh_delivery_destroy(delivery);
        }
        message = next;
    }
    return text;
}

/* Both threads' posts are thrown away. */
static void throw_away(void)
{
    posted(0);
    posted(1);
}

static void close_schedule(void)
{
    throw_away();
    wh_schedule_destroy(&schedule);
}

static wh_webhook_t *make_webhook(apr_int32_t id, int state)
{
    wh_webhook_t *webhook = apr_pcalloc(pool, sizeof(*webhook));

    webhook->id = id;
    webhook->context = "";
    webhook->name = "w";
    webhook->target_url = "https://receiver.example/";
    webhook->state = state;
    return webhook;
}

static void sync_with(int count, wh_webhook_t **webhooks)
{
    apr_array_header_t *all = apr_array_make(pool, 4, sizeof(wh_webhook_t *));
    int i;

    for (i = 0; i < count; i++) {
        APR_ARRAY_PUSH(all, wh_webhook_t *) = webhooks[i];
    }
    is_int(wh_schedule_sync(&schedule, all), APR_SUCCESS, "%d webhooks", count);
}

static wh_schedule_entry_t *entry_of(apr_int32_t id)
{
    return wh_schedule_entry(&schedule, id);
}

/* A webhook that has nothing waiting in the database. */
static wh_schedule_entry_t *make_caught_up(apr_int32_t id)
{
    wh_webhook_t *webhook = make_webhook(id, WH_STATE_ACTIVE);
    wh_schedule_entry_t *entry;

    sync_with(1, &webhook);
    entry = entry_of(id);
    entry->next_due = WH_NEVER;
    schedule.wake = WH_NEVER;
    throw_away();
    return entry;
}

static apr_size_t last_size; /* of a delivery on its way: all are alike */

static void dispatch(wh_schedule_entry_t *entry, apr_int64_t id)
{
    wh_delivery_t *delivery = wh_delivery_create(event, id, entry->webhook_id);

    wh_schedule_dispatch(&schedule, entry, delivery);
    last_size = delivery->size;
}

/* The delivery comes back with an outcome. */
static void come_back(apr_int32_t webhook, wh_outcome_kind_t outcome,
                      apr_time_t due)
{
    wh_delivery_t *delivery = wh_delivery_create(event, 1, webhook);

    delivery->outcome = outcome;
    delivery->due = due;
    delivery->size = last_size;
    wh_schedule_left(&schedule, delivery);
    wh_delivery_destroy(delivery);
}

static void test_sync(void)
{
    wh_webhook_t *webhooks[] = {make_webhook(1, WH_STATE_ACTIVE),
                                make_webhook(2, WH_STATE_ACTIVE),
                                make_webhook(4, WH_STATE_STOPPED)};

    open_schedule();
    ok(entry_of(1) == NULL, "nobody is known");
    sync_with(3, webhooks);
    is_str(posted(1), "target 1", "one thread learns of its webhook");
    is_str(posted(0), "target 2, target 4 off", "the other one of its own");
    is_int(entry_of(1)->next_due, 0, "something may wait for a new webhook");
    is_int(schedule.wake, 0, "it is looked for at once");
    is_int(entry_of(4)->active, 0, "one that is stopped");
    ok(entry_of(4)->next_due == WH_NEVER, "is not looked for");
    sync_with(3, webhooks);
    is_str(posted(0), "", "nothing has changed, nothing is posted");
    webhooks[1]->secret = "new";
    sync_with(3, webhooks);
    is_str(posted(0), "target 2", "a changed webhook is posted");
    is_str(posted(1), "", "alone");
    webhooks[1]->total_calls = 5;
    webhooks[1]->description = "other";
    webhooks[1]->events = "a,b";
    sync_with(3, webhooks);
    is_str(posted(0), "", "what a delivery thread does not need is not");
    close_schedule();
}

static void test_sync_members(void)
{
    wh_webhook_t *webhook = make_webhook(2, WH_STATE_ACTIVE);

    open_schedule();
    sync_with(1, &webhook);
    throw_away();
    webhook->name = "x";
    sync_with(1, &webhook);
    is_str(posted(0), "target 2", "name");
    webhook->target_url = "https://other.example/";
    sync_with(1, &webhook);
    is_str(posted(0), "target 2", "address");
    webhook->headers = "{\"X-A\":\"b\"}";
    sync_with(1, &webhook);
    is_str(posted(0), "target 2", "headers");
    webhook->properties = "{\"a\":1}";
    sync_with(1, &webhook);
    is_str(posted(0), "target 2", "properties");
    webhook->context = "c";
    sync_with(1, &webhook);
    is_str(posted(0), "target 2", "context");
    webhook->version++;
    entry_of(2)->hold_until = entry_of(2)->next_due = schedule.wake =
        WH_NEVER - 1;
    sync_with(1, &webhook);
    is_str(posted(0), "target 2", "whatever else was saved");
    ok(wh_schedule_due(entry_of(2)) == 0 && schedule.wake == 0,
       "what has waited is looked for");
    webhook->state = WH_STATE_TOO_MANY_ERRORS;
    sync_with(1, &webhook);
    is_str(posted(0), "target 2 off", "state");
    webhook->state = WH_STATE_STOPPED;
    sync_with(1, &webhook);
    is_str(posted(0), "", "off is off");
    entry_of(2)->next_due = WH_NEVER;
    webhook->state = WH_STATE_ACTIVE;
    sync_with(1, &webhook);
    is_str(posted(0), "target 2", "on again");
    is_int(entry_of(2)->next_due, 0, "what has gathered is looked for");
    close_schedule();
}

/* A pause as it is stored, of an earlier process for instance. */
static void test_stored_pause(void)
{
    wh_webhook_t *webhook = make_webhook(2, WH_STATE_ACTIVE);
    apr_time_t now = apr_time_now();

    open_schedule();
    webhook->paused_until = now + apr_time_from_sec(60);
    sync_with(1, &webhook);
    entry_of(2)->next_due = WH_NEVER;
    is_int(wh_schedule_reserve(&schedule, entry_of(2), now), 0,
           "nothing is taken");
    entry_of(2)->next_due = now;
    is_int(wh_schedule_due(entry_of(2)), webhook->paused_until, "until then");
    webhook->paused_until += 5;
    sync_with(1, &webhook);
    is_int(wh_schedule_due(entry_of(2)), webhook->paused_until,
           "another process has prolonged it");
    webhook->paused_until = now + apr_time_from_sec(25 * 60 * 60);
    sync_with(1, &webhook);
    is_int(wh_schedule_due(entry_of(2)), now,
           "no receiver can have asked for so much");
    close_schedule();
}

static void test_removed(void)
{
    wh_webhook_t *webhooks[] = {make_webhook(1, WH_STATE_ACTIVE),
                                make_webhook(2, WH_STATE_ACTIVE)};
    wh_schedule_entry_t *entry;

    open_schedule();
    sync_with(2, webhooks);
    throw_away();
    entry = entry_of(2);
    entry->next_due = WH_NEVER;
    is_int(wh_schedule_reserve(&schedule, entry, NOW), 1, "one in memory");
    dispatch(entry, 20);
    sync_with(0, NULL);
    is_str(posted(1), "target 1 gone", "deleted");
    is_str(posted(0), "delivery 20, target 2 gone", "deleted with work");
    ok(schedule.discarding && entry_of(1) != NULL,
       "what may have something in the database stays until that is known");
    wh_schedule_discarded(&schedule, entry_of(1));
    ok(entry_of(1) == NULL, "what has nothing is gone");
    ok(entry_of(2) != NULL, "what has something stays");
    is_int(wh_schedule_reserve(&schedule, entry_of(2), NOW), 0,
           "but takes no more");
    sync_with(0, NULL);
    is_str(posted(0), "", "it is told once");
    wh_schedule_discarded(&schedule, entry_of(2));
    ok(entry_of(2) != NULL, "what has something in memory stays");
    come_back(2, WH_OUTCOME_FAILED, 0);
    ok(entry_of(2) == NULL, "until the last one has left");
    is_int(schedule.in_memory, 0, "nothing is left");
    close_schedule();
}

/* Put back into the database while the last of it is on its way. */
static void test_comes_back(void)
{
    wh_webhook_t *webhook = make_webhook(1, WH_STATE_ACTIVE);
    wh_schedule_entry_t *entry;

    open_schedule();
    entry = make_caught_up(1);
    wh_schedule_reserve(&schedule, entry, NOW);
    dispatch(entry, 10);
    sync_with(0, NULL);
    sync_with(1, &webhook);
    is_str(posted(1), "delivery 10, target 1 gone, target 1", "it is back");
    ok(entry_of(1)->active, "and active");
    come_back(1, WH_OUTCOME_DELIVERED, 0);
    ok(entry_of(1) != NULL, "also when the last of its former life has left");
    close_schedule();
}

/* Disabled, with and without a limit of errors. */
static void test_discards(void)
{
    wh_webhook_t *webhook = make_webhook(1, WH_STATE_TOO_MANY_ERRORS);
    wh_schedule_entry_t *entry;

    open_schedule();
    sync_with(1, &webhook);
    entry = entry_of(1);
    is_str(posted(1), "target 1 off", "without a limit");
    ok(!entry->discards && !schedule.discarding, "all is kept");
    settings.disable_drops = 1;
    sync_with(1, &webhook);
    is_str(posted(1), "target 1 fails all", "with a limit");
    ok(entry->discards && entry->waits_to_fail && schedule.discarding,
       "what waits is to be discarded");
    entry->waits_to_fail = schedule.discarding = 0;
    sync_with(1, &webhook);
    is_str(posted(1), "", "it is told once");
    is_int(entry->waits_to_fail, 0, "and done once");
    entry->in_memory = schedule.in_memory = 2;
    come_back(1, WH_OUTCOME_FAILED, 0);
    is_int(entry->waits_to_fail, 0, "what has failed waits no more");
    come_back(1, WH_OUTCOME_RETURNED, NOW);
    ok(entry->waits_to_fail && schedule.discarding, "what comes back does");
    webhook->state = WH_STATE_ACTIVE;
    sync_with(1, &webhook);
    is_str(posted(1), "target 1", "active again");
    ok(!entry->discards && !entry->waits_to_fail, "nothing is discarded");
    webhook->state = WH_STATE_STOPPED;
    sync_with(1, &webhook);
    is_str(posted(1), "target 1 off", "stopped by its owner");
    is_int(entry->discards, 0, "keeps what it has");
    settings.disable_drops = 0;
    close_schedule();
}

static void test_window(void)
{
    wh_webhook_t *webhooks[4];
    wh_schedule_entry_t *entry = NULL;
    int i, k, reserved = 0;

    open_schedule();
    for (i = 0; i < 4; i++) {
        webhooks[i] = make_webhook(i + 1, WH_STATE_ACTIVE);
    }
    sync_with(4, webhooks);
    is_int(wh_schedule_reserve(&schedule, entry_of(1), NOW), 0,
           "nothing passes what may be waiting");
    for (i = 0; i < 4; i++) {
        entry_of(i + 1)->next_due = WH_NEVER;
    }
    for (k = 0; k < 5; k++) {
        reserved += wh_schedule_reserve(&schedule, entry_of(1), NOW);
    }
    is_int(reserved, 4, "the window of a webhook");
    is_int(entry_of(1)->in_memory, 4, "is counted");
    for (i = 2; i <= 4; i++) {
        entry = entry_of(i);
        for (k = 0; k < 4; k++) {
            reserved += wh_schedule_reserve(&schedule, entry, NOW);
        }
    }
    is_int(reserved, 10, "the window of all");
    is_int(schedule.in_memory, 10, "is counted");
    wh_schedule_unreserve(&schedule, entry_of(1));
    is_int(entry_of(1)->in_memory + schedule.in_memory, 3 + 9,
           "a reservation taken back");
    is_int(wh_schedule_reserve(&schedule, entry, NOW), 0,
           "is not for one that has something already");
    wh_schedule_unreserve(&schedule, entry);
    is_int(wh_schedule_reserve(&schedule, entry, NOW), 1,
           "but for one that has nothing");
    close_schedule();
}

/* New deliveries queue behind what waits and is due. */
static void test_behind(void)
{
    wh_schedule_entry_t *entry;

    open_schedule();
    entry = make_caught_up(1);
    wh_schedule_waiting(&schedule, entry, NOW + 50);
    is_int(entry->next_due, NOW + 50, "something is due later");
    is_int(schedule.wake, NOW + 50, "and looked for then");
    is_int(wh_schedule_reserve(&schedule, entry, NOW), 1,
           "new ones need not wait for it");
    wh_schedule_waiting(&schedule, entry, NOW + 80);
    is_int(entry->next_due, NOW + 50, "the earliest counts");
    is_int(wh_schedule_reserve(&schedule, entry, NOW + 50), 0,
           "when it is due it comes first");
    wh_schedule_waiting(&schedule, entry, NOW);
    is_int(schedule.wake, NOW, "an earlier one is looked for earlier");
    is_int(wh_schedule_reserve(&schedule, entry, NOW), 0, "and comes first");
    close_schedule();
}

static void test_bytes(void)
{
    wh_schedule_entry_t *entry;
    apr_size_t before;

    open_schedule();
    entry = make_caught_up(1);
    wh_schedule_reserve(&schedule, entry, NOW);
    dispatch(entry, 11);
    before = schedule.bytes;
    ok(before >= sizeof(wh_delivery_t) + event->size, "bytes are counted");
    wh_schedule_reserve(&schedule, entry, NOW);
    dispatch(entry, 12);
    is_int((apr_int64_t)schedule.bytes, (apr_int64_t)(before + last_size),
           "of each delivery, and of their event once");
    is_str(posted(1), "delivery 11, delivery 12", "in their order");
    come_back(1, WH_OUTCOME_DELIVERED, 0);
    come_back(1, WH_OUTCOME_DELIVERED, 0);
    is_int((apr_int64_t)schedule.bytes, 0, "and leave with them");
    is_int((apr_int64_t)entry->bytes, 0, "the webhook has none");
    schedule.bytes = WH_WINDOW_BYTES - WH_WINDOW_BYTES / 4;
    entry->bytes = WH_WINDOW_BYTES / 4 + 1;
    is_int(wh_schedule_reserve(&schedule, entry, NOW), 0,
           "the last quarter is not for those with much");
    entry->bytes = 0;
    is_int(wh_schedule_reserve(&schedule, entry, NOW), 1,
           "but for those with little");
    schedule.bytes = WH_WINDOW_BYTES;
    is_int(wh_schedule_reserve(&schedule, entry, NOW), 0, "memory is full");
    entry->next_due = 0;
    is_int(wh_schedule_room(&schedule, entry, NOW), 0, "no rows are taken");
    close_schedule();
}

static void test_left(void)
{
    wh_schedule_entry_t *entry;
    int i;

    open_schedule();
    entry = make_caught_up(1);
    for (i = 0; i < 4; i++) {
        wh_schedule_reserve(&schedule, entry, NOW);
        dispatch(entry, 10 + i);
    }
    come_back(1, WH_OUTCOME_DELIVERED, 5);
    come_back(1, WH_OUTCOME_FAILED, 5);
    ok(entry->next_due == WH_NEVER, "what has ended is not due again");
    come_back(1, WH_OUTCOME_RETRY, NOW + 70);
    is_int(entry->next_due, NOW + 70, "what failed is due again");
    come_back(1, WH_OUTCOME_RETURNED, NOW + 60);
    is_int(entry->next_due, NOW + 60, "what was given back, too");
    is_int(schedule.wake, NOW + 60, "and looked for");
    is_int(entry->in_memory + schedule.in_memory, 0, "all have left");
    close_schedule();
}

static void test_room(void)
{
    wh_schedule_entry_t *entry;

    open_schedule();
    entry = make_caught_up(1);
    is_int(wh_schedule_room(&schedule, entry, NOW), 0, "nothing waits");
    entry->next_due = NOW + 1;
    is_int(wh_schedule_room(&schedule, entry, NOW), 0, "nothing is due yet");
    entry->next_due = NOW;
    is_int(wh_schedule_room(&schedule, entry, NOW), 4, "a whole window");
    entry->in_memory = 2;
    is_int(wh_schedule_room(&schedule, entry, NOW), 2, "half of it");
    entry->in_memory = 3;
    is_int(wh_schedule_room(&schedule, entry, NOW), 0,
           "less is not worth a look");
    entry->in_memory = 0;
    schedule.in_memory = 9;
    is_int(wh_schedule_room(&schedule, entry, NOW), 1,
           "no more than all may have");
    schedule.in_memory = 10;
    is_int(wh_schedule_room(&schedule, entry, NOW), 0, "which is full");
    schedule.in_memory = 0;
    entry->active = 0;
    is_int(wh_schedule_room(&schedule, entry, NOW), 0, "not active");
    settings.endpoint_window = entry->room = 1;
    entry->active = 1;
    is_int(wh_schedule_room(&schedule, entry, NOW), 1, "a window of one");
    settings.endpoint_window = 4;
    close_schedule();
}

/* Something due found no room: whoever leaves wakes the schedule. */
static void test_starved(void)
{
    wh_schedule_entry_t *entry;

    open_schedule();
    entry = make_caught_up(1);
    wh_schedule_reserve(&schedule, entry, NOW);
    wh_schedule_reserve(&schedule, entry, NOW);
    dispatch(entry, 10);
    dispatch(entry, 11);
    come_back(1, WH_OUTCOME_DELIVERED, 0);
    ok(schedule.wake == WH_NEVER, "nobody is starved: nothing to look for");
    schedule.starved = 1;
    come_back(1, WH_OUTCOME_DELIVERED, 0);
    is_int(schedule.wake, 0, "somebody is: look at once");
    close_schedule();
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
    test_sync();
    test_sync_members();
    test_stored_pause();
    test_removed();
    test_comes_back();
    test_discards();
    test_window();
    test_behind();
    test_bytes();
    test_left();
    test_room();
    test_starved();
    is_int(event->references, 1, "no delivery is left");
    wh_event_release(event);
    apr_terminate();
    return done_testing();
}
