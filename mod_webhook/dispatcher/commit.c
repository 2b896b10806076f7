/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatcher/commit.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "policy/event_name.h"
#include "policy/order.h"
#include "policy/retry.h"

/* After a failure of the storage its next try. Frames try at once. */
#define STORAGE_RETRY apr_time_from_msec(250)

/* Events of the same batch wait for them too. */
#define OUTCOMES_AT_ONCE 64

/* Deliveries in doubt that are remembered. */
#define DOUBTFUL_MAX 100000

apr_status_t wh_commit_init(wh_commit_t *commit, const wh_settings_t *settings,
                            wh_channel_server_t *server, wh_store_t *store,
                            apr_pool_t *pool)
{
    apr_status_t rv;

    memset(commit, 0, sizeof(*commit));
    commit->settings = settings;
    commit->pool = pool;
    commit->server = server;
    commit->store = store;
    commit->generation = -1;
    rv = apr_pool_create(&commit->batch_pool, pool);
    if (rv == APR_SUCCESS) {
        rv = apr_pool_create(&commit->doubt_pool, pool);
    }
    if (rv == APR_SUCCESS) {
        commit->doubtful =
            apr_array_make(commit->doubt_pool, 1, sizeof(apr_int64_t));
    }
    return rv;
}

void wh_commit_doubt(wh_commit_t *commit, apr_int64_t delivery_id)
{
    if (commit->doubtful->nelts < DOUBTFUL_MAX) {
        APR_ARRAY_PUSH(commit->doubtful, apr_int64_t) = delivery_id;
        return;
    }
    wh_log(WH_LOG_ERROR, APR_SUCCESS,
           WHLOGNO(1315) "delivery %" APR_INT64_T_FMT " may wait for a restart",
           delivery_id);
}

/* Whose they are the next claims find out. */
static apr_status_t settle_doubt(wh_commit_t *commit)
{
    apr_status_t rv;

    if (commit->doubtful->nelts == 0) {
        return APR_SUCCESS;
    }
    rv = wh_store_give_back(commit->store, commit->ids.node, commit->doubtful);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    wh_log(WH_LOG_INFO, APR_SUCCESS,
           WHLOGNO(1316) "the storage answers again; %d deliveries were in "
                         "doubt",
           commit->doubtful->nelts);
    apr_pool_clear(commit->doubt_pool);
    commit->doubtful =
        apr_array_make(commit->doubt_pool, 1, sizeof(apr_int64_t));
    wh_schedule_all_waiting(&commit->schedule);
    return APR_SUCCESS;
}

static wh_batch_entry_t *new_entry(wh_commit_t *commit)
{
    wh_batch_entry_t *grown;
    int size;

    if (commit->entry_count == commit->entry_size) {
        size = commit->entry_size ? commit->entry_size * 2 : 64;
        grown = realloc(commit->entries, (size_t)size * sizeof(*grown));
        if (!grown) {
            return NULL;
        }
        commit->entries = grown;
        commit->entry_size = size;
    }
    grown = &commit->entries[commit->entry_count++];
    memset(grown, 0, sizeof(*grown));
    return grown;
}

void wh_commit_frame(void *baton, wh_connection_t *connection,
                     const void *frame, apr_size_t length)
{
    wh_commit_t *commit = baton;
    wh_batch_entry_t *entry = new_entry(commit);
    apr_status_t rv;

    if (!entry) {
        /* No answer: the child sends again or gives up by its deadline. */
        wh_log(WH_LOG_ERROR, APR_ENOMEM,
               WHLOGNO(1311) "no memory for an event");
        return;
    }
    entry->connection = connection;
    rv = wh_frame_decode(&entry->ack.sequence, &entry->event, frame, length);
    if (rv != APR_SUCCESS ||
        !wh_event_name_valid(entry->event.name, strlen(entry->event.name))) {
        wh_log(WH_LOG_WARNING, rv,
               WHLOGNO(1312) "a child sent an event that is not in order");
        entry->ack.status = WH_ACK_REFUSED;
    }
}

void wh_commit_outcome(wh_commit_t *commit, wh_delivery_t *delivery)
{
    wh_message_list_add(&commit->reported, &delivery->message);
}

/* Those of a batch that failed are tried again as they are. */
static void take_outcomes(wh_commit_t *commit)
{
    wh_message_t *last = commit->reported.first;
    int count;

    if (commit->outcomes.first || !last) {
        return;
    }
    for (count = 1; count < OUTCOMES_AT_ONCE && last->next; count++) {
        last = last->next;
    }
    commit->outcomes.first = commit->reported.first;
    commit->outcomes.last = last;
    commit->reported.first = last->next;
    if (!last->next) {
        commit->reported.last = NULL;
    }
    last->next = NULL;
}

