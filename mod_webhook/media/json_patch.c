/* SPDX-License-Identifier: Apache-2.0 */
#include "media/json_patch.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <string.h>

#include "base/text.h"
#include "media/json.h"
#include "media/name_index.h"

/* Bytes of a client's text that a message repeats. */
#define EXCERPT_MAX 100

/* Digits of an index that is looked at: no array here is longer. */
#define INDEX_DIGITS_MAX 9

typedef struct operation_t operation_t;

/* What is being patched. */
typedef struct document_t {
    json_t *root; /* owned */
    wh_name_index_t *index;
} document_t;

typedef apr_status_t apply_fn_t(const char **reason, document_t *document,
                                const operation_t *operation);

typedef struct kind_t {
    const char *name;
    apply_fn_t *apply; /* NULL: an operation of the RFC that is refused */
    int has_value;
} kind_t;

struct operation_t {
    const char *op;   /* as the client wrote it; NULL: not known */
    const char *path; /* likewise */
    const kind_t *kind;
    apr_array_header_t *names; /* of const char *: the path, unescaped */
    const json_t *value;
};

static const char nowhere[] = "the path leads to nothing that is there";
static const char too_deep[] =
    "the result would be nested deeper than 64 levels";

static apr_status_t fail(const char **reason, apr_status_t rv, const char *text)
{
    *reason = text;
    return rv;
}

/* -- paths --------------------------------------------------------------- */

/* A name of a path (RFC 6901 section 3); NULL: "~" without "0" or "1". */
static char *unescape(const char *text, apr_size_t length, apr_pool_t *pool)
{
    char *name = apr_palloc(pool, length + 1), *to = name;
    const char *end = text + length;

    for (; text < end; text++) {
        if (*text != '~') {
            *to++ = *text;
        }
        else if (++text < end && (*text == '0' || *text == '1')) {
            *to++ = *text == '0' ? '~' : '/';
        }
        else {
            return NULL;
        }
    }
    *to = '\0';
    return name;
}

static apr_status_t split_path(operation_t *operation, const char **reason,
                               apr_pool_t *pool)
{
    const char *at = operation->path;
    apr_size_t length;
    char *name;

    operation->names = apr_array_make(pool, 4, sizeof(const char *));
    if (!*at) {
        return APR_SUCCESS;
    }
    for (at += *at == '/';; at += length + 1) {
        length = strcspn(at, "/");
        if (operation->names->nelts == WH_MEDIA_DEPTH_MAX) {
            return fail(reason, APR_EINVAL, "the path has more than 64 names");
        }
        name = unescape(at, length, pool);
        if (!name) {
            return fail(reason, APR_EINVAL,
                        "\"~\" in a path must be \"~0\", and \"/\" in a name "
                        "\"~1\"");
        }
        APR_ARRAY_PUSH(operation->names, const char *) = name;
        if (!at[length]) {
            return APR_SUCCESS;
        }
    }
}

/* RFC 6901 section 4: digits without a leading zero. */
static int read_index(size_t *index, const char *name)
{
    apr_size_t length = strlen(name);

    if (length == 0 || length > INDEX_DIGITS_MAX ||
        strspn(name, "0123456789") != length ||
        (name[0] == '0' && length > 1)) {
        return 0;
    }
    *index = (size_t)apr_atoi64(name);
    return 1;
}

static json_t *step(document_t *document, json_t *value, const char *name)
{
    const char *own;
    size_t index;

    if (json_is_array(value)) {
        return read_index(&index, name) ? json_array_get(value, index) : NULL;
    }
    own = wh_name_index_find(document->index, value, name);
    return own ? json_object_get(value, own) : NULL;
}

/* What the first count names of a path lead to; NULL: nothing. */
static json_t *walk(document_t *document, const operation_t *operation,
                    int count)
{
    json_t *value = document->root;
    int i;

    for (i = 0; value && i < count; i++) {
        value = step(document, value,
                     APR_ARRAY_IDX(operation->names, i, const char *));
    }
    return value;
}

