/* SPDX-License-Identifier: Apache-2.0 */
/* One attempt: what is sent, and what is made of the answer. */
#include <apr_general.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "deliver/outcome.h"
#include "policy/retry.h"
#include "policy/sign.h"
#include "unit/deliver/receiver.h"
#include "unit/tap.h"

static apr_pool_t *pool;
static wh_settings_t settings = {.timeout = 10000000,
                                 .connect_timeout = 10000000};
static wh_guard_t guard;
static wh_sockets_t sockets;
static wh_event_t *event;

/* A receiver for one connection: reads a request, sends what it is given and
 * closes. All of the request has been read by then, so nothing is reset. */
typedef struct receiver_t {
    int listener;
    int port;
    const char *answer;
    apr_size_t answer_length;
    char request[16384];
    apr_thread_t *thread;
} receiver_t;

static void *APR_THREAD_FUNC receive(apr_thread_t *thread, void *data)
{
    receiver_t *receiver = data;
    int fd = accept(receiver->listener, NULL, NULL);

    (void)thread;
    if (fd >= 0) {
        if (receive_request(fd, receiver->request, sizeof(receiver->request))) {
            send_all(fd, receiver->answer, receiver->answer_length);
        }
        close(fd);
    }
    return NULL;
}

static wh_target_t *make_target(int port, const char *headers)
{
    wh_webhook_t webhook = {.id = 7,
                            .context = "Default",
                            .name = "My hook",
                            .secret = "s3cret",
                            .headers = headers,
                            .state = WH_STATE_ACTIVE};

    webhook.target_url =
        apr_psprintf(pool, "http://127.0.0.1:%d/a/b?c=d", port);
    return wh_target_create(&webhook);
}

/* Makes one attempt against a receiver and decides on it. */
static wh_delivery_t *attempt(receiver_t *receiver, wh_transfer_t **result,
                              const char *answer, apr_size_t length)
{
    wh_transfer_t *transfer = wh_transfer_create(&settings, &guard, &sockets);
    wh_delivery_t *delivery = wh_delivery_create(event, 1, 7);
    wh_target_t *target;
    apr_status_t rv;

    memset(receiver, 0, sizeof(*receiver));
    receiver->answer = answer;
    receiver->answer_length = length;
    receiver->listener = listen_somewhere(&receiver->port);
    apr_thread_create(&receiver->thread, NULL, receive, receiver, pool);
    target = make_target(receiver->port, "{\"X-Own\":\"value\"}");
    wh_transfer_prepare(transfer, target, delivery, apr_time_now());
    wh_target_release(target);
    wh_outcome_decide(transfer, curl_easy_perform(transfer->easy), &settings,
                      apr_time_now(), 0x80000000U);
    /* Without a connection the receiver still waits for one. */
    shutdown(receiver->listener, SHUT_RDWR);
    apr_thread_join(&rv, receiver->thread);
    close(receiver->listener);
    *result = transfer;
    return delivery;
}

static void end_attempt(wh_transfer_t *transfer)
{
    wh_delivery_destroy(wh_transfer_finish(transfer));
    wh_transfer_destroy(transfer);
}

static const char *header_of(const wh_transfer_t *transfer, int number)
{
    const struct curl_slist *line = &transfer->headers.nodes[0];

    while (line && number-- > 0) {
        line = line->next;
    }
    return line ? line->data : NULL;
}

