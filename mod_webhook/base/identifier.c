/* SPDX-License-Identifier: Apache-2.0 */
#include "base/identifier.h"

#include <openssl/rand.h>
#include <string.h>

#define COUNTER_BITS 12

apr_status_t wh_uuid_create(char uuid[WH_UUID_SIZE], apr_time_t now)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[16];
    apr_uint64_t milliseconds = (apr_uint64_t)apr_time_as_msec(now);
    int i, at = 0;

    if (RAND_bytes(bytes + 6, 10) != 1) {
        return APR_EGENERAL;
    }
    for (i = 0; i < 6; i++) {
        bytes[i] = (unsigned char)(milliseconds >> (40 - 8 * i));
    }
    bytes[6] = (unsigned char)(0x70 | (bytes[6] & 0x0f));
    bytes[8] = (unsigned char)(0x80 | (bytes[8] & 0x3f));
    for (i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            uuid[at++] = '-';
        }
        uuid[at++] = digits[bytes[i] >> 4];
        uuid[at++] = digits[bytes[i] & 15];
    }
    uuid[at] = '\0';
    return APR_SUCCESS;
}

int wh_uuid_valid(const char *text)
{
    int i;

    if (strlen(text) != WH_UUID_SIZE - 1) {
        return 0;
    }
    for (i = 0; i < WH_UUID_SIZE - 1; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text[i] != '-') {
                return 0;
            }
        }
        else if (!strchr("0123456789abcdef", text[i])) {
            return 0;
        }
    }
    return 1;
}

/* 41 bits of milliseconds from then on last until 2093. */
#define EPOCH_MILLISECONDS APR_INT64_C(1704067200000) /* 2024-01-01 */

static apr_int64_t row_id_at(apr_int64_t milliseconds)
{
    return milliseconds <= EPOCH_MILLISECONDS
               ? 0
               : (milliseconds - EPOCH_MILLISECONDS) << WH_ROW_ID_SHIFT;
}

/* The first id of this node in the millisecond after that of an id. */
static apr_int64_t next_millisecond(const wh_row_ids_t *ids, apr_int64_t id)
{
    return ((id >> WH_ROW_ID_SHIFT) + 1) << WH_ROW_ID_SHIFT |
           ids->node << COUNTER_BITS;
}

apr_int64_t wh_row_id_next(wh_row_ids_t *ids, apr_time_t now)
{
    apr_int64_t id = row_id_at(apr_time_as_msec(now)) | ids->node
                                                            << COUNTER_BITS;
    apr_int64_t node = ids->last >> COUNTER_BITS & WH_NODE_MAX;

    if (id <= ids->last) {
        /* Count on within the millisecond, if it is one of our own. */
        id = ids->last + 1;
        if (node != ids->node ||
            id >> COUNTER_BITS != ids->last >> COUNTER_BITS) {
            id = next_millisecond(ids, ids->last);
        }
    }
    ids->last = id;
    return id;
}

apr_int64_t wh_row_id_floor(apr_time_t time)
{
    const apr_int64_t last = APR_INT64_MAX >> WH_ROW_ID_SHIFT;
    apr_int64_t milliseconds = apr_time_as_msec(time);

    /* In 2093 the ids end: later times have the highest one. */
    return milliseconds - EPOCH_MILLISECONDS > last ? APR_INT64_MAX
                                                    : row_id_at(milliseconds);
}

apr_time_t wh_row_id_time(apr_int64_t id)
{
    return apr_time_from_msec((id >> WH_ROW_ID_SHIFT) + EPOCH_MILLISECONDS);
}
