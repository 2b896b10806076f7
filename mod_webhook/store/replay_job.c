/* SPDX-License-Identifier: Apache-2.0 */
#include "store/replay_job.h"

#include <string.h>

#include "model/webhook.h"
#include "store/store_priv.h"

/* Deliveries that a portion looks at, and makes pending, at the most. */
#define LOOK_ROWS 5000
#define TAKE_ROWS 500

/* So many due deliveries may wait for a webhook before its job goes on. */
#define WAITING_MAX 500

/* A job as the dispatcher sees it. */
typedef struct open_job_t {
    wh_replay_job_t job;
    apr_int64_t low;  /* ids above it */
    apr_int64_t high; /* ids below it */
    apr_int64_t at;   /* the last one that was looked at */
} open_job_t;

static void read_job(open_job_t *open, wh_rows_t *rows, apr_pool_t *pool)
{
    wh_replay_job_t *job = &open->job;
    int column = 0;

    job->id = wh_rows_int64(rows, column++);
    job->webhook_id = (apr_int32_t)wh_rows_int64(rows, column++);
    job->context = pool ? wh_rows_text(rows, column, pool) : NULL;
    column++;
    job->from = wh_rows_int64(rows, column++);
    job->to = wh_rows_int64(rows, column++);
    job->only_failed = wh_rows_int64(rows, column++) != 0;
    job->state = (wh_replay_state_t)wh_rows_int64(rows, column++);
    job->total = wh_rows_int64(rows, column++);
    job->done = wh_rows_int64(rows, column++);
    job->created = wh_rows_int64(rows, column++);
    job->created_by = pool ? wh_rows_text(rows, column, pool) : NULL;
    column++;
    job->updated = wh_rows_int64(rows, column++);
    open->low = wh_rows_int64(rows, column++);
    open->high = wh_rows_int64(rows, column++);
    open->at = wh_rows_int64(rows, column++);
}

/* APR_ENOENT: no row. */
static apr_status_t select_job(open_job_t *open, wh_store_t *store,
                               wh_statement_t statement, const void **args,
                               apr_pool_t *pool)
{
    wh_rows_t rows;
    apr_status_t rv = wh_db_select(&rows, &store->db, statement, args);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!wh_rows_next(&rows)) {
        return APR_ENOENT;
    }
    read_job(open, &rows, pool);
    return APR_SUCCESS;
}

/* Two numbers of one row. */
static apr_status_t select_pair(apr_int64_t *first, apr_int64_t *second,
                                wh_store_t *store, wh_statement_t statement,
                                const void **args)
{
    wh_rows_t rows;
    apr_status_t rv = wh_db_select(&rows, &store->db, statement, args);

    if (rv == APR_SUCCESS && !wh_rows_next(&rows)) {
        return APR_ENOENT;
    }
    if (rv == APR_SUCCESS) {
        *first = wh_rows_int64(&rows, 0);
        *second = second == first ? *first : wh_rows_int64(&rows, 1);
    }
    return rv;
}

/* State of a webhook, which must be of a context if one is given. APR_ENOENT:
 * there is none. */
static apr_status_t webhook_state(int *state, wh_store_t *store, apr_int64_t id,
                                  const char *context)
{
    const void *args[] = {&id};
    const char *found;
    wh_rows_t rows;
    apr_status_t rv;

    rv = wh_db_select(&rows, &store->db, WH_SQL_REPLAY_WEBHOOK, args);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!wh_rows_next(&rows)) {
        return APR_ENOENT;
    }
    *state = (int)wh_rows_int64(&rows, 0);
    found = wh_rows_peek(&rows, 1);
    return context && (!found || strcmp(found, context)) ? APR_ENOENT
                                                         : APR_SUCCESS;
}

/* The dispatcher compares the number. */
static apr_status_t wake(wh_store_t *store)
{
    apr_int64_t number;

    return wh_store_number_next(&number, store, "replays");
}

/* -- starting --------------------------------------------------------------- */

typedef struct start_t {
    wh_replay_job_t *job;
    wh_replay_answer_t answer;
} start_t;

/* Made by an earlier run of the same work. */
static int is_same(const wh_replay_job_t *job, const wh_replay_job_t *other)
{
    return job->created == other->created && job->from == other->from &&
           job->to == other->to && job->only_failed == other->only_failed;
}

