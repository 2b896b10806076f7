/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The commit thread's work: one transaction for everything that has arrived.
 * Stage: dispatcher · from: channel server, delivery threads' outcomes · to: store, schedule
 * runs on: the commit thread · owns: the database handle, the webhooks' snapshot, the batch
 *
 * The batch is whatever arrived during the last fsync: it grows under load by
 * itself.
 */
#ifndef WH_DISPATCHER_COMMIT_H
#define WH_DISPATCHER_COMMIT_H

#include "base/settings.h"
#include "deliver/mail.h"
#include "dispatcher/channel_server.h"
#include "dispatcher/schedule.h"
#include "policy/clock_leap.h"
#include "policy/match.h"
#include "store/delivery_store.h"

/** One delivery that an entry of the batch makes. */
typedef struct wh_plan_t {
    apr_int64_t id;
    wh_schedule_entry_t *entry;
    apr_int64_t order_key;
    int reserved; /* 1: goes to memory, 0: waits in the database */
    int blocked;  /* 1: an earlier one of its order key has not ended */
} wh_plan_t;

/** One frame of the batch. */
typedef struct wh_batch_entry_t {
    wh_connection_t *connection; /* NULL: an event of the dispatcher's own */
    wh_event_t event;            /* texts lie in the connection's buffer */
    const apr_array_header_t *listeners;
    wh_plan_t *plans; /* one for each listener */
    int known;        /* 1: not inserted, it was there already */
    wh_ack_t ack;
} wh_batch_entry_t;

/** An event that the dispatcher itself signals. */
typedef struct wh_own_event_t {
    struct wh_own_event_t *next;
    wh_event_t *event;
    int in_batch; /* 1: it has been an entry of a batch */
} wh_own_event_t;

typedef struct wh_commit_t {
    const wh_settings_t *settings;
    apr_pool_t *pool;       /* the process's: lives as long as it */
    apr_pool_t *batch_pool; /* cleared after each batch */
    wh_store_t *store;
    wh_row_ids_t ids;
    int entered; /* 1: this node is known to the database */
    wh_channel_server_t *server;
    wh_schedule_t schedule;
    wh_mailer_t *mailer; /* NULL: no mail */
    /* webhooks as of a generation */
    apr_pool_t *snapshot_pool;
    apr_int64_t generation;
    wh_match_index_t *index;
    const apr_array_header_t *webhooks; /* of wh_webhook_t *, by id, abridged */
    int filters_made;                   /* when they were read last */
    /* the batch */
    wh_batch_entry_t *entries;
    int entry_count;
    int entry_size;
    wh_own_event_t *own_events;
    wh_message_list_t reported;   /* outcomes for later batches */
    wh_message_list_t outcomes;   /* of this batch, not yet recorded */
    wh_schedule_entry_t *tallied; /* webhooks that the outcomes belong to */
    apr_pool_t *doubt_pool;       /* of the array below */
    apr_array_header_t *doubtful; /* ids, see wh_commit_doubt() */
    int written;                  /* rows since the last checkpoint */
    apr_time_t retry_at;          /* storage failed: outcomes wait until then */
    apr_time_t discard_at;        /* likewise what is to be discarded */
    int replaying;                /* 1: there may be open replays */
    apr_int32_t replay_after;     /* webhook of the one that had its turn */
    int replay_worked;            /* 1: one of this round had work */
    apr_time_t replay_began;      /* the round */
    wh_clock_leap_t leap;         /* by housekeeping */
    apr_int64_t own_replays; /* portions taken here since they were counted */
    apr_time_t replay_at;    /* none had work, or storage failed */
} wh_commit_t;

apr_status_t wh_commit_init(wh_commit_t *commit, const wh_settings_t *settings,
                            wh_channel_server_t *server, wh_store_t *store,
                            apr_pool_t *pool);

/** Frees what does not lie in its pool. */
void wh_commit_destroy(wh_commit_t *commit);

/** wh_frame_fn_t: adds a frame to the batch. */
void wh_commit_frame(void *commit, wh_connection_t *connection,
                     const void *frame, apr_size_t length);

/** Adds a delivery with its outcome. */
void wh_commit_outcome(wh_commit_t *commit, wh_delivery_t *delivery);

/**
 * Signals an event of the dispatcher's own; it is stored with the next batch,
 * or with a later one while the storage fails.
 * @param fields copied; with uuid, without id
 */
apr_status_t wh_commit_signal(wh_commit_t *commit, const wh_event_t *fields);

/** The clock was set back by so much: what waits in memory does not wait longer for
 * it. */
void wh_commit_shift(wh_commit_t *commit, apr_interval_time_t time);

/** 1: outcomes or events wait for a batch. */
int wh_commit_has_more(const wh_commit_t *commit);

/** Remembers a delivery whose row may name this node although it is not in
 * memory (WH_STORE_UNKNOWN); it is given back when the storage answers. */
void wh_commit_doubt(wh_commit_t *commit, apr_int64_t delivery_id);

/** Reads the webhooks again if they changed. */
apr_status_t wh_commit_refresh(wh_commit_t *commit, apr_time_t now);

/** Reads the webhooks, whose generation this is; on any failure once more before
 * the next batch. */
apr_status_t wh_commit_read_webhooks(wh_commit_t *commit,
                                     apr_int64_t generation, apr_time_t now);

/** Webhooks that get an event, of struct wh_webhook_t *, good until the end of
 * the batch; NULL: nobody does. */
const apr_array_header_t *wh_commit_listeners(const wh_commit_t *commit,
                                              const wh_event_t *event);

/**
 * Writes the batch, acknowledges it, sends deliveries on their way. When
 * storage fails the frames are refused and the outcomes kept for later.
 */
void wh_commit_batch(wh_commit_t *commit, apr_time_t now);

/**
 * [batch] Records the outcomes and counts the errors. A webhook that has
 * settings->disable_errors of them in a row, and nothing else for
 * settings->disable_time, is made TooManyErrors; so is one that is gone.
 */
apr_status_t wh_commit_record(wh_commit_t *commit, wh_store_t *store,
                              apr_time_t now);

/** After the commit: tells the owners of webhooks that fail. */
void wh_commit_recorded(wh_commit_t *commit);

/** Lets deliveries fail that wait for disabled webhooks: one portion. */
void wh_commit_discard(wh_commit_t *commit, apr_time_t now);

/** Goes on with the jobs of store/replay_job.h: one portion of one of them. */
void wh_commit_replay(wh_commit_t *commit, apr_time_t now);

/** Takes what is due from the database, for all webhooks that have room, and
 * says in schedule.wake when to come back. */
void wh_commit_claim(wh_commit_t *commit, apr_time_t now);

#endif
