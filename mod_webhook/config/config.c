/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include <ap_listen.h>
#include <apr_cstr.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "config/directive.h"
#include "config/value.h"
#include "httpd_private.h"
#include "policy/address.h"
#include "policy/retry.h"

/* Three attempts of an event, nine failed ones in a row of a webhook. */
#define SUPEROFFICE_RETRY "1s 4s"
#define SUPEROFFICE_ERRORS 9

void *wh_config_create_server(apr_pool_t *pool, server_rec *s)
{
    (void)s;
    return apr_pcalloc(pool, sizeof(wh_server_config_t));
}

void *wh_config_merge_server(apr_pool_t *pool, void *base, void *overrides)
{
    const wh_server_config_t *outer = base, *inner = overrides;
    wh_server_config_t *merged = apr_palloc(pool, sizeof(*merged));
    int i;

    for (i = 0; i < WH_DIRECTIVE_COUNT; i++) {
        merged->texts[i] = inner->texts[i] ? inner->texts[i] : outer->texts[i];
    }
    merged->context = inner->context ? inner->context : outer->context;
    return merged;
}

void wh_config_register_hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_check_config(wh_check_config, NULL, NULL, APR_HOOK_MIDDLE);
}

const char *wh_directive_text(const server_rec *s, wh_directive_index_t index)
{
    const wh_server_config_t *config =
        ap_get_module_config(s->module_config, &webhook_module);

    return config->texts[index] ? config->texts[index]
                                : wh_directives[index].standard;
}

static apr_int64_t value(const server_rec *s, wh_directive_index_t index,
                         wh_value_fn_t *read)
{
    return wh_value_of(read, wh_directive_text(s, index));
}

int wh_config_engine(const server_rec *s)
{
    return (int)value(s, WH_DIRECTIVE_ENGINE, wh_value_flag);
}

int wh_config_engine_anywhere(server_rec *main_server)
{
    const server_rec *s;

    for (s = main_server; s; s = s->next) {
        if (wh_config_engine(s)) {
            return 1;
        }
    }
    return 0;
}

const char *wh_config_base_path(const server_rec *s)
{
    return wh_directive_text(s, WH_DIRECTIVE_BASE_PATH);
}

int wh_config_online_restricted(const server_rec *s)
{
    return (int)value(s, WH_DIRECTIVE_ONLINE_RESTRICTED, wh_value_flag);
}

const char *wh_config_context(const server_rec *s, request_rec *r,
                              apr_pool_t *pool)
{
    const wh_server_config_t *config =
        ap_get_module_config(s->module_config, &webhook_module);
    const char *text = wh_directive_text(s, WH_DIRECTIVE_CONTEXT);
    const char *error = NULL;

    if (config->context && strstr(text, "%{")) {
        text = r ? ap_expr_str_exec(r, config->context, &error) : NULL;
        if (!text || error || !wh_value_is_label(text, WH_CONTEXT_MAX, pool)) {
            return NULL;
        }
    }
    return text;
}

apr_off_t wh_config_max_body(const server_rec *s)
{
    return (apr_off_t)value(s, WH_DIRECTIVE_MAX_BODY, wh_value_size);
}

static apr_size_t largest_body(const server_rec *s)
{
    apr_off_t largest = 0;

    for (; s; s = s->next) {
        apr_off_t one = wh_config_max_body(s);

        largest = one > largest ? one : largest;
    }
    return (apr_size_t)largest;
}

static int is_default(const server_rec *s, wh_directive_index_t index)
{
    return wh_directive_text(s, index) == wh_directives[index].standard;
}

/* "total" or "total endpoint"; the default of the second is the list's, but
 * never above the first. */
static void fill_window(wh_settings_t *settings, const server_rec *s)
{
    const char *text = wh_directive_text(s, WH_DIRECTIVE_WINDOW);
    const char *standard = wh_directives[WH_DIRECTIVE_WINDOW].standard;
    const char *blank = strchr(text, ' ');

    settings->window = atoi(text);
    if (blank) {
        settings->endpoint_window = atoi(blank + 1);
        return;
    }
    settings->endpoint_window = atoi(strchr(standard, ' ') + 1);
    if (settings->endpoint_window > settings->window) {
        settings->endpoint_window = settings->window;
    }
}

/* "number" or "number size". */
static void fill_limit(wh_settings_t *settings, const server_rec *s)
{
    const char *text = wh_directive_text(s, WH_DIRECTIVE_LIMIT);
    const char *blank = strchr(text, ' ');

    if (!blank) {
        blank = strchr(wh_directives[WH_DIRECTIVE_LIMIT].standard, ' ');
    }
    settings->webhook_limit = atoi(text);
    settings->webhook_bytes = wh_value_of(wh_value_size, blank + 1);
}

