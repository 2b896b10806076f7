/* SPDX-License-Identifier: Apache-2.0 */
/* Housekeeping. */
#include "dispatcher/maintenance.h"
#include "store/log_store.h"
#include "store/token_store.h"

#include "unit/dispatcher/fixture.h"
#include "unit/store/rows.h"

static wh_maintenance_t maintenance;
static wh_node_t node;

static void run(apr_time_t now)
{
    wh_maintenance_run(&maintenance, &commit, &node, now);
}

static apr_int64_t count(const char *what)
{
    return number(apr_psprintf(pool, "SELECT count(*) FROM %s", what));
}

/* An event, its delivery and an attempt, made at a time. */
static void insert_at(apr_time_t time, int state, int owner)
{
    wh_row_ids_t ids = {.node = NODE};
    apr_int64_t event = wh_row_id_next(&ids, time);
    apr_int64_t delivery = wh_row_id_next(&ids, time);
    apr_int64_t attempt = wh_row_id_next(&ids, time);

    add_event(event, "", "a");
    wh_db_execute(
        &outside,
        apr_psprintf(pool,
                     "INSERT INTO delivery (id, event_id, webhook_id, state, "
                     "attempts, due, owner) VALUES (%" APR_INT64_T_FMT
                     ", %" APR_INT64_T_FMT ", 1, %d, 0, 0, %d)",
                     delivery, event, state, owner));
    add_attempt(attempt, delivery, 1);
}

/* Webhooks are read without an event, too. */
static void test_refresh(void)
{
    save_webhook("a");
    run(apr_time_now());
    is_str(posted(), "T1", "a new webhook is seen without an event");
    run(apr_time_now());
    is_str(posted(), "", "once");
    is_int(count("node"), 1, "this node is known");
}

static void test_sweep(void)
{
    apr_time_t now = apr_time_now();
    int i;

    for (i = 0; i < 20; i++) {
        insert_at(now - apr_time_from_sec(2000 + i), WH_DELIVERY_DELIVERED, 0);
        insert_at(now - apr_time_from_sec(10 + i), WH_DELIVERY_DELIVERED, 0);
    }
    insert_at(now - apr_time_from_sec(3000), WH_DELIVERY_PENDING, 0);
    insert_at(now - apr_time_from_sec(3001), WH_DELIVERY_PENDING, NODE);
    maintenance.sweep_at = 0;
    for (i = 0; i < 1000 && maintenance.sweep_at <= now; i++) {
        run(now);
    }
    ok(maintenance.sweep_at > now, "the sweep comes to its end");
    is_int(count("event"), 20, "what is older than retention goes");
    is_int(count("delivery"), 20, "delivered or not");
    is_int(count("attempt"), 20, "with its attempts");
    insert_at(now - apr_time_from_sec(4000), WH_DELIVERY_DELIVERED, 0);
    run(now + 1);
    is_int(count("event"), 21, "then there is a rest");
    run(maintenance.sweep_at);
    is_int(count("event"), 20, "and another sweep");
}

/* A webhook that has nothing waiting, but a delivery that has failed. */
/* Ahead of all that is stored, within a second. */
static void test_clock_set_ahead(void)
{
    apr_time_t now = apr_time_now(), later = now + apr_time_from_sec(86400);
    apr_int64_t before;

    insert_at(now - apr_time_from_sec(10), WH_DELIVERY_PENDING, NODE);
    maintenance.sweep_at = 0;
    run(now);
    before = count("event");
    maintenance.sweep_at = 0;
    run(later);
    ok(before > 0 && count("event") == before,
       "what is stored is not thrown away when the clock is set ahead");
    commit.leap.to = commit.leap.from = 0;
    maintenance.sweep_at = 0;
    run(later);
    is_int(count("event"), 0, "... but when so much time has passed");
    run(now);
}

