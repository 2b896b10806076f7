/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Which webhooks listen for an event.
 * Stage: policy · from: dispatcher · to: - · pure: no I/O
 */
#ifndef WH_POLICY_MATCH_H
#define WH_POLICY_MATCH_H

#include <apr_pools.h>
#include <apr_tables.h>

typedef struct wh_match_index_t wh_match_index_t;

/**
 * Builds the index over webhooks (of struct wh_webhook_t *): the active ones,
 * by context and by event name or pattern. The records must outlive it.
 * @param disabled_too 1: also those that were disabled for their errors: what
 *        they listen for is kept for them
 */
wh_match_index_t *wh_match_index_create(const apr_array_header_t *webhooks,
                                        int disabled_too, apr_pool_t *pool);

/**
 * Webhooks of a context that listen for an event; names are compared without
 * regard to (ASCII) case, as the original's database does. One thread.
 * @return of struct wh_webhook_t *, by id, each once; NULL: nobody listens.
 *         It belongs to the index, or to pool where patterns are concerned
 */
const apr_array_header_t *wh_match_find(const wh_match_index_t *index,
                                        const char *context,
                                        const char *event_name,
                                        apr_pool_t *pool);

#endif
