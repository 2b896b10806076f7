/* SPDX-License-Identifier: Apache-2.0 */
#include "media/name_index.h"

#include <apr_hash.h>
#include <apr_strings.h>

#include "base/text.h"
#include "media/json.h"

/* An object of fewer members is looked through. */
#define LARGE 32

typedef struct spelling_t spelling_t;

struct spelling_t {
    const char *name;
    spelling_t *next;
};

struct wh_name_index_t {
    apr_hash_t *objects; /* address of the object to the hash of its names:
                            lower-case name to first spelling_t */
    apr_pool_t *pool;
};

wh_name_index_t *wh_name_index_create(apr_pool_t *pool)
{
    wh_name_index_t *index = apr_palloc(pool, sizeof(*index));

    index->objects = apr_hash_make(pool);
    index->pool = pool;
    return index;
}

static void add_name(apr_hash_t *names, const char *name, apr_pool_t *pool)
{
    const char *key = wh_text_lower(name, pool);
    spelling_t *first = apr_hash_get(names, key, APR_HASH_KEY_STRING);
    spelling_t *spelling = apr_palloc(pool, sizeof(*spelling));

    /* A copy: the object's own goes with the member. */
    spelling->name = apr_pstrdup(pool, name);
    spelling->next = first;
    apr_hash_set(names, key, APR_HASH_KEY_STRING, spelling);
}

static apr_hash_t *names_of(const wh_name_index_t *index, const json_t *object)
{
    return apr_hash_get(index->objects, &object, sizeof(object));
}

static apr_hash_t *list_names(wh_name_index_t *index, json_t *object)
{
    apr_hash_t *names = apr_hash_make(index->pool);
    json_t **key = apr_palloc(index->pool, sizeof(*key));
    void *at;

    for (at = json_object_iter(object); at;
         at = json_object_iter_next(object, at)) {
        add_name(names, json_object_iter_key(at), index->pool);
    }
    *key = object;
    apr_hash_set(index->objects, key, sizeof(*key), names);
    /* No other object must get its address. */
    wh_json_own(json_incref(object), index->pool);
    return names;
}

/* Names whose member went are dropped when they are met, each of them once. */
static const char *find_spelling(apr_hash_t *names, const json_t *object,
                                 const char *key)
{
    spelling_t *first = apr_hash_get(names, key, APR_HASH_KEY_STRING);
    spelling_t *spelling = first;

    while (spelling && !json_object_get(object, spelling->name)) {
        spelling = spelling->next;
    }
    if (spelling != first) {
        apr_hash_set(names, key, APR_HASH_KEY_STRING, spelling);
    }
    return spelling ? spelling->name : NULL;
}

const char *wh_name_index_find(wh_name_index_t *index, json_t *object,
                               const char *name)
{
    apr_hash_t *names;

    if (json_object_get(object, name)) {
        return name;
    }
    if (json_object_size(object) < LARGE) {
        return wh_json_name(object, name);
    }
    names = names_of(index, object);
    if (!names) {
        names = list_names(index, object);
    }
    return find_spelling(names, object, wh_text_lower(name, index->pool));
}

void wh_name_index_add(wh_name_index_t *index, const json_t *object,
                       const char *name)
{
    apr_hash_t *names = names_of(index, object);

    if (names) {
        add_name(names, name, index->pool);
    }
}
