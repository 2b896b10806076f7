/* SPDX-License-Identifier: Apache-2.0 */
/* Deliveries that go one after the other. */
#include "model/webhook.h"
#include "store/delivery_store.h"

#include "unit/store/fixture.h"
#include "unit/store/insert.h"

#define KEY 4711

/* An event, and its delivery of an order key, whose row is the next one.
 * 1: it is blocked. */
static int insert_in_order(apr_int64_t id, apr_int32_t webhook,
                           apr_int64_t owner, apr_int64_t order_key)
{
    insert_t insert = {.event = make_event(id),
                       .delivery = id + 1,
                       .webhook = webhook,
                       .due = 1000,
                       .owner = owner,
                       .order_key = order_key,
                       .blocked = -1};

    is_int(wh_store_batch(store, insert_work, &insert), APR_SUCCESS,
           "delivery %d", (int)id + 1);
    return insert.blocked;
}

static apr_int64_t owner_of(apr_int64_t id)
{
    return number(apr_psprintf(
        pool, "SELECT owner FROM delivery WHERE id = %" APR_INT64_T_FMT, id));
}

typedef struct outcome_t {
    wh_delivery_t delivery;
    int followed;
} outcome_t;

static apr_status_t outcome_work(wh_store_t *at, void *baton)
{
    outcome_t *outcome = baton;
    wh_recorded_t recorded;

    return wh_store_outcome(&recorded, &outcome->followed, at, NODE,
                            outcome->delivery.id + 100000, &outcome->delivery);
}

/* Records an outcome. 1: another one may follow. */
static int finish(apr_int64_t id, apr_int32_t webhook, wh_outcome_kind_t kind)
{
    outcome_t outcome = {.delivery = {.id = id,
                                      .webhook_id = webhook,
                                      .due = 1000,
                                      .attempts = 1,
                                      .order_key = KEY,
                                      .outcome = kind}};

    is_int(wh_store_batch(store, outcome_work, &outcome), APR_SUCCESS,
           "delivery %d ends", (int)id);
    return outcome.followed;
}

/* Ids of what is taken; each keeps its order key. */
static const char *claim(apr_int32_t webhook)
{
    wh_claim_t one = {.webhook_id = webhook, .limit = 100};
    const char *ids = "";
    wh_message_t *message;
    int done;

    wh_store_claim(&done, store, NODE, &one, 1, 2000);
    message = one.taken.first;
    while (message) {
        wh_message_t *next = message->next;
        wh_delivery_t *delivery = (wh_delivery_t *)message;

        ids = apr_psprintf(pool, "%s%s%" APR_INT64_T_FMT "%s", ids,
                           *ids ? " " : "", delivery->id,
                           delivery->order_key == KEY ? "" : " without a key");
        wh_delivery_destroy(delivery);
        message = next;
    }
    return ids;
}

static void test_insert(void)
{
    is_int(insert_in_order(100, 1, NODE, KEY), 0, "the first one is free");
    is_int(owner_of(101), NODE, "... and owned");
    is_int(insert_in_order(102, 1, NODE, KEY), 1, "the second one is blocked");
    is_int(owner_of(103), WH_OWNER_BLOCKED, "... and owned by nobody");
    is_int(insert_in_order(104, 1, 0, KEY), 1, "so is the third");
    is_int(insert_in_order(106, 1, NODE, KEY + 1), 0, "another key is free");
    is_int(insert_in_order(108, 2, NODE, KEY), 0, "another webhook too");
    is_int(insert_in_order(110, 1, NODE, 0), 0, "one without a key");
    is_int(insert_in_order(112, 1, NODE, 0), 0, "... and the next");
    is_str(claim(1), "", "what is blocked is not taken");
}

