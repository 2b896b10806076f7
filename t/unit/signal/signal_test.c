/* SPDX-License-Identifier: Apache-2.0 */
/* The one door for an event. */
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
#include "signal/signal.h"
#include "unit/tap.h"

static apr_pool_t *pool;
static char directory[] = "/tmp/webhook-test-XXXXXX";
static wh_settings_t settings = {
    .state_dir = directory, .max_body = 1000, .signal_timeout = 60000000};
static wh_channel_t *channel;

/* The dispatcher answers with the status that the primary key names. */
static struct {
    int listener;
    apr_thread_t *thread;
    apr_thread_mutex_t *lock;
    /* shared: lock */
    int frames;
    char frame[100000]; /* the last one */
} dispatcher;

#define SILENT 99

/* The event in the last frame. */
static wh_event_t last_event(void)
{
    apr_uint64_t sequence;
    apr_size_t length;
    wh_event_t event;

    apr_thread_mutex_lock(dispatcher.lock);
    wh_frame_length(&length, dispatcher.frame, sizeof(dispatcher.frame),
                    sizeof(dispatcher.frame));
    wh_frame_decode(&sequence, &event, dispatcher.frame, length);
    apr_thread_mutex_unlock(dispatcher.lock);
    return event;
}

static void answer(int fd, const char *frame, apr_size_t length)
{
    wh_ack_t ack;
    wh_event_t event;

    memset(&ack, 0, sizeof(ack));
    if (wh_frame_decode(&ack.sequence, &event, frame, length) != APR_SUCCESS) {
        return;
    }
    apr_thread_mutex_lock(dispatcher.lock);
    memcpy(dispatcher.frame, frame, length);
    dispatcher.frames++;
    apr_thread_mutex_unlock(dispatcher.lock);
    ack.status = (apr_uint32_t)event.primary_key;
    ack.matched = 2;
    apr_cpystrn(ack.uuid, event.uuid, sizeof(ack.uuid));
    if (ack.status == WH_ACK_REPEATED) {
        ack.uuid[0] = 'f';
    }
    if (ack.status != SILENT && send(fd, &ack, sizeof(ack), MSG_NOSIGNAL) < 0) {
        shutdown(fd, SHUT_RDWR);
    }
}

static void *APR_THREAD_FUNC serve(apr_thread_t *thread, void *data)
{
    static char buffer[sizeof(dispatcher.frame)];
    apr_size_t filled = 0, length;
    int fd = accept(dispatcher.listener, NULL, NULL);
    ssize_t count;

    (void)thread;
    (void)data;
    while (fd >= 0 && (count = recv(fd, buffer + filled,
                                    sizeof(buffer) - filled, 0)) > 0) {
        filled += (apr_size_t)count;
        while (wh_frame_length(&length, buffer, filled, sizeof(buffer)) ==
               APR_SUCCESS) {
            answer(fd, buffer, length);
            filled -= length;
            memmove(buffer, buffer + length, filled);
        }
    }
    close(fd);
    return NULL;
}

static int open_dispatcher(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path),
             "%s/" WH_CHANNEL_SOCKET, directory);
    dispatcher.listener = socket(AF_UNIX, SOCK_STREAM, 0);
    apr_thread_mutex_create(&dispatcher.lock, APR_THREAD_MUTEX_DEFAULT, pool);
    return bind(dispatcher.listener, (struct sockaddr *)&address,
                sizeof(address)) == 0 &&
           listen(dispatcher.listener, 5) == 0 &&
           apr_thread_create(&dispatcher.thread, NULL, serve, NULL, pool) ==
               APR_SUCCESS;
}

static wh_signal_t sample(apr_int32_t primary_key)
{
    wh_signal_t signal = {.event_name = "contact.created",
                          .primary_key = primary_key,
                          .associate_id = 5,
                          .context = "tenant"};

    return signal;
}

