/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/lookup_keeper.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/monotonic.h"
#include "deliver/lookup_message.h"
#include "deliver/lookup_worker.h"

#define TITLE "webhook-lookup"

/* Looked for one by one, where the kernel cannot close them at once: some systems
 * allow a thousand million. */
#define DESCRIPTORS_MAX 65536

/* To fork a process as large as httpd takes a while: whoever has something to
 * deliver goes first. */
#define NICE 10

/* A worker that nobody needs is kept for so long. */
#define IDLE_TIME apr_time_from_sec(2)

/* Number of a lookup: those before it, its socket and its slot. */
#define SOCKET_SHIFT 8
#define COUNT_SHIFT 16

typedef struct worker_t {
    pid_t pid;      /* 0: none */
    int is_slow;    /* 1: it has lookups that may take longer than others */
    int has_ended;  /* 1: its number may be somebody else's by now */
    int socket;     /* -1: it has been killed */
    int unanswered; /* lookups */
    int awaited;    /* of them, those that somebody waits for */
    apr_time_t idle_since;
} worker_t;

/* What a slot of a socket waits for. */
typedef struct lookup_t {
    apr_uint64_t number; /* 0: nothing */
    worker_t *worker;
    apr_time_t
        deadline; /* of wh_monotonic_now(), whatever becomes of the clock */
} lookup_t;

typedef struct keeper_t {
    int signals;
    int count;
    int sockets[WH_LOOKUP_SOCKETS_MAX]; /* -1: closed */
    lookup_t lookups[WH_LOOKUP_SOCKETS_MAX][WH_LOOKUPS_MAX];
    worker_t workers[WH_LOOKUP_WORKERS_MAX];
    apr_uint64_t begun;
    wh_lookup_answer_t answer; /* the one on its way */
} keeper_t;

/* What a process polls: asking ends, workers, ends of workers. */
#define POLLED_MAX (WH_LOOKUP_SOCKETS_MAX + WH_LOOKUP_WORKERS_MAX + 1)

/* The lowest one that is kept from there on; INT_MAX: none. */
static int next_kept(const int *kept, int count, int from)
{
    int i, next = INT_MAX;

    for (i = 0; i < count; i++) {
        next = kept[i] >= from && kept[i] < next ? kept[i] : next;
    }
    return next;
}

/* All from one to another. -1: this kernel cannot. */
static int close_between(int from, int to)
{
#ifdef SYS_close_range
    return (int)syscall(SYS_close_range, (unsigned)from, (unsigned)to, 0U);
#else
    (void)from;
    (void)to;
    return -1;
#endif
}

/* Then one by one. */
static void close_each(const int *kept, int count)
{
    struct rlimit limit;
    int descriptor;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
        limit.rlim_cur > DESCRIPTORS_MAX) {
        limit.rlim_cur = DESCRIPTORS_MAX;
    }
    for (descriptor = STDERR_FILENO + 1; descriptor < (int)limit.rlim_cur;
         descriptor++) {
        if (next_kept(kept, count, descriptor) != descriptor) {
            close(descriptor);
        }
    }
}

/* Ports, locks and others' sockets are not to be held here. In a ChrootDir there is
 * no /proc that could tell which there are. */
static void close_others(const int *kept, int count)
{
    int from = STDERR_FILENO + 1, next;

    for (;;) {
        next = next_kept(kept, count, from);
        if (next > from && close_between(from, next - 1) < 0) {
            close_each(kept, count);
            return;
        }
        if (next == INT_MAX) {
            return;
        }
        from = next + 1;
    }
}

/* ---- workers --------------------------------------------------------------- */

static void __attribute__((noreturn)) run_worker(int socket, pid_t keeper)
{
    /* It ends with the keeper, which may have ended before this is heard. */
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != keeper) {
        _exit(0);
    }
    close_others(&socket, 1);
    wh_lookup_work(socket);
}

static apr_status_t start_worker(worker_t *worker, int is_slow)
{
    pid_t keeper = getpid();
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    memset(worker, 0, sizeof(*worker));
    worker->socket = pair[0];
    worker->is_slow = is_slow;
    worker->pid = fork();
    if (worker->pid == 0) {
        run_worker(pair[1], keeper);
    }
    close(pair[1]);
    if (worker->pid < 0) {
        worker->pid = 0;
        close(pair[0]);
        return APR_FROM_OS_ERROR(errno);
    }
    return APR_SUCCESS;
}

/* One with room, a new one if there is none. NULL: there is no room at all. Slow
 * lookups have their own: a worker that is full lives as long as its longest. */
static worker_t *find_worker(keeper_t *keeper, int is_slow)
{
    worker_t *unused = NULL;
    int i;

    for (i = 0; i < WH_LOOKUP_WORKERS_MAX; i++) {
        worker_t *worker = &keeper->workers[i];

        if (!worker->pid) {
            unused = unused ? unused : worker;
        }
        else if (worker->socket >= 0 && worker->is_slow == is_slow &&
                 worker->unanswered < WH_LOOKUP_WORKER_MAX) {
            return worker;
        }
    }
    return unused && start_worker(unused, is_slow) == APR_SUCCESS ? unused
                                                                  : NULL;
}