/* "driver params": only the second part can hold blanks. */
static void fill_database(wh_settings_t *settings, const server_rec *s,
                          apr_pool_t *pool)
{
    const char *text = wh_directive_text(s, WH_DIRECTIVE_DATABASE);
    const char *params = strchr(text, ' ') + 1;

    settings->state_dir =
        apr_pstrdup(pool, wh_directive_text(s, WH_DIRECTIVE_STATE_DIR));
    settings->database_driver = apr_pstrmemdup(pool, text, params - text - 1);
    settings->database_params =
        params[0] == '/'
            ? apr_pstrdup(pool, params)
            : apr_pstrcat(pool, settings->state_dir, "/", params, NULL);
}

/* A default gives way to the limit that the site has set. */
static int number_within(const server_rec *s, wh_directive_index_t index,
                         int limit)
{
    int number = (int)value(s, index, wh_value_number);

    return is_default(s, index) && number > limit ? limit : number;
}

static apr_interval_time_t time_within(const server_rec *s,
                                       wh_directive_index_t index,
                                       apr_interval_time_t limit)
{
    apr_interval_time_t time = value(s, index, wh_value_time);

    return is_default(s, index) && time > limit ? limit : time;
}

static void fill_numbers(wh_settings_t *settings, const server_rec *s)
{
    settings->threads = (int)value(s, WH_DIRECTIVE_THREADS, wh_value_number);
    settings->concurrency =
        (int)value(s, WH_DIRECTIVE_CONCURRENCY, wh_value_number);
    settings->endpoint_concurrency = number_within(
        s, WH_DIRECTIVE_ENDPOINT_CONCURRENCY, settings->concurrency);
    settings->max_rate =
        (double)value(s, WH_DIRECTIVE_MAX_RATE, wh_value_number);
    settings->timeout = value(s, WH_DIRECTIVE_TIMEOUT, wh_value_time);
    settings->connect_timeout =
        time_within(s, WH_DIRECTIVE_CONNECT_TIMEOUT, settings->timeout);
    settings->drain_timeout =
        value(s, WH_DIRECTIVE_DRAIN_TIMEOUT, wh_value_time);
    settings->signal_timeout =
        value(s, WH_DIRECTIVE_SIGNAL_TIMEOUT, wh_value_time);
    settings->retention = value(s, WH_DIRECTIVE_RETENTION, wh_value_time);
    settings->require_https =
        (int)value(s, WH_DIRECTIVE_REQUIRE_HTTPS, wh_value_flag);
    settings->verify_tls =
        (int)value(s, WH_DIRECTIVE_VERIFY_TLS, wh_value_flag);
    settings->probe = (int)value(s, WH_DIRECTIVE_PROBE, wh_value_flag);
    settings->max_body = largest_body(s);
}

static int is_superoffice(const server_rec *s)
{
    return !apr_cstr_casecmp(wh_directive_text(s, WH_DIRECTIVE_PROFILE),
                             WH_PROFILE_SUPEROFFICE);
}

/* "never" or "time number". */
static void fill_disable(wh_settings_t *settings, const server_rec *s)
{
    const char *text = wh_directive_text(s, WH_DIRECTIVE_DISABLE_AFTER);
    const char *blank = strchr(text, ' ');
    char time[32];

    settings->disable_drops = !apr_cstr_casecmp(
        wh_directive_text(s, WH_DIRECTIVE_WHEN_DISABLED), WH_DISABLED_DROP);
    if (blank) {
        apr_cpystrn(time, text, (apr_size_t)(blank - text) + 1);
        settings->disable_time = wh_value_of(wh_value_time, time);
        settings->disable_errors = atoi(blank + 1);
    }
}

/* The rules in which the original is weaker (superoffice.md section 5.4), but
 * for those that the site sets itself. */
static void fill_profile(wh_settings_t *settings, const server_rec *s)
{
    if (!is_superoffice(s)) {
        return;
    }
    settings->only_200 = 1;
    if (is_default(s, WH_DIRECTIVE_DISABLE_AFTER)) {
        settings->disable_errors = SUPEROFFICE_ERRORS;
        settings->disable_time = 0;
    }
    if (is_default(s, WH_DIRECTIVE_WHEN_DISABLED)) {
        settings->disable_drops = 1;
    }
}

/* NULL for the text that stands for nothing. */
static const char *optional_text(const server_rec *s,
                                 wh_directive_index_t index, apr_pool_t *pool)
{
    return is_default(s, index)
               ? NULL
               : apr_pstrdup(pool, wh_directive_text(s, index));
}

/* The lines of a directive that may be given several times; none for its
 * default. */
static char *lines_of(const server_rec *s, wh_directive_index_t index,
                      apr_pool_t *pool)
{
    return apr_pstrdup(pool,
                       is_default(s, index) ? "" : wh_directive_text(s, index));
}

/* The next line, which may be empty; NULL: no more. */
static const char *next_line(char **lines)
{
    char *line = *lines, *end = strchr(line, '\n');

    if (!end) {
        return NULL;
    }
    *end = '\0';
    *lines = end + 1;
    return line;
}

