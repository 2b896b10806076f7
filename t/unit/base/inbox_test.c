/* SPDX-License-Identifier: Apache-2.0 */
/* From one thread to another. */
#include <apr_general.h>
#include <apr_thread_proc.h>
#include <apr_time.h>
#include <poll.h>
#include <stdint.h>
#include <unistd.h>

#include "base/inbox.h"
#include "unit/tap.h"

#define PRODUCERS 4
#define EACH 25000

static apr_pool_t *pool;

static void post(wh_inbox_t *inbox, wh_message_t *message, int kind)
{
    wh_message_list_t list = {NULL, NULL};

    message->kind = kind;
    wh_message_list_add(&list, message);
    wh_inbox_post(inbox, &list);
}

static int is_readable(const wh_inbox_t *inbox, int milliseconds)
{
    struct pollfd wait = {wh_inbox_descriptor(inbox), POLLIN, 0};

    return poll(&wait, 1, milliseconds);
}

/* Kinds of a list as the digits of a number. */
static int kinds_of(const wh_message_t *message)
{
    int kinds = 0;

    for (; message; message = message->next) {
        kinds = kinds * 10 + message->kind;
    }
    return kinds;
}

static void test_order(void)
{
    wh_message_t messages[5];
    wh_message_list_t list = {NULL, NULL};
    wh_inbox_t *inbox;
    int i;

    is_int(wh_inbox_create(&inbox, pool), APR_SUCCESS, "an inbox");
    ok(wh_inbox_take(inbox) == NULL, "is empty");
    is_int(is_readable(inbox, 0), 0, "and says so");
    wh_inbox_post(inbox, &list);
    is_int(is_readable(inbox, 0), 0, "nothing posted wakes nobody");
    for (i = 0; i < 3; i++) {
        messages[i].kind = i + 1;
        wh_message_list_add(&list, &messages[i]);
    }
    wh_inbox_post(inbox, &list);
    ok(!list.first && !list.last, "the sender's list is empty");
    is_int(is_readable(inbox, 0), 1, "the owner is woken");
    post(inbox, &messages[3], 4);
    post(inbox, &messages[4], 5);
    is_int(kinds_of(wh_inbox_take(inbox)), 12345, "all come, in order");
    is_int(is_readable(inbox, 0), 0, "nothing is left to wake for");
    ok(wh_inbox_take(inbox) == NULL, "nothing is left to take");
    post(inbox, &messages[0], 7);
    is_int(is_readable(inbox, 0), 1, "the next message wakes again");
    is_int(kinds_of(wh_inbox_take(inbox)), 7, "and comes");
}

static void test_one_wake(void)
{
    wh_message_t messages[3];
    wh_inbox_t *inbox;
    uint64_t wakes = 0;

    wh_inbox_create(&inbox, pool);
    post(inbox, &messages[0], 1);
    post(inbox, &messages[1], 2);
    ok(read(wh_inbox_descriptor(inbox), &wakes, sizeof(wakes)) ==
           (ssize_t)sizeof(wakes),
       "the wake-up is read");
    is_int((apr_int64_t)wakes, 1, "a burst wakes once");
    post(inbox, &messages[2], 3);
    is_int(is_readable(inbox, 0), 0, "what waits is not announced twice");
    is_int(kinds_of(wh_inbox_take(inbox)), 123,
           "messages come without a wake-up too");
}

typedef struct numbered_t {
    wh_message_t message;
    int number;
} numbered_t;

typedef struct producer_t {
    wh_inbox_t *inbox;
    numbered_t *messages;
    int kind;
} producer_t;

/* Posts in portions of 1 to 7 messages. */
static void *APR_THREAD_FUNC produce(apr_thread_t *thread, void *data)
{
    producer_t *producer = data;
    wh_message_list_t list = {NULL, NULL};
    int i;

    (void)thread;
    for (i = 0; i < EACH; i++) {
        numbered_t *message = &producer->messages[i];

        message->number = i;
        message->message.kind = producer->kind;
        wh_message_list_add(&list, &message->message);
        if (i % 7 == producer->kind || i + 1 == EACH) {
            wh_inbox_post(producer->inbox, &list);
        }
    }
    return NULL;
}

/* Takes until all have come or a minute has passed; counts what is out of
 * its producer's order. */
static int consume(wh_inbox_t *inbox, int *wrong)
{
    apr_time_t deadline = apr_time_now() + apr_time_from_sec(60);
    int next[PRODUCERS] = {0};
    int count = 0;

    while (count < PRODUCERS * EACH && apr_time_now() < deadline) {
        wh_message_t *message;

        is_readable(inbox, 1000);
        for (message = wh_inbox_take(inbox); message; message = message->next) {
            *wrong += ((numbered_t *)message)->number != next[message->kind]++;
            count++;
        }
    }
    return count;
}

static void test_threads(void)
{
    apr_thread_t *threads[PRODUCERS];
    producer_t producers[PRODUCERS];
    wh_inbox_t *inbox;
    apr_status_t rv;
    int i, wrong = 0;

    wh_inbox_create(&inbox, pool);
    for (i = 0; i < PRODUCERS; i++) {
        producers[i].inbox = inbox;
        producers[i].kind = i;
        producers[i].messages = apr_palloc(pool, EACH * sizeof(numbered_t));
        apr_thread_create(&threads[i], NULL, produce, &producers[i], pool);
    }
    is_int(consume(inbox, &wrong), PRODUCERS * EACH,
           "all messages of %d threads come", PRODUCERS);
    is_int(wrong, 0, "each thread's in its order");
    for (i = 0; i < PRODUCERS; i++) {
        apr_thread_join(&rv, threads[i]);
    }
    ok(wh_inbox_take(inbox) == NULL, "and no more");
}

static void test_end(void)
{
    apr_pool_t *own;
    wh_inbox_t *inbox;
    int descriptor;

    apr_pool_create(&own, pool);
    wh_inbox_create(&inbox, own);
    descriptor = wh_inbox_descriptor(inbox);
    apr_pool_destroy(own);
    ok(close(descriptor) < 0, "the descriptor goes with the pool");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_order();
    test_one_wake();
    test_threads();
    test_end();
    apr_terminate();
    return done_testing();
}