apr_status_t wh_commit_signal(wh_commit_t *commit, const wh_event_t *fields)
{
    wh_own_event_t *own = calloc(1, sizeof(*own));

    if (own) {
        own->event = wh_event_create(fields);
    }
    if (!own || !own->event) {
        free(own);
        return APR_ENOMEM;
    }
    own->next = commit->own_events;
    commit->own_events = own;
    return APR_SUCCESS;
}

static void shift_list(const wh_message_list_t *list, apr_interval_time_t time)
{
    wh_message_t *message;

    for (message = list->first; message; message = message->next) {
        wh_delivery_t *delivery = (wh_delivery_t *)message;

        delivery->due -= time;
        delivery->hold_until -= time;
        delivery->paused_until -= time;
    }
}

void wh_commit_shift(wh_commit_t *commit, apr_interval_time_t time)
{
    shift_list(&commit->outcomes, time);
    shift_list(&commit->reported, time);
    wh_schedule_shift(&commit->schedule, time);
}

int wh_commit_has_more(const wh_commit_t *commit)
{
    return commit->outcomes.first || commit->reported.first ||
           commit->own_events;
}

/* They are like frames that nobody waits for. */
static void add_own_events(wh_commit_t *commit)
{
    wh_own_event_t *own;

    for (own = commit->own_events; own; own = own->next) {
        wh_batch_entry_t *entry = new_entry(commit);

        own->in_batch = entry != NULL;
        if (entry) {
            entry->event = *own->event;
        }
        else {
            wh_log(WH_LOG_ERROR, APR_ENOMEM,
                   WHLOGNO(1319) "event %s waits for memory", own->event->uuid);
        }
    }
}

/* Those of the batch have been committed: their texts are needed no more. */
static void forget_own_events(wh_commit_t *commit, int all)
{
    wh_own_event_t **at = &commit->own_events;

    while (*at) {
        wh_own_event_t *own = *at;

        if (all || own->in_batch) {
            *at = own->next;
            wh_event_release(own->event);
            free(own);
        }
        else {
            at = &own->next;
        }
    }
}

/* Before the first write: ids must go on from the highest there is. */
static apr_status_t enter(wh_commit_t *commit, apr_time_t now)
{
    apr_int64_t last;
    apr_status_t rv =
        wh_store_node_enter(&last, commit->store, commit->ids.node, now);

    if (rv == APR_SUCCESS) {
        rv = wh_store_due_limit(commit->store,
                                now + wh_retry_longest(commit->settings->retry),
                                now);
    }
    if (rv == APR_SUCCESS) {
        commit->ids.last = last;
        commit->entered = 1;
    }
    return rv;
}

apr_status_t wh_commit_refresh(wh_commit_t *commit, apr_time_t now)
{
    apr_int64_t generation, last_id = 0;
    apr_status_t rv = commit->entered ? APR_SUCCESS : enter(commit, now);

    if (rv == APR_SUCCESS) {
        rv = settle_doubt(commit);
    }
    if (rv == APR_SUCCESS) {
        rv = wh_store_generation(&generation, &last_id, commit->store);
    }
    if (rv == APR_SUCCESS && last_id > commit->ids.last) {
        /* Another dispatcher, while this one takes its place for instance. What
         * is signalled after an event has been stored has a higher id than it. */
        commit->ids.last = last_id;
    }
    if (rv == APR_SUCCESS && generation != commit->generation) {
        rv = wh_commit_read_webhooks(commit, generation, now);
    }
    return rv;
}

/* Decides, before anything is written, who gets the event and which of the
 * deliveries stay in memory. */
static void plan(wh_commit_t *commit, wh_batch_entry_t *entry, apr_time_t now)
{
    int i, count;

    entry->listeners = wh_commit_listeners(commit, &entry->event);
    if (!entry->listeners) {
        return;
    }
    /* The ids too: should the batch be written twice, both are the same. */
    entry->event.id = wh_row_id_next(&commit->ids, now);
    count = entry->listeners->nelts;
    entry->plans =
        apr_pcalloc(commit->batch_pool, (apr_size_t)count * sizeof(wh_plan_t));
    for (i = 0; i < count; i++) {
        const wh_webhook_t *webhook =
            APR_ARRAY_IDX(entry->listeners, i, const wh_webhook_t *);
        wh_plan_t *plan = &entry->plans[i];

        plan->id = wh_row_id_next(&commit->ids, now);
        plan->entry = wh_schedule_entry(&commit->schedule, webhook->id);
        plan->order_key = wh_order_key(plan->entry->ordering, entry->event.name,
                                       entry->event.primary_key);
        plan->reserved =
            wh_schedule_reserve(&commit->schedule, plan->entry, now);
    }
}

