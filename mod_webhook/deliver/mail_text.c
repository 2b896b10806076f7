/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/mail_text.h"

#include <apr_base64.h>
#include <apr_strings.h>
#include <curl/curl.h>
#include <jansson.h>
#include <string.h>

#include "base/text.h"
#include "model/webhook_json.h"

#define VIA_EMAIL 1

/* Longest line that RFC 2047 and 2045 allow for what is encoded. */
#define LINE_MAX_BYTES 76

/* "=?UTF-8?B?" and "?=", and the bytes that one encoded word of 75 characters
 * can hold, in whole groups of base64. */
#define WORD_FRAME 12
#define WORD_BYTES 45

/* Bytes that one line of base64 holds. */
#define BODY_LINE_BYTES 57

/* A subject names the webhook with so many bytes; the text has all of it. */
#define SUBJECT_NAME_MAX 60

#define CRLF "\r\n"

int wh_mail_wanted(wh_mail_kind_t kind, const wh_webhook_t *webhook)
{
    if (webhook->notify_via == 0 && webhook->notify_when == 0) {
        return kind == WH_MAIL_DISABLING;
    }
    return (webhook->notify_via & VIA_EMAIL) &&
           (webhook->notify_when & (int)kind);
}

static int is_printable_ascii(const char *text)
{
    for (; *text; text++) {
        if (*text < ' ' || *text > '~') {
            return 0;
        }
    }
    return 1;
}

static int contains(const apr_array_header_t *list, const char *text)
{
    int i;

    for (i = 0; i < list->nelts; i++) {
        if (!strcmp(APR_ARRAY_IDX(list, i, const char *), text)) {
            return 1;
        }
    }
    return 0;
}

/* The row may have been written by hand, so each is judged again. */
apr_array_header_t *wh_mail_recipients(const char *error_emails,
                                       apr_pool_t *pool)
{
    apr_array_header_t *list = apr_array_make(pool, 1, sizeof(const char *));
    json_t *all = error_emails ? json_loads(error_emails, 0, NULL) : NULL;
    size_t i;

    for (i = 0;
         i < json_array_size(all) && list->nelts < WH_MAIL_RECIPIENTS_MAX;
         i++) {
        const char *text = json_string_value(json_array_get(all, i));

        if (text && wh_webhook_json_is_email(text) &&
            is_printable_ascii(text) && !contains(list, text)) {
            APR_ARRAY_PUSH(list, const char *) = apr_pstrdup(pool, text);
        }
    }
    json_decref(all);
    return list;
}

/* One line of UTF-8, whatever it was. */
static const char *one_line(const char *text, apr_pool_t *pool)
{
    char *line = apr_pstrdup(pool, text ? text : "");
    char *c;

    wh_text_clean(line, strlen(line));
    for (c = line; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            *c = ' ';
        }
    }
    return line;
}

/* Longest part of at most limit bytes that ends with a whole character. */
static apr_size_t whole_characters(const char *text, apr_size_t limit)
{
    apr_size_t length = strlen(text);

    if (length <= limit) {
        return length;
    }
    while (limit > 0 && ((unsigned char)text[limit] & 0xc0) == 0x80) {
        limit--;
    }
    return limit;
}

static const char *base64(const char *bytes, apr_size_t length,
                          apr_pool_t *pool)
{
    char *text =
        apr_palloc(pool, (apr_size_t)apr_base64_encode_len((int)length));

    apr_base64_encode(text, bytes, (int)length);
    return text;
}

/* A header whose value is free text (RFC 2047). "=?" would be taken for the
 * begin of an encoded word. */
static const char *free_header(const char *name, const char *value,
                               apr_pool_t *pool)
{
    const char *line = apr_pstrcat(pool, name, ":", NULL);
    apr_size_t limit;

    if (is_printable_ascii(value) && !strstr(value, "=?") &&
        strlen(line) + 1 + strlen(value) <= LINE_MAX_BYTES) {
        return apr_pstrcat(pool, line, " ", value, CRLF, NULL);
    }
    limit = (LINE_MAX_BYTES - strlen(line) - 1 - WORD_FRAME) / 4 * 3;
    while (*value) {
        apr_size_t length = whole_characters(value, limit);

        line = apr_pstrcat(pool, line, " =?UTF-8?B?",
                           base64(value, length, pool), "?=", NULL);
        value += length;
        if (*value) {
            line = apr_pstrcat(pool, line, CRLF, NULL);
        }
        limit = WORD_BYTES;
    }
    return apr_pstrcat(pool, line, CRLF, NULL);
}

static const char *subject(const wh_mail_fields_t *fields, const char *name,
                           apr_pool_t *pool)
{
    apr_size_t length = whole_characters(name, SUBJECT_NAME_MAX);

    return apr_psprintf(pool, "Webhook %d %s: %.*s%s", fields->webhook_id,
                        fields->kind == WH_MAIL_DISABLING ? "disabled"
                                                          : "fails",
                        (int)length, name, name[length] ? "..." : "");
}

