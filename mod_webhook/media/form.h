/* SPDX-License-Identifier: Apache-2.0 */
/**
 * application/x-www-form-urlencoded: bodies and query strings.
 * Stage: media · from: request · to: - · pure · any thread
 *
 * Not ap_parse_form_data(): that reads the request itself, so that neither
 * tools nor fuzz targets could use it. Decoding is apr_unescape_url()'s.
 */
#ifndef WH_MEDIA_FORM_H
#define WH_MEDIA_FORM_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_tables.h>
#include <jansson.h>

/**
 * Parses a body into an object of strings. "a=1&a=2" and "a[]=1" make arrays;
 * "a[b]=c" makes objects, nested to WH_MEDIA_DEPTH_MAX. Names are decoded
 * before brackets are looked for. A name without "=" has the value "". Refused:
 * broken escapes, NUL, what is not UTF-8, a name that is both a text and an
 * object, an empty name, more than WH_MEDIA_MEMBERS_MAX pairs.
 * @param document an object; NULL if text is empty
 * @return APR_SUCCESS or APR_EINVAL with a message
 */
apr_status_t wh_form_parse(json_t **document, const char **message,
                           const char *text, apr_size_t length,
                           apr_pool_t *pool);

/**
 * Parses a query string into a table (names in any case, the first of each
 * counts, brackets mean nothing).
 * @param query NULL: none
 * @return APR_SUCCESS or APR_EINVAL with a message
 */
apr_status_t wh_form_query(apr_table_t **parameters, const char **message,
                           const char *query, apr_pool_t *pool);

#endif
