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

/* 1: the guard has nothing against this address. */
static int admit(wh_transfer_t *transfer, const struct sockaddr *address)
{
    const char *refusal = wh_guard_refusal(transfer->guard, address);

    if (refusal) {
        transfer->blocked = refusal;
        wh_guard_address_text(transfer->blocked_address, address);
        return 0;
    }
    transfer->hidden |= !wh_guard_is_public(transfer->guard, address);
    return 1;
}

/* libcurl asks here for every address it is about to try, so this is where
 * the address guard stands: an address that is refused gets no socket. */
static curl_socket_t on_open(void *baton, curlsocktype purpose,
                             struct curl_sockaddr *address)
{
    wh_transfer_t *transfer = baton;
    int descriptor;

    (void)purpose;
    if (!admit(transfer, &address->addr)) {
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

/* The second belt: before a request is written, also to a connection that was
 * kept. What the guard says may have changed since it was made. */
static int on_connected(void *baton, char *address, char *own_address, int port,
                        int own_port)
{
    wh_transfer_t *transfer = baton;
    struct sockaddr_storage peer;

    (void)own_address;
    (void)own_port;
    if (wh_guard_read_address(&peer, address, port) != APR_SUCCESS) {
        peer.ss_family = AF_UNSPEC;
    }
    if (admit(transfer, (const struct sockaddr *)&peer)) {
        return CURL_PREREQFUNC_OK;
    }
    transfer->refused = 1;
    return CURL_PREREQFUNC_ABORT;
}

/* Whatever would take the request elsewhere, or something of this machine
 * along: off by default, and here whatever the default becomes. */
static int set_isolation(CURL *easy)
{
    CURLcode rc = CURLE_OK;

    rc |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    rc |= curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    rc |= curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 0L);
    /* Empty, not NULL: NULL would look at the environment. */
    rc |= curl_easy_setopt(easy, CURLOPT_PROXY, "");
    rc |= curl_easy_setopt(easy, CURLOPT_PRE_PROXY, NULL);
    rc |= curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, NULL);
    rc |= curl_easy_setopt(easy, CURLOPT_ABSTRACT_UNIX_SOCKET, NULL);
    rc |= curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    rc |= curl_easy_setopt(easy, CURLOPT_UNRESTRICTED_AUTH, 0L);
    rc |= curl_easy_setopt(easy, CURLOPT_COOKIEFILE, NULL);
    rc |= curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, NULL);
    rc |= curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    /* Not every libcurl has these. Alt-Svc is off until it is asked for: to
     * name its option switches it on. */
    (void)curl_easy_setopt(easy, CURLOPT_HSTS_CTRL, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_DOH_URL, NULL);
    return rc == CURLE_OK;
}

static int set_tls(CURL *easy, const wh_settings_t *settings)
{
    CURLcode rc = CURLE_OK;

    rc |= curl_easy_setopt(easy, CURLOPT_SSLVERSION,
                           (long)CURL_SSLVERSION_TLSv1_2);
    rc |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER,
                           settings->verify_tls ? 1L : 0L);
    rc |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST,
                           settings->verify_tls ? 2L : 0L);
    if (settings->ca_file) {
        rc |= curl_easy_setopt(easy, CURLOPT_CAINFO, settings->ca_file);
    }
    if (settings->crl_file) {
        rc |= curl_easy_setopt(easy, CURLOPT_CRLFILE, settings->crl_file);
    }
    return rc == CURLE_OK;
}

static int set_limits(CURL *easy, const wh_settings_t *settings)
{
    const char *schemes = settings->require_https ? "https" : "http,https";
    CURLcode rc = CURLE_OK;

    rc |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, schemes);
    rc |= curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, schemes);
    rc |= curl_easy_setopt(easy, CURLOPT_DEFAULT_PROTOCOL, "https");
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
    return rc == CURLE_OK;
}

static int set_request(CURL *easy, wh_transfer_t *transfer)
{
    CURLcode rc = CURLE_OK;

    rc |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                           (long)CURL_HTTP_VERSION_1_1);
    rc |= curl_easy_setopt(easy, CURLOPT_POST, 1L);
    rc |= curl_easy_setopt(easy, CURLOPT_USERAGENT, USER_AGENT);
    rc |= curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    rc |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    rc |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    rc |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    rc |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    rc |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    rc |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    rc |= curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
    rc |= curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    if (transfer->sockets) {
        rc |= curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION,
                               wh_sockets_close);
        rc |=
            curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, transfer->sockets);
    }
    return rc == CURLE_OK;
}

wh_transfer_t *wh_transfer_create(const wh_settings_t *settings,
                                  wh_guard_t *guard, wh_sockets_t *sockets)
{
    wh_transfer_t *transfer = calloc(1, sizeof(*transfer));

    if (!transfer) {
        return NULL;
    }
    transfer->guard = guard;
    transfer->sockets = sockets;
    transfer->easy = curl_easy_init();
    if (!transfer->easy || !set_limits(transfer->easy, settings) ||
        !set_isolation(transfer->easy) || !set_tls(transfer->easy, settings) ||
        !set_request(transfer->easy, transfer)) {
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

/* A handle that served the same target before keeps its URL: what was judged is
 * what is dialled, no text is read again. One that is refused has none. */
static apr_status_t configure(wh_transfer_t *transfer, wh_target_t *target)
{
    if (transfer->configured == target) {
        return APR_SUCCESS;
    }
    if (curl_easy_setopt(transfer->easy, CURLOPT_CURLU, target->url.handle) !=
        CURLE_OK) {
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
    transfer->refused = 0;
    transfer->hidden = transfer->configured->url.literal;
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
