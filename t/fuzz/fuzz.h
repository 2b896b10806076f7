/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the fuzz targets share.
 *
 * A target is one function that takes any bytes and aborts when the parser
 * under test breaks its word. Linked with replay.c it runs over a directory of
 * seeds; compiled by clang with -fsanitize=fuzzer it looks for bytes of its
 * own.
 */
#ifndef T_FUZZ_FUZZ_H
#define T_FUZZ_FUZZ_H

#include <apr_general.h>
#include <apr_pools.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Ends the program where a promise is broken. */
#define MUST(condition)                                                        \
    do {                                                                       \
        if (!(condition)) {                                                    \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__,       \
                    #condition);                                               \
            abort();                                                           \
        }                                                                      \
    } while (0)

/** A pool for one input; the one before is cleared. */
static inline apr_pool_t *__attribute__((unused)) fuzz_pool(void)
{
    static apr_pool_t *pool;

    if (!pool) {
        apr_initialize();
        apr_pool_create(&pool, NULL);
    }
    apr_pool_clear(pool);
    return pool;
}

/** The bytes as a text in a block of exactly its size, up to a NUL among them
 * if there is one; to be freed. */
static inline char *__attribute__((unused))
fuzz_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    MUST(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

#endif
