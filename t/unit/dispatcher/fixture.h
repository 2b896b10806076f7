/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A dispatcher's commit thread without its loop, on a database of its own, and
 * the part of the delivery thread, which the program plays. For programs that
 * include it once.
 */
#ifndef T_UNIT_DISPATCHER_FIXTURE_H
#define T_UNIT_DISPATCHER_FIXTURE_H

#include <sys/epoll.h>
#include <sys/socket.h>

#include "deliver/message.h"
#include "deliver/target.h"
#include "dispatcher/commit.h"
#include "model/webhook.h"
#include "policy/retry.h"
#include "unit/store/fixture.h"

#define NODE 3
#define NOW APR_INT64_C(1767323045000000)

/* The store of fixture.h is as a child has it: webhooks are saved there. */
static wh_channel_server_t server;
static wh_commit_t commit;
static wh_inbox_t *inbox; /* of the delivery thread, which this program is */

FIXTURE_FUNCTION void end_commit(void)
{
    wh_store_t *own = commit.store;

    wh_channel_server_stop(&server);
    wh_commit_destroy(&commit);
    wh_store_destroy(own);
}

/** A commit thread with a store of its own, which it does not open yet. */
FIXTURE_FUNCTION int begin_commit(int node)
{
    wh_store_t *own;

    if (wh_store_create(&own, &settings) != APR_SUCCESS ||
        wh_commit_init(&commit, &settings, &server, own, pool) != APR_SUCCESS) {
        return 0;
    }
    commit.ids.node = node;
    wh_schedule_init(&commit.schedule, &settings, &inbox, 1, pool);
    return 1;
}

FIXTURE_FUNCTION int begin_dispatcher(void)
{
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    wh_retry_schedule_t *retry;

    settings.window = 100;
    settings.endpoint_window = 8;
    if (!begin_directory()) {
        return 0;
    }
    wh_retry_parse(&retry, WH_RETRY_DEFAULT, pool);
    settings.retry = retry;
    return wh_inbox_create(&inbox, pool) == APR_SUCCESS &&
           wh_channel_server_start(&server, epoll_create1(0), listener,
                                   1000000) == APR_SUCCESS &&
           begin_store() && begin_commit(NODE);
}

/* -- the delivery thread's part ------------------------------------------- */

#define HELD_MAX 1000

static wh_delivery_t *held[HELD_MAX]; /* deliveries on their way */
static int held_count;

/** Takes what has been posted. "T1" a target, "T1-" one that is off, "T1!" one
 * that is gone, "D1" a delivery for webhook 1. */
FIXTURE_FUNCTION const char *posted(void)
{
    wh_message_t *message = wh_inbox_take(inbox);
    const char *all = "";

    while (message) {
        wh_message_t *next = message->next;

        if (message->kind == WH_MESSAGE_TARGET) {
            wh_target_t *target = (wh_target_t *)message;

            all = apr_psprintf(pool, "%s%sT%d%s", all, *all ? " " : "",
                               target->webhook_id,
                               target->removed  ? "!"
                               : target->active ? ""
                                                : "-");
            wh_target_release(target);
        }
        else {
            held[held_count] = (wh_delivery_t *)message;
            all = apr_psprintf(pool, "%s%sD%d", all, *all ? " " : "",
                               held[held_count]->webhook_id);
            held_count++;
        }
        message = next;
    }
    return all;
}

/** Reports the oldest delivery that is held. */
FIXTURE_FUNCTION void report(wh_outcome_kind_t outcome, apr_time_t due)
{
    wh_delivery_t *delivery = held[0];

    memmove(held, held + 1, (size_t)--held_count * sizeof(held[0]));
    delivery->message.kind = WH_MESSAGE_OUTCOME;
    delivery->outcome = outcome;
    delivery->due = due;
    if (outcome != WH_OUTCOME_RETURNED) {
        delivery->attempts++;
        delivery->started = NOW;
        delivery->status = outcome == WH_OUTCOME_DELIVERED ? 200 : 500;
        delivery->error = outcome == WH_OUTCOME_DELIVERED ? NULL : "status";
    }
    wh_commit_outcome(&commit, delivery);
}

FIXTURE_FUNCTION void throw_away(void)
{
    posted();
    while (held_count > 0) {
        wh_delivery_destroy(held[--held_count]);
    }
}

/** Ends everything that is in memory, as delivered. */
FIXTURE_FUNCTION void deliver_all(apr_time_t now)
{
    posted();
    while (held_count > 0) {
        report(WH_OUTCOME_DELIVERED, 0);
    }
    do {
        wh_commit_batch(&commit, now);
    } while (commit.reported.first);
}

FIXTURE_FUNCTION void end_dispatcher(void)
{
    throw_away();
    end_commit();
    close(server.listener);
    close(server.epoll);
    end();
}

/* -- webhooks ------------------------------------------------------------- */

/** Id of a new webhook, 0: it cannot be saved. */
FIXTURE_FUNCTION apr_int32_t save_with(const char *events, int state,
                                       const char *properties)
{
    wh_webhook_t webhook = {.context = "",
                            .name = "w",
                            .events = events,
                            .target_url = "https://receiver.example/",
                            .state = state,
                            .type = "webhook",
                            .properties = properties};

    return wh_store_webhook_insert(store, &webhook) == APR_SUCCESS ? webhook.id
                                                                   : 0;
}

FIXTURE_FUNCTION apr_int32_t save_in_state(const char *events, int state)
{
    return save_with(events, state, NULL);
}

FIXTURE_FUNCTION apr_int32_t save_webhook(const char *events)
{
    return save_in_state(events, WH_STATE_ACTIVE);
}

#endif
