/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies with their Content-Type: the first line is the type. */
#include "fuzz/value.h"
#include "media/media.h"

static void check_body(const wh_media_t *media, const uint8_t *data,
                       size_t size, apr_pool_t *pool)
{
    const char *message = NULL;
    json_t *value = NULL;
    apr_status_t rv =
        wh_media_read(&value, &message, media, (const char *)data, size, pool);

    MUST(rv == APR_SUCCESS || rv == APR_EINVAL || rv == APR_ENOTIMPL);
    MUST(rv != APR_ENOTIMPL || media->charset);
    if (rv == APR_SUCCESS) {
        check_value(value);
    }
    else {
        MUST(!value);
        check_message(message, "The request body ");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    size_t length = end ? (size_t)(end - data) : size;
    char *type = fuzz_text(data, length);
    wh_media_t media;

    if (wh_media_type_parse(&media, type, pool) == APR_SUCCESS) {
        MUST(!media.charset || (*media.charset && !strchr(media.charset, '/')));
        if (end) {
            check_body(&media, end + 1, size - length - 1, pool);
        }
    }
    free(type);
    apr_pool_clear(pool);
    return 0;
}
