/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/token.h"

#include <apr_strings.h>
#include <jansson.h>

#include "ctl/ctl.h"
#include "ctl/output.h"
#include "store/token_store.h"

static const char *kind_name(const wh_token_t *token)
{
    return token->kind == WH_TOKEN_TICKET ? "ticket" : "bearer";
}

static const char *id_text(apr_int64_t id, apr_pool_t *pool)
{
    return id ? apr_psprintf(pool, "%" APR_INT64_T_FMT, id) : NULL;
}

static json_t *to_json(const wh_token_t *token, apr_pool_t *pool)
{
    return json_pack("{s:o, s:s, s:o, s:o, s:o, s:i, s:o, s:o, s:o}", "Id",
                     wh_output_json_id(token->id), "Kind", kind_name(token),
                     "Context", wh_output_json_text(token->context), "Owner",
                     wh_output_json_text(token->owner), "Scopes",
                     wh_output_json_text(wh_scopes_text(token->scopes, pool)),
                     "AssociateId", token->associate_id, "AppId",
                     token->app_id ? wh_output_json_id(token->app_id)
                                   : json_null(),
                     "Created", wh_output_json_time(token->created), "Expires",
                     wh_output_json_time(token->expires));
}

/* -- create ------------------------------------------------------------- */

static int read_owner(wh_token_t *token, wh_ctl_t *ctl)
{
    token->owner = wh_option_text(ctl->options, WH_OPTION_OWNER);
    if (!token->owner) {
        return wh_output_fail(WH_EXIT_USAGE, "a token needs --owner");
    }
    return wh_ctl_is_label(token->owner, WH_OWNER_MAX, ctl->pool)
               ? WH_EXIT_DONE
               : wh_ctl_bad_value(ctl, WH_OPTION_OWNER);
}

static int read_scopes(wh_token_t *token, wh_ctl_t *ctl)
{
    const char *scopes = wh_option_text(ctl->options, WH_OPTION_SCOPE);

    if (!scopes) {
        return wh_output_fail(WH_EXIT_USAGE, "a token needs --scope");
    }
    return wh_scopes_parse(&token->scopes, scopes, ctl->pool) == APR_SUCCESS
               ? WH_EXIT_DONE
               : wh_ctl_bad_value(ctl, WH_OPTION_SCOPE);
}

static int read_life(wh_token_t *token, wh_ctl_t *ctl)
{
    const char *expires = wh_option_text(ctl->options, WH_OPTION_EXPIRES);
    apr_interval_time_t life = 0;

    token->created = apr_time_now();
    token->kind = WH_TOKEN_BEARER;
    if (wh_option_given(ctl->options, WH_OPTION_TICKET)) {
        token->kind = WH_TOKEN_TICKET;
        life = WH_TICKET_LIFE;
    }
    if (expires && !wh_value_duration(&life, expires)) {
        return wh_ctl_bad_value(ctl, WH_OPTION_EXPIRES);
    }
    token->expires = life ? token->created + life : 0;
    return WH_EXIT_DONE;
}

/* The application must be one of the token's context. */
static int read_app(wh_token_t *token, wh_ctl_t *ctl)
{
    apr_array_header_t *apps;
    apr_status_t rv;
    int i;

    if (!wh_ctl_number(ctl, &token->app_id, WH_OPTION_APP, 1, APR_INT64_MAX)) {
        return WH_EXIT_USAGE;
    }
    if (!token->app_id) {
        return WH_EXIT_DONE;
    }
    rv = wh_store_app_list(&apps, ctl->store, ctl->context, ctl->pool);
    if (rv != APR_SUCCESS) {
        return wh_ctl_storage(rv, NULL);
    }
    for (i = 0; i < apps->nelts; i++) {
        if (APR_ARRAY_IDX(apps, i, wh_app_t *)->id == token->app_id) {
            return WH_EXIT_DONE;
        }
    }
    return wh_output_fail(WH_EXIT_FAILED, "there is no application %s",
                          wh_option_text(ctl->options, WH_OPTION_APP));
}

static int read_token(wh_token_t *token, wh_ctl_t *ctl)
{
    apr_int64_t associate = 0;
    int status = read_owner(token, ctl);

    token->context = ctl->context;
    if (status == WH_EXIT_DONE) {
        status = read_scopes(token, ctl);
    }
    if (status == WH_EXIT_DONE) {
        status = read_life(token, ctl);
    }
    if (status == WH_EXIT_DONE &&
        !wh_ctl_number(ctl, &associate, WH_OPTION_ASSOCIATE, 0, 0x7fffffff)) {
        status = WH_EXIT_USAGE;
    }
    token->associate_id = (apr_int32_t)associate;
    return status == WH_EXIT_DONE ? read_app(token, ctl) : status;
}

