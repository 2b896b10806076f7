/* SPDX-License-Identifier: Apache-2.0 */
/* XML to JSON values and back; the input is tried as both. */
#include "fuzz/value.h"
#include "media/xml.h"

/* What we write of a value is read as the same. */
static void check_again(const json_t *value, apr_pool_t *pool)
{
    const char *message = NULL;
    apr_size_t length;
    const char *text = wh_xml_write(&length, value, "root", pool);
    json_t *again = NULL;

    MUST(text && strlen(text) == length);
    MUST(wh_xml_parse(&again, &message, text, length, pool) == APR_SUCCESS);
    MUST(again && json_equal(value, again));
}

static void check_xml(const char *text, size_t size, apr_pool_t *pool)
{
    const char *message = NULL;
    json_t *value = NULL, *converted = NULL;
    apr_status_t rv = wh_xml_parse(&value, &message, text, size, pool);

    MUST(rv == APR_SUCCESS || rv == APR_EINVAL);
    if (rv == APR_SUCCESS) {
        MUST(value != NULL);
        check_value(value);
        check_again(value, pool);
        MUST(wh_xml_parse_converted(&converted, &message, text, size, pool) ==
             APR_SUCCESS);
        MUST(json_equal(value, converted));
    }
    else {
        MUST(!value);
        check_message(message, "The request body ");
        wh_xml_parse_converted(&converted, &message, text, size, pool);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    const char *message = NULL;
    json_t *value = NULL;

    check_xml((const char *)data, size, pool);
    if (wh_json_parse(&value, &message, (const char *)data, size, pool) ==
            APR_SUCCESS &&
        value) {
        check_again(value, pool);
    }
    apr_pool_clear(pool);
    return 0;
}
