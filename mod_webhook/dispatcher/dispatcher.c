/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatcher/dispatcher.h"

#include <apr_dbd.h>
#include <apr_thread_pool.h>
#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/monotonic.h"
#include "base/pool.h"
#include "deliver/delivery_thread.h"
#include "deliver/library.h"
#include "deliver/lookup.h"
#include "deliver/mail.h"
#include "deliver/message.h"
#include "dispatcher/commit.h"
#include "dispatcher/maintenance.h"
#include "dispatcher/node.h"

#define EVENTS_AT_ONCE 256
#define TICK apr_time_from_sec(1)

/* With so many deliveries in memory there is a backlog: outcomes are then
 * gathered for this time before they are written, instead of a few with each
 * flush of the disk. Nobody waits for them; those of a process that is killed
 * meanwhile are sent again. */
#define BACKLOG_DELIVERIES 64
#define GATHER_TIME apr_time_from_msec(2)

/* A writer that holds the lock longer is stuck: events are refused then. */
#define LOCK_PATIENCE apr_time_from_sec(2)

/* After the transfers' time is over the outcomes still have to be written. */
#define STOP_GRACE apr_time_from_sec(2)

/* Without the keeper a dispatcher goes on for as long as this after its start, so
 * that one that cannot last does not take the dispatcher along again and again. Its
 * transfers get little time then: nobody takes events meanwhile. */
#define KEEPER_LIFE apr_time_from_sec(5)
#define KEEPER_DRAIN apr_time_from_sec(1)

typedef struct dispatcher_t {
    const wh_settings_t *settings;
    apr_pool_t *pool;
    pid_t parent;
    int epoll;
    int signals;
    wh_inbox_t *inbox;
    wh_channel_server_t server;
    wh_commit_t commit;
    wh_store_t *store;
    wh_node_t node;
    wh_maintenance_t maintenance;
    apr_pool_t *threads_pool;
    apr_thread_pool_t *thread_pool;
    wh_delivery_thread_t **threads;
    wh_inbox_t **inboxes;
    int *lookups;          /* sockets, one for each thread to be made */
    pid_t keeper;          /* of the lookups; 0: it has ended */
    apr_time_t replace_at; /* by the monotonic clock: without it we end too */
    int thread_count;
    int running; /* delivery threads that have not ended */
    int stopping;
    apr_time_t give_up_at; /* by the monotonic clock */
    apr_time_t tick_at;
    int inbox_ready;     /* outcomes wait in the inbox */
    apr_time_t inbox_at; /* to be read then at the latest */
} dispatcher_t;

apr_size_t wh_dispatcher_frame_limit(const wh_settings_t *settings)
{
    return 8 * settings->max_body + WH_FRAME_OVERHEAD;
}

/* SIGTERM comes as an event; the terminal's and the server's other signals
 * are the parent's business. */