static void set_known(wh_batch_entry_t *entry, const wh_known_event_t *known)
{
    entry->known = 1;
    entry->ack.status = WH_ACK_STORED;
    if (known->by_key) {
        entry->ack.status = known->same ? WH_ACK_REPEATED : WH_ACK_CONFLICT;
        memcpy(entry->ack.uuid, known->uuid, sizeof(entry->ack.uuid));
    }
}

/* Nobody listens now; a key may still be known from when somebody did. */
static apr_status_t finish_unmatched(wh_commit_t *commit,
                                     wh_batch_entry_t *entry)
{
    wh_known_event_t known;
    apr_status_t rv;

    entry->ack.status = WH_ACK_UNMATCHED;
    if (!entry->event.idempotency[0]) {
        return APR_SUCCESS;
    }
    rv = wh_store_event_by_key(&known, commit->store, &entry->event);
    if (rv == APR_SUCCESS) {
        set_known(entry, &known);
    }
    return rv == APR_ENOENT ? APR_SUCCESS : rv;
}

static apr_status_t prepare(wh_commit_t *commit, int *to_write, apr_time_t now)
{
    apr_status_t rv = wh_commit_refresh(commit, now);
    int i;

    *to_write = commit->outcomes.first != NULL;
    for (i = 0; rv == APR_SUCCESS && i < commit->entry_count; i++) {
        wh_batch_entry_t *entry = &commit->entries[i];

        if (entry->ack.status == WH_ACK_REFUSED) {
            continue;
        }
        memcpy(entry->ack.uuid, entry->event.uuid, sizeof(entry->ack.uuid));
        plan(commit, entry, now);
        if (entry->listeners) {
            *to_write = 1;
        }
        else {
            rv = finish_unmatched(commit, entry);
        }
    }
    return rv;
}

static apr_status_t write_entry(wh_commit_t *commit, wh_store_t *store,
                                wh_batch_entry_t *entry, apr_time_t now)
{
    wh_known_event_t known;
    apr_status_t rv;
    int i;

    entry->known = 0;
    entry->ack.status = WH_ACK_STORED;
    entry->ack.matched = (apr_uint32_t)entry->listeners->nelts;
    rv = wh_store_event_insert(&known, store, &entry->event);
    if (rv == APR_EEXIST) {
        /* Our own id: the first run of this batch was committed after all. */
        if (known.by_key || known.id != entry->event.id) {
            set_known(entry, &known);
        }
        return APR_SUCCESS;
    }
    for (i = 0; rv == APR_SUCCESS && i < entry->listeners->nelts; i++) {
        wh_plan_t *plan = &entry->plans[i];
        wh_delivery_row_t row = {
            .id = plan->id,
            .event_id = entry->event.id,
            .webhook_id = plan->entry->webhook_id,
            .due = now,
            .owner = plan->reserved ? commit->ids.node : 0,
            .order_key = plan->order_key,
        };

        rv = wh_store_delivery_insert(&plan->blocked, store, &row);
    }
    return rv;
}

typedef struct write_t {
    wh_commit_t *commit;
    apr_time_t now;
} write_t;

static apr_status_t write_batch(wh_store_t *store, void *baton)
{
    write_t *work = baton;
    wh_commit_t *commit = work->commit;
    apr_status_t rv = APR_SUCCESS;
    int i;

    for (i = 0; rv == APR_SUCCESS && i < commit->entry_count; i++) {
        if (commit->entries[i].listeners) {
            rv = write_entry(commit, store, &commit->entries[i], work->now);
        }
    }
    return rv == APR_SUCCESS ? wh_commit_record(commit, store, work->now) : rv;
}

static void unreserve(wh_commit_t *commit, wh_plan_t *plan)
{
    if (plan->reserved) {
        wh_schedule_unreserve(&commit->schedule, plan->entry);
        plan->reserved = 0;
    }
}

static void undo_plans(wh_commit_t *commit, wh_batch_entry_t *entry)
{
    int i;

    for (i = 0; entry->listeners && i < entry->listeners->nelts; i++) {
        unreserve(commit, &entry->plans[i]);
    }
}

/* Sends the deliveries of a committed event on their way. One that memory
 * cannot hold is given back. */
