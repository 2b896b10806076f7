/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_general.h>
#include <apr_strings.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/version.h"
#include "ctl/command.h"
#include "ctl/database.h"
#include "ctl/output.h"
#include "policy/address.h"
#include "policy/retry.h"

#define DEFAULT_CONTEXT "Default"
#define CONTEXT_MAX 100
#define USER_MAX 255

/* Of a test event; the module's own defaults. */
#define TIMEOUT apr_time_from_sec(30)
#define CONNECT_TIMEOUT apr_time_from_sec(10)

/* For a dispatcher that does not answer nobody waits long. */
#define SIGNAL_TIMEOUT apr_time_from_sec(2)

static int is_logged(void *baton, int level)
{
    (void)baton;
    return level <= WH_LOG_WARNING;
}

static void log_line(void *baton, const char *file, int line, int level,
                     apr_status_t rv, const char *text)
{
    char reason[120];

    (void)baton;
    (void)file;
    (void)line;
    (void)level;
    if (rv == APR_SUCCESS) {
        wh_output_fail(0, "%s", text);
    }
    else {
        wh_output_fail(0, "%s: %s", text,
                       apr_strerror(rv, reason, sizeof(reason)));
    }
}

/* Whoever logged in: under sudo that is not the user this runs as. */
static const char *login_name(apr_pool_t *pool)
{
    char name[USER_MAX + 1];
    const struct passwd *entry;

    if (getlogin_r(name, sizeof(name)) == 0 &&
        wh_ctl_is_label(name, USER_MAX, pool)) {
        return apr_pstrdup(pool, name);
    }
    entry = getpwuid(getuid());
    if (entry && wh_ctl_is_label(entry->pw_name, USER_MAX, pool)) {
        return apr_pstrdup(pool, entry->pw_name);
    }
    return "webhookctl";
}

/* Takes what the options say of the whole. */
static int read_globals(wh_ctl_t *ctl)
{
    const wh_options_t *options = ctl->options;
    const char *context = wh_option_text(options, WH_OPTION_CONTEXT);

    ctl->json = wh_option_given(options, WH_OPTION_JSON);
    ctl->user = login_name(ctl->pool);
    if (context && !wh_ctl_is_label(context, CONTEXT_MAX, ctl->pool)) {
        return wh_ctl_bad_value(ctl, WH_OPTION_CONTEXT);
    }
    if (wh_option_given(options, WH_OPTION_ALL_CONTEXTS)) {
        return context ? wh_output_fail(WH_EXIT_USAGE,
                                        "either --context or --all-contexts")
                       : WH_EXIT_DONE;
    }
    ctl->context = context ? context : DEFAULT_CONTEXT;
    return WH_EXIT_DONE;
}

typedef apr_status_t network_fn_t(wh_address_policy_t *policy,
                                  const char *text);

static int take_networks(wh_address_policy_t *addresses, network_fn_t *take,
                         const apr_array_header_t *networks, const char *option)
{
    int i;

    for (i = 0; networks && i < networks->nelts; i++) {
        const char *network = APR_ARRAY_IDX(networks, i, const char *);

        if (take(addresses, network) != APR_SUCCESS) {
            return wh_output_fail(WH_EXIT_USAGE, "--%s: %s is not a network",
                                  option, network);
        }
    }
    return WH_EXIT_DONE;
}

static int read_networks(wh_address_policy_t *addresses,
                         const wh_options_t *options)
{
    int status = take_networks(addresses, wh_address_policy_allow,
                               options->values[WH_OPTION_ALLOW_NETWORK],
                               "allow-network");

    if (status == WH_EXIT_DONE) {
        status = take_networks(addresses, wh_address_policy_deny,
                               options->values[WH_OPTION_DENY_NETWORK],
                               "deny-network");
    }
    return status;
}

/* The rules by which webhooks are saved and test events are sent. */
static int make_settings(wh_ctl_t *ctl)
{
    wh_settings_t *settings = &ctl->settings;
    wh_address_policy_t *addresses;
    wh_retry_schedule_t *retry;
    int status;

    if (wh_address_policy_create(&addresses, ctl->pool) != APR_SUCCESS ||
        wh_retry_parse(&retry, WH_RETRY_DEFAULT, ctl->pool) != APR_SUCCESS) {
        return wh_output_fail(WH_EXIT_FAILED, "out of memory");
    }
    status = read_networks(addresses, ctl->options);
    if (status != WH_EXIT_DONE) {
        return status;
    }
    settings->addresses = addresses;
    settings->retry = retry;
    settings->threads = 1;
    settings->concurrency = settings->endpoint_concurrency = 1;
    settings->window = settings->endpoint_window = 1;
    settings->webhook_limit = WH_WEBHOOK_LIMIT;
    settings->webhook_bytes = (apr_int64_t)WH_WEBHOOK_MEBIBYTES << 20;
    settings->timeout = TIMEOUT;
    settings->connect_timeout = CONNECT_TIMEOUT;
    settings->signal_timeout = SIGNAL_TIMEOUT;
    settings->require_https =
        !wh_option_given(ctl->options, WH_OPTION_ALLOW_HTTP);
    settings->verify_tls = !wh_option_given(ctl->options, WH_OPTION_INSECURE);
    settings->probe = !wh_option_given(ctl->options, WH_OPTION_NO_PROBE);
    return WH_EXIT_DONE;
}

