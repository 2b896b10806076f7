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

/** What secrets of Standard Webhooks begin with: keys of HMAC-SHA256, private
 * keys of ed25519. */
#define WH_SECRET_HMAC "whsec_"
#define WH_SECRET_ED25519 "whsk_"

/** Bytes of a key of HMAC-SHA256. */
#define WH_HMAC_KEY_MIN 24
#define WH_HMAC_KEY_MAX 64

/** Longest signature of Standard Webhooks with its NUL: "v1a," and base64 of
 * 64 bytes. */
#define WH_STANDARD_SIGNATURE_SIZE 93

/**
 * Judges a secret of Standard Webhooks: base64 of 24 to 64 bytes behind
 * "whsec_", or behind "whsk_" base64 of an ed25519 seed of 32 bytes, which its
 * public key may follow.
 * @return NULL, or a sentence part such as "must begin with ..."
 */
const char *wh_sign_standard_refusal(const char *secret);

/**
 * "v1," and HMAC-SHA256, or "v1a," and the ed25519 signature, as the secret
 * has it, in base64.
 * @param content id, timestamp and body, joined by points
 * @return APR_SUCCESS, APR_EINVAL for a secret that is refused, or
 *         APR_EGENERAL if libcrypto refuses
 */
apr_status_t wh_sign_standard(char signature[WH_STANDARD_SIGNATURE_SIZE],
                              const char *secret, const void *content,
                              apr_size_t length);

/**
 * Lower-case hexadecimal SHA-256 over parts, each preceded by its length, so
 * that no two lists of parts collide.
 * @param hex receives 64 characters and a NUL
 */
apr_status_t wh_sign_fingerprint(char hex[65], const char *const *parts,
                                 int count);

#endif
