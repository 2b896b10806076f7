/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/endpoint.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/monotonic.h"
#include "deliver/message.h"

/* An endpoint that waits for less keeps its queue. */
#define PATIENCE apr_time_from_sec(1)

/* What a rate has saved up while there was nothing to do. */
#define BURST apr_time_from_msec(100)

/* In memory for each transfer that may be under way, while an endpoint is
 * still proving itself. */
#define QUEUED_PER_TRANSFER 4

/* One turn of so many is that of the last, however busy the others are. */
#define TURNS_OF_LAST 8

/* A rate's work in memory. */
#define QUEUED_SECONDS 2

/* By time; two of the same time by webhook, so that none is another. */
static int compare_wakes(void *one, void *other)
{
    const wh_endpoint_t *a = one, *b = other;

    if (a->wake != b->wake) {
        return a->wake < b->wake ? -1 : 1;
    }
    return a->webhook_id < b->webhook_id   ? -1
           : a->webhook_id > b->webhook_id ? 1
                                           : 0;
}

apr_status_t wh_endpoints_init(wh_endpoints_t *endpoints,
                               const wh_settings_t *settings, apr_pool_t *pool)
{
    apr_status_t rv;

    memset(endpoints, 0, sizeof(*endpoints));
    endpoints->by_webhook = apr_hash_make(pool);
    endpoints->settings = settings;
    rv = apr_skiplist_init(&endpoints->resting, pool);
    if (rv == APR_SUCCESS) {
        apr_skiplist_set_compare(endpoints->resting, compare_wakes,
                                 compare_wakes);
    }
    return rv;
}

static int cap_of(const wh_endpoints_t *endpoints)
{
    return endpoints->settings->endpoint_concurrency;
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

static void end_rest(wh_endpoints_t *endpoints, wh_endpoint_t *endpoint)
{
    if (endpoint->resting) {
        apr_skiplist_remove(endpoints->resting, endpoint, NULL);
        endpoint->resting = 0;
    }
}

static void forget(wh_endpoints_t *endpoints, wh_endpoint_t *endpoint)
{
    apr_hash_set(endpoints->by_webhook, &endpoint->webhook_id,
                 sizeof(endpoint->webhook_id), NULL);
    end_rest(endpoints, endpoint);
    if (endpoints->names) {
        wh_names_release(endpoints->names, &endpoint->lookup);
    }
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
        endpoint->in_flight + endpoint->earlier == 0 && !endpoint->ready) {
        forget(endpoints, endpoint);
    }
}

wh_standing_t wh_endpoint_standing(const wh_endpoint_t *endpoint)
{
    return endpoint->slow > 0 ? WH_STANDING_FAILING
                              : wh_health_standing(&endpoint->health);
}

/* Deliveries a second: the lowest of what its owner, the site and its
 * recovery allow; 0: no bound. */
static double rate_of(const wh_endpoints_t *endpoints,
                      const wh_endpoint_t *endpoint)
{
    double rates[] = {
        endpoint->target && endpoint->target->options.max_rate > 0
            ? endpoint->target->options.max_rate
            : endpoints->settings->max_rate,
        wh_health_rate(&endpoint->health, endpoints->now),
    };
    double rate = rates[0];

    if (rates[1] > 0 && (rate == 0 || rates[1] < rate)) {
        rate = rates[1];
    }
    return rate;
}

static void leave_ring(wh_endpoints_t *endpoints, wh_endpoint_t *endpoint)
{
    wh_endpoint_ring_t *ring = &endpoints->rings[endpoint->ring];

    if (endpoint->previous_ready) {
        endpoint->previous_ready->next_ready = endpoint->next_ready;
    }
    else {
        ring->first = endpoint->next_ready;
    }
    if (endpoint->next_ready) {
        endpoint->next_ready->previous_ready = endpoint->previous_ready;
    }
    else {
        ring->last = endpoint->previous_ready;
    }
    endpoint->ready = 0;
}

static void enter_ring(wh_endpoints_t *endpoints, wh_endpoint_t *endpoint)
{
    wh_endpoint_ring_t *ring;

    endpoint->ring = wh_endpoint_standing(endpoint);
    ring = &endpoints->rings[endpoint->ring];
    endpoint->ready = 1;
    endpoint->next_ready = NULL;
    endpoint->previous_ready = ring->last;
    if (ring->last) {
        ring->last->next_ready = endpoint;
    }
    else {
        ring->first = endpoint;
    }
    ring->last = endpoint;
}

/* What a webhook has sent to the receiver that it had before holds up nothing,
 * but whoever saves it again and again has not more than twice the limit. */
static int has_transfer(const wh_endpoints_t *endpoints,
                        const wh_endpoint_t *endpoint, int limit)
{
    return endpoint->in_flight < limit &&
           endpoint->in_flight + endpoint->earlier < 2 * cap_of(endpoints);
}

