/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the commit thread and the delivery threads say to each other.
 * Stage: deliver · from and to: dispatcher
 */
#ifndef WH_DELIVER_MESSAGE_H
#define WH_DELIVER_MESSAGE_H

#include <apr_time.h>

#include "base/inbox.h"

enum {
    /* to a delivery thread */
    WH_MESSAGE_TARGET = 1, /**< wh_target_t: new, changed or gone */
    WH_MESSAGE_DELIVERY,   /**< wh_delivery_t: to be delivered */
    WH_MESSAGE_STOP,       /**< wh_stop_t: finish what is in flight */
    /* to the commit thread */
    WH_MESSAGE_OUTCOME, /**< wh_delivery_t, with its outcome */
    WH_MESSAGE_STOPPED /**< no more: the thread will touch no inbox again; not freed */
};

/** Malloc'ed by the sender, freed by the receiver. */
typedef struct wh_stop_t {
    wh_message_t message;
    apr_time_t
        deadline; /**< by the monotonic clock: then what is in flight is broken off */
} wh_stop_t;

#endif
