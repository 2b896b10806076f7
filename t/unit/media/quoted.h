/* SPDX-License-Identifier: Apache-2.0 */
/**
 * JSON in C strings that can be read: 'a' stands for "a". No test text has an
 * apostrophe of its own.
 */
#ifndef T_UNIT_MEDIA_QUOTED_H
#define T_UNIT_MEDIA_QUOTED_H

#include <apr_strings.h>
#include <jansson.h>
#include <stdlib.h>

#include "media/json.h"
#include "unit/tap.h"

static inline char *__attribute__((unused))
quoted(const char *text, apr_pool_t *pool)
{
    char *copy = apr_pstrdup(pool, text), *c;

    for (c = copy; *c; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    return copy;
}

/** The value lives as long as pool. */
static inline json_t *__attribute__((unused))
parse_quoted(const char *text, apr_pool_t *pool)
{
    json_t *value = json_loads(quoted(text, pool),
                               JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);

    if (!value) {
        ok(0, "a text of the test is JSON: %s", text);
    }
    wh_json_own(value, pool);
    return value;
}

/** Compact, members in their order; NULL for NULL. */
static inline const char *__attribute__((unused))
dump(const json_t *value, apr_pool_t *pool)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    const char *copy = text ? apr_pstrdup(pool, text) : NULL;

    free(text);
    return copy;
}

#endif
