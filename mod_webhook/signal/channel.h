/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The child's end of the channel: one connection for all its threads.
 * Stage: signal · from: signal.c · to: the dispatcher, by unix socket
 * runs on: request threads · owns: the connection
 *
 * Threads put their frames into one buffer; whoever finds no writer sends for
 * all. One of those that wait reads the acknowledgements for all. So a busy
 * child makes few system calls, and an idle one has no thread for it.
 */
#ifndef WH_SIGNAL_CHANNEL_H
#define WH_SIGNAL_CHANNEL_H

#include "model/frame.h"
#include "signal/signal.h"

/**
 * Sends a frame and waits for its acknowledgement. When the connection breaks
 * the same frame is sent again on the next one.
 * @param frame its sequence is overwritten
 * @return APR_SUCCESS: ack is set; APR_EAGAIN: it was never sent (no
 *         dispatcher to be reached, or too many wait already for one that
 *         does not answer); APR_TIMEUP: sent, no answer by the
 *         deadline; APR_ENOMEM: never sent
 */
apr_status_t wh_channel_exchange(wh_ack_t *ack, wh_channel_t *channel,
                                 void *frame, apr_size_t length,
                                 apr_time_t deadline);

/**
 * Says how many threads may wait while the dispatcher is silent: the others
 * are refused at once, so that the child can still answer what has nothing to
 * do with webhooks. Without it there is no limit.
 */
void wh_channel_limit_set(wh_channel_t *channel, int waiting);

/** Largest frame that the other side takes. */
apr_size_t wh_channel_frame_limit(const wh_channel_t *channel);

/** Time a request waits for its answer. */
apr_interval_time_t wh_channel_timeout(const wh_channel_t *channel);

#endif
