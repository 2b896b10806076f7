/* SPDX-License-Identifier: Apache-2.0 */
/* The child's end of the channel, against a dispatcher that does as it is told. */
#include <apr_general.h>
#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/settings.h"
#include "dispatcher/state_dir.h"
#include "model/frame.h"
#include "signal/channel.h"
#include "unit/tap.h"

#define PATIENCE apr_time_from_sec(60)
#define FRAMES_MAX 64

static apr_pool_t *pool;
static char directory[] = "/tmp/webhook-test-XXXXXX";
static wh_settings_t settings = {.state_dir = directory, .max_body = 1000000};
static wh_channel_t *channel;

/* -- the dispatcher ------------------------------------------------------- */

/* A frame that was seen, in the order of their coming. */
typedef struct seen_t {
    char name[64];
    char uuid[WH_UUID_SIZE];
    apr_uint64_t sequence;
    int connection; /* number, from 1 */
} seen_t;

static struct {
    int listener;
    apr_thread_t *thread;
    apr_thread_mutex_t *lock;
    apr_thread_cond_t *changed;
    /* shared: lock */
    int fd; /* of the connection being served, -1: none */
    int connections;
    int frames;
    int ended;   /* exchanges of threads */
    int reading; /* 0: it stops reading */
    seen_t seen[FRAMES_MAX];
} dispatcher;

static void send_bytes(int fd, const void *bytes, apr_size_t length)
{
    apr_size_t done = 0;

    while (done < length) {
        ssize_t sent =
            send(fd, (const char *)bytes + done, length - done, MSG_NOSIGNAL);

        if (sent <= 0) {
            return;
        }
        done += (apr_size_t)sent;
    }
}

static wh_ack_t make_ack(apr_uint64_t sequence, const char *uuid)
{
    wh_ack_t ack;

    memset(&ack, 0, sizeof(ack));
    ack.sequence = sequence;
    ack.matched = 3;
    memcpy(ack.uuid, uuid, sizeof(ack.uuid));
    return ack;
}

static void acknowledge(int fd, const seen_t *frame)
{
    wh_ack_t ack = make_ack(frame->sequence, frame->uuid);
    wh_ack_t strange = make_ack(frame->sequence + 100000, frame->uuid);
    apr_size_t i;

    if (!strcmp(frame->name, "split")) {
        for (i = 0; i < sizeof(ack); i++) {
            send_bytes(fd, (char *)&ack + i, 1);
        }
        return;
    }
    if (!strcmp(frame->name, "strange")) {
        send_bytes(fd, &strange, sizeof(strange));
    }
    send_bytes(fd, &ack, sizeof(ack));
}

/* Notes a frame and does as its event says; 0: the connection ends. */
static int handle_frame(int fd, const void *frame, apr_size_t length)
{
    wh_event_t event;
    seen_t seen;

    memset(&seen, 0, sizeof(seen));
    if (wh_frame_decode(&seen.sequence, &event, frame, length) != APR_SUCCESS) {
        return 0;
    }
    apr_cpystrn(seen.name, event.name, sizeof(seen.name));
    memcpy(seen.uuid, event.uuid, sizeof(seen.uuid));
    apr_thread_mutex_lock(dispatcher.lock);
    seen.connection = dispatcher.connections;
    dispatcher.seen[dispatcher.frames++ % FRAMES_MAX] = seen;
    apr_thread_cond_broadcast(dispatcher.changed);
    apr_thread_mutex_unlock(dispatcher.lock);
    if (!strcmp(seen.name, "always.close") ||
        (!strcmp(seen.name, "close.once") && seen.connection % 2 == 1)) {
        return 0;
    }
    if (strcmp(seen.name, "silent") != 0 && strcmp(seen.name, "later") != 0 &&
        strcmp(seen.name, "later.still") != 0) {
        acknowledge(fd, &seen);
    }
    return 1;
}

static void wait_until_reading(void)
{
    apr_thread_mutex_lock(dispatcher.lock);
    while (!dispatcher.reading) {
        apr_thread_cond_wait(dispatcher.changed, dispatcher.lock);
    }
    apr_thread_mutex_unlock(dispatcher.lock);
}

static void serve(int fd)
{
    apr_size_t size = 9000000, filled = 0, length;
    char *buffer = malloc(size);
    int going = 1;
    ssize_t count;

    wait_until_reading();
    while (going && (count = recv(fd, buffer + filled, size - filled, 0)) > 0) {
        filled += (apr_size_t)count;
        while (going &&
               wh_frame_length(&length, buffer, filled, size) == APR_SUCCESS) {
            going = handle_frame(fd, buffer, length);
            filled -= length;
            memmove(buffer, buffer + length, filled);
        }
        wait_until_reading();
    }
    free(buffer);
}

