/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the API offers, one function for each operation of policy/operation.h.
 * Private to request/ · runs on: request threads of children
 */
#ifndef WH_REQUEST_RESOURCE_H
#define WH_REQUEST_RESOURCE_H

#include <jansson.h>

#include "model/webhook.h"
#include "request/filter.h"
#include "request/route.h"

/* resource_signal.c */
wh_resource_fn_t wh_resource_signal;

/** Signals what is named; answers the request.
 * @param data an object or NULL */
int wh_resource_signal_send(request_rec *r, const char *event_name,
                            apr_int32_t primary_key, const json_t *data);

/* resource_webhook.c */
wh_resource_fn_t wh_resource_default;
wh_resource_fn_t wh_resource_list;
wh_resource_fn_t wh_resource_create;
wh_resource_fn_t wh_resource_get;
wh_resource_fn_t wh_resource_update;
wh_resource_fn_t wh_resource_delete;
wh_resource_fn_t wh_resource_last_error;
wh_resource_fn_t wh_resource_test;

/** The URL of a path as it came, which is unescaped: any bytes may be in it. */
const char *wh_resource_url(request_rec *r, const char *path);

/** Answers with the webhooks that the caller may see and the filter shows.
 * @param select as $select has it, or NULL */
int wh_resource_answer_list(request_rec *r, const wh_filter_t *filter,
                            const char *select);

/** Answers with the text of the last error.
 * @param missing_is_null 1: null for a webhook that is not there, else 404 */
int wh_resource_answer_last_error(request_rec *r, apr_int32_t id,
                                  int missing_is_null);

/** Names of values in XML. */
#define WH_ROOT_WEBHOOK "Webhook"
#define WH_ROOT_LIST "ArrayOfWebhook"
#define WH_ROOT_RESULT "WebhookResult"
#define WH_ROOT_TEXT "string"
#define WH_ROOT_DELIVERY "Delivery"
#define WH_ROOT_DELIVERIES "DeliveryList"
#define WH_ROOT_REPLAY "Replay"
#define WH_ROOT_REPLAYS "ArrayOfReplay"

/* resource_patch.c */
/** What Accept-Patch says (RFC 5789 section 3.1). */
#define WH_PATCH_TYPES                                                         \
    "application/json-patch+json, application/merge-patch+json"

wh_resource_fn_t wh_resource_patch;

/** What REST answers with: the entity with _Links, as $select has it.
 * @param parameters of the query */
int wh_resource_answer_entity(request_rec *r, const wh_webhook_t *webhook,
                              const apr_table_t *parameters);

/** Reads the query, before anything is done. @return OK or 400 */
int wh_resource_read_query(apr_table_t **parameters, const char **message,
                           request_rec *r);

/* resource_delivery.c */
wh_resource_fn_t wh_resource_deliveries;
wh_resource_fn_t wh_resource_event_deliveries;
wh_resource_fn_t wh_resource_delivery;
wh_resource_fn_t wh_resource_delivery_replay;

/* resource_replay.c */
wh_resource_fn_t wh_resource_replays;
wh_resource_fn_t wh_resource_replay_start;
wh_resource_fn_t wh_resource_replay;
wh_resource_fn_t wh_resource_replay_cancel;

/* resource_openapi.c */
wh_resource_fn_t wh_resource_openapi;

/* resource_agent.c */
wh_resource_fn_t wh_agent_save;
wh_resource_fn_t wh_agent_get;
wh_resource_fn_t wh_agent_delete;
wh_resource_fn_t wh_agent_list;
wh_resource_fn_t wh_agent_test;
wh_resource_fn_t wh_agent_signal;
wh_resource_fn_t wh_agent_last_error;

#endif
