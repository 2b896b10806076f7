/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Exclusive locks between processes and threads, as files.
 * Stage: store · from: store, dispatcher · runs on: the thread that opened it
 *
 * flock(2), not APR's file locks: those are POSIX record locks, which belong
 * to the process, so two threads would both hold one and closing any handle
 * of the file would drop it. The kernel frees the lock when its holder dies.
 */
#ifndef WH_STORE_LOCK_H
#define WH_STORE_LOCK_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_time.h>

typedef struct wh_lock_t {
    int descriptor; /* -1: not open */
} wh_lock_t;

/** Waits for the lock without end. */
#define WH_LOCK_WAIT (-1)

/** Opens the file, making it (mode 0600) if need be; does not lock. */
apr_status_t wh_lock_open(wh_lock_t *lock, const char *path);

/**
 * Takes the lock.
 * @param timeout WH_LOCK_WAIT, 0 (only if it is free) or a time to wait
 * @return APR_SUCCESS, APR_TIMEUP, or an error
 */
apr_status_t wh_lock_acquire(wh_lock_t *lock, apr_interval_time_t timeout);
void wh_lock_release(wh_lock_t *lock);

/** Closes the file, which also releases the lock. */
void wh_lock_close(wh_lock_t *lock);

#endif
