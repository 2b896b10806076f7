/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A process that does nothing but to look names up, each in a thread.
 * Stage: deliver · from: lookup_keeper · to: the C library's resolver
 * runs on: a process of its own · owns: its threads, which end when they like
 */
#ifndef WH_DELIVER_LOOKUP_WORKER_H
#define WH_DELIVER_LOOKUP_WORKER_H

/** Most lookups that a worker may have unanswered, those included that its keeper
 * waits for no longer. */
#define WH_LOOKUP_WORKER_MAX 64

/**
 * Reads requests from the socket and answers them, in any order, until its other
 * end is closed. Call it in a process that has one thread, and nothing else open.
 */
void wh_lookup_work(int socket) __attribute__((noreturn));

#endif