/* What holds the last thing that a path names; not for the path "". */
static json_t *walk_to_holder(document_t *document,
                              const operation_t *operation)
{
    return walk(document, operation, operation->names->nelts - 1);
}

static const char *last_name(const operation_t *operation)
{
    return APR_ARRAY_IDX(operation->names, operation->names->nelts - 1,
                         const char *);
}

/* -- operations ---------------------------------------------------------- */

static apr_status_t put_member(const char **reason, document_t *document,
                               json_t *object, const operation_t *operation,
                               int replaces)
{
    const char *name = last_name(operation);
    const char *own = wh_name_index_find(document->index, object, name);

    if (!own && replaces) {
        return fail(reason, APR_EINVAL, nowhere);
    }
    if (!own) {
        wh_name_index_add(document->index, object, name);
    }
    return json_object_set_new(object, own ? own : name,
                               json_deep_copy(operation->value))
               ? APR_ENOMEM
               : APR_SUCCESS;
}

static apr_status_t put_item(const char **reason, json_t *array,
                             const operation_t *operation, int replaces)
{
    const char *name = last_name(operation);
    size_t size = json_array_size(array), index;
    json_t *copy;
    int failed;

    if (!replaces && !strcmp(name, "-")) {
        index = size;
    }
    else if (!read_index(&index, name) || index + (replaces != 0) > size) {
        return fail(reason, APR_EINVAL, nowhere);
    }
    copy = json_deep_copy(operation->value);
    failed = replaces ? json_array_set_new(array, index, copy)
                      : json_array_insert_new(array, index, copy);
    return failed ? APR_ENOMEM : APR_SUCCESS;
}

static apr_status_t put_root(document_t *document, const json_t *value)
{
    json_t *copy = json_deep_copy(value);

    if (!copy) {
        return APR_ENOMEM;
    }
    json_decref(document->root);
    document->root = copy;
    return APR_SUCCESS;
}

static apr_status_t put(const char **reason, document_t *document,
                        const operation_t *operation, int replaces)
{
    int above = operation->names->nelts;
    json_t *holder;

    if (wh_json_deeper(operation->value, WH_MEDIA_DEPTH_MAX - above)) {
        return fail(reason, APR_EINVAL, too_deep);
    }
    if (above == 0) {
        return put_root(document, operation->value);
    }
    holder = walk_to_holder(document, operation);
    if (json_is_object(holder)) {
        return put_member(reason, document, holder, operation, replaces);
    }
    if (json_is_array(holder)) {
        return put_item(reason, holder, operation, replaces);
    }
    return fail(reason, APR_EINVAL, nowhere);
}

static apr_status_t apply_add(const char **reason, document_t *document,
                              const operation_t *operation)
{
    return put(reason, document, operation, 0);
}

static apr_status_t apply_replace(const char **reason, document_t *document,
                                  const operation_t *operation)
{
    return put(reason, document, operation, 1);
}

static apr_status_t apply_remove(const char **reason, document_t *document,
                                 const operation_t *operation)
{
    const char *name, *own;
    json_t *holder;
    size_t index;

    if (operation->names->nelts == 0) {
        return fail(reason, APR_EINVAL, "the whole document cannot be removed");
    }
    holder = walk_to_holder(document, operation);
    name = last_name(operation);
    own = wh_name_index_find(document->index, holder, name);
    if (own && json_object_del(holder, own) == 0) {
        return APR_SUCCESS;
    }
    if (json_is_array(holder) && read_index(&index, name) &&
        json_array_remove(holder, index) == 0) {
        return APR_SUCCESS;
    }
    return fail(reason, APR_EINVAL, nowhere);
}

