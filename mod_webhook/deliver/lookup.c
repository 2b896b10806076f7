/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/lookup.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TITLE "webhook-lookup"

#define ANSWER_HEAD offsetof(wh_lookup_answer_t, text)

/* A lookup, as the keeper knows it. */
typedef struct child_t {
    pid_t pid; /* 0: none */
    int late;  /* 1: killed */
    apr_time_t deadline;
} child_t;

typedef struct keeper_t {
    int signals;
    int count;
    int sockets[WH_LOOKUP_SOCKETS_MAX]; /* -1: closed */
    child_t children[WH_LOOKUP_SOCKETS_MAX][WH_LOOKUPS_MAX];
} keeper_t;

/* ---- one lookup ------------------------------------------------------------ */

/* The limit of a process is its end; there is nobody to tell of a failure. */
static void say(int descriptor, const wh_lookup_answer_t *answer,
                apr_size_t length)
{
    while (send(descriptor, answer, ANSWER_HEAD + length, MSG_NOSIGNAL) < 0 &&
           errno == EINTR) {
        continue;
    }
}

/* 1: there is room for it. */
static int add_address(wh_lookup_answer_t *answer, apr_size_t *length,
                       const struct sockaddr *address)
{
    char host[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 4];
    int size;

    if (address->sa_family == AF_INET) {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr,
                  host, sizeof(host));
        size = snprintf(text, sizeof(text), "%s%s", *length ? "," : "", host);
    }
    else if (address->sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr,
                  host, sizeof(host));
        size = snprintf(text, sizeof(text), "%s[%s]", *length ? "," : "", host);
    }
    else {
        return 1;
    }
    if (*length + (apr_size_t)size + 1 > sizeof(answer->text)) {
        return 0;
    }
    memcpy(answer->text + *length, text, (apr_size_t)size + 1);
    *length += (apr_size_t)size;
    return 1;
}

/* A machine without IPv6 need not ask for its addresses. */
static int family(void)
{
    int descriptor = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (descriptor < 0) {
        return AF_INET;
    }
    close(descriptor);
    return AF_UNSPEC;
}

static void __attribute__((noreturn))
look_up(int descriptor, const wh_lookup_request_t *request, pid_t keeper)
{
    static wh_lookup_answer_t answer;
    struct addrinfo hints = {.ai_family = family(), .ai_socktype = SOCK_STREAM};
    struct addrinfo *all = NULL, *one;
    apr_size_t length = 0;
    int rc;

    /* It ends with the keeper, which may have ended before this is heard. */
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != keeper) {
        _exit(0);
    }
    answer.slot = request->slot;
    rc = getaddrinfo(request->name, NULL, &hints, &all);
    for (one = all; rc == 0 && one; one = one->ai_next) {
        if (!add_address(&answer, &length, one->ai_addr)) {
            break;
        }
    }
    answer.result = rc == EAI_MEMORY ? WH_LOOKUP_LOCAL
                    : length         ? WH_LOOKUP_FOUND
                                     : WH_LOOKUP_UNKNOWN;
    say(descriptor, &answer, length ? length + 1 : 0);
    _exit(0);
}

/* ---- the keeper ------------------------------------------------------------ */

/* A lookup's time is over whatever becomes of the clock. */
static apr_time_t monotonic_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return apr_time_from_sec(now.tv_sec) + now.tv_nsec / 1000;
}

static void say_ended(int descriptor, int slot, wh_lookup_result_t result)
{
    wh_lookup_answer_t answer;

    answer.slot = (apr_uint32_t)slot;
    answer.ended = 1;
    answer.result = result;
    say(descriptor, &answer, 0);
}

static void begin(keeper_t *keeper, int socket,
                  const wh_lookup_request_t *request)
{
    child_t *child = &keeper->children[socket][request->slot];
    pid_t self = getpid();

    child->late = 0;
    child->deadline =
        monotonic_now() + apr_time_from_msec(request->milliseconds);
    child->pid = fork();
    if (child->pid == 0) {
        look_up(keeper->sockets[socket], request, self);
    }
    if (child->pid < 0) {
        child->pid = 0;
        say_ended(keeper->sockets[socket], (int)request->slot, WH_LOOKUP_LOCAL);
    }
}

/* The other end is closed: nobody waits for what this one has asked for. */
static void drop(keeper_t *keeper, int socket)
{
    int i;

    close(keeper->sockets[socket]);
    keeper->sockets[socket] = -1;
    for (i = 0; i < WH_LOOKUPS_MAX; i++) {
        if (keeper->children[socket][i].pid) {
            kill(keeper->children[socket][i].pid, SIGKILL);
        }
    }
}

static void read_request(keeper_t *keeper, int socket)
{
    wh_lookup_request_t request;
    ssize_t length =
        recv(keeper->sockets[socket], &request, sizeof(request), 0);

    if (length == sizeof(request) && request.slot < WH_LOOKUPS_MAX &&
        !keeper->children[socket][request.slot].pid) {
        request.name[WH_LOOKUP_NAME_MAX] = '\0';
        begin(keeper, socket, &request);
    }
    else if (length == 0 || (length < 0 && errno != EINTR)) {
        drop(keeper, socket);
    }
}

/* A lookup that broke down did so over what it was answered. */
static void end(keeper_t *keeper, pid_t pid)
{
    int i, j;

    for (i = 0; i < keeper->count; i++) {
        for (j = 0; j < WH_LOOKUPS_MAX; j++) {
            child_t *child = &keeper->children[i][j];

            if (child->pid == pid) {
                child->pid = 0;
                if (keeper->sockets[i] >= 0) {
                    say_ended(keeper->sockets[i], j,
                              child->late ? WH_LOOKUP_LATE : WH_LOOKUP_UNKNOWN);
                }
                return;
            }
        }
    }
}

