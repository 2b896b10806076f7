/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Durable storage behind apr_dbd: one handle, its schema, its write lock.
 * Stage: store · from: request (children), dispatcher, tools · to: the database
 * runs on: the one thread that holds the wh_store_t · owns: handle, statements, lock file
 *
 * A wh_store_t is never shared between threads and never carried across a
 * fork. Every function may return APR_SUCCESS, a documented answer
 * (APR_ENOENT, APR_EEXIST, WH_STORE_FULL), APR_TIMEUP (the write lock was not to be had in
 * time) or WH_STORE_DOWN: the call failed, nothing of it is stored, and the
 * handle reopens itself at the next call.
 */
#ifndef WH_STORE_STORE_H
#define WH_STORE_STORE_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

struct wh_settings_t;
struct wh_webhook_t;

typedef struct wh_store_t wh_store_t;

/** The database did not answer or refused; ask again later. */
#define WH_STORE_DOWN (APR_OS_START_USERERR + 101)

/**
 * COMMIT failed and nobody knows whether it took place: the log may hold it
 * although its flush failed. Only writing calls return it.
 */
#define WH_STORE_UNKNOWN (APR_OS_START_USERERR + 102)

/** Somebody else has changed the record since it was read. */
#define WH_STORE_CHANGED (APR_OS_START_USERERR + 103)

/** WebhookLimit leaves no room for the webhook, or not for so long a one. */
#define WH_STORE_FULL (APR_OS_START_USERERR + 104)

/**
 * Makes a store object; opens nothing yet. apr_dbd_init() must have run in
 * this process. The store has its own allocator and so may be made and used
 * by any thread.
 */
apr_status_t wh_store_create(wh_store_t **store,
                             const struct wh_settings_t *settings);

/** Closes the handle (under the write lock) and frees everything. */
void wh_store_destroy(wh_store_t *store);

/**
 * Opens the database if it is not open: pragmas set and read back, schema
 * migrated under the write lock when it is older than this code.
 * The other calls do this by themselves.
 */
apr_status_t wh_store_open(wh_store_t *store);

/* -- webhooks: for the API; all confined to one context -- */

/** @param webhooks of struct wh_webhook_t *, by id; usage counters filled */
apr_status_t wh_store_webhook_list(apr_array_header_t **webhooks,
                                   wh_store_t *store, const char *context,
                                   apr_pool_t *pool);

/** APR_ENOENT: no such webhook in this context. */
apr_status_t wh_store_webhook_get(struct wh_webhook_t **webhook,
                                  wh_store_t *store, const char *context,
                                  apr_int32_t id, apr_pool_t *pool);

/**
 * Stores a new webhook and sets webhook->id and version (1). Committed when it
 * returns.
 * @return WH_STORE_FULL: webhook_limit or webhook_bytes of the settings, which
 *         count the webhooks of all contexts
 */
apr_status_t wh_store_webhook_insert(wh_store_t *store,
                                     struct wh_webhook_t *webhook);

/**
 * Stores all but the usage counters and the registered_*, context and app_id
 * fields, and sets webhook->version to the new one. When the webhook becomes
 * active its consecutive errors begin at 0 again.
 * @param version the one that the caller has read; 0: any
 * @return APR_ENOENT: no such webhook in its context;
 *         WH_STORE_CHANGED: it has another version meanwhile;
 *         WH_STORE_FULL: it would be longer, and there is no room. One that is
 *         not longer than before is always stored.
 */
apr_status_t wh_store_webhook_update(wh_store_t *store,
                                     struct wh_webhook_t *webhook,
                                     apr_int64_t version);

/** APR_ENOENT, WH_STORE_CHANGED: as above. */
apr_status_t wh_store_webhook_delete(wh_store_t *store, const char *context,
                                     apr_int32_t id, apr_int64_t version);

#endif
