/* SPDX-License-Identifier: Apache-2.0 */
/* A whole dispatcher, as a process, between a child and a receiver. */
#include <apr_dbd.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dispatcher/dispatcher.h"
#include "model/frame.h"
#include "model/webhook.h"
#include "policy/address.h"
#include "policy/retry.h"
#include "store/db.h"
#include "store/delivery_store.h"
#include "unit/deliver/receiver.h"
#include "unit/tap.h"

#define PATIENCE apr_time_from_sec(60)

static apr_pool_t *pool;
static char directory[] = "/tmp/webhook-test-XXXXXX";
static wh_settings_t settings = {.database_driver = "sqlite3",
                                 .state_dir = directory,
                                 .threads = 2,
                                 .concurrency = 8,
                                 .endpoint_concurrency = 4,
                                 .window = 100,
                                 .endpoint_window = 50,
                                 .timeout = 30000000,
                                 .connect_timeout = 30000000,
                                 .drain_timeout = 20000000,
                                 .retention = APR_INT64_C(86400000000),
                                 .max_body = 65536};
static int listener; /* of the channel */
static int receiver; /* listening */
static int receiver_port;
static struct sockaddr_un address = {.sun_family = AF_UNIX};

/* -- the receiver: one connection at a time ------------------------------- */

static struct {
    apr_thread_mutex_t *lock;
    apr_thread_cond_t *changed;
    apr_thread_t *thread;
    /* shared: lock */
    int requests;
    int silent;          /* 1: requests get no answer */
    char last_event[64]; /* id in the last request */
} seen;

static int answer(int fd, const char *request)
{
    static const char ok_answer[] = "HTTP/1.1 204 No Content\r\n"
                                    "Connection: close\r\n\r\n";
    const char *id = strstr(request, "X-SuperOffice-EventId: ");
    int silent;

    apr_thread_mutex_lock(seen.lock);
    silent = seen.silent;
    apr_cpystrn(seen.last_event, id ? id + 23 : "", WH_UUID_SIZE);
    seen.requests++;
    apr_thread_cond_broadcast(seen.changed);
    apr_thread_mutex_unlock(seen.lock);
    return silent ||
           send(fd, ok_answer, sizeof(ok_answer) - 1, MSG_NOSIGNAL) < 0;
}

static void *APR_THREAD_FUNC receive(apr_thread_t *thread, void *data)
{
    int fd;

    (void)thread;
    (void)data;
    while ((fd = accept(receiver, NULL, NULL)) >= 0) {
        char request[8192];
        apr_size_t filled = 0;
        ssize_t count;
        int answered = 0;

        while (filled < sizeof(request) - 1 &&
               (count = recv(fd, request + filled, sizeof(request) - 1 - filled,
                             0)) > 0) {
            filled += (apr_size_t)count;
            request[filled] = '\0';
            /* The body is an object without one that ends with its last
             * brace before. */
            if (!answered && request[filled - 1] == '}') {
                answered = 1;
                answer(fd, request);
            }
        }
        close(fd);
    }
    return NULL;
}

static void start_receiver(void)
{
    apr_thread_mutex_create(&seen.lock, APR_THREAD_MUTEX_DEFAULT, pool);
    apr_thread_cond_create(&seen.changed, pool);
    apr_thread_create(&seen.thread, NULL, receive, NULL, pool);
}

static const char *receiver_url(void)
{
    return apr_psprintf(pool, "http://127.0.0.1:%d/", receiver_port);
}

static int wait_for_requests(int number)
{
    apr_time_t deadline = apr_time_now() + PATIENCE;
    int reached;

    apr_thread_mutex_lock(seen.lock);
    while (seen.requests < number && apr_time_now() < deadline) {
        apr_thread_cond_timedwait(seen.changed, seen.lock, PATIENCE);
    }
    reached = seen.requests;
    apr_thread_mutex_unlock(seen.lock);
    return reached;
}

static void set_silent(int silent)
{
    apr_thread_mutex_lock(seen.lock);
    seen.silent = silent;
    apr_thread_mutex_unlock(seen.lock);
}

/* -- the dispatcher ------------------------------------------------------- */

/* The first one is forked before there is any thread: a sanitizer looks for
 * leaks at its end, which it cannot where threads were lost in a fork. */
static pid_t start_dispatcher(pid_t parent)
{
    pid_t child = fork();

    if (child == 0) {
        int status;

        close(receiver);
        status = wh_dispatcher_run(&settings, listener, parent);
        if (!seen.thread) {
            exit(status);
        }
        _exit(status);
    }
    return child;
}