static apr_status_t send_one(wh_signal_result_t *result,
                             const wh_signal_t *signal)
{
    memset(result, 0x55, sizeof(*result));
    return wh_signal_send(result, channel, signal, pool);
}

static void test_statuses(void)
{
    static const struct {
        int status;
        apr_status_t rv;
        int repeated;
        int message; /* 1: there is something to say */
        const char *name;
    } rows[] = {
        {WH_ACK_STORED, APR_SUCCESS, 0, 0, "stored"},
        {WH_ACK_UNMATCHED, APR_SUCCESS, 0, 0, "nobody listens"},
        {WH_ACK_REPEATED, APR_SUCCESS, 1, 0, "repeated"},
        {WH_ACK_CONFLICT, APR_EEXIST, 0, 1, "conflict"},
        {WH_ACK_UNAVAILABLE, APR_EAGAIN, 0, 1, "unavailable"},
        {WH_ACK_REFUSED, APR_EAGAIN, 0, 1, "refused"},
        {55, APR_EAGAIN, 0, 1, "a status of the future"},
    };
    wh_signal_result_t result;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        wh_signal_t signal = sample(rows[i].status);

        is_int(send_one(&result, &signal), rows[i].rv, "%s", rows[i].name);
        is_int(result.repeated, rows[i].repeated, "told as repeated or not");
        is_int(result.message != NULL, rows[i].message, "with words or not");
        is_int((apr_int64_t)strlen(result.event_id), 36, "with an event id");
        is_int(result.matched, 2, "and how many listen");
    }
}

static void test_frame(void)
{
    wh_signal_t signal = sample(WH_ACK_STORED);
    wh_signal_result_t result;
    apr_time_t begun = apr_time_now();
    wh_event_t event;

    signal.data = "{\"b\":1,\"a\":{}}";
    signal.data_length = strlen(signal.data);
    is_int(send_one(&result, &signal), APR_SUCCESS, "an event");
    event = last_event();
    is_str(event.name, "contact.created", "its name");
    is_str(event.context, "tenant", "its context");
    is_str(event.data, "{\"b\":1,\"a\":{}}", "its data");
    is_str(event.changes, "[\"b\",\"a\"]", "what changed");
    is_str(event.idempotency, "", "no key");
    is_int(event.associate_id, 5, "who did it");
    is_str(event.uuid, result.event_id, "the id that is told");
    ok(event.time >= begun && event.time <= apr_time_now(), "its time");
    signal.data = NULL;
    signal.context = NULL;
    is_int(send_one(&result, &signal), APR_SUCCESS, "as little as can be");
    event = last_event();
    is_str(event.data, "{}", "no data");
    is_str(event.changes, "[]", "no changes");
    is_str(event.context, "", "no context");
    signal.data = "";
    signal.data_length = 0;
    is_int(send_one(&result, &signal), APR_SUCCESS, "empty data");
    is_str(last_event().data, "{}", "are none");
}

static void test_refused(void)
{
    static const char *const names[] = {NULL,  "",         "a b", "a/b",
                                        "a\n", "\303\251", "a,b"};
    static const char *const data[] = {"[]",      "1",    "\"x\"", "{",
                                       "{\"a\"}", "null", "{}x"};
    int frames = dispatcher.frames;
    wh_signal_result_t result;
    wh_signal_t signal;
    char name[130];
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        signal = sample(WH_ACK_STORED);
        signal.event_name = names[i];
        is_int(send_one(&result, &signal), APR_EINVAL, "event name number %d",
               (int)i);
        ok(result.message != NULL, "is told why");
    }
    memset(name, 'n', 129);
    name[129] = '\0';
    signal = sample(WH_ACK_STORED);
    signal.event_name = name;
    is_int(send_one(&result, &signal), APR_EINVAL, "129 characters");
    signal.event_name = name + 1;
    is_int(send_one(&result, &signal), APR_SUCCESS, "128 characters");
    for (i = 0; i < sizeof(data) / sizeof(data[0]); i++) {
        signal = sample(WH_ACK_STORED);
        signal.data = data[i];
        signal.data_length = strlen(data[i]);
        is_int(send_one(&result, &signal), APR_EINVAL, "data %s", data[i]);
        ok(result.message != NULL, "is told why");
    }
    is_int(dispatcher.frames - frames, 1, "what is refused is not sent");
}

