/* SPDX-License-Identifier: Apache-2.0 */
#include "signal/channel.h"

#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/settings.h"
#include "dispatcher/dispatcher.h"
#include "dispatcher/state_dir.h"

/* How often a refused connect is tried again: the backlog is full, or the
 * server is just starting. */
#define CONNECT_RETRY apr_time_from_msec(20)

/* A blocked call looks at the deadline again after this time. */
#define SOCKET_PATIENCE_MS 100

#define ACKS_AT_ONCE 64

/* No word for so long while requests wait: the dispatcher is stuck. */
#define SILENCE apr_time_from_msec(500)

typedef enum { WAITING, ANSWERED, BROKEN } waiter_state_t;

/* A request thread that waits for its acknowledgement. */
typedef struct waiter_t {
    struct waiter_t *next;
    apr_uint64_t sequence;
    waiter_state_t state;
    wh_ack_t ack;
    apr_thread_cond_t *woken;
} waiter_t;

/* Of a buffer, when what was in it has been sent. */
#define BUFFER_KEPT (1024 * 1024)

typedef struct buffer_t {
    char *data;
    apr_size_t length;
    apr_size_t size;
} buffer_t;

struct wh_channel_t {
    const char *path;
    apr_size_t frame_limit;
    apr_interval_time_t timeout;
    apr_pool_t *pool; /* touched under the lock only */
    apr_thread_mutex_t *lock;
    /* shared: lock */
    int descriptor; /* -1: not connected */
    int broken;     /* 1: closed as soon as nobody uses it */
    apr_uint64_t sequence;
    buffer_t filling; /* frames for the writer */
    int writing;      /* 1: a thread sends */
    int reading;      /* 1: a thread receives */
    waiter_t *waiters;
    waiter_t *spare;
    int waiting;             /* threads in wh_channel_exchange() */
    int limit;               /* of them while there is silence; 0: none */
    apr_time_t silent_since; /* last word, or the first of those waiting */
    buffer_t draining;       /* owned by the thread that writes */
    char in[ACKS_AT_ONCE * sizeof(wh_ack_t)]; /* by the one that reads */
    apr_size_t in_length;
};

static apr_status_t destroy(void *data)
{
    wh_channel_t *channel = data;

    if (channel->descriptor >= 0) {
        close(channel->descriptor);
    }
    free(channel->filling.data);
    free(channel->draining.data);
    return APR_SUCCESS;
}

apr_status_t wh_channel_create(wh_channel_t **result,
                               const wh_settings_t *settings, apr_pool_t *pool)
{
    wh_channel_t *channel;
    apr_pool_t *own;
    apr_status_t rv = apr_pool_create(&own, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    apr_pool_tag(own, "webhook_channel");
    channel = apr_pcalloc(own, sizeof(*channel));
    channel->pool = own;
    channel->descriptor = -1;
    channel->path =
        apr_pstrcat(own, settings->state_dir, "/" WH_CHANNEL_SOCKET, NULL);
    channel->frame_limit = wh_dispatcher_frame_limit(settings);
    channel->timeout = settings->signal_timeout;
    rv = apr_thread_mutex_create(&channel->lock, APR_THREAD_MUTEX_DEFAULT, own);
    if (rv == APR_SUCCESS) {
        apr_pool_cleanup_register(own, channel, destroy, apr_pool_cleanup_null);
        *result = channel;
    }
    return rv;
}

void wh_channel_limit_set(wh_channel_t *channel, int waiting)
{
    channel->limit = waiting;
}

apr_size_t wh_channel_frame_limit(const wh_channel_t *channel)
{
    return channel->frame_limit;
}

apr_interval_time_t wh_channel_timeout(const wh_channel_t *channel)
{
    return channel->timeout;
}

/* Locked from here on, where nothing else is said. */

static apr_status_t take_waiter(waiter_t **result, wh_channel_t *channel)
{
    waiter_t *waiter = channel->spare;

    if (waiter) {
        channel->spare = waiter->next;
    }
    else {
        apr_status_t rv;

        waiter = apr_pcalloc(channel->pool, sizeof(*waiter));
        rv = apr_thread_cond_create(&waiter->woken, channel->pool);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    *result = waiter;
    return APR_SUCCESS;
}

static void unlink_waiter(wh_channel_t *channel, const waiter_t *waiter)
{
    waiter_t **link = &channel->waiters;

    while (*link && *link != waiter) {
        link = &(*link)->next;
    }
    if (*link) {
        *link = waiter->next;
    }
}

/* Everybody who waits sends again on the next connection. */
static void break_connection(wh_channel_t *channel)
{
    if (channel->broken || channel->descriptor < 0) {
        return;
    }
    channel->broken = 1;
    channel->filling.length = 0;
    shutdown(channel->descriptor, SHUT_RDWR);
    while (channel->waiters) {
        waiter_t *waiter = channel->waiters;

        channel->waiters = waiter->next;
        waiter->state = BROKEN;
        apr_thread_cond_signal(waiter->woken);
    }
}

/* The descriptor may be reused once it is closed, so it is closed when no
 * thread is inside a call on it. */
static void close_if_unused(wh_channel_t *channel)
{
    if (channel->broken && !channel->writing && !channel->reading) {
        close(channel->descriptor);
        channel->descriptor = -1;
        channel->broken = 0;
        channel->in_length = 0;
    }
}

static apr_status_t connect_socket(wh_channel_t *channel)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_usec = SOCKET_PATIENCE_MS * 1000};
    int fd;

    apr_cpystrn(address.sun_path, channel->path, sizeof(address.sun_path));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) <
            0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) <
            0 ||
        connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        apr_status_t rv = APR_FROM_OS_ERROR(errno);

        close(fd);
        return rv;
    }
    channel->descriptor = fd;
    return APR_SUCCESS;
}

