/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/outcome.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "policy/retry.h"

static const char *const error_texts[] = {
#define WH_ERROR_TEXT(symbol, text, meaning) text,
    WH_ERRORS(WH_ERROR_TEXT)
#undef WH_ERROR_TEXT
};

const char *wh_error_text(wh_error_t error)
{
    return error_texts[error];
}

static wh_error_t error_of_code(CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return WH_ERROR_STATUS;
    case CURLE_COULDNT_RESOLVE_HOST:
        return WH_ERROR_DNS;
    case CURLE_COULDNT_CONNECT:
        return WH_ERROR_CONNECT;
    case CURLE_OPERATION_TIMEDOUT:
        return WH_ERROR_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_SHUTDOWN_FAILED:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        return WH_ERROR_TLS;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
        return WH_ERROR_PROXY;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
        return WH_ERROR_RESET;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
        return WH_ERROR_URL;
    default:
        return WH_ERROR_PROTOCOL;
    }
}

const char *wh_outcome_error_class(CURLcode code)
{
    return wh_error_text(error_of_code(code));
}

/* The URL itself is at fault. libcurl says "unsupported protocol" also of an
 * answer that is not HTTP; but then somebody was dialled. */
static int is_permanent(CURLcode code, const wh_transfer_t *transfer)
{
    const wh_delivery_t *delivery = transfer->delivery;

    return !transfer->misconfigured &&
           (code == CURLE_UNSUPPORTED_PROTOCOL ||
            code == CURLE_URL_MALFORMAT) &&
           !delivery->address[0];
}

/* What the operator and the owner may read of it: status line, headers, body,
 * cut to its length and made safe to show. */
static char *answer_text(wh_transfer_t *transfer)
{
    char *text;

    if (transfer->answer_length == 0) {
        return NULL;
    }
    text = malloc(transfer->answer_length + 1);
    if (text) {
        memcpy(text, transfer->answer, transfer->answer_length);
        text[transfer->answer_length] = '\0';
        wh_text_clean(text, transfer->answer_length);
    }
    return text;
}

/* Why nobody was dialled who may not be; NULL: somebody was. A name may have
 * several addresses: it is refused when no other was left to be tried. */
static const char *refusal_of(const wh_transfer_t *transfer, CURLcode code)
{
    if (transfer->configured && transfer->configured->refusal) {
        return transfer->configured->refusal;
    }
    if (transfer->refused || (transfer->blocked && !transfer->dialled &&
                              code == CURLE_COULDNT_CONNECT)) {
        return transfer->blocked;
    }
    return NULL;
}

/* With TLS 1.3 the sender has done its part before the receiver has judged it,
 * for want of a certificate for instance: the alert comes when the answer is
 * read. libcurl calls that a failed read and has OpenSSL's words for it. */
static int is_tls_alert(const wh_transfer_t *transfer, CURLcode code)
{
    return (code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR) &&
           strstr(transfer->detail, "SSL routines:") &&
           strstr(transfer->detail, " alert ");
}

static wh_error_t error_of(const wh_transfer_t *transfer, CURLcode code)
{
    if (transfer->complete) {
        return WH_ERROR_STATUS;
    }
    if (transfer->configured && transfer->configured->refusal) {
        return WH_ERROR_URL;
    }
    if (transfer->misconfigured) {
        return WH_ERROR_CONFIGURATION;
    }
    if (refusal_of(transfer, code)) {
        return WH_ERROR_ADDRESS;
    }
    if (is_tls_alert(transfer, code)) {
        return WH_ERROR_TLS;
    }
    if (code == CURLE_OK || (code == CURLE_UNSUPPORTED_PROTOCOL &&
                             transfer->delivery->address[0])) {
        return WH_ERROR_PROTOCOL;
    }
    return error_of_code(code);
}

/* A refused connection, silence and a failed handshake tell which machines and
 * ports there are. Whoever may save a webhook must not learn that of a network
 * that only this machine can reach, nor go through addresses one by one. */
