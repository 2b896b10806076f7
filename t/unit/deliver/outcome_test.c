/* SPDX-License-Identifier: Apache-2.0 */
/* What an attempt came to. */
#include <apr_general.h>
#include <apr_strings.h>
#include <errno.h>
#include <stdlib.h>

#include "deliver/outcome.h"
#include "policy/retry.h"
#include "unit/tap.h"

#define NOW APR_INT64_C(2014879777000000)
#define STARTED (NOW - 1500)

/* In the middle of its range the dice adds nothing to speak of. */
#define DICE 0x80000000U

static apr_pool_t *pool;
static wh_settings_t settings;
static wh_event_t *event;

/* One answer as libcurl has brought it. */
typedef struct answer_t {
    CURLcode code;
    int status;
    int complete;
    const char *blocked;
    int local_error;
    int attempts; /* made before this one */
    apr_interval_time_t retry_after;
    const char *text;
    int dialled; /* another address of the name was allowed */
    int hidden;  /* an address that is not public was dialled */
    int refused; /* a connection may not be used any more */
} answer_t;

static wh_delivery_t *decide(const answer_t *answer)
{
    wh_transfer_t *transfer = calloc(1, sizeof(*transfer));
    wh_delivery_t *delivery = wh_delivery_create(event, 1, 1);

    delivery->attempts = answer->attempts;
    delivery->due = NOW - 77;
    transfer->easy = curl_easy_init();
    transfer->delivery = delivery;
    transfer->started = STARTED;
    transfer->status = answer->status;
    transfer->complete = answer->complete;
    transfer->blocked = answer->blocked;
    transfer->dialled = answer->dialled;
    transfer->hidden = answer->hidden;
    transfer->refused = answer->refused;
    transfer->local_error = answer->local_error;
    transfer->retry_after = answer->retry_after;
    if (answer->text) {
        transfer->answer_length = strlen(answer->text);
        memcpy(transfer->answer, answer->text, transfer->answer_length);
        transfer->sent = 1;
    }
    wh_outcome_decide(transfer, answer->code, &settings, NOW, DICE);
    curl_easy_cleanup(transfer->easy);
    free(transfer);
    return delivery;
}

typedef struct row_t {
    answer_t answer;
    wh_outcome_kind_t outcome;
    const char *error;
    const char *name;
} row_t;