static int run(wh_ctl_t *ctl, const wh_command_t *command)
{
    int status = read_globals(ctl);

    if (status == WH_EXIT_DONE) {
        status = make_settings(ctl);
    }
    if (status == WH_EXIT_DONE && command->needs_database) {
        status = wh_database_open(ctl);
    }
    if (status == WH_EXIT_DONE) {
        status = command->run(ctl);
    }
    if (ctl->store) {
        wh_store_destroy(ctl->store);
    }
    return status;
}

static int usage(const char *problem)
{
    return wh_output_fail(WH_EXIT_USAGE, "%s; see \"webhookctl help\"",
                          problem);
}

/* No command by this name: says why, or helps when that was asked for. */
static int no_command(wh_ctl_t *ctl, const wh_options_t *options)
{
    const apr_array_header_t *words = options->arguments;
    const char *noun;

    if (words->nelts == 0) {
        if (wh_options_named(options, WH_OPTION_VERSION)) {
            puts("webhookctl " WH_VERSION);
            return WH_EXIT_DONE;
        }
        if (wh_options_named(options, WH_OPTION_HELP)) {
            return wh_ctl_help(ctl);
        }
        return usage("a command is missing");
    }
    noun = APR_ARRAY_IDX(words, 0, const char *);
    if (!wh_command_is_noun(noun)) {
        return usage(
            apr_pstrcat(ctl->pool, "there is no command ", noun, NULL));
    }
    if (words->nelts == 1) {
        if (wh_options_named(options, WH_OPTION_HELP)) {
            ctl->arguments = (const char *const *)words->elts;
            ctl->argument_count = 1;
            return wh_ctl_help(ctl);
        }
        return usage(
            apr_pstrcat(ctl->pool, "what is to be done with a ", noun, NULL));
    }
    return usage(apr_pstrcat(ctl->pool, "there is no command ", noun, " ",
                             APR_ARRAY_IDX(words, 1, const char *), NULL));
}

static int take_command(wh_ctl_t *ctl, int argc, const char *const *argv)
{
    const wh_command_t *command;
    wh_options_t *options;
    const char *message;
    int words = 0;

    if (wh_options_parse(&options, &message, argc, argv, ctl->pool) !=
        APR_SUCCESS) {
        return usage(message);
    }
    ctl->options = options;
    ctl->arguments = (const char *const *)options->arguments->elts;
    command =
        wh_command_find(&words, ctl->arguments, options->arguments->nelts);
    if (!command) {
        ctl->argument_count = 0;
        return no_command(ctl, options);
    }
    if (wh_options_named(options, WH_OPTION_HELP) && command->run) {
        wh_command_help(command, ctl->pool);
        return WH_EXIT_DONE;
    }
    if (wh_options_resolve(options, &message,
                           WH_GLOBAL_OPTIONS | command->options,
                           ctl->pool) != APR_SUCCESS) {
        return usage(message);
    }
    ctl->arguments += words;
    ctl->argument_count = options->arguments->nelts - words;
    if (ctl->argument_count < command->least ||
        ctl->argument_count > command->most) {
        return usage(apr_pstrcat(ctl->pool, "use: webhookctl ",
                                 wh_command_name(command, ctl->pool), " ",
                                 command->arguments, NULL));
    }
    return run(ctl, command);
}

int main(int argc, const char *const *argv)
{
    wh_ctl_t ctl;
    int status;

    /* Nothing that is made here is for others to read. */
    umask(077);
    memset(&ctl, 0, sizeof(ctl));
    if (apr_initialize() != APR_SUCCESS ||
        apr_pool_create(&ctl.pool, NULL) != APR_SUCCESS) {
        fputs("webhookctl: out of memory\n", stderr);
        return WH_EXIT_FAILED;
    }
    wh_log_set_sink(log_line, is_logged, NULL);
    status = take_command(&ctl, argc, argv);
    if ((fflush(stdout) == EOF || ferror(stdout)) && status == WH_EXIT_DONE) {
        status = wh_output_fail(WH_EXIT_FAILED, "cannot write the result");
    }
    apr_pool_destroy(ctl.pool);
    apr_terminate();
    return status;
}
