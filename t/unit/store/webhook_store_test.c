/* SPDX-License-Identifier: Apache-2.0 */
/* Webhooks in the database. */
#include <apr_dbd.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/settings.h"
#include "model/webhook.h"
#include "store/db.h"
#include "store/delivery_store.h"
#include "unit/tap.h"

static apr_pool_t *pool;
static char directory[] = "/tmp/webhook-test-XXXXXX";
static wh_settings_t settings = {.database_driver = "sqlite3",
                                 .state_dir = directory};
static wh_store_t *store;
static wh_db_t outside; /* a second connection, to look at the rows */

static int begin(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (!mkdtemp(directory) || apr_dbd_init(pool) != APR_SUCCESS) {
        return 0;
    }
    settings.database_params = apr_pstrcat(pool, directory, "/test.db", NULL);
    outside.pool = pool;
    outside.driver_name = settings.database_driver;
    outside.params = settings.database_params;
    return wh_store_create(&store, &settings) == APR_SUCCESS &&
           wh_store_open(store) == APR_SUCCESS &&
           wh_db_open(&outside) == APR_SUCCESS;
}

static void end(void)
{
    wh_db_close(&outside);
    wh_store_destroy(store);
    unlink(settings.database_params);
    unlink(apr_pstrcat(pool, directory, "/test.db.lock", NULL));
    ok(rmdir(directory) == 0, "nothing else is left in the directory");
    apr_terminate();
}

/* First column of the first row, -1: no row. */
static apr_int64_t number(const char *sql)
{
    wh_rows_t rows;

    if (wh_db_query(&rows, &outside, sql) != APR_SUCCESS ||
        !wh_rows_next(&rows)) {
        return -1;
    }
    return wh_rows_int64(&rows, 0);
}

static wh_webhook_t sample(const char *context)
{
    wh_webhook_t webhook = {.context = context,
                            .name = "My \303\245 'hook'; --",
                            .events = "contact.created,sale.changed",
                            .target_url = "https://receiver.example/a?b=%20",
                            .secret = "s3cret \"\\",
                            .state = WH_STATE_ACTIVE,
                            .type = "webhook",
                            .headers = "{\"X-A\":\"b\"}",
                            .properties = "{\"p\":[1,null]}",
                            .registered = APR_INT64_C(1767323045678900),
                            .updated = APR_INT64_C(1767323045678901),
                            .registered_id = 5,
                            .registered_by = "tje0",
                            .updated_id = -6,
                            .updated_by = "other",
                            .error_emails = "[\"a@b.example\"]",
                            .error_associates = "[1,2]",
                            .description = "line\nline",
                            .notify_via = 3,
                            .notify_when = 2};

    return webhook;
}

static void check_same(const wh_webhook_t *got, const wh_webhook_t *want)
{
    is_int(got->id, want->id, "id");
    is_str(got->context, want->context, "context");
    is_str(got->name, want->name, "name");
    is_str(got->events, want->events, "events");
    is_str(got->target_url, want->target_url, "target");
    is_str(got->secret, want->secret, "secret");
    is_int(got->state, want->state, "state");
    is_str(got->type, want->type, "type");
    is_str(got->headers, want->headers, "headers");
    is_str(got->properties, want->properties, "properties");
    is_int(got->registered, want->registered, "registered");
    is_int(got->updated, want->updated, "updated");
    is_int(got->registered_id, want->registered_id, "registered id");
    is_str(got->registered_by, want->registered_by, "registered by");
    is_int(got->updated_id, want->updated_id, "updated id");
    is_str(got->updated_by, want->updated_by, "updated by");
    is_str(got->error_emails, want->error_emails, "e-mail addresses");
    is_str(got->error_associates, want->error_associates, "associates");
    is_str(got->description, want->description, "description");
    is_int(got->notify_via, want->notify_via, "notify via");
    is_int(got->notify_when, want->notify_when, "notify when");
}

static apr_int64_t generation(void)
{
    apr_int64_t value = -1;

    is_int(wh_store_generation(&value, store), APR_SUCCESS, "the generation");
    return value;
}

static void test_insert(void)
{
    apr_int64_t before = generation();
    wh_webhook_t webhook = sample("tenant"), *got;

    is_int(wh_store_webhook_insert(store, &webhook), APR_SUCCESS, "insert");
    is_int(webhook.id, 1, "sets the id");
    is_int(generation(), before + 1, "is a change");
    is_int(wh_store_webhook_get(&got, store, "tenant", 1, pool), APR_SUCCESS,
           "get");
    check_same(got, &webhook);
    is_int(got->total_calls + got->total_errors + got->consecutive_errors, 0,
           "nothing is counted yet");
    is_str(got->last_error, NULL, "no error yet");
}

static void test_nulls(void)
{
    wh_webhook_t webhook = {.context = "",
                            .name = "",
                            .events = "",
                            .target_url = "",
                            .type = "webhook"};
    wh_webhook_t *got;

    is_int(wh_store_webhook_insert(store, &webhook), APR_SUCCESS,
           "as little as can be");
    wh_store_webhook_get(&got, store, "", webhook.id, pool);
    check_same(got, &webhook);
}

