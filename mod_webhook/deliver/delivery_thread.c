/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/delivery_thread.h"

#include <apr_pools.h>
#include <errno.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/monotonic.h"
#include "base/pool.h"
#include "deliver/endpoint.h"
#include "deliver/message.h"
#include "deliver/names.h"
#include "deliver/outcome.h"
#include "deliver/sockets.h"
#include "deliver/transfer.h"
#include "policy/retry.h"

#define EVENTS_AT_ONCE 128

/* A transfer at rest keeps its buffers and its easy handle for the next. */
#define IDLE_TRANSFERS_MAX 64

/* Then it is time to look at those that run, and into the inbox: somebody who
 * answers may have got something. */
#define STARTS_AT_ONCE 16

/* Endpoints that have not answered yet, or fail, begin so fast and so many at
 * a time: a name to look up and a connection for each, of a thousand at once,
 * would take the processors from everybody else. */
#define UNPROVEN_PERIOD apr_time_from_msec(3)
#define UNPROVEN_AT_ONCE 2

#define NEVER (-1)

/* A wait that ends early only looks again: also when the clock is set. */
#define WAIT_MAX apr_time_from_sec(60)

struct wh_delivery_thread_t {
    const wh_settings_t *settings;
    apr_pool_t *pool; /* own allocator */
    wh_inbox_t *inbox;
    wh_inbox_t *commit_inbox;   /* the commit thread's */
    wh_message_list_t outcomes; /* to be posted at the end of the round */
    wh_endpoints_t endpoints;
    wh_names_t names;
    wh_sockets_t sockets;
    wh_guard_t guard;
    CURLM *multi;
    apr_time_t timer; /* libcurl's, of wh_monotonic_now(): its limits hold
                         whatever becomes of the clock; NEVER: none */
    int concurrency;
    int running_count;
    int slow_count;         /* of them, those marked slow */
    int failing_count;      /* and those marked failing, the slow ones too */
    wh_transfer_t *running; /* in the order in which they began */
    wh_transfer_t *last_running;
    wh_transfer_t *first_quick; /* the oldest that is not known to be slow */
    wh_transfer_t *idle;
    int idle_count;
    int has_more; /* 1: some could start, but others have their turn first */
    apr_time_t unproven_at; /* when an unproven one may start */
    int is_paced;           /* 1: somebody may wait for that */
    int stopping;
    apr_time_t deadline;  /* of the stop, by the monotonic clock */
    wh_message_t stopped; /* its last word */
    apr_uint32_t dice;
};

static int on_timer(CURLM *multi, long milliseconds, void *baton)
{
    wh_delivery_thread_t *thread = baton;

    (void)multi;
    thread->timer = milliseconds < 0
                        ? NEVER
                        : wh_monotonic_now() + apr_time_from_msec(milliseconds);
    return 0;
}

/* xorshift: spreads retries, guards nothing. */
static apr_uint32_t roll(wh_delivery_thread_t *thread)
{
    thread->dice ^= thread->dice << 13;
    thread->dice ^= thread->dice >> 17;
    thread->dice ^= thread->dice << 5;
    return thread->dice;
}

static apr_status_t create_multi(wh_delivery_thread_t *thread)
{
    CURLM *multi = thread->multi = curl_multi_init();

    if (!multi ||
        curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, wh_transfer_socket) !=
            CURLM_OK ||
        curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, &thread->sockets) !=
            CURLM_OK ||
        curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer) !=
            CURLM_OK ||
        curl_multi_setopt(multi, CURLMOPT_TIMERDATA, thread) != CURLM_OK ||
        curl_multi_setopt(multi, CURLMOPT_PIPELINING,
                          (long)CURLPIPE_MULTIPLEX) != CURLM_OK ||
        curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS,
                          (long)thread->concurrency) != CURLM_OK) {
        return APR_ENOMEM;
    }
    return APR_SUCCESS;
}

