/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a child process owns: its end of the channel and its store handles.
 * Stage: signal · from: request · to: channel, store · runs on: request threads of children
 */
#ifndef WH_SIGNAL_CHILD_H
#define WH_SIGNAL_CHILD_H

#include <httpd.h>

#include "base/settings.h"
#include "signal/signal.h"
#include "store/store.h"

/** Registers child_init and the optional function webhook_signal. */
void wh_child_register_hooks(apr_pool_t *pool);

/** Settings of this process; NULL before child_init or without any engine. */
const wh_settings_t *wh_child_settings(void);

/** The channel of this child; NULL: WebhookEngine is off everywhere. */
wh_channel_t *wh_child_channel(void);

/**
 * Takes a store handle for the calling thread, from those at rest or new.
 * Give it back with wh_child_store_put() before the request ends.
 */
apr_status_t wh_child_store_get(wh_store_t **store);
void wh_child_store_put(wh_store_t *store);

#endif
