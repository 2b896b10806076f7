/* SPDX-License-Identifier: Apache-2.0 */
/* What a mail says, and to whom. */
#include <apr_base64.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <ctype.h>
#include <string.h>

#include "deliver/mail_text.h"
#include "unit/tap.h"

#define TIME APR_INT64_C(1795447560123456) /* 2026-11-23T15:26:00Z */

static apr_pool_t *pool;

static void test_wanted(void)
{
    static const struct {
        int via, when, first, disabling;
        const char *name;
    } rows[] = {{0, 0, 0, 1, "neither: as in the older API"},
                {1, 0, 0, 0, "mail, never"},
                {0, 3, 0, 0, "always, by nothing"},
                {2, 3, 0, 0, "always, in the application"},
                {1, 1, 1, 0, "mail at the first failure"},
                {1, 2, 0, 1, "mail when disabled"},
                {1, 3, 1, 1, "mail for both"},
                {3, 3, 1, 1, "both, by both"}};
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        wh_webhook_t webhook = {.notify_via = rows[i].via,
                                .notify_when = rows[i].when};

        is_int(wh_mail_wanted(WH_MAIL_FIRST_FAILURE, &webhook) != 0,
               rows[i].first, "%s: first failure", rows[i].name);
        is_int(wh_mail_wanted(WH_MAIL_DISABLING, &webhook) != 0,
               rows[i].disabling, "%s: disabling", rows[i].name);
    }
}

static const char *recipients(const char *error_emails)
{
    return apr_array_pstrcat(pool, wh_mail_recipients(error_emails, pool), ' ');
}

static void test_recipients(void)
{
    const char *many = "[\"a0@b\"";
    int i;

    is_str(recipients(NULL), "", "none");
    is_str(recipients("[]"), "", "an empty list");
    is_str(recipients("{\"a@b\":\"a@b\"}"), "", "no list");
    is_str(recipients("no JSON"), "", "no JSON");
    is_str(recipients("[\"a@b.example\"]"), "a@b.example", "one");
    is_str(recipients("[\"a@b\",\"c@d\",\"a@b\"]"), "a@b c@d", "each once");
    is_str(recipients("[1,null,\"\",\"a\",\"@b\",\"a@\",\"a@b@c\",\"x@y\"]"),
           "x@y", "only addresses");
    is_str(recipients("[\"a@b\\r\\nBcc: c@d\",\"a b@c\",\"<a@b>\","
                      "\"a@b,c@d\",\"a@b\\u007f\",\"x@y\"]"),
           "x@y", "none that would be more than one");
    is_str(recipients("[\"a@b\\u0000\",\"x@y\"]"), "", "no NUL");
    is_str(recipients("[\"\\u00e9@b.example\",\"x@y\"]"), "x@y",
           "only ASCII, which every server takes");
    for (i = 1; i < 50; i++) {
        many = apr_psprintf(pool, "%s,\"a%d@b\"", many, i);
    }
    is_int(wh_mail_recipients(apr_pstrcat(pool, many, "]", NULL), pool)->nelts,
           WH_MAIL_RECIPIENTS_MAX, "not more than so many");
}

static wh_mail_fields_t sample(void)
{
    wh_mail_fields_t fields = {
        .kind = WH_MAIL_DISABLING,
        .time = TIME,
        .id = "8f4a1c52-6d0b-7c39-9a53-0b7a3c1d2e4f",
        .from = "webhooks@sender.example",
        .webhook_id = 7,
        .webhook_name = "My hook",
        .target_url = "https://receiver.example:8443/in?key=SECRET",
        .event_name = "sale.sold",
        .event_uuid = "0190a1c5-6d0b-7c39-9a53-0b7a3c1d2e4f",
        .error = "status 503"};

    fields.recipients = wh_mail_recipients("[\"a@b.example\"]", pool);
    return fields;
}

/* Rules for every mail: ASCII, CR LF, short lines. */
static void is_orderly(const char *mail, const char *name)
{
    const char *line = mail;
    int wrong = 0;

    while (*line) {
        size_t length = strcspn(line, "\r\n"), i;

        for (i = 0; i < length; i++) {
            wrong += (unsigned char)line[i] < ' ' || line[i] > '~';
        }
        wrong += length > 76 || strncmp(line + length, "\r\n", 2) != 0;
        line += length + (wrong ? strlen(line + length) : 2);
    }
    is_int(wrong, 0, "%s: short lines of ASCII, each with its end", name);
}

