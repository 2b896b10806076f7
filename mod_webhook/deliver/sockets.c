/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/sockets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

apr_status_t wh_sockets_init(wh_sockets_t *sockets)
{
    memset(sockets, 0, sizeof(*sockets));
    sockets->epoll = epoll_create1(EPOLL_CLOEXEC);
    return sockets->epoll < 0 ? APR_FROM_OS_ERROR(errno) : APR_SUCCESS;
}

void wh_sockets_destroy(wh_sockets_t *sockets)
{
    if (sockets->epoll >= 0) {
        close(sockets->epoll);
    }
    free(sockets->states);
}

apr_status_t wh_sockets_add(wh_sockets_t *sockets, int descriptor)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};

    if (epoll_ctl(sockets->epoll, EPOLL_CTL_ADD, descriptor, &event) < 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    return APR_SUCCESS;
}

static wh_socket_state_t *state_of(wh_sockets_t *sockets, int descriptor)
{
    wh_socket_state_t *states;
    int size = sockets->size ? sockets->size : 64;

    if (descriptor < sockets->size) {
        return &sockets->states[descriptor];
    }
    while (size <= descriptor) {
        size *= 2;
    }
    states = realloc(sockets->states, (size_t)size * sizeof(*states));
    if (!states) {
        return NULL;
    }
    memset(states + sockets->size, 0,
           (size_t)(size - sockets->size) * sizeof(*states));
    sockets->states = states;
    sockets->size = size;
    return &states[descriptor];
}

static void apply(wh_sockets_t *sockets, int descriptor,
                  wh_socket_state_t *state, unsigned int events)
{
    struct epoll_event event = {.events = events, .data.fd = descriptor};
    int operation = EPOLL_CTL_MOD;

    if (state->registered == events) {
        return;
    }
    if (!events) {
        operation = EPOLL_CTL_DEL;
    }
    else if (!state->registered) {
        operation = EPOLL_CTL_ADD;
    }
    if (epoll_ctl(sockets->epoll, operation, descriptor, &event) < 0 &&
        operation != EPOLL_CTL_DEL) {
        wh_log(WH_LOG_ERROR, APR_FROM_OS_ERROR(errno),
               WHLOGNO(1231) "cannot watch a connection");
    }
    state->registered = events;
}

void wh_sockets_opened(wh_sockets_t *sockets, int descriptor)
{
    wh_socket_state_t *state = state_of(sockets, descriptor);

    if (state) {
        memset(state, 0, sizeof(*state));
        state->connection = 1;
    }
}

int wh_sockets_changed(CURL *easy, curl_socket_t descriptor, int what,
                       void *baton, void *unused)
{
    wh_sockets_t *sockets = baton;
    wh_socket_state_t *state = state_of(sockets, descriptor);
    unsigned int events = 0;

    (void)easy;
    (void)unused;
    if (!state) {
        return -1;
    }
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) {
        events |= EPOLLIN;
    }
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) {
        events |= EPOLLOUT;
    }
    state->wanted = events;
    if (events) {
        apply(sockets, descriptor, state, events);
    }
    else if (!state->connection) {
        apply(sockets, descriptor, state, 0);
    }
    return 0;
}

int wh_sockets_close(void *baton, curl_socket_t descriptor)
{
    wh_sockets_t *sockets = baton;

    if (descriptor < sockets->size) {
        memset(&sockets->states[descriptor], 0, sizeof(*sockets->states));
    }
    return close(descriptor);
}

int wh_sockets_event(wh_sockets_t *sockets, const struct epoll_event *event)
{
    int descriptor = event->data.fd;
    wh_socket_state_t *state = state_of(sockets, descriptor);
    int mask = 0;

    if (!state || !state->wanted) {
        if (state && state->registered) {
            apply(sockets, descriptor, state, 0);
        }
        return 0;
    }
    if (event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        mask |= CURL_CSELECT_IN;
    }
    if (event->events & EPOLLOUT) {
        mask |= CURL_CSELECT_OUT;
    }
    if (event->events & EPOLLERR) {
        mask |= CURL_CSELECT_ERR;
    }
    return mask;
}
