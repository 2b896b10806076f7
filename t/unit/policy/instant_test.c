/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time; expected values were made with date(1). */
#include "policy/instant.h"
#include "unit/tap.h"

static void test_read(void)
{
    static const struct {
        const char *text;
        apr_time_t time;
    } rows[] = {
        {"2026-01-31T12:00:00Z", APR_INT64_C(1769860800000000)},
        {"2026-01-31t12:00:00z", APR_INT64_C(1769860800000000)},
        {"2026-01-31T12:00:00.5Z", APR_INT64_C(1769860800500000)},
        {"2026-01-31T12:00:00.1234567899Z", APR_INT64_C(1769860800123456)},
        {"2026-01-31T12:00:00+02:00", APR_INT64_C(1769853600000000)},
        {"2026-01-31T12:00:00.25-03:30", APR_INT64_C(1769873400250000)},
        {"2024-02-29T00:00:00Z", APR_INT64_C(1709164800000000)},
        {"9999-12-31T23:59:59Z", APR_INT64_C(253402300799000000)},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        apr_time_t time = 0;

        is_int(wh_instant_read(&time, rows[i].text), 1, "%s", rows[i].text);
        is_int(time, rows[i].time, "... is that time");
    }
}

static void test_refused(void)
{
    static const char *const texts[] = {
        "",
        "2026",
        "2026-01-31",
        "2026-01-31T12:00:00",
        "2026-01-31 12:00:00Z",
        "2026-01-31T12:00Z",
        "2026-01-31T12:00:00.Z",
        "2026-01-31T12:00:00,5Z",
        "2026-01-31T12:00:00ZZ",
        "2026-01-31T12:00:00+0200",
        "2026-01-31T12:00:00+24:00",
        "2026-01-31T12:00:00+02:60",
        "2026-01-31T12:00:00+02:00Z",
        "2026-02-29T00:00:00Z",
        "1900-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-32T00:00:00Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T12:60:00Z",
        "2026-01-31T12:00:61Z",
        " 2026-01-31T12:00:00Z",
        "+026-01-31T12:00:00Z",
    };
    apr_time_t time;
    size_t i;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        is_int(wh_instant_read(&time, texts[i]), 0, "\"%s\" is refused",
               texts[i]);
    }
}

int main(void)
{
    test_read();
    test_refused();
    return done_testing();
}
