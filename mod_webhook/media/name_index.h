/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Members in any case, in time that does not grow with the object.
 * Stage: media · from: media · to: - · pure · one thread at a time
 *
 * wh_json_name() looks at all members before it says that there is none. A
 * patch with many names for a large object would take quadratic time.
 */
#ifndef WH_MEDIA_NAME_INDEX_H
#define WH_MEDIA_NAME_INDEX_H

#include <apr_pools.h>
#include <jansson.h>

/** The names of all large objects that were asked for. Keeps these objects
 * alive as long as its pool. */
typedef struct wh_name_index_t wh_name_index_t;

wh_name_index_t *wh_name_index_create(apr_pool_t *pool);

/**
 * As wh_json_name(). Of several names that differ only in case any one may be
 * found, if none is exact.
 * @return belongs to object or index, or is name itself
 */
const char *wh_name_index_find(wh_name_index_t *index, json_t *object,
                               const char *name);

/** To be told of each member that an object gets. That one goes is seen. */
void wh_name_index_add(wh_name_index_t *index, const json_t *object,
                       const char *name);

#endif
