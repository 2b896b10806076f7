/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text of unknown origin. */
#include "fuzz/value.h"

/* What we write of it is read as the same. */
static void check_again(const json_t *value, apr_pool_t *pool)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY);
    const char *message = NULL;
    json_t *again = NULL;

    MUST(text != NULL);
    MUST(wh_json_parse(&again, &message, text, strlen(text), pool) ==
         APR_SUCCESS);
    MUST(again && json_equal(value, again));
    free(text);
}

/* Text that the plain parser takes is refused only for its bounds, and means
 * the same. */
static void check_plain(const json_t *value, const char *message,
                        const uint8_t *data, size_t size)
{
    json_t *plain = json_loadb((const char *)data, size,
                               JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);

    if (plain) {
        MUST(value ? json_equal(plain, value)
                   : strstr(message, "64 levels") != NULL ||
                         strstr(message, "10000") != NULL);
    }
    json_decref(plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    const char *message = NULL;
    json_t *value = NULL;
    apr_status_t rv =
        wh_json_parse(&value, &message, (const char *)data, size, pool);

    MUST(rv == APR_SUCCESS || rv == APR_EINVAL);
    if (rv == APR_SUCCESS) {
        if (value) {
            check_value(value);
            check_again(value, pool);
        }
    }
    else {
        MUST(!value);
        check_message(message, "The request body ");
    }
    check_plain(value, message, data, size);
    apr_pool_clear(pool);
    return 0;
}
