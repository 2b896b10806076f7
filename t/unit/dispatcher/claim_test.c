/* SPDX-License-Identifier: Apache-2.0 */
/* What is due goes into memory as there is room. */
#include <apr_dbd.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "deliver/message.h"
#include "deliver/target.h"
#include "dispatcher/commit.h"
#include "model/webhook.h"
#include "store/db.h"
#include "unit/tap.h"

#define NODE 3
#define NOW APR_INT64_C(1767323045000000)

static apr_pool_t *pool;
static char directory[] = "/tmp/webhook-test-XXXXXX";
static wh_settings_t settings = {.database_driver = "sqlite3",
                                 .state_dir = directory,
                                 .window = 100,
                                 .endpoint_window = 8};
static wh_store_t *store; /* as a child has it: webhooks are saved here */
static wh_db_t outside;   /* a second connection, to look at the rows */
static wh_channel_server_t server;
static wh_commit_t commit;
static wh_inbox_t *inbox; /* of the delivery thread, which this program is */

static void end_commit(void)
{
    wh_store_t *own = commit.store;

    wh_channel_server_stop(&server);
    wh_commit_destroy(&commit);
    wh_store_destroy(own);
}

/* A dispatcher's commit thread, without its loop. */
static int begin_commit(int node)
{
    wh_store_t *own;

    if (wh_store_create(&own, &settings) != APR_SUCCESS ||
        wh_commit_init(&commit, &settings, &server, own, pool) != APR_SUCCESS) {
        return 0;
    }
    commit.ids.node = node;
    wh_schedule_init(&commit.schedule, &settings, &inbox, 1, pool);
    return 1;
}

static int begin(void)
{
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (!mkdtemp(directory) || apr_dbd_init(pool) != APR_SUCCESS ||
        wh_inbox_create(&inbox, pool) != APR_SUCCESS ||
        wh_channel_server_start(&server, epoll_create1(0), listener, 1000000) !=
            APR_SUCCESS) {
        return 0;
    }
    settings.database_params = apr_pstrcat(pool, directory, "/test.db", NULL);
    outside.pool = pool;
    outside.driver_name = settings.database_driver;
    outside.params = settings.database_params;
    return wh_store_create(&store, &settings) == APR_SUCCESS &&
           wh_store_open(store) == APR_SUCCESS &&
           wh_db_open(&outside) == APR_SUCCESS && begin_commit(NODE);
}

/* -- the delivery thread's part ------------------------------------------- */

#define HELD_MAX 1000

static wh_delivery_t *held[HELD_MAX]; /* deliveries on their way */
static int held_count;

/* Takes what has been posted. "T1" a target, "T1-" one that is off, "T1!" one
 * that is gone, "D1" a delivery for webhook 1. */
static const char *posted(void)
{
    wh_message_t *message = wh_inbox_take(inbox);
    const char *all = "";

    while (message) {
        wh_message_t *next = message->next;

        if (message->kind == WH_MESSAGE_TARGET) {
            wh_target_t *target = (wh_target_t *)message;

            all = apr_psprintf(pool, "%s%sT%d%s", all, *all ? " " : "",
                               target->webhook_id,
                               target->removed  ? "!"
                               : target->active ? ""
                                                : "-");
            wh_target_release(target);
        }
        else {
            held[held_count] = (wh_delivery_t *)message;
            all = apr_psprintf(pool, "%s%sD%d", all, *all ? " " : "",
                               held[held_count]->webhook_id);
            held_count++;
        }
        message = next;
    }
    return all;
}

/* Reports the oldest delivery that is held. */
static void report(wh_outcome_kind_t outcome, apr_time_t due)
{
    wh_delivery_t *delivery = held[0];

    memmove(held, held + 1, (size_t)--held_count * sizeof(held[0]));
    delivery->message.kind = WH_MESSAGE_OUTCOME;
    delivery->outcome = outcome;
    delivery->due = due;
    if (outcome != WH_OUTCOME_RETURNED) {
        delivery->attempts++;
        delivery->started = NOW;
        delivery->status = outcome == WH_OUTCOME_DELIVERED ? 200 : 500;
        delivery->error = outcome == WH_OUTCOME_DELIVERED ? NULL : "status";
    }
    wh_commit_outcome(&commit, delivery);
}

static void throw_away(void)
{
    posted();
    while (held_count > 0) {
        wh_delivery_destroy(held[--held_count]);
    }
}

/* Ends everything that is in memory, as delivered. */
static void deliver_all(apr_time_t now)
{
    posted();
    while (held_count > 0) {
        report(WH_OUTCOME_DELIVERED, 0);
    }
    wh_commit_batch(&commit, now);
}

