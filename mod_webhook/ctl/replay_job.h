/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Replays that a dispatcher works off.
 * Private to ctl/ · one thread
 */
#ifndef WH_CTL_REPLAY_JOB_H
#define WH_CTL_REPLAY_JOB_H

#include "ctl/ctl.h"
#include "store/replay_job.h"

/**
 * Starts one of the span that --since and --until say, and unless --no-wait
 * says else shows how it goes on, until it ends or SIGINT, SIGTERM or SIGHUP
 * comes.
 * @return the exit status
 */
int wh_ctl_replay_start(wh_ctl_t *ctl, apr_int32_t webhook_id, int only_failed);

/** How far a job has come, on one line: "[####----] 50 of 100, 50%". */
const char *wh_replay_progress(const wh_replay_job_t *job, apr_pool_t *pool);

#endif
