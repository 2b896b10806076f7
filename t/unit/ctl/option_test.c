/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/option.h"

#include <apr_general.h>
#include <apr_strings.h>

#include "ctl/command.h"
#include "unit/tap.h"

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))
#define DAY (APR_INT64_C(24) * 60 * 60)

static void test_parse(apr_pool_t *pool)
{
    static const char *const argv[] = {
        "webhookctl", "--json",  "webhook", "--header", "a=1",  "list",
        "--header=b", "--limit", "5",       "--",       "--all"};
    const wh_option_set_t allowed =
        WH_OPTION_BIT(JSON) | WH_OPTION_BIT(HEADER) | WH_OPTION_BIT(LIMIT);
    const char *message = NULL;
    wh_options_t *options;

    is_int(wh_options_parse(&options, &message, COUNT(argv), argv, pool),
           APR_SUCCESS, "options between the words");
    is_int(options->arguments->nelts, 3, "words are left");
    is_str(APR_ARRAY_IDX(options->arguments, 2, const char *), "--all",
           "behind -- is no option");
    ok(wh_options_named(options, WH_OPTION_JSON), "one is named");
    ok(!wh_options_named(options, WH_OPTION_ALL), "another is not");
    is_int(wh_options_resolve(options, &message, allowed, pool), APR_SUCCESS,
           "all are allowed");
    is_int(options->values[WH_OPTION_HEADER]->nelts, 2, "one came twice");
    is_str(wh_option_text(options, WH_OPTION_HEADER), "b",
           "the last of them counts");
    ok(wh_option_given(options, WH_OPTION_JSON), "a flag is given");
    ok(!wh_option_text(options, WH_OPTION_NAME), "what is not given is NULL");
}

static void test_meaning(apr_pool_t *pool)
{
    static const char *const argv[] = {"webhookctl", "--state", "failed"};
    const char *message = NULL;
    wh_options_t *options;

    wh_options_parse(&options, &message, COUNT(argv), argv, pool);
    is_int(wh_options_resolve(options, &message, WH_OPTION_BIT(REPLAY_STATE),
                              pool),
           APR_SUCCESS, "a name with several meanings");
    is_str(wh_option_text(options, WH_OPTION_REPLAY_STATE), "failed",
           "... has the one of the command");
    ok(!wh_option_given(options, WH_OPTION_STATE), "... and no other");
    is_int(wh_options_resolve(options, &message, WH_OPTION_BIT(JSON), pool),
           APR_EINVAL, "a command that does not take it");
    is_str(message, "this command takes no --state", "... says so");
}

static void test_refusal(apr_pool_t *pool)
{
    static const char *const unknown[] = {"webhookctl", "--nothing"};
    static const char *const no_value[] = {"webhookctl", "list", "--name"};
    static const char *const with_value[] = {"webhookctl", "--json=x"};
    static const char *const cut[] = {"webhookctl", "--jso"};
    const struct {
        const char *const *argv;
        int argc;
        const char *what;
    } cases[] = {{unknown, COUNT(unknown), "an unknown option"},
                 {no_value, COUNT(no_value), "a value that is missing"},
                 {with_value, COUNT(with_value), "a flag with a value"},
                 {cut, COUNT(cut), "an abbreviation"}};
    int i;

    for (i = 0; i < COUNT(cases); i++) {
        const char *message = NULL;
        wh_options_t *options;

        is_int(wh_options_parse(&options, &message, cases[i].argc,
                                cases[i].argv, pool),
               APR_EINVAL, "%s", cases[i].what);
        ok(message && strstr(message, "--") == NULL ? strlen(message) > 0
                                                    : message != NULL,
           "... is said: %s", message ? message : "nothing");
    }
}

static void test_numbers(void)
{
    static const char *const bad[] = {
        "",   "-",    "+1",  " 1",  "1 ",
        "1x", "0x10", "--1", "1.0", "99999999999999999999"};
    apr_int64_t number = 0;
    int i;

    ok(wh_value_number(&number, "17", 1, 20) && number == 17, "a number");
    ok(wh_value_number(&number, "-5", -5, 20) && number == -5, "the least");
    ok(wh_value_number(&number, "9223372036854775807", 1, APR_INT64_MAX) &&
           number == APR_INT64_MAX,
       "the most there is");
    ok(!wh_value_number(&number, "-6", -5, 20), "less than the least");
    ok(!wh_value_number(&number, "21", -5, 20), "more than the most");
    for (i = 0; i < COUNT(bad); i++) {
        ok(!wh_value_number(&number, bad[i], APR_INT64_MIN, APR_INT64_MAX),
           "\"%s\" is none", bad[i]);
    }
}