/* "Mon, 23 Nov 2026 15:26:00 GMT" in the form of RFC 5322, which has no names
 * of zones for those who write. */
static const char *date(apr_time_t time, apr_pool_t *pool)
{
    char text[APR_RFC822_DATE_LEN];

    apr_rfc822_date(text, time);
    text[sizeof(text) - sizeof("GMT")] = '\0';
    return apr_pstrcat(pool, text, "+0000", NULL);
}

/* One on a line: some of them are long. */
static const char *recipients_header(const apr_array_header_t *recipients,
                                     apr_pool_t *pool)
{
    const char *line = "To:";
    int i;

    for (i = 0; i < recipients->nelts; i++) {
        line =
            apr_pstrcat(pool, line, i ? "," CRLF " <" : " <",
                        APR_ARRAY_IDX(recipients, i, const char *), ">", NULL);
    }
    return apr_pstrcat(pool, line, CRLF, NULL);
}

static const char *headers(const wh_mail_fields_t *fields, const char *name,
                           apr_pool_t *pool)
{
    const char *domain = strchr(fields->from, '@');

    return apr_pstrcat(
        pool, "Date: ", date(fields->time, pool), CRLF "From: <", fields->from,
        ">" CRLF, recipients_header(fields->recipients, pool),
        free_header("Subject", subject(fields, name, pool), pool),
        "Message-ID: <", fields->id, domain ? domain : "@localhost",
        ">" CRLF "MIME-Version: 1.0" CRLF
        "Content-Type: text/plain; charset=utf-8" CRLF
        "Content-Transfer-Encoding: base64" CRLF
        "Auto-Submitted: auto-generated" CRLF CRLF,
        NULL);
}

/* The parser that deliveries use; NULL: the URL has no host. */
static const char *host_of(const char *url, apr_pool_t *pool)
{
    CURLU *parsed = curl_url();
    const char *host = NULL;
    char *text = NULL;

    if (parsed && url &&
        curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parsed, CURLUPART_HOST, &text, 0) == CURLUE_OK) {
        host = one_line(text, pool);
    }
    curl_free(text);
    curl_url_cleanup(parsed);
    return host ? host : "(none)";
}

static const char first_failure_text[] =
    "A delivery to this webhook has failed, for the first time since one "
    "arrived." CRLF;

static const char first_failure_advice[] =
    "Deliveries that fail are tried again for a while. If the errors go on, "
    "see whether the" CRLF
    "receiver runs and what it answers: the webhook's LastError tells what "
    "came back." CRLF;

static const char disabling_text[] =
    "This webhook has been disabled, because its target failed too "
    "often." CRLF;

static const char gone_text[] =
    "This webhook has been disabled, because its target has answered that it "
    "is gone (410)." CRLF;

static const char disabling_advice[] =
    "Its state is TooManyErrors: events are no longer sent to it. Repair the "
    "receiver, see" CRLF
    "the webhook's LastError, and then set its State to Active again." CRLF;

static const char kept_text[] =
    "What waits for it, and comes meanwhile, is kept for a time and goes out "
    "then." CRLF;

static const char dropped_text[] =
    "What waited for it has been discarded, and new events do not reach "
    "it." CRLF;

static const char *text_of(const wh_mail_fields_t *fields, const char *name,
                           apr_pool_t *pool)
{
    int disabling = fields->kind == WH_MAIL_DISABLING;
    const char *text = !disabling        ? first_failure_text
                       : fields->is_gone ? gone_text
                                         : disabling_text;
    const char *waiting = fields->drops ? dropped_text : kept_text;

    return apr_psprintf(
        pool,
        "%s" CRLF "Webhook:     %s" CRLF "Id:          %d" CRLF
        "Target host: %s" CRLF "Event:       %s" CRLF "EventId:     %s" CRLF
        "Error:       %s" CRLF CRLF "%s%s",
        text, name, fields->webhook_id, host_of(fields->target_url, pool),
        one_line(fields->event_name, pool), one_line(fields->event_uuid, pool),
        one_line(fields->error, pool),
        disabling ? disabling_advice : first_failure_advice,
        disabling ? waiting : "");
}

static const char *encode_text(const char *text, apr_pool_t *pool)
{
    apr_array_header_t *lines = apr_array_make(pool, 32, sizeof(const char *));
    apr_size_t left = strlen(text);

    while (left > 0) {
        apr_size_t length = left < BODY_LINE_BYTES ? left : BODY_LINE_BYTES;

        APR_ARRAY_PUSH(lines, const char *) =
            apr_pstrcat(pool, base64(text, length, pool), CRLF, NULL);
        text += length;
        left -= length;
    }
    return apr_array_pstrcat(pool, lines, 0);
}

const char *wh_mail_render(const wh_mail_fields_t *fields, apr_pool_t *pool)
{
    const char *name = one_line(fields->webhook_name, pool);

    return apr_pstrcat(pool, headers(fields, name, pool),
                       encode_text(text_of(fields, name, pool), pool), NULL);
}
