/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The test event: one attempt, made at once and waited for.
 * Stage: deliver · from: request, ctl · to: the receiver
 * runs on: the calling thread, which it blocks for at most WH_PROBE_TIMEOUT
 *
 * The same body, headers, signature, address guard and limits as a delivery,
 * and X-Hook-Test (superoffice.md section 5.2). Nothing is stored, nothing is
 * tried again.
 */
#ifndef WH_DELIVER_PROBE_H
#define WH_DELIVER_PROBE_H

#include <apr_pools.h>
#include <apr_time.h>

#include "base/settings.h"
#include "model/webhook.h"

/** Longest time of a probe; WebhookTimeout when that is shorter. */
#define WH_PROBE_TIMEOUT apr_time_from_sec(10)

/** The one text for every reason why there was no answer: it must not tell
 * what is behind an address. */
#define WH_PROBE_NO_ANSWER "the target did not answer the test event"

/** The same for a handshake: the receiver does not want callbacks, or did not
 * say that it does. */
#define WH_PROBE_NOT_ALLOWED "the target did not allow callbacks"

typedef struct wh_probe_result_t {
    int success;        /**< the answer counts as a success of a delivery */
    int status;         /**< HTTP status, 0: none came */
    const char *answer; /**< status line, headers and body, cut and made safe
                             to show; WH_PROBE_NO_ANSWER if none came,
                             WH_PROBE_NOT_ALLOWED after a handshake */
    int handshake;      /**< 1: there was a handshake */
    int not_allowed;    /**< 1: it was refused, and there was no test event */
    int rate;           /**< requests a minute that it allows, 0: no bound */
    const char
        *reason; /**< error class for the operator's log; NULL: success */
} wh_probe_result_t;

/**
 * Sends the test event to a webhook, which need not be saved; before it the
 * handshake, if the webhook wants one.
 * curl_global_init() must have run in this process, and SIGPIPE be ignored.
 * @param result its texts lie in pool or are constants
 * @return APR_SUCCESS: result tells; APR_ENOMEM, or APR_EGENERAL (no random
 *         numbers): nothing was sent
 */
apr_status_t wh_probe(wh_probe_result_t *result, const wh_settings_t *settings,
                      const wh_webhook_t *webhook, apr_pool_t *pool);

/**
 * Puts the rate that the receiver allowed in its handshake among the options of
 * the webhook; without a handshake there is nothing to do.
 * @return APR_SUCCESS or APR_ENOMEM
 */
apr_status_t wh_probe_keep(wh_webhook_t *webhook,
                           const wh_probe_result_t *result, apr_pool_t *pool);

#endif
