/* SPDX-License-Identifier: Apache-2.0 */
/**
 * JSON text of unknown origin, made a tree only when it is harmless.
 * Private to request/ · pure · any thread
 */
#ifndef WH_REQUEST_DOCUMENT_H
#define WH_REQUEST_DOCUMENT_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <jansson.h>

#define WH_DOCUMENT_DEPTH_MAX 64
#define WH_DOCUMENT_MEMBERS_MAX 10000

/**
 * Parses one JSON value, strictly: UTF-8, no byte 0, no name twice in an
 * object, nothing behind it, integers of 64 bits, depth and number of members
 * as above.
 * @param document lives as long as pool; NULL if text holds only white space
 * @param message set when refused
 * @return APR_SUCCESS or APR_EINVAL
 */
apr_status_t wh_document_parse(json_t **document, const char **message,
                               const char *text, apr_size_t length,
                               apr_pool_t *pool);

#endif
