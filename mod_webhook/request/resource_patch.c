/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PATCH: the shape of the document decides. An array is a JSON Patch
 * (RFC 6902), an object a merge patch (RFC 7396), whatever its media type says
 * (superoffice.md section 1).
 */
#include <httpd.h>
#include <http_protocol.h>

#include "httpd_private.h"
#include "media/json.h"
#include "media/json_patch.h"
#include "media/merge_patch.h"
#include "model/webhook_json.h"
#include "request/answer.h"
#include "request/body.h"
#include "request/resource.h"
#include "request/subscription.h"

/* The patch, with its members as what they should be. */
static int read_patch(json_t **patch, const char **message, request_rec *r)
{
    wh_media_kind_t kind = WH_MEDIA_JSON;
    int status = wh_body_read(patch, &kind, message, r);

    if (status != OK) {
        return status;
    }
    if (!json_is_array(*patch) && !json_is_object(*patch)) {
        *message = "The request body must be a JSON Patch (an array) or a "
                   "merge patch (an object).";
        return HTTP_BAD_REQUEST;
    }
    if (json_is_object(*patch) &&
        (kind == WH_MEDIA_FORM || kind == WH_MEDIA_XML) &&
        wh_webhook_json_from_text(*patch, message, r->pool) != APR_SUCCESS) {
        return HTTP_BAD_REQUEST;
    }
    return OK;
}

static int apply(json_t **entity, const char **message, request_rec *r,
                 const wh_webhook_t *stored, const json_t *patch)
{
    json_t *current = wh_webhook_json_write(stored, 1);
    apr_status_t rv;

    wh_json_own(current, r->pool);
    rv = json_is_array(patch)
             ? wh_json_patch_apply(entity, message, current, patch, r->pool)
             : wh_merge_patch_apply(entity, message, current, patch, r->pool);
    if (rv == WH_PATCH_TEST_FAILED) {
        return HTTP_CONFLICT;
    }
    if (rv == APR_SUCCESS && !json_is_object(*entity)) {
        *message = "The patch leaves no webhook.";
        return HTTP_BAD_REQUEST;
    }
    return rv == APR_SUCCESS ? OK : HTTP_BAD_REQUEST;
}

/* One try. @param again set when somebody else was faster */
static int change(wh_webhook_t *webhook, int *again, const char **message,
                  request_rec *r, apr_int32_t id, const json_t *patch)
{
    wh_webhook_t *stored;
    json_t *entity = NULL;
    int status = wh_subscription_get(&stored, message, r, id);

    *again = 0;
    if (status == OK) {
        wh_subscription_set_validators(r, stored);
        status = wh_subscription_preconditions(message, r);
    }
    if (status == OK) {
        status = apply(&entity, message, r, stored, patch);
    }
    if (status == OK) {
        status = wh_subscription_read(webhook, message, r, entity, 0);
    }
    if (status == OK) {
        status = wh_subscription_save(webhook, again, stored, message, r);
    }
    return status;
}

int wh_resource_patch(request_rec *r, const wh_path_t *path)
{
    apr_table_t *parameters;
    wh_webhook_t webhook;
    const char *message = NULL;
    json_t *patch = NULL;
    int again, tries = 0;
    int status = wh_resource_read_query(&parameters, &message, r);

    if (status == OK) {
        status = read_patch(&patch, &message, r);
    }
    if (status == HTTP_UNSUPPORTED_MEDIA_TYPE) {
        /* RFC 5789 section 2.2 */
        apr_table_setn(r->headers_out, "Accept-Patch", WH_PATCH_TYPES);
    }
    if (status != OK) {
        return wh_answer_error(r, status, message);
    }
    do {
        status = change(&webhook, &again, &message, r, path->id, patch);
    } while (again && wh_subscription_try_again(&tries));
    return status == OK ? wh_resource_answer_entity(r, &webhook, parameters)
                        : wh_answer_error(r, status, message);
}
