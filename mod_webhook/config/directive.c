/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command table and its setters. A setter checks one directive by itself;
 * what directives mean together is judged in check.c.
 */
#include "config/directive.h"

#include <apr_cstr.h>
#include <apr_file_info.h>
#include <apr_strings.h>
#include <apr_uri.h>
#include <string.h>

#include "config/config.h"
#include "config/directory.h"
#include "config/value.h"
#include "httpd_private.h"
#include "model/webhook_json.h"
#include "policy/address.h"
#include "policy/certificate.h"

/* Range of the second part of WebhookLimit; the list has that of the first. */
#define LIMIT_SIZE_LEAST "64K"
#define LIMIT_SIZE_MOST "1024M"

/* Range of the first part of WebhookDisableAfter; the list has that of the
 * second. */
#define DISABLE_TIME_LEAST "0"
#define DISABLE_TIME_MOST "30d"

/* How far into a file its first certificate or list is looked for. */
#define PEM_HEAD 16384

/* Most of a client certificate's file, and of its key's. */
#define KEY_FILE_MOST 65536

/* Room of sun_path in sockaddr_un, less the NUL. */
#define CHANNEL_PATH_MAX 107

typedef char default_state_dir_fits
    [sizeof(WH_DEFAULT_STATE_DIR WH_CHANNEL_FILE) <= CHANNEL_PATH_MAX + 1 ? 1
                                                                          : -1];

