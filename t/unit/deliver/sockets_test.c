/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's sockets in an epoll set. */
#include <apr_general.h>
#include <sys/socket.h>
#include <unistd.h>

#include "deliver/sockets.h"
#include "unit/tap.h"

static wh_sockets_t sockets;

/* A connection, its far end, as libcurl would have opened it. */
static int open_pair(int *far)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0) {
        return -1;
    }
    *far = pair[1];
    return pair[0];
}

static void want(int descriptor, int what)
{
    is_int(wh_sockets_changed(NULL, descriptor, what, &sockets, NULL), 0,
           "libcurl's wish %d is taken", what);
}

/* What libcurl is told after one look at the set: -1, nothing happened. */
static int look(void)
{
    struct epoll_event event;

    return epoll_wait(sockets.epoll, &event, 1, 0) == 1
               ? wh_sockets_event(&sockets, &event)
               : -1;
}

static void test_wishes(void)
{
    int far, near = open_pair(&far);

    wh_sockets_opened(&sockets, near);
    want(near, CURL_POLL_OUT);
    is_int(look(), CURL_CSELECT_OUT, "writable");
    want(near, CURL_POLL_IN);
    is_int(look(), -1, "nothing to read");
    ok(write(far, "x", 1) == 1, "something comes");
    is_int(look(), CURL_CSELECT_IN, "readable");
    want(near, CURL_POLL_INOUT);
    is_int(look(), CURL_CSELECT_IN | CURL_CSELECT_OUT, "both");
    wh_sockets_close(&sockets, near);
    is_int(look(), -1, "closed: nothing more");
    close(far);
}

static void test_rest(void)
{
    int far, near = open_pair(&far);

    wh_sockets_opened(&sockets, near);
    want(near, CURL_POLL_IN);
    want(near, CURL_POLL_REMOVE);
    ok(sockets.states[near].registered != 0,
       "a connection at rest stays in the set");
    is_int(look(), -1, "quiet");
    want(near, CURL_POLL_IN);
    ok(write(far, "x", 1) == 1, "something comes in its next use");
    is_int(look(), CURL_CSELECT_IN, "and is told");
    want(near, CURL_POLL_REMOVE);
    is_int(look(), 0, "at rest nobody waits for it");
    is_int(look(), -1, "and it is not told twice");
    want(near, CURL_POLL_IN);
    is_int(look(), CURL_CSELECT_IN, "used again, it is told");
    want(near, CURL_POLL_REMOVE);
    close(far);
    is_int(look(), 0, "the far end is gone while it rests");
    is_int(look(), -1, "which costs one look");
    wh_sockets_close(&sockets, near);
}

/* Descriptors that libcurl opened by itself leave the set at once: it closes
 * them without a word. */
static void test_not_ours(void)
{
    int far, near = open_pair(&far);

    want(near, CURL_POLL_IN);
    want(near, CURL_POLL_REMOVE);
    is_int((apr_int64_t)sockets.states[near].registered, 0,
           "not a connection: out of the set");
    close(near);
    close(far);
}

static void test_hang_up(void)
{
    int far, near = open_pair(&far);

    wh_sockets_opened(&sockets, near);
    want(near, CURL_POLL_IN);
    close(far);
    ok(look() & CURL_CSELECT_IN, "the end of a connection is read");
    wh_sockets_close(&sockets, near);
}

static void test_number_again(void)
{
    int far, near = open_pair(&far), again;

    wh_sockets_opened(&sockets, near);
    want(near, CURL_POLL_INOUT);
    wh_sockets_close(&sockets, near);
    close(far);
    again = open_pair(&far);
    wh_sockets_opened(&sockets, again);
    want(again, CURL_POLL_OUT);
    is_int(look(), CURL_CSELECT_OUT, "a number that is used again");
    wh_sockets_close(&sockets, again);
    close(far);
}

static void test_high_number(void)
{
    int far, near = open_pair(&far);
    int high = dup2(near, 900);

    close(near);
    wh_sockets_opened(&sockets, high);
    want(high, CURL_POLL_OUT);
    is_int(look(), CURL_CSELECT_OUT, "a high number");
    is_int(wh_sockets_close(&sockets, high), 0, "is closed");
    is_int(wh_sockets_close(&sockets, 100000), -1, "one beyond all is not");
    close(far);
}

static void test_own_descriptor(void)
{
    struct epoll_event event;
    int far, near = open_pair(&far);

    is_int(wh_sockets_add(&sockets, near), APR_SUCCESS,
           "a descriptor of our own");
    ok(write(far, "x", 1) == 1, "something comes");
    is_int(epoll_wait(sockets.epoll, &event, 1, 0), 1, "is seen");
    is_int(event.data.fd, near, "on it");
    ok(wh_sockets_add(&sockets, -1) != APR_SUCCESS, "no descriptor");
    close(near);
    close(far);
}

int main(void)
{
    apr_initialize();
    is_int(wh_sockets_init(&sockets), APR_SUCCESS, "a set");
    test_wishes();
    test_rest();
    test_not_ours();
    test_hang_up();
    test_number_again();
    test_high_number();
    test_own_descriptor();
    wh_sockets_destroy(&sockets);
    apr_terminate();
    return done_testing();
}
