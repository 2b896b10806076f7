/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The operations of the API: which path and method means what.
 * Stage: policy · from: request · to: - · pure · any thread
 *
 * The one list: routes, scopes, the Allow header and the OpenAPI document
 * come from it (superoffice.md sections 1 and 3).
 */
#ifndef WH_POLICY_OPERATION_H
#define WH_POLICY_OPERATION_H

#include <apr_pools.h>

#include "model/token.h"

/**
 * X(symbol, form, method, path, name, scope, statuses, summary)
 *
 * form: REST or AGENT; method: GET (HEAD goes with it), POST, PUT, PATCH or
 * DELETE; path: behind the form's resource, where {id} is an int32 and
 * all else in braces any text; name: the operation's, and for an
 * agent the last segment; statuses: those it can answer with besides the ones
 * that every operation has (WH_STATUSES_OF_ALL); rows of one path in the order of the Allow
 * header, paths with fixed names before those with any.
 */
#define WH_OPERATIONS(X)                                                       \
    X(DEFAULT, REST, GET, "/default", "DefaultWebhook", READ, "200",           \
      "A webhook to fill in, not saved")                                       \
    X(OPENAPI, REST, GET, "/openapi.json", "GetOpenApi", READ, "200",          \
      "This description of the API")                                           \
    X(LIST, REST, GET, "/", "GetAllWebhooks", READ, "200 400",                 \
      "All webhooks, without their secrets")                                   \
    X(CREATE, REST, POST, "/", "PostWebhook", MANAGE,                          \
      "200 400 409 413 415 429", "Saves a new webhook")                        \
    X(TEST, REST, POST, "/Test", "TestWebhook", MANAGE,                        \
      "200 400 409 413 415 429",                                               \
      "Sends the test event to a webhook in the body")                         \
    X(GET, REST, GET, "/{id}", "GetWebhook", READ, "200 400 404",              \
      "One webhook")                                                           \
    X(UPDATE, REST, PUT, "/{id}", "PutWebhook", MANAGE,                        \
      "200 400 404 409 412 413 415 429", "Replaces a webhook")                 \
    X(PATCH, REST, PATCH, "/{id}", "PatchWebhook", MANAGE,                     \
      "200 400 404 409 412 413 415 429", "Changes parts of a webhook")         \
    X(DELETE, REST, DELETE, "/{id}", "DeleteWebhook", MANAGE,                  \
      "204 404 409 412", "Deletes a webhook")                                  \
    X(LAST_ERROR, REST, GET, "/{id}/LastError", "GetLastError", READ,          \
      "200 404", "The last failure of a webhook, as text")                     \
    X(DELIVERIES, REST, GET, "/{id}/Deliveries", "GetDeliveries", READ,        \
      "200 400 404", "Deliveries of a webhook, the newest first")              \
    X(REPLAYS, REST, GET, "/{id}/Replays", "GetReplays", READ, "200 404",      \
      "Replays of a webhook, the newest first")                                \
    X(REPLAY_START, REST, POST, "/{id}/Replays", "PostReplay", MANAGE,         \
      "202 400 404 409 413 415",                                               \
      "Sends what a webhook was sent in a time once more, in the background")  \
    X(EVENT_DELIVERIES, REST, GET, "/Events/{eventId}/Deliveries",             \
      "GetEventDeliveries", READ, "200 400 404",                               \
      "Deliveries of an event, the newest first")                              \
    X(DELIVERY, REST, GET, "/Deliveries/{deliveryId}", "GetDelivery", READ,    \
      "200 404", "One delivery with its attempts")                             \
    X(DELIVERY_REPLAY, REST, POST, "/Deliveries/{deliveryId}/Replay",          \
      "ReplayDelivery", MANAGE, "204 404 409", "Sends one delivery once more") \
    X(REPLAY, REST, GET, "/Replays/{replayId}", "GetReplay", READ, "200 404",  \
      "One replay and how far it has come")                                    \
    X(REPLAY_CANCEL, REST, DELETE, "/Replays/{replayId}", "DeleteReplay",      \
      MANAGE, "204 404 409", "Cancels a replay")                               \
    X(SIGNAL, REST, POST, "/{eventName}/{primaryKey}", "SignalEvent", SIGNAL,  \
      "204 400 409 413 415 422",                                               \
      "Signals an event to all webhooks that listen")                          \
    X(AGENT_DEFAULT, AGENT, POST, "/CreateDefaultWebhook",                     \
      "CreateDefaultWebhook", READ, "200", "A webhook to fill in, not saved")  \
    X(AGENT_SAVE, AGENT, POST, "/SaveWebhook", "SaveWebhook", MANAGE,          \
      "200 400 404 409 413 415 429",                                           \
      "Saves a webhook, new or known by its id")                               \
    X(AGENT_GET, AGENT, POST, "/GetWebhook", "GetWebhook", READ, "200 400",    \
      "One webhook by the query's webhookId, or null")                         \
    X(AGENT_DELETE, AGENT, POST, "/DeleteWebhook", "DeleteWebhook", MANAGE,    \
      "204 400 404", "Deletes the webhook of the query's webhookId")           \
    X(AGENT_LIST, AGENT, POST, "/GetAllWebhooks", "GetAllWebhooks", READ,      \
      "200 400 409 413 415",                                                   \
      "Webhooks by NameFilter, EventFilter, StatusFilter")                     \
    X(AGENT_TEST, AGENT, POST, "/TestWebhook", "TestWebhook", MANAGE,          \
      "200 400 409 413 415 429", "Sends the test event to the member Webhook") \
    X(AGENT_SIGNAL, AGENT, POST, "/SignalEvent", "SignalEvent", SIGNAL,        \
      "204 400 409 413 415 422", "Signals EventName, PrimaryKey and Data")     \
    X(AGENT_LAST_ERROR, AGENT, POST, "/GetLastError", "GetLastError", READ,    \
      "200 400 409 413 415", "The last failure of the member WebhookId")

