/* SPDX-License-Identifier: Apache-2.0 */
#include "request/caller.h"

#include <apr_strings.h>
#include <http_config.h>
#include <http_log.h>
#include <string.h>

#include "config/config.h"
#include "httpd_private.h"
#include "policy/event_name.h"
#include "policy/token.h"
#include "request/answer.h"
#include "request/credential.h"
#include "request/forgery.h"

#define UNAVAILABLE "The storage is not available now."

wh_call_t *wh_call_find(const request_rec *r)
{
    return ap_get_module_config(r->request_config, &webhook_module);
}

wh_call_t *wh_call_get(request_rec *r)
{
    wh_call_t *call = wh_call_find(r);

    if (!call) {
        call = apr_pcalloc(r->pool, sizeof(*call));
        ap_set_module_config(r->request_config, &webhook_module, call);
    }
    return call;
}

/* httpd does not ask again who calls when it goes on with another path of the
 * same configuration (ErrorDocument, a rewrite): the user is taken over from
 * the request before, and so are the limits of the token that let him in. */
static void inherit_token(const request_rec *r, wh_call_t *call)
{
    const request_rec *from = r->prev ? r->prev : r->main;

    for (; from && !call->token; from = from->prev ? from->prev : from->main) {
        const wh_call_t *before = wh_call_find(from);

        if (before && before->token && from->user == r->user) {
            call->token = before->token;
        }
    }
}

/* Whether the client itself sent the header. A request that httpd made of
 * another one says what that one says. */
static int sent_authorization(const request_rec *r)
{
    const wh_call_t *call;

    while (r->prev || r->main) {
        r = r->prev ? r->prev : r->main;
    }
    call = wh_call_find(r);
    return call && call->has_authorization;
}

int wh_call_note_path(request_rec *r, const char *base_path)
{
    wh_form_kind_t form;
    const char *rest = wh_path_find(&form, r->uri, base_path);
    wh_call_t *call;

    if (!rest) {
        return 0;
    }
    call = wh_call_get(r);
    call->form = form;
    call->has_authorization = sent_authorization(r);
    call->rest = apr_pstrdup(r->pool, rest);
    call->args = r->args;
    call->resource_path =
        apr_pstrmemdup(r->pool, r->uri, (apr_size_t)(rest - r->uri));
    /* An error of httpd's own is in the client's media type too. */
    wh_answer_negotiate(r);
    return 1;
}

static int check_context(const char **message, request_rec *r, wh_call_t *call)
{
    call->context = wh_config_context(r->server, r, r->pool);
    if (!call->context) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      WHLOGNO(2031) "WebhookContext gives no name of a tenant "
                                    "for this request");
        *message = "This request belongs to no tenant.";
        return HTTP_FORBIDDEN;
    }
    if (call->token && strcmp(call->token->context, call->context)) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      WHLOGNO(2032) "token %" APR_INT64_T_FMT
                                    " belongs to another tenant",
                      call->token->id);
        *message = "The token is not known.";
        return HTTP_UNAUTHORIZED;
    }
    return OK;
}

static int refuse_app(const char **message, apr_status_t rv, request_rec *r)
{
    if (rv != APR_ENOENT) {
        *message = UNAVAILABLE;
        return HTTP_SERVICE_UNAVAILABLE;
    }
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                  WHLOGNO(2033) "user %s: the application is not known",
                  r->user);
    *message = "The application of SO-AppToken is not known.";
    return HTTP_UNAUTHORIZED;
}

/* A secret that is not known is refused: a client that mistypes it must not
 * see more than with the right one. */
static int check_app(const char **message, request_rec *r, wh_call_t *call)
{
    const char *secret = apr_table_get(r->headers_in, "SO-AppToken");
    apr_status_t rv = APR_SUCCESS;

    if (call->token && call->token->app_id) {
        rv = wh_credential_app_by_id(&call->app, call->token->app_id, r->pool);
    }
    if (rv == APR_SUCCESS && secret && *secret) {
        const wh_app_t *named = NULL;

        rv = wh_credential_app(&named, secret, r->pool);
        if (rv == APR_SUCCESS && call->app && call->app->id != named->id) {
            rv = APR_ENOENT;
        }
        call->app = named;
    }
    if (rv == APR_SUCCESS && call->app &&
        strcmp(call->app->context, call->context)) {
        rv = APR_ENOENT;
    }
    return rv == APR_SUCCESS ? OK : refuse_app(message, rv, r);
}

static int check_restricted(const char **message, request_rec *r,
                            const wh_call_t *call)
{
    if (!wh_config_online_restricted(r->server) ||
        (call->app && call->app->webhook_access)) {
        return OK;
    }
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                  WHLOGNO(2034) "user %s: no application with access to "
                                "webhooks",
                  r->user);
    *message = "The Webhook agent is restricted: it answers only applications "
               "that are registered with access to it.";
    return HTTP_FORBIDDEN;
}

int wh_caller_check(const char **message, request_rec *r)
{
    wh_call_t *call = wh_call_get(r);
    int status = OK;

    inherit_token(r, call);
    if (!wh_forgery_is_safe(r) && wh_forgery_is_cross_site(r)) {
        *message = "Another site must not send this.";
        status = HTTP_FORBIDDEN;
    }
    if (status == OK) {
        status = check_context(message, r, call);
    }
    if (status == OK) {
        status = check_app(message, r, call);
    }
    if (status == OK) {
        status = check_restricted(message, r, call);
    }
    return status == OK ? wh_forgery_check(message, r, call->context) : status;
}

int wh_caller_may(const request_rec *r, int scope)
{
    const wh_call_t *call = wh_call_find(r);

    return !call || !call->token || wh_scopes_allow(call->token->scopes, scope);
}

apr_int32_t wh_caller_associate(const request_rec *r)
{
    const char *text = apr_table_get(r->subprocess_env, "WEBHOOK_ASSOCIATE_ID");
    const wh_call_t *call = wh_call_find(r);
    apr_int32_t id;

    if (call && call->token && call->token->associate_id) {
        return call->token->associate_id;
    }
    return text && wh_primary_key_parse(&id, text) ? id : 0;
}

apr_int64_t wh_caller_app(const request_rec *r)
{
    const wh_call_t *call = wh_call_find(r);

    return call && call->app ? call->app->id : 0;
}
