/* SPDX-License-Identifier: Apache-2.0 */
/* Pools that one thread owns. */
#include <apr_allocator.h>
#include <apr_general.h>
#include <apr_thread_proc.h>

#include "base/pool.h"
#include "unit/tap.h"

#define THREADS 4
#define TURNS 2000

static void *APR_THREAD_FUNC use_pool(apr_thread_t *thread, void *data)
{
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; rv == APR_SUCCESS && i < TURNS; i++) {
        apr_pool_t *own;

        rv = apr_pool_create(&own, data);
        if (rv == APR_SUCCESS) {
            memset(apr_palloc(own, 20000), i, 20000);
            apr_pool_destroy(own);
        }
    }
    apr_thread_exit(thread, rv);
    return NULL;
}

static void test_own(void)
{
    apr_pool_t *first, *second;

    is_int(wh_pool_create(&first, "first", 0), APR_SUCCESS, "a pool");
    is_int(wh_pool_create(&second, "second", 0), APR_SUCCESS, "another one");
    ok(apr_pool_parent_get(first) == NULL, "has no parent");
    ok(apr_pool_allocator_get(first) != apr_pool_allocator_get(second),
       "each has an allocator of its own");
    ok(apr_allocator_owner_get(apr_pool_allocator_get(first)) == first,
       "which goes with it");
    ok(apr_allocator_mutex_get(apr_pool_allocator_get(first)) == NULL,
       "and has no lock");
    memset(apr_palloc(first, 10000000), 1, 10000000);
    apr_pool_destroy(first);
    apr_pool_destroy(second);
}

static void test_shared(void)
{
    apr_thread_t *threads[THREADS];
    apr_pool_t *pool, *program;
    apr_status_t rv;
    int i, failed = 0;

    is_int(wh_pool_create(&pool, "shared", 1), APR_SUCCESS, "a shared pool");
    ok(apr_allocator_mutex_get(apr_pool_allocator_get(pool)) != NULL,
       "has a lock");
    apr_pool_create(&program, NULL);
    for (i = 0; i < THREADS; i++) {
        apr_thread_create(&threads[i], NULL, use_pool, pool, program);
    }
    for (i = 0; i < THREADS; i++) {
        apr_thread_join(&rv, threads[i]);
        failed += rv != APR_SUCCESS;
    }
    is_int(failed, 0, "threads make and destroy pools in it");
    apr_pool_destroy(pool);
}

int main(void)
{
    apr_initialize();
    test_own();
    test_shared();
    apr_terminate();
    return done_testing();
}
