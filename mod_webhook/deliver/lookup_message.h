/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What is said between those that want names looked up, the keeper and its workers:
 * requests one way, an answer for each the other way.
 * Stage: deliver · from: names, lookup, lookup_keeper, lookup_worker · any thread
 *
 * They are records on SOCK_SEQPACKET sockets, between processes of one program.
 */
#ifndef WH_DELIVER_LOOKUP_MESSAGE_H
#define WH_DELIVER_LOOKUP_MESSAGE_H

#include <apr_errno.h>
#include <stddef.h>

/** Longest name. */
#define WH_LOOKUP_NAME_MAX 255

/** Most addresses of a name, and their text; the first ones count. No attempt gets
 * to more of them, and each endpoint keeps its own. */
#define WH_LOOKUP_ADDRESSES_MAX 64
#define WH_LOOKUP_TEXT_MAX (WH_LOOKUP_ADDRESSES_MAX * 49)

/** A lookup that may take longer is a slow one. */
#define WH_LOOKUP_QUICK_MS 1000

/** Most lookups at one time through one socket; and sockets. */
#define WH_LOOKUPS_MAX 32
#define WH_LOOKUP_SOCKETS_MAX 64

typedef enum {
    WH_LOOKUP_FOUND,   /**< with the addresses */
    WH_LOOKUP_UNKNOWN, /**< there is no such name */
    WH_LOOKUP_FAILED,  /**< nobody knows: no server answered as it should */
    WH_LOOKUP_LATE,    /**< it took too long and was given up */
    WH_LOOKUP_LOCAL    /**< trouble of this machine */
} wh_lookup_result_t;

/** What the keeper is asked, and what it asks a worker. */
typedef struct wh_lookup_request_t {
    apr_uint64_t number; /**< comes back with the answer */
    apr_uint32_t milliseconds;
    char name[WH_LOOKUP_NAME_MAX + 1];
} wh_lookup_request_t;

/** What comes back, once for each request. */
typedef struct wh_lookup_answer_t {
    apr_uint64_t number;
    apr_uint32_t result;
    char text[WH_LOOKUP_TEXT_MAX]; /**< "192.0.2.1,[2001:db8::1]" */
} wh_lookup_answer_t;

/** Bytes of an answer before its text. */
#define WH_LOOKUP_ANSWER_HEAD offsetof(wh_lookup_answer_t, text)

/** Reads an answer without waiting.
 * @return APR_SUCCESS, APR_EAGAIN: nothing more now, APR_EOF: the other end is
 *         gone */
apr_status_t wh_lookup_read(int socket, wh_lookup_answer_t *answer);

/** Sends an answer; nobody is told when the other end is gone. */
void wh_lookup_say(int socket, const wh_lookup_answer_t *answer);

#endif
