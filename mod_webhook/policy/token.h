/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Texts of tokens, their hashes and scopes.
 * Stage: policy · from: request, ctl · to: - · any thread
 */
#ifndef WH_POLICY_TOKEN_H
#define WH_POLICY_TOKEN_H

#include <apr_errno.h>
#include <apr_pools.h>

#include "model/token.h"

/** Room for the text of a token or of an application's secret. */
#define WH_TOKEN_SIZE 64

/** Prefix of an application's secret. */
#define WH_APP_PREFIX "APP:"

/** Length of a hash with its NUL. */
#define WH_TOKEN_HASH_SIZE 65

/**
 * A new secret: 256 random bits in base64url after a prefix ("8A:" bearer
 * token, "7T:" ticket, "APP:" application) that tells people what it is.
 * @param prefix wh_token_prefix(), or WH_APP_PREFIX
 * @return APR_SUCCESS; APR_EGENERAL: no random numbers to be had; APR_EINVAL:
 *         the prefix is too long
 */
apr_status_t wh_token_create(char text[WH_TOKEN_SIZE], const char *prefix);

/** Prefix of a kind of token. */
const char *wh_token_prefix(wh_token_kind_t kind);

/** The hash that is stored: SHA-256, lower-case hexadecimal. The secret is
 * random, so it needs no salt and no slow function. APR_EGENERAL: libcrypto
 * refuses. */
apr_status_t wh_token_hash(char hex[WH_TOKEN_HASH_SIZE], const char *text);

/** Reads names parted by commas or blanks, in any case. APR_EINVAL: an unknown
 * name or none at all. */
apr_status_t wh_scopes_parse(int *scopes, const char *text, apr_pool_t *pool);

/** Names parted by commas, in the order of the list; "" for none. */
const char *wh_scopes_text(int scopes, apr_pool_t *pool);

/** 1 if these scopes allow what needs one of them. "manage" includes "read".
 * What needs none of the list is not allowed. */
int wh_scopes_allow(int scopes, int needed);

#endif
