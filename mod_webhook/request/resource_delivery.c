/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <httpd.h>
#include <string.h>

#include "policy/page.h"
#include "request/answer.h"
#include "request/caller.h"
#include "request/journal.h"
#include "request/resource.h"
#include "request/subscription.h"
#include "store/log_json.h"

/* In the filter 0 is no bound, which a time before the first id must not
 * become. */
static apr_int64_t floor_of(apr_time_t time)
{
    apr_int64_t id = time ? wh_row_id_floor(time) : 0;

    return time && id < 1 ? 1 : id;
}

static void set_filter(wh_log_filter_t *filter, const wh_page_t *page)
{
    memset(filter, 0, sizeof(*filter));
    filter->state = page->state;
    filter->event_name = page->event;
    filter->since = floor_of(page->from);
    filter->before = floor_of(page->to);
    if (page->cursor && (!filter->before || page->cursor < filter->before)) {
        filter->before = page->cursor;
    }
    filter->limit = page->limit;
}

/* The URL of the next page (RFC 8288): the same query with another cursor. */
static const char *next_url(request_rec *r, const apr_table_t *parameters,
                            apr_int64_t next)
{
    static const char *const names[] = {"state", "event", "from", "to",
                                        "limit"};
    const wh_call_t *call = wh_call_get(r);
    const char *url = apr_psprintf(
        r->pool, "%s?cursor=%" APR_INT64_T_FMT,
        wh_resource_url(
            r, apr_pstrcat(r->pool, call->resource_path, call->rest, NULL)),
        next);
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = apr_table_get(parameters, names[i]);

        if (value && *value) {
            url = apr_pstrcat(r->pool, url, "&", names[i], "=",
                              ap_escape_urlencoded(r->pool, value), NULL);
        }
    }
    return url;
}

static int answer_page(request_rec *r, wh_log_filter_t *filter,
                       const apr_table_t *parameters)
{
    apr_array_header_t *deliveries;
    apr_int64_t next;
    const char *message;
    json_t *array;
    int i, status = wh_journal_page(&deliveries, &next, &message, r, filter);

    if (status != OK) {
        return wh_answer_error(r, status, message);
    }
    array = json_array();
    for (i = 0; i < deliveries->nelts; i++) {
        json_array_append_new(array, wh_log_delivery_json(APR_ARRAY_IDX(
                                         deliveries, i, wh_log_delivery_t *)));
    }
    if (next) {
        apr_table_setn(r->headers_out, "Link",
                       apr_pstrcat(r->pool, "<", next_url(r, parameters, next),
                                   ">; rel=\"next\"", NULL));
    }
    return wh_answer_value(
        r, WH_ROOT_DELIVERIES,
        json_pack("{s:o, s:o}", "Deliveries", array, "Next",
                  next ? wh_log_json_id(next) : json_null()));
}

/* Reads the query. @return OK or 400 */
static int read_page(wh_log_filter_t *filter, apr_table_t **parameters,
                     const char **message, request_rec *r)
{
    wh_page_t page;

    if (wh_resource_read_query(parameters, message, r) != OK ||
        wh_page_query(&page, message, *parameters) != APR_SUCCESS) {
        return HTTP_BAD_REQUEST;
    }
    set_filter(filter, &page);
    return OK;
}

int wh_resource_deliveries(request_rec *r, const wh_path_t *path)
{
    apr_table_t *parameters;
    wh_log_filter_t filter;
    wh_webhook_t *webhook;
    const char *message;
    int status = wh_subscription_get(&webhook, &message, r, path->id);

    if (status == OK) {
        status = read_page(&filter, &parameters, &message, r);
    }
    if (status != OK) {
        return wh_answer_error(r, status, message);
    }
    filter.webhook_id = webhook->id;
    return answer_page(r, &filter, parameters);
}

/* What selects among events says nothing for the list of one. */
static void drop_for_event(wh_log_filter_t *filter, apr_table_t *parameters)
{
    const char *cursor = apr_table_get(parameters, "cursor");

    filter->event_name = NULL;
    filter->since = 0;
    filter->before = cursor ? wh_id_parse(cursor) : 0;
    apr_table_unset(parameters, "event");
    apr_table_unset(parameters, "from");
    apr_table_unset(parameters, "to");
}

int wh_resource_event_deliveries(request_rec *r, const wh_path_t *path)
{
    apr_table_t *parameters;
    wh_log_filter_t filter;
    const char *message;
    apr_int64_t id;
    int status = wh_journal_event(&id, &message, r, path->segments[1]);

    if (status == OK) {
        status = read_page(&filter, &parameters, &message, r);
    }
    if (status != OK) {
        return wh_answer_error(r, status, message);
    }
    drop_for_event(&filter, parameters);
    filter.event_id = id;
    return answer_page(r, &filter, parameters);
}

int wh_resource_delivery(request_rec *r, const wh_path_t *path)
{
    wh_log_delivery_t *delivery;
    apr_array_header_t *attempts;
    const char *message;
    int status = wh_journal_delivery(&delivery, &attempts, &message, r,
                                     wh_id_parse(path->segments[1]));

    if (status != OK) {
        return wh_answer_error(r, status, message);
    }
    wh_log_attempts_hide(attempts);
    return wh_answer_value(r, WH_ROOT_DELIVERY,
                           wh_log_delivery_json_whole(delivery, attempts));
}

int wh_resource_delivery_replay(request_rec *r, const wh_path_t *path)
{
    const char *message;
    int status =
        wh_journal_delivery_replay(&message, r, wh_id_parse(path->segments[1]));

    return status == OK ? wh_answer_empty(r)
                        : wh_answer_error(r, status, message);
}
