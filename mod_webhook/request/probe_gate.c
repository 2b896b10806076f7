/* SPDX-License-Identifier: Apache-2.0 */
#include "request/probe_gate.h"

#include <ap_mpm.h>
#include <apr_atomic.h>
#include <curl/curl.h>
#include <http_config.h>
#include <http_log.h>

#include "config/config.h"
#include "httpd_private.h"
#include "signal/child.h"

/* The part of a child's threads that may wait for targets. */
#define SHARE 4

/* Of this child: probes under way, and how many may be. */
static volatile apr_uint32_t under_way;
static apr_uint32_t most = 1;

static void child_init(apr_pool_t *pchild, server_rec *s)
{
    int threads;

    (void)pchild;
    if (!wh_config_engine_anywhere(s)) {
        return;
    }
    /* libcurl asks for this once, before threads use it. */
    if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, s,
                     WHLOGNO(2025) "libcurl does not start: no webhook can be "
                                   "tested in this child");
    }
    if (ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads) == APR_SUCCESS &&
        threads > SHARE) {
        most = (apr_uint32_t)threads / SHARE;
    }
}

void wh_probe_gate_register_hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
}

int wh_probe_gate(wh_probe_result_t *result, const char **message,
                  request_rec *r, const wh_webhook_t *webhook)
{
    apr_status_t rv;

    if (apr_atomic_inc32(&under_way) >= most) {
        apr_atomic_dec32(&under_way);
        *message = "Too many webhooks are being tested now.";
        return HTTP_TOO_MANY_REQUESTS;
    }
    rv = wh_probe(result, wh_child_settings(), webhook, r->pool);
    apr_atomic_dec32(&under_way);
    if (rv != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, rv, r,
                      WHLOGNO(2026) "the test event cannot be sent");
        *message = "The test event cannot be sent.";
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    if (!result->success) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      WHLOGNO(2027) "the target does not take the test event: "
                                    "%s, status %d",
                      result->reason ? result->reason : "status",
                      result->status);
    }
    return OK;
}
