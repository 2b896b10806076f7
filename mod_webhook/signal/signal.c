/* SPDX-License-Identifier: Apache-2.0 */
#include "signal/signal.h"

#include <apr_strings.h>
#include <string.h>

#include "base/text.h"
#include "policy/event_name.h"
#include "policy/sign.h"
#include "signal/channel.h"

static apr_status_t refuse(wh_signal_result_t *result, apr_status_t rv,
                           const char *message)
{
    result->message = message;
    return rv;
}

/* A key counts for one user of one context: nobody can find out another's. */
static apr_status_t set_idempotency(wh_event_t *event,
                                    const wh_signal_t *signal, apr_pool_t *pool)
{
    const char *parts[3];
    char *hex;

    event->idempotency = "";
    if (!signal->idempotency_key || !signal->idempotency_key[0]) {
        return APR_SUCCESS;
    }
    parts[0] = event->context;
    parts[1] = signal->user ? signal->user : "";
    parts[2] = signal->idempotency_key;
    hex = apr_palloc(pool, 65);
    event->idempotency = hex;
    return wh_sign_fingerprint(hex, parts, 3);
}

static apr_status_t make_event(wh_event_t *event, wh_signal_result_t *result,
                               const wh_signal_t *signal, apr_pool_t *pool)
{
    apr_status_t rv;

    memset(event, 0, sizeof(*event));
    if (!signal->event_name ||
        !wh_event_name_valid(signal->event_name, strlen(signal->event_name))) {
        return refuse(result, APR_EINVAL,
                      "The event name must be 1 to 128 letters, digits, "
                      "dots, underscores or hyphens.");
    }
    event->time = apr_time_now();
    event->name = signal->event_name;
    event->context = signal->context ? signal->context : "";
    event->primary_key = signal->primary_key;
    event->associate_id = signal->associate_id;
    event->data = signal->data && signal->data_length ? signal->data : "{}";
    event->changes = wh_event_changes(event->data, pool);
    if (!event->changes) {
        return refuse(result, APR_EINVAL, "The data must be a JSON object.");
    }
    rv = wh_uuid_create(event->uuid, event->time);
    return rv == APR_SUCCESS ? set_idempotency(event, signal, pool) : rv;
}

static apr_status_t read_ack(wh_signal_result_t *result, const wh_ack_t *ack)
{
    apr_cpystrn(result->event_id, ack->uuid, sizeof(result->event_id));
    result->matched = (int)ack->matched;
    switch ((wh_ack_status_t)ack->status) {
    case WH_ACK_STORED:
    case WH_ACK_UNMATCHED:
        return APR_SUCCESS;
    case WH_ACK_REPEATED:
        result->repeated = 1;
        return APR_SUCCESS;
    case WH_ACK_CONFLICT:
        return refuse(result, APR_EEXIST,
                      "The idempotency key was used for another event.");
    case WH_ACK_UNKNOWN:
        return refuse(result, APR_TIMEUP,
                      "The storage failed; whether the event was accepted is "
                      "unknown.");
    case WH_ACK_UNAVAILABLE:
    case WH_ACK_REFUSED:
        break;
    }
    return refuse(result, APR_EAGAIN,
                  "Events cannot be stored at the moment; nothing was "
                  "accepted.");
}

apr_status_t wh_signal_send(wh_signal_result_t *result, wh_channel_t *channel,
                            const wh_signal_t *signal, apr_pool_t *pool)
{
    wh_event_t event;
    wh_ack_t ack;
    apr_size_t length;
    void *frame;
    apr_status_t rv;

    memset(result, 0, sizeof(*result));
    rv = make_event(&event, result, signal, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    frame = wh_frame_encode(&length, 0, &event, pool);
    if (length > wh_channel_frame_limit(channel)) {
        return refuse(result, APR_ENOSPC, "The event is too large.");
    }
    rv = wh_channel_exchange(&ack, channel, frame, length,
                             event.time + wh_channel_timeout(channel));
    if (rv == APR_SUCCESS) {
        return read_ack(result, &ack);
    }
    memcpy(result->event_id, event.uuid, sizeof(result->event_id));
    if (rv == APR_TIMEUP) {
        return refuse(result, rv,
                      "There was no answer in time; whether the event was "
                      "accepted is unknown.");
    }
    return refuse(result, APR_EAGAIN,
                  "Events cannot be accepted at the moment; nothing was "
                  "accepted.");
}
