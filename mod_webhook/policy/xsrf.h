/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Tokens against requests that another site's page makes a browser send.
 * Stage: policy · from: request · to: - · pure: clock and dice are passed in · any thread
 *
 * A token is "time.random.mac": the mac (HMAC-SHA256) binds it to a user and
 * a context, so that a cookie that somebody planted is worth nothing. Nothing
 * is stored.
 */
#ifndef WH_POLICY_XSRF_H
#define WH_POLICY_XSRF_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_time.h>

/** A token is good for this long. */
#define WH_XSRF_LIFE apr_time_from_sec(12 * 60 * 60)

/** A token may be made this long after now: hosts that share an installation
 * do not agree on the time to the second. */
#define WH_XSRF_SKEW apr_time_from_sec(5 * 60)

/** Bytes of randomness in a token. */
#define WH_XSRF_RANDOM 16

/**
 * Makes a token of letters, digits, "-", "_" and ".".
 * @param key secret of this installation, not empty
 * @return NULL: there is no key, or libcrypto refuses
 */
const char *wh_xsrf_create(const char *key, const char *user,
                           const char *context,
                           const unsigned char random[WH_XSRF_RANDOM],
                           apr_time_t now, apr_pool_t *pool);

/**
 * 1 if the token was made with this key for this user and context and is not
 * too old. Compares in constant time.
 * @param token whatever the client sent; NULL: nothing
 */
int wh_xsrf_valid(const char *token, const char *key, const char *user,
                  const char *context, apr_time_t now, apr_pool_t *pool);

#endif