static void test_prepare(void)
{
    wh_transfer_t *transfer = wh_transfer_create(&settings, &guard, &sockets);
    wh_delivery_t *delivery = wh_delivery_create(event, 1, 7);
    wh_target_t *target = make_target(80, "{\"X-Own\":\"value\"}");
    char signature[WH_SIGNATURE_SIZE];
    const char *body;

    delivery->attempts = 3;
    is_int(wh_transfer_prepare(transfer, target, delivery, 5), APR_SUCCESS,
           "made ready");
    body = apr_pstrdup(pool, transfer->body.text);
    wh_sign_superoffice(signature, "s3cret", body, strlen(body));
    is_str(header_of(transfer, 0), "X-SuperOffice-Event: window.closed",
           "event");
    is_str(header_of(transfer, 1),
           "X-SuperOffice-EventId: 8f4a1c52-6d0b-4c39-9a53-0b7a3c1d2e4f",
           "event id");
    is_str(header_of(transfer, 2), "X-SuperOffice-Retry: 3", "retry");
    is_str(header_of(transfer, 3),
           apr_pstrcat(pool, "X-SuperOffice-Signature: ", signature, NULL),
           "signature of the body");
    is_str(header_of(transfer, 4),
           "Content-Type: application/json; charset=utf-8", "content type");
    is_str(header_of(transfer, 5), "X-Own: value", "custom headers");
    is_int(transfer->started, 5, "its time");
    is_int(target->references, 2, "it holds the target");
    delivery->outcome = WH_OUTCOME_RETRY;
    ok(wh_transfer_finish(transfer) == delivery, "let go");
    is_str(delivery->body, body, "a body to be sent again is kept");
    is_int(delivery->body_is_new, 1, "and stored");
    delivery->body_is_new = 0;
    delivery->body[2] = '!';
    body = apr_pstrdup(pool, delivery->body);
    wh_transfer_prepare(transfer, target, delivery, 6);
    is_str(transfer->body.text, body, "earlier bytes are sent again");
    wh_transfer_finish(transfer);
    is_int(delivery->body_is_new, 0, "and not stored twice");
    free(delivery->body);
    delivery->body = NULL;
    wh_transfer_prepare(transfer, target, delivery, 7);
    delivery->outcome = WH_OUTCOME_RETURNED;
    wh_transfer_finish(transfer);
    is_str(delivery->body, NULL, "what was not sent may change");
    wh_transfer_prepare(transfer, target, delivery, 8);
    transfer->sent = 1;
    wh_transfer_finish(transfer);
    ok(delivery->body && delivery->body_is_new,
       "what was sent is kept, whatever came of it");
    wh_delivery_destroy(delivery);
    wh_target_release(target);
    wh_transfer_destroy(transfer);
}

static void test_prepare_again(void)
{
    wh_transfer_t *transfer = wh_transfer_create(&settings, &guard, &sockets);
    wh_delivery_t *delivery = wh_delivery_create(event, 1, 7);
    wh_webhook_t unsigned_webhook = {.id = 8, .context = "", .name = ""};
    wh_target_t *first = make_target(80, NULL);
    wh_target_t *second = wh_target_create(&unsigned_webhook);

    wh_transfer_prepare(transfer, first, delivery, 5);
    delivery->outcome = WH_OUTCOME_DELIVERED;
    wh_transfer_finish(transfer);
    is_str(delivery->body, NULL, "a body that arrived is not kept");
    wh_transfer_prepare(transfer, second, delivery, 5);
    is_int(first->references, 1, "the other target is let go");
    is_str(header_of(transfer, 3),
           "Content-Type: application/json; charset=utf-8",
           "without a secret nothing is signed");
    wh_transfer_finish(transfer);
    wh_target_release(first);
    wh_target_release(second);
    wh_delivery_destroy(delivery);
    wh_transfer_destroy(transfer);
}

static int count_of(const char *text, const char *part)
{
    int count = 0;

    while ((text = strstr(text, part))) {
        text += strlen(part);
        count++;
    }
    return count;
}

