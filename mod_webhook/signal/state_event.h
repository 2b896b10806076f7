/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The event that tells of a webhook's changed state (superoffice.md
 * section 5.4).
 * Stage: signal · from: request, ctl · to: the dispatcher, by the channel
 * runs on: the calling thread, which waits for the acknowledgement
 */
#ifndef WH_SIGNAL_STATE_EVENT_H
#define WH_SIGNAL_STATE_EVENT_H

#include "model/webhook.h"
#include "signal/signal.h"

/**
 * Signals "webhook{id}.started", ".stopped" or ".errors". The change itself is
 * stored already.
 * @param associate_id, user who changed it
 * @return as wh_signal_send(); APR_EINVAL: a state without an event
 */
apr_status_t wh_state_event_send(wh_channel_t *channel,
                                 const wh_webhook_t *webhook,
                                 apr_int32_t associate_id, const char *user,
                                 apr_pool_t *pool);

#endif