static const char *told_of(const wh_transfer_t *transfer, CURLcode code)
{
    if (transfer->complete) {
        return NULL;
    }
    if (refusal_of(transfer, code) || is_permanent(code, transfer)) {
        return WH_TOLD_REFUSED;
    }
    return transfer->hidden ? WH_TOLD_SILENT : transfer->delivery->error;
}

void wh_outcome_describe(wh_transfer_t *transfer, CURLcode code, apr_time_t now)
{
    wh_delivery_t *delivery = transfer->delivery;
    char *address = NULL;

    delivery->status = transfer->status;
    delivery->started = transfer->started;
    delivery->duration = now > transfer->started ? now - transfer->started : 0;
    delivery->answer = answer_text(transfer);
    /* Else it would be that of the handle's last transfer. */
    if ((transfer->dialled || transfer->sent) &&
        curl_easy_getinfo(transfer->easy, CURLINFO_PRIMARY_IP, &address) ==
            CURLE_OK &&
        address) {
        apr_cpystrn(delivery->address, address, sizeof(delivery->address));
    }
    delivery->error = wh_error_text(error_of(transfer, code));
    delivery->told = told_of(transfer, code);
}

int wh_outcome_is_success(const wh_transfer_t *transfer,
                          const wh_settings_t *settings)
{
    const wh_target_t *target = transfer->configured;

    return transfer->complete &&
           wh_kind_succeeds(target ? target->kind : wh_kind_find(NULL),
                            transfer->status, settings);
}

/* Files of the operator's that cannot be read. */
static int is_bad_file(const wh_transfer_t *transfer, CURLcode code)
{
    const wh_options_t *options =
        transfer->configured ? &transfer->configured->options : NULL;

    switch (code) {
    case CURLE_SSL_CRL_BADFILE:
        return 1;
    case CURLE_SSL_CACERT_BADFILE:
        return !options || !options->ca_certificate;
    case CURLE_SSL_CERTPROBLEM:
        return options && options->client_certificate;
    default:
        return 0;
    }
}

int wh_outcome_is_local(const wh_transfer_t *transfer, CURLcode code)
{
    return !transfer->complete &&
           ((transfer->local_error && !transfer->dialled) ||
            code == CURLE_FAILED_INIT || is_bad_file(transfer, code) ||
            /* libcurl says so also of a line that is too long, and that is
             * the receiver's. */
            (code == CURLE_OUT_OF_MEMORY && transfer->sent == 0));
}

/* The receiver will never take anything again: the webhook is disabled at
 * once, unless webhooks never are. One that it had before says nothing of it. */
static int is_gone(const wh_transfer_t *transfer, const wh_settings_t *settings)
{
    return settings->disable_errors > 0 && transfer->complete &&
           transfer->status == 410 && !transfer->outdated;
}

static void decide_retry(wh_delivery_t *delivery,
                         apr_interval_time_t retry_after,
                         const wh_retry_schedule_t *schedule, apr_time_t now,
                         apr_uint32_t dice)
{
    delivery->outcome =
        wh_retry_next(&delivery->due, schedule, delivery->attempts, retry_after,
                      now, dice) == APR_SUCCESS
            ? WH_OUTCOME_RETRY
            : WH_OUTCOME_FAILED;
}

void wh_outcome_refuse(wh_delivery_t *delivery, apr_status_t reason,
                       const wh_settings_t *settings, apr_time_t now,
                       apr_uint32_t dice)
{
    delivery->attempts++;
    delivery->status = 0;
    delivery->started = now;
    delivery->duration = 0;
    delivery->error = delivery->told = wh_error_text(WH_ERROR_TYPE);
    decide_retry(delivery, 0, settings->retry, now, dice);
    wh_log(WH_LOG_WARNING, reason,
           WHLOGNO(1278) "webhook %d event %s attempt %d: its type makes no "
                         "callback%s",
           delivery->webhook_id, delivery->event->uuid, delivery->attempts,
           delivery->outcome == WH_OUTCOME_FAILED ? ", failed for good" : "");
}

