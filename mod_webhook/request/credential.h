/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Credentials of our own, looked up in the storage and remembered for half a
 * second, so that neither a client in a hurry costs a read for each request
 * nor a revoked token lives longer.
 * Private to request/ · runs on: request threads of children · owns: one cache for each child
 */
#ifndef WH_REQUEST_CREDENTIAL_H
#define WH_REQUEST_CREDENTIAL_H

#include <httpd.h>

#include "model/token.h"

/** Makes the cache of this child; registered as child_init. */
void wh_credential_register_hooks(apr_pool_t *pool);

/**
 * Finds a live token by its text, and prolongs a ticket.
 * @return APR_SUCCESS; APR_ENOENT: unknown, revoked or expired; else the
 *         storage is not available
 */
apr_status_t wh_credential_token(const wh_token_t **token, const char *text,
                                 wh_token_kind_t kind, apr_pool_t *pool);

/** Finds an application by its secret. Returns as above. */
apr_status_t wh_credential_app(const wh_app_t **app, const char *text,
                               apr_pool_t *pool);

/** Finds an application by its id. Not remembered under its secret. */
apr_status_t wh_credential_app_by_id(const wh_app_t **app, apr_int64_t id,
                                     apr_pool_t *pool);

/** The secret of this installation that binds XSRF tokens. */
apr_status_t wh_credential_xsrf_key(const char **key, apr_pool_t *pool);

#endif
