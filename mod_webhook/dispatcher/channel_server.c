/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatcher/channel_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

#define BUFFER_SIZE (64 * 1024)

/* A child has at most one frame in flight for each of its threads: one that
 * does not read its acknowledgements is out of order. */
#define UNREAD_ACKS_MAX (1024 * 1024)

apr_status_t wh_channel_server_start(wh_channel_server_t *server, int epoll,
                                     int listener, apr_size_t frame_limit)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = server};

    memset(server, 0, sizeof(*server));
    server->epoll = epoll;
    server->listener = listener;
    server->frame_limit = frame_limit;
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) < 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    server->accepting = 1;
    return APR_SUCCESS;
}

static void close_connection(wh_channel_server_t *server,
                             wh_connection_t *connection)
{
    if (connection->previous) {
        connection->previous->next = connection->next;
    }
    else {
        server->connections = connection->next;
    }
    if (connection->next) {
        connection->next->previous = connection->previous;
    }
    close(connection->descriptor);
    free(connection->in);
    free(connection->out);
    free(connection);
}

static void add_connection(wh_channel_server_t *server, int descriptor)
{
    wh_connection_t *connection = calloc(1, sizeof(*connection));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};

    if (!connection ||
        epoll_ctl(server->epoll, EPOLL_CTL_ADD, descriptor, &event) < 0) {
        wh_log(WH_LOG_ERROR, APR_FROM_OS_ERROR(errno),
               WHLOGNO(1301) "cannot take up a connection from a child");
        close(descriptor);
        free(connection);
        return;
    }
    connection->descriptor = descriptor;
    connection->watched = EPOLLIN;
    connection->next = server->connections;
    if (connection->next) {
        connection->next->previous = connection;
    }
    server->connections = connection;
}

/* The listener stays readable: watching it would only keep a core busy. */
static void pause_accepting(wh_channel_server_t *server, int error)
{
    wh_log(WH_LOG_ERROR, APR_FROM_OS_ERROR(error),
           WHLOGNO(1302) "cannot accept a child's connection");
    epoll_ctl(server->epoll, EPOLL_CTL_DEL, server->listener, NULL);
    server->paused = 1;
}

void wh_channel_server_resume(wh_channel_server_t *server)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = server};

    if (server->accepting && server->paused &&
        epoll_ctl(server->epoll, EPOLL_CTL_ADD, server->listener, &event) ==
            0) {
        server->paused = 0;
    }
}

void wh_channel_server_accept(wh_channel_server_t *server)
{
    int descriptor;

    while (server->accepting && !server->paused) {
        descriptor =
            accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor >= 0) {
            add_connection(server, descriptor);
        }
        else if (errno != EINTR && errno != ECONNABORTED) {
            /* EAGAIN: none left, or another dispatcher was faster. */
            if (errno != EAGAIN) {
                pause_accepting(server, errno);
            }
            return;
        }
    }
}

static int make_room(char **buffer, apr_size_t *size, apr_size_t wanted)
{
    apr_size_t larger = *size ? *size : BUFFER_SIZE;
    char *grown;

    while (larger < wanted) {
        larger *= 2;
    }
    if (larger == *size) {
        return 1;
    }
    grown = realloc(*buffer, larger);
    if (!grown) {
        return 0;
    }
    *buffer = grown;
    *size = larger;
    return 1;
}

/* Puts a connection on the list of those that the next flush looks at. */
static void remember(wh_channel_server_t *server, wh_connection_t *connection)
{
    if (!connection->waiting) {
        connection->waiting = 1;
        connection->next_waiting = server->waiting;
        server->waiting = connection;
    }
}

static void break_off(wh_channel_server_t *server, wh_connection_t *connection)
{
    remember(server, connection);
    connection->broken = 1;
}

/* Room for the frame that has begun, or for as much as comes. */
static int ready_to_read(wh_channel_server_t *server,
                         wh_connection_t *connection)
{
    apr_size_t length = 0;

    wh_frame_length(&length, connection->in, connection->in_filled,
                    server->frame_limit);
    if (length < connection->in_filled + BUFFER_SIZE / 2) {
        length = connection->in_filled + BUFFER_SIZE / 2;
    }
    return make_room(&connection->in, &connection->in_size, length);
}