static apr_status_t take_signals(dispatcher_t *d)
{
    static const int ignored[] = {SIGHUP,  SIGINT,   SIGUSR1,
                                  SIGUSR2, SIGWINCH, SIGPIPE};
    sigset_t set;
    size_t i;

    /* Else waitpid() would know nothing of the keeper's end. */
    signal(SIGCHLD, SIG_DFL);
    for (i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
        signal(ignored[i], SIG_IGN);
    }
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    if (sigprocmask(SIG_SETMASK, &set, NULL) < 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    d->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return d->signals < 0 ? APR_FROM_OS_ERROR(errno) : APR_SUCCESS;
}

static apr_status_t watch(dispatcher_t *d, int descriptor, void *pointer,
                          unsigned int how)
{
    struct epoll_event event = {.events = EPOLLIN | how, .data.ptr = pointer};

    if (epoll_ctl(d->epoll, EPOLL_CTL_ADD, descriptor, &event) < 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    return APR_SUCCESS;
}

static void *APR_THREAD_FUNC run_thread(apr_thread_t *thread, void *data)
{
    (void)thread;
    wh_delivery_thread_run(data);
    return NULL;
}

/* A transfer has a socket, a slow one takes another's place as well, and a name
 * that is looked up has one too. What the process has besides is little. */
#define DESCRIPTORS_PER_TRANSFER 3
#define OTHER_DESCRIPTORS 256

/* Transfers for which there will be descriptors, as many as are wanted or
 * less. The soft limit may be raised by anybody. */
static int transfers_possible(int wanted)
{
    rlim_t need = (rlim_t)wanted * DESCRIPTORS_PER_TRANSFER + OTHER_DESCRIPTORS;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= need) {
        return wanted;
    }
    limit.rlim_cur = need < limit.rlim_max ? need : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= need) {
        return wanted;
    }
    wanted = limit.rlim_cur > OTHER_DESCRIPTORS
                 ? (int)((limit.rlim_cur - OTHER_DESCRIPTORS) /
                         DESCRIPTORS_PER_TRANSFER)
                 : 1;
    wh_log(WH_LOG_WARNING, APR_SUCCESS,
           WHLOGNO(1305) "this process may open %lu files: that is enough for "
                         "%d transfers at one time (WebhookConcurrency)",
           (unsigned long)limit.rlim_cur, wanted);
    return wanted;
}

static apr_status_t create_threads(dispatcher_t *d)
{
    int share =
        transfers_possible(d->settings->concurrency) / d->settings->threads;
    apr_status_t rv = APR_SUCCESS;
    apr_size_t count = (apr_size_t)d->settings->threads;

    d->threads = apr_pcalloc(d->pool, count * sizeof(*d->threads));
    d->inboxes = apr_pcalloc(d->pool, count * sizeof(*d->inboxes));
    for (; rv == APR_SUCCESS && d->thread_count < d->settings->threads;
         d->thread_count++) {
        wh_delivery_thread_t *thread;

        rv = wh_delivery_thread_create(&thread, d->settings, d->inbox,
                                       share > 0 ? share : 1,
                                       d->lookups[d->thread_count]);
        if (rv != APR_SUCCESS) {
            break;
        }
        d->threads[d->thread_count] = thread;
        d->inboxes[d->thread_count] = wh_delivery_thread_inbox(thread);
    }
    return rv;
}

static apr_status_t start_threads(dispatcher_t *d)
{
    apr_size_t count = (apr_size_t)d->thread_count;
    apr_status_t rv;

    /* The thread pool's threads allocate from its pool, not from ours. */
    rv = wh_pool_create(&d->threads_pool, "webhook_thread_pool", 1);
    if (rv == APR_SUCCESS) {
        rv = apr_thread_pool_create(&d->thread_pool, count, count,
                                    d->threads_pool);
    }
    if (rv == APR_SUCCESS) {
        rv = wh_mailer_start(&d->commit.mailer, d->settings);
    }
    for (; rv == APR_SUCCESS && d->running < d->thread_count; d->running++) {
        rv = apr_thread_pool_push(d->thread_pool, run_thread,
                                  d->threads[d->running],
                                  APR_THREAD_TASK_PRIORITY_NORMAL, NULL);
        if (rv != APR_SUCCESS) {
            break;
        }
    }
    return rv;
}

static apr_status_t start_storage(dispatcher_t *d)
{
    apr_status_t rv = apr_dbd_init(d->pool);

    if (rv == APR_SUCCESS) {
        rv = wh_node_take(&d->node, d->settings, d->pool);
    }
    if (rv == APR_SUCCESS) {
        rv = wh_store_create(&d->store, d->settings);
    }
    if (rv == APR_SUCCESS) {
        wh_store_patience_set(d->store, LOCK_PATIENCE);
        rv = wh_commit_init(&d->commit, d->settings, &d->server, d->store,
                            d->pool);
        d->commit.ids.node = d->node.id;
    }
    return rv;
}

