/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts of all deliveries, as they are recorded. */
#include "store/attempt_store.h"

#include "unit/store/fixture.h"
#include "unit/store/rows.h"

/* Ids of attempts after one, parted by blanks. */
static const char *attempts(apr_int64_t after, int limit)
{
    apr_array_header_t *list;
    const char *ids = "";
    int i;

    if (wh_store_attempt_recent(&list, store, after, limit, pool) !=
        APR_SUCCESS) {
        return "no list";
    }
    for (i = 0; i < list->nelts; i++) {
        ids =
            apr_psprintf(pool, "%s%s%" ID, ids, i ? " " : "",
                         APR_ARRAY_IDX(list, i, wh_log_recent_t *)->attempt.id);
    }
    return ids;
}

static void test_last_id_of_nothing(void)
{
    apr_int64_t id = 7;

    is_int(wh_store_last_id(&id, store), APR_SUCCESS, "an empty database");
    is_int(id, 0, "... has no last id");
}

static void fill(void)
{
    add_event(100, "a", "contact.created");
    add_delivery(101, 100, 1, WH_DELIVERY_PENDING);
    add_event(200, "b", "sale.sold");
    add_delivery(201, 200, 2, WH_DELIVERY_DELIVERED);
    is_int(wh_db_execute(&outside,
                         "INSERT INTO attempt (id, delivery_id, number, "
                         "started, duration, status, error, address, answer) "
                         "VALUES (300, 101, 1, 5000, 70, 503, 'status', "
                         "'192.0.2.1', 'text'), "
                         "(301, 201, 1, 5001, 80, 200, NULL, NULL, NULL), "
                         "(302, 101, 2, 5002, 90, 0, 'timeout', NULL, NULL), "
                         "(303, 999, 1, 5003, 90, 0, NULL, NULL, NULL)"),
           APR_SUCCESS, "rows");
}

static void test_list(void)
{
    is_str(attempts(0, 10), "300 301 302",
           "oldest first, of all contexts, none without a delivery");
    is_str(attempts(300, 10), "301 302", "after one");
    is_str(attempts(300, 1), "301", "so many");
    is_str(attempts(302, 10), "", "after the last");
}

static void test_row(void)
{
    apr_array_header_t *list;
    const wh_log_recent_t *recent;

    is_int(wh_store_attempt_recent(&list, store, 0, 1, pool), APR_SUCCESS,
           "the first");
    recent = APR_ARRAY_IDX(list, 0, wh_log_recent_t *);
    is_int(recent->attempt.delivery_id, 101, "delivery");
    is_int(recent->attempt.number, 1, "number");
    is_int(recent->attempt.started, 5000, "start");
    is_int(recent->attempt.duration, 70, "duration");
    is_int(recent->attempt.status, 503, "status");
    is_str(recent->attempt.error, "status", "error");
    is_str(recent->attempt.address, "192.0.2.1", "address");
    ok(!recent->attempt.answer, "no answer");
    is_int(recent->webhook_id, 1, "webhook");
    is_str(recent->event_name, "contact.created", "event");
    is_str(recent->context, "a", "context");
    is_str(recent->event_uuid, text("SELECT uuid FROM event WHERE id = 100"),
           "UUID");
}

static void test_last_id(void)
{
    apr_int64_t id = 0;

    is_int(wh_store_last_id(&id, store), APR_SUCCESS, "the last id");
    is_int(id, 303, "... is that of the newest row");
}

int main(void)
{
    if (!ok(begin(), "a store")) {
        return done_testing();
    }
    test_last_id_of_nothing();
    fill();
    test_list();
    test_row();
    test_last_id();
    end();
    return done_testing();
}
