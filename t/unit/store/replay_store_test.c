/* SPDX-License-Identifier: Apache-2.0 */
/* Deliveries are made pending again. */
#include "store/delivery_store.h"
#include "store/log_store.h"

#include "unit/store/fixture.h"
#include "unit/store/rows.h"

static const wh_log_filter_t all = {.state = -1}; /* filters nothing */

/* How many were replayed, -1: it failed. */
static int replay(const wh_log_filter_t *filter)
{
    int replayed = -1;

    return wh_store_replay(&replayed, store, filter) == APR_SUCCESS ? replayed
                                                                    : -1;
}

static apr_int64_t replays(void)
{
    apr_int64_t count = -1;

    is_int(wh_store_replays(&count, store), APR_SUCCESS, "number of replays");
    return count;
}

/* Ids of what is pending and was not before. */
static const char *replayed(void)
{
    const char *ids = text("SELECT group_concat(id, ' ') FROM (SELECT id FROM "
                           "delivery WHERE state = 0 AND due <> 1000 "
                           "ORDER BY id)");

    return ids ? ids : "";
}

/* Six deliveries; webhook 3 does not exist. */
static void fill(void)
{
    wh_db_execute(&outside, "DELETE FROM delivery");
    wh_db_execute(&outside, "DELETE FROM event");
    add_event(100, "a", "contact.created");
    add_delivery(101, 100, 1, WH_DELIVERY_DELIVERED);
    add_delivery(102, 100, 2, WH_DELIVERY_FAILED);
    add_delivery(103, 100, 3, WH_DELIVERY_FAILED);
    add_event(200, "b", "contact.created");
    add_delivery(201, 200, 1, WH_DELIVERY_PENDING);
    add_delivery(202, 200, 2, WH_DELIVERY_DELIVERED);
    add_event(300, "a", "sale.changed");
    add_delivery(301, 300, 1, WH_DELIVERY_FAILED);
}

static void test_row(void)
{
    wh_log_filter_t filter = all;
    apr_int64_t before = replays();
    apr_time_t now = apr_time_now();

    fill();
    add_attempt(400, 102, 3);
    wh_db_execute(&outside, "UPDATE delivery SET body = 'the bytes' "
                            "WHERE id = 102");
    filter.webhook_id = 2;
    filter.event_id = 100;
    is_int(replay(&filter), 1, "one delivery");
    is_str(text("SELECT state || '|' || attempts || '|' || owner || '|' || "
                "body FROM delivery WHERE id = 102"),
           "0|0|0|the bytes", "is as new, with the same body");
    ok(number("SELECT due FROM delivery WHERE id = 102") >= now &&
           number("SELECT due FROM delivery WHERE id = 102") <= apr_time_now(),
       "due at once");
    is_int(number("SELECT count(*) FROM attempt WHERE delivery_id = 102"), 1,
           "what was tried before is known");
    is_int(replays(), before + 1, "the dispatcher is told");
    is_int(replay(&filter), 0, "pending: there is nothing to do");
    is_int(replays(), before + 1, "and nothing to tell");
}

static const char *replayed_by(const wh_log_filter_t *filter, int count)
{
    fill();
    is_int(replay(filter), count, "replay");
    return replayed();
}

static void test_filters(void)
{
    wh_log_filter_t filter = all;

    is_str(replayed_by(&filter, 4), "101 102 202 301",
           "all but what is pending or has no webhook");
    filter.state = WH_DELIVERY_FAILED;
    is_str(replayed_by(&filter, 2), "102 301", "failed ones");
    filter.state = WH_DELIVERY_DELIVERED;
    is_str(replayed_by(&filter, 2), "101 202", "delivered ones");
    filter.state = WH_DELIVERY_PENDING;
    is_str(replayed_by(&filter, 0), "", "pending ones: none");
    filter = all;
    filter.context = "b";
    is_str(replayed_by(&filter, 1), "202", "of a context");
    filter = all;
    filter.event_name = "Contact.Created";
    is_str(replayed_by(&filter, 3), "101 102 202", "of a name");
    filter = all;
    filter.webhook_id = 1;
    is_str(replayed_by(&filter, 2), "101 301", "of a webhook");
    filter.webhook_id = 3;
    is_str(replayed_by(&filter, 0), "", "of one that is gone");
    filter = all;
    filter.event_id = 100;
    is_str(replayed_by(&filter, 2), "101 102", "of an event");
    filter = all;
    filter.after = 101;
    filter.before = 300;
    is_str(replayed_by(&filter, 2), "102 202", "of a time");
    filter = all;
    filter.limit = 1;
    is_str(replayed_by(&filter, 4), "101 102 202 301", "no limit");
}

