/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Names looked up outside this process, so that a lookup can be ended.
 * Stage: deliver · from: names (delivery thread) · to: lookup_keeper
 * runs on: the thread that asks, and the dispatcher's first one before there are
 * others
 *
 * A thread inside getaddrinfo() cannot be ended, and the C library waits without
 * any limit for a name server that takes a TCP connection and says nothing. A
 * process can be killed with all its threads: that bounds them.
 */
#ifndef WH_DELIVER_LOOKUP_H
#define WH_DELIVER_LOOKUP_H

#include <apr_errno.h>
#include <apr_time.h>
#include <stddef.h>
#include <sys/types.h>

/** Longest name, and longest text of its addresses; more are left out. */
#define WH_LOOKUP_NAME_MAX 255
#define WH_LOOKUP_TEXT_MAX (48 * 1024)

/** Most lookups at one time through one socket; and sockets. */
#define WH_LOOKUPS_MAX 32
#define WH_LOOKUP_SOCKETS_MAX 64

typedef enum {
    WH_LOOKUP_FOUND,   /**< with the addresses */
    WH_LOOKUP_UNKNOWN, /**< there is no such name, or nobody knows */
    WH_LOOKUP_LATE,    /**< it took too long and was given up */
    WH_LOOKUP_LOCAL    /**< trouble of this machine */
} wh_lookup_result_t;

/** What the keeper is asked, and what it asks a worker. */
typedef struct wh_lookup_request_t {
    apr_uint64_t number; /**< comes back with the answer */
    apr_uint32_t milliseconds;
    char name[WH_LOOKUP_NAME_MAX + 1];
} wh_lookup_request_t;

/** What comes back, once for each request. */
typedef struct wh_lookup_answer_t {
    apr_uint64_t number;
    apr_uint32_t result;
    char text[WH_LOOKUP_TEXT_MAX]; /**< "192.0.2.1,[2001:db8::1]" */
} wh_lookup_answer_t;

/** Bytes of an answer before its text. */
#define WH_LOOKUP_ANSWER_HEAD offsetof(wh_lookup_answer_t, text)

/**
 * Forks the keeper. Call it while the process has one thread and SIGTERM is
 * blocked or ignored, which the keeper inherits.
 * @param sockets receives an end for each of count delivery threads, which closes it
 * @return APR_SUCCESS, or what fork() or socketpair() says
 */
apr_status_t wh_lookup_start(int *sockets, int count, pid_t *keeper);

/**
 * Asks for a name. Never blocks: whoever asks has a slot free for it.
 * @param slot comes back with the answer; less than WH_LOOKUPS_MAX
 * @return APR_SUCCESS, or why there is no keeper any more
 */
apr_status_t wh_lookup_ask(int socket, apr_uint32_t slot, const char *name,
                           apr_interval_time_t limit);

/** Reads an answer without waiting.
 * @return APR_SUCCESS, APR_EAGAIN: nothing more now, APR_EOF: the other end is
 *         gone */
apr_status_t wh_lookup_read(int socket, wh_lookup_answer_t *answer);

/** Sends an answer; nobody is told when the other end is gone. */
void wh_lookup_say(int socket, const wh_lookup_answer_t *answer);

#endif
