/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <jansson.h>

#include "ctl/ctl.h"
#include "ctl/output.h"
#include "policy/token.h"
#include "store/token_store.h"

#define PREFIX "APP:"

static json_t *to_json(const wh_app_t *app)
{
    return json_pack(
        "{s:o, s:o, s:o, s:b, s:o}", "Id", wh_output_json_id(app->id),
        "Context", wh_output_json_text(app->context), "Name",
        wh_output_json_text(app->name), "HasWebhookAccess", app->webhook_access,
        "Created", wh_output_json_time(app->created));
}

static int tell_created(const wh_app_t *app, const char *text, wh_ctl_t *ctl)
{
    json_t *entity;

    if (!ctl->json) {
        printf("%s\n", text);
        return wh_output_fail(WH_EXIT_DONE,
                              "application %" APR_INT64_T_FMT " is "
                              "registered; its secret is never shown again",
                              app->id);
    }
    entity = to_json(app);
    json_object_set_new(entity, "Secret", json_string(text));
    return wh_output_json(entity, 0);
}

int wh_ctl_app_create(wh_ctl_t *ctl)
{
    char text[WH_TOKEN_SIZE], hash[WH_TOKEN_HASH_SIZE];
    wh_app_t app = {.context = ctl->context, .created = apr_time_now()};
    apr_status_t rv;

    app.name = wh_option_text(ctl->options, WH_OPTION_NAME);
    app.webhook_access =
        !wh_option_given(ctl->options, WH_OPTION_NO_WEBHOOK_ACCESS);
    if (!app.name) {
        return wh_output_fail(WH_EXIT_USAGE, "an application needs --name");
    }
    if (!wh_ctl_is_label(app.name, WH_OWNER_MAX, ctl->pool)) {
        return wh_ctl_bad_value(ctl, WH_OPTION_NAME);
    }
    rv = wh_token_create(text, PREFIX);
    if (rv == APR_SUCCESS) {
        rv = wh_token_hash(hash, text);
    }
    if (rv != APR_SUCCESS) {
        return wh_output_fail(WH_EXIT_FAILED, "there are no random numbers");
    }
    rv = wh_store_app_insert(ctl->store, &app, hash);
    if (rv == APR_EEXIST) {
        return wh_output_fail(WH_EXIT_FAILED,
                              "there is an application of this name");
    }
    return rv == APR_SUCCESS ? tell_created(&app, text, ctl)
                             : wh_ctl_storage(rv, "such application");
}

static int print_json(const apr_array_header_t *apps)
{
    json_t *array = json_array();
    int i;

    for (i = 0; i < apps->nelts; i++) {
        json_array_append_new(array,
                              to_json(APR_ARRAY_IDX(apps, i, wh_app_t *)));
    }
    return wh_output_json(array, 0);
}

static void add_row(wh_table_t *table, const wh_app_t *app, apr_pool_t *pool)
{
    const char *cells[] = {apr_psprintf(pool, "%" APR_INT64_T_FMT, app->id),
                           app->name, app->webhook_access ? "yes" : "no",
                           wh_output_time(app->created, pool), app->context};

    wh_table_add(table, cells);
}

int wh_ctl_app_list(wh_ctl_t *ctl)
{
    const char *const headings[] = {"ID",
                                    "NAME",
                                    "WEBHOOK ACCESS",
                                    "CREATED",
                                    ctl->context ? NULL : "CONTEXT",
                                    NULL};
    apr_array_header_t *apps;
    wh_table_t *table;
    apr_status_t rv;
    int i;

    rv = wh_store_app_list(&apps, ctl->store, ctl->context, ctl->pool);
    if (rv != APR_SUCCESS) {
        return wh_ctl_storage(rv, NULL);
    }
    if (ctl->json) {
        return print_json(apps);
    }
    table = wh_table_create(headings, ctl->pool);
    for (i = 0; i < apps->nelts; i++) {
        add_row(table, APR_ARRAY_IDX(apps, i, wh_app_t *), ctl->pool);
    }
    wh_table_print(table);
    return WH_EXIT_DONE;
}

int wh_ctl_app_delete(wh_ctl_t *ctl)
{
    apr_int64_t id;
    apr_status_t rv;

    if (!wh_ctl_id(ctl, &id, APR_INT64_MAX)) {
        return WH_EXIT_USAGE;
    }
    rv = wh_store_app_delete(ctl->store, ctl->context, id);
    if (rv != APR_SUCCESS) {
        return wh_ctl_storage(rv, apr_pstrcat(ctl->pool, "application ",
                                              ctl->arguments[0], NULL));
    }
    if (ctl->json) {
        return wh_output_json(json_pack("{s:o}", "Id", wh_output_json_id(id)),
                              0);
    }
    printf("application %" APR_INT64_T_FMT " is deleted\n", id);
    return WH_EXIT_DONE;
}
