/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/outcome.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "policy/retry.h"

const char *wh_outcome_error_class(CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return "status";
    case CURLE_COULDNT_RESOLVE_HOST:
        return "dns";
    case CURLE_COULDNT_CONNECT:
        return "connect";
    case CURLE_OPERATION_TIMEDOUT:
        return "timeout";
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_SHUTDOWN_FAILED:
        return "tls";
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
        return "reset";
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
        return "url";
    default:
        return "protocol";
    }
}

/* The URL itself is at fault. libcurl says "unsupported protocol" also of an
 * answer that is not HTTP; but then somebody was dialled. */
static int is_permanent(CURLcode code, const wh_delivery_t *delivery)
{
    return (code == CURLE_UNSUPPORTED_PROTOCOL ||
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

static const char *error_of(const wh_transfer_t *transfer, CURLcode code)
{
    if (transfer->complete) {
        return "status";
    }
    if (transfer->configured && transfer->configured->refusal) {
        return "url";
    }
    if (refusal_of(transfer, code)) {
        return "address not allowed";
    }
    if (code == CURLE_UNSUPPORTED_PROTOCOL && transfer->delivery->address[0]) {
        return "protocol";
    }
    return wh_outcome_error_class(code);
}

/* A refused connection, silence and a failed handshake tell which machines and
 * ports there are. Whoever may save a webhook must not learn that of a network
 * that only this machine can reach, nor go through addresses one by one. */
static const char *told_of(const wh_transfer_t *transfer, CURLcode code)
{
    if (transfer->complete) {
        return NULL;
    }
    if (refusal_of(transfer, code) || is_permanent(code, transfer->delivery)) {
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
    if (curl_easy_getinfo(transfer->easy, CURLINFO_PRIMARY_IP, &address) ==
            CURLE_OK &&
        address) {
        apr_cpystrn(delivery->address, address, sizeof(delivery->address));
    }
    delivery->error = error_of(transfer, code);
    delivery->told = told_of(transfer, code);
}

int wh_outcome_is_success(const wh_transfer_t *transfer,
                          const wh_settings_t *settings)
{
    if (settings->only_200) {
        return transfer->complete && transfer->status == 200;
    }
    return transfer->complete && transfer->status >= 200 &&
           transfer->status <= 299;
}

int wh_outcome_is_local(const wh_transfer_t *transfer, CURLcode code)
{
    return !transfer->complete &&
           (transfer->local_error || code == CURLE_FAILED_INIT ||
            code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_CRL_BADFILE ||
            (code == CURLE_OUT_OF_MEMORY && transfer->header_bytes == 0));
}

/* The receiver will never take anything again: a rule of the original, which
 * disables the webhook at once. */
static int is_gone(const wh_transfer_t *transfer, const wh_settings_t *settings)
{
    return settings->disable_after > 0 && transfer->complete &&
           transfer->status == 410;
}

static void decide_retry(wh_transfer_t *transfer,
                         const wh_retry_schedule_t *schedule, apr_time_t now,
                         apr_uint32_t dice)
{
    wh_delivery_t *delivery = transfer->delivery;

    delivery->outcome =
        wh_retry_next(&delivery->due, schedule, delivery->attempts,
                      transfer->retry_after, now, dice) == APR_SUCCESS
            ? WH_OUTCOME_RETRY
            : WH_OUTCOME_FAILED;
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
           delivery->error, delivery->status,
           refusal ? refusal : curl_easy_strerror(code), blocked ? ": " : "",
           blocked ? transfer->blocked_address : "",
           delivery->outcome == WH_OUTCOME_FAILED ? ", failed for good" : "");
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
    if (wh_outcome_is_success(transfer, settings)) {
        delivery->outcome = WH_OUTCOME_DELIVERED;
        delivery->error = NULL;
        return;
    }
    delivery->gone = is_gone(transfer, settings);
    if (delivery->gone || is_permanent(code, delivery) ||
        refusal_of(transfer, code)) {
        delivery->outcome = WH_OUTCOME_FAILED;
    }
    else {
        decide_retry(transfer, settings->retry, now, dice);
    }
    log_failure(transfer, code);
}
