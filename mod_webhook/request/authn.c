/* SPDX-License-Identifier: Apache-2.0 */
#include "request/authn.h"

#include <ap_provider.h>
#include <apr_cstr.h>
#include <apr_strings.h>
#include <httpd.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mod_auth.h>
#include <string.h>

#include "config/config.h"
#include "config/directory.h"
#include "httpd_private.h"
#include "policy/authorization.h"
#include "policy/token.h"
#include "request/caller.h"
#include "request/credential.h"

#define AUTH_TYPE "Webhook"
#define SCOPE_PROVIDER "webhook-scope"

static int is_own(request_rec *r)
{
    const char *type = ap_auth_type(r);

    return type && !apr_cstr_casecmp(type, AUTH_TYPE);
}

static const char *realm_of(request_rec *r)
{
    const char *name = ap_auth_name(r);

    return name ? ap_escape_quotes(r->pool, name) : "webhook";
}

/* What may be shown to us: RFC 6750 section 3, RFC 7617 section 2. */
static void challenge(request_rec *r, const char *error)
{
    const char *realm = realm_of(r);

    apr_table_addn(r->err_headers_out, "WWW-Authenticate",
                   apr_pstrcat(r->pool, "Bearer realm=\"", realm, "\"",
                               error ? ", error=\"" : "", error ? error : "",
                               error ? "\"" : "", NULL));
    apr_table_addn(
        r->err_headers_out, "WWW-Authenticate",
        apr_pstrcat(r->pool, "SoTicket realm=\"", realm, "\"", NULL));
    if (wh_config_basic_providers(r)) {
        apr_table_addn(r->err_headers_out, "WWW-Authenticate",
                       apr_pstrcat(r->pool, "Basic realm=\"", realm,
                                   "\", charset=\"UTF-8\"", NULL));
    }
}

static int refuse(request_rec *r, const char *error, const char *message)
{
    wh_call_get(r)->message = message;
    challenge(r, error);
    return HTTP_UNAUTHORIZED;
}

static int check_token(request_rec *r, const wh_authorization_t *given)
{
    wh_token_kind_t kind = given->scheme == WH_AUTHORIZATION_TICKET
                               ? WH_TOKEN_TICKET
                               : WH_TOKEN_BEARER;
    const wh_token_t *token = NULL;
    const char *context;
    apr_status_t rv = wh_credential_token(&token, given->token, kind, r->pool);

    if (rv == APR_ENOENT) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      WHLOGNO(2040) "a %s was refused: it is not known, was "
                                    "revoked or has expired",
                      kind == WH_TOKEN_TICKET ? "ticket" : "bearer token");
        return refuse(r, "invalid_token", "The token is not known.");
    }
    if (rv != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, rv, r,
                      WHLOGNO(2041) "a token cannot be looked up");
        wh_call_get(r)->message = "The storage is not available now.";
        return HTTP_SERVICE_UNAVAILABLE;
    }
    r->user = (char *)token->owner;
    r->ap_auth_type = (char *)AUTH_TYPE;
    /* Only where every request has the same tenant: what an expression asks
     * for may not be known yet. The handler looks again. */
    context = wh_config_context(r->server, NULL, r->pool);
    if (context && strcmp(context, token->context)) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      WHLOGNO(2044) "token %" APR_INT64_T_FMT
                                    " belongs to another tenant",
                      token->id);
        r->user = NULL;
        return refuse(r, "invalid_token", "The token is not known.");
    }
    wh_call_get(r)->token = token;
    return OK;
}

/* Each provider in turn, until one knows the user. */
static authn_status ask_providers(request_rec *r,
                                  const apr_array_header_t *providers,
                                  const wh_authorization_t *given)
{
    authn_status status = AUTH_USER_NOT_FOUND;
    int i;

    for (i = 0; i < providers->nelts && status == AUTH_USER_NOT_FOUND; i++) {
        const wh_basic_provider_t *one =
            &APR_ARRAY_IDX(providers, i, wh_basic_provider_t);

        apr_table_setn(r->notes, AUTHN_PROVIDER_NAME_NOTE, one->name);
        status = one->provider->check_password(r, given->user, given->password);
        apr_table_unset(r->notes, AUTHN_PROVIDER_NAME_NOTE);
    }
    return status;
}

