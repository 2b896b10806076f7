/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A receiver that costs next to nothing: sink [IDS-FILE]
 *
 * HTTP/1.1 with keep-alive and pipelining on 127.0.0.1, one thread, epoll.
 * Prints "port N" and answers every POST with 200 and an empty body at once.
 * With a file it writes the X-SuperOffice-EventId of each POST into it.
 *
 *   GET /reset    forgets the counts
 *   GET /count    "count FIRST-us LAST-us RATE-per-s": number of POSTs, wall
 *                 clock of the first and last, and the rate between the one
 *                 that completes 5 % and the one that completes 95 %
 *   GET /times    wall clock of each POST, microseconds, one a line
 *   GET /sample   header block of the last POST, as it came
 *   GET /quit     ends the program
 *
 * A POST to /hang is never answered, one to /drip with a header that gets a
 * byte longer each second; neither is counted.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_SIZE 65536
#define SAMPLE_SIZE 8192
#define TIMES_MAX 4000000

#define ID_HEADER "X-SuperOffice-EventId:"

static const char ANSWER[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

typedef struct connection_t {
    struct connection_t *next; /* of those that drip */
    int descriptor;
    int drips;
    size_t filled;
    size_t skip; /* bytes of a body that are still to come */
    char buffer[BUFFER_SIZE + 1];
} connection_t;

static struct {
    connection_t *dripping;
    time_t dripped;
    size_t count;
    long long *times; /* of each POST, microseconds */
    long long now;
    char sample[SAMPLE_SIZE];
    FILE *ids;
    int quit;
} sink;

static long long microseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* Value of a header in a block that ends with NUL, or NULL. */
static const char *header_value(const char *block, const char *name)
{
    size_t length = strlen(name);
    const char *line = strchr(block, '\n');

    while (line && line[1]) {
        if (!strncasecmp(line + 1, name, length)) {
            return line + 1 + length + strspn(line + 1 + length, " ");
        }
        line = strchr(line + 1, '\n');
    }
    return NULL;
}

static void count_post(const char *block)
{
    if (sink.count < TIMES_MAX) {
        sink.times[sink.count] = sink.now;
    }
    sink.count++;
    snprintf(sink.sample, sizeof(sink.sample), "%s", block);
    if (sink.ids) {
        const char *id = header_value(block, ID_HEADER);

        fprintf(sink.ids, "%.*s\n", id ? (int)strcspn(id, "\r\n") : 0,
                id ? id : "");
    }
}

/* Requests a second between 5 % and 95 % of all. */
static double middle_rate(size_t count)
{
    size_t from = count / 20;
    size_t to = count - count / 20 - 1;

    if (count < 20 || sink.times[to] <= sink.times[from]) {
        return 0;
    }
    return (double)(to - from) * 1e6 /
           (double)(sink.times[to] - sink.times[from]);
}

/* Of any length, so without a buffer; a blocking descriptor. */
static void answer_times(int descriptor)
{
    FILE *out = fdopen(dup(descriptor), "w");
    size_t known = sink.count < TIMES_MAX ? sink.count : TIMES_MAX, i;

    if (!out) {
        fail("fdopen");
    }
    fprintf(out, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", known * 18);
    for (i = 0; i < known; i++) {
        fprintf(out, "%17lld\n", sink.times[i]);
    }
    fclose(out);
}

/* 1: the request is for one who does not answer. */
static int lets_wait(connection_t *c, const char *block)
{
    static const char begin[] = "HTTP/1.1 200 OK\r\nX-Drip: ";

    if (!strncmp(block, "POST /hang", 10)) {
        return 1;
    }
    if (strncmp(block, "POST /drip", 10)) {
        return 0;
    }
    if (!c->drips) {
        c->drips = 1;
        c->next = sink.dripping;
        sink.dripping = c;
    }
    send(c->descriptor, begin, sizeof(begin) - 1, MSG_NOSIGNAL);
    return 1;
}

static void drip(void)
{
    connection_t *c;

    if (time(NULL) == sink.dripped) {
        return;
    }
    sink.dripped = time(NULL);
    for (c = sink.dripping; c; c = c->next) {
        send(c->descriptor, "a", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

static void forget(connection_t *c)
{
    connection_t **at = &sink.dripping;

    while (c->drips && *at && *at != c) {
        at = &(*at)->next;
    }
    if (c->drips && *at) {
        *at = c->next;
    }
    close(c->descriptor);
    free(c);
}

static void answer_get(int descriptor, const char *block)
{
    size_t known = sink.count < TIMES_MAX ? sink.count : TIMES_MAX;
    char body[SAMPLE_SIZE] = "";
    char answer[SAMPLE_SIZE + 100];
    int length;

    if (!strncmp(block, "GET /times ", 11)) {
        answer_times(descriptor);
        return;
    }
    if (!strncmp(block, "GET /reset ", 11)) {
        sink.count = 0;
    }
    else if (!strncmp(block, "GET /count ", 11)) {
        snprintf(body, sizeof(body), "%zu %lld %lld %.0f\n", sink.count,
                 known ? sink.times[0] : 0, known ? sink.times[known - 1] : 0,
                 middle_rate(known));
    }
    else if (!strncmp(block, "GET /sample ", 12)) {
        memcpy(body, sink.sample, sizeof(body));
    }
    else if (!strncmp(block, "GET /quit ", 10)) {
        sink.quit = 1;
    }
    if (sink.ids) {
        fflush(sink.ids);
    }
    length = snprintf(answer, sizeof(answer),
                      "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
                      strlen(body), body);
    if (send(descriptor, answer, (size_t)length, MSG_NOSIGNAL) != length) {
        perror("answer");
    }
}

/* Takes one request from the front of the text: its length without what of
 * the body has still to come, 0: not all of the header is there, -1: end. */
static ssize_t take_request(connection_t *c, char *text, size_t length)
{
    char *end = strstr(text, "\r\n\r\n");
    const char *value;
    size_t header, body;

    if (!end) {
        return length == BUFFER_SIZE ? -1 : 0;
    }
    end[2] = '\0';
    header = (size_t)(end + 4 - text);
    value = header_value(text, "Content-Length:");
    body = value ? strtoul(value, NULL, 10) : 0;
    if (strncmp(text, "POST ", 5)) {
        answer_get(c->descriptor, text);
    }
    else if (!lets_wait(c, text)) {
        count_post(text);
        if (send(c->descriptor, ANSWER, sizeof(ANSWER) - 1, MSG_NOSIGNAL) !=
            (ssize_t)sizeof(ANSWER) - 1) {
            return -1;
        }
    }
    c->skip = body > length - header ? body - (length - header) : 0;
    return (ssize_t)(header + body - c->skip);
}

/* 0: the connection is at its end. */
static int read_requests(connection_t *c)
{
    size_t at = 0;
    ssize_t length = recv(c->descriptor, c->buffer + c->filled,
                          BUFFER_SIZE - c->filled, MSG_DONTWAIT);

    if (length <= 0) {
        return length < 0 && (errno == EAGAIN || errno == EINTR);
    }
    c->filled += (size_t)length;
    c->buffer[c->filled] = '\0';
    while (at < c->filled) {
        if (c->skip > 0) {
            size_t rest = c->filled - at;
            size_t skipped = c->skip < rest ? c->skip : rest;

            c->skip -= skipped;
            at += skipped;
            continue;
        }
        length = take_request(c, c->buffer + at, c->filled - at);
        if (length <= 0) {
            break;
        }
        at += (size_t)length;
    }
    c->filled -= at;
    memmove(c->buffer, c->buffer + at, c->filled);
    return length >= 0;
}

static void accept_all(int epoll, int listener)
{
    int one = 1;
    int descriptor;

    while ((descriptor = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        struct epoll_event event = {.events = EPOLLIN};
        connection_t *c = malloc(sizeof(*c));

        if (!c) {
            fail("malloc");
        }
        c->descriptor = descriptor;
        c->filled = c->skip = 0;
        c->drips = 0;
        event.data.ptr = c;
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) < 0) {
            fail("epoll_ctl");
        }
    }
}

static int listen_somewhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (listener < 0 ||
        bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(listener, 4096) < 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) < 0) {
        fail("listen");
    }
    printf("port %d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

int main(int argc, char **argv)
{
    struct epoll_event events[256], listening = {.events = EPOLLIN};
    int listener, epoll;

    sink.times = malloc(TIMES_MAX * sizeof(*sink.times));
    sink.ids = argc > 1 ? fopen(argv[1], "w") : NULL;
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!sink.times || epoll < 0 || (argc > 1 && !sink.ids)) {
        fail("sink");
    }
    listener = listen_somewhere();
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &listening) < 0) {
        fail("epoll_ctl");
    }
    while (!sink.quit) {
        int i,
            count = epoll_wait(epoll, events, 256, sink.dripping ? 1000 : -1);

        sink.now = microseconds();
        for (i = 0; i < count; i++) {
            connection_t *c = events[i].data.ptr;

            if (!c) {
                accept_all(epoll, listener);
            }
            else if (!read_requests(c)) {
                forget(c);
            }
        }
        drip();
    }
    return sink.ids && fclose(sink.ids) ? 1 : 0;
}