static apr_status_t create_parts(wh_delivery_thread_t *thread)
{
    apr_status_t rv = wh_sockets_init(&thread->sockets);

    if (rv == APR_SUCCESS) {
        rv = wh_inbox_create(&thread->inbox, thread->pool);
    }
    if (rv == APR_SUCCESS) {
        rv = wh_sockets_add(&thread->sockets,
                            wh_inbox_descriptor(thread->inbox));
    }
    if (rv == APR_SUCCESS && thread->names.socket >= 0) {
        rv = wh_sockets_add(&thread->sockets, thread->names.socket);
    }
    if (rv == APR_SUCCESS) {
        rv = create_multi(thread);
    }
    if (RAND_bytes((unsigned char *)&thread->dice, sizeof(thread->dice)) != 1 ||
        !thread->dice) {
        thread->dice = 1;
    }
    return rv;
}

apr_status_t wh_delivery_thread_create(wh_delivery_thread_t **result,
                                       const wh_settings_t *settings,
                                       wh_inbox_t *outcomes, int concurrency,
                                       int lookups)
{
    wh_delivery_thread_t *thread;
    apr_pool_t *pool;
    apr_status_t rv = wh_pool_create(&pool, "webhook_delivery_thread", 0);

    if (rv != APR_SUCCESS) {
        if (lookups >= 0) {
            close(lookups);
        }
        return rv;
    }
    thread = apr_pcalloc(pool, sizeof(*thread));
    thread->pool = pool;
    thread->settings = settings;
    thread->commit_inbox = outcomes;
    thread->concurrency = concurrency;
    thread->timer = NEVER;
    wh_guard_init(&thread->guard, settings->addresses, pool);
    wh_names_init(&thread->names, lookups, wh_names_most(concurrency),
                  settings->connect_timeout, wh_endpoints_named,
                  &thread->endpoints, pool);
    rv = wh_endpoints_init(&thread->endpoints, settings, pool);
    thread->endpoints.names = &thread->names;
    if (rv == APR_SUCCESS) {
        rv = create_parts(thread);
    }
    if (rv != APR_SUCCESS) {
        wh_delivery_thread_destroy(thread);
        return rv;
    }
    *result = thread;
    return APR_SUCCESS;
}

wh_inbox_t *wh_delivery_thread_inbox(wh_delivery_thread_t *thread)
{
    return thread->inbox;
}

void wh_delivery_thread_destroy(wh_delivery_thread_t *thread)
{
    while (thread->idle) {
        wh_transfer_t *transfer = thread->idle;

        thread->idle = transfer->next;
        wh_transfer_destroy(transfer);
    }
    /* Before the sockets: closing its connections calls back into them. */
    if (thread->multi) {
        curl_multi_cleanup(thread->multi);
    }
    wh_endpoints_destroy(&thread->endpoints, thread->pool);
    wh_names_destroy(&thread->names);
    wh_sockets_destroy(&thread->sockets);
    apr_pool_destroy(thread->pool);
}

static void report(wh_delivery_thread_t *thread, wh_delivery_t *delivery)
{
    delivery->message.kind = WH_MESSAGE_OUTCOME;
    wh_message_list_add(&thread->outcomes, &delivery->message);
}

static void begin_stop(wh_delivery_thread_t *thread, const wh_stop_t *stop)
{
    thread->stopping = 1;
    thread->deadline = stop->deadline;
    wh_endpoints_drain(&thread->endpoints, &thread->outcomes, thread->pool);
}

static void handle_message(wh_delivery_thread_t *thread, wh_message_t *message)
{
    wh_delivery_t *delivery;

    switch (message->kind) {
    case WH_MESSAGE_TARGET:
        wh_endpoints_target(&thread->endpoints, (wh_target_t *)message,
                            &thread->outcomes);
        break;
    case WH_MESSAGE_DELIVERY:
        delivery = (wh_delivery_t *)message;
        if (thread->stopping) {
            wh_endpoints_refuse(&thread->endpoints, delivery,
                                &thread->outcomes);
        }
        else {
            wh_endpoints_queue(&thread->endpoints, delivery, &thread->outcomes);
        }
        break;
    case WH_MESSAGE_STOP:
        begin_stop(thread, (wh_stop_t *)message);
        free(message);
        break;
    default:
        wh_log(WH_LOG_ERROR, APR_SUCCESS,
               WHLOGNO(1251) "unknown message %d to a delivery thread",
               message->kind);
    }
}

