/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Pools that one thread owns.
 * Stage: all · runs on: the thread that makes it, until it hands it over
 */
#ifndef WH_BASE_POOL_H
#define WH_BASE_POOL_H

#include <apr_pools.h>

/**
 * A pool with an allocator of its own and no parent: nothing it does touches
 * what another thread uses. It keeps at most 4 MiB that it does not need.
 * @param tag name for pool debugging, a constant
 * @param shared 1: several threads make and destroy sub-pools of it, so the
 *        allocator has a lock; 0: one thread at a time
 */
apr_status_t wh_pool_create(apr_pool_t **pool, const char *tag, int shared);

#endif
