/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/mail.h"

#include <apr_atomic.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <curl/curl.h>
#include <poll.h>
#include <string.h>

#include "base/identifier.h"
#include "base/inbox.h"
#include "base/log.h"
#include "base/pool.h"

/* Without anything to do the thread looks round this often, in ms. */
#define ROUND_MAX 60000

/* Drops are logged once in this time, with their number. */
#define QUIET_TIME apr_time_from_sec(10 * 60)

/* A server's reply to one command. */
#define RESPONSE_SECONDS 5L

enum { MESSAGE_MAIL, MESSAGE_STOP };

/* One mail: made by the commit thread, then the mail thread's. */
typedef struct mail_t {
    wh_message_t message; /* first: it is posted, and queued */
    apr_pool_t *pool;     /* own allocator; the mail lies in it */
    wh_mail_fields_t fields;
    int tries;
    apr_time_t due;
    /* while it is sent */
    const char *text;
    apr_size_t length;
    apr_size_t read; /* bytes that libcurl has taken */
    struct curl_slist *to;
} mail_t;

/* A mail that was let through. */
typedef struct sent_t {
    apr_time_t time; /* 0: none */
    apr_int32_t webhook_id;
    wh_mail_kind_t kind;
} sent_t;

typedef struct stop_t {
    wh_message_t message;
    apr_time_t deadline;
} stop_t;

struct wh_mailer_t {
    const wh_settings_t *settings;
    apr_pool_t *pool;
    apr_thread_t *thread;
    wh_inbox_t *inbox;
    apr_interval_time_t retry; /* set before the first mail */
    stop_t stop;
    volatile apr_uint32_t waiting; /* mails posted and not yet ended */
    /* owned by the thread that notifies */
    apr_uint32_t refused;
    /* owned by the mail thread */
    CURLM *multi;
    CURL *easy; /* of the mail being sent */
    mail_t *sending;
    wh_message_list_t queue;
    sent_t sent[WH_MAIL_PER_HOUR]; /* a ring */
    int oldest;                    /* its next place */
    int dropped;                   /* not yet logged */
    apr_time_t quiet_until;
    int stopping;
    apr_time_t deadline;
};

static void end_mail(wh_mailer_t *mailer, mail_t *mail)
{
    curl_slist_free_all(mail->to);
    apr_pool_destroy(mail->pool);
    apr_atomic_dec32(&mailer->waiting);
}

/* -- limits --------------------------------------------------------------- */

/* A clock that was set back ends the time too. */
static int is_recent(apr_time_t time, apr_interval_time_t interval,
                     apr_time_t now)
{
    return time && now >= time && now - time < interval;
}

static const char *limit_reached(const wh_mailer_t *mailer, const mail_t *mail,
                                 apr_time_t now)
{
    int i;

    if (is_recent(mailer->sent[mailer->oldest].time, apr_time_from_sec(3600),
                  now)) {
        return "there were too many in an hour";
    }
    for (i = 0; i < WH_MAIL_PER_HOUR; i++) {
        const sent_t *sent = &mailer->sent[i];

        if (sent->webhook_id == mail->fields.webhook_id &&
            sent->kind == mail->fields.kind &&
            is_recent(sent->time, WH_MAIL_INTERVAL, now)) {
            return "it was told a short while ago";
        }
    }
    return NULL;
}

static void drop(wh_mailer_t *mailer, mail_t *mail, const char *why,
                 apr_time_t now)
{
    mailer->dropped++;
    if (now >= mailer->quiet_until || mailer->quiet_until > now + QUIET_TIME) {
        wh_log(WH_LOG_INFO, APR_SUCCESS,
               WHLOGNO(1271) "%d mails not sent, the last one about webhook "
                             "%d: %s",
               mailer->dropped, mail->fields.webhook_id, why);
        mailer->dropped = 0;
        mailer->quiet_until = now + QUIET_TIME;
    }
    end_mail(mailer, mail);
}

