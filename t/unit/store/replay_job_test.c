/* SPDX-License-Identifier: Apache-2.0 */
/* Replays as jobs, and of one delivery. */
#include "store/replay_job.h"
#include "model/webhook.h"
#include "store/delivery_store.h"
#include "store/log_store.h"

#include "unit/store/fixture.h"
#include "unit/store/rows.h"

#define NOW APR_INT64_C(1800000000000000)

static const wh_replay_caller_t anybody = {NULL, 0};

/* Three webhooks, of which the second is not active; nothing else. */
static void clear(void)
{
    static const char *const tables[] = {"delivery", "event", "replay",
                                         "webhook", "webhook_usage"};
    size_t i;

    for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        wh_db_execute(&outside,
                      apr_pstrcat(pool, "DELETE FROM ", tables[i], NULL));
    }
    add_webhook(1);
    add_webhook(2);
    add_webhook(3);
    wh_db_execute(&outside, "UPDATE webhook SET state = 2 WHERE id = 2");
    wh_db_execute(&outside, "UPDATE webhook SET context = 'c', app_id = 9 "
                            "WHERE id = 3");
    add_event(100, "", "a");
}

/* Many deliveries of a webhook, one id after the other. */
static void add_many(apr_int64_t first, int count, int webhook, int state)
{
    wh_db_execute(
        &outside,
        apr_psprintf(pool,
                     "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 "
                     "FROM n WHERE i < %d) INSERT INTO delivery (id, "
                     "event_id, webhook_id, state, attempts, due, owner) "
                     "SELECT %" ID " + i, 100, %d, %d, 3, 1000, 0 FROM n",
                     count - 1, first, webhook, state));
}

static int count_of(const char *where)
{
    return (int)number(
        apr_psprintf(pool, "SELECT count(*) FROM delivery WHERE %s", where));
}

static apr_int64_t replays(void)
{
    apr_int64_t count = -1;

    wh_store_replays(&count, store);
    return count;
}

static wh_replay_job_t job_of(int webhook, int only_failed, apr_time_t created)
{
    wh_replay_job_t job = {.webhook_id = webhook,
                           .context = webhook == 3 ? "c" : "",
                           .only_failed = only_failed,
                           .created = created,
                           .created_by = "anna"};

    return job;
}

static wh_replay_answer_t start(wh_replay_job_t *job)
{
    wh_replay_answer_t answer;

    is_int(wh_store_replay_start(&answer, store, job), APR_SUCCESS, "start");
    return answer;
}

static wh_replay_portion_t portion_after(apr_int32_t webhook)
{
    wh_replay_portion_t portion;

    is_int(wh_store_replay_portion(&portion, store, webhook, NOW), APR_SUCCESS,
           "a portion");
    return portion;
}

/* What is due is sent. */
static void deliver(void)
{
    wh_db_execute(&outside, "UPDATE delivery SET state = 1 WHERE state = 0 "
                            "AND due = 1800000000000000");
}

/* "state done of total" */
static const char *job_text(apr_int64_t id)
{
    wh_replay_job_t *job;

    if (wh_store_replay_get(&job, store, &anybody, id, pool) != APR_SUCCESS) {
        return "no job";
    }
    return apr_psprintf(pool, "%d %" ID " of %" ID, job->state, job->done,
                        job->total);
}

static void test_start(void)
{
    wh_replay_job_t job = job_of(1, 1, 5), other = job_of(1, 1, 6), *got;
    apr_int64_t before;

    clear();
    before = replays();
    is_int(start(&job), WH_REPLAY_TAKEN, "a job");
    ok(job.id > 0, "has an id");
    ok(replays() > before, "the dispatcher is told");
    is_int(wh_store_replay_get(&got, store, &anybody, job.id, pool),
           APR_SUCCESS, "it is there");
    is_int(got->webhook_id, 1, "webhook");
    is_str(got->context, "", "context");
    is_int(got->state, WH_REPLAY_COUNTING, "state");
    is_int(got->only_failed, 1, "which");
    is_int(got->from + got->to, 0, "no span");
    is_int(got->created, 5, "created");
    is_str(got->created_by, "anna", "by whom");
    is_int(got->updated, 5, "updated");
    is_int(start(&other), WH_REPLAY_BUSY, "one at a time for a webhook");
    is_int(other.id, job.id, "which one is told");
    other = job_of(1, 1, 5);
    is_int(start(&other), WH_REPLAY_TAKEN,
           "the same once more, after a "
           "COMMIT that nobody knows of");
    is_int(other.id, job.id, "is the same job");
    other = job_of(2, 1, 5);
    is_int(start(&other), WH_REPLAY_INACTIVE, "not of one that is stopped");
    other = job_of(7, 1, 5);
    is_int(start(&other), WH_REPLAY_MISSING, "nor of one that is not there");
    other = job_of(3, 1, 5);
    other.context = "d";
    is_int(start(&other), WH_REPLAY_MISSING, "nor of another context");
    other.context = "c";
    is_int(start(&other), WH_REPLAY_TAKEN, "another webhook's beside it");
}

