/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <string.h>

#include "base/text.h"
#include "store/log_store.h"
#include "store/store_priv.h"

typedef struct check_t {
    wh_check_t found;
    apr_pool_t *pool;
} check_t;

/* "ok", or the first fault: looking for more, the database may come upon one
 * that ends the statement, and all that it said before is lost. */
static apr_status_t check_integrity(wh_store_t *store, check_t *check)
{
    char *answer = NULL;
    wh_rows_t rows;
    apr_status_t rv;

    rv = wh_db_query(&rows, &store->db, "PRAGMA integrity_check(1)");
    if (rv == APR_SUCCESS && wh_rows_next(&rows)) {
        answer = apr_pstrdup(check->pool, wh_rows_peek(&rows, 0));
    }
    if (answer) {
        wh_text_clean(answer, strlen(answer));
    }
    check->found.integrity = answer ? answer : "no answer";
    return rv;
}

static apr_status_t count(apr_int64_t *number, wh_store_t *store,
                          wh_statement_t statement)
{
    wh_rows_t rows;
    apr_status_t rv;

    rv = wh_db_query(&rows, &store->db, wh_statement_text(statement));
    if (rv == APR_SUCCESS && wh_rows_next(&rows)) {
        *number = wh_rows_int64(&rows, 0);
    }
    return rv;
}

static apr_status_t check_all(wh_store_t *store, void *baton)
{
    check_t *check = baton;
    wh_check_t *found = &check->found;
    const struct {
        wh_statement_t statement;
        apr_int64_t *number;
    } counts[] = {
        {WH_SQL_ORPHAN_USAGE, &found->orphan_usage},
        {WH_SQL_ORPHAN_PENDING, &found->orphan_pending},
        {WH_SQL_ORPHAN_DELIVERIES, &found->orphan_deliveries},
        {WH_SQL_ORPHAN_ATTEMPTS, &found->orphan_attempts},
        {WH_SQL_ORPHAN_TOKENS, &found->orphan_tokens},
        {WH_SQL_STRANDED, &found->stranded},
    };
    apr_status_t rv = check_integrity(store, check);
    size_t i;

    /* Broken, it may refuse the rest. */
    if (rv != APR_SUCCESS || strcmp(found->integrity, "ok") != 0) {
        return rv;
    }
    rv = wh_store_number(&found->schema, store, "schema");
    for (i = 0; rv == APR_SUCCESS && i < sizeof(counts) / sizeof(counts[0]);
         i++) {
        rv = count(counts[i].number, store, counts[i].statement);
    }
    return rv;
}

apr_status_t wh_store_check(wh_check_t *result, wh_store_t *store,
                            apr_pool_t *pool)
{
    check_t check = {.pool = pool};
    apr_status_t rv = wh_store_read(store, check_all, &check);

    *result = check.found;
    return rv;
}