static void test_request(void)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\n"
                                 "Content-Length: 0\r\n\r\n";
    receiver_t receiver;
    wh_transfer_t *transfer;
    wh_delivery_t *delivery =
        attempt(&receiver, &transfer, answer, sizeof(answer) - 1);
    const char *body = strstr(receiver.request, "\r\n\r\n");

    is_int(delivery->outcome, WH_OUTCOME_DELIVERED, "delivered");
    is_int(delivery->status, 200, "its status");
    is_str(delivery->address, "127.0.0.1", "the address dialled");
    is_str(delivery->answer, answer, "the answer");
    ok(!strncmp(receiver.request, "POST /a/b?c=d HTTP/1.1\r\n", 24),
       "a POST to the address");
    is_str(body ? body + 4 : NULL, transfer->body.text, "the body as rendered");
    is_int(count_of(receiver.request, "\r\nContent-Type: application/json; "
                                      "charset=utf-8\r\n"),
           1, "one content type");
    is_int(count_of(receiver.request, "\r\nUser-Agent: NetServer-Webhook/"), 1,
           "one user agent");
    is_int(count_of(receiver.request, "\r\nX-Own: value\r\n"), 1,
           "the custom header");
    is_int(count_of(receiver.request, "\r\nX-SuperOffice-"), 4,
           "the sender's headers");
    is_int(count_of(receiver.request, "\r\nX-SuperOffice-Retry: 0\r\n"), 1,
           "the first attempt");
    is_int(count_of(receiver.request, "X-Hook-Test"), 0, "no test");
    is_int(count_of(receiver.request, "Expect:"), 0, "no waiting");
    is_int(count_of(receiver.request, "Transfer-Encoding"), 0, "no chunks");
    end_attempt(transfer);
}

#define LENGTH_0 "Content-Length: 0\r\n\r\n"
#define CHUNKED(status)                                                        \
    "HTTP/1.1 " status " x\r\nTransfer-Encoding: "                             \
    "chunked\r\n\r\n1\r\nx\r\n0\r\n"

typedef struct row_t {
    const char *answer;
    int status;
    wh_outcome_kind_t outcome;
    int retry_after; /* seconds at the least */
    const char *name;
} row_t;

