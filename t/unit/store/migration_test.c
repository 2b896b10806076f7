/* SPDX-License-Identifier: Apache-2.0 */
/* A database of an earlier version is taken over with what is in it. */
#include "store/migration.h"

#include "model/webhook.h"
#include "store/token_store.h"
#include "unit/store/fixture.h"

/* What a program that knew the first steps only has made. */
static void make_database(int version)
{
    const char *const *sql;
    apr_status_t rv = wh_db_open(&outside);
    int step;

    if (rv == APR_SUCCESS) {
        rv = wh_db_execute(&outside, "CREATE TABLE meta (name TEXT NOT NULL "
                                     "PRIMARY KEY, value BIGINT NOT NULL)");
    }
    for (step = 1; rv == APR_SUCCESS && step <= version; step++) {
        for (sql = wh_migration_statements(step); rv == APR_SUCCESS && *sql;
             sql++) {
            rv = wh_db_execute(&outside, *sql);
        }
    }
    if (rv == APR_SUCCESS) {
        rv = wh_db_execute(
            &outside,
            apr_psprintf(pool, "INSERT INTO meta VALUES ('schema', %d)",
                         version));
    }
    is_int(rv, APR_SUCCESS, "a database of version %d", version);
}

static void fill(void)
{
    wh_db_execute(&outside,
                  "INSERT INTO webhook (id, context, name, events, "
                  "target_url, state, type, registered, updated, "
                  "registered_id, updated_id, notify_via, notify_when) VALUES "
                  "(7, 'tenant', 'old', 'a,b', 'https://receiver.example/', "
                  "1, 'webhook', 11, 12, 13, 14, 3, 2)");
    wh_db_execute(&outside,
                  "INSERT INTO webhook_usage VALUES (7, 4, 3, 2, 'e', 99)");
    wh_db_execute(&outside, "UPDATE meta SET value = 7 "
                            "WHERE name = 'last_webhook_id'");
    wh_db_execute(&outside, "UPDATE meta SET value = 55 "
                            "WHERE name = 'generation'");
    wh_db_execute(&outside, "INSERT INTO event (id, uuid, context, name, "
                            "primary_key, associate_id, time, data, size) "
                            "VALUES (100, 'u', 'tenant', 'a', 1, 2, 3, '{}', "
                            "2)");
    wh_db_execute(&outside, "INSERT INTO delivery (id, event_id, webhook_id, "
                            "state, attempts, due, owner, body) VALUES "
                            "(101, 100, 7, 0, 1, 5, 0, 'body')");
    wh_db_execute(&outside, "INSERT INTO attempt VALUES (102, 101, 1, 4, 5, "
                            "500, 'status', NULL, 'answer')");
}

static void test_webhook(void)
{
    wh_webhook_t *webhook = NULL;

    is_int(wh_store_webhook_get(&webhook, store, "tenant", 7, pool),
           APR_SUCCESS, "a webhook of before");
    if (!webhook) {
        return;
    }
    is_str(webhook->name, "old", "is as it was");
    is_int(webhook->registered, 11, "from the first");
    is_int(webhook->notify_when, 2, "to the last column");
    is_int(webhook->consecutive_errors, 2, "with its counters");
    is_int(webhook->version, 1, "it has a version");
    is_int(webhook->app_id, 0, "no application registered it");
    webhook->name = "new";
    is_int(wh_store_webhook_update(store, webhook, 1), APR_SUCCESS,
           "it can be changed");
    is_int(webhook->version, 2, "to another version");
}

static void test_rest(void)
{
    wh_webhook_t webhook = {.context = "tenant",
                            .name = "w",
                            .events = "",
                            .target_url = "",
                            .type = "webhook"};
    wh_token_t token = {.context = "tenant", .owner = "o"};

    is_str(text("SELECT state || '|' || due || '|' || body FROM delivery "
                "WHERE id = 101"),
           "0|5|body", "deliveries wait on");
    is_str(text("SELECT answer FROM attempt WHERE id = 102"), "answer",
           "attempts are known");
    is_int(number("SELECT value FROM meta WHERE name = 'schema'"),
           WH_SCHEMA_VERSION, "the version is that of this code");
    wh_store_webhook_insert(store, &webhook);
    is_int(webhook.id, 8, "ids go on");
    is_int(number("SELECT value FROM meta WHERE name = 'generation'"), 57,
           "so does the generation");
    is_int(wh_store_token_insert(store, &token, "h"), APR_SUCCESS,
           "there is room for tokens");
    is_int(token.id, 1, "from the first");
    is_int(number("SELECT value FROM meta WHERE name = 'replays'"), 0,
           "no replay has been");
    is_str(text("PRAGMA integrity_check"), "ok", "the database is in order");
}

int main(void)
{
    if (!begin_directory()) {
        return 1;
    }
    make_database(1);
    fill();
    wh_db_close(&outside);
    if (!begin_store()) {
        return 1;
    }
    test_webhook();
    test_rest();
    end();
    return done_testing();
}
