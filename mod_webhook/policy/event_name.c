/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/event_name.h"

#include <apr_cstr.h>
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

/* Between dots, or at an end. */
static int is_whole_part(const char *text, apr_size_t length, apr_size_t at)
{
    return (at == 0 || text[at - 1] == '.') &&
           (at + 1 == length || text[at + 1] == '.');
}

int wh_event_pattern_valid(const char *text, apr_size_t length)
{
    apr_size_t i, stars = 0;

    if (length < 1 || length > WH_EVENT_NAME_MAX) {
        return 0;
    }
    for (i = 0; i < length; i++) {
        if (text[i] == '*' && is_whole_part(text, length, i)) {
            stars++;
        }
        else if (!is_name_char(text[i])) {
            return 0;
        }
    }
    return stars == 1;
}

int wh_event_pattern_matches(const char *pattern, apr_size_t length,
                             const char *name)
{
    const char *star = memchr(pattern, '*', length);
    apr_size_t before = star ? (apr_size_t)(star - pattern) : length;
    apr_size_t behind = star ? length - before - 1 : 0;
    apr_size_t name_length = strlen(name);

    return star && name_length > before + behind &&
           !apr_cstr_casecmpn(pattern, name, before) &&
           !apr_cstr_casecmpn(star + 1, name + name_length - behind, behind);
}

int wh_event_list_means(const char *events, const char *name)
{
    apr_size_t name_length = strlen(name);

    while (*events) {
        apr_size_t length = strcspn(events, ",");

        if (length == name_length && !apr_cstr_casecmpn(events, name, length)) {
            return 1;
        }
        if (wh_event_pattern_valid(events, length) &&
            wh_event_pattern_matches(events, length, name)) {
            return 1;
        }
        events += length + (events[length] == ',');
    }
    return 0;
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
