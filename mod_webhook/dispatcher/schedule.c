/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatcher/schedule.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "deliver/message.h"
#include "deliver/target.h"
#include "policy/health.h"
#include "policy/retry.h"
#include "policy/sign.h"

void wh_schedule_init(wh_schedule_t *schedule, const wh_settings_t *settings,
                      wh_inbox_t **inboxes, int threads, apr_pool_t *pool)
{
    memset(schedule, 0, sizeof(*schedule));
    schedule->settings = settings;
    schedule->pool = pool;
    schedule->entries = apr_hash_make(pool);
    schedule->inboxes = inboxes;
    schedule->threads = threads;
    schedule->outgoing =
        apr_pcalloc(pool, (apr_size_t)threads * sizeof(wh_message_list_t));
    schedule->wake = WH_NEVER;
}

void wh_schedule_destroy(wh_schedule_t *schedule)
{
    apr_hash_index_t *at;

    for (at = apr_hash_first(schedule->pool, schedule->entries); at;
         at = apr_hash_next(at)) {
        wh_schedule_entry_t *entry = apr_hash_this_val(at);

        free(entry->filter);
        free(entry);
    }
    schedule->entries = NULL; /* its keys lay in what was freed */
}

wh_schedule_entry_t *wh_schedule_entry(wh_schedule_t *schedule,
                                       apr_int32_t webhook_id)
{
    return apr_hash_get(schedule->entries, &webhook_id, sizeof(webhook_id));
}

static wh_schedule_entry_t *add_entry(wh_schedule_t *schedule,
                                      apr_int32_t webhook_id)
{
    wh_schedule_entry_t *entry = calloc(1, sizeof(*entry));

    if (entry) {
        entry->webhook_id = webhook_id;
        entry->thread = webhook_id % schedule->threads;
        entry->next_due = WH_NEVER;
        apr_hash_set(schedule->entries, &entry->webhook_id,
                     sizeof(entry->webhook_id), entry);
    }
    return entry;
}

static void drop_entry(wh_schedule_t *schedule, wh_schedule_entry_t *entry)
{
    apr_hash_set(schedule->entries, &entry->webhook_id,
                 sizeof(entry->webhook_id), NULL);
    free(entry->filter);
    free(entry);
}

/* One that was removed goes when nothing of it is left. 1: it has gone. */
static int drop_if_done(wh_schedule_t *schedule, wh_schedule_entry_t *entry)
{
    if (!entry->removed || entry->in_memory > 0 || entry->waits_to_fail) {
        return 0;
    }
    drop_entry(schedule, entry);
    return 1;
}

void wh_schedule_discarded(wh_schedule_t *schedule, wh_schedule_entry_t *entry)
{
    entry->waits_to_fail = 0;
    (void)drop_if_done(schedule, entry);
}

/* Disabled for its errors, where that means that nothing is kept. */
static int is_discarding(const wh_schedule_t *schedule,
                         const wh_webhook_t *webhook)
{
    return webhook->state == WH_STATE_TOO_MANY_ERRORS &&
           schedule->settings->disable_drops;
}

/* What a delivery thread gets to know of a webhook. */
static apr_status_t fingerprint(char hex[65], const wh_webhook_t *webhook,
                                int discards)
{
    char version[32];
    const char *parts[] = {
        version,
        webhook->context ? webhook->context : "",
        webhook->name ? webhook->name : "",
        webhook->target_url ? webhook->target_url : "",
        webhook->secret ? webhook->secret : "",
        webhook->type ? webhook->type : "",
        webhook->headers ? webhook->headers : "",
        webhook->properties ? webhook->properties : "",
        webhook->state == WH_STATE_ACTIVE ? "1" : "0",
        discards ? "1" : "0",
    };

    /* Whoever saves a webhook wants it to be tried, whatever was changed. */
    apr_snprintf(version, sizeof(version), "%" APR_INT64_T_FMT,
                 webhook->version);
    return wh_sign_fingerprint(hex, parts, sizeof(parts) / sizeof(parts[0]));
}

static void discard_waiting(wh_schedule_t *schedule, wh_schedule_entry_t *entry)
{
    entry->waits_to_fail = 1;
    schedule->discarding = 1;
}

/* In memory until its delivery thread has said more of a webhook. */
#define ROOM_AT_FIRST 8

static int room_at_first(const wh_schedule_t *schedule,
                         const wh_target_t *target)
{
    int window = schedule->settings->endpoint_window;

    if (target->failures >= WH_HEALTH_COOL_AFTER) {
        return 1;
    }
    return target->proven || window < ROOM_AT_FIRST ? window : ROOM_AT_FIRST;
}

/* The entry and the delivery thread know the webhook by the same number: what
 * the thread says of an earlier state no longer counts. */