static void test_seen(void)
{
    static const wh_replay_caller_t callers[] = {
        {"c", 0}, {"c", 9}, {"c", 8}, {"", 0}, {NULL, 9}};
    static const int seen[] = {1, 1, 0, 0, 1};
    wh_replay_job_t job = job_of(3, 1, 5), *got;
    wh_replay_answer_t answer;
    apr_array_header_t *list;
    size_t i;

    clear();
    start(&job);
    for (i = 0; i < sizeof(callers) / sizeof(callers[0]); i++) {
        is_int(wh_store_replay_get(&got, store, &callers[i], job.id, pool),
               seen[i] ? APR_SUCCESS : APR_ENOENT, "caller %d", (int)i);
        wh_store_replay_list(&list, store, &callers[i], 0, 0, pool);
        is_int(list->nelts, seen[i], "... and in a list");
        if (!seen[i]) {
            wh_store_replay_cancel(&answer, store, &callers[i], job.id);
            is_int(answer, WH_REPLAY_MISSING, "... and cannot cancel it");
        }
    }
    is_int(wh_store_replay_get(&got, store, &anybody, job.id + 1, pool),
           APR_ENOENT, "no such job");
}

static void test_list(void)
{
    wh_replay_answer_t answer;
    apr_array_header_t *list;
    apr_int64_t first = 0, last = 0;
    int i;

    clear();
    for (i = 0; i < WH_REPLAY_KEPT + 20; i++) {
        wh_replay_job_t job = job_of(1, 1, 5 + i);

        wh_store_replay_start(&answer, store, &job);
        wh_store_replay_cancel(&answer, store, &anybody, job.id);
        first = first ? first : job.id;
        last = job.id;
    }
    is_int(answer, WH_REPLAY_TAKEN, "jobs that are cancelled make room");
    wh_store_replay_list(&list, store, &anybody, 1, 0, pool);
    is_int(list->nelts, WH_REPLAY_KEPT, "so many are kept");
    is_int(APR_ARRAY_IDX(list, 0, wh_replay_job_t *)->id, last,
           "the newest first");
    wh_store_replay_list(&list, store, &anybody, 1, last - 1, pool);
    is_int(APR_ARRAY_IDX(list, 0, wh_replay_job_t *)->id, last - 2, "and on");
    wh_store_replay_list(&list, store, &anybody, 3, 0, pool);
    is_int(list->nelts, 0, "of a webhook");
    is_str(job_text(first), "no job", "the oldest are gone");
}

/* Failed ones of one webhook, those it shall not touch beside them. */
static void test_work(void)
{
    wh_replay_job_t job = job_of(1, 1, 5);
    wh_replay_portion_t portion;
    int rounds = 0, most = 0;

    clear();
    add_many(1000, 1300, 1, WH_DELIVERY_FAILED);
    add_many(3000, 50, 1, WH_DELIVERY_DELIVERED);
    add_many(4000, 50, 3, WH_DELIVERY_FAILED);
    add_many(5000, 50, 1, WH_DELIVERY_PENDING);
    start(&job);
    add_many(6000, 50, 1, WH_DELIVERY_FAILED);
    portion = portion_after(0);
    is_int(portion.job_id, job.id, "it is found");
    is_int(portion.replayed, 0, "first it counts");
    is_str(job_text(job.id), "1 0 of 1300", "what it will take");
    do {
        portion = portion_after(0);
        most = portion.replayed > most ? portion.replayed : most;
        deliver();
    } while (portion.state < WH_REPLAY_DONE && ++rounds < 20);
    is_int(most, 500, "in portions");
    is_int(rounds, 2, "so many of them");
    is_str(job_text(job.id), "2 1300 of 1300", "to its end");
    is_int(count_of("webhook_id = 1 AND due = 1800000000000000"), 1300,
           "each once");
    is_int(count_of("webhook_id = 1 AND state = 2"), 50,
           "what failed later is left alone");
    is_int(count_of("id BETWEEN 3000 AND 5999 AND due = 1000"), 150,
           "and the others");
    is_int(portion_after(0).job_id, 0, "there is no open job");
}

