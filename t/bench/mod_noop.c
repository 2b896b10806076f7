/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The measure of all signals: SetHandler noop reads the body of a POST and
 * answers 204. What httpd can do at the most is what this does.
 */
#include <apr_buckets.h>
#include <httpd.h>
#include <http_config.h>
#include <http_protocol.h>
#include <http_request.h>
#include <string.h>

static int read_body(request_rec *r)
{
    apr_bucket_brigade *brigade =
        apr_brigade_create(r->pool, r->connection->bucket_alloc);
    int at_end = 0;

    while (!at_end) {
        apr_bucket *bucket;
        apr_status_t rv =
            ap_get_brigade(r->input_filters, brigade, AP_MODE_READBYTES,
                           APR_BLOCK_READ, HUGE_STRING_LEN);

        if (rv != APR_SUCCESS) {
            return ap_map_http_request_error(rv, HTTP_BAD_REQUEST);
        }
        for (bucket = APR_BRIGADE_FIRST(brigade);
             bucket != APR_BRIGADE_SENTINEL(brigade);
             bucket = APR_BUCKET_NEXT(bucket)) {
            const char *data;
            apr_size_t length;

            if (APR_BUCKET_IS_EOS(bucket)) {
                at_end = 1;
            }
            else if (!APR_BUCKET_IS_METADATA(bucket) &&
                     apr_bucket_read(bucket, &data, &length, APR_BLOCK_READ)) {
                return HTTP_BAD_REQUEST;
            }
        }
        apr_brigade_cleanup(brigade);
    }
    return OK;
}

static int handle(request_rec *r)
{
    int status;

    if (strcmp(r->handler, "noop")) {
        return DECLINED;
    }
    if (r->method_number != M_POST) {
        return HTTP_METHOD_NOT_ALLOWED;
    }
    status = read_body(r);
    if (status == OK) {
        r->status = HTTP_NO_CONTENT;
    }
    return status;
}

static void register_hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_handler(handle, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(noop) = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks,
    AP_MODULE_FLAG_NONE,
};
