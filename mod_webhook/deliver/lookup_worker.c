/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/lookup_worker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "deliver/lookup_message.h"

/* The resolver keeps an answer of up to 64 KiB there. */
#define STACK_SIZE (512 * 1024)

/* One lookup: its thread's. */
typedef struct job_t {
    int socket;
    wh_lookup_request_t request;
    wh_lookup_answer_t answer;
} job_t;

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

/* A server that fails, or cannot be reached, does not say that there is none. */
static wh_lookup_result_t result_of(int rc)
{
    switch (rc) {
    case EAI_MEMORY:
        return WH_LOOKUP_LOCAL;
    case EAI_NONAME:
    case EAI_NODATA:
        return WH_LOOKUP_UNKNOWN;
    default:
        return WH_LOOKUP_FAILED;
    }
}

static wh_lookup_result_t look_up(wh_lookup_answer_t *answer, const char *name)
{
    struct addrinfo hints = {.ai_family = family(), .ai_socktype = SOCK_STREAM};
    struct addrinfo *all = NULL, *one;
    apr_size_t length = 0;
    int count = 0;
    int rc = getaddrinfo(name, NULL, &hints, &all);

    if (rc != 0) {
        return result_of(rc);
    }
    for (one = all; one && count < WH_LOOKUP_ADDRESSES_MAX;
         one = one->ai_next, count++) {
        if (!add_address(answer, &length, one->ai_addr)) {
            break;
        }
    }
    freeaddrinfo(all);
    return length ? WH_LOOKUP_FOUND : WH_LOOKUP_UNKNOWN;
}

static void *run(void *baton)
{
    job_t *job = baton;

    job->answer.number = job->request.number;
    job->answer.result = look_up(&job->answer, job->request.name);
    wh_lookup_say(job->socket, &job->answer);
    free(job);
    return NULL;
}

/* Nobody joins it: it may never end. */
static int start(job_t *job)
{
    pthread_attr_t attributes;
    pthread_t thread;
    int error = pthread_attr_init(&attributes);

    if (error) {
        return error;
    }
    error = pthread_attr_setstacksize(&attributes, STACK_SIZE);
    if (!error) {
        error =
            pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    }
    if (!error) {
        error = pthread_create(&thread, &attributes, run, job);
    }
    pthread_attr_destroy(&attributes);
    return error;
}

/* Without memory or a thread for it. */
static void refuse(int socket, const wh_lookup_request_t *request)
{
    static wh_lookup_answer_t answer;

    answer.number = request->number;
    answer.result = WH_LOOKUP_LOCAL;
    wh_lookup_say(socket, &answer);
}

void wh_lookup_work(int socket)
{
    wh_lookup_request_t request;
    ssize_t length;

    while ((length = recv(socket, &request, sizeof(request), 0)) != 0) {
        job_t *job;

        if (length < 0 && errno == EINTR) {
            continue;
        }
        if (length != sizeof(request)) {
            break;
        }
        request.name[WH_LOOKUP_NAME_MAX] = '\0';
        job = calloc(1, sizeof(*job));
        if (job) {
            job->socket = socket;
            job->request = request;
        }
        if (!job || start(job) != 0) {
            refuse(socket, &request);
            free(job);
        }
    }
    _exit(0);
}
