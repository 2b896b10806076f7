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
 */
#ifndef WH_DELIVER_MAIL_H
#define WH_DELIVER_MAIL_H

#include <apr_errno.h>

#include "base/settings.h"
#include "model/webhook.h"

#define WH_MAIL_INTERVAL apr_time_from_sec(60 * 60)
#define WH_MAIL_PER_HOUR 100
#define WH_MAIL_QUEUE 200

/** Values of NotifyWhen, one bit each (superoffice.md section 4). */
typedef enum {
    WH_MAIL_FIRST_FAILURE = 1,
    WH_MAIL_DISABLING = 2
} wh_mail_kind_t;

typedef struct wh_mailer_t wh_mailer_t;

/** Starts the thread. settings->mail_server NULL: *mailer is NULL, and the
 * other calls do nothing. */
apr_status_t wh_mailer_start(wh_mailer_t **mailer,
                             const wh_settings_t *settings);

/**
 * Sends a mail to the webhook's ErrorEmails if NotifyVia and NotifyWhen ask
 * for it. ErrorEmails without any NotifyVia and NotifyWhen mean: mail, when it
 * is disabled (the older API, superoffice.md section 4). Never blocks; what it
 * needs is copied.
 * @param event_uuid the event that failed, @param error what happened
 */
void wh_mailer_notify(wh_mailer_t *mailer, wh_mail_kind_t kind,
                      const wh_webhook_t *webhook, const char *event_name,
                      const char *event_uuid, const char *error);

/** Ends the thread, at the latest when the mail being sent has timed out
 * (WH_MAIL_TIMEOUT); mails still waiting are dropped with a line in the log. */
void wh_mailer_stop(wh_mailer_t *mailer);

/** Longest time of one try to send a mail. */
#define WH_MAIL_TIMEOUT apr_time_from_sec(10)

#endif