/* An endpoint is in a ring when it has work and room and need not wait. */
static void offer(wh_endpoints_t *endpoints, wh_endpoint_t *endpoint)
{
    apr_time_t wake = endpoint->health.until;

    /* It stands better than when it entered: nobody is before it any more. */
    if (endpoint->ready && wh_endpoint_standing(endpoint) < endpoint->ring) {
        leave_ring(endpoints, endpoint);
    }
    if (endpoint->ready || endpoint->resting || endpoint->lookup.awaited ||
        !endpoint->queue.first ||
        !has_transfer(endpoints, endpoint,
                      wh_health_limit(&endpoint->health, cap_of(endpoints)))) {
        return;
    }
    if (endpoint->next_start > wake && rate_of(endpoints, endpoint) > 0) {
        wake = endpoint->next_start;
    }
    if (wake <= endpoints->now) {
        enter_ring(endpoints, endpoint);
        return;
    }
    endpoint->wake = wake;
    endpoint->resting =
        apr_skiplist_insert(endpoints->resting, endpoint) != NULL;
}

void wh_endpoints_named(void *endpoints, wh_name_user_t *lookup)
{
    wh_endpoint_t *endpoint =
        (wh_endpoint_t *)((char *)lookup - offsetof(wh_endpoint_t, lookup));

    offer(endpoints, endpoint);
}

/* All of them alike, so that those that rest stay in their order. */
static void shift_clock(wh_endpoints_t *endpoints, apr_interval_time_t time)
{
    apr_hash_index_t *at;

    for (at = apr_hash_first(NULL, endpoints->by_webhook); at;
         at = apr_hash_next(at)) {
        wh_endpoint_t *endpoint = apr_hash_this_val(at);

        wh_health_shift(&endpoint->health, time);
        endpoint->next_start -= time;
        endpoint->wake -= time;
    }
}

void wh_endpoints_wake(wh_endpoints_t *endpoints, apr_time_t now)
{
    wh_endpoint_t *endpoint;

    if (now < endpoints->now) {
        shift_clock(endpoints, endpoints->now - now);
    }
    endpoints->now = now;
    while ((endpoint = apr_skiplist_peek(endpoints->resting)) &&
           endpoint->wake <= now) {
        apr_skiplist_pop(endpoints->resting, NULL);
        endpoint->resting = 0;
        offer(endpoints, endpoint);
    }
}

apr_time_t wh_endpoints_next_wake(const wh_endpoints_t *endpoints)
{
    const wh_endpoint_t *endpoint = apr_skiplist_peek(endpoints->resting);

    return endpoint ? endpoint->wake : APR_INT64_MAX;
}

/* How many of its deliveries may be in memory. */
static int room_of(const wh_endpoints_t *endpoints,
                   const wh_endpoint_t *endpoint)
{
    int cap = cap_of(endpoints), window = endpoints->settings->endpoint_window;
    int limit = wh_health_limit(&endpoint->health, cap);
    double rate = rate_of(endpoints, endpoint);

    if (endpoint->health.state == WH_HEALTH_COOLING) {
        return 1;
    }
    if (limit < cap && limit * QUEUED_PER_TRANSFER < window) {
        window = limit * QUEUED_PER_TRANSFER;
    }
    if (rate > 0 && rate * QUEUED_SECONDS + 1 < window) {
        window = (int)(rate * QUEUED_SECONDS) + 1;
    }
    return window;
}

void wh_endpoints_say(const wh_endpoints_t *endpoints,
                      const wh_endpoint_t *endpoint, wh_delivery_t *delivery)
{
    delivery->target_number = endpoint->target ? endpoint->target->number : 0;
    delivery->hold_until = endpoint->health.until;
    delivery->paused_until = endpoint->health.paused;
    delivery->room = room_of(endpoints, endpoint);
}

