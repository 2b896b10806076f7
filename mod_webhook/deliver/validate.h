/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Whether a webhook may be saved.
 * Stage: deliver · from: request, ctl · reads this machine's addresses · any thread
 */
#ifndef WH_DELIVER_VALIDATE_H
#define WH_DELIVER_VALIDATE_H

#include <apr_errno.h>
#include <apr_pools.h>

#include "base/settings.h"
#include "model/webhook.h"

/**
 * Judges what wh_webhook_json_read() could not: events, type, target,
 * headers, properties, secrets. The target is parsed once; the parsed form is
 * what is kept, so that nobody reads it differently later. The type gets its
 * one spelling.
 * @param message set on refusal: a sentence that names the member
 * @return APR_SUCCESS or APR_EINVAL
 */
apr_status_t wh_validate_webhook(wh_webhook_t *webhook, const char **message,
                                 const wh_settings_t *settings,
                                 apr_pool_t *pool);

#endif
