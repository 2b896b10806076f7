/* SPDX-License-Identifier: Apache-2.0 */
/* UUIDs and row ids. */
#include <apr_general.h>
#include <stdlib.h>

#include "base/identifier.h"
#include "unit/tap.h"

/* 2033-11-06T08:49:37.123456Z. */
#define NOW APR_INT64_C(2014879777123456)

#define MILLISECOND APR_INT64_C(1000)

/* Milliseconds of a row id at NOW: they count from 2024-01-01. */
#define NOW_IN_ID (NOW / 1000 - APR_INT64_C(1704067200000))

static void test_uuid_form(void)
{
    char uuid[WH_UUID_SIZE], want[16];
    apr_uint64_t milliseconds = (apr_uint64_t)NOW / 1000;

    is_int(wh_uuid_create(uuid, NOW), APR_SUCCESS, "a UUID");
    is_int((apr_int64_t)strlen(uuid), 36, "has 36 characters");
    ok(wh_uuid_valid(uuid), "is valid: %s", uuid);
    snprintf(want, sizeof(want), "%08x-%04x",
             (unsigned int)(milliseconds >> 16),
             (unsigned int)(milliseconds & 0xffff));
    ok(!strncmp(uuid, want, 13), "begins with its milliseconds, %s", want);
    is_int(uuid[14], '7', "is of version 7");
    ok(strchr("89ab", uuid[19]) != NULL, "is of the variant of RFC 9562");
    ok(uuid[8] == '-' && uuid[13] == '-' && uuid[18] == '-' && uuid[23] == '-',
       "has its hyphens");
}

static void test_uuid_order(void)
{
    char last[WH_UUID_SIZE] = "", uuid[WH_UUID_SIZE];
    int i, unordered = 0, same_tail = 0, bad = 0;

    for (i = 0; i < 20000; i++) {
        wh_uuid_create(uuid, NOW + i * MILLISECOND);
        unordered += strcmp(last, uuid) >= 0;
        same_tail += !strcmp(last + (i ? 14 : 0), uuid + 14);
        bad += !wh_uuid_valid(uuid) || uuid[14] != '7' ||
               !strchr("89ab", uuid[19]);
        memcpy(last, uuid, sizeof(last));
    }
    is_int(unordered, 0, "later UUIDs sort behind earlier ones");
    is_int(same_tail, 0, "their random part changes");
    is_int(bad, 0, "all are in form");
    wh_uuid_create(uuid, 0);
    ok(!strncmp(uuid, "00000000-0000-7", 15), "the first millisecond");
}

static void test_uuid_valid(void)
{
    static const struct {
        const char *text;
        int valid;
    } rows[] = {
        {"8f4a1c52-6d0b-4c39-9a53-0b7a3c1d2e4f", 1},
        {"00000000-0000-0000-0000-000000000000", 1},
        {"8F4A1C52-6D0B-4C39-9A53-0B7A3C1D2E4F", 0},
        {"8f4a1c52-6d0b-4c39-9a53-0b7a3c1d2e4", 0},
        {"8f4a1c52-6d0b-4c39-9a53-0b7a3c1d2e4f0", 0},
        {"8f4a1c52-6d0b-4c39-9a53-0b7a3c1d2e4g", 0},
        {"8f4a1c5206d0b-4c39-9a53-0b7a3c1d2e4f", 0},
        {"8f4a1c52-6d0b-4c39-9a53-0b7a3c1d2e-f", 0},
        {"{f4a1c52-6d0b-4c39-9a53-0b7a3c1d2e4}", 0},
        {"8f4a1c526d0b4c399a530b7a3c1d2e4f", 0},
        {" f4a1c52-6d0b-4c39-9a53-0b7a3c1d2e4f", 0},
        {"------------------------------------", 0},
        {"", 0},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is_int(wh_uuid_valid(rows[i].text), rows[i].valid, "valid(\"%s\")",
               rows[i].text);
    }
}