static void admit(wh_mailer_t *mailer, mail_t *mail, apr_time_t now)
{
    const char *why = limit_reached(mailer, mail, now);
    sent_t *sent = &mailer->sent[mailer->oldest];

    if (why) {
        drop(mailer, mail, why, now);
        return;
    }
    sent->time = now;
    sent->webhook_id = mail->fields.webhook_id;
    sent->kind = mail->fields.kind;
    mailer->oldest = (mailer->oldest + 1) % WH_MAIL_PER_HOUR;
    mail->due = now;
    wh_message_list_add(&mailer->queue, &mail->message);
}

static void read_inbox(wh_mailer_t *mailer)
{
    wh_message_t *message = wh_inbox_take(mailer->inbox);

    while (message) {
        wh_message_t *next = message->next;

        if (message->kind == MESSAGE_STOP) {
            mailer->stopping = 1;
            mailer->deadline = ((stop_t *)message)->deadline;
        }
        else {
            admit(mailer, (mail_t *)message, apr_time_now());
        }
        message = next;
    }
}

/* -- one mail ------------------------------------------------------------- */

static size_t read_text(char *buffer, size_t size, size_t count, void *baton)
{
    mail_t *mail = baton;
    apr_size_t left = mail->length - mail->read;
    apr_size_t length = size * count;

    if (length > left) {
        length = left;
    }
    memcpy(buffer, mail->text + mail->read, length);
    mail->read += length;
    return length;
}

/* What the server may say to us is not kept. */
static size_t ignore(char *data, size_t size, size_t count, void *baton)
{
    (void)data;
    (void)baton;
    return size * count;
}

static int is_smtps(const char *url)
{
    return strchr(url, ':') - url == sizeof("smtps") - 1;
}

static int set_server(CURL *easy, const wh_settings_t *settings)
{
    long milliseconds = (long)apr_time_as_msec(WH_MAIL_TIMEOUT);
    int verify = is_smtps(settings->mail_server);
    CURLcode rc = CURLE_OK;

    rc |= curl_easy_setopt(easy, CURLOPT_URL, settings->mail_server);
    rc |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    /* Empty, not NULL: NULL would look at the environment. */
    rc |= curl_easy_setopt(easy, CURLOPT_PROXY, "");
    rc |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    rc |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    rc |= curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    rc |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds);
    rc |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds);
    rc |= curl_easy_setopt(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT,
                           RESPONSE_SECONDS);
    rc |= curl_easy_setopt(easy, CURLOPT_USE_SSL, (long)CURLUSESSL_TRY);
    rc |= curl_easy_setopt(easy, CURLOPT_SSLVERSION,
                           (long)CURL_SSLVERSION_TLSv1_2);
    rc |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
    rc |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
    if (settings->ca_file) {
        rc |= curl_easy_setopt(easy, CURLOPT_CAINFO, settings->ca_file);
    }
    return rc == CURLE_OK;
}

static int set_mail(CURL *easy, mail_t *mail)
{
    CURLcode rc = CURLE_OK;

    rc |= curl_easy_setopt(easy, CURLOPT_MAIL_FROM, mail->fields.from);
    rc |= curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, mail->to);
    /* One bad address shall not keep the others from knowing. */
    rc |= curl_easy_setopt(easy, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
    rc |= curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    rc |= curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_text);
    rc |= curl_easy_setopt(easy, CURLOPT_READDATA, mail);
    rc |= curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE,
                           (curl_off_t)mail->length);
    rc |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore);
    return rc == CURLE_OK;
}

static int prepare(mail_t *mail)
{
    int i;

    mail->read = 0;
    if (mail->text) {
        return 1;
    }
    for (i = 0; i < mail->fields.recipients->nelts; i++) {
        struct curl_slist *longer = curl_slist_append(
            mail->to, APR_ARRAY_IDX(mail->fields.recipients, i, const char *));

        if (!longer) {
            return 0;
        }
        mail->to = longer;
    }
    mail->text = wh_mail_render(&mail->fields, mail->pool);
    mail->length = strlen(mail->text);
    return 1;
}

