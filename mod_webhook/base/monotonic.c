/* SPDX-License-Identifier: Apache-2.0 */
#include "base/monotonic.h"

#include <time.h>

apr_time_t wh_monotonic_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return apr_time_from_sec(now.tv_sec) + now.tv_nsec / 1000;
}
