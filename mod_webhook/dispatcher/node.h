/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Which dispatchers are alive: each holds a lock file of its own.
 * Stage: dispatcher · from: dispatcher · to: store, schedule
 * runs on: the commit thread · owns: the lock of this node
 *
 * Two dispatchers overlap at a restart, and one can be killed at any time.
 * The kernel gives a dead one's lock back at once, so its deliveries are
 * taken over within a second, whatever its pid has become.
 */
#ifndef WH_DISPATCHER_NODE_H
#define WH_DISPATCHER_NODE_H

#include "dispatcher/commit.h"
#include "store/lock.h"

/** Dispatchers of one database at a time, draining ones included. */
#define WH_NODE_LOCAL_MAX 64

typedef struct wh_node_t {
    apr_int64_t id;
    wh_lock_t lock;
} wh_node_t;

/** Takes the lowest number that is free. APR_EGENERAL: all are taken. */
apr_status_t wh_node_take(wh_node_t *node, const wh_settings_t *settings,
                          apr_pool_t *pool);
void wh_node_leave(wh_node_t *node);

/** Gives the deliveries of ended nodes back, so that they are claimed. */
void wh_node_take_over(const wh_node_t *node, wh_commit_t *commit,
                       apr_pool_t *scratch);

#endif
