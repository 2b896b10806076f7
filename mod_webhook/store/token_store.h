/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Tokens, applications and secrets of the installation.
 * Stage: store · from: request (children), ctl · to: the database
 * runs on: the one thread that holds the wh_store_t
 *
 * Returns are those of store.h. Whatever takes a context (NULL: all) answers
 * APR_ENOENT for what belongs to another one.
 */
#ifndef WH_STORE_TOKEN_STORE_H
#define WH_STORE_TOKEN_STORE_H

#include "model/token.h"
#include "store/store.h"

/** Stores a new token and sets token->id. @param hash wh_token_hash() of its
 * text */
apr_status_t wh_store_token_insert(wh_store_t *store, wh_token_t *token,
                                   const char *hash);

/** Finds a token by its hash, whether it has expired or not.
 * APR_ENOENT: there is none. */
apr_status_t wh_store_token_find(wh_token_t **token, wh_store_t *store,
                                 const char *hash, apr_pool_t *pool);

/** @param tokens of wh_token_t *, by id */
apr_status_t wh_store_token_list(apr_array_header_t **tokens, wh_store_t *store,
                                 const char *context, apr_pool_t *pool);

/** Deletes a token: it is not known any more. */
apr_status_t wh_store_token_revoke(wh_store_t *store, const char *context,
                                   apr_int64_t id);

/** Moves the expiry of a token to a later time; one that never expires is left
 * alone. A write under the lock: not for each request. APR_ENOENT: it was
 * revoked. */
apr_status_t wh_store_token_extend(wh_store_t *store, apr_int64_t id,
                                   apr_time_t expires);

/** Deletes up to 500 tokens that expired before a time. */
apr_status_t wh_store_token_sweep(int *deleted, wh_store_t *store,
                                  apr_time_t before);

/** Stores a new application and sets app->id. APR_EEXIST: the context has one
 * of this name. */
apr_status_t wh_store_app_insert(wh_store_t *store, wh_app_t *app,
                                 const char *hash);
apr_status_t wh_store_app_find(wh_app_t **app, wh_store_t *store,
                               const char *hash, apr_pool_t *pool);
apr_status_t wh_store_app_get(wh_app_t **app, wh_store_t *store, apr_int64_t id,
                              apr_pool_t *pool);
apr_status_t wh_store_app_list(apr_array_header_t **apps, wh_store_t *store,
                               const char *context, apr_pool_t *pool);
/** Deletes an application with its tokens; its webhooks stay and belong to
 * nobody but the context's users (their app_id stays). */
apr_status_t wh_store_app_delete(wh_store_t *store, const char *context,
                                 apr_int64_t id);

/**
 * The secret of this name; when there is none yet, proposed becomes it. All
 * processes get the same one.
 */
apr_status_t wh_store_secret(const char **value, wh_store_t *store,
                             const char *name, const char *proposed,
                             apr_pool_t *pool);

#endif
