/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_store.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <errno.h>
#include <string.h>

#include "store/store_priv.h"

/* Rows of a list that says nothing of its length. */
#define LIST_ROWS 500

/* An event's data may be large: so many rows lie in the driver's memory. */
#define EVENT_ROWS 16

/* Makes a record of a row, whose id is in the first column. */
typedef void *read_row_fn_t(wh_rows_t *rows, apr_pool_t *pool);

static void *read_event(wh_rows_t *rows, apr_pool_t *pool)
{
    wh_log_event_t *event = apr_pcalloc(pool, sizeof(*event));
    int column = 0;

    event->id = wh_rows_int64(rows, column++);
    event->uuid = wh_rows_text(rows, column++, pool);
    event->time = wh_rows_int64(rows, column++);
    event->primary_key = (apr_int32_t)wh_rows_int64(rows, column++);
    event->associate_id = (apr_int32_t)wh_rows_int64(rows, column++);
    event->name = wh_rows_text(rows, column++, pool);
    event->context = wh_rows_text(rows, column++, pool);
    event->data = wh_rows_text(rows, column++, pool);
    return event;
}

static void *read_delivery(wh_rows_t *rows, apr_pool_t *pool)
{
    wh_log_delivery_t *delivery = apr_pcalloc(pool, sizeof(*delivery));
    int column = 0;

    delivery->id = wh_rows_int64(rows, column++);
    delivery->event_id = wh_rows_int64(rows, column++);
    delivery->event_uuid = wh_rows_text(rows, column++, pool);
    delivery->event_name = wh_rows_text(rows, column++, pool);
    delivery->webhook_id = (apr_int32_t)wh_rows_int64(rows, column++);
    delivery->state = (wh_delivery_state_t)wh_rows_int64(rows, column++);
    delivery->attempts = (int)wh_rows_int64(rows, column++);
    delivery->due = wh_rows_int64(rows, column++);
    delivery->owner = wh_rows_int64(rows, column++);
    return delivery;
}

static void *read_attempt(wh_rows_t *rows, apr_pool_t *pool)
{
    wh_log_attempt_t *attempt = apr_pcalloc(pool, sizeof(*attempt));
    int column = 0;

    attempt->id = wh_rows_int64(rows, column++);
    attempt->delivery_id = wh_rows_int64(rows, column++);
    attempt->number = (int)wh_rows_int64(rows, column++);
    attempt->started = wh_rows_int64(rows, column++);
    attempt->duration = wh_rows_int64(rows, column++);
    attempt->status = (int)wh_rows_int64(rows, column++);
    attempt->error = wh_rows_text(rows, column++, pool);
    attempt->address = wh_rows_text(rows, column++, pool);
    attempt->answer = wh_rows_text(rows, column++, pool);
    attempt->told = wh_rows_text(rows, column++, pool);
    return attempt;
}

/* -- lists ------------------------------------------------------------------ */

static void narrow(wh_log_range_t *range, apr_int64_t low, apr_int64_t high)
{
    range->low = low > range->low ? low : range->low;
    range->high = high < range->high ? high : range->high;
}

void wh_log_range_init(wh_log_range_t *range, const wh_log_filter_t *filter,
                       apr_int64_t span)
{
    const void *args[WH_LOG_PARAMETERS] = {
        &filter->event_id,  &filter->event_id,  &range->webhook_id,
        &range->webhook_id, &filter->app_id,    &filter->app_id,
        &range->state,      &range->state,      &range->low,
        &range->high,       filter->context,    filter->context,
        filter->event_name, filter->event_name, &range->limit};

    range->filter = filter;
    range->low = filter->after;
    range->high = filter->before ? filter->before : APR_INT64_MAX;
    range->webhook_id = filter->webhook_id;
    range->state = filter->state;
    if (filter->since > range->low) {
        range->low = filter->since - 1;
    }
    memcpy(range->args, args, sizeof(args));
    if (filter->event_id < 0 || filter->event_id >= APR_INT64_MAX - span) {
        narrow(range, APR_INT64_MAX, 0); /* no event has such an id */
    }
    else if (filter->event_id) {
        narrow(range, filter->event_id - 1, filter->event_id + span + 1);
    }
}

typedef struct list_t {
    wh_log_range_t range;
    wh_statement_t statement;
    int first_arg; /* of range.args */
    int chunk;     /* rows of one select */
    read_row_fn_t *read_row;
    apr_array_header_t *rows;
    apr_pool_t *pool;
} list_t;

