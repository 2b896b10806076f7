/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Two JSON texts in one input, parted by a line of "---" or a NUL.
 */
#ifndef T_FUZZ_JSON_TEXTS_H
#define T_FUZZ_JSON_TEXTS_H

#include "fuzz/fuzz.h"
#include "media/json.h"

#define JSON_TEXTS_LINE "\n---\n"

typedef void json_texts_fn_t(const json_t *first, const json_t *second,
                             apr_pool_t *pool);

/** 1 if there are two and both are let in; they live as long as pool. */
static inline int json_texts_parse(json_t **first, json_t **second,
                                   const uint8_t *data, size_t size,
                                   apr_pool_t *pool)
{
    const char *text = (const char *)data, *message;
    const char *part = memchr(text, '\0', size);
    size_t length, skipped = 1;

    if (!part) {
        skipped = strlen(JSON_TEXTS_LINE);
        part = memmem(text, size, JSON_TEXTS_LINE, skipped);
    }
    if (!part) {
        return 0;
    }
    length = (size_t)(part - text);
    return wh_json_parse(first, &message, text, length, pool) == APR_SUCCESS &&
           wh_json_parse(second, &message, part + skipped,
                         size - length - skipped, pool) == APR_SUCCESS &&
           *first && *second;
}

/** To be freed. */
static inline char *json_texts_dump(const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

    MUST(text != NULL);
    return text;
}

/** Calls check with the two values, if there are; it must not change them. */
static inline void __attribute__((unused))
json_texts_check(const uint8_t *data, size_t size, json_texts_fn_t *check)
{
    apr_pool_t *pool = fuzz_pool();
    char *first_before, *second_before, *first_after, *second_after;
    json_t *first, *second;

    if (!json_texts_parse(&first, &second, data, size, pool)) {
        apr_pool_clear(pool);
        return;
    }
    first_before = json_texts_dump(first);
    second_before = json_texts_dump(second);
    check(first, second, pool);
    first_after = json_texts_dump(first);
    second_after = json_texts_dump(second);
    MUST(!strcmp(first_before, first_after));
    MUST(!strcmp(second_before, second_after));
    free(first_before);
    free(second_before);
    free(first_after);
    free(second_after);
    /* A leak detector does not look into pools: what the last input left there
     * would be a leak to it. */
    apr_pool_clear(pool);
}

/** A message can be shown: it is a short text in UTF-8. */
static inline void __attribute__((unused)) check_message(const char *message)
{
    json_t *value = json_string(message);

    MUST(value != NULL);
    MUST(*message && strlen(message) < 400);
    json_decref(value);
}

#endif