/* One burst of large events is not kept for the life of the child. */
static void shrink(buffer_t *buffer)
{
    if (buffer->size > BUFFER_KEPT) {
        free(buffer->data);
        memset(buffer, 0, sizeof(*buffer));
    }
}

static int append(buffer_t *buffer, const void *data, apr_size_t length)
{
    if (buffer->length + length > buffer->size) {
        apr_size_t size = 2 * (buffer->length + length);
        char *grown = realloc(buffer->data, size);

        if (!grown) {
            return 0;
        }
        buffer->data = grown;
        buffer->size = size;
    }
    memcpy(buffer->data + buffer->length, data, length);
    buffer->length += length;
    return 1;
}

/* Not locked. A part of a frame that cannot be finished in time breaks the
 * connection: the other side could make nothing of what follows. */
static apr_status_t send_all(int fd, const buffer_t *buffer,
                             apr_time_t deadline)
{
    apr_size_t done = 0;

    while (done < buffer->length) {
        ssize_t sent =
            send(fd, buffer->data + done, buffer->length - done, MSG_NOSIGNAL);

        if (sent > 0) {
            done += (apr_size_t)sent;
        }
        else if (errno != EINTR && errno != EAGAIN) {
            return APR_FROM_OS_ERROR(errno);
        }
        else if (apr_time_now() >= deadline) {
            return APR_TIMEUP;
        }
    }
    return APR_SUCCESS;
}

/* Sends what has gathered, unless another thread is at it: that one sends
 * ours too. The lock is open while the system call runs. */
static void write_frames(wh_channel_t *channel, apr_time_t deadline)
{
    apr_status_t rv = APR_SUCCESS;

    if (channel->writing) {
        return;
    }
    channel->writing = 1;
    while (rv == APR_SUCCESS && !channel->broken && channel->filling.length) {
        buffer_t swap = channel->draining;

        channel->draining = channel->filling;
        channel->filling = swap;
        channel->filling.length = 0;
        apr_thread_mutex_unlock(channel->lock);
        rv = send_all(channel->descriptor, &channel->draining, deadline);
        shrink(&channel->draining);
        apr_thread_mutex_lock(channel->lock);
    }
    channel->writing = 0;
    if (rv != APR_SUCCESS) {
        break_connection(channel);
    }
    close_if_unused(channel);
}

static void deliver_acks(wh_channel_t *channel)
{
    apr_size_t at = 0;

    while (channel->in_length - at >= sizeof(wh_ack_t)) {
        waiter_t **link = &channel->waiters;
        wh_ack_t ack;

        memcpy(&ack, channel->in + at, sizeof(ack));
        at += sizeof(ack);
        while (*link && (*link)->sequence != ack.sequence) {
            link = &(*link)->next;
        }
        /* None: its thread has given up by its deadline. */
        if (*link) {
            waiter_t *waiter = *link;

            *link = waiter->next;
            waiter->ack = ack;
            waiter->state = ANSWERED;
            apr_thread_cond_signal(waiter->woken);
        }
    }
    channel->in_length -= at;
    memmove(channel->in, channel->in + at, channel->in_length);
}

/* Receives once, for everybody. The lock is open meanwhile. */
static void read_acks(wh_channel_t *channel)
{
    ssize_t count;
    int error;

    channel->reading = 1;
    apr_thread_mutex_unlock(channel->lock);
    count = recv(channel->descriptor, channel->in + channel->in_length,
                 sizeof(channel->in) - channel->in_length, 0);
    error = errno;
    apr_thread_mutex_lock(channel->lock);
    channel->reading = 0;
    if (count > 0) {
        channel->in_length += (apr_size_t)count;
        channel->silent_since = apr_time_now();
        deliver_acks(channel);
    }
    else if (count == 0 || (error != EAGAIN && error != EINTR)) {
        break_connection(channel);
    }
    close_if_unused(channel);
}

