/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A receiver with a thread for each connection that behaves as the path of a
 * request says. For one program: it is a variable.
 */
#ifndef T_UNIT_DELIVER_THREADED_RECEIVER_H
#define T_UNIT_DELIVER_THREADED_RECEIVER_H

#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit/deliver/receiver.h"

#define CONNECTIONS_MAX 256
#define PATIENCE apr_time_from_sec(60)

static struct {
    apr_pool_t *pool;
    int listener;
    int port;
    apr_thread_t *thread;
    apr_thread_mutex_t *lock;
    apr_thread_cond_t *changed;
    /* shared: lock */
    apr_thread_t *connections[CONNECTIONS_MAX];
    int connection_count;
    int requests;
    int closed;
    int holding; /* requests that wait to be released */
    int holding_most;
    int released;
    char body[1024]; /* of the last request */
} receiver;

static void say(int fd, const char *answer)
{
    if (send(fd, answer, strlen(answer), MSG_NOSIGNAL) < 0) {
        shutdown(fd, SHUT_RDWR);
    }
}

static void hold(void)
{
    apr_thread_mutex_lock(receiver.lock);
    if (++receiver.holding > receiver.holding_most) {
        receiver.holding_most = receiver.holding;
    }
    apr_thread_cond_broadcast(receiver.changed);
    while (!receiver.released) {
        apr_thread_cond_wait(receiver.changed, receiver.lock);
    }
    receiver.holding--;
    apr_thread_mutex_unlock(receiver.lock);
}

static void reset_connection(int fd)
{
    struct linger now = {1, 0};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

/* Behaves as the path says; 0: the connection ends. */
static int answer(int fd, const char *path)
{
    char byte;

    if (!strncmp(path, "/hang", 5)) {
        while (recv(fd, &byte, 1, 0) > 0) {
        }
        return 0;
    }
    if (!strncmp(path, "/reset", 6)) {
        reset_connection(fd);
        return 0;
    }
    if (!strncmp(path, "/hold", 5)) {
        hold();
    }
    if (!strncmp(path, "/503", 4)) {
        say(fd, "HTTP/1.1 503 Wait\r\nContent-Length: 2\r\n\r\nno");
        return 1;
    }
    if (!strncmp(path, "/later", 6)) {
        say(fd, "HTTP/1.1 500 Later\r\nRetry-After: 7200\r\n"
                "Content-Length: 2\r\n\r\nno");
        return 1;
    }
    say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    return strncmp(path, "/close", 6) != 0;
}

/* Reads one request: its path, or NULL at the end. */
static const char *read_request(int fd, char *buffer, apr_size_t size)
{
    if (!receive_request(fd, buffer, size)) {
        return NULL;
    }
    apr_thread_mutex_lock(receiver.lock);
    receiver.requests++;
    apr_cpystrn(receiver.body, strstr(buffer, "\r\n\r\n") + 4,
                sizeof(receiver.body));
    apr_thread_cond_broadcast(receiver.changed);
    apr_thread_mutex_unlock(receiver.lock);
    return strchr(buffer, ' ') + 1;
}

static void *APR_THREAD_FUNC serve(apr_thread_t *thread, void *data)
{
    int fd = *(int *)data;
    char buffer[8192];
    const char *path;

    (void)thread;
    free(data);
    while ((path = read_request(fd, buffer, sizeof(buffer))) &&
           answer(fd, path)) {
    }
    close(fd);
    apr_thread_mutex_lock(receiver.lock);
    receiver.closed++;
    apr_thread_cond_broadcast(receiver.changed);
    apr_thread_mutex_unlock(receiver.lock);
    return NULL;
}

static void *APR_THREAD_FUNC accept_all(apr_thread_t *thread, void *data)
{
    int fd;

    (void)thread;
    (void)data;
    while ((fd = accept(receiver.listener, NULL, NULL)) >= 0 &&
           receiver.connection_count < CONNECTIONS_MAX) {
        int *own = malloc(sizeof(*own));

        *own = fd;
        apr_thread_mutex_lock(receiver.lock);
        apr_thread_create(&receiver.connections[receiver.connection_count++],
                          NULL, serve, own, receiver.pool);
        apr_thread_mutex_unlock(receiver.lock);
    }
    return NULL;
}

/** @param pool of its threads and locks */
static void open_receiver(apr_pool_t *pool)
{
    receiver.pool = pool;
    receiver.listener = listen_somewhere(&receiver.port);
    apr_thread_mutex_create(&receiver.lock, APR_THREAD_MUTEX_DEFAULT, pool);
    apr_thread_cond_create(&receiver.changed, pool);
    apr_thread_create(&receiver.thread, NULL, accept_all, NULL, pool);
}

static void release_all(int released)
{
    apr_thread_mutex_lock(receiver.lock);
    receiver.released = released;
    apr_thread_cond_broadcast(receiver.changed);
    apr_thread_mutex_unlock(receiver.lock);
}

static void close_receiver(void)
{
    apr_status_t rv;
    int i;

    release_all(1);
    shutdown(receiver.listener, SHUT_RDWR);
    apr_thread_join(&rv, receiver.thread);
    close(receiver.listener);
    for (i = 0; i < receiver.connection_count; i++) {
        apr_thread_join(&rv, receiver.connections[i]);
    }
}

/* Waits until a number of the receiver's has reached a value. */
static int wait_for(const int *number, int value)
{
    apr_time_t deadline = apr_time_now() + PATIENCE;
    int reached;

    apr_thread_mutex_lock(receiver.lock);
    while (*number < value && apr_time_now() < deadline) {
        apr_thread_cond_timedwait(receiver.changed, receiver.lock, PATIENCE);
    }
    reached = *number;
    apr_thread_mutex_unlock(receiver.lock);
    return reached;
}

#endif
