/* SPDX-License-Identifier: Apache-2.0 */
/* The mailer against a mail server that behaves as it is told. */
#include <apr_general.h>
#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>
#include <curl/curl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "deliver/mail.h"
#include "unit/deliver/receiver.h"
#include "unit/tap.h"

#define PATIENCE apr_time_from_sec(60)
#define UUID "0190a1c5-6d0b-7c39-9a53-0b7a3c1d2e4f"

static apr_pool_t *pool;
static wh_settings_t settings = {.mail_from = "webhooks@sender.example"};

/* -- the mail server ------------------------------------------------------ */

static struct {
    int listener;
    apr_thread_t *thread;
    apr_thread_mutex_t *lock;
    apr_thread_cond_t *changed;
    /* shared: lock */
    const char *rules; /* a letter for each connection, the last one repeats:
                          o takes the mail, b is busy, n refuses it for good,
                          1 knows only the first recipient, s is silent */
    int connections;
    int taken;
    char commands[512]; /* MAIL and RCPT of the last connection */
    char mail[16384];   /* the last one that was taken */
} server;

static void say(int fd, const char *line)
{
    if (send(fd, line, strlen(line), MSG_NOSIGNAL) < 0) {
        shutdown(fd, SHUT_RDWR);
    }
}

/* One line without its end; 0: the connection has ended. */
static int read_line(int fd, char *line, size_t size)
{
    size_t length = 0;
    char byte;

    while (recv(fd, &byte, 1, 0) == 1) {
        if (byte == '\n') {
            line[length] = '\0';
            return 1;
        }
        if (byte != '\r' && length + 1 < size) {
            line[length++] = byte;
        }
    }
    return 0;
}

static void append(char *text, size_t size, const char *line)
{
    size_t length = strlen(text);

    snprintf(text + length, size - length, "%s\n", line);
}

static void take_mail(int fd)
{
    char line[2048];

    say(fd, "354 go on\r\n");
    server.mail[0] = '\0';
    while (read_line(fd, line, sizeof(line)) && strcmp(line, ".")) {
        append(server.mail, sizeof(server.mail), line);
    }
    say(fd, "250 taken\r\n");
    server.taken++;
    apr_thread_cond_broadcast(server.changed);
}

static void obey(int fd, const char *line, char rule, int *recipients)
{
    if (!strncmp(line, "MAIL ", 5) || !strncmp(line, "RCPT ", 5)) {
        append(server.commands, sizeof(server.commands), line);
    }
    if (!strncmp(line, "RCPT ", 5) && ((*recipients)++, rule == 'n')) {
        say(fd, "550 no such mailbox\r\n");
    }
    else if (!strncmp(line, "RCPT ", 5) && rule == 'b') {
        say(fd, "451 try later\r\n");
    }
    else if (!strncmp(line, "RCPT ", 5) && rule == '1' && *recipients > 1) {
        say(fd, "550 no such mailbox\r\n");
    }
    else if (!strcmp(line, "DATA")) {
        take_mail(fd);
    }
    else if (!strcmp(line, "QUIT")) {
        say(fd, "221 bye\r\n");
    }
    else {
        say(fd, "250 fine\r\n");
    }
}

static void serve(int fd, char rule)
{
    int recipients = 0;
    char line[2048];

    if (rule != 's') {
        say(fd, "220 mail.example ESMTP\r\n");
    }
    while (read_line(fd, line, sizeof(line))) {
        apr_thread_mutex_lock(server.lock);
        obey(fd, line, rule, &recipients);
        apr_thread_mutex_unlock(server.lock);
    }
    close(fd);
}

static void *APR_THREAD_FUNC accept_all(apr_thread_t *thread, void *data)
{
    int fd;

    (void)thread;
    (void)data;
    while ((fd = accept(server.listener, NULL, NULL)) >= 0) {
        char rule;

        apr_thread_mutex_lock(server.lock);
        rule = server.rules[0];
        if (server.rules[1]) {
            server.rules++;
        }
        server.connections++;
        server.commands[0] = '\0';
        apr_thread_cond_broadcast(server.changed);
        apr_thread_mutex_unlock(server.lock);
        serve(fd, rule);
    }
    return NULL;
}

static void open_server(void)
{
    int port;

    server.listener = listen_somewhere(&port);
    settings.mail_server = apr_psprintf(pool, "smtp://127.0.0.1:%d", port);
    apr_thread_mutex_create(&server.lock, APR_THREAD_MUTEX_DEFAULT, pool);
    apr_thread_cond_create(&server.changed, pool);
    apr_thread_create(&server.thread, NULL, accept_all, NULL, pool);
}

static void close_server(void)
{
    apr_status_t rv;

    shutdown(server.listener, SHUT_RDWR);
    apr_thread_join(&rv, server.thread);
    close(server.listener);
}

static void set_rules(const char *rules)
{
    apr_thread_mutex_lock(server.lock);
    server.rules = rules;
    server.connections = 0;
    server.taken = 0;
    server.mail[0] = '\0';
    apr_thread_mutex_unlock(server.lock);
}

static int wait_for(const int *number, int value)
{
    apr_time_t deadline = apr_time_now() + PATIENCE;
    int reached;

    apr_thread_mutex_lock(server.lock);
    while (*number < value && apr_time_now() < deadline) {
        apr_thread_cond_timedwait(server.changed, server.lock, PATIENCE);
    }
    reached = *number;
    apr_thread_mutex_unlock(server.lock);
    return reached;
}

/* -- the mailer ----------------------------------------------------------- */

static wh_mailer_t *mailer;

static void start_mailer(const char *rules)
{
    set_rules(rules);
    is_int(wh_mailer_start(&mailer, &settings), APR_SUCCESS, "a mailer");
    wh_mailer_retry_set(mailer, 1000);
}

