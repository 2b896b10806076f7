/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The handshake of CloudEvents' HTTP 1.1 Web Hooks: a receiver is asked by an
 * OPTIONS request whether it wants callbacks.
 * Stage: deliver · from: probe · to: the receiver
 * runs on: the calling thread, which it blocks
 */
#ifndef WH_DELIVER_HANDSHAKE_H
#define WH_DELIVER_HANDSHAKE_H

#include "base/settings.h"
#include "deliver/guard.h"
#include "deliver/target.h"
#include "policy/options.h"

#define WH_ORIGIN_SIZE 256

typedef struct wh_handshake_t {
    int allowed;
    int rate;   /**< requests a minute; 0: no bound was named */
    int status; /**< HTTP status, 0: none came */
} wh_handshake_t;

/** The name of this sender: that of the options, or this machine's. */
void wh_handshake_origin(char origin[WH_ORIGIN_SIZE],
                         const wh_options_t *options);

/** Whether a webhook wants it. */
int wh_handshake_wanted(const wh_target_t *target);

/**
 * Asks. Everything but an answer that names this origin, or "*", is a refusal;
 * the status of the answer says nothing.
 * @return APR_SUCCESS: result tells; APR_ENOMEM
 */
apr_status_t wh_handshake(wh_handshake_t *result, const wh_settings_t *settings,
                          wh_guard_t *guard, wh_target_t *target);

#endif
