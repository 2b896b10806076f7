/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON Patch and what it is applied to. */
#include <apr_cstr.h>

#include "fuzz/json_texts.h"
#include "media/json_patch.h"

/* What a result must be, whatever led to it: no deeper than allowed, and equal
 * to itself when the patch goes on with a test of all of it. */
static void check_result(const json_t *result, const json_t *target,
                         const json_t *patch, apr_pool_t *pool)
{
    json_t *longer = json_copy((json_t *)patch), *again = NULL;
    json_t *test =
        json_pack("{s:s, s:s, s:O}", "op", "test", "path", "", "value", result);
    const char *message;

    MUST(!wh_json_deeper(result, WH_MEDIA_DEPTH_MAX));
    MUST(longer && test && !json_array_append_new(longer, test));
    if (json_array_size(longer) <= WH_PATCH_OPERATIONS_MAX) {
        MUST(wh_json_patch_apply(&again, &message, target, longer, pool) ==
             APR_SUCCESS);
        MUST(json_equal(result, again));
    }
    json_decref(longer);
}

/* 1 if an operation of the patch changes something. */
static int has_changes(const json_t *patch)
{
    size_t i;

    for (i = 0; i < json_array_size(patch); i++) {
        const char *op =
            json_string_value(wh_json_member(json_array_get(patch, i), "op"));

        if (!op || apr_cstr_casecmp(op, "test")) {
            return 1;
        }
    }
    return 0;
}

static void check_patch(const json_t *target, const json_t *patch,
                        apr_pool_t *pool)
{
    const char *message = NULL;
    json_t *result = NULL;
    apr_status_t rv;

    rv = wh_json_patch_apply(&result, &message, target, patch, pool);
    if (rv == APR_SUCCESS) {
        MUST(json_is_array(patch) && result && !message);
        MUST(has_changes(patch) || json_equal(result, target));
        check_result(result, target, patch, pool);
    }
    else {
        MUST(rv == APR_EINVAL || rv == WH_PATCH_TEST_FAILED);
        MUST(!result && message);
        check_message(message);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_texts_check(data, size, check_patch);
    return 0;
}