static void read_inbox(wh_delivery_thread_t *thread)
{
    wh_message_t *message = wh_inbox_take(thread->inbox);

    while (message) {
        wh_message_t *next = message->next;

        handle_message(thread, message);
        message = next;
    }
}

static wh_transfer_t *take_transfer(wh_delivery_thread_t *thread)
{
    wh_transfer_t *transfer = thread->idle;

    if (transfer) {
        thread->idle = transfer->next;
        thread->idle_count--;
        return transfer;
    }
    return wh_transfer_create(thread->settings, &thread->guard,
                              &thread->sockets);
}

static void mark_failing(wh_delivery_thread_t *thread, wh_transfer_t *transfer)
{
    if (!transfer->failing) {
        transfer->failing = 1;
        thread->failing_count++;
    }
}

static void link_running(wh_delivery_thread_t *thread, wh_transfer_t *transfer)
{
    transfer->slow = transfer->failing = 0;
    transfer->next = NULL;
    transfer->previous = thread->last_running;
    if (thread->last_running) {
        thread->last_running->next = transfer;
    }
    else {
        thread->running = transfer;
    }
    thread->last_running = transfer;
    if (!thread->first_quick) {
        thread->first_quick = transfer;
    }
    thread->running_count++;
}

static void unlink_running(wh_delivery_thread_t *thread,
                           wh_transfer_t *transfer)
{
    if (thread->first_quick == transfer) {
        thread->first_quick = transfer->next;
    }
    if (transfer->previous) {
        transfer->previous->next = transfer->next;
    }
    else {
        thread->running = transfer->next;
    }
    if (transfer->next) {
        transfer->next->previous = transfer->previous;
    }
    else {
        thread->last_running = transfer->previous;
    }
    thread->slow_count -= transfer->slow;
    thread->failing_count -= transfer->failing;
    thread->running_count--;
}

static void count_slow(const wh_transfer_t *transfer, int change)
{
    wh_endpoint_t *endpoint = transfer->endpoint;

    if (transfer->receiver == endpoint->receiver) {
        endpoint->slow += change;
    }
}

/* An endpoint that lets us wait is a slow one while it does. */
static void mark_slow(wh_delivery_thread_t *thread, apr_time_t now)
{
    while (thread->first_quick &&
           now - thread->first_quick->started > WH_ENDPOINT_SLOW) {
        wh_transfer_t *transfer = thread->first_quick;

        transfer->slow = 1;
        thread->slow_count++;
        count_slow(transfer, 1);
        mark_failing(thread, transfer);
        thread->first_quick = transfer->next;
    }
}

static void rest(wh_delivery_thread_t *thread, wh_transfer_t *transfer)
{
    if (thread->idle_count >= IDLE_TRANSFERS_MAX) {
        wh_transfer_destroy(transfer);
        return;
    }
    transfer->next = thread->idle;
    thread->idle = transfer;
    thread->idle_count++;
}

/* Out of memory: the delivery goes back, to be tried a little later. */
static void give_up(wh_delivery_thread_t *thread, wh_endpoint_t *endpoint,
                    wh_delivery_t *delivery)
{
    wh_log(WH_LOG_ERROR, APR_ENOMEM,
           WHLOGNO(1252) "webhook %d event %s: no memory for an attempt",
           delivery->webhook_id, delivery->event->uuid);
    delivery->outcome = WH_OUTCOME_RETURNED;
    delivery->due = apr_time_now() + WH_LOCAL_RETRY;
    report(thread, delivery);
    wh_endpoints_done(&thread->endpoints, endpoint, endpoint->receiver);
}

