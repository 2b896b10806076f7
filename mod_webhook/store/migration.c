/* SPDX-License-Identifier: Apache-2.0 */
#include "store/migration.h"

#include <stddef.h>

/* Only text and 64-bit columns: what apr_dbd carries alike on every driver.
 * Times are microseconds since 1970, UTC. */
static const char *const step_1[] = {
    "CREATE TABLE webhook ("
    "id INTEGER PRIMARY KEY, context TEXT NOT NULL, "
    "name TEXT NOT NULL, events TEXT NOT NULL, target_url TEXT NOT NULL, "
    "secret TEXT, state BIGINT NOT NULL, type TEXT NOT NULL, headers TEXT, "
    "properties TEXT, registered BIGINT NOT NULL, updated BIGINT NOT NULL, "
    "registered_id BIGINT NOT NULL, registered_by TEXT, "
    "updated_id BIGINT NOT NULL, updated_by TEXT, error_emails TEXT, "
    "error_associates TEXT, description TEXT, notify_via BIGINT NOT NULL, "
    "notify_when BIGINT NOT NULL)",
    "CREATE INDEX webhook_context ON webhook (context, id)",
    "CREATE TABLE webhook_usage ("
    "webhook_id INTEGER PRIMARY KEY, total_calls BIGINT NOT NULL, "
    "total_errors BIGINT NOT NULL, consecutive_errors BIGINT NOT NULL, "
    "last_error TEXT, failing_since BIGINT NOT NULL)",
    "CREATE TABLE event ("
    "id INTEGER PRIMARY KEY, uuid TEXT NOT NULL UNIQUE, "
    "context TEXT NOT NULL, name TEXT NOT NULL, "
    "primary_key BIGINT NOT NULL, associate_id BIGINT NOT NULL, "
    "time BIGINT NOT NULL, data TEXT NOT NULL, size BIGINT NOT NULL, "
    "idempotency TEXT)",
    "CREATE UNIQUE INDEX event_idempotency ON event (idempotency) "
    "WHERE idempotency IS NOT NULL",
    "CREATE TABLE delivery ("
    "id INTEGER PRIMARY KEY, event_id BIGINT NOT NULL, "
    "webhook_id BIGINT NOT NULL, state BIGINT NOT NULL, "
    "attempts BIGINT NOT NULL, due BIGINT NOT NULL, owner BIGINT NOT NULL, "
    "body TEXT)",
    "CREATE INDEX delivery_pending ON delivery (owner, webhook_id, due, id) "
    "WHERE state = 0",
    "CREATE TABLE attempt ("
    "id INTEGER PRIMARY KEY, delivery_id BIGINT NOT NULL, "
    "number BIGINT NOT NULL, started BIGINT NOT NULL, "
    "duration BIGINT NOT NULL, status BIGINT NOT NULL, error TEXT, "
    "address TEXT, answer TEXT)",
    "CREATE TABLE node (id INTEGER PRIMARY KEY, heartbeat BIGINT NOT NULL)",
    "INSERT INTO meta (name, value) VALUES ('generation', 1)",
    "INSERT INTO meta (name, value) VALUES ('last_webhook_id', 0)",
    NULL,
};

/* Credentials are stored as hashes alone; the secrets are those that the
 * installation itself makes its own values with. */
static const char *const step_2[] = {
    "ALTER TABLE webhook ADD COLUMN version BIGINT NOT NULL DEFAULT 1",
    "ALTER TABLE webhook ADD COLUMN app_id BIGINT NOT NULL DEFAULT 0",
    "CREATE TABLE token ("
    "id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, "
    "kind BIGINT NOT NULL, context TEXT NOT NULL, owner TEXT NOT NULL, "
    "associate_id BIGINT NOT NULL, app_id BIGINT NOT NULL, "
    "scopes BIGINT NOT NULL, created BIGINT NOT NULL, "
    "expires BIGINT NOT NULL)",
    "CREATE INDEX token_expires ON token (expires) WHERE expires > 0",
    "CREATE TABLE app ("
    "id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, "
    "context TEXT NOT NULL, name TEXT NOT NULL, "
    "webhook_access BIGINT NOT NULL, created BIGINT NOT NULL, "
    "UNIQUE (context, name))",
    "CREATE TABLE secret (name TEXT NOT NULL PRIMARY KEY, "
    "value TEXT NOT NULL)",
    "INSERT INTO meta (name, value) VALUES ('last_token_id', 0)",
    "INSERT INTO meta (name, value) VALUES ('last_app_id', 0)",
    "INSERT INTO meta (name, value) VALUES ('replays', 0)",
    NULL,
};

/* Deliveries of one webhook that have the same order key go one after the
 * other: all but the first are blocked, owner -1. Attempts are asked for by their
 * delivery. A webhook has one open replay at a time (states below 2). */
static const char *const step_3[] = {
    "ALTER TABLE delivery ADD COLUMN order_key BIGINT NOT NULL DEFAULT 0",
    "CREATE INDEX delivery_order ON delivery (webhook_id, order_key, id) "
    "WHERE state = 0 AND order_key <> 0",
    "ALTER TABLE attempt ADD COLUMN told TEXT",
    "CREATE INDEX attempt_delivery ON attempt (delivery_id)",
    "CREATE TABLE replay ("
    "id INTEGER PRIMARY KEY, webhook_id BIGINT NOT NULL, "
    "context TEXT NOT NULL, from_time BIGINT NOT NULL, "
    "to_time BIGINT NOT NULL, only_failed BIGINT NOT NULL, "
    "low_id BIGINT NOT NULL, high_id BIGINT NOT NULL, "
    "at_id BIGINT NOT NULL, state BIGINT NOT NULL, total BIGINT NOT NULL, "
    "done BIGINT NOT NULL, created BIGINT NOT NULL, "
    "created_by TEXT NOT NULL, updated BIGINT NOT NULL)",
    "CREATE UNIQUE INDEX replay_open ON replay (webhook_id) WHERE state < 2",
    "CREATE INDEX replay_webhook ON replay (webhook_id, id)",
    "INSERT INTO meta (name, value) VALUES ('last_replay_id', 0)",
    NULL,
};

/* A receiver's "Retry-After" for the whole webhook outlives the dispatcher. */
static const char *const step_4[] = {
    "ALTER TABLE webhook_usage ADD COLUMN paused_until BIGINT NOT NULL "
    "DEFAULT 0",
    "INSERT INTO meta (name, value) VALUES ('clock_back', 0)",
    NULL,
};

static const char *const *const steps[WH_SCHEMA_VERSION] = {step_1, step_2,
                                                            step_3, step_4};

const char *const *wh_migration_statements(int number)
{
    return steps[number - 1];
}
