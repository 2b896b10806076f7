/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The one door for an event.
 * Stage: signal · from: request, other modules · to: the dispatcher, by the channel
 * runs on: request threads of children · owns: the child's end of the channel
 */
#ifndef WH_SIGNAL_SIGNAL_H
#define WH_SIGNAL_SIGNAL_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_time.h>

struct wh_settings_t;

typedef struct wh_channel_t wh_channel_t;

/** One event as it is signalled; nothing is kept after the call. */
typedef struct wh_signal_t {
    const char *event_name; /**< checked by the callee */
    apr_int32_t primary_key;
    apr_int32_t associate_id;
    const char *context; /**< tenant */
    const char *data;    /**< text of a JSON object; NULL or "": {} */
    apr_size_t data_length;
    const char *user;            /**< who signals; NULL: nobody */
    const char *idempotency_key; /**< NULL: none */
} wh_signal_t;

/** What became of it. */
typedef struct wh_signal_result_t {
    char event_id[37]; /**< UUID of the event (of the first one, if repeated) */
    int matched;       /**< webhooks that listen; 0: nothing was stored */
    int repeated;      /**< 1: the idempotency key was known already */
    const char *message; /**< for a person, when the status is not success */
} wh_signal_result_t;

/**
 * Makes the child's end; connects at first use. The dispatcher's address is
 * in settings->state_dir. Call after the fork.
 */
apr_status_t wh_channel_create(wh_channel_t **channel,
                               const struct wh_settings_t *settings,
                               apr_pool_t *pool);

/**
 * Signals an event and waits until it is committed.
 * @return APR_SUCCESS: committed, or no webhook listens;
 *         APR_EINVAL: event name or data are not allowed (see message);
 *         APR_EEXIST: the idempotency key was used for another event;
 *         APR_ENOSPC: the event is larger than the channel takes;
 *         APR_EAGAIN: the storage refused, nothing is accepted;
 *         APR_TIMEUP: no answer in time, the outcome is unknown
 * Any thread.
 */
apr_status_t wh_signal_send(wh_signal_result_t *result, wh_channel_t *channel,
                            const wh_signal_t *signal, apr_pool_t *pool);

#endif
