/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/replay_job.h"

#include <apr_strings.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl/output.h"
#include "ctl/record.h"
#include "dispatcher/state_dir.h"
#include "store/log_json.h"

/* Pause between two looks, in nanoseconds; where no terminal shows the bar a
 * line comes once in so many looks. */
#define INTERVAL 200000000
#define LOOKS_OF_LINE 5

#define BAR_WIDTH 30
#define CLEAR_LINE "\033[K"

const char *wh_replay_progress(const wh_replay_job_t *job, apr_pool_t *pool)
{
    char bar[BAR_WIDTH + 1];
    int percent = 100, filled;

    if (job->state == WH_REPLAY_COUNTING) {
        return apr_psprintf(pool, "%" APR_INT64_T_FMT " found so far",
                            job->total);
    }
    if (job->total > job->done) {
        percent = (int)(job->done * 100 / job->total);
    }
    filled = percent * BAR_WIDTH / 100;
    memset(bar, '#', (size_t)filled);
    memset(bar + filled, '-', (size_t)(BAR_WIDTH - filled));
    bar[BAR_WIDTH] = '\0';
    return apr_psprintf(
        pool, "[%s] %" APR_INT64_T_FMT " of %" APR_INT64_T_FMT ", %d%%", bar,
        job->done, job->total, percent);
}

static wh_replay_caller_t caller_of(const wh_ctl_t *ctl)
{
    wh_replay_caller_t caller = {ctl->context, 0};

    return caller;
}

static int fail_storage(apr_status_t rv, apr_int64_t id, apr_pool_t *pool)
{
    return wh_ctl_storage(rv,
                          apr_psprintf(pool, "replay %" APR_INT64_T_FMT, id));
}

/* -- waiting ---------------------------------------------------------------- */

/* httpd holds the socket while it runs. */
static int is_dispatcher_there(const wh_ctl_t *ctl)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int descriptor, is_there;

    if (strlen(ctl->settings.state_dir) + sizeof("/" WH_CHANNEL_SOCKET) >
        sizeof(address.sun_path)) {
        return 0;
    }
    apr_snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s",
                 ctl->settings.state_dir, WH_CHANNEL_SOCKET);
    descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return 0;
    }
    is_there = connect(descriptor, (const struct sockaddr *)&address,
                       sizeof(address)) == 0;
    close(descriptor);
    return is_there;
}

typedef struct watch_t {
    wh_ctl_t *ctl;
    apr_int64_t id;
    int is_terminal;
    int looks;
    char shown[128];  /* last; "": nothing */
    apr_pool_t *pool; /* of the last look */
    wh_replay_job_t *job;
} watch_t;

static void show(watch_t *watch)
{
    const char *text = wh_replay_progress(watch->job, watch->pool);

    if (watch->ctl->json || !strcmp(text, watch->shown)) {
        return;
    }
    if (watch->is_terminal) {
        printf("\rreplay %" APR_INT64_T_FMT " %s" CLEAR_LINE, watch->id, text);
    }
    else if (watch->looks % LOOKS_OF_LINE == 0) {
        printf("replay %" APR_INT64_T_FMT " %s\n", watch->id, text);
    }
    else {
        return;
    }
    fflush(stdout);
    apr_cpystrn(watch->shown, text, sizeof(watch->shown));
}

/* 0: a signal has come. */
static int pause_between(const sigset_t *signals)
{
    const struct timespec time = {0, INTERVAL};

    return sigtimedwait(signals, NULL, &time) < 0;
}

/* Looks until the job ends, or whoever waits for it does not any more. */
static apr_status_t watch_job(int *is_over, watch_t *watch)
{
    wh_replay_caller_t caller = caller_of(watch->ctl);
    sigset_t signals, former;
    apr_status_t rv;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, &former);
    apr_pool_create(&watch->pool, watch->ctl->pool);
    do {
        apr_pool_clear(watch->pool);
        rv = wh_store_replay_get(&watch->job, watch->ctl->store, &caller,
                                 watch->id, watch->pool);
        if (rv == APR_SUCCESS) {
            show(watch);
            watch->looks++;
            *is_over = watch->job->state >= WH_REPLAY_DONE;
        }
    } while (rv == APR_SUCCESS && !*is_over && !ferror(stdout) &&
             pause_between(&signals));
    sigprocmask(SIG_SETMASK, &former, NULL);
    if (watch->is_terminal && *watch->shown) {
        printf("\n");
    }
    return rv;
}