/* Exit status, or 1000 and the signal. */
static int end_of(pid_t child)
{
    int status = 0;

    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int connect_child(void)
{
    struct timeval patience = {.tv_sec = 60};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        exit(1);
    }
    return fd;
}

static const char *uuid_of(int number)
{
    return apr_psprintf(pool, "00000000-0000-7000-8000-%012d", number);
}

/* Status of the acknowledgement, -1: none came. */
static int signal_event(int fd, int number, const char *name)
{
    wh_event_t event = {.time = apr_time_now(),
                        .name = name,
                        .context = "",
                        .changes = "[]",
                        .data = "{}",
                        .idempotency = ""};
    apr_size_t length;
    wh_ack_t ack;
    void *frame;

    apr_cpystrn(event.uuid, uuid_of(number), sizeof(event.uuid));
    frame = wh_frame_encode(&length, (apr_uint64_t)number, &event, pool);
    if (send(fd, frame, length, MSG_NOSIGNAL) != (ssize_t)length ||
        recv(fd, &ack, sizeof(ack), MSG_WAITALL) != (ssize_t)sizeof(ack)) {
        return -1;
    }
    return ack.sequence == (apr_uint64_t)number ? (int)ack.status : -1;
}

static void save_webhook(const char *events)
{
    wh_webhook_t webhook = {.context = "",
                            .name = "w",
                            .events = events,
                            .target_url = receiver_url(),
                            .state = WH_STATE_ACTIVE,
                            .type = "webhook"};
    wh_store_t *store;

    wh_store_create(&store, &settings);
    is_int(wh_store_webhook_insert(store, &webhook), APR_SUCCESS, "a webhook");
    wh_store_destroy(store);
}

/* Asked when no dispatcher runs. */
static apr_int64_t number(const char *sql)
{
    wh_db_t db = {.pool = pool,
                  .driver_name = settings.database_driver,
                  .params = settings.database_params};
    apr_int64_t value = -1;
    wh_rows_t rows;

    if (wh_db_open(&db) == APR_SUCCESS &&
        wh_db_query(&rows, &db, sql) == APR_SUCCESS && wh_rows_next(&rows)) {
        value = wh_rows_int64(&rows, 0);
    }
    wh_db_close(&db);
    return value;
}

/* -- tests ---------------------------------------------------------------- */

static void test_life(void)
{
    pid_t dispatcher = start_dispatcher(getpid());
    int fd = connect_child();
    char byte;

    start_receiver();
    is_int(signal_event(fd, 1, "nobody.listens"), WH_ACK_UNMATCHED,
           "a dispatcher answers");
    save_webhook("contact.created");
    is_int(signal_event(fd, 2, "contact.created"), WH_ACK_STORED, "and stores");
    is_int(wait_for_requests(1), 1, "the receiver is called");
    is_str(seen.last_event, uuid_of(2), "with the event");
    is_int(signal_event(fd, 3, "contact.created"), WH_ACK_STORED, "another");
    is_int(wait_for_requests(2), 2, "and again");
    kill(dispatcher, SIGTERM);
    is_int(end_of(dispatcher), 0, "told to end it ends in order");
    is_int(recv(fd, &byte, 1, 0), 0, "the channel is closed");
    close(fd);
    is_int(number("SELECT count(*) FROM delivery WHERE state = 1"), 2,
           "both outcomes are recorded");
    is_int(number("SELECT count(*) FROM delivery WHERE owner <> 0"), 0,
           "it owns nothing more");
}

/* Stopped while the receiver is silent: the rest goes to the next one. */
static void test_stop_at_work(void)
{
    int before = seen.requests, fd;
    pid_t dispatcher;

    settings.drain_timeout = 100000;
    set_silent(1);
    dispatcher = start_dispatcher(getpid());
    fd = connect_child();
    is_int(signal_event(fd, 10, "contact.created"), WH_ACK_STORED, "stored");
    is_int(wait_for_requests(before + 1), before + 1, "on its way");
    kill(dispatcher, SIGTERM);
    is_int(end_of(dispatcher), 0, "stopped while a receiver is silent");
    close(fd);
    is_int(number("SELECT count(*) FROM delivery WHERE state = 0 "
                  "AND owner = 0 AND attempts = 0"),
           1, "what was in flight is given back");
    settings.drain_timeout = 20000000;
    set_silent(0);
    dispatcher = start_dispatcher(getpid());
    is_int(wait_for_requests(before + 2), before + 2, "the next one sends it");
    is_str(seen.last_event, uuid_of(10), "under the same id");
    kill(dispatcher, SIGTERM);
    is_int(end_of(dispatcher), 0, "and ends");
    is_int(number("SELECT count(*) FROM delivery WHERE state = 0"), 0,
           "all is delivered");
}