/* Receivers ask for a pause with 429 or 503 and Retry-After; with any other
 * status it counts for the delivery alone. */
static apr_interval_time_t pause_of(const wh_transfer_t *transfer)
{
    return transfer->status == 429 || transfer->status == 503
               ? transfer->retry_after
               : 0;
}

/* What was not tried says nothing of the endpoint. */
static void learn(wh_delivery_thread_t *thread, const wh_transfer_t *transfer)
{
    const wh_delivery_t *delivery = transfer->delivery;
    const wh_endpoint_t *endpoint = transfer->endpoint;
    wh_health_failure_t failure = {
        .started = transfer->started,
        .attempts = delivery->attempts,
        /* What a receiver asks for one delivery says nothing of the others. */
        .due = delivery->outcome == WH_OUTCOME_RETRY && !transfer->retry_after
                   ? delivery->due
                   : 0,
        .pause = pause_of(transfer),
    };

    if (delivery->outcome == WH_OUTCOME_RETURNED) {
        /* Trouble of this machine: the next one would have it too. */
        wh_endpoints_rest(&thread->endpoints, transfer->endpoint, delivery->due,
                          &thread->outcomes);
    }
    else if (transfer->receiver == endpoint->receiver &&
             (delivery->outcome == WH_OUTCOME_DELIVERED ||
              !transfer->outdated)) {
        /* What comes of the receiver before says nothing of this one, nor what
         * fails with what was changed since. */
        wh_endpoints_learn(&thread->endpoints, transfer->endpoint,
                           delivery->outcome == WH_OUTCOME_DELIVERED ? NULL
                                                                     : &failure,
                           roll(thread), &thread->outcomes);
    }
}

/* Nobody would ever try again for a webhook that is gone or disabled. */
static void settle(const wh_endpoint_t *endpoint, wh_delivery_t *delivery)
{
    if ((endpoint->target->removed || endpoint->target->discards) &&
        delivery->outcome != WH_OUTCOME_DELIVERED) {
        delivery->outcome = WH_OUTCOME_FAILED;
    }
}

/* The kind of the webhook makes no callback of this delivery. */
static void refuse(wh_delivery_thread_t *thread, wh_endpoint_t *endpoint,
                   wh_delivery_t *delivery, apr_status_t reason, apr_time_t now)
{
    wh_health_failure_t failure = {.started = now};

    wh_outcome_refuse(delivery, reason, thread->settings, now, roll(thread));
    settle(endpoint, delivery);
    failure.attempts = delivery->attempts;
    failure.due = delivery->outcome == WH_OUTCOME_RETRY ? delivery->due : 0;
    wh_endpoints_learn(&thread->endpoints, endpoint, &failure, roll(thread),
                       &thread->outcomes);
    wh_endpoints_say(&thread->endpoints, endpoint, delivery);
    report(thread, delivery);
    wh_endpoints_done(&thread->endpoints, endpoint, endpoint->receiver);
}

/* An attempt that ends before it begins: libcurl does not even see it. */
static void fail_call(wh_delivery_thread_t *thread, wh_endpoint_t *endpoint,
                      wh_transfer_t *transfer, CURLcode code)
{
    transfer->endpoint = endpoint;
    transfer->receiver = endpoint->receiver;
    wh_outcome_decide(transfer, code, thread->settings, apr_time_now(),
                      roll(thread));
    settle(endpoint, transfer->delivery);
    learn(thread, transfer);
    wh_endpoints_say(&thread->endpoints, endpoint, transfer->delivery);
    report(thread, wh_transfer_finish(transfer));
    rest(thread, transfer);
    wh_endpoints_done(&thread->endpoints, endpoint, endpoint->receiver);
}

static void count_unproven(wh_delivery_thread_t *thread, apr_time_t now)
{
    apr_time_t earliest = now - (UNPROVEN_AT_ONCE - 1) * UNPROVEN_PERIOD;

    if (thread->unproven_at < earliest) {
        thread->unproven_at = earliest;
    }
    thread->unproven_at += UNPROVEN_PERIOD;
}