static void set_connection(int fd)
{
    apr_thread_mutex_lock(dispatcher.lock);
    dispatcher.fd = fd;
    dispatcher.connections += fd >= 0;
    apr_thread_cond_broadcast(dispatcher.changed);
    apr_thread_mutex_unlock(dispatcher.lock);
}

static void *APR_THREAD_FUNC accept_all(apr_thread_t *thread, void *data)
{
    int fd;

    (void)thread;
    (void)data;
    while ((fd = accept(dispatcher.listener, NULL, NULL)) >= 0) {
        set_connection(fd);
        serve(fd);
        set_connection(-1);
        close(fd);
    }
    return NULL;
}

static void open_dispatcher(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path),
             "%s/" WH_CHANNEL_SOCKET, directory);
    unlink(address.sun_path);
    dispatcher.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(dispatcher.listener, (struct sockaddr *)&address,
             sizeof(address)) < 0 ||
        listen(dispatcher.listener, 16) < 0) {
        exit(1);
    }
    dispatcher.frames = dispatcher.connections = 0;
    dispatcher.fd = -1;
    dispatcher.reading = 1;
    apr_thread_create(&dispatcher.thread, NULL, accept_all, NULL, pool);
}

static void close_dispatcher(void)
{
    apr_status_t rv;

    shutdown(dispatcher.listener, SHUT_RDWR);
    apr_thread_mutex_lock(dispatcher.lock);
    if (dispatcher.fd >= 0) {
        shutdown(dispatcher.fd, SHUT_RDWR);
    }
    apr_thread_mutex_unlock(dispatcher.lock);
    apr_thread_join(&rv, dispatcher.thread);
    close(dispatcher.listener);
}

static void set_reading(int reading)
{
    apr_thread_mutex_lock(dispatcher.lock);
    dispatcher.reading = reading;
    apr_thread_cond_broadcast(dispatcher.changed);
    apr_thread_mutex_unlock(dispatcher.lock);
}

/* Waits until a number of the dispatcher's has reached a value. */
static int wait_for(const int *number, int value)
{
    apr_time_t deadline = apr_time_now() + PATIENCE;
    int reached;

    apr_thread_mutex_lock(dispatcher.lock);
    while (*number < value && apr_time_now() < deadline) {
        apr_thread_cond_timedwait(dispatcher.changed, dispatcher.lock,
                                  PATIENCE);
    }
    reached = *number;
    apr_thread_mutex_unlock(dispatcher.lock);
    return reached;
}

/* Acknowledges a frame that waits. */
static void acknowledge_now(int number)
{
    apr_thread_mutex_lock(dispatcher.lock);
    acknowledge(dispatcher.fd, &dispatcher.seen[number]);
    apr_thread_mutex_unlock(dispatcher.lock);
}

/* -- the child ------------------------------------------------------------ */

typedef struct exchange_t {
    const char *name;
    apr_size_t data_length;
    apr_interval_time_t time; /* to the deadline */
    /* what came */
    apr_status_t rv;
    wh_ack_t ack;
    char uuid[WH_UUID_SIZE];
    apr_interval_time_t took;
    apr_thread_t *thread;
} exchange_t;

static void run_exchange(exchange_t *exchange)
{
    char *data = calloc(1, exchange->data_length + 1);
    wh_event_t event = {.name = exchange->name,
                        .context = "",
                        .changes = "[]",
                        .data = data,
                        .idempotency = ""};
    apr_time_t begun = apr_time_now();
    apr_pool_t *own;
    apr_size_t length;
    void *frame;

    memset(data, 'd', exchange->data_length);
    apr_pool_create(&own, NULL);
    wh_uuid_create(event.uuid, begun);
    memcpy(exchange->uuid, event.uuid, sizeof(event.uuid));
    frame = wh_frame_encode(&length, 0, &event, own);
    exchange->rv = wh_channel_exchange(&exchange->ack, channel, frame, length,
                                       begun + exchange->time);
    exchange->took = apr_time_now() - begun;
    apr_pool_destroy(own);
    free(data);
}

static exchange_t exchange(const char *name, apr_interval_time_t time)
{
    exchange_t one = {.name = name, .time = time};

    run_exchange(&one);
    return one;
}

static void *APR_THREAD_FUNC run_thread(apr_thread_t *thread, void *data)
{
    (void)thread;
    run_exchange(data);
    apr_thread_mutex_lock(dispatcher.lock);
    dispatcher.ended++;
    apr_thread_cond_broadcast(dispatcher.changed);
    apr_thread_mutex_unlock(dispatcher.lock);
    return NULL;
}

static void start_exchange(exchange_t *one, const char *name,
                           apr_interval_time_t time)
{
    memset(one, 0, sizeof(*one));
    one->name = name;
    one->time = time;
    apr_thread_create(&one->thread, NULL, run_thread, one, pool);
}

