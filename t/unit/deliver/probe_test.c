/* SPDX-License-Identifier: Apache-2.0 */
/* The test event against a receiver, and against none. */
#include <apr_general.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <curl/curl.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "deliver/probe.h"
#include "deliver/transfer.h"
#include "policy/address.h"
#include "policy/sign.h"
#include "unit/deliver/receiver.h"
#include "unit/tap.h"

static apr_pool_t *pool;
static wh_settings_t settings = {
    .timeout = 30000000, .connect_timeout = 30000000, .verify_tls = 1};

/* -- the receiver --------------------------------------------------------- */

/* Takes connections until it is closed, answers each request alike. */
static struct {
    int listener;
    int port;
    const char *answer; /* NULL: says nothing and waits for the end */
    apr_size_t answer_length;
    int reset; /* 1: ends the connection by a reset */
    char request[16384];
    int connections;
    apr_thread_t *thread;
} receiver;

static void serve(int fd)
{
    struct linger now = {1, 0};
    char byte;

    receive_request(fd, receiver.request, sizeof(receiver.request));
    if (receiver.reset) {
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    }
    else if (receiver.answer) {
        send_all(fd, receiver.answer, receiver.answer_length);
    }
    else {
        while (recv(fd, &byte, 1, 0) > 0) {
        }
    }
    close(fd);
}

static void *APR_THREAD_FUNC accept_all(apr_thread_t *thread, void *data)
{
    int fd;

    (void)thread;
    (void)data;
    while ((fd = accept(receiver.listener, NULL, NULL)) >= 0) {
        receiver.connections++;
        serve(fd);
    }
    return NULL;
}

/* -- one probe ------------------------------------------------------------ */

static wh_webhook_t webhook = {
    .name = "My hook", .secret = "s3cret", .state = WH_STATE_ACTIVE};

static wh_probe_result_t probe(const char *url)
{
    wh_probe_result_t result;

    webhook.target_url = url;
    is_int(wh_probe(&result, &settings, &webhook, pool), APR_SUCCESS,
           "a test event");
    return result;
}

static wh_probe_result_t probe_answered(const char *answer, apr_size_t length,
                                        int reset)
{
    wh_probe_result_t result;
    apr_status_t rv;

    receiver.answer = answer;
    receiver.answer_length = length;
    receiver.reset = reset;
    receiver.connections = 0;
    receiver.listener = listen_somewhere(&receiver.port);
    apr_thread_create(&receiver.thread, NULL, accept_all, NULL, pool);
    result =
        probe(apr_psprintf(pool, "http://127.0.0.1:%d/a/b?c=d", receiver.port));
    shutdown(receiver.listener, SHUT_RDWR);
    apr_thread_join(&rv, receiver.thread);
    close(receiver.listener);
    return result;
}

static wh_probe_result_t probe_text(const char *answer)
{
    return probe_answered(answer, strlen(answer), 0);
}

static void is_no_answer(wh_probe_result_t result, const char *reason,
                         const char *name)
{
    is_int(result.success, 0, "%s: no success", name);
    is_int(result.status, 0, "no status");
    is_str(result.answer, "the target did not answer the test event",
           "the one text");
    is_str(result.reason, reason, "its class for the log");
}

/* -- tests ---------------------------------------------------------------- */

static const char *line_of(const char *name)
{
    const char *line =
        strstr(receiver.request, apr_psprintf(pool, "\r\n%s: ", name));
    const char *value = line ? line + strlen(name) + 4 : NULL;

    return value ? apr_pstrndup(pool, value, strcspn(value, "\r")) : NULL;
}

static const char *member(const json_t *body, const char *name)
{
    json_t *value = json_object_get(body, name);
    char *text = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
    const char *copy = apr_pstrdup(pool, text);

    free(text);
    return copy;
}

