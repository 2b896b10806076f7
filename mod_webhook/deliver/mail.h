/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Mail about failing webhooks, by libcurl's SMTP.
 * Stage: deliver · from: dispatcher (commit thread), by inbox · to: WebhookMailServer
 * runs on: a thread of its own, because a mail server may be slow · owns: its queue and limits
 *
 * Bounded: at most one mail of a kind for a webhook in WH_MAIL_INTERVAL, at
 * most WH_MAIL_PER_HOUR in all, at most WH_MAIL_QUEUE waiting; what is over is
 * dropped and counted in the log. A mail that the server does not take is
 * tried three times.
 *
 * The server is the operator's choice, so the address guard does not apply.
 * smtps:// is verified; with smtp:// TLS is used when the server offers it,
 * and then protects from those who only listen, as it could be left out
 * unnoticed by those who do more.
 */
#ifndef WH_DELIVER_MAIL_H
#define WH_DELIVER_MAIL_H

#include <apr_errno.h>
#include <apr_time.h>

#include "base/settings.h"
#include "deliver/mail_text.h"
#include "model/webhook.h"

#define WH_MAIL_INTERVAL apr_time_from_sec(60 * 60)
#define WH_MAIL_PER_HOUR 100
#define WH_MAIL_QUEUE 200

/** Longest time of one try to send a mail. */
#define WH_MAIL_TIMEOUT apr_time_from_sec(10)

/** Tries to send a mail, and the wait before the second one; before the third
 * it is four times as long. */
#define WH_MAIL_TRIES 3
#define WH_MAIL_RETRY apr_time_from_sec(15)

typedef struct wh_mailer_t wh_mailer_t;

/** Starts the thread. settings->mail_server NULL: *mailer is NULL, and the
 * other calls do nothing. curl_global_init() must have run. */
apr_status_t wh_mailer_start(wh_mailer_t **mailer,
                             const wh_settings_t *settings);

/** Another wait than WH_MAIL_RETRY; before the first wh_mailer_notify(). */
void wh_mailer_retry_set(wh_mailer_t *mailer, apr_interval_time_t wait);

/**
 * Sends a mail to the webhook's ErrorEmails if it asks for one, see
 * wh_mail_wanted(). Never blocks; what it needs is copied. One thread.
 * @param event_uuid the event that failed, @param error what happened
 */
void wh_mailer_notify(wh_mailer_t *mailer, wh_mail_kind_t kind,
                      const wh_webhook_t *webhook, const char *event_name,
                      const char *event_uuid, const char *error);

/** Sends what waits for its first try, and ends the thread at the deadline at
 * the latest; mails that are left are dropped with a line in the log. */
void wh_mailer_stop(wh_mailer_t *mailer, apr_time_t deadline);

#endif
