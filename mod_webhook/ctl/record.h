/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Records of log_store.h as rows of tables and as JSON.
 * Private to ctl/ · one thread
 */
#ifndef WH_CTL_RECORD_H
#define WH_CTL_RECORD_H

#include "ctl/feed.h"

/** "pending", "delivered", "failed". */
const char *wh_record_state(wh_delivery_state_t state);

/** Reads such a name, in any case. @return 1 or 0 */
int wh_record_state_parse(int *state, const char *text);

/** An id for a table. */
const char *wh_record_id(apr_int64_t id, apr_pool_t *pool);

/** Status, error class and duration of an attempt in words. */
const char *wh_record_result(const wh_log_attempt_t *attempt, apr_pool_t *pool);

json_t *wh_record_event_json(const wh_log_event_t *event);
json_t *wh_record_delivery_json(const wh_log_delivery_t *delivery);
json_t *wh_record_attempt_json(const wh_log_attempt_t *attempt);

/** A table of deliveries. */
wh_table_t *wh_record_delivery_table(apr_pool_t *pool);
void wh_record_delivery_add(wh_table_t *table, const void *record,
                            apr_pool_t *pool);

/** What --context, --webhook and --event say. @return 1, or 0: it is said
 * what is wrong */
int wh_record_filter(wh_log_filter_t *filter, const wh_ctl_t *ctl);

#endif
