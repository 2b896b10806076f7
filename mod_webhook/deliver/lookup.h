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
#include <sys/types.h>

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

#endif
