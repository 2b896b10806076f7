/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A webhook (a subscription) as a record.
 * Stage: model · from: store, request · to: dispatcher, deliver · runs on: any thread; a record belongs to its pool
 */
#ifndef WH_MODEL_WEBHOOK_H
#define WH_MODEL_WEBHOOK_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

/** States (superoffice.md section 4). */
typedef enum {
    WH_STATE_UNKNOWN = 0,
    WH_STATE_ACTIVE = 1,
    WH_STATE_STOPPED = 2,
    WH_STATE_TOO_MANY_ERRORS = 3
} wh_state_t;

/** Limits in bytes (superoffice.md section 4). */
#define WH_NAME_MAX 400
#define WH_EVENTS_MAX 4000
#define WH_TARGET_URL_MAX 4000
#define WH_SECRET_MAX 400
#define WH_TYPE_MAX 100
#define WH_ERRORS_EMAIL_MAX 239
#define WH_DESCRIPTION_MAX 4000
/** The types that there always are. */
#define WH_WEBHOOK_TYPES "webhook standardwebhooks cloudevents"

/** Of each of headers, properties, error_emails and error_associates, and of
 * the four together. */
#define WH_JSON_COLUMN_MAX 65536

/** The member of Properties that holds the options, in any case, and its list
 * of more secrets: objects, whose secrets are as secret as the webhook's. */
#define WH_OPTIONS_MEMBER "mod_webhook"
#define WH_SECRETS_MEMBER "Secrets"
#define WH_SECRET_MEMBER "Secret"

/** All strings UTF-8; NULL where the API says null. */
typedef struct wh_webhook_t {
    apr_int32_t id;      /**< 0: not saved yet */
    const char *context; /**< tenant; never NULL once saved */
    apr_int64_t version; /**< grows with every change, from 1; 0: not saved */
    apr_int64_t app_id;  /**< application that registered it, 0: none */
    const char *name;
    const char *events; /**< names joined by commas; "" for none */
    const char *target_url;
    const char *secret;        /**< NULL: deliveries are not signed */
    int state;                 /**< wh_state_t */
    const char *type;          /**< the kind of its deliveries */
    const char *headers;       /**< JSON object string to string, or NULL */
    const char *properties;    /**< JSON object, or NULL */
    apr_time_t registered;     /**< 0: unset */
    apr_time_t updated;        /**< 0: unset */
    apr_int32_t registered_id; /**< associate id */
    const char *registered_by; /**< user name, or NULL */
    apr_int32_t updated_id;
    const char *updated_by;
    const char *error_emails;     /**< JSON array of strings, or NULL */
    const char *errors_email;     /**< the older, single address as a client
                                     gave it, NULL: not; never stored */
    const char *error_associates; /**< JSON array, or NULL */
    const char *description;
    int notify_via;  /**< flags: 1 Email, 2 InApp */
    int notify_when; /**< flags: 1 FirstFailure, 2 Disabling */
    /* usage: written by the dispatcher only */
    apr_int64_t total_calls;
    apr_int64_t total_errors;
    apr_int64_t consecutive_errors;
    apr_time_t paused_until; /**< the receiver has asked for it; 0: not */
    const char *last_error;  /**< "" or NULL: none */
    /** Of the dispatcher's snapshot: which events it wants; NULL: all. */
    const struct wh_event_filter_t *filter;
} wh_webhook_t;

#endif
