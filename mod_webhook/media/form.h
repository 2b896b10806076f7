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

/** Most parameters of a query: a table is searched from its start. */
#define WH_FORM_PARAMETERS_MAX 1000

/**
 * Parses a body into an object of strings. "a=1&a=2" and "a[]=1" make arrays;
 * "a[b]=c" makes objects, "a[][b]=c" a new object in an array, and so on to a
 * document of WH_MEDIA_DEPTH_MAX levels. Names are decoded before brackets are
 * looked for; a name that begins with a bracket, or in which they do not go on
 * in pairs to its end, is an ordinary one. A name without "=" has the value
 * "". Escapes are bytes of UTF-8, whatever the charset of the body. Refused:
 * broken escapes, NUL, what is not UTF-8, a name that is both an object and
 * something else, an empty name, more than WH_MEDIA_MEMBERS_MAX members and
 * items.
 * @param document an object; NULL if text is empty
 * @return APR_SUCCESS or APR_EINVAL with a message; anything else: no memory
 */
apr_status_t wh_form_parse(json_t **document, const char **message,
                           const char *text, apr_size_t length,
                           apr_pool_t *pool);

/**
 * Parses a query string into a table (names in any case, the first of each
 * counts, brackets mean nothing). Refused: what a body is refused for, and more
 * than WH_FORM_PARAMETERS_MAX pairs.
 * @param query NULL: none
 * @return APR_SUCCESS or APR_EINVAL with a message
 */
apr_status_t wh_form_query(apr_table_t **parameters, const char **message,
                           const char *query, apr_pool_t *pool);

#endif
