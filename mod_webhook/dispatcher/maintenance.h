/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Housekeeping, once a second: retention, checkpoints, ended nodes, replays.
 * Stage: dispatcher · from: dispatcher · to: store
 * runs on: the commit thread, between batches
 */
#ifndef WH_DISPATCHER_MAINTENANCE_H
#define WH_DISPATCHER_MAINTENANCE_H

#include "dispatcher/commit.h"
#include "dispatcher/node.h"

typedef struct wh_maintenance_t {
    apr_time_t sweep_at;
    apr_time_t tokens_at;     /* when to look for expired tokens */
    apr_int64_t replays;      /* number of them last seen; 0: there were none */
    apr_interval_time_t back; /* the clock was set back by so much, and what is
                                 stored does not know yet */
    apr_time_t back_seen; /* when that was seen, by the clock as it is now */
} wh_maintenance_t;

void wh_maintenance_run(wh_maintenance_t *maintenance, wh_commit_t *commit,
                        const wh_node_t *node, apr_time_t now);

#endif
