/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time as texts. */
#include "base/time_text.h"

#include "unit/tap.h"

#define MOMENT APR_INT64_C(1769862645000000) /* 2026-01-31T12:30:45Z */

typedef struct row_t {
    const char *text;
    apr_time_t time; /* 0: it is none */
} row_t;

static const row_t rows[] = {
    {"2026-01-31T12:30:45", MOMENT},
    {"2026-01-31T12:30:45Z", MOMENT},
    {"2026-01-31 12:30:45z", MOMENT},
    {"2026-01-31T14:30:45+02:00", MOMENT},
    {"2026-01-31T09:00:45-0330", MOMENT},
    {"2026-01-31T12:30:45.250Z", MOMENT + 250000},
    {"2026-01-31T12:30:45.1234567891234Z", MOMENT + 123456},
    {"2026-01-31T14:30:45.5+02:00", MOMENT + 500000},
    {"2026-01-31T12:30", MOMENT - apr_time_from_sec(45)},
    {"2026-01-31", MOMENT - apr_time_from_sec(45045)},
    {"2026-01-31T12:30:45.Z", 0},
    {"2026-01-31T12:30.5Z", 0},
    {"2026-01-31.5", 0},
    {"2026-02-30", 0},
    {"2026-13-01", 0},
    {"1969-12-31", 0},
    {"2026-1-31", 0},
    {"2026-01-31T", 0},
    {"2026-01-31T12", 0},
    {"2026-01-31T12:30:45+2", 0},
    {"2026-01-31T12:30:45+24:00", 0},
    {"2026-01-31T12:30:45Zx", 0},
    {" 2026-01-31", 0},
    {"yesterday", 0},
    {"", 0},
};

static void test_parse(void)
{
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        apr_time_t time = 0;
        int is_time = wh_time_parse(&time, rows[i].text);

        is_int(is_time, rows[i].time != 0, "\"%s\"", rows[i].text);
        if (is_time) {
            is_int(time, rows[i].time, "... which moment it is");
        }
    }
}

static void test_print(void)
{
    char text[WH_TIME_SIZE];
    apr_time_t time = 0;

    wh_time_print(text, MOMENT + 7999);
    is_str(text, "2026-01-31T12:30:45.007Z", "a time with milliseconds");
    ok(wh_time_parse(&time, text) && time == MOMENT + 7000,
       "which is read as it was written");
}

int main(void)
{
    test_parse();
    test_print();
    return done_testing();
}
