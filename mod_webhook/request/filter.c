/* SPDX-License-Identifier: Apache-2.0 */
#include "request/filter.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <httpd.h>
#include <string.h>

#include "model/webhook_json.h"

/* Table of a query's parameters: names in any case, the first of each counts.
 * NULL: a "%" that stands for nothing. */
static apr_table_t *parse_query(const char *query, apr_pool_t *pool)
{
    apr_table_t *parameters = apr_table_make(pool, 4);
    char *rest = NULL;
    char *name = apr_strtok(apr_pstrdup(pool, query ? query : ""), "&", &rest);

    for (; name; name = apr_strtok(NULL, "&", &rest)) {
        char *value = strchr(name, '=');

        if (value) {
            *value++ = '\0';
        }
        else {
            value = name + strlen(name);
        }
        if (ap_unescape_urlencoded(name) != OK ||
            (*value && ap_unescape_urlencoded(value) != OK)) {
            return NULL;
        }
        if (!apr_table_get(parameters, name)) {
            apr_table_setn(parameters, name, value);
        }
    }
    return parameters;
}

static const char *get(const apr_table_t *parameters, const char *name)
{
    const char *value = apr_table_get(parameters, name);

    return value ? value : "";
}

apr_status_t wh_filter_parse(wh_filter_t *filter, const char **message,
                             const char *query, apr_pool_t *pool)
{
    apr_table_t *parameters = parse_query(query, pool);
    const char *status;

    if (!parameters) {
        *message = "The query string is not in order.";
        return APR_EINVAL;
    }
    filter->name = get(parameters, "nameFilter");
    filter->event = get(parameters, "eventFilter");
    filter->state = WH_STATE_UNKNOWN;
    status = get(parameters, "statusFilter");
    if (*status && !wh_webhook_json_state(&filter->state, status)) {
        *message = "statusFilter must be Unknown, Active, Stopped or "
                   "TooManyErrors.";
        return APR_EINVAL;
    }
    return APR_SUCCESS;
}

int wh_filter_match(const wh_filter_t *filter, const wh_webhook_t *webhook)
{
    const char *name = webhook->name ? webhook->name : "";
    const char *events = webhook->events ? webhook->events : "";

    if (*filter->name && apr_cstr_casecmp(filter->name, name)) {
        return 0;
    }
    if (*filter->event && !wh_webhook_json_listens(events, filter->event,
                                                   strlen(filter->event))) {
        return 0;
    }
    return filter->state == WH_STATE_UNKNOWN || filter->state == webhook->state;
}
