/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd_private.h"

#include "signal/child.h"

#include <ap_mpm.h>
#include <apr_optional.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include <http_config.h>
#include <http_log.h>
#include <mod_webhook.h>
#include <string.h>

#include "base/log.h"
#include "config/config.h"
#include "signal/channel.h"

#define STORES_MAX 64

/* One for each child process, made in child_init, read-only but for the
 * stores at rest, which have their lock. */
typedef struct child_t {
    const wh_settings_t *settings;
    wh_channel_t *channel;
    apr_thread_mutex_t *lock;
    wh_store_t *stores[STORES_MAX];
    int store_count;
} child_t;

static child_t *child;

static void child_init(apr_pool_t *pchild, server_rec *s)
{
    child_t *made;
    wh_settings_t *settings;
    apr_pool_t *pool;
    apr_status_t rv;
    int threads;

    child = NULL;
    if (!wh_config_engine_anywhere(s)) {
        return;
    }
    rv = apr_pool_create(&pool, pchild);
    if (rv == APR_SUCCESS) {
        apr_pool_tag(pool, "webhook_child");
        rv = wh_config_settings(&settings, s, pool);
    }
    if (rv == APR_SUCCESS) {
        made = apr_pcalloc(pool, sizeof(*made));
        made->settings = settings;
        rv = apr_thread_mutex_create(&made->lock, APR_THREAD_MUTEX_DEFAULT,
                                     pool);
    }
    if (rv == APR_SUCCESS) {
        rv = wh_channel_create(&made->channel, settings, pool);
    }
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s,
                     WHLOGNO(1501) "webhooks cannot be used in this child");
        return;
    }
    /* Half of the threads may wait for a dispatcher that is stuck. */
    if (ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads) == APR_SUCCESS &&
        threads > 1) {
        wh_channel_limit_set(made->channel, threads / 2);
    }
    child = made;
}

const wh_settings_t *wh_child_settings(void)
{
    return child ? child->settings : NULL;
}

wh_channel_t *wh_child_channel(void)
{
    return child ? child->channel : NULL;
}

apr_status_t wh_child_store_get(wh_store_t **store)
{
    *store = NULL;
    if (!child) {
        return APR_ENOTIMPL;
    }
    apr_thread_mutex_lock(child->lock);
    if (child->store_count > 0) {
        *store = child->stores[--child->store_count];
    }
    apr_thread_mutex_unlock(child->lock);
    return *store ? APR_SUCCESS : wh_store_create(store, child->settings);
}

void wh_child_store_put(wh_store_t *store)
{
    int kept = 0;

    apr_thread_mutex_lock(child->lock);
    if (child->store_count < STORES_MAX) {
        child->stores[child->store_count++] = store;
        kept = 1;
    }
    apr_thread_mutex_unlock(child->lock);
    if (!kept) {
        wh_store_destroy(store);
    }
}

/* Another module's way to the door that the HTTP handler uses too. */
static apr_status_t webhook_signal(char event_id[WEBHOOK_EVENT_ID_SIZE],
                                   const webhook_event_t *event,
                                   apr_pool_t *pool)
{
    const server_rec *s;
    wh_signal_t signal;
    wh_signal_result_t result;
    apr_status_t rv;

    if (!event || (!event->r && !event->s)) {
        return APR_EINVAL;
    }
    s = event->r ? event->r->server : event->s;
    if (!child || !wh_config_engine(s)) {
        return APR_ENOTIMPL;
    }
    memset(&signal, 0, sizeof(signal));
    signal.event_name = event->name;
    signal.primary_key = event->primary_key;
    signal.associate_id = event->associate_id;
    signal.context = wh_config_context(s, event->r, pool);
    if (!signal.context) {
        return APR_EINVAL;
    }
    signal.data = event->data;
    signal.data_length = event->data ? strlen(event->data) : 0;
    signal.user = event->r ? event->r->user : NULL;
    signal.idempotency_key = event->idempotency_key;
    if (signal.data_length > (apr_size_t)wh_config_max_body(s)) {
        return APR_ENOSPC;
    }
    rv = wh_signal_send(&result, child->channel, &signal, pool);
    apr_cpystrn(event_id, result.event_id, WEBHOOK_EVENT_ID_SIZE);
    return rv;
}

void wh_child_register_hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
    APR_REGISTER_OPTIONAL_FN(webhook_signal);
}
