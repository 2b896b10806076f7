/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <jansson.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/output.h"
#include "store/log_store.h"
#include "store/migration.h"

/* What is counted: 0 of each is right. */
typedef struct count_t {
    const char *member;
    const char *text;
    apr_int64_t count;
} count_t;

static int print_json(const wh_check_t *check, const count_t *counts,
                      apr_size_t count, int sound)
{
    json_t *entity = json_pack("{s:b, s:I, s:i, s:o}", "Sound", sound, "Schema",
                               (json_int_t)check->schema, "SchemaOfProgram",
                               WH_SCHEMA_VERSION, "Integrity",
                               wh_output_json_text(check->integrity));
    apr_size_t i;

    for (i = 0; i < count; i++) {
        json_object_set_new(entity, counts[i].member,
                            json_integer(counts[i].count));
    }
    return wh_output_json(entity, 0);
}

static void print_fields(const wh_check_t *check, const count_t *counts,
                         apr_size_t count, apr_pool_t *pool)
{
    apr_size_t i;

    printf("schema version %d\n", (int)check->schema);
    printf("integrity: %s\n", wh_output_text(check->integrity, pool));
    for (i = 0; i < count; i++) {
        printf("%s: %" APR_INT64_T_FMT "\n", counts[i].text, counts[i].count);
    }
}

int wh_ctl_check(wh_ctl_t *ctl)
{
    wh_check_t check = {0};
    apr_status_t rv = wh_store_check(&check, ctl->store, ctl->pool);
    const count_t counts[] = {
        {"OrphanUsage", "counters without a webhook", check.orphan_usage},
        {"OrphanPending", "pending deliveries without a webhook",
         check.orphan_pending},
        {"OrphanDeliveries", "deliveries without an event",
         check.orphan_deliveries},
        {"OrphanAttempts", "attempts without a delivery",
         check.orphan_attempts},
        {"OrphanTokens", "tokens without their application",
         check.orphan_tokens},
        {"Stranded", "pending deliveries that no dispatcher takes",
         check.stranded}};
    apr_size_t count = sizeof(counts) / sizeof(counts[0]), i;
    int sound, status = WH_EXIT_DONE;

    if (rv != APR_SUCCESS) {
        return wh_ctl_storage(rv, NULL);
    }
    sound = check.schema == WH_SCHEMA_VERSION && !strcmp(check.integrity, "ok");
    for (i = 0; i < count; i++) {
        sound = sound && counts[i].count == 0;
    }
    if (ctl->json) {
        status = print_json(&check, counts, count, sound);
    }
    else {
        print_fields(&check, counts, count, ctl->pool);
    }
    if (status == WH_EXIT_DONE && !sound) {
        status = wh_output_fail(WH_EXIT_FAILED, "the database is not sound");
    }
    return status;
}