/* What is delivered too, of a span. */
static void test_span(void)
{
    wh_replay_job_t job = job_of(1, 0, 5);
    apr_time_t from = NOW - apr_time_from_sec(100);
    apr_int64_t id = wh_row_id_floor(from);

    clear();
    add_many(id - 2, 4, 1, WH_DELIVERY_DELIVERED);
    add_many(wh_row_id_floor(from + 1000000) - 2, 4, 1, WH_DELIVERY_FAILED);
    job.from = from;
    job.to = from + 1000000;
    start(&job);
    portion_after(0);
    portion_after(0);
    is_str(job_text(job.id), "2 4 of 4", "at or after, and before");
    is_int(count_of(apr_psprintf(
               pool, "due = 1800000000000000 AND id >= %" ID " AND id < %" ID,
               id, wh_row_id_floor(job.to))),
           4, "just these");
    job = job_of(1, 0, 6);
    job.from = NOW;
    start(&job);
    portion_after(0);
    portion_after(0);
    is_str(job_text(job.id), "2 0 of 0", "an empty span is done at once");
}

/* It does not pile up more than the webhook works off. */
static void test_waits(void)
{
    wh_replay_job_t job = job_of(1, 1, 5);
    wh_replay_portion_t portion;

    clear();
    add_many(1000, 2000, 1, WH_DELIVERY_FAILED);
    start(&job);
    portion_after(0);
    is_int(portion_after(0).replayed, 500, "a portion");
    portion = portion_after(0);
    is_int(portion.worked + portion.replayed, 0, "then the webhook is busy");
    is_int(portion.job_id, job.id, "and the job open");
    deliver();
    is_int(portion_after(0).replayed, 500, "and goes on");
    deliver();
    wh_db_execute(&outside, "UPDATE webhook SET state = 3 WHERE id = 1");
    is_int(portion_after(0).worked, 0, "not while the webhook is disabled");
    wh_db_execute(&outside, "UPDATE webhook SET state = 1 WHERE id = 1");
    is_int(portion_after(0).replayed, 500, "but when it is active again");
    deliver();
    wh_db_execute(&outside, "DELETE FROM webhook WHERE id = 1");
    portion = portion_after(0);
    is_int(portion.state, WH_REPLAY_CANCELLED, "without its webhook it ends");
    is_str(job_text(job.id), "3 1500 of 2000", "where it was");
}

static void test_cancel(void)
{
    wh_replay_job_t job = job_of(1, 1, 5);
    wh_replay_answer_t answer;

    clear();
    add_many(1000, 600, 1, WH_DELIVERY_FAILED);
    start(&job);
    portion_after(0);
    portion_after(0);
    deliver();
    is_int(wh_store_replay_cancel(&answer, store, &anybody, job.id),
           APR_SUCCESS, "cancel");
    is_int(answer, WH_REPLAY_TAKEN, "half-way");
    is_int(portion_after(0).job_id, 0, "then nothing more is done");
    is_int(count_of("state = 2"), 100, "to the rest");
    wh_store_replay_cancel(&answer, store, &anybody, job.id);
    is_int(answer, WH_REPLAY_TAKEN, "once more: it is cancelled");
    job = job_of(1, 1, 6);
    is_int(start(&job), WH_REPLAY_TAKEN, "and another one may begin");
    portion_after(0);
    portion_after(0);
    is_str(job_text(job.id), "2 100 of 100", "which does the rest");
    wh_store_replay_cancel(&answer, store, &anybody, job.id);
    is_int(answer, WH_REPLAY_OVER, "what is done cannot be cancelled");
    is_str(job_text(job.id), "2 100 of 100", "and stays");
}

/* Two webhooks' jobs, one after the other. */
static void test_turns(void)
{
    wh_replay_job_t job = job_of(1, 1, 5), other = job_of(3, 1, 5);

    clear();
    start(&job);
    start(&other);
    is_int(portion_after(0).job_id, job.id, "the first");
    is_int(portion_after(1).job_id, other.id, "the next");
    is_int(portion_after(3).job_id, 0, "and no more");
}

