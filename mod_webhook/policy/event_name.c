/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/event_name.h"

#include <apr_strings.h>
#include <stdint.h>
#include <string.h>

/* By ranges, not by ctype.h: another module may have set a locale. */
static int is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

int wh_event_name_valid(const char *name, apr_size_t length)
{
    apr_size_t i;

    if (length < 1 || length > WH_EVENT_NAME_MAX) {
        return 0;
    }
    for (i = 0; i < length; i++) {
        if (!is_name_char(name[i])) {
            return 0;
        }
    }
    return 1;
}

apr_size_t wh_event_name_entity_length(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot ? (apr_size_t)(dot - name) : strlen(name);
}

#define STATE_PREFIX "webhook"

const char *wh_event_name_shown(const char *name)
{
    static const char *const shown[] = {STATE_PREFIX ".started",
                                        STATE_PREFIX ".stopped",
                                        STATE_PREFIX ".errors"};
    const apr_size_t length = sizeof(STATE_PREFIX) - 1;
    apr_size_t digits, i;

    if (strncmp(name, STATE_PREFIX, length)) {
        return name;
    }
    digits = strspn(name + length, "0123456789");
    for (i = 0; digits > 0 && i < sizeof(shown) / sizeof(shown[0]); i++) {
        if (!strcmp(name + length + digits, shown[i] + length)) {
            return shown[i];
        }
    }
    return name;
}

int wh_primary_key_parse(apr_int32_t *value, const char *text)
{
    char canonical[sizeof("-9223372036854775808")];
    apr_int64_t number = apr_strtoi64(text, NULL, 10);

    /* One spelling for each number: only what prints back the same counts,
     * which also refuses text behind it and numbers cut to 64 bits. */
    apr_snprintf(canonical, sizeof(canonical), "%" APR_INT64_T_FMT, number);
    if (strcmp(canonical, text) || number < INT32_MIN || number > INT32_MAX) {
        return 0;
    }
    *value = (apr_int32_t)number;
    return 1;
}
