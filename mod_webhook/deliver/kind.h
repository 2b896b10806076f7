/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The kinds of delivery: what the Type of a webhook means.
 * Stage: deliver · from: validate, target · to: transfer, outcome
 * runs on: the functions of a kind on any thread of the dispatcher and of
 * httpd's children, several at a time
 *
 * Everything that one kind does differently from another is in its row: its
 * payload, its headers, its secrets, what it takes for a success. Rows beside
 * the built-in ones are added before the dispatcher and the children are
 * forked, and are only read from then on.
 */
#ifndef WH_DELIVER_KIND_H
#define WH_DELIVER_KIND_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_time.h>

#include "base/settings.h"
#include "deliver/header_list.h"
#include "deliver/parcel.h"
#include "model/event.h"
#include "model/webhook.h"
#include "policy/options.h"

/** Kinds that other modules add. */
#define WH_KIND_ADDED_MAX 16

/** The secrets of a webhook: its own, and those of its options. */
#define WH_KIND_SECRETS_MAX (1 + WH_SECRETS_MAX)

struct wh_target_t;
typedef struct wh_kind_t wh_kind_t;

/** One attempt, as its kind sees it. */
typedef struct wh_attempt_t {
    const wh_kind_t *kind;
    const struct wh_target_t *target;
    const wh_event_t *event;
    int number; /**< attempts before this one */
    int test;   /**< 1: the test event */
    apr_time_t now;
    const char *secrets[WH_KIND_SECRETS_MAX]; /**< those that count now */
    int secret_count;
    const char *body; /**< the bytes to be sent; NULL in render() */
    apr_size_t length;
} wh_attempt_t;

struct wh_kind_t {
    const char *name; /**< as Type is answered */
    /** Begins of the names of headers that are the kind's own; ended by NULL,
     * or NULL: there are none */
    const char *const *own_headers;
    int needs_secret; /**< 1: without the member Secret nothing is saved */
    /** NULL, or a sentence part such as "must begin with ..." from pool;
     * a function that is NULL takes all secrets */
    const char *(*secret_refusal)(const wh_kind_t *kind, const char *secret,
                                  apr_pool_t *pool);
    /** APR_SUCCESS, APR_ENOMEM, or another status: the attempt fails */
    apr_status_t (*render)(wh_parcel_t *body, const wh_attempt_t *attempt);
    /** Adds the headers of one attempt; results as above. */
    apr_status_t (*sign)(wh_header_list_t *list, const wh_attempt_t *attempt);
    /** NULL: every status from 200 to 299. The status is that of a whole
     * answer. */
    int (*succeeds)(const wh_kind_t *kind, int status,
                    const wh_settings_t *settings);
    const void *baton; /**< of a kind that was added */
};

extern const wh_kind_t wh_kind_superoffice;
extern const wh_kind_t wh_kind_standard;
extern const wh_kind_t wh_kind_cloudevents;

/** The kind with this name in any case; NULL is the default, "webhook".
 * @return NULL: there is none */
const wh_kind_t *wh_kind_find(const char *name);

/** The names of all kinds as "one, two or three". */
const char *wh_kind_names(apr_pool_t *pool);

/**
 * Adds a kind, which the caller keeps until wh_kind_forget(). Only while no
 * other thread or process uses them.
 * @return APR_SUCCESS, APR_EEXIST: the name is taken, or APR_ENOSPC
 */
apr_status_t wh_kind_add(const wh_kind_t *kind);

/** Forgets all kinds that were added. */
void wh_kind_forget(void);

/** Whether a kind itself sets this header. */
int wh_kind_owns_header(const wh_kind_t *kind, const char *name);

/** Whether a status is a success for it. */
int wh_kind_succeeds(const wh_kind_t *kind, int status,
                     const wh_settings_t *settings);

/**
 * Judges the secrets of a webhook.
 * @return NULL, or a sentence from pool
 */
const char *wh_kind_refusal(const wh_kind_t *kind, const wh_webhook_t *webhook,
                            const wh_options_t *options, apr_pool_t *pool);

#endif