/* In chunks: drivers walk a result from its start for every row. */
static apr_status_t read_list(wh_store_t *store, void *baton)
{
    list_t *list = baton;
    wh_log_range_t *range = &list->range;
    apr_int64_t low = range->low, high = range->high;
    int left = range->filter->limit > 0 ? range->filter->limit : LIST_ROWS;
    wh_rows_t rows = {.count = 0};
    apr_status_t rv = APR_SUCCESS;

    list->rows = apr_array_make(list->pool, 16, sizeof(void *));
    do {
        range->limit = left < list->chunk ? left : list->chunk;
        rv = wh_db_select(&rows, &store->db, list->statement,
                          range->args + list->first_arg);
        while (rv == APR_SUCCESS && wh_rows_next(&rows)) {
            apr_int64_t id = wh_rows_int64(&rows, 0);

            *(range->filter->after ? &range->low : &range->high) = id;
            APR_ARRAY_PUSH(list->rows, void *) =
                list->read_row(&rows, list->pool);
            left--;
        }
    } while (rv == APR_SUCCESS && left > 0 && rows.count == range->limit);
    range->low = low;
    range->high = high;
    return rv;
}

apr_status_t wh_store_event_list(apr_array_header_t **events, wh_store_t *store,
                                 const wh_log_filter_t *filter,
                                 apr_pool_t *pool)
{
    list_t list = {.statement = filter->after ? WH_SQL_EVENT_OLDEST
                                              : WH_SQL_EVENT_NEWEST,
                   .first_arg = WH_LOG_EVENT,
                   .chunk = EVENT_ROWS,
                   .read_row = read_event,
                   .pool = pool};
    apr_status_t rv;

    wh_log_range_init(&list.range, filter, 0);
    rv = wh_store_read(store, read_list, &list);
    *events = list.rows;
    return rv;
}

apr_status_t wh_store_delivery_list(apr_array_header_t **deliveries,
                                    wh_store_t *store,
                                    const wh_log_filter_t *filter,
                                    apr_pool_t *pool)
{
    list_t list = {.statement = filter->after ? WH_SQL_DELIVERY_OLDEST
                                              : WH_SQL_DELIVERY_NEWEST,
                   .chunk = WH_ROWS_CHUNK,
                   .read_row = read_delivery,
                   .pool = pool};
    apr_status_t rv;

    wh_log_range_init(&list.range, filter, WH_LOG_SPAN);
    rv = wh_store_read(store, read_list, &list);
    *deliveries = list.rows;
    return rv;
}

/* -- pages ------------------------------------------------------------------ */

typedef struct page_t {
    list_t list;
    wh_log_filter_t filter; /* asks for one row more */
    apr_int64_t next;
} page_t;

/* Where a page that ends early ends: at a time that has nothing to do with the
 * rows, most of which are others'. Else whoever asks for pages would read from Next
 * when each of them was made. */
#define PAGE_GRID (APR_INT64_C(4000) << WH_ROW_ID_SHIFT)

static apr_int64_t page_end(apr_int64_t oldest, apr_int64_t newest)
{
    apr_int64_t below = oldest - oldest % PAGE_GRID;

    /* Less than one step is not looked at in parts. */
    return below + PAGE_GRID <= newest ? below + PAGE_GRID : below;
}

/* Moves the lower end up to the oldest row that this page looks at. Those of an
 * event are few, and lie together.
 * @param is_cut 1: there may be older ones */
static apr_status_t bound_page(int *is_cut, wh_store_t *store,
                               wh_log_range_t *range)
{
    apr_int64_t most = WH_LOG_PAGE_ROWS;
    const void *args[] = {&range->low, &range->high, &most};
    wh_rows_t rows;
    apr_status_t rv;

    *is_cut = 0;
    if (!range->webhook_id) {
        return APR_SUCCESS;
    }
    rv = wh_db_select(&rows, &store->db, WH_SQL_DELIVERY_BORDER, args);
    if (rv == APR_SUCCESS && wh_rows_next(&rows) &&
        wh_rows_int64(&rows, 0) == most) {
        apr_int64_t end =
            page_end(wh_rows_int64(&rows, 1), wh_rows_int64(&rows, 2));

        *is_cut = end > range->low;
        range->low = *is_cut ? end - 1 : range->low;
    }
    return rv;
}

