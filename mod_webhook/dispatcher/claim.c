/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "dispatcher/commit.h"

/* Storage failed: look again then. */
#define CLAIM_RETRY apr_time_from_msec(500)

/* A row is due and cannot be taken (its event is gone): look again then. */
#define STUCK_RETRY apr_time_from_sec(60)

/* When the rest is due: at once while full portions come, else as the
 * database says. */
static apr_status_t find_next_due(wh_commit_t *commit,
                                  wh_schedule_entry_t *entry)
{
    apr_status_t rv;

    rv = wh_store_next_due(&entry->next_due, commit->store, entry->webhook_id);
    if (rv == APR_ENOENT) {
        entry->next_due = WH_NEVER;
        rv = APR_SUCCESS;
    }
    return rv;
}

/* The rows may name this node now; the deliveries read from them are not
 * sent, as somebody else may take the rows. */
static void doubt_taken(wh_commit_t *commit, const wh_message_list_t *taken)
{
    wh_message_t *message = taken->first;

    while (message) {
        wh_message_t *next = message->next;
        wh_delivery_t *delivery = (wh_delivery_t *)message;

        wh_commit_doubt(commit, delivery->id);
        wh_delivery_destroy(delivery);
        message = next;
    }
}

static apr_status_t claim_entry(wh_commit_t *commit, wh_schedule_entry_t *entry,
                                int room, apr_time_t now)
{
    wh_message_list_t taken;
    wh_message_t *message;
    apr_status_t rv;
    int count;

    rv = wh_store_claim(&taken, &count, commit->store, commit->ids.node,
                        entry->webhook_id, now, room);
    if (rv != APR_SUCCESS) {
        doubt_taken(commit, &taken);
        return rv;
    }
    commit->written += count;
    entry->in_memory += count;
    commit->schedule.in_memory += count;
    message = taken.first;
    while (message) {
        wh_message_t *next = message->next;

        wh_schedule_dispatch(&commit->schedule, entry,
                             (wh_delivery_t *)message);
        message = next;
    }
    rv = find_next_due(commit, entry);
    if (rv == APR_SUCCESS && count == 0 && entry->next_due <= now) {
        wh_log(WH_LOG_ERROR, APR_SUCCESS,
               WHLOGNO(1321) "webhook %d: a delivery is due but cannot be "
                             "read",
               entry->webhook_id);
        entry->next_due = now + STUCK_RETRY;
    }
    return rv;
}

/* Events wait meanwhile: so long at a time. */
#define CLAIM_BUDGET apr_time_from_msec(20)

static void note_wake(wh_schedule_t *schedule, apr_time_t due)
{
    if (due < schedule->wake) {
        schedule->wake = due;
    }
}

static void claim_if_due(wh_commit_t *commit, wh_schedule_entry_t *entry,
                         apr_time_t now)
{
    wh_schedule_t *schedule = &commit->schedule;
    int room;

    if (!entry->active || entry->next_due == WH_NEVER) {
        return;
    }
    room = wh_schedule_room(schedule, entry, now);
    if (room > 0 && claim_entry(commit, entry, room, now) != APR_SUCCESS) {
        note_wake(schedule, now + CLAIM_RETRY);
        return;
    }
    if (wh_schedule_due(entry) > now) {
        if (entry->next_due < WH_NEVER) {
            note_wake(schedule, wh_schedule_due(entry));
        }
    }
    else if (wh_schedule_room(schedule, entry, now) > 0) {
        note_wake(schedule, now);
    }
    else {
        schedule->starved = 1;
    }
}

void wh_commit_claim(wh_commit_t *commit, apr_time_t now)
{
    wh_schedule_t *schedule = &commit->schedule;
    apr_time_t begun = apr_time_now();
    apr_hash_index_t *at;
    int index = 0;

    if (schedule->wake > now) {
        return;
    }
    schedule->wake = WH_NEVER;
    schedule->starved = 0;
    for (at = apr_hash_first(NULL, schedule->entries); at;
         at = apr_hash_next(at)) {
        if (index++ < schedule->cursor) {
            continue;
        }
        claim_if_due(commit, apr_hash_this_val(at), now);
        if (apr_time_now() - begun > CLAIM_BUDGET) {
            break;
        }
    }
    /* The rest, or those before the cursor, after the next batch: so each
     * webhook has its turn. */
    if (at || schedule->cursor > 0) {
        note_wake(schedule, now);
    }
    schedule->cursor = at ? index : 0;
    wh_schedule_flush(schedule);
}
