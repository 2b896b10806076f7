/* SPDX-License-Identifier: Apache-2.0 */
/* The dispatcher's end of the channel. */
#include <apr_general.h>
#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dispatcher/channel_server.h"
#include "unit/tap.h"

#define UUID "8f4a1c52-6d0b-4c39-9a53-0b7a3c1d2e4f"
#define LIMIT (1024 * 1024)
#define SEEN_MAX 20000

static apr_pool_t *pool;
static wh_channel_server_t server;
static struct sockaddr_un address = {.sun_family = AF_UNIX};

/* Frames handed out, in order. */
static struct {
    int count;
    apr_uint64_t sequences[SEEN_MAX];
    apr_size_t data_length;
    int wrong;
} seen;

static void on_frame(void *baton, wh_connection_t *connection,
                     const void *frame, apr_size_t length)
{
    wh_ack_t ack = {.status = WH_ACK_STORED};
    wh_event_t event;

    (void)baton;
    if (wh_frame_decode(&ack.sequence, &event, frame, length) != APR_SUCCESS) {
        seen.wrong++;
        return;
    }
    if (seen.count < SEEN_MAX) {
        seen.sequences[seen.count++] = ack.sequence;
    }
    seen.data_length = strlen(event.data);
    wh_channel_server_ack(&server, connection, &ack);
}

static int connect_client(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        return -1;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static int open_server(void)
{
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    memset(&seen, 0, sizeof(seen));
    unlink(address.sun_path);
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(listener, 64) < 0) {
        exit(1);
    }
    is_int(wh_channel_server_start(&server, epoll_create1(0), listener, LIMIT),
           APR_SUCCESS, "a server");
    return listener;
}

static void close_server(int listener)
{
    wh_channel_server_stop(&server);
    ok(!server.connections, "no connection is left");
    close(server.epoll);
    close(listener);
}

/* One round of the dispatcher's loop; number of events. */
static int run_round(void)
{
    struct epoll_event events[64];
    int count = epoll_wait(server.epoll, events, 64, 0), i;

    for (i = 0; i < count; i++) {
        if (events[i].data.ptr == &server) {
            wh_channel_server_accept(&server);
        }
        else if (events[i].events & ~(unsigned)EPOLLOUT) {
            wh_channel_server_read(&server, events[i].data.ptr, on_frame, NULL);
        }
        else {
            wh_channel_server_writable(&server, events[i].data.ptr);
        }
    }
    wh_channel_server_flush(&server);
    return count;
}

static void run_until_quiet(void)
{
    int rounds = 0;

    while (run_round() > 0 && rounds++ < 100000) {
    }
}

static char *make_frame(apr_size_t *length, apr_uint64_t sequence,
                        apr_size_t data_length)
{
    char *data = apr_palloc(pool, data_length + 1);
    wh_event_t event = {.uuid = UUID,
                        .name = "a",
                        .context = "",
                        .changes = "[]",
                        .data = data,
                        .idempotency = ""};

    memset(data, 'd', data_length);
    data[data_length] = '\0';
    return wh_frame_encode(length, sequence, &event, pool);
}

/* Sends all, letting the server read meanwhile. */
static int send_all(int fd, const char *bytes, apr_size_t length)
{
    apr_size_t done = 0;

    while (done < length) {
        ssize_t sent = send(fd, bytes + done, length - done, MSG_NOSIGNAL);

        if (sent < 0 && errno != EAGAIN) {
            return 0;
        }
        done += sent > 0 ? (apr_size_t)sent : 0;
        run_round();
    }
    return 1;
}

/* Number of acknowledgements that have come; they may come in pieces. */
static int read_acks(int fd, apr_uint64_t *last)
{
    static char bytes[sizeof(wh_ack_t)];
    static apr_size_t filled;
    int count = 0;
    ssize_t got;

    while ((got = recv(fd, bytes + filled, sizeof(bytes) - filled, 0)) > 0) {
        filled += (apr_size_t)got;
        if (filled == sizeof(bytes)) {
            wh_ack_t ack;

            memcpy(&ack, bytes, sizeof(ack));
            *last = ack.sequence;
            filled = 0;
            count++;
        }
    }
    return count;
}

static int is_closed(int fd)
{
    char byte;
    ssize_t count = recv(fd, &byte, 1, MSG_PEEK);

    return count == 0 || (count < 0 && errno != EAGAIN);
}

static void test_frames(void)
{
    int listener = open_server(), fd = connect_client();
    apr_uint64_t last = 0;
    apr_size_t length, i;
    char *frame = make_frame(&length, 7, 100);

    run_until_quiet();
    ok(send_all(fd, frame, length), "a frame");
    run_until_quiet();
    is_int(seen.count, 1, "is handed out");
    is_int(read_acks(fd, &last), 1, "and acknowledged");
    is_int((apr_int64_t)last, 7, "under its sequence");
    for (i = 0; i < length; i++) {
        send_all(fd, frame + i, 1);
    }
    run_until_quiet();
    is_int(seen.count, 2, "a frame that comes byte by byte");
    is_int(read_acks(fd, &last), 1, "is acknowledged once");
    frame = make_frame(&length, 8, LIMIT - 1000);
    ok(send_all(fd, frame, length), "a large frame");
    run_until_quiet();
    is_int((apr_int64_t)seen.data_length, LIMIT - 1000, "comes whole");
    is_int(seen.wrong, 0, "nothing else came");
    close(fd);
    run_until_quiet();
    close_server(listener);
}