/* Before there is anything that the keeper should not have. */
static apr_status_t start_lookups(dispatcher_t *d)
{
    apr_size_t count = (apr_size_t)d->settings->threads;

    d->lookups = apr_pcalloc(d->pool, count * sizeof(*d->lookups));
    d->replace_at = wh_monotonic_now() + KEEPER_LIFE;
    return wh_lookup_start(d->lookups, (int)count, &d->keeper);
}

/* Transfers, connections at rest and children all take descriptors: as many
 * as the system lets us have. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
        limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0) {
            wh_log(WH_LOG_DEBUG, APR_FROM_OS_ERROR(errno),
                   WHLOGNO(1357) "the limit of descriptors stays as it is");
        }
    }
}

static apr_status_t start(dispatcher_t *d, int listener)
{
    apr_status_t rv = take_signals(d);

    if (rv == APR_SUCCESS) {
        rv = start_lookups(d);
    }
    raise_descriptor_limit();

    d->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (rv == APR_SUCCESS && d->epoll < 0) {
        rv = APR_FROM_OS_ERROR(errno);
    }
    if (rv == APR_SUCCESS) {
        /* Nothing of this process hands out keys of its connections. */
        unsetenv("SSLKEYLOGFILE");
        rv = wh_library_start();
    }
    if (rv == APR_SUCCESS) {
        rv = start_storage(d);
    }
    if (rv == APR_SUCCESS) {
        rv = wh_inbox_create(&d->inbox, d->pool);
    }
    if (rv == APR_SUCCESS) {
        rv = create_threads(d);
    }
    if (rv == APR_SUCCESS) {
        wh_schedule_init(&d->commit.schedule, d->settings, d->inboxes,
                         d->thread_count, d->pool);
        /* Edge-triggered: it may be left unread for a while. */
        rv = watch(d, wh_inbox_descriptor(d->inbox), d->inbox, EPOLLET);
    }
    if (rv == APR_SUCCESS) {
        rv = watch(d, d->signals, &d->signals, 0);
    }
    if (rv == APR_SUCCESS) {
        rv = wh_channel_server_start(&d->server, d->epoll, listener,
                                     wh_dispatcher_frame_limit(d->settings));
    }
    return rv == APR_SUCCESS ? start_threads(d) : rv;
}

static void stop_threads(dispatcher_t *d, apr_time_t deadline)
{
    int i;

    for (i = 0; i < d->thread_count; i++) {
        wh_stop_t *stop = calloc(1, sizeof(*stop));
        wh_message_list_t list = {NULL, NULL};

        if (!stop) {
            wh_log(WH_LOG_ERROR, APR_ENOMEM,
                   WHLOGNO(1351) "a delivery thread cannot be told to stop");
            d->give_up_at = 0;
            continue;
        }
        stop->message.kind = WH_MESSAGE_STOP;
        stop->deadline = deadline;
        wh_message_list_add(&list, &stop->message);
        wh_inbox_post(d->inboxes[i], &list);
    }
}

static void begin_stop(dispatcher_t *d, apr_interval_time_t drain,
                       const char *why)
{
    apr_time_t deadline = wh_monotonic_now() + drain;

    if (d->stopping) {
        return;
    }
    wh_log(WH_LOG_INFO, APR_SUCCESS,
           WHLOGNO(1352) "dispatcher %" APR_INT64_T_FMT
                         " stops (%s), %d deliveries in memory",
           d->node.id, why, d->commit.schedule.in_memory);
    d->stopping = 1;
    d->give_up_at = deadline + STOP_GRACE;
    /* What was read is committed and acknowledged before the connections
     * close; what was not, the children send again to the next dispatcher. */
    wh_commit_batch(&d->commit, apr_time_now());
    wh_channel_server_stop(&d->server);
    stop_threads(d, deadline);
}