/* -- webhooks ------------------------------------------------------------- */

static apr_int32_t save_webhook(const char *events)
{
    wh_webhook_t webhook = {.context = "",
                            .name = "w",
                            .events = events,
                            .target_url = "https://receiver.example/",
                            .state = WH_STATE_ACTIVE,
                            .type = "webhook"};

    return wh_store_webhook_insert(store, &webhook) == APR_SUCCESS ? webhook.id
                                                                   : 0;
}

static void end(void)
{
    throw_away();
    end_commit();
    wh_db_close(&outside);
    wh_store_destroy(store);
    unlink(settings.database_params);
    unlink(apr_pstrcat(pool, directory, "/test.db.lock", NULL));
    ok(rmdir(directory) == 0, "nothing else is left in the directory");
    close(server.listener);
    close(server.epoll);
    apr_terminate();
}

static const char *text(const char *sql)
{
    wh_rows_t rows;

    if (wh_db_query(&rows, &outside, sql) != APR_SUCCESS ||
        !wh_rows_next(&rows)) {
        return "no row";
    }
    return wh_rows_text(&rows, 0, pool);
}

/* The columns of an event that matter here, then its values. */
#define INSERT_EVENT                                                           \
    "INSERT INTO event (id, uuid, context, name, primary_key, "                \
    "associate_id, time, data, size) VALUES "

static apr_int64_t next_id = 1000;

/* Rows of a webhook that wait in the database. */
static void wait_in_database(apr_int32_t webhook, int count, apr_time_t due)
{
    int i;

    wh_db_begin(&outside);
    for (i = 0; i < count; i++, next_id += 2) {
        wh_db_execute(&outside,
                      apr_psprintf(pool,
                                   INSERT_EVENT
                                   "(%d, 'u%d', '', 'a', 0, 0, 0, '{}', 2)",
                                   (int)next_id, (int)next_id));
        wh_db_execute(
            &outside,
            apr_psprintf(pool,
                         "INSERT INTO delivery (id, event_id, webhook_id, "
                         "state, attempts, due, owner) VALUES (%d, %d, %d, 0, "
                         "0, %" APR_INT64_T_FMT ", 0)",
                         (int)next_id + 1, (int)next_id, webhook, due + i));
    }
    wh_db_commit(&outside);
}

/* As after a start: each webhook is looked at. */
static void look_at_all(apr_time_t now)
{
    wh_schedule_t *schedule = &commit.schedule;
    apr_hash_index_t *at;

    wh_commit_refresh(&commit, now);
    for (at = apr_hash_first(pool, schedule->entries); at;
         at = apr_hash_next(at)) {
        wh_schedule_waiting(schedule, apr_hash_this_val(at), 0);
    }
}

/* Claims until nothing more is to be had now; deliveries in all. */
static int claim_all(apr_time_t now)
{
    int before = held_count, turns = 0;

    while (commit.schedule.wake <= now && turns++ < 1000) {
        wh_commit_claim(&commit, now);
        posted();
    }
    ok(turns < 1000, "the claim comes to rest");
    return held_count - before;
}

static int count_held(apr_int32_t webhook)
{
    int i, count = 0;

    for (i = 0; i < held_count; i++) {
        count += held[i]->webhook_id == webhook;
    }
    return count;
}

static void test_nothing(void)
{
    save_webhook("a");
    look_at_all(NOW);
    is_int(claim_all(NOW), 0, "nothing waits");
    ok(commit.schedule.wake == WH_NEVER, "nothing to come back for");
}

static void test_due(void)
{
    wait_in_database(1, 3, NOW + 1000);
    look_at_all(NOW);
    is_int(claim_all(NOW), 0, "nothing is due");
    is_int(commit.schedule.wake, NOW + 1000, "come back then");
    wh_commit_claim(&commit, NOW + 999);
    is_int(commit.schedule.wake, NOW + 1000, "not before");
    is_int(claim_all(NOW + 1001), 2, "what is due is taken");
    is_int(commit.schedule.wake, NOW + 1002, "then comes the next one");
    is_int(claim_all(NOW + 1002), 1, "which is taken");
    ok(commit.schedule.wake == WH_NEVER, "that was all");
    deliver_all(NOW + 2000);
}

