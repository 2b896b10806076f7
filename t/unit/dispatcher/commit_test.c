/* SPDX-License-Identifier: Apache-2.0 */
/* The commit thread: one transaction for everything. */
#include "dispatcher/commit.h"

#include "unit/dispatcher/child.h"
#include "unit/dispatcher/fixture.h"

static void test_unmatched(const child_t *child)
{
    wh_event_t event = make_event("nobody.listens");
    char uuid[WH_UUID_SIZE];

    send_event(child, 7, &event);
    run_round(NOW);
    is_str(next_ack(child, uuid), "7:unmatched:0", "nobody listens");
    is_str(uuid, event.uuid, "under its uuid");
    is_int(number("SELECT count(*) FROM event"), 0, "nothing is stored");
    run_round(NOW);
    is_str(next_ack(child, NULL), "none", "it is said once");
}

static void test_stored(const child_t *child)
{
    apr_int32_t id = save_webhook("contact.created");
    wh_event_t event = make_event("contact.created");

    is_str(signal_event(child, &event, NOW), "1:stored:1",
           "a webhook saved before the signal listens");
    is_str(text("SELECT uuid || name || primary_key || data FROM event"),
           apr_pstrcat(pool, event.uuid, "contact.created5{\"a\":1}", NULL),
           "the event is stored");
    is_str(posted(), "T1", "its thread learns of the webhook");
    is_int(number("SELECT owner FROM delivery"), 0,
           "the first delivery waits for what may be before it");
    wh_commit_claim(&commit, NOW);
    is_str(posted(), "D1", "and is taken at once");
    is_int(number("SELECT owner FROM delivery"), NODE, "by this node");
    event = make_event("CONTACT.created");
    is_str(signal_event(child, &event, NOW + 1), "1:stored:1", "the next one");
    is_str(posted(), "D1", "goes on its way directly");
    is_str(text("SELECT owner || '|' || webhook_id FROM delivery "
                "ORDER BY id DESC"),
           apr_psprintf(pool, "%d|%d", NODE, id), "is this node's");
    is_str(held[1]->event->uuid, event.uuid, "with its event");
    is_str(held[1]->event->changes, "[\"a\"]", "and its changes");
    is_int(held[1]->id, number("SELECT max(id) FROM delivery"), "and its row");
    is_int(commit.schedule.in_memory, 2, "both are counted");
    deliver_all(NOW + 2);
    is_int(number("SELECT count(*) FROM delivery WHERE state = 1"), 2,
           "both arrive");
    is_int(number("SELECT total_calls FROM webhook_usage"), 2, "are counted");
    is_int(commit.schedule.in_memory, 0, "and leave memory");
}

static void test_resent(const child_t *child)
{
    wh_event_t event = make_event("contact.created");
    apr_int64_t before = number("SELECT count(*) FROM delivery");

    is_str(signal_event(child, &event, NOW), "1:stored:1", "stored");
    is_str(posted(), "D1", "on its way");
    is_str(signal_event(child, &event, NOW), "1:stored:1", "sent again");
    is_str(posted(), "", "makes no second delivery");
    send_event(child, 1, &event);
    event.uuid[0] = 'f';
    send_event(child, 2, &event);
    send_event(child, 3, &event);
    run_round(NOW);
    next_ack(child, NULL);
    is_str(next_ack(child, NULL), "2:stored:1", "twice in one batch");
    is_str(next_ack(child, NULL), "3:stored:1", "is stored");
    is_str(posted(), "D1", "once");
    is_int(number("SELECT count(*) FROM delivery"), before + 2, "in all");
    is_int(commit.schedule.in_memory, 2, "no room is lost");
    deliver_all(NOW);
}

