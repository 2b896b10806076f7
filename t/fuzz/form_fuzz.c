/* SPDX-License-Identifier: Apache-2.0 */
/* Forms and query strings. */
#include <apr_strings.h>

#include "fuzz/value.h"
#include "media/form.h"

/* Every byte that means something, and a few more, are escaped. */
static const char *escape(const char *text, apr_pool_t *pool)
{
    char *escaped = apr_palloc(pool, 3 * strlen(text) + 1), *at = escaped;

    for (; *text; text++) {
        at += sprintf(at, "%%%02x", (unsigned char)*text);
    }
    *at = '\0';
    return escaped;
}

/* An array that was made by a name that came again; the name may be one that
 * cannot bear brackets. */
static int is_repeated(const json_t *value)
{
    json_t *part;
    size_t i;

    json_array_foreach(value, i, part)
    {
        if (!json_is_string(part)) {
            return 0;
        }
    }
    return json_array_size(value) > 1;
}

/* Writes what lies under a name as pairs. */
static void write_pairs(FILE *file, const char *name, const json_t *value,
                        apr_pool_t *pool)
{
    const char *inner;
    json_t *part;
    size_t i;

    if (json_is_string(value)) {
        fprintf(file, "%s=%s&", name, escape(json_string_value(value), pool));
    }
    json_object_foreach((json_t *)value, inner, part)
    {
        MUST(*inner);
        write_pairs(
            file, apr_pstrcat(pool, name, "[", escape(inner, pool), "]", NULL),
            part, pool);
    }
    json_array_foreach(value, i, part)
    {
        write_pairs(file,
                    is_repeated(value) ? name
                                       : apr_pstrcat(pool, name, "[]", NULL),
                    part, pool);
    }
}

/* What is written as pairs again is read as the same: brackets are found in
 * escaped names too, and no object in an array has two members. */
static void check_again(const json_t *value, apr_pool_t *pool)
{
    size_t size = 0;
    char *text = NULL;
    FILE *file = open_memstream(&text, &size);
    const char *name, *message = NULL;
    json_t *part, *again = NULL;

    MUST(file != NULL);
    json_object_foreach((json_t *)value, name, part)
    {
        write_pairs(file, escape(name, pool), part, pool);
    }
    MUST(fclose(file) == 0);
    MUST(wh_form_parse(&again, &message, text, size, pool) == APR_SUCCESS);
    MUST(size == 0 || json_equal(value, again));
    free(text);
}

static void check_query(const char *query, apr_pool_t *pool)
{
    const char *message = NULL;
    apr_table_t *table = NULL;

    if (wh_form_query(&table, &message, query, pool) == APR_SUCCESS) {
        MUST(apr_table_elts(table)->nelts <= WH_FORM_PARAMETERS_MAX);
    }
    else {
        check_message(message, "The query ");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    char *query = fuzz_text(data, size);
    const char *message = NULL;
    json_t *value = NULL;
    apr_status_t rv =
        wh_form_parse(&value, &message, (const char *)data, size, pool);

    MUST(rv == APR_SUCCESS || rv == APR_EINVAL);
    if (rv == APR_SUCCESS) {
        MUST(size ? json_is_object(value) : !value);
        check_value(value);
        check_again(value, pool);
    }
    else {
        MUST(!value);
        check_message(message, "The request body ");
    }
    check_query(query, pool);
    free(query);
    apr_pool_clear(pool);
    return 0;
}
