/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/event_filter.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "policy/event_name.h"

/* Longest number that is looked up as the place of an item. */
#define INDEX_DIGITS_MAX 6

typedef enum { ALL, ANY, NOT, TEST } kind_t;
typedef enum { EQ, NE, LT, LE, GT, GE, EXISTS, IN } relation_t;
typedef enum { DATA, EVENT, ENTITY, PRIMARY_KEY, ASSOCIATE_ID } source_t;

/* What is compared. Objects and lists have only their type. */
typedef struct value_t {
    json_type type;
    json_int_t integer;
    double real;
    const char *text;
    apr_size_t length;
} value_t;

typedef struct path_t {
    source_t source;
    int count;       /* of names, all of DATA */
    apr_size_t size; /* of them with their NULs */
    const char *names;
} path_t;

/* A part of a filter: conditions that are joined, or one. */
typedef struct node_t {
    kind_t kind;
    struct node_t *next;  /* beside it */
    struct node_t *first; /* in it */
    /* of TEST */
    const path_t *path;
    relation_t relation;
    int wanted; /* of EXISTS */
    int count;
    value_t *values; /* one, several of IN */
} node_t;

struct wh_event_filter_t {
    const node_t *root;
};

/* A filter being made. */
typedef struct maker_t {
    int conditions;
    const char *problem; /* the first */
    apr_pool_t *pool;
} maker_t;

static const struct {
    const char *name;
    relation_t relation;
} relations[] = {{"eq", EQ}, {"ne", NE}, {"lt", LT},         {"le", LE},
                 {"gt", GT}, {"ge", GE}, {"exists", EXISTS}, {"in", IN}};

static const struct {
    const char *name;
    source_t source;
} sources[] = {{"$event", EVENT},
               {"$entity", ENTITY},
               {"$primaryKey", PRIMARY_KEY},
               {"$associateId", ASSOCIATE_ID}};

/* -- values ---------------------------------------------------------------- */

static void set_text(value_t *value, const char *text, apr_size_t length)
{
    value->type = JSON_STRING;
    value->text = text;
    value->length = length;
}

/* Borrows the text of json. */
static void set_value(value_t *value, const json_t *json)
{
    memset(value, 0, sizeof(*value));
    value->type = json_typeof(json);
    value->integer = json_integer_value(json);
    value->real = json_real_value(json);
    if (value->type == JSON_STRING) {
        set_text(value, json_string_value(json), json_string_length(json));
    }
}

static int is_number(const value_t *value)
{
    return value->type == JSON_INTEGER || value->type == JSON_REAL;
}

/* Exact, also where a double cannot hold the integer. */
static int compare_mixed(json_int_t integer, double real)
{
    json_int_t whole;

    if (real >= 9223372036854775808.0) {
        return -1;
    }
    if (real < -9223372036854775808.0) {
        return 1;
    }
    whole = (json_int_t)real;
    if (integer != whole) {
        return integer < whole ? -1 : 1;
    }
    return (real < (double)whole) - (real > (double)whole);
}

static int compare_numbers(const value_t *a, const value_t *b)
{
    if (a->type == JSON_INTEGER && b->type == JSON_INTEGER) {
        return (a->integer > b->integer) - (a->integer < b->integer);
    }
    if (a->type == JSON_INTEGER) {
        return compare_mixed(a->integer, b->real);
    }
    if (b->type == JSON_INTEGER) {
        return -compare_mixed(b->integer, a->real);
    }
    return (a->real > b->real) - (a->real < b->real);
}

static int compare_texts(const value_t *a, const value_t *b)
{
    apr_size_t both = a->length < b->length ? a->length : b->length;
    int order = memcmp(a->text, b->text, both);

    return order ? order : (a->length > b->length) - (a->length < b->length);
}