/* The header block with one header on a line. */
static const char *unfolded(const char *mail)
{
    const char *end = strstr(mail, "\r\n\r\n");
    char *text = apr_pstrndup(pool, mail, (apr_size_t)(end + 2 - mail));
    char *from, *to = text;

    for (from = text; *from; from++) {
        if (!strncmp(from, "\r\n ", 3)) {
            from += 2;
            *to++ = ' ';
        }
        else {
            *to++ = *from;
        }
    }
    *to = '\0';
    return text;
}

static const char *header(const char *mail, const char *name)
{
    const char *line = apr_pstrcat(pool, "\r\n", unfolded(mail), NULL);
    const char *start = apr_pstrcat(pool, "\r\n", name, ": ", NULL);
    const char *found = strstr(line, start);

    if (!found || strstr(found + 2, start)) {
        return found ? "twice" : "missing";
    }
    found += strlen(start);
    return apr_pstrndup(pool, found, strcspn(found, "\r"));
}

static int count_headers(const char *mail)
{
    const char *line;
    int count = 0;

    for (line = unfolded(mail); (line = strstr(line, "\r\n")); line += 2) {
        count++;
    }
    return count;
}

static const char *decode(const char *text, apr_size_t length)
{
    const char *encoded = apr_pstrndup(pool, text, length);
    char *bytes = apr_pcalloc(pool, length + 3);

    apr_base64_decode(bytes, encoded);
    return bytes;
}

/* Encoded words of a header, joined. */
static const char *decode_words(const char *value)
{
    const char *text = "";

    while ((value = strstr(value, "=?UTF-8?B?"))) {
        size_t length = strcspn(value + 10, "?");

        if (length + 12 > 75) {
            return "too long a word";
        }
        text = apr_pstrcat(pool, text, decode(value + 10, length), NULL);
        value += 10 + length;
    }
    return text;
}

static const char *body_of(const char *mail)
{
    const char *line = strstr(mail, "\r\n\r\n") + 4;
    const char *text = "";

    while (*line) {
        size_t length = strcspn(line, "\r");

        text = apr_pstrcat(pool, text, decode(line, length), NULL);
        line += length + 2;
    }
    return text;
}

static const char *line_of(const char *body, const char *name)
{
    const char *found = strstr(body, name);

    found = found ? found + strlen(name) : "";
    found += strspn(found, " ");
    return apr_pstrndup(pool, found, strcspn(found, "\r"));
}

/* What has become of it, and of what waits for it. */
static void test_disabling(void)
{
    wh_mail_fields_t fields = sample();
    const char *body = body_of(wh_mail_render(&fields, pool));

    ok(strstr(body, "failed too often") && strstr(body, "is kept"),
       "what waits is kept");
    fields.drops = fields.is_gone = 1;
    body = body_of(wh_mail_render(&fields, pool));
    ok(strstr(body, "it is gone (410)") && strstr(body, "been discarded"),
       "it is gone, and what waits is discarded");
}

static void test_headers(void)
{
    wh_mail_fields_t fields = sample();
    const char *mail = wh_mail_render(&fields, pool);

    is_orderly(mail, "a mail");
    is_str(header(mail, "Date"), "Mon, 23 Nov 2026 15:26:00 +0000", "Date");
    is_str(header(mail, "From"), "<webhooks@sender.example>", "From");
    is_str(header(mail, "To"), "<a@b.example>", "To");
    is_str(header(mail, "Subject"), "Webhook 7 disabled: My hook", "Subject");
    is_str(header(mail, "Message-ID"),
           "<8f4a1c52-6d0b-7c39-9a53-0b7a3c1d2e4f@sender.example>",
           "Message-ID");
    is_str(header(mail, "MIME-Version"), "1.0", "MIME-Version");
    is_str(header(mail, "Content-Type"), "text/plain; charset=utf-8",
           "Content-Type");
    is_str(header(mail, "Content-Transfer-Encoding"), "base64", "encoding");
    is_str(header(mail, "Auto-Submitted"), "auto-generated", "Auto-Submitted");
    is_int(count_headers(mail), 9, "and no more");
    fields.recipients =
        wh_mail_recipients("[\"a@b.example\",\"c@d.example\"]", pool);
    fields.kind = WH_MAIL_FIRST_FAILURE;
    mail = wh_mail_render(&fields, pool);
    is_str(header(mail, "To"), "<a@b.example>, <c@d.example>", "two");
    is_str(header(mail, "Subject"), "Webhook 7 fails: My hook",
           "first failure");
    ok(strstr(mail, "\r\nTo: <a@b.example>,\r\n <c@d.example>\r\n") != NULL,
       "one address on a line");
}

