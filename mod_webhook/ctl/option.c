/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/option.h"

#include <apr_getopt.h>
#include <apr_strings.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/time_text.h"

#define ROW(symbol, name, value, words, help) {name, value, words, help},
static const wh_option_row_t rows[] = {WH_OPTIONS(ROW)};
#undef ROW

/* The characters that apr_getopt_long() returns for options begin here: above
 * all that could be typed. */
#define FIRST_CHARACTER 256

typedef struct given_t {
    wh_option_t option; /* the first of its name */
    const char *value;
} given_t;

const wh_option_row_t *wh_option_row(wh_option_t option)
{
    return &rows[option];
}

static apr_getopt_option_t *getopt_table(apr_pool_t *pool)
{
    apr_getopt_option_t *table =
        apr_pcalloc(pool, (WH_OPTION_COUNT + 1) * sizeof(*table));
    int i;

    for (i = 0; i < WH_OPTION_COUNT; i++) {
        table[i].name = rows[i].name;
        table[i].optch = FIRST_CHARACTER + i;
        table[i].has_arg = rows[i].value != NULL;
    }
    return table;
}

typedef struct complaint_t {
    const char **message;
    apr_pool_t *pool;
} complaint_t;

/* What apr_getopt_long() would print: "%s: %s: %s\n", program, why, option. */
static void complain(void *baton, const char *format, ...)
{
    complaint_t *complaint = baton;
    const char *why, *option;
    va_list args;

    (void)format;
    va_start(args, format);
    (void)va_arg(args, const char *);
    why = va_arg(args, const char *);
    option = va_arg(args, const char *);
    va_end(args);
    *complaint->message = apr_pstrcat(complaint->pool, why, ": ", option, NULL);
}

apr_status_t wh_options_parse(wh_options_t **result, const char **message,
                              int argc, const char *const *argv,
                              apr_pool_t *pool)
{
    wh_options_t *options = apr_pcalloc(pool, sizeof(*options));
    complaint_t complaint = {message, pool};
    const apr_getopt_option_t *table = getopt_table(pool);
    apr_getopt_t *getopt;
    const char *value;
    apr_status_t rv;
    int character;

    options->given = apr_array_make(pool, 8, sizeof(given_t));
    options->arguments = apr_array_make(pool, 4, sizeof(const char *));
    *message = "the command line is not in order";
    rv = apr_getopt_init(&getopt, pool, argc, argv);
    if (rv != APR_SUCCESS) {
        return APR_EINVAL;
    }
    getopt->interleave = 1;
    getopt->errfn = complain;
    getopt->errarg = &complaint;
    while ((rv = apr_getopt_long(getopt, table, &character, &value)) ==
           APR_SUCCESS) {
        given_t *given = apr_array_push(options->given);

        given->option = (wh_option_t)(character - FIRST_CHARACTER);
        given->value = rows[given->option].value ? value : "";
    }
    if (rv != APR_EOF) {
        return APR_EINVAL;
    }
    while (getopt->ind < argc) {
        APR_ARRAY_PUSH(options->arguments, const char *) =
            getopt->argv[getopt->ind++];
    }
    *result = options;
    return APR_SUCCESS;
}

int wh_options_named(const wh_options_t *options, wh_option_t option)
{
    int i;

    for (i = 0; i < options->given->nelts; i++) {
        const given_t *given = &APR_ARRAY_IDX(options->given, i, given_t);

        if (!strcmp(rows[given->option].name, rows[option].name)) {
            return 1;
        }
    }
    return 0;
}

/* The option of this name that a command takes, or WH_OPTION_COUNT. */
static int meaning(const char *name, wh_option_set_t allowed)
{
    int i;

    for (i = 0; i < WH_OPTION_COUNT; i++) {
        if (allowed & (wh_option_set_t)1 << i && !strcmp(rows[i].name, name)) {
            break;
        }
    }
    return i;
}

apr_status_t wh_options_resolve(wh_options_t *options, const char **message,
                                wh_option_set_t allowed, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < options->given->nelts; i++) {
        const given_t *given = &APR_ARRAY_IDX(options->given, i, given_t);
        const char *name = rows[given->option].name;
        int option = meaning(name, allowed);

        if (option == WH_OPTION_COUNT) {
            *message =
                apr_pstrcat(pool, "this command takes no --", name, NULL);
            return APR_EINVAL;
        }
        if (!options->values[option]) {
            options->values[option] =
                apr_array_make(pool, 1, sizeof(const char *));
        }
        APR_ARRAY_PUSH(options->values[option], const char *) = given->value;
    }
    return APR_SUCCESS;
}

int wh_option_given(const wh_options_t *options, wh_option_t option)
{
    return options->values[option] != NULL;
}

const char *wh_option_text(const wh_options_t *options, wh_option_t option)
{
    const apr_array_header_t *values = options->values[option];

    return values ? APR_ARRAY_IDX(values, values->nelts - 1, const char *)
                  : NULL;
}

int wh_value_number(apr_int64_t *number, const char *text, apr_int64_t least,
                    apr_int64_t most)
{
    char *end = NULL;

    /* strtoll() lets white space and "+" in. */
    if (!(*text >= '0' && *text <= '9') &&
        !(*text == '-' && text[1] >= '0' && text[1] <= '9')) {
        return 0;
    }
    errno = 0;
    *number = apr_strtoi64(text, &end, 10);
    return errno == 0 && end && !*end && *number >= least && *number <= most;
}

#define DURATION_MAX (APR_INT64_C(100) * 366 * 24 * 60 * 60)

int wh_value_duration(apr_interval_time_t *duration, const char *text)
{
    static const struct {
        char letter;
        apr_int64_t seconds;
    } units[] = {{'s', 1},
                 {'m', 60},
                 {'h', 60 * 60},
                 {'d', 24 * 60 * 60},
                 {'w', 7 * 24 * 60 * 60}};
    apr_size_t length = strlen(text), i;
    char digits[16];
    apr_int64_t number;

    if (length < 2 || length > sizeof(digits)) {
        return 0;
    }
    memcpy(digits, text, length - 1);
    digits[length - 1] = '\0';
    for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (units[i].letter == text[length - 1]) {
            if (!wh_value_number(&number, digits, 1,
                                 DURATION_MAX / units[i].seconds)) {
                return 0;
            }
            *duration = apr_time_from_sec(number * units[i].seconds);
            return 1;
        }
    }
    return 0;
}

int wh_value_time(apr_time_t *time, const char *text, apr_time_t now)
{
    apr_interval_time_t back;

    if (wh_value_duration(&back, text)) {
        *time = now - back;
        return *time > 0;
    }
    return wh_time_parse(time, text);
}