static void test_idempotency(const child_t *child)
{
    wh_event_t first = make_event("contact.created"), second;
    char uuid[WH_UUID_SIZE];

    first.idempotency = "key";
    is_str(signal_event(child, &first, NOW), "1:stored:1", "with a key");
    second = make_event("contact.created");
    second.idempotency = "key";
    send_event(child, 2, &second);
    run_round(NOW);
    is_str(next_ack(child, uuid), "2:repeated:1", "the same again");
    is_str(uuid, first.uuid, "under the first one's uuid");
    second.data = "{\"a\":2}";
    send_event(child, 3, &second);
    run_round(NOW);
    is_str(next_ack(child, uuid), "3:conflict:1", "something else");
    second = make_event("nobody.listens");
    second.idempotency = "key";
    is_str(signal_event(child, &second, NOW), "1:conflict:0",
           "something else that nobody listens for");
    second.idempotency = "other";
    is_str(signal_event(child, &second, NOW), "1:unmatched:0",
           "a new key that nobody listens for");
    is_str(posted(), "D1", "one delivery in all");
    is_int(commit.schedule.in_memory, 1, "no room is lost");
    deliver_all(NOW);
}

static void test_refused(const child_t *child)
{
    wh_event_t bad = make_event("no name"), good;
    apr_size_t length;
    char *frame;

    send_event(child, 1, &bad);
    bad = make_event("");
    send_event(child, 2, &bad);
    bad = make_event("contact.created");
    frame = wh_frame_encode(&length, 3, &bad, pool);
    frame[length - 1] = 'x';
    ok(send(child->near, frame, length, 0) == (ssize_t)length, "a bad frame");
    good = make_event("contact.created");
    send_event(child, 4, &good);
    run_round(NOW);
    is_str(next_ack(child, NULL), "1:refused:0", "no event name");
    is_str(next_ack(child, NULL), "2:refused:0", "an empty one");
    is_str(next_ack(child, NULL), "3:refused:0", "a frame not in order");
    is_str(next_ack(child, NULL), "4:stored:1", "does not disturb others");
    deliver_all(NOW);
}

/* Many children in one batch. */
static void test_batch(void)
{
    child_t children[20];
    apr_int64_t before = number("SELECT count(*) FROM event");
    int i, wrong = 0;

    for (i = 0; i < 20; i++) {
        wh_event_t event =
            make_event(i % 2 ? "contact.created" : "nobody.listens");

        children[i] = connect_child();
        send_event(&children[i], (apr_uint64_t)(100 + i), &event);
    }
    run_round(NOW);
    for (i = 0; i < 20; i++) {
        wrong += strcmp(next_ack(&children[i], NULL),
                        apr_psprintf(pool, "%d:%s", 100 + i,
                                     i % 2 ? "stored:1" : "unmatched:0")) != 0;
        close(children[i].near);
    }
    is_int(wrong, 0, "each child hears of its own event");
    is_int(number("SELECT count(*) FROM event"), before + 10,
           "what matches is stored");
    run_round(NOW);
    ok(server.connections && !server.connections->next,
       "children that have gone are forgotten");
    do {
        deliver_all(NOW);
        wh_commit_claim(&commit, NOW);
    } while (*posted());
    is_int(number("SELECT count(*) FROM delivery WHERE state <> 1"), 0,
           "all arrive");
}

static void test_outcomes(const child_t *child)
{
    wh_event_t event = make_event("contact.created");
    const char *row = "SELECT state || '|' || attempts || '|' || owner || "
                      "'|' || ifnull(body, 'NULL') FROM delivery "
                      "ORDER BY id DESC";

    signal_event(child, &event, NOW);
    posted();
    held[0]->body = strdup("the bytes");
    held[0]->body_is_new = 1;
    report(WH_OUTCOME_RETRY, NOW + 5000);
    wh_commit_batch(&commit, NOW);
    is_str(text(row), "0|1|0|the bytes", "to be tried again");
    wh_commit_claim(&commit, NOW + 4999);
    is_str(posted(), "", "not before it is due");
    is_int(commit.schedule.wake, NOW + 5000, "but then");
    wh_commit_claim(&commit, NOW + 5000);
    is_str(posted(), "D1", "it is tried again");
    is_str(held[0]->body, "the bytes", "with the same body");
    is_int(held[0]->attempts, 1, "and what was tried before");
    report(WH_OUTCOME_RETURNED, NOW + 6000);
    wh_commit_batch(&commit, NOW + 5500);
    is_str(text(row), "0|1|0|the bytes", "given back");
    wh_commit_claim(&commit, NOW + 6000);
    is_str(posted(), "D1", "and taken again");
    report(WH_OUTCOME_FAILED, 0);
    wh_commit_batch(&commit, NOW + 6000);
    is_str(text(row), "2|2|0|the bytes", "failed for good");
    is_int(number("SELECT total_errors FROM webhook_usage"), 2,
           "two errors are counted");
    is_int(number("SELECT count(*) FROM attempt a JOIN delivery d "
                  "ON d.id = a.delivery_id WHERE d.state = 2"),
           2, "of two attempts");
}

