/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What both forms of the API do with webhooks: find them as far as the caller
 * may see them, judge, probe and save them, and tell of changed states.
 * Private to request/ · runs on: request threads of children
 *
 * All return OK, or the status to answer with and a message.
 */
#ifndef WH_REQUEST_SUBSCRIPTION_H
#define WH_REQUEST_SUBSCRIPTION_H

#include <httpd.h>
#include <jansson.h>

#include "model/webhook.h"

/** @param webhooks of wh_webhook_t * that the caller may see, by id */
int wh_subscription_list(apr_array_header_t **webhooks, const char **message,
                         request_rec *r);

/** 404: there is none that the caller may see. */
int wh_subscription_get(wh_webhook_t **webhook, const char **message,
                        request_rec *r, apr_int32_t id);

/**
 * A webhook of an entity: defaults for what it does not say.
 * @param texts 1: members are texts, see wh_webhook_json_from_text()
 */
int wh_subscription_read(wh_webhook_t *webhook, const char **message,
                         request_rec *r, json_t *entity, int texts);

/**
 * Judges, probes (when it is active and WebhookProbe is on) and saves.
 * @param again 1: somebody else has changed the record since it was read,
 *        another try with the new one may do; else 0
 * @param stored the record as it was read; NULL: a new webhook
 * @return also 409: again is 1, or WebhookLimit leaves no room
 */
int wh_subscription_save(wh_webhook_t *webhook, int *again,
                         const wh_webhook_t *stored, const char **message,
                         request_rec *r);

/**
 * @param version the one that was read; 0: any
 * @return also 409: somebody else has changed the record since it was read
 */
int wh_subscription_delete(const char **message, request_rec *r, apr_int32_t id,
                           apr_int64_t version);

/** Sends the test event. @param result a new reference: WebhookResult */
int wh_subscription_test(json_t **result, const char **message, request_rec *r,
                         wh_webhook_t *webhook);

/** Sets ETag and Last-Modified of a webhook. */
void wh_subscription_set_validators(request_rec *r,
                                    const wh_webhook_t *webhook);

/** If-Match, If-None-Match and If-Unmodified-Since against the validators set
 * before (RFC 9110 section 13). @return OK or 412 */
int wh_subscription_preconditions(const char **message, request_rec *r);

/** Whether a change that met another one is tried once more. Waits for a
 * moment first: longer each time and at random, so that those who met do not
 * meet again. @param tries 0 before the first try; counted here
 * @return 0 after 30 tries, two seconds or so: then it is 409 */
int wh_subscription_try_again(int *tries);

#endif