/* Its URL was written by hand and is none to be called, its options cannot be met,
 * or a name that it needs was looked up in vain. CURLE_OK: it may begin. */
static CURLcode find_failure(wh_endpoint_t *endpoint, wh_transfer_t *transfer)
{
    apr_interval_time_t waited;
    CURLcode failure =
        wh_names_take_failure(&endpoint->lookup, &waited, wh_monotonic_now());

    if (endpoint->target->refusal || transfer->misconfigured) {
        return CURLE_URL_MALFORMAT;
    }
    if (failure != CURLE_OK) {
        transfer->started -= waited;
    }
    return failure == CURLE_COULDNT_RESOLVE_HOST && transfer->proxied
               ? CURLE_COULDNT_RESOLVE_PROXY
               : failure;
}

static apr_status_t add_to_multi(wh_delivery_thread_t *thread,
                                 wh_endpoint_t *endpoint,
                                 wh_transfer_t *transfer)
{
    struct curl_slist *addresses = NULL;
    apr_time_t now = wh_monotonic_now();
    apr_status_t rv = wh_names_lines(&addresses, &endpoint->lookup, now);

    if (rv == APR_SUCCESS) {
        rv =
            wh_transfer_name(transfer, addresses,
                             wh_names_cover(&thread->names, &endpoint->lookup));
    }
    else {
        curl_slist_free_all(addresses);
    }
    if (rv == APR_SUCCESS &&
        curl_multi_add_handle(thread->multi, transfer->easy) != CURLM_OK) {
        rv = APR_ENOMEM;
    }
    if (rv == APR_SUCCESS) {
        wh_names_taken(&endpoint->lookup, now);
    }
    return rv;
}

static void start_one(wh_delivery_thread_t *thread, wh_endpoint_t *endpoint,
                      wh_delivery_t *delivery, apr_time_t now)
{
    wh_transfer_t *transfer = take_transfer(thread);
    CURLcode failure;
    apr_status_t rv;

    if (!transfer) {
        give_up(thread, endpoint, delivery);
        return;
    }
    rv = wh_transfer_prepare(transfer, endpoint->target, delivery, now);
    if (rv != APR_SUCCESS) {
        rest(thread, transfer);
        if (rv == APR_ENOMEM) {
            give_up(thread, endpoint, delivery);
        }
        else {
            refuse(thread, endpoint, delivery, rv, now);
        }
        return;
    }
    failure = find_failure(endpoint, transfer);
    if (failure != CURLE_OK) {
        fail_call(thread, endpoint, transfer, failure);
        return;
    }
    transfer->endpoint = endpoint;
    transfer->receiver = endpoint->receiver;
    if (add_to_multi(thread, endpoint, transfer) != APR_SUCCESS) {
        delivery->outcome = WH_OUTCOME_RETURNED;
        wh_transfer_finish(transfer);
        rest(thread, transfer);
        give_up(thread, endpoint, delivery);
        return;
    }
    link_running(thread, transfer);
    if (wh_endpoint_standing(endpoint) == WH_STANDING_FAILING) {
        mark_failing(thread, transfer);
    }
}

/* Those that answer have all of it, new ones and failing ones three quarters.
 * A slow transfer gives its place to another one and takes one of as many
 * more, which a new endpoint may have, but not one that fails: so new ones
 * wait for a second behind any number that hang, and those that answer for
 * nobody. */
static int has_room(const wh_delivery_thread_t *thread,
                    wh_endpoint_room_t *room, apr_time_t now)
{
    int all = thread->concurrency, most = all - all / 4;
    int quick = thread->running_count - thread->slow_count;
    int unproven = quick < most && thread->unproven_at <= now;

    room->standing[WH_STANDING_GOOD] =
        quick < all && thread->running_count < 2 * all;
    room->standing[WH_STANDING_NEW] =
        unproven && thread->running_count < all + most;
    room->standing[WH_STANDING_FAILING] =
        unproven && thread->failing_count < most;
    room->crowded = all > 1 && quick >= all / 2;
    return room->standing[WH_STANDING_GOOD];
}