static void hand_out(wh_channel_server_t *server, wh_connection_t *connection,
                     wh_frame_fn_t *on_frame, void *baton)
{
    apr_status_t rv;
    apr_size_t length;

    for (;;) {
        const char *at = connection->in + connection->in_parsed;

        rv = wh_frame_length(&length, at,
                             connection->in_filled - connection->in_parsed,
                             server->frame_limit);
        if (rv != APR_SUCCESS) {
            break;
        }
        on_frame(baton, connection, at, length);
        connection->in_parsed += length;
    }
    if (rv == APR_EINVAL) {
        wh_log(WH_LOG_ERROR, rv,
               WHLOGNO(1303) "a child sent what is not a frame");
        break_off(server, connection);
    }
    else if (connection->in_parsed > 0) {
        remember(server, connection);
    }
}

void wh_channel_server_read(wh_channel_server_t *server,
                            wh_connection_t *connection,
                            wh_frame_fn_t *on_frame, void *baton)
{
    ssize_t count;

    if (connection->broken) {
        return;
    }
    if (!ready_to_read(server, connection)) {
        wh_log(WH_LOG_ERROR, APR_ENOMEM, WHLOGNO(1304) "no memory for a frame");
        break_off(server, connection);
        return;
    }
    count = recv(connection->descriptor, connection->in + connection->in_filled,
                 connection->in_size - connection->in_filled, 0);
    if (count > 0) {
        connection->in_filled += (apr_size_t)count;
        hand_out(server, connection, on_frame, baton);
    }
    else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
        break_off(server, connection);
    }
}

void wh_channel_server_ack(wh_channel_server_t *server,
                           wh_connection_t *connection, const wh_ack_t *ack)
{
    if (connection->out_filled > UNREAD_ACKS_MAX ||
        !make_room(&connection->out, &connection->out_size,
                   connection->out_filled + sizeof(*ack))) {
        break_off(server, connection);
        return;
    }
    memcpy(connection->out + connection->out_filled, ack, sizeof(*ack));
    connection->out_filled += sizeof(*ack);
}

/* What the socket does not take now is sent when it can be written again. */
static void send_acks(wh_channel_server_t *server, wh_connection_t *connection)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    ssize_t sent;

    if (connection->out_filled == 0) {
        return;
    }
    sent = send(connection->descriptor, connection->out, connection->out_filled,
                MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        connection->broken = 1;
        return;
    }
    if (sent > 0) {
        connection->out_filled -= (apr_size_t)sent;
        memmove(connection->out, connection->out + sent,
                connection->out_filled);
    }
    if (connection->out_filled) {
        event.events |= EPOLLOUT;
    }
    if (connection->watched != event.events) {
        connection->watched = event.events;
        epoll_ctl(server->epoll, EPOLL_CTL_MOD, connection->descriptor, &event);
    }
}

void wh_channel_server_writable(wh_channel_server_t *server,
                                wh_connection_t *connection)
{
    remember(server, connection);
}

void wh_channel_server_flush(wh_channel_server_t *server)
{
    wh_connection_t *connection = server->waiting;

    server->waiting = NULL;
    while (connection) {
        wh_connection_t *next = connection->next_waiting;

        connection->waiting = 0;
        send_acks(server, connection);
        if (connection->broken) {
            close_connection(server, connection);
        }
        else {
            connection->in_filled -= connection->in_parsed;
            memmove(connection->in, connection->in + connection->in_parsed,
                    connection->in_filled);
            connection->in_parsed = 0;
        }
        connection = next;
    }
}

void wh_channel_server_stop(wh_channel_server_t *server)
{
    if (server->accepting && !server->paused) {
        epoll_ctl(server->epoll, EPOLL_CTL_DEL, server->listener, NULL);
    }
    server->accepting = 0;
    wh_channel_server_flush(server);
    while (server->connections) {
        close_connection(server, server->connections);
    }
}
