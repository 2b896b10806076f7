/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/page.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <string.h>

#include "base/time_text.h"
#include "model/event.h"

/* Digits of a 64-bit number. */
#define DIGITS_MAX 19

apr_int64_t wh_id_parse(const char *text)
{
    apr_size_t length = strspn(text, "0123456789");

    if (length == 0 || length > DIGITS_MAX || text[length] || *text == '0') {
        return 0;
    }
    /* 0 or the largest number when it is larger. */
    return length < DIGITS_MAX || strcmp(text, "9223372036854775807") < 0
               ? apr_atoi64(text)
               : 0;
}

/* NULL: missing or empty. */
static const char *given(const apr_table_t *parameters, const char *name)
{
    const char *value = apr_table_get(parameters, name);

    return value && *value ? value : NULL;
}

static int read_limit(int *limit, const char *text)
{
    apr_int64_t number = text ? wh_id_parse(text) : WH_PAGE_DEFAULT;

    *limit = (int)number;
    return number >= 1 && number <= WH_PAGE_MAX;
}

static int read_cursor(apr_int64_t *cursor, const char *text)
{
    *cursor = text ? wh_id_parse(text) : 0;
    return !text || *cursor > 0;
}

static int read_time(apr_time_t *time, const char *text)
{
    *time = 0;
    return !text || wh_time_parse(time, text);
}

apr_status_t wh_page_query(wh_page_t *page, const char **message,
                           const apr_table_t *parameters)
{
    const char *state = given(parameters, "state");

    page->state = -1;
    page->event = given(parameters, "event");
    *message = NULL;
    if (state && !wh_delivery_state_parse(&page->state, state)) {
        *message = "state must be pending, delivered or failed.";
    }
    else if (!read_time(&page->from, given(parameters, "from"))) {
        *message = "from must be a time, such as 2026-01-31T12:00:00Z.";
    }
    else if (!read_time(&page->to, given(parameters, "to"))) {
        *message = "to must be a time, such as 2026-01-31T12:00:00Z.";
    }
    else if (!read_limit(&page->limit, given(parameters, "limit"))) {
        *message = "limit must be a number from 1 to 500.";
    }
    else if (!read_cursor(&page->cursor, given(parameters, "cursor"))) {
        *message = "cursor must be what Next of a page says.";
    }
    return *message ? APR_EINVAL : APR_SUCCESS;
}

static int read_flag(int *flag, const json_t *value, int texts)
{
    const char *text = texts ? json_string_value(value) : NULL;

    if (json_is_boolean(value)) {
        *flag = json_is_true(value);
        return 1;
    }
    if (text && !apr_cstr_casecmp(text, "true")) {
        *flag = 1;
        return 1;
    }
    *flag = 0;
    return text && !apr_cstr_casecmp(text, "false");
}

/* Empty texts stand for nothing in forms and XML. */
static int is_nothing(const json_t *value, int texts)
{
    return json_is_null(value) ||
           (texts && json_is_string(value) && !*json_string_value(value));
}

static const char *read_member(wh_span_t *span, const char *name,
                               const json_t *value, int texts)
{
    const char *text = json_string_value(value);

    if (!apr_cstr_casecmp(name, "From")) {
        return is_nothing(value, texts) ||
                       (text && wh_time_parse(&span->from, text))
                   ? NULL
                   : "From must be a time, such as \"2026-01-31T12:00:00Z\".";
    }
    if (!apr_cstr_casecmp(name, "To")) {
        return is_nothing(value, texts) ||
                       (text && wh_time_parse(&span->to, text))
                   ? NULL
                   : "To must be a time, such as \"2026-01-31T12:00:00Z\".";
    }
    if (!apr_cstr_casecmp(name, "OnlyFailed")) {
        return is_nothing(value, texts) ||
                       read_flag(&span->only_failed, value, texts)
                   ? NULL
                   : "OnlyFailed must be true or false.";
    }
    return "A replay has From, To and OnlyFailed, and nothing else.";
}

static int is_twice(const json_t *object, const char *name)
{
    const char *other;
    json_t *value;
    int times = 0;

    json_object_foreach((json_t *)object, other, value)
    {
        times += !apr_cstr_casecmp(name, other);
    }
    return times > 1;
}

apr_status_t wh_span_read(wh_span_t *span, const char **message,
                          const json_t *object, int texts)
{
    const char *name;
    json_t *value;

    memset(span, 0, sizeof(*span));
    span->only_failed = 1;
    *message = NULL;
    json_object_foreach((json_t *)object, name, value)
    {
        *message = read_member(span, name, value, texts);
        if (!*message && is_twice(object, name)) {
            *message = "A member of the replay comes twice.";
        }
        if (*message) {
            return APR_EINVAL;
        }
    }
    if (span->from && span->to && span->from >= span->to) {
        *message = "From must be before To.";
        return APR_EINVAL;
    }
    return APR_SUCCESS;
}
