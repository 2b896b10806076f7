/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_cstr.h>
#include <apr_file_info.h>
#include <apr_strings.h>
#include <apr_time.h>
#include <curl/curl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/output.h"
#include "ctl/webhook_edit.h"
#include "deliver/library.h"
#include "deliver/probe.h"
#include "deliver/validate.h"
#include "dispatcher/state_dir.h"
#include "media/json.h"
#include "model/webhook_json.h"
#include "policy/event_name.h"
#include "signal/state_event.h"
#include "store/delivery_store.h"

#define WEBHOOK_ID_MAX 0x7fffffff

static const char *text_of(const json_t *entity, const char *member)
{
    return json_string_value(json_object_get(entity, member));
}

static const char *number_text(const json_t *entity, const char *member,
                               apr_pool_t *pool)
{
    return apr_psprintf(
        pool, "%" APR_INT64_T_FMT,
        (apr_int64_t)json_integer_value(json_object_get(entity, member)));
}

/* -- list --------------------------------------------------------------- */

typedef struct filter_t {
    const char *name;
    const char *event;
    int state;
} filter_t;

static int read_filter(filter_t *filter, wh_ctl_t *ctl)
{
    const char *state = wh_option_text(ctl->options, WH_OPTION_STATE);

    filter->name = wh_option_text(ctl->options, WH_OPTION_NAME);
    filter->event = wh_option_text(ctl->options, WH_OPTION_EVENT);
    filter->state = WH_STATE_UNKNOWN;
    if (state && !wh_webhook_json_state(&filter->state, state)) {
        return wh_ctl_bad_value(ctl, WH_OPTION_STATE);
    }
    return WH_EXIT_DONE;
}

static int is_shown(const filter_t *filter, const wh_webhook_t *webhook)
{
    if (filter->name && apr_cstr_casecmp(filter->name, webhook->name)) {
        return 0;
    }
    if (filter->event && !wh_event_list_means(webhook->events, filter->event)) {
        return 0;
    }
    return filter->state == WH_STATE_UNKNOWN || filter->state == webhook->state;
}

static void add_row(wh_table_t *table, const wh_webhook_t *webhook,
                    const wh_ctl_t *ctl)
{
    json_t *entity = wh_webhook_json_write(webhook, 0);
    const char *cells[] = {number_text(entity, "WebhookId", ctl->pool),
                           text_of(entity, "State"),
                           webhook->name,
                           webhook->events,
                           webhook->target_url,
                           number_text(entity, "TotalCalls", ctl->pool),
                           number_text(entity, "TotalErrors", ctl->pool),
                           webhook->context};

    wh_table_add(table, cells);
    json_decref(entity);
}

static int print_list(const apr_array_header_t *webhooks,
                      const filter_t *filter, const wh_ctl_t *ctl)
{
    const char *const headings[] = {
        "ID",     "STATE", "NAME",   "EVENTS",
        "TARGET", "CALLS", "ERRORS", ctl->context ? NULL : "CONTEXT",
        NULL};
    wh_table_t *table = wh_table_create(headings, ctl->pool);
    json_t *array = json_array();
    int status = WH_EXIT_DONE;
    int i;

    for (i = 0; i < webhooks->nelts; i++) {
        const wh_webhook_t *webhook =
            APR_ARRAY_IDX(webhooks, i, wh_webhook_t *);

        if (!is_shown(filter, webhook)) {
            continue;
        }
        if (ctl->json) {
            json_array_append_new(array, wh_webhook_json_write(webhook, 0));
        }
        else {
            add_row(table, webhook, ctl);
        }
    }
    if (ctl->json) {
        status = wh_output_json(json_incref(array), 0);
    }
    else {
        wh_table_print(table);
    }
    json_decref(array);
    return status;
}

int wh_ctl_webhook_list(wh_ctl_t *ctl)
{
    apr_array_header_t *webhooks;
    filter_t filter;
    int status = read_filter(&filter, ctl);
    apr_status_t rv;

    if (status != WH_EXIT_DONE) {
        return status;
    }
    rv = ctl->context
             ? wh_store_webhook_list(&webhooks, ctl->store, ctl->context,
                                     ctl->pool)
             : wh_store_webhook_list_all(&webhooks, ctl->store, ctl->pool);
    return rv == APR_SUCCESS ? print_list(webhooks, &filter, ctl)
                             : wh_ctl_storage(rv, NULL);
}

