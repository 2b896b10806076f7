/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes, the sweep and checkpoints. */
#include <sys/stat.h>

#include "model/webhook.h"
#include "store/delivery_store.h"

#include "unit/store/fixture.h"
#include "unit/store/insert.h"

static apr_int64_t count(const char *what)
{
    return number(apr_psprintf(pool, "SELECT count(*) FROM %s", what));
}

static void test_enter(void)
{
    apr_int64_t last = -1;

    is_int(wh_store_node_enter(&last, store, NODE, 500), APR_SUCCESS,
           "a node enters");
    is_int(last, 0, "an empty database has no highest id");
    is_int(number("SELECT heartbeat FROM node WHERE id = 3"), 500,
           "it is known");
    insert_pair(100, 1, 5000, NODE);
    insert_pair(102, 1, 5000, NODE + 1);
    wh_db_execute(&outside, "UPDATE delivery SET state = 1 WHERE id = 101");
    insert_pair(104, 1, 5000, NODE);
    is_int(wh_store_node_enter(&last, store, NODE, 600), APR_SUCCESS,
           "it enters again, after it was killed");
    is_int(last, 105, "the highest id is that of a delivery");
    is_int(number("SELECT owner FROM delivery WHERE id = 105"), 0,
           "what it had is free");
    is_int(number("SELECT owner FROM delivery WHERE id = 103"), NODE + 1,
           "what others have is not");
    is_int(number("SELECT heartbeat FROM node WHERE id = 3"), 600,
           "it is there once");
    wh_db_execute(&outside, "INSERT INTO attempt VALUES (4611686018427387904, "
                            "1, 1, 1, 1, 1, NULL, NULL, NULL, NULL)");
    wh_store_node_enter(&last, store, NODE, 600);
    ok(last == APR_INT64_C(4611686018427387904), "that of an attempt");
    wh_db_execute(&outside, "DELETE FROM attempt");
    insert_pair(4000000000, 1, 5000, NODE);
    wh_db_execute(&outside, "DELETE FROM delivery WHERE id = 4000000001");
    wh_store_node_enter(&last, store, NODE, 600);
    is_int(last, 4000000000, "that of an event");
}

static void test_list(void)
{
    apr_array_header_t *nodes;
    apr_int64_t last;

    wh_store_node_enter(&last, store, 9, 500);
    wh_store_node_enter(&last, store, 7, 500);
    is_int(wh_store_node_list(&nodes, store, NODE, pool), APR_SUCCESS,
           "other nodes");
    is_int(nodes->nelts, 2, "all but oneself");
    ok(APR_ARRAY_IDX(nodes, 0, apr_int64_t) == 7 &&
           APR_ARRAY_IDX(nodes, 1, apr_int64_t) == 9,
       "by number");
}

static void test_release(void)
{
    int released = -1;

    wh_db_execute(&outside, "UPDATE delivery SET owner = 7 WHERE state = 0");
    is_int(wh_store_node_release(&released, store, 9, 0), APR_SUCCESS,
           "a node that has nothing");
    is_int(released, 0, "gives nothing back");
    is_int(wh_store_node_release(&released, store, 7, 0), APR_SUCCESS,
           "a node that has something");
    is_int(released, 2, "gives it back");
    is_int(count("delivery WHERE owner = 7"), 0, "all of it");
    is_int(count("node WHERE id = 7"), 1, "and stays");
    is_int(wh_store_node_release(&released, store, 7, 1), APR_SUCCESS, "ends");
    is_int(count("node WHERE id = 7"), 0, "is forgotten");
    is_int(count("node"), 2, "alone");
}

static void fill(const char *table, int first, int last, const char *values)
{
    wh_db_execute(&outside,
                  apr_psprintf(pool,
                               "WITH RECURSIVE n(i) AS (SELECT %d UNION ALL "
                               "SELECT i + 1 FROM n WHERE i < %d) "
                               "INSERT INTO %s SELECT %s FROM n",
                               first, last, table, values));
}

