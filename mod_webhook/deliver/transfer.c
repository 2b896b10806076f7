/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/transfer.h"

#include <apr_lib.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/log.h"
#include "base/version.h"
#include "deliver/payload.h"
#include "deliver/transport.h"
#include "policy/retry.h"
#include "policy/sign.h"

#define USER_AGENT "NetServer-Webhook/" WH_VERSION " mod_webhook"

static const char retry_after_name[] = "Retry-After:";

static void keep_answer(wh_transfer_t *transfer, const char *data,
                        apr_size_t length)
{
    apr_size_t room = WH_ANSWER_MAX - transfer->answer_length;

    if (length > room) {
        length = room;
    }
    memcpy(transfer->answer + transfer->answer_length, data, length);
    transfer->answer_length += length;
}

/* A status line begins a new block: informational ones come before the final
 * one, and only the final one counts. */
static void start_block(wh_transfer_t *transfer, const char *line,
                        apr_size_t length)
{
    const char *space = memchr(line, ' ', length);

    transfer->status = 0;
    if (space && length - (apr_size_t)(space - line) >= 4 &&
        apr_isdigit(space[1]) && apr_isdigit(space[2]) &&
        apr_isdigit(space[3])) {
        transfer->status =
            (space[1] - '0') * 100 + (space[2] - '0') * 10 + (space[3] - '0');
    }
    transfer->retry_after = 0;
    transfer->answer_length = 0;
}

static void read_retry_after(wh_transfer_t *transfer, const char *line,
                             apr_size_t length)
{
    apr_size_t skip = sizeof(retry_after_name) - 1;
    char value[64];
    apr_size_t size;

    while (skip < length && (line[skip] == ' ' || line[skip] == '\t')) {
        skip++;
    }
    size = length - skip;
    while (size > 0 && apr_isspace(line[skip + size - 1])) {
        size--;
    }
    if (size < sizeof(value)) {
        memcpy(value, line + skip, size);
        value[size] = '\0';
        transfer->retry_after = wh_retry_after(value, apr_time_now());
    }
}

/* Returning less than was given makes libcurl end the transfer. */
static size_t on_header(char *line, size_t size, size_t count, void *baton)
{
    wh_transfer_t *transfer = baton;
    apr_size_t length = size * count;

    transfer->header_bytes += length;
    if (transfer->header_bytes > WH_ANSWER_HEADERS_MAX) {
        return 0;
    }
    if (length > 5 && !memcmp(line, "HTTP/", 5)) {
        start_block(transfer, line, length);
    }
    else if (length >= sizeof(retry_after_name) &&
             !strncasecmp(line, retry_after_name,
                          sizeof(retry_after_name) - 1)) {
        read_retry_after(transfer, line, length);
    }
    keep_answer(transfer, line, length);
    if (length <= 2 && (line[0] == '\r' || line[0] == '\n')) {
        /* 101 would leave HTTP: there is no answer to wait for. */
        if (transfer->status == 101) {
            return 0;
        }
        transfer->complete = transfer->status >= 200;
    }
    return length;
}

static size_t on_body(char *data, size_t size, size_t count, void *baton)
{
    wh_transfer_t *transfer = baton;
    apr_size_t length = size * count;

    keep_answer(transfer, data, length);
    transfer->body_bytes += length;
    return transfer->body_bytes > WH_ANSWER_BODY_MAX ? 0 : length;
}

/* libcurl asks here for every address it is about to try, so this is where
 * the address guard stands: an address that is refused gets no socket. That of
 * a proxy is the operator's choice, and the proxy's is the rest. */
static curl_socket_t on_open(void *baton, curlsocktype purpose,
                             struct curl_sockaddr *address)
{
    wh_transfer_t *transfer = baton;
    const char *refusal =
        transfer->proxied ? NULL
                          : wh_guard_refusal(transfer->guard, &address->addr);
    int descriptor;