/* -- one ---------------------------------------------------------------- */

/* The webhook that the first argument names. */
static int get(wh_webhook_t **webhook, wh_ctl_t *ctl)
{
    apr_int64_t id;
    apr_status_t rv;

    if (!wh_ctl_id(ctl, &id, WEBHOOK_ID_MAX)) {
        return WH_EXIT_USAGE;
    }
    rv = wh_store_webhook_get(webhook, ctl->store, ctl->context,
                              (apr_int32_t)id, ctl->pool);
    return rv == APR_SUCCESS
               ? WH_EXIT_DONE
               : wh_ctl_storage(rv, apr_pstrcat(ctl->pool, "webhook ",
                                                ctl->arguments[0], NULL));
}

static const char *when_and_who(apr_time_t time, const char *who,
                                apr_pool_t *pool)
{
    const char *when = wh_output_time(time, pool);

    return who ? apr_pstrcat(pool, when, " by ", who, NULL) : when;
}

/* "a, b" of a stored array of texts. */
static const char *join(const char *json, apr_pool_t *pool)
{
    json_t *array = json ? json_loads(json, 0, NULL) : NULL;
    const char *joined = "";
    size_t i;

    for (i = 0; i < json_array_size(array); i++) {
        const char *text = json_string_value(json_array_get(array, i));

        joined = apr_pstrcat(pool, joined, *joined ? ", " : "",
                             text ? text : "?", NULL);
    }
    json_decref(array);
    return joined;
}

/* The stored object, without the secrets among the options unless they are
 * asked for. */
static const char *properties_text(const wh_webhook_t *webhook,
                                   const json_t *entity, const wh_ctl_t *ctl)
{
    const char *shown = NULL;
    char *text;

    if (!webhook->properties ||
        wh_option_given(ctl->options, WH_OPTION_SHOW_SECRET)) {
        return webhook->properties;
    }
    text = wh_json_dump(json_object_get(entity, "Properties"), JSON_COMPACT);
    if (text) {
        shown = apr_pstrdup(ctl->pool, text);
    }
    free(text);
    return shown;
}

static const char *secret_text(const wh_webhook_t *webhook, const wh_ctl_t *ctl)
{
    if (!webhook->secret) {
        return NULL;
    }
    return wh_option_given(ctl->options, WH_OPTION_SHOW_SECRET)
               ? webhook->secret
               : "(set; --show-secret shows it)";
}

static void print_fields(const wh_webhook_t *w, const wh_ctl_t *ctl)
{
    json_t *entity = wh_webhook_json_write(w, 0);
    apr_pool_t *pool = ctl->pool;
    const struct {
        const char *name;
        const char *value;
    } fields[] = {
        {"Id", number_text(entity, "WebhookId", pool)},
        {"Context", w->context},
        {"Name", w->name},
        {"State", text_of(entity, "State")},
        {"Events", w->events},
        {"Target", w->target_url},
        {"Type", w->type},
        {"Secret", secret_text(w, ctl)},
        {"Headers", w->headers},
        {"Properties", properties_text(w, entity, ctl)},
        {"Description", w->description},
        {"Error mails", join(w->error_emails, pool)},
        {"Notify via", text_of(entity, "NotifyVia")},
        {"Notify when", text_of(entity, "NotifyWhen")},
        {"Application",
         w->app_id ? apr_psprintf(pool, "%" APR_INT64_T_FMT, w->app_id) : NULL},
        {"Registered", when_and_who(w->registered, w->registered_by, pool)},
        {"Updated", when_and_who(w->updated, w->updated_by, pool)},
        {"Calls", number_text(entity, "TotalCalls", pool)},
        {"Errors", number_text(entity, "TotalErrors", pool)},
        {"Consecutive errors", number_text(entity, "ConsecutiveErrors", pool)},
        {"Last error", w->last_error},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        wh_output_field(fields[i].name, fields[i].value, pool);
    }
    json_decref(entity);
}

