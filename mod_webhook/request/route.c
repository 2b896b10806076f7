/* SPDX-License-Identifier: Apache-2.0 */
#include "request/route.h"

#include <apr_strings.h>
#include <http_log.h>
#include <string.h>

#include "httpd_private.h"
#include "request/answer.h"
#include "request/caller.h"
#include "request/resource.h"

/* Who answers which operation. */
static wh_resource_fn_t *const resources[WH_OPERATION_COUNT] = {
    [WH_OPERATION_DEFAULT] = wh_resource_default,
    [WH_OPERATION_OPENAPI] = wh_resource_openapi,
    [WH_OPERATION_LIST] = wh_resource_list,
    [WH_OPERATION_CREATE] = wh_resource_create,
    [WH_OPERATION_TEST] = wh_resource_test,
    [WH_OPERATION_GET] = wh_resource_get,
    [WH_OPERATION_UPDATE] = wh_resource_update,
    [WH_OPERATION_PATCH] = wh_resource_patch,
    [WH_OPERATION_DELETE] = wh_resource_delete,
    [WH_OPERATION_LAST_ERROR] = wh_resource_last_error,
    [WH_OPERATION_DELIVERIES] = wh_resource_deliveries,
    [WH_OPERATION_REPLAYS] = wh_resource_replays,
    [WH_OPERATION_REPLAY_START] = wh_resource_replay_start,
    [WH_OPERATION_EVENT_DELIVERIES] = wh_resource_event_deliveries,
    [WH_OPERATION_DELIVERY] = wh_resource_delivery,
    [WH_OPERATION_DELIVERY_REPLAY] = wh_resource_delivery_replay,
    [WH_OPERATION_REPLAY] = wh_resource_replay,
    [WH_OPERATION_REPLAY_CANCEL] = wh_resource_replay_cancel,
    [WH_OPERATION_SIGNAL] = wh_resource_signal,
    [WH_OPERATION_AGENT_DEFAULT] = wh_resource_default,
    [WH_OPERATION_AGENT_SAVE] = wh_agent_save,
    [WH_OPERATION_AGENT_GET] = wh_agent_get,
    [WH_OPERATION_AGENT_DELETE] = wh_agent_delete,
    [WH_OPERATION_AGENT_LIST] = wh_agent_list,
    [WH_OPERATION_AGENT_TEST] = wh_agent_test,
    [WH_OPERATION_AGENT_SIGNAL] = wh_agent_signal,
    [WH_OPERATION_AGENT_LAST_ERROR] = wh_agent_last_error,
};

static int answer_missing(request_rec *r)
{
    return wh_answer_error(r, HTTP_NOT_FOUND, "There is nothing at this path.");
}

/* GET on a method of the agent tells about it and does not call it
 * (superoffice.md section 1). */
static int answer_description(request_rec *r, const wh_operation_t *operation)
{
    return wh_answer_value(r, "Method",
                           json_pack("{s:s, s:s, s:s}", "Name", operation->name,
                                     "Method", operation->method, "Summary",
                                     operation->summary));
}

static int refuse_format(request_rec *r)
{
    return wh_answer_error(r, HTTP_NOT_ACCEPTABLE,
                           "Accept must allow application/json, text/json, "
                           "application/xml or text/xml.");
}

static int answer_other(request_rec *r, const wh_path_t *path)
{
    const char *allowed = wh_operation_allow(path, r->pool);
    const wh_operation_t *posted = wh_operation_find(path, "POST");

    if (!allowed) {
        return answer_missing(r);
    }
    apr_table_setn(r->headers_out, "Allow", allowed);
    if (r->method_number == M_OPTIONS) {
        if (wh_operation_find(path, "PATCH")) {
            /* RFC 5789 section 3.1 */
            apr_table_setn(r->headers_out, "Accept-Patch", WH_PATCH_TYPES);
        }
        return wh_answer_empty(r);
    }
    if (r->method_number == M_GET && path->form == WH_FORM_AGENT && posted) {
        return wh_answer_is_acceptable(r) ? answer_description(r, posted)
                                          : refuse_format(r);
    }
    return wh_answer_error(
        r, HTTP_METHOD_NOT_ALLOWED,
        apr_pstrcat(r->pool, "This path allows ", allowed, ".", NULL));
}

static int refuse_scope(request_rec *r, const wh_operation_t *operation)
{
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                  WHLOGNO(2003) "token %" APR_INT64_T_FMT
                                " has no scope for %s",
                  wh_call_find(r)->token->id, operation->name);
    apr_table_addn(r->err_headers_out, "WWW-Authenticate",
                   "Bearer error=\"insufficient_scope\"");
    return wh_answer_error(r, HTTP_FORBIDDEN,
                           "The scopes of this token do not allow this.");
}

/* Whether it can be answered is known before anything is done. Operations
 * that answer 204 have nothing to be acceptable. */
static int is_not_acceptable(request_rec *r, const wh_operation_t *operation)
{
    return strncmp(operation->statuses, "204", 3) &&
           !wh_answer_is_acceptable(r);
}

int wh_route_answer(request_rec *r)
{
    const wh_call_t *call = wh_call_get(r);
    const wh_operation_t *operation;
    wh_path_t path;

    if (wh_path_split(&path, call->form, call->rest, r->pool) != APR_SUCCESS) {
        return answer_missing(r);
    }
    operation =
        wh_operation_find(&path, r->method_number == M_GET ? "GET" : r->method);
    if (!operation) {
        return answer_other(r, &path);
    }
    if (!wh_caller_may(r, operation->scope)) {
        return refuse_scope(r, operation);
    }
    if (is_not_acceptable(r, operation)) {
        return refuse_format(r);
    }
    return resources[operation->id](r, &path);
}