/* An error that is corrected in part. */
static void test_clock_half_corrected(void)
{
    const apr_interval_time_t day = apr_time_from_sec(86400);
    apr_time_t now = apr_time_now();

    wh_db_execute(&outside, "DELETE FROM event");
    wh_db_execute(&outside, "DELETE FROM delivery");
    insert_at(now - apr_time_from_sec(10), WH_DELIVERY_PENDING, NODE);
    run(now);
    maintenance.sweep_at = 0;
    run(now + 30 * day);
    maintenance.sweep_at = 0;
    run(now + 10 * day);
    is_int(count("event"), 1, "the clock is still ahead: nothing is old");
    run(now);
    commit.leap.to = commit.leap.from = 0;
    maintenance.sweep_at = 0;
    run(now + apr_time_from_sec(59));
    is_int(count("event"), 1, "nor when it is right");
    wh_db_execute(&outside, "DELETE FROM event");
    wh_db_execute(&outside, "DELETE FROM delivery");
}

/* What waits for a time of a clock that was ahead. */
static void test_clock_set_back(void)
{
    const apr_interval_time_t day = apr_time_from_sec(86400);
    apr_time_t now = apr_time_now();
    apr_int32_t id = save_webhook("b");
    wh_schedule_entry_t *entry;

    run(now);
    entry = wh_schedule_entry(&commit.schedule, id);
    throw_away();
    insert_at(now, WH_DELIVERY_PENDING, 0);
    wh_db_execute(&outside, apr_psprintf(pool,
                                         "UPDATE delivery SET webhook_id = %d, "
                                         "due = %" APR_INT64_T_FMT,
                                         id, now + 20 * day + 5000000));
    run(now + 20 * day);
    entry->hold_until = now + 20 * day + 3000000;
    entry->paused_until = now + 20 * day + 4000000;
    entry->next_due = now + 20 * day + 5000000;
    run(now + 1000);
    ok(entry->hold_until < now + 3100000, "a rest is not longer by it");
    ok(entry->paused_until < now + 4100000, "nor a pause");
    is_int(number("SELECT due FROM delivery") < now + 5100000, 1,
           "nor a wait for the next attempt");
    wh_commit_claim(&commit, now + 6000000);
    is_str(posted(), apr_psprintf(pool, "D%d", id), "it comes in time");
    deliver_all(now + 6000000);
    commit.leap.to = commit.leap.from = 0;
    maintenance.sweep_at = 0;
}

static apr_int32_t save_with_failed(const char *event)
{
    apr_int32_t webhook = save_webhook(event);
    apr_time_t now = apr_time_now();

    insert_at(now - apr_time_from_sec(5), WH_DELIVERY_FAILED, 0);
    wh_db_execute(&outside,
                  apr_psprintf(pool,
                               "UPDATE delivery SET webhook_id = %d "
                               "WHERE id = (SELECT max(id) FROM delivery)",
                               webhook));
    run(now);
    wh_commit_claim(&commit, now);
    throw_away();
    return webhook;
}

static void test_replays(void)
{
    apr_int32_t webhook = save_with_failed("replayed");
    wh_log_filter_t filter = {.state = -1};
    int replayed;

    is_int(wh_schedule_entry(&commit.schedule, webhook)->next_due, WH_NEVER,
           "a webhook has nothing waiting");
    filter.webhook_id = webhook;
    is_int(wh_store_replay(&replayed, store, &filter), APR_SUCCESS, "replay");
    is_int(replayed, 1, "of one delivery");
    wh_commit_claim(&commit, apr_time_now());
    is_str(posted(), "", "is not noticed at once");
    run(apr_time_now());
    wh_commit_claim(&commit, apr_time_now());
    is_str(posted(), apr_psprintf(pool, "D%d", webhook),
           "but by the next housekeeping");
    throw_away();
    run(apr_time_now());
    is_int(wh_schedule_entry(&commit.schedule, webhook)->next_due, WH_NEVER,
           "and once");
}

/* Replays that this process has made it knows: nobody is woken. */
static void test_own_replays(void)
{
    apr_int32_t webhook = save_with_failed("own");
    wh_log_filter_t filter = {.state = -1};
    int replayed;

    filter.webhook_id = webhook;
    wh_store_replay(&replayed, store, &filter);
    is_int(replayed, 1, "a replay");
    commit.own_replays = 1;
    run(apr_time_now());
    is_int(wh_schedule_entry(&commit.schedule, webhook)->next_due, WH_NEVER,
           "of this process is no news to it");
    is_int(commit.own_replays, 0, "and counts once");
    wh_db_execute(&outside, "UPDATE delivery SET state = 2 WHERE state = 0");
}

