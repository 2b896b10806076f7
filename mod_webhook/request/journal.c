/* SPDX-License-Identifier: Apache-2.0 */
#include "request/journal.h"

#include <apr_strings.h>
#include <http_log.h>
#include <string.h>

#include "base/text.h"
#include "httpd_private.h"
#include "request/caller.h"
#include "signal/child.h"

/* What one visit to the storage wants and gives. */
typedef struct visit_t {
    wh_replay_caller_t caller;
    wh_log_filter_t *filter;
    apr_int64_t id;
    const char *text;
    apr_int32_t webhook_id;
    apr_array_header_t *rows;
    apr_int64_t next;
    wh_log_delivery_t *delivery;
    wh_replay_job_t *job;
    wh_replay_answer_t answer;
    apr_pool_t *pool;
} visit_t;

typedef apr_status_t visit_fn_t(wh_store_t *store, visit_t *visit);

static apr_status_t visit_page(wh_store_t *store, visit_t *visit)
{
    return wh_store_delivery_page(&visit->rows, &visit->next, store,
                                  visit->filter, visit->pool);
}

/* An application sees no event that none of its webhooks has got: it would learn
 * what others listen for. */
static apr_status_t check_seen(wh_store_t *store, const visit_t *visit)
{
    wh_log_filter_t filter = {.context = visit->caller.context,
                              .app_id = visit->caller.app_id,
                              .event_id = visit->id,
                              .state = -1,
                              .limit = 1};
    apr_array_header_t *deliveries;
    apr_int64_t next;
    apr_status_t rv =
        wh_store_delivery_page(&deliveries, &next, store, &filter, visit->pool);

    return rv == APR_SUCCESS && deliveries->nelts == 0 ? APR_ENOENT : rv;
}

static apr_status_t visit_event(wh_store_t *store, visit_t *visit)
{
    wh_log_event_t *event;
    apr_status_t rv = wh_store_event_get(&event, store, visit->caller.context,
                                         visit->text, visit->pool);

    visit->id = rv == APR_SUCCESS ? event->id : 0;
    return rv == APR_SUCCESS && visit->caller.app_id ? check_seen(store, visit)
                                                     : rv;
}

static apr_status_t visit_delivery(wh_store_t *store, visit_t *visit)
{
    apr_status_t rv =
        wh_store_delivery_get(&visit->delivery, store, visit->caller.context,
                              visit->caller.app_id, visit->id, visit->pool);

    return rv == APR_SUCCESS ? wh_store_attempt_list(&visit->rows, store,
                                                     visit->id, visit->pool)
                             : rv;
}

static apr_status_t visit_delivery_replay(wh_store_t *store, visit_t *visit)
{
    return wh_store_replay_delivery(&visit->answer, store, &visit->caller,
                                    visit->id, apr_time_now());
}

static apr_status_t visit_start(wh_store_t *store, visit_t *visit)
{
    return wh_store_replay_start(&visit->answer, store, visit->job);
}

static apr_status_t visit_list(wh_store_t *store, visit_t *visit)
{
    return wh_store_replay_list(&visit->rows, store, &visit->caller,
                                visit->webhook_id, 0, visit->pool);
}

static apr_status_t visit_get(wh_store_t *store, visit_t *visit)
{
    return wh_store_replay_get(&visit->job, store, &visit->caller, visit->id,
                               visit->pool);
}

static apr_status_t visit_cancel(wh_store_t *store, visit_t *visit)
{
    return wh_store_replay_cancel(&visit->answer, store, &visit->caller,
                                  visit->id);
}

/* A handle is held for one call only: others wait for it.
 * @param missing what APR_ENOENT means */
static int with_store(visit_fn_t *call, visit_t *visit, const char *missing,
                      const char **message, request_rec *r)
{
    wh_store_t *store;
    apr_status_t rv = wh_child_store_get(&store);

    if (rv == APR_SUCCESS) {
        visit->caller.context = wh_call_get(r)->context;
        visit->caller.app_id = wh_caller_app(r);
        visit->pool = r->pool;
        rv = call(store, visit);
        wh_child_store_put(store);
    }
    if (rv == APR_SUCCESS) {
        return OK;
    }
    if (rv == APR_ENOENT) {
        *message = missing;
        return HTTP_NOT_FOUND;
    }
    ap_log_rerror(APLOG_MARK, APLOG_INFO, rv, r,
                  WHLOGNO(2060) "the storage of deliveries is not available");
    *message = "The storage is not available now.";
    return HTTP_SERVICE_UNAVAILABLE;
}

#define NO_DELIVERY "There is no such delivery."
#define NO_REPLAY "There is no such replay."
#define NO_WEBHOOK "There is no such webhook."

