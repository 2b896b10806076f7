/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <string.h>

#include "base/log.h"
#include "deliver/outcome.h"
#include "dispatcher/commit.h"

/* Storage failed: go on discarding then. */
#define DISCARD_RETRY apr_time_from_msec(500)

/* Room for "webhook2147483647.errors". */
#define STATE_EVENT_SIZE 32

static wh_schedule_entry_t *entry_of(wh_commit_t *commit,
                                     const wh_message_t *message)
{
    return wh_schedule_entry(&commit->schedule,
                             ((const wh_delivery_t *)message)->webhook_id);
}

/* Each run of the batch counts from scratch. What the first one found out
 * stays: should it have been committed after all, the second one finds the
 * outcomes recorded and nothing to count. */
static void begin_tallies(wh_commit_t *commit)
{
    wh_message_t *message;

    for (message = commit->outcomes.first; message; message = message->next) {
        wh_schedule_entry_t *entry = entry_of(commit, message);

        if (!entry) {
            continue;
        }
        if (!entry->tally.listed) {
            entry->tally.listed = 1;
            entry->tally.next = commit->tallied;
            commit->tallied = entry;
        }
        entry->tally.successes = 0;
        entry->tally.failures = 0;
        entry->tally.gone = 0;
    }
}

/* Successes are counted and written once, but before the failure that follows
 * them: the number of errors in a row is exact. */
static apr_status_t write_successes(wh_store_t *store,
                                    wh_schedule_entry_t *entry)
{
    wh_tally_t *tally = &entry->tally;
    apr_status_t rv;

    if (tally->successes == 0) {
        return APR_SUCCESS;
    }
    rv = wh_store_usage_success(store, entry->webhook_id, tally->successes);
    tally->successes = 0;
    tally->failures = 0;
    return rv;
}

/* What the receiver asks of the webhook as it is outlives this process. */
static apr_status_t keep_pause(wh_store_t *store,
                               const wh_schedule_entry_t *entry,
                               const wh_delivery_t *delivery, apr_time_t now)
{
    if (delivery->paused_until <= now ||
        delivery->target_number != entry->target_number) {
        return APR_SUCCESS;
    }
    return wh_store_pause(store, entry->webhook_id, entry->version,
                          delivery->paused_until);
}

static apr_status_t write_outcome(wh_commit_t *commit, wh_store_t *store,
                                  wh_schedule_entry_t *entry,
                                  wh_delivery_t *delivery, apr_time_t now)
{
    int is_success = delivery->outcome == WH_OUTCOME_DELIVERED;
    apr_status_t rv = APR_SUCCESS;
    wh_recorded_t recorded;

    if (delivery->outcome == WH_OUTCOME_RETURNED &&
        delivery->due > now + WH_LOCAL_RETRY) {
        delivery->due = now; /* of a clock that has been set back since */
    }
    if (entry && !is_success) {
        rv = write_successes(store, entry);
    }
    if (rv == APR_SUCCESS) {
        rv = wh_store_outcome(&recorded, &delivery->has_followed, store,
                              commit->ids.node,
                              wh_row_id_next(&commit->ids, now), delivery);
    }
    if (rv != APR_SUCCESS || !entry) {
        return rv;
    }
    entry->tally.successes += recorded.success;
    if (recorded.error) {
        entry->tally.failures++;
        entry->tally.failed = delivery;
        /* Said of the webhook as it is. */
        entry->tally.gone |=
            delivery->gone && delivery->target_number == entry->target_number;
        rv = keep_pause(store, entry, delivery, now);
    }
    return rv;
}

/* So many failures, and nothing else for so long. */
static int is_hopeless(const wh_commit_t *commit, const wh_failing_t *failing,
                       apr_time_t now)
{
    const wh_settings_t *settings = commit->settings;

    return failing->consecutive_errors >= settings->disable_errors &&
           wh_clock_leap_age(&commit->leap, failing->since, now) >=
               settings->disable_time;
}

static apr_status_t disable_if_due(wh_commit_t *commit, wh_store_t *store,
                                   wh_schedule_entry_t *entry,
                                   const wh_failing_t *failing, apr_time_t now)
{
    const wh_settings_t *settings = commit->settings;

    entry->tally.disabled = 0;
    if (settings->disable_errors == 0 ||
        (!entry->tally.gone && !is_hopeless(commit, failing, now))) {
        return APR_SUCCESS;
    }
    return wh_store_disable(&entry->tally.disabled, store, entry->webhook_id,
                            entry->version, settings->disable_drops);
}

/* In the same transaction as the failures: whoever sees them sees what they
 * came to. */
static apr_status_t judge(wh_commit_t *commit, wh_store_t *store,
                          wh_schedule_entry_t *entry, apr_time_t now)
{
    wh_failing_t failing;
    apr_status_t rv;

    if ((entry->tally.failures == 0 && !entry->tally.disabled) ||
        (commit->settings->disable_errors == 0 && !commit->mailer)) {
        return APR_SUCCESS;
    }
    rv = wh_store_failing(&failing, store, entry->webhook_id);
    if (rv != APR_SUCCESS) {
        return rv == APR_ENOENT ? APR_SUCCESS : rv;
    }
    if (entry->tally.failures == 0) {
        /* The second run: was the first one committed? */
        entry->tally.disabled = failing.state == WH_STATE_TOO_MANY_ERRORS;
        return APR_SUCCESS;
    }
    entry->tally.errors = failing.consecutive_errors;
    entry->tally.first_failure =
        failing.consecutive_errors == entry->tally.failures;
    return disable_if_due(commit, store, entry, &failing, now);
}

