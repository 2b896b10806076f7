/* SPDX-License-Identifier: Apache-2.0 */
/* Locks between processes and threads. */
#include <apr_general.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/lock.h"
#include "unit/tap.h"

#define WORKERS 4
#define TURNS 2000

static apr_pool_t *pool;
static const char *path;

/* Written by whoever holds the lock, read and written in two steps. */
static volatile int *counter;

static apr_status_t count_up(void)
{
    wh_lock_t lock;
    apr_status_t rv = wh_lock_open(&lock, path);
    int i;

    for (i = 0; rv == APR_SUCCESS && i < TURNS; i++) {
        rv = wh_lock_acquire(&lock,
                             i % 2 ? WH_LOCK_WAIT : apr_time_from_sec(60));
        if (rv == APR_SUCCESS) {
            int value = *counter;

            apr_thread_yield();
            *counter = value + 1;
            wh_lock_release(&lock);
        }
    }
    wh_lock_close(&lock);
    return rv;
}

static void *APR_THREAD_FUNC run_thread(apr_thread_t *thread, void *data)
{
    apr_status_t rv = count_up();

    (void)data;
    apr_thread_exit(thread, rv);
    return NULL;
}

static void test_threads(void)
{
    apr_thread_t *threads[WORKERS];
    apr_status_t rv;
    int i, failed = 0;

    *counter = 0;
    for (i = 0; i < WORKERS; i++) {
        apr_thread_create(&threads[i], NULL, run_thread, NULL, pool);
    }
    for (i = 0; i < WORKERS; i++) {
        apr_thread_join(&rv, threads[i]);
        failed += rv != APR_SUCCESS;
    }
    is_int(failed, 0, "threads take the lock in turn");
    is_int(*counter, WORKERS * TURNS, "only one has it at a time");
}

static void test_processes(void)
{
    pid_t children[WORKERS];
    int i, status, failed = 0;

    *counter = 0;
    for (i = 0; i < WORKERS; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            _exit(count_up() == APR_SUCCESS ? 0 : 1);
        }
    }
    for (i = 0; i < WORKERS; i++) {
        waitpid(children[i], &status, 0);
        failed += status != 0;
    }
    is_int(failed, 0, "processes take the lock in turn");
    is_int(*counter, WORKERS * TURNS, "only one has it at a time");
}

static void test_timeout(void)
{
    apr_interval_time_t waited = apr_time_from_msec(50);
    wh_lock_t holder, other;
    apr_time_t begun;
    struct stat info;

    is_int(wh_lock_open(&holder, path), APR_SUCCESS, "opened");
    stat(path, &info);
    is_int(info.st_mode & 07777, 0600, "for its user alone");
    wh_lock_open(&other, path);
    is_int(wh_lock_acquire(&other, 0), APR_SUCCESS, "opening takes no lock");
    wh_lock_release(&other);
    is_int(wh_lock_acquire(&holder, WH_LOCK_WAIT), APR_SUCCESS, "taken");
    is_int(wh_lock_acquire(&holder, 0), APR_SUCCESS, "the holder has it");
    is_int(wh_lock_acquire(&other, 0), APR_TIMEUP, "nobody else, at once");
    begun = apr_time_now();
    is_int(wh_lock_acquire(&other, waited), APR_TIMEUP, "nor after a while");
    ok(apr_time_now() - begun >= waited, "which is waited for");
    wh_lock_release(&holder);
    is_int(wh_lock_acquire(&other, 0), APR_SUCCESS, "released: free");
    wh_lock_close(&other);
    is_int(other.descriptor, -1, "closed");
    is_int(wh_lock_acquire(&holder, 0), APR_SUCCESS, "closed: free, too");
    wh_lock_close(&other);
    is_int(wh_lock_acquire(&holder, 0), APR_SUCCESS, "closing twice is safe");
    wh_lock_close(&holder);
}

static void test_killed_holder(void)
{
    wh_lock_t lock;
    int ready[2], status;
    char byte;
    pid_t child;

    if (pipe(ready) < 0) {
        ok(0, "a pipe");
        return;
    }
    child = fork();
    if (child == 0) {
        if (wh_lock_open(&lock, path) == APR_SUCCESS &&
            wh_lock_acquire(&lock, WH_LOCK_WAIT) == APR_SUCCESS &&
            write(ready[1], "x", 1) == 1) {
            for (;;) {
                pause();
            }
        }
        _exit(1);
    }
    is_int(read(ready[0], &byte, 1), 1, "a process holds the lock");
    wh_lock_open(&lock, path);
    is_int(wh_lock_acquire(&lock, 0), APR_TIMEUP, "nobody else gets it");
    kill(child, SIGKILL);
    is_int(wh_lock_acquire(&lock, apr_time_from_sec(30)), APR_SUCCESS,
           "killed: it is free");
    waitpid(child, &status, 0);
    wh_lock_close(&lock);
    close(ready[0]);
    close(ready[1]);
}

static void test_bad_path(const char *directory)
{
    wh_lock_t lock;
    apr_status_t rv;

    rv = wh_lock_open(&lock, apr_pstrcat(pool, directory, "/none/lock", NULL));
    ok(APR_STATUS_IS_ENOENT(rv), "no such directory");
    is_int(lock.descriptor, -1, "not open");
    wh_lock_close(&lock);
    rv = wh_lock_open(&lock, directory);
    ok(rv != APR_SUCCESS, "a directory is no lock");
}

int main(void)
{
    char directory[] = "/tmp/webhook-lock-XXXXXX";

    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (!mkdtemp(directory)) {
        return 1;
    }
    path = apr_pstrcat(pool, directory, "/lock", NULL);
    counter = mmap(NULL, sizeof(*counter), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    test_timeout();
    test_threads();
    test_processes();
    test_killed_holder();
    test_bad_path(directory);
    unlink(path);
    rmdir(directory);
    apr_terminate();
    return done_testing();
}