static int check_password(request_rec *r, const wh_authorization_t *given)
{
    const apr_array_header_t *providers = wh_config_basic_providers(r);
    authn_status status;

    if (!providers) {
        return refuse(r, NULL, "Passwords are not accepted here.");
    }
    /* Before they are asked, as mod_auth_basic does: a provider may give the
     * user another name (AuthLDAPRemoteUserAttribute). */
    r->user = (char *)given->user;
    r->ap_auth_type = (char *)"Basic";
    status = ask_providers(r, providers, given);
    if (status == AUTH_GRANTED) {
        return OK;
    }
    r->user = r->ap_auth_type = NULL;
    switch (status) {
    case AUTH_DENIED:
    case AUTH_USER_NOT_FOUND:
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      WHLOGNO(2042) "user %s was refused",
                      ap_escape_logitem(r->pool, given->user));
        return refuse(r, NULL, "User name or password is wrong.");
    default:
        return HTTP_INTERNAL_SERVER_ERROR;
    }
}

static int check_authn(request_rec *r)
{
    const char *header = apr_table_get(r->headers_in, "Authorization");
    wh_authorization_t given;

    if (!is_own(r)) {
        return DECLINED;
    }
    if (wh_authorization_parse(&given, header, r->pool) != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      WHLOGNO(2043) "the Authorization header is not in order");
        return refuse(
            r, given.scheme == WH_AUTHORIZATION_BASIC ? NULL : "invalid_token",
            "The Authorization header is not in order.");
    }
    switch (given.scheme) {
    case WH_AUTHORIZATION_BASIC:
        return check_password(r, &given);
    case WH_AUTHORIZATION_BEARER:
    case WH_AUTHORIZATION_TICKET:
        return check_token(r, &given);
    default:
        return refuse(r, NULL, "This needs an authenticated user.");
    }
}

/* Asked for by httpd when a request is refused for want of a user. */
static int note_auth_failure(request_rec *r, const char *type)
{
    if (apr_cstr_casecmp(type, AUTH_TYPE)) {
        return DECLINED;
    }
    challenge(r, NULL);
    return OK;
}

/* "Require webhook-scope manage signal": a token with any of them. */
static authz_status check_scope(request_rec *r, const char *line,
                                const void *parsed)
{
    const wh_call_t *call = wh_call_find(r);
    const int *wanted = parsed;

    (void)line;
    if (!r->user) {
        return AUTHZ_DENIED_NO_USER;
    }
    if (call && call->token && wh_scopes_allow(call->token->scopes, *wanted)) {
        return AUTHZ_GRANTED;
    }
    return AUTHZ_DENIED;
}

static const char *parse_scope(cmd_parms *cmd, const char *line,
                               const void **parsed)
{
    int *scopes = apr_palloc(cmd->pool, sizeof(*scopes));

    if (wh_scopes_parse(scopes, line, cmd->temp_pool) != APR_SUCCESS) {
        return "Require " SCOPE_PROVIDER
               ": must be one or more of signal, manage and read";
    }
    *parsed = scopes;
    return NULL;
}

static const authz_provider scope_provider = {check_scope, parse_scope};

void wh_authn_register_hooks(apr_pool_t *pool)
{
    ap_hook_check_authn(check_authn, NULL, NULL, APR_HOOK_FIRST,
                        AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_note_auth_failure(note_auth_failure, NULL, NULL, APR_HOOK_MIDDLE);
    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, SCOPE_PROVIDER,
                              AUTHZ_PROVIDER_VERSION, &scope_provider,
                              AP_AUTH_INTERNAL_PER_CONF);
}