/* Its place is free when its end has been seen. */
static void end_worker(worker_t *worker)
{
    if (!worker->has_ended) {
        kill(worker->pid, SIGKILL);
    }
    close(worker->socket);
    worker->socket = -1;
}

/* Nobody waits for this lookup of its any more. */
static void let_go(worker_t *worker)
{
    if (--worker->awaited == 0) {
        worker->idle_since = wh_monotonic_now();
        if (worker->socket >= 0 && worker->unanswered >= WH_LOOKUP_WORKER_MAX) {
            end_worker(worker);
        }
    }
}

/* ---- lookups --------------------------------------------------------------- */

/* The answer has its result and its text. */
static void say(keeper_t *keeper, int socket, int slot)
{
    keeper->answer.number = (apr_uint64_t)slot;
    if (keeper->sockets[socket] >= 0) {
        wh_lookup_say(keeper->sockets[socket], &keeper->answer);
    }
}

static void say_result(keeper_t *keeper, int socket, int slot,
                       wh_lookup_result_t result)
{
    keeper->answer.result = result;
    keeper->answer.text[0] = '\0';
    say(keeper, socket, slot);
}

static void begin(keeper_t *keeper, int socket,
                  const wh_lookup_request_t *asked)
{
    int slot = (int)asked->number;
    lookup_t *lookup = &keeper->lookups[socket][slot];
    wh_lookup_request_t request = *asked;
    worker_t *worker =
        find_worker(keeper, request.milliseconds > WH_LOOKUP_QUICK_MS);

    request.number = ++keeper->begun << COUNT_SHIFT |
                     (apr_uint64_t)socket << SOCKET_SHIFT | (apr_uint64_t)slot;
    if (!worker || send(worker->socket, &request, sizeof(request),
                        MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof(request)) {
        say_result(keeper, socket, slot, WH_LOOKUP_LOCAL);
        return;
    }
    worker->unanswered++;
    worker->awaited++;
    lookup->number = request.number;
    lookup->worker = worker;
    lookup->deadline =
        wh_monotonic_now() + apr_time_from_msec(request.milliseconds);
}

/* The other end is closed: nobody waits for what this one has asked for. */
static void drop(keeper_t *keeper, int socket)
{
    int i;

    close(keeper->sockets[socket]);
    keeper->sockets[socket] = -1;
    for (i = 0; i < WH_LOOKUPS_MAX; i++) {
        lookup_t *lookup = &keeper->lookups[socket][i];

        if (lookup->number) {
            lookup->number = 0;
            let_go(lookup->worker);
        }
    }
}

static void read_request(keeper_t *keeper, int socket)
{
    wh_lookup_request_t request;
    ssize_t length =
        recv(keeper->sockets[socket], &request, sizeof(request), 0);

    if (length == sizeof(request) && request.number < WH_LOOKUPS_MAX &&
        !keeper->lookups[socket][request.number].number) {
        begin(keeper, socket, &request);
    }
    else if (length == 0 || (length < 0 && errno != EINTR)) {
        drop(keeper, socket);
    }
}

/* NULL: it has been given up. */
static lookup_t *find_lookup(keeper_t *keeper, apr_uint64_t number)
{
    lookup_t *lookup =
        &keeper->lookups[number >> SOCKET_SHIFT & (WH_LOOKUP_SOCKETS_MAX - 1)]
                        [number & (WH_LOOKUPS_MAX - 1)];

    return number && lookup->number == number ? lookup : NULL;
}

static void read_answers(keeper_t *keeper, worker_t *worker)
{
    /* What is said first may make an end of the worker. */
    while (worker->socket >= 0 &&
           wh_lookup_read(worker->socket, &keeper->answer) == APR_SUCCESS) {
        apr_uint64_t number = keeper->answer.number;
        lookup_t *lookup = find_lookup(keeper, number);

        worker->unanswered--;
        if (lookup) {
            lookup->number = 0;
            say(keeper, (int)(number >> SOCKET_SHIFT & 0xff),
                (int)(number & 0xff));
            let_go(worker);
        }
    }
}

/* Lookups of one worker, NULL: of all, whose time is over by then. */
static void give_up(keeper_t *keeper, const worker_t *worker, apr_time_t by,
                    wh_lookup_result_t result)
{
    int i, j;

    for (i = 0; i < keeper->count; i++) {
        for (j = 0; j < WH_LOOKUPS_MAX; j++) {
            lookup_t *lookup = &keeper->lookups[i][j];

            if (lookup->number && (!worker || lookup->worker == worker) &&
                lookup->deadline <= by) {
                lookup->number = 0;
                say_result(keeper, i, j, result);
                let_go(lookup->worker);
            }
        }
    }
}

/* One that broke down did so over what it was answered. */
static void bury(keeper_t *keeper, worker_t *worker)
{
    worker->has_ended = 1;
    read_answers(keeper, worker);
    if (worker->socket >= 0) {
        end_worker(worker);
    }
    give_up(keeper, worker, APR_INT64_MAX, WH_LOOKUP_FAILED);
    worker->pid = 0;
}

static void read_ends(keeper_t *keeper)
{
    struct signalfd_siginfo info;
    pid_t pid;
    int i;

    while (read(keeper->signals, &info, sizeof(info)) > 0) {
        continue;
    }
    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
        for (i = 0; i < WH_LOOKUP_WORKERS_MAX; i++) {
            worker_t *worker = &keeper->workers[i];

            if (worker->pid == pid) {
                bury(keeper, worker);
            }
        }
    }
}

