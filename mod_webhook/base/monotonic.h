/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A clock that nobody sets.
 * Stage: base · from: everywhere · any thread
 */
#ifndef WH_BASE_MONOTONIC_H
#define WH_BASE_MONOTONIC_H

#include <apr_time.h>

/** Microseconds since some moment before this process began; it stands still while
 * the machine sleeps. */
apr_time_t wh_monotonic_now(void);

#endif