static void notify(apr_int32_t id, wh_mail_kind_t kind)
{
    wh_webhook_t webhook = {.id = id,
                            .name = "My hook",
                            .target_url = "https://receiver.example/",
                            .error_emails = "[\"a@b.example\",\"c@d.example\"]",
                            .notify_via = 1,
                            .notify_when = 3};

    wh_mailer_notify(mailer, kind, &webhook, "sale.sold", UUID, "timeout");
}

/* What waits is sent first. */
static void stop_mailer(void)
{
    wh_mailer_stop(mailer, apr_time_now() + PATIENCE);
}

/* -- tests ---------------------------------------------------------------- */

static void test_none(void)
{
    const char *url = settings.mail_server;

    settings.mail_server = NULL;
    is_int(wh_mailer_start(&mailer, &settings), APR_SUCCESS, "no mail server");
    ok(mailer == NULL, "no mailer");
    notify(1, WH_MAIL_DISABLING);
    stop_mailer();
    settings.mail_server = url;
}

static void test_idle(void)
{
    start_mailer("o");
    stop_mailer();
    is_int(server.connections, 0, "nothing to send");
}

static void test_sent(void)
{
    start_mailer("o");
    notify(7, WH_MAIL_DISABLING);
    is_int(wait_for(&server.taken, 1), 1, "a mail arrives");
    stop_mailer();
    is_int(server.connections, 1, "over one connection");
    is_str(apr_pstrndup(pool, server.commands, strcspn(server.commands, " ")),
           "MAIL", "an envelope");
    ok(!strncmp(server.commands, "MAIL FROM:<webhooks@sender.example>", 35),
       "with its sender");
    ok(strstr(server.commands, "\nRCPT TO:<a@b.example>\n"
                               "RCPT TO:<c@d.example>\n") != NULL,
       "and its recipients");
    ok(strstr(server.mail, "\nSubject: Webhook 7 disabled: My hook\n") != NULL,
       "the mail");
}

static void test_unwanted(void)
{
    wh_webhook_t webhook = {.id = 1, .name = "w", .target_url = ""};

    start_mailer("o");
    wh_mailer_notify(mailer, WH_MAIL_DISABLING, &webhook, "a", UUID, "e");
    webhook.error_emails = "[\"a@b.example\"]";
    wh_mailer_notify(mailer, WH_MAIL_FIRST_FAILURE, &webhook, "a", UUID, "e");
    stop_mailer();
    is_int(server.connections, 0, "who asks for no mail gets none");
}

static void test_once(void)
{
    start_mailer("o");
    notify(1, WH_MAIL_FIRST_FAILURE);
    notify(1, WH_MAIL_FIRST_FAILURE);
    notify(1, WH_MAIL_DISABLING);
    notify(1, WH_MAIL_DISABLING);
    notify(2, WH_MAIL_FIRST_FAILURE);
    stop_mailer();
    is_int(server.taken, 3, "one mail of a kind for a webhook");
}

static void test_many(void)
{
    int i;

    start_mailer("o");
    for (i = 1; i <= WH_MAIL_QUEUE; i++) {
        notify(i, WH_MAIL_DISABLING);
    }
    stop_mailer();
    is_int(server.taken, WH_MAIL_PER_HOUR, "not more than so many in an hour");
}

static void test_tries(const char *rules, int connections, int taken,
                       const char *name)
{
    start_mailer(rules);
    notify(1, WH_MAIL_DISABLING);
    is_int(wait_for(&server.connections, connections), connections, "%s: tries",
           name);
    if (taken) {
        wait_for(&server.taken, taken);
    }
    /* Another one is sent after all tries of the first. */
    set_rules("o");
    notify(2, WH_MAIL_DISABLING);
    is_int(wait_for(&server.taken, 1), 1, "%s: the mailer goes on", name);
    stop_mailer();
    is_int(server.taken, 1, "%s: nothing comes later", name);
}

static void test_partly(void)
{
    start_mailer("1");
    notify(1, WH_MAIL_DISABLING);
    is_int(wait_for(&server.taken, 1), 1,
           "one bad address does not keep the others from knowing");
    stop_mailer();
}

static void test_nobody(void)
{
    const char *url = settings.mail_server;

    settings.mail_server = "smtp://127.0.0.1:1";
    start_mailer("o");
    notify(1, WH_MAIL_DISABLING);
    stop_mailer();
    is_int(server.connections, 0, "no mail server there");
    settings.mail_server = url;
}

/* The server takes the connection and says nothing. */
static void test_stop(void)
{
    apr_time_t begun;

    start_mailer("so");
    notify(1, WH_MAIL_DISABLING);
    notify(2, WH_MAIL_DISABLING);
    is_int(wait_for(&server.connections, 1), 1, "a silent server");
    begun = apr_time_now();
    wh_mailer_stop(mailer, begun + apr_time_from_msec(200));
    ok(apr_time_now() - begun >= apr_time_from_msec(200),
       "it is waited for until the deadline");
    is_int(server.taken, 0, "what is left is dropped");
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    apr_initialize();
    apr_pool_create(&pool, NULL);
    curl_global_init(CURL_GLOBAL_ALL);
    open_server();
    test_none();
    test_idle();
    test_sent();
    test_unwanted();
    test_once();
    test_many();
    test_tries("bo", 2, 1, "busy once");
    test_tries("bbo", 3, 1, "busy twice");
    test_tries("bbb", 3, 0, "busy");
    test_tries("n", 1, 0, "refused");
    test_partly();
    test_nobody();
    test_stop();
    close_server();
    curl_global_cleanup();
    apr_terminate();
    return done_testing();
}