static int tell_end(const wh_replay_job_t *job, const wh_ctl_t *ctl)
{
    if (job->state == WH_REPLAY_CANCELLED) {
        return wh_output_fail(WH_EXIT_FAILED,
                              "replay %" APR_INT64_T_FMT
                              " was cancelled after %" APR_INT64_T_FMT
                              " deliveries",
                              job->id, job->done);
    }
    if (ctl->json) {
        return wh_output_json(wh_replay_job_json(job), 0);
    }
    if (job->done == 0) {
        return wh_output_fail(WH_EXIT_FAILED, "no delivery is like that");
    }
    printf("%" APR_INT64_T_FMT " deliveries are sent once more\n", job->done);
    return WH_EXIT_DONE;
}

static int wait_for_end(wh_ctl_t *ctl, apr_int64_t id)
{
    watch_t watch = {.ctl = ctl,
                     .id = id,
                     .is_terminal = isatty(STDOUT_FILENO) && !ctl->json};
    int is_over = 0;
    apr_status_t rv = watch_job(&is_over, &watch);

    if (rv != APR_SUCCESS) {
        return fail_storage(rv, id, ctl->pool);
    }
    return is_over ? tell_end(watch.job, ctl)
                   : wh_output_fail(WH_EXIT_DONE,
                                    "replay %" APR_INT64_T_FMT
                                    " goes on; \"webhookctl replay cancel "
                                    "%" APR_INT64_T_FMT "\" ends it",
                                    id, id);
}

/* -- commands --------------------------------------------------------------- */

static int refuse(const wh_replay_job_t *job, wh_replay_answer_t answer)
{
    switch (answer) {
    case WH_REPLAY_INACTIVE:
        return wh_output_fail(WH_EXIT_FAILED, "webhook %d is not active",
                              job->webhook_id);
    case WH_REPLAY_BUSY:
        return wh_output_fail(WH_EXIT_FAILED,
                              "replay %" APR_INT64_T_FMT
                              " of webhook %d has not ended",
                              job->id, job->webhook_id);
    default:
        return wh_output_fail(WH_EXIT_FAILED, "there is no webhook %d",
                              job->webhook_id);
    }
}

static int tell_begin(const wh_replay_job_t *job, const wh_ctl_t *ctl)
{
    if (ctl->json) {
        return wh_output_json(wh_replay_job_json(job), 0);
    }
    printf("replay %" APR_INT64_T_FMT " of webhook %d begins\n", job->id,
           job->webhook_id);
    return WH_EXIT_DONE;
}

int wh_ctl_replay_start(wh_ctl_t *ctl, apr_int32_t webhook_id, int only_failed)
{
    wh_replay_job_t job = {.webhook_id = webhook_id,
                           .context = ctl->context,
                           .only_failed = only_failed,
                           .created_by = ctl->user};
    wh_replay_answer_t answer;
    apr_status_t rv;

    if (!wh_record_span(&job.from, &job.to, ctl)) {
        return WH_EXIT_USAGE;
    }
    job.created = job.updated = apr_time_now();
    rv = wh_store_replay_start(&answer, ctl->store, &job);
    if (rv != APR_SUCCESS) {
        return wh_ctl_storage(rv, "such webhook");
    }
    if (answer != WH_REPLAY_TAKEN) {
        return refuse(&job, answer);
    }
    if (!is_dispatcher_there(ctl)) {
        wh_output_fail(0,
                       "httpd does not run: replay %" APR_INT64_T_FMT
                       " waits until it does",
                       job.id);
        return tell_begin(&job, ctl);
    }
    return wh_option_given(ctl->options, WH_OPTION_NO_WAIT)
               ? tell_begin(&job, ctl)
               : wait_for_end(ctl, job.id);
}

static const char *total_of(const wh_replay_job_t *job, apr_pool_t *pool)
{
    return job->state == WH_REPLAY_COUNTING ? NULL
                                            : wh_record_id(job->total, pool);
}