static const row_t rows[] = {
    {"HTTP/1.1 204 No Content\r\n\r\n", 204, WH_OUTCOME_DELIVERED, 0, "204"},
    {"HTTP/1.1 200\r\n" LENGTH_0, 200, WH_OUTCOME_DELIVERED, 0, "no reason"},
    {"HTTP/1.0 200 OK\r\n\r\nbody", 200, WH_OUTCOME_DELIVERED, 0, "HTTP/1.0"},
    {"HTTP/1.1 200 OK\nContent-Length: 0\n\n", 200, WH_OUTCOME_DELIVERED, 0,
     "line feeds alone"},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 A\r\n" LENGTH_0, 202,
     WH_OUTCOME_DELIVERED, 0, "100, then 202"},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 A\r\n" LENGTH_0, 500,
     WH_OUTCOME_RETRY, 0, "100, then 500"},
    {"HTTP/1.1 100 Continue\r\n\r\n", 100, WH_OUTCOME_RETRY, 0,
     "100, then nothing"},
    {"HTTP/1.1 103 Hints\r\nRetry-After: 500\r\n\r\nHTTP/1.1 503 "
     "A\r\n" LENGTH_0,
     503, WH_OUTCOME_RETRY, 0, "hints do not count"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", 200,
     WH_OUTCOME_DELIVERED, 0, "body cut off"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n", 200, WH_OUTCOME_RETRY, 0,
     "headers cut off"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 200,
     WH_OUTCOME_DELIVERED, 0, "a broken chunk"},
    {"HTTP/1.1 503 No\r\nRetry-After: 120\r\n" LENGTH_0, 503, WH_OUTCOME_RETRY,
     120, "Retry-After"},
    {"HTTP/1.1 429 No\r\nretry-after:\t 90 \t\r\n" LENGTH_0, 429,
     WH_OUTCOME_RETRY, 90, "Retry-After with blanks, in lower case"},
    {"HTTP/1.1 503 No\r\nRetry-After:\r\n" LENGTH_0, 503, WH_OUTCOME_RETRY, 0,
     "an empty Retry-After"},
    {"HTTP/1.1 503 No\r\nRetry-After: soon\r\n" LENGTH_0, 503, WH_OUTCOME_RETRY,
     0, "Retry-After that means nothing"},
    {"HTTP/1.1 503 No\r\nX-Retry-After: 120\r\n" LENGTH_0, 503,
     WH_OUTCOME_RETRY, 0, "another header"},
    {"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n" LENGTH_0, 302,
     WH_OUTCOME_RETRY, 0, "a redirect is not followed"},
    {"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=x\r\n" LENGTH_0, 401,
     WH_OUTCOME_RETRY, 0, "a challenge is not answered"},
    {"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", 101,
     WH_OUTCOME_RETRY, 0, "101"},
    {"HTTP/1.1 503 No\r\nRetry-After: 60\r\nRetry-After: 120\r\n" LENGTH_0, 503,
     WH_OUTCOME_RETRY, 120, "two Retry-After, the longer one last"},
    {"HTTP/1.1 503 No\r\nRetry-After: 120\r\nRetry-After: 60\r\n" LENGTH_0, 503,
     WH_OUTCOME_RETRY, 120, "two Retry-After, the longer one first"},
    {"HTTP/1.1 503 No\r\nRetry-After: 120\r\nRetry-After: soon\r\n" LENGTH_0,
     503, WH_OUTCOME_RETRY, 120, "a Retry-After and one that means nothing"},
    {"HTTP/1.1 503 No\r\nRetry-After: 120, 60\r\n" LENGTH_0, 503,
     WH_OUTCOME_RETRY, 0, "two waits in one Retry-After"},
    {"HTTP/1.1 503 No\r\nRetry-After: -1\r\n" LENGTH_0, 503, WH_OUTCOME_RETRY,
     0, "a negative Retry-After"},
    {"HTTP/1.1 503 No\r\nRetry-After: 1.5\r\n" LENGTH_0, 503, WH_OUTCOME_RETRY,
     0, "a Retry-After with a fraction"},
    {"HTTP/1.1 503 No\r\nRetry-After: 100000000000000000000\r\n" LENGTH_0, 503,
     WH_OUTCOME_RETRY, 86400, "a Retry-After of 10^20 is cut"},
    {"HTTP/1.1 503 No\r\nRetry-After: Fri, 31 Dec 9999 23:59:59 "
     "GMT\r\n" LENGTH_0,
     503, WH_OUTCOME_RETRY, 86400, "a date of Retry-After"},
    {"HTTP/1.1 503 No\r\nRetry-After: Fri Dec 31 23:59:59 9999\r\n" LENGTH_0,
     503, WH_OUTCOME_RETRY, 86400, "a date in another form"},
    {"HTTP/1.1 503 No\r\nRetry-After: Friday, 31-Dec-49 23:59:59 "
     "GMT\r\n" LENGTH_0,
     503, WH_OUTCOME_RETRY, 86400, "a date in the third form"},
    {"HTTP/1.1 503 No\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 "
     "GMT\r\n" LENGTH_0,
     503, WH_OUTCOME_RETRY, 0, "a date that is over"},
    {"HTTP/1.1 503 No\r\nRetry-After : 120\r\n" LENGTH_0, 503, WH_OUTCOME_RETRY,
     0, "a name with a blank"},
    {"HTTP/1.1 503 No\r\nRetry-After: "
     "1111111111111111111111111111111111111111111111111111111111111111111\r"
     "\n" LENGTH_0,
     503, WH_OUTCOME_RETRY, 0, "more digits than a value may have"},
    {"HTTP/1.1 500 No\r\nHTTP/1.1 200 OK\r\n" LENGTH_0, 500, WH_OUTCOME_RETRY,
     0, "a second status line"},
    {"HTTP/1.1 2000 OK\r\n" LENGTH_0, 0, WH_OUTCOME_RETRY, 0, "four digits"},
    {"HTTP/1.1 20x OK\r\n" LENGTH_0, 0, WH_OUTCOME_RETRY, 0, "two digits"},
    {"HTTP/1.1 099 Low\r\n" LENGTH_0, 0, WH_OUTCOME_RETRY, 0, "099"},
    {"HTTP/1.1 999 High\r\n" LENGTH_0, 999, WH_OUTCOME_RETRY, 0, "999"},
    {CHUNKED("200") "HTTP/1.1 500 No\r\nRetry-After: 9\r\n\r\n", 200,
     WH_OUTCOME_DELIVERED, 0, "a trailer like a status line"},
    {CHUNKED("500") "HTTP/1.1 200 OK\r\n\r\n", 500, WH_OUTCOME_RETRY, 0,
     "a trailer that would be a success"},
    {CHUNKED("503") "Retry-After: 120\r\n\r\n", 503, WH_OUTCOME_RETRY, 0,
     "a wait in a trailer"},
    {"garbage\r\n\r\n", 0, WH_OUTCOME_RETRY, 0, "not HTTP"},
    {"HTTP/1.1 2xx OK\r\n\r\n", 0, WH_OUTCOME_RETRY, 0, "no number"},
    {"HTTP/1.1 20", 0, WH_OUTCOME_RETRY, 0, "half a status line"},
    {"", 0, WH_OUTCOME_RETRY, 0, "nothing"},
};