apr_status_t wh_commit_record(wh_commit_t *commit, wh_store_t *store,
                              apr_time_t now)
{
    wh_schedule_entry_t *entry;
    wh_message_t *message;
    apr_status_t rv = APR_SUCCESS;

    begin_tallies(commit);
    for (message = commit->outcomes.first; rv == APR_SUCCESS && message;
         message = message->next) {
        rv = write_outcome(commit, store, entry_of(commit, message),
                           (wh_delivery_t *)message, now);
    }
    for (entry = commit->tallied; rv == APR_SUCCESS && entry;
         entry = entry->tally.next) {
        rv = write_successes(store, entry);
        if (rv == APR_SUCCESS) {
            rv = judge(commit, store, entry, now);
        }
    }
    return rv;
}

/* The snapshot is by id. NULL: the webhook is gone. */
static const wh_webhook_t *find_webhook(const wh_commit_t *commit,
                                        apr_int32_t id)
{
    int low = 0, high = commit->webhooks ? commit->webhooks->nelts : 0;

    while (low < high) {
        int middle = low + (high - low) / 2;
        const wh_webhook_t *webhook =
            APR_ARRAY_IDX(commit->webhooks, middle, const wh_webhook_t *);

        if (webhook->id == id) {
            return webhook;
        }
        if (webhook->id < id) {
            low = middle + 1;
        }
        else {
            high = middle;
        }
    }
    return NULL;
}

static void notify(wh_commit_t *commit, wh_mail_kind_t kind,
                   const wh_webhook_t *webhook, const wh_delivery_t *delivery)
{
    char error[64];

    if (delivery->status && !strcmp(delivery->error, "status")) {
        apr_snprintf(error, sizeof(error), "status %d", delivery->status);
    }
    else {
        apr_cpystrn(error, delivery->told ? delivery->told : delivery->error,
                    sizeof(error));
    }
    wh_mailer_notify(commit->mailer, kind, webhook, delivery->event->name,
                     delivery->event->uuid, error);
}

static void signal_errors(wh_commit_t *commit, const wh_webhook_t *webhook)
{
    char name[STATE_EVENT_SIZE], data[STATE_EVENT_SIZE];
    wh_event_t fields = {.time = apr_time_now(),
                         .primary_key = webhook->id,
                         .name = name,
                         .context = webhook->context,
                         .changes = "[\"state\"]",
                         .data = data,
                         .idempotency = ""};
    apr_status_t rv;

    apr_snprintf(name, sizeof(name), "webhook%d.errors", webhook->id);
    apr_snprintf(data, sizeof(data), "{\"state\":%d}",
                 WH_STATE_TOO_MANY_ERRORS);
    rv = wh_uuid_create(fields.uuid, fields.time);
    if (rv == APR_SUCCESS) {
        rv = wh_commit_signal(commit, &fields);
    }
    if (rv != APR_SUCCESS) {
        wh_log(WH_LOG_ERROR, rv, WHLOGNO(1318) "event %s cannot be signalled",
               name);
    }
}

static void follow_disabling(wh_commit_t *commit, wh_schedule_entry_t *entry,
                             const wh_webhook_t *webhook)
{
    wh_log(WH_LOG_WARNING, APR_SUCCESS,
           WHLOGNO(1317) "webhook %d is disabled after %" APR_INT64_T_FMT
                         " errors in a row%s; its deliveries are %s",
           entry->webhook_id, entry->tally.errors,
           entry->tally.gone ? ", the last one 410 Gone" : "",
           commit->settings->disable_drops ? "discarded" : "kept");
    /* Nothing more is claimed; the next look at the webhooks tells the
     * delivery thread, whatever the webhook is by then. */
    entry->active = 0;
    entry->fingerprint[0] = '\0';
    if (webhook) {
        notify(commit, WH_MAIL_DISABLING, webhook, entry->tally.failed);
        signal_errors(commit, webhook);
    }
}

void wh_commit_recorded(wh_commit_t *commit)
{
    wh_schedule_entry_t *entry = commit->tallied, *next;

    commit->tallied = NULL;
    for (; entry; entry = next) {
        const wh_webhook_t *webhook = find_webhook(commit, entry->webhook_id);

        next = entry->tally.next;
        if (entry->tally.first_failure && webhook) {
            notify(commit, WH_MAIL_FIRST_FAILURE, webhook, entry->tally.failed);
        }
        if (entry->tally.disabled) {
            follow_disabling(commit, entry, webhook);
        }
        memset(&entry->tally, 0, sizeof(entry->tally));
    }
}

static void discard_portion(wh_commit_t *commit, wh_schedule_entry_t *entry,
                            apr_time_t now)
{
    int discarded;

    if (wh_store_discard(&discarded, commit->store, entry->webhook_id) !=
        APR_SUCCESS) {
        commit->discard_at = now + DISCARD_RETRY;
        return;
    }
    commit->written += discarded;
    if (discarded == 0) {
        wh_schedule_discarded(&commit->schedule, entry);
    }
}

void wh_commit_discard(wh_commit_t *commit, apr_time_t now)
{
    wh_schedule_t *schedule = &commit->schedule;
    apr_hash_index_t *at;

    if (!schedule->discarding || (now < commit->discard_at &&
                                  commit->discard_at <= now + DISCARD_RETRY)) {
        return;
    }
    commit->discard_at = 0;
    for (at = apr_hash_first(NULL, schedule->entries); at;
         at = apr_hash_next(at)) {
        wh_schedule_entry_t *entry = apr_hash_this_val(at);

        if (entry->waits_to_fail) {
            /* One portion, then events have their turn again. */
            discard_portion(commit, entry, now);
            return;
        }
    }
    schedule->discarding = 0;
}
