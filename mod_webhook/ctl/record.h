/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Records of log_store.h as rows of tables; as JSON see store/log_json.h.
 * Private to ctl/ · one thread
 */
#ifndef WH_CTL_RECORD_H
#define WH_CTL_RECORD_H

#include "ctl/feed.h"
#include "store/log_json.h"

/** An id for a table. */
const char *wh_record_id(apr_int64_t id, apr_pool_t *pool);

/** Status, error class and duration of an attempt in words. */
const char *wh_record_result(const wh_log_attempt_t *attempt, apr_pool_t *pool);

json_t *wh_record_event_json(const wh_log_event_t *event);

/** A table of deliveries. */
wh_table_t *wh_record_delivery_table(apr_pool_t *pool);
void wh_record_delivery_add(wh_table_t *table, const void *record,
                            apr_pool_t *pool);

/** What --context, --webhook and --event say. @return 1, or 0: it is said
 * what is wrong */
int wh_record_filter(wh_log_filter_t *filter, const wh_ctl_t *ctl);

/** What --since and --until say; 0: nothing. @return likewise */
int wh_record_span(apr_time_t *since, apr_time_t *until, const wh_ctl_t *ctl);

/** The first row id of a time; 0 for 0 alone, as filters have it. */
apr_int64_t wh_record_floor(apr_time_t time);

#endif
