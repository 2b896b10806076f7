/* SPDX-License-Identifier: Apache-2.0 */
/* What goes over the channel. */
#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>

#include "model/frame.h"
#include "unit/tap.h"

#define UUID "8f4a1c52-6d0b-4c39-9a53-0b7a3c1d2e4f"
#define LIMIT 100000

static apr_pool_t *pool;

static wh_event_t sample(void)
{
    wh_event_t event = {.uuid = UUID,
                        .time = APR_INT64_C(2014879777123456),
                        .primary_key = -2147483647 - 1,
                        .associate_id = 2147483647,
                        .name = "window.closed",
                        .context = "tenant \303\251",
                        .changes = "[\"windowName\",\"widgets\"]",
                        .data = "{\"windowName\":\"foo\",\"widgets\":123}",
                        .idempotency = ""};

    return event;
}

static void check_same(const wh_event_t *got, const wh_event_t *want)
{
    is_str(got->uuid, want->uuid, "uuid");
    is_int(got->time, want->time, "time");
    is_int(got->primary_key, want->primary_key, "primary key");
    is_int(got->associate_id, want->associate_id, "associate");
    is_str(got->name, want->name, "name");
    is_str(got->context, want->context, "context");
    is_str(got->changes, want->changes, "changes");
    is_str(got->data, want->data, "data");
    is_str(got->idempotency, want->idempotency, "idempotency");
}

static void test_round_trip(void)
{
    wh_event_t event = sample(), got;
    apr_uint64_t sequence = 0;
    apr_size_t length, seen;
    void *frame = wh_frame_encode(&length, 77, &event, pool);

    is_int(wh_frame_length(&seen, frame, length, LIMIT), APR_SUCCESS,
           "a whole frame");
    is_int((apr_int64_t)seen, (apr_int64_t)length, "tells its length");
    is_int(wh_frame_decode(&sequence, &got, frame, length), APR_SUCCESS,
           "is read");
    is_int((apr_int64_t)sequence, 77, "its sequence");
    check_same(&got, &event);
    is_int(got.id + got.references + (apr_int64_t)got.size, 0,
           "what is not sent is zero");
    wh_frame_restamp(frame, APR_UINT64_C(0xfedcba9876543210));
    is_int(wh_frame_decode(&sequence, &got, frame, length), APR_SUCCESS,
           "with another sequence");
    ok(sequence == APR_UINT64_C(0xfedcba9876543210), "which it has then");
    check_same(&got, &event);
}

static void test_extremes(void)
{
    wh_event_t event = {.uuid = UUID,
                        .time = -1,
                        .name = "",
                        .context = "",
                        .changes = "",
                        .data = "",
                        .idempotency = "key"};
    wh_event_t got;
    char *large = apr_palloc(pool, 1000001);
    apr_uint64_t sequence;
    apr_size_t length;
    void *frame = wh_frame_encode(&length, 0, &event, pool);

    is_int(wh_frame_decode(&sequence, &got, frame, length), APR_SUCCESS,
           "empty texts");
    check_same(&got, &event);
    memset(large, 'x', 1000000);
    large[1000000] = '\0';
    event.data = large;
    frame = wh_frame_encode(&length, 0, &event, pool);
    is_int(wh_frame_decode(&sequence, &got, frame, length), APR_SUCCESS,
           "a million bytes of data");
    ok(!strcmp(got.data, large), "come back");
}

/* What a reader does with the bytes it has; the copy is exactly as large, so
 * that a sanitizer sees the first byte read behind it. */
static apr_status_t read_bytes(const void *bytes, apr_size_t count)
{
    wh_event_t event;
    apr_uint64_t sequence;
    apr_size_t length;
    char *copy = malloc(count ? count : 1);
    apr_status_t rv;

    memcpy(copy, bytes, count);
    rv = wh_frame_length(&length, copy, count, LIMIT);
    if (rv == APR_SUCCESS) {
        rv = wh_frame_decode(&sequence, &event, copy, length);
        if (rv == APR_SUCCESS &&
            strlen(event.name) + strlen(event.context) + strlen(event.changes) +
                    strlen(event.data) + strlen(event.idempotency) +
                    strlen(event.uuid) >
                count) {
            rv = APR_EGENERAL;
        }
    }
    free(copy);
    return rv;
}

