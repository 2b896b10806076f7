/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/handshake.h"

#include <apr_cstr.h>
#include <apr_network_io.h>
#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "deliver/kind.h"
#include "deliver/transfer.h"

/* Longest rate that counts: nine digits fit an int. */
#define RATE_DIGITS_MAX 9

void wh_handshake_origin(char origin[WH_ORIGIN_SIZE],
                         const wh_options_t *options)
{
    if (options->cloudevents_origin) {
        apr_cpystrn(origin, options->cloudevents_origin, WH_ORIGIN_SIZE);
    }
    else if (apr_gethostname(origin, WH_ORIGIN_SIZE, NULL) != APR_SUCCESS) {
        apr_cpystrn(origin, "localhost", WH_ORIGIN_SIZE);
    }
}

int wh_handshake_wanted(const wh_target_t *target)
{
    return target->kind == &wh_kind_cloudevents &&
           target->options.cloudevents_handshake;
}

/* The value of a header of the last answer, NULL: it is not there. libcurl has
 * taken the blanks around it away. */
static const char *header(CURL *easy, const char *name)
{
    struct curl_header *found = NULL;

    return curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &found) ==
                   CURLHE_OK
               ? found->value
               : NULL;
}

static int read_rate(const char *text)
{
    apr_size_t digits = text ? strspn(text, "0123456789") : 0;

    return digits > 0 && digits <= RATE_DIGITS_MAX && !text[digits] ? atoi(text)
                                                                    : 0;
}

static void read_answer(wh_handshake_t *result, const wh_transfer_t *transfer,
                        const char *origin)
{
    const char *allowed = header(transfer->easy, "WebHook-Allowed-Origin");

    result->status = transfer->status;
    result->allowed = allowed && (!strcmp(allowed, "*") ||
                                  !apr_cstr_casecmp(allowed, origin));
    result->rate = read_rate(header(transfer->easy, "WebHook-Allowed-Rate"));
}

/* The rate that is asked for, if the webhook names one: at least one request
 * a minute. */
static apr_status_t list_headers(wh_header_list_t *list,
                                 const wh_options_t *options,
                                 const char *origin)
{
    apr_status_t rv =
        wh_header_list_add(list, "WebHook-Request-Origin: %s", origin);

    if (rv == APR_SUCCESS && options->own_rate > 0) {
        double rate = options->own_rate * 60;

        rv = wh_header_list_add(list, "WebHook-Request-Rate: %.0f",
                                rate < 1 ? 1 : rate);
    }
    return rv;
}

static apr_status_t ask(wh_handshake_t *result, wh_transfer_t *transfer,
                        wh_target_t *target)
{
    char origin[WH_ORIGIN_SIZE];
    CURL *easy = transfer->easy;
    CURLcode code = CURLE_OK;

    wh_handshake_origin(origin, &target->options);
    wh_header_list_begin(&transfer->headers);
    if (list_headers(&transfer->headers, &target->options, origin) !=
            APR_SUCCESS ||
        wh_transfer_configure(transfer, target) != APR_SUCCESS) {
        return APR_ENOMEM;
    }
    code |= curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    code |= curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "OPTIONS");
    code |= curl_easy_setopt(
        easy, CURLOPT_HTTPHEADER,
        wh_header_list_join(&transfer->headers, target->headers));
    if (code != CURLE_OK) {
        return APR_ENOMEM;
    }
    code = curl_easy_perform(easy);
    if (transfer->complete) {
        read_answer(result, transfer, origin);
    }
    wh_log(result->allowed ? WH_LOG_DEBUG : WH_LOG_INFO, APR_SUCCESS,
           WHLOGNO(1277) "handshake with webhook %d: %s, status %d (%s)",
           target->webhook_id, result->allowed ? "allowed" : "not allowed",
           transfer->status,
           transfer->blocked ? transfer->blocked : curl_easy_strerror(code));
    return APR_SUCCESS;
}

apr_status_t wh_handshake(wh_handshake_t *result, const wh_settings_t *settings,
                          wh_guard_t *guard, wh_target_t *target)
{
    wh_transfer_t *transfer = wh_transfer_create(settings, guard, NULL);
    apr_status_t rv;

    memset(result, 0, sizeof(*result));
    if (!transfer) {
        return APR_ENOMEM;
    }
    /* One that is not called at all allows nothing. */
    rv = target->refusal ? APR_SUCCESS : ask(result, transfer, target);
    wh_transfer_destroy(transfer);
    return rv;
}