/* Ids of the span; none is newer than the job. */
static apr_status_t find_span(open_job_t *span, wh_store_t *store)
{
    const wh_replay_job_t *job = &span->job;
    wh_rows_t rows;
    apr_int64_t last = 0;
    apr_status_t rv;

    rv = wh_db_query(&rows, &store->db, wh_statement_text(WH_SQL_LAST_ID));
    if (rv == APR_SUCCESS && wh_rows_next(&rows)) {
        last = wh_rows_int64(&rows, 0);
    }
    span->low = job->from ? wh_row_id_floor(job->from) - 1 : 0;
    span->low = span->low > 0 ? span->low : 0;
    span->high = job->to ? wh_row_id_floor(job->to) : APR_INT64_MAX;
    span->high = span->high <= last ? span->high : last + 1;
    return rv;
}

static apr_status_t insert_job(wh_store_t *store, wh_replay_job_t *job)
{
    open_job_t span = {.job = *job};
    apr_int64_t webhook = job->webhook_id, only_failed = job->only_failed;
    apr_int64_t kept = WH_REPLAY_KEPT;
    const void *args[] = {&job->id,      &webhook,        job->context,
                          &job->from,    &job->to,        &only_failed,
                          &span.low,     &span.high,      &span.low,
                          &job->created, job->created_by, &job->created};
    const void *prune_args[] = {&webhook, &webhook, &kept};
    apr_status_t rv = find_span(&span, store);

    if (rv == APR_SUCCESS) {
        rv = wh_store_number_next(&job->id, store, "last_replay_id");
    }
    if (rv == APR_SUCCESS) {
        rv = wh_db_update(&store->db, NULL, WH_SQL_REPLAY_INSERT, args);
    }
    if (rv == APR_SUCCESS) {
        rv = wh_db_update(&store->db, NULL, WH_SQL_REPLAY_PRUNE, prune_args);
    }
    return rv == APR_SUCCESS ? wake(store) : rv;
}

static apr_status_t start(wh_store_t *store, void *baton)
{
    start_t *work = baton;
    wh_replay_job_t *job = work->job;
    apr_int64_t webhook = job->webhook_id;
    const void *args[] = {&webhook};
    open_job_t open;
    int state;
    apr_status_t rv = webhook_state(&state, store, webhook, job->context);

    work->answer = WH_REPLAY_MISSING;
    if (rv != APR_SUCCESS) {
        return rv == APR_ENOENT ? APR_SUCCESS : rv;
    }
    work->answer = WH_REPLAY_INACTIVE;
    if (state != WH_STATE_ACTIVE) {
        return APR_SUCCESS;
    }
    rv = select_job(&open, store, WH_SQL_REPLAY_OPEN, args, NULL);
    if (rv == APR_SUCCESS) {
        work->answer =
            is_same(job, &open.job) ? WH_REPLAY_TAKEN : WH_REPLAY_BUSY;
        job->id = open.job.id;
        return APR_SUCCESS;
    }
    work->answer = WH_REPLAY_TAKEN;
    return rv == APR_ENOENT ? insert_job(store, job) : rv;
}

apr_status_t wh_store_replay_start(wh_replay_answer_t *answer,
                                   wh_store_t *store, wh_replay_job_t *job)
{
    start_t work = {job, WH_REPLAY_MISSING};
    apr_status_t rv = wh_store_write(store, start, &work);

    *answer = work.answer;
    return rv;
}

/* -- looking ---------------------------------------------------------------- */

typedef struct look_t {
    const wh_replay_caller_t *caller;
    apr_int64_t id;
    apr_int64_t webhook_id;
    apr_int64_t before;
    open_job_t *found;
    apr_array_header_t *jobs;
    apr_pool_t *pool;
} look_t;

static apr_status_t get(wh_store_t *store, void *baton)
{
    look_t *look = baton;
    const wh_replay_caller_t *caller = look->caller;
    const void *args[] = {&look->id, caller->context, caller->context,
                          &caller->app_id, &caller->app_id};

    return select_job(look->found, store, WH_SQL_REPLAY_GET, args, look->pool);
}

apr_status_t wh_store_replay_get(wh_replay_job_t **job, wh_store_t *store,
                                 const wh_replay_caller_t *caller,
                                 apr_int64_t id, apr_pool_t *pool)
{
    look_t look = {.caller = caller, .id = id, .pool = pool};
    apr_status_t rv;

    look.found = apr_pcalloc(pool, sizeof(*look.found));
    rv = wh_store_read(store, get, &look);
    *job = rv == APR_SUCCESS ? &look.found->job : NULL;
    return rv;
}

