/* SPDX-License-Identifier: Apache-2.0 */
/* Which dispatchers are alive. */
#include <apr_dbd.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <signal.h>
#include <sys/wait.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "deliver/message.h"
#include "deliver/target.h"
#include "dispatcher/commit.h"
#include "dispatcher/node.h"
#include "model/webhook.h"
#include "store/db.h"
#include "unit/tap.h"

#define NODE 3
#define NOW APR_INT64_C(1767323045000000)

static apr_pool_t *pool;
static char directory[] = "/tmp/webhook-test-XXXXXX";
static wh_settings_t settings = {.database_driver = "sqlite3",
                                 .state_dir = directory,
                                 .window = 100,
                                 .endpoint_window = 8};
static wh_store_t *store; /* as a child has it: webhooks are saved here */
static wh_db_t outside;   /* a second connection, to look at the rows */
static wh_channel_server_t server;
static wh_commit_t commit;
static wh_inbox_t *inbox; /* of the delivery thread, which this program is */

static void end_commit(void)
{
    wh_store_t *own = commit.store;

    wh_channel_server_stop(&server);
    wh_commit_destroy(&commit);
    wh_store_destroy(own);
}

/* A dispatcher's commit thread, without its loop. */
static int begin_commit(int node)
{
    wh_store_t *own;

    if (wh_store_create(&own, &settings) != APR_SUCCESS ||
        wh_commit_init(&commit, &settings, &server, own, pool) != APR_SUCCESS) {
        return 0;
    }
    commit.ids.node = node;
    wh_schedule_init(&commit.schedule, &settings, &inbox, 1, pool);
    return 1;
}

static int begin(void)
{
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (!mkdtemp(directory) || apr_dbd_init(pool) != APR_SUCCESS ||
        wh_inbox_create(&inbox, pool) != APR_SUCCESS ||
        wh_channel_server_start(&server, epoll_create1(0), listener, 1000000) !=
            APR_SUCCESS) {
        return 0;
    }
    settings.database_params = apr_pstrcat(pool, directory, "/test.db", NULL);
    outside.pool = pool;
    outside.driver_name = settings.database_driver;
    outside.params = settings.database_params;
    return wh_store_create(&store, &settings) == APR_SUCCESS &&
           wh_store_open(store) == APR_SUCCESS &&
           wh_db_open(&outside) == APR_SUCCESS && begin_commit(NODE);
}

/* -- the delivery thread's part ------------------------------------------- */

#define HELD_MAX 1000

static wh_delivery_t *held[HELD_MAX]; /* deliveries on their way */
static int held_count;

/* Takes what has been posted. "T1" a target, "T1-" one that is off, "T1!" one
 * that is gone, "D1" a delivery for webhook 1. */
static const char *posted(void)
{
    wh_message_t *message = wh_inbox_take(inbox);
    const char *all = "";

    while (message) {
        wh_message_t *next = message->next;

        if (message->kind == WH_MESSAGE_TARGET) {
            wh_target_t *target = (wh_target_t *)message;

            all = apr_psprintf(pool, "%s%sT%d%s", all, *all ? " " : "",
                               target->webhook_id,
                               target->removed  ? "!"
                               : target->active ? ""
                                                : "-");
            wh_target_release(target);
        }
        else {
            held[held_count] = (wh_delivery_t *)message;
            all = apr_psprintf(pool, "%s%sD%d", all, *all ? " " : "",
                               held[held_count]->webhook_id);
            held_count++;
        }
        message = next;
    }
    return all;
}

/* Reports the oldest delivery that is held. */
static void report(wh_outcome_kind_t outcome, apr_time_t due)
{
    wh_delivery_t *delivery = held[0];

    memmove(held, held + 1, (size_t)--held_count * sizeof(held[0]));
    delivery->message.kind = WH_MESSAGE_OUTCOME;
    delivery->outcome = outcome;
    delivery->due = due;
    if (outcome != WH_OUTCOME_RETURNED) {
        delivery->attempts++;
        delivery->started = NOW;
        delivery->status = outcome == WH_OUTCOME_DELIVERED ? 200 : 500;
        delivery->error = outcome == WH_OUTCOME_DELIVERED ? NULL : "status";
    }
    wh_commit_outcome(&commit, delivery);
}

static void throw_away(void)
{
    posted();
    while (held_count > 0) {
        wh_delivery_destroy(held[--held_count]);
    }
}

/* Ends everything that is in memory, as delivered. */
static void deliver_all(apr_time_t now)
{
    posted();
    while (held_count > 0) {
        report(WH_OUTCOME_DELIVERED, 0);
    }
    wh_commit_batch(&commit, now);
}

/* -- webhooks ------------------------------------------------------------- */

static apr_int32_t save_webhook(const char *events)
{
    wh_webhook_t webhook = {.context = "",
                            .name = "w",
                            .events = events,
                            .target_url = "https://receiver.example/",
                            .state = WH_STATE_ACTIVE,
                            .type = "webhook"};

    return wh_store_webhook_insert(store, &webhook) == APR_SUCCESS ? webhook.id
                                                                   : 0;
}

static void end(void)
{
    throw_away();
    end_commit();
    wh_db_close(&outside);
    wh_store_destroy(store);
    unlink(settings.database_params);
    unlink(apr_pstrcat(pool, directory, "/test.db.lock", NULL));
    ok(rmdir(directory) == 0, "nothing else is left in the directory");
    close(server.listener);
    close(server.epoll);
    apr_terminate();
}

