/* SPDX-License-Identifier: Apache-2.0 */
/* Outcomes: errors are counted, and webhooks that have too many disabled. */
#include "dispatcher/commit.h"

#include "unit/dispatcher/child.h"
#include "unit/dispatcher/fixture.h"

static child_t child;

/* So many deliveries for all that listen are on their way. */
static void send_out(const char *name, int count)
{
    while (count-- > 0) {
        wh_event_t event = make_event(name);

        signal_event(&child, &event, NOW);
    }
    wh_commit_claim(&commit, NOW);
    posted();
}

static void commit_reports(void)
{
    wh_commit_batch(&commit, NOW);
}

static void fail_times(int count)
{
    while (count-- > 0) {
        report(WH_OUTCOME_RETRY, NOW);
    }
}

static const char *row(apr_int32_t id)
{
    return text(apr_psprintf(
        pool,
        "SELECT w.state || ', version ' || w.version || ', ' || "
        "u.consecutive_errors || ' errors' FROM webhook w JOIN webhook_usage u "
        "ON u.webhook_id = w.id WHERE w.id = %d",
        id));
}

static const char *deliveries_of(apr_int32_t id)
{
    return text(
        apr_psprintf(pool,
                     "SELECT ifnull(sum(state = 0), 0) || ' wait, ' || "
                     "ifnull(sum(state = 1), 0) || ' arrived, ' || "
                     "ifnull(sum(state = 2), 0) || ' failed' FROM delivery "
                     "WHERE webhook_id = %d",
                     id));
}

/* Only webhooks of the test listen. */
static void begin_test(int disable_after)
{
    settings.disable_errors = disable_after;
    settings.disable_drops = disable_after > 0;
    wh_db_execute(&outside, "DELETE FROM webhook");
    wh_db_execute(&outside, "DELETE FROM delivery");
    wh_db_execute(&outside, "DELETE FROM event");
    wh_db_execute(&outside, "UPDATE meta SET value = value + 1 WHERE name = "
                            "'generation'");
    if (child.near) {
        close(child.near);
    }
    throw_away();
    end_commit();
    begin_commit(NODE);
    child = connect_child();
}

/* Both the order and the number within one batch are exact. */
static void test_counts(void)
{
    apr_int32_t id;

    begin_test(0);
    id = save_webhook("a");
    send_out("a", 8);
    fail_times(2);
    commit_reports();
    is_str(row(id), "1, version 1, 2 errors", "two errors");
    fail_times(1);
    report(WH_OUTCOME_DELIVERED, 0);
    commit_reports();
    is_str(row(id), "1, version 1, 0 errors", "a success ends them");
    report(WH_OUTCOME_DELIVERED, 0);
    fail_times(2);
    commit_reports();
    is_str(row(id), "1, version 1, 2 errors", "errors after a success count");
    wh_commit_claim(&commit, NOW);
    posted();
    fail_times(1);
    report(WH_OUTCOME_DELIVERED, 0);
    fail_times(1);
    commit_reports();
    is_str(row(id), "1, version 1, 1 errors", "those before it do not");
    is_int(number("SELECT total_calls FROM webhook_usage ORDER BY webhook_id "
                  "DESC"),
           10, "all calls are counted");
    is_int(number("SELECT total_errors FROM webhook_usage ORDER BY webhook_id "
                  "DESC"),
           7, "and all errors");
}

static void test_never(void)
{
    apr_int32_t id;

    begin_test(0);
    id = save_webhook("a");
    send_out("a", 8);
    held[0]->gone = 1;
    fail_times(8);
    commit_reports();
    is_str(row(id), "1, version 1, 8 errors", "without a limit: never");
    is_str(deliveries_of(id), "8 wait, 0 arrived, 0 failed", "all is kept");
}

static void test_disabled(void)
{
    apr_int32_t id, watcher;
    const char *name;

    begin_test(3);
    id = save_webhook("a");
    name = apr_psprintf(pool, "webhook%d.errors", id);
    watcher = save_webhook(name);
    send_out("a", 6);
    fail_times(2);
    commit_reports();
    is_str(row(id), "1, version 1, 2 errors", "two errors are not too many");
    is_str(deliveries_of(id), "6 wait, 0 arrived, 0 failed", "all wait");
    fail_times(1);
    commit_reports();
    is_str(row(id), "3, version 2, 3 errors", "three are");
    is_str(deliveries_of(id), "3 wait, 0 arrived, 3 failed",
           "what waits is discarded");
    ok(wh_commit_has_more(&commit), "an event is to be signalled");
    is_str(posted(), "", "by the next batch");
    commit_reports();
    ok(!wh_commit_has_more(&commit), "once");
    is_str(text(apr_psprintf(pool,
                             "SELECT name || '|' || primary_key || '|' || "
                             "associate_id || '|' || data || '|' || context "
                             "FROM event WHERE name = '%s'",
                             name)),
           apr_psprintf(pool, "%s|%d|0|{\"state\":3}|", name, id),
           "its event is stored");
    wh_commit_claim(&commit, NOW);
    is_str(posted(), apr_psprintf(pool, "T%d- D%d", id, watcher),
           "the thread learns of it, and the webhook that listens");
    is_str(held[3]->event->changes, "[\"state\"]", "what has changed");
}

