/* SPDX-License-Identifier: Apache-2.0 */
#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

/* Waiters with a deadline look again this often. */
#define POLL_INTERVAL apr_time_from_msec(2)

apr_status_t wh_lock_open(wh_lock_t *lock, const char *path)
{
    lock->descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return lock->descriptor < 0 ? APR_FROM_OS_ERROR(errno) : APR_SUCCESS;
}

static apr_status_t lock_once(wh_lock_t *lock, int flags)
{
    int rc;

    do {
        rc = flock(lock->descriptor, LOCK_EX | flags);
    } while (rc < 0 && errno == EINTR);
    return rc < 0 ? APR_FROM_OS_ERROR(errno) : APR_SUCCESS;
}

apr_status_t wh_lock_acquire(wh_lock_t *lock, apr_interval_time_t timeout)
{
    apr_time_t deadline = apr_time_now() + timeout;
    apr_status_t rv;

    if (timeout == WH_LOCK_WAIT) {
        return lock_once(lock, 0);
    }
    for (;;) {
        rv = lock_once(lock, LOCK_NB);
        if (!APR_STATUS_IS_EAGAIN(rv)) {
            return rv;
        }
        if (apr_time_now() >= deadline) {
            return APR_TIMEUP;
        }
        apr_sleep(POLL_INTERVAL);
    }
}

void wh_lock_release(wh_lock_t *lock)
{
    /* Fails only for a bad descriptor, and then nothing is held. */
    flock(lock->descriptor, LOCK_UN);
}

void wh_lock_close(wh_lock_t *lock)
{
    if (lock->descriptor >= 0) {
        close(lock->descriptor);
        lock->descriptor = -1;
    }
}