static int show(const wh_webhook_t *webhook, const wh_ctl_t *ctl)
{
    if (ctl->json) {
        return wh_output_json(
            wh_webhook_json_write(
                webhook, wh_option_given(ctl->options, WH_OPTION_SHOW_SECRET)),
            0);
    }
    print_fields(webhook, ctl);
    return WH_EXIT_DONE;
}

int wh_ctl_webhook_show(wh_ctl_t *ctl)
{
    wh_webhook_t *webhook;
    int status = get(&webhook, ctl);

    return status == WH_EXIT_DONE ? show(webhook, ctl) : status;
}

int wh_ctl_webhook_delete(wh_ctl_t *ctl)
{
    wh_webhook_t *webhook;
    int status = get(&webhook, ctl);
    apr_status_t rv;

    if (status != WH_EXIT_DONE) {
        return status;
    }
    rv = wh_store_webhook_delete(ctl->store, ctl->context, webhook->id, 0);
    if (rv != APR_SUCCESS) {
        return wh_ctl_storage(rv, "such webhook any more");
    }
    if (ctl->json) {
        return wh_output_json(json_pack("{s:i}", "WebhookId", webhook->id), 0);
    }
    printf("webhook %d is deleted\n", webhook->id);
    return WH_EXIT_DONE;
}

/* -- the test event ----------------------------------------------------- */

static int probe(wh_probe_result_t *result, const wh_webhook_t *webhook,
                 wh_ctl_t *ctl)
{
    apr_status_t rv = APR_ENOMEM;

    if (wh_library_start() == APR_SUCCESS) {
        rv = wh_probe(result, &ctl->settings, webhook, ctl->pool);
        curl_global_cleanup();
    }
    return rv == APR_SUCCESS ? WH_EXIT_DONE
                             : wh_output_fail(WH_EXIT_FAILED, "out of memory");
}

/* Whoever runs this may know what is behind an address: the reason is said. */
static const char *reason_of(const wh_probe_result_t *result, apr_pool_t *pool)
{
    if (result->status) {
        return apr_psprintf(pool, "status %d", result->status);
    }
    return result->reason ? result->reason : "no answer";
}

int wh_ctl_webhook_test(wh_ctl_t *ctl)
{
    wh_probe_result_t result;
    wh_webhook_t *webhook;
    int status = get(&webhook, ctl);

    if (status == WH_EXIT_DONE) {
        status = probe(&result, webhook, ctl);
    }
    if (status != WH_EXIT_DONE) {
        return status;
    }
    if (ctl->json) {
        status = wh_output_json(json_pack("{s:b, s:o, s:i, s:o}", "Success",
                                          result.success, "Message",
                                          wh_output_json_text(result.answer),
                                          "Status", result.status, "Reason",
                                          wh_output_json_text(result.reason)),
                                0);
    }
    else {
        printf("webhook %d: %s (%s)\n", webhook->id,
               result.success ? "the target took the test event"
                              : "the target did not take the test event",
               wh_output_text(reason_of(&result, ctl->pool), ctl->pool));
        wh_output_block(result.answer, ctl->pool);
    }
    return result.success ? status : WH_EXIT_FAILED;
}

/* -- saving ------------------------------------------------------------- */

/* The rules by which the API saves webhooks. */
static int judge(wh_webhook_t *webhook, wh_ctl_t *ctl)
{
    const char *message = NULL;
    wh_probe_result_t result;
    int status;

    if (wh_validate_webhook(webhook, &message, &ctl->settings, ctl->pool) !=
        APR_SUCCESS) {
        return wh_output_fail(WH_EXIT_FAILED, "%s", message);
    }
    if (!ctl->settings.probe || webhook->state != WH_STATE_ACTIVE) {
        return WH_EXIT_DONE;
    }
    status = probe(&result, webhook, ctl);
    if (status == WH_EXIT_DONE && !result.success) {
        status = wh_output_fail(
            WH_EXIT_FAILED,
            "Webhook TargetUrl: the target did not take the test event (%s); "
            "nothing is saved; --no-probe saves without a test",
            reason_of(&result, ctl->pool));
    }
    if (status == WH_EXIT_DONE &&
        wh_probe_keep(webhook, &result, ctl->pool) != APR_SUCCESS) {
        status = wh_output_fail(WH_EXIT_FAILED, "out of memory");
    }
    return status;
}