static void test_truncation(void)
{
    wh_event_t event = sample();
    apr_size_t length, cut;
    char *frame = wh_frame_encode(&length, 1, &event, pool);
    int wrong = 0;

    for (cut = 0; cut < length; cut++) {
        wrong += read_bytes(frame, cut) != APR_INCOMPLETE;
    }
    is_int(wrong, 0, "every part of a frame is incomplete");
    wrong = 0;
    /* The same parts, saying that they are whole. */
    for (cut = sizeof(apr_uint32_t); cut < length; cut++) {
        char *copy = apr_pmemdup(pool, frame, length);
        apr_uint32_t claimed = (apr_uint32_t)cut;

        memcpy(copy, &claimed, sizeof(claimed));
        wrong += read_bytes(copy, cut) != APR_EINVAL;
    }
    is_int(wrong, 0, "every part that claims to be whole is refused");
}

static void test_too_long(void)
{
    wh_event_t event = sample();
    apr_size_t length, seen;
    char *frame = wh_frame_encode(&length, 1, &event, pool);
    char *longer = apr_pcalloc(pool, length + 1);
    apr_uint32_t claimed = (apr_uint32_t)length + 1;

    memcpy(longer, frame, length);
    memcpy(longer, &claimed, sizeof(claimed));
    is_int(read_bytes(longer, length + 1), APR_EINVAL,
           "a byte behind the last text");
    is_int(wh_frame_length(&seen, frame, length, length), APR_SUCCESS,
           "as long as the limit");
    is_int(wh_frame_length(&seen, frame, length, length - 1), APR_EINVAL,
           "a byte longer than the limit");
    is_int(wh_frame_length(&seen, frame, 4, length - 1), APR_EINVAL,
           "which shows in its first four bytes");
    is_int((apr_int64_t)seen, 0, "no length is given then");
    is_int(wh_frame_length(&seen, frame, 3, LIMIT), APR_INCOMPLETE,
           "three bytes tell nothing");
    is_int((apr_int64_t)seen, 0, "not even a length");
    is_int(wh_frame_length(&seen, frame, 4, LIMIT), APR_INCOMPLETE,
           "four bytes");
    is_int((apr_int64_t)seen, (apr_int64_t)length, "tell the length");
    memset(longer, 0, 4);
    is_int(wh_frame_length(&seen, longer, length, LIMIT), APR_EINVAL,
           "length zero");
    memset(longer, 0xff, 4);
    is_int(wh_frame_length(&seen, longer, length, LIMIT), APR_EINVAL,
           "the longest length");
}

static void test_bit_flips(void)
{
    wh_event_t event = sample();
    apr_size_t length, bit;
    char *frame = wh_frame_encode(&length, 1, &event, pool);
    int other = 0, refused = 0;

    for (bit = 0; bit < 8 * length; bit++) {
        apr_status_t rv;

        frame[bit / 8] ^= (char)(1 << bit % 8);
        rv = read_bytes(frame, length);
        frame[bit / 8] ^= (char)(1 << bit % 8);
        refused += rv == APR_EINVAL;
        other += rv != APR_SUCCESS && rv != APR_EINVAL && rv != APR_INCOMPLETE;
    }
    is_int(other, 0, "every frame with a wrong bit is read or refused");
    ok(refused > 32 + 36, "%d of them are refused", refused);
}

static void test_refused(void)
{
    wh_event_t event = sample(), got;
    apr_uint64_t sequence = 0;
    apr_size_t length, i;
    char *frame = wh_frame_encode(&length, 4711, &event, pool);
    char *place = NULL;

    frame[4] ^= 2;
    is_int(wh_frame_decode(&sequence, &got, frame, length), APR_EINVAL,
           "another version");
    is_int((apr_int64_t)sequence, 4711, "its sequence is told all the same");
    frame[4] ^= 2;
    for (i = 0; i + 13 < length; i++) {
        if (!memcmp(frame + i, "window.closed", 13)) {
            place = frame + i;
            break;
        }
    }
    place[6] = '\0';
    is_int(wh_frame_decode(&sequence, &got, frame, length), APR_EINVAL,
           "a NUL inside a text");
    place[6] = '.';
    place[13] = 'x';
    is_int(wh_frame_decode(&sequence, &got, frame, length), APR_EINVAL,
           "a text without its NUL");
    place[13] = '\0';
    is_int(wh_frame_decode(&sequence, &got, frame, length), APR_SUCCESS,
           "in order again");
    memcpy(event.uuid, "8F4A1C52", 8);
    frame = wh_frame_encode(&length, 1, &event, pool);
    is_int(wh_frame_decode(&sequence, &got, frame, length), APR_EINVAL,
           "a uuid in another form");
    event.uuid[0] = '\0';
    frame = wh_frame_encode(&length, 1, &event, pool);
    is_int(wh_frame_decode(&sequence, &got, frame, length), APR_EINVAL,
           "no uuid");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_round_trip();
    test_extremes();
    test_truncation();
    test_too_long();
    test_bit_flips();
    test_refused();
    apr_terminate();
    return done_testing();
}
