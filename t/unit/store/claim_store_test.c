/* SPDX-License-Identifier: Apache-2.0 */
/* Taking deliveries from the database. */
#include <string.h>

#include "model/webhook.h"
#include "store/delivery_store.h"

#include "unit/store/fixture.h"
#include "unit/store/insert.h"
#include "unit/store/rows.h"

#define NOW 10000

static void free_list(wh_message_list_t *list)
{
    wh_message_t *message = list->first;

    while (message) {
        wh_message_t *next = message->next;

        wh_delivery_destroy((wh_delivery_t *)message);
        message = next;
    }
    list->first = list->last = NULL;
}

static apr_status_t claim_one(wh_claim_t *claim, apr_int64_t node,
                              apr_int32_t webhook, int limit)
{
    int done;

    memset(claim, 0, sizeof(*claim));
    claim->webhook_id = webhook;
    claim->limit = limit;
    return wh_store_claim(&done, store, node, claim, 1, NOW);
}

/* Ids of what was claimed. */
static const char *ids_of(wh_claim_t *claim)
{
    wh_message_t *message;
    const char *ids = "";
    int count = 0;

    for (message = claim->taken.first; message; message = message->next) {
        ids = apr_psprintf(pool, "%s%s%d", ids, count++ ? " " : "",
                           (int)((wh_delivery_t *)message)->id);
    }
    free_list(&claim->taken);
    return claim->count == count ? ids : "wrong number taken";
}

static const char *claim(apr_int64_t node, apr_int32_t webhook, int limit)
{
    wh_claim_t one;

    return claim_one(&one, node, webhook, limit) == APR_SUCCESS ? ids_of(&one)
                                                                : "failed";
}

static apr_int64_t owner(int delivery)
{
    return number(apr_psprintf(pool, "SELECT owner FROM delivery WHERE id = %d",
                               delivery));
}

static void clear(void)
{
    wh_db_execute(&outside, "DELETE FROM delivery");
    wh_db_execute(&outside, "DELETE FROM event");
}

static void test_order(void)
{
    is_str(claim(NODE, 1, 10), "", "nothing there");
    insert_pair(100, 1, 5000, 0);
    insert_pair(102, 1, 3000, 0);
    insert_pair(104, 1, 4000, 0);
    insert_pair(106, 1, 3000, 0);
    insert_pair(108, 1, NOW, 0);
    insert_pair(110, 1, NOW + 1, 0);
    insert_pair(112, 2, 1, 0);
    insert_pair(114, 1, 1, NODE + 1);
    is_str(claim(NODE, 1, 2), "103 107", "the oldest ones, so many");
    ok(owner(103) == NODE && owner(107) == NODE, "are this node's");
    is_int(owner(105), 0, "others are still free");
    is_str(claim(NODE + 1, 1, 2), "105 101", "another node gets the next ones");
    is_str(claim(NODE, 1, 10), "109", "what is due now is due");
    is_str(claim(NODE, 1, 10), "", "what is due later is not");
    is_int(owner(113), 0, "another webhook's is left alone");
    is_int(owner(115), NODE + 1, "so is another node's");
    is_str(claim(NODE, 1, 0), "", "none wanted");
    wh_db_execute(&outside, "UPDATE delivery SET state = 2, owner = 0");
    is_str(claim(NODE, 1, 10), "", "what has ended is not taken");
    clear();
}

static void test_content(void)
{
    wh_event_t want = make_event(100);
    wh_delivery_t *delivery;
    wh_claim_t one;

    insert_pair(100, 1, 5000, 0);
    insert_pair(102, 1, 6000, 0);
    wh_db_execute(&outside, "UPDATE delivery SET attempts = 3, "
                            "body = 'the bytes' WHERE id = 103");
    is_int(claim_one(&one, NODE, 1, 10), APR_SUCCESS, "two deliveries");
    delivery = (wh_delivery_t *)one.taken.first;
    ok(delivery->id == 101 && delivery->webhook_id == 1 &&
           delivery->attempts == 0 && delivery->due == 5000,
       "numbers of a new one");
    is_str(delivery->body, NULL, "it has no body yet");
    is_int(delivery->event->id, 100, "its event");
    is_str(delivery->event->uuid, want.uuid, "uuid");
    is_int(delivery->event->time, want.time, "time");
    is_int(delivery->event->primary_key, want.primary_key, "primary key");
    is_int(delivery->event->associate_id, want.associate_id, "associate");
    is_str(delivery->event->name, want.name, "name");
    is_str(delivery->event->context, want.context, "context");
    is_str(delivery->event->changes, want.changes, "changes");
    is_str(delivery->event->data, want.data, "data");
    is_int(delivery->event->references, 1, "held by it alone");
    delivery = (wh_delivery_t *)delivery->message.next;
    is_int(delivery->attempts, 3, "attempts of an old one");
    is_str(delivery->body, "the bytes", "and its body");
    is_int(delivery->body_is_new, 0, "which is stored");
    ok(delivery->message.next == NULL, "no more");
    free_list(&one.taken);
    clear();
}

static apr_time_t next_due(apr_int32_t webhook)
{
    wh_claim_t one;

    is_int(claim_one(&one, NODE, webhook, 0), APR_SUCCESS, "asked");
    ok(!one.taken.first, "only asked");
    return one.next_due;
}