static void read_ends(keeper_t *keeper)
{
    struct signalfd_siginfo info;
    pid_t pid;

    while (read(keeper->signals, &info, sizeof(info)) > 0) {
        continue;
    }
    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
        end(keeper, pid);
    }
}

/* Kills what is late. A process that has not been waited for keeps its number,
 * so nobody else is hit. The milliseconds until the next one, -1: none. */
static int kill_late(keeper_t *keeper)
{
    apr_time_t now = monotonic_now(), next = APR_INT64_MAX;
    int i, j;

    for (i = 0; i < keeper->count; i++) {
        for (j = 0; j < WH_LOOKUPS_MAX; j++) {
            child_t *child = &keeper->children[i][j];

            if (child->pid && !child->late && child->deadline <= now) {
                child->late = 1;
                kill(child->pid, SIGKILL);
            }
            else if (child->pid && !child->late && child->deadline < next) {
                next = child->deadline;
            }
        }
    }
    return next == APR_INT64_MAX ? -1 : (int)((next - now + 999) / 1000);
}

/* What is to be waited for; the number of sockets that are open. */
static int fill_polled(struct pollfd *polled, const keeper_t *keeper)
{
    int i, open = 0;

    for (i = 0; i < keeper->count; i++) {
        polled[i].fd = keeper->sockets[i];
        polled[i].events = POLLIN;
        open += keeper->sockets[i] >= 0;
    }
    polled[i].fd = keeper->signals;
    polled[i].events = POLLIN;
    return open;
}

static void __attribute__((noreturn)) keep(keeper_t *keeper)
{
    struct pollfd polled[WH_LOOKUP_SOCKETS_MAX + 1];
    int i;

    while (fill_polled(polled, keeper) > 0) {
        if (poll(polled, (nfds_t)keeper->count + 1, kill_late(keeper)) <= 0) {
            continue;
        }
        if (polled[keeper->count].revents) {
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

static int is_kept(const keeper_t *keeper, int descriptor)
{
    int i;

    for (i = 0; i < keeper->count; i++) {
        if (keeper->sockets[i] == descriptor) {
            return 1;
        }
    }
    return descriptor <= STDERR_FILENO;
}

/* Ports, locks and the other ends of the sockets are not the keeper's to hold. */
static void close_others(const keeper_t *keeper)
{
    DIR *all = opendir("/proc/self/fd");
    struct dirent *one;

    while (all && (one = readdir(all))) {
        int descriptor = atoi(one->d_name);

        if (!is_kept(keeper, descriptor) && descriptor != dirfd(all)) {
            close(descriptor);
        }
    }
    if (all) {
        closedir(all);
    }
}

/* SIGTERM stays blocked, so that a signal to the whole group leaves the
 * lookups to those that still need them. */
static void __attribute__((noreturn)) run_keeper(keeper_t *keeper)
{
    sigset_t set;

    prctl(PR_SET_NAME, TITLE, 0, 0, 0);
    close_others(keeper);
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    keeper->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (keeper->signals < 0) {
        _exit(1);
    }
    keep(keeper);
}

/* ---- whoever asks ---------------------------------------------------------- */

static void close_all(const int *sockets, int count)
{
    int i;

    for (i = 0; i < count; i++) {
        close(sockets[i]);
    }
}

apr_status_t wh_lookup_start(int *sockets, int count, pid_t *pid)
{
    static keeper_t keeper;
    apr_status_t rv = APR_SUCCESS;
    int pair[2];

    for (keeper.count = 0; rv == APR_SUCCESS && keeper.count < count;) {
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
            rv = APR_FROM_OS_ERROR(errno);
            break;
        }
        sockets[keeper.count] = pair[0];
        keeper.sockets[keeper.count++] = pair[1];
    }
    if (rv == APR_SUCCESS) {
        *pid = fork();
        if (*pid == 0) {
            run_keeper(&keeper);
        }
        rv = *pid < 0 ? APR_FROM_OS_ERROR(errno) : APR_SUCCESS;
    }
    close_all(keeper.sockets, keeper.count);
    if (rv != APR_SUCCESS) {
        close_all(sockets, keeper.count);
    }
    return rv;
}

apr_status_t wh_lookup_ask(int socket, apr_uint32_t slot, const char *name,
                           apr_interval_time_t limit)
{
    wh_lookup_request_t request;

    memset(&request, 0, sizeof(request));
    request.slot = slot;
    request.milliseconds = (apr_uint32_t)apr_time_as_msec(limit);
    memcpy(request.name, name, strnlen(name, WH_LOOKUP_NAME_MAX));
    return send(socket, &request, sizeof(request),
                MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(request)
               ? APR_SUCCESS
               : APR_FROM_OS_ERROR(errno);
}

apr_status_t wh_lookup_read(int socket, wh_lookup_answer_t *answer)
{
    ssize_t length = recv(socket, answer, sizeof(*answer), MSG_DONTWAIT);

    if (length >= (ssize_t)ANSWER_HEAD) {
        answer->text[sizeof(answer->text) - 1] = '\0';
        if (length == (ssize_t)ANSWER_HEAD) {
            answer->text[0] = '\0';
        }
        return APR_SUCCESS;
    }
    return length < 0 &&
                   (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
               ? APR_EAGAIN
               : APR_EOF;
}
