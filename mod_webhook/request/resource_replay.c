/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <httpd.h>

#include "policy/page.h"
#include "request/answer.h"
#include "request/body.h"
#include "request/caller.h"
#include "request/journal.h"
#include "request/resource.h"
#include "request/subscription.h"
#include "store/log_json.h"

int wh_resource_replays(request_rec *r, const wh_path_t *path)
{
    apr_array_header_t *jobs;
    wh_webhook_t *webhook;
    const char *message;
    json_t *array;
    int i, status = wh_subscription_get(&webhook, &message, r, path->id);

    if (status == OK) {
        status = wh_journal_replay_list(&jobs, &message, r, webhook->id);
    }
    if (status != OK) {
        return wh_answer_error(r, status, message);
    }
    array = json_array();
    for (i = 0; i < jobs->nelts; i++) {
        json_array_append_new(array, wh_replay_job_json(APR_ARRAY_IDX(
                                         jobs, i, wh_replay_job_t *)));
    }
    return wh_answer_value(r, WH_ROOT_REPLAYS, array);
}

static int read_span(wh_replay_job_t *job, const char **message, request_rec *r)
{
    wh_span_t span;
    json_t *object;
    int texts = 0;
    int status = wh_body_object(&object, &texts, message, r);

    if (status != OK) {
        return status;
    }
    if (wh_span_read(&span, message, object, texts) != APR_SUCCESS) {
        return HTTP_BAD_REQUEST;
    }
    job->from = span.from;
    job->to = span.to;
    job->only_failed = span.only_failed;
    return OK;
}

static int answer_started(request_rec *r, const wh_replay_job_t *job)
{
    const char *path = apr_psprintf(r->pool, "%s/Replays/%" APR_INT64_T_FMT,
                                    wh_call_get(r)->resource_path, job->id);

    apr_table_setn(r->headers_out, "Location", wh_resource_url(r, path));
    return wh_answer_accepted(r, WH_ROOT_REPLAY, wh_replay_job_json(job));
}

int wh_resource_replay_start(request_rec *r, const wh_path_t *path)
{
    wh_replay_job_t job = {.state = WH_REPLAY_COUNTING};
    wh_webhook_t *webhook;
    const char *message = NULL;
    int status = wh_subscription_get(&webhook, &message, r, path->id);

    if (status == OK) {
        status = read_span(&job, &message, r);
    }
    if (status == OK) {
        job.webhook_id = webhook->id;
        status = wh_journal_replay_start(&job, &message, r);
    }
    return status == OK ? answer_started(r, &job)
                        : wh_answer_error(r, status, message);
}

int wh_resource_replay(request_rec *r, const wh_path_t *path)
{
    wh_replay_job_t *job;
    const char *message;
    int status = wh_journal_replay_get(&job, &message, r,
                                       wh_id_parse(path->segments[1]));

    return status == OK
               ? wh_answer_value(r, WH_ROOT_REPLAY, wh_replay_job_json(job))
               : wh_answer_error(r, status, message);
}

int wh_resource_replay_cancel(request_rec *r, const wh_path_t *path)
{
    const char *message;
    int status =
        wh_journal_replay_cancel(&message, r, wh_id_parse(path->segments[1]));

    return status == OK ? wh_answer_empty(r)
                        : wh_answer_error(r, status, message);
}
