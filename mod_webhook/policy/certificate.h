/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Certificates, keys and pins as texts: whether they are in order.
 * Stage: policy · from: options, config · to: - · pure: no I/O · any thread
 */
#ifndef WH_POLICY_CERTIFICATE_H
#define WH_POLICY_CERTIFICATE_H

/** Certificates in one text, and pins in one. */
#define WH_CERTIFICATES_MAX 64
#define WH_PINS_MAX 16

/** 1 if a text holds certificates in PEM form, and no key that somebody has
 * put there by mistake. */
int wh_certificate_list_valid(const char *pem);

/** 1 for "sha256//" and 32 bytes in base64, or several of these, joined by
 * ";". */
int wh_certificate_pins_valid(const char *pins);

/**
 * Judges a certificate and the key that belongs to it, both in PEM form.
 * @return NULL, or what is wrong, such as "the key is not that of the
 *         certificate"
 */
const char *wh_certificate_pair_refusal(const char *certificate,
                                        const char *key);

#endif
