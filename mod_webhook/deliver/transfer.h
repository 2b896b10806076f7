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
#include "deliver/header_list.h"
#include "deliver/sockets.h"
#include "deliver/target.h"
#include "model/event.h"

/** Headers of an answer, then its body, are read up to these sizes. */
#define WH_ANSWER_HEADERS_MAX (64 * 1024)
#define WH_ANSWER_BODY_MAX (64 * 1024)

/** One attempt is so many requests at the most: libcurl's own bound. */
#define WH_REQUESTS_MAX 6

/** A receiver that sends fewer bytes a second, so long, is cut off. */
#define WH_LOW_SPEED_BYTES 100L
#define WH_LOW_SPEED_SECONDS 15L

typedef struct wh_transfer_t {
    struct wh_transfer_t *next;     /* at rest, or running: in one list */
    struct wh_transfer_t *previous; /* while it is running */
    CURL *easy;
    const wh_settings_t *settings;
    wh_guard_t *guard;       /* the thread's */
    wh_sockets_t *sockets;   /* the thread's; NULL: no thread, see probe.h */
    int test;                /* 1: the test event of a probe */
    wh_target_t *configured; /* whom the handle is set up for */
    int transport;           /* 1: by options of its own */
    int misconfigured;       /* 1: which cannot be met */
    int proxied;             /* 1: through a proxy */
    int rendered;            /* 1: the body is no stored one */
    int named;               /* 1: libcurl looks no name up */
    struct curl_slist *addresses; /* that it gets for this attempt */
    wh_delivery_t *delivery;
    apr_uint64_t received; /* of its connection when it began; 0: not known */
    int descriptor; /* of its connection; -1: not known. libcurl does not tell
                              before the end */
    int rival;      /* another one that it is trying; -1: none */
    int outdated;   /* 1: its webhook has been changed since */
    apr_uint32_t receiver; /* the endpoint's, of this transfer */
    void *endpoint;
    int failing;      /* 1: counts among those to endpoints that fail */
    int slow;         /* 1: has lasted for longer than WH_ENDPOINT_SLOW */
    wh_parcel_t body; /* being sent, its lines opened */
    wh_header_list_t headers; /* of this attempt */
    /* what came back */
    int status;          /* of the last status line */
    int in_block;        /* a status line came, its empty line not yet */
    int complete;        /* a final header block has ended */
    int sent;            /* requests; 2 and more: see on_connected() and
                            wh_transfer_may_repeat() */
    const char *blocked; /* the guard's word, NULL: none */
    char blocked_address[WH_GUARD_TEXT]; /* about that address */
    int dialled;                         /* an address was allowed */
    int refused; /* a connection that exists may not be used */
    int hidden;  /* one that is not public was dialled, or the URL names it */
    int local_error;              /* ours, not the receiver's */
    char detail[CURL_ERROR_SIZE]; /* libcurl's words; it may show nothing else
                                     of an alert of TLS */
    apr_interval_time_t retry_after;
    apr_size_t header_bytes;
    apr_size_t body_bytes;
    apr_size_t answer_length;
    apr_size_t answer_headers; /* those of it, once they have ended */
    int answer_cut;            /* 1: there were more of them */
    char answer[WH_ANSWER_MAX + 1];
    apr_time_t started;
} wh_transfer_t;

/** A transfer with an easy handle; settings must outlive it. NULL: out of memory. Without sockets it is
 * for curl_easy_perform(). */
wh_transfer_t *wh_transfer_create(const wh_settings_t *settings,
                                  wh_guard_t *guard, wh_sockets_t *sockets);
void wh_transfer_destroy(wh_transfer_t *transfer);

/**
 * Sets the handle up for a target: its URL and how it is reached. A part of
 * wh_transfer_prepare(), for requests that are no delivery.
 * @return APR_SUCCESS or APR_ENOMEM
 */
apr_status_t wh_transfer_configure(wh_transfer_t *transfer,
                                   wh_target_t *target);

/**
 * Makes it ready for one delivery, which it then holds. The body is that of
 * earlier attempts, or rendered now, by the target's kind.
 * @return APR_SUCCESS, APR_ENOMEM, or what the kind says why there is no
 *         attempt, APR_ENOTIMPL if there is no such kind (the delivery stays
 *         the caller's)
 */
apr_status_t wh_transfer_prepare(wh_transfer_t *transfer, wh_target_t *target,
                                 wh_delivery_t *delivery, apr_time_t now);

/**
 * 1: the receiver has let us know that it leaves (GOAWAY of HTTP/2) and has not
 * read this request, which may be sent again, on another connection, within the
 * same attempt. libcurl does that by itself if there are other streams.
 */
int wh_transfer_may_repeat(const wh_transfer_t *transfer, CURLcode code);

/**
 * Gives libcurl addresses of names, lines for CURLOPT_RESOLVE; after
 * wh_transfer_prepare().
 * @param addresses is the transfer's from now on; NULL: none
 * @param named 1: it looks up nothing by itself, but fails
 * @return APR_SUCCESS or APR_ENOMEM
 */
apr_status_t wh_transfer_name(wh_transfer_t *transfer,
                              struct curl_slist *addresses, int named);

/** Lets go of the delivery, ready for the next one. The easy handle is not part
 * of a multi handle any more, and may be another one afterwards. */
wh_delivery_t *wh_transfer_finish(wh_transfer_t *transfer);

/** CURLMOPT_SOCKETFUNCTION for transfers: notes the connection of each, which
 * libcurl tells nowhere else before the end, and calls wh_sockets_changed(). */
int wh_transfer_socket(CURL *easy, curl_socket_t descriptor, int what,
                       void *sockets, void *unused);

#endif