/* In memory when it happened: thread and commit thread may not agree yet. */
static void test_on_the_way(void)
{
    apr_int32_t id;

    begin_test(1);
    id = save_webhook("a");
    send_out("a", 4);
    fail_times(1);
    commit_reports();
    commit_reports();
    wh_commit_discard(&commit, NOW);
    is_str(deliveries_of(id), "3 wait, 0 arrived, 1 failed", "disabled");
    posted();
    report(WH_OUTCOME_FAILED, 0);
    report(WH_OUTCOME_RETRY, NOW + 5000);
    report(WH_OUTCOME_RETURNED, NOW);
    commit_reports();
    is_str(deliveries_of(id), "2 wait, 0 arrived, 2 failed", "they come back");
    ok(commit.schedule.discarding, "there is something to discard");
    wh_commit_discard(&commit, NOW);
    is_str(deliveries_of(id), "0 wait, 0 arrived, 4 failed", "it is discarded");
    wh_commit_discard(&commit, NOW);
    wh_commit_discard(&commit, NOW);
    ok(!commit.schedule.discarding, "nothing is left to discard");
    is_str(row(id), "3, version 2, 3 errors", "it is disabled once");
    ok(!wh_commit_has_more(&commit), "and told once");
    wh_commit_claim(&commit, NOW + 9000);
    is_str(posted(), "", "nothing is sent any more");
}

static void test_gone(void)
{
    apr_int32_t id;

    begin_test(9);
    id = save_webhook("a");
    send_out("a", 3);
    held[0]->gone = 1;
    report(WH_OUTCOME_FAILED, 0);
    commit_reports();
    is_str(row(id), "1, version 1, 1 errors",
           "410 of the webhook as it was disables nobody");
    held[0]->gone = 1;
    held[0]->target_number =
        wh_schedule_entry(&commit.schedule, id)->target_number;
    report(WH_OUTCOME_FAILED, 0);
    commit_reports();
    is_str(row(id), "3, version 2, 2 errors", "410 disables at once");
}

static void test_success_in_batch(void)
{
    apr_int32_t id;

    begin_test(3);
    id = save_webhook("a");
    send_out("a", 7);
    fail_times(3);
    report(WH_OUTCOME_DELIVERED, 0);
    commit_reports();
    is_str(row(id), "1, version 1, 0 errors", "a success comes in time");
    fail_times(3);
    commit_reports();
    is_str(row(id), "3, version 2, 3 errors", "three later ones count");
}

static void add_rows(apr_int32_t id, int count)
{
    wh_db_execute(
        &outside,
        apr_psprintf(pool,
                     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
                     "FROM n WHERE i < %d) INSERT INTO delivery (event_id, "
                     "webhook_id, state, attempts, due, owner) SELECT 1, %d, "
                     "0, 0, i, 0 FROM n",
                     count, id));
}

static void test_many(void)
{
    apr_int32_t id;

    begin_test(1);
    id = save_webhook("a");
    send_out("a", 1);
    add_rows(id, 1100);
    fail_times(1);
    commit_reports();
    is_str(deliveries_of(id), "601 wait, 0 arrived, 500 failed", "a portion");
    wh_commit_claim(&commit, NOW);
    is_str(posted(), "", "what is left is not sent");
    commit_reports();
    wh_commit_discard(&commit, NOW);
    is_str(deliveries_of(id), "101 wait, 0 arrived, 1000 failed", "another");
    wh_commit_discard(&commit, NOW);
    is_str(deliveries_of(id), "0 wait, 0 arrived, 1101 failed", "the rest");
    wh_commit_discard(&commit, NOW);
    wh_commit_discard(&commit, NOW);
    ok(!commit.schedule.discarding, "that was all");
}

