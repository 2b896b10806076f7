/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd_private.h"

#include "dispatcher/process.h"

#include <ap_listen.h>
#include <ap_mpm.h>
#include <apr_dbd.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <errno.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_main.h>
#include <mpm_common.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unixd.h>

#include "base/log.h"
#include "base/monotonic.h"
#include "config/config.h"
#include "dispatcher/dispatcher.h"
#include "dispatcher/state_dir.h"

#define RETAINED_KEY "mod_webhook_process"

/* Dispatchers of earlier configurations that are still ending. */
#define DRAINING_MAX 32

/* A dispatcher that dies sooner than this is not replaced at once. */
#define SHORTEST_LIFE apr_time_from_sec(1)

/* Beyond WebhookDrainTimeout, at a stop: to write the last outcomes. */
#define STOP_MARGIN apr_time_from_sec(4)

/* Outlives restarts: in the process's pool, no pointers into the module. */
typedef struct retained_t {
    pid_t parent;
    int listener; /* -1: none */
    int lock;     /* -1: none */
    char state_dir[256];
    pid_t draining[DRAINING_MAX];
} retained_t;

/* One dispatcher, as the parent sees it. Lives in pconf. */
typedef struct process_t {
    apr_proc_t proc; /* pid 0: not running */
    pid_t parent;
    server_rec *s;
    apr_pool_t *pconf;
    const wh_settings_t *settings;
    retained_t *retained;
    apr_time_t started;
} process_t;

static void start(process_t *process, apr_interval_time_t delay);

static int log_enabled(void *baton, int level)
{
    server_rec *s = baton;

    return APLOG_MODULE_IS_LEVEL(s, APLOG_MODULE_INDEX, level);
}

static void log_sink(void *baton, const char *file, int line, int level,
                     apr_status_t rv, const char *text)
{
    ap_log_error(file, line, APLOG_MODULE_INDEX, level, rv, (server_rec *)baton,
                 "%s", text);
}

/* Where the kernel keeps this process's arguments: they lie one behind the
 * other, in memory that the process may write. 0: not known here. */
static int find_arguments(char **start, char **end)
{
    unsigned long from = 0, to = 0;
    char line[1024];
    char *at = NULL;
    int field;
    FILE *file = fopen("/proc/self/stat", "re");

    if (file) {
        at = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
        fclose(file);
    }
    /* The name before ")" is field 2; arg_start and arg_end are 48 and 49
     * (proc(5)). */
    for (field = 2; at && field < 48; field++) {
        at = strchr(at + 1, ' ');
    }
    if (!at || sscanf(at, " %lu %lu", &from, &to) != 2 || from >= to) {
        return 0;
    }
    *start = (char *)from;
    *end = (char *)to;
    /* Under a tool that runs the program inside its own process the place is
     * the tool's. */
    return ap_server_argv0 >= *start && ap_server_argv0 < *end;
}

/* Shows the process under its own name: the kernel's short one, and the
 * arguments, which is what ps prints. */
static void set_title(void)
{
    static const char title[] = "webhook-dispatcher";
    char *start, *end;

    if (find_arguments(&start, &end) &&
        end - start >= (ptrdiff_t)sizeof(title)) {
        memset(start, 0, (size_t)(end - start));
        memcpy(start, title, sizeof(title));
    }
    prctl(PR_SET_NAME, title, 0, 0, 0);
}

/* Waits, unless SIGTERM comes: 1. It is blocked here, so it is not lost. */
static int told_to_end_within(apr_interval_time_t time)
{
    struct timespec patience = {.tv_sec = apr_time_sec(time),
                                .tv_nsec = apr_time_usec(time) * 1000};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    return time > 0 && sigtimedwait(&set, NULL, &patience) == SIGTERM;
}

/* Leaves with _exit(): the parent's pools hold other modules' cleanups, which
 * are not this process's to run. */
static void run_child(process_t *process, apr_interval_time_t delay)
{
    int status = WH_DISPATCHER_CANNOT_START;

    set_title();
    ap_close_listeners();
    umask(0077);
    if (ap_run_drop_privileges(process->pconf, process->s) != OK) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, process->s,
                     WHLOGNO(1401) "the dispatcher cannot drop privileges");
    }
    else if (told_to_end_within(delay)) {
        status = 0;
    }
    else {
        wh_log_set_sink(log_sink, log_enabled, process->s);
        status = wh_dispatcher_run(
            process->settings, process->retained->listener, process->parent);
    }
    _exit(status);
}

