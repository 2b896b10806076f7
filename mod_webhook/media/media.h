/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Media types of request bodies, and bodies as JSON values.
 * Stage: media · from: request · to: json, xml, form · pure · any thread
 */
#ifndef WH_MEDIA_MEDIA_H
#define WH_MEDIA_MEDIA_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <jansson.h>

/**
 * The one list of media types of request bodies: X(kind, name).
 * superoffice.md section 1.
 */
#define WH_MEDIA_TYPES(X)                                                      \
    X(JSON, "application/json")                                                \
    X(JSON, "text/json")                                                       \
    X(XML, "application/xml")                                                  \
    X(XML, "text/xml")                                                         \
    X(FORM, "application/x-www-form-urlencoded")                               \
    X(JSON_PATCH, "application/json-patch+json")                               \
    X(MERGE_PATCH, "application/merge-patch+json")

typedef enum {
    WH_MEDIA_JSON,
    WH_MEDIA_XML,
    WH_MEDIA_FORM,
    WH_MEDIA_JSON_PATCH,
    WH_MEDIA_MERGE_PATCH
} wh_media_kind_t;

/** What a Content-Type header says. */
typedef struct wh_media_t {
    wh_media_kind_t kind;
    const char *charset; /**< NULL: UTF-8 */
} wh_media_t;

/** Names of the types, parted by ", ", for a sentence or a header. */
const char *wh_media_names(void);

/**
 * Reads a Content-Type (RFC 9110 section 8.3): type and subtype in any case,
 * charset quoted or not, other parameters ignored; for XML "utf-8" and none
 * are the same.
 * @return APR_SUCCESS, or APR_ENOTIMPL: not one of the list, not in order
 */
apr_status_t wh_media_type_parse(wh_media_t *media, const char *content_type,
                                 apr_pool_t *pool);

/**
 * A body as a JSON value. Patches come as they are. Another charset than
 * UTF-8 is converted by apr_xlate first.
 * @param document lives as long as pool; NULL: nothing but white space
 * @param message set when refused
 * @return APR_SUCCESS; APR_EINVAL: not acceptable (400);
 *         APR_ENOTIMPL: the charset cannot be converted here (415)
 */
apr_status_t wh_media_read(json_t **document, const char **message,
                           const wh_media_t *media, const char *bytes,
                           apr_size_t length, apr_pool_t *pool);

#endif