static apr_interval_time_t left(apr_time_t deadline)
{
    apr_interval_time_t time = deadline - apr_time_now();

    return time > 0 ? time : 0;
}

/* Whether a thread more than so many has to go, as nothing is heard. */
static int is_stuck(const wh_channel_t *channel, int others)
{
    return channel->limit > 0 && others >= channel->limit &&
           apr_time_now() - channel->silent_since > SILENCE;
}

static void await(wh_channel_t *channel, waiter_t *waiter, apr_time_t deadline)
{
    while (waiter->state == WAITING && left(deadline) > 0 &&
           !is_stuck(channel, channel->waiting - 1)) {
        apr_interval_time_t time = left(deadline);

        if (!channel->reading) {
            read_acks(channel);
        }
        else {
            apr_thread_cond_timedwait(waiter->woken, channel->lock,
                                      time < SILENCE ? time : SILENCE);
        }
    }
}

/* The one that read leaves: the next one that waits takes its place. */
static void hand_over(wh_channel_t *channel)
{
    if (!channel->reading && channel->waiters) {
        apr_thread_cond_signal(channel->waiters->woken);
    }
}

static void pause_briefly(wh_channel_t *channel, waiter_t *waiter,
                          apr_time_t deadline)
{
    apr_interval_time_t time = left(deadline);

    apr_thread_cond_timedwait(waiter->woken, channel->lock,
                              time < CONNECT_RETRY ? time : CONNECT_RETRY);
}

/* One try on a connection. APR_EAGAIN: there is none, try again. */
static apr_status_t try_once(wh_channel_t *channel, waiter_t *waiter,
                             void *frame, apr_size_t length,
                             apr_time_t deadline)
{
    if (channel->broken ||
        (channel->descriptor < 0 && connect_socket(channel) != APR_SUCCESS)) {
        apr_interval_time_t pause = left(deadline);

        apr_thread_cond_timedwait(waiter->woken, channel->lock,
                                  pause < CONNECT_RETRY ? pause
                                                        : CONNECT_RETRY);
        return APR_EAGAIN;
    }
    waiter->sequence = ++channel->sequence;
    waiter->state = WAITING;
    wh_frame_restamp(frame, waiter->sequence);
    if (!append(&channel->filling, frame, length)) {
        return APR_ENOMEM;
    }
    waiter->next = channel->waiters;
    channel->waiters = waiter;
    write_frames(channel, deadline);
    await(channel, waiter, deadline);
    if (waiter->state == WAITING) {
        unlink_waiter(channel, waiter);
    }
    hand_over(channel);
    if (waiter->state == WAITING) {
        return APR_TIMEUP;
    }
    return waiter->state == ANSWERED ? APR_SUCCESS : APR_ECONNRESET;
}

/* Locked. Tries until there is an answer or no time left. */
static apr_status_t try_until(wh_channel_t *channel, waiter_t *waiter,
                              void *frame, apr_size_t length,
                              apr_time_t deadline)
{
    apr_status_t rv;
    int sent = 0;

    do {
        rv = try_once(channel, waiter, frame, length, deadline);
        sent |= rv != APR_EAGAIN;
        /* Not at once: a dispatcher that hangs up may do so again. */
        if (rv == APR_ECONNRESET) {
            pause_briefly(channel, waiter, deadline);
        }
    } while ((rv == APR_EAGAIN || rv == APR_ECONNRESET) && left(deadline) > 0);
    if (rv == APR_EAGAIN || rv == APR_ECONNRESET) {
        rv = sent ? APR_TIMEUP : APR_EAGAIN;
    }
    return rv;
}

apr_status_t wh_channel_exchange(wh_ack_t *ack, wh_channel_t *channel,
                                 void *frame, apr_size_t length,
                                 apr_time_t deadline)
{
    waiter_t *waiter;
    apr_status_t rv;

    apr_thread_mutex_lock(channel->lock);
    rv = is_stuck(channel, channel->waiting) ? APR_EAGAIN
                                             : take_waiter(&waiter, channel);
    if (rv == APR_SUCCESS) {
        if (channel->waiting++ == 0) {
            channel->silent_since = apr_time_now();
        }
        rv = try_until(channel, waiter, frame, length, deadline);
        *ack = waiter->ack;
        channel->waiting--;
        waiter->next = channel->spare;
        channel->spare = waiter;
    }
    apr_thread_mutex_unlock(channel->lock);
    return rv;
}