/* Rows of 700 events and 1400 deliveries and attempts, on both sides. */
static void fill_all(void)
{
    wh_db_execute(&outside, "DELETE FROM attempt");
    wh_db_execute(&outside, "DELETE FROM delivery");
    wh_db_execute(&outside, "DELETE FROM event");
    fill("event (id, uuid, context, name, primary_key, associate_id, time, "
         "data, size, idempotency)",
         0, 699, "10 * i, 'u' || i, '', 'a', 0, 0, 0, '{}', 2, 'k' || i");
    fill("delivery", 0, 1399,
         "10 * (i / 2) + 1 + i % 2, 10 * (i / 2), 1, i % 3, 1, 0, 0, NULL, 0");
    fill("attempt", 0, 1399,
         "10 * (i / 2) + 3 + i % 2, 10 * (i / 2) + 1 + i % 2, 1, 1, 1, 200, "
         "NULL, NULL, NULL, NULL");
}

/* Events are swept so much later than their deliveries, in row ids. */
#define MINUTE (APR_INT64_C(60000) << WH_ROW_ID_SHIFT)

static void test_sweep(void)
{
    int deleted = 0, expired = 0, lost = 0, total = 0, orphans = 0;
    int too_many = 0, turns = 0;
    apr_int64_t pending;

    fill_all();
    pending = count("delivery WHERE state = 0 AND id < 6000");
    do {
        if (wh_store_sweep(&deleted, &expired, store, 6000) != APR_SUCCESS) {
            break;
        }
        total += deleted;
        lost += expired;
        too_many += deleted > 3 * WH_ROWS_CHUNK;
        orphans += (int)count("delivery d LEFT JOIN event e "
                              "ON e.id = d.event_id WHERE e.id IS NULL");
        turns++;
    } while (deleted > 0 && turns < 100);
    is_int(too_many, 0, "the sweep goes in portions");
    is_int(deleted, 0, "and comes to its end");
    is_int(total, 1200 + 1200, "all old deliveries are deleted");
    is_int(count("event"), 700, "their events stay a minute longer");
    is_int(count("delivery"), 200, "younger deliveries stay");
    is_int(count("attempt"), 200, "and attempts");
    do {
        wh_store_sweep(&deleted, &expired, store, 6000 + MINUTE);
    } while (deleted > 0);
    is_int(orphans, 0, "at no time is a delivery without its event");
    is_int(lost, pending, "what had not been delivered is counted");
    is_int(count("event"), 100, "younger events stay");
    is_int(wh_store_sweep(&deleted, &expired, store, 6000), APR_SUCCESS,
           "again");
    is_int(deleted + expired, 0, "nothing is left to do");
    wh_store_sweep(&deleted, &expired, store, 0);
    is_int(deleted, 0, "nothing is older than the beginning");
}

/* The border of the sweep may fall between an event and its deliveries. */
static void test_sweep_border(void)
{
    int deleted, expired, below, wrong = 0;

    for (below = 0; below <= 20; below++) {
        fill_all();
        do {
            wh_store_sweep(&deleted, &expired, store, below);
        } while (deleted > 0);
        wrong += count("delivery d LEFT JOIN event e ON e.id = d.event_id "
                       "WHERE e.id IS NULL") > 0;
    }
    is_int(wrong, 0, "no border parts a delivery from its event");
}

static void test_freed_key(void)
{
    wh_event_t event = make_event(1000000);
    insert_t insert = {.event = event};

    insert.event.idempotency = "k600";
    is_int(wh_store_batch(store, insert_work, &insert), APR_EEXIST,
           "a key is known while its event is");
    insert.event.idempotency = "swept";
    is_int(wh_store_batch(store, insert_work, &insert), APR_SUCCESS,
           "then it is free");
}

static void test_checkpoint(void)
{
    const char *log = apr_psprintf(pool, "%s-wal", settings.database_params);
    struct stat info;
    int pages = 0;

    insert_pair(2000000, 1, 1, 0);
    ok(stat(log, &info) == 0 && info.st_size > 0, "the log has something");
    is_int(wh_store_checkpoint(&pages, store, 0), APR_SUCCESS, "a checkpoint");
    ok(pages > 0, "tells how long the log was");
    is_int(wh_store_checkpoint(&pages, store, 1), APR_SUCCESS,
           "a truncating one");
    ok(stat(log, &info) == 0 && info.st_size == 0, "cuts the log to nothing");
    is_int(count("event WHERE id = 2000000"), 1, "what was in it is kept");
    is_int(insert_pair(2000002, 1, 1, 0), APR_SUCCESS,
           "and the next write works");
}

int main(void)
{
    if (!begin()) {
        return 1;
    }
    test_enter();
    test_list();
    test_release();
    test_sweep();
    test_sweep_border();
    test_freed_key();
    test_checkpoint();
    end();
    return done_testing();
}
