/* SPDX-License-Identifier: Apache-2.0 */
#include "store/statement.h"

#define WEBHOOK_COLUMNS_OF(error_associates, description, last_error)          \
    "w.id, w.context, w.name, w.events, w.target_url, w.secret, w.state, "     \
    "w.type, w.headers, w.properties, w.registered, w.updated, "               \
    "w.registered_id, w.registered_by, w.updated_id, w.updated_by, "           \
    "w.error_emails, " error_associates ", " description ", w.notify_via, "    \
    "w.notify_when, w.version, w.app_id, u.total_calls, u.total_errors, "      \
    "u.consecutive_errors, u.paused_until, " last_error " "                    \
    "FROM webhook w LEFT JOIN webhook_usage u ON u.webhook_id = w.id "
#define WEBHOOK_COLUMNS                                                        \
    WEBHOOK_COLUMNS_OF("w.error_associates", "w.description", "u.last_error")
#define SNAPSHOT_COLUMNS WEBHOOK_COLUMNS_OF("NULL", "NULL", "NULL")

/* All texts that webhook_store.c counts. In bytes: the length of a text would
 * be that in characters. */
#define WEBHOOK_BYTES                                                          \
    "length(CAST(context || name || events || target_url || type || "          \
    "coalesce(secret, '') || coalesce(headers, '') || "                        \
    "coalesce(properties, '') || coalesce(registered_by, '') || "              \
    "coalesce(updated_by, '') || coalesce(error_emails, '') || "               \
    "coalesce(error_associates, '') || coalesce(description, '') AS BLOB))"

#define EVENT_COLUMNS                                                          \
    "e.id, e.uuid, e.time, e.primary_key, e.associate_id, e.name, "            \
    "e.context, e.data "

/* The deliveries that an application sees; 0: no application asks. */
#define LOG_OF_APP                                                             \
    "(%lld = 0 OR d.webhook_id IN "                                            \
    "(SELECT id FROM webhook WHERE app_id = %lld)) "

/* Lists of the log. What is 0, negative or NULL does not filter. A list of
 * events takes the second half of a delivery list's parameters. */
#define LOG_OF_DELIVERY                                                        \
    "(%lld = 0 OR d.event_id = %lld) AND (%lld = 0 OR d.webhook_id = %lld) "   \
    "AND " LOG_OF_APP                                                          \
    "AND (%lld < 0 OR d.state = %lld) AND d.id > %lld AND d.id < %lld AND "
#define LOG_OF_EVENT                                                           \
    "(%s IS NULL OR e.context = %s) AND "                                      \
    "(%s IS NULL OR lower(e.name) = lower(%s)) "
#define LOG_EVENTS                                                             \
    "SELECT " EVENT_COLUMNS "FROM event e WHERE e.id > %lld AND e.id < %lld "  \
    "AND " LOG_OF_EVENT

/* CROSS: by the deliveries' ids, whatever the database thinks is faster. */
#define LOG_JOIN "FROM delivery d CROSS JOIN event e WHERE e.id = d.event_id "
#define LOG_DELIVERY                                                           \
    "SELECT d.id, d.event_id, e.uuid, e.name, d.webhook_id, d.state, "         \
    "d.attempts, d.due, d.owner " LOG_JOIN

#define REPLAY_COLUMNS                                                         \
    "id, webhook_id, context, from_time, to_time, only_failed, state, total, " \
    "done, created, created_by, updated, low_id, high_id, at_id FROM replay "
#define REPLAY_SEEN                                                            \
    "(%s IS NULL OR context = %s) AND (%lld = 0 OR webhook_id IN "             \
    "(SELECT id FROM webhook WHERE app_id = %lld)) "

/* What a replay takes, of the ids above one. */
#define REPLAY_OF                                                              \
    "WHERE id > %lld AND id <= %lld AND webhook_id = %lld AND state <> 0 "     \
    "AND (%lld = 0 OR state = 2) "

