/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The signature of a callback.
 * Stage: policy · from: deliver · to: - · pure: no I/O · any thread
 */
#ifndef WH_POLICY_SIGN_H
#define WH_POLICY_SIGN_H

#include <apr.h>
#include <apr_errno.h>

/** Length of a signature with its NUL: base64 of 32 bytes. */
#define WH_SIGNATURE_SIZE 45

/**
 * base64(HMAC-SHA256(secret, body)): standard alphabet, padded
 * (superoffice.md section 5.3).
 * @param signature receives 44 characters and a NUL
 * @param secret UTF-8, used as its bytes
 * @return APR_SUCCESS, or APR_EGENERAL if libcrypto refuses
 */
apr_status_t wh_sign_superoffice(char signature[WH_SIGNATURE_SIZE],
                                 const char *secret, const void *body,
                                 apr_size_t length);

/**
 * Lower-case hexadecimal SHA-256 over parts, each preceded by its length, so
 * that no two lists of parts collide.
 * @param hex receives 64 characters and a NUL
 */
apr_status_t wh_sign_fingerprint(char hex[65], const char *const *parts,
                                 int count);

#endif
