/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Deliveries and replays, as far as the caller may see them: a user without an
 * application all of the context, an application those of its own webhooks.
 * Private to request/ · runs on: request threads of children
 *
 * All return OK, or the status to answer with and a message.
 */
#ifndef WH_REQUEST_JOURNAL_H
#define WH_REQUEST_JOURNAL_H

#include <httpd.h>

#include "store/log_store.h"
#include "store/replay_job.h"

/** A page of wh_log_delivery_t *. @param filter the caller is filled in */
int wh_journal_page(apr_array_header_t **deliveries, apr_int64_t *next,
                    const char **message, request_rec *r,
                    wh_log_filter_t *filter);

/** Row id of an event of the context. @param uuid in any case */
int wh_journal_event(apr_int64_t *id, const char **message, request_rec *r,
                     const char *uuid);

/** @param attempts of wh_log_attempt_t * */
int wh_journal_delivery(wh_log_delivery_t **delivery,
                        apr_array_header_t **attempts, const char **message,
                        request_rec *r, apr_int64_t id);

int wh_journal_delivery_replay(const char **message, request_rec *r,
                               apr_int64_t id);

/** @param job webhook_id, from, to and only_failed are given; the rest is
 *         filled in. A webhook that the caller may see. */
int wh_journal_replay_start(wh_replay_job_t *job, const char **message,
                            request_rec *r);

/** @param jobs of wh_replay_job_t *: those of a webhook */
int wh_journal_replay_list(apr_array_header_t **jobs, const char **message,
                           request_rec *r, apr_int32_t webhook_id);

int wh_journal_replay_get(wh_replay_job_t **job, const char **message,
                          request_rec *r, apr_int64_t id);

int wh_journal_replay_cancel(const char **message, request_rec *r,
                             apr_int64_t id);

#endif