/* A dispatcher that died before it had discarded everything. */
static void test_begin(void)
{
    apr_int32_t id, kept;

    begin_test(3);
    id = save_in_state("a", WH_STATE_TOO_MANY_ERRORS);
    kept = save_in_state("a", WH_STATE_STOPPED);
    add_rows(id, 3);
    add_rows(kept, 3);
    wh_commit_refresh(&commit, NOW);
    wh_schedule_flush(&commit.schedule);
    wh_commit_discard(&commit, NOW);
    is_str(deliveries_of(id), "0 wait, 0 arrived, 3 failed",
           "what was left is discarded");
    is_str(deliveries_of(kept), "3 wait, 0 arrived, 0 failed",
           "not what waits for a stopped one");
    wh_schedule_flush(&commit.schedule);
    throw_away();
    begin_test(0);
    id = save_in_state("a", WH_STATE_TOO_MANY_ERRORS);
    add_rows(id, 3);
    wh_commit_refresh(&commit, NOW);
    wh_schedule_flush(&commit.schedule);
    wh_commit_discard(&commit, NOW);
    is_str(deliveries_of(id), "3 wait, 0 arrived, 0 failed",
           "without a limit all is kept");
    wh_schedule_flush(&commit.schedule);
    throw_away();
}

static void test_active_again(void)
{
    wh_webhook_t *webhook;
    apr_int32_t id;

    begin_test(2);
    id = save_webhook("a");
    send_out("a", 2);
    fail_times(2);
    commit_reports();
    commit_reports();
    posted();
    wh_store_webhook_get(&webhook, store, "", id, pool);
    webhook->state = WH_STATE_ACTIVE;
    is_int(wh_store_webhook_update(store, webhook, 0), APR_SUCCESS,
           "active again");
    is_str(row(id), "1, version 3, 0 errors", "errors begin at 0");
    wh_commit_refresh(&commit, NOW);
    wh_schedule_flush(&commit.schedule);
    is_str(posted(), apr_psprintf(pool, "T%d", id), "its thread is told");
    wh_commit_discard(&commit, NOW);
    send_out("a", 1);
    is_int(held_count, 1, "the next event is sent to it");
    fail_times(1);
    commit_reports();
    is_str(row(id), "1, version 3, 1 errors", "one error is not too many");
}

/* Active again before the dispatcher has looked at it. */
static void test_at_once(void)
{
    apr_int32_t id;

    begin_test(1);
    id = save_webhook("a");
    send_out("a", 1);
    fail_times(1);
    commit_reports();
    wh_db_execute(&outside, "UPDATE webhook SET state = 1");
    wh_db_execute(&outside, "UPDATE meta SET value = value + 1 WHERE name = "
                            "'generation'");
    commit_reports();
    send_out("a", 1);
    is_int(held_count, 1, "it gets the next event");
    is_str(deliveries_of(id), "1 wait, 0 arrived, 1 failed",
           "what was discarded stays so");
}

static apr_status_t record_work(wh_store_t *at, void *unused)
{
    (void)unused;
    return wh_commit_record(&commit, at, NOW);
}

/* A batch whose transaction takes place, and that does not get to know it. */
static apr_status_t first_run(void)
{
    commit.outcomes = commit.reported;
    commit.reported.first = commit.reported.last = NULL;
    return wh_store_batch(commit.store, record_work, NULL);
}

/* COMMIT took place although it was said to have failed: the second run of the
 * batch finds everything recorded. */
static void test_recorded_twice(void)
{
    apr_int32_t id;

    begin_test(2);
    id = save_webhook("a");
    send_out("a", 2);
    fail_times(2);
    is_int(first_run(), APR_SUCCESS, "the first run");
    is_str(row(id), "3, version 2, 2 errors", "disables it");
    commit_reports();
    is_str(row(id), "3, version 2, 2 errors", "the second one counts nothing");
    ok(commit.own_events && !commit.own_events->next, "and tells it, once");
    begin_test(2);
    id = save_webhook("a");
    send_out("a", 2);
    fail_times(2);
    first_run();
    wh_db_execute(&outside, "UPDATE webhook SET state = 1");
    commit_reports();
    is_str(row(id), "1, version 2, 2 errors", "active again in between");
    ok(!commit.own_events, "there is nothing to tell");
}

static const char *usage_of(apr_int32_t id)
{
    return text(apr_psprintf(
        pool,
        "SELECT total_calls || ' calls, ' || total_errors || ' errors, ' || "
        "consecutive_errors || ' in a row' FROM webhook_usage WHERE "
        "webhook_id = %d",
        id));
}