static void test_request(void)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\n"
                                 "Content-Length: 2\r\n\r\nok";
    wh_probe_result_t result;
    char signature[WH_SIGNATURE_SIZE];
    const char *text;
    json_t *body;

    webhook.headers = "{\"X-Own\":\"value\"}";
    webhook.properties = "{\"more\":[1]}";
    result = probe_text(answer);
    is_int(result.success, 1, "200 is a success");
    is_int(result.status, 200, "its status");
    is_str(result.answer, answer, "the answer");
    is_str(result.reason, NULL, "no error");
    text = strstr(receiver.request, "\r\n\r\n") + 4;
    wh_sign_superoffice(signature, "s3cret", text, strlen(text));
    ok(!strncmp(receiver.request, "POST /a/b?c=d HTTP/1.1\r\n", 24), "a POST");
    is_str(line_of("X-Hook-Test"), "true", "marked as a test");
    is_str(line_of("X-SuperOffice-Event"), "test", "the event");
    is_str(line_of("X-SuperOffice-Retry"), "0", "the first attempt");
    is_str(line_of("X-SuperOffice-Signature"), signature, "signed");
    is_str(line_of("X-Own"), "value", "with the webhook's headers");
    is_str(line_of("Content-Type"), "application/json; charset=utf-8",
           "as JSON");
    body = json_loads(text, 0, NULL);
    is_str(member(body, "Event"), "\"test\"", "Event");
    is_str(member(body, "Entity"), "\"test\"", "Entity");
    is_str(member(body, "PrimaryKey"), "0", "PrimaryKey");
    is_str(member(body, "Changes"), "[]", "Changes");
    is_str(member(body, "WebhookName"), "\"My hook\"", "WebhookName");
    is_str(member(body, "ContextIdentifier"), "\"\"", "no context yet");
    is_str(member(body, "more"), "[1]", "with the webhook's properties");
    is_str(
        member(body, "EventId"),
        apr_pstrcat(pool, "\"", line_of("X-SuperOffice-EventId"), "\"", NULL),
        "one id in header and body");
    json_decref(body);
    webhook.headers = webhook.properties = NULL;
    is_int(receiver.connections, 1, "one connection");
}

static void test_context(void)
{
    webhook.context = "Cust1234";
    webhook.secret = NULL;
    probe_text("HTTP/1.1 200 OK\r\n\r\n");
    ok(strstr(receiver.request, "\"ContextIdentifier\":\"Cust1234\"") != NULL,
       "the context");
    is_str(line_of("X-SuperOffice-Signature"), NULL,
           "without a secret not signed");
    webhook.context = NULL;
}

typedef struct row_t {
    const char *answer;
    int status;
    int success;
    int success_if_only_200;
    const char *name;
} row_t;

static const row_t rows[] = {
    {"HTTP/1.1 200 OK\r\n\r\n", 200, 1, 1, "200"},
    {"HTTP/1.1 204 No Content\r\n\r\n", 204, 1, 0, "204"},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 A\r\n\r\n", 201, 1, 0, "201"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", 200, 1, 1, "cut off"},
    {"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", 302, 0,
     0, "a redirect"},
    {"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno", 404, 0, 0, "404"},
    {"HTTP/1.1 500 No\r\n\r\n", 500, 0, 0, "500"},
};

static void test_answers(void)
{
    size_t i;

    for (i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        const row_t *row = &rows[i / 2];
        wh_probe_result_t result;

        settings.only_200 = (int)(i % 2);
        result = probe_text(row->answer);
        is_int(result.success, i % 2 ? row->success_if_only_200 : row->success,
               "%s, only 200: %d", row->name, settings.only_200);
        is_int(result.status, row->status, "its status");
        ok(strcmp(result.answer, WH_PROBE_NO_ANSWER) != 0, "what it says");
        is_str(result.reason, result.success ? NULL : "status", "its class");
    }
    settings.only_200 = 0;
}

static void test_safe_answer(void)
{
    wh_probe_result_t result =
        probe_text("HTTP/1.1 500 x\r\n\r\n\033[31m\377 caf\303\251");

    is_str(result.answer, "HTTP/1.1 500 x\r\n\r\n?[31m? caf\303\251",
           "the answer is safe to show");
}

