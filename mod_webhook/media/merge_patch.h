/* SPDX-License-Identifier: Apache-2.0 */
/**
 * JSON Merge Patch (RFC 7396) as the API has it.
 * Stage: media · from: request · to: - · pure · any thread
 *
 * Beyond the RFC (superoffice.md section 1): names are matched exactly or
 * else in any case, and keep the target's spelling; a member that is an array
 * in the target and an object in the patch gets the object appended, without
 * the members of it that are null. An array in the patch replaces.
 *
 * A patch whose names match one member of the target twice is refused: which
 * of them counts would depend on the order of members, and an object has none.
 */
#ifndef WH_MEDIA_MERGE_PATCH_H
#define WH_MEDIA_MERGE_PATCH_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <jansson.h>

/**
 * Applies a patch to a copy of target, in time linear in the size of both.
 * @param result lives as long as pool; shares parts with neither argument
 * @param message set when it fails: a sentence
 * @return APR_SUCCESS; APR_EINVAL: one member is named twice, or the result
 *         is nested deeper than WH_MEDIA_DEPTH_MAX by the patch (400);
 *         APR_ENOMEM
 */
apr_status_t wh_merge_patch_apply(json_t **result, const char **message,
                                  const json_t *target, const json_t *patch,
                                  apr_pool_t *pool);

#endif