/* ---- time ------------------------------------------------------------------ */

static apr_time_t earlier(apr_time_t a, apr_time_t b)
{
    return a < b ? a : b;
}

/* Ends workers that nobody has needed for some time; when the next one may be. */
static apr_time_t end_idle(keeper_t *keeper, apr_time_t now)
{
    apr_time_t next = APR_INT64_MAX;
    int i;

    for (i = 0; i < WH_LOOKUP_WORKERS_MAX; i++) {
        worker_t *worker = &keeper->workers[i];

        if (!worker->pid || worker->socket < 0 || worker->awaited) {
            continue;
        }
        if (worker->idle_since + IDLE_TIME <= now) {
            end_worker(worker);
        }
        else {
            next = earlier(next, worker->idle_since + IDLE_TIME);
        }
    }
    return next;
}

static apr_time_t next_deadline(const keeper_t *keeper)
{
    apr_time_t next = APR_INT64_MAX;
    int i, j;

    for (i = 0; i < keeper->count; i++) {
        for (j = 0; j < WH_LOOKUPS_MAX; j++) {
            if (keeper->lookups[i][j].number) {
                next = earlier(next, keeper->lookups[i][j].deadline);
            }
        }
    }
    return next;
}

/* What is due by now; then milliseconds for poll(). */
static int pass_time(keeper_t *keeper)
{
    apr_time_t now = wh_monotonic_now(), next;

    give_up(keeper, NULL, now, WH_LOOKUP_LATE);
    next = earlier(next_deadline(keeper), end_idle(keeper, now));
    if (next == APR_INT64_MAX) {
        return -1;
    }
    return next > now ? (int)((next - now + 999) / 1000) : 0;
}

/* ---- the loop -------------------------------------------------------------- */

/* What is to be waited for; the number of asking ends that are open. */
static int fill_polled(struct pollfd *polled, const keeper_t *keeper)
{
    int i, open = 0;

    for (i = 0; i < WH_LOOKUP_SOCKETS_MAX; i++) {
        polled[i].fd = i < keeper->count ? keeper->sockets[i] : -1;
        open += polled[i].fd >= 0;
    }
    for (i = 0; i < WH_LOOKUP_WORKERS_MAX; i++) {
        polled[WH_LOOKUP_SOCKETS_MAX + i].fd =
            keeper->workers[i].pid ? keeper->workers[i].socket : -1;
    }
    polled[POLLED_MAX - 1].fd = keeper->signals;
    for (i = 0; i < POLLED_MAX; i++) {
        polled[i].events = POLLIN;
    }
    return open;
}

static void __attribute__((noreturn)) keep(keeper_t *keeper)
{
    struct pollfd polled[POLLED_MAX];
    int i;

    while (fill_polled(polled, keeper) > 0) {
        if (poll(polled, POLLED_MAX, pass_time(keeper)) <= 0) {
            continue;
        }
        for (i = 0; i < WH_LOOKUP_WORKERS_MAX; i++) {
            if (polled[WH_LOOKUP_SOCKETS_MAX + i].revents) {
                read_answers(keeper, &keeper->workers[i]);
            }
        }
        if (polled[POLLED_MAX - 1].revents) {
            read_ends(keeper);
        }
        for (i = 0; i < keeper->count; i++) {
            if (polled[i].fd >= 0 && polled[i].revents) {
                read_request(keeper, i);
            }
        }
    }
    _exit(0);
}

/* SIGTERM stays blocked, so that a signal to the whole group leaves the
 * lookups to those that still need them. */
void wh_lookup_keep(const int *sockets, int count)
{
    static keeper_t keeper;
    sigset_t set;

    prctl(PR_SET_NAME, TITLE, 0, 0, 0);
    (void)setpriority(PRIO_PROCESS, 0, NICE);
    close_others(sockets, count);
    keeper.count = count;
    memcpy(keeper.sockets, sockets, (apr_size_t)count * sizeof(*sockets));
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    keeper.signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (keeper.signals < 0) {
        _exit(1);
    }
    keep(&keeper);
}
