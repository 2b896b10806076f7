/* SPDX-License-Identifier: Apache-2.0 */
/* How far a replay has come. */
#include "ctl/replay_job.h"

#include <apr_general.h>

#include "unit/tap.h"

typedef struct row_t {
    wh_replay_state_t state;
    apr_int64_t total;
    apr_int64_t done;
    const char *text;
} row_t;

static const row_t rows[] = {
    {WH_REPLAY_COUNTING, 0, 0, "0 found so far"},
    {WH_REPLAY_COUNTING, 5000, 0, "5000 found so far"},
    {WH_REPLAY_RUNNING, 1000, 0,
     "[------------------------------] 0 of 1000, "
     "0%"},
    {WH_REPLAY_RUNNING, 1000, 499,
     "[##############----------------] 499 of "
     "1000, 49%"},
    {WH_REPLAY_RUNNING, 1000, 999,
     "[#############################-] 999 of "
     "1000, 99%"},
    {WH_REPLAY_DONE, 1000, 1000,
     "[##############################] 1000 of "
     "1000, 100%"},
    {WH_REPLAY_DONE, 0, 0, "[##############################] 0 of 0, 100%"},
    {WH_REPLAY_RUNNING, 5, 7, "[##############################] 7 of 5, 100%"},
    {WH_REPLAY_CANCELLED, APR_INT64_C(4000000000000), 1000000000000,
     "[#######-----------------------] 1000000000000 of 4000000000000, 25%"},
};

int main(void)
{
    apr_pool_t *pool;
    size_t i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        wh_replay_job_t job = {.state = rows[i].state,
                               .total = rows[i].total,
                               .done = rows[i].done};

        is_str(wh_replay_progress(&job, pool), rows[i].text, "%s",
               rows[i].text);
    }
    apr_terminate();
    return done_testing();
}