static void test_durations(void)
{
    static const char *const bad[] = {"",
                                      "s",
                                      "5",
                                      "0s",
                                      "-1h",
                                      "1 h",
                                      "1.5h",
                                      "1ms",
                                      "1y",
                                      "40000d",
                                      "99999999999999999s"};
    apr_interval_time_t time = 0;
    int i;

    ok(wh_value_duration(&time, "90s") && time == apr_time_from_sec(90),
       "seconds");
    ok(wh_value_duration(&time, "15m") && time == apr_time_from_sec(900),
       "minutes");
    ok(wh_value_duration(&time, "2h") && time == apr_time_from_sec(7200),
       "hours");
    ok(wh_value_duration(&time, "90d") && time == apr_time_from_sec(90 * DAY),
       "days");
    ok(wh_value_duration(&time, "2w") && time == apr_time_from_sec(14 * DAY),
       "weeks");
    for (i = 0; i < COUNT(bad); i++) {
        ok(!wh_value_duration(&time, bad[i]), "\"%s\" is none", bad[i]);
    }
}

static void test_times(void)
{
    /* Seconds since 1970 of 2026-01-31T12:30:45Z. */
    const apr_time_t moment = apr_time_from_sec(APR_INT64_C(1769862645));
    const apr_time_t now = moment + apr_time_from_sec(7200);
    static const char *const same[] = {
        "2026-01-31T12:30:45Z", "2026-01-31 12:30:45",
        "2026-01-31T14:30:45+02:00", "2026-01-31T09:00:45-0330", "2h"};
    static const char *const bad[] = {"",
                                      "yesterday",
                                      "2026-02-30",
                                      "2026-13-01",
                                      "2026-1-1",
                                      "31.01.2026",
                                      "2026-01-31T25:00",
                                      "2026-01-31T12:00X",
                                      "1960-01-01",
                                      "2026-01-31Z ",
                                      "2026-01-31T12:00+99:00",
                                      "2026-01-31T12:00+0"};
    apr_time_t time = 0;
    int i;

    for (i = 0; i < COUNT(same); i++) {
        ok(wh_value_time(&time, same[i], now) && time == moment,
           "\"%s\" is that moment", same[i]);
    }
    ok(wh_value_time(&time, "2026-01-31", now) &&
           time == moment - apr_time_from_sec(12 * 3600 + 30 * 60 + 45),
       "a date alone is its beginning");
    for (i = 0; i < COUNT(bad); i++) {
        ok(!wh_value_time(&time, bad[i], now), "\"%s\" is none", bad[i]);
    }
}

/* What the table of commands must be for parsing and completion to work. */
static void test_commands(apr_pool_t *pool)
{
    const wh_command_t *command;
    int i, j;

    for (command = wh_commands(); command->noun; command++) {
        const char *name = wh_command_name(command, pool);
        int words = 0, doubles = 0;
        const char *found[] = {command->noun, command->verb};

        ok(wh_command_find(&words, found, command->verb ? 2 : 1) == command,
           "%s is found by its name", name);
        is_int(words, command->verb ? 2 : 1, "... by all of it");
        for (i = 0; i < WH_OPTION_COUNT; i++) {
            for (j = 0; j < i; j++) {
                doubles += (command->options | WH_GLOBAL_OPTIONS) >> i & 1 &&
                           (command->options | WH_GLOBAL_OPTIONS) >> j & 1 &&
                           !strcmp(wh_option_row((wh_option_t)i)->name,
                                   wh_option_row((wh_option_t)j)->name);
            }
        }
        is_int(doubles, 0, "... and no option means two things to it");
    }
    for (i = 0; i < WH_OPTION_COUNT; i++) {
        for (j = 0; j < i; j++) {
            const wh_option_row_t *one = wh_option_row((wh_option_t)i);
            const wh_option_row_t *other = wh_option_row((wh_option_t)j);

            if (!strcmp(one->name, other->name)) {
                ok(one->value && other->value,
                   "--%s takes a value in all its meanings", one->name);
            }
        }
    }
    ok(WH_OPTION_COUNT <= 64, "a set has room for all options");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_parse(pool);
    test_meaning(pool);
    test_refusal(pool);
    test_numbers();
    test_durations();
    test_times();
    test_commands(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
