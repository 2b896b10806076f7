/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A delivery thread: an epoll loop round a curl multi handle.
 * Stage: deliver · from: dispatcher (commit thread), by inbox · to: receivers, and back by the commit thread's inbox
 * runs on: itself · owns: its endpoints, their queues and limits, all transfers
 */
#ifndef WH_DELIVER_DELIVERY_THREAD_H
#define WH_DELIVER_DELIVERY_THREAD_H

#include "base/inbox.h"
#include "base/settings.h"

typedef struct wh_delivery_thread_t wh_delivery_thread_t;

/**
 * Makes a thread's state; the thread is started by wh_delivery_thread_run().
 * @param outcomes the commit thread's inbox
 * @param concurrency this thread's share of the transfers
 * @param lookups its socket of wh_lookup_start(), which is the thread's in any
 *        case; -1: libcurl looks names up
 * The memory is the thread's own; freed when it ends.
 */
apr_status_t wh_delivery_thread_create(wh_delivery_thread_t **thread,
                                       const wh_settings_t *settings,
                                       wh_inbox_t *outcomes, int concurrency,
                                       int lookups);

/** Where the commit thread posts targets, deliveries and the stop. */
wh_inbox_t *wh_delivery_thread_inbox(wh_delivery_thread_t *thread);

/**
 * The thread's body: runs until WH_MESSAGE_STOP, then until nothing is in
 * flight or the deadline has passed. Its last message is WH_MESSAGE_STOPPED.
 */
void wh_delivery_thread_run(wh_delivery_thread_t *thread);

/** Frees it; after run has returned, or when it never ran. */
void wh_delivery_thread_destroy(wh_delivery_thread_t *thread);

#endif
