/* SPDX-License-Identifier: Apache-2.0 */
/* A merge patch and what it is applied to. */
#include "fuzz/json_texts.h"
#include "media/merge_patch.h"

/* 1 if the patch needs nothing that RFC 7396 does not have: no name is matched
 * in another case, no object appended. */
static int is_plain(const json_t *target, const json_t *patch)
{
    void *at;

    for (at = json_object_iter((json_t *)patch); at;
         at = json_object_iter_next((json_t *)patch, at)) {
        const char *name = json_object_iter_key(at);
        const char *own = wh_json_name(target, name);
        const json_t *value = json_object_iter_value(at);
        const json_t *old = json_object_get(target, name);

        if ((own && strcmp(own, name)) ||
            (json_is_object(value) &&
             (json_is_array(old) || !is_plain(old, value)))) {
            return 0;
        }
    }
    return 1;
}

/* The function of RFC 7396 section 2. Takes the reference to target. */
static json_t *merge_as_rfc(json_t *target, const json_t *patch)
{
    void *at;

    if (!json_is_object(patch)) {
        json_decref(target);
        return json_deep_copy(patch);
    }
    if (!json_is_object(target)) {
        json_decref(target);
        target = json_object();
    }
    for (at = json_object_iter((json_t *)patch); at;
         at = json_object_iter_next((json_t *)patch, at)) {
        const char *name = json_object_iter_key(at);
        const json_t *value = json_object_iter_value(at);

        if (json_is_null(value)) {
            json_object_del(target, name);
        }
        else {
            json_t *old = json_incref(json_object_get(target, name));

            MUST(!json_object_set_new(target, name, merge_as_rfc(old, value)));
        }
    }
    return target;
}

static void check_result(const json_t *result, const json_t *target,
                         const json_t *patch, apr_pool_t *pool)
{
    const char *message = NULL;
    json_t *other = NULL;

    MUST(!wh_json_deeper(result, WH_MEDIA_DEPTH_MAX));
    if (is_plain(target, patch)) {
        other = merge_as_rfc(json_deep_copy(target), patch);
        MUST(json_equal(result, other));
        json_decref(other);
    }
    if (is_plain(result, patch)) {
        MUST(wh_merge_patch_apply(&other, &message, result, patch, pool) ==
             APR_SUCCESS);
        MUST(json_equal(result, other));
    }
}

static void check_patch(const json_t *target, const json_t *patch,
                        apr_pool_t *pool)
{
    const char *message = NULL;
    json_t *result = NULL;
    apr_status_t rv;

    rv = wh_merge_patch_apply(&result, &message, target, patch, pool);
    if (rv == APR_SUCCESS) {
        MUST(result && !message);
        check_result(result, target, patch, pool);
    }
    else {
        MUST(rv == APR_EINVAL && !result && message);
        /* No patch that was let in is too deep; appending makes it so. */
        MUST(!is_plain(target, patch));
        check_message(message);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_texts_check(data, size, check_patch);
    return 0;
}
