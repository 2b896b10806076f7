/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The names of one delivery thread's endpoints: their addresses, and whose turn
 * it is to be looked up.
 * Stage: deliver · from: endpoint, delivery thread · to: lookup
 * runs on: that thread · owns: names, addresses, its end of the lookups' socket
 *
 * libcurl gets addresses with the transfer and looks nothing up. An endpoint
 * whose name is not known waits outside libcurl, where waiting burns no time of
 * an attempt. One lookup at a time for a name, however many endpoints have it.
 *
 * All lookups share a number of places. A name that was found before may have
 * each of them, but three quarters while others wait; others three quarters. One
 * place is a slow one's while one waits. A first lookup may last for
 * WH_NAMES_QUICK; a name that takes longer is a slow one from then on, until it
 * is found: slow ones share one quarter of the places, where a lookup may last as
 * long as a connect may. So a new name waits for WH_NAMES_QUICK behind those that
 * are new too, for no slow one, and nobody waits for ever.
 *
 * Times are those of wh_monotonic_now(): libcurl forgets by such a clock.
 */
#ifndef WH_DELIVER_NAMES_H
#define WH_DELIVER_NAMES_H

#include <apr_hash.h>
#include <curl/curl.h>

#include "deliver/host.h"
#include "deliver/lookup_message.h"

/** Time of the first lookup of a name. */
#define WH_NAMES_QUICK apr_time_from_msec(WH_LOOKUP_QUICK_MS)

/** So long addresses are as good as new. */
#define WH_NAMES_FRESH apr_time_from_sec(60)

/** And so long an endpoint that answers goes on with them while they are looked
 * up again: as long as a connection may last. */
#define WH_NAMES_STALE apr_time_from_sec(300)

/** After a lookup in vain such addresses are left alone for this time. */
#define WH_NAMES_PAUSE apr_time_from_sec(10)

/** libcurl keeps what it was given for this time and gets it again before that. */
#define WH_NAMES_CACHE_SECONDS 180L

/** Of one endpoint: a proxy's and the target's. */
#define WH_NAMES_EACH WH_HOSTS_MAX

typedef enum {
    WH_LANE_KNOWN, /**< it was found before */
    WH_LANE_NEW,
    WH_LANE_SLOW /**< its last lookup took too long */
} wh_lane_t;

#define WH_LANES 3

typedef struct wh_name_t wh_name_t;

/** An endpoint, as somebody who needs names. All zeros: it needs none. */
typedef struct wh_name_user_t {
    wh_name_t *names[WH_NAMES_EACH];
    int partly;         /**< 1: it has hosts besides that are no names */
    wh_name_t *awaited; /**< NULL: it waits for none */
    struct wh_name_user_t *next; /**< of those that wait for the same */
    CURLcode failure;            /**< of a lookup, for its next attempt */
    apr_time_t since;            /**< when that lookup began */
} wh_name_user_t;

/** A user need not wait any more. */
typedef void wh_names_ready_fn_t(void *baton, wh_name_user_t *user);

typedef struct wh_name_queue_t {
    wh_name_t *first;
    wh_name_t *last;
} wh_name_queue_t;

typedef struct wh_names_t {
    apr_hash_t *all;
    int socket; /**< -1: no lookups here, libcurl makes its own */
    int most;   /**< lookups at one time */
    apr_interval_time_t limit; /**< of one that is slow */
    wh_name_t *running[WH_LOOKUPS_MAX];
    int used[WH_LANES];
    wh_name_queue_t queues[WH_LANES];
    wh_names_ready_fn_t *ready;
    void *baton;
    wh_lookup_answer_t answer; /**< the one being read */
} wh_names_t;

/** Lookups at one time for so many transfers. */
int wh_names_most(int transfers);

/** Takes the socket, which may be -1. */
void wh_names_init(wh_names_t *names, int socket, int most,
                   apr_interval_time_t limit, wh_names_ready_fn_t *ready,
                   void *baton, apr_pool_t *pool);

/** All users have let go. */
void wh_names_destroy(wh_names_t *names);

/**
 * Lets a user need the names among these hosts, instead of those that it needed.
 * @return APR_SUCCESS or APR_ENOMEM: it needs none, libcurl looks up its own
 */
apr_status_t wh_names_bind(wh_names_t *names, wh_name_user_t *user,
                           const wh_host_t *hosts, int count);

/** The user needs no names, and waits for none. */
void wh_names_release(wh_names_t *names, wh_name_user_t *user);

/**
 * Whether an attempt may begin; if not the user waits until it is ready.
 * @param good 1: it answers
 * @return 1: it may, with addresses or with a failure to take
 */
int wh_names_ask(wh_names_t *names, wh_name_user_t *user, int good,
                 apr_time_t now);

/** The failure that an attempt has to end with; CURLE_OK: none.
 * @param waited how long it took */
CURLcode wh_names_take_failure(wh_name_user_t *user,
                               apr_interval_time_t *waited, apr_time_t now);

/** 1: no name of this user may be looked up by libcurl. */
int wh_names_cover(const wh_names_t *names, const wh_name_user_t *user);

/**
 * Lines for CURLOPT_RESOLVE that libcurl does not have yet, appended to a list.
 * @return APR_SUCCESS or APR_ENOMEM
 */
apr_status_t wh_names_lines(struct curl_slist **list,
                            const wh_name_user_t *user, apr_time_t now);

/** libcurl has taken them. */
void wh_names_taken(const wh_name_user_t *user, apr_time_t now);

/** Reads answers; when the socket says that there are some. */
void wh_names_read(wh_names_t *names, apr_time_t now);

#endif