/* Why something is not sent once more. */
static int judge(wh_replay_answer_t answer, const char *missing,
                 const char **message)
{
    switch (answer) {
    case WH_REPLAY_TAKEN:
        return OK;
    case WH_REPLAY_MISSING:
        *message = missing;
        return HTTP_NOT_FOUND;
    case WH_REPLAY_PENDING:
        *message = "The delivery is pending already.";
        break;
    case WH_REPLAY_GONE:
        *message = "The webhook of this delivery is deleted.";
        break;
    case WH_REPLAY_INACTIVE:
        *message = "The webhook is not active.";
        break;
    case WH_REPLAY_BUSY:
        *message = "Another replay of this webhook has not ended.";
        break;
    case WH_REPLAY_OVER:
        *message = "The replay is done.";
        break;
    }
    return HTTP_CONFLICT;
}

int wh_journal_page(apr_array_header_t **deliveries, apr_int64_t *next,
                    const char **message, request_rec *r,
                    wh_log_filter_t *filter)
{
    visit_t visit = {.filter = filter};
    int status;

    filter->context = wh_call_get(r)->context;
    filter->app_id = wh_caller_app(r);
    status = with_store(visit_page, &visit, NULL, message, r);
    *deliveries = visit.rows;
    *next = visit.next;
    return status;
}

int wh_journal_event(apr_int64_t *id, const char **message, request_rec *r,
                     const char *uuid)
{
    static const char missing[] = "There is no such event.";
    visit_t visit = {.text = wh_text_lower(uuid, r->pool)};
    int status;

    /* The storage knows events by their row ids too, the API does not. */
    if (!wh_uuid_valid(visit.text)) {
        *message = missing;
        return HTTP_NOT_FOUND;
    }
    status = with_store(visit_event, &visit, missing, message, r);
    *id = visit.id;
    return status;
}

int wh_journal_delivery(wh_log_delivery_t **delivery,
                        apr_array_header_t **attempts, const char **message,
                        request_rec *r, apr_int64_t id)
{
    visit_t visit = {.id = id};
    int status = with_store(visit_delivery, &visit, NO_DELIVERY, message, r);

    *delivery = visit.delivery;
    *attempts = visit.rows;
    return status;
}

int wh_journal_delivery_replay(const char **message, request_rec *r,
                               apr_int64_t id)
{
    visit_t visit = {.id = id};
    int status =
        with_store(visit_delivery_replay, &visit, NO_DELIVERY, message, r);

    if (status == OK) {
        status = judge(visit.answer, NO_DELIVERY, message);
    }
    if (status == OK) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      WHLOGNO(2061) "delivery %" APR_INT64_T_FMT
                                    " is to be sent once more",
                      id);
    }
    return status;
}

/* The name in a form that every answer can show. */
static const char *shown_user(const request_rec *r)
{
    char *user = apr_pstrdup(r->pool, r->user);

    wh_text_clean(user, strlen(user));
    return user;
}

int wh_journal_replay_start(wh_replay_job_t *job, const char **message,
                            request_rec *r)
{
    visit_t visit = {.job = job};
    int status;

    job->context = wh_call_get(r)->context;
    job->created = job->updated = apr_time_now();
    job->created_by = shown_user(r);
    status = with_store(visit_start, &visit, NO_WEBHOOK, message, r);
    if (status == OK) {
        status = judge(visit.answer, NO_WEBHOOK, message);
    }
    if (status == OK) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      WHLOGNO(2062) "replay %" APR_INT64_T_FMT
                                    " of webhook %d begins",
                      job->id, job->webhook_id);
    }
    return status;
}

int wh_journal_replay_list(apr_array_header_t **jobs, const char **message,
                           request_rec *r, apr_int32_t webhook_id)
{
    visit_t visit = {.webhook_id = webhook_id};
    int status = with_store(visit_list, &visit, NULL, message, r);

    *jobs = visit.rows;
    return status;
}

int wh_journal_replay_get(wh_replay_job_t **job, const char **message,
                          request_rec *r, apr_int64_t id)
{
    visit_t visit = {.id = id};
    int status = with_store(visit_get, &visit, NO_REPLAY, message, r);

    *job = visit.job;
    return status;
}

int wh_journal_replay_cancel(const char **message, request_rec *r,
                             apr_int64_t id)
{
    visit_t visit = {.id = id};
    int status = with_store(visit_cancel, &visit, NO_REPLAY, message, r);

    if (status == OK) {
        status = judge(visit.answer, NO_REPLAY, message);
    }
    if (status == OK) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      WHLOGNO(2063) "replay %" APR_INT64_T_FMT " is cancelled",
                      id);
    }
    return status;
}