/* A COMMIT that took place although it failed: the second run goes on. */
static void test_lost_commit(void)
{
    wh_replay_job_t job = job_of(1, 1, 5);

    clear();
    add_many(1000, 1200, 1, WH_DELIVERY_FAILED);
    lost_commits = 1;
    start(&job);
    is_int(number("SELECT count(*) FROM replay"), 1, "one job");
    portion_after(0);
    lost_commits = 1;
    portion_after(0);
    is_str(job_text(job.id), "1 1000 of 1200", "two portions at once");
    is_int(count_of("due = 1800000000000000"), 1000, "each delivery once");
}

/* The row moves on under another dispatcher, which here is a trigger. */
static void test_overtaken(void)
{
    wh_replay_job_t job = job_of(1, 1, 5);

    clear();
    add_many(1000, 10, 1, WH_DELIVERY_FAILED);
    start(&job);
    portion_after(0);
    wh_db_execute(&outside,
                  "CREATE TRIGGER other BEFORE UPDATE ON replay BEGIN "
                  "SELECT raise(IGNORE); END");
    is_int(portion_after(0).replayed, 0, "somebody else has done it");
    is_int(count_of("due = 1800000000000000"), 0, "so nothing is taken");
    wh_db_execute(&outside, "DROP TRIGGER other");
    is_int(portion_after(0).replayed, 10, "else it is");
}

static wh_replay_answer_t one(const wh_replay_caller_t *caller, apr_int64_t id,
                              apr_time_t now)
{
    wh_replay_answer_t answer;

    is_int(wh_store_replay_delivery(&answer, store, caller, id, now),
           APR_SUCCESS, "one delivery");
    return answer;
}

static void test_one(void)
{
    static const wh_replay_caller_t other = {"x", 0}, app = {NULL, 8};
    apr_int64_t before;

    clear();
    add_delivery(101, 100, 1, WH_DELIVERY_DELIVERED);
    add_delivery(102, 100, 1, WH_DELIVERY_FAILED);
    add_delivery(103, 100, 1, WH_DELIVERY_PENDING);
    add_delivery(104, 100, 2, WH_DELIVERY_FAILED);
    add_delivery(105, 100, 7, WH_DELIVERY_FAILED);
    before = replays();
    is_int(one(&other, 101, NOW), WH_REPLAY_MISSING, "of another context");
    is_int(one(&app, 101, NOW), WH_REPLAY_MISSING, "of another application");
    is_int(one(&anybody, 99, NOW), WH_REPLAY_MISSING, "that is not there");
    is_int(one(&anybody, 103, NOW), WH_REPLAY_PENDING, "pending");
    is_int(one(&anybody, 104, NOW), WH_REPLAY_INACTIVE, "of a stopped webhook");
    is_int(one(&anybody, 105, NOW), WH_REPLAY_GONE, "of one that is gone");
    is_int(replays(), before, "nothing of it is to tell");
    is_int(one(&anybody, 101, NOW), WH_REPLAY_TAKEN, "delivered");
    ok(replays() > before, "the dispatcher is told");
    is_str(text("SELECT state || '|' || attempts || '|' || owner || '|' || due "
                "FROM delivery WHERE id = 101"),
           "0|0|0|1800000000000000", "it is as new");
    is_int(one(&anybody, 101, NOW), WH_REPLAY_TAKEN, "by a second run");
    is_int(one(&anybody, 101, NOW + 1), WH_REPLAY_PENDING, "not by another");
    is_int(one(&anybody, 102, NOW), WH_REPLAY_TAKEN, "failed");
}

static void test_sweep(void)
{
    wh_replay_job_t job = job_of(1, 1, NOW), old = job_of(3, 1, NOW - 5000000);
    int deleted, expired;

    clear();
    wh_db_execute(&outside, "DELETE FROM event");
    start(&job);
    start(&old);
    is_int(wh_store_sweep(&deleted, &expired, store,
                          wh_row_id_floor(NOW - 1000000)),
           APR_SUCCESS, "retention");
    is_int(deleted, 1, "takes jobs too");
    is_str(job_text(old.id), "no job", "the old one");
    ok(strcmp(job_text(job.id), "no job") != 0, "not the new one");
}

int main(void)
{
    if (!ok(begin(), "a database")) {
        return done_testing();
    }
    test_start();
    test_seen();
    test_list();
    test_work();
    test_span();
    test_waits();
    test_cancel();
    test_turns();
    test_lost_commit();
    test_overtaken();
    test_one();
    test_sweep();
    end();
    return done_testing();
}