static apr_status_t list(wh_store_t *store, void *baton)
{
    look_t *look = baton;
    const wh_replay_caller_t *caller = look->caller;
    apr_int64_t limit = WH_REPLAY_LIST_MAX;
    const void *args[] = {
        &look->webhook_id, caller->context, caller->context, &caller->app_id,
        &caller->app_id,   &look->before,   &limit};
    int is_all = look->webhook_id == 0;
    wh_rows_t rows;
    apr_status_t rv;

    look->jobs = apr_array_make(look->pool, 16, sizeof(wh_replay_job_t *));
    rv = wh_db_select(&rows, &store->db,
                      is_all ? WH_SQL_REPLAY_LIST_ALL
                             : WH_SQL_REPLAY_LIST_WEBHOOK,
                      args + is_all);
    while (rv == APR_SUCCESS && wh_rows_next(&rows)) {
        open_job_t *open = apr_pcalloc(look->pool, sizeof(*open));

        read_job(open, &rows, look->pool);
        APR_ARRAY_PUSH(look->jobs, wh_replay_job_t *) = &open->job;
    }
    return rv;
}

apr_status_t wh_store_replay_list(apr_array_header_t **jobs, wh_store_t *store,
                                  const wh_replay_caller_t *caller,
                                  apr_int32_t webhook_id, apr_int64_t before,
                                  apr_pool_t *pool)
{
    look_t look = {.caller = caller,
                   .webhook_id = webhook_id,
                   .before = before > 0 ? before : APR_INT64_MAX,
                   .pool = pool};
    apr_status_t rv = wh_store_read(store, list, &look);

    *jobs = look.jobs;
    return rv;
}

/* -- cancelling ------------------------------------------------------------- */

typedef struct cancel_t {
    look_t look;
    wh_replay_answer_t answer;
} cancel_t;

static apr_status_t set_cancelled(wh_store_t *store, apr_int64_t id)
{
    apr_time_t now = apr_time_now();
    const void *args[] = {&now, &id};

    return wh_db_update(&store->db, NULL, WH_SQL_REPLAY_CANCEL, args);
}

static apr_status_t cancel(wh_store_t *store, void *baton)
{
    cancel_t *work = baton;
    apr_status_t rv = get(store, &work->look);

    work->answer = WH_REPLAY_MISSING;
    if (rv != APR_SUCCESS) {
        return rv == APR_ENOENT ? APR_SUCCESS : rv;
    }
    work->answer = work->look.found->job.state == WH_REPLAY_DONE
                       ? WH_REPLAY_OVER
                       : WH_REPLAY_TAKEN;
    return set_cancelled(store, work->look.id);
}

apr_status_t wh_store_replay_cancel(wh_replay_answer_t *answer,
                                    wh_store_t *store,
                                    const wh_replay_caller_t *caller,
                                    apr_int64_t id)
{
    open_job_t found;
    cancel_t work = {.look = {.caller = caller, .id = id, .found = &found},
                     .answer = WH_REPLAY_MISSING};
    apr_status_t rv = wh_store_write(store, cancel, &work);

    *answer = work.answer;
    return rv;
}

/* -- one delivery ----------------------------------------------------------- */

typedef struct one_t {
    const wh_replay_caller_t *caller;
    apr_int64_t id;
    apr_time_t now;
    wh_replay_answer_t answer;
} one_t;

typedef struct found_t {
    apr_int64_t webhook_id;
    wh_delivery_state_t state;
    apr_time_t due;
} found_t;

static apr_status_t find_delivery(found_t *found, wh_store_t *store,
                                  const one_t *one)
{
    const wh_replay_caller_t *caller = one->caller;
    const void *args[] = {&one->id, caller->context, caller->context,
                          &caller->app_id, &caller->app_id};
    wh_rows_t rows;
    apr_status_t rv;

    rv = wh_db_select(&rows, &store->db, WH_SQL_DELIVERY_GET, args);
    if (rv == APR_SUCCESS && !wh_rows_next(&rows)) {
        return APR_ENOENT;
    }
    if (rv == APR_SUCCESS) {
        found->webhook_id = wh_rows_int64(&rows, 4);
        found->state = (wh_delivery_state_t)wh_rows_int64(&rows, 5);
        found->due = wh_rows_int64(&rows, 7);
    }
    return rv;
}