static const char *text(const char *sql)
{
    wh_rows_t rows;

    if (wh_db_query(&rows, &outside, sql) != APR_SUCCESS ||
        !wh_rows_next(&rows)) {
        return "no row";
    }
    return wh_rows_text(&rows, 0, pool);
}

static void remove_locks(void)
{
    int i;

    for (i = 1; i <= WH_NODE_LOCAL_MAX; i++) {
        unlink(apr_psprintf(pool, "%s/test.db.node-%d.lock", directory, i));
    }
}

static void test_take(void)
{
    wh_node_t nodes[WH_NODE_LOCAL_MAX], more;
    int i, wrong = 0;

    for (i = 0; i < WH_NODE_LOCAL_MAX; i++) {
        wrong += wh_node_take(&nodes[i], &settings, pool) != APR_SUCCESS ||
                 nodes[i].id != i + 1;
    }
    is_int(wrong, 0, "each takes the lowest number that is free");
    is_int(wh_node_take(&more, &settings, pool), APR_EGENERAL,
           "until there is none");
    wh_node_leave(&nodes[6]);
    is_int(wh_node_take(&more, &settings, pool), APR_SUCCESS, "one leaves");
    is_int(more.id, 7, "its number is free");
    wh_node_leave(&more);
    for (i = 0; i < WH_NODE_LOCAL_MAX; i++) {
        if (i != 6) {
            wh_node_leave(&nodes[i]);
        }
    }
}

static void test_no_directory(void)
{
    wh_settings_t bad = settings;
    wh_node_t node;

    bad.database_params = apr_pstrcat(pool, directory, "/none/db", NULL);
    ok(wh_node_take(&node, &bad, pool) != APR_SUCCESS, "no directory");
}

/* A process that is node 1, owns the deliveries and waits to be killed. */
static pid_t start_other(int ready)
{
    pid_t child = fork();

    if (child == 0) {
        wh_node_t node;

        if (wh_node_take(&node, &settings, pool) == APR_SUCCESS &&
            node.id == 1 && write(ready, "x", 1) == 1) {
            for (;;) {
                pause();
            }
        }
        _exit(1);
    }
    return child;
}

/* The columns of an event that matter here, then its values. */
#define INSERT_EVENT                                                           \
    "INSERT INTO event (id, uuid, context, name, primary_key, "                \
    "associate_id, time, data, size) VALUES "

static void insert_delivery(int id, int owner)
{
    wh_db_execute(&outside,
                  apr_psprintf(pool,
                               INSERT_EVENT
                               "(%d, 'u%d', '', 'a', 0, 0, 0, '{}', 2)",
                               id, id));
    wh_db_execute(&outside,
                  apr_psprintf(pool,
                               "INSERT INTO delivery (id, event_id, "
                               "webhook_id, state, attempts, due, owner) "
                               "VALUES (%d, %d, 1, 0, 0, 0, %d)",
                               id + 1, id, owner));
}

static void take_over(const wh_node_t *node)
{
    apr_pool_t *scratch;

    apr_pool_create(&scratch, pool);
    wh_node_take_over(node, &commit, scratch);
    apr_pool_destroy(scratch);
}

static void test_take_over(void)
{
    int ready[2], status;
    wh_node_t node;
    apr_int64_t last;
    pid_t other;
    char byte;

    if (pipe(ready) < 0) {
        ok(0, "a pipe");
        return;
    }
    save_webhook("a");
    wh_store_node_enter(&last, store, 1, NOW);
    insert_delivery(100, 1);
    insert_delivery(102, 1);
    other = start_other(ready[1]);
    is_int(read(ready[0], &byte, 1), 1, "another dispatcher runs");
    is_int(wh_node_take(&node, &settings, pool), APR_SUCCESS, "this one");
    is_int(node.id, 2, "has another number");
    commit.ids.node = node.id;
    wh_commit_refresh(&commit, NOW);
    wh_commit_claim(&commit, NOW);
    take_over(&node);
    wh_commit_claim(&commit, NOW);
    posted();
    is_int(held_count, 0, "what the other one has is left to it");
    is_str(text("SELECT count(*) FROM node"), "2", "both are known");
    kill(other, SIGKILL);
    waitpid(other, &status, 0);
    take_over(&node);
    is_str(text("SELECT group_concat(id) FROM node"), "2",
           "killed: it is forgotten");
    wh_commit_claim(&commit, NOW);
    is_str(posted(), "D1 D1", "and its deliveries are taken");
    deliver_all(NOW);
    wh_node_leave(&node);
    close(ready[0]);
    close(ready[1]);
}

/* It ended in good order and had given its deliveries back. */
static void test_given_back(void)
{
    wh_node_t node;
    apr_int64_t last;

    wh_node_take(&node, &settings, pool);
    commit.ids.node = node.id;
    wh_store_node_enter(&last, store, 9, NOW);
    insert_delivery(200, 0);
    wh_commit_claim(&commit, NOW);
    take_over(&node);
    wh_commit_claim(&commit, NOW);
    is_str(posted(), "D1", "what it gave back is looked for");
    deliver_all(NOW);
    wh_node_leave(&node);
}

int main(void)
{
    if (!begin()) {
        return 1;
    }
    test_take();
    test_no_directory();
    test_take_over();
    test_given_back();
    remove_locks();
    end();
    return done_testing();
}
