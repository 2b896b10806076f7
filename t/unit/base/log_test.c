/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines of the core. */
#include <stdlib.h>

#include "base/log.h"
#include "unit/tap.h"

typedef struct seen_t {
    int lines;
    int most; /* levels up to this one are on */
    int level;
    int line;
    apr_status_t rv;
    char file[256];
    char text[4096];
} seen_t;

static void sink(void *baton, const char *file, int line, int level,
                 apr_status_t rv, const char *text)
{
    seen_t *seen = baton;

    seen->lines++;
    seen->level = level;
    seen->line = line;
    seen->rv = rv;
    snprintf(seen->file, sizeof(seen->file), "%s", file);
    snprintf(seen->text, sizeof(seen->text), "%s", text);
}

static int is_enabled(void *baton, int level)
{
    return level <= ((seen_t *)baton)->most;
}

static int calls;

static int count_call(void)
{
    return ++calls;
}

static void test_no_sink(void)
{
    ok(!wh_log_enabled(WH_LOG_ERROR), "without a sink no level is on");
    wh_log(WH_LOG_ERROR, APR_SUCCESS, "call %d", count_call());
    is_int(calls, 0, "and nothing is formatted");
    wh_log_write("x.c", 1, WH_LOG_ERROR, APR_SUCCESS, "nobody hears");
}

static void test_levels(seen_t *seen)
{
    seen->most = WH_LOG_INFO;
    ok(wh_log_enabled(WH_LOG_INFO), "the level set is on");
    ok(!wh_log_enabled(WH_LOG_DEBUG), "those below are not");
    wh_log(WH_LOG_DEBUG, APR_SUCCESS, "call %d", count_call());
    is_int(seen->lines + calls, 0, "a line that is off costs nothing");
    wh_log(WH_LOG_WARNING, APR_EINVAL, WHLOGNO(1) "%s %d", "a", 7);
    is_int(seen->lines, 1, "a line that is on comes");
    is_str(seen->text, "WH1: a 7", "with its number, formatted");
    is_int(seen->level, WH_LOG_WARNING, "its level");
    is_int(seen->rv, APR_EINVAL, "its status");
    is_int(seen->line, __LINE__ - 5, "its place");
    ok(strstr(seen->file, "log_test.c") != NULL, "its file");
}

static void test_long(seen_t *seen)
{
    char *text = malloc(10000);

    memset(text, 'x', 9999);
    text[9999] = '\0';
    wh_log(WH_LOG_ERROR, APR_SUCCESS, "%s", text);
    is_int((apr_int64_t)strlen(seen->text), 2047, "a long line is cut");
    free(text);
}

int main(void)
{
    static seen_t seen;

    test_no_sink();
    wh_log_set_sink(sink, is_enabled, &seen);
    test_levels(&seen);
    test_long(&seen);
    return done_testing();
}
