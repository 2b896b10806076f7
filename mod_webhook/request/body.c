/* SPDX-License-Identifier: Apache-2.0 */
#include "request/body.h"

#include <apr_buckets.h>
#include <apr_cstr.h>
#include <apr_strings.h>
#include <httpd.h>
#include <http_log.h>
#include <http_protocol.h>
#include <string.h>
#include <util_filter.h>

#include "config/config.h"
#include "httpd_private.h"
#include "media/json.h"
#include "media/json_patch.h"
#include "media/merge_patch.h"

#ifdef __clang__
/* APR finds the end of a ring by an offset from a null pointer. */
#pragma clang diagnostic ignored "-Wnull-pointer-subtraction"
#endif

/* First buffer for a body of unknown length; each next one is twice as big. */
#define FIRST_SIZE 4096

typedef struct body_t {
    char *bytes;
    apr_size_t length;
    apr_size_t size;  /* of the buffer */
    apr_size_t limit; /* WebhookMaxBody */
} body_t;

static void reserve(body_t *body, apr_size_t more, apr_pool_t *pool)
{
    apr_size_t size = body->size ? body->size : FIRST_SIZE;
    char *larger;

    if (body->length + more <= body->size) {
        return;
    }
    while (size < body->length + more) {
        size *= 2;
    }
    larger = apr_palloc(pool, size);
    if (body->length) {
        memcpy(larger, body->bytes, body->length);
    }
    body->bytes = larger;
    body->size = size;
}

static int refuse_size(const char **message, const body_t *body, request_rec *r)
{
    *message = apr_psprintf(r->pool,
                            "The request body is larger than the "
                            "%" APR_SIZE_T_FMT " bytes that are allowed.",
                            body->limit);
    return HTTP_REQUEST_ENTITY_TOO_LARGE;
}

static int refuse_read(const char **message, apr_status_t rv, request_rec *r)
{
    ap_log_rerror(APLOG_MARK, APLOG_INFO, rv, r,
                  WHLOGNO(2010) "cannot read the request body");
    /* What is left of it is not to be taken for the next request. */
    r->connection->keepalive = AP_CONN_CLOSE;
    *message = "The request body could not be read to its end.";
    return ap_map_http_request_error(rv, HTTP_BAD_REQUEST);
}

/* Moves one brigade into the buffer. */
static int take(body_t *body, int *ended, const char **message,
                apr_bucket_brigade *brigade, request_rec *r)
{
    apr_bucket *bucket;

    for (bucket = APR_BRIGADE_FIRST(brigade);
         bucket != APR_BRIGADE_SENTINEL(brigade);
         bucket = APR_BUCKET_NEXT(bucket)) {
        const char *bytes;
        apr_size_t length;
        apr_status_t rv;

        if (APR_BUCKET_IS_EOS(bucket)) {
            *ended = 1;
            return OK;
        }
        if (APR_BUCKET_IS_METADATA(bucket)) {
            continue;
        }
        rv = apr_bucket_read(bucket, &bytes, &length, APR_BLOCK_READ);
        if (rv != APR_SUCCESS) {
            return refuse_read(message, rv, r);
        }
        if (length > body->limit - body->length) {
            return refuse_size(message, body, r);
        }
        reserve(body, length, r->pool);
        memcpy(body->bytes + body->length, bytes, length);
        body->length += length;
    }
    return OK;
}

/* Brigades and not ap_get_client_block(): that one answers a failure itself,
 * in another form than the API's, and keeps the reason. */
static int drain(body_t *body, const char **message, request_rec *r)
{
    apr_bucket_brigade *brigade =
        apr_brigade_create(r->pool, r->connection->bucket_alloc);
    int ended = 0, status = OK;

    while (!ended && status == OK) {
        apr_status_t rv =
            ap_get_brigade(r->input_filters, brigade, AP_MODE_READBYTES,
                           APR_BLOCK_READ, HUGE_STRING_LEN);

        if (rv != APR_SUCCESS) {
            status = refuse_read(message, rv, r);
        }
        else if (APR_BRIGADE_EMPTY(brigade)) {
            status = refuse_read(message, APR_EGENERAL, r);
        }
        else {
            status = take(body, &ended, message, brigade, r);
        }
        apr_brigade_cleanup(brigade);
    }
    apr_brigade_destroy(brigade);
    return status;
}