static void break_storage(void)
{
    wh_db_execute(&outside, "CREATE TRIGGER broken_event BEFORE INSERT ON "
                            "event BEGIN SELECT raise(ABORT, 'full'); END");
    wh_db_execute(&outside, "CREATE TRIGGER broken_delivery BEFORE UPDATE ON "
                            "delivery BEGIN SELECT raise(ABORT, 'full'); "
                            "END");
}

static void mend_storage(void)
{
    wh_db_execute(&outside, "DROP TRIGGER broken_event");
    wh_db_execute(&outside, "DROP TRIGGER broken_delivery");
}

static void test_storage_fails(const child_t *child)
{
    wh_event_t first = make_event("contact.created");
    wh_event_t lost = make_event("contact.created");
    wh_event_t bad = make_event("no name"), none = make_event("nobody");
    apr_int64_t events;

    signal_event(child, &first, NOW);
    posted();
    report(WH_OUTCOME_DELIVERED, 0);
    events = number("SELECT count(*) FROM event");
    break_storage();
    send_event(child, 1, &lost);
    send_event(child, 2, &bad);
    send_event(child, 3, &none);
    run_round(NOW);
    is_str(next_ack(child, NULL), "1:unavailable:1", "storage fails");
    is_str(next_ack(child, NULL), "2:refused:0", "what was refused stays so");
    is_str(next_ack(child, NULL), "3:unavailable:0",
           "nothing of the batch counts");
    ok(commit.outcomes.first != NULL, "the outcome is kept");
    is_int(commit.schedule.in_memory, 1, "the delivery has not left");
    is_str(posted(), "", "nothing is sent on its way");
    wh_commit_batch(&commit, commit.retry_at - 1);
    ok(commit.outcomes.first != NULL, "not tried at once");
    wh_commit_batch(&commit, commit.retry_at);
    ok(commit.outcomes.first != NULL, "tried, and failed again");
    mend_storage();
    is_int(number("SELECT count(*) FROM event"), events, "nothing is stored");
    wh_commit_batch(&commit, commit.retry_at);
    ok(!commit.outcomes.first, "storage is back: the outcome is written");
    is_int(number("SELECT count(*) FROM delivery WHERE state = 0"), 0,
           "as it was");
    is_int(commit.schedule.in_memory, 0, "and the delivery leaves");
    is_str(signal_event(child, &lost, NOW), "1:stored:1",
           "the event can be sent again");
    deliver_all(NOW);
}

/* COMMIT itself fails: whether it took place is not known. Whatever it is,
 * the event is delivered once the child has sent it again. */
static void test_commit_fails(const child_t *child)
{
    wh_event_t none = make_event("nobody.listens");
    wh_event_t event = make_event("contact.created");
    apr_int64_t before = number("SELECT count(*) FROM delivery");

    send_event(child, 1, &event);
    send_event(child, 2, &none);
    set_disk_full(1);
    run_round(NOW);
    set_disk_full(0);
    is_str(next_ack(child, NULL), "1:unknown:1", "COMMIT fails: not known");
    is_str(next_ack(child, NULL), "2:unavailable:0",
           "what was not to be written is known");
    is_str(posted(), "", "nothing is sent on its way");
    is_int(commit.schedule.in_memory, 0, "no room is lost");
    is_str(signal_event(child, &event, NOW), "1:stored:1", "sent again");
    wh_commit_claim(&commit, NOW);
    is_str(posted(), "D1", "it is delivered once");
    deliver_all(NOW);
    wh_commit_claim(&commit, NOW);
    is_str(posted(), "", "and not again");
    is_int(number("SELECT count(*) FROM delivery"), before + 1, "one row");
    is_int(number("SELECT count(*) FROM delivery WHERE state = 0"), 0,
           "nothing waits");
}