static void start_transfers(wh_delivery_thread_t *thread)
{
    wh_endpoint_room_t room;
    wh_endpoint_t *endpoint;
    wh_delivery_t *delivery;
    apr_time_t now = apr_time_now();
    int started = 0;

    if (thread->unproven_at > now + UNPROVEN_PERIOD) {
        thread->unproven_at = now; /* the clock was set back */
    }
    mark_slow(thread, now);
    wh_endpoints_wake(&thread->endpoints, now);
    while (
        started < STARTS_AT_ONCE && !thread->stopping &&
        has_room(thread, &room, now) &&
        (endpoint = wh_endpoints_next(&thread->endpoints, &room, &delivery))) {
        wh_guard_refresh(&thread->guard, now);
        if (wh_endpoint_standing(endpoint) != WH_STANDING_GOOD) {
            count_unproven(thread, now);
        }
        start_one(thread, endpoint, delivery, now);
        started++;
    }
    thread->has_more = started == STARTS_AT_ONCE;
    thread->is_paced =
        thread->unproven_at > now && wh_endpoints_ready(&thread->endpoints);
}

static void end_transfer(wh_delivery_thread_t *thread, wh_transfer_t *transfer)
{
    wh_endpoint_t *endpoint = transfer->endpoint;
    apr_uint32_t receiver = transfer->receiver;

    curl_multi_remove_handle(thread->multi, transfer->easy);
    unlink_running(thread, transfer);
    settle(endpoint, transfer->delivery);
    count_slow(transfer, -transfer->slow);
    learn(thread, transfer);
    wh_endpoints_say(&thread->endpoints, endpoint, transfer->delivery);
    report(thread, wh_transfer_finish(transfer));
    rest(thread, transfer);
    wh_endpoints_done(&thread->endpoints, endpoint, receiver);
}

/* One attempt still. Its time would begin anew: whoever has been slow about it
 * does not get that. */
static int send_again(wh_delivery_thread_t *thread, wh_transfer_t *transfer,
                      CURLcode code)
{
    if (transfer->slow || thread->stopping ||
        !wh_transfer_may_repeat(transfer, code)) {
        return 0;
    }
    curl_multi_remove_handle(thread->multi, transfer->easy);
    return curl_multi_add_handle(thread->multi, transfer->easy) == CURLM_OK;
}

/* The webhook is another one by now: what it has said may be of what was mended. */
static void note_change(wh_transfer_t *transfer)
{
    const wh_endpoint_t *endpoint = transfer->endpoint;

    transfer->outdated = transfer->configured != endpoint->target;
}

/* Number of transfers that have ended. */
static int read_results(wh_delivery_thread_t *thread)
{
    CURLMsg *message;
    CURLcode code;
    int left, ended = 0;

    while ((message = curl_multi_info_read(thread->multi, &left))) {
        wh_transfer_t *transfer = NULL;

        if (message->msg != CURLMSG_DONE ||
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE,
                              (char **)&transfer) != CURLE_OK) {
            continue;
        }
        code = message->data.result;
        if (send_again(thread, transfer, code)) {
            continue;
        }
        note_change(transfer);
        wh_outcome_decide(transfer, code, thread->settings, apr_time_now(),
                          roll(thread));
        end_transfer(thread, transfer);
        ended++;
    }
    return ended;
}

/* The stop's time is over: what is in flight may or may not have arrived; it
 * goes back and will be sent again with the same event id. */
static void abandon_transfers(wh_delivery_thread_t *thread)
{
    while (thread->running) {
        note_change(thread->running);
        wh_outcome_break_off(thread->running, thread->settings, apr_time_now(),
                             roll(thread));
        end_transfer(thread, thread->running);
    }
}

