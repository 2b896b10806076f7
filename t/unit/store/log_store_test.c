/* SPDX-License-Identifier: Apache-2.0 */
/* Events, deliveries and attempts, as people look at them. */
#include "store/log_store.h"

#include "unit/store/fixture.h"
#include "unit/store/rows.h"

static const wh_log_filter_t all = {.state = -1}; /* filters nothing */

/* Ids of a list, parted by blanks. */
static const char *events(const wh_log_filter_t *filter)
{
    apr_array_header_t *list;
    const char *ids = "";
    int i;

    if (wh_store_event_list(&list, store, filter, pool) != APR_SUCCESS) {
        return "no list";
    }
    for (i = 0; i < list->nelts; i++) {
        ids = apr_psprintf(pool, "%s%s%" ID, ids, i ? " " : "",
                           APR_ARRAY_IDX(list, i, wh_log_event_t *)->id);
    }
    return ids;
}

static const char *deliveries(const wh_log_filter_t *filter)
{
    apr_array_header_t *list;
    const char *ids = "";
    int i;

    if (wh_store_delivery_list(&list, store, filter, pool) != APR_SUCCESS) {
        return "no list";
    }
    for (i = 0; i < list->nelts; i++) {
        ids = apr_psprintf(pool, "%s%s%" ID, ids, i ? " " : "",
                           APR_ARRAY_IDX(list, i, wh_log_delivery_t *)->id);
    }
    return ids;
}

/* Three events with five deliveries, two contexts, two webhooks. */
static void fill(void)
{
    add_event(100, "a", "contact.created");
    add_delivery(101, 100, 1, WH_DELIVERY_DELIVERED);
    add_delivery(102, 100, 2, WH_DELIVERY_FAILED);
    add_event(200, "b", "contact.created");
    add_delivery(201, 200, 1, WH_DELIVERY_PENDING);
    add_event(300, "a", "Sale.Changed");
    add_delivery(301, 300, 1, WH_DELIVERY_FAILED);
    add_delivery(302, 300, 2, WH_DELIVERY_PENDING);
    add_event(400, "a", "it''s; --");
}

static void test_events(void)
{
    wh_log_filter_t filter = all;

    is_str(events(&filter), "400 300 200 100", "events, newest first");
    filter.limit = 2;
    is_str(events(&filter), "400 300", "so many");
    filter.before = 300;
    is_str(events(&filter), "200 100", "and on from the last");
    filter = all;
    filter.after = 100;
    is_str(events(&filter), "200 300 400", "oldest first");
    filter.limit = 1;
    is_str(events(&filter), "200", "so many");
    filter.limit = 9;
    filter.before = 400;
    is_str(events(&filter), "200 300", "between two");
    filter = all;
    filter.context = "a";
    is_str(events(&filter), "400 300 100", "of a context");
    filter.event_name = "sale.changed";
    is_str(events(&filter), "300", "of a name, in any case");
    filter.context = "b";
    is_str(events(&filter), "", "of both");
    filter = all;
    filter.event_name = "it's; --";
    is_str(events(&filter), "400", "of any name");
    filter = all;
    filter.event_id = 200;
    is_str(events(&filter), "200", "one of them");
    filter.context = "a";
    is_str(events(&filter), "", "if its context is asked for");
    filter = all;
    filter.event_id = -1;
    is_str(events(&filter), "", "no event");
    filter.event_id = APR_INT64_MAX;
    is_str(events(&filter), "", "nor that");
}