static void test_killed(void)
{
    int before = seen.requests, fd;
    pid_t dispatcher;

    set_silent(1);
    dispatcher = start_dispatcher(getpid());
    fd = connect_child();
    is_int(signal_event(fd, 20, "contact.created"), WH_ACK_STORED, "stored");
    is_int(wait_for_requests(before + 1), before + 1, "on its way");
    kill(dispatcher, SIGKILL);
    is_int(end_of(dispatcher), 1000 + SIGKILL, "killed");
    close(fd);
    set_silent(0);
    dispatcher = start_dispatcher(getpid());
    is_int(wait_for_requests(before + 2), before + 2, "the next one sends it");
    is_str(seen.last_event, uuid_of(20), "under the same id");
    fd = connect_child();
    is_int(signal_event(fd, 20, "contact.created"), WH_ACK_STORED,
           "the child sends again what it did not know");
    close(fd);
    kill(dispatcher, SIGTERM);
    is_int(end_of(dispatcher), 0, "ended");
    is_int(number("SELECT count(*) FROM event e WHERE uuid = "
                  "'00000000-0000-7000-8000-000000000020'"),
           1, "it is there once");
    is_int(number("SELECT count(*) FROM delivery WHERE state = 0"), 0,
           "all is delivered");
}

/* While one ends the next one runs already: both write. */
static void test_two(void)
{
    pid_t first = start_dispatcher(getpid()), second;
    int before = seen.requests, fd = connect_child(), i, stored = 0;

    is_int(signal_event(fd, 30, "contact.created"), WH_ACK_STORED, "the first");
    second = start_dispatcher(getpid());
    kill(first, SIGTERM);
    is_int(end_of(first), 0, "ends while the second one starts");
    close(fd);
    fd = connect_child();
    for (i = 31; i < 40; i++) {
        stored += signal_event(fd, i, "contact.created") == WH_ACK_STORED;
    }
    is_int(stored, 9, "which takes what comes");
    is_int(wait_for_requests(before + 10), before + 10, "all arrive");
    close(fd);
    kill(second, SIGTERM);
    is_int(end_of(second), 0, "it ends");
    is_int(number("SELECT count(*) FROM delivery WHERE state <> 1"), 0,
           "nothing is left");
}

static void test_orphan(void)
{
    is_int(end_of(start_dispatcher(1)), 0,
           "whose parent is gone ends by itself");
}

static void test_cannot_start(void)
{
    const char *good = settings.database_params;

    settings.database_params = "/nonesuch/db";
    is_int(end_of(start_dispatcher(getpid())), WH_DISPATCHER_CANNOT_START,
           "without its directory it cannot start");
    settings.database_params = good;
}

static void test_frame_limit(void)
{
    settings.max_body = 1000;
    ok(wh_dispatcher_frame_limit(&settings) >= 1000 + WH_FRAME_OVERHEAD,
       "a frame has room for the largest body");
    settings.max_body = 65536;
}

static int begin(void)
{
    wh_retry_schedule_t *schedule;
    wh_address_policy_t *policy;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (!mkdtemp(directory) || apr_dbd_init(pool) != APR_SUCCESS) {
        return 0;
    }
    wh_retry_parse(&schedule, "1s 4s", pool);
    wh_address_policy_create(&policy, pool);
    wh_address_policy_allow(policy, "127.0.0.1");
    settings.retry = schedule;
    settings.addresses = policy;
    settings.database_params = apr_pstrcat(pool, directory, "/test.db", NULL);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", directory);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    receiver = listen_somewhere(&receiver_port);
    return bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0 &&
           listen(listener, 64) == 0;
}

static void end(void)
{
    apr_status_t rv;
    int i;

    shutdown(receiver, SHUT_RDWR);
    apr_thread_join(&rv, seen.thread);
    close(receiver);
    close(listener);
    for (i = 1; i <= 4; i++) {
        unlink(apr_psprintf(pool, "%s/test.db.node-%d.lock", directory, i));
    }
    unlink(address.sun_path);
    unlink(settings.database_params);
    unlink(apr_pstrcat(pool, directory, "/test.db.lock", NULL));
    is_int(rmdir(directory), 0, "nothing else is left in the directory");
    apr_terminate();
}

int main(void)
{
    if (!begin()) {
        return 1;
    }
    test_life();
    test_stop_at_work();
    test_killed();
    test_two();
    test_orphan();
    test_cannot_start();
    test_frame_limit();
    end();
    return done_testing();
}
