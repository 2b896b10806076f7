/* SPDX-License-Identifier: Apache-2.0 */
/* Taking deliveries from the database. */
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

/* Ids of what was claimed. */
static const char *claim(apr_int64_t node, apr_int32_t webhook, int limit)
{
    wh_message_list_t list;
    wh_message_t *message;
    const char *ids = "";
    int taken = -1, count = 0;

    if (wh_store_claim(&list, &taken, store, node, webhook, NOW, limit) !=
        APR_SUCCESS) {
        return "failed";
    }
    for (message = list.first; message; message = message->next) {
        ids = apr_psprintf(pool, "%s%s%d", ids, count++ ? " " : "",
                           (int)((wh_delivery_t *)message)->id);
    }
    if (taken != count) {
        ids = "wrong number taken";
    }
    free_list(&list);
    return ids;
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
    wh_message_list_t list;
    wh_delivery_t *delivery;
    int taken;

    insert_pair(100, 1, 5000, 0);
    insert_pair(102, 1, 6000, 0);
    wh_db_execute(&outside, "UPDATE delivery SET attempts = 3, "
                            "body = 'the bytes' WHERE id = 103");
    is_int(wh_store_claim(&list, &taken, store, NODE, 1, NOW, 10), APR_SUCCESS,
           "two deliveries");
    delivery = (wh_delivery_t *)list.first;
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
    free_list(&list);
    clear();
}

static void test_next_due(void)
{
    apr_time_t due = 0;

    is_int(wh_store_next_due(&due, store, 1), APR_ENOENT, "nothing waits");
    insert_pair(100, 1, 7000, 0);
    insert_pair(102, 1, 6000, 0);
    insert_pair(104, 1, 5000, NODE);
    insert_pair(106, 2, 4000, 0);
    is_int(wh_store_next_due(&due, store, 1), APR_SUCCESS, "something waits");
    is_int(due, 6000, "the first of this webhook that belongs to nobody");
    wh_db_execute(&outside, "UPDATE delivery SET state = 1 WHERE id = 103");
    wh_store_next_due(&due, store, 1);
    is_int(due, 7000, "what has ended does not wait");
    is_int(wh_store_next_due(&due, store, 3), APR_ENOENT, "another webhook");
    clear();
}

static void test_many(void)
{
    wh_message_list_t list;
    int taken, i, more;

    wh_db_begin(&outside);
    for (i = 0; i < 1300; i++) {
        add_waiting(2 * i, 1, 0, 0);
    }
    wh_db_commit(&outside);
    for (i = 0, more = 1; more; i += taken) {
        is_int(wh_store_claim(&list, &taken, store, NODE, 1, NOW, 100000),
               APR_SUCCESS, "a portion of many");
        ok(taken <= WH_ROWS_CHUNK, "is no more than %d", WH_ROWS_CHUNK);
        more = list.first != NULL;
        free_list(&list);
    }
    is_int(i, 1300, "all come");
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
    wh_message_list_t list;
    int taken = 7;

    insert_pair(100, 1, 5000, 0);
    wh_db_execute(&outside, "CREATE TRIGGER broken BEFORE UPDATE ON delivery "
                            "BEGIN SELECT raise(ABORT, 'full'); END");
    is_int(wh_store_claim(&list, &taken, store, NODE, 1, NOW, 10),
           WH_STORE_DOWN, "storage fails while rows are taken");
    ok(!list.first && taken == 0, "nothing is handed out");
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
    test_without_event();
    test_storage_fails();
    end();
    return done_testing();
}
