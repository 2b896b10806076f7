/* SPDX-License-Identifier: Apache-2.0 */
/* Webhooks in the database. */
#include "model/webhook.h"

#include "store/delivery_store.h"
#include "unit/store/fixture.h"

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
                            .app_id = APR_INT64_C(5000000000),
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
    is_int(got->version, want->version, "version");
    is_int(got->app_id, want->app_id, "application");
}

static apr_int64_t generation(void)
{
    apr_int64_t value = -1;

    is_int(wh_store_generation(&value, NULL, store), APR_SUCCESS,
           "the generation");
    return value;
}

static void test_insert(void)
{
    apr_int64_t before = generation();
    wh_webhook_t webhook = sample("tenant"), *got;

    is_int(wh_store_webhook_insert(store, &webhook), APR_SUCCESS, "insert");
    is_int(webhook.id, 1, "sets the id");
    is_int(webhook.version, 1, "and the first version");
    is_int(generation(), before + 1, "is a change");
    is_int(wh_store_webhook_get(&got, store, "tenant", 1, pool), APR_SUCCESS,
           "get");
    check_same(got, &webhook);
    is_int(got->total_calls + got->total_errors + got->consecutive_errors, 0,
           "nothing is counted yet");
    is_str(got->last_error, NULL, "no error yet");
}

