/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <jansson.h>
#include <stdlib.h>

#include "ctl/record.h"

#include "media/json.h"

/* Deliveries that are shown of one event; there is one for each webhook. */
#define DELIVERIES_MAX 500

static void add_row(wh_table_t *table, const void *record, apr_pool_t *pool)
{
    const wh_log_event_t *event = record;
    const char *cells[] = {wh_record_id(event->id, pool),
                           wh_output_time(event->time, pool),
                           event->name,
                           wh_record_id(event->primary_key, pool),
                           event->uuid,
                           event->context};

    wh_table_add(table, cells);
}

static json_t *to_json(const void *record)
{
    return wh_record_event_json(record);
}

int wh_ctl_event_list(wh_ctl_t *ctl)
{
    const char *const headings[] = {"ID",       "TIME",
                                    "EVENT",    "KEY",
                                    "EVENT ID", ctl->context ? NULL : "CONTEXT",
                                    NULL};
    wh_feed_t feed = {
        .fetch = wh_store_event_list, .add = add_row, .json = to_json};

    if (!wh_record_filter(&feed.filter, ctl)) {
        return WH_EXIT_USAGE;
    }
    feed.table = wh_table_create(headings, ctl->pool);
    return wh_feed_list(&feed, ctl);
}

/* The data, a line for each of its parts. */
static void print_data(const char *data, apr_pool_t *pool)
{
    json_t *value = wh_output_json_value(data);
    char *text = wh_json_dump(value, JSON_INDENT(2) | JSON_ENCODE_ANY);

    json_decref(value);
    printf("Data:\n");
    wh_output_block(text ? text : "", pool);
    free(text);
}

static void print_fields(const wh_log_event_t *event, apr_pool_t *pool)
{
    wh_output_field("Id", wh_record_id(event->id, pool), pool);
    wh_output_field("Event id", event->uuid, pool);
    wh_output_field("Context", event->context, pool);
    wh_output_field("Event", event->name, pool);
    wh_output_field("Primary key", wh_record_id(event->primary_key, pool),
                    pool);
    wh_output_field("Associate", wh_record_id(event->associate_id, pool), pool);
    wh_output_field("Time", wh_output_time(event->time, pool), pool);
    print_data(event->data, pool);
}

static int print_json(const wh_log_event_t *event,
                      const apr_array_header_t *deliveries)
{
    json_t *entity = wh_record_event_json(event);
    json_t *array = json_array();
    int i;

    for (i = 0; i < deliveries->nelts; i++) {
        json_array_append_new(array, wh_log_delivery_json(APR_ARRAY_IDX(
                                         deliveries, i, wh_log_delivery_t *)));
    }
    json_object_set_new(entity, "Deliveries", array);
    return wh_output_json(entity, 0);
}

static void print_deliveries(const apr_array_header_t *deliveries,
                             apr_pool_t *pool)
{
    wh_table_t *table = wh_record_delivery_table(pool);
    int i;

    printf("\n");
    for (i = 0; i < deliveries->nelts; i++) {
        wh_record_delivery_add(
            table, APR_ARRAY_IDX(deliveries, i, wh_log_delivery_t *), pool);
    }
    wh_table_print(table);
    if (deliveries->nelts == DELIVERIES_MAX) {
        printf("There may be more: webhookctl delivery list shows them.\n");
    }
}

int wh_ctl_event_show(wh_ctl_t *ctl)
{
    apr_array_header_t *deliveries = NULL;
    wh_log_filter_t filter;
    wh_log_event_t *event;
    apr_status_t rv;

    if (!wh_record_filter(&filter, ctl)) {
        return WH_EXIT_USAGE;
    }
    rv = wh_store_event_get(&event, ctl->store, ctl->context, ctl->arguments[0],
                            ctl->pool);
    if (rv == APR_SUCCESS) {
        filter.event_id = event->id;
        filter.after = 1;
        filter.limit = DELIVERIES_MAX;
        rv =
            wh_store_delivery_list(&deliveries, ctl->store, &filter, ctl->pool);
    }
    if (rv != APR_SUCCESS) {
        return wh_ctl_storage(
            rv, apr_pstrcat(ctl->pool, "event ", ctl->arguments[0], NULL));
    }
    if (ctl->json) {
        return print_json(event, deliveries);
    }
    print_fields(event, ctl->pool);
    print_deliveries(deliveries, ctl->pool);
    return WH_EXIT_DONE;
}