/* The due time is that of an earlier run of the same work. */
static apr_status_t judge_delivery(one_t *one, wh_store_t *store)
{
    found_t found;
    int state;
    apr_status_t rv = find_delivery(&found, store, one);

    one->answer = WH_REPLAY_MISSING;
    if (rv == APR_SUCCESS) {
        one->answer = WH_REPLAY_GONE;
        rv = webhook_state(&state, store, found.webhook_id, NULL);
    }
    if (rv != APR_SUCCESS) {
        return rv == APR_ENOENT ? APR_SUCCESS : rv;
    }
    one->answer = WH_REPLAY_TAKEN;
    if (found.state == WH_DELIVERY_PENDING && found.due != one->now) {
        one->answer = WH_REPLAY_PENDING;
    }
    else if (state != WH_STATE_ACTIVE) {
        one->answer = WH_REPLAY_INACTIVE;
    }
    return APR_SUCCESS;
}

static apr_status_t replay_one(wh_store_t *store, void *baton)
{
    one_t *one = baton;
    const void *args[] = {&one->now, &one->id};
    apr_status_t rv = judge_delivery(one, store);

    if (rv != APR_SUCCESS || one->answer != WH_REPLAY_TAKEN) {
        return rv;
    }
    rv = wh_db_update(&store->db, NULL, WH_SQL_REPLAY_ONE, args);
    return rv == APR_SUCCESS ? wake(store) : rv;
}

apr_status_t wh_store_replay_delivery(wh_replay_answer_t *answer,
                                      wh_store_t *store,
                                      const wh_replay_caller_t *caller,
                                      apr_int64_t id, apr_time_t now)
{
    one_t one = {caller, id, now, WH_REPLAY_MISSING};
    apr_status_t rv = wh_store_write(store, replay_one, &one);

    *answer = one.answer;
    return rv;
}

/* -- the work --------------------------------------------------------------- */

typedef struct work_t {
    wh_replay_portion_t *portion;
    apr_int64_t after;
    apr_time_t now;
    open_job_t open;
    int may_go_on; /* the webhook is active and has little to do */
    int is_gone;   /* there is no such webhook any more */
} work_t;

static apr_status_t judge_webhook(work_t *work, wh_store_t *store)
{
    apr_int64_t webhook = work->open.job.webhook_id, most = WAITING_MAX;
    const void *args[] = {&webhook, &work->now, &most};
    apr_int64_t waiting = 0;
    int state;
    apr_status_t rv = webhook_state(&state, store, webhook, NULL);

    work->is_gone = rv == APR_ENOENT;
    work->may_go_on = work->is_gone;
    if (rv != APR_SUCCESS || state != WH_STATE_ACTIVE) {
        return rv == APR_ENOENT ? APR_SUCCESS : rv;
    }
    if (work->open.job.state == WH_REPLAY_RUNNING) {
        rv =
            select_pair(&waiting, &waiting, store, WH_SQL_REPLAY_WAITING, args);
    }
    work->may_go_on = rv == APR_SUCCESS && waiting < WAITING_MAX;
    return rv;
}

/* Finds the next open job and whether there is something to do for it: not
 * under the write lock. */
static apr_status_t look_for_work(wh_store_t *store, void *baton)
{
    work_t *work = baton;
    const void *args[] = {&work->after};
    apr_status_t rv =
        select_job(&work->open, store, WH_SQL_REPLAY_NEXT, args, NULL);

    work->may_go_on = 0;
    if (rv == APR_SUCCESS) {
        work->portion->job_id = work->open.job.id;
        work->portion->webhook_id = work->open.job.webhook_id;
        work->portion->state = work->open.job.state;
        rv = judge_webhook(work, store);
    }
    return rv;
}

/* What a portion is about: the ids up to a border, and how many of them the
 * job takes. */
typedef struct extent_t {
    apr_int64_t border;
    apr_int64_t taken;
    int is_last;
} extent_t;

