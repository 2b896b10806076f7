/* SPDX-License-Identifier: Apache-2.0 */
#include "media/select.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <string.h>

#include "base/text.h"

#define BLANKS " \t"

/* What is selected of a value. */
typedef struct selection_t {
    int whole;           /* 1: all of it, whatever members say */
    apr_hash_t *members; /* lower-case name to selection_t *; NULL: none */
} selection_t;

/* The selection of a member, made if there is none. */
static selection_t *member_of(selection_t *selection, const char *name,
                              apr_pool_t *pool)
{
    selection_t *member;

    if (!selection->members) {
        selection->members = apr_hash_make(pool);
    }
    member = apr_hash_get(selection->members, name, APR_HASH_KEY_STRING);
    if (!member) {
        member = apr_pcalloc(pool, sizeof(*member));
        apr_hash_set(selection->members, name, APR_HASH_KEY_STRING, member);
    }
    return member;
}

/* The text without the blanks at its ends. */
static char *trim(char *text)
{
    char *end;

    text += strspn(text, BLANKS);
    for (end = text + strlen(text); end > text && strchr(BLANKS, end[-1]);) {
        end--;
    }
    *end = '\0';
    return text;
}

static selection_t *read_selection(const char *select, apr_pool_t *pool)
{
    selection_t *selection = apr_pcalloc(pool, sizeof(*selection));
    char *text = wh_text_lower(select, pool), *path, *name, *rest,
         *rest_of_path;

    for (path = apr_strtok(text, ",", &rest); path;
         path = apr_strtok(NULL, ",", &rest)) {
        selection_t *at = selection;

        for (name = apr_strtok(trim(path), "/", &rest_of_path); name;
             name = apr_strtok(NULL, "/", &rest_of_path)) {
            at = member_of(at, trim(name), pool);
        }
        if (at != selection) {
            at->whole = 1;
        }
    }
    return selection;
}

static int keep_selected(json_t *value, const selection_t *selection,
                         apr_pool_t *pool);

static int keep_members(json_t *object, const selection_t *selection,
                        apr_pool_t *pool)
{
    int kept = 0;
    void *at;

    for (at = json_object_iter(object); at;
         at = json_object_iter_next(object, at)) {
        const char *name = wh_text_lower(json_object_iter_key(at), pool);
        const selection_t *member;

        member = apr_hash_get(selection->members, name, APR_HASH_KEY_STRING);
        if (member && keep_selected(json_object_iter_value(at), member, pool)) {
            kept = 1;
        }
        else {
            /* Cannot fail: the member is there. */
            (void)json_object_iter_set_new(object, at, json_null());
        }
    }
    return kept;
}

/* 1 if there is something in value that is selected; the rest is null then. */
static int keep_selected(json_t *value, const selection_t *selection,
                         apr_pool_t *pool)
{
    int kept = 0;
    size_t i;

    if (selection->whole) {
        return 1;
    }
    if (json_is_object(value)) {
        return keep_members(value, selection, pool);
    }
    for (i = 0; i < json_array_size(value); i++) {
        kept |= keep_selected(json_array_get(value, i), selection, pool);
    }
    return kept;
}

void wh_select_apply(json_t *object, const char *select, apr_pool_t *pool)
{
    selection_t *selection;
    apr_pool_t *scratch;

    if (!select || !json_is_object(object) ||
        apr_pool_create(&scratch, pool) != APR_SUCCESS) {
        return;
    }
    selection = read_selection(select, scratch);
    if (selection->members) {
        (void)keep_members(object, selection, scratch);
    }
    apr_pool_destroy(scratch);
}
