/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatcher/maintenance.h"

#include "base/log.h"
#include "base/monotonic.h"
#include "store/log_store.h"
#include "store/token_store.h"

/* When nothing is old enough, look again after this time. */
#define SWEEP_INTERVAL apr_time_from_sec(10)

/* The sweep may hold events up for so long in a second. */
#define SWEEP_BUDGET apr_time_from_msec(100)

/* Expired tokens are kept for a day, so that people can see why they are
 * refused; once in an hour is often enough. */
#define TOKEN_KEPT apr_time_from_sec(24 * 60 * 60)
#define TOKEN_INTERVAL apr_time_from_sec(60 * 60)

/* A log longer than this (64 MiB) is cut back to nothing. */
#define LOG_PAGES_MAX 16384

static void sweep(wh_maintenance_t *maintenance, wh_commit_t *commit,
                  apr_time_t now)
{
    apr_int64_t below = wh_row_id_floor(
        wh_clock_leap_border(&commit->leap, commit->settings->retention, now));
    int deleted, expired, lost = 0;

    if (now < maintenance->sweep_at &&
        maintenance->sweep_at <= now + SWEEP_INTERVAL) {
        return;
    }
    do {
        if (wh_store_sweep(&deleted, &expired, commit->store, below) !=
            APR_SUCCESS) {
            return;
        }
        commit->written += deleted;
        lost += expired;
    } while (deleted > 0 && apr_time_now() - now < SWEEP_BUDGET);
    if (lost) {
        wh_log(WH_LOG_WARNING, APR_SUCCESS,
               WHLOGNO(1341) "%d deliveries reached the end of "
                             "WebhookRetention undelivered",
               lost);
        /* Those that waited for one of them, for their order, are free now. */
        wh_schedule_all_waiting(&commit->schedule);
    }
    if (deleted == 0) {
        maintenance->sweep_at = now + SWEEP_INTERVAL;
    }
}

/* A portion at a time, until nothing is left. */
static void sweep_tokens(wh_maintenance_t *maintenance, wh_commit_t *commit,
                         apr_time_t now)
{
    int deleted;

    if (now < maintenance->tokens_at &&
        maintenance->tokens_at <= now + TOKEN_INTERVAL) {
        return;
    }
    if (wh_store_token_sweep(&deleted, commit->store, now - TOKEN_KEPT) !=
        APR_SUCCESS) {
        return;
    }
    commit->written += deleted;
    if (deleted == 0) {
        maintenance->tokens_at = now + TOKEN_INTERVAL;
    }
}

/* Deliveries were made pending again, or are to be. */
static void notice_replays(wh_maintenance_t *maintenance, wh_commit_t *commit)
{
    apr_int64_t replays;

    int known;

    if (wh_store_replays(&replays, commit->store) != APR_SUCCESS ||
        replays == maintenance->replays) {
        return;
    }
    /* What this process itself has taken it knows. */
    known = replays == maintenance->replays + commit->own_replays;
    maintenance->replays = replays;
    commit->own_replays = 0;
    if (!known) {
        commit->replaying = 1;
        commit->replay_at = 0;
        wh_schedule_all_waiting(&commit->schedule);
    }
}

static void checkpoint(wh_commit_t *commit)
{
    int pages;

    if (commit->written == 0 ||
        wh_store_checkpoint(&pages, commit->store, 0) != APR_SUCCESS) {
        return;
    }
    commit->written = 0;
    if (pages > LOG_PAGES_MAX) {
        wh_store_checkpoint(&pages, commit->store, 1);
    }
}

/* No retry is to come later than it would have. What is written between the two
 * looks at the clock comes earlier. */
static void set_back(wh_maintenance_t *maintenance, wh_commit_t *commit)
{
    if (wh_store_clock_back(commit->store, maintenance->back,
                            maintenance->back_seen) != APR_SUCCESS) {
        return;
    }
    wh_log(WH_LOG_WARNING, APR_SUCCESS,
           WHLOGNO(2461) "the clock has been set back by %" APR_TIME_T_FMT
                         " s: deliveries are due so much earlier",
           apr_time_sec(maintenance->back));
    maintenance->back = 0;
    commit->written++;
    /* Pauses that were read meanwhile are those of before. */
    commit->generation = -1;
    wh_schedule_all_waiting(&commit->schedule);
}

static void look_at_clock(wh_maintenance_t *maintenance, wh_commit_t *commit,
                          apr_time_t now)
{
    apr_interval_time_t ahead =
        wh_clock_leap_look(&commit->leap, now, wh_monotonic_now());

    if (ahead < 0) {
        wh_commit_shift(commit, -ahead);
        maintenance->back -= ahead;
        maintenance->back_seen = now;
    }
    if (ahead > 0) {
        wh_log(WH_LOG_WARNING, APR_SUCCESS,
               WHLOGNO(2460) "the clock has been set ahead by %" APR_TIME_T_FMT
                             " s, or this machine has slept: what is stored is "
                             "not older by it",
               apr_time_sec(ahead));
    }
}

void wh_maintenance_run(wh_maintenance_t *maintenance, wh_commit_t *commit,
                        const wh_node_t *node, apr_time_t now)
{
    apr_pool_t *scratch;

    look_at_clock(maintenance, commit, now);
    /* Also without events: deliveries wait to be claimed, webhooks change. */
    if (wh_commit_refresh(commit, now) != APR_SUCCESS) {
        return;
    }
    if (maintenance->back) {
        set_back(maintenance, commit);
    }
    wh_schedule_flush(&commit->schedule);
    if (apr_pool_create(&scratch, commit->pool) == APR_SUCCESS) {
        wh_node_take_over(node, commit, scratch);
        apr_pool_destroy(scratch);
    }
    notice_replays(maintenance, commit);
    sweep(maintenance, commit, now);
    sweep_tokens(maintenance, commit, now);
    checkpoint(commit);
}