static void test_text(void)
{
    wh_mail_fields_t fields = sample();
    const char *body = body_of(wh_mail_render(&fields, pool));

    is_str(line_of(body, "Webhook:"), "My hook", "the webhook");
    is_str(line_of(body, "Id:"), "7", "its id");
    is_str(line_of(body, "Target host:"), "receiver.example", "the host");
    is_str(line_of(body, "Event:"), "sale.sold", "the event");
    is_str(line_of(body, "EventId:"), "0190a1c5-6d0b-7c39-9a53-0b7a3c1d2e4f",
           "its id");
    is_str(line_of(body, "Error:"), "status 503", "the error");
    ok(strstr(body, "State to Active") != NULL, "what to do");
    ok(!strstr(body, "SECRET") && !strstr(body, "/in"),
       "the rest of the URL is not told");
    fields.kind = WH_MAIL_FIRST_FAILURE;
    ok(strcmp(body, body_of(wh_mail_render(&fields, pool))) != 0,
       "a first failure says something else");
    fields.target_url = "no URL";
    body = body_of(wh_mail_render(&fields, pool));
    is_str(line_of(body, "Target host:"), "(none)", "no host");
    fields.target_url = NULL;
    fields.webhook_name = NULL;
    body = body_of(wh_mail_render(&fields, pool));
    is_str(line_of(body, "Webhook:"), "", "no name");
}

/* Whoever names a webhook writes no headers and no lines. */
static void test_hostile(void)
{
    static const char *const names[] = {
        "a\r\nBcc: victim@example.org\r\n\r\nBuy this",
        "a\nBcc: victim@example.org",
        "a\rBcc: victim@example.org",
        "\r\n.\r\nMAIL FROM:<x@y>\r\n",
        "\t\v\f\033[31m\177",
        "=?UTF-8?Q?=0D=0ABcc:_victim?=",
        "\377\376 not UTF-8 \303",
        "caf\303\251 \346\274\242\345\255\227 \360\237\230\200",
    };
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        wh_mail_fields_t fields = sample();
        const char *mail, *body;

        fields.webhook_name = names[i];
        fields.event_name = names[i];
        fields.error = names[i];
        mail = wh_mail_render(&fields, pool);
        is_orderly(mail, "a hostile name");
        is_int(count_headers(mail), 9, "makes no header");
        body = body_of(mail);
        ok(!strstr(body, "\nBcc") && !strstr(body, "\r\n."), "and no line");
        ok(!strchr(body, '\033') && !strchr(body, '\377'),
           "and steers no terminal");
        if (strncmp(header(mail, "Subject"), "Webhook 7 disabled: ", 20)) {
            ok(!strncmp(decode_words(header(mail, "Subject")),
                        "Webhook 7 disabled: ", 20),
               "the subject is encoded");
        }
    }
}

static void test_subjects(void)
{
    wh_mail_fields_t fields = sample();
    char name[WH_NAME_MAX + 1];
    int shift;

    fields.webhook_name = "caf\303\251";
    is_str(decode_words(header(wh_mail_render(&fields, pool), "Subject")),
           "Webhook 7 disabled: caf\303\251", "beyond ASCII");
    fields.webhook_name = "=?x?=";
    is_str(decode_words(header(wh_mail_render(&fields, pool), "Subject")),
           "Webhook 7 disabled: =?x?=", "what looks encoded");
    for (shift = 0; shift < 4; shift++) {
        const char *mail, *decoded;
        size_t i;

        memset(name, 'a', (size_t)shift);
        for (i = (size_t)shift; i + 4 <= WH_NAME_MAX; i += 4) {
            memcpy(name + i, "\360\237\230\200", 4);
        }
        name[i] = '\0';
        fields.webhook_name = name;
        mail = wh_mail_render(&fields, pool);
        is_orderly(mail, "a long name");
        decoded = decode_words(header(mail, "Subject"));
        ok(!strncmp(decoded + strlen(decoded) - 7, "\360\237\230\200...", 7),
           "is cut between characters");
        is_str(line_of(body_of(mail), "Webhook:"), name, "the text has all");
    }
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_wanted();
    test_recipients();
    test_headers();
    test_disabling();
    test_text();
    test_hostile();
    test_subjects();
    apr_terminate();
    return done_testing();
}