static void read_inbox(dispatcher_t *d)
{
    wh_message_t *message = wh_inbox_take(d->inbox);

    while (message) {
        wh_message_t *next = message->next;

        if (message->kind == WH_MESSAGE_OUTCOME) {
            wh_commit_outcome(&d->commit, (wh_delivery_t *)message);
        }
        else {
            d->running--;
        }
        message = next;
    }
}

static void read_signal(dispatcher_t *d)
{
    struct signalfd_siginfo info;

    if (read(d->signals, &info, sizeof(info)) == sizeof(info)) {
        begin_stop(d, d->settings->drain_timeout, "told to");
    }
}

static void handle_event(dispatcher_t *d, const struct epoll_event *event)
{
    void *pointer = event->data.ptr;

    if (pointer == d->inbox) {
        d->inbox_ready = 1;
        d->inbox_at = apr_time_now() + GATHER_TIME;
    }
    else if (pointer == &d->server) {
        wh_channel_server_accept(&d->server);
    }
    else if (event->events & ~(unsigned)EPOLLOUT) {
        wh_channel_server_read(&d->server, pointer, wh_commit_frame,
                               &d->commit);
    }
    else {
        wh_channel_server_writable(&d->server, pointer);
    }
}

/* The stop closes connections, so it comes after everything else that the
 * same wait has returned. */
static void handle_events(dispatcher_t *d, const struct epoll_event *events,
                          int count)
{
    int i, signalled = 0;

    for (i = 0; i < count; i++) {
        if (events[i].data.ptr == &d->signals) {
            signalled = 1;
        }
        else {
            handle_event(d, &events[i]);
        }
    }
    if (signalled) {
        read_signal(d);
    }
}

/* Until it is read, the inbox wakes nobody again. */
static void read_inbox_in_time(dispatcher_t *d, apr_time_t now)
{
    if (!d->inbox_ready) {
        return;
    }
    if (d->stopping || d->commit.entry_count > 0 ||
        d->commit.schedule.in_memory < BACKLOG_DELIVERIES ||
        now >= d->inbox_at || d->inbox_at > now + GATHER_TIME) {
        d->inbox_ready = 0;
        read_inbox(d);
    }
}

static int wait_milliseconds(const dispatcher_t *d, apr_time_t now)
{
    apr_time_t until = d->tick_at;

    if (d->inbox_ready && d->inbox_at < until) {
        until = d->inbox_at;
    }

    if (!d->stopping && d->commit.schedule.wake < until) {
        until = d->commit.schedule.wake;
    }
    if (wh_commit_has_more(&d->commit) && d->commit.retry_at < until) {
        until = d->commit.retry_at;
    }
    if (!d->stopping && d->commit.schedule.discarding &&
        d->commit.discard_at < until) {
        until = d->commit.discard_at;
    }
    if (!d->stopping && d->commit.replaying && d->commit.replay_at < until) {
        until = d->commit.replay_at;
    }
    return until <= now ? 0 : (int)((until - now + 999) / 1000);
}

/* It cannot be forked again by a process with threads. The parent starts another
 * dispatcher, which has its own. */
static void watch_keeper(dispatcher_t *d)
{
    apr_interval_time_t drain = d->settings->drain_timeout;

    if (d->keeper && waitpid(d->keeper, NULL, WNOHANG) == d->keeper) {
        d->keeper = 0;
    }
    if (!d->keeper && wh_monotonic_now() >= d->replace_at) {
        begin_stop(d, drain < KEEPER_DRAIN ? drain : KEEPER_DRAIN,
                   "nobody looks names up any more");
    }
}

static void tick(dispatcher_t *d, apr_time_t now)
{
    if (now < d->tick_at && d->tick_at <= now + TICK) {
        return;
    }
    /* Not as of before the last batch, which may have taken long: the clock is
     * compared with another one. */
    now = apr_time_now();
    d->tick_at = now + TICK;
    if (getppid() != d->parent) {
        begin_stop(d, d->settings->drain_timeout, "the server is gone");
    }
    watch_keeper(d);
    if (!d->stopping) {
        wh_channel_server_resume(&d->server);
        wh_maintenance_run(&d->maintenance, &d->commit, &d->node, now);
    }
}

