/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The test event from a request thread: few at a time, because each holds a
 * thread for as long as a target likes.
 * Private to request/ · runs on: request threads of children · owns: lock files in the state directory
 */
#ifndef WH_REQUEST_PROBE_GATE_H
#define WH_REQUEST_PROBE_GATE_H

#include <httpd.h>

#include "deliver/probe.h"
#include "model/webhook.h"

/** Makes libcurl ready in this child. */
void wh_probe_gate_register_hooks(apr_pool_t *pool);

/**
 * Sends the test event and waits.
 * @return OK and the result; 429: a quarter of all children's threads (1 to
 *         64) does so already; 500, 503 and a message
 */
int wh_probe_gate(wh_probe_result_t *result, const char **message,
                  request_rec *r, const wh_webhook_t *webhook);

#endif