static void remember_draining(retained_t *retained, pid_t pid)
{
    int i;

    for (i = 0; i < DRAINING_MAX; i++) {
        if (!retained->draining[i]) {
            retained->draining[i] = pid;
            return;
        }
    }
}

static void on_death(process_t *process, int status)
{
    int state = AP_MPMQ_STOPPING;
    apr_interval_time_t lived = apr_time_now() - process->started;

    process->proc.pid = 0;
    apr_proc_other_child_unregister(process);
    if (ap_mpm_query(AP_MPMQ_MPM_STATE, &state) != APR_SUCCESS ||
        state == AP_MPMQ_STOPPING) {
        return;
    }
    /* Which of the two it is, httpd's event loop no longer tells. */
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, process->s,
                 WHLOGNO(1402) "the dispatcher has died (exit status or "
                               "signal %d), starting another one",
                 status);
    /* Below 0: the clock was set back. */
    start(process, lived < SHORTEST_LIFE ? SHORTEST_LIFE : 0);
}

/* httpd's word on the dispatcher. Pool cleanups of the parent also run in
 * forked processes when they exit: those say nothing to the dispatcher. */
static void on_change(int reason, void *data, int status)
{
    process_t *process = data;

    if (getpid() != process->parent) {
        return;
    }
    switch (reason) {
    case APR_OC_REASON_DEATH:
    case APR_OC_REASON_LOST:
        on_death(process, status);
        break;
    case APR_OC_REASON_UNREGISTER:
        /* The configuration goes, and its dispatcher with it. */
        if (process->proc.pid > 0) {
            kill(process->proc.pid, SIGTERM);
            remember_draining(process->retained, process->proc.pid);
            process->proc.pid = 0;
        }
        break;
    default:
        break;
    }
}

static void start(process_t *process, apr_interval_time_t delay)
{
    sigset_t set, before;
    apr_status_t rv;

    /* Blocked in the child until it reads its signals: a SIGTERM that comes
     * at once waits there, instead of running the parent's handler. */
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, &before);
    rv = apr_proc_fork(&process->proc, process->pconf);
    if (rv == APR_INCHILD) {
        run_child(process, delay);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (rv != APR_INPARENT) {
        process->proc.pid = 0;
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, process->s,
                     WHLOGNO(1403) "cannot fork the dispatcher");
        return;
    }
    process->started = apr_time_now();
    apr_proc_other_child_register(&process->proc, on_change, process, NULL,
                                  process->pconf);
}

static void on_draining_change(int reason, void *data, int status)
{
    (void)status;
    if (reason == APR_OC_REASON_DEATH || reason == APR_OC_REASON_LOST) {
        apr_proc_other_child_unregister(data);
    }
}

/* Keeps known to httpd, by this configuration's code, whoever of the last
 * one's dispatchers has not ended yet; else it wonders whose child it was. */
static void register_draining(process_t *process)
{
    pid_t *draining = process->retained->draining;
    int i, status;

    for (i = 0; i < DRAINING_MAX; i++) {
        apr_proc_t *proc;

        if (!draining[i]) {
            continue;
        }
        if (waitpid(draining[i], &status, WNOHANG) != 0) {
            draining[i] = 0;
            continue;
        }
        proc = apr_pcalloc(process->pconf, sizeof(*proc));
        proc->pid = draining[i];
        apr_proc_other_child_register(proc, on_draining_change, proc, NULL,
                                      process->pconf);
    }
}

/* Runs at a stop, before anything else of the process goes: the dispatcher
 * ends its transfers while the parent waits. */
static apr_status_t stop_and_wait(void *data)
{
    process_t *process = data;
    apr_time_t deadline;
    int status;

    if (getpid() != process->parent || process->proc.pid <= 0) {
        return APR_SUCCESS;
    }
    kill(process->proc.pid, SIGTERM);
    deadline =
        wh_monotonic_now() + process->settings->drain_timeout + STOP_MARGIN;
    while (waitpid(process->proc.pid, &status, WNOHANG) == 0) {
        if (wh_monotonic_now() >= deadline) {
            ap_log_error(APLOG_MARK, APLOG_WARNING, 0, process->s,
                         WHLOGNO(1404) "the dispatcher (pid %d) has not ended "
                                       "in time and is left alone",
                         (int)process->proc.pid);
            break;
        }
        apr_sleep(apr_time_from_msec(10));
    }
    process->proc.pid = 0;
    return APR_SUCCESS;
}

