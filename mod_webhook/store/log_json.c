/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_json.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "base/identifier.h"
#include "base/text.h"
#include "base/time_text.h"

static const char *const replay_states[] = {"counting", "running", "done",
                                            "cancelled"};

#define COUNT(names) (sizeof(names) / sizeof(names[0]))

json_t *wh_log_json_time(apr_time_t time)
{
    char text[WH_TIME_SIZE];

    if (!time) {
        return json_null();
    }
    wh_time_print(text, time);
    return json_string(text);
}

/* Consumes text. */
static json_t *clean_json(char *text)
{
    json_t *value = NULL;

    if (text) {
        wh_text_clean(text, strlen(text));
        value = json_string(text);
        free(text);
    }
    return value;
}

json_t *wh_log_json_text(const char *text)
{
    json_t *value = text ? json_string(text) : json_null();

    return value ? value : clean_json(strdup(text));
}

json_t *wh_log_json_id(apr_int64_t id)
{
    char text[24];

    apr_snprintf(text, sizeof(text), "%" APR_INT64_T_FMT, id);
    return json_string(text);
}

const char *wh_replay_state_name(wh_replay_state_t state)
{
    return (unsigned int)state < COUNT(replay_states) ? replay_states[state]
                                                      : "unknown";
}

json_t *wh_log_delivery_json(const wh_log_delivery_t *delivery)
{
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:i, s:s, s:i, s:o}", "Id",
        wh_log_json_id(delivery->id), "Created",
        wh_log_json_time(wh_row_id_time(delivery->id)), "EventId",
        wh_log_json_text(delivery->event_uuid), "Event",
        wh_log_json_text(delivery->event_name), "WebhookId",
        delivery->webhook_id, "State", wh_delivery_state_name(delivery->state),
        "Attempts", delivery->attempts, "Due",
        wh_log_json_time(delivery->state == WH_DELIVERY_PENDING ? delivery->due
                                                                : 0));
}

/* Status line and headers, without the blank line behind them. */
static json_t *headers_json(const char *answer)
{
    const char *body = answer ? wh_answer_body(answer) : NULL;
    apr_size_t length = body ? (apr_size_t)(body - answer) : 0;

    if (!body) {
        return wh_log_json_text(answer);
    }
    while (length > 0 &&
           (answer[length - 1] == '\n' || answer[length - 1] == '\r')) {
        length--;
    }
    return clean_json(strndup(answer, length));
}

/* An id has the time at which the attempt ended: that of its begin instead. */
static apr_int64_t id_of_begin(const wh_log_attempt_t *attempt)
{
    const apr_int64_t below = (APR_INT64_C(1) << WH_ROW_ID_SHIFT) - 1;

    return wh_row_id_floor(attempt->started) | (attempt->id & below);
}

void wh_log_attempts_hide(const apr_array_header_t *attempts)
{
    int i;

    for (i = 0; i < attempts->nelts; i++) {
        wh_log_attempt_t *attempt =
            APR_ARRAY_IDX(attempts, i, wh_log_attempt_t *);

        if (attempt->told) {
            attempt->error = attempt->told;
            attempt->address = attempt->answer = NULL;
            attempt->status = 0;
            attempt->duration = 0;
            attempt->id = id_of_begin(attempt);
        }
    }
}

json_t *wh_log_attempt_json(const wh_log_attempt_t *attempt)
{
    const char *answer = attempt->answer;

    return json_pack(
        "{s:o, s:o, s:i, s:o, s:f, s:o, s:i, s:o, s:o, s:o}", "Id",
        wh_log_json_id(attempt->id), "DeliveryId",
        wh_log_json_id(attempt->delivery_id), "Number", attempt->number,
        "Started", wh_log_json_time(attempt->started), "Seconds",
        (double)attempt->duration / APR_USEC_PER_SEC, "Address",
        wh_log_json_text(attempt->address), "Status", attempt->status, "Error",
        wh_log_json_text(attempt->error), "Headers", headers_json(answer),
        "Body", wh_log_json_text(answer ? wh_answer_body(answer) : NULL));
}

json_t *wh_log_delivery_json_whole(const wh_log_delivery_t *delivery,
                                   const apr_array_header_t *attempts)
{
    json_t *entity = wh_log_delivery_json(delivery);
    json_t *array = json_array();
    int i;

    for (i = 0; i < attempts->nelts; i++) {
        json_array_append_new(array, wh_log_attempt_json(APR_ARRAY_IDX(
                                         attempts, i, wh_log_attempt_t *)));
    }
    json_object_set_new(entity, "AttemptList", array);
    return entity;
}

json_t *wh_replay_job_json(const wh_replay_job_t *job)
{
    json_t *total = job->state == WH_REPLAY_COUNTING ? json_null()
                                                     : json_integer(job->total);

    return json_pack("{s:o, s:i, s:s, s:o, s:o, s:b, s:o, s:I, s:o, s:o, s:o}",
                     "Id", wh_log_json_id(job->id), "WebhookId",
                     job->webhook_id, "State", wh_replay_state_name(job->state),
                     "From", wh_log_json_time(job->from), "To",
                     wh_log_json_time(job->to), "OnlyFailed", job->only_failed,
                     "Total", total, "Done", (json_int_t)job->done, "Created",
                     wh_log_json_time(job->created), "CreatedBy",
                     wh_log_json_text(job->created_by), "Updated",
                     wh_log_json_time(job->updated));
}