/* Who listens learns of it by an event, as after a change by the API. It goes
 * through a dispatcher that runs; the change itself is stored already. */
static void signal_state(const wh_webhook_t *webhook, wh_ctl_t *ctl)
{
    wh_channel_t *channel;
    apr_finfo_t found;
    apr_status_t rv;
    const char *socket = apr_pstrcat(ctl->pool, ctl->settings.state_dir,
                                     "/" WH_CHANNEL_SOCKET, NULL);

    rv = apr_stat(&found, socket, APR_FINFO_TYPE, ctl->pool);
    if (rv == APR_SUCCESS) {
        rv = wh_channel_create(&channel, &ctl->settings, ctl->pool);
    }
    if (rv == APR_SUCCESS) {
        rv = wh_state_event_send(channel, webhook, 0, ctl->user, ctl->pool);
    }
    if (rv != APR_SUCCESS) {
        wh_output_fail(WH_EXIT_DONE,
                       "the new state of webhook %d is not signalled: no "
                       "dispatcher answers",
                       webhook->id);
    }
}

/* The secret was just given: there is no need to show it. */
static int tell_saved(const wh_webhook_t *webhook, const char *done,
                      const wh_ctl_t *ctl)
{
    if (ctl->json) {
        return wh_output_json(wh_webhook_json_write(webhook, 0), 0);
    }
    printf("webhook %d is %s\n", webhook->id, done);
    return WH_EXIT_DONE;
}

int wh_ctl_webhook_create(wh_ctl_t *ctl)
{
    wh_webhook_t webhook;
    apr_status_t rv;
    int status;

    wh_webhook_json_default(&webhook);
    /* The API's default events are nobody's wish on a command line. */
    webhook.events = "";
    status = wh_webhook_edit(&webhook, ctl);
    if (status == WH_EXIT_DONE && (!*webhook.events || !webhook.target_url)) {
        status = wh_output_fail(WH_EXIT_USAGE,
                                "a webhook needs --events and --target");
    }
    webhook.name = webhook.name ? webhook.name : "";
    webhook.context = ctl->context;
    if (status == WH_EXIT_DONE) {
        status = judge(&webhook, ctl);
    }
    if (status != WH_EXIT_DONE) {
        return status;
    }
    webhook.registered = webhook.updated = apr_time_now();
    webhook.registered_by = webhook.updated_by = ctl->user;
    rv = wh_store_webhook_insert(ctl->store, &webhook);
    return rv == APR_SUCCESS ? tell_saved(&webhook, "created", ctl)
                             : wh_ctl_storage(rv, "such webhook");
}

int wh_ctl_webhook_update(wh_ctl_t *ctl)
{
    wh_webhook_t *webhook;
    apr_status_t rv;
    int status = get(&webhook, ctl);
    int state = status == WH_EXIT_DONE ? webhook->state : 0;

    if (status == WH_EXIT_DONE) {
        status = wh_webhook_edit(webhook, ctl);
    }
    if (status == WH_EXIT_DONE) {
        status = judge(webhook, ctl);
    }
    if (status != WH_EXIT_DONE) {
        return status;
    }
    webhook->updated = apr_time_now();
    webhook->updated_id = 0;
    webhook->updated_by = ctl->user;
    rv = wh_store_webhook_update(ctl->store, webhook, webhook->version);
    if (rv == APR_SUCCESS && webhook->state != state) {
        signal_state(webhook, ctl);
    }
    return rv == APR_SUCCESS
               ? tell_saved(webhook, "changed", ctl)
               : wh_ctl_storage(rv, apr_pstrcat(ctl->pool, "webhook ",
                                                ctl->arguments[0], NULL));
}
