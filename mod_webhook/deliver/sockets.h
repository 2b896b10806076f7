/* SPDX-License-Identifier: Apache-2.0 */
/**
 * libcurl's sockets in an epoll set, with few system calls.
 * Stage: deliver · from: libcurl's callbacks · to: epoll
 * runs on: the delivery thread that owns it · owns: the epoll descriptor
 *
 * libcurl takes a socket out of the set after each transfer and puts it back
 * for the next one on the same connection. A connection therefore stays in
 * the set while it rests; only when something happens on it meanwhile (the
 * receiver closes it) is it taken out.
 */
#ifndef WH_DELIVER_SOCKETS_H
#define WH_DELIVER_SOCKETS_H

#include <apr_pools.h>
#include <curl/curl.h>
#include <sys/epoll.h>

typedef struct wh_socket_state_t {
    unsigned int registered; /* events in the epoll set */
    unsigned int wanted;     /* events libcurl waits for; 0: at rest */
    int connection;          /* opened by us, so its close is told to us */
} wh_socket_state_t;

typedef struct wh_sockets_t {
    int epoll;
    wh_socket_state_t *states; /* by descriptor */
    int size;
} wh_sockets_t;

apr_status_t wh_sockets_init(wh_sockets_t *sockets);
void wh_sockets_destroy(wh_sockets_t *sockets);

/** Adds a descriptor of our own for reading. */
apr_status_t wh_sockets_add(wh_sockets_t *sockets, int descriptor);

/**
 * Says that a connection's socket was made. Only these rest in the set:
 * libcurl has descriptors of its own (the resolver's) that it closes without
 * a word.
 */
void wh_sockets_opened(wh_sockets_t *sockets, int descriptor);

/** CURLMOPT_SOCKETFUNCTION; the user pointer is the wh_sockets_t. */
int wh_sockets_changed(CURL *easy, curl_socket_t descriptor, int what,
                       void *sockets, void *unused);

/** CURLOPT_CLOSESOCKETFUNCTION; likewise. */
int wh_sockets_close(void *sockets, curl_socket_t descriptor);

/**
 * Turns an epoll event into what libcurl wants to hear.
 * @return a CURL_CSELECT_ mask; 0: nobody waits for it
 */
int wh_sockets_event(wh_sockets_t *sockets, const struct epoll_event *event);

#endif