static void test_deliveries(void)
{
    wh_log_filter_t filter = all;

    is_str(deliveries(&filter), "302 301 201 102 101",
           "deliveries, newest first");
    filter.limit = 2;
    filter.before = 301;
    is_str(deliveries(&filter), "201 102", "on from the last");
    filter = all;
    filter.after = 101;
    filter.limit = 3;
    is_str(deliveries(&filter), "102 201 301", "oldest first");
    filter = all;
    filter.webhook_id = 2;
    is_str(deliveries(&filter), "302 102", "of a webhook");
    filter.state = WH_DELIVERY_PENDING;
    is_str(deliveries(&filter), "302", "pending ones of it");
    filter = all;
    filter.state = WH_DELIVERY_FAILED;
    is_str(deliveries(&filter), "301 102", "failed ones");
    filter.context = "a";
    filter.event_name = "CONTACT.created";
    is_str(deliveries(&filter), "102", "of an event's name");
    filter = all;
    filter.event_id = 300;
    is_str(deliveries(&filter), "302 301", "of an event");
    filter.before = 302;
    is_str(deliveries(&filter), "301", "some of them");
    filter.context = "b";
    is_str(deliveries(&filter), "", "none in another context");
    filter = all;
    filter.event_id = APR_INT64_MAX - 1;
    is_str(deliveries(&filter), "", "no event, no deliveries");
}

static void test_event(void)
{
    static const char *const wrong[] = {"",
                                        "0",
                                        "-100",
                                        "100 ",
                                        " 100",
                                        "+100",
                                        "100x",
                                        "101",
                                        "99999999999999999999",
                                        "00000000-0000-7000-8000-000000000065",
                                        "' OR 1=1 --"};
    wh_log_event_t *event;
    size_t i;

    is_int(wh_store_event_get(&event, store, NULL, "100", pool), APR_SUCCESS,
           "an event by its id");
    is_int(event->id, 100, "id");
    is_str(event->uuid, "00000000-0000-7000-8000-000000000064", "uuid");
    is_str(event->context, "a", "context");
    is_str(event->name, "contact.created", "name");
    is_int(event->primary_key, -7, "primary key");
    is_int(event->associate_id, 5, "associate");
    is_int(event->time, 99, "time");
    is_str(event->data, "{\"id\":100}", "data");
    is_int(wh_store_event_get(&event, store, "b",
                              "00000000-0000-7000-8000-0000000000C8", pool),
           APR_SUCCESS, "by its uuid, in any case");
    is_int(event->id, 200, "the right one");
    is_int(wh_store_event_get(&event, store, "a",
                              "00000000-0000-7000-8000-0000000000c8", pool),
           APR_ENOENT, "not in another context");
    ok(!event, "which gets nothing");
    is_int(wh_store_event_get(&event, store, "b", "100", pool), APR_ENOENT,
           "nor by its id");
    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        is_int(wh_store_event_get(&event, store, NULL, wrong[i], pool),
               APR_ENOENT, "\"%s\" is none", wrong[i]);
    }
}

static void test_delivery(void)
{
    wh_log_delivery_t *delivery;

    wh_db_execute(&outside, "UPDATE delivery SET owner = 3 WHERE id = 102");
    is_int(wh_store_delivery_get(&delivery, store, "a", 0, 102, pool),
           APR_SUCCESS, "a delivery");
    is_int(delivery->id, 102, "id");
    is_int(delivery->event_id, 100, "event");
    is_str(delivery->event_uuid, "00000000-0000-7000-8000-000000000064",
           "its uuid");
    is_str(delivery->event_name, "contact.created", "its name");
    is_int(delivery->webhook_id, 2, "webhook");
    is_int(delivery->state, WH_DELIVERY_FAILED, "state");
    is_int(delivery->attempts, 3, "attempts");
    is_int(delivery->due, 1000, "due");
    is_int(delivery->owner, 3, "owner");
    is_int(wh_store_delivery_get(&delivery, store, "b", 0, 102, pool),
           APR_ENOENT, "not in another context");
    ok(!delivery, "which gets nothing");
    is_int(wh_store_delivery_get(&delivery, store, NULL, 0, 100, pool),
           APR_ENOENT, "no such delivery");
}