static void test_follow(void)
{
    is_int(finish(101, 1, WH_OUTCOME_RETRY), 0, "it fails: nobody follows");
    is_int(owner_of(103), WH_OWNER_BLOCKED, "the second one waits");
    is_str(claim(1), "101", "it is taken again");
    is_int(finish(101, 1, WH_OUTCOME_RETURNED), 0,
           "it was not tried: the same");
    is_str(claim(1), "101", "it is taken again");
    is_int(finish(101, 1, WH_OUTCOME_DELIVERED), 1, "it has arrived");
    is_int(owner_of(103), 0, "the second one is free");
    is_int(owner_of(105), WH_OWNER_BLOCKED, "the third is not");
    is_int(finish(101, 1, WH_OUTCOME_DELIVERED), 0, "its outcome comes again");
    is_int(owner_of(105), WH_OWNER_BLOCKED, "... which changes nothing");
    is_str(claim(1), "103", "the second one is taken");
    is_int(finish(103, 1, WH_OUTCOME_FAILED), 1, "it has failed for good");
    is_str(claim(1), "105", "the third one is taken");
    is_int(finish(105, 1, WH_OUTCOME_DELIVERED), 0, "it was the last");
    is_int(insert_in_order(114, 1, NODE, KEY), 0, "the next one is free");
    is_int(finish(115, 1, WH_OUTCOME_DELIVERED), 0, "it ends too");
}

static void test_take_over(void)
{
    int released;

    is_int(insert_in_order(200, 3, NODE, KEY), 0, "one is in memory");
    insert_in_order(202, 3, NODE, KEY);
    wh_store_node_release(&released, store, NODE, 0);
    is_int(owner_of(203), WH_OWNER_BLOCKED,
           "its node dies: the second one waits all the same");
    is_str(claim(3), "201", "the first one is taken by another node");
}

static void test_sweep(void)
{
    int deleted, expired;

    insert_in_order(APR_INT64_C(1) << 40, 3, 0, KEY);
    wh_store_sweep(&deleted, &expired, store, 204);
    is_int(number("SELECT count(*) FROM delivery WHERE id < 204"), 0,
           "old deliveries go, two of them not yet delivered");
    is_str(claim(3), "1099511627777", "whoever waited for them is free");
}

static void test_cancel(void)
{
    wh_webhook_t webhook = {.context = "tenant",
                            .name = "w",
                            .events = "contact.created",
                            .target_url = "https://receiver.example/",
                            .state = WH_STATE_ACTIVE,
                            .type = "webhook"};

    wh_store_webhook_insert(store, &webhook);
    insert_in_order(300, webhook.id, 0, KEY);
    insert_in_order(302, webhook.id, 0, KEY);
    wh_store_webhook_delete(store, "tenant", webhook.id, 0);
    is_int(number("SELECT count(*) FROM delivery WHERE state = 2 "
                  "AND id IN (301, 303)"),
           2, "a webhook is deleted: what waits fails, blocked or not");
}

static void test_discard(void)
{
    int discarded;

    wh_db_execute(&outside,
                  "INSERT INTO webhook (id, context, name, events, "
                  "target_url, state, type, registered, updated, "
                  "registered_id, updated_id, notify_via, notify_when) VALUES "
                  "(77, 'tenant', 'w', 'a', 'b', 3, 'webhook', 0, 0, 0, 0, 0, "
                  "0)");
    insert_in_order(400, 77, 0, KEY);
    insert_in_order(402, 77, 0, KEY);
    wh_store_discard(&discarded, store, 77);
    is_int(owner_of(401), 0, "the one that is free is still pending");
    is_int(number("SELECT state FROM delivery WHERE id = 403"), 2,
           "the one that is blocked fails first");
    wh_store_discard(&discarded, store, 77);
    is_int(number("SELECT state FROM delivery WHERE id = 401"), 2,
           "then the other");
    wh_store_discard(&discarded, store, 77);
    is_int(discarded, 0, "no more");
}

/* Its event is gone by somebody's hand: it cannot be delivered, and nobody may
 * wait for it. */
static void test_damaged(void)
{
    insert_in_order(500, 5, 0, KEY);
    insert_in_order(502, 5, 0, KEY);
    wh_db_execute(&outside, "UPDATE event SET data = 'x' WHERE id = 500");
    is_str(claim(5), "", "a row that cannot be read");
    is_str(claim(5), "503", "the next one follows");
}

int main(void)
{
    if (!begin()) {
        return 1;
    }
    test_insert();
    test_follow();
    test_take_over();
    test_sweep();
    test_cancel();
    test_discard();
    test_damaged();
    end();
    return done_testing();
}