static void take_target(wh_schedule_t *schedule, wh_schedule_entry_t *entry,
                        wh_target_t *target)
{
    target->number = entry->target_number = schedule->syncs;
    entry->ordering = target->options.ordering;
    entry->hold_until = 0;
    entry->room = room_at_first(schedule, target);
}

/* Of this process or of an earlier one; a save ends it. No receiver may ask for
 * more: the clock was wrong then. */
static apr_time_t stored_pause(const wh_webhook_t *webhook)
{
    return webhook->paused_until <= apr_time_now() + WH_RETRY_AFTER_MAX
               ? webhook->paused_until
               : 0;
}

static apr_status_t sync_webhook(wh_schedule_t *schedule,
                                 const wh_webhook_t *webhook)
{
    wh_schedule_entry_t *entry = wh_schedule_entry(schedule, webhook->id);
    int discards = is_discarding(schedule, webhook);
    wh_target_t *target;
    char hex[65];
    apr_status_t rv = fingerprint(hex, webhook, discards);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!entry) {
        entry = add_entry(schedule, webhook->id);
    }
    if (!entry) {
        return APR_ENOMEM;
    }
    entry->seen = schedule->syncs;
    entry->paused_until = stored_pause(webhook);
    if (entry->removed) {
        /* It has come back while the last of it was on its way. */
        entry->removed = 0;
        entry->fingerprint[0] = '\0';
    }
    if (!strcmp(entry->fingerprint, hex)) {
        return APR_SUCCESS;
    }
    target = wh_target_create(webhook);
    if (!target) {
        return APR_ENOMEM;
    }
    memcpy(entry->fingerprint, hex, sizeof(hex));
    entry->version = webhook->version;
    entry->filter_stale = 1;
    take_target(schedule, entry, target);
    if (target->active) {
        /* Whatever it has waited for is over. */
        wh_schedule_waiting(schedule, entry, 0);
    }
    entry->active = target->active;
    entry->discards = target->discards = discards;
    entry->waits_to_fail = 0;
    if (discards) {
        discard_waiting(schedule, entry);
    }
    wh_message_list_add(&schedule->outgoing[entry->thread], &target->message);
    return APR_SUCCESS;
}

static apr_status_t remove_entry(wh_schedule_t *schedule,
                                 wh_schedule_entry_t *entry)
{
    wh_target_t *target;

    if (entry->removed) {
        return APR_SUCCESS;
    }
    target = wh_target_create_removed(entry->webhook_id);
    if (!target) {
        return APR_ENOMEM;
    }
    entry->removed = 1;
    entry->active = 0;
    wh_message_list_add(&schedule->outgoing[entry->thread], &target->message);
    /* An event may have been stored for it between the last look at the
     * webhooks and its deletion. */
    discard_waiting(schedule, entry);
    return APR_SUCCESS;
}

apr_status_t wh_schedule_sync(wh_schedule_t *schedule,
                              const apr_array_header_t *webhooks)
{
    apr_status_t rv = APR_SUCCESS;
    apr_hash_index_t *at;
    int i;

    schedule->syncs++;
    for (i = 0; rv == APR_SUCCESS && i < webhooks->nelts; i++) {
        rv = sync_webhook(schedule, APR_ARRAY_IDX(webhooks, i, wh_webhook_t *));
    }
    /* The entry under the iterator may go: APR allows that. */
    for (at = apr_hash_first(NULL, schedule->entries); rv == APR_SUCCESS && at;
         at = apr_hash_next(at)) {
        wh_schedule_entry_t *entry = apr_hash_this_val(at);

        if (entry->seen != schedule->syncs) {
            rv = remove_entry(schedule, entry);
        }
    }
    return rv;
}

/* The last quarter of the window is for webhooks that have little in it, so
 * that those with a backlog, however many, leave something to the others. The
 * same holds for the memory. */
static int has_room(const wh_schedule_t *schedule,
                    const wh_schedule_entry_t *entry)
{
    int window = schedule->settings->window;
    int count = (int)apr_hash_count(schedule->entries);
    int entries = count > 0 ? count : 1;
    int little = window / 4 / entries;
    apr_size_t few = WH_WINDOW_BYTES / 4 / (apr_size_t)entries;

    if (schedule->in_memory >= window || schedule->bytes >= WH_WINDOW_BYTES) {
        return 0;
    }
    return (schedule->in_memory < window - window / 4 ||
            entry->in_memory <= little) &&
           (schedule->bytes < WH_WINDOW_BYTES - WH_WINDOW_BYTES / 4 ||
            entry->bytes <= few);
}

static apr_time_t later(apr_time_t one, apr_time_t other)
{
    return one > other ? one : other;
}

static apr_time_t hold_of(const wh_schedule_entry_t *entry)
{
    return later(entry->hold_until, entry->paused_until);
}

apr_time_t wh_schedule_due(const wh_schedule_entry_t *entry)
{
    return later(entry->next_due, hold_of(entry));
}