static void test_attempts(void)
{
    wh_log_attempt_t *attempt;
    apr_array_header_t *list;
    int i;

    add_attempt(500, 102, 1);
    add_attempt(501, 101, 1);
    wh_db_execute(&outside, "INSERT INTO attempt VALUES (502, 102, 2, 6, 7, 0, "
                            "NULL, NULL, NULL, NULL)");
    is_int(wh_store_attempt_list(&list, store, 102, pool), APR_SUCCESS,
           "attempts of a delivery");
    is_int(list->nelts, 2, "its own alone");
    attempt = APR_ARRAY_IDX(list, 0, wh_log_attempt_t *);
    is_int(attempt->id, 500, "the oldest first");
    is_int(attempt->delivery_id, 102, "delivery");
    is_int(attempt->number, 1, "number");
    is_int(attempt->started, 4, "started");
    is_int(attempt->duration, 5, "duration");
    is_int(attempt->status, 500, "status");
    is_str(attempt->error, "status", "error");
    is_str(attempt->address, "192.0.2.1", "address");
    is_str(attempt->answer, "no", "answer");
    attempt = APR_ARRAY_IDX(list, 1, wh_log_attempt_t *);
    is_int(attempt->number, 2, "then the next");
    ok(!attempt->error && !attempt->address && !attempt->answer,
       "what is not known is NULL");
    is_int(wh_store_attempt_list(&list, store, 301, pool), APR_SUCCESS,
           "a delivery that was not tried");
    is_int(list->nelts, 0, "has none");
    wh_db_begin(&outside);
    for (i = 0; i < 600; i++) {
        add_attempt(1000 + i, 301, i + 1);
    }
    wh_db_commit(&outside);
    wh_store_attempt_list(&list, store, 301, pool);
    is_int(list->nelts, WH_LOG_ATTEMPTS_MAX, "no more than are shown");
    is_int(APR_ARRAY_IDX(list, 0, wh_log_attempt_t *)->number,
           600 - WH_LOG_ATTEMPTS_MAX + 1, "the last ones");
    is_int(APR_ARRAY_IDX(list, WH_LOG_ATTEMPTS_MAX - 1, wh_log_attempt_t *)
               ->number,
           600, "in their order");
}

/* A list that says only its length, forwards and back, over portions. */
static void test_long_lists(void)
{
    wh_log_filter_t filter = all;
    apr_array_header_t *list;
    int i, wrong = 0;

    wh_db_begin(&outside);
    for (i = 0; i < 1203; i++) {
        add_event(10000 + 2 * i, "long", "x");
        add_delivery(10001 + 2 * i, 10000 + 2 * i, 1, WH_DELIVERY_DELIVERED);
    }
    wh_db_commit(&outside);
    filter.context = "long";
    wh_store_event_list(&list, store, &filter, pool);
    is_int(list->nelts, 500, "a length of its own");
    filter.limit = 5000;
    wh_store_event_list(&list, store, &filter, pool);
    is_int(list->nelts, 1203, "all events");
    for (i = 0; i < list->nelts; i++) {
        wrong += APR_ARRAY_IDX(list, i, wh_log_event_t *)->id !=
                 10000 + 2 * (1202 - i);
    }
    filter.after = 1;
    filter.limit = 1001;
    wh_store_delivery_list(&list, store, &filter, pool);
    is_int(list->nelts, 1001, "so many deliveries");
    for (i = 0; i < list->nelts; i++) {
        wrong +=
            APR_ARRAY_IDX(list, i, wh_log_delivery_t *)->id != 10001 + 2 * i;
    }
    is_int(wrong, 0, "each once and in order");
}

/* Ids of a page, parted by blanks, and where the next one begins. */
static const char *page_of(const wh_log_filter_t *filter)
{
    apr_array_header_t *list;
    apr_int64_t next;
    const char *ids = "";
    int i;

    if (wh_store_delivery_page(&list, &next, store, filter, pool) !=
        APR_SUCCESS) {
        return "no page";
    }
    for (i = 0; i < list->nelts; i++) {
        ids = apr_psprintf(pool, "%s%" ID " ", ids,
                           APR_ARRAY_IDX(list, i, wh_log_delivery_t *)->id);
    }
    return apr_psprintf(pool, "%s-> %" ID, ids, next);
}

