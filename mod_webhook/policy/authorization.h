/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The Authorization header (RFC 9110 section 11.4, RFC 7617, RFC 6750).
 * Stage: policy · from: request · to: - · pure · any thread
 */
#ifndef WH_POLICY_AUTHORIZATION_H
#define WH_POLICY_AUTHORIZATION_H

#include <apr_errno.h>
#include <apr_pools.h>

typedef enum {
    WH_AUTHORIZATION_NONE,   /**< no header */
    WH_AUTHORIZATION_BASIC,  /**< user and password are set */
    WH_AUTHORIZATION_BEARER, /**< token is set */
    WH_AUTHORIZATION_TICKET, /**< token is set; "SoTicket" in any case */
    WH_AUTHORIZATION_OTHER   /**< another scheme: somebody else's business */
} wh_authorization_scheme_t;

typedef struct wh_authorization_t {
    wh_authorization_scheme_t scheme;
    const char *user;
    const char *password;
    const char *token;
} wh_authorization_t;

/** Longest token that is looked at, in bytes. */
#define WH_AUTHORIZATION_TOKEN_MAX 1024

/**
 * Reads the header. Schemes are compared in any case.
 * @param header NULL or "": none
 * @return APR_SUCCESS, or APR_EINVAL: a scheme of ours with credentials that
 *         are not in order (broken base64, no colon, a control byte, a blank
 *         in a token, nothing at all); scheme is set all the same
 */
apr_status_t wh_authorization_parse(wh_authorization_t *authorization,
                                    const char *header, apr_pool_t *pool);

#endif
