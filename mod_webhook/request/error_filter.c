/* SPDX-License-Identifier: Apache-2.0 */
#include "request/error_filter.h"

#include <apr_buckets.h>
#include <apr_strings.h>
#include <httpd.h>
#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>

#include "config/config.h"
#include "httpd_private.h"
#include "request/answer.h"
#include "request/caller.h"

#ifdef __clang__
/* APR finds the end of a ring by an offset from a null pointer. */
#pragma clang diagnostic ignored "-Wnull-pointer-subtraction"
#endif

#define FILTER "WEBHOOK_ERROR"

static const char *message_of(const request_rec *r)
{
    const wh_call_t *call = wh_call_find(r);

    if (call && call->message) {
        return call->message;
    }
    switch (r->status) {
    case HTTP_UNAUTHORIZED:
        return "User name, password or token is missing or wrong.";
    case HTTP_FORBIDDEN:
        return "This user may not do this.";
    case HTTP_REQUEST_ENTITY_TOO_LARGE:
        return "The request body is larger than the server allows.";
    default:
        return apr_psprintf(r->pool, "The server answers with %s.",
                            ap_get_status_line(r->status));
    }
}

/* What httpd writes of its page is dropped, what ends it goes on. */
static void drop_page(apr_bucket_brigade *page)
{
    apr_bucket *bucket = APR_BRIGADE_FIRST(page);

    while (bucket != APR_BRIGADE_SENTINEL(page)) {
        apr_bucket *next = APR_BUCKET_NEXT(bucket);

        if (!APR_BUCKET_IS_METADATA(bucket)) {
            apr_bucket_delete(bucket);
        }
        bucket = next;
    }
}

/* The page may come in several parts: ours goes out in place of the first. */
static apr_status_t replace(ap_filter_t *filter, apr_bucket_brigade *page)
{
    request_rec *r = filter->r;
    const char *text, *type;
    apr_size_t length;

    drop_page(page);
    if (!filter->ctx) {
        filter->ctx = filter;
        text =
            wh_answer_error_text(&length, &type, r, r->status, message_of(r));
        wh_answer_set_headers(r);
        ap_set_content_type(r, type);
        ap_set_content_length(r, (apr_off_t)length);
        apr_table_unset(r->headers_out, "Content-Language");
        APR_BRIGADE_INSERT_HEAD(
            page, apr_bucket_pool_create(text, length, r->pool,
                                         filter->c->bucket_alloc));
    }
    return ap_pass_brigade(filter->next, page);
}

/* A path with "%2F" or "%zz" is refused before translate_name sees it. */
static int is_ours(request_rec *r)
{
    const wh_call_t *call = wh_call_find(r);

    if (call && call->rest) {
        return 1;
    }
    return r->uri && !r->proxyreq && wh_config_engine(r->server) &&
           wh_call_note_path(r, wh_config_base_path(r->server));
}

static void insert_error_filter(request_rec *r)
{
    if (r->status >= HTTP_BAD_REQUEST && is_ours(r)) {
        ap_add_output_filter(FILTER, NULL, r, r->connection);
    }
}

void wh_error_filter_register_hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_register_output_filter(FILTER, replace, NULL, AP_FTYPE_CONTENT_SET);
    ap_hook_insert_error_filter(insert_error_filter, NULL, NULL, APR_HOOK_LAST);
}