/* For so long that its deliveries wait in the database. */
static int has_to_rest(const wh_endpoints_t *endpoints,
                       const wh_endpoint_t *endpoint)
{
    return endpoint->health.until > endpoints->now + PATIENCE;
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

static void refuse_queue(const wh_endpoints_t *endpoints,
                         wh_endpoint_t *endpoint, const wh_target_t *target,
                         wh_message_list_t *refused)
{
    wh_message_t *message = endpoint->queue.first;

    endpoint->queue.first = endpoint->queue.last = NULL;
    while (message) {
        wh_message_t *next = message->next;

        wh_endpoints_say(endpoints, endpoint, (wh_delivery_t *)message);
        refuse((wh_delivery_t *)message, target, refused);
        message = next;
    }
}

void wh_endpoints_learn(wh_endpoints_t *endpoints, wh_endpoint_t *endpoint,
                        const wh_health_failure_t *failure, apr_uint32_t dice,
                        wh_message_list_t *refused)
{
    int cap = cap_of(endpoints);

    if (!failure) {
        wh_health_success(&endpoint->health, cap, endpoints->now);
        return;
    }
    if (wh_health_failed(&endpoint->health, failure, endpoints->settings->retry,
                         cap, endpoints->now, dice) &&
        has_to_rest(endpoints, endpoint)) {
        refuse_queue(endpoints, endpoint, NULL, refused);
    }
}

void wh_endpoints_rest(wh_endpoints_t *endpoints, wh_endpoint_t *endpoint,
                       apr_time_t until, wh_message_list_t *refused)
{
    if (until > endpoint->health.until) {
        endpoint->health.until = until;
    }
    if (has_to_rest(endpoints, endpoint)) {
        refuse_queue(endpoints, endpoint, NULL, refused);
    }
}

void wh_endpoints_refuse(wh_endpoints_t *endpoints, wh_delivery_t *delivery,
                         wh_message_list_t *refused)
{
    wh_endpoint_t *endpoint = find(endpoints, delivery->webhook_id);

    refuse(delivery, endpoint ? endpoint->target : NULL, refused);
}

/* It does well, and the change is none of where it is sent to. */
static int is_as_well(const wh_endpoints_t *endpoints,
                      const wh_endpoint_t *endpoint, const wh_target_t *target)
{
    const wh_target_t *before = endpoint->target;
    const wh_health_t *health = &endpoint->health;

    return before && before->active && target->active && before->url.text &&
           target->url.text && !strcmp(before->url.text, target->url.text) &&
           health->state != WH_HEALTH_COOLING && health->failures == 0 &&
           health->until <= endpoints->now && health->paused <= endpoints->now;
}

/* At the start what was remembered counts. Later on whoever changed the
 * webhook may have mended it. */
static void take_health(const wh_endpoints_t *endpoints,
                        wh_endpoint_t *endpoint, const wh_target_t *target)
{
    const wh_target_t *before = endpoint->target;

    if (is_as_well(endpoints, endpoint, target)) {
        return;
    }
    endpoint->receiver++;
    endpoint->earlier += endpoint->in_flight;
    endpoint->in_flight = endpoint->slow = 0;
    if (before && !before->active && target->active) {
        wh_health_recover(&endpoint->health, endpoints->now);
    }
    else {
        wh_health_init(&endpoint->health, before ? 0 : target->failures,
                       before ? 0 : target->proven, cap_of(endpoints));
    }
}

/* Without memory libcurl looks up its own. */
static void bind_names(const wh_endpoints_t *endpoints, wh_endpoint_t *endpoint)
{
    wh_host_t hosts[WH_HOSTS_MAX];
    int count = 0;
    apr_status_t rv = APR_SUCCESS;

    if (!endpoints->names) {
        return;
    }
    if (!endpoint->target->active) {
        wh_names_release(endpoints->names, &endpoint->lookup);
    }
    else {
        rv =
            wh_hosts_find(hosts, &count, endpoints->settings, endpoint->target);
        if (rv == APR_SUCCESS) {
            rv = wh_names_bind(endpoints->names, &endpoint->lookup, hosts,
                               count);
        }
        wh_hosts_free(hosts);
    }
    if (rv != APR_SUCCESS) {
        wh_names_release(endpoints->names, &endpoint->lookup);
        wh_log(WH_LOG_ERROR, rv,
               WHLOGNO(2411) "webhook %d: its name is looked up by libcurl",
               endpoint->webhook_id);
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
    take_health(endpoints, endpoint, target);
    if (endpoint->target) {
        wh_target_release(endpoint->target);
    }
    endpoint->target = target;
    bind_names(endpoints, endpoint);
    endpoint->next_start = 0;
    end_rest(endpoints, endpoint);
    if (target->active) {
        offer(endpoints, endpoint);
    }
    else {
        refuse_queue(endpoints, endpoint, target, refused);
        forget_if_gone(endpoints, endpoint);
    }
}

void wh_endpoints_queue(wh_endpoints_t *endpoints, wh_delivery_t *delivery,
                        wh_message_list_t *refused)
{
    wh_endpoint_t *endpoint = find(endpoints, delivery->webhook_id);

    if (!endpoint || !endpoint->target || !endpoint->target->active) {
        wh_endpoints_refuse(endpoints, delivery, refused);
        return;
    }
    /* Sent off before its word was heard there. */
    if (has_to_rest(endpoints, endpoint)) {
        wh_endpoints_say(endpoints, endpoint, delivery);
        refuse(delivery, NULL, refused);
        return;
    }
    wh_message_list_add(&endpoint->queue, &delivery->message);
    offer(endpoints, endpoint);
}

static wh_endpoint_t *take_ready(wh_endpoints_t *endpoints,
                                 wh_standing_t standing)
{
    wh_endpoint_t *endpoint = endpoints->rings[standing].first;

    if (endpoint) {
        leave_ring(endpoints, endpoint);
    }
    return endpoint;
}

int wh_endpoints_ready(const wh_endpoints_t *endpoints)
{
    int i;

    for (i = 0; i < WH_STANDINGS; i++) {
        if (endpoints->rings[i].first) {
            return 1;
        }
    }
    return 0;
}

/* Much may have happened since it entered the ring. */
static int may_start(const wh_endpoints_t *endpoints,
                     const wh_endpoint_t *endpoint,
                     const wh_endpoint_room_t *room)
{
    int limit = wh_health_limit(&endpoint->health, cap_of(endpoints));

    if (room->crowded && wh_endpoints_ready(endpoints)) {
        limit = limit < 4 ? 1 : limit / 4;
    }
    return endpoint->queue.first && has_transfer(endpoints, endpoint, limit) &&
           endpoint->health.until <= endpoints->now;
}

/* Its addresses are known, or that there are none. */
static int is_named(const wh_endpoints_t *endpoints, wh_endpoint_t *endpoint)
{
    return !endpoints->names ||
           wh_names_ask(endpoints->names, &endpoint->lookup,
                        wh_endpoint_standing(endpoint) == WH_STANDING_GOOD,
                        wh_monotonic_now());
}

/* Of one ring. Whoever may not start leaves it: the end of one of its
 * transfers, a delivery, its waking or its name brings it back. */
static wh_endpoint_t *next_of(wh_endpoints_t *endpoints, wh_standing_t standing,
                              const wh_endpoint_room_t *room)
{
    wh_endpoint_t *endpoint;

    while (room->standing[standing] &&
           (endpoint = take_ready(endpoints, standing))) {
        if (wh_endpoint_standing(endpoint) > standing) {
            enter_ring(endpoints, endpoint);
        }
        else if (may_start(endpoints, endpoint, room)) {
            if (is_named(endpoints, endpoint)) {
                return endpoint;
            }
        }
        else {
            if (endpoint->health.until > endpoints->now) {
                offer(endpoints, endpoint);
            }
            forget_if_gone(endpoints, endpoint);
        }
    }
    return NULL;
}

static wh_endpoint_t *next_of_all(wh_endpoints_t *endpoints,
                                  const wh_endpoint_room_t *room)
{
    int last_first = ++endpoints->turns % TURNS_OF_LAST == 0, i;
    wh_endpoint_t *endpoint = NULL;

    for (i = 0; !endpoint && i < WH_STANDINGS; i++) {
        endpoint = next_of(
            endpoints, (wh_standing_t)(last_first ? WH_STANDINGS - 1 - i : i),
            room);
    }
    return endpoint;
}

/* Paced by its rate; what was saved up is bounded. */
static void count_start(const wh_endpoints_t *endpoints,
                        wh_endpoint_t *endpoint)
{
    double rate = rate_of(endpoints, endpoint);

    if (rate > 0) {
        if (endpoint->next_start < endpoints->now - BURST) {
            endpoint->next_start = endpoints->now - BURST;
        }
        endpoint->next_start += (apr_time_t)(APR_USEC_PER_SEC / rate);
    }
}

wh_endpoint_t *wh_endpoints_next(wh_endpoints_t *endpoints,
                                 const wh_endpoint_room_t *room,
                                 wh_delivery_t **delivery)
{
    wh_endpoint_t *endpoint = next_of_all(endpoints, room);

    if (!endpoint) {
        return NULL;
    }
    *delivery = (wh_delivery_t *)endpoint->queue.first;
    endpoint->queue.first = endpoint->queue.first->next;
    if (!endpoint->queue.first) {
        endpoint->queue.last = NULL;
    }
    endpoint->in_flight++;
    count_start(endpoints, endpoint);
    offer(endpoints, endpoint);
    return endpoint;
}

void wh_endpoints_done(wh_endpoints_t *endpoints, wh_endpoint_t *endpoint,
                       apr_uint32_t receiver)
{
    if (receiver == endpoint->receiver) {
        endpoint->in_flight--;
    }
    else {
        endpoint->earlier--;
    }
    offer(endpoints, endpoint);
    forget_if_gone(endpoints, endpoint);
}

void wh_endpoints_drain(wh_endpoints_t *endpoints, wh_message_list_t *returned,
                        apr_pool_t *pool)
{
    apr_hash_index_t *at;

    for (at = apr_hash_first(pool, endpoints->by_webhook); at;
         at = apr_hash_next(at)) {
        refuse_queue(endpoints, apr_hash_this_val(at), NULL, returned);
    }
}