static void test_answers(void)
{
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        receiver_t receiver;
        wh_transfer_t *transfer;
        wh_delivery_t *delivery = attempt(&receiver, &transfer, rows[i].answer,
                                          strlen(rows[i].answer));

        is_int(delivery->outcome, rows[i].outcome, "%s", rows[i].name);
        is_int(delivery->status, rows[i].status, "its status");
        is_int(transfer->retry_after, apr_time_from_sec(rows[i].retry_after),
               "and what it asks for");
        ok(delivery->outcome != WH_OUTCOME_RETRY ||
               delivery->due >=
                   delivery->started + apr_time_from_sec(rows[i].retry_after),
           "which is kept to");
        end_attempt(transfer);
    }
}

/* An answer of that many bytes in its headers or its body. */
static void test_long_answer(const char *head, int status, int delivered,
                             const char *name)
{
    apr_size_t length = strlen(head) + 300000;
    char *answer = malloc(length);
    receiver_t receiver;
    wh_transfer_t *transfer;
    wh_delivery_t *delivery;

    memset(answer, 'x', length);
    memcpy(answer, head, strlen(head));
    delivery = attempt(&receiver, &transfer, answer, length);
    is_int(delivery->outcome == WH_OUTCOME_DELIVERED, delivered, "%s", name);
    is_int(delivery->status, status, "its status");
    ok(transfer->header_bytes + transfer->body_bytes < 250000,
       "is not read to its end");
    is_int((apr_int64_t)strlen(delivery->answer) <= WH_ANSWER_MAX, 1,
           "little of it is kept");
    end_attempt(transfer);
    free(answer);
}

/* Headers and body of an answer are kept to so many bytes each. */
static void test_kept(const char *answer, apr_size_t headers, const char *body,
                      const char *name)
{
    receiver_t receiver;
    wh_transfer_t *transfer;
    wh_delivery_t *delivery =
        attempt(&receiver, &transfer, answer, strlen(answer));
    const char *kept = wh_answer_body(delivery->answer);

    is_int(kept ? kept - delivery->answer : -1, (apr_int64_t)headers, "%s",
           name);
    is_str(kept, body, "and its body");
    ok(!strncmp(delivery->answer, answer, headers > 4 ? headers - 4 : 0),
       "and its headers");
    end_attempt(transfer);
}

static void test_parts(void)
{
    static const char tail[] = "Transfer-Encoding: chunked\r\n\r\n"
                               "5\r\nhello\r\n0\r\nX-Late: 1\r\n\r\n";
    static const char head[] = "HTTP/1.1 500 No\r\nX: ";
    char line[3001], body[3001];
    apr_size_t fits = WH_ANSWER_PART - 4 - strlen(head) - 2 - 28;

    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    test_kept(apr_pstrcat(pool, head, "1\r\n", tail, NULL),
              strlen(head) + 3 + 28 + 2, "hello", "short headers");
    line[fits] = '\0';
    test_kept(apr_pstrcat(pool, head, line, "\r\n", tail, NULL),
              WH_ANSWER_PART - 2, "hello", "headers that just fit");
    line[fits] = 'x';
    line[fits + 1] = '\0';
    test_kept(apr_pstrcat(pool, head, line, "\r\n", tail, NULL), WH_ANSWER_PART,
              "hello", "headers that are cut by a byte");
    line[fits + 1] = 'x';
    test_kept(apr_pstrcat(pool, head, line, "\r\n", tail, NULL), WH_ANSWER_PART,
              "hello", "long headers");
    memset(body, 'b', sizeof(body) - 1);
    body[WH_ANSWER_PART] = '\0';
    test_kept(apr_pstrcat(pool, head, line, "\r\n\r\n", body, "c", NULL),
              WH_ANSWER_PART, body, "long headers and a long body");
    is_str(wh_answer_body("HTTP/1.1 200 OK\n\nx"), "x", "line feeds alone");
    is_str(wh_answer_body("HTTP/1.1 200 OK\r\nX: 1"), NULL,
           "headers that broke off");
    is_str(wh_answer_body("\r\nx"), "x", "no headers");
}

