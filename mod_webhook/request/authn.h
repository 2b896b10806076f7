/* SPDX-License-Identifier: Apache-2.0 */
/**
 * "AuthType Webhook": tokens of our own, and passwords by the providers that
 * AuthBasicProvider names; "Require webhook-scope".
 * Private to request/ · runs on: request threads of children
 */
#ifndef WH_REQUEST_AUTHN_H
#define WH_REQUEST_AUTHN_H

#include <apr_pools.h>

/** Registers check_authn, note_auth_failure and the authz provider. */
void wh_authn_register_hooks(apr_pool_t *pool);

#endif
