/* SPDX-License-Identifier: Apache-2.0 */
/* Which dispatchers are alive. */
#include <signal.h>
#include <sys/wait.h>

#include "dispatcher/node.h"

#include "unit/dispatcher/fixture.h"
#include "unit/store/rows.h"

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
    add_waiting(100, 1, 0, 1);
    add_waiting(102, 1, 0, 1);
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
    wh_db_execute(&outside, "UPDATE webhook_usage SET paused_until = 5");
    add_waiting(200, 1, 0, 0);
    wh_commit_claim(&commit, NOW);
    take_over(&node);
    wh_commit_claim(&commit, NOW);
    is_str(posted(), "D1", "what it gave back is looked for");
    wh_commit_refresh(&commit, NOW);
    is_int(wh_schedule_entry(&commit.schedule, 1)->paused_until, 5,
           "and the pauses that it has stored");
    deliver_all(NOW);
    wh_node_leave(&node);
}

int main(void)
{
    if (!begin_dispatcher()) {
        return 1;
    }
    test_take();
    test_no_directory();
    test_take_over();
    test_given_back();
    remove_locks();
    end_dispatcher();
    return done_testing();
}
