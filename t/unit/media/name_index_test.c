/* SPDX-License-Identifier: Apache-2.0 */
/* Members in any case, of objects small and large. */
#include <apr_general.h>

#include "media/name_index.h"
#include "unit/media/quoted.h"

static apr_pool_t *pool;

/* An object of the members Member0, Member1 ... */
static json_t *make_object(int members)
{
    json_t *object = json_object();
    int i;

    for (i = 0; i < members; i++) {
        json_object_set_new(object, apr_psprintf(pool, "Member%d", i),
                            json_integer(i));
    }
    return object;
}

/* Sizes on both sides of the one from which there is an index. */
static void test_sizes(void)
{
    int size, i, wrong = 0, strange = 0;

    for (size = 1; size <= 100; size++) {
        wh_name_index_t *index = wh_name_index_create(pool);
        json_t *object = make_object(size);

        for (i = 0; i < size; i++) {
            const char *name = apr_psprintf(pool, "mEMBER%d", i);
            const char *own = wh_name_index_find(index, object, name);

            wrong += !own || strcmp(own, apr_psprintf(pool, "Member%d", i));
        }
        strange += wh_name_index_find(index, object, "member") != NULL;
        strange += wh_name_index_find(index, object, "") != NULL;
        strange += wh_name_index_find(index, object, "member100") != NULL;
        json_decref(object);
    }
    is_int(wrong, 0, "every member is found in another case");
    is_int(strange, 0, "and no other");
}

static void test_changes(int size)
{
    wh_name_index_t *index = wh_name_index_create(pool);
    json_t *object = make_object(size);

    is_str(wh_name_index_find(index, object, "NEW"), NULL,
           "of %d: not there yet", size);
    wh_name_index_add(index, object, "New");
    json_object_set_new(object, "New", json_null());
    is_str(wh_name_index_find(index, object, "NEW"), "New", "of %d: added",
           size);
    json_object_del(object, "New");
    is_str(wh_name_index_find(index, object, "NEW"), NULL, "of %d: gone", size);
    is_str(wh_name_index_find(index, object, "New"), NULL,
           "of %d: not even exactly", size);
    wh_name_index_add(index, object, "nEw");
    json_object_set_new(object, "nEw", json_null());
    is_str(wh_name_index_find(index, object, "new"), "nEw",
           "of %d: back in another spelling", size);
    json_decref(object);
}

static void test_twins(int size)
{
    wh_name_index_t *index = wh_name_index_create(pool);
    json_t *object = make_object(size);
    static const char *const twins[] = {"ab", "aB", "Ab"};
    const char *found;
    int i;

    for (i = 0; i < 3; i++) {
        json_object_set_new(object, twins[i], json_integer(i));
    }
    for (i = 0; i < 3; i++) {
        is_str(wh_name_index_find(index, object, twins[i]), twins[i],
               "of %d: the exact one first", size);
    }
    for (i = 3; i > 0; i--) {
        found = wh_name_index_find(index, object, "AB");
        ok(found && json_object_get(object, found),
           "of %d: one of those that are left", size);
        json_object_del(object, found);
    }
    is_str(wh_name_index_find(index, object, "AB"), NULL, "of %d: none is left",
           size);
    json_decref(object);
}

/* An object that went cannot be taken for a later one at its address. */
static void test_lives(void)
{
    apr_pool_t *inner;
    wh_name_index_t *index;
    json_t *object = make_object(50);

    apr_pool_create(&inner, pool);
    index = wh_name_index_create(inner);
    is_str(wh_name_index_find(index, object, "member0"), "Member0",
           "an object of 50 members");
    is_int((int)object->refcount, 2, "the index keeps it");
    apr_pool_destroy(inner);
    is_int((int)object->refcount, 1, "and lets it go with its pool");
    json_decref(object);
}

static void test_others(void)
{
    wh_name_index_t *index = wh_name_index_create(pool);
    json_t *array = parse_quoted("['a']", pool);

    is_str(wh_name_index_find(index, array, "a"), NULL, "an array");
    is_str(wh_name_index_find(index, NULL, "a"), NULL, "nothing at all");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_sizes();
    test_changes(3);
    test_changes(500);
    test_twins(3);
    test_twins(500);
    test_lives();
    test_others();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
