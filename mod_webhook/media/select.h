/* SPDX-License-Identifier: Apache-2.0 */
/**
 * $select: which members of an answer keep their values.
 * Stage: media · from: request · to: - · pure · any thread
 */
#ifndef WH_MEDIA_SELECT_H
#define WH_MEDIA_SELECT_H

#include <apr_pools.h>
#include <jansson.h>

/**
 * Sets every member of an object that is not selected to null; members stay
 * in their order (superoffice.md section 1).
 * @param select names parted by commas, blanks around them ignored, in any
 *        case; "a/b" selects a member of a member, or of each item of a
 *        member; names that there are not are ignored; NULL or blank selects
 *        all
 */
void wh_select_apply(json_t *object, const char *select, apr_pool_t *pool);

#endif
