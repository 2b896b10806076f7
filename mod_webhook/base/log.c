/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

/* Set once per process, before its first thread; read-only from then on. */
static struct {
    wh_log_sink_fn_t *sink;
    wh_log_enabled_fn_t *enabled;
    void *baton;
} target;

void wh_log_set_sink(wh_log_sink_fn_t *sink, wh_log_enabled_fn_t *enabled,
                     void *baton)
{
    target.sink = sink;
    target.enabled = enabled;
    target.baton = baton;
}

int wh_log_enabled(int level)
{
    return target.sink && target.enabled && target.enabled(target.baton, level);
}

void wh_log_write(const char *file, int line, int level, apr_status_t rv,
                  const char *format, ...)
{
    char text[2048];
    va_list args;

    if (!target.sink) {
        return;
    }
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    target.sink(target.baton, file, line, level, rv, text);
}
