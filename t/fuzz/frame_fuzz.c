/* SPDX-License-Identifier: Apache-2.0 */
/* Frames as a dispatcher reads them from a child. */
#include "fuzz/fuzz.h"
#include "model/frame.h"

#define LIMIT (64 * 1024)

static void check_same(const wh_event_t *one, const wh_event_t *other)
{
    MUST(!strcmp(one->uuid, other->uuid));
    MUST(one->time == other->time);
    MUST(one->primary_key == other->primary_key);
    MUST(one->associate_id == other->associate_id);
    MUST(!strcmp(one->name, other->name));
    MUST(!strcmp(one->context, other->context));
    MUST(!strcmp(one->changes, other->changes));
    MUST(!strcmp(one->data, other->data));
    MUST(!strcmp(one->idempotency, other->idempotency));
}

/* What was understood comes back the same from a frame of our own. */
static void check_frame(const void *frame, size_t length)
{
    apr_uint64_t sequence = 0, again = 0;
    wh_event_t event, copy;
    apr_size_t copy_length;
    apr_status_t rv = wh_frame_decode(&sequence, &event, frame, length);
    void *own;

    MUST(rv == APR_SUCCESS || rv == APR_EINVAL);
    if (rv != APR_SUCCESS) {
        return;
    }
    own = wh_frame_encode(&copy_length, sequence, &event, fuzz_pool());
    MUST(copy_length == length);
    MUST(wh_frame_decode(&again, &copy, own, copy_length) == APR_SUCCESS);
    MUST(again == sequence);
    check_same(&copy, &event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_size_t length, at = 0;

    for (;;) {
        apr_status_t rv = wh_frame_length(&length, data + at, size - at, LIMIT);
        uint8_t *frame;

        MUST(rv == APR_SUCCESS || rv == APR_INCOMPLETE || rv == APR_EINVAL);
        MUST(length <= LIMIT);
        if (rv != APR_SUCCESS) {
            return 0;
        }
        MUST(length > 0 && length <= size - at);
        frame = malloc(length);
        MUST(frame != NULL);
        memcpy(frame, data + at, length);
        check_frame(frame, length);
        free(frame);
        at += length;
    }
}
