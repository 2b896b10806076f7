/* SPDX-License-Identifier: Apache-2.0 */
/* Webhooks that are disabled, and what waits for them. */
#include "model/webhook.h"
#include "store/delivery_store.h"

#include "unit/store/fixture.h"

static apr_int32_t save_webhook(int state)
{
    wh_webhook_t webhook = {.context = "tenant",
                            .name = "w",
                            .events = "contact.created",
                            .target_url = "https://receiver.example/",
                            .state = state,
                            .type = "webhook"};

    wh_store_webhook_insert(store, &webhook);
    return webhook.id;
}

/* Rows that wait for a webhook; owner 0: for anybody. */
static void add_deliveries(apr_int32_t webhook, int count, int owner)
{
    wh_db_execute(
        &outside,
        apr_psprintf(pool,
                     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
                     "FROM n WHERE i < %d) INSERT INTO delivery (event_id, "
                     "webhook_id, state, attempts, due, owner) "
                     "SELECT 1, %d, 0, 0, i, %d FROM n",
                     count, webhook, owner));
}

static const char *deliveries_of(apr_int32_t webhook)
{
    return text(
        apr_psprintf(pool,
                     "SELECT ifnull(sum(state = 0), 0) || ' wait, ' || "
                     "ifnull(sum(state = 2), 0) || ' failed' FROM delivery "
                     "WHERE webhook_id = %d",
                     webhook));
}

static const char *webhook_row(apr_int32_t webhook)
{
    return text(apr_psprintf(
        pool, "SELECT state || '|' || version FROM webhook WHERE id = %d",
        webhook));
}

static apr_int64_t generation(void)
{
    apr_int64_t number = 0;

    wh_store_generation(&number, NULL, store);
    return number;
}

typedef struct work_t {
    apr_int32_t webhook;
    int disabled;
    int keep;
    wh_failing_t failing;
} work_t;

static apr_status_t disable_work(wh_store_t *at, void *baton)
{
    work_t *work = baton;

    return wh_store_disable(&work->disabled, at, work->webhook,
                            number(apr_psprintf(pool,
                                                "SELECT version FROM webhook "
                                                "WHERE id = %d",
                                                work->webhook)),
                            !work->keep);
}

static int disable(apr_int32_t webhook)
{
    work_t work = {.webhook = webhook, .disabled = -1};

    is_int(wh_store_batch(store, disable_work, &work), APR_SUCCESS,
           "webhook %d", webhook);
    return work.disabled;
}

static apr_status_t failing_work(wh_store_t *at, void *baton)
{
    work_t *work = baton;

    return wh_store_failing(&work->failing, at, work->webhook);
}

static void test_disable(void)
{
    apr_int32_t id = save_webhook(WH_STATE_ACTIVE);
    apr_int32_t other = save_webhook(WH_STATE_ACTIVE);
    apr_int64_t before = generation();

    add_deliveries(id, 3, 0);
    add_deliveries(id, 2, 7);
    add_deliveries(other, 4, 0);
    is_int(disable(id), 1, "is disabled");
    is_str(webhook_row(id), "3|2", "TooManyErrors, a new version");
    is_int(generation(), before + 1, "as everybody learns");
    is_str(deliveries_of(id), "2 wait, 3 failed",
           "what waits is discarded, what is in memory comes back by itself");
    is_str(webhook_row(other), "1|1", "others are as they were");
    is_str(deliveries_of(other), "4 wait, 0 failed", "with all that waits");
    is_int(disable(id), 0, "it is disabled once");
    is_str(webhook_row(id), "3|2", "no change");
    is_int(generation(), before + 1, "for anybody");
}

static void test_not_active(void)
{
    apr_int32_t id = save_webhook(WH_STATE_STOPPED);
    apr_int64_t before = generation();

    add_deliveries(id, 3, 0);
    is_int(disable(id), 0, "a stopped webhook stays so");
    is_str(webhook_row(id), "2|1", "as it was");
    is_str(deliveries_of(id), "3 wait, 0 failed", "what waits is kept");
    is_int(generation(), before, "nothing has changed");
    is_int(disable(9999), 0, "no such webhook");
}

static void test_keep(void)
{
    work_t work = {
        .webhook = save_webhook(WH_STATE_ACTIVE), .disabled = -1, .keep = 1};

    add_deliveries(work.webhook, 3, 0);
    is_int(wh_store_batch(store, disable_work, &work), APR_SUCCESS, "to keep");
    is_int(work.disabled, 1, "is disabled");
    is_str(webhook_row(work.webhook), "3|2", "TooManyErrors");
    is_str(deliveries_of(work.webhook), "3 wait, 0 failed",
           "what waits is kept");
}

static void test_discard(void)
{
    apr_int32_t id = save_webhook(WH_STATE_ACTIVE);
    int discarded = -1;

    add_deliveries(id, WH_DISCARD_PORTION * 2 + 3, 0);
    is_int(wh_store_discard(&discarded, store, id), APR_SUCCESS, "active");
    is_int(discarded, 0, "nothing is discarded");
    disable(id);
    is_str(deliveries_of(id), "503 wait, 500 failed", "a portion");
    wh_store_discard(&discarded, store, id);
    is_int(discarded, WH_DISCARD_PORTION, "the next one");
    wh_store_discard(&discarded, store, id);
    is_int(discarded, 3, "the rest");
    is_str(deliveries_of(id), "0 wait, 1003 failed", "no more");
    wh_store_discard(&discarded, store, id);
    is_int(discarded, 0, "nothing is left");
}

static void test_failing(void)
{
    work_t work = {.webhook = save_webhook(WH_STATE_STOPPED)};

    wh_db_execute(&outside,
                  apr_psprintf(pool,
                               "UPDATE webhook_usage SET consecutive_errors = "
                               "8 WHERE webhook_id = %d",
                               work.webhook));
    is_int(wh_store_batch(store, failing_work, &work), APR_SUCCESS,
           "a webhook");
    is_int(work.failing.consecutive_errors, 8, "its errors");
    is_int(work.failing.state, WH_STATE_STOPPED, "its state");
    work.webhook = 9999;
    is_int(wh_store_batch(store, failing_work, &work), APR_ENOENT,
           "no such webhook");
}

int main(void)
{
    if (!begin()) {
        return 1;
    }
    test_disable();
    test_not_active();
    test_keep();
    test_discard();
    test_failing();
    end();
    return done_testing();
}
