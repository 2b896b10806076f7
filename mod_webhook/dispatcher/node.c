/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatcher/node.h"

#include <apr_strings.h>

#include "base/log.h"

static const char *lock_path(const wh_settings_t *settings, apr_int64_t id,
                             apr_pool_t *pool)
{
    return apr_psprintf(pool, "%s.node-%" APR_INT64_T_FMT ".lock",
                        settings->database_params, id);
}

apr_status_t wh_node_take(wh_node_t *node, const wh_settings_t *settings,
                          apr_pool_t *pool)
{
    apr_status_t rv = APR_EGENERAL;

    for (node->id = 1; node->id <= WH_NODE_LOCAL_MAX; node->id++) {
        rv = wh_lock_open(&node->lock, lock_path(settings, node->id, pool));
        if (rv != APR_SUCCESS) {
            return rv;
        }
        rv = wh_lock_acquire(&node->lock, 0);
        if (rv == APR_SUCCESS) {
            return rv;
        }
        wh_lock_close(&node->lock);
        if (rv != APR_TIMEUP) {
            return rv;
        }
    }
    return APR_EGENERAL;
}

void wh_node_leave(wh_node_t *node)
{
    wh_lock_close(&node->lock);
}

static void release(wh_commit_t *commit, apr_int64_t id)
{
    int released;

    if (wh_store_node_release(&released, commit->store, id, 1) != APR_SUCCESS) {
        return;
    }
    wh_log(WH_LOG_INFO, APR_SUCCESS,
           WHLOGNO(1331) "dispatcher %" APR_INT64_T_FMT
                         " has ended: %d deliveries taken over",
           id, released);
    /* It may also have given deliveries back by itself. Which webhooks they
     * belong to the next claims find out; what pauses it has stored, the next
     * look at the webhooks. */
    commit->generation = -1;
    wh_schedule_all_waiting(&commit->schedule);
}

void wh_node_take_over(const wh_node_t *node, wh_commit_t *commit,
                       apr_pool_t *scratch)
{
    apr_array_header_t *others;
    wh_lock_t lock;
    int i;

    if (wh_store_node_list(&others, commit->store, node->id, scratch) !=
        APR_SUCCESS) {
        return;
    }
    for (i = 0; i < others->nelts; i++) {
        apr_int64_t id = APR_ARRAY_IDX(others, i, apr_int64_t);

        if (wh_lock_open(&lock, lock_path(commit->settings, id, scratch)) !=
            APR_SUCCESS) {
            continue;
        }
        if (wh_lock_acquire(&lock, 0) == APR_SUCCESS) {
            release(commit, id);
        }
        wh_lock_close(&lock);
    }
}
