/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A webhook to and from the JSON form of the API (superoffice.md section 4).
 * Stage: model · from: request · to: - · pure: no I/O · any thread
 */
#ifndef WH_MODEL_WEBHOOK_JSON_H
#define WH_MODEL_WEBHOOK_JSON_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <jansson.h>

#include "model/webhook.h"

/** The webhook that "GET default" shows, and that stands in for every member
 * that a client leaves out. Not for saving as it is: it has no target. */
void wh_webhook_json_default(wh_webhook_t *webhook);

/**
 * Overlays webhook with the members of a JSON object. Names are matched in
 * any case; what is read-only or unknown is left alone; null counts as left
 * out. Types and lengths are checked, that of all JSON texts together too;
 * event names, target, type and headers are not: those need rules and the
 * operator's settings.
 * @param message set on refusal: a sentence that names the member
 * @return APR_SUCCESS, or APR_EINVAL: webhook is then half changed
 */
apr_status_t wh_webhook_json_read(wh_webhook_t *webhook, const char **message,
                                  const json_t *entity, apr_pool_t *pool);

/**
 * Makes of texts, in place, what the members of a webhook should be, for media
 * types that know only texts (forms, XML without types): Events and lists are
 * parted by commas; objects, and lists that begin with "[", are JSON text; ""
 * is an empty list or object. Members that are no texts are left alone.
 * @return APR_SUCCESS, or APR_EINVAL and a message
 */
apr_status_t wh_webhook_json_from_text(json_t *entity, const char **message,
                                       apr_pool_t *pool);

/**
 * The JSON Schema of a webhook, for the OpenAPI document.
 * @return a new reference, or NULL: out of memory
 */
json_t *wh_webhook_json_schema(void);

/**
 * The JSON object of a webhook, with all members.
 * @param with_secret 0: Secret is null, and so are those of the options
 * @return a new reference, or NULL: out of memory
 */
json_t *wh_webhook_json_write(const wh_webhook_t *webhook, int with_secret);

/** Makes null, in place, the secrets that the options hold. */
void wh_webhook_json_hide(json_t *properties);

/**
 * Reads the name, in any case, or the number of a state.
 * @return 1 and the state (WH_STATE_UNKNOWN too), or 0
 */
int wh_webhook_json_state(int *state, const char *text);

/** What the value of a member is. */
typedef enum {
    WH_FIELD_INT32,
    WH_FIELD_TEXT,
    WH_FIELD_TEXTS,  /**< array of texts */
    WH_FIELD_LIST,   /**< array of anything */
    WH_FIELD_NAMED,  /**< one of names */
    WH_FIELD_FLAGS,  /**< some of names, in a text */
    WH_FIELD_OBJECT, /**< any members */
    WH_FIELD_DATE
} wh_field_kind_t;

/** A member of the entity, as others need to know it. */
typedef struct wh_field_t {
    const char *name;
    wh_field_kind_t kind;
    int read_only;
    apr_size_t most;          /**< bytes of text, 0: no bound */
    const char *const *names; /**< ended by NULL, or NULL; of a text they
                                 are examples */
} wh_field_t;

/** The member with this number, in the order of the entity.
 * @return 1, or 0: there is none */
int wh_webhook_json_field(wh_field_t *field, int number);

/** 1 for one address as it may stand in a mail header. */
int wh_webhook_json_is_email(const char *text);

/**
 * A client that knows only the older ErrorsEmail changes it and sends
 * ErrorEmails back as it was: its address takes the first place of the list
 * (superoffice.md section 4).
 * @param stored the record that the client changes
 * @return APR_SUCCESS, or APR_EINVAL and a message: the list is too long then
 */
apr_status_t wh_webhook_json_settle_email(wh_webhook_t *webhook,
                                          const char **message,
                                          const wh_webhook_t *stored,
                                          apr_pool_t *pool);

#endif