/* A reply of 500 and above is the server's last word (RFC 5321 section
 * 4.2.1). */
static int is_final(const wh_mailer_t *mailer, const mail_t *mail, long reply)
{
    return reply >= 500 || mail->tries >= WH_MAIL_TRIES || mailer->stopping;
}

static void end_failed(wh_mailer_t *mailer, mail_t *mail, CURLcode code,
                       long reply)
{
    int final;

    mail->tries++;
    final = is_final(mailer, mail, reply);
    wh_log(final ? WH_LOG_WARNING : WH_LOG_INFO, APR_SUCCESS,
           WHLOGNO(1272) "mail about webhook %d, try %d: %s, reply %ld%s",
           mail->fields.webhook_id, mail->tries, curl_easy_strerror(code),
           reply, final ? "; it is not sent" : "");
    if (final) {
        end_mail(mailer, mail);
        return;
    }
    mail->due = apr_time_now() + (mail->tries == 1 ? 1 : 4) * mailer->retry;
    wh_message_list_add(&mailer->queue, &mail->message);
}

static void end_send(wh_mailer_t *mailer, CURLcode code)
{
    mail_t *mail = mailer->sending;
    long reply = 0;

    mailer->sending = NULL;
    if (mailer->easy) {
        curl_easy_getinfo(mailer->easy, CURLINFO_RESPONSE_CODE, &reply);
        curl_multi_remove_handle(mailer->multi, mailer->easy);
        curl_easy_cleanup(mailer->easy);
        mailer->easy = NULL;
    }
    if (code != CURLE_OK) {
        end_failed(mailer, mail, code, reply);
        return;
    }
    wh_log(WH_LOG_INFO, APR_SUCCESS,
           WHLOGNO(1273) "mail about webhook %d sent to %d addresses",
           mail->fields.webhook_id, mail->fields.recipients->nelts);
    end_mail(mailer, mail);
}

static void begin_send(wh_mailer_t *mailer, mail_t *mail)
{
    mailer->sending = mail;
    mailer->easy = curl_easy_init();
    if (!mailer->easy || !prepare(mail) ||
        !set_server(mailer->easy, mailer->settings) ||
        !set_mail(mailer->easy, mail) ||
        curl_multi_add_handle(mailer->multi, mailer->easy) != CURLM_OK) {
        end_send(mailer, CURLE_OUT_OF_MEMORY);
    }
}

/* -- the thread ----------------------------------------------------------- */

/* At a stop there is no time for a second try. */
static int may_be_sent(const wh_mailer_t *mailer, const mail_t *mail)
{
    return !mailer->stopping || mail->tries == 0;
}

/* The mail that is due first; NULL: none. */
static mail_t *find_next(const wh_mailer_t *mailer)
{
    wh_message_t *message;
    mail_t *first = NULL;

    for (message = mailer->queue.first; message; message = message->next) {
        mail_t *mail = (mail_t *)message;

        if (may_be_sent(mailer, mail) && (!first || mail->due < first->due)) {
            first = mail;
        }
    }
    return first;
}

static void take_from_queue(wh_mailer_t *mailer, mail_t *mail)
{
    wh_message_t *message = mailer->queue.first;

    mailer->queue.first = mailer->queue.last = NULL;
    while (message) {
        wh_message_t *next = message->next;

        if (message != &mail->message) {
            wh_message_list_add(&mailer->queue, message);
        }
        message = next;
    }
}

static void start_next(wh_mailer_t *mailer)
{
    mail_t *mail = mailer->sending ? NULL : find_next(mailer);
    apr_time_t now = apr_time_now();

    /* A clock that was set back makes nothing wait longer than it may. */
    if (mail && (mail->due <= now || mail->due > now + 4 * mailer->retry)) {
        take_from_queue(mailer, mail);
        begin_send(mailer, mail);
    }
}