static void test_contexts(void)
{
    wh_webhook_t webhook = sample("a"), *got;
    apr_array_header_t *list;
    apr_int32_t id;

    wh_store_webhook_insert(store, &webhook);
    id = webhook.id;
    is_int(wh_store_webhook_get(&got, store, "b", id, pool), APR_ENOENT,
           "another context does not see it");
    ok(!got, "and gets nothing");
    is_int(wh_store_webhook_get(&got, store, "A", id, pool), APR_ENOENT,
           "nor one that differs in case");
    webhook.context = "b";
    webhook.name = "stolen";
    is_int(wh_store_webhook_update(store, &webhook, 0), APR_ENOENT,
           "cannot change it");
    is_int(wh_store_webhook_delete(store, "b", id, 0), APR_ENOENT,
           "cannot delete it");
    is_int(wh_store_webhook_list(&list, store, "b", pool), APR_SUCCESS,
           "lists");
    is_int(list->nelts, 0, "nothing");
    is_int(wh_store_webhook_list(&list, store, "a", pool), APR_SUCCESS,
           "its own context lists");
    is_int(list->nelts, 1, "it alone");
    is_str(APR_ARRAY_IDX(list, 0, wh_webhook_t *)->name,
           "My \303\245 'hook'; --", "as it was");
}

static void test_update(void)
{
    wh_webhook_t webhook = sample("tenant"), *got;
    apr_int64_t before;

    wh_db_execute(&outside, "UPDATE webhook_usage SET total_calls = 4, "
                            "total_errors = 3, consecutive_errors = 2, "
                            "last_error = 'e' WHERE webhook_id = 1");
    before = generation();
    webhook.id = 1;
    webhook.name = "renamed";
    webhook.state = WH_STATE_STOPPED;
    webhook.secret = NULL;
    webhook.headers = NULL;
    webhook.updated += 10;
    webhook.updated_by = NULL;
    is_int(wh_store_webhook_update(store, &webhook, 0), APR_SUCCESS, "update");
    is_int(generation(), before + 1, "is a change");
    wh_store_webhook_get(&got, store, "tenant", 1, pool);
    check_same(got, &webhook);
    webhook.registered = 1;
    webhook.registered_id = 99;
    webhook.registered_by = "forged";
    webhook.total_calls = webhook.total_errors = 0;
    wh_store_webhook_update(store, &webhook, 0);
    wh_store_webhook_get(&got, store, "tenant", 1, pool);
    is_str(got->registered_by, "tje0", "who registered it stays");
    is_int(got->registered_id, 5, "with the id");
    is_int(got->registered, sample("").registered, "and the time");
    ok(got->total_calls == 4 && got->total_errors == 3 &&
           got->consecutive_errors == 2,
       "counters stay");
    is_str(got->last_error, "e", "the last error stays");
    before = generation();
    webhook.id = 4711;
    is_int(wh_store_webhook_update(store, &webhook, 0), APR_ENOENT,
           "no such webhook");
    is_int(generation(), before, "no change");
}

static void test_delete(void)
{
    wh_webhook_t webhook = sample("tenant"), *got;
    apr_int64_t before;
    apr_int32_t last;

    wh_store_webhook_insert(store, &webhook);
    last = webhook.id;
    before = generation();
    is_int(wh_store_webhook_delete(store, "tenant", last, 0), APR_SUCCESS,
           "delete");
    is_int(generation(), before + 1, "is a change");
    is_int(wh_store_webhook_get(&got, store, "tenant", last, pool), APR_ENOENT,
           "it is gone");
    is_int(wh_store_webhook_delete(store, "tenant", last, 0), APR_ENOENT,
           "twice: not there");
    is_int(generation(), before + 1, "no change");
    is_int(number("SELECT count(*) FROM webhook_usage u LEFT JOIN webhook w "
                  "ON w.id = u.webhook_id WHERE w.id IS NULL"),
           0, "its counters are gone");
    wh_store_webhook_insert(store, &webhook);
    is_int(webhook.id, last + 1, "its id is never used again");
    wh_db_execute(&outside, "DELETE FROM webhook");
    wh_store_webhook_insert(store, &webhook);
    is_int(webhook.id, last + 2, "not even when all are gone");
}

/* More than one portion of a select. */
static void test_many(void)
{
    apr_array_header_t *list, *all;
    wh_webhook_t webhook = sample("many");
    int i, unordered = 0;

    wh_db_begin(&outside);
    for (i = 1; i <= 1003; i++) {
        wh_db_execute(
            &outside,
            apr_psprintf(pool,
                         "INSERT INTO webhook SELECT %d, 'many', name, "
                         "events, target_url, secret, state, type, headers, "
                         "properties, registered, updated, registered_id, "
                         "registered_by, updated_id, updated_by, "
                         "error_emails, error_associates, description, "
                         "notify_via, notify_when, version, app_id "
                         "FROM webhook LIMIT 1",
                         1000 + i));
    }
    wh_db_commit(&outside);
    is_int(wh_store_webhook_list(&list, store, "many", pool), APR_SUCCESS,
           "a long list");
    is_int(list->nelts, 1003, "is whole");
    for (i = 0; i < list->nelts; i++) {
        unordered += APR_ARRAY_IDX(list, i, wh_webhook_t *)->id != 1001 + i;
    }
    is_int(unordered, 0, "by id");
    wh_store_webhook_insert(store, &webhook);
    wh_store_webhook_list_all(&all, store, pool);
    is_int(all->nelts, number("SELECT count(*) FROM webhook"),
           "those of all contexts are more");
}

int main(void)
{
    if (!begin()) {
        return 1;
    }
    test_insert();
    test_nulls();
    test_contexts();
    test_update();
    test_delete();
    test_many();
    end();
    return done_testing();
}
