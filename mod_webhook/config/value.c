/* SPDX-License-Identifier: Apache-2.0 */
#include "config/value.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "policy/retry.h"

apr_status_t wh_value_flag(apr_int64_t *value, const char *text)
{
    *value = !apr_cstr_casecmp(text, "On");
    return *value || !apr_cstr_casecmp(text, "Off") ? APR_SUCCESS : APR_EINVAL;
}

/* Digits first, so that neither blanks nor a sign get past apr_strtoi64(). */
static apr_status_t read_digits(apr_int64_t *value, char **end,
                                const char *text)
{
    if (text[0] < '0' || text[0] > '9') {
        return APR_EINVAL;
    }
    errno = 0;
    *value = apr_strtoi64(text, end, 10);
    return errno ? APR_EINVAL : APR_SUCCESS;
}

apr_status_t wh_value_number(apr_int64_t *value, const char *text)
{
    char *end = NULL;
    apr_status_t rv = read_digits(value, &end, text);

    return rv == APR_SUCCESS && *end ? APR_EINVAL : rv;
}

apr_status_t wh_value_size(apr_int64_t *value, const char *text)
{
    char *end = NULL;
    int shift = 0;
    apr_status_t rv = read_digits(value, &end, text);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (*end == 'K' || *end == 'k') {
        shift = 10;
    }
    else if (*end == 'M' || *end == 'm') {
        shift = 20;
    }
    if (*(shift ? end + 1 : end) || *value > APR_INT64_MAX >> shift) {
        return APR_EINVAL;
    }
    *value <<= shift;
    return APR_SUCCESS;
}

apr_status_t wh_value_time(apr_int64_t *value, const char *text)
{
    apr_interval_time_t time = 0;
    apr_status_t rv = APR_SUCCESS;

    if (strcmp(text, "0")) {
        rv = wh_retry_parse_step(&time, text);
    }
    *value = time;
    return rv;
}

apr_int64_t wh_value_of(wh_value_fn_t *read, const char *text)
{
    apr_int64_t value = 0;

    return read(&value, text) == APR_SUCCESS ? value : 0;
}

int wh_value_in_range(wh_value_fn_t *read, const char *text, const char *least,
                      const char *most)
{
    apr_int64_t value;

    return read(&value, text) == APR_SUCCESS &&
           value >= wh_value_of(read, least) &&
           value <= wh_value_of(read, most);
}

/* httpd collapses "//" and resolves "." and ".." before a path is compared:
 * a base path with such parts would never be met. */
static int is_segment(const char *text, apr_size_t length)
{
    apr_size_t i;

    if (length == 0 || (length == 1 && text[0] == '.') ||
        (length == 2 && text[0] == '.' && text[1] == '.')) {
        return 0;
    }
    for (i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c <= 0x20 || c == 0x7f || strchr("%?#\\", c)) {
            return 0;
        }
    }
    return 1;
}

int wh_value_is_path(const char *text)
{
    do {
        apr_size_t length;

        if (*text != '/') {
            return 0;
        }
        text++;
        length = strcspn(text, "/");
        if (!is_segment(text, length)) {
            return 0;
        }
        text += length;
    } while (*text);
    return 1;
}

int wh_value_is_label(const char *text, apr_size_t most, apr_pool_t *pool)
{
    apr_size_t length = strlen(text);
    char *clean = apr_pstrmemdup(pool, text, length);

    if (length < 1 || length > most || strpbrk(text, "\t\r\n")) {
        return 0;
    }
    wh_text_clean(clean, length);
    return !strcmp(clean, text);
}

int wh_value_is_name(const char *text)
{
    apr_size_t length = strlen(text);

    return length >= 1 && length <= 64 &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789._-") == length;
}
