/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Credentials that the module itself gives out: tokens and applications.
 * Stage: model · from: store · to: request, ctl · runs on: any thread; a record belongs to its pool
 *
 * Texts of credentials are never in a record: only their hashes are stored.
 */
#ifndef WH_MODEL_TOKEN_H
#define WH_MODEL_TOKEN_H

#include <apr_pools.h>
#include <apr_time.h>

/** Forms of a token (superoffice.md section 6). */
typedef enum {
    WH_TOKEN_BEARER = 1, /**< "Authorization: Bearer", lives to its expiry */
    WH_TOKEN_TICKET = 2  /**< "Authorization: SoTicket", prolonged by use */
} wh_token_kind_t;

/** The one list of scopes: X(symbol, bit, name). */
#define WH_SCOPES(X)                                                           \
    X(SIGNAL, 1, "signal")                                                     \
    X(MANAGE, 2, "manage")                                                     \
    X(READ, 4, "read")

#define WH_SCOPE_SYMBOL(symbol, bit, name) WH_SCOPE_##symbol = (bit),
enum { WH_SCOPES(WH_SCOPE_SYMBOL) WH_SCOPE_ALL = 7 };
#undef WH_SCOPE_SYMBOL

/** Life of a ticket after its last use (superoffice.md section 6). */
#define WH_TICKET_LIFE apr_time_from_sec(6 * 60 * 60)

/** Longest owner of a token and name of an application, in bytes. */
#define WH_OWNER_MAX 255

typedef struct wh_token_t {
    apr_int64_t id;
    wh_token_kind_t kind;
    const char *context;      /**< tenant */
    const char *owner;        /**< becomes the request's user */
    apr_int32_t associate_id; /**< 0: none */
    apr_int64_t app_id;       /**< application that it belongs to, 0: none */
    int scopes;               /**< WH_SCOPE_ bits */
    apr_time_t created;
    apr_time_t expires; /**< 0: never */
} wh_token_t;

/** An application: whoever shows its secret as SO-AppToken, or a token that
 * belongs to it, sees and changes only its own webhooks. */
typedef struct wh_app_t {
    apr_int64_t id;
    const char *context;
    const char *name;
    int webhook_access; /**< 1: registered with access to the Webhook agent */
    apr_time_t created;
} wh_app_t;

#endif