static int wait_milliseconds(const wh_mailer_t *mailer)
{
    const mail_t *mail = mailer->sending ? NULL : find_next(mailer);
    apr_time_t now = apr_time_now();
    apr_interval_time_t left = apr_time_from_msec(ROUND_MAX);

    if (mail && mail->due - now < left) {
        left = mail->due - now;
    }
    if (mailer->stopping && mailer->deadline - now < left) {
        left = mailer->deadline - now;
    }
    return left <= 0 ? 0 : (int)((left + 999) / 1000);
}

/* Until a mail, the stop, the mail server or the clock wants something. */
static void wait_for_work(wh_mailer_t *mailer)
{
    int descriptor = wh_inbox_descriptor(mailer->inbox);
    struct curl_waitfd inbox = {.fd = descriptor, .events = CURL_WAIT_POLLIN};
    struct pollfd alone = {.fd = descriptor, .events = POLLIN};
    int milliseconds = wait_milliseconds(mailer);

    /* libcurl without memory: a second of rest. */
    if (curl_multi_poll(mailer->multi, &inbox, 1, milliseconds, NULL) !=
            CURLM_OK &&
        poll(&alone, 1, 1000) < 0) {
        wh_log(WH_LOG_DEBUG, APR_SUCCESS, WHLOGNO(1274) "no wait for mail");
    }
}

static void transfer(wh_mailer_t *mailer)
{
    CURLMsg *message;
    int unused;

    curl_multi_perform(mailer->multi, &unused);
    while ((message = curl_multi_info_read(mailer->multi, &unused))) {
        if (message->msg == CURLMSG_DONE && mailer->sending) {
            end_send(mailer, message->data.result);
        }
    }
}

static int is_done(const wh_mailer_t *mailer)
{
    return mailer->stopping && ((!mailer->sending && !find_next(mailer)) ||
                                apr_time_now() >= mailer->deadline);
}

static void drop_rest(wh_mailer_t *mailer)
{
    wh_message_t *message;
    int count = mailer->dropped;

    if (mailer->sending) {
        end_send(mailer, CURLE_ABORTED_BY_CALLBACK);
    }
    for (message = mailer->queue.first; message; count++) {
        wh_message_t *next = message->next;

        end_mail(mailer, (mail_t *)message);
        message = next;
    }
    if (count > 0) {
        wh_log(WH_LOG_WARNING, APR_SUCCESS,
               WHLOGNO(1275) "%d mails are not sent: the dispatcher stops",
               count);
    }
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *data)
{
    wh_mailer_t *mailer = data;

    (void)thread;
    while (!is_done(mailer)) {
        start_next(mailer);
        wait_for_work(mailer);
        read_inbox(mailer);
        transfer(mailer);
    }
    drop_rest(mailer);
    return NULL;
}

/* -- from outside --------------------------------------------------------- */

static void destroy(wh_mailer_t *mailer)
{
    if (mailer->multi) {
        curl_multi_cleanup(mailer->multi);
    }
    apr_pool_destroy(mailer->pool);
}

apr_status_t wh_mailer_start(wh_mailer_t **result,
                             const wh_settings_t *settings)
{
    wh_mailer_t *mailer;
    apr_pool_t *pool;
    apr_status_t rv;

    *result = NULL;
    if (!settings->mail_server) {
        return APR_SUCCESS;
    }
    /* The thread's own pool may be made of it. */
    rv = wh_pool_create(&pool, "webhook_mailer", 1);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    mailer = apr_pcalloc(pool, sizeof(*mailer));
    mailer->pool = pool;
    mailer->settings = settings;
    mailer->retry = WH_MAIL_RETRY;
    mailer->multi = curl_multi_init();
    rv = mailer->multi ? wh_inbox_create(&mailer->inbox, pool) : APR_ENOMEM;
    if (rv == APR_SUCCESS) {
        rv = apr_thread_create(&mailer->thread, NULL, run, mailer, pool);
    }
    if (rv != APR_SUCCESS) {
        destroy(mailer);
        return rv;
    }
    *result = mailer;
    return APR_SUCCESS;
}