static void test_long_answers(void)
{
    test_long_answer("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n", 200,
                     1, "a long body");
    test_long_answer("HTTP/1.1 500 No\r\n\r\n", 500, 0,
                     "a long body of a failure");
    test_long_answer("HTTP/1.1 200 OK\r\nX-Long: ", 200, 0,
                     "a header without end");
}

/* Many short headers. */
static void test_many_headers(void)
{
    static const char head[] = "HTTP/1.1 200 OK\r\n";
    apr_size_t length = sizeof(head) - 1 + 10 * 20000, i;
    char *answer = malloc(length);
    receiver_t receiver;
    wh_transfer_t *transfer;
    wh_delivery_t *delivery;

    memcpy(answer, head, sizeof(head) - 1);
    for (i = sizeof(head) - 1; i < length; i += 10) {
        memcpy(answer + i, "X-A: bcd\r\n", 10);
    }
    delivery = attempt(&receiver, &transfer, answer, length);
    is_int(delivery->outcome, WH_OUTCOME_RETRY, "headers without end");
    ok(transfer->header_bytes < WH_ANSWER_HEADERS_MAX + 100,
       "are read up to a limit");
    end_attempt(transfer);
    free(answer);
}

/* The guard says no: no connection is made. */
static void test_blocked(void)
{
    wh_guard_t strict = guard;
    wh_address_policy_t *policy;
    receiver_t receiver;
    wh_transfer_t *transfer;
    wh_delivery_t *delivery;

    wh_address_policy_create(&policy, pool);
    guard.policy = policy;
    delivery = attempt(&receiver, &transfer, "", 0);
    guard = strict;
    is_int(delivery->outcome, WH_OUTCOME_FAILED, "an address not allowed");
    is_str(delivery->error, "address not allowed", "is told");
    is_str(delivery->told, WH_TOLD_REFUSED, "for users");
    is_str(delivery->address, "", "nothing is dialled");
    is_str(receiver.request, "", "nothing arrives");
    end_attempt(transfer);
}

/* Two requests on one connection. */
static void *APR_THREAD_FUNC receive_twice(apr_thread_t *thread, void *data)
{
    receiver_t *receiver = data;
    int fd = accept(receiver->listener, NULL, NULL);

    (void)thread;
    if (fd >= 0) {
        if (receive_request(fd, receiver->request, sizeof(receiver->request))) {
            send_all(fd, receiver->answer, receiver->answer_length);
        }
        if (receive_request(fd, receiver->request, sizeof(receiver->request))) {
            send_all(fd, receiver->answer, receiver->answer_length);
        }
        close(fd);
    }
    return NULL;
}

static void attempt_again(wh_transfer_t *transfer, wh_target_t *target)
{
    wh_delivery_t *delivery = wh_delivery_create(event, 1, 7);

    wh_transfer_prepare(transfer, target, delivery, apr_time_now());
    wh_outcome_decide(transfer, curl_easy_perform(transfer->easy), &settings,
                      apr_time_now(), 0x80000000U);
}