#define ROW(symbol, name, scope, arguments, setter, least, most, standard,     \
            help)                                                              \
    {WH_DIRECTIVE_##symbol, name, WH_SCOPE_##scope, least, most, standard},
const wh_directive_t wh_directives[WH_DIRECTIVE_COUNT] = {WH_DIRECTIVES(ROW)};
#undef ROW

static const wh_directive_t *directive_of(const cmd_parms *cmd)
{
    return cmd->info;
}

/* "WebhookX: must be ...", the form of every refusal. */
static const char *refuse(const cmd_parms *cmd, const char *what)
{
    return apr_pstrcat(cmd->pool, directive_of(cmd)->name, ": ", what, NULL);
}

static const char *refuse_range(const cmd_parms *cmd, const char *kind)
{
    const wh_directive_t *directive = directive_of(cmd);

    return apr_psprintf(cmd->pool, "%s: must be %s from %s to %s",
                        directive->name, kind, directive->least,
                        directive->most);
}

static const char *refuse_scope(const cmd_parms *cmd)
{
    if (directive_of(cmd)->scope == WH_SCOPE_MAIN &&
        ap_check_cmd_context((cmd_parms *)cmd, GLOBAL_ONLY)) {
        return refuse(cmd, "only allowed in the main server");
    }
    return NULL;
}

/* Where the text of the directive goes. The last of several wins. */
static const char **slot(const cmd_parms *cmd)
{
    wh_server_config_t *config =
        ap_get_module_config(cmd->server->module_config, &webhook_module);

    return &config->texts[directive_of(cmd)->index];
}

static const char *store(const cmd_parms *cmd, const char *text)
{
    *slot(cmd) = apr_pstrdup(cmd->pool, text);
    return NULL;
}

static const char *set_flag(cmd_parms *cmd, void *unused, int on)
{
    const char *error = refuse_scope(cmd);

    (void)unused;
    return error ? error : store(cmd, on ? "On" : "Off");
}

static const char *set_ranged(cmd_parms *cmd, const char *text,
                              wh_value_fn_t *read, const char *kind)
{
    const wh_directive_t *directive = directive_of(cmd);
    const char *error = refuse_scope(cmd);

    if (error) {
        return error;
    }
    if (!wh_value_in_range(read, text, directive->least, directive->most)) {
        return refuse_range(cmd, kind);
    }
    return store(cmd, text);
}

static const char *set_number(cmd_parms *cmd, void *unused, const char *text)
{
    (void)unused;
    return set_ranged(cmd, text, wh_value_number, "a number");
}

static const char *set_size(cmd_parms *cmd, void *unused, const char *text)
{
    (void)unused;
    return set_ranged(cmd, text, wh_value_size, "a number of bytes, K or M,");
}

static const char *set_time(cmd_parms *cmd, void *unused, const char *text)
{
    (void)unused;
    return set_ranged(cmd, text, wh_value_time,
                      "a time with its unit (ms, s, m, h or d)");
}

static const char *set_window(cmd_parms *cmd, void *unused, const char *total,
                              const char *endpoint)
{
    const wh_directive_t *directive = directive_of(cmd);
    const char *error = set_number(cmd, unused, total);

    if (error || !endpoint) {
        return error;
    }
    if (!wh_value_in_range(wh_value_number, endpoint, directive->least,
                           directive->most)) {
        return refuse_range(cmd, "a number");
    }
    return store(cmd, apr_pstrcat(cmd->temp_pool, total, " ", endpoint, NULL));
}

static const char *set_limit(cmd_parms *cmd, void *unused, const char *number,
                             const char *size)
{
    const char *error = set_number(cmd, unused, number);

    if (error || !size) {
        return error;
    }
    if (!wh_value_in_range(wh_value_size, size, LIMIT_SIZE_LEAST,
                           LIMIT_SIZE_MOST)) {
        return refuse(cmd, "must have a size of " LIMIT_SIZE_LEAST
                           " to " LIMIT_SIZE_MOST " behind the number");
    }
    return store(cmd, apr_pstrcat(cmd->temp_pool, number, " ", size, NULL));
}

static const char *set_disable_after(cmd_parms *cmd, void *unused,
                                     const char *time, const char *number)
{
    const wh_directive_t *directive = directive_of(cmd);
    const char *error = refuse_scope(cmd);

    (void)unused;
    if (error) {
        return error;
    }
    if (!number && !apr_cstr_casecmp(time, WH_DISABLE_NEVER)) {
        return store(cmd, WH_DISABLE_NEVER);
    }
    if (!wh_value_in_range(wh_value_time, time, DISABLE_TIME_LEAST,
                           DISABLE_TIME_MOST)) {
        return refuse(cmd, "must be " WH_DISABLE_NEVER
                           ", or a time of " DISABLE_TIME_LEAST
                           " to " DISABLE_TIME_MOST
                           " with its unit, and a number of failures");
    }
    if (!number) {
        number = strchr(WH_DISABLE_DEFAULT, ' ') + 1;
    }
    if (!wh_value_in_range(wh_value_number, number, directive->least,
                           directive->most)) {
        return refuse_range(cmd, "a number of failures");
    }
    return store(cmd, apr_pstrcat(cmd->temp_pool, time, " ", number, NULL));
}

static const char *set_when_disabled(cmd_parms *cmd, void *unused,
                                     const char *text)
{
    const char *error = refuse_scope(cmd);

    (void)unused;
    if (error) {
        return error;
    }
    if (apr_cstr_casecmp(text, WH_DISABLED_HOLD) &&
        apr_cstr_casecmp(text, WH_DISABLED_DROP)) {
        return refuse(cmd, "must be " WH_DISABLED_HOLD " or " WH_DISABLED_DROP);
    }
    return store(cmd, text);
}

static const char *set_base_path(cmd_parms *cmd, void *unused, const char *text)
{
    char *path = apr_pstrdup(cmd->pool, text);
    apr_size_t length = strlen(path);

    (void)unused;
    if (length > 1 && path[length - 1] == '/') {
        path[length - 1] = '\0';
    }
    if (!wh_value_is_path(path)) {
        return refuse(cmd, "must be a path that begins with \"/\" and has at "
                           "least one segment, such as /api/v1");
    }
    return store(cmd, path);
}

static const char *set_context(cmd_parms *cmd, void *unused, const char *text)
{
    wh_server_config_t *config =
        ap_get_module_config(cmd->server->module_config, &webhook_module);
    const char *error = NULL;

    (void)unused;
    /* A name without "%{" is an expression too: its own text. */
    if (!strstr(text, "%{") &&
        !wh_value_is_label(text, WH_CONTEXT_MAX, cmd->temp_pool)) {
        return refuse(cmd, "must be 1 to 100 bytes of UTF-8 without control "
                           "characters, or an expression");
    }
    config->context =
        ap_expr_parse_cmd(cmd, text, AP_EXPR_FLAG_STRING_RESULT, &error, NULL);
    if (error) {
        return refuse(cmd, apr_pstrcat(cmd->pool,
                                       "must be an expression: ", error, NULL));
    }
    return store(cmd, text);
}

static const char *set_profile(cmd_parms *cmd, void *unused, const char *text)
{
    const char *error = refuse_scope(cmd);

    (void)unused;
    if (error) {
        return error;
    }
    if (apr_cstr_casecmp(text, WH_PROFILE_SUPEROFFICE) &&
        apr_cstr_casecmp(text, "durable")) {
        return refuse(cmd, "must be durable or superoffice");
    }
    return store(cmd, text);
}

/* A scheme that libcurl can send mail with, a host, and no password where
 * everybody may read it. */
static const char *set_mail_server(cmd_parms *cmd, void *unused,
                                   const char *text)
{
    const char *error = refuse_scope(cmd);
    apr_uri_t uri;

    (void)unused;
    if (error) {
        return error;
    }
    if (apr_uri_parse(cmd->temp_pool, text, &uri) != APR_SUCCESS ||
        !uri.scheme || !uri.hostname || !*uri.hostname || uri.user ||
        (apr_cstr_casecmp(uri.scheme, "smtp") &&
         apr_cstr_casecmp(uri.scheme, "smtps"))) {
        return refuse(cmd, "must be a URL such as smtp://localhost:25 or "
                           "smtps://mail.example.com");
    }
    return store(cmd, text);
}

static const char *set_mail_from(cmd_parms *cmd, void *unused, const char *text)
{
    const char *error = refuse_scope(cmd);

    (void)unused;
    if (error) {
        return error;
    }
    if (!wh_webhook_json_is_email(text)) {
        return refuse(cmd, "must be a mail address such as "
                           "webhooks@example.com");
    }
    return store(cmd, text);
}

static const char *set_state_dir(cmd_parms *cmd, void *unused, const char *text)
{
    const char *error = refuse_scope(cmd);
    const char *path;

    (void)unused;
    if (error) {
        return error;
    }
    path = *text ? ap_server_root_relative(cmd->pool, text) : NULL;
    if (!path) {
        return refuse(cmd, "must be a directory, absolute or relative to "
                           "ServerRoot");
    }
    if (strlen(path) + strlen(WH_CHANNEL_FILE) > CHANNEL_PATH_MAX) {
        return refuse(cmd, "must be a path of at most 94 bytes, because the "
                           "name of a unix socket in it must fit 107");
    }
    return store(cmd, path);
}

static const char *set_database(cmd_parms *cmd, void *unused,
                                const char *driver, const char *params)
{
    const char *error = refuse_scope(cmd);

    (void)unused;
    if (error) {
        return error;
    }
    if (strcmp(driver, "sqlite3")) {
        return refuse(cmd, "the driver must be sqlite3, there is no other "
                           "yet");
    }
    if (!*params) {
        return refuse(cmd, "the parameters must be the path of a file");
    }
    return store(cmd, apr_pstrcat(cmd->temp_pool, driver, " ", params, NULL));
}

/* The begin of a file; NULL: it cannot be read. */
static const char *read_head(const char *path, apr_size_t most,
                             apr_pool_t *pool)
{
    char *text = apr_palloc(pool, most + 1);
    apr_size_t length = 0;
    apr_file_t *file;
    apr_status_t rv =
        apr_file_open(&file, path, APR_FOPEN_READ, APR_OS_DEFAULT, pool);

    if (rv != APR_SUCCESS) {
        return NULL;
    }
    /* A shorter file is no error. */
    apr_file_read_full(file, text, most, &length);
    apr_file_close(file);
    text[length] = '\0';
    return text;
}

/* What libcurl would choke on later, with every attempt. */
static int is_pem(const char *path, apr_pool_t *pool)
{
    const char *text = read_head(path, PEM_HEAD, pool);

    return text && strstr(text, "-----BEGIN ") != NULL;
}

static const char *set_pem_file(cmd_parms *cmd, void *unused, const char *text)
{
    const char *error = refuse_scope(cmd);
    const char *path = ap_server_root_relative(cmd->pool, text);
    apr_finfo_t found;

    (void)unused;
    if (error) {
        return error;
    }
    if (!path ||
        apr_stat(&found, path, APR_FINFO_TYPE, cmd->temp_pool) != APR_SUCCESS ||
        found.filetype != APR_REG || !is_pem(path, cmd->temp_pool)) {
        return refuse(cmd, "must be a file in PEM form");
    }
    return store(cmd, path);
}

static const char *set_min_tls(cmd_parms *cmd, void *unused, const char *text)
{
    const char *error = refuse_scope(cmd);

    (void)unused;
    if (error) {
        return error;
    }
    if (strcmp(text, "1.2") && strcmp(text, "1.3")) {
        return refuse(cmd, "must be 1.2 or 1.3");
    }
    return store(cmd, text);
}

/* Adds lines to the text of a directive that may be given several times. */
static const char *add_lines(const cmd_parms *cmd, const char *lines)
{
    const char **text = slot(cmd);

    *text = apr_pstrcat(cmd->pool, *text ? *text : "", lines, NULL);
    return NULL;
}

static const char *add_client_certificate(cmd_parms *cmd, void *unused,
                                          const char *name,
                                          const char *certificate,
                                          const char *key)
{
    const char *error = refuse_scope(cmd);
    const char *paths[] = {ap_server_root_relative(cmd->pool, certificate),
                           ap_server_root_relative(cmd->pool, key)};
    const char *texts[2];
    int i;

    (void)unused;
    if (error) {
        return error;
    }
    if (!wh_value_is_name(name)) {
        return refuse(cmd, WH_VALUE_NAME_RULE);
    }
    for (i = 0; i < 2; i++) {
        texts[i] = paths[i] ? read_head(paths[i], KEY_FILE_MOST, cmd->temp_pool)
                            : NULL;
        if (!texts[i]) {
            return refuse(cmd, apr_psprintf(cmd->pool, "%s cannot be read",
                                            i ? key : certificate));
        }
    }
    error = wh_certificate_pair_refusal(texts[0], texts[1]);
    if (error) {
        return refuse(cmd, error);
    }
    return add_lines(cmd, apr_pstrcat(cmd->temp_pool, name, "\n", paths[0],
                                      "\n", paths[1], "\n", NULL));
}

static int is_proxy_url(const char *text, apr_pool_t *pool)
{
    apr_uri_t uri;

    return apr_uri_parse(pool, text, &uri) == APR_SUCCESS && uri.scheme &&
           uri.hostname && *uri.hostname &&
           (!uri.path || !strcmp(uri.path, "/")) && !uri.query &&
           !uri.fragment &&
           (!apr_cstr_casecmp(uri.scheme, "http") ||
            !apr_cstr_casecmp(uri.scheme, "socks5") ||
            !apr_cstr_casecmp(uri.scheme, "socks5h"));
}

/* One without a name is for all webhooks: its name is "". */
static const char *add_proxy(cmd_parms *cmd, void *unused, const char *name,
                             const char *url)
{
    const char *error = refuse_scope(cmd);

    (void)unused;
    if (error) {
        return error;
    }
    if (!url) {
        url = name;
        name = "";
    }
    else if (!wh_value_is_name(name) || !apr_cstr_casecmp(name, "none")) {
        return refuse(cmd, WH_VALUE_NAME_RULE ", and not none");
    }
    if (!is_proxy_url(url, cmd->temp_pool)) {
        return refuse(cmd, "must be a URL such as http://proxy:3128 or "
                           "socks5h://proxy:1080");
    }
    return add_lines(cmd,
                     apr_pstrcat(cmd->temp_pool, name, "\n", url, "\n", NULL));
}

static const char *set_retry(cmd_parms *cmd, void *unused, const char *text)
{
    const char *error = refuse_scope(cmd);
    wh_retry_schedule_t *schedule;

    (void)unused;
    if (error) {
        return error;
    }
    if (wh_retry_parse(&schedule, text, cmd->temp_pool) != APR_SUCCESS) {
        return refuse(cmd, "must be 1 to 64 waits such as 250ms, 1s, 5m, 2h "
                           "or 3d, each of at most 30 days");
    }
    return store(cmd, text);
}

typedef apr_status_t network_fn_t(wh_address_policy_t *policy,
                                  const char *text);

/* Adds up, as it may be given several times. */
static const char *take_network(cmd_parms *cmd, network_fn_t *take,
                                const char *text, const char *complaint)
{
    const char *error = refuse_scope(cmd);
    const char **networks = slot(cmd);
    wh_address_policy_t *policy;

    if (error) {
        return error;
    }
    if (wh_address_policy_create(&policy, cmd->temp_pool) != APR_SUCCESS ||
        take(policy, text) != APR_SUCCESS) {
        return refuse(cmd, complaint);
    }
    *networks = apr_pstrcat(cmd->pool, *networks ? *networks : "",
                            *networks ? " " : "", text, NULL);
    return NULL;
}

static const char *add_network(cmd_parms *cmd, void *unused, const char *text)
{
    (void)unused;
    return take_network(cmd, wh_address_policy_allow, text,
                        "must be addresses or networks such as 10.1.2.0/24, "
                        "::1 or fd00::/8, with no bit set behind the mask, or "
                        "an address and a port such as 127.0.0.1:8080 or "
                        "[::1]:8080");
}

static const char *refuse_network(cmd_parms *cmd, void *unused,
                                  const char *text)
{
    (void)unused;
    return take_network(cmd, wh_address_policy_deny, text,
                        "must be addresses or networks such as 203.0.113.7, "
                        "10.1.2.0/24 or fd00::/8, with no bit set behind the "
                        "mask");
}

#define COMMAND(symbol, name, scope, arguments, setter, least, most, standard, \
                help)                                                          \
    AP_INIT_##arguments(name, setter,                                          \
                        (void *)&wh_directives[WH_DIRECTIVE_##symbol],         \
                        RSRC_CONF, help),
const command_rec wh_config_directives[] = {
    WH_DIRECTIVES(COMMAND) AP_INIT_ITERATE(
        "AuthBasicProvider", wh_config_add_basic_provider, NULL, OR_AUTHCFG,
        "providers of passwords, for AuthType Webhook too"),
    {.name = NULL},
};
#undef COMMAND