/* 0: one cannot be compared with the other. */
static int compare(int *order, const value_t *a, const value_t *b)
{
    if (is_number(a) && is_number(b)) {
        *order = compare_numbers(a, b);
        return 1;
    }
    if (a->type == JSON_STRING && b->type == JSON_STRING) {
        *order = compare_texts(a, b);
        return 1;
    }
    return 0;
}

static int is_equal(const value_t *a, const value_t *b)
{
    int order;

    if (compare(&order, a, b)) {
        return order == 0;
    }
    return a->type == b->type && a->type != JSON_OBJECT &&
           a->type != JSON_ARRAY;
}

/* -- asking ---------------------------------------------------------------- */

static const json_t *item_of(const json_t *array, const char *name)
{
    apr_size_t length = strlen(name);

    if (length == 0 || length > INDEX_DIGITS_MAX ||
        strspn(name, "0123456789") != length || (name[0] == '0' && name[1])) {
        return NULL;
    }
    return json_array_get(array, (size_t)atoi(name));
}

static const json_t *find(const json_t *data, const path_t *path)
{
    const char *name = path->names;
    int i;

    for (i = 0; data && i < path->count; i++) {
        data = json_is_array(data) ? item_of(data, name)
                                   : json_object_get(data, name);
        name += strlen(name) + 1;
    }
    return data;
}

static void set_number(value_t *value, apr_int32_t number)
{
    memset(value, 0, sizeof(*value));
    value->type = JSON_INTEGER;
    value->integer = number;
}

/* 0: the event has no such thing. Lower has room for a name. */
static int look_up(value_t *value, char *lower, const path_t *path,
                   const wh_event_facts_t *facts)
{
    const json_t *found;

    switch (path->source) {
    case EVENT:
    case ENTITY:
        memset(value, 0, sizeof(*value));
        apr_cpystrn(lower, facts->name, WH_EVENT_NAME_MAX + 1);
        wh_text_lower_bytes(lower, strlen(lower));
        set_text(value, lower,
                 path->source == EVENT ? strlen(lower)
                                       : wh_event_name_entity_length(lower));
        return 1;
    case PRIMARY_KEY:
        set_number(value, facts->primary_key);
        return 1;
    case ASSOCIATE_ID:
        set_number(value, facts->associate_id);
        return 1;
    case DATA:
        break;
    }
    found = find(facts->data, path);
    if (found) {
        set_value(value, found);
    }
    return found != NULL;
}

static int is_in(const value_t *value, const node_t *test)
{
    int i;

    for (i = 0; i < test->count; i++) {
        if (is_equal(value, &test->values[i])) {
            return 1;
        }
    }
    return 0;
}

static int is_ordered(const value_t *value, const node_t *test)
{
    int order;

    if (!compare(&order, value, &test->values[0])) {
        return 0;
    }
    switch (test->relation) {
    case LT:
        return order < 0;
    case LE:
        return order <= 0;
    case GT:
        return order > 0;
    default:
        return order >= 0;
    }
}

static int holds_test(const node_t *test, const wh_event_facts_t *facts)
{
    char lower[WH_EVENT_NAME_MAX + 1];
    value_t value;
    int found = look_up(&value, lower, test->path, facts);

    switch (test->relation) {
    case EXISTS:
        return found == test->wanted;
    case EQ:
    case IN:
        return found && is_in(&value, test);
    case NE:
        return found && !is_in(&value, test);
    default:
        return found && is_ordered(&value, test);
    }
}

static int holds(const node_t *node, const wh_event_facts_t *facts)
{
    const node_t *inner;

    if (node->kind == TEST) {
        return holds_test(node, facts);
    }
    if (node->kind == NOT) {
        return !holds(node->first, facts);
    }
    for (inner = node->first; inner; inner = inner->next) {
        if (holds(inner, facts) == (node->kind == ANY)) {
            return node->kind == ANY;
        }
    }
    return node->kind == ALL;
}

int wh_event_filter_passes(const wh_event_filter_t *filter,
                           const wh_event_facts_t *facts)
{
    return holds(filter->root, facts);
}