#define TOKEN_COLUMNS                                                          \
    "id, kind, context, owner, associate_id, app_id, scopes, created, "        \
    "expires FROM token "

#define APP_COLUMNS "id, context, name, webhook_access, created FROM app "

/* The scan of a claim: an index range, in the order of its columns. */
#define WAITING "owner = 0 AND webhook_id = %lld AND state = 0"

/* Those of one order key that have not ended; served by their own index. */
#define IN_ORDER                                                               \
    "FROM delivery WHERE webhook_id = %lld AND order_key = %lld "              \
    "AND order_key <> 0 AND state = 0"

/* What a delivery takes in memory: its event's data, and its body if one is
 * kept, which is not longer. */
#define DUE_SIZES                                                              \
    "SELECT e.size * CASE WHEN d.body IS NULL THEN 1 ELSE 2 END AS bytes "     \
    "FROM delivery d JOIN event e ON e.id = d.event_id "                       \
    "WHERE d.owner = 0 AND d.webhook_id = %lld AND d.state = 0 "               \
    "AND d.due <= %lld ORDER BY d.due, d.id LIMIT %lld"

static const char *const texts[WH_STATEMENT_COUNT] = {
    [WH_SQL_BEGIN] = "BEGIN IMMEDIATE",
    [WH_SQL_META_GET] = "SELECT value FROM meta WHERE name = %s",
    [WH_SQL_META_SET] = "UPDATE meta SET value = %lld WHERE name = %s",
    [WH_SQL_META_INCREMENT] =
        "UPDATE meta SET value = value + 1 WHERE name = %s",

    [WH_SQL_WEBHOOK_LIST] =
        "SELECT " WEBHOOK_COLUMNS "WHERE w.context = %s AND w.id > %lld "
        "ORDER BY w.id LIMIT 500",
    [WH_SQL_WEBHOOK_LIST_ALL] =
        "SELECT " WEBHOOK_COLUMNS "WHERE w.id > %lld ORDER BY w.id LIMIT 500",
    [WH_SQL_WEBHOOK_SNAPSHOT] =
        "SELECT " SNAPSHOT_COLUMNS "WHERE w.id > %lld ORDER BY w.id LIMIT 500",
    [WH_SQL_WEBHOOK_SIZE] =
        "SELECT count(*), coalesce(sum(" WEBHOOK_BYTES "), 0) FROM webhook",
    [WH_SQL_WEBHOOK_GET] =
        "SELECT " WEBHOOK_COLUMNS "WHERE w.context = %s AND w.id = %lld",
    [WH_SQL_WEBHOOK_INSERT] =
        "INSERT INTO webhook (id, context, name, events, target_url, secret, "
        "state, type, headers, properties, registered, updated, "
        "registered_id, registered_by, updated_id, updated_by, error_emails, "
        "error_associates, description, notify_via, notify_when, version, "
        "app_id) VALUES "
        "(%lld, %s, %s, %s, %s, %s, %lld, %s, %s, %s, %lld, %lld, %lld, %s, "
        "%lld, %s, %s, %s, %s, %lld, %lld, %lld, %lld)",
    [WH_SQL_WEBHOOK_UPDATE] =
        "UPDATE webhook SET name = %s, events = %s, target_url = %s, "
        "secret = %s, state = %lld, type = %s, headers = %s, "
        "properties = %s, updated = %lld, updated_id = %lld, "
        "updated_by = %s, error_emails = %s, error_associates = %s, "
        "description = %s, notify_via = %lld, notify_when = %lld, "
        "version = version + 1 "
        "WHERE context = %s AND id = %lld AND version = %lld",
    [WH_SQL_WEBHOOK_DELETE] =
        "DELETE FROM webhook WHERE context = %s AND id = %lld",
    [WH_SQL_WEBHOOK_DISABLE] =
        "UPDATE webhook SET state = 3, version = version + 1 "
        "WHERE id = %lld AND state = 1 AND version = %lld",
    [WH_SQL_USAGE_INSERT] =
        "INSERT INTO webhook_usage (webhook_id, total_calls, total_errors, "
        "consecutive_errors, last_error, failing_since) "
        "VALUES (%lld, 0, 0, 0, NULL, 0)",
    [WH_SQL_USAGE_DELETE] = "DELETE FROM webhook_usage WHERE webhook_id = "
                            "%lld",
    [WH_SQL_USAGE_SUCCESS] =
        "UPDATE webhook_usage SET total_calls = total_calls + %lld, "
        "consecutive_errors = 0, failing_since = 0 WHERE webhook_id = %lld",
    [WH_SQL_USAGE_ERROR] =
        "UPDATE webhook_usage SET total_calls = total_calls + 1, "
        "total_errors = total_errors + 1, "
        "consecutive_errors = consecutive_errors + 1, last_error = %s, "
        "failing_since = CASE WHEN failing_since = 0 THEN %lld "
        "ELSE failing_since END WHERE webhook_id = %lld",
    [WH_SQL_USAGE_RESET] =
        "UPDATE webhook_usage SET consecutive_errors = 0, failing_since = 0 "
        "WHERE webhook_id = %lld",
    [WH_SQL_USAGE_PAUSE] =
        "UPDATE webhook_usage SET paused_until = %lld WHERE webhook_id = %lld "
        "AND EXISTS (SELECT 1 FROM webhook WHERE id = %lld AND version = %lld)",
    [WH_SQL_USAGE_EARLIER] =
        "UPDATE webhook_usage SET paused_until = paused_until - %lld "
        "WHERE paused_until > %lld",
    [WH_SQL_USAGE_RESUME] =
        "UPDATE webhook_usage SET paused_until = 0 WHERE webhook_id = %lld",
    [WH_SQL_USAGE_FAILING] =
        "SELECT u.consecutive_errors, w.state, u.failing_since FROM webhook w "
        "JOIN webhook_usage u ON u.webhook_id = w.id WHERE w.id = %lld",

    [WH_SQL_EVENT_INSERT] =
        "INSERT INTO event (id, uuid, context, name, primary_key, "
        "associate_id, time, data, size, idempotency) VALUES "
        "(%lld, %s, %s, %s, %lld, %lld, %lld, %s, %lld, %s) "
        "ON CONFLICT DO NOTHING",
    [WH_SQL_EVENT_BY_UUID] = "SELECT id FROM event WHERE uuid = %s",
    [WH_SQL_EVENT_BY_KEY] =
        "SELECT uuid, name, primary_key, data, context, id FROM event "
        "WHERE idempotency = %s",
    [WH_SQL_DELIVERY_INSERT] =
        "INSERT INTO delivery (id, event_id, webhook_id, state, attempts, "
        "due, owner, order_key) VALUES (%lld, %lld, %lld, 0, 0, %lld, %lld, "
        "%lld)",
    [WH_SQL_ORDER_PENDING] = "SELECT id " IN_ORDER " ORDER BY id LIMIT 1",
    [WH_SQL_ORDER_FOLLOW] =
        "UPDATE delivery SET owner = 0 WHERE owner = -1 AND state = 0 "
        "AND id = (SELECT min(id) " IN_ORDER ")",
    [WH_SQL_ORDER_EXPIRED] =
        "SELECT webhook_id, order_key FROM (SELECT webhook_id, order_key, "
        "state FROM delivery WHERE id < %lld ORDER BY id LIMIT 500) AS swept "
        "WHERE state = 0 AND order_key <> 0 GROUP BY webhook_id, order_key",
    [WH_SQL_DELIVERY_RECORD] =
        "UPDATE delivery SET state = %lld, attempts = %lld, due = %lld, "
        "owner = 0 WHERE id = %lld AND owner = %lld",
    [WH_SQL_DELIVERY_BODY] = "UPDATE delivery SET body = %s WHERE id = %lld",
    [WH_SQL_DELIVERY_RETURN] = "UPDATE delivery SET due = %lld, owner = 0 "
                               "WHERE id = %lld AND owner = %lld",
    [WH_SQL_CLOCK_BACK] = "UPDATE meta SET value = %lld "
                          "WHERE name = 'clock_back' AND value <> %lld",
    [WH_SQL_DELIVERY_EARLIER] = "UPDATE delivery SET due = due - %lld "
                                "WHERE state = 0 AND due > %lld",
    [WH_SQL_DELIVERY_BOUND] = "UPDATE delivery SET due = %lld "
                              "WHERE state = 0 AND due > %lld",
    [WH_SQL_DELIVERY_TAKE] =
        "UPDATE delivery SET owner = %lld WHERE id = %lld AND owner = 0 "
        "AND state = 0",
    [WH_SQL_DELIVERY_DUE] =
        "SELECT d.id, d.attempts, d.due, d.body, " EVENT_COLUMNS
        ", d.order_key FROM delivery d JOIN event e ON e.id = d.event_id "
        "WHERE d.owner = 0 AND d.webhook_id = %lld AND d.state = 0 "
        "AND d.due <= %lld ORDER BY d.due, d.id LIMIT %lld",
    [WH_SQL_DELIVERY_DUE_BYTES] =
        "SELECT count(*), sum(bytes) FROM (" DUE_SIZES ") AS due_sizes",
    [WH_SQL_DELIVERY_DUE_SIZES] = DUE_SIZES,
    [WH_SQL_DELIVERY_NEXT_DUE] =
        "SELECT due FROM delivery WHERE " WAITING " ORDER BY due LIMIT 1",
    [WH_SQL_DELIVERY_RELEASE] =
        "UPDATE delivery SET owner = 0 WHERE owner = %lld AND state = 0",
    [WH_SQL_DELIVERY_GIVE_BACK] =
        "UPDATE delivery SET owner = 0 WHERE id = %lld AND owner = %lld "
        "AND state = 0",
    [WH_SQL_DELIVERY_CANCEL] =
        "UPDATE delivery SET state = 2 WHERE id IN (SELECT id FROM delivery "
        "WHERE owner IN (0, -1) AND webhook_id = %lld AND state = 0 "
        "LIMIT 500)",
    [WH_SQL_DELIVERY_DISCARD] =
        "UPDATE delivery SET state = 2 WHERE id IN (SELECT id FROM delivery "
        "WHERE owner = %lld AND webhook_id = %lld AND state = 0 AND NOT EXISTS "
        "(SELECT 1 FROM webhook w WHERE w.id = %lld AND w.state <> 3) "
        "LIMIT 500)",
    [WH_SQL_DELIVERY_FAIL] = "UPDATE delivery SET state = 2 WHERE id = %lld",
    [WH_SQL_ATTEMPT_INSERT] =
        "INSERT INTO attempt (id, delivery_id, number, started, duration, "
        "status, error, address, answer, told) VALUES "
        "(%lld, %lld, %lld, %lld, %lld, %lld, %s, %s, %s, %s)",
    [WH_SQL_ATTEMPT_RECENT] =
        "SELECT a.id, a.delivery_id, a.number, a.started, a.duration, "
        "a.status, a.error, a.address, d.webhook_id, e.uuid, e.name, "
        "e.context FROM attempt a CROSS JOIN delivery d CROSS JOIN event e "
        "WHERE d.id = a.delivery_id AND e.id = d.event_id AND a.id > %lld "
        "ORDER BY a.id LIMIT %lld",
    [WH_SQL_LAST_ID] = "SELECT max(id) FROM (SELECT max(id) AS id FROM event "
                       "UNION ALL SELECT max(id) FROM delivery "
                       "UNION ALL SELECT max(id) FROM attempt) AS ids",

    [WH_SQL_GENERATION] =
        "SELECT value, (SELECT max(id) FROM (SELECT max(id) AS id FROM event "
        "UNION ALL SELECT max(id) FROM delivery) AS ids) "
        "FROM meta WHERE name = 'generation'",

    [WH_SQL_NODE_SET] = "INSERT INTO node (id, heartbeat) VALUES (%lld, %lld) "
                        "ON CONFLICT (id) DO UPDATE SET "
                        "heartbeat = excluded.heartbeat",
    [WH_SQL_NODE_LIST] = "SELECT id FROM node WHERE id <> %lld "
                         "ORDER BY id LIMIT 500",
    [WH_SQL_NODE_DELETE] = "DELETE FROM node WHERE id = %lld",

    [WH_SQL_SWEEP_ATTEMPT] =
        "DELETE FROM attempt WHERE id IN (SELECT id FROM attempt "
        "WHERE id < %lld ORDER BY id LIMIT 500)",
    [WH_SQL_SWEEP_DELIVERY] =
        "DELETE FROM delivery WHERE id IN (SELECT id FROM delivery "
        "WHERE id < %lld ORDER BY id LIMIT 500)",
    [WH_SQL_SWEEP_EVENT] =
        "DELETE FROM event WHERE id IN (SELECT id FROM event "
        "WHERE id < %lld ORDER BY id LIMIT 500)",
    [WH_SQL_SWEEP_REPLAY] = "DELETE FROM replay WHERE created < %lld AND id IN "
                            "(SELECT id FROM replay ORDER BY id LIMIT 500)",
    [WH_SQL_EXPIRED_COUNT] =
        "SELECT count(*) FROM (SELECT id, state FROM delivery "
        "WHERE id < %lld ORDER BY id LIMIT 500) AS swept WHERE state = 0",

    [WH_SQL_EVENT_NEWEST] = LOG_EVENTS "ORDER BY e.id DESC LIMIT %lld",
    [WH_SQL_EVENT_OLDEST] = LOG_EVENTS "ORDER BY e.id LIMIT %lld",
    [WH_SQL_EVENT_GET] = "SELECT " EVENT_COLUMNS "FROM event e WHERE e.id = "
                         "%lld AND (%s IS NULL OR e.context = %s)",
    [WH_SQL_EVENT_GET_BY_UUID] =
        "SELECT " EVENT_COLUMNS "FROM event e WHERE e.uuid = %s "
        "AND (%s IS NULL OR e.context = %s)",
    [WH_SQL_DELIVERY_NEWEST] = LOG_DELIVERY "AND " LOG_OF_DELIVERY LOG_OF_EVENT
                                            "ORDER BY d.id DESC LIMIT %lld",
    [WH_SQL_DELIVERY_OLDEST] = LOG_DELIVERY "AND " LOG_OF_DELIVERY LOG_OF_EVENT
                                            "ORDER BY d.id LIMIT %lld",
    [WH_SQL_DELIVERY_GET] =
        LOG_DELIVERY "AND d.id = %lld AND (%s IS NULL OR e.context = %s) "
                     "AND " LOG_OF_APP,
    [WH_SQL_DELIVERY_BORDER] =
        "SELECT count(*), min(id), max(id) FROM (SELECT id FROM delivery "
        "WHERE id > %lld AND id < %lld ORDER BY id DESC LIMIT %lld) AS page",
    [WH_SQL_ATTEMPT_LIST] =
        "SELECT id, delivery_id, number, started, duration, status, error, "
        "address, answer, told FROM attempt WHERE delivery_id = %lld "
        "ORDER BY id DESC LIMIT %lld",
    [WH_SQL_REPLAY_LIST] =
        "SELECT d.id " LOG_JOIN "AND d.state <> 0 "
        "AND d.webhook_id IN (SELECT id FROM webhook) AND " LOG_OF_DELIVERY
            LOG_OF_EVENT "ORDER BY d.id LIMIT 500",
    /* The second half: what an earlier run has made of it. */
    [WH_SQL_REPLAY] =
        "UPDATE delivery SET state = 0, attempts = 0, due = %lld, owner = 0, "
        "order_key = 0 WHERE id = %lld AND webhook_id IN (SELECT id FROM "
        "webhook) AND "
        "((state <> 0 AND (%lld < 0 OR state = %lld)) OR "
        "(state = 0 AND attempts = 0 AND due = %lld AND owner = 0))",

    [WH_SQL_REPLAY_ONE] =
        "UPDATE delivery SET state = 0, attempts = 0, due = %lld, owner = 0, "
        "order_key = 0 WHERE id = %lld AND state <> 0",
    [WH_SQL_REPLAY_WEBHOOK] = "SELECT state, context FROM webhook "
                              "WHERE id = %lld",
    [WH_SQL_REPLAY_INSERT] =
        "INSERT INTO replay (id, webhook_id, context, from_time, to_time, "
        "only_failed, low_id, high_id, at_id, state, total, done, created, "
        "created_by, updated) VALUES (%lld, %lld, %s, %lld, %lld, %lld, "
        "%lld, %lld, %lld, 0, 0, 0, %lld, %s, %lld)",
    [WH_SQL_REPLAY_GET] =
        "SELECT " REPLAY_COLUMNS "WHERE id = %lld AND " REPLAY_SEEN,
    [WH_SQL_REPLAY_OPEN] =
        "SELECT " REPLAY_COLUMNS "WHERE state < 2 AND webhook_id = %lld",
    [WH_SQL_REPLAY_NEXT] =
        "SELECT " REPLAY_COLUMNS "WHERE state < 2 AND webhook_id > %lld "
        "AND NOT EXISTS (SELECT 1 FROM webhook WHERE webhook.id = "
        "replay.webhook_id AND webhook.state <> 1) "
        "ORDER BY webhook_id LIMIT 1",
    [WH_SQL_REPLAY_LIST_ALL] = "SELECT " REPLAY_COLUMNS "WHERE " REPLAY_SEEN
                               "AND id < %lld ORDER BY id DESC LIMIT %lld",
    [WH_SQL_REPLAY_LIST_WEBHOOK] =
        "SELECT " REPLAY_COLUMNS "WHERE webhook_id = %lld AND " REPLAY_SEEN
        "AND id < %lld ORDER BY id DESC LIMIT %lld",
    [WH_SQL_REPLAY_CANCEL] = "UPDATE replay SET state = 3, updated = %lld "
                             "WHERE id = %lld AND state < 2",
    /* Done by one dispatcher: by the one that finds it where it was. */
    [WH_SQL_REPLAY_STEP] =
        "UPDATE replay SET state = %lld, total = %lld, done = %lld, "
        "at_id = %lld, updated = %lld "
        "WHERE id = %lld AND state = %lld AND at_id = %lld",
    [WH_SQL_REPLAY_PRUNE] =
        "DELETE FROM replay WHERE webhook_id = %lld AND state >= 2 AND id < "
        "(SELECT min(id) FROM (SELECT id FROM replay WHERE webhook_id = %lld "
        "ORDER BY id DESC LIMIT %lld) AS kept)",
    [WH_SQL_REPLAY_BORDER] =
        "SELECT count(*), max(id) FROM (SELECT id FROM delivery "
        "WHERE id > %lld AND id < %lld ORDER BY id LIMIT %lld) AS portion",
    [WH_SQL_REPLAY_COUNT] =
        "SELECT count(*), max(id) FROM (SELECT id FROM "
        "delivery " REPLAY_OF "ORDER BY id LIMIT %lld) AS portion",
    [WH_SQL_REPLAY_TAKE] = "UPDATE delivery SET state = 0, attempts = 0, due = "
                           "%lld, owner = 0, order_key = 0 " REPLAY_OF,
    [WH_SQL_REPLAY_WAITING] =
        "SELECT count(*) FROM (SELECT id FROM delivery WHERE " WAITING
        " AND due <= %lld LIMIT %lld) AS waiting",

    [WH_SQL_ORPHAN_USAGE] = "SELECT count(*) FROM webhook_usage "
                            "WHERE webhook_id NOT IN (SELECT id FROM webhook)",
    [WH_SQL_ORPHAN_PENDING] = "SELECT count(*) FROM delivery WHERE state = 0 "
                              "AND webhook_id NOT IN (SELECT id FROM webhook)",
    [WH_SQL_ORPHAN_DELIVERIES] =
        "SELECT count(*) FROM delivery WHERE NOT EXISTS "
        "(SELECT 1 FROM event WHERE event.id = delivery.event_id)",
    /* Deliveries are swept by their age: those before the oldest are gone,
     * and an attempt that was made late is still there. */
    [WH_SQL_ORPHAN_ATTEMPTS] =
        "SELECT count(*) FROM attempt WHERE delivery_id > "
        "(SELECT min(id) FROM delivery) AND NOT EXISTS "
        "(SELECT 1 FROM delivery WHERE delivery.id = attempt.delivery_id)",
    [WH_SQL_ORPHAN_TOKENS] = "SELECT count(*) FROM token WHERE app_id <> 0 "
                             "AND app_id NOT IN (SELECT id FROM app)",
    [WH_SQL_STRANDED] =
        "SELECT count(*) FROM delivery d WHERE d.state = 0 AND "
        "((d.owner > 0 AND d.owner NOT IN (SELECT id FROM node)) OR "
        "(d.owner = -1 AND NOT EXISTS (SELECT 1 FROM delivery e "
        "WHERE e.webhook_id = d.webhook_id AND e.order_key = d.order_key "
        "AND e.order_key <> 0 AND e.state = 0 AND e.id < d.id)))",

    /* A text that is NULL asks for all contexts. */
    [WH_SQL_TOKEN_INSERT] =
        "INSERT INTO token (id, hash, kind, context, owner, associate_id, "
        "app_id, scopes, created, expires) VALUES "
        "(%lld, %s, %lld, %s, %s, %lld, %lld, %lld, %lld, %lld) "
        "ON CONFLICT DO NOTHING",
    [WH_SQL_TOKEN_FIND] = "SELECT " TOKEN_COLUMNS "WHERE hash = %s",
    [WH_SQL_TOKEN_LIST] =
        "SELECT " TOKEN_COLUMNS "WHERE (%s IS NULL OR context = %s) "
        "AND id > %lld ORDER BY id LIMIT 500",
    [WH_SQL_TOKEN_DELETE] =
        "DELETE FROM token WHERE id = %lld AND (%s IS NULL OR context = %s)",
    [WH_SQL_TOKEN_DELETE_OF_APP] = "DELETE FROM token WHERE app_id = %lld",
    [WH_SQL_TOKEN_EXTEND] =
        "UPDATE token SET expires = CASE WHEN expires > 0 AND expires < %lld "
        "THEN %lld ELSE expires END WHERE id = %lld",
    [WH_SQL_TOKEN_SWEEP] =
        "DELETE FROM token WHERE id IN (SELECT id FROM token "
        "WHERE expires > 0 AND expires < %lld ORDER BY expires LIMIT 500)",
    [WH_SQL_APP_INSERT] =
        "INSERT INTO app (id, hash, context, name, webhook_access, created) "
        "VALUES (%lld, %s, %s, %s, %lld, %lld) ON CONFLICT DO NOTHING",
    [WH_SQL_APP_FIND] = "SELECT " APP_COLUMNS "WHERE hash = %s",
    [WH_SQL_APP_GET] = "SELECT " APP_COLUMNS "WHERE id = %lld",
    [WH_SQL_APP_LIST] =
        "SELECT " APP_COLUMNS "WHERE (%s IS NULL OR context = %s) "
        "AND id > %lld ORDER BY id LIMIT 500",
    [WH_SQL_APP_DELETE] =
        "DELETE FROM app WHERE id = %lld AND (%s IS NULL OR context = %s)",
    [WH_SQL_SECRET_INSERT] = "INSERT INTO secret (name, value) VALUES (%s, %s) "
                             "ON CONFLICT DO NOTHING",
    [WH_SQL_SECRET_GET] = "SELECT value FROM secret WHERE name = %s",
};

const char *wh_statement_text(wh_statement_t statement)
{
    return texts[statement];
}
