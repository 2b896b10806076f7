/* SPDX-License-Identifier: Apache-2.0 */
#include "media/merge_patch.h"

#include <apr_hash.h>
#include <apr_tables.h>

#include "media/json.h"
#include "media/name_index.h"

typedef struct merger_t {
    const char *message; /* set when the patch is refused */
    wh_name_index_t *index;
    apr_pool_t *scratch;
} merger_t;

static apr_status_t refuse(merger_t *merger, const char *message)
{
    merger->message = message;
    return APR_EINVAL;
}

static apr_status_t refuse_depth(merger_t *merger)
{
    return refuse(merger, "The patched value would be nested deeper than 64 "
                          "levels.");
}

/* For each name of the patch, in its order, the spelling of the object, or the
 * name itself: all of them before the first member is changed. */
static apr_status_t match_names(apr_array_header_t **names, merger_t *merger,
                                json_t *object, const json_t *patch)
{
    apr_hash_t *matched = apr_hash_make(merger->scratch);
    const char *name, *own;
    void *at;

    *names = apr_array_make(merger->scratch, (int)json_object_size(patch),
                            sizeof(const char *));
    for (at = json_object_iter((json_t *)patch); at;
         at = json_object_iter_next((json_t *)patch, at)) {
        name = json_object_iter_key(at);
        own = wh_name_index_find(merger->index, object, name);
        if (own && apr_hash_get(matched, own, APR_HASH_KEY_STRING)) {
            return refuse(merger, "The patch has two names of one member that "
                                  "differ only in case.");
        }
        if (own) {
            apr_hash_set(matched, own, APR_HASH_KEY_STRING, own);
        }
        APR_ARRAY_PUSH(*names, const char *) = own ? own : name;
    }
    return APR_SUCCESS;
}

static apr_status_t copy_value(json_t **copy, merger_t *merger,
                               const json_t *value, int level)
{
    if (wh_json_deeper(value, WH_MEDIA_DEPTH_MAX - level)) {
        return refuse_depth(merger);
    }
    *copy = json_deep_copy(value);
    return *copy ? APR_SUCCESS : APR_ENOMEM;
}

static apr_status_t merge_object(merger_t *merger, json_t *object,
                                 const json_t *patch, int level);

/* Merges an object of the patch with what object has under a name. */
static apr_status_t merge_below(merger_t *merger, json_t *object,
                                const char *name, const json_t *patch,
                                int level)
{
    json_t *old = json_object_get(object, name), *inner;
    int failed;

    if (json_is_object(old)) {
        return merge_object(merger, old, patch, level + 1);
    }
    inner = json_object();
    if (json_is_array(old)) {
        failed = json_array_append_new(old, inner);
        level++;
    }
    else {
        failed = json_object_set_new(object, name, inner);
    }
    return failed ? APR_ENOMEM : merge_object(merger, inner, patch, level + 1);
}

static apr_status_t merge_member(merger_t *merger, json_t *object,
                                 const char *name, const json_t *value,
                                 int level)
{
    json_t *copy;
    apr_status_t rv;

    if (json_is_null(value)) {
        /* Fails only if there is no such member. */
        (void)json_object_del(object, name);
        return APR_SUCCESS;
    }
    if (json_is_object(value)) {
        return merge_below(merger, object, name, value, level);
    }
    rv = copy_value(&copy, merger, value, level);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    return json_object_set_new(object, name, copy) ? APR_ENOMEM : APR_SUCCESS;
}

/* level: how many objects and arrays are around a member, object included. */
static apr_status_t merge_object(merger_t *merger, json_t *object,
                                 const json_t *patch, int level)
{
    apr_array_header_t *names;
    apr_status_t rv;
    void *at;
    int i = 0;

    if (level > WH_MEDIA_DEPTH_MAX) {
        return refuse_depth(merger);
    }
    rv = match_names(&names, merger, object, patch);
    for (at = json_object_iter((json_t *)patch); at && rv == APR_SUCCESS;
         at = json_object_iter_next((json_t *)patch, at)) {
        rv = merge_member(merger, object,
                          APR_ARRAY_IDX(names, i++, const char *),
                          json_object_iter_value(at), level);
    }
    return rv;
}

apr_status_t wh_merge_patch_apply(json_t **result, const char **message,
                                  const json_t *target, const json_t *patch,
                                  apr_pool_t *pool)
{
    merger_t merger = {"There is not enough memory.", NULL, NULL};
    json_t *document = NULL;
    apr_status_t rv;

    *result = NULL;
    *message = merger.message;
    rv = apr_pool_create(&merger.scratch, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    merger.index = wh_name_index_create(merger.scratch);
    if (json_is_object(patch)) {
        document =
            json_is_object(target) ? json_deep_copy(target) : json_object();
        rv = document ? merge_object(&merger, document, patch, 1) : APR_ENOMEM;
    }
    else {
        rv = copy_value(&document, &merger, patch, 0);
    }
    apr_pool_destroy(merger.scratch);
    if (rv != APR_SUCCESS) {
        *message = merger.message;
        json_decref(document);
        return rv;
    }
    *message = NULL;
    wh_json_own(document, pool);
    *result = document;
    return APR_SUCCESS;
}