static void test_pages(void)
{
    wh_log_filter_t filter = all;
    apr_array_header_t *list;
    apr_int64_t next;

    filter.limit = 2;
    filter.context = "a";
    is_str(page_of(&filter), "302 301 -> 301", "a page");
    filter.before = 301;
    is_str(page_of(&filter), "102 101 -> 0", "the last one, which is full");
    filter.before = 0;
    filter.limit = 9;
    is_str(page_of(&filter), "302 301 102 101 -> 0", "all on one page");
    filter.limit = 3;
    is_str(page_of(&filter), "302 301 102 -> 102", "but for one");
    filter.since = 102;
    is_str(page_of(&filter), "302 301 102 -> 0", "not older than");
    filter.since = 103;
    is_str(page_of(&filter), "302 301 -> 0", "newest first all the same");
    filter = all;
    filter.event_id = 300;
    filter.limit = 1;
    is_str(page_of(&filter), "302 -> 302", "of an event");
    filter.app_id = 77;
    is_str(page_of(&filter), "-> 0", "an application without webhooks");
    add_webhook(1);
    wh_db_execute(&outside, "UPDATE webhook SET app_id = 77 WHERE id = 1");
    is_str(page_of(&filter), "301 -> 0", "sees those of its own");
    filter = all;
    filter.app_id = 77;
    is_str(page_of(&filter), "301 201 101 -> 0", "in every list");
    is_str(deliveries(&filter), "301 201 101", "of every kind");
    wh_db_execute(&outside, "DELETE FROM webhook");
    filter.limit = 0;
    filter.app_id = 0;
    is_int(wh_store_delivery_page(&list, &next, store, &filter, pool),
           APR_SUCCESS, "a length of its own");
}

/* Few rows pass, and a page does not look at all of them: it ends at a time that
 * has nothing to do with them. */
static void test_sparse(void)
{
    const apr_int64_t second = APR_INT64_C(1000) << WH_ROW_ID_SHIFT;
    wh_log_filter_t filter = all;
    const char *got;
    int pages = 0;

    /* A millisecond apart, from 400 s on. */
    wh_db_execute(
        &outside,
        apr_psprintf(pool,
                     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
                     "FROM n WHERE i < %d) INSERT INTO delivery (id, event_id, "
                     "webhook_id, state, attempts, due, owner) SELECT %" ID
                     " + i * %" ID ", 400, 5, 1, 1, 0, 0 FROM n",
                     WH_LOG_PAGE_ROWS * 2, 400 * second, second / 1000));
    add_delivery(1999999, 400, 6, WH_DELIVERY_FAILED);
    filter.webhook_id = 6;
    got = page_of(&filter);
    is_str(got, apr_psprintf(pool, "-> %" ID, 424 * second), "nothing so far");
    for (filter.before = 424 * second; *got == '-' && pages < 5; pages++) {
        got = page_of(&filter);
        filter.before = apr_atoi64(got + strlen("-> "));
    }
    is_str(got, "1999999 -> 0", "at last");
    is_int(pages, 2, "after few pages");
    wh_db_execute(&outside, "DELETE FROM delivery WHERE id >= 1999999");
}

/* The handle breaks: the list is read again from its start. */
static void test_broken(void)
{
    wh_log_filter_t filter = all;
    wh_store_t *bad;
    wh_settings_t none = settings;
    apr_array_header_t *list;

    filter.limit = 3;
    is_str(events(&filter), "12404 12402 12400", "a list");
    wh_db_execute(&outside, "CREATE TABLE strange (x TEXT)");
    is_str(events(&filter), "12404 12402 12400",
           "the same after the schema has changed");
    wh_db_execute(&outside, "DROP TABLE strange");
    none.database_params = "/nonesuch/db";
    wh_store_create(&bad, &none);
    is_int(wh_store_event_list(&list, bad, &filter, pool), WH_STORE_DOWN,
           "no database, no list");
    wh_store_destroy(bad);
}

int main(void)
{
    if (!begin()) {
        return 1;
    }
    fill();
    test_events();
    test_deliveries();
    test_event();
    test_delivery();
    test_attempts();
    test_pages();
    test_sparse();
    test_long_lists();
    test_broken();
    end();
    return done_testing();
}
