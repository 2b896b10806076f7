/* SPDX-License-Identifier: Apache-2.0 */
#include "model/webhook.h"
#include "store/delivery_store.h"
#include "store/store_priv.h"

apr_status_t wh_store_failing(wh_failing_t *failing, wh_store_t *store,
                              apr_int32_t webhook_id)
{
    apr_int64_t webhook = webhook_id;
    const void *args[] = {&webhook};
    wh_rows_t rows;
    apr_status_t rv;

    rv = wh_db_select(&rows, &store->db, WH_SQL_USAGE_FAILING, args);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!wh_rows_next(&rows)) {
        return APR_ENOENT;
    }
    failing->consecutive_errors = wh_rows_int64(&rows, 0);
    failing->state = (int)wh_rows_int64(&rows, 1);
    failing->since = wh_rows_int64(&rows, 2);
    return APR_SUCCESS;
}

static apr_status_t discard_portion(int *discarded, wh_store_t *store,
                                    apr_int64_t webhook)
{
    /* Those that are blocked first: else one would lose whom it waits for. */
    static const apr_int64_t owners[] = {WH_OWNER_BLOCKED, 0};
    apr_status_t rv = APR_SUCCESS;
    size_t i;

    *discarded = 0;
    for (i = 0; rv == APR_SUCCESS && *discarded == 0 &&
                i < sizeof(owners) / sizeof(owners[0]);
         i++) {
        const void *args[] = {&owners[i], &webhook, &webhook};

        rv = wh_db_update(&store->db, discarded, WH_SQL_DELIVERY_DISCARD, args);
    }
    return rv;
}

apr_status_t wh_store_disable(int *disabled, wh_store_t *store,
                              apr_int32_t webhook_id, apr_int64_t version,
                              int drop)
{
    static const char generation[] = "generation";
    apr_int64_t webhook = webhook_id;
    const void *args[] = {&webhook, &version};
    const void *generation_args[] = {generation};
    int discarded;
    apr_status_t rv;

    *disabled = 0;
    rv = wh_db_update(&store->db, disabled, WH_SQL_WEBHOOK_DISABLE, args);
    if (rv != APR_SUCCESS || !*disabled) {
        return rv;
    }
    rv = wh_db_update(&store->db, NULL, WH_SQL_META_INCREMENT, generation_args);
    return rv == APR_SUCCESS && drop
               ? discard_portion(&discarded, store, webhook)
               : rv;
}

typedef struct discard_t {
    apr_int64_t webhook;
    int *discarded;
} discard_t;

static apr_status_t discard(wh_store_t *store, void *baton)
{
    discard_t *wanted = baton;

    return discard_portion(wanted->discarded, store, wanted->webhook);
}

apr_status_t wh_store_discard(int *discarded, wh_store_t *store,
                              apr_int32_t webhook_id)
{
    discard_t wanted = {webhook_id, discarded};

    return wh_store_write(store, discard, &wanted);
}