/* When something could start that cannot now: an endpoint has rested, a
 * transfer turns out to be slow and gives its place away, or it is the next
 * unproven one's turn. */
static apr_time_t next_chance(const wh_delivery_thread_t *thread)
{
    apr_time_t wake = wh_endpoints_next_wake(&thread->endpoints);
    apr_time_t slow;

    if (thread->first_quick && wh_endpoints_ready(&thread->endpoints)) {
        slow = thread->first_quick->started + WH_ENDPOINT_SLOW + 1;
        wake = slow < wake ? slow : wake;
    }
    if (thread->is_paced) {
        wake = thread->unproven_at < wake ? thread->unproven_at : wake;
    }
    return wake;
}

static int wait_milliseconds(const wh_delivery_thread_t *thread)
{
    apr_time_t until = thread->stopping ? APR_INT64_MAX : next_chance(thread);
    apr_interval_time_t left = WAIT_MAX, timer;

    if (thread->has_more) {
        return 0;
    }
    if (until == APR_INT64_MAX && thread->timer == NEVER && !thread->stopping) {
        return -1;
    }
    if (until != APR_INT64_MAX) {
        left = until - apr_time_now();
    }
    if (thread->stopping) {
        left = thread->deadline - wh_monotonic_now();
    }
    if (thread->timer != NEVER) {
        timer = thread->timer - wh_monotonic_now();
        left = timer < left ? timer : left;
    }
    left = left < WAIT_MAX ? left : WAIT_MAX;
    return left <= 0 ? 0 : (int)((left + 999) / 1000);
}

static void handle_event(wh_delivery_thread_t *thread,
                         const struct epoll_event *event)
{
    int unused, mask;

    if (event->data.fd == wh_inbox_descriptor(thread->inbox)) {
        read_inbox(thread);
        return;
    }
    if (event->data.fd == thread->names.socket) {
        wh_names_read(&thread->names, wh_monotonic_now());
        return;
    }
    mask = wh_sockets_event(&thread->sockets, event);
    if (mask) {
        curl_multi_socket_action(thread->multi, event->data.fd, mask, &unused);
    }
}

static void run_timer(wh_delivery_thread_t *thread)
{
    int unused;

    if (thread->timer != NEVER && thread->timer <= wh_monotonic_now()) {
        thread->timer = NEVER;
        curl_multi_socket_action(thread->multi, CURL_SOCKET_TIMEOUT, 0,
                                 &unused);
    }
}

static void run_round(wh_delivery_thread_t *thread)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int count, i;

    count = epoll_wait(thread->sockets.epoll, events, EVENTS_AT_ONCE,
                       wait_milliseconds(thread));
    /* What ends or comes now is not judged by the time before the wait: an
     * endpoint would rest for so much less. */
    wh_endpoints_wake(&thread->endpoints, apr_time_now());
    for (i = 0; i < count; i++) {
        handle_event(thread, &events[i]);
    }
    run_timer(thread);
    read_results(thread);
    /* New transfers ask for the timer at once; what ends there and then makes
     * room for others. */
    do {
        start_transfers(thread);
        run_timer(thread);
    } while (read_results(thread) > 0 && !thread->has_more);
    if (thread->stopping && wh_monotonic_now() >= thread->deadline) {
        abandon_transfers(thread);
    }
    wh_inbox_post(thread->commit_inbox, &thread->outcomes);
}

/* The message is part of the thread's state: it cannot fail. */
static void say_stopped(wh_delivery_thread_t *thread)
{
    thread->stopped.kind = WH_MESSAGE_STOPPED;
    wh_message_list_add(&thread->outcomes, &thread->stopped);
    wh_inbox_post(thread->commit_inbox, &thread->outcomes);
}

void wh_delivery_thread_run(wh_delivery_thread_t *thread)
{
    do {
        run_round(thread);
    } while (!thread->stopping || thread->running_count > 0);
    say_stopped(thread);
}
