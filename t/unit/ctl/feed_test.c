/* SPDX-License-Identifier: Apache-2.0 */
/* A list that goes on: each row once, also one that comes late. */
#include "ctl/feed.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <unistd.h>

#include "unit/tap.h"

/* Ids are in milliseconds since the first. */
#define AT(milliseconds) (((apr_int64_t)(milliseconds) << WH_ROW_ID_SHIFT) + 1)

/* What is in the database from which look on. */
static const struct {
    int look;
    apr_int64_t id;
} rows[] = {
    {0, AT(100000)}, {0, AT(100100)},     {0, AT(100200)}, {2, AT(100150)},
    {2, AT(100300)}, {3, AT(98000)},      {4, AT(110000)}, {5, AT(109000)},
    {5, AT(101000)}, {6, AT(110000) + 1},
};

#define ROW_COUNT (int)(sizeof(rows) / sizeof(rows[0]))
#define LAST_LOOK 7

static int look;
static int failing_look;

static int compare(const void *one, const void *other)
{
    apr_int64_t a = **(apr_int64_t *const *)one;
    apr_int64_t b = **(apr_int64_t *const *)other;

    return a < b ? -1 : a > b;
}

static void reverse(apr_array_header_t *list)
{
    const void **elements = (const void **)list->elts;
    int i;

    for (i = 0; i < list->nelts / 2; i++) {
        const void *kept = elements[i];

        elements[i] = elements[list->nelts - 1 - i];
        elements[list->nelts - 1 - i] = kept;
    }
}

/* Ends the program's wait with the last look. */
static apr_status_t fetch(apr_array_header_t **list, wh_store_t *store,
                          const wh_log_filter_t *filter, apr_pool_t *pool)
{
    int i;

    (void)store;
    *list = apr_array_make(pool, 4, sizeof(void *));
    for (i = 0; i < ROW_COUNT; i++) {
        if (rows[i].look <= look && rows[i].id > filter->after &&
            (!filter->before || rows[i].id < filter->before)) {
            APR_ARRAY_PUSH(*list, const void *) = &rows[i].id;
        }
    }
    qsort((*list)->elts, (size_t)(*list)->nelts, sizeof(void *), compare);
    if (!filter->after) {
        reverse(*list);
    }
    if ((*list)->nelts > filter->limit) {
        (*list)->nelts = filter->limit;
    }
    if (++look == LAST_LOOK) {
        kill(getpid(), SIGTERM);
    }
    return look == failing_look ? WH_STORE_DOWN : APR_SUCCESS;
}

static json_t *to_json(const void *record)
{
    return json_integer(*(const apr_int64_t *)record >> WH_ROW_ID_SHIFT);
}

/* All but one. */
static int is_shown(const void *record, const wh_log_filter_t *filter)
{
    (void)filter;
    return *(const apr_int64_t *)record != AT(100300);
}

/* What the list prints on standard output, on one line. */
static const char *list(int *status, wh_feed_show_fn_t *show, apr_pool_t *pool,
                        const char *const *argv, int argc)
{
    wh_ctl_t ctl = {.pool = pool, .json = 1};
    wh_feed_t feed = {.fetch = fetch, .json = to_json, .show = show};
    const char *message, *copy;
    wh_options_t *options;
    FILE *screen = stdout;
    char *text = NULL, *c;
    size_t size;

    wh_options_parse(&options, &message, argc, argv, pool);
    wh_options_resolve(options, &message,
                       WH_OPTION_BIT(FOLLOW) | WH_OPTION_BIT(LIMIT), pool);
    ctl.options = options;
    look = 0;
    stdout = open_memstream(&text, &size);
    *status = wh_feed_list(&feed, &ctl);
    fclose(stdout);
    stdout = screen;
    for (c = text; *c; c++) {
        *c = *c == '\n' ? ' ' : *c;
    }
    copy = apr_pstrdup(pool, text);
    free(text);
    return copy;
}

static void test_follow(apr_pool_t *pool)
{
    static const char *const argv[] = {"webhookctl", "--follow", "--limit",
                                       "2"};
    int status;

    /* 100000 is left out by the limit, 98000 and what is older than two
     * seconds when it comes is not looked for. */
    is_str(list(&status, NULL, pool, argv, 4),
           "100100 100200 100150 100300 110000 109000 110000 ",
           "each row once, late ones too");
    is_int(status, WH_EXIT_DONE, "... until a signal comes");
    is_str(list(&status, is_shown, pool, argv, 4),
           "100100 100200 100150 110000 109000 110000 ",
           "what fetch cannot filter is filtered");
}

static void test_failure(apr_pool_t *pool)
{
    static const char *const argv[] = {"webhookctl", "--follow"};
    int status;

    failing_look = 3;
    list(&status, NULL, pool, argv, 2);
    is_int(status, WH_EXIT_STORAGE, "the storage fails on the way");
    failing_look = 1;
    list(&status, NULL, pool, argv, 2);
    is_int(status, WH_EXIT_STORAGE, "... or at once");
    failing_look = 0;
}

static void test_list(apr_pool_t *pool)
{
    static const char *const argv[] = {"webhookctl", "--limit", "2"};
    int status;

    is_str(list(&status, NULL, pool, argv, 3), "[   100200,   100100 ] ",
           "a list without --follow ends, newest first");
    is_int(status, WH_EXIT_DONE, "... in order");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_follow(pool);
    test_failure(pool);
    test_list(pool);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