/* Nor are successes counted twice, which would end errors in a row. */
static void test_successes_twice(void)
{
    apr_int32_t id;

    begin_test(0);
    id = save_webhook("a");
    send_out("a", 3);
    report(WH_OUTCOME_DELIVERED, 0);
    report(WH_OUTCOME_DELIVERED, 0);
    fail_times(1);
    lost_commits = 1;
    commit_reports();
    is_str(usage_of(id), "3 calls, 1 errors, 1 in a row",
           "a batch that is written twice counts once");
}

/* By a stop, while what is not delivered is thrown away. */
static void test_broken_off(void)
{
    apr_int32_t id;

    begin_test(0);
    id = save_webhook("a");
    send_out("a", 2);
    held[0]->broken_off = 1;
    report(WH_OUTCOME_FAILED, 0);
    commit_reports();
    is_str(usage_of(id), "0 calls, 0 errors, 0 in a row",
           "what was broken off counts nowhere");
    is_str(deliveries_of(id), "1 wait, 0 arrived, 1 failed", "but has failed");
    ok(number("SELECT count(*) FROM attempt a JOIN delivery d ON "
              "d.id = a.delivery_id WHERE d.state = 2") > 0,
       "and is on record");
}

static apr_time_t pause_of(apr_int32_t id)
{
    return number(apr_psprintf(
        pool, "SELECT paused_until FROM webhook_usage WHERE webhook_id = %d",
        id));
}

static void ask_for_pause(apr_int32_t id, apr_time_t until)
{
    held[0]->target_number =
        wh_schedule_entry(&commit.schedule, id)->target_number;
    held[0]->paused_until = until;
    fail_times(1);
    commit_reports();
}

/* What a receiver asks for the whole webhook is stored; of the webhook as it
 * is. */
static void test_pause(void)
{
    const apr_time_t later = NOW + apr_time_from_sec(60);
    wh_webhook_t *webhook;
    apr_int32_t id;

    begin_test(0);
    id = save_webhook("a");
    send_out("a", 4);
    ask_for_pause(id, NOW - 1);
    is_int(pause_of(id), 0, "a pause that is over is not kept");
    ask_for_pause(id, later);
    is_int(pause_of(id), later, "one that is not is");
    ask_for_pause(id, later - 5);
    is_int(pause_of(id), later - 5, "the last word counts");
    wh_store_webhook_get(&webhook, store, "", id, pool);
    webhook->description = "mended";
    is_int(wh_store_webhook_update(store, webhook, 0), APR_SUCCESS, "a save");
    is_int(pause_of(id), 0, "ends it");
    wh_schedule_entry(&commit.schedule, id)->version = 1;
    commit.generation =
        number("SELECT value FROM meta WHERE name = 'generation'");
    ask_for_pause(id, later);
    is_int(pause_of(id), 0, "one that a save overtakes is not kept");
}

static void test_storage_fails(void)
{
    apr_int32_t id;

    begin_test(2);
    id = save_webhook("a");
    save_webhook(apr_psprintf(pool, "webhook%d.errors", id));
    send_out("a", 2);
    fail_times(2);
    set_disk_full(1);
    commit_reports();
    set_disk_full(0);
    ok(commit.outcomes.first != NULL, "the storage fails: outcomes are kept");
    ok(!commit.own_events, "and nobody is told");
    wh_commit_batch(&commit, commit.retry_at);
    is_str(row(id), "3, version 2, 2 errors", "it is disabled later");
    is_int(commit.own_events && !commit.own_events->next, 1, "and told once");
    set_disk_full(1);
    commit_reports();
    set_disk_full(0);
    ok(commit.own_events != NULL, "the event is kept too");
    wh_commit_batch(&commit, commit.retry_at);
    ok(!commit.own_events, "until it is stored");
    is_int(number("SELECT count(*) FROM event WHERE name LIKE 'webhook%'"), 1,
           "one event");
    is_int(number("SELECT count(*) FROM delivery d JOIN event e ON "
                  "e.id = d.event_id WHERE e.name LIKE 'webhook%'"),
           1, "one delivery of it");
}

int main(void)
{
    if (!begin_dispatcher()) {
        return 1;
    }
    test_counts();
    test_never();
    test_disabled();
    test_on_the_way();
    test_gone();
    test_success_in_batch();
    test_many();
    test_begin();
    test_active_again();
    test_at_once();
    test_recorded_twice();
    test_successes_twice();
    test_broken_off();
    test_pause();
    test_storage_fails();
    close(child.near);
    end_dispatcher();
    return done_testing();
}