static int same_number(const json_t *a, const json_t *b)
{
    json_int_t integer;
    double real;

    if (json_typeof(a) == json_typeof(b)) {
        return json_is_integer(a)
                   ? json_integer_value(a) == json_integer_value(b)
                   : json_real_value(a) == json_real_value(b);
    }
    integer = json_integer_value(json_is_integer(a) ? a : b);
    real = json_real_value(json_is_real(a) ? a : b);
    /* Several large integers become the same double, so the double is made
     * an integer, if it has one. */
    return real >= -9223372036854775808.0 && real < 9223372036854775808.0 &&
           (json_int_t)real == integer && (double)(json_int_t)real == real;
}

static int same(const json_t *a, const json_t *b);

static int same_members(const json_t *a, const json_t *b)
{
    void *at;

    if (json_object_size(a) != json_object_size(b)) {
        return 0;
    }
    for (at = json_object_iter((json_t *)a); at;
         at = json_object_iter_next((json_t *)a, at)) {
        if (!same(json_object_iter_value(at),
                  json_object_get(b, json_object_iter_key(at)))) {
            return 0;
        }
    }
    return 1;
}

static int same_items(const json_t *a, const json_t *b)
{
    size_t i, size = json_array_size(a);

    if (size != json_array_size(b)) {
        return 0;
    }
    for (i = 0; i < size; i++) {
        if (!same(json_array_get(a, i), json_array_get(b, i))) {
            return 0;
        }
    }
    return 1;
}

/* json_equal() takes 1 and 1.0 for two values. NULL equals nothing. */
static int same(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b)) {
        return same_number(a, b);
    }
    if (json_is_object(a) && json_is_object(b)) {
        return same_members(a, b);
    }
    if (json_is_array(a) && json_is_array(b)) {
        return same_items(a, b);
    }
    return json_equal(a, b);
}

static apr_status_t apply_test(const char **reason, document_t *document,
                               const operation_t *operation)
{
    const json_t *value = walk(document, operation, operation->names->nelts);

    if (!value) {
        return fail(reason, WH_PATCH_TEST_FAILED, nowhere);
    }
    if (!same(operation->value, value)) {
        return fail(reason, WH_PATCH_TEST_FAILED,
                    "the value there is another one");
    }
    return APR_SUCCESS;
}

static const kind_t kinds[] = {{"add", apply_add, 1},
                               {"remove", apply_remove, 0},
                               {"replace", apply_replace, 1},
                               {"test", apply_test, 1},
                               {"move", NULL, 0},
                               {"copy", NULL, 0},
                               {NULL, NULL, 0}};

/* -- reading ------------------------------------------------------------- */

static const kind_t *find_kind(const char *op)
{
    const kind_t *kind = kinds;

    while (kind->name && apr_cstr_casecmp(kind->name, op)) {
        kind++;
    }
    return kind->name ? kind : NULL;
}

/* A member that is a string; NULL: it is not there, or something else. */
static const char *read_string(const json_t *object, const char *name)
{
    const json_t *value = wh_json_member(object, name);
    const char *text = json_string_value(value);

    return text && strlen(text) == json_string_length(value) ? text : NULL;
}

/* Sets what is known of an operation even when it is refused. */
static apr_status_t read_operation(operation_t *operation, const char **reason,
                                   const json_t *object, apr_pool_t *pool)
{
    if (!json_is_object(object)) {
        return fail(reason, APR_EINVAL, "it must be an object");
    }
    operation->op = read_string(object, "op");
    operation->path = read_string(object, "path");
    operation->value = wh_json_member(object, "value");
    if (!operation->op) {
        return fail(reason, APR_EINVAL, "\"op\" must be a string");
    }
    operation->kind = find_kind(operation->op);
    if (!operation->kind) {
        return fail(reason, APR_EINVAL,
                    "\"op\" must be add, remove, replace or test");
    }
    if (!operation->kind->apply) {
        return fail(reason, APR_EINVAL,
                    "move and copy are not supported, use add and remove");
    }
    if (!operation->path) {
        return fail(reason, APR_EINVAL, "\"path\" must be a string");
    }
    if (operation->kind->has_value && !operation->value) {
        return fail(reason, APR_EINVAL, "\"value\" is missing");
    }
    return split_path(operation, reason, pool);
}