/* No directory for the lock: nothing can even be looked up. */
static void test_storage_gone(void)
{
    const char *good = settings.database_params;
    wh_event_t event = make_event("nobody.listens");
    wh_event_t second = make_event("contact.created");
    child_t child;

    throw_away();
    end_commit();
    settings.database_params = apr_pstrcat(pool, directory, "/none/db", NULL);
    begin_commit(NODE);
    child = connect_child();
    send_event(&child, 1, &event);
    send_event(&child, 2, &second);
    run_round(NOW);
    is_str(next_ack(&child, NULL), "1:unavailable:0", "no database");
    is_str(next_ack(&child, NULL), "2:unavailable:0", "for nobody");
    is_int(wh_commit_refresh(&commit, NOW) != APR_SUCCESS, 1, "nor webhooks");
    settings.database_params = good;
    is_str(signal_event(&child, &second, NOW), "1:stored:1",
           "it comes back by itself");
    wh_commit_claim(&commit, NOW);
    deliver_all(NOW);
    close(child.near);
    throw_away();
    end_commit();
    begin_commit(NODE);
}

/* A crash: what was in memory is taken up by the next dispatcher. */
static void test_restart(void)
{
    child_t child = connect_child();
    wh_event_t event = make_event("contact.created");
    apr_int64_t highest;

    is_str(signal_event(&child, &event, NOW), "1:stored:1", "stored");
    wh_commit_claim(&commit, NOW);
    is_str(posted(), "T1 D1", "on its way");
    highest = number("SELECT max(id) FROM delivery");
    close(child.near);
    throw_away();
    end_commit();
    begin_commit(NODE);
    wh_commit_refresh(&commit, NOW - 5000000);
    wh_commit_claim(&commit, NOW);
    wh_schedule_flush(&commit.schedule);
    is_str(posted(), "T1 D1", "the next dispatcher takes it");
    is_int(held[0]->id, highest, "the same one");
    deliver_all(NOW);
    child = connect_child();
    event = make_event("contact.created");
    is_str(signal_event(&child, &event, NOW - 5000000), "1:stored:1",
           "with a clock that has gone back");
    ok(number("SELECT min(id) FROM delivery WHERE state = 0") > highest,
       "ids go on");
    wh_commit_claim(&commit, NOW);
    deliver_all(NOW);
    close(child.near);
}

/* Another dispatcher has stored an event within the same millisecond. */
static void test_order_across_dispatchers(void)
{
    child_t child = connect_child();
    wh_event_t event = make_event("contact.created");
    apr_int64_t before, other;

    signal_event(&child, &event, NOW);
    before = number("SELECT max(id) FROM delivery");
    other = before + (1 << 10);
    wh_db_execute(
        &outside,
        apr_psprintf(pool,
                     "INSERT INTO delivery (id, event_id, webhook_id, "
                     "state, attempts, due, owner) VALUES (%" APR_INT64_T_FMT
                     ", 1, 99, 1, 1, 0, 0)",
                     other));
    event = make_event("contact.created");
    is_str(signal_event(&child, &event, NOW), "1:stored:1", "the next event");
    ok(number("SELECT max(id) FROM event") > other,
       "comes after that of another dispatcher");
    wh_db_execute(&outside, "DELETE FROM delivery WHERE webhook_id = 99");
    deliver_all(NOW);
    close(child.near);
}

