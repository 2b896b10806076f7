/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the targets of the media types share: what is true of each value that
 * was read.
 */
#ifndef T_FUZZ_VALUE_H
#define T_FUZZ_VALUE_H

#include <jansson.h>

#include "fuzz/fuzz.h"
#include "media/json.h"

static inline void check_part(const json_t *value, int depth, int *members)
{
    const char *name;
    json_t *part;
    size_t i;

    if (json_is_object(value) || json_is_array(value)) {
        MUST(depth <= WH_MEDIA_DEPTH_MAX);
    }
    json_object_foreach((json_t *)value, name, part)
    {
        ++*members;
        check_part(part, depth + 1, members);
    }
    json_array_foreach(value, i, part)
    {
        ++*members;
        check_part(part, depth + 1, members);
    }
}

/** It has no more levels, members and items than is promised. */
static inline void __attribute__((unused)) check_value(const json_t *value)
{
    int members = 0;

    check_part(value, 1, &members);
    MUST(members <= WH_MEDIA_MEMBERS_MAX);
}

/** A refusal is one sentence that begins like this. */
static inline void __attribute__((unused))
check_message(const char *message, const char *start)
{
    MUST(message && !strncmp(message, start, strlen(start)));
    MUST(message[strlen(message) - 1] == '.');
}

#endif
