/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_webhook.h
 * @brief C interface of mod_webhook for other httpd modules.
 *
 * Fetch the function in an optional_fn_retrieve or post_config hook:
 *
 *     APR_OPTIONAL_FN_TYPE(webhook_signal) *webhook_signal =
 *         APR_RETRIEVE_OPTIONAL_FN(webhook_signal);
 *
 * It is NULL when mod_webhook is not loaded.
 */
#ifndef MOD_WEBHOOK_H
#define MOD_WEBHOOK_H

#include "apr_errno.h"
#include "apr_optional.h"
#include "apr_pools.h"
#include "httpd.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Room for the text of an event id, with its NUL. */
#define WEBHOOK_EVENT_ID_SIZE 37

/** An event to be signalled. Fill it with zeros first: members may be added. */
typedef struct webhook_event_t {
    request_rec *r;       /**< the request in which it happened, or NULL */
    server_rec *s;        /**< used when r is NULL: gives the context */
    const char *name;     /**< "entity.verb": [A-Za-z0-9._-], 1 to 128 */
    apr_int32_t primary_key;    /**< 0: not used */
    apr_int32_t associate_id;   /**< who did it; 0: the system */
    const char *data;           /**< a JSON object as text; NULL: none */
    const char *idempotency_key; /**< NULL: none */
} webhook_event_t;

/**
 * Signals an event: when it returns APR_SUCCESS the event and its deliveries
 * are committed to durable storage.
 *
 * @param event_id receives the event's id as text
 * @param event what happened; nothing of it is kept
 * @param pool scratch memory
 * @return APR_SUCCESS;
 *         APR_EINVAL: name, data or record not acceptable;
 *         APR_EEXIST: the idempotency key belongs to another event;
 *         APR_ENOSPC: larger than WebhookMaxBody;
 *         APR_EAGAIN: storage unavailable, not accepted, try again later;
 *         APR_TIMEUP: no answer in time, the outcome is unknown;
 *         APR_ENOTIMPL: WebhookEngine is off for this server
 *
 * May be called by any thread of a child process, not by the parent.
 */
APR_DECLARE_OPTIONAL_FN(apr_status_t, webhook_signal,
                        (char event_id[WEBHOOK_EVENT_ID_SIZE],
                         const webhook_event_t *event, apr_pool_t *pool));

#ifdef __cplusplus
}
#endif

#endif