static void test_changed_webhooks(void)
{
    child_t child = connect_child();
    apr_int32_t second = save_webhook("contact.created,sale.created");
    wh_event_t event = make_event("contact.created");

    is_str(signal_event(&child, &event, NOW), "1:stored:2",
           "a second webhook listens from now on");
    wh_commit_claim(&commit, NOW);
    deliver_all(NOW);
    event = make_event("contact.created");
    signal_event(&child, &event, NOW);
    is_str(posted(), "D1 D2", "a delivery for each");
    is_int(wh_store_webhook_delete(store, "", second, 0), APR_SUCCESS,
           "one is deleted");
    event = make_event("sale.created");
    is_str(signal_event(&child, &event, NOW), "1:unmatched:0",
           "and listens no more");
    is_str(posted(), "T2!", "its thread is told");
    ok(wh_schedule_entry(&commit.schedule, second) != NULL,
       "its delivery is still in memory");
    report(WH_OUTCOME_DELIVERED, 0);
    report(WH_OUTCOME_FAILED, 0);
    wh_commit_batch(&commit, NOW);
    /* Stored after the last look at the webhooks and before the deletion. */
    wh_db_execute(
        &outside,
        apr_psprintf(pool,
                     "INSERT INTO delivery (id, event_id, webhook_id, "
                     "state, attempts, due, owner) VALUES (7, 1, %d, "
                     "0, 0, 0, 0)",
                     second));
    wh_commit_discard(&commit, NOW);
    ok(wh_schedule_entry(&commit.schedule, second) != NULL,
       "until it has ended");
    wh_commit_discard(&commit, NOW);
    ok(wh_schedule_entry(&commit.schedule, second) == NULL,
       "and what was stored for it meanwhile has failed");
    is_int(number("SELECT count(*) FROM delivery WHERE state = 0"), 0,
           "nothing waits for it");
    close(child.near);
}

#define FILTER(form) "{\"mod_webhook\":{\"Filter\":" form "}}"

static int signal_data(const child_t *child, const char *name, const char *data,
                       const char *expected, const char *what)
{
    wh_event_t event = make_event(name);

    event.data = data;
    return is_str(signal_event(child, &event, NOW), expected, "%s", what);
}

/* A webhook whose filter says no does not listen. */
static void test_filters(void)
{
    child_t child = connect_child();
    apr_int32_t id = save_with("filter.*", WH_STATE_ACTIVE,
                               FILTER("{\"amount\":{\"ge\":100}}"));
    apr_int64_t events = number("SELECT count(*) FROM event");

    signal_data(&child, "filter.me", "{\"amount\":99}", "1:unmatched:0",
                "a filter says no");
    signal_data(&child, "filter.me", "{}", "1:unmatched:0", "... of nothing");
    is_int(number("SELECT count(*) FROM event"), events, "nothing is stored");
    signal_data(&child, "filter.me", "{\"amount\":100}", "1:stored:1",
                "it says yes");
    is_int(number("SELECT webhook_id FROM delivery ORDER BY id DESC"), id,
           "to this webhook");
    save_webhook("filter.me");
    signal_data(&child, "filter.me", "{\"amount\":99}", "1:stored:1",
                "beside one without a filter");
    ok(number("SELECT webhook_id FROM delivery ORDER BY id DESC") != id,
       "which gets it");
    signal_data(&child, "filter.me", "{\"amount\":100.0}", "1:stored:2",
                "both");
    /* written by hand */
    save_webhook("filter.other");
    wh_commit_refresh(&commit, NOW);
    is_int(commit.filters_made, 0,
           "a change of one makes no filter of the others again");
    save_with("filter.bad", WH_STATE_ACTIVE, FILTER("{\"amount\":[]}"));
    wh_commit_refresh(&commit, NOW);
    is_int(commit.filters_made, 1, "... but its own");
    signal_data(&child, "filter.bad", "{\"amount\":1}", "1:unmatched:0",
                "a filter that is not in order lets nothing through");
    wh_commit_claim(&commit, NOW);
    deliver_all(NOW);
    close(child.near);
}

int main(void)
{
    child_t child;

    if (!begin_dispatcher()) {
        return 1;
    }
    child = connect_child();
    test_unmatched(&child);
    test_stored(&child);
    test_resent(&child);
    test_idempotency(&child);
    test_refused(&child);
    test_batch();
    test_outcomes(&child);
    test_storage_fails(&child);
    test_commit_fails(&child);
    close(child.near);
    test_storage_gone();
    test_restart();
    test_order_across_dispatchers();
    test_changed_webhooks();
    test_filters();
    end_dispatcher();
    return done_testing();
}
