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

apr_int64_t wh_row_id_next(wh_row_ids_t *ids, apr_time_t now)
{
    apr_int64_t milliseconds = apr_time_as_msec(now);
    apr_int64_t last = ids->last >> WH_ROW_ID_SHIFT;
    apr_int64_t counter = 0;

    if (milliseconds <= last) {
        milliseconds = last;
        counter = (ids->last & ((1 << COUNTER_BITS) - 1)) + 1;
        if (counter == 1 << COUNTER_BITS) {
            milliseconds++;
            counter = 0;
        }
    }
    ids->last =
        milliseconds << WH_ROW_ID_SHIFT | ids->node << COUNTER_BITS | counter;
    return ids->last;
}

apr_int64_t wh_row_id_floor(apr_time_t time)
{
    return apr_time_as_msec(time) << WH_ROW_ID_SHIFT;
}
