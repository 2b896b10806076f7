/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/record.h"

#include <apr_strings.h>
#include <string.h>

const char *wh_record_id(apr_int64_t id, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%" APR_INT64_T_FMT, id);
}

const char *wh_record_result(const wh_log_attempt_t *attempt, apr_pool_t *pool)
{
    const char *result = attempt->status
                             ? apr_psprintf(pool, "status %d", attempt->status)
                             : "no answer";

    if (attempt->error) {
        result = apr_pstrcat(pool, result, " (", attempt->error, ")", NULL);
    }
    return apr_psprintf(pool, "%s in %" APR_TIME_T_FMT " ms", result,
                        attempt->duration / 1000);
}

json_t *wh_record_event_json(const wh_log_event_t *event)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:i, s:i, s:o, s:o}", "Id",
                     wh_output_json_id(event->id), "EventId",
                     wh_output_json_text(event->uuid), "Context",
                     wh_output_json_text(event->context), "Event",
                     wh_output_json_text(event->name), "PrimaryKey",
                     event->primary_key, "AssociateId", event->associate_id,
                     "Time", wh_output_json_time(event->time), "Data",
                     wh_output_json_value(event->data));
}

wh_table_t *wh_record_delivery_table(apr_pool_t *pool)
{
    static const char *const headings[] = {"ID",       "CREATED", "STATE",
                                           "WEBHOOK",  "EVENT",   "EVENT ID",
                                           "ATTEMPTS", "DUE",     NULL};

    return wh_table_create(headings, pool);
}

void wh_record_delivery_add(wh_table_t *table, const void *record,
                            apr_pool_t *pool)
{
    const wh_log_delivery_t *delivery = record;
    int is_pending = delivery->state == WH_DELIVERY_PENDING;
    const char *cells[] = {
        wh_record_id(delivery->id, pool),
        wh_output_time(wh_row_id_time(delivery->id), pool),
        wh_delivery_state_name(delivery->state),
        wh_record_id(delivery->webhook_id, pool),
        delivery->event_name,
        delivery->event_uuid,
        wh_record_id(delivery->attempts, pool),
        wh_output_time(is_pending ? delivery->due : 0, pool)};

    wh_table_add(table, cells);
}

int wh_record_filter(wh_log_filter_t *filter, const wh_ctl_t *ctl)
{
    apr_int64_t webhook = 0;

    memset(filter, 0, sizeof(*filter));
    filter->state = -1;
    filter->context = ctl->context;
    filter->event_name = wh_option_text(ctl->options, WH_OPTION_EVENT);
    if (!wh_ctl_number(ctl, &webhook, WH_OPTION_WEBHOOK, 1, 0x7fffffff)) {
        return 0;
    }
    filter->webhook_id = (apr_int32_t)webhook;
    return 1;
}

static int read_time(apr_time_t *time, const wh_ctl_t *ctl, wh_option_t option)
{
    const char *text = wh_option_text(ctl->options, option);

    *time = 0;
    if (!text || wh_value_time(time, text, apr_time_now())) {
        return 1;
    }
    wh_ctl_bad_value(ctl, option);
    return 0;
}

int wh_record_span(apr_time_t *since, apr_time_t *until, const wh_ctl_t *ctl)
{
    return read_time(since, ctl, WH_OPTION_SINCE) &&
           read_time(until, ctl, WH_OPTION_UNTIL);
}

apr_int64_t wh_record_floor(apr_time_t time)
{
    apr_int64_t id = time ? wh_row_id_floor(time) : 0;

    return time && id < 1 ? 1 : id;
}