void wh_mailer_retry_set(wh_mailer_t *mailer, apr_interval_time_t wait)
{
    mailer->retry = wait;
}

static void post(wh_mailer_t *mailer, wh_message_t *message, int kind)
{
    wh_message_list_t list = {NULL, NULL};

    message->kind = kind;
    wh_message_list_add(&list, message);
    wh_inbox_post(mailer->inbox, &list);
}

static void fill(wh_mail_fields_t *fields, wh_mail_kind_t kind,
                 const wh_webhook_t *webhook, apr_pool_t *pool)
{
    fields->kind = kind;
    fields->webhook_id = webhook->id;
    fields->webhook_name = apr_pstrdup(pool, webhook->name);
    fields->target_url = apr_pstrdup(pool, webhook->target_url);
}

/* NULL: there is nothing to send, or no memory for it. */
static mail_t *create_mail(const wh_mailer_t *mailer, wh_mail_kind_t kind,
                           const wh_webhook_t *webhook)
{
    char id[WH_UUID_SIZE];
    apr_pool_t *pool;
    mail_t *mail;

    if (!wh_mail_wanted(kind, webhook) ||
        wh_uuid_create(id, apr_time_now()) != APR_SUCCESS ||
        wh_pool_create(&pool, "webhook_mail", 0) != APR_SUCCESS) {
        return NULL;
    }
    mail = apr_pcalloc(pool, sizeof(*mail));
    mail->pool = pool;
    mail->fields.recipients = wh_mail_recipients(webhook->error_emails, pool);
    if (mail->fields.recipients->nelts == 0) {
        apr_pool_destroy(pool);
        return NULL;
    }
    mail->fields.id = apr_pstrdup(pool, id);
    mail->fields.from = mailer->settings->mail_from;
    fill(&mail->fields, kind, webhook, pool);
    return mail;
}

void wh_mailer_notify(wh_mailer_t *mailer, wh_mail_kind_t kind,
                      const wh_webhook_t *webhook, const char *event_name,
                      const char *event_uuid, const char *error)
{
    mail_t *mail;

    if (!mailer) {
        return;
    }
    if (apr_atomic_read32(&mailer->waiting) >= WH_MAIL_QUEUE) {
        if (mailer->refused++ % WH_MAIL_QUEUE == 0) {
            wh_log(WH_LOG_WARNING, APR_SUCCESS,
                   WHLOGNO(1276) "too many mails wait: that about webhook %d "
                                 "is not sent, %u so far",
                   webhook->id, mailer->refused);
        }
        return;
    }
    mail = create_mail(mailer, kind, webhook);
    if (!mail) {
        return;
    }
    mail->fields.time = apr_time_now();
    mail->fields.event_name = apr_pstrdup(mail->pool, event_name);
    mail->fields.event_uuid = apr_pstrdup(mail->pool, event_uuid);
    mail->fields.error = apr_pstrdup(mail->pool, error);
    mail->fields.is_gone = !strcmp(error, "status 410");
    mail->fields.drops = mailer->settings->disable_drops;
    apr_atomic_inc32(&mailer->waiting);
    post(mailer, &mail->message, MESSAGE_MAIL);
}

void wh_mailer_stop(wh_mailer_t *mailer, apr_time_t deadline)
{
    apr_status_t rv;

    if (!mailer) {
        return;
    }
    mailer->stop.deadline = deadline;
    post(mailer, &mailer->stop.message, MESSAGE_STOP);
    apr_thread_join(&rv, mailer->thread);
    destroy(mailer);
}