static void test_no_answer(void)
{
    int port, fd = listen_somewhere(&port);

    close(fd);
    is_no_answer(probe(apr_psprintf(pool, "http://127.0.0.1:%d/", port)),
                 "connect", "nobody listens");
    is_no_answer(probe_text(""), "reset", "nothing comes");
    is_no_answer(probe_answered("", 0, 1), "reset", "a reset");
    is_no_answer(probe_text("220 mail.example ESMTP\r\n\r\n"), "protocol",
                 "not HTTP");
    is_no_answer(probe_text("HTTP/1.1 200 OK\r\nX: y\r\n"), "protocol",
                 "half an answer");
    is_no_answer(probe_text("HTTP/1.1 101 S\r\nUpgrade: x\r\n"
                            "Connection: Upgrade\r\n\r\n"),
                 "protocol", "101");
    is_no_answer(probe("http://no.such.name.invalid/"), "dns", "no such name");
    is_no_answer(probe("ftp://127.0.0.1/"), "url", "no HTTP");
}

static void test_silent(void)
{
    apr_time_t begun = apr_time_now();

    settings.timeout = 200000;
    is_no_answer(probe_answered(NULL, 0, 0), "timeout", "silence");
    settings.timeout = 30000000;
    ok(apr_time_now() - begun >= 200000, "WebhookTimeout is waited for");
}

static void test_oversize(void)
{
    apr_size_t size = WH_ANSWER_HEADERS_MAX + WH_ANSWER_BODY_MAX;
    char *answer = apr_palloc(pool, size + 100);
    int length = apr_snprintf(answer, 100, "HTTP/1.1 200 OK\r\n\r\n");
    wh_probe_result_t result;

    memset(answer + length, 'x', size);
    result = probe_answered(answer, size, 0);
    is_int(result.success, 1, "a body without end follows a success");
    is_int((apr_int64_t)strlen(result.answer), length + WH_ANSWER_PART,
           "and is cut");
    length = apr_snprintf(answer, 100, "HTTP/1.1 200 OK\r\nX: ");
    memset(answer + length, 'x', size);
    is_no_answer(probe_answered(answer, size, 0), "protocol",
                 "a header without end");
}

static void test_guard(void)
{
    const wh_address_policy_t *allowing = settings.addresses;
    wh_address_policy_t *strict;

    wh_address_policy_create(&strict, pool);
    settings.addresses = strict;
    is_no_answer(probe_text("HTTP/1.1 200 OK\r\n\r\n"), "address not allowed",
                 "an address not allowed");
    is_int(receiver.connections, 0, "it is not dialled");
    is_no_answer(probe("http://localhost/"), "address not allowed", "by name");
    settings.addresses = allowing;
    is_no_answer(probe("http://user@localhost/"), "url", "with a user name");
    is_no_answer(probe("http://127.0.0.1:25/"), "address not allowed",
                 "a port not allowed");
}

static void test_https(void)
{
    settings.require_https = 1;
    is_no_answer(probe_text("HTTP/1.1 200 OK\r\n\r\n"), "url", "only https");
    is_int(receiver.connections, 0, "it is not dialled");
    settings.require_https = 0;
}

int main(void)
{
    wh_address_policy_t *policy;

    signal(SIGPIPE, SIG_IGN);
    apr_initialize();
    apr_pool_create(&pool, NULL);
    curl_global_init(CURL_GLOBAL_ALL);
    wh_address_policy_create(&policy, pool);
    wh_address_policy_allow(policy, "127.0.0.1");
    settings.addresses = policy;
    test_request();
    test_context();
    test_answers();
    test_safe_answer();
    test_no_answer();
    test_silent();
    test_oversize();
    test_guard();
    test_https();
    curl_global_cleanup();
    apr_terminate();
    return done_testing();
}