static int tell_created(const wh_token_t *token, const char *text,
                        wh_ctl_t *ctl)
{
    json_t *entity;

    if (!ctl->json) {
        printf("%s\n", text);
        return wh_output_fail(WH_EXIT_DONE,
                              "token %" APR_INT64_T_FMT " is made; its text is "
                              "never shown again",
                              token->id);
    }
    entity = to_json(token, ctl->pool);
    json_object_set_new(entity, "Token", json_string(text));
    return wh_output_json(entity, 0);
}

int wh_ctl_token_create(wh_ctl_t *ctl)
{
    char text[WH_TOKEN_SIZE], hash[WH_TOKEN_HASH_SIZE];
    wh_token_t token = {0};
    apr_status_t rv;
    int status = read_token(&token, ctl);

    if (status != WH_EXIT_DONE) {
        return status;
    }
    rv = wh_token_create(text, wh_token_prefix(token.kind));
    if (rv == APR_SUCCESS) {
        rv = wh_token_hash(hash, text);
    }
    if (rv != APR_SUCCESS) {
        return wh_output_fail(WH_EXIT_FAILED, "there are no random numbers");
    }
    rv = wh_store_token_insert(ctl->store, &token, hash);
    return rv == APR_SUCCESS ? tell_created(&token, text, ctl)
                             : wh_ctl_storage(rv, "such application");
}

/* -- list, revoke ------------------------------------------------------- */

static void add_row(wh_table_t *table, const wh_token_t *token, apr_time_t now,
                    apr_pool_t *pool)
{
    const char *expires = wh_output_time(token->expires, pool);
    const char *cells[] = {id_text(token->id, pool),
                           kind_name(token),
                           token->owner,
                           wh_scopes_text(token->scopes, pool),
                           id_text(token->app_id, pool),
                           id_text(token->associate_id, pool),
                           wh_output_time(token->created, pool),
                           token->expires && token->expires <= now
                               ? apr_pstrcat(pool, expires, " (over)", NULL)
                               : expires,
                           token->context};

    wh_table_add(table, cells);
}

static int print_json(const apr_array_header_t *tokens, apr_pool_t *pool)
{
    json_t *array = json_array();
    int i;

    for (i = 0; i < tokens->nelts; i++) {
        json_array_append_new(
            array, to_json(APR_ARRAY_IDX(tokens, i, wh_token_t *), pool));
    }
    return wh_output_json(array, 0);
}

int wh_ctl_token_list(wh_ctl_t *ctl)
{
    const char *const headings[] = {
        "ID",      "KIND",    "OWNER",
        "SCOPES",  "APP",     "ASSOCIATE",
        "CREATED", "EXPIRES", ctl->context ? NULL : "CONTEXT",
        NULL};
    apr_array_header_t *tokens;
    wh_table_t *table;
    apr_status_t rv;
    int i;

    rv = wh_store_token_list(&tokens, ctl->store, ctl->context, ctl->pool);
    if (rv != APR_SUCCESS) {
        return wh_ctl_storage(rv, NULL);
    }
    if (ctl->json) {
        return print_json(tokens, ctl->pool);
    }
    table = wh_table_create(headings, ctl->pool);
    for (i = 0; i < tokens->nelts; i++) {
        add_row(table, APR_ARRAY_IDX(tokens, i, wh_token_t *), apr_time_now(),
                ctl->pool);
    }
    wh_table_print(table);
    return WH_EXIT_DONE;
}

int wh_ctl_token_revoke(wh_ctl_t *ctl)
{
    apr_int64_t id;
    apr_status_t rv;

    if (!wh_ctl_id(ctl, &id, APR_INT64_MAX)) {
        return WH_EXIT_USAGE;
    }
    rv = wh_store_token_revoke(ctl->store, ctl->context, id);
    if (rv != APR_SUCCESS) {
        return wh_ctl_storage(
            rv, apr_pstrcat(ctl->pool, "token ", ctl->arguments[0], NULL));
    }
    if (ctl->json) {
        return wh_output_json(json_pack("{s:o}", "Id", wh_output_json_id(id)),
                              0);
    }
    printf("token %" APR_INT64_T_FMT " is revoked\n", id);
    return WH_EXIT_DONE;
}
