/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A webhook as a delivery thread needs it: everything that is the same for
 * all its deliveries, made ready once.
 * Stage: deliver · from: dispatcher (commit thread) makes it · to: one delivery thread
 * owns: its memory; belongs to the thread it was posted to
 */
#ifndef WH_DELIVER_TARGET_H
#define WH_DELIVER_TARGET_H

#include <curl/curl.h>

#include "base/inbox.h"
#include "deliver/kind.h"
#include "deliver/url.h"
#include "model/webhook.h"
#include "policy/options.h"

typedef struct wh_target_t {
    wh_message_t message; /**< first: it is posted */
    apr_int32_t webhook_id;
    int active;   /**< 0: deliver nothing */
    int removed;  /**< 1: the webhook was deleted */
    int discards; /**< 1: not active, and what is on its way to it fails */
    apr_uint32_t number;   /**< grows with each state of the webhook */
    apr_int64_t failures;  /**< in a row, as they are stored */
    int proven;            /**< 1: its last attempt was a success */
    int references;        /**< transfers, and the endpoint */
    apr_pool_t *pool;      /**< of the options' texts; NULL: there are none */
    wh_options_t options;  /**< all zeros: the webhook has none */
    const wh_kind_t *kind; /**< NULL: there is no such kind here */
    wh_url_t url;          /**< no handle: refused */
    const char *refusal;   /**< why it is not called at all, a constant */
    char *secret;          /**< NULL: there is none */
    char *context_json;    /**< ContextIdentifier with its quotes */
    char *payload_tail;    /**< WebhookName and Properties, to "}" */
    char *name;            /**< for a kind that was added; else NULL */
    char *properties;      /**< likewise; a JSON object without the options */
    struct curl_slist *headers; /**< those of the webhook */
} wh_target_t;

/** NULL: out of memory. */
wh_target_t *wh_target_create(const wh_webhook_t *webhook);
/** A target that says: this webhook is gone. */
wh_target_t *wh_target_create_removed(apr_int32_t webhook_id);
void wh_target_retain(wh_target_t *target);
void wh_target_release(wh_target_t *target);

#endif
