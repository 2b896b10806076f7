/* SPDX-License-Identifier: Apache-2.0 */
/**
 * JSON Patch (RFC 6902) as the API has it: add, remove, replace and test.
 * Stage: media · from: request · to: - · pure · any thread
 *
 * Beyond the RFC (superoffice.md section 1): the leading "/" of a path may be
 * missing; a name in a path is matched exactly or else in any case; names of
 * operations ("op" values) and of their members are matched in any case.
 * "move" and "copy" are refused with a sentence that says so.
 */
#ifndef WH_MEDIA_JSON_PATCH_H
#define WH_MEDIA_JSON_PATCH_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <jansson.h>

/** Most operations of one patch. */
#define WH_PATCH_OPERATIONS_MAX 1000

/** A "test" did not hold (409); nothing is changed. */
#define WH_PATCH_TEST_FAILED (APR_OS_START_USERERR + 111)

/**
 * Applies a patch to a copy of target: all of it or nothing. The whole patch
 * is read before the first operation is applied.
 *
 * "test" compares as RFC 6902 section 4.6 has it, names in values exactly and
 * numbers by what they are (1 is 1.0). What its path names and is not there
 * equals nothing: the test has failed.
 * @param result the patched value, lives as long as pool; may share parts
 *        with neither argument
 * @param message set when it fails: a sentence with the number (from 1), op
 *        and path of the operation, as far as there are any
 * @return APR_SUCCESS; APR_EINVAL: not a patch, a path that leads nowhere, or
 *         a result nested deeper than WH_MEDIA_DEPTH_MAX (400);
 *         WH_PATCH_TEST_FAILED; APR_ENOMEM
 */
apr_status_t wh_json_patch_apply(json_t **result, const char **message,
                                 const json_t *target, const json_t *patch,
                                 apr_pool_t *pool);

#endif
