/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_cstr.h>
#include <apr_strings.h>
#include <string.h>

#include "ctl/record.h"
#include "store/attempt_store.h"

static void add_delivery(wh_table_t *table, const void *record,
                         apr_pool_t *pool)
{
    const wh_log_delivery_t *delivery = record;
    const char *cells[] = {wh_output_time(wh_row_id_time(delivery->id), pool),
                           wh_record_id(delivery->id, pool),
                           wh_record_id(delivery->webhook_id, pool),
                           delivery->event_name,
                           delivery->event_uuid,
                           "new"};

    wh_table_add(table, cells);
}

static void add_attempt(wh_table_t *table, const void *record, apr_pool_t *pool)
{
    const wh_log_recent_t *recent = record;
    const wh_log_attempt_t *attempt = &recent->attempt;
    const char *cells[] = {wh_output_time(attempt->started, pool),
                           wh_record_id(attempt->delivery_id, pool),
                           wh_record_id(recent->webhook_id, pool),
                           recent->event_name,
                           recent->event_uuid,
                           apr_psprintf(pool, "attempt %d: %s", attempt->number,
                                        wh_record_result(attempt, pool))};

    wh_table_add(table, cells);
}

/* A stream of two kinds of objects: each says which it is. */
static json_t *delivery_json(const void *record)
{
    json_t *entity = wh_log_delivery_json(record);

    json_object_set_new(entity, "Kind", json_string("delivery"));
    return entity;
}

static json_t *attempt_json(const void *record)
{
    const wh_log_recent_t *recent = record;
    json_t *entity = wh_log_attempt_json(&recent->attempt);

    json_object_set_new(entity, "Kind", json_string("attempt"));
    json_object_set_new(entity, "EventId",
                        wh_output_json_text(recent->event_uuid));
    json_object_set_new(entity, "Event",
                        wh_output_json_text(recent->event_name));
    json_object_set_new(entity, "WebhookId", json_integer(recent->webhook_id));
    return entity;
}

static apr_status_t fetch_attempts(apr_array_header_t **rows, wh_store_t *store,
                                   const wh_log_filter_t *filter,
                                   apr_pool_t *pool)
{
    return wh_store_attempt_recent(rows, store, filter->after, filter->limit,
                                   pool);
}

static int is_attempt_shown(const void *record, const wh_log_filter_t *filter)
{
    const wh_log_recent_t *recent = record;

    return (!filter->context || !strcmp(filter->context, recent->context)) &&
           (!filter->webhook_id || filter->webhook_id == recent->webhook_id) &&
           (!filter->event_name ||
            !apr_cstr_casecmp(filter->event_name, recent->event_name));
}

int wh_ctl_tail(wh_ctl_t *ctl)
{
    static const char *const headings[] = {
        "TIME", "DELIVERY", "WEBHOOK", "EVENT", "EVENT ID", "WHAT", NULL};
    wh_feed_t deliveries = {.fetch = wh_store_delivery_list,
                            .add = add_delivery,
                            .json = delivery_json};
    wh_feed_t attempts = {.fetch = fetch_attempts,
                          .add = add_attempt,
                          .json = attempt_json,
                          .show = is_attempt_shown};
    wh_feed_t *const feeds[] = {&deliveries, &attempts};
    apr_int64_t last;
    apr_status_t rv;

    if (!wh_record_filter(&deliveries.filter, ctl)) {
        return WH_EXIT_USAGE;
    }
    rv = wh_store_last_id(&last, ctl->store);
    if (rv != APR_SUCCESS) {
        return wh_ctl_storage(rv, NULL);
    }
    attempts.filter = deliveries.filter;
    attempts.table = deliveries.table = wh_table_create(headings, ctl->pool);
    wh_feed_start(&deliveries, last, ctl->pool);
    wh_feed_start(&attempts, last, ctl->pool);
    return wh_feed_follow(feeds, 2, ctl);
}
