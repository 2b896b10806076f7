/* SPDX-License-Identifier: Apache-2.0 */
/* What is due goes into memory as there is room. */
#include "dispatcher/commit.h"

#include "unit/dispatcher/fixture.h"
#include "unit/store/rows.h"

static apr_int64_t next_id = 1000;

/* Rows of a webhook that wait in the database. */
static void wait_in_database(apr_int32_t webhook, int count, apr_time_t due)
{
    int i;

    wh_db_begin(&outside);
    for (i = 0; i < count; i++, next_id += 2) {
        add_waiting(next_id, webhook, due + i, 0);
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

/* A window that the first ones could fill, but do not. */
static void test_crowded(void)
{
    int i;

    settings.window = 16;
    for (i = 1; i <= 3; i++) {
        wait_in_database(i, i == 3 ? 8 : 1, NOW);
    }
    look_at_all(NOW + 100);
    is_int(claim_all(NOW + 100), 10, "none is starved by room not used");
    is_int(commit.schedule.in_memory, 10, "all are counted");
    deliver_all(NOW + 100);
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

/* A claim of which nobody knows whether it took place: what it has read is not
 * sent before that is cleared up, and then once. */
static void test_doubt(void)
{
    wait_in_database(1, 1, NOW);
    look_at_all(NOW + 100);
    set_disk_full(1);
    wh_commit_claim(&commit, NOW + 100);
    set_disk_full(0);
    is_str(posted(), "", "the disk is full: nothing is sent");
    ok(commit.doubtful->nelts > 0, "what was read is in doubt");
    set_disk_full(1);
    wh_commit_claim(&commit, commit.schedule.wake);
    set_disk_full(0);
    is_str(posted(), "", "as long as nothing can be written");
    is_int(claim_all(commit.schedule.wake), 1, "storage is back: it is sent");
    wh_commit_refresh(&commit, NOW + apr_time_from_sec(5));
    is_int(claim_all(NOW + apr_time_from_sec(5)), 0, "once");
    deliver_all(NOW + apr_time_from_sec(5));
    is_str(text("SELECT state || ' ' || attempts FROM delivery WHERE id = "
                "(SELECT max(id) FROM delivery)"),
           "1 1", "and its outcome is recorded");
}

static void hide_events(void)
{
    wh_db_execute(&outside, "ALTER TABLE event RENAME TO hidden");
}

/* The COMMIT of a claim took place and was not answered, and its second run
 * breaks off. */
static void test_two_runs(void)
{
    wait_in_database(1, 1, NOW);
    look_at_all(NOW + 100);
    lost_commits = 1;
    after_commit = hide_events;
    wh_commit_claim(&commit, NOW + 100);
    wh_db_execute(&outside, "ALTER TABLE hidden RENAME TO event");
    is_str(posted(), "", "nothing is sent");
    wh_commit_refresh(&commit, NOW + apr_time_from_sec(1));
    is_int(claim_all(NOW + apr_time_from_sec(1)), 1,
           "but soon: the rows of both runs are given back");
    deliver_all(NOW + apr_time_from_sec(1));
}

/* The one that is free is damaged: the next one has its turn at once. */
static void test_damaged_first(void)
{
    apr_int32_t id = save_with("ordered", WH_STATE_ACTIVE,
                               "{\"mod_webhook\":{\"Ordering\":\"webhook\"}}");

    look_at_all(NOW + 100);
    claim_all(NOW + 100);
    wait_in_database(id, 2, NOW);
    wh_db_execute(&outside,
                  "UPDATE delivery SET order_key = 5 WHERE state = 0");
    wh_db_execute(&outside, "UPDATE delivery SET owner = -1 WHERE id = "
                            "(SELECT max(id) FROM delivery)");
    wh_db_execute(&outside, "UPDATE event SET data = 'broken' WHERE id = "
                            "(SELECT min(event_id) FROM delivery WHERE "
                            "state = 0)");
    look_at_all(NOW + 200);
    is_int(claim_all(NOW + 200), 1, "the next of its order is taken at once");
    deliver_all(NOW + 200);
}

/* Many webhooks at once: so many for each pass, and so many outcomes for each
 * batch, that events have their turn between. */
static void test_portions(void)
{
    int i, first;

    settings.window = 1000;
    for (i = 0; i < 70; i++) {
        wait_in_database(save_webhook("a"), 1, NOW);
    }
    look_at_all(NOW + 100);
    wh_commit_claim(&commit, NOW + 100);
    posted();
    first = held_count;
    ok(first > 20 && first <= 32, "a pass takes for so many webhooks");
    ok(commit.schedule.wake <= NOW + 100, "the next one follows at once");
    is_int(claim_all(NOW + 100), 70 - first, "until all are taken");
    is_int(commit.schedule.in_memory, 70, "all are counted");
    ok(commit.schedule.wake == WH_NEVER, "nothing to come back for");
    while (held_count > 0) {
        report(WH_OUTCOME_DELIVERED, 0);
    }
    wh_commit_batch(&commit, NOW + 100);
    is_int(commit.schedule.in_memory, 6, "a batch records so many outcomes");
    ok(wh_commit_has_more(&commit), "others wait");
    is_str(text("SELECT count(*) FROM delivery WHERE state = 0"), "6",
           "in memory alone");
    wh_commit_batch(&commit, NOW + 100);
    is_int(commit.schedule.in_memory, 0, "the next batch records them");
    ok(!wh_commit_has_more(&commit), "that was all");
}

int main(void)
{
    if (!begin_dispatcher()) {
        return 1;
    }
    test_nothing();
    test_due();
    test_window();
    test_starved();
    test_beside();
    test_crowded();
    test_not_active();
    test_stuck();
    test_storage_fails();
    test_doubt();
    test_two_runs();
    test_damaged_first();
    test_portions();
    end_dispatcher();
    return done_testing();
}