/* -- making ---------------------------------------------------------------- */

static void refuse(maker_t *maker, const char *problem)
{
    if (!maker->problem) {
        maker->problem = problem;
    }
}

static void refuse_member(maker_t *maker, const char *name, const char *problem)
{
    if (!maker->problem) {
        maker->problem = apr_psprintf(maker->pool, "\"%s\" %s", name, problem);
    }
}

static node_t *add_node(maker_t *maker, node_t *parent, kind_t kind)
{
    node_t *node = apr_pcalloc(maker->pool, sizeof(*node));

    node->kind = kind;
    node->next = parent->first;
    parent->first = node;
    return node;
}

/* In place; 0: "~" is not followed by 0 or 1. */
static int unescape(char *name)
{
    char *to = name;

    for (; *name; name++) {
        if (*name == '~') {
            name++;
            if (*name != '0' && *name != '1') {
                return 0;
            }
            *to++ = *name == '0' ? '~' : '/';
        }
        else {
            *to++ = *name;
        }
    }
    *to = '\0';
    return 1;
}

/* "a.b", or a JSON Pointer for names with dots in them. */
static int split(path_t *path, const char *text, apr_pool_t *pool)
{
    int is_pointer = text[0] == '/';
    const char *separator = is_pointer ? "/" : ".";
    char *name = apr_palloc(pool, strlen(text) + 1);

    path->source = DATA;
    path->names = name;
    text += is_pointer;
    while (path->count < WH_EVENT_FILTER_NAMES_MAX) {
        apr_size_t length = strcspn(text, separator);

        apr_cpystrn(name, text, length + 1);
        if (is_pointer ? !unescape(name) : length == 0) {
            return 0;
        }
        name += strlen(name) + 1;
        path->count++;
        path->size = (apr_size_t)(name - path->names);
        if (!text[length]) {
            return 1;
        }
        text += length + 1;
    }
    return 0;
}

static const path_t *make_path(maker_t *maker, const char *text)
{
    path_t *path = apr_pcalloc(maker->pool, sizeof(*path));
    size_t i;

    for (i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        if (!strcmp(sources[i].name, text)) {
            path->source = sources[i].source;
            return path;
        }
    }
    if (text[0] == '$') {
        refuse_member(maker, text,
                      "must be $event, $entity, $primaryKey, $associateId or a "
                      "path");
    }
    else if (!split(path, text, maker->pool)) {
        refuse_member(maker, text,
                      "must be a path of at most 16 names, parted by dots, or "
                      "a JSON Pointer");
    }
    return path;
}

static int is_scalar(const json_t *value)
{
    return !json_is_object(value) && !json_is_array(value);
}

/* Event names are compared in any case: both sides in lower case. */
static void keep_value(maker_t *maker, value_t *value, const json_t *json,
                       const path_t *path)
{
    set_value(value, json);
    if (value->type == JSON_STRING) {
        char *copy = apr_pstrmemdup(maker->pool, value->text, value->length);

        if (path->source == EVENT || path->source == ENTITY) {
            wh_text_lower_bytes(copy, value->length);
        }
        value->text = copy;
    }
}

static node_t *add_test(maker_t *maker, node_t *parent, const path_t *path,
                        relation_t relation, int values)
{
    node_t *test = add_node(maker, parent, TEST);

    if (++maker->conditions > WH_EVENT_FILTER_CONDITIONS_MAX) {
        refuse(maker, "has more than 64 conditions");
    }
    test->path = path;
    test->relation = relation;
    test->count = values;
    test->values =
        apr_pcalloc(maker->pool, (apr_size_t)values * sizeof(value_t));
    return test;
}

