/* SPDX-License-Identifier: Apache-2.0 */
#include "model/frame.h"

#include <stddef.h>
#include <string.h>

#define TEXTS 5

typedef struct header_t {
    apr_uint32_t length; /* of all, this header included */
    apr_uint32_t version;
    apr_uint64_t sequence;
    apr_int64_t time;
    apr_int32_t primary_key;
    apr_int32_t associate_id;
    apr_uint32_t text_lengths[TEXTS];
    char uuid[WH_UUID_SIZE];
} header_t;

static void collect_texts(const char *texts[TEXTS], const wh_event_t *event)
{
    texts[0] = event->name;
    texts[1] = event->context;
    texts[2] = event->changes;
    texts[3] = event->data;
    texts[4] = event->idempotency;
}

void *wh_frame_encode(apr_size_t *length, apr_uint64_t sequence,
                      const wh_event_t *event, apr_pool_t *pool)
{
    const char *texts[TEXTS];
    header_t header;
    char *frame, *at;
    int i;

    memset(&header, 0, sizeof(header));
    header.length = sizeof(header);
    header.version = WH_FRAME_VERSION;
    header.sequence = sequence;
    header.time = event->time;
    header.primary_key = event->primary_key;
    header.associate_id = event->associate_id;
    memcpy(header.uuid, event->uuid, sizeof(header.uuid));
    collect_texts(texts, event);
    for (i = 0; i < TEXTS; i++) {
        header.text_lengths[i] = (apr_uint32_t)strlen(texts[i]);
        header.length += header.text_lengths[i] + 1;
    }
    frame = apr_palloc(pool, header.length);
    memcpy(frame, &header, sizeof(header));
    at = frame + sizeof(header);
    for (i = 0; i < TEXTS; i++) {
        memcpy(at, texts[i], header.text_lengths[i] + 1);
        at += header.text_lengths[i] + 1;
    }
    *length = header.length;
    return frame;
}

void wh_frame_restamp(void *frame, apr_uint64_t sequence)
{
    memcpy((char *)frame + offsetof(header_t, sequence), &sequence,
           sizeof(sequence));
}

apr_status_t wh_frame_length(apr_size_t *length, const void *buffer,
                             apr_size_t filled, apr_size_t limit)
{
    apr_uint32_t value;

    *length = 0;
    if (filled < sizeof(value)) {
        return APR_INCOMPLETE;
    }
    memcpy(&value, buffer, sizeof(value));
    if (value < sizeof(header_t) || value > limit) {
        return APR_EINVAL;
    }
    *length = value;
    return filled >= value ? APR_SUCCESS : APR_INCOMPLETE;
}

apr_status_t wh_frame_decode(apr_uint64_t *sequence, wh_event_t *event,
                             const void *frame, apr_size_t length)
{
    const char *texts[TEXTS];
    const char *at = (const char *)frame + sizeof(header_t);
    const char *end = (const char *)frame + length;
    header_t header;
    int i;

    memcpy(&header, frame, sizeof(header));
    *sequence = header.sequence;
    if (header.version != WH_FRAME_VERSION ||
        memchr(header.uuid, '\0', sizeof(header.uuid)) !=
            header.uuid + WH_UUID_SIZE - 1 ||
        !wh_uuid_valid(header.uuid)) {
        return APR_EINVAL;
    }
    for (i = 0; i < TEXTS; i++) {
        apr_size_t size = (apr_size_t)header.text_lengths[i] + 1;

        if (size > (apr_size_t)(end - at) || strnlen(at, size) != size - 1) {
            return APR_EINVAL;
        }
        texts[i] = at;
        at += size;
    }
    memset(event, 0, sizeof(*event));
    memcpy(event->uuid, header.uuid, sizeof(event->uuid));
    event->time = header.time;
    event->primary_key = header.primary_key;
    event->associate_id = header.associate_id;
    event->name = texts[0];
    event->context = texts[1];
    event->changes = texts[2];
    event->data = texts[3];
    event->idempotency = texts[4];
    return at == end ? APR_SUCCESS : APR_EINVAL;
}
