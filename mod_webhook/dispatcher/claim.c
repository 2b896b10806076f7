/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/log.h"
#include "dispatcher/commit.h"

/* Storage failed: look again then. */
#define CLAIM_RETRY apr_time_from_msec(500)

/* A row is due and cannot be taken (its event is gone): look again then. */
#define STUCK_RETRY apr_time_from_sec(60)

/* Webhooks of one transaction, so that hundreds that are due at once cost a
 * few fsyncs and events still get their turn between. */
#define CLAIMS_AT_ONCE 32

typedef struct group_t {
    wh_claim_t claims[CLAIMS_AT_ONCE];
    wh_schedule_entry_t *entries[CLAIMS_AT_ONCE];
    int count;
    int rows; /* that the limits come to */
} group_t;

/* The rows may name this node now; the deliveries read from them are not
 * sent, as somebody else may take the rows. */
static void doubt_taken(wh_commit_t *commit, wh_message_list_t *taken)
{
    wh_message_t *message = taken->first;

    taken->first = taken->last = NULL;
    while (message) {
        wh_message_t *next = message->next;
        wh_delivery_t *delivery = (wh_delivery_t *)message;

        wh_commit_doubt(commit, delivery->id);
        wh_delivery_destroy(delivery);
        message = next;
    }
}

static void dispatch_taken(wh_commit_t *commit, wh_schedule_entry_t *entry,
                           const wh_message_list_t *taken)
{
    wh_message_t *message = taken->first;

    while (message) {
        wh_message_t *next = message->next;

        wh_schedule_dispatch(&commit->schedule, entry,
                             (wh_delivery_t *)message);
        message = next;
    }
}

static void note_wake(wh_schedule_t *schedule, apr_time_t due)
{
    if (due < schedule->wake) {
        schedule->wake = due;
    }
}

/* When to come back for a webhook that gets nothing now. */
static void note_entry(wh_schedule_t *schedule,
                       const wh_schedule_entry_t *entry, apr_time_t now)
{
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

/* Counted at once, so that all limits together fit the window. */
static void add_claim(wh_schedule_t *schedule, group_t *group,
                      wh_schedule_entry_t *entry, int room)
{
    int left = WH_CLAIM_ROWS - group->rows;
    int limit = room < left ? room : left;
    wh_claim_t *claim = &group->claims[group->count];

    memset(claim, 0, sizeof(*claim));
    claim->webhook_id = entry->webhook_id;
    claim->limit = limit;
    group->entries[group->count++] = entry;
    group->rows += limit;
    entry->in_memory += limit;
    schedule->in_memory += limit;
}

static void settle_claim(wh_commit_t *commit, wh_schedule_entry_t *entry,
                         const wh_claim_t *claim, apr_time_t now)
{
    dispatch_taken(commit, entry, &claim->taken);
    commit->written += claim->count;
    entry->next_due = claim->next_due;
    if (claim->count == 0 && claim->damaged == 0 && entry->next_due <= now) {
        wh_log(WH_LOG_ERROR, APR_SUCCESS,
               WHLOGNO(1321) "webhook %d: a delivery is due but cannot be "
                             "read",
               entry->webhook_id);
        entry->next_due = now + STUCK_RETRY;
    }
    note_entry(&commit->schedule, entry, now);
}

static void claim_group(wh_commit_t *commit, group_t *group, apr_time_t now)
{
    wh_schedule_t *schedule = &commit->schedule;
    int i, done;
    apr_status_t rv = wh_store_claim(&done, commit->store, commit->ids.node,
                                     group->claims, group->count, now);

    for (i = 0; i < group->count; i++) {
        const wh_claim_t *claim = &group->claims[i];
        int unused = claim->limit - (rv == APR_SUCCESS ? claim->count : 0);

        group->entries[i]->in_memory -= unused;
        schedule->in_memory -= unused;
    }
    for (i = 0; i < group->count; i++) {
        if (rv != APR_SUCCESS) {
            doubt_taken(commit, &group->claims[i].earlier);
            doubt_taken(commit, &group->claims[i].taken);
        }
        else if (i < done) {
            settle_claim(commit, group->entries[i], &group->claims[i], now);
        }
    }
    if (rv != APR_SUCCESS) {
        /* All have another chance then. */
        schedule->cursor = 0;
        schedule->wake = now + CLAIM_RETRY;
    }
    else if (done < group->count) {
        note_wake(schedule, now);
    }
}

/* 1: there would be room, had the group not counted more than it may take. */
static int is_crowded_out(wh_schedule_t *schedule, const group_t *group,
                          const wh_schedule_entry_t *entry, apr_time_t now)
{
    int room;

    schedule->in_memory -= group->rows;
    room = wh_schedule_room(schedule, entry, now);
    schedule->in_memory += group->rows;
    return room > 0;
}

/* 1: not added, since the group has no room for this one. */
static int add_if_due(wh_schedule_t *schedule, group_t *group,
                      wh_schedule_entry_t *entry, apr_time_t now)
{
    int room;

    if (!entry->active || entry->next_due == WH_NEVER) {
        return 0;
    }
    room = wh_schedule_room(schedule, entry, now);
    if (room <= 0) {
        if (is_crowded_out(schedule, group, entry, now)) {
            return 1;
        }
        note_entry(schedule, entry, now);
        return 0;
    }
    if (group->count == CLAIMS_AT_ONCE || group->rows == WH_CLAIM_ROWS) {
        return 1;
    }
    add_claim(schedule, group, entry, room);
    return 0;
}

void wh_commit_claim(wh_commit_t *commit, apr_time_t now)
{
    wh_schedule_t *schedule = &commit->schedule;
    apr_hash_index_t *at;
    group_t group;
    int index = 0;

    if (schedule->wake > now) {
        return;
    }
    /* Rows in doubt are nobody's until they have been given back: one that is
     * taken before would be given back while it is on its way. And pauses that
     * another dispatcher has stored are to be known. */
    if ((commit->doubtful->nelts > 0 || commit->generation < 0) &&
        wh_commit_refresh(commit, now) != APR_SUCCESS) {
        schedule->wake = now + CLAIM_RETRY;
        return;
    }
    group.count = group.rows = 0;
    schedule->wake = WH_NEVER;
    schedule->starved = 0;
    for (at = apr_hash_first(NULL, schedule->entries); at;
         at = apr_hash_next(at), index++) {
        if (index >= schedule->cursor &&
            add_if_due(schedule, &group, apr_hash_this_val(at), now)) {
            break;
        }
    }
    /* The rest, or those before the cursor, after the next batch: so each
     * webhook has its turn. */
    if (at || schedule->cursor > 0) {
        note_wake(schedule, now);
    }
    schedule->cursor = at ? index : 0;
    if (group.count > 0) {
        claim_group(commit, &group, now);
    }
    wh_schedule_flush(schedule);
}