void wh_outcome_break_off(wh_transfer_t *transfer,
                          const wh_settings_t *settings, apr_time_t now,
                          apr_uint32_t dice)
{
    wh_delivery_t *delivery = transfer->delivery;

    if (transfer->complete) {
        wh_outcome_decide(transfer, CURLE_OK, settings, now, dice);
        return;
    }
    wh_outcome_describe(transfer, CURLE_ABORTED_BY_CALLBACK, now);
    delivery->outcome = WH_OUTCOME_RETURNED;
    delivery->broken_off = 1;
    delivery->error = wh_error_text(WH_ERROR_STOPPED);
    delivery->told = transfer->hidden ? WH_TOLD_SILENT : NULL;
}

static const char *reason_of(const wh_transfer_t *transfer, CURLcode code)
{
    const char *refusal = refusal_of(transfer, code);

    if (transfer->misconfigured) {
        return "options that cannot be met";
    }
    return refusal ? refusal : curl_easy_strerror(code);
}

static void log_failure(const wh_transfer_t *transfer, CURLcode code)
{
    const wh_delivery_t *delivery = transfer->delivery;
    const char *refusal = refusal_of(transfer, code);
    int blocked = refusal && refusal == transfer->blocked;

    wh_log(delivery->outcome == WH_OUTCOME_FAILED ? WH_LOG_WARNING
                                                  : WH_LOG_DEBUG,
           APR_SUCCESS,
           WHLOGNO(
               1221) "webhook %d event %s attempt %d: %s, status %d (%s%s%s)%s",
           delivery->webhook_id, delivery->event->uuid, delivery->attempts,
           delivery->error, delivery->status, reason_of(transfer, code),
           blocked ? ": " : "", blocked ? transfer->blocked_address : "",
           delivery->outcome == WH_OUTCOME_FAILED ? ", failed for good" : "");
}

/* A second request within one attempt is not an attempt: the receiver closed a
 * connection at rest, and nobody can tell whether it read the first one; or it
 * said, over HTTP/2, that it did not. */
static void log_sent_again(const wh_transfer_t *transfer)
{
    if (transfer->sent > 1) {
        wh_log(WH_LOG_DEBUG, APR_SUCCESS,
               WHLOGNO(1223) "webhook %d event %s attempt %d: sent %d times, "
                             "the connection had been closed or the "
                             "request refused",
               transfer->delivery->webhook_id, transfer->delivery->event->uuid,
               transfer->delivery->attempts, transfer->sent);
    }
}

void wh_outcome_decide(wh_transfer_t *transfer, CURLcode code,
                       const wh_settings_t *settings, apr_time_t now,
                       apr_uint32_t dice)
{
    wh_delivery_t *delivery = transfer->delivery;

    if (wh_outcome_is_local(transfer, code)) {
        wh_log(WH_LOG_WARNING, APR_FROM_OS_ERROR(transfer->local_error),
               WHLOGNO(1222) "webhook %d event %s: no attempt possible (%s)",
               delivery->webhook_id, delivery->event->uuid,
               curl_easy_strerror(code));
        delivery->outcome = WH_OUTCOME_RETURNED;
        delivery->due = now + WH_LOCAL_RETRY;
        return;
    }
    delivery->attempts++;
    wh_outcome_describe(transfer, code, now);
    log_sent_again(transfer);
    if (wh_outcome_is_success(transfer, settings)) {
        delivery->outcome = WH_OUTCOME_DELIVERED;
        delivery->error = NULL;
        return;
    }
    delivery->gone = is_gone(transfer, settings);
    if (delivery->gone || is_permanent(code, transfer) ||
        refusal_of(transfer, code)) {
        delivery->outcome = WH_OUTCOME_FAILED;
    }
    else {
        decide_retry(delivery, transfer->retry_after, settings->retry, now,
                     dice);
    }
    log_failure(transfer, code);
}