static void test_row_ids(void)
{
    wh_row_ids_t ids = {.node = 5};
    apr_int64_t last = 0, id = 0, first;
    int i, wrong = 0, other_node = 0;

    first = wh_row_id_next(&ids, NOW);
    is_int(first >> WH_ROW_ID_SHIFT, NOW_IN_ID, "an id begins with its time");
    is_int(first >> 12 & WH_NODE_MAX, 5, "then the node");
    is_int(first & 0xfff, 0, "then a counter");
    last = first;
    /* The clock stands still, and the counter overflows every 4096 ids. */
    for (i = 0; i < 1000000; i++) {
        id = wh_row_id_next(&ids, NOW);
        wrong += id <= last;
        other_node += (id >> 12 & WH_NODE_MAX) != 5;
        last = id;
    }
    is_int(wrong, 0, "a million ids rise, so none comes twice");
    is_int(other_node, 0, "all are of one node");
    is_int((id >> WH_ROW_ID_SHIFT) - NOW_IN_ID, 1000000 / 4096,
           "4096 of them to a millisecond");
}

static void test_row_id_clock(void)
{
    wh_row_ids_t ids = {.node = WH_NODE_MAX};
    apr_int64_t id = wh_row_id_next(&ids, NOW), next;

    next = wh_row_id_next(&ids, NOW - apr_time_from_sec(3600));
    is_int(next, id + 1, "the clock went back an hour");
    next = wh_row_id_next(&ids, 0);
    is_int(next, id + 2, "the clock went back to the beginning");
    next = wh_row_id_next(&ids, NOW + MILLISECOND);
    is_int(next >> WH_ROW_ID_SHIFT, NOW_IN_ID + 1, "a millisecond on");
    is_int(next & 0xfff, 0, "the counter begins again");
}

/* A dispatcher goes on from the highest id in the database, which may be
 * another node's. */
static void test_row_id_other_node(void)
{
    wh_row_ids_t high = {.node = 9}, low = {.node = 1};
    apr_int64_t id;
    int i, wrong = 0;

    for (i = 0; i < 4; i++) {
        low.last = wh_row_id_next(&high, NOW);
    }
    high.last = low.last;
    for (i = 0; i < 10000; i++) {
        apr_int64_t last = low.last;

        id = wh_row_id_next(&low, NOW);
        wrong += id <= last;
    }
    is_int(wrong, 0, "ids rise from those of a node with a higher number");
    is_int(low.last >> 12 & WH_NODE_MAX, 1, "under their own number");
}

static void test_row_id_floor(void)
{
    wh_row_ids_t ids = {0};
    apr_int64_t below = wh_row_id_floor(NOW);

    ok(wh_row_id_next(&ids, NOW) >= below, "made at that time: not below");
    ids.last = 0;
    ok(wh_row_id_next(&ids, NOW - MILLISECOND) < below,
       "made a millisecond before: below");
    ids.node = WH_NODE_MAX;
    ids.last = wh_row_id_floor(NOW - MILLISECOND) | (WH_NODE_MAX << 12) | 4094;
    ok(wh_row_id_next(&ids, NOW - MILLISECOND) < below,
       "the highest node's last id before: below");
    ok(wh_row_id_floor(0) >= 0, "the first id is no less than zero");
    ok(wh_row_id_floor(APR_INT64_C(3881520000000000)) > below &&
           wh_row_id_floor(APR_INT64_C(4102444800000000)) == APR_INT64_MAX &&
           wh_row_id_floor(APR_INT64_MAX) == APR_INT64_MAX,
       "times that no id reaches have the last one");
    ok(wh_row_id_time(below) == NOW - NOW % MILLISECOND,
       "an id tells its time");
    ok(wh_row_id_time(ids.last) == wh_row_id_time(below) - MILLISECOND,
       "... whatever node and counter");
}

int main(void)
{
    apr_initialize();
    test_uuid_form();
    test_uuid_order();
    test_uuid_valid();
    test_row_ids();
    test_row_id_clock();
    test_row_id_other_node();
    test_row_id_floor();
    apr_terminate();
    return done_testing();
}
