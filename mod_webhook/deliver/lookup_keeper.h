/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The process that has names looked up, gives up what takes too long, and sees to
 * it that lookups that have been given up do not gather.
 * Stage: deliver · from: lookup · to: lookup_worker
 * runs on: a process of its own, forked from the dispatcher while that has one
 * thread · owns: the workers, which it forks and kills
 *
 * A worker takes lookups until WH_LOOKUP_WORKER_MAX of them are unanswered. Then
 * there is another one, and it is killed, with its threads, as soon as nobody waits
 * for a lookup of its; also when nobody has for some time. The keeper ends, and all
 * workers with it, when the other ends of its sockets are closed, however that
 * comes about.
 */
#ifndef WH_DELIVER_LOOKUP_KEEPER_H
#define WH_DELIVER_LOOKUP_KEEPER_H

/** Most workers; a lookup that finds none is answered WH_LOOKUP_LOCAL. */
#define WH_LOOKUP_WORKERS_MAX 128

/** Runs it; all descriptors but the sockets and 0 to 2 are closed. */
void wh_lookup_keep(const int *sockets, int count) __attribute__((noreturn));

#endif
