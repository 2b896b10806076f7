/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Kinds of delivery that other modules add through include/mod_webhook.h.
 * Stage: signal · from: other modules, in post_config · to: deliver/kind
 * runs on: the parent before it forks; what it adds, wherever kinds do
 */
#ifndef WH_SIGNAL_KIND_REGISTER_H
#define WH_SIGNAL_KIND_REGISTER_H

#include <apr_pools.h>

/** Registers the optional function webhook_kind_register, and the hooks that
 * say when it may be called. */
void wh_kind_register_register_hooks(apr_pool_t *pool);

#endif
