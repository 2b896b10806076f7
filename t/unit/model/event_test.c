/* SPDX-License-Identifier: Apache-2.0 */
/* Events and deliveries in memory. */
#include <apr_general.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <stdlib.h>

#include "model/event.h"
#include "unit/tap.h"

#define THREADS 4
#define TURNS 50000

static apr_pool_t *pool;

static void test_changes(void)
{
    static const struct {
        const char *data;
        const char *changes; /* NULL: no object */
    } rows[] = {
        {"{}", "[]"},
        {" {\n} ", "[]"},
        {"{\"a\":1}", "[\"a\"]"},
        {"{\"windowName\":\"foo\",\"widgets\":123}",
         "[\"windowName\",\"widgets\"]"},
        {"{\"z\":1,\"a\":2,\"m\":3,\"A\":4}", "[\"z\",\"a\",\"m\",\"A\"]"},
        {"{\"a\":{\"inner\":1},\"b\":[{\"c\":1}]}", "[\"a\",\"b\"]"},
        {"{\"\":null}", "[\"\"]"},
        {"{\"q\\\"\\\\\\n\":1}", "[\"q\\\"\\\\\\n\"]"},
        {"{\"\\u00e9\":1,\"\\ud83d\\ude00\":2}",
         "[\"\303\251\",\"\360\237\230\200\"]"},
        {"{\"a\":1,\"b\":2,\"a\":3}", "[\"a\",\"b\"]"},
        {"[]", NULL},
        {"[{\"a\":1}]", NULL},
        {"\"text\"", NULL},
        {"1", NULL},
        {"null", NULL},
        {"true", NULL},
        {"", NULL},
        {"{", NULL},
        {"{\"a\"}", NULL},
        {"{\"a\":1}x", NULL},
        {"{\"a\":1}{}", NULL},
        {"{'a':1}", NULL},
        {"{\"a\":1,}", NULL},
        {"{\"a\":NaN}", NULL},
        {"{\"a\\u0000b\":1}", NULL},
        {"{\"\377\":1}", NULL},
        {"{\"a\":\"\\ud83d\"}", NULL},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is_str(wh_event_changes(rows[i].data, pool), rows[i].changes,
               "changes of %s", rows[i].data);
    }
}

/* jansson has a limit of its own; what counts is that the stack survives. */
static void test_deep(void)
{
    apr_size_t depth = 200000, i;
    char *data = malloc(6 + 2 * depth);

    memcpy(data, "{\"a\":", 5);
    for (i = 0; i < depth; i++) {
        data[5 + i] = '[';
        data[5 + depth + i] = ']';
    }
    data[5 + 2 * depth] = '\0';
    ok(wh_event_changes(data, pool) == NULL, "very deep data are refused");
    free(data);
}

static void test_event(void)
{
    char name[] = "contact.created", context[] = "tenant";
    char changes[] = "[\"a\"]", data[] = "{\"a\":1}", key[] = "k";
    wh_event_t fields = {.id = 5,
                         .uuid = "8f4a1c52-6d0b-4c39-9a53-0b7a3c1d2e4f",
                         .time = 7,
                         .primary_key = -1,
                         .associate_id = 9,
                         .name = name,
                         .context = context,
                         .changes = changes,
                         .data = data,
                         .idempotency = key};
    wh_event_t *event = wh_event_create(&fields);

    memset(name, 'x', sizeof(name) - 1);
    memset(context, 'x', sizeof(context) - 1);
    memset(changes, 'x', sizeof(changes) - 1);
    memset(data, 'x', sizeof(data) - 1);
    key[0] = 'x';
    is_int(event->references, 1, "a new event has one reference");
    is_str(event->name, "contact.created", "name is copied");
    is_str(event->context, "tenant", "context is copied");
    is_str(event->changes, "[\"a\"]", "changes are copied");
    is_str(event->data, "{\"a\":1}", "data are copied");
    is_str(event->idempotency, "k", "idempotency is copied");
    is_str(event->uuid, fields.uuid, "uuid is copied");
    ok(event->id == 5 && event->time == 7 && event->primary_key == -1 &&
           event->associate_id == 9,
       "numbers are copied");
    is_int((apr_int64_t)event->size,
           (apr_int64_t)sizeof(*event) + 16 + 7 + 6 + 8 + 2,
           "its size is that of the block");
    ok(event->idempotency + 2 == (char *)event + event->size,
       "the last text ends where the block does");
    wh_event_release(event);
}

static void test_deliveries(void)
{
    wh_event_t fields = {.name = "a",
                         .context = "",
                         .changes = "[]",
                         .data = "{}",
                         .idempotency = ""};
    wh_event_t *event = wh_event_create(&fields);
    wh_delivery_t *first = wh_delivery_create(event, 11, 1);
    wh_delivery_t *second = wh_delivery_create(event, 12, 2);

    is_int(event->references, 3, "each delivery holds a reference");
    ok(first->id == 11 && first->webhook_id == 1 && first->event == event,
       "a delivery knows its row, webhook and event");
    ok(!first->attempts && !first->body && !first->answer && !first->error &&
           !first->address[0] && !first->started,
       "and nothing has happened to it");
    wh_event_release(event);
    second->body = strdup("body");
    second->answer = strdup("answer");
    wh_delivery_destroy(second);
    is_int(event->references, 1, "a delivery lets go of its event");
    is_str(first->event->name, "a", "which lives as long as one holds it");
    wh_delivery_destroy(first);
}

static void *APR_THREAD_FUNC hold_and_release(apr_thread_t *thread, void *data)
{
    int i;

    (void)thread;
    for (i = 0; i < TURNS; i++) {
        wh_event_release(wh_event_retain(data));
    }
    wh_event_release(data);
    return NULL;
}

static void test_threads(void)
{
    wh_event_t fields = {.name = "a",
                         .context = "",
                         .changes = "[]",
                         .data = "{}",
                         .idempotency = ""};
    wh_event_t *event = wh_event_create(&fields);
    apr_thread_t *threads[THREADS];
    apr_status_t rv;
    int i;

    for (i = 0; i < THREADS; i++) {
        apr_thread_create(&threads[i], NULL, hold_and_release,
                          wh_event_retain(event), pool);
    }
    for (i = 0; i < THREADS; i++) {
        apr_thread_join(&rv, threads[i]);
    }
    is_int(event->references, 1, "references are counted by all threads");
    wh_event_release(event);
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_changes();
    test_deep();
    test_event();
    test_deliveries();
    test_threads();
    apr_terminate();
    return done_testing();
}
