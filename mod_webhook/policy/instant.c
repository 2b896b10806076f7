/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/instant.h"

#include <apr.h>
#include <string.h>

/* "d" stands for a digit, everything else for itself. */
static const char form[] = "dddd-dd-ddTdd:dd:dd";

static int matches(const char *text, const char *pattern)
{
    for (; *pattern; pattern++, text++) {
        int good = *pattern == 'd'   ? *text >= '0' && *text <= '9'
                   : *pattern == 'T' ? *text == 'T' || *text == 't'
                                     : *text == *pattern;

        if (!good) {
            return 0;
        }
    }
    return 1;
}

static int number(const char *text, int digits)
{
    int value = 0;

    while (digits-- > 0) {
        value = value * 10 + (*text++ - '0');
    }
    return value;
}

static int is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_of(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2 && is_leap(year));
}

/* Microseconds of ".5", and how long that is; beyond six digits nothing
 * counts. */
static int fraction(int *microseconds, const char *text)
{
    int length = 1, unit = 100000;

    *microseconds = 0;
    if (*text != '.') {
        return 0;
    }
    for (; text[length] >= '0' && text[length] <= '9'; length++) {
        *microseconds += unit * (text[length] - '0');
        unit /= 10;
    }
    /* A point alone is no fraction, and makes the zone one that is none. */
    return length > 1 ? length : 0;
}

/* "Z" or "+hh:mm", and nothing behind it. */
static int read_zone(int *seconds, const char *text)
{
    int hours, minutes;

    *seconds = 0;
    if ((*text == 'Z' || *text == 'z') && !text[1]) {
        return 1;
    }
    if ((*text != '+' && *text != '-') || !matches(text + 1, "dd:dd") ||
        text[6]) {
        return 0;
    }
    hours = number(text + 1, 2);
    minutes = number(text + 4, 2);
    *seconds = (hours * 60 + minutes) * 60 * (*text == '-' ? -1 : 1);
    return hours < 24 && minutes < 60;
}

int wh_instant_read(apr_time_t *time, const char *text)
{
    apr_time_exp_t fields;
    int year, zone, length;

    if (!matches(text, form)) {
        return 0;
    }
    memset(&fields, 0, sizeof(fields));
    year = number(text, 4);
    fields.tm_year = year - 1900;
    fields.tm_mon = number(text + 5, 2) - 1;
    fields.tm_mday = number(text + 8, 2);
    fields.tm_hour = number(text + 11, 2);
    fields.tm_min = number(text + 14, 2);
    fields.tm_sec = number(text + 17, 2);
    length = fraction(&fields.tm_usec, text + sizeof(form) - 1);
    if (year < 1970 || fields.tm_mon < 0 || fields.tm_mon > 11 ||
        fields.tm_mday < 1 ||
        fields.tm_mday > days_of(year, fields.tm_mon + 1) ||
        fields.tm_hour > 23 || fields.tm_min > 59 || fields.tm_sec > 60 ||
        !read_zone(&zone, text + sizeof(form) - 1 + length)) {
        return 0;
    }
    if (apr_time_exp_get(time, &fields) != APR_SUCCESS) {
        return 0;
    }
    *time -= apr_time_from_sec(zone);
    return *time > 0;
}