static void add_in(maker_t *maker, node_t *parent, const path_t *path,
                   const char *name, const json_t *list)
{
    size_t count = json_array_size(list), i;
    node_t *test;

    if (count < 1 || count > WH_EVENT_FILTER_VALUES_MAX) {
        refuse_member(maker, name,
                      "with \"in\" must be followed by a list of 1 to 64 "
                      "values");
        return;
    }
    test = add_test(maker, parent, path, IN, (int)count);
    for (i = 0; i < count; i++) {
        const json_t *value = json_array_get(list, i);

        if (!is_scalar(value)) {
            refuse_member(maker, name,
                          "with \"in\" must be followed by texts, numbers, "
                          "true, false or null");
            return;
        }
        keep_value(maker, &test->values[i], value, path);
    }
}

static void add_comparison(maker_t *maker, node_t *parent, const path_t *path,
                           relation_t relation, const char *name,
                           const json_t *value)
{
    int is_order = relation != EQ && relation != NE;
    node_t *test;

    if (!is_scalar(value)) {
        refuse_member(maker, name,
                      "must be compared with a text, a number, true, false or "
                      "null");
        return;
    }
    if (is_order && !json_is_string(value) && !json_is_number(value)) {
        refuse_member(maker, name, "must be compared with a text or a number");
        return;
    }
    test = add_test(maker, parent, path, relation, 1);
    keep_value(maker, &test->values[0], value, path);
}

static void add_relation(maker_t *maker, node_t *parent, const path_t *path,
                         const char *name, const char *word,
                         const json_t *value)
{
    size_t i = 0, count = sizeof(relations) / sizeof(relations[0]);

    while (i < count && strcmp(relations[i].name, word)) {
        i++;
    }
    if (i == count) {
        refuse_member(maker, word,
                      "is no operator: eq, ne, lt, le, gt, ge, exists or in");
    }
    else if (relations[i].relation == IN) {
        add_in(maker, parent, path, name, value);
    }
    else if (relations[i].relation != EXISTS) {
        add_comparison(maker, parent, path, relations[i].relation, name, value);
    }
    else if (!json_is_boolean(value)) {
        refuse_member(maker, name,
                      "with \"exists\" must be followed by true or false");
    }
    else {
        add_test(maker, parent, path, EXISTS, 0)->wanted = json_is_true(value);
    }
}

static void add_path(maker_t *maker, node_t *parent, const char *name,
                     const json_t *value)
{
    const path_t *path = make_path(maker, name);
    void *at;

    if (!json_is_object(value)) {
        add_comparison(maker, parent, path, EQ, name, value);
        return;
    }
    if (json_object_size(value) == 0) {
        refuse_member(maker, name, "must have an operator");
    }
    for (at = json_object_iter((json_t *)value); at && !maker->problem;
         at = json_object_iter_next((json_t *)value, at)) {
        add_relation(maker, parent, path, name, json_object_iter_key(at),
                     json_object_iter_value(at));
    }
}

static void add_members(maker_t *maker, node_t *parent, const json_t *object,
                        int level);

/* All members of one object must hold. */
static void add_object(maker_t *maker, node_t *parent, const json_t *object,
                       int level)
{
    if (!json_is_object(object) || json_object_size(object) == 0) {
        refuse(maker, "must have conditions in all objects of \"and\", \"or\" "
                      "and \"not\"");
        return;
    }
    if (level > WH_EVENT_FILTER_DEPTH_MAX) {
        refuse(maker, "is nested in more than 8 levels");
        return;
    }
    add_members(maker, add_node(maker, parent, ALL), object, level);
}

static void add_list(maker_t *maker, node_t *parent, const char *name,
                     const json_t *list, int level)
{
    size_t count = json_array_size(list), i;

    if (count < 1 || count > WH_EVENT_FILTER_CONDITIONS_MAX) {
        refuse_member(maker, name, "must be a list of 1 to 64 objects");
    }
    for (i = 0; i < count && !maker->problem; i++) {
        add_object(maker, parent, json_array_get(list, i), level);
    }
}

