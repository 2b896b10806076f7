/* SPDX-License-Identifier: Apache-2.0 */
/* Replays that the commit thread works off between batches. */
#include "dispatcher/maintenance.h"
#include "store/replay_job.h"

#include "unit/dispatcher/fixture.h"
#include "unit/store/rows.h"

static wh_maintenance_t maintenance;
static wh_node_t node;

/* Failed deliveries, oldest first, each with the time of its making. */
static void add_failed(apr_int32_t webhook, int count)
{
    wh_row_ids_t ids = {.node = NODE};

    wh_db_begin(&outside);
    while (count-- > 0) {
        apr_int64_t event =
            wh_row_id_next(&ids, apr_time_now() - apr_time_from_sec(5));

        add_event(event, "", "a");
        add_delivery(wh_row_id_next(&ids, 0), event, webhook,
                     WH_DELIVERY_FAILED);
    }
    wh_db_commit(&outside);
}

static apr_int64_t start(apr_int32_t webhook)
{
    wh_replay_job_t job = {.webhook_id = webhook,
                           .context = "",
                           .only_failed = 1,
                           .created = apr_time_now(),
                           .created_by = "anna"};
    wh_replay_answer_t answer;

    is_int(wh_store_replay_start(&answer, store, &job), APR_SUCCESS, "a job");
    is_int(answer, WH_REPLAY_TAKEN, "is taken");
    return job.id;
}

static const char *job_text(apr_int64_t id)
{
    return text(apr_psprintf(pool,
                             "SELECT state || ' ' || done || ' of ' || total "
                             "FROM replay WHERE id = %" ID,
                             id));
}

static int pending_of(apr_int32_t webhook)
{
    return (int)number(apr_psprintf(pool,
                                    "SELECT count(*) FROM delivery WHERE "
                                    "state = 0 AND webhook_id = %d",
                                    webhook));
}

/* Until it has nothing to do at this time, but for so many turns. */
static int work(apr_time_t now)
{
    int turns = 0;

    while (commit.replaying && commit.replay_at <= now && turns < 50) {
        wh_commit_replay(&commit, now);
        turns++;
    }
    return turns;
}

static void test_job(void)
{
    apr_int32_t webhook = save_webhook("a"), other = save_webhook("b");
    apr_time_t now = apr_time_now();
    apr_int64_t id, second;

    add_failed(webhook, 700);
    add_failed(other, 3);
    wh_maintenance_run(&maintenance, &commit, &node, now);
    work(now);
    is_int(commit.replaying, 0, "no job, nothing to do");
    wh_schedule_entry(&commit.schedule, webhook)->next_due = WH_NEVER;
    id = start(webhook);
    second = start(other);
    wh_commit_replay(&commit, now);
    is_str(job_text(id), "0 0 of 0", "a job is not noticed at once");
    wh_maintenance_run(&maintenance, &commit, &node, now);
    is_int(commit.replaying, 1, "but by the next housekeeping");
    work(now);
    is_str(job_text(id), "1 500 of 700", "it goes as far as there is room");
    is_str(job_text(second), "2 3 of 3", "another one does not wait for it");
    is_int(pending_of(webhook), 500, "so many are pending");
    ok(wh_schedule_entry(&commit.schedule, webhook)->next_due <= now,
       "and are claimed");
    ok(commit.replaying && commit.replay_at > now, "then it waits a little");
    wh_commit_replay(&commit, now + 1);
    is_str(job_text(id), "1 500 of 700", "really");
    wh_db_execute(&outside, "UPDATE delivery SET state = 1 WHERE state = 0");
    work(commit.replay_at);
    is_str(job_text(id), "2 700 of 700", "and goes on to its end");
    is_int(commit.replaying, 0, "that is all");
}

/* By somebody else: the webhooks are read again. */
static void set_state(apr_int32_t webhook, wh_state_t state)
{
    wh_db_execute(&outside, apr_psprintf(pool,
                                         "UPDATE webhook SET state = %d WHERE "
                                         "id = %d",
                                         state, webhook));
    wh_db_execute(&outside, "UPDATE meta SET value = value + 1 WHERE name = "
                            "'generation'");
    wh_commit_refresh(&commit, apr_time_now());
}

/* One that is stopped costs nothing until it is active again. */
static void test_stopped(void)
{
    apr_int32_t webhook = save_webhook("stopped");
    apr_time_t now = apr_time_now();
    apr_int64_t id;

    add_failed(webhook, 3);
    id = start(webhook);
    set_state(webhook, WH_STATE_STOPPED);
    wh_maintenance_run(&maintenance, &commit, &node, now);
    work(now);
    is_int(commit.replaying, 0, "nobody looks at a job that cannot go on");
    is_str(job_text(id), "0 0 of 0", "... which stays as it is");
    set_state(webhook, WH_STATE_ACTIVE);
    work(now);
    is_str(job_text(id), "2 3 of 3", "when its webhook is active it is done");
    wh_commit_claim(&commit, now);
    deliver_all(now);
}

/* As a dispatcher that starts while a job is open. */
static void test_restart(void)
{
    apr_int32_t webhook = save_webhook("a");
    apr_time_t now = apr_time_now();
    apr_int64_t id;

    add_failed(webhook, 2);
    id = start(webhook);
    memset(&maintenance, 0, sizeof(maintenance));
    wh_maintenance_run(&maintenance, &commit, &node, now);
    work(now);
    is_str(job_text(id), "2 2 of 2", "an open job is found by a new process");
}

static void test_storage(void)
{
    apr_int32_t webhook = save_webhook("a");
    apr_time_t now = apr_time_now();
    apr_int64_t id;

    add_failed(webhook, 2);
    id = start(webhook);
    wh_maintenance_run(&maintenance, &commit, &node, now);
    lost_commits = 2;
    wh_commit_replay(&commit, now);
    ok(commit.replay_at > now, "storage fails: it is left alone");
    lost_commits = 0;
    work(commit.replay_at);
    is_str(job_text(id), "2 2 of 2", "and goes on later");
}

static void test_gone(void)
{
    apr_int32_t webhook = save_webhook("a");
    apr_time_t now = apr_time_now();
    apr_int64_t id = start(webhook);

    wh_db_execute(
        &outside,
        apr_psprintf(pool, "DELETE FROM webhook WHERE id = %d", webhook));
    wh_maintenance_run(&maintenance, &commit, &node, now);
    work(now);
    is_str(job_text(id), "3 0 of 0", "without its webhook it ends");
}

int main(void)
{
    settings.retention = apr_time_from_sec(1000);
    if (!ok(begin_dispatcher(), "a commit thread")) {
        return done_testing();
    }
    node.id = NODE;
    test_job();
    test_stopped();
    test_restart();
    test_storage();
    test_gone();
    end_dispatcher();
    return done_testing();
}
