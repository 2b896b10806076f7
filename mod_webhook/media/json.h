/* SPDX-License-Identifier: Apache-2.0 */
/**
 * JSON text of unknown origin, made a tree only when it is harmless.
 * Stage: media · from: request, ctl · to: - · pure · any thread
 */
#ifndef WH_MEDIA_JSON_H
#define WH_MEDIA_JSON_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <jansson.h>

/** Bounds of a body in any media type. */
#define WH_MEDIA_DEPTH_MAX 64
#define WH_MEDIA_MEMBERS_MAX 10000

/**
 * Parses one JSON value (RFC 8259): UTF-8 (a byte order mark is skipped), no
 * NUL, no name twice in an object, nothing behind it, integers of 64 bits,
 * depth and number of members and items as above. One comma between a value
 * and a closing bracket is tolerated, because clients of the API send it
 * (superoffice.md section 1). Reals beyond a double are refused.
 * @param document lives as long as pool; NULL if text holds only white space
 * @param message set when refused
 * @return APR_SUCCESS or APR_EINVAL; anything else: no memory
 */
apr_status_t wh_json_parse(json_t **document, const char **message,
                           const char *text, apr_size_t length,
                           apr_pool_t *pool);

/**
 * The text of a value, as json_dumps() makes it, but reals with as few digits
 * as all reals of the value need to be read back the same: 0.1 stays 0.1.
 * @param flags of jansson, without JSON_REAL_PRECISION
 * @return to be freed; NULL: out of memory, or a text that is not UTF-8
 */
char *wh_json_dump(const json_t *value, size_t flags);

/** Registers the release of a reference with a pool. NULL is allowed. */
void wh_json_own(json_t *value, apr_pool_t *pool);

/** The member of an object whose name is this one, exactly or else in any
 * case. A borrowed reference; NULL: none, or no object. */
json_t *wh_json_member(const json_t *object, const char *name);

/** How an object itself spells the name of the member that wh_json_member()
 * finds. Belongs to object, as long as it has that member; NULL: none. */
const char *wh_json_name(const json_t *object, const char *name);

/** 1 if objects and arrays are nested in value to more levels than these; "[]"
 * is one level, a number none. Looks no deeper than it must. */
int wh_json_deeper(const json_t *value, int levels);

#endif
