/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Rows of events, deliveries and attempts, written past the store. For
 * programs that include fixture.h before it.
 */
#ifndef T_UNIT_STORE_ROWS_H
#define T_UNIT_STORE_ROWS_H

#include "unit/store/fixture.h"

#define ID APR_INT64_T_FMT

/** An event of a context; its uuid ends in its id. */
FIXTURE_FUNCTION void add_event(apr_int64_t id, const char *context,
                                const char *name)
{
    wh_db_execute(
        &outside,
        apr_psprintf(pool,
                     "INSERT INTO event (id, uuid, context, name, "
                     "primary_key, associate_id, time, data, size) VALUES "
                     "(%" ID ", '%08x-0000-7000-8000-%012x', '%s', '%s', -7, "
                     "5, 99, '{\"id\":%" ID "}', 10)",
                     id, (unsigned int)(id >> 32), (unsigned int)id, context,
                     name, id));
}

FIXTURE_FUNCTION void add_delivery(apr_int64_t id, apr_int64_t event,
                                   int webhook, int state)
{
    wh_db_execute(
        &outside,
        apr_psprintf(pool,
                     "INSERT INTO delivery (id, event_id, webhook_id, state, "
                     "attempts, due, owner, body) VALUES (%" ID ", %" ID
                     ", %d, %d, %d, 1000, 0, NULL)",
                     id, event, webhook, state, state ? 3 : 0));
}

/** An event and, in the next row, its delivery that waits; owner 0: for
 * anybody. */
FIXTURE_FUNCTION void add_waiting(apr_int64_t event, int webhook,
                                  apr_time_t due, int owner)
{
    add_event(event, "", "a");
    wh_db_execute(
        &outside,
        apr_psprintf(pool,
                     "INSERT INTO delivery (id, event_id, webhook_id, state, "
                     "attempts, due, owner) VALUES (%" ID ", %" ID
                     ", %d, 0, 0, %" ID ", %d)",
                     event + 1, event, webhook, due, owner));
}

FIXTURE_FUNCTION void add_attempt(apr_int64_t id, apr_int64_t delivery,
                                  int attempt)
{
    wh_db_execute(
        &outside,
        apr_psprintf(pool,
                     "INSERT INTO attempt VALUES (%" ID ", %" ID
                     ", %d, 4, 5, 500, 'status', '192.0.2.1', 'no', NULL)",
                     id, delivery, attempt));
}

/** A webhook of which nothing but its id matters. */
FIXTURE_FUNCTION void add_webhook(int id)
{
    wh_db_execute(
        &outside,
        apr_psprintf(pool,
                     "INSERT INTO webhook (id, context, name, events, "
                     "target_url, state, type, registered, updated, "
                     "registered_id, updated_id, notify_via, notify_when) "
                     "VALUES (%d, '', '', '', '', 1, 'webhook', 0, 0, 0, 0, "
                     "0, 0)",
                     id));
    wh_db_execute(&outside, apr_psprintf(pool,
                                         "INSERT INTO webhook_usage VALUES "
                                         "(%d, 0, 0, 0, NULL, 0, 0)",
                                         id));
}

#endif