static const row_t rows[] = {
    {{CURLE_OK, 200, 1, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_DELIVERED,
     NULL,
     "200"},
    {{CURLE_OK, 204, 1, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_DELIVERED,
     NULL,
     "204"},
    {{CURLE_OK, 299, 1, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_DELIVERED,
     NULL,
     "299"},
    {{CURLE_PARTIAL_FILE, 200, 1, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_DELIVERED,
     NULL,
     "200, body cut off"},
    {{CURLE_OPERATION_TIMEDOUT, 202, 1, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_DELIVERED,
     NULL,
     "202, then silence"},
    {{CURLE_WRITE_ERROR, 200, 1, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_DELIVERED,
     NULL,
     "200, body too long"},
    {{CURLE_OUT_OF_MEMORY, 200, 1, NULL, ENOBUFS, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_DELIVERED,
     NULL,
     "200, then trouble of our own"},
    {{CURLE_OK, 200, 0, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_RETRY,
     "protocol",
     "200, headers without an end"},
    {{CURLE_RECV_ERROR, 200, 0, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_RETRY,
     "reset",
     "200, cut off in the headers"},
    {{CURLE_OK, 300, 1, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_RETRY,
     "status",
     "300"},
    {{CURLE_OK, 301, 1, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_RETRY,
     "status",
     "301: not followed"},
    {{CURLE_OK, 199, 1, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_RETRY,
     "status",
     "199"},
    {{CURLE_OK, 400, 1, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_RETRY,
     "status",
     "400"},
    {{CURLE_OK, 404, 1, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_RETRY,
     "status",
     "404"},
    {{CURLE_OK, 410, 1, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_RETRY,
     "status",
     "410"},
    {{CURLE_OK, 503, 1, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_RETRY,
     "status",
     "503"},
    {{CURLE_OPERATION_TIMEDOUT, 503, 1, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_RETRY,
     "status",
     "503, then silence"},
    {{CURLE_OK, 0, 0, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_RETRY,
     "protocol",
     "no status line"},
    {{CURLE_WRITE_ERROR, 101, 0, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_RETRY,
     "protocol",
     "101"},
    {{CURLE_COULDNT_RESOLVE_HOST, 0, 0, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_RETRY,
     "dns",
     "no such name"},
    {{CURLE_COULDNT_CONNECT, 0, 0, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_RETRY,
     "connect",
     "refused"},
    {{CURLE_OPERATION_TIMEDOUT, 0, 0, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_RETRY,
     "timeout",
     "timeout"},
    {{CURLE_GOT_NOTHING, 0, 0, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_RETRY,
     "reset",
     "nothing came"},
    {{CURLE_SEND_ERROR, 0, 0, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_RETRY,
     "reset",
     "send failed"},
    {{CURLE_RECV_ERROR, 0, 0, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_RETRY,
     "reset",
     "receive failed"},
    {{CURLE_PEER_FAILED_VERIFICATION, 0, 0, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_RETRY,
     "tls",
     "certificate not trusted"},
    {{CURLE_SSL_CONNECT_ERROR, 0, 0, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_RETRY,
     "tls",
     "no handshake"},
    {{CURLE_SSL_CACERT_BADFILE, 0, 0, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_RETURNED,
     NULL,
     "no trust store"},
    {{CURLE_SSL_CRL_BADFILE, 0, 0, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_RETURNED,
     NULL,
     "no list of what was revoked"},
    {{CURLE_UNSUPPORTED_PROTOCOL, 0, 0, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_FAILED,
     "url",
     "scheme not allowed"},
    {{CURLE_URL_MALFORMAT, 0, 0, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_FAILED,
     "url",
     "no URL"},
    {{CURLE_WEIRD_SERVER_REPLY, 0, 0, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_RETRY,
     "protocol",
     "not HTTP"},
    {{CURLE_COULDNT_CONNECT, 0, 0, "special-purpose address", 0, 0, 0, NULL, 1,
      0, 0},
     WH_OUTCOME_RETRY,
     "connect",
     "one address refused, another one not listening"},
    {{CURLE_COULDNT_CONNECT, 0, 0, "special-purpose address", 0, 0, 0, NULL, 0,
      0, 0},
     WH_OUTCOME_FAILED,
     "address not allowed",
     "address not allowed"},
    {{CURLE_OPERATION_TIMEDOUT, 0, 0, "port", 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_RETRY,
     "timeout",
     "one address not allowed, another one silent"},
    {{CURLE_OK, 200, 1, "port", 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_DELIVERED,
     NULL,
     "one address not allowed, another one answers"},
    {{CURLE_COULDNT_CONNECT, 0, 0, NULL, EMFILE, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_RETURNED,
     NULL,
     "no socket to be had"},
    {{CURLE_FAILED_INIT, 0, 0, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_RETURNED,
     NULL,
     "libcurl cannot"},
    {{CURLE_OUT_OF_MEMORY, 0, 0, NULL, 0, 0, 0, NULL, 0, 0, 0},
     WH_OUTCOME_RETURNED,
     NULL,
     "no memory before anything came"},
    {{CURLE_OUT_OF_MEMORY, 500, 0, NULL, 0, 0, 0, "HTTP/1.1 500 x\r\n", 0, 0,
      0},
     WH_OUTCOME_RETRY,
     "protocol",
     "no memory for what came"},
    {{CURLE_OUT_OF_MEMORY, 0, 0, NULL, 0, 0, 0, "", 0, 0, 0},
     WH_OUTCOME_RETRY,
     "protocol",
     "a first line without an end"},
    {{CURLE_COULDNT_CONNECT, 0, 0, NULL, EAFNOSUPPORT, 0, 0, NULL, 1, 0, 0},
     WH_OUTCOME_RETRY,
     "connect",
     "no socket for one address, another one refuses"},
    {{CURLE_RECV_ERROR, 0, 0, NULL, EMFILE, 0, 0, NULL, 1, 0, 0},
     WH_OUTCOME_RETRY,
     "reset",
     "no socket for one address, another one resets"},
};

static void test_table(void)
{
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        wh_delivery_t *delivery = decide(&rows[i].answer);
        int returned = rows[i].outcome == WH_OUTCOME_RETURNED;

        is_int(delivery->outcome, rows[i].outcome, "%s", rows[i].name);
        is_str(delivery->error, rows[i].error, "its error");
        is_int(delivery->attempts, !returned, "an attempt is counted");
        is_int(delivery->started, returned ? 0 : STARTED, "with its time");
        is_int(delivery->duration, returned ? 0 : 1500, "and its length");
        is_int(delivery->status, returned ? 0 : rows[i].answer.status,
               "and its status");
        wh_delivery_destroy(delivery);
    }
}

/* What a receiver says that wants a certificate of the sender. */
static void test_alert(void)
{
    static const struct {
        CURLcode code;
        const char *detail;
        const char *error;
    } rows_of_alerts[] = {
        {CURLE_RECV_ERROR,
         "OpenSSL SSL_read: error:0A00045C:SSL routines::tlsv13 alert "
         "certificate required, errno 0",
         "tls"},
        {CURLE_RECV_ERROR, "OpenSSL SSL_read: Connection reset by peer",
         "reset"},
        {CURLE_RECV_ERROR, "", "reset"},
        {CURLE_OPERATION_TIMEDOUT, "SSL routines: alert ", "timeout"},
        {CURLE_SSL_CLIENTCERT, "", "tls"},
    };
    wh_transfer_t *transfer = calloc(1, sizeof(*transfer));
    size_t i;

    transfer->easy = curl_easy_init();
    for (i = 0; i < sizeof(rows_of_alerts) / sizeof(rows_of_alerts[0]); i++) {
        transfer->delivery = wh_delivery_create(event, 1, 1);
        strcpy(transfer->detail, rows_of_alerts[i].detail);
        wh_outcome_describe(transfer, rows_of_alerts[i].code, NOW);
        is_str(transfer->delivery->error, rows_of_alerts[i].error,
               "code %d, \"%s\"", rows_of_alerts[i].code,
               rows_of_alerts[i].detail);
        wh_delivery_destroy(transfer->delivery);
    }
    curl_easy_cleanup(transfer->easy);
    free(transfer);
}

/* What users read in place of the class. */
static void test_told(void)
{
    static const struct {
        answer_t answer;
        const char *told;
    } told[] = {
        {{.status = 503, .complete = 1, .hidden = 1}, NULL},
        {{.status = 200, .complete = 1}, NULL},
        {{.code = CURLE_COULDNT_CONNECT}, "connect"},
        {{.code = CURLE_OPERATION_TIMEDOUT}, "timeout"},
        {{.code = CURLE_COULDNT_RESOLVE_HOST}, "dns"},
        {{.code = CURLE_COULDNT_CONNECT, .hidden = 1}, WH_TOLD_SILENT},
        {{.code = CURLE_OPERATION_TIMEDOUT, .hidden = 1}, WH_TOLD_SILENT},
        {{.code = CURLE_SSL_CONNECT_ERROR, .hidden = 1}, WH_TOLD_SILENT},
        {{.code = CURLE_GOT_NOTHING, .hidden = 1}, WH_TOLD_SILENT},
        {{.code = CURLE_RECV_ERROR,
          .hidden = 1,
          .status = 200,
          .text = "HTTP/1.1 200 half\r\n"},
         WH_TOLD_SILENT},
        {{.code = CURLE_COULDNT_CONNECT, .blocked = "port"}, WH_TOLD_REFUSED},
        {{.code = CURLE_COULDNT_CONNECT, .blocked = "port", .hidden = 1},
         WH_TOLD_REFUSED},
        {{.code = CURLE_COULDNT_CONNECT,
          .blocked = "port",
          .dialled = 1,
          .hidden = 1},
         WH_TOLD_SILENT},
        {{.code = CURLE_ABORTED_BY_CALLBACK, .blocked = "port", .refused = 1},
         WH_TOLD_REFUSED},
        {{.code = CURLE_URL_MALFORMAT}, WH_TOLD_REFUSED},
        {{.code = CURLE_UNSUPPORTED_PROTOCOL}, WH_TOLD_REFUSED}};
    size_t i;

    for (i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
        wh_delivery_t *delivery = decide(&told[i].answer);

        is_str(delivery->told, told[i].told, "users read of error %d",
               told[i].answer.code);
        wh_delivery_destroy(delivery);
    }
}

static void test_due(void)
{
    answer_t answer = {.status = 503, .complete = 1};
    answer_t local = {.code = CURLE_COULDNT_CONNECT, .local_error = ENFILE};
    wh_delivery_t *delivery = decide(&answer);

    ok(delivery->due > NOW + 900000 && delivery->due < NOW + 1100000,
       "the first retry comes after about a second");
    wh_delivery_destroy(delivery);
    answer.attempts = 1;
    delivery = decide(&answer);
    ok(delivery->due > NOW + 3600000 && delivery->due < NOW + 4400000,
       "the second one after about four");
    wh_delivery_destroy(delivery);
    answer.retry_after = apr_time_from_sec(600);
    delivery = decide(&answer);
    ok(delivery->due >= NOW + apr_time_from_sec(600),
       "not before the receiver wants it");
    wh_delivery_destroy(delivery);
    answer.attempts = 2;
    delivery = decide(&answer);
    is_int(delivery->outcome, WH_OUTCOME_FAILED, "the schedule is used up");
    is_int(delivery->attempts, 3, "after three attempts");
    wh_delivery_destroy(delivery);
    local.attempts = 2;
    delivery = decide(&local);
    is_int(delivery->outcome, WH_OUTCOME_RETURNED,
           "trouble of our own never uses it up");
    is_int(delivery->attempts, 2, "and counts no attempt");
    is_int(delivery->due, NOW + WH_LOCAL_RETRY, "it comes back soon");
    wh_delivery_destroy(delivery);
}

static void test_answer(void)
{
    answer_t answer = {.status = 500,
                       .complete = 1,
                       .text =
                           "HTTP/1.1 500 x\r\n\r\n\033[31m\377 caf\303\251"};
    wh_delivery_t *delivery = decide(&answer);

    is_str(delivery->answer, "HTTP/1.1 500 x\r\n\r\n?[31m? caf\303\251",
           "the answer is kept, safe to show");
    is_str(delivery->address, "", "no address was dialled");
    wh_delivery_destroy(delivery);
    answer.text = NULL;
    delivery = decide(&answer);
    is_str(delivery->answer, NULL, "no answer");
    wh_delivery_destroy(delivery);
}

static void test_only_200(void)
{
    static const int statuses[] = {199, 200, 201, 202, 204, 206, 299, 300, 500};
    size_t i;

    for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        answer_t answer = {.status = statuses[i], .complete = 1};
        wh_delivery_t *delivery;

        settings.only_200 = 1;
        delivery = decide(&answer);
        settings.only_200 = 0;
        is_int(delivery->outcome,
               statuses[i] == 200 ? WH_OUTCOME_DELIVERED : WH_OUTCOME_RETRY,
               "%d where only 200 counts", statuses[i]);
        is_str(delivery->error, statuses[i] == 200 ? NULL : "status",
               "its error");
        wh_delivery_destroy(delivery);
    }
}

static void test_gone(void)
{
    answer_t gone = {.status = 410, .complete = 1};
    answer_t half = {.code = CURLE_RECV_ERROR, .status = 410};
    answer_t missing = {.status = 404, .complete = 1};
    wh_delivery_t *delivery = decide(&gone);

    is_int(delivery->gone, 0, "410 is a failure like others");
    wh_delivery_destroy(delivery);
    settings.disable_errors = 9;
    delivery = decide(&gone);
    is_int(delivery->outcome, WH_OUTCOME_FAILED,
           "410 is final where webhooks are disabled");
    is_int(delivery->gone, 1, "for the whole webhook");
    wh_delivery_destroy(delivery);
    delivery = decide(&half);
    is_int(delivery->outcome, WH_OUTCOME_RETRY, "half an answer is none");
    is_int(delivery->gone, 0, "and says nothing");
    wh_delivery_destroy(delivery);
    delivery = decide(&missing);
    is_int(delivery->outcome, WH_OUTCOME_RETRY, "404 is not final");
    wh_delivery_destroy(delivery);
    settings.disable_errors = 0;
}

/* The clock may be set back while an attempt runs. */
static void test_clock(void)
{
    wh_transfer_t *transfer = calloc(1, sizeof(*transfer));
    wh_delivery_t *delivery = wh_delivery_create(event, 1, 1);

    transfer->easy = curl_easy_init();
    transfer->delivery = delivery;
    transfer->started = NOW + 1000000;
    wh_outcome_decide(transfer, CURLE_GOT_NOTHING, &settings, NOW, DICE);
    is_int(delivery->duration, 0, "no attempt takes less than no time");
    curl_easy_cleanup(transfer->easy);
    free(transfer);
    wh_delivery_destroy(delivery);
}

static void test_classes(void)
{
    int code, missing = 0;

    for (code = 0; code < CURL_LAST; code++) {
        const char *class = wh_outcome_error_class((CURLcode)code);

        missing += !class || !*class;
    }
    is_int(missing, 0, "each error has its class");
}

int main(void)
{
    wh_event_t fields = {.name = "a",
                         .context = "",
                         .changes = "[]",
                         .data = "{}",
                         .idempotency = ""};
    wh_retry_schedule_t *schedule;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    curl_global_init(CURL_GLOBAL_ALL);
    wh_retry_parse(&schedule, "1s 4s", pool);
    settings.retry = schedule;
    event = wh_event_create(&fields);
    test_table();
    test_alert();
    test_told();
    test_due();
    test_answer();
    test_only_200();
    test_gone();
    test_clock();
    test_classes();
    is_int(event->references, 1, "no delivery is left");
    wh_event_release(event);
    curl_global_cleanup();
    apr_terminate();
    return done_testing();
}
