/* SPDX-License-Identifier: Apache-2.0 */
/* How many webhooks the database takes, and how long ones. */
#include <stddef.h>

#include "model/webhook.h"
#include "store/delivery_store.h"
#include "unit/store/fixture.h"

/* Bytes of the texts of a small one: "webhook" and six of one letter. */
#define SMALL 13

static wh_webhook_t small(void)
{
    wh_webhook_t webhook = {.context = "c",
                            .name = "n",
                            .events = "e",
                            .target_url = "t",
                            .state = WH_STATE_ACTIVE,
                            .type = "webhook",
                            .registered_by = "r",
                            .updated_by = "u"};

    return webhook;
}

/* A text of so many bytes, of letters of two where that goes up. */
static const char *sized(int length)
{
    char *text = apr_pcalloc(pool, (apr_size_t)length + 1);
    int i;

    for (i = 0; i + 1 < length; i += 2) {
        memcpy(text + i, "\303\245", 2);
    }
    if (i < length) {
        text[i] = 'x';
    }
    return text;
}

static void limit(int webhooks, apr_int64_t bytes)
{
    settings.webhook_limit = webhooks;
    settings.webhook_bytes = bytes;
}

static apr_int64_t stored(void)
{
    return number("SELECT count(*) FROM webhook");
}

static apr_int64_t generation(void)
{
    return number("SELECT value FROM meta WHERE name = 'generation'");
}

static void remove_all(void)
{
    wh_db_execute(&outside, "DELETE FROM webhook");
    wh_db_execute(&outside, "DELETE FROM webhook_usage");
}

static void test_none(void)
{
    wh_webhook_t webhook = small();

    limit(0, 0);
    webhook.properties = sized(2000000);
    is_int(wh_store_webhook_insert(store, &webhook), APR_SUCCESS,
           "without a bound anything is stored");
    remove_all();
}

static void test_number(void)
{
    wh_webhook_t first = small(), second = small(), third = small();
    apr_int64_t before;

    limit(2, 0);
    second.context = "other";
    is_int(wh_store_webhook_insert(store, &first), APR_SUCCESS, "one of two");
    is_int(wh_store_webhook_insert(store, &second), APR_SUCCESS,
           "two of two, another context");
    before = generation();
    is_int(wh_store_webhook_insert(store, &third), WH_STORE_FULL,
           "a third is refused");
    is_int(third.id, 0, "and gets no id");
    is_int(stored(), 2, "it is not stored");
    is_int(generation(), before, "nothing has changed");
    first.description = sized(5000);
    is_int(wh_store_webhook_update(store, &first, 0), APR_SUCCESS,
           "those that are there may grow");
    limit(1, 0);
    first.description = sized(6000);
    is_int(wh_store_webhook_update(store, &first, 0), APR_SUCCESS,
           "also if they are too many");
    limit(2, 0);
    is_int(wh_store_webhook_delete(store, "other", second.id, 0), APR_SUCCESS,
           "one goes");
    is_int(wh_store_webhook_insert(store, &third), APR_SUCCESS,
           "and makes room");
    is_int(third.id, second.id + 1, "no id is lost");
    remove_all();
}

/* Each text counts, with what is to be stored and with what is. */
static void test_texts(void)
{
    static const apr_size_t texts[] = {
        offsetof(wh_webhook_t, context),
        offsetof(wh_webhook_t, name),
        offsetof(wh_webhook_t, events),
        offsetof(wh_webhook_t, target_url),
        offsetof(wh_webhook_t, secret),
        offsetof(wh_webhook_t, type),
        offsetof(wh_webhook_t, headers),
        offsetof(wh_webhook_t, properties),
        offsetof(wh_webhook_t, registered_by),
        offsetof(wh_webhook_t, updated_by),
        offsetof(wh_webhook_t, error_emails),
        offsetof(wh_webhook_t, error_associates),
        offsetof(wh_webhook_t, description),
    };
    apr_size_t i;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        wh_webhook_t webhook = small(), other = small();
        const char **text = (const char **)((char *)&webhook + texts[i]);
        apr_int64_t bytes = SMALL - (*text ? (int)strlen(*text) : 0) + 101;

        *text = sized(101);
        limit(0, bytes - 1);
        is_int(wh_store_webhook_insert(store, &webhook), WH_STORE_FULL,
               "text %d: one byte too much", (int)i);
        limit(0, bytes);
        is_int(wh_store_webhook_insert(store, &webhook), APR_SUCCESS,
               "it fits");
        limit(0, bytes + SMALL - 1);
        is_int(wh_store_webhook_insert(store, &other), WH_STORE_FULL,
               "beside it there is not enough for another one");
        limit(0, bytes + SMALL);
        is_int(wh_store_webhook_insert(store, &other), APR_SUCCESS,
               "beside it another one fits");
        remove_all();
    }
}