static int is_done(const dispatcher_t *d)
{
    return d->stopping &&
           ((d->running == 0 && !wh_commit_has_more(&d->commit)) ||
            wh_monotonic_now() >= d->give_up_at);
}

static void loop(dispatcher_t *d)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    apr_time_t now = apr_time_now();
    int count;

    while (!is_done(d)) {
        tick(d, now);
        count = epoll_wait(d->epoll, events, EVENTS_AT_ONCE,
                           wait_milliseconds(d, now));
        handle_events(d, events, count);
        now = apr_time_now();
        read_inbox_in_time(d, now);
        wh_commit_batch(&d->commit, now);
        if (!d->stopping) {
            wh_commit_claim(&d->commit, now);
            wh_commit_discard(&d->commit, now);
            wh_commit_replay(&d->commit, now);
        }
    }
}

/* Threads that have not ended by now hang in a library: the process ends
 * without waiting for them, and their deliveries are found by the lock. */
static int finish(dispatcher_t *d)
{
    int recorded = !wh_commit_has_more(&d->commit);
    int released, i;

    if (d->running > 0 || !recorded) {
        wh_log(WH_LOG_WARNING, APR_SUCCESS,
               WHLOGNO(1353) "dispatcher %" APR_INT64_T_FMT
                             " ends with %d threads at work%s",
               d->node.id, d->running,
               recorded ? "" : " and outcomes not recorded");
        _exit(0);
    }
    wh_mailer_stop(d->commit.mailer, apr_time_now() + d->give_up_at -
                                         STOP_GRACE - wh_monotonic_now());
    apr_thread_pool_destroy(d->thread_pool);
    apr_pool_destroy(d->threads_pool);
    for (i = 0; i < d->thread_count; i++) {
        wh_delivery_thread_destroy(d->threads[i]);
    }
    /* Its sockets are closed and its lookups end with it. */
    if (d->keeper) {
        kill(d->keeper, SIGKILL);
        waitpid(d->keeper, NULL, 0);
    }
    if (d->commit.entered) {
        /* Not forgotten: the next dispatcher learns from the node that there
         * is something to look for. */
        wh_store_node_release(&released, d->store, d->node.id, 0);
    }
    wh_commit_destroy(&d->commit);
    wh_store_destroy(d->store);
    wh_node_leave(&d->node);
    curl_global_cleanup();
    close(d->signals);
    close(d->epoll);
    wh_log(WH_LOG_INFO, APR_SUCCESS,
           WHLOGNO(1354) "dispatcher %" APR_INT64_T_FMT " has ended",
           d->node.id);
    apr_pool_destroy(d->pool);
    return 0;
}

int wh_dispatcher_run(const wh_settings_t *settings, int listener, pid_t parent)
{
    apr_pool_t *pool;
    dispatcher_t *d;
    apr_status_t rv = wh_pool_create(&pool, "webhook_dispatcher", 0);

    if (rv != APR_SUCCESS) {
        return WH_DISPATCHER_CANNOT_START;
    }
    d = apr_pcalloc(pool, sizeof(*d));
    d->settings = settings;
    d->pool = pool;
    d->parent = parent;
    rv = start(d, listener);
    if (rv != APR_SUCCESS) {
        wh_log(WH_LOG_ERROR, rv, WHLOGNO(1355) "the dispatcher cannot start");
        return WH_DISPATCHER_CANNOT_START;
    }
    wh_log(WH_LOG_INFO, APR_SUCCESS,
           WHLOGNO(1356) "dispatcher %" APR_INT64_T_FMT " runs, %d threads",
           d->node.id, d->thread_count);
    loop(d);
    return finish(d);
}