    (void)purpose;
    if (refusal) {
        transfer->blocked = refusal;
        return CURL_SOCKET_BAD;
    }
    descriptor = socket(address->family, address->socktype | SOCK_CLOEXEC,
                        address->protocol);
    if (descriptor < 0) {
        transfer->local_error = errno;
        return CURL_SOCKET_BAD;
    }
    transfer->dialled = 1;
    if (transfer->sockets) {
        wh_sockets_opened(transfer->sockets, descriptor);
    }
    return descriptor;
}

static int set_limits(CURL *easy, const wh_settings_t *settings)
{
    const char *schemes = settings->require_https ? "https" : "http,https";
    CURLcode rc = CURLE_OK;

    rc |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, schemes);
    rc |= curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, schemes);
    rc |= curl_easy_setopt(easy, CURLOPT_DEFAULT_PROTOCOL, "https");
    rc |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    rc |= curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    rc |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                           (long)apr_time_as_msec(settings->timeout));
    rc |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                           (long)apr_time_as_msec(settings->connect_timeout));
    rc |= curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, WH_LOW_SPEED_BYTES);
    rc |= curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, WH_LOW_SPEED_SECONDS);
    rc |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* Without it a silent name server stops all transfers of the thread. */
    rc |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    rc |= curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, 300L);
    rc |= curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, 60L);
    return rc == CURLE_OK && wh_transport_set(easy, settings);
}

static int set_request(CURL *easy, wh_transfer_t *transfer)
{
    CURLcode rc = CURLE_OK;

    rc |= curl_easy_setopt(easy, CURLOPT_POST, 1L);
    rc |= curl_easy_setopt(easy, CURLOPT_USERAGENT, USER_AGENT);
    rc |= curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    rc |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    rc |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    rc |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    rc |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    rc |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    rc |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    if (transfer->sockets) {
        rc |= curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION,
                               wh_sockets_close);
        rc |=
            curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, transfer->sockets);
    }
    return rc == CURLE_OK;
}

static int set_up(wh_transfer_t *transfer)
{
    return set_limits(transfer->easy, transfer->settings) &&
           set_request(transfer->easy, transfer);
}

wh_transfer_t *wh_transfer_create(const wh_settings_t *settings,
                                  wh_guard_t *guard, wh_sockets_t *sockets)
{
    wh_transfer_t *transfer = calloc(1, sizeof(*transfer));

    if (!transfer) {
        return NULL;
    }
    transfer->settings = settings;
    transfer->guard = guard;
    transfer->sockets = sockets;
    transfer->easy = curl_easy_init();
    if (!transfer->easy || !set_up(transfer)) {
        wh_log(WH_LOG_ERROR, APR_SUCCESS,
               WHLOGNO(1211) "libcurl does not take its options");
        wh_transfer_destroy(transfer);
        return NULL;
    }
    return transfer;
}

void wh_transfer_destroy(wh_transfer_t *transfer)
{
    if (transfer->easy) {
        curl_easy_cleanup(transfer->easy);
    }
    if (transfer->configured) {
        wh_target_release(transfer->configured);
    }
    free(transfer->body);
    free(transfer);
}

static void forget_target(wh_transfer_t *transfer)
{
    if (transfer->configured) {
        wh_target_release(transfer->configured);
        transfer->configured = NULL;
    }
    /* Set up anew, whoever is the next. */
    transfer->transport = 1;
}

/* What one webhook asks for must not be left for the next one: the handle then
 * begins anew, with its connections and TLS sessions, which libcurl itself
 * keeps apart by all of these options. */
static int set_transport(wh_transfer_t *transfer, const wh_target_t *target)
{
    const wh_options_t *options = &target->options;

    if (transfer->transport) {
        curl_easy_reset(transfer->easy);
        if (!set_up(transfer)) {
            return 0;
        }
    }
    transfer->transport = options->transport;
    transfer->misconfigured =
        options->transport_wrong ||
        wh_transport_refusal(transfer->settings, options) != NULL;
    transfer->proxied = wh_transport_proxy(transfer->settings, options) != NULL;
    return transfer->misconfigured || !options->transport ||
           wh_transport_add(transfer->easy, transfer->settings, options);
}

/* A handle that served the same target before keeps its URL. One that has none
 * fails at once, without a connection. */
