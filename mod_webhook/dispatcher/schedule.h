/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Which deliveries are in memory, and when the others are due.
 * Stage: dispatcher · from: commit · to: delivery threads, by their inboxes
 * runs on: the commit thread · owns: one entry for each webhook
 *
 * A delivery is either in memory (its row names this node as owner) or in the
 * database alone. Memory has a window for each webhook and one for all;
 * what does not fit waits, oldest first. A webhook that has work waiting puts
 * new deliveries behind it.
 */
#ifndef WH_DISPATCHER_SCHEDULE_H
#define WH_DISPATCHER_SCHEDULE_H

#include <apr_hash.h>
#include <apr_tables.h>

#include "base/inbox.h"
#include "base/settings.h"
#include "model/event.h"
#include "model/webhook.h"
#include "policy/event_filter.h"
#include "policy/options.h"

/** Due time of a webhook that has nothing waiting in the database. */
#define WH_NEVER APR_INT64_MAX

/** Memory for all events and bodies held, whatever the window says. */
#define WH_WINDOW_BYTES (64 * 1024 * 1024)

/** What the outcomes of a batch say of one webhook: see record.c. */
typedef struct wh_tally_t {
    int listed; /* 1: in the commit thread's list */
    struct wh_schedule_entry_t *next;
    apr_int64_t successes;       /* not yet written */
    apr_int64_t failures;        /* since the last success of the batch */
    const wh_delivery_t *failed; /* the last of them */
    int gone;                    /* 1: one of them was 410 Gone */
    apr_int64_t errors;          /* in a row, by now */
    int first_failure;           /* 1: they began with this batch */
    int disabled;                /* 1: by this batch */
} wh_tally_t;

typedef struct wh_schedule_entry_t {
    apr_int32_t webhook_id;
    int active;
    int removed; /* goes when in_memory and waits_to_fail are 0 */
    int thread;  /* its delivery thread */
    int in_memory;
    apr_size_t bytes;        /* of them, as if each had its event to itself */
    int room;                /* most of them, as its delivery thread says */
    apr_time_t hold_until;   /* likewise: nothing is taken before */
    apr_time_t paused_until; /* likewise, as it is stored */
    apr_uint32_t target_number; /* of the state last posted */
    apr_int64_t version;        /* likewise */
    wh_ordering_t ordering;
    int discards;      /* disabled for its errors: nothing is kept for it */
    int waits_to_fail; /* 1: there may be something to discard, see record.c */
    apr_time_t next_due;  /* of what waits in the database */
    char fingerprint[65]; /* of the record last posted */
    int filter_stale;     /* 1: the record is another one than the filter's */
    wh_event_filter_t *filter; /* malloc'ed; NULL: it wants all events */
    apr_uint32_t seen;         /* number of the last sync */
    wh_tally_t tally;
} wh_schedule_entry_t;

typedef struct wh_schedule_t {
    const wh_settings_t *settings;
    apr_pool_t *pool;
    apr_hash_t *entries;         /* by webhook id */
    wh_inbox_t **inboxes;        /* of the delivery threads */
    wh_message_list_t *outgoing; /* to each, posted by flush */
    int threads;
    int in_memory;
    apr_size_t bytes;
    apr_time_t wake; /* when to look for due deliveries */
    int cursor;      /* where the next claim pass begins */
    int starved;     /* 1: something due waits for room only */
    int discarding;  /* 1: an entry waits to fail */
    apr_uint32_t syncs;
} wh_schedule_t;

void wh_schedule_init(wh_schedule_t *schedule, const wh_settings_t *settings,
                      wh_inbox_t **inboxes, int threads, apr_pool_t *pool);
void wh_schedule_destroy(wh_schedule_t *schedule);

/** Takes the webhooks as they are now; posts what changed to the delivery
 * threads. New and newly active entries are due at once. */
apr_status_t wh_schedule_sync(wh_schedule_t *schedule,
                              const apr_array_header_t *webhooks);

/** NULL: no such webhook. */
wh_schedule_entry_t *wh_schedule_entry(wh_schedule_t *schedule,
                                       apr_int32_t webhook_id);

/** When something may be taken for it: due, and not held; WH_NEVER. */
apr_time_t wh_schedule_due(const wh_schedule_entry_t *entry);

/** Room for one more delivery, which is then counted: 1; else 0. */
int wh_schedule_reserve(wh_schedule_t *schedule, wh_schedule_entry_t *entry,
                        apr_time_t now);
/** Takes a reservation back that came to nothing. */
void wh_schedule_unreserve(wh_schedule_t *schedule, wh_schedule_entry_t *entry);

/** Something of this webhook waits in the database until then. */
void wh_schedule_waiting(wh_schedule_t *schedule, wh_schedule_entry_t *entry,
                         apr_time_t due);

/** The clock was set back by so much. */
void wh_schedule_shift(wh_schedule_t *schedule, apr_interval_time_t time);

/** Something may wait of any webhook: the next claims find out. */
void wh_schedule_all_waiting(wh_schedule_t *schedule);

/** Sends a reserved delivery to its thread. */
void wh_schedule_dispatch(wh_schedule_t *schedule, wh_schedule_entry_t *entry,
                          wh_delivery_t *delivery);

/** A delivery has left memory. The entry may be gone afterwards. */
void wh_schedule_left(wh_schedule_t *schedule, const wh_delivery_t *delivery);

/** Nothing of it waits to fail any more. The entry may be gone afterwards. */
void wh_schedule_discarded(wh_schedule_t *schedule, wh_schedule_entry_t *entry);

/** How many more deliveries to take from the database now; 0: none. */
int wh_schedule_room(const wh_schedule_t *schedule,
                     const wh_schedule_entry_t *entry, apr_time_t now);

/** Posts everything to the delivery threads. */
void wh_schedule_flush(wh_schedule_t *schedule);

#endif
