/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time_text.h"

#include <apr_strings.h>
#include <string.h>
#include <time.h>

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "", "Z" or an offset such as "+02:00" or "-0330", in seconds. */
static int parse_zone(int *seconds, const char *text)
{
    int sign = *text == '-' ? -1 : 1;
    int digits[4], i;

    *seconds = 0;
    if (!*text || !strcmp(text, "Z") || !strcmp(text, "z")) {
        return 1;
    }
    if (*text != '+' && *text != '-') {
        return 0;
    }
    text++;
    for (i = 0; i < 4; i++) {
        if (i == 2 && *text == ':') {
            text++;
        }
        if (!is_digit(*text)) {
            return 0;
        }
        digits[i] = *text++ - '0';
    }
    *seconds = sign * ((digits[0] * 10 + digits[1]) * 60 * 60 +
                       (digits[2] * 10 + digits[3]) * 60);
    return !*text && digits[2] < 6 && digits[0] * 10 + digits[1] < 24;
}

/* Behind the seconds may stand a fraction of them, of which microseconds
 * count. */
static const char *skip_fraction(int *microseconds, const char *text)
{
    int unit = 100000;

    *microseconds = 0;
    if (*text != '.' || !is_digit(text[1])) {
        return text;
    }
    for (text++; is_digit(*text); text++) {
        *microseconds += (*text - '0') * unit;
        unit /= 10;
    }
    return text;
}

/* Behind the digits of a form stands the zone and nothing else. */
static int parse_form(apr_time_t *result, const char *text, const char *form)
{
    struct tm fields, kept;
    const char *rest;
    time_t seconds;
    int zone, microseconds = 0;

    memset(&fields, 0, sizeof(fields));
    rest = strptime(text, form, &fields);
    if (rest && form[strlen(form) - 1] == 'S') {
        rest = skip_fraction(&microseconds, rest);
    }
    if (!rest || !parse_zone(&zone, rest)) {
        return 0;
    }
    kept = fields;
    seconds = timegm(&fields);
    /* February 30 would become a day of March. */
    if (kept.tm_mday != fields.tm_mday || kept.tm_mon != fields.tm_mon) {
        return 0;
    }
    *result = apr_time_from_sec((apr_time_t)seconds - zone) + microseconds;
    return *result > 0;
}

int wh_time_parse(apr_time_t *time, const char *text)
{
    static const char *const forms[] = {"%Y-%m-%dT%H:%M:%S",
                                        "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M",
                                        "%Y-%m-%d %H:%M", "%Y-%m-%d"};
    apr_size_t i;

    /* strptime() skips white space and takes short numbers. */
    if (strlen(text) < 10 || text[4] != '-' || text[7] != '-') {
        return 0;
    }
    for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (parse_form(time, text, forms[i])) {
            return 1;
        }
    }
    return 0;
}

void wh_time_print(char text[WH_TIME_SIZE], apr_time_t time)
{
    apr_time_exp_t utc;

    apr_time_exp_gmt(&utc, time);
    apr_snprintf(text, WH_TIME_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                 utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
                 utc.tm_min, utc.tm_sec, utc.tm_usec / 1000);
}