/* More than the window: in order, all of it, never more than fits. */
static void test_window(void)
{
    apr_int64_t last = 0;
    int total = 0, wrong = 0, most = 0;

    wait_in_database(1, 50, NOW);
    look_at_all(NOW + 100);
    while (claim_all(NOW + 100) > 0 || held_count > 0) {
        most = held_count > most ? held_count : most;
        wrong += held[0]->id <= last;
        last = held[0]->id;
        report(WH_OUTCOME_DELIVERED, 0);
        wh_commit_batch(&commit, NOW + 100);
        total++;
    }
    is_int(total, 50, "all are delivered");
    is_int(wrong, 0, "in their order");
    is_int(most, 8, "within the window");
    is_int(commit.schedule.in_memory, 0, "none is left in memory");
    is_str(text("SELECT count(*) FROM delivery WHERE state = 0"), "0",
           "nor in the database");
}

/* The window of all is full: others wait, and come when there is room. */
static void test_starved(void)
{
    int i, total = 0;

    settings.window = 10;
    save_webhook("a");
    save_webhook("a");
    for (i = 1; i <= 3; i++) {
        wait_in_database(i, 20, NOW);
    }
    look_at_all(NOW + 100);
    is_int(claim_all(NOW + 100), 10, "as many as all may have");
    is_int(commit.schedule.starved, 1, "others are starved");
    ok(commit.schedule.wake == WH_NEVER, "nobody looks in vain");
    while (held_count > 0) {
        report(WH_OUTCOME_DELIVERED, 0);
        wh_commit_batch(&commit, NOW + 100);
        total++;
        is_int(commit.schedule.in_memory <= 10, 1, "never more");
        claim_all(NOW + 100);
    }
    is_int(total, 60, "all are delivered");
    settings.window = 100;
}

/* One endpoint has its window full; that does not concern others. */
static void test_beside(void)
{
    wait_in_database(1, 30, NOW);
    look_at_all(NOW + 100);
    is_int(claim_all(NOW + 100), 8, "the first one fills its window");
    wait_in_database(2, 3, NOW);
    look_at_all(NOW + 100);
    is_int(claim_all(NOW + 100), 3, "the second one gets its own");
    is_int(count_held(2), 3, "all of it");
    while (held_count > 0) {
        deliver_all(NOW + 100);
        claim_all(NOW + 100);
    }
}

static void test_not_active(void)
{
    wh_webhook_t *webhook;

    wh_store_webhook_get(&webhook, store, "", 1, pool);
    webhook->state = WH_STATE_TOO_MANY_ERRORS;
    wh_store_webhook_update(store, webhook, 0);
    wait_in_database(1, 3, NOW);
    look_at_all(NOW + 100);
    is_int(claim_all(NOW + 100), 0, "not active: nothing is taken");
    is_str(text("SELECT count(*) FROM delivery WHERE state = 0"), "3",
           "and nothing is lost");
    webhook->state = WH_STATE_ACTIVE;
    wh_store_webhook_update(store, webhook, 0);
    wh_commit_refresh(&commit, NOW + 100);
    is_int(claim_all(NOW + 100), 3, "active again: all of it");
    deliver_all(NOW + 100);
}

/* Its event is gone: it cannot be read, and others are not held up. */
static void test_stuck(void)
{
    wait_in_database(1, 1, NOW);
    wh_db_execute(&outside, "DELETE FROM event WHERE id = "
                            "(SELECT max(event_id) FROM delivery)");
    wait_in_database(1, 2, NOW + 10);
    look_at_all(NOW + 100);
    is_int(claim_all(NOW + 100), 2, "those that can be read are taken");
    deliver_all(NOW + 100);
    ok(commit.schedule.wake > NOW + 100, "no time is spent on the other one");
    wh_db_execute(&outside, "DELETE FROM delivery WHERE state = 0");
}

static void test_storage_fails(void)
{
    wait_in_database(1, 3, NOW);
    wh_db_execute(&outside, "CREATE TRIGGER broken BEFORE UPDATE ON delivery "
                            "BEGIN SELECT raise(ABORT, 'full'); END");
    look_at_all(NOW + 100);
    wh_commit_claim(&commit, NOW + 100);
    is_str(posted(), "", "storage fails: nothing is taken");
    is_int(commit.schedule.in_memory, 0, "no room is lost");
    ok(commit.schedule.wake > NOW + 100 &&
           commit.schedule.wake < NOW + apr_time_from_sec(10),
       "it is tried again soon");
    wh_db_execute(&outside, "DROP TRIGGER broken");
    is_int(claim_all(commit.schedule.wake), 3, "storage is back: all of it");
    deliver_all(NOW + 100);
}

int main(void)
{
    if (!begin()) {
        return 1;
    }
    test_nothing();
    test_due();
    test_window();
    test_starved();
    test_beside();
    test_not_active();
    test_stuck();
    test_storage_fails();
    end();
    return done_testing();
}