/* The beginning of a client's text, fit to be shown. */
static const char *excerpt(const char *text, apr_pool_t *pool)
{
    apr_size_t length = strlen(text), kept = length;
    char *shown;

    if (kept > EXCERPT_MAX) {
        /* Not in the middle of a character. */
        for (kept = EXCERPT_MAX; kept && (text[kept] & 0xc0) == 0x80;) {
            kept--;
        }
    }
    shown = apr_pstrmemdup(pool, text, kept);
    wh_text_clean(shown, kept);
    return kept < length ? apr_pstrcat(pool, shown, "...", NULL) : shown;
}

static const char *describe(const operation_t *operation, int number,
                            const char *reason, apr_pool_t *pool)
{
    const char *op = operation->op ? excerpt(operation->op, pool) : NULL;
    const char *path = operation->path ? excerpt(operation->path, pool) : NULL;

    if (op && path) {
        return apr_psprintf(pool, "Operation %d (%s \"%s\"): %s.", number, op,
                            path, reason);
    }
    if (op) {
        return apr_psprintf(pool, "Operation %d (%s): %s.", number, op, reason);
    }
    return apr_psprintf(pool, "Operation %d: %s.", number, reason);
}

static apr_status_t read_patch(apr_array_header_t *operations,
                               const char **message, const json_t *patch,
                               apr_pool_t *pool, apr_pool_t *scratch)
{
    size_t count = json_array_size(patch), i;
    const char *reason = NULL;
    apr_status_t rv;

    if (!json_is_array(patch)) {
        *message = "A JSON Patch must be an array of operations.";
        return APR_EINVAL;
    }
    if (count > WH_PATCH_OPERATIONS_MAX) {
        *message = "A JSON Patch must have at most 1000 operations.";
        return APR_EINVAL;
    }
    for (i = 0; i < count; i++) {
        operation_t *operation = apr_array_push(operations);

        rv = read_operation(operation, &reason, json_array_get(patch, i),
                            scratch);
        if (rv != APR_SUCCESS) {
            *message = describe(operation, (int)i + 1, reason, pool);
            return rv;
        }
    }
    return APR_SUCCESS;
}

static apr_status_t apply_all(json_t **result, const char **message,
                              const json_t *target,
                              const apr_array_header_t *operations,
                              apr_pool_t *pool, apr_pool_t *scratch)
{
    document_t document = {json_deep_copy(target),
                           wh_name_index_create(scratch)};
    apr_status_t rv = document.root ? APR_SUCCESS : APR_ENOMEM;
    int i;

    for (i = 0; i < operations->nelts && rv == APR_SUCCESS; i++) {
        const operation_t *operation =
            &APR_ARRAY_IDX(operations, i, const operation_t);
        const char *reason = "there is not enough memory";

        rv = operation->kind->apply(&reason, &document, operation);
        if (rv != APR_SUCCESS) {
            *message = describe(operation, i + 1, reason, pool);
        }
    }
    if (rv != APR_SUCCESS) {
        json_decref(document.root);
        return rv;
    }
    wh_json_own(document.root, pool);
    *result = document.root;
    return APR_SUCCESS;
}

apr_status_t wh_json_patch_apply(json_t **result, const char **message,
                                 const json_t *target, const json_t *patch,
                                 apr_pool_t *pool)
{
    apr_array_header_t *operations;
    apr_pool_t *scratch;
    apr_status_t rv;

    *result = NULL;
    *message = "There is not enough memory.";
    rv = apr_pool_create(&scratch, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    operations = apr_array_make(scratch, 16, sizeof(operation_t));
    rv = read_patch(operations, message, patch, pool, scratch);
    if (rv == APR_SUCCESS) {
        rv = apply_all(result, message, target, operations, pool, scratch);
    }
    if (rv == APR_SUCCESS) {
        *message = NULL;
    }
    apr_pool_destroy(scratch);
    return rv;
}
