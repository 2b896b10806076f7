/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Housekeeping, once a second: retention, checkpoints, ended nodes.
 * Stage: dispatcher · from: dispatcher · to: store
 * runs on: the commit thread, between batches
 */
#ifndef WH_DISPATCHER_MAINTENANCE_H
#define WH_DISPATCHER_MAINTENANCE_H

#include "dispatcher/commit.h"
#include "dispatcher/node.h"

typedef struct wh_maintenance_t {
    apr_time_t sweep_at;
} wh_maintenance_t;

void wh_maintenance_run(wh_maintenance_t *maintenance, wh_commit_t *commit,
                        const wh_node_t *node, apr_time_t now);

#endif