/** What every operation can answer with: who is asking, the method, what is
 * accepted, a body that does not come, the storage. */
#define WH_STATUSES_OF_ALL "401 403 405 406 408 503"

#define WH_OPERATION_SYMBOL(symbol, ...) WH_OPERATION_##symbol,
typedef enum {
    WH_OPERATIONS(WH_OPERATION_SYMBOL) WH_OPERATION_COUNT
} wh_operation_id_t;
#undef WH_OPERATION_SYMBOL

/** The two forms of the API. */
typedef enum { WH_FORM_REST, WH_FORM_AGENT } wh_form_kind_t;

/** What stands behind the base path, for each form. */
#define WH_REST_RESOURCE "/Webhook"
#define WH_AGENT_RESOURCE "/Agents/Webhook"

typedef struct wh_operation_t {
    wh_operation_id_t id;
    wh_form_kind_t form;
    const char *method;
    const char *path;
    const char *name;
    int scope; /**< WH_SCOPE_ bit that it needs */
    const char *statuses;
    const char *summary;
} wh_operation_t;

extern const wh_operation_t wh_operations[WH_OPERATION_COUNT];

#define WH_SEGMENTS_MAX 3

/** The part of a path behind the resource, in segments. */
typedef struct wh_path_t {
    wh_form_kind_t form;
    int count;
    const char *segments[WH_SEGMENTS_MAX]; /**< NULL behind the last */
    apr_int32_t id; /**< the first segment, when it is an int32; else 0 */
} wh_path_t;

/**
 * Finds a resource in a path: base path and resource in any case, at any "/",
 * as long as a "/" or nothing follows.
 * @param base_path "" for none
 * @return what follows ("" or "/..."), pointing into uri; NULL: not there
 */
const char *wh_path_find(wh_form_kind_t *form, const char *uri,
                         const char *base_path);

/** "/Webhook" or "/Agents/Webhook". */
const char *wh_path_resource(wh_form_kind_t form);

/**
 * Splits what wh_path_find() returned. One "/" behind the resource may be too
 * much.
 * @return APR_SUCCESS, or APR_EINVAL: more segments than any operation has,
 *         or an empty one
 */
apr_status_t wh_path_split(wh_path_t *path, wh_form_kind_t form,
                           const char *rest, apr_pool_t *pool);

/**
 * The one spelling of what wh_path_find() returned, for whoever compares paths
 * letter by letter: names of operations as the list has them, event names
 * in lower case (they are matched in any case).
 */
const char *wh_path_canonical(wh_form_kind_t form, const char *rest,
                              apr_pool_t *pool);

/** The operation of a path and a method ("GET", not "HEAD"); NULL: none. */
const wh_operation_t *wh_operation_find(const wh_path_t *path,
                                        const char *method);

/** Methods of a path for the Allow header, HEAD and OPTIONS included; NULL: no
 * operation has this path. */
const char *wh_operation_allow(const wh_path_t *path, apr_pool_t *pool);

#endif
