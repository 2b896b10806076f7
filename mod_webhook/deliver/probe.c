/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/probe.h"

#include <apr_strings.h>

#include "base/log.h"
#include "base/monotonic.h"
#include "deliver/handshake.h"
#include "deliver/outcome.h"
#include "deliver/transfer.h"

/* Trouble of this machine: the receiver was not asked. */
#define REASON_LOCAL "local"
#define REASON_HANDSHAKE "handshake"

static apr_status_t create_delivery(wh_delivery_t **delivery,
                                    const wh_webhook_t *webhook)
{
    wh_event_t fields = {.name = "test",
                         .time = apr_time_now(),
                         .context = webhook->context ? webhook->context : "",
                         .changes = "[]",
                         .data = "{}",
                         .idempotency = ""};
    wh_event_t *event;
    apr_status_t rv = wh_uuid_create(fields.uuid, fields.time);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    event = wh_event_create(&fields);
    *delivery = event ? wh_delivery_create(event, 0, webhook->id) : NULL;
    if (event) {
        wh_event_release(event);
    }
    return *delivery ? APR_SUCCESS : APR_ENOMEM;
}

/* Texts of the delivery go with it. */
static void read_result(wh_probe_result_t *result,
                        const wh_transfer_t *transfer, CURLcode code,
                        const wh_settings_t *settings, apr_pool_t *pool)
{
    const wh_delivery_t *delivery = transfer->delivery;

    result->success = wh_outcome_is_success(transfer, settings);
    if (!result->success) {
        result->reason = wh_outcome_is_local(transfer, code) ? REASON_LOCAL
                                                             : delivery->error;
    }
    /* Half an answer says nothing that may be shown: it may be part of what
     * some other service says to strangers. */
    if (transfer->complete && delivery->answer) {
        result->status = transfer->status;
        result->answer = apr_pstrdup(pool, delivery->answer);
    }
}

static void log_result(const wh_probe_result_t *result,
                       const wh_transfer_t *transfer, CURLcode code)
{
    wh_log(result->success ? WH_LOG_DEBUG : WH_LOG_INFO, APR_SUCCESS,
           WHLOGNO(1261) "test event for webhook %d: %s, status %d (%s)",
           transfer->delivery->webhook_id,
           result->success ? "taken" : result->reason, transfer->status,
           transfer->blocked ? transfer->blocked : curl_easy_strerror(code));
}

static apr_status_t perform(wh_probe_result_t *result, wh_transfer_t *transfer,
                            wh_target_t *target, wh_delivery_t *delivery,
                            const wh_settings_t *settings, apr_pool_t *pool)
{
    apr_status_t rv;
    CURLcode code;

    transfer->test = 1;
    rv = wh_transfer_prepare(transfer, target, delivery, apr_time_now());
    if (rv != APR_SUCCESS && rv != APR_ENOMEM) {
        wh_log(WH_LOG_WARNING, rv,
               WHLOGNO(1279) "test event for webhook %d: its type makes no "
                             "callback",
               target->webhook_id);
        result->reason = wh_error_text(WH_ERROR_TYPE);
        return APR_SUCCESS;
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    code = target->refusal ? CURLE_URL_MALFORMAT
                           : curl_easy_perform(transfer->easy);
    wh_outcome_describe(transfer, code, apr_time_now());
    read_result(result, transfer, code, settings, pool);
    log_result(result, transfer, code);
    /* Nothing is kept: the body goes with the transfer. */
    delivery->outcome = WH_OUTCOME_DELIVERED;
    wh_transfer_finish(transfer);
    return APR_SUCCESS;
}

/* A webhook that is not saved yet may have no context, which a target needs. */
static wh_target_t *create_target(const wh_webhook_t *webhook)
{
    wh_webhook_t own = *webhook;

    if (!own.context) {
        own.context = "";
    }
    return wh_target_create(&own);
}

/* A refusal is the end: there is no test event then. */
static apr_status_t shake_hands(wh_probe_result_t *result,
                                const wh_settings_t *settings,
                                wh_guard_t *guard, wh_target_t *target)
{
    wh_handshake_t handshake;
    apr_status_t rv = wh_handshake(&handshake, settings, guard, target);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    result->handshake = 1;
    result->rate = handshake.rate;
    if (!handshake.allowed) {
        result->not_allowed = 1;
        result->answer = WH_PROBE_NOT_ALLOWED;
        result->reason = REASON_HANDSHAKE;
    }
    return APR_SUCCESS;
}

/* What the handshake has left of it; a timeout of 0 would be none. */
static void shorten(wh_transfer_t *transfer, apr_interval_time_t time)
{
    long left = (long)apr_time_as_msec(time);

    (void)curl_easy_setopt(transfer->easy, CURLOPT_TIMEOUT_MS,
                           left > 0 ? left : 1L);
}

static apr_status_t attempt(wh_probe_result_t *result,
                            const wh_settings_t *settings, wh_guard_t *guard,
                            const wh_webhook_t *webhook, apr_pool_t *pool)
{
    apr_time_t end = wh_monotonic_now() + settings->timeout;
    wh_transfer_t *transfer = wh_transfer_create(settings, guard, NULL);
    wh_target_t *target = create_target(webhook);
    wh_delivery_t *delivery = NULL;
    apr_status_t rv = create_delivery(&delivery, webhook);

    if (rv == APR_SUCCESS && (!transfer || !target)) {
        rv = APR_ENOMEM;
    }
    if (rv == APR_SUCCESS && wh_handshake_wanted(target)) {
        rv = shake_hands(result, settings, guard, target);
        shorten(transfer, end - wh_monotonic_now());
    }
    if (rv == APR_SUCCESS && !result->not_allowed) {
        rv = perform(result, transfer, target, delivery, settings, pool);
    }
    if (transfer) {
        wh_transfer_destroy(transfer);
    }
    if (target) {
        wh_target_release(target);
    }
    if (delivery) {
        wh_delivery_destroy(delivery);
    }
    return rv;
}

static apr_interval_time_t shorter(apr_interval_time_t time)
{
    return time > 0 && time < WH_PROBE_TIMEOUT ? time : WH_PROBE_TIMEOUT;
}

apr_status_t wh_probe(wh_probe_result_t *result, const wh_settings_t *settings,
                      const wh_webhook_t *webhook, apr_pool_t *pool)
{
    wh_settings_t own = *settings;
    apr_pool_t *scratch;
    wh_guard_t guard;
    apr_status_t rv = apr_pool_create(&scratch, pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    own.timeout = shorter(settings->timeout);
    own.connect_timeout = shorter(settings->connect_timeout);
    *result = (wh_probe_result_t){.answer = WH_PROBE_NO_ANSWER};
    wh_guard_init(&guard, settings->addresses, scratch);
    wh_guard_refresh(&guard, apr_time_now());
    if (wh_guard_is_ready(&guard)) {
        rv = attempt(result, &own, &guard, webhook, pool);
    }
    else {
        /* Whether an address is our own cannot be told: none is dialled. */
        result->reason = REASON_LOCAL;
    }
    apr_pool_destroy(scratch);
    return rv;
}

apr_status_t wh_probe_keep(wh_webhook_t *webhook,
                           const wh_probe_result_t *result, apr_pool_t *pool)
{
    return result->handshake
               ? wh_options_allow(&webhook->properties, result->rate, pool)
               : APR_SUCCESS;
}