/* What the guard says is asked again for a connection that was kept. */
/* This machine's addresses could not be read yet. */
static void test_unready_guard(void)
{
    wh_guard_t ready = guard;
    wh_transfer_t *transfer;
    wh_delivery_t *delivery;
    receiver_t receiver;

    guard.read_at = 0;
    delivery = attempt(&receiver, &transfer, NULL, 0);
    guard = ready;
    is_int(delivery->outcome, WH_OUTCOME_RETURNED,
           "without a list of own addresses nothing is tried");
    is_int(delivery->attempts, 0, "... nor counted");
    is_int(transfer->dialled, 0, "... nor dialled");
    is_str(receiver.request, "", "... nor sent");
    end_attempt(transfer);
}

static void test_kept_connection(void)
{
    wh_transfer_t *transfer = wh_transfer_create(&settings, &guard, &sockets);
    wh_guard_t before = guard;
    wh_address_policy_t *policy;
    receiver_t receiver;
    wh_target_t *target;
    apr_status_t rv;

    memset(&receiver, 0, sizeof(receiver));
    receiver.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    receiver.answer_length = strlen(receiver.answer);
    receiver.listener = listen_somewhere(&receiver.port);
    apr_thread_create(&receiver.thread, NULL, receive_twice, &receiver, pool);
    target = make_target(receiver.port, NULL);
    attempt_again(transfer, target);
    is_int(transfer->delivery->outcome, WH_OUTCOME_DELIVERED, "delivered");
    wh_delivery_destroy(wh_transfer_finish(transfer));
    wh_address_policy_create(&policy, pool);
    wh_address_policy_allow(policy, "127.0.0.1");
    wh_address_policy_deny(policy, "127.0.0.1");
    guard.policy = policy;
    attempt_again(transfer, target);
    guard = before;
    is_int(transfer->dialled, 0, "the connection was kept");
    is_int(transfer->delivery->outcome, WH_OUTCOME_FAILED,
           "but its address is refused by now");
    is_str(transfer->delivery->error, "address not allowed",
           "for the operator");
    is_str(transfer->delivery->told, WH_TOLD_REFUSED, "for users");
    is_str(transfer->blocked_address,
           apr_psprintf(pool, "127.0.0.1:%d", receiver.port), "the address");
    end_attempt(transfer);
    wh_target_release(target);
    apr_thread_join(&rv, receiver.thread);
    close(receiver.listener);
    is_str(receiver.request, "", "no second request arrives");
}

static void test_https_only(void)
{
    receiver_t receiver;
    wh_transfer_t *transfer;
    wh_delivery_t *delivery;

    settings.require_https = 1;
    delivery = attempt(&receiver, &transfer, "", 0);
    settings.require_https = 0;
    is_int(delivery->outcome, WH_OUTCOME_FAILED, "http where https must be");
    is_str(delivery->error, "url", "is told");
    is_str(receiver.request, "", "nothing arrives");
    end_attempt(transfer);
}

static wh_event_t *make_event(void)
{
    wh_event_t fields = {.uuid = "8f4a1c52-6d0b-4c39-9a53-0b7a3c1d2e4f",
                         .name = "window.closed",
                         .context = "Default",
                         .changes = "[]",
                         .data = "{}",
                         .idempotency = ""};

    return wh_event_create(&fields);
}

int main(void)
{
    wh_retry_schedule_t *schedule;
    wh_address_policy_t *policy;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    curl_global_init(CURL_GLOBAL_ALL);
    wh_retry_parse(&schedule, "1s 4s", pool);
    settings.retry = schedule;
    wh_address_policy_create(&policy, pool);
    wh_address_policy_allow(policy, "127.0.0.1");
    wh_guard_init(&guard, policy, pool);
    wh_guard_refresh(&guard, apr_time_now());
    wh_sockets_init(&sockets);
    event = make_event();
    test_prepare();
    test_prepare_again();
    test_request();
    test_answers();
    test_long_answers();
    test_parts();
    test_many_headers();
    test_blocked();
    test_unready_guard();
    test_kept_connection();
    test_https_only();
    is_int(event->references, 1, "no delivery is left");
    wh_event_release(event);
    wh_sockets_destroy(&sockets);
    curl_global_cleanup();
    apr_terminate();
    return done_testing();
}