static void dispatch(wh_commit_t *commit, wh_batch_entry_t *entry,
                     apr_time_t now)
{
    wh_event_t *event = wh_event_create(&entry->event);
    int i;

    for (i = 0; i < entry->listeners->nelts; i++) {
        wh_plan_t *plan = &entry->plans[i];
        wh_delivery_t *delivery = NULL;

        if (plan->blocked) {
            /* Whichever it waits for lets it follow. */
            unreserve(commit, plan);
            continue;
        }
        if (!plan->reserved) {
            wh_schedule_waiting(&commit->schedule, plan->entry, now);
            continue;
        }
        if (event) {
            delivery =
                wh_delivery_create(event, plan->id, plan->entry->webhook_id);
        }
        if (!delivery) {
            wh_log(WH_LOG_ERROR, APR_ENOMEM,
                   WHLOGNO(1314) "no memory: event %s is read from the "
                                 "database again",
                   entry->event.uuid);
            wh_schedule_unreserve(&commit->schedule, plan->entry);
            wh_commit_doubt(commit, plan->id);
            continue;
        }
        delivery->due = now;
        delivery->order_key = plan->order_key;
        wh_schedule_dispatch(&commit->schedule, plan->entry, delivery);
    }
    if (event) {
        wh_event_release(event);
    }
}

static void forget_outcomes(wh_commit_t *commit)
{
    wh_message_t *message = commit->outcomes.first;

    commit->outcomes.first = commit->outcomes.last = NULL;
    while (message) {
        wh_message_t *next = message->next;
        wh_delivery_t *delivery = (wh_delivery_t *)message;

        wh_schedule_left(&commit->schedule, delivery);
        wh_delivery_destroy(delivery);
        commit->written++;
        message = next;
    }
}

static void finish(wh_commit_t *commit, apr_time_t now)
{
    int i;

    for (i = 0; i < commit->entry_count; i++) {
        wh_batch_entry_t *entry = &commit->entries[i];

        if (entry->known) {
            undo_plans(commit, entry);
        }
        else if (entry->listeners) {
            dispatch(commit, entry, now);
            commit->written += 1 + entry->listeners->nelts;
        }
    }
    forget_own_events(commit, 0);
    wh_commit_recorded(commit);
    forget_outcomes(commit);
}

static void doubt_plans(wh_commit_t *commit, const wh_batch_entry_t *entry)
{
    int i;

    for (i = 0; entry->listeners && i < entry->listeners->nelts; i++) {
        wh_commit_doubt(commit, entry->plans[i].id);
    }
}

/* Nothing of the batch is stored, or it is not known. What the delivery threads have reported is
 * kept: it is written when the storage is back. */
static void fail(wh_commit_t *commit, apr_status_t rv, apr_time_t now)
{
    int i;

    for (i = 0; i < commit->entry_count; i++) {
        wh_batch_entry_t *entry = &commit->entries[i];

        if (rv == WH_STORE_UNKNOWN) {
            doubt_plans(commit, entry);
        }
        undo_plans(commit, entry);
        if (entry->ack.status != WH_ACK_REFUSED) {
            entry->ack.status = rv == WH_STORE_UNKNOWN && entry->listeners
                                    ? WH_ACK_UNKNOWN
                                    : WH_ACK_UNAVAILABLE;
        }
    }
    commit->retry_at = now + STORAGE_RETRY;
}

void wh_commit_batch(wh_commit_t *commit, apr_time_t now)
{
    write_t work = {commit, now};
    int to_write = 0, i;
    apr_status_t rv;

    if (commit->entry_count == 0 &&
        (!wh_commit_has_more(commit) ||
         (now < commit->retry_at && commit->retry_at <= now + STORAGE_RETRY))) {
        wh_channel_server_flush(commit->server);
        return;
    }
    take_outcomes(commit);
    add_own_events(commit);
    rv = prepare(commit, &to_write, now);
    if (rv == APR_SUCCESS && to_write) {
        rv = wh_store_batch(commit->store, write_batch, &work);
    }
    if (rv != APR_SUCCESS) {
        fail(commit, rv, now);
    }
    for (i = 0; i < commit->entry_count; i++) {
        if (commit->entries[i].connection) {
            wh_channel_server_ack(commit->server, commit->entries[i].connection,
                                  &commit->entries[i].ack);
        }
    }
    if (rv == APR_SUCCESS) {
        commit->retry_at = 0;
        finish(commit, now);
    }
    /* Last: the texts of the frames lie in the connections' buffers. */
    wh_channel_server_flush(commit->server);
    wh_schedule_flush(&commit->schedule);
    commit->entry_count = 0;
    apr_pool_clear(commit->batch_pool);
}

void wh_commit_destroy(wh_commit_t *commit)
{
    forget_own_events(commit, 1);
    free(commit->entries);
    wh_schedule_destroy(&commit->schedule);
}
