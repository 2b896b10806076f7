/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Test Anything Protocol for the unit programs.
 *
 * A program calls ok(), is_int() and is_str() in any order and ends with
 * "return done_testing();". Each gives 1 if the test passed, else 0, and takes
 * a printf name. For one thread: results of others are collected first.
 */
#ifndef T_UNIT_TAP_H
#define T_UNIT_TAP_H

#include <apr.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TAP_PRINTF(text, first)                                                \
    __attribute__((unused, format(printf, text, first)))

static struct {
    int run;
    int failed;
    int planned; /* 0: the plan is printed at the end */
} tap;

/* A "#" or a line feed in a name would be read as protocol. */
static inline int TAP_PRINTF(2, 0)
    tap_result(int passed, const char *format, va_list arguments)
{
    char name[1024];
    char *c;

    vsnprintf(name, sizeof(name), format, arguments);
    for (c = name; *c; c++) {
        if (*c == '\n' || *c == '\r' || *c == '#') {
            *c = ' ';
        }
    }
    tap.run++;
    tap.failed += !passed;
    printf("%sok %d - %s\n", passed ? "" : "not ", tap.run, name);
    /* Kept even if the next test crashes. */
    fflush(stdout);
    return passed;
}

/** Says in advance how many tests there are; done_testing() checks it. */
static inline void __attribute__((unused)) plan(int tests)
{
    tap.planned = tests;
    printf("1..%d\n", tests);
    fflush(stdout);
}

static inline void TAP_PRINTF(1, 2) diag(const char *format, ...)
{
    va_list arguments;

    printf("# ");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
}

static inline int TAP_PRINTF(2, 3) ok(int condition, const char *format, ...)
{
    va_list arguments;
    int passed;

    va_start(arguments, format);
    passed = tap_result(condition != 0, format, arguments);
    va_end(arguments);
    return passed;
}

static inline int TAP_PRINTF(3, 4)
    is_int(apr_int64_t got, apr_int64_t want, const char *format, ...)
{
    va_list arguments;
    int passed;

    va_start(arguments, format);
    passed = tap_result(got == want, format, arguments);
    va_end(arguments);
    if (!passed) {
        diag("got %" APR_INT64_T_FMT ", want %" APR_INT64_T_FMT, got, want);
    }
    return passed;
}

static inline int TAP_PRINTF(3, 4)
    is_str(const char *got, const char *want, const char *format, ...)
{
    va_list arguments;
    int passed = got && want ? !strcmp(got, want) : got == want;

    va_start(arguments, format);
    passed = tap_result(passed, format, arguments);
    va_end(arguments);
    if (!passed) {
        diag("got \"%s\", want \"%s\"", got ? got : "(NULL)",
             want ? want : "(NULL)");
    }
    return passed;
}

/** Prints the plan if there is none; the exit status of the program. */
static inline int __attribute__((unused)) done_testing(void)
{
    if (!tap.planned) {
        tap.planned = tap.run;
        printf("1..%d\n", tap.run);
    }
    if (tap.run == 0) {
        diag("no test was run");
    }
    if (tap.run != tap.planned) {
        diag("%d tests run, %d planned", tap.run, tap.planned);
    }
    if (tap.failed) {
        diag("%d of %d tests failed", tap.failed, tap.run);
    }
    fflush(stdout);
    return tap.run == 0 || tap.failed || tap.run != tap.planned;
}

#undef TAP_PRINTF

#endif