/* At a restart the module may be unloaded: the process must not call it. */
static apr_status_t forget_stop(void *data)
{
    process_t *process = data;

    apr_pool_cleanup_kill(process->s->process->pool, process, stop_and_wait);
    return APR_SUCCESS;
}

static void drop_state(retained_t *retained)
{
    if (retained->listener >= 0) {
        close(retained->listener);
        retained->listener = -1;
    }
    if (retained->lock >= 0) {
        close(retained->lock);
        retained->lock = -1;
    }
    retained->state_dir[0] = '\0';
}

static apr_status_t prepare_state(retained_t *retained,
                                  const wh_settings_t *settings,
                                  apr_pool_t *pool)
{
    int root = geteuid() == 0;
    uid_t user = root ? ap_unixd_config.user_id : (uid_t)-1;
    gid_t group = root ? ap_unixd_config.group_id : (gid_t)-1;
    apr_status_t rv;

    rv = wh_state_dir_create(settings->state_dir, user, group, pool);
    if (rv != APR_SUCCESS ||
        !strcmp(retained->state_dir, settings->state_dir)) {
        return rv;
    }
    drop_state(retained);
    rv = wh_state_dir_lock(&retained->lock, settings->state_dir, pool);
    if (rv == APR_SUCCESS) {
        rv = wh_state_dir_listen(&retained->listener, settings->state_dir, user,
                                 group, pool);
    }
    if (rv == APR_SUCCESS) {
        apr_cpystrn(retained->state_dir, settings->state_dir,
                    sizeof(retained->state_dir));
    }
    return rv;
}

static const char *state_problem(apr_status_t rv)
{
    if (rv == APR_TIMEUP) {
        return ": another server uses it";
    }
    if (APR_STATUS_IS_ENOTEMPTY(rv)) {
        return ": it exists and is not a state directory";
    }
    return "";
}

static retained_t *get_retained(void)
{
    retained_t *retained = ap_retained_data_get(RETAINED_KEY);

    if (!retained) {
        retained = ap_retained_data_create(RETAINED_KEY, sizeof(*retained));
        retained->listener = retained->lock = -1;
    }
    return retained;
}

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                       server_rec *s)
{
    retained_t *retained = get_retained();
    process_t *process;
    wh_settings_t *settings = NULL;
    apr_status_t rv;

    (void)plog;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    process = apr_pcalloc(pconf, sizeof(*process));
    process->parent = retained->parent = getpid();
    process->s = s;
    process->pconf = pconf;
    process->retained = retained;
    register_draining(process);
    if (!wh_config_engine_anywhere(s)) {
        drop_state(retained);
        return OK;
    }
    wh_log_set_sink(log_sink, log_enabled, s);
    rv = apr_dbd_init(s->process->pool);
    if (rv == APR_SUCCESS) {
        rv = wh_config_settings(&settings, s, pconf);
    }
    if (rv == APR_SUCCESS) {
        rv = prepare_state(retained, settings, ptemp);
    }
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s,
                     WHLOGNO(1405) "WebhookStateDir %s cannot be used%s",
                     settings ? settings->state_dir : "", state_problem(rv));
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    process->settings = settings;
    start(process, 0);
    apr_pool_pre_cleanup_register(s->process->pool, process, stop_and_wait);
    apr_pool_cleanup_register(pconf, process, forget_stop,
                              apr_pool_cleanup_null);
    return OK;
}

/* A child must not keep the socket open: if it outlives the dispatcher and
 * the parent, its connects have to fail instead of waiting for nobody. */
static void child_init(apr_pool_t *pchild, server_rec *s)
{
    retained_t *retained = ap_retained_data_get(RETAINED_KEY);

    (void)pchild;
    (void)s;
    if (retained && retained->listener >= 0 && getpid() != retained->parent) {
        close(retained->listener);
        retained->listener = -1;
    }
}

void wh_process_register_hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_LAST);
}