static void test_too_large(void)
{
    apr_size_t length = 50000;
    char *data = apr_pcalloc(pool, length + 1);
    wh_signal_t signal = sample(WH_ACK_STORED);
    wh_signal_result_t result;

    memset(data, ' ', length);
    data[0] = '{';
    data[length - 1] = '}';
    signal.data = data;
    signal.data_length = length;
    is_int(send_one(&result, &signal), APR_ENOSPC, "too large");
    ok(result.message != NULL, "is told");
}

static const char *fingerprint(const char *context, const char *user,
                               const char *key)
{
    wh_signal_t signal = sample(WH_ACK_STORED);
    wh_signal_result_t result;

    signal.context = context;
    signal.user = user;
    signal.idempotency_key = key;
    send_one(&result, &signal);
    return apr_pstrdup(pool, last_event().idempotency);
}

static void test_idempotency(void)
{
    const char *first = fingerprint("a", "b", "key");

    is_int((apr_int64_t)strlen(first), 64, "a key goes as a fingerprint");
    is_str(fingerprint("a", "b", "key"), first, "which is always the same");
    ok(strcmp(fingerprint("a", "b", "kez"), first) != 0, "another key");
    ok(strcmp(fingerprint("a", "c", "key"), first) != 0, "another user");
    ok(strcmp(fingerprint("c", "b", "key"), first) != 0, "another context");
    ok(strcmp(fingerprint("ab", "", "key"), first) != 0, "parts stay apart");
    is_str(fingerprint("a", NULL, "key"), fingerprint("a", "", "key"),
           "nobody is nobody");
    is_str(fingerprint("a", "b", ""), "", "an empty key is none");
}

static void test_no_answer(void)
{
    wh_signal_t signal = sample(SILENT);
    wh_signal_result_t result;
    wh_channel_t *good = channel;

    settings.signal_timeout = 100000;
    wh_channel_create(&channel, &settings, pool);
    shutdown(dispatcher.listener, SHUT_RDWR);
    is_int(send_one(&result, &signal), APR_EAGAIN, "nobody is there");
    ok(result.message != NULL, "is told");
    is_int((apr_int64_t)strlen(result.event_id), 36, "with the id");
    channel = good;
}

static void test_timeout(void)
{
    wh_channel_t *good = channel;
    wh_signal_t signal = sample(SILENT);
    wh_signal_result_t result;

    settings.signal_timeout = 100000;
    wh_channel_create(&channel, &settings, pool);
    is_int(send_one(&result, &signal), APR_TIMEUP, "no answer");
    ok(strstr(result.message, "unknown") != NULL, "is told as what it is");
    is_int((apr_int64_t)strlen(result.event_id), 36, "with the id");
    channel = good;
}

int main(void)
{
    apr_status_t rv;
    apr_pool_t *own;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    apr_pool_create(&own, pool);
    if (!mkdtemp(directory) || !open_dispatcher() ||
        wh_channel_create(&channel, &settings, own) != APR_SUCCESS) {
        return 1;
    }
    test_statuses();
    test_frame();
    test_refused();
    test_too_large();
    test_idempotency();
    test_timeout();
    test_no_answer();
    apr_pool_destroy(own);
    apr_thread_join(&rv, dispatcher.thread);
    close(dispatcher.listener);
    unlink(apr_psprintf(pool, "%s/" WH_CHANNEL_SOCKET, directory));
    is_int(rmdir(directory), 0, "nothing else is left in the directory");
    apr_terminate();
    return done_testing();
}
