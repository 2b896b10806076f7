/* SPDX-License-Identifier: Apache-2.0 */
#include "media/merge_patch.h"

#include <apr_hash.h>
#include <apr_strings.h>

#include "base/text.h"
#include "media/json.h"

typedef struct merger_t {
    const char *message; /* set when the patch is refused */
    apr_pool_t *scratch;
} merger_t;

/* The members that an object had before it was merged with the patch. Looking
 * for each name of a large patch among them all would take quadratic time. */
typedef struct members_t {
    apr_hash_t *spelling; /* lower-case name to the first such name */
    apr_hash_t *matched;  /* names that the patch has named */
} members_t;

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

static void list_members(members_t *members, const json_t *object,
                         apr_pool_t *pool)
{
    const char *key;
    void *at;

    members->spelling = apr_hash_make(pool);
    members->matched = apr_hash_make(pool);
    for (at = json_object_iter((json_t *)object); at;
         at = json_object_iter_next((json_t *)object, at)) {
        /* Copies: the object's own goes with the member. */
        key = wh_text_lower(json_object_iter_key(at), pool);
        if (!apr_hash_get(members->spelling, key, APR_HASH_KEY_STRING)) {
            apr_hash_set(members->spelling, key, APR_HASH_KEY_STRING,
                         apr_pstrdup(pool, json_object_iter_key(at)));
        }
    }
}

/* The target's spelling of a name of the patch, or that name. */
static apr_status_t match(const char **name, merger_t *merger,
                          members_t *members, const json_t *object)
{
    const char *own = *name;

    if (!json_object_get(object, own)) {
        own =
            apr_hash_get(members->spelling, wh_text_lower(own, merger->scratch),
                         APR_HASH_KEY_STRING);
    }
    if (!own) {
        return APR_SUCCESS;
    }
    if (apr_hash_get(members->matched, own, APR_HASH_KEY_STRING)) {
        return refuse(merger, "The patch has two names of one member that "
                              "differ only in case.");
    }
    apr_hash_set(members->matched, own, APR_HASH_KEY_STRING, own);
    *name = own;
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
    apr_status_t rv = APR_SUCCESS;
    members_t members;
    const char *name;
    void *at;

    if (level > WH_MEDIA_DEPTH_MAX) {
        return refuse_depth(merger);
    }
    list_members(&members, object, merger->scratch);
    for (at = json_object_iter((json_t *)patch); at && rv == APR_SUCCESS;
         at = json_object_iter_next((json_t *)patch, at)) {
        name = json_object_iter_key(at);
        rv = match(&name, merger, &members, object);
        if (rv == APR_SUCCESS) {
            rv = merge_member(merger, object, name, json_object_iter_value(at),
                              level);
        }
    }
    return rv;
}

apr_status_t wh_merge_patch_apply(json_t **result, const char **message,
                                  const json_t *target, const json_t *patch,
                                  apr_pool_t *pool)
{
    merger_t merger = {"There is not enough memory.", NULL};
    json_t *document = NULL;
    apr_status_t rv;

    *result = NULL;
    *message = merger.message;
    rv = apr_pool_create(&merger.scratch, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
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