static void test_next_due(void)
{
    wh_claim_t one;

    is_int(next_due(1), APR_INT64_MAX, "nothing waits");
    insert_pair(100, 1, 7000, 0);
    insert_pair(102, 1, 6000, 0);
    insert_pair(104, 1, 5000, NODE);
    insert_pair(106, 2, 4000, 0);
    is_int(next_due(1), 6000,
           "the first of this webhook that belongs to nobody");
    is_int(claim_one(&one, NODE, 1, 1), APR_SUCCESS, "which is taken");
    free_list(&one.taken);
    is_int(one.next_due, 7000, "then the next one");
    wh_db_execute(&outside, "UPDATE delivery SET state = 1 WHERE id = 101");
    is_int(next_due(1), APR_INT64_MAX, "what has ended does not wait");
    is_int(next_due(3), APR_INT64_MAX, "another webhook");
    clear();
}

static void test_many(void)
{
    wh_claim_t one;
    int i, more;

    wh_db_begin(&outside);
    for (i = 0; i < 1300; i++) {
        add_waiting(2 * i, 1, 0, 0);
    }
    wh_db_commit(&outside);
    for (i = 0, more = 1; more; i += one.count) {
        is_int(claim_one(&one, NODE, 1, 100000), APR_SUCCESS,
               "a portion of many");
        ok(one.count <= WH_CLAIM_ROWS, "is no more than %d", WH_CLAIM_ROWS);
        more = one.taken.first != NULL;
        free_list(&one.taken);
    }
    is_int(i, 1300, "all come");
    clear();
}

/* One call for several webhooks. */
static void test_several(void)
{
    wh_claim_t claims[3] = {{.webhook_id = 1, .limit = 2},
                            {.webhook_id = 2, .limit = 0},
                            {.webhook_id = 3, .limit = 9}};
    int done = 0;

    insert_pair(100, 1, 5000, 0);
    insert_pair(102, 1, 5001, 0);
    insert_pair(104, 1, 5002, 0);
    insert_pair(106, 2, 6000, 0);
    insert_pair(108, 3, 7000, 0);
    is_int(wh_store_claim(&done, store, NODE, claims, 3, NOW), APR_SUCCESS,
           "three webhooks");
    is_int(done, 3, "all have their turn");
    is_str(ids_of(&claims[0]), "101 103", "as many as the first one wants");
    is_int(claims[0].next_due, 5002, "the rest of it waits");
    is_str(ids_of(&claims[1]), "", "none for the second one");
    is_int(claims[1].next_due, 6000, "which waits");
    is_str(ids_of(&claims[2]), "109", "all of the third one");
    is_int(claims[2].next_due, APR_INT64_MAX, "nothing more of it");
    clear();
}

/* Of what is large, a call takes no more than lies in memory well. */
static void test_several_large(void)
{
    wh_claim_t claims[2] = {{.webhook_id = 1, .limit = 9},
                            {.webhook_id = 2, .limit = 9}};
    int i, done = 0;

    for (i = 0; i < 12; i += 2) {
        insert_pair(100 + i, i < 10 ? 1 : 2, 5000, 0);
    }
    wh_db_execute(&outside, "UPDATE event SET size = 1048576");
    is_int(wh_store_claim(&done, store, NODE, claims, 2, NOW), APR_SUCCESS,
           "two webhooks, a MiB for each delivery");
    is_int(done, 1, "the second one has no turn");
    is_str(ids_of(&claims[0]), "101 103 105 107", "4 MiB for the first one");
    is_str(ids_of(&claims[1]), "", "nothing");
    is_str(claim(NODE, 2, 9), "111", "the next call is its turn");
    clear();
}

/* A row whose event is gone or unreadable must not stop the others. */
static void test_without_event(void)
{
    insert_pair(100, 1, 5000, 0);
    insert_pair(102, 1, 6000, 0);
    wh_db_execute(&outside, "DELETE FROM event WHERE id = 100");
    is_str(claim(NODE, 1, 10), "103", "a delivery without its event");
    clear();
    insert_pair(100, 1, 5000, 0);
    insert_pair(102, 1, 6000, 0);
    wh_db_execute(&outside, "UPDATE event SET data = '[' WHERE id = 100");
    is_str(claim(NODE, 1, 10), "103", "an event that cannot be read");
    clear();
}

static void test_storage_fails(void)
{
    wh_claim_t one;

    insert_pair(100, 1, 5000, 0);
    wh_db_execute(&outside, "CREATE TRIGGER broken BEFORE UPDATE ON delivery "
                            "BEGIN SELECT raise(ABORT, 'full'); END");
    is_int(claim_one(&one, NODE, 1, 10), WH_STORE_DOWN,
           "storage fails while rows are taken");
    ok(!one.taken.first && one.count == 0, "nothing is handed out");
    wh_db_execute(&outside, "DROP TRIGGER broken");
    is_int(owner(101), 0, "the row is free");
    is_str(claim(NODE, 1, 10), "101", "and taken when storage is back");
    clear();
}

int main(void)
{
    if (!begin()) {
        return 1;
    }
    test_order();
    test_content();
    test_next_due();
    test_many();
    test_several();
    test_several_large();
    test_without_event();
    test_storage_fails();
    end();
    return done_testing();
}