/* What waited, for its order, for a delivery that retention takes. */
static void test_sweep_frees(void)
{
    apr_int32_t webhook = save_webhook("ordered");
    apr_time_t now = apr_time_now();
    wh_schedule_entry_t *entry;

    wh_db_execute(&outside, "DELETE FROM delivery");
    insert_at(now - apr_time_from_sec(3000), WH_DELIVERY_PENDING, NODE);
    insert_at(now - apr_time_from_sec(3), WH_DELIVERY_PENDING, -1);
    wh_db_execute(&outside, apr_psprintf(pool,
                                         "UPDATE delivery SET webhook_id = %d, "
                                         "order_key = 7",
                                         webhook));
    maintenance.sweep_at = now + apr_time_from_sec(1);
    run(now);
    wh_commit_claim(&commit, now);
    posted();
    entry = wh_schedule_entry(&commit.schedule, webhook);
    is_int(entry->next_due, WH_NEVER, "nothing waits but in its order");
    maintenance.sweep_at = 0;
    run(now);
    ok(entry->next_due <= now, "the first one is swept: the next one is free");
    wh_commit_claim(&commit, now);
    is_str(posted(), apr_psprintf(pool, "D%d", webhook), "and taken");
    throw_away();
}

static void insert_token(const char *hash, apr_time_t expires)
{
    wh_token_t token = {.kind = WH_TOKEN_TICKET,
                        .context = "",
                        .owner = "o",
                        .expires = expires};

    wh_store_token_insert(store, &token, hash);
}

static void test_tokens(void)
{
    apr_time_t now = apr_time_now();
    apr_time_t day = apr_time_from_sec(24 * 60 * 60);

    insert_token("long ago", now - day - 1);
    insert_token("lately", now - day + 1);
    insert_token("later", now + day);
    insert_token("never", 0);
    maintenance.tokens_at = 0;
    run(now);
    is_int(count("token"), 3, "a token that expired a day ago goes");
    is_int(count("token WHERE hash = 'long ago'"), 0, "that one");
    run(now);
    ok(maintenance.tokens_at > now, "nothing left: not again for a while");
    run(now + day);
    is_int(count("token"), 2, "then another");
    wh_db_execute(&outside, "DELETE FROM token");
}

static void test_checkpoint(void)
{
    const char *log = apr_psprintf(pool, "%s-wal", settings.database_params);
    wh_rows_t rows;
    int pages, moved = -1;

    wh_store_checkpoint(&pages, store, 1);
    insert_at(apr_time_now(), WH_DELIVERY_DELIVERED, 0);
    commit.written = 1;
    run(apr_time_now());
    is_int(commit.written, 0, "what was written is copied");
    wh_db_query(&rows, &outside, "PRAGMA wal_checkpoint(PASSIVE)");
    if (wh_rows_next(&rows)) {
        moved = (int)(wh_rows_int64(&rows, 1) - wh_rows_int64(&rows, 2));
    }
    is_int(moved, 0, "all of the log");
    is_int(access(log, F_OK), 0, "which is used again");
}

static void test_storage_fails(void)
{
    const char *good = settings.database_params;
    wh_maintenance_t before;

    settings.database_params = "/nonesuch/db";
    throw_away();
    end_commit();
    begin_commit(NODE);
    maintenance.sweep_at = 0;
    before = maintenance;
    run(apr_time_now());
    is_int(maintenance.sweep_at, before.sweep_at, "no database, no sweep");
    settings.database_params = good;
    run(apr_time_now());
    ok(maintenance.sweep_at > 0, "it is made up for");
}

int main(void)
{
    settings.retention = apr_time_from_sec(1000);
    if (!begin_dispatcher()) {
        return 1;
    }
    node.id = NODE;
    test_refresh();
    test_sweep();
    test_clock_set_ahead();
    test_replays();
    test_own_replays();
    test_sweep_frees();
    test_tokens();
    test_checkpoint();
    test_clock_half_corrected();
    test_clock_set_back();
    test_storage_fails();
    end_dispatcher();
    return done_testing();
}