static void join_exchange(exchange_t *one)
{
    apr_status_t rv;

    apr_thread_join(&rv, one->thread);
}

static void is_answered(const exchange_t *one, const char *name)
{
    is_int(one->rv, APR_SUCCESS, "%s", name);
    is_str(one->ack.uuid, one->uuid, "with its own acknowledgement");
}

/* -- tests ---------------------------------------------------------------- */

static void test_never_reachable(void)
{
    exchange_t one = exchange("ok", apr_time_from_msec(100));

    is_int(one.rv, APR_EAGAIN, "no dispatcher: never sent");
    ok(one.took >= apr_time_from_msec(100), "the time is used");
    one = exchange("ok", 0);
    is_int(one.rv, APR_EAGAIN, "no time at all");
}

static void test_reachable_later(void)
{
    exchange_t one;

    start_exchange(&one, "ok", PATIENCE);
    open_dispatcher();
    join_exchange(&one);
    is_answered(&one, "a dispatcher that comes late");
}

static void test_answers(void)
{
    exchange_t one = exchange("ok", PATIENCE);

    is_answered(&one, "an answer");
    is_int(one.ack.matched, 3, "as it was given");
    one = exchange("split", PATIENCE);
    is_answered(&one, "an answer in pieces");
    one = exchange("strange", PATIENCE);
    is_answered(&one, "behind one that nobody waits for");
    is_int(dispatcher.connections, 1, "all on one connection");
}

static void test_large(void)
{
    exchange_t one = {.name = "ok", .data_length = 5000000, .time = PATIENCE};

    run_exchange(&one);
    is_answered(&one, "a large frame");
}

static void test_silent(void)
{
    exchange_t one = exchange("silent", apr_time_from_msec(150));

    is_int(one.rv, APR_TIMEUP, "no answer: the outcome is unknown");
    ok(one.took >= apr_time_from_msec(150), "the time is used");
    ok(one.took < apr_time_from_sec(20), "and not much more");
    acknowledge_now((dispatcher.frames - 1) % FRAMES_MAX);
    one = exchange("ok", PATIENCE);
    is_answered(&one, "an answer that comes late disturbs nobody");
}

static void test_closed(void)
{
    exchange_t one;
    int frames;

    close_dispatcher();
    open_dispatcher();
    one = exchange("close.once", PATIENCE);
    is_answered(&one, "the connection breaks: sent again");
    frames = dispatcher.frames;
    is_int(frames, 2, "the frame came twice");
    is_str(dispatcher.seen[0].uuid, one.uuid, "with its uuid");
    is_str(dispatcher.seen[1].uuid, one.uuid, "and the same one again");
    ok(dispatcher.seen[0].connection != dispatcher.seen[1].connection,
       "on another connection");
    one = exchange("always.close", apr_time_from_msec(200));
    is_int(one.rv, APR_TIMEUP, "it breaks every time: unknown");
    ok(wait_for(&dispatcher.frames, frames + 2) >= frames + 2,
       "it was tried again");
    one = exchange("ok", PATIENCE);
    is_answered(&one, "the next one goes through");
}

static void test_gone(void)
{
    exchange_t one, other;
    int frames = dispatcher.frames;

    start_exchange(&one, "silent", apr_time_from_sec(1));
    start_exchange(&other, "silent", PATIENCE);
    wait_for(&dispatcher.frames, frames + 2);
    close_dispatcher();
    join_exchange(&one);
    is_int(one.rv, APR_TIMEUP, "sent, then the dispatcher went: unknown");
    open_dispatcher();
    wait_for(&dispatcher.frames, 1);
    is_str(dispatcher.seen[0].uuid, other.uuid,
           "the next one gets what was not answered");
    acknowledge_now(0);
    join_exchange(&other);
    is_answered(&other, "and answers");
}

/* Answers come in another order than the frames. */
static void test_out_of_order(void)
{
    exchange_t first, second;
    int frames = dispatcher.frames;

    start_exchange(&first, "later", PATIENCE);
    wait_for(&dispatcher.frames, frames + 1);
    start_exchange(&second, "later.still", PATIENCE);
    wait_for(&dispatcher.frames, frames + 2);
    acknowledge_now((frames + 1) % FRAMES_MAX);
    join_exchange(&second);
    is_answered(&second, "the second one is answered first");
    acknowledge_now(frames % FRAMES_MAX);
    join_exchange(&first);
    is_answered(&first, "then the first one");
}

