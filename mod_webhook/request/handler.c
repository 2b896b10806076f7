/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hooks by which a request of the API is taken out of httpd's usual way
 * and answered. A request that is not ours is not touched.
 */
#include <apr_strings.h>
#include <httpd.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <string.h>

#include "config/config.h"
#include "httpd_private.h"
#include "request/answer.h"
#include "request/authn.h"
#include "request/caller.h"
#include "request/credential.h"
#include "request/error_filter.h"
#include "request/probe_gate.h"
#include "request/request.h"
#include "request/route.h"
#include "signal/child.h"

#define HANDLER "webhook"

/* No file has this name; nothing can be made of it by its extension. */
#define FILENAME "webhook"

static int is_ours(const request_rec *r)
{
    const wh_call_t *call = wh_call_find(r);

    return call && call->rest;
}

/* Before anything can put a header in its place: modules that fake a password
 * (AuthFormFakeBasicAuth, SSLOptions +FakeBasicAuth) do so while the user is
 * looked for, and it is in the request from then on, through any redirect. */
static int post_read_request(request_rec *r)
{
    if (wh_config_engine(r->server) &&
        apr_table_get(r->headers_in, "Authorization")) {
        wh_call_get(r)->has_authorization = 1;
    }
    return DECLINED;
}

/* Only looks: what the site says for all paths, a redirection to https or a
 * rule that forbids, holds for ours too. */
static int translate_name(request_rec *r)
{
    if (!r->proxyreq && r->uri && wh_config_engine(r->server)) {
        wh_call_note_path(r, wh_config_base_path(r->server));
    }
    return DECLINED;
}

/* Behind all that speaks for the whole site, and before httpd looks for a file
 * of this name. */
static int claim_name(request_rec *r)
{
    if (!is_ours(r)) {
        return DECLINED;
    }
    r->filename = apr_pstrdup(r->pool, FILENAME);
    return OK;
}

/* Whatever file, proxy or other path has been made of it meanwhile, it is
 * ours. There is no file: <Directory> and <Files> do not apply, <Location>
 * does: httpd walks the locations again after this hook. The path is matched
 * in any case and behind any prefix, a <Location> is not, so it gets the one
 * spelling that the site knows, and no other gets past it. */
static int map_to_storage(request_rec *r)
{
    const wh_call_t *call = wh_call_find(r);

    if (!call || !call->rest) {
        return DECLINED;
    }
    r->uri = apr_pstrcat(
        r->pool, wh_config_base_path(r->server), wh_path_resource(call->form),
        wh_path_canonical(call->form, call->rest, r->pool), NULL);
    r->filename = apr_pstrdup(r->pool, FILENAME);
    r->args = (char *)call->args;
    r->path_info = NULL;
    r->proxyreq = PROXYREQ_NONE;
    r->handler = NULL;
    return OK;
}

/* Last, so that no handler set by a file type or a rule takes its place. */
static int fixups(request_rec *r)
{
    if (!is_ours(r)) {
        return DECLINED;
    }
    r->handler = HANDLER;
    return OK;
}

/* Who may write a .htaccess file could set the handler and the password file
 * there, and so let himself in. */
static int is_from_htaccess(const request_rec *r)
{
    const struct htaccess_result *found;

    for (found = r->htaccess; found; found = found->next) {
        if (found->htaccess) {
            return !is_ours(r);
        }
    }
    return 0;
}

static int refuse_engine(request_rec *r)
{
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                  WHLOGNO(2000) "WebhookEngine is off in this server, or did "
                                "not start in this process");
    return wh_answer_error(r, HTTP_SERVICE_UNAVAILABLE,
                           "The webhook engine is off.");
}

static int refuse_htaccess(request_rec *r)
{
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                  WHLOGNO(2002) "\"SetHandler webhook\" does not work in or "
                                "below a directory with a .htaccess file");
    return wh_answer_error(r, HTTP_FORBIDDEN,
                           "The webhook API is not available here.");
}

static int refuse_caller(request_rec *r, int status, const char *message)
{
    return status == HTTP_UNAUTHORIZED ? wh_answer_unauthorized(r, message)
                                       : wh_answer_error(r, status, message);
}

static int handler(request_rec *r)
{
    const char *message = NULL;
    int status;

    if (!r->handler || strcmp(r->handler, HANDLER)) {
        return DECLINED;
    }
    /* httpd would cut a part of any answer, that of a POST too. */
    apr_table_unset(r->headers_in, "Range");
    apr_table_unset(r->headers_in, "Request-Range");
    wh_answer_negotiate(r);
    if (!wh_config_engine(r->server) || !wh_child_channel() ||
        !wh_child_settings()) {
        return refuse_engine(r);
    }
    if (is_from_htaccess(r)) {
        return refuse_htaccess(r);
    }
    if (!r->user) {
        return wh_answer_unauthorized(r, "This needs an authenticated user.");
    }
    /* With "SetHandler webhook" nothing was noted, and there may be no base
     * path. */
    if (!is_ours(r) && !wh_call_note_path(r, wh_config_base_path(r->server)) &&
        !wh_call_note_path(r, "")) {
        return wh_answer_error(r, HTTP_NOT_FOUND,
                               "There is nothing at this path.");
    }
    status = wh_caller_check(&message, r);
    return status == OK ? wh_route_answer(r)
                        : refuse_caller(r, status, message);
}

void wh_request_register_hooks(apr_pool_t *pool)
{
    /* Those that could give the path away to somebody else. */
    static const char *const later[] = {"mod_proxy.c", "mod_rewrite.c",
                                        "mod_alias.c", "mod_jk.c", NULL};

    ap_hook_post_read_request(post_read_request, NULL, NULL,
                              APR_HOOK_REALLY_FIRST);
    ap_hook_translate_name(translate_name, NULL, later, APR_HOOK_REALLY_FIRST);
    /* The core's own is the very last. */
    ap_hook_translate_name(claim_name, NULL, NULL, APR_HOOK_LAST + 5);
    ap_hook_map_to_storage(map_to_storage, NULL, NULL, APR_HOOK_REALLY_FIRST);
    wh_credential_register_hooks(pool);
    wh_probe_gate_register_hooks(pool);
    wh_authn_register_hooks(pool);
    ap_hook_fixups(fixups, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_handler(handler, NULL, NULL, APR_HOOK_FIRST);
    wh_error_filter_register_hooks(pool);
}
