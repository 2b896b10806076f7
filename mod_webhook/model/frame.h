/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What goes over the channel between a child and the dispatcher.
 * Stage: model · from: signal (child) · to: dispatcher (commit thread), and the acknowledgement back
 *
 * Both ends run on one machine under one user, so numbers are in its byte
 * order. A length comes first; texts follow the header, each with its NUL.
 */
#ifndef WH_MODEL_FRAME_H
#define WH_MODEL_FRAME_H

#include <apr_errno.h>
#include <apr_pools.h>

#include "model/event.h"

/** Changes whenever the layout does: a child of an older generation that
 * meets a newer dispatcher is refused instead of misread. */
#define WH_FRAME_VERSION 1

/** Room above WebhookMaxBody for everything else in a frame; the names in
 * "changes" are at most as long as the data they come from. */
#define WH_FRAME_OVERHEAD 4096

/** What the dispatcher says about a frame. */
typedef enum {
    WH_ACK_STORED = 0,    /**< committed */
    WH_ACK_UNMATCHED = 1, /**< nobody listens, nothing stored */
    WH_ACK_REPEATED =
        2, /**< known by its idempotency key; uuid is the first one's */
    WH_ACK_CONFLICT = 3,    /**< the key belongs to another event */
    WH_ACK_UNAVAILABLE = 4, /**< storage failed, nothing stored */
    WH_ACK_UNKNOWN = 6,     /**< storage failed: it may be stored or not */
    WH_ACK_REFUSED = 5      /**< not understood */
} wh_ack_status_t;

typedef struct wh_ack_t {
    apr_uint64_t sequence; /**< the frame's */
    apr_uint32_t status;   /**< wh_ack_status_t */
    apr_uint32_t matched;  /**< webhooks that listen */
    char uuid[WH_UUID_SIZE];
    char padding[3];
} wh_ack_t;

/** Builds the frame of an event (its id is not sent). */
void *wh_frame_encode(apr_size_t *length, apr_uint64_t sequence,
                      const wh_event_t *event, apr_pool_t *pool);

/** Stamps another sequence on an encoded frame, to send it again. */
void wh_frame_restamp(void *frame, apr_uint64_t sequence);

/**
 * Length of the frame at the start of a buffer.
 * @return APR_SUCCESS (whole frame there), APR_INCOMPLETE (length is set when
 *         it is known, else 0), APR_EINVAL (no frame, or over the limit)
 */
apr_status_t wh_frame_length(apr_size_t *length, const void *buffer,
                             apr_size_t filled, apr_size_t limit);

/**
 * Reads a whole frame; the event's texts point into it. APR_EINVAL: not in
 * order; sequence is set all the same.
 */
apr_status_t wh_frame_decode(apr_uint64_t *sequence, wh_event_t *event,
                             const void *frame, apr_size_t length);

#endif
