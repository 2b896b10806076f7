/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check of the merged whole. It is a check_config hook and not part of
 * post_config, because "apache2 -t" runs only the former.
 */
#include <httpd.h>
#include <http_log.h>
#include <string.h>

#include "config/config.h"
#include "config/directive.h"
#include "httpd_private.h"
#include "policy/retry.h"

/* Time for the last attempt of a delivery to be recorded before it is swept. */
#define RETENTION_MARGIN apr_time_from_sec(60 * 60)

static int whole_hours(apr_interval_time_t time)
{
    const apr_interval_time_t hour = apr_time_from_sec(60 * 60);

    return (int)((time + hour - 1) / hour);
}

static int check_retention(const wh_settings_t *settings, server_rec *s)
{
    apr_interval_time_t need =
        wh_retry_horizon(settings->retry) + RETENTION_MARGIN;

    if (settings->retention >= need) {
        return 1;
    }
    ap_log_error(APLOG_MARK, APLOG_ERR | APLOG_STARTUP, 0, s,
                 WHLOGNO(2401) "WebhookRetention: must be %dh or more, the "
                               "time of all waits of WebhookRetry and an hour",
                 whole_hours(need));
    return 0;
}

static int check_timeouts(const wh_settings_t *settings, server_rec *s)
{
    if (settings->connect_timeout <= settings->timeout) {
        return 1;
    }
    ap_log_error(APLOG_MARK, APLOG_ERR | APLOG_STARTUP, 0, s,
                 WHLOGNO(2402) "WebhookConnectTimeout: must not be longer "
                               "than WebhookTimeout, which it is a part of");
    return 0;
}

static int check_concurrency(const wh_settings_t *settings, server_rec *s)
{
    if (settings->endpoint_concurrency <= settings->concurrency) {
        return 1;
    }
    ap_log_error(APLOG_MARK, APLOG_ERR | APLOG_STARTUP, 0, s,
                 WHLOGNO(2403) "WebhookEndpointConcurrency: must not be more "
                               "than WebhookConcurrency (%d)",
                 settings->concurrency);
    return 0;
}

static int check_window(const wh_settings_t *settings, server_rec *s)
{
    if (settings->endpoint_window <= settings->window) {
        return 1;
    }
    ap_log_error(APLOG_MARK, APLOG_ERR | APLOG_STARTUP, 0, s,
                 WHLOGNO(2404) "WebhookWindow: the number for one webhook "
                               "must not be more than the total (%d)",
                 settings->window);
    return 0;
}

static int check_mail(const wh_settings_t *settings, server_rec *s)
{
    if (!settings->mail_server || settings->mail_from) {
        return 1;
    }
    ap_log_error(APLOG_MARK, APLOG_ERR | APLOG_STARTUP, 0, s,
                 WHLOGNO(2405) "WebhookMailServer: needs WebhookMailFrom");
    return 0;
}

typedef int check_fn_t(const wh_settings_t *settings, server_rec *s);

static check_fn_t *const checks[] = {check_retention, check_timeouts,
                                     check_concurrency, check_window,
                                     check_mail};

int wh_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                    server_rec *s)
{
    wh_settings_t *settings;
    apr_status_t rv = wh_config_settings(&settings, s, ptemp);
    int passed = 1;
    apr_size_t i;

    (void)pconf;
    (void)plog;
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_ERR | APLOG_STARTUP, rv, s,
                     WHLOGNO(2400) "WebhookRetry, WebhookAllowNetwork or "
                                   "WebhookDenyNetwork: cannot be made ready");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    /* All of them, so that one look at the log tells everything. */
    for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        passed &= checks[i](settings, s);
    }
    return passed ? OK : HTTP_INTERNAL_SERVER_ERROR;
}
