/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mod_webhook.h
 * @brief C interface of mod_webhook for other httpd modules.
 *
 * Fetch webhook_signal in an optional_fn_retrieve or post_config hook:
 *
 *     APR_OPTIONAL_FN_TYPE(webhook_signal) *webhook_signal =
 *         APR_RETRIEVE_OPTIONAL_FN(webhook_signal);
 *
 * and webhook_kind_register in post_config: optional_fn_retrieve comes too
 * late for it. Both are NULL when mod_webhook is not loaded.
 */
#ifndef MOD_WEBHOOK_H
#define MOD_WEBHOOK_H

#include "apr_errno.h"
#include "apr_optional.h"
#include "apr_pools.h"
#include "apr_tables.h"
#include "apr_time.h"
#include "httpd.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Room for the text of an event id, with its NUL. */
#define WEBHOOK_EVENT_ID_SIZE 37

/** An event to be signalled. Fill it with zeros first: members may be added. */
typedef struct webhook_event_t {
    request_rec *r;           /**< the request in which it happened, or NULL */
    server_rec *s;            /**< used when r is NULL: gives the context */
    const char *name;         /**< "entity.verb": [A-Za-z0-9._-], 1 to 128 */
    apr_int32_t primary_key;  /**< 0: not used */
    apr_int32_t associate_id; /**< who did it; 0: the system */
    const char *data;         /**< a JSON object as text; NULL: none */
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

/**
 * One attempt to deliver, as a kind of delivery sees it. Read-only, and good
 * until the function returns. Members may be added at the end.
 */
typedef struct webhook_attempt_t {
    apr_size_t size;        /**< bytes of this record */
    apr_int32_t webhook_id; /**< 0: not saved yet */
    const char *context;    /**< the tenant */
    const char *event_id;   /**< the same on every attempt */
    const char *event_name;
    apr_time_t event_time;      /**< when it was signalled */
    apr_int32_t primary_key;    /**< 0: not used */
    apr_int32_t associate_id;   /**< 0: the system */
    const char *data;           /**< a JSON object */
    const char *changes;        /**< a JSON array: the names of its members */
    int number;                 /**< attempts before this one */
    int test;                   /**< 1: the test event */
    apr_time_t now;             /**< when the attempt begins */
    const char *const *secrets; /**< those that count now: first the
                                     webhook's Secret, if it has one */
    int secret_count;
    const char *body; /**< the bytes to be sent; NULL in payload() */
    apr_size_t body_length;
    const char *webhook_name; /**< "": it has none */
    const char *properties;   /**< a JSON object: the webhook's Properties
                                   without the options of mod_webhook */
} webhook_attempt_t;

/**
 * A kind of delivery: what the member Type of a webhook may say. Fill it with
 * zeros first, then set size: members may be added at the end.
 *
 * The functions run in the dispatcher, on several of its threads at a time, and
 * in httpd's children when a test event is sent. They must be thread-safe, must
 * not wait for anything, and have no request and no httpd around them; what
 * baton points to must not change after the registration. The pool is theirs
 * until the delivery has been made ready; one attempt may have another pool
 * than the next.
 */
typedef struct webhook_kind_t {
    apr_size_t size;   /**< sizeof(webhook_kind_t) */
    const char *name;  /**< 1 to 100 of [A-Za-z0-9._-]; compared in any case,
                           answered as it is here */
    const void *baton; /**< passed to each function */

    /**
     * Makes the body, on the first attempt only: what it makes is stored and
     * sent again by all others. Required.
     *
     * @param body UTF-8 without NUL, from pool or a constant
     * @param length its bytes
     * @param headers headers that belong to the body, stored with it; without
     *        a Content-Type among them it is content_type
     * @return APR_SUCCESS, APR_ENOMEM (tried again soon), or any other status:
     *         the attempt counts as a failure
     */
    apr_status_t (*payload)(const char **body, apr_size_t *length,
                            apr_table_t *headers,
                            const webhook_attempt_t *attempt, const void *baton,
                            apr_pool_t *pool);

    /**
     * Makes the headers of one attempt, signatures for instance. NULL: there
     * are none. At most 32, with 4 KiB together; results as above.
     */
    apr_status_t (*headers)(apr_table_t *headers,
                            const webhook_attempt_t *attempt, const void *baton,
                            apr_pool_t *pool);

    /**
     * Whether a whole answer with this status, 200 to 599, is a success. NULL:
     * every status from 200 to 299 is.
     */
    int (*success)(int status, const void *baton);

    /**
     * Judges a secret before a webhook is saved. NULL: all are taken.
     * @return NULL, or a part of a sentence such as "must begin with k_", from
     *         pool or a constant, without the secret
     */
    const char *(*secret_refusal)(const char *secret, const void *baton,
                                  apr_pool_t *pool);

    /** Begins of names of headers that a webhook cannot have among its own,
     * ended by NULL. NULL: those of the module alone. */
    const char *const *own_headers;

    const char *content_type; /**< NULL: application/json */
    int needs_secret;         /**< 1: no webhook without a Secret */
} webhook_kind_t;

/**
 * Adds a kind of delivery. To be called in post_config, by a hook that does not
 * run at APR_HOOK_REALLY_LAST, on each start and restart; the registration ends
 * with the configuration. The record is copied, what it points to is not: it
 * must live as long as the configuration.
 *
 * Webhooks of the kind are saved by the HTTP API. webhookctl does not know it
 * and refuses to save them. If the module is not loaded any more, attempts for
 * them fail, and they cannot be saved.
 *
 * @param kind what is added
 * @param pconf the pool of the configuration
 * @return APR_SUCCESS;
 *         APR_EINVAL: the record is not acceptable;
 *         APR_EEXIST: there is a kind of this name;
 *         APR_ENOSPC: there are 16 already;
 *         APR_EBUSY: too late, the dispatcher has been started
 */
APR_DECLARE_OPTIONAL_FN(apr_status_t, webhook_kind_register,
                        (const webhook_kind_t *kind, apr_pool_t *pconf));

#ifdef __cplusplus
}
#endif

#endif