/* What the dispatcher reads. */
static void test_snapshot(void)
{
    wh_webhook_t webhook = sample("snapshot");
    apr_array_header_t *list;
    const wh_webhook_t *got;

    wh_store_webhook_insert(store, &webhook);
    wh_db_execute(&outside,
                  apr_psprintf(pool,
                               "UPDATE webhook_usage SET total_calls = 3, "
                               "last_error = 'e' WHERE webhook_id = %d",
                               webhook.id));
    is_int(wh_store_webhook_snapshot(&list, store, pool), APR_SUCCESS,
           "the snapshot");
    is_int(list->nelts, number("SELECT count(*) FROM webhook"),
           "has the webhooks of all contexts");
    got = APR_ARRAY_IDX(list, list->nelts - 1, wh_webhook_t *);
    webhook.error_associates = NULL;
    webhook.description = NULL;
    check_same(got, &webhook);
    is_str(got->last_error, NULL, "no last error");
    is_int(got->total_calls, 3, "but the other counters");
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
    is_int(got->version, 2, "a new version");
    webhook.registered = 1;
    webhook.registered_id = 99;
    webhook.registered_by = "forged";
    webhook.app_id = 99;
    webhook.total_calls = webhook.total_errors = 0;
    wh_store_webhook_update(store, &webhook, 0);
    wh_store_webhook_get(&got, store, "tenant", 1, pool);
    is_str(got->registered_by, "tje0", "who registered it stays");
    is_int(got->registered_id, 5, "with the id");
    is_int(got->registered, sample("").registered, "and the time");
    is_int(got->app_id, sample("").app_id, "and the application");
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

/* Two people have read the same version. */
static void test_version(void)
{
    wh_webhook_t first = sample("version"), second, *got;
    apr_int64_t before;

    wh_store_webhook_insert(store, &first);
    second = first;
    first.name = "first";
    second.name = "second";
    is_int(wh_store_webhook_update(store, &first, 1), APR_SUCCESS,
           "who is first saves");
    is_int(first.version, 2, "and gets the new version");
    before = generation();
    is_int(wh_store_webhook_update(store, &second, 1), WH_STORE_CHANGED,
           "who is second is told");
    is_int(second.version, 1, "and has no new version");
    is_int(wh_store_webhook_delete(store, "version", first.id, 1),
           WH_STORE_CHANGED, "likewise who deletes");
    is_int(generation(), before, "neither is a change");
    wh_store_webhook_get(&got, store, "version", first.id, pool);
    is_str(got->name, "first", "nothing is lost");
    is_int(got->version, 2, "in this version");
    is_int(wh_store_webhook_update(store, &second, 2), APR_SUCCESS,
           "who has read that can save");
    is_int(wh_store_webhook_update(store, &second, 0), APR_SUCCESS,
           "so can who does not mind");
    is_int(second.version, 4, "each is a version");
    is_int(wh_store_webhook_delete(store, "other", first.id, 4), APR_ENOENT,
           "another context is not told of versions");
    second.context = "other";
    is_int(wh_store_webhook_update(store, &second, 1), APR_ENOENT,
           "by a save neither");
    is_int(wh_store_webhook_delete(store, "version", first.id, 4), APR_SUCCESS,
           "the right version is deleted");
    second.context = "version";
    is_int(wh_store_webhook_update(store, &second, 4), APR_ENOENT,
           "and then it is gone");
}

static const char *usage(apr_int32_t id)
{
    return text(apr_psprintf(
        pool,
        "SELECT total_calls || '|' || total_errors || '|' || "
        "consecutive_errors || '|' || last_error || '|' || failing_since "
        "FROM webhook_usage WHERE webhook_id = %d",
        id));
}

static void test_activate(void)
{
    wh_webhook_t webhook = sample("activate");

    wh_store_webhook_insert(store, &webhook);
    wh_db_execute(&outside, "UPDATE webhook_usage SET total_calls = 9, "
                            "total_errors = 8, consecutive_errors = 7, "
                            "last_error = 'e', failing_since = 6");
    wh_store_webhook_update(store, &webhook, 0);
    is_str(usage(webhook.id), "9|8|7|e|6", "active before: errors count on");
    webhook.state = WH_STATE_TOO_MANY_ERRORS;
    wh_store_webhook_update(store, &webhook, 0);
    is_str(usage(webhook.id), "9|8|7|e|6", "disabled: they stay");
    webhook.state = WH_STATE_ACTIVE;
    wh_store_webhook_update(store, &webhook, 0);
    is_str(usage(webhook.id), "9|8|0|e|0", "active again: from 0 on");
    is_int(number("SELECT count(*) FROM webhook_usage "
                  "WHERE consecutive_errors = 7"),
           number("SELECT count(*) FROM webhook_usage") - 1,
           "those of others are left alone");
}

static int count(const char *context)
{
    return (int)number(apr_psprintf(
        pool, "SELECT count(*) FROM webhook WHERE context = '%s'", context));
}

/* COMMIT fails and takes place all the same: the work is done once more. */
static void test_lost_commit(void)
{
    wh_webhook_t webhook = sample("lost"), *got;
    apr_int64_t before = generation();

    lost_commits = 1;
    is_int(wh_store_webhook_insert(store, &webhook), APR_SUCCESS,
           "a new webhook whose COMMIT was not answered");
    is_int(count("lost"), 1, "is stored once");
    is_int(wh_store_webhook_get(&got, store, "lost", webhook.id, pool),
           APR_SUCCESS, "under the id that is told");
    webhook.name = "changed";
    lost_commits = 1;
    is_int(wh_store_webhook_update(store, &webhook, 1), APR_SUCCESS,
           "a change");
    is_int(webhook.version, 2, "is one version");
    wh_store_webhook_get(&got, store, "lost", webhook.id, pool);
    check_same(got, &webhook);
    webhook.name = "again";
    lost_commits = 1;
    wh_store_webhook_update(store, &webhook, 0);
    is_int(webhook.version, 3, "also without an expected one");
    is_int(generation(), before + 3, "each a change");
    lost_commits = 1;
    is_int(wh_store_webhook_delete(store, "lost", webhook.id, 3), APR_SUCCESS,
           "a deleted webhook was there");
    lost_commits = 2;
    webhook.id = 0;
    is_int(wh_store_webhook_insert(store, &webhook), WH_STORE_UNKNOWN,
           "twice not answered: nobody knows");
    is_int(webhook.id, 0, "and no id is told");
    is_int(count("lost"), 1, "it is there once all the same");
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
    test_snapshot();
    test_nulls();
    test_contexts();
    test_update();
    test_delete();
    test_version();
    test_activate();
    test_lost_commit();
    test_many();
    end();
    return done_testing();
}