static int print_list(const apr_array_header_t *jobs, wh_ctl_t *ctl)
{
    static const char *const headings[] = {
        "ID", "CREATED", "WEBHOOK", "STATE", "DONE", "TOTAL",
        "OF", "FROM",    "TO",      "BY",    NULL};
    wh_table_t *table = wh_table_create(headings, ctl->pool);
    int i;

    for (i = 0; i < jobs->nelts; i++) {
        const wh_replay_job_t *job = APR_ARRAY_IDX(jobs, i, wh_replay_job_t *);
        const char *cells[] = {wh_record_id(job->id, ctl->pool),
                               wh_output_time(job->created, ctl->pool),
                               wh_record_id(job->webhook_id, ctl->pool),
                               wh_replay_state_name(job->state),
                               wh_record_id(job->done, ctl->pool),
                               total_of(job, ctl->pool),
                               job->only_failed ? "failed" : "all",
                               wh_output_time(job->from, ctl->pool),
                               wh_output_time(job->to, ctl->pool),
                               job->created_by};

        wh_table_add(table, cells);
    }
    wh_table_print(table);
    return WH_EXIT_DONE;
}

int wh_ctl_replay_list(wh_ctl_t *ctl)
{
    wh_replay_caller_t caller = caller_of(ctl);
    apr_array_header_t *jobs;
    apr_int64_t webhook = 0;
    json_t *array;
    apr_status_t rv;
    int i;

    if (!wh_ctl_number(ctl, &webhook, WH_OPTION_WEBHOOK, 1, 0x7fffffff)) {
        return WH_EXIT_USAGE;
    }
    rv = wh_store_replay_list(&jobs, ctl->store, &caller, (apr_int32_t)webhook,
                              0, ctl->pool);
    if (rv != APR_SUCCESS) {
        return wh_ctl_storage(rv, NULL);
    }
    if (!ctl->json) {
        return print_list(jobs, ctl);
    }
    array = json_array();
    for (i = 0; i < jobs->nelts; i++) {
        json_array_append_new(array, wh_replay_job_json(APR_ARRAY_IDX(
                                         jobs, i, wh_replay_job_t *)));
    }
    return wh_output_json(array, 0);
}

static int print_job(const wh_replay_job_t *job, apr_pool_t *pool)
{
    wh_output_field("Id", wh_record_id(job->id, pool), pool);
    wh_output_field("Webhook", wh_record_id(job->webhook_id, pool), pool);
    wh_output_field("State", wh_replay_state_name(job->state), pool);
    wh_output_field("Progress", wh_replay_progress(job, pool), pool);
    wh_output_field("Deliveries", job->only_failed ? "failed" : "all", pool);
    wh_output_field("From", wh_output_time(job->from, pool), pool);
    wh_output_field("To", wh_output_time(job->to, pool), pool);
    wh_output_field("Created", wh_output_time(job->created, pool), pool);
    wh_output_field("Created by", job->created_by, pool);
    wh_output_field("Updated", wh_output_time(job->updated, pool), pool);
    return WH_EXIT_DONE;
}

int wh_ctl_replay_show(wh_ctl_t *ctl)
{
    wh_replay_caller_t caller = caller_of(ctl);
    wh_replay_job_t *job;
    apr_int64_t id;
    apr_status_t rv;

    if (!wh_ctl_id(ctl, &id, APR_INT64_MAX)) {
        return WH_EXIT_USAGE;
    }
    rv = wh_store_replay_get(&job, ctl->store, &caller, id, ctl->pool);
    if (rv != APR_SUCCESS) {
        return fail_storage(rv, id, ctl->pool);
    }
    return ctl->json ? wh_output_json(wh_replay_job_json(job), 0)
                     : print_job(job, ctl->pool);
}

int wh_ctl_replay_cancel(wh_ctl_t *ctl)
{
    wh_replay_caller_t caller = caller_of(ctl);
    wh_replay_answer_t answer;
    apr_int64_t id;
    apr_status_t rv;

    if (!wh_ctl_id(ctl, &id, APR_INT64_MAX)) {
        return WH_EXIT_USAGE;
    }
    rv = wh_store_replay_cancel(&answer, ctl->store, &caller, id);
    if (rv != APR_SUCCESS || answer == WH_REPLAY_MISSING) {
        return fail_storage(rv == APR_SUCCESS ? APR_ENOENT : rv, id, ctl->pool);
    }
    if (answer == WH_REPLAY_OVER) {
        return wh_output_fail(WH_EXIT_FAILED,
                              "replay %" APR_INT64_T_FMT " is done", id);
    }
    printf("replay %" APR_INT64_T_FMT " is cancelled\n", id);
    return WH_EXIT_DONE;
}
