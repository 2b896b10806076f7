/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Which request headers and payload members a webhook may add.
 * Stage: policy · from: request, deliver · to: - · pure: no I/O · any thread
 */
#ifndef WH_POLICY_HEADER_H
#define WH_POLICY_HEADER_H

#include <apr.h>

#define WH_HEADERS_MAX 32
#define WH_HEADER_SIZE_MAX 8192

/**
 * Judges one custom header: the name is a token (RFC 9110 section 5.6.2), the
 * value holds no control bytes (section 5.5), both within WH_HEADER_SIZE_MAX,
 * and the name is not one that the sender or HTTP itself owns (Host,
 * Content-Length, Transfer-Encoding, ..., X-SuperOffice-*, X-Hook-Test).
 * @return NULL if it may be sent, else a sentence part such as
 *         "is set by the sender"
 */
const char *wh_header_refusal(const char *name, const char *value);

/**
 * Judges the header of a kind of delivery that another module has added: as
 * above, but it may be one that the sender sets.
 * @return NULL or a sentence part
 */
const char *wh_header_malformed(const char *name, const char *value);

/**
 * Judges the name of a custom payload member: not empty, not one of the
 * built-in members in any case.
 * @return NULL or a sentence part
 */
const char *wh_property_refusal(const char *name);

#endif
