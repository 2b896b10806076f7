/* SPDX-License-Identifier: Apache-2.0 */
#include "request/probe_gate.h"

#include <ap_mpm.h>
#include <apr_strings.h>
#include <http_config.h>
#include <http_log.h>
#include <limits.h>

#include "config/config.h"
#include "deliver/library.h"
#include "httpd_private.h"
#include "signal/child.h"
#include "store/lock.h"

/* The part of all threads that answer requests which may wait for targets, and
 * the most of them, however many threads there are. */
#define SHARE 4
#define SLOTS_MAX 64

/* How many probes may be under way in all children together. Read-only after
 * child_init. */
static int slots = 1;

static int threads_of_all_children(void)
{
    int daemons = 1, threads = 1;

    if (ap_mpm_query(AP_MPMQ_MAX_DAEMONS, &daemons) != APR_SUCCESS ||
        daemons < 1) {
        daemons = 1;
    }
    if (ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads) != APR_SUCCESS ||
        threads < 1) {
        threads = 1;
    }
    return daemons > INT_MAX / threads ? INT_MAX : daemons * threads;
}

static void child_init(apr_pool_t *pchild, server_rec *s)
{
    apr_status_t rv;

    (void)pchild;
    if (!wh_config_engine_anywhere(s)) {
        return;
    }
    /* libcurl asks for this once, before threads use it. */
    rv = wh_library_start();
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_ERR, rv, s,
                     WHLOGNO(2025) "libcurl does not start: no webhook can be "
                                   "tested in this child");
    }
    slots = threads_of_all_children() / SHARE;
    slots = slots < 1 ? 1 : slots;
    slots = slots > SLOTS_MAX ? SLOTS_MAX : slots;
}

void wh_probe_gate_register_hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
}

/* A slot is a lock file: it counts for all children, also where each has one
 * thread, and the kernel gives it back when its holder dies.
 * APR_TIMEUP: none is free. */
static apr_status_t take_slot(wh_lock_t *lock, apr_pool_t *pool)
{
    const char *folder = wh_child_settings()->state_dir;
    int i;

    for (i = 0; i < slots; i++) {
        const char *path = apr_psprintf(pool, "%s/probe-%d.lock", folder, i);
        apr_status_t rv = wh_lock_open(lock, path);

        if (rv == APR_SUCCESS) {
            rv = wh_lock_acquire(lock, 0);
        }
        if (rv != APR_TIMEUP) {
            return rv;
        }
        wh_lock_close(lock);
    }
    return APR_TIMEUP;
}

static int refuse(const char **message, apr_status_t rv, request_rec *r)
{
    if (rv == APR_TIMEUP) {
        *message = "Too many webhooks are being tested now.";
        return HTTP_TOO_MANY_REQUESTS;
    }
    ap_log_rerror(APLOG_MARK, APLOG_ERR, rv, r,
                  WHLOGNO(2028) "the locks of test events cannot be used");
    *message = "The test event cannot be sent now.";
    return HTTP_SERVICE_UNAVAILABLE;
}

int wh_probe_gate(wh_probe_result_t *result, const char **message,
                  request_rec *r, const wh_webhook_t *webhook)
{
    wh_lock_t lock = {-1};
    apr_status_t rv = take_slot(&lock, r->pool);

    if (rv != APR_SUCCESS) {
        wh_lock_close(&lock);
        return refuse(message, rv, r);
    }
    rv = wh_probe(result, wh_child_settings(), webhook, r->pool);
    wh_lock_close(&lock);
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