static apr_status_t measure(extent_t *extent, wh_store_t *store,
                            const open_job_t *open, apr_int64_t most)
{
    apr_int64_t look = LOOK_ROWS, webhook = open->job.webhook_id;
    apr_int64_t only_failed = open->job.only_failed;
    const void *border_args[] = {&open->at, &open->high, &look};
    const void *count_args[] = {&open->at, &extent->border, &webhook,
                                &only_failed, &most};
    apr_int64_t rows, last;
    apr_status_t rv;

    rv = select_pair(&rows, &last, store, WH_SQL_REPLAY_BORDER, border_args);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    extent->border = rows > 0 ? last : open->at;
    extent->is_last = rows < LOOK_ROWS;
    extent->taken = 0;
    if (rows == 0) {
        return APR_SUCCESS;
    }
    rv = select_pair(&extent->taken, &last, store, WH_SQL_REPLAY_COUNT,
                     count_args);
    if (rv == APR_SUCCESS && extent->taken == most) {
        extent->is_last &= last == extent->border;
        extent->border = last;
    }
    return rv;
}

/* 0 rows: another dispatcher has done it meanwhile. */
static apr_status_t step(int *affected, wh_store_t *store,
                         const open_job_t *from, const open_job_t *to,
                         apr_time_t now)
{
    apr_int64_t state = to->job.state, former = from->job.state;
    const void *args[] = {&state, &to->job.total, &to->job.done, &to->at,
                          &now,   &from->job.id,  &former,       &from->at};

    return wh_db_update(&store->db, affected, WH_SQL_REPLAY_STEP, args);
}

static apr_status_t count_portion(wh_store_t *store, work_t *work)
{
    open_job_t next = work->open;
    extent_t extent;
    int affected;
    apr_status_t rv = measure(&extent, store, &work->open, LOOK_ROWS);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    next.at = extent.border;
    next.job.total += extent.taken;
    if (extent.is_last) {
        next.job.state = WH_REPLAY_RUNNING;
        next.at = next.low;
    }
    work->portion->state = next.job.state;
    return step(&affected, store, &work->open, &next, work->now);
}

static apr_status_t take_portion(wh_store_t *store, work_t *work)
{
    open_job_t next = work->open;
    apr_int64_t webhook = next.job.webhook_id;
    apr_int64_t only_failed = next.job.only_failed;
    extent_t extent;
    const void *args[] = {&work->now, &work->open.at, &extent.border, &webhook,
                          &only_failed};
    int affected = 0;
    apr_status_t rv = measure(&extent, store, &work->open, TAKE_ROWS);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    next.at = extent.border;
    next.job.done += extent.taken;
    /* What was pending when it was counted may be taken too. */
    if (next.job.total < next.job.done) {
        next.job.total = next.job.done;
    }
    next.job.state = extent.is_last ? WH_REPLAY_DONE : WH_REPLAY_RUNNING;
    work->portion->state = next.job.state;
    rv = step(&affected, store, &work->open, &next, work->now);
    if (rv != APR_SUCCESS || affected == 0 || extent.taken == 0) {
        return rv;
    }
    rv = wh_db_update(&store->db, &work->portion->replayed, WH_SQL_REPLAY_TAKE,
                      args);
    return rv == APR_SUCCESS ? wake(store) : rv;
}

/* The job is read again: it may have been cancelled, and an earlier run of
 * this work may have taken place. */
static apr_status_t do_portion(wh_store_t *store, void *baton)
{
    work_t *work = baton;
    apr_int64_t webhook = work->portion->webhook_id;
    const void *args[] = {&webhook};
    apr_status_t rv;

    work->portion->replayed = 0;
    rv = select_job(&work->open, store, WH_SQL_REPLAY_OPEN, args, NULL);
    if (rv != APR_SUCCESS) {
        return rv == APR_ENOENT ? APR_SUCCESS : rv;
    }
    if (work->is_gone) {
        work->portion->state = WH_REPLAY_CANCELLED;
        return set_cancelled(store, work->open.job.id);
    }
    return work->open.job.state == WH_REPLAY_COUNTING
               ? count_portion(store, work)
               : take_portion(store, work);
}

apr_status_t wh_store_replay_portion(wh_replay_portion_t *portion,
                                     wh_store_t *store,
                                     apr_int32_t after_webhook, apr_time_t now)
{
    work_t work = {.portion = portion, .after = after_webhook, .now = now};
    apr_status_t rv;

    memset(portion, 0, sizeof(*portion));
    rv = wh_store_read(store, look_for_work, &work);
    if (rv == APR_ENOENT) {
        portion->job_id = 0;
        return APR_SUCCESS;
    }
    if (rv != APR_SUCCESS || !work.may_go_on) {
        return rv;
    }
    portion->worked = 1;
    return wh_store_write(store, do_portion, &work);
}
