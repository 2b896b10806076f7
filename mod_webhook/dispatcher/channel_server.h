/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The dispatcher's end of the channel.
 * Stage: dispatcher · from: children, by unix socket · to: the commit thread's batch
 * runs on: the commit thread · owns: connections and their buffers
 *
 * Frames are handed out where they lie in a connection's buffer: they are
 * valid until wh_channel_server_flush().
 */
#ifndef WH_DISPATCHER_CHANNEL_SERVER_H
#define WH_DISPATCHER_CHANNEL_SERVER_H

#include <apr_pools.h>

#include "model/frame.h"

typedef struct wh_connection_t {
    struct wh_connection_t *next;
    struct wh_connection_t *previous;
    int descriptor;
    int broken;           /* 1: to be closed at the next flush */
    unsigned int watched; /* events in the epoll set */
    int waiting;          /* 1: in the list of the next flush */
    struct wh_connection_t *next_waiting;
    char *in;
    apr_size_t in_filled;
    apr_size_t in_parsed; /* bytes handed out as frames */
    apr_size_t in_size;
    char *out;
    apr_size_t out_filled;
    apr_size_t out_size;
} wh_connection_t;

typedef struct wh_channel_server_t {
    int epoll;
    int listener; /* the parent's, shared by dispatchers */
    apr_size_t frame_limit;
    wh_connection_t *connections;
    wh_connection_t *waiting;
    int accepting;
    int paused; /* 1: no descriptors left, see resume */
} wh_channel_server_t;

/** Receives each whole frame. */
typedef void wh_frame_fn_t(void *baton, wh_connection_t *connection,
                           const void *frame, apr_size_t length);

/** Begins to accept; events carry the connection, or the server itself for
 * the listener, as their pointer. */
apr_status_t wh_channel_server_start(wh_channel_server_t *server, int epoll,
                                     int listener, apr_size_t frame_limit);

/** Accepts what waits. When that fails for want of descriptors or memory the
 * listener is left alone until wh_channel_server_resume(). */
void wh_channel_server_accept(wh_channel_server_t *server);

/** Once a second: tries again to accept. */
void wh_channel_server_resume(wh_channel_server_t *server);

/** Reads once and hands out every whole frame. Marks the connection broken
 * when its peer is gone or sends what is no frame. */
void wh_channel_server_read(wh_channel_server_t *server,
                            wh_connection_t *connection,
                            wh_frame_fn_t *on_frame, void *baton);

/** The connection can be written again: the next flush sends the rest. */
void wh_channel_server_writable(wh_channel_server_t *server,
                                wh_connection_t *connection);

/** Queues an acknowledgement. */
void wh_channel_server_ack(wh_channel_server_t *server,
                           wh_connection_t *connection, const wh_ack_t *ack);

/** Sends what is queued, closes what is broken, frees the frames' bytes. */
void wh_channel_server_flush(wh_channel_server_t *server);

/** Accepts no more and closes all connections: children connect again, to
 * the next dispatcher, and send again what had no acknowledgement. */
void wh_channel_server_stop(wh_channel_server_t *server);

#endif
