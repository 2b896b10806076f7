/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The part of a child: it sends events and reads what becomes of them. For
 * programs that include it once.
 */
#ifndef T_UNIT_DISPATCHER_CHILD_H
#define T_UNIT_DISPATCHER_CHILD_H

#include "model/event.h"
#include "model/frame.h"
#include "unit/dispatcher/fixture.h"

typedef struct child_t {
    int near;                    /* the child's end */
    wh_connection_t *connection; /* the dispatcher's */
} child_t;

/** Connections come by accept(); here their two ends are made at once. */
FIXTURE_FUNCTION child_t connect_child(void)
{
    struct epoll_event event = {.events = EPOLLIN};
    child_t child;
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0) {
        exit(1);
    }
    child.near = pair[0];
    child.connection = calloc(1, sizeof(*child.connection));
    child.connection->descriptor = pair[1];
    child.connection->watched = EPOLLIN;
    child.connection->next = server.connections;
    if (server.connections) {
        server.connections->previous = child.connection;
    }
    server.connections = child.connection;
    event.data.ptr = child.connection;
    epoll_ctl(server.epoll, EPOLL_CTL_ADD, pair[1], &event);
    return child;
}

static int last_uuid;

FIXTURE_FUNCTION wh_event_t make_event(const char *name)
{
    wh_event_t event = {.time = NOW,
                        .primary_key = 5,
                        .name = name,
                        .context = "",
                        .changes = "[\"a\"]",
                        .data = "{\"a\":1}",
                        .idempotency = ""};

    snprintf(event.uuid, sizeof(event.uuid), "00000000-0000-7000-8000-%012x",
             (unsigned int)++last_uuid);
    return event;
}

FIXTURE_FUNCTION void send_event(const child_t *child, apr_uint64_t sequence,
                                 const wh_event_t *event)
{
    apr_size_t length;
    void *frame = wh_frame_encode(&length, sequence, event, pool);

    if (send(child->near, frame, length, 0) != (ssize_t)length) {
        diag("a frame could not be sent");
    }
}

/** Reads all connections and commits, as one round of the loop does. */
FIXTURE_FUNCTION void run_round(apr_time_t now)
{
    wh_connection_t *connection;

    for (connection = server.connections; connection;
         connection = connection->next) {
        wh_channel_server_read(&server, connection, wh_commit_frame, &commit);
    }
    wh_commit_batch(&commit, now);
}

/** The next acknowledgement as "sequence:status:matched". */
FIXTURE_FUNCTION const char *next_ack(const child_t *child,
                                      char uuid[WH_UUID_SIZE])
{
    static const char *const names[] = {"stored",   "unmatched",   "repeated",
                                        "conflict", "unavailable", "refused",
                                        "unknown"};
    wh_ack_t ack;

    if (recv(child->near, &ack, sizeof(ack), 0) != (ssize_t)sizeof(ack)) {
        return "none";
    }
    if (uuid) {
        memcpy(uuid, ack.uuid, WH_UUID_SIZE);
    }
    return apr_psprintf(pool, "%d:%s:%d", (int)ack.sequence,
                        ack.status <= WH_ACK_UNKNOWN ? names[ack.status]
                                                     : "unknown",
                        (int)ack.matched);
}

/** Sends one event and gives its acknowledgement. */
FIXTURE_FUNCTION const char *
signal_event(const child_t *child, const wh_event_t *event, apr_time_t now)
{
    send_event(child, 1, event);
    run_round(now);
    return next_ack(child, NULL);
}

#endif
