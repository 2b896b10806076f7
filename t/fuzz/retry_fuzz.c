/* SPDX-License-Identifier: Apache-2.0 */
/* Retry-After, and the list of waits of the configuration. */
#include "fuzz/fuzz.h"
#include "policy/retry.h"

#define NOW APR_INT64_C(2014879777000000)
#define LONGEST apr_time_from_sec(30 * 86400)

/* The schedule gives a time for each of its waits, then none. */
static void check_schedule(const wh_retry_schedule_t *schedule,
                           apr_uint32_t dice)
{
    apr_time_t due;
    int i;

    MUST(schedule->count >= 1 && schedule->count <= 64);
    for (i = 0; i < schedule->count; i++) {
        MUST(schedule->steps[i] > 0 && schedule->steps[i] <= LONGEST);
        MUST(wh_retry_next(&due, schedule, i + 1, 0, NOW, dice) == APR_SUCCESS);
        MUST(due > NOW && due <= NOW + LONGEST + LONGEST / 8);
        MUST(wh_retry_next(&due, schedule, i + 1, WH_RETRY_AFTER_MAX, NOW,
                           dice) == APR_SUCCESS);
        MUST(due >= NOW + WH_RETRY_AFTER_MAX);
    }
    MUST(wh_retry_next(&due, schedule, i + 1, 0, NOW, dice) == APR_EOF);
    MUST(wh_retry_horizon(schedule) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    wh_retry_schedule_t *schedule = NULL;
    apr_interval_time_t step = -1, wait;
    apr_uint32_t dice = 0;
    apr_status_t rv;
    char *text = fuzz_text(data, size);

    memcpy(&dice, data, size < sizeof(dice) ? size : sizeof(dice));
    wait = wh_retry_after(text, NOW);
    MUST(wait >= 0 && wait <= WH_RETRY_AFTER_MAX);
    MUST(wh_retry_after(text, APR_INT64_MAX / 2) >= 0);
    rv = wh_retry_parse_step(&step, text);
    MUST(rv == APR_SUCCESS || rv == APR_EINVAL);
    MUST(rv != APR_SUCCESS || (step > 0 && step <= LONGEST));
    rv = wh_retry_parse(&schedule, text, fuzz_pool());
    MUST(rv == APR_SUCCESS || rv == APR_EINVAL);
    if (rv == APR_SUCCESS) {
        check_schedule(schedule, dice);
    }
    free(text);
    return 0;
}
