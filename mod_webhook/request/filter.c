/* SPDX-License-Identifier: Apache-2.0 */
#include "request/filter.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <string.h>

#include "media/json.h"
#include "model/webhook_json.h"
#include "policy/event_name.h"

#define NAME "nameFilter"
#define EVENT "eventFilter"
#define STATUS "statusFilter"

static apr_status_t set(wh_filter_t *filter, const char **message,
                        const char *name, const char *event, const char *status)
{
    filter->name = name ? name : "";
    filter->event = event ? event : "";
    filter->state = WH_STATE_UNKNOWN;
    if (status && *status && !wh_webhook_json_state(&filter->state, status)) {
        *message = "statusFilter must be Unknown, Active, Stopped or "
                   "TooManyErrors.";
        return APR_EINVAL;
    }
    return APR_SUCCESS;
}

apr_status_t wh_filter_query(wh_filter_t *filter, const char **message,
                             const apr_table_t *parameters)
{
    return set(filter, message, apr_table_get(parameters, NAME),
               apr_table_get(parameters, EVENT),
               apr_table_get(parameters, STATUS));
}

/* A text, or a number as one; NULL: null or not there. APR_EINVAL: neither. */
static apr_status_t member_text(const char **text, const json_t *object,
                                const char *name, apr_pool_t *pool)
{
    const json_t *value = wh_json_member(object, name);

    *text = NULL;
    if (!value || json_is_null(value)) {
        return APR_SUCCESS;
    }
    *text = json_is_integer(value)
                ? apr_psprintf(pool, "%" APR_INT64_T_FMT,
                               (apr_int64_t)json_integer_value(value))
                : json_string_value(value);
    return *text ? APR_SUCCESS : APR_EINVAL;
}

apr_status_t wh_filter_members(wh_filter_t *filter, const char **message,
                               const json_t *object, apr_pool_t *pool)
{
    const char *name, *event, *status;

    if (member_text(&name, object, NAME, pool) != APR_SUCCESS ||
        member_text(&event, object, EVENT, pool) != APR_SUCCESS ||
        member_text(&status, object, STATUS, pool) != APR_SUCCESS) {
        *message = "NameFilter, EventFilter and StatusFilter must be texts.";
        return APR_EINVAL;
    }
    return set(filter, message, name, event, status);
}

int wh_filter_match(const wh_filter_t *filter, const wh_webhook_t *webhook)
{
    const char *name = webhook->name ? webhook->name : "";
    const char *events = webhook->events ? webhook->events : "";

    if (*filter->name && apr_cstr_casecmp(filter->name, name)) {
        return 0;
    }
    if (*filter->event && !wh_event_list_means(events, filter->event)) {
        return 0;
    }
    return filter->state == WH_STATE_UNKNOWN || filter->state == webhook->state;
}