static void test_update(void)
{
    wh_webhook_t webhook = small(), other = small(), *got;
    apr_int64_t before;

    limit(0, SMALL + SMALL + 100);
    wh_store_webhook_insert(store, &other);
    webhook.headers = sized(90);
    wh_store_webhook_insert(store, &webhook);
    webhook.headers = sized(100);
    is_int(wh_store_webhook_update(store, &webhook, 0), APR_SUCCESS,
           "it grows to what there is");
    before = generation();
    webhook.headers = sized(101);
    is_int(wh_store_webhook_update(store, &webhook, webhook.version),
           WH_STORE_FULL, "not by one byte more");
    is_int(webhook.version, 2, "it is the same version");
    is_int(generation(), before, "nothing has changed");
    wh_store_webhook_get(&got, store, "c", webhook.id, pool);
    is_str(got->headers, sized(100), "nor its text");
    is_int(wh_store_webhook_update(store, &webhook, 1), WH_STORE_CHANGED,
           "an old version is told first");
    webhook.headers = NULL;
    webhook.properties = sized(100);
    is_int(wh_store_webhook_update(store, &webhook, 0), APR_SUCCESS,
           "one text for another");
    webhook.updated_by = "longer";
    webhook.properties = sized(96);
    is_int(wh_store_webhook_update(store, &webhook, 0), APR_SUCCESS,
           "shorter, by a longer name");
    webhook.updated_by = "r";
    webhook.properties = sized(100);
    is_int(wh_store_webhook_update(store, &webhook, 0), APR_SUCCESS,
           "a shorter name makes room");
    remove_all();
}

/* As after the limit was made lower. */
static void test_over_full(void)
{
    wh_webhook_t webhook = small();

    limit(0, 0);
    webhook.description = sized(200);
    wh_store_webhook_insert(store, &webhook);
    limit(1, 100);
    webhook.state = WH_STATE_STOPPED;
    webhook.updated_by = "somebody with a longer name";
    is_int(wh_store_webhook_update(store, &webhook, 0), APR_SUCCESS,
           "one that is too long can be stopped");
    webhook.description = sized(150);
    is_int(wh_store_webhook_update(store, &webhook, 0), APR_SUCCESS,
           "and made shorter");
    webhook.description = sized(151);
    is_int(wh_store_webhook_update(store, &webhook, 0), WH_STORE_FULL,
           "not longer");
    is_int(wh_store_webhook_delete(store, "c", webhook.id, 0), APR_SUCCESS,
           "and deleted");
}

/* The second run finds what the first has stored, and not that it is full. */
static void test_lost_commit(void)
{
    wh_webhook_t webhook = small();

    limit(1, SMALL + 10);
    lost_commits = 1;
    is_int(wh_store_webhook_insert(store, &webhook), APR_SUCCESS,
           "the last one that fits, its COMMIT not answered");
    webhook.description = sized(10);
    lost_commits = 1;
    is_int(wh_store_webhook_update(store, &webhook, 0), APR_SUCCESS,
           "its growth as well");
    is_int(stored(), 1, "it is stored once");
    remove_all();
}

int main(void)
{
    if (!begin()) {
        return 1;
    }
    test_none();
    test_number();
    test_texts();
    test_update();
    test_over_full();
    test_lost_commit();
    end();
    return done_testing();
}
