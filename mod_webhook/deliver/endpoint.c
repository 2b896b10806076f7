/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/endpoint.h"

#include <stdlib.h>

#include "base/log.h"
#include "deliver/message.h"

void wh_endpoints_init(wh_endpoints_t *endpoints, int limit, apr_pool_t *pool)
{
    endpoints->by_webhook = apr_hash_make(pool);
    endpoints->limit = limit;
    endpoints->first_ready = endpoints->last_ready = NULL;
}

static wh_endpoint_t *find(wh_endpoints_t *endpoints, apr_int32_t webhook_id)
{
    return apr_hash_get(endpoints->by_webhook, &webhook_id, sizeof(webhook_id));
}

static wh_endpoint_t *find_or_create(wh_endpoints_t *endpoints,
                                     apr_int32_t webhook_id)
{
    wh_endpoint_t *endpoint = find(endpoints, webhook_id);

    if (!endpoint) {
        endpoint = calloc(1, sizeof(*endpoint));
        if (endpoint) {
            endpoint->webhook_id = webhook_id;
            apr_hash_set(endpoints->by_webhook, &endpoint->webhook_id,
                         sizeof(endpoint->webhook_id), endpoint);
        }
    }
    return endpoint;
}

static void forget(wh_endpoints_t *endpoints, wh_endpoint_t *endpoint)
{
    apr_hash_set(endpoints->by_webhook, &endpoint->webhook_id,
                 sizeof(endpoint->webhook_id), NULL);
    if (endpoint->target) {
        wh_target_release(endpoint->target);
    }
    free(endpoint);
}

void wh_endpoints_destroy(wh_endpoints_t *endpoints, apr_pool_t *pool)
{
    apr_hash_index_t *at;

    for (at = apr_hash_first(pool, endpoints->by_webhook); at;
         at = apr_hash_next(at)) {
        forget(endpoints, apr_hash_this_val(at));
    }
}

/* A deleted webhook's endpoint goes with its last transfer. */
static void forget_if_gone(wh_endpoints_t *endpoints, wh_endpoint_t *endpoint)
{
    if (endpoint->target && endpoint->target->removed &&
        endpoint->in_flight == 0 && !endpoint->ready) {
        forget(endpoints, endpoint);
    }
}

/* An endpoint is in the ring when it has both work and room. */
static void offer(wh_endpoints_t *endpoints, wh_endpoint_t *endpoint)
{
    if (endpoint->ready || !endpoint->queue.first ||
        endpoint->in_flight >= endpoints->limit) {
        return;
    }
    endpoint->ready = 1;
    endpoint->next_ready = NULL;
    if (endpoints->last_ready) {
        endpoints->last_ready->next_ready = endpoint;
    }
    else {
        endpoints->first_ready = endpoint;
    }
    endpoints->last_ready = endpoint;
}

static void refuse(wh_delivery_t *delivery, const wh_target_t *target,
                   wh_message_list_t *refused)
{
    delivery->message.kind = WH_MESSAGE_OUTCOME;
    if (target && target->removed) {
        delivery->outcome = WH_OUTCOME_FAILED;
        delivery->error = "webhook deleted";
    }
    else if (target && target->discards) {
        delivery->outcome = WH_OUTCOME_FAILED;
        delivery->error = "webhook disabled";
    }
    else {
        delivery->outcome = WH_OUTCOME_RETURNED;
    }
    wh_message_list_add(refused, &delivery->message);
}

static void refuse_queue(wh_endpoint_t *endpoint, const wh_target_t *target,
                         wh_message_list_t *refused)
{
    wh_message_t *message = endpoint->queue.first;

    endpoint->queue.first = endpoint->queue.last = NULL;
    while (message) {
        wh_message_t *next = message->next;

        refuse((wh_delivery_t *)message, target, refused);
        message = next;
    }
}

void wh_endpoints_target(wh_endpoints_t *endpoints, wh_target_t *target,
                         wh_message_list_t *refused)
{
    wh_endpoint_t *endpoint = find_or_create(endpoints, target->webhook_id);

    if (!endpoint) {
        wh_log(WH_LOG_ERROR, APR_ENOMEM,
               WHLOGNO(1241) "webhook %d cannot be taken up",
               target->webhook_id);
        wh_target_release(target);
        return;
    }
    if (endpoint->target) {
        wh_target_release(endpoint->target);
    }
    endpoint->target = target;
    if (!target->active) {
        refuse_queue(endpoint, target, refused);
        forget_if_gone(endpoints, endpoint);
    }
}

void wh_endpoints_queue(wh_endpoints_t *endpoints, wh_delivery_t *delivery,
                        wh_message_list_t *refused)
{
    wh_endpoint_t *endpoint = find(endpoints, delivery->webhook_id);

    if (!endpoint || !endpoint->target || !endpoint->target->active) {
        refuse(delivery, endpoint ? endpoint->target : NULL, refused);
        return;
    }
    wh_message_list_add(&endpoint->queue, &delivery->message);
    offer(endpoints, endpoint);
}

static wh_endpoint_t *take_ready(wh_endpoints_t *endpoints)
{
    wh_endpoint_t *endpoint = endpoints->first_ready;

    if (endpoint) {
        endpoints->first_ready = endpoint->next_ready;
        if (!endpoints->first_ready) {
            endpoints->last_ready = NULL;
        }
        endpoint->ready = 0;
    }
    return endpoint;
}

wh_endpoint_t *wh_endpoints_next(wh_endpoints_t *endpoints,
                                 wh_delivery_t **delivery)
{
    wh_endpoint_t *endpoint;

    /* A queue may have been emptied since the endpoint entered the ring. */
    while ((endpoint = take_ready(endpoints)) && !endpoint->queue.first) {
        forget_if_gone(endpoints, endpoint);
    }
    if (!endpoint) {
        return NULL;
    }
    *delivery = (wh_delivery_t *)endpoint->queue.first;
    endpoint->queue.first = endpoint->queue.first->next;
    if (!endpoint->queue.first) {
        endpoint->queue.last = NULL;
    }
    endpoint->in_flight++;
    offer(endpoints, endpoint);
    return endpoint;
}

void wh_endpoints_done(wh_endpoints_t *endpoints, wh_endpoint_t *endpoint)
{
    endpoint->in_flight--;
    offer(endpoints, endpoint);
    forget_if_gone(endpoints, endpoint);
}

void wh_endpoints_drain(wh_endpoints_t *endpoints, wh_message_list_t *returned,
                        apr_pool_t *pool)
{
    apr_hash_index_t *at;

    for (at = apr_hash_first(pool, endpoints->by_webhook); at;
         at = apr_hash_next(at)) {
        refuse_queue(apr_hash_this_val(at), NULL, returned);
    }
}
