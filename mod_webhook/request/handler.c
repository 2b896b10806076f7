/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hooks by which a request of the API is taken out of httpd's usual way
 * and answered. A request that is not ours is not touched.
 */
#include <apr_cstr.h>
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
#include "request/request.h"
#include "request/route.h"
#include "signal/child.h"

#define HANDLER "webhook"

/* No file has this name; nothing can be made of it by its extension. */
#define FILENAME "webhook"

/* Kept in request_config: the path is ours. */
typedef struct mark_t {
    const char *rest; /* what follows ".../Webhook" */
} mark_t;

static const mark_t *mark_of(const request_rec *r)
{
    return ap_get_module_config(r->request_config, &webhook_module);
}

static int translate_name(request_rec *r)
{
    const char *rest;
    mark_t *mark;

    if (r->proxyreq || !r->uri || !wh_config_engine(r->server)) {
        return DECLINED;
    }
    rest = wh_route_find(r->uri, wh_config_base_path(r->server));
    if (!rest) {
        return DECLINED;
    }
    mark = apr_palloc(r->pool, sizeof(*mark));
    mark->rest = apr_pstrdup(r->pool, rest);
    ap_set_module_config(r->request_config, &webhook_module, mark);
    /* The path is matched in any case and behind any prefix, a <Location> is
     * not: httpd walks the locations again after this hook, by the one
     * spelling that the site knows, so that no other gets past it. */
    r->uri = apr_pstrcat(r->pool, wh_config_base_path(r->server),
                         WH_ROUTE_RESOURCE, rest, NULL);
    r->filename = apr_pstrdup(r->pool, FILENAME);
    return OK;
}

/* There is no file: <Directory> and <Files> do not apply, <Location> does. */
static int map_to_storage(request_rec *r)
{
    return mark_of(r) ? OK : DECLINED;
}

/* Last, so that no handler set by a file type or a rule takes its place. */
static int fixups(request_rec *r)
{
    if (!mark_of(r)) {
        return DECLINED;
    }
    r->handler = HANDLER;
    return OK;
}

/* With "SetHandler webhook" there is no mark, and perhaps no base path. */
static const char *find_rest(request_rec *r)
{
    const mark_t *mark = mark_of(r);
    const char *rest;

    if (mark) {
        return mark->rest;
    }
    rest = wh_route_find(r->uri, wh_config_base_path(r->server));
    return rest ? rest : wh_route_find_bare(r->uri);
}

/* Who may write a .htaccess file could set the handler and the password file
 * there, and so let himself in. */
static int is_from_htaccess(const request_rec *r)
{
    const struct htaccess_result *found;

    for (found = r->htaccess; found; found = found->next) {
        if (found->htaccess) {
            return !mark_of(r);
        }
    }
    return 0;
}

/* A browser says when another site's page makes it send credentials. */
static int is_forged(const request_rec *r)
{
    const char *site = apr_table_get(r->headers_in, "Sec-Fetch-Site");

    return site && !apr_cstr_casecmp(site, "cross-site") &&
           r->method_number != M_GET && r->method_number != M_OPTIONS;
}

static int handler(request_rec *r)
{
    const char *rest;

    if (!r->handler || strcmp(r->handler, HANDLER)) {
        return DECLINED;
    }
    if (!wh_config_engine(r->server) || !wh_child_channel() ||
        !wh_child_settings()) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      WHLOGNO(2000) "WebhookEngine is off in this server, or "
                                    "did not start in this process");
        return wh_answer_unavailable(r, "The webhook engine is off.");
    }
    if (is_from_htaccess(r)) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      WHLOGNO(2002) "\"SetHandler webhook\" does not work in "
                                    "or below a directory with a .htaccess "
                                    "file");
        return wh_answer_error(r, HTTP_FORBIDDEN,
                               "The webhook API is not available here.");
    }
    if (!r->user) {
        return wh_answer_unauthorized(r);
    }
    if (is_forged(r)) {
        return wh_answer_error(r, HTTP_FORBIDDEN,
                               "Another site must not send this.");
    }
    rest = find_rest(r);
    if (!rest) {
        return wh_answer_error(r, HTTP_NOT_FOUND,
                               "There is nothing at this path.");
    }
    return wh_route_answer(r, rest);
}

void wh_request_register_hooks(apr_pool_t *pool)
{
    /* Those that could give the path away to somebody else. */
    static const char *const later[] = {"mod_proxy.c", "mod_rewrite.c",
                                        "mod_alias.c", "mod_jk.c", NULL};

    (void)pool;
    ap_hook_translate_name(translate_name, NULL, later, APR_HOOK_REALLY_FIRST);
    ap_hook_map_to_storage(map_to_storage, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_fixups(fixups, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_handler(handler, NULL, NULL, APR_HOOK_FIRST);
}