int wh_schedule_reserve(wh_schedule_t *schedule, wh_schedule_entry_t *entry,
                        apr_time_t now)
{
    if (!entry->active || entry->next_due <= now || hold_of(entry) > now ||
        entry->in_memory >= entry->room || !has_room(schedule, entry)) {
        return 0;
    }
    entry->in_memory++;
    schedule->in_memory++;
    return 1;
}

void wh_schedule_unreserve(wh_schedule_t *schedule, wh_schedule_entry_t *entry)
{
    entry->in_memory--;
    schedule->in_memory--;
}

void wh_schedule_waiting(wh_schedule_t *schedule, wh_schedule_entry_t *entry,
                         apr_time_t due)
{
    if (due < entry->next_due) {
        entry->next_due = due;
    }
    if (due < schedule->wake) {
        schedule->wake = due;
    }
}

void wh_schedule_shift(wh_schedule_t *schedule, apr_interval_time_t time)
{
    apr_hash_index_t *at;

    for (at = apr_hash_first(NULL, schedule->entries); at;
         at = apr_hash_next(at)) {
        wh_schedule_entry_t *entry = apr_hash_this_val(at);

        entry->hold_until -= time;
        entry->paused_until -= time;
        if (entry->next_due < WH_NEVER) {
            entry->next_due -= time;
        }
    }
    schedule->wake = 0;
}

void wh_schedule_all_waiting(wh_schedule_t *schedule)
{
    apr_hash_index_t *at;

    for (at = apr_hash_first(NULL, schedule->entries); at;
         at = apr_hash_next(at)) {
        wh_schedule_waiting(schedule, apr_hash_this_val(at), 0);
    }
}

void wh_schedule_dispatch(wh_schedule_t *schedule, wh_schedule_entry_t *entry,
                          wh_delivery_t *delivery)
{
    delivery->message.kind = WH_MESSAGE_DELIVERY;
    delivery->size =
        sizeof(*delivery) + (delivery->body ? strlen(delivery->body) : 0);
    schedule->bytes += delivery->size;
    if (delivery->event->scheduled++ == 0) {
        schedule->bytes += delivery->event->size;
    }
    entry->bytes += delivery->size + delivery->event->size;
    wh_message_list_add(&schedule->outgoing[entry->thread], &delivery->message);
}

/* The thread's last word on the endpoint. What waited for that may have room
 * now. */
static void take_word(wh_schedule_t *schedule, wh_schedule_entry_t *entry,
                      const wh_delivery_t *delivery)
{
    if (delivery->room > 0 && delivery->target_number == entry->target_number) {
        entry->hold_until = delivery->hold_until;
        entry->room = delivery->room;
    }
    if (entry->next_due < WH_NEVER &&
        entry->room - entry->in_memory >= (entry->room + 1) / 2 &&
        wh_schedule_due(entry) < schedule->wake) {
        schedule->wake = wh_schedule_due(entry);
    }
}

void wh_schedule_left(wh_schedule_t *schedule, const wh_delivery_t *delivery)
{
    wh_schedule_entry_t *entry =
        wh_schedule_entry(schedule, delivery->webhook_id);

    schedule->bytes -= delivery->size;
    if (--delivery->event->scheduled == 0) {
        schedule->bytes -= delivery->event->size;
    }
    schedule->in_memory--;
    if (schedule->starved) {
        schedule->wake = 0;
    }
    if (!entry) {
        return;
    }
    entry->in_memory--;
    entry->bytes -= delivery->size + delivery->event->size;
    if (drop_if_done(schedule, entry)) {
        return;
    }
    take_word(schedule, entry, delivery);
    if (delivery->has_followed) {
        wh_schedule_waiting(schedule, entry, 0);
    }
    if (delivery->outcome == WH_OUTCOME_RETRY ||
        delivery->outcome == WH_OUTCOME_RETURNED) {
        wh_schedule_waiting(schedule, entry, delivery->due);
        if (entry->discards) {
            discard_waiting(schedule, entry);
        }
    }
}

int wh_schedule_room(const wh_schedule_t *schedule,
                     const wh_schedule_entry_t *entry, apr_time_t now)
{
    int own = entry->room - entry->in_memory;
    int all = schedule->settings->window - schedule->in_memory;

    /* Rows are taken by the hundred, not one for each that leaves. */
    if (!entry->active || wh_schedule_due(entry) > now ||
        own < (entry->room + 1) / 2 || !has_room(schedule, entry) ||
        (entry->in_memory > 0 &&
         all < (schedule->settings->window + 15) / 16)) {
        return 0;
    }
    return own < all ? own : all;
}

void wh_schedule_flush(wh_schedule_t *schedule)
{
    int i;

    for (i = 0; i < schedule->threads; i++) {
        wh_inbox_post(schedule->inboxes[i], &schedule->outgoing[i]);
    }
}
