/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"

#include <apr_allocator.h>
#include <apr_thread_mutex.h>

#define KEEP_BYTES (4 * 1024 * 1024)

static apr_status_t add_lock(apr_allocator_t *allocator, apr_pool_t *pool)
{
    apr_thread_mutex_t *lock;
    apr_status_t rv;

    rv = apr_thread_mutex_create(&lock, APR_THREAD_MUTEX_DEFAULT, pool);
    if (rv == APR_SUCCESS) {
        apr_allocator_mutex_set(allocator, lock);
    }
    return rv;
}

apr_status_t wh_pool_create(apr_pool_t **result, const char *tag, int shared)
{
    apr_allocator_t *allocator;
    apr_pool_t *pool;
    apr_status_t rv = apr_allocator_create(&allocator);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    apr_allocator_max_free_set(allocator, KEEP_BYTES);
    rv = apr_pool_create_unmanaged_ex(&pool, NULL, allocator);
    if (rv != APR_SUCCESS) {
        apr_allocator_destroy(allocator);
        return rv;
    }
    apr_allocator_owner_set(allocator, pool);
    apr_pool_tag(pool, tag);
    rv = shared ? add_lock(allocator, pool) : APR_SUCCESS;
    if (rv != APR_SUCCESS) {
        apr_pool_destroy(pool);
        return rv;
    }
    *result = pool;
    return APR_SUCCESS;
}