/* As if a delivery failed while a replay is under way. */
static void add_late(void)
{
    add_delivery(99999, 100, 1, WH_DELIVERY_FAILED);
}

static void test_many(void)
{
    wh_log_filter_t filter = all;
    apr_int64_t before;
    int i;

    fill();
    wh_db_begin(&outside);
    for (i = 0; i < 1203; i++) {
        add_delivery(1000 + i, 100, 1, WH_DELIVERY_FAILED);
    }
    wh_db_commit(&outside);
    before = replays();
    filter.state = WH_DELIVERY_FAILED;
    after_commit = add_late;
    is_int(replay(&filter), 1205, "many");
    is_str(text("SELECT group_concat(id, ' ') FROM delivery WHERE state = 2"),
           "103 99999", "but that of no webhook, and what came meanwhile");
    is_int(replays(), before + 3, "in portions");
}

/* What is replayed is claimed like any other. */
static void test_claimed(void)
{
    wh_log_filter_t filter = all;
    wh_claim_t one = {.webhook_id = 1, .limit = 10};
    wh_delivery_t *delivery;
    int done;

    fill();
    wh_db_execute(&outside, "UPDATE delivery SET body = 'the bytes' "
                            "WHERE id = 301");
    filter.event_id = 300;
    is_int(replay(&filter), 1, "replayed");
    wh_db_execute(&outside, "DELETE FROM delivery WHERE id = 201");
    is_int(wh_store_claim(&done, store, 3, &one, 1, apr_time_now()),
           APR_SUCCESS, "and claimed");
    is_int(one.count, 1, "alone");
    delivery = (wh_delivery_t *)one.taken.first;
    is_int(delivery ? delivery->id : 0, 301, "the delivery");
    is_str(delivery ? delivery->body : NULL, "the bytes", "with its body");
    is_int(delivery ? delivery->attempts : -1, 0, "as if not tried yet");
    if (delivery) {
        wh_delivery_destroy(delivery);
    }
    is_int(replay(&filter), 0, "on its way: it is left alone");
    is_int(number("SELECT owner FROM delivery WHERE id = 301"), 3,
           "where it is");
}

/* How many of eight deliveries of a large event one claim takes. */
static int claimed_of_eight(const char *body)
{
    wh_log_filter_t filter = all;
    wh_claim_t one = {.webhook_id = 2, .limit = 10};
    int i, done;

    fill();
    add_event(500, "a", "large");
    wh_db_execute(&outside, "UPDATE event SET size = 1048576 WHERE id = 500");
    for (i = 1; i <= 8; i++) {
        add_delivery(500 + i, 500, 2, WH_DELIVERY_FAILED);
    }
    wh_db_execute(&outside,
                  apr_psprintf(pool, "UPDATE delivery SET body = %s", body));
    filter.event_id = 500;
    is_int(replay(&filter), 8, "eight of a large event");
    wh_store_claim(&done, store, 3, &one, 1, apr_time_now());
    while (one.taken.first) {
        wh_delivery_t *delivery = (wh_delivery_t *)one.taken.first;

        one.taken.first = one.taken.first->next;
        wh_delivery_destroy(delivery);
    }
    return one.count;
}

/* Four MiB are taken at a time. */
static void test_memory(void)
{
    is_int(claimed_of_eight("NULL"), 4, "the event counts");
    is_int(claimed_of_eight("'x'"), 2, "and a body that was kept, too");
}

/* COMMIT fails and takes place all the same: the work is done once more. */
static void test_lost_commit(void)
{
    wh_log_filter_t filter = all;
    int count = -1;

    fill();
    lost_commits = 1;
    is_int(replay(&filter), 4,
           "a COMMIT that was not answered: none is "
           "missed");
    fill();
    lost_commits = 2;
    is_int(wh_store_replay(&count, store, &filter), WH_STORE_UNKNOWN,
           "twice not answered: nobody knows");
    is_int(count, 0, "what is known is told");
}

int main(void)
{
    if (!begin()) {
        return 1;
    }
    add_webhook(1);
    add_webhook(2);
    test_row();
    test_filters();
    test_many();
    test_claimed();
    test_memory();
    test_lost_commit();
    end();
    return done_testing();
}
