/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Log lines of the core.
 * Stage: all · from: every core folder · to: the sink of the program · runs on: any thread
 *
 * The core knows no httpd. A program sets one sink before it starts a thread:
 * httpd's error log in the module, standard error in tools and unit tests.
 */
#ifndef WH_BASE_LOG_H
#define WH_BASE_LOG_H

#include <apr.h>
#include <apr_errno.h>

/** Levels; the numbers are those of syslog and of httpd's APLOG_ levels. */
enum {
    WH_LOG_ERROR = 3,
    WH_LOG_WARNING = 4,
    WH_LOG_NOTICE = 5,
    WH_LOG_INFO = 6,
    WH_LOG_DEBUG = 7,
    WH_LOG_TRACE1 = 8,
    WH_LOG_TRACE2 = 9
};

/** Prefix of a log line: a number of its own, never used again ("WH1042: "). */
#define WHLOGNO(n) "WH" #n ": "

/** Receives one finished line; must be safe to call from any thread. */
typedef void wh_log_sink_fn_t(void *baton, const char *file, int line,
                              int level, apr_status_t rv, const char *text);
/** Tells if a level is on, so that nothing is formatted in vain. */
typedef int wh_log_enabled_fn_t(void *baton, int level);

/** Sets the sink; call it while the process has one thread. */
void wh_log_set_sink(wh_log_sink_fn_t *sink, wh_log_enabled_fn_t *enabled,
                     void *baton);

int wh_log_enabled(int level);

void wh_log_write(const char *file, int line, int level, apr_status_t rv,
                  const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/** Logs with the real status rv (its text is appended; APR_SUCCESS: none). */
#define wh_log(level, rv, ...)                                                 \
    do {                                                                       \
        if (wh_log_enabled(level)) {                                           \
            wh_log_write(__FILE__, __LINE__, level, rv, __VA_ARGS__);          \
        }                                                                      \
    } while (0)

#endif