/* The thread that reads for all gives up: another one must go on. */
static void test_reader_leaves(void)
{
    exchange_t first, second, third;
    int frames = dispatcher.frames;

    start_exchange(&first, "later", PATIENCE);
    wait_for(&dispatcher.frames, frames + 1);
    start_exchange(&second, "later", apr_time_from_sec(20));
    wait_for(&dispatcher.frames, frames + 2);
    start_exchange(&third, "silent", apr_time_from_msec(300));
    wait_for(&dispatcher.frames, frames + 3);
    /* Now the last one that came reads for the others. */
    acknowledge_now(frames % FRAMES_MAX);
    join_exchange(&first);
    is_answered(&first, "the first reader is answered");
    join_exchange(&third);
    is_int(third.rv, APR_TIMEUP, "the second one gives up");
    acknowledge_now((frames + 1) % FRAMES_MAX);
    join_exchange(&second);
    is_answered(&second, "the third one reads its own answer");
    ok(second.took < apr_time_from_sec(15), "long before its time is over");
}

/* The dispatcher does not read: the frame cannot even be sent. */
static void test_stalled(void)
{
    exchange_t one = {
        .name = "ok", .data_length = 8000000, .time = apr_time_from_msec(300)};
    exchange_t other;

    close_dispatcher();
    open_dispatcher();
    set_reading(0);
    run_exchange(&one);
    is_int(one.rv, APR_TIMEUP, "half a frame is sent: unknown");
    ok(one.took < apr_time_from_sec(20), "in its time");
    set_reading(1);
    other = exchange("ok", PATIENCE);
    is_answered(&other, "the next one has a connection that works");
}

/* The dispatcher is silent: some may wait for it, the others go. */
static void test_limit(void)
{
    exchange_t waiting[4], one;
    int frames = dispatcher.frames, ended = dispatcher.ended, i;
    int gone = 0, answered = 0;

    wh_channel_limit_set(channel, 2);
    for (i = 0; i < 4; i++) {
        start_exchange(&waiting[i], "later", PATIENCE);
    }
    wait_for(&dispatcher.frames, frames + 4);
    wait_for(&dispatcher.ended, ended + 2);
    one = exchange("ok", PATIENCE);
    is_int(one.rv, APR_EAGAIN, "silence, and enough that wait: refused");
    ok(one.took < apr_time_from_sec(20), "without waiting");
    for (i = 0; i < 4; i++) {
        acknowledge_now((frames + i) % FRAMES_MAX);
    }
    for (i = 0; i < 4; i++) {
        join_exchange(&waiting[i]);
        gone += waiting[i].rv == APR_TIMEUP;
        answered += waiting[i].rv == APR_SUCCESS;
    }
    is_int(gone, 2, "of four that waited two have gone");
    is_int(answered, 2, "the others have waited for their answers");
    one = exchange("ok", PATIENCE);
    is_answered(&one, "a word from the dispatcher ends it");
    wh_channel_limit_set(channel, 0);
}

#define THREADS 16
#define TURNS 1000

static void *APR_THREAD_FUNC run_many(apr_thread_t *thread, void *data)
{
    int *wrong = data;
    int i;

    (void)thread;
    for (i = 0; i < TURNS; i++) {
        exchange_t one = exchange("ok", PATIENCE);

        *wrong += one.rv != APR_SUCCESS || strcmp(one.ack.uuid, one.uuid) != 0;
    }
    return NULL;
}

static void test_many(void)
{
    apr_thread_t *threads[THREADS];
    int wrong[THREADS] = {0}, all_wrong = 0, frames = dispatcher.frames, i;
    apr_status_t rv;

    for (i = 0; i < THREADS; i++) {
        apr_thread_create(&threads[i], NULL, run_many, &wrong[i], pool);
    }
    for (i = 0; i < THREADS; i++) {
        apr_thread_join(&rv, threads[i]);
        all_wrong += wrong[i];
    }
    is_int(all_wrong, 0, "%d threads get their own answers", THREADS);
    is_int(dispatcher.frames - frames, THREADS * TURNS, "each frame came once");
}

static void test_settings(void)
{
    settings.signal_timeout = 7;
    channel = NULL;
    is_int(wh_channel_create(&channel, &settings, pool), APR_SUCCESS,
           "a channel");
    is_int(wh_channel_timeout(channel), 7, "its time");
    ok(wh_channel_frame_limit(channel) > settings.max_body, "its limit");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (!mkdtemp(directory)) {
        return 1;
    }
    apr_thread_mutex_create(&dispatcher.lock, APR_THREAD_MUTEX_DEFAULT, pool);
    apr_thread_cond_create(&dispatcher.changed, pool);
    test_settings();
    test_never_reachable();
    test_reachable_later();
    test_answers();
    test_large();
    test_silent();
    test_closed();
    test_gone();
    test_out_of_order();
    test_reader_leaves();
    test_stalled();
    test_limit();
    test_many();
    close_dispatcher();
    unlink(apr_psprintf(pool, "%s/" WH_CHANNEL_SOCKET, directory));
    is_int(rmdir(directory), 0, "nothing else is left in the directory");
    apr_terminate();
    return done_testing();
}
