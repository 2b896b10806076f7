/* SPDX-License-Identifier: Apache-2.0 */
/**
 * JSON Merge Patch (RFC 7396) as the API has it.
 * Stage: media · from: request · to: - · pure · any thread
 *
 * Beyond the RFC (superoffice.md section 1): names are matched exactly or
 * else in any case, and keep the target's spelling; a member that is an array
 * in the target and an object in the patch gets the object appended. An array
 * in the patch replaces.
 */
#ifndef WH_MEDIA_MERGE_PATCH_H
#define WH_MEDIA_MERGE_PATCH_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <jansson.h>

/**
 * Applies a patch to a copy of target.
 * @param result lives as long as pool
 * @return APR_SUCCESS or APR_ENOMEM
 */
apr_status_t wh_merge_patch_apply(json_t **result, const json_t *target,
                                  const json_t *patch, apr_pool_t *pool);

#endif