static void fill_client_certificates(wh_settings_t *settings,
                                     const server_rec *s, apr_pool_t *pool)
{
    apr_array_header_t *all =
        apr_array_make(pool, 1, sizeof(wh_client_certificate_t));
    char *lines = lines_of(s, WH_DIRECTIVE_CLIENT_CERTIFICATE, pool);
    const char *name;

    while ((name = next_line(&lines))) {
        wh_client_certificate_t *one = apr_array_push(all);

        one->name = name;
        one->certificate_file = next_line(&lines);
        one->key_file = next_line(&lines);
    }
    settings->client_certificates = all;
}

static void fill_proxies(wh_settings_t *settings, const server_rec *s,
                         apr_pool_t *pool)
{
    apr_array_header_t *all = apr_array_make(pool, 1, sizeof(wh_proxy_t));
    char *lines = lines_of(s, WH_DIRECTIVE_PROXY, pool);
    const char *name;

    while ((name = next_line(&lines))) {
        if (*name) {
            wh_proxy_t *one = apr_array_push(all);

            one->name = name;
            one->url = next_line(&lines);
        }
        else {
            settings->proxy = next_line(&lines);
        }
    }
    settings->proxies = all;
}

static void fill_transport(wh_settings_t *settings, const server_rec *s,
                           apr_pool_t *pool)
{
    settings->tls_1_3 =
        !strcmp(wh_directive_text(s, WH_DIRECTIVE_MIN_TLS), "1.3");
    settings->http2 = (int)value(s, WH_DIRECTIVE_HTTP2, wh_value_flag);
    settings->ca_file = optional_text(s, WH_DIRECTIVE_CA_FILE, pool);
    settings->crl_file = optional_text(s, WH_DIRECTIVE_CRL_FILE, pool);
    fill_client_certificates(settings, s, pool);
    fill_proxies(settings, s, pool);
}

typedef apr_status_t network_fn_t(wh_address_policy_t *policy,
                                  const char *text);

static apr_status_t take_networks(wh_address_policy_t *policy,
                                  network_fn_t *take, const server_rec *s,
                                  wh_directive_index_t index, apr_pool_t *pool)
{
    char *text = apr_pstrdup(pool, wh_directive_text(s, index));
    apr_status_t rv = APR_SUCCESS;
    char *rest = NULL, *word;

    if (is_default(s, index)) {
        return APR_SUCCESS;
    }
    for (word = apr_strtok(text, " ", &rest); word && rv == APR_SUCCESS;
         word = apr_strtok(NULL, " ", &rest)) {
        rv = take(policy, word);
    }
    return rv;
}

/* httpd's own ports: a receiver is not looked for there. */
static void take_listeners(wh_address_policy_t *policy)
{
    const ap_listen_rec *listener;

    for (listener = ap_listeners; listener; listener = listener->next) {
        if (listener->bind_addr) {
            wh_address_policy_listen(policy, listener->bind_addr->port);
        }
    }
}

static apr_status_t make_policy(const wh_address_policy_t **result,
                                const server_rec *s, apr_pool_t *pool)
{
    wh_address_policy_t *policy;
    apr_status_t rv = wh_address_policy_create(&policy, pool);

    if (rv == APR_SUCCESS) {
        rv = take_networks(policy, wh_address_policy_allow, s,
                           WH_DIRECTIVE_ALLOW_NETWORK, pool);
    }
    if (rv == APR_SUCCESS) {
        rv = take_networks(policy, wh_address_policy_deny, s,
                           WH_DIRECTIVE_DENY_NETWORK, pool);
    }
    if (rv == APR_SUCCESS) {
        take_listeners(policy);
    }
    *result = rv == APR_SUCCESS ? policy : NULL;
    return rv;
}

apr_status_t wh_config_settings(wh_settings_t **settings,
                                server_rec *main_server, apr_pool_t *pool)
{
    const char *steps =
        is_default(main_server, WH_DIRECTIVE_RETRY) &&
                is_superoffice(main_server)
            ? SUPEROFFICE_RETRY
            : wh_directive_text(main_server, WH_DIRECTIVE_RETRY);
    wh_settings_t *made = apr_pcalloc(pool, sizeof(*made));
    wh_retry_schedule_t *retry = NULL;
    apr_status_t rv;

    fill_numbers(made, main_server);
    fill_disable(made, main_server);
    fill_profile(made, main_server);
    fill_window(made, main_server);
    fill_limit(made, main_server);
    fill_database(made, main_server, pool);
    rv = make_policy(&made->addresses, main_server, pool);
    if (rv == APR_SUCCESS) {
        rv = wh_retry_parse(&retry, steps, pool);
    }
    made->retry = retry;
    fill_transport(made, main_server, pool);
    made->mail_server =
        optional_text(main_server, WH_DIRECTIVE_MAIL_SERVER, pool);
    made->mail_from = optional_text(main_server, WH_DIRECTIVE_MAIL_FROM, pool);
    *settings = rv == APR_SUCCESS ? made : NULL;
    return rv;
}
