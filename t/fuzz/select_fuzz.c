/* SPDX-License-Identifier: Apache-2.0 */
/* $select: members keep their value or become null, and nothing else. */
#include <apr_strings.h>
#include <jansson.h>

#include "fuzz/fuzz.h"
#include "media/select.h"

static json_t *entity(void)
{
    static const char text[] =
        "{\"Name\":\"n\",\"Events\":[\"a.b\"],\"Headers\":{\"X-Key\":\"1\"},"
        "\"Properties\":{\"a\":{\"b\":{\"c\":1}},\"l\":[{\"a\":1},{\"b\":2}]},"
        "\"State\":null,\"\":0}";
    json_t *value = json_loads(text, 0, NULL);

    MUST(value != NULL);
    return value;
}

static void check_part(json_t *part, json_t *whole);

static void check_members(json_t *part, json_t *whole)
{
    const char *name;
    json_t *value;

    MUST(json_object_size(part) == json_object_size(whole));
    json_object_foreach(whole, name, value)
    {
        check_part(json_object_get(part, name), value);
    }
}

/* What is not null is what was there. */
static void check_part(json_t *part, json_t *whole)
{
    size_t i;

    MUST(part != NULL);
    if (json_is_null(part)) {
        return;
    }
    MUST(json_typeof(part) == json_typeof(whole));
    if (json_is_object(whole)) {
        check_members(part, whole);
        return;
    }
    if (!json_is_array(whole)) {
        MUST(json_equal(part, whole));
        return;
    }
    MUST(json_array_size(part) == json_array_size(whole));
    for (i = 0; i < json_array_size(whole); i++) {
        check_part(json_array_get(part, i), json_array_get(whole, i));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    char *select = fuzz_text(data, size);
    json_t *whole = entity(), *part = entity(), *again = entity();

    wh_select_apply(part, select, pool);
    check_part(part, whole);
    /* Twice selects as once, and a name more takes nothing away. */
    wh_select_apply(again, select, pool);
    wh_select_apply(again, select, pool);
    MUST(json_equal(again, part));
    json_decref(again);
    again = entity();
    wh_select_apply(again, apr_pstrcat(pool, select, ",name", NULL), pool);
    MUST(json_is_string(json_object_get(again, "Name")));

    json_decref(again);
    json_decref(part);
    json_decref(whole);
    free(select);
    return 0;
}
