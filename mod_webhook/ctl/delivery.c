/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <string.h>

#include "ctl/record.h"

static json_t *to_json(const void *record)
{
    return wh_log_delivery_json(record);
}

int wh_ctl_delivery_list(wh_ctl_t *ctl)
{
    const char *state = wh_option_text(ctl->options, WH_OPTION_DELIVERY_STATE);
    wh_feed_t feed = {.fetch = wh_store_delivery_list,
                      .add = wh_record_delivery_add,
                      .json = to_json};
    apr_time_t since, until;

    if (!wh_record_filter(&feed.filter, ctl) ||
        !wh_record_span(&since, &until, ctl)) {
        return WH_EXIT_USAGE;
    }
    feed.filter.since = wh_record_floor(since);
    feed.until = wh_record_floor(until);
    if (state && !wh_delivery_state_parse(&feed.filter.state, state)) {
        return wh_ctl_bad_value(ctl, WH_OPTION_DELIVERY_STATE);
    }
    feed.table = wh_record_delivery_table(ctl->pool);
    return wh_feed_list(&feed, ctl);
}

static void print_fields(const wh_log_delivery_t *delivery, apr_pool_t *pool)
{
    int is_pending = delivery->state == WH_DELIVERY_PENDING;

    wh_output_field("Id", wh_record_id(delivery->id, pool), pool);
    wh_output_field("Created",
                    wh_output_time(wh_row_id_time(delivery->id), pool), pool);
    wh_output_field("Webhook", wh_record_id(delivery->webhook_id, pool), pool);
    wh_output_field("Event", delivery->event_name, pool);
    wh_output_field("Event id", delivery->event_uuid, pool);
    wh_output_field("State", wh_delivery_state_name(delivery->state), pool);
    wh_output_field("Attempts", wh_record_id(delivery->attempts, pool), pool);
    wh_output_field("Due", wh_output_time(is_pending ? delivery->due : 0, pool),
                    pool);
}

static void print_attempts(const apr_array_header_t *attempts, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < attempts->nelts; i++) {
        const wh_log_attempt_t *attempt =
            APR_ARRAY_IDX(attempts, i, wh_log_attempt_t *);

        printf("\nAttempt %d at %s: %s, address %s\n", attempt->number,
               wh_output_time(attempt->started, pool),
               wh_output_text(wh_record_result(attempt, pool), pool),
               wh_output_text(attempt->address, pool));
        if (attempt->answer) {
            wh_output_block(attempt->answer, pool);
        }
    }
}

int wh_ctl_delivery_show(wh_ctl_t *ctl)
{
    apr_array_header_t *attempts = NULL;
    wh_log_delivery_t *delivery;
    apr_int64_t id;
    apr_status_t rv;

    if (!wh_ctl_id(ctl, &id, APR_INT64_MAX)) {
        return WH_EXIT_USAGE;
    }
    rv = wh_store_delivery_get(&delivery, ctl->store, ctl->context, 0, id,
                               ctl->pool);
    if (rv == APR_SUCCESS) {
        rv = wh_store_attempt_list(&attempts, ctl->store, id, ctl->pool);
    }
    if (rv != APR_SUCCESS) {
        return wh_ctl_storage(
            rv, apr_pstrcat(ctl->pool, "delivery ", ctl->arguments[0], NULL));
    }
    if (ctl->json) {
        return wh_output_json(wh_log_delivery_json_whole(delivery, attempts),
                              0);
    }
    print_fields(delivery, ctl->pool);
    print_attempts(attempts, ctl->pool);
    return WH_EXIT_DONE;
}
