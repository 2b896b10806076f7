/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Records of the log as JSON, as the API and webhookctl show them.
 * Stage: store · from: request, ctl · pure · any thread
 *
 * All return new references. Stored texts came from anywhere: what is no UTF-8
 * or a control becomes "?". Ids have 64 bits and are strings, because most
 * readers of JSON numbers have 53.
 */
#ifndef WH_STORE_LOG_JSON_H
#define WH_STORE_LOG_JSON_H

#include <jansson.h>

#include "store/log_store.h"
#include "store/replay_job.h"

/** ISO 8601 in UTC with milliseconds; 0: null. */
json_t *wh_log_json_time(apr_time_t time);
/** NULL: null. */
json_t *wh_log_json_text(const char *text);
json_t *wh_log_json_id(apr_int64_t id);

/** "counting", "running", "done", "cancelled". */
const char *wh_replay_state_name(wh_replay_state_t state);

json_t *wh_log_delivery_json(const wh_log_delivery_t *delivery);
/** @param attempts of wh_log_attempt_t *, as the member AttemptList */
json_t *wh_log_delivery_json_whole(const wh_log_delivery_t *delivery,
                                   const apr_array_header_t *attempts);
/** Takes from attempts what users must not learn: where they are told something
 * else than what happened, neither the reason nor what would show it. */
void wh_log_attempts_hide(const apr_array_header_t *attempts);
json_t *wh_log_attempt_json(const wh_log_attempt_t *attempt);
json_t *wh_replay_job_json(const wh_replay_job_t *job);

#endif