static int read_body(body_t *body, const char **message, request_rec *r)
{
    const char *coding = apr_table_get(r->headers_in, "Content-Encoding");
    int status;

    body->limit = (apr_size_t)wh_config_max_body(r->server);
    if (coding && apr_cstr_casecmp(coding, "identity")) {
        /* RFC 9110 section 12.5.3: so that it is not taken for a refusal of the
         * media type. */
        apr_table_setn(r->headers_out, "Accept-Encoding", "identity");
        *message = "The request body must come without Content-Encoding.";
        return HTTP_UNSUPPORTED_MEDIA_TYPE;
    }
    status = ap_setup_client_block(r, REQUEST_CHUNKED_DECHUNK);
    if (status != OK) {
        *message = status == HTTP_REQUEST_ENTITY_TOO_LARGE
                       ? "The request body is larger than the server allows."
                       : "Content-Length or Transfer-Encoding is not in "
                         "order.";
        return status;
    }
    if (r->remaining > (apr_off_t)body->limit) {
        return refuse_size(message, body, r);
    }
    if (r->remaining > 0) {
        reserve(body, (apr_size_t)r->remaining, r->pool);
    }
    return drain(body, message, r);
}

int wh_body_read(json_t **document, wh_media_kind_t *kind, const char **message,
                 request_rec *r)
{
    body_t body = {0};
    wh_media_t media;
    int status;

    *document = NULL;
    status = read_body(&body, message, r);
    if (status != OK || body.length == 0) {
        return status;
    }
    if (wh_media_type_parse(&media,
                            apr_table_get(r->headers_in, "Content-Type"),
                            r->pool) != APR_SUCCESS) {
        *message = apr_pstrcat(r->pool, "Content-Type must be one of ",
                               wh_media_names(), ".", NULL);
        return HTTP_UNSUPPORTED_MEDIA_TYPE;
    }
    *kind = media.kind;
    switch (wh_media_read(document, message, &media, body.bytes, body.length,
                          r->pool)) {
    case APR_SUCCESS:
        return OK;
    case APR_ENOTIMPL:
        return HTTP_UNSUPPORTED_MEDIA_TYPE;
    default:
        return HTTP_BAD_REQUEST;
    }
}

/* What a patch makes of nothing. */
static int apply_patch(json_t **document, const char **message, request_rec *r)
{
    json_t *empty = json_object();
    json_t *patch = *document;
    apr_status_t rv;

    wh_json_own(empty, r->pool);
    rv = json_is_array(patch)
             ? wh_json_patch_apply(document, message, empty, patch, r->pool)
             : wh_merge_patch_apply(document, message, empty, patch, r->pool);
    if (rv == APR_SUCCESS) {
        return OK;
    }
    return rv == WH_PATCH_TEST_FAILED ? HTTP_CONFLICT : HTTP_BAD_REQUEST;
}

static int is_patch(wh_media_kind_t kind)
{
    return kind == WH_MEDIA_JSON_PATCH || kind == WH_MEDIA_MERGE_PATCH;
}

int wh_body_object(json_t **object, int *texts, const char **message,
                   request_rec *r)
{
    wh_media_kind_t kind = WH_MEDIA_JSON;
    int status = wh_body_read(object, &kind, message, r);

    *texts = kind == WH_MEDIA_FORM || kind == WH_MEDIA_XML;
    if (status == OK && *object && is_patch(kind)) {
        status = apply_patch(object, message, r);
    }
    if (status != OK || !*object) {
        return status;
    }
    if (json_is_null(*object)) {
        *object = NULL;
        return OK;
    }
    if (!json_is_object(*object)) {
        *message = "The request body must be an object.";
        return HTTP_BAD_REQUEST;
    }
    return OK;
}