static void test_many(void)
{
    int listener = open_server(), fd = connect_client(), i, wrong = 0;
    apr_uint64_t last = 0;
    apr_size_t length, filled = 0;
    char *all = apr_palloc(pool, 10000 * 400);

    for (i = 0; i < 10000; i++) {
        char *frame = make_frame(&length, (apr_uint64_t)i, (apr_size_t)i % 90);

        memcpy(all + filled, frame, length);
        filled += length;
    }
    ok(send_all(fd, all, filled), "many frames, cut anywhere");
    run_until_quiet();
    is_int(seen.count, 10000, "all are handed out");
    for (i = 0; i < seen.count; i++) {
        wrong += seen.sequences[i] != (apr_uint64_t)i;
    }
    is_int(wrong, 0, "in their order");
    /* Acknowledgements that the socket did not take are sent as it can. */
    for (i = 0; wrong < 10000 && i < 100000; i++) {
        wrong += read_acks(fd, &last);
        run_round();
    }
    is_int(wrong, 10000, "all are acknowledged");
    is_int((apr_int64_t)last, 9999, "in their order");
    close(fd);
    close_server(listener);
}

static void test_no_frame(void)
{
    int listener = open_server(), bad = connect_client();
    int good = connect_client();
    apr_uint64_t last = 0;
    apr_size_t length, bad_length;
    char *frame = make_frame(&length, 1, 10);
    char *oversized = make_frame(&bad_length, 2, LIMIT);

    send_all(bad, "GET / HTTP/1.1\r\n\r\n", 18);
    run_until_quiet();
    ok(is_closed(bad), "who sends no frame is cut off");
    close(bad);
    bad = connect_client();
    run_until_quiet();
    send_all(bad, oversized, 64);
    run_until_quiet();
    ok(is_closed(bad), "so is who announces more than the limit");
    close(bad);
    bad = connect_client();
    run_until_quiet();
    memcpy(oversized, frame, length);
    memset(oversized + length, 0, 16);
    send_all(bad, oversized, length + 16);
    run_until_quiet();
    is_int(read_acks(bad, &last), 1, "what came before is acknowledged");
    ok(is_closed(bad), "then it is cut off");
    close(bad);
    send_all(good, frame, length);
    run_until_quiet();
    is_int(read_acks(good, &last), 1, "others do not notice");
    close(good);
    close_server(listener);
}

/* A child that dies in the middle of a frame. */
static void test_gone(void)
{
    int listener = open_server(), fd = connect_client();
    apr_size_t length;
    char *frame = make_frame(&length, 1, 10);

    run_until_quiet();
    send_all(fd, frame, length - 1);
    close(fd);
    run_until_quiet();
    is_int(seen.count, 0, "half a frame is none");
    ok(!server.connections, "its connection is closed");
    fd = connect_client();
    send_all(fd, frame, length);
    close(fd);
    run_until_quiet();
    ok(!server.connections, "nobody is there to be acknowledged to");
    close_server(listener);
}

/* A child that never reads what it is told. */
static void test_unread(void)
{
    int listener = open_server(), fd = connect_client(), i;
    apr_size_t length, filled = 0;
    char *all = apr_palloc(pool, 1000 * 400);

    for (i = 0; i < 1000; i++) {
        char *frame = make_frame(&length, 1, 1);

        memcpy(all + filled, frame, length);
        filled += length;
    }
    for (i = 0; i < 100 && !is_closed(fd); i++) {
        if (!send_all(fd, all, filled)) {
            break;
        }
    }
    run_until_quiet();
    ok(!server.connections, "who does not read is cut off");
    close(fd);
    close_server(listener);
}

static void test_stop(void)
{
    int listener = open_server(), fd = connect_client(), late;
    apr_uint64_t last = 0;
    apr_size_t length;
    char *frame = make_frame(&length, 1, 1);

    run_until_quiet();
    send_all(fd, frame, length);
    run_until_quiet();
    wh_channel_server_stop(&server);
    is_int(read_acks(fd, &last), 1, "acknowledgements come");
    ok(is_closed(fd), "then the connection ends");
    late = connect_client();
    ok(late >= 0, "who connects waits for the next server");
    is_int(run_round(), 0, "this one does not look");
    wh_channel_server_accept(&server);
    ok(!server.connections, "nor accept");
    wh_channel_server_stop(&server);
    close(fd);
    close(late);
    close_server(listener);
}

/* No descriptors left: what waits is taken up when there are some again. */
static void test_no_descriptors(void)
{
    int listener = open_server(), fd = connect_client();
    struct rlimit limit, none;
    apr_uint64_t last = 0;
    apr_size_t length;
    char *frame = make_frame(&length, 5, 1);
    int event_count;

    getrlimit(RLIMIT_NOFILE, &limit);
    none = limit;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &none);
    run_round();
    event_count = run_round();
    setrlimit(RLIMIT_NOFILE, &limit);
    ok(!server.connections, "no connection can be accepted");
    is_int(event_count, 0, "and the server does not spin");
    is_int(run_round(), 0, "nor look by itself");
    wh_channel_server_resume(&server);
    send_all(fd, frame, length);
    run_until_quiet();
    is_int(read_acks(fd, &last), 1, "told to, it goes on");
    wh_channel_server_resume(&server);
    run_until_quiet();
    ok(server.connections && !server.connections->next, "as before");
    close(fd);
    close_server(listener);
    wh_channel_server_resume(&server);
    ok(server.paused == 0, "a server that has stopped stays so");
}

int main(void)
{
    char directory[] = "/tmp/webhook-channel-XXXXXX";

    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (!mkdtemp(directory)) {
        return 1;
    }
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", directory);
    test_frames();
    test_many();
    test_no_frame();
    test_gone();
    test_unread();
    test_stop();
    test_no_descriptors();
    unlink(address.sun_path);
    rmdir(directory);
    apr_terminate();
    return done_testing();
}