static apr_status_t configure(wh_transfer_t *transfer, wh_target_t *target)
{
    if (transfer->configured == target) {
        return APR_SUCCESS;
    }
    if (!set_transport(transfer, target) ||
        curl_easy_setopt(transfer->easy, CURLOPT_URL,
                         transfer->misconfigured ? "" : target->url) !=
            CURLE_OK) {
        forget_target(transfer);
        return APR_ENOMEM;
    }
    wh_target_retain(target);
    if (transfer->configured) {
        wh_target_release(transfer->configured);
    }
    transfer->configured = target;
    return APR_SUCCESS;
}

static apr_status_t set_headers(wh_transfer_t *transfer,
                                const wh_target_t *target,
                                const wh_delivery_t *delivery,
                                apr_size_t length)
{
    char signature[WH_SIGNATURE_SIZE];
    int count = 0, i;

    snprintf(transfer->texts[count++], sizeof(transfer->texts[0]),
             "X-SuperOffice-Event: %s", delivery->event->name);
    snprintf(transfer->texts[count++], sizeof(transfer->texts[0]),
             "X-SuperOffice-EventId: %s", delivery->event->uuid);
    snprintf(transfer->texts[count++], sizeof(transfer->texts[0]),
             "X-SuperOffice-Retry: %d", delivery->attempts);
    if (target->secret) {
        apr_status_t rv = wh_sign_superoffice(signature, target->secret,
                                              transfer->body, length);

        if (rv != APR_SUCCESS) {
            return rv;
        }
        snprintf(transfer->texts[count++], sizeof(transfer->texts[0]),
                 "X-SuperOffice-Signature: %s", signature);
    }
    if (transfer->test) {
        snprintf(transfer->texts[count++], sizeof(transfer->texts[0]),
                 "X-Hook-Test: true");
    }
    for (i = 0; i < count; i++) {
        transfer->nodes[i].data = transfer->texts[i];
        transfer->nodes[i].next =
            i + 1 < count ? &transfer->nodes[i + 1] : target->headers;
    }
    return APR_SUCCESS;
}

static void reset_answer(wh_transfer_t *transfer)
{
    transfer->status = 0;
    transfer->complete = 0;
    transfer->blocked = NULL;
    transfer->dialled = 0;
    transfer->local_error = 0;
    transfer->retry_after = 0;
    transfer->header_bytes = 0;
    transfer->body_bytes = 0;
    transfer->answer_length = 0;
}

apr_status_t wh_transfer_prepare(wh_transfer_t *transfer, wh_target_t *target,
                                 wh_delivery_t *delivery, apr_time_t now)
{
    apr_size_t length = 0;
    apr_status_t rv = configure(transfer, target);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (delivery->body) {
        transfer->body = strdup(delivery->body);
        length = strlen(delivery->body);
    }
    else {
        transfer->body =
            wh_payload_render(&length, delivery->event, target->context_json,
                              target->payload_tail);
    }
    rv = transfer->body ? set_headers(transfer, target, delivery, length)
                        : APR_ENOMEM;
    if (rv == APR_SUCCESS &&
        (curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDS, transfer->body) !=
             CURLE_OK ||
         curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                          (curl_off_t)length) != CURLE_OK ||
         curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER,
                          &transfer->nodes[0]) != CURLE_OK)) {
        rv = APR_ENOMEM;
    }
    if (rv != APR_SUCCESS) {
        free(transfer->body);
        transfer->body = NULL;
        return rv;
    }
    reset_answer(transfer);
    transfer->delivery = delivery;
    transfer->started = now;
    return APR_SUCCESS;
}

wh_delivery_t *wh_transfer_finish(wh_transfer_t *transfer)
{
    wh_delivery_t *delivery = transfer->delivery;

    if (!delivery->body && delivery->outcome == WH_OUTCOME_RETRY) {
        delivery->body = transfer->body;
        delivery->body_is_new = 1;
    }
    else {
        free(transfer->body);
    }
    transfer->body = NULL;
    transfer->delivery = NULL;
    return delivery;
}
