/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/order.h"

#include <apr_lib.h>
#include <string.h>

#include "policy/event_name.h"

/* The key of all; one that is made of an event never is. */
#define KEY_OF_ALL 1

/* FNV-1a, 64 bits. */
#define HASH_START APR_UINT64_C(14695981039346656037)
#define HASH_FACTOR APR_UINT64_C(1099511628211)

static apr_uint64_t add(apr_uint64_t hash, unsigned char byte)
{
    return (hash ^ byte) * HASH_FACTOR;
}

/* Event names are matched in any case, so entities are the same in any. */
apr_int64_t wh_order_key(wh_ordering_t ordering, const char *event_name,
                         apr_int32_t primary_key)
{
    apr_size_t length = wh_event_name_entity_length(event_name), i;
    apr_uint32_t number = (apr_uint32_t)primary_key;
    apr_uint64_t hash = HASH_START;

    if (ordering == WH_ORDERING_NONE) {
        return WH_ORDER_FREE;
    }
    if (ordering == WH_ORDERING_WEBHOOK) {
        return KEY_OF_ALL;
    }
    for (i = 0; i < length; i++) {
        hash = add(hash, (unsigned char)apr_tolower(event_name[i]));
    }
    for (i = 0; i < sizeof(number); i++) {
        hash = add(hash, (unsigned char)(number >> (8 * i)));
    }
    hash &= (apr_uint64_t)APR_INT64_MAX;
    return hash > KEY_OF_ALL ? (apr_int64_t)hash : KEY_OF_ALL + 1;
}
