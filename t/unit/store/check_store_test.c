/* SPDX-License-Identifier: Apache-2.0 */
/* The whole database is looked over. */
#include "store/log_store.h"
#include "store/migration.h"

#include "unit/store/fixture.h"
#include "unit/store/rows.h"

static wh_check_t look(void)
{
    wh_check_t check;

    is_int(wh_store_check(&check, store, pool), APR_SUCCESS, "check");
    return check;
}

/* Numbers of orphans in the order of the record. */
static const char *orphans(void)
{
    wh_check_t check = look();

    return apr_psprintf(pool, "%" ID " %" ID " %" ID " %" ID " %" ID " %" ID,
                        check.orphan_usage, check.orphan_pending,
                        check.orphan_deliveries, check.orphan_attempts,
                        check.orphan_tokens, check.stranded);
}

static void test_order(void)
{
    add_webhook(1);
    add_event(100, "a", "x");
    add_delivery(101, 100, 1, WH_DELIVERY_DELIVERED);
    add_delivery(102, 100, 1, WH_DELIVERY_PENDING);
    add_delivery(103, 100, 9, WH_DELIVERY_DELIVERED);
    add_attempt(200, 101, 1);
    wh_db_execute(&outside, "INSERT INTO node VALUES (3, 1)");
    wh_db_execute(&outside, "UPDATE delivery SET owner = 3 WHERE id = 102");
    wh_db_execute(&outside, "INSERT INTO app VALUES (4, 'h', 'a', 'n', 1, 0)");
    wh_db_execute(&outside, "INSERT INTO token VALUES (1, 'h1', 1, 'a', 'o', "
                            "0, 0, 7, 0, 0)");
    wh_db_execute(&outside, "INSERT INTO token VALUES (2, 'h2', 1, 'a', 'o', "
                            "0, 4, 7, 0, 0)");
    is_str(orphans(), "0 0 0 0 0 0", "all is in order");
    is_int(look().schema, WH_SCHEMA_VERSION, "the schema's version");
    is_str(look().integrity, "ok", "so says the database");
}

/* Runs a statement, looks, and undoes what it did. */
static void with(const char *sql, const char *undo, const char *want,
                 const char *name)
{
    wh_db_execute(&outside, sql);
    is_str(orphans(), want, "%s", name);
    wh_db_execute(&outside, undo);
}

static void test_orphans(void)
{
    with("INSERT INTO webhook_usage VALUES (8, 0, 0, 0, NULL, 0, 0)",
         "DELETE FROM webhook_usage WHERE webhook_id = 8", "1 0 0 0 0 0",
         "counters of no webhook");
    with("UPDATE delivery SET webhook_id = 8 WHERE id = 102",
         "UPDATE delivery SET webhook_id = 1 WHERE id = 102", "0 1 0 0 0 0",
         "a pending delivery for no webhook");
    with("UPDATE delivery SET event_id = 99 WHERE id = 103",
         "UPDATE delivery SET event_id = 100 WHERE id = 103", "0 0 1 0 0 0",
         "a delivery of no event");
    with("INSERT INTO attempt VALUES (201, 104, 1, 1, 1, 0, NULL, NULL, NULL, "
         "NULL)",
         "DELETE FROM attempt WHERE id = 201", "0 0 0 1 0 0",
         "an attempt of no delivery");
    with("INSERT INTO attempt VALUES (201, 90, 9, 1, 1, 0, NULL, NULL, NULL, "
         "NULL)",
         "DELETE FROM attempt WHERE id = 201", "0 0 0 0 0 0",
         "a late attempt of a delivery that retention has taken");
    with("UPDATE token SET app_id = 5 WHERE id = 2",
         "UPDATE token SET app_id = 4 WHERE id = 2", "0 0 0 0 1 0",
         "a token of no application");
    with("UPDATE delivery SET owner = 4 WHERE id = 102",
         "UPDATE delivery SET owner = 3 WHERE id = 102", "0 0 0 0 0 1",
         "a delivery in the memory of no node");
    with(
        "INSERT INTO delivery (id, event_id, webhook_id, state, attempts, due, "
        "owner, order_key) VALUES (105, 100, 1, 0, 0, 0, 3, 7), "
        "(106, 100, 1, 0, 0, 0, -1, 7)",
        "UPDATE delivery SET state = 1, owner = 0 WHERE id = 105",
        "0 0 0 0 0 0", "a delivery that waits for an earlier one");
    with("UPDATE delivery SET due = 0 WHERE id = 106",
         "DELETE FROM delivery WHERE id > 103", "0 0 0 0 0 1",
         "one that waits for an earlier one that has ended");
    is_str(orphans(), "0 0 0 0 0 0", "all is in order again");
}

/* Somebody has written over the middle of the file. */
static void test_damaged(void)
{
    const char *copy = apr_pstrcat(pool, directory, "/copy.db", NULL);
    wh_settings_t damaged = settings;
    wh_store_t *second;
    wh_check_t check;
    char rubbish[256];
    FILE *file;
    int i;

    memset(rubbish, 0x55, sizeof(rubbish));
    wh_db_begin(&outside);
    for (i = 0; i < 3000; i++) {
        add_attempt(1000 + i, 101, i);
    }
    wh_db_commit(&outside);
    wh_db_execute(&outside, apr_psprintf(pool, "VACUUM INTO '%s'", copy));
    file = fopen(copy, "r+");
    fseek(file, 0, SEEK_END);
    fseek(file, ftell(file) / 2 / 4096 * 4096, SEEK_SET);
    is_int((apr_int64_t)fwrite(rubbish, 1, sizeof(rubbish), file),
           sizeof(rubbish), "a copy is damaged");
    fclose(file);
    damaged.database_params = copy;
    wh_store_create(&second, &damaged);
    is_int(wh_store_check(&check, second, pool), APR_SUCCESS, "looked over");
    ok(strstr(check.integrity, "Page") != NULL, "it says where: %s",
       check.integrity);
    is_int(check.schema, 0, "the rest is not looked for");
    wh_store_destroy(second);
    unlink(copy);
    unlink(apr_pstrcat(pool, copy, ".lock", NULL));
}

static void test_down(void)
{
    wh_settings_t none = settings;
    wh_store_t *second;
    wh_check_t check;

    none.database_params = "/nonesuch/db";
    wh_store_create(&second, &none);
    is_int(wh_store_check(&check, second, pool), WH_STORE_DOWN,
           "no database to look over");
    wh_store_destroy(second);
}

int main(void)
{
    if (!begin()) {
        return 1;
    }
    test_order();
    test_orphans();
    test_damaged();
    test_down();
    end();
    return done_testing();
}