static apr_status_t read_page(wh_store_t *store, void *baton)
{
    page_t *page = baton;
    list_t *list = &page->list;
    int wanted = page->filter.limit - 1, is_cut;
    apr_status_t rv;

    wh_log_range_init(&list->range, &page->filter, WH_LOG_SPAN);
    rv = bound_page(&is_cut, store, &list->range);
    if (rv == APR_SUCCESS) {
        rv = read_list(store, list);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    page->next = is_cut ? list->range.low + 1 : 0;
    if (list->rows->nelts > wanted) {
        apr_array_pop(list->rows);
        page->next =
            APR_ARRAY_IDX(list->rows, wanted - 1, wh_log_delivery_t *)->id;
    }
    return APR_SUCCESS;
}

apr_status_t wh_store_delivery_page(apr_array_header_t **deliveries,
                                    apr_int64_t *next, wh_store_t *store,
                                    const wh_log_filter_t *filter,
                                    apr_pool_t *pool)
{
    page_t page = {.list = {.statement = WH_SQL_DELIVERY_NEWEST,
                            .chunk = WH_ROWS_CHUNK,
                            .read_row = read_delivery,
                            .pool = pool},
                   .filter = *filter};
    apr_status_t rv;

    page.filter.limit = (filter->limit > 0 ? filter->limit : LIST_ROWS) + 1;
    page.filter.after = 0;
    rv = wh_store_read(store, read_page, &page);
    *deliveries = page.list.rows;
    *next = page.next;
    return rv;
}

/* -- single records --------------------------------------------------------- */

typedef struct get_t {
    wh_statement_t statement;
    const void *args[5];
    read_row_fn_t *read_row;
    void *found;
    apr_pool_t *pool;
} get_t;

static apr_status_t get_row(wh_store_t *store, void *baton)
{
    get_t *get = baton;
    wh_rows_t rows;
    apr_status_t rv;

    rv = wh_db_select(&rows, &store->db, get->statement, get->args);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!wh_rows_next(&rows)) {
        return APR_ENOENT;
    }
    get->found = get->read_row(&rows, get->pool);
    return APR_SUCCESS;
}

/* Reads a whole text as a row id; 0: it is none. */
static apr_int64_t row_id(const char *text)
{
    char *end;
    apr_int64_t id;

    if (!apr_isdigit(*text)) {
        return 0;
    }
    errno = 0;
    id = apr_strtoi64(text, &end, 10);
    return *end || errno ? 0 : id;
}

/* UUIDs are stored in lower case and read in any. */
static const char *lower_case(const char *text, apr_pool_t *pool)
{
    char *lower = apr_pstrdup(pool, text);
    char *c;

    for (c = lower; *c; c++) {
        *c = (char)apr_tolower(*c);
    }
    return lower;
}

apr_status_t wh_store_event_get(wh_log_event_t **event, wh_store_t *store,
                                const char *context, const char *id,
                                apr_pool_t *pool)
{
    const char *uuid = lower_case(id, pool);
    apr_int64_t number = row_id(id);
    get_t get = {.statement = WH_SQL_EVENT_GET,
                 .args = {&number, context, context},
                 .read_row = read_event,
                 .pool = pool};
    apr_status_t rv = APR_ENOENT;

    if (wh_uuid_valid(uuid)) {
        get.statement = WH_SQL_EVENT_GET_BY_UUID;
        get.args[0] = uuid;
        number = 1;
    }
    if (number > 0) {
        rv = wh_store_read(store, get_row, &get);
    }
    *event = get.found;
    return rv;
}

apr_status_t wh_store_delivery_get(wh_log_delivery_t **delivery,
                                   wh_store_t *store, const char *context,
                                   apr_int64_t app_id, apr_int64_t id,
                                   apr_pool_t *pool)
{
    get_t get = {.statement = WH_SQL_DELIVERY_GET,
                 .args = {&id, context, context, &app_id, &app_id},
                 .read_row = read_delivery,
                 .pool = pool};
    apr_status_t rv = wh_store_read(store, get_row, &get);

    *delivery = get.found;
    return rv;
}

/* -- attempts --------------------------------------------------------------- */

typedef struct attempts_t {
    apr_int64_t delivery_id;
    apr_array_header_t *rows;
    apr_pool_t *pool;
} attempts_t;

static void turn_round(apr_array_header_t *rows)
{
    void **first = (void **)rows->elts, **last = first + rows->nelts - 1;

    for (; first < last; first++, last--) {
        void *row = *first;

        *first = *last;
        *last = row;
    }
}

/* The last ones: replays make as many as somebody asks for. */
static apr_status_t read_attempts(wh_store_t *store, void *baton)
{
    attempts_t *attempts = baton;
    apr_int64_t most = WH_LOG_ATTEMPTS_MAX;
    const void *args[] = {&attempts->delivery_id, &most};
    wh_rows_t rows;
    apr_status_t rv;

    attempts->rows = apr_array_make(attempts->pool, 4, sizeof(void *));
    rv = wh_db_select(&rows, &store->db, WH_SQL_ATTEMPT_LIST, args);
    while (rv == APR_SUCCESS && wh_rows_next(&rows)) {
        APR_ARRAY_PUSH(attempts->rows, void *) =
            read_attempt(&rows, attempts->pool);
    }
    turn_round(attempts->rows);
    return rv;
}

apr_status_t wh_store_attempt_list(apr_array_header_t **attempts,
                                   wh_store_t *store, apr_int64_t delivery_id,
                                   apr_pool_t *pool)
{
    attempts_t work = {.delivery_id = delivery_id, .pool = pool};
    apr_status_t rv = wh_store_read(store, read_attempts, &work);

    *attempts = work.rows;
    return rv;
}