static void add_members(maker_t *maker, node_t *parent, const json_t *object,
                        int level)
{
    void *at;

    for (at = json_object_iter((json_t *)object); at && !maker->problem;
         at = json_object_iter_next((json_t *)object, at)) {
        const char *name = json_object_iter_key(at);
        const json_t *value = json_object_iter_value(at);

        if (!strcmp(name, "and")) {
            add_list(maker, add_node(maker, parent, ALL), name, value,
                     level + 1);
        }
        else if (!strcmp(name, "or")) {
            add_list(maker, add_node(maker, parent, ANY), name, value,
                     level + 1);
        }
        else if (!strcmp(name, "not")) {
            add_object(maker, add_node(maker, parent, NOT), value, level + 1);
        }
        else {
            add_path(maker, parent, name, value);
        }
    }
}

apr_status_t wh_event_filter_create(const wh_event_filter_t **filter,
                                    const char **message, const json_t *form,
                                    apr_pool_t *pool)
{
    wh_event_filter_t *made = apr_palloc(pool, sizeof(*made));
    maker_t maker = {.pool = pool};
    node_t *root = apr_pcalloc(pool, sizeof(*root));

    root->kind = ALL;
    if (json_is_object(form)) {
        add_members(&maker, root, form, 0);
    }
    else {
        refuse(&maker, "must be an object of conditions");
    }
    if (maker.problem) {
        /* Any of none: nothing passes. */
        root->kind = ANY;
        root->first = NULL;
    }
    made->root = root;
    *filter = made;
    *message = maker.problem;
    return maker.problem ? APR_EINVAL : APR_SUCCESS;
}

/* -- keeping --------------------------------------------------------------- */

/* Where the parts of a copy go; without a base they are only counted. */
typedef struct block_t {
    char *base;
    apr_size_t used;
} block_t;

static void *take(block_t *block, const void *from, apr_size_t size)
{
    void *at = block->base ? block->base + block->used : NULL;

    block->used += APR_ALIGN_DEFAULT(size);
    if (at && size) {
        memcpy(at, from, size);
    }
    return at;
}

static void copy_values(block_t *block, node_t *copy, const node_t *test)
{
    apr_size_t size = (apr_size_t)test->count * sizeof(value_t);
    value_t *values = take(block, test->values, size);
    int i;

    for (i = 0; i < test->count; i++) {
        const value_t *value = &test->values[i];

        if (value->type == JSON_STRING) {
            const char *text = take(block, value->text, value->length);

            if (values) {
                values[i].text = text;
            }
        }
    }
    if (copy) {
        copy->values = values;
    }
}

static const path_t *copy_path(block_t *block, const path_t *path)
{
    path_t *copy = take(block, path, sizeof(*path));
    const char *names = take(block, path->names, path->size);

    if (copy) {
        copy->names = names;
    }
    return copy;
}

/* A node, those beside it and all in them: not deeper than filters are. */
static node_t *copy_nodes(block_t *block, const node_t *node)
{
    node_t *first = NULL, **link = &first;

    for (; node; node = node->next) {
        node_t *copy = take(block, node, sizeof(*node));
        node_t *inner = copy_nodes(block, node->first);
        const path_t *path = node->path ? copy_path(block, node->path) : NULL;

        copy_values(block, copy, node);
        if (copy) {
            copy->first = inner;
            copy->path = path;
            *link = copy;
            link = &copy->next;
        }
    }
    return first;
}

wh_event_filter_t *wh_event_filter_keep(const wh_event_filter_t *filter)
{
    block_t block = {NULL, 0};
    wh_event_filter_t *copy;

    take(&block, filter, sizeof(*filter));
    copy_nodes(&block, filter->root);
    copy = malloc(block.used);
    if (copy) {
        block.base = (char *)copy;
        block.used = 0;
        take(&block, filter, sizeof(*filter));
        copy->root = copy_nodes(&block, filter->root);
    }
    return copy;
}
