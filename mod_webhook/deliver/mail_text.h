/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a mail about a failing webhook says, and to whom.
 * Stage: deliver · from: mail · pure: no I/O, the clock is passed in · any thread
 *
 * Names and errors come from strangers: they cannot make a header, nor a line
 * of the text.
 */
#ifndef WH_DELIVER_MAIL_TEXT_H
#define WH_DELIVER_MAIL_TEXT_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

#include "model/webhook.h"

/** Recipients of one mail; ErrorEmails beyond them get none. */
#define WH_MAIL_RECIPIENTS_MAX 10

/** Values of NotifyWhen, one bit each (superoffice.md section 4). */
typedef enum {
    WH_MAIL_FIRST_FAILURE = 1,
    WH_MAIL_DISABLING = 2
} wh_mail_kind_t;

/** 1 if NotifyVia and NotifyWhen ask for a mail of this kind. Neither of them
 * set means: mail, when it is disabled (the older API). */
int wh_mail_wanted(wh_mail_kind_t kind, const wh_webhook_t *webhook);

/**
 * The usable addresses of ErrorEmails, each once: those in ASCII that can
 * stand in a header.
 * @param error_emails JSON array of strings, or NULL
 * @return of const char *, at most WH_MAIL_RECIPIENTS_MAX; never NULL
 */
apr_array_header_t *wh_mail_recipients(const char *error_emails,
                                       apr_pool_t *pool);

/** What a mail is made of. */
typedef struct wh_mail_fields_t {
    wh_mail_kind_t kind;
    apr_time_t time;
    const char *id;   /**< left part of the Message-ID, a UUID */
    const char *from; /**< an address */
    const apr_array_header_t *recipients; /**< of const char * */
    apr_int32_t webhook_id;
    const char *webhook_name;
    const char *target_url; /**< only its host is told: it may hold keys */
    const char *event_name;
    const char *event_uuid;
    const char *error; /**< its class */
    int is_gone;       /**< 1: the receiver has said 410 Gone */
    int drops;         /**< 1: what waits for the webhook is discarded */
} wh_mail_fields_t;

/**
 * The mail as RFC 5322 wants it: headers, an empty line, the text in base64;
 * all ASCII, lines of at most 76 bytes (a long address may exceed that), CR LF
 * after each.
 */
const char *wh_mail_render(const wh_mail_fields_t *fields, apr_pool_t *pool);

#endif
