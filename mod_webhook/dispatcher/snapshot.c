/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The webhooks as the commit thread knows them: read again when one of them has
 * changed. Only of those that have changed the filter is made again, and the target
 * (schedule.c).
 */
#include <apr_strings.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/log.h"
#include "dispatcher/commit.h"
#include "policy/event_filter.h"
#include "policy/event_name.h"
#include "policy/options.h"

/* Filters that are not in order: they have come past the API, and let nothing
 * through. */
typedef struct refused_t {
    int count;
    const char *first;
} refused_t;

static apr_status_t prepare_filter(wh_schedule_entry_t *entry,
                                   refused_t *refused,
                                   const wh_webhook_t *webhook,
                                   apr_pool_t *pool, apr_pool_t *scratch)
{
    wh_event_filter_t *filter;
    const char *problem;
    apr_status_t rv =
        wh_options_read_filter(&filter, &problem, webhook->properties, scratch);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    free(entry->filter);
    entry->filter = filter;
    entry->filter_stale = 0;
    if (problem && refused->count++ == 0) {
        refused->first = apr_psprintf(pool, "%d: %s", webhook->id, problem);
    }
    return APR_SUCCESS;
}

/* All of them have been through wh_schedule_sync(). */
static apr_status_t prepare_filters(wh_commit_t *commit,
                                    const apr_array_header_t *webhooks,
                                    apr_pool_t *pool)
{
    refused_t refused = {0, NULL};
    apr_pool_t *scratch;
    apr_status_t rv = apr_pool_create(&scratch, pool);
    int i;

    commit->filters_made = 0;
    for (i = 0; rv == APR_SUCCESS && i < webhooks->nelts; i++) {
        wh_webhook_t *webhook = APR_ARRAY_IDX(webhooks, i, wh_webhook_t *);
        wh_schedule_entry_t *entry =
            wh_schedule_entry(&commit->schedule, webhook->id);

        if (entry->filter_stale) {
            rv = prepare_filter(entry, &refused, webhook, pool, scratch);
            apr_pool_clear(scratch);
            commit->filters_made += entry->filter != NULL;
        }
        webhook->filter = entry->filter;
    }
    if (refused.count) {
        wh_log(WH_LOG_WARNING, APR_SUCCESS,
               WHLOGNO(1290) "webhooks whose filter is not in order get no "
                             "events: %d, the first is webhook %s",
               refused.count, refused.first);
    }
    return rv;
}

/* What this thread needs of a webhook from now on: secrets, certificates and
 * filters as texts are not among it. */
static wh_webhook_t *abridge(const wh_webhook_t *webhook, apr_pool_t *pool)
{
    wh_webhook_t *copy = apr_pcalloc(pool, sizeof(*copy));

    copy->id = webhook->id;
    copy->context = apr_pstrdup(pool, webhook->context);
    copy->name = apr_pstrdup(pool, webhook->name);
    copy->events = apr_pstrdup(pool, webhook->events);
    copy->target_url = apr_pstrdup(pool, webhook->target_url);
    copy->state = webhook->state;
    copy->error_emails = apr_pstrdup(pool, webhook->error_emails);
    copy->notify_via = webhook->notify_via;
    copy->notify_when = webhook->notify_when;
    copy->filter = webhook->filter;
    return copy;
}

static void take(wh_commit_t *commit, const apr_array_header_t *webhooks,
                 apr_pool_t *pool)
{
    apr_array_header_t *all =
        apr_array_make(pool, webhooks->nelts, sizeof(wh_webhook_t *));
    int i;

    for (i = 0; i < webhooks->nelts; i++) {
        APR_ARRAY_PUSH(all, wh_webhook_t *) =
            abridge(APR_ARRAY_IDX(webhooks, i, const wh_webhook_t *), pool);
    }
    if (commit->snapshot_pool) {
        apr_pool_destroy(commit->snapshot_pool);
    }
    commit->snapshot_pool = pool;
    commit->webhooks = all;
    commit->index =
        wh_match_index_create(all, !commit->settings->disable_drops, pool);
}

/* Until it has succeeded nobody asks the old index, whose filters may be gone:
 * no event is taken. */
apr_status_t wh_commit_read_webhooks(wh_commit_t *commit,
                                     apr_int64_t generation, apr_time_t now)
{
    apr_array_header_t *webhooks;
    apr_pool_t *pool, *whole = NULL;
    apr_status_t rv = apr_pool_create(&pool, commit->pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    apr_pool_tag(pool, "webhook_snapshot");
    rv = apr_pool_create(&whole, commit->pool);
    if (rv == APR_SUCCESS) {
        rv = wh_store_webhook_snapshot(&webhooks, commit->store, whole);
    }
    if (rv == APR_SUCCESS) {
        rv = wh_schedule_sync(&commit->schedule, webhooks);
    }
    if (rv == APR_SUCCESS) {
        rv = prepare_filters(commit, webhooks, whole);
    }
    if (rv == APR_SUCCESS) {
        take(commit, webhooks, pool);
        commit->generation = generation;
        /* One that is active now may have a replay that has waited for it. */
        commit->replaying = 1;
        commit->replay_at = 0;
        wh_log(WH_LOG_DEBUG, APR_SUCCESS,
               WHLOGNO(1313) "webhooks read: %d, generation %" APR_INT64_T_FMT
                             ", filters made: %d, %" APR_INT64_T_FMT " us",
               webhooks->nelts, generation, commit->filters_made,
               (apr_int64_t)(apr_time_now() - now));
    }
    else {
        apr_pool_destroy(pool);
    }
    if (whole) {
        apr_pool_destroy(whole);
    }
    return rv;
}

/* 1: the filter of one of them must be asked. */
static int has_filter(const apr_array_header_t *listeners)
{
    int i = 0;

    while (i < listeners->nelts &&
           !APR_ARRAY_IDX(listeners, i, const wh_webhook_t *)->filter) {
        i++;
    }
    return i < listeners->nelts;
}

/* Those whose filter lets the event through; NULL: nobody's. The event's data
 * is parsed once, and only here. */
static const apr_array_header_t *filtered(const apr_array_header_t *listeners,
                                          const wh_event_t *event,
                                          apr_pool_t *pool)
{
    json_t *data = json_loads(event->data, 0, NULL);
    wh_event_facts_t facts = {.name = wh_event_name_shown(event->name),
                              .primary_key = event->primary_key,
                              .associate_id = event->associate_id,
                              .data = data};
    apr_array_header_t *passed =
        apr_array_make(pool, listeners->nelts, sizeof(wh_webhook_t *));
    int i;

    for (i = 0; i < listeners->nelts; i++) {
        wh_webhook_t *webhook = APR_ARRAY_IDX(listeners, i, wh_webhook_t *);

        if (!webhook->filter ||
            wh_event_filter_passes(webhook->filter, &facts)) {
            APR_ARRAY_PUSH(passed, wh_webhook_t *) = webhook;
        }
    }
    json_decref(data);
    return passed->nelts ? passed : NULL;
}

const apr_array_header_t *wh_commit_listeners(const wh_commit_t *commit,
                                              const wh_event_t *event)
{
    const apr_array_header_t *listeners = wh_match_find(
        commit->index, event->context, event->name, commit->batch_pool);

    return listeners && has_filter(listeners)
               ? filtered(listeners, event, commit->batch_pool)
               : listeners;
}
