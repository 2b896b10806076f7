/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "dispatcher/commit.h"
#include "store/replay_job.h"

/* All open replays wait for their webhooks, or storage failed: look again
 * then; after a long round not so soon that it would keep a processor busy. */
#define REPLAY_PAUSE apr_time_from_msec(200)
#define REPLAY_PAUSE_MAX apr_time_from_sec(10)
#define REPLAY_PAUSE_PER_ROUND 19

static void log_end(const wh_replay_portion_t *portion)
{
    if (portion->state >= WH_REPLAY_DONE) {
        wh_log(WH_LOG_INFO, APR_SUCCESS,
               WHLOGNO(1342) "replay %" APR_INT64_T_FMT " of webhook %d %s",
               portion->job_id, portion->webhook_id,
               portion->state == WH_REPLAY_DONE
                   ? "is done"
                   : "ends, because the webhook is gone");
    }
}

static apr_interval_time_t pause_after(apr_interval_time_t round)
{
    apr_interval_time_t pause = round * REPLAY_PAUSE_PER_ROUND;

    if (pause > REPLAY_PAUSE_MAX) {
        return REPLAY_PAUSE_MAX;
    }
    return pause > REPLAY_PAUSE ? pause : REPLAY_PAUSE;
}

/* All have had their turn. */
static void end_round(wh_commit_t *commit, apr_time_t now)
{
    if (commit->replay_after == 0) {
        commit->replaying = 0;
    }
    else if (!commit->replay_worked) {
        commit->replay_at = now + pause_after(now - commit->replay_began);
    }
    commit->replay_after = 0;
    commit->replay_worked = 0;
}

/* What other nodes take they notice by the number of replays. */
static void follow(wh_commit_t *commit, const wh_replay_portion_t *portion,
                   apr_time_t now)
{
    wh_schedule_entry_t *entry =
        wh_schedule_entry(&commit->schedule, portion->webhook_id);

    commit->written += 1 + portion->replayed;
    commit->own_replays += portion->replayed > 0;
    if (portion->replayed && entry) {
        wh_schedule_waiting(&commit->schedule, entry, now);
    }
    log_end(portion);
}

void wh_commit_replay(wh_commit_t *commit, apr_time_t now)
{
    wh_replay_portion_t portion;

    if (!commit->replaying || (now < commit->replay_at &&
                               commit->replay_at <= now + REPLAY_PAUSE_MAX)) {
        return;
    }
    commit->replay_at = 0;
    if (commit->replay_after == 0) {
        commit->replay_began = now;
    }
    if (wh_store_replay_portion(&portion, commit->store, commit->replay_after,
                                now) != APR_SUCCESS) {
        commit->replay_at = now + REPLAY_PAUSE;
        return;
    }
    if (!portion.job_id) {
        end_round(commit, now);
        return;
    }
    commit->replay_after = portion.webhook_id;
    commit->replay_worked |= portion.worked;
    if (portion.worked) {
        follow(commit, &portion, now);
    }
}
