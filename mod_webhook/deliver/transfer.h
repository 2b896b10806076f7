/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One attempt as a libcurl transfer.
 * Stage: deliver · from: delivery thread · to: the receiver
 * runs on: one delivery thread · owns: its easy handle and buffers
 */
#ifndef WH_DELIVER_TRANSFER_H
#define WH_DELIVER_TRANSFER_H

#include <apr_time.h>
#include <curl/curl.h>

#include "base/settings.h"
#include "deliver/guard.h"
#include "deliver/sockets.h"
#include "deliver/target.h"
#include "model/event.h"

/** Headers of an answer, then its body, are read up to these sizes. */
#define WH_ANSWER_HEADERS_MAX (64 * 1024)
#define WH_ANSWER_BODY_MAX (64 * 1024)

/** A receiver that sends fewer bytes a second, so long, is cut off. */
#define WH_LOW_SPEED_BYTES 100L
#define WH_LOW_SPEED_SECONDS 15L

#define WH_TRANSFER_HEADERS 5

typedef struct wh_transfer_t {
    struct wh_transfer_t *next;     /* at rest, or running: in one list */
    struct wh_transfer_t *previous; /* while it is running */
    CURL *easy;
    wh_guard_t *guard;       /* the thread's */
    wh_sockets_t *sockets;   /* the thread's; NULL: no thread, see probe.h */
    int test;                /* 1: the test event of a probe */
    wh_target_t *configured; /* whom the handle is set up for */
    wh_delivery_t *delivery;
    void *endpoint;
    char *body; /* bytes being sent */
    /* headers of this attempt: nodes and their texts, no allocation */
    struct curl_slist nodes[WH_TRANSFER_HEADERS];
    char texts[WH_TRANSFER_HEADERS][192];
    /* what came back */
    int status;                          /* of the last status line */
    int complete;                        /* a final header block has ended */
    const char *blocked;                 /* the guard's word, NULL: none */
    char blocked_address[WH_GUARD_TEXT]; /* about that address */
    int dialled;                         /* an address was allowed */
    int refused; /* a connection that exists may not be used */
    int hidden;  /* one that is not public was dialled, or the URL names it */
    int local_error; /* ours, not the receiver's */
    apr_interval_time_t retry_after;
    apr_size_t header_bytes;
    apr_size_t body_bytes;
    apr_size_t answer_length;
    char answer[WH_ANSWER_MAX + 1];
    apr_time_t started;
} wh_transfer_t;

/** A transfer with an easy handle; NULL: out of memory. Without sockets it is
 * for curl_easy_perform(). */
wh_transfer_t *wh_transfer_create(const wh_settings_t *settings,
                                  wh_guard_t *guard, wh_sockets_t *sockets);
void wh_transfer_destroy(wh_transfer_t *transfer);

/**
 * Makes it ready for one delivery, which it then holds. The body is that of
 * earlier attempts, or rendered now.
 * @return APR_SUCCESS or APR_ENOMEM (the delivery stays the caller's)
 */
apr_status_t wh_transfer_prepare(wh_transfer_t *transfer, wh_target_t *target,
                                 wh_delivery_t *delivery, apr_time_t now);

/** Lets go of the delivery, ready for the next one. */
wh_delivery_t *wh_transfer_finish(wh_transfer_t *transfer);

#endif
