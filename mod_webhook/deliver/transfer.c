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
#include "deliver/intake.h"
#include "deliver/names.h"
#include "deliver/transport.h"
#include "policy/retry.h"

#define USER_AGENT "NetServer-Webhook/" WH_VERSION " mod_webhook"

static const char retry_after_name[] = "Retry-After:";

/* Ends headers that were cut, so that the body can be told from them. */
#define CUT_HERE "\r\n\r\n"

/* Keeps what there is room for below a length of the whole. */
static void keep_answer(wh_transfer_t *transfer, const char *data,
                        apr_size_t length, apr_size_t most)
{
    apr_size_t room =
        most > transfer->answer_length ? most - transfer->answer_length : 0;

    if (length > room) {
        length = room;
    }
    memcpy(transfer->answer + transfer->answer_length, data, length);
    transfer->answer_length += length;
}

/* Three digits and no more, 0: anything else. */
static int read_status(const char *line, apr_size_t length)
{
    const char *space = memchr(line, ' ', length);
    apr_size_t rest = space ? length - (apr_size_t)(space - line) : 0;

    if (rest < 4 || !apr_isdigit(space[1]) || !apr_isdigit(space[2]) ||
        !apr_isdigit(space[3]) || (rest > 4 && !apr_isspace(space[4]))) {
        return 0;
    }
    return (space[1] - '0') * 100 + (space[2] - '0') * 10 + (space[3] - '0');
}

/* Lines of the headers. Behind the blank one come those that follow a body
 * in chunks, which are not kept. */
static void keep_header(wh_transfer_t *transfer, const char *line,
                        apr_size_t length)
{
    const apr_size_t most = WH_ANSWER_PART - (sizeof(CUT_HERE) - 1);
    int is_blank = length <= 2 && (line[0] == '\r' || line[0] == '\n');

    if (transfer->complete) {
        return;
    }
    if (!is_blank) {
        transfer->answer_cut |= length > most - transfer->answer_length;
        keep_answer(transfer, line, length, most);
        return;
    }
    if (transfer->answer_cut) {
        line = CUT_HERE;
        length = sizeof(CUT_HERE) - 1;
    }
    keep_answer(transfer, line, length, WH_ANSWER_PART);
    transfer->answer_headers = transfer->answer_length;
}

/* A status line begins a new block: informational ones come before the final
 * one, and only the final one counts. */
static void start_block(wh_transfer_t *transfer, const char *line,
                        apr_size_t length)
{
    transfer->in_block = 1;
    transfer->status = read_status(line, length);
    transfer->retry_after = 0;
    transfer->answer_length = 0;
    transfer->answer_headers = 0;
    transfer->answer_cut = 0;
}

/* Of several the longest wait counts; one that means nothing takes no other
 * away. */
static void read_retry_after(wh_transfer_t *transfer, const char *line,
                             apr_size_t length)
{
    apr_size_t skip = sizeof(retry_after_name) - 1;
    apr_interval_time_t wait;
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
        wait = wh_retry_after(value, apr_time_now());
        if (wait > transfer->retry_after) {
            transfer->retry_after = wait;
        }
    }
}

/* An empty line: this block is over. 0: so is the transfer. */
static int end_block(wh_transfer_t *transfer)
{
    transfer->in_block = 0;
    transfer->complete = transfer->status >= 200;
    /* 101 would leave HTTP: there is no answer to wait for. */
    return transfer->status != 101;
}

/* Returning less than was given makes libcurl end the transfer. After the final
 * block only trailers come, which change nothing, whatever they look like. */
static size_t on_header(char *line, size_t size, size_t count, void *baton)
{
    wh_transfer_t *transfer = baton;
    apr_size_t length = size * count;

    transfer->header_bytes += length;
    if (transfer->header_bytes > WH_ANSWER_HEADERS_MAX) {
        return 0;
    }
    if (transfer->complete) {
        return length;
    }
    if (!transfer->in_block) {
        start_block(transfer, line, length);
    }
    else if (length >= sizeof(retry_after_name) &&
             !strncasecmp(line, retry_after_name,
                          sizeof(retry_after_name) - 1)) {
        read_retry_after(transfer, line, length);
    }
    keep_header(transfer, line, length);
    if (length <= 2 && (line[0] == '\r' || line[0] == '\n')) {
        return end_block(transfer) ? length : 0;
    }
    return length;
}

static size_t on_body(char *data, size_t size, size_t count, void *baton)
{
    wh_transfer_t *transfer = baton;
    apr_size_t length = size * count;

    keep_answer(transfer, data, length,
                transfer->answer_headers + WH_ANSWER_PART);
    transfer->body_bytes += length;
    return transfer->body_bytes > WH_ANSWER_BODY_MAX ? 0 : length;
}

/* libcurl calls this whenever something has come. Returning other than 0 makes it
 * end the transfer. With TLS the records are counted. */
static int on_progress(void *baton, curl_off_t total, curl_off_t now,
                       curl_off_t upload_total, curl_off_t upload_now)
{
    wh_transfer_t *transfer = baton;
    apr_uint64_t received;

    (void)total;
    (void)now;
    (void)upload_total;
    (void)upload_now;
    if (transfer->sent == 0 || transfer->configured->url.https) {
        return 0;
    }
    received = wh_intake_received(transfer->descriptor);
    if (!transfer->received || received < transfer->received) {
        transfer->received = received;
    }
    return received - transfer->received > WH_INTAKE_MAX;
}

/* 1: the guard has nothing against this address. That of a proxy is the
 * operator's choice, and the proxy's is the rest. */
static int admit(wh_transfer_t *transfer, const struct sockaddr *address)
{
    const char *refusal =
        transfer->proxied ? NULL : wh_guard_refusal(transfer->guard, address);

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
    if (!transfer->proxied && !wh_guard_is_ready(transfer->guard)) {
        transfer->local_error = EADDRNOTAVAIL;
        return CURL_SOCKET_BAD;
    }
    if (!admit(transfer, &address->addr)) {
        return CURL_SOCKET_BAD;
    }
    descriptor = socket(address->family, address->socktype | SOCK_CLOEXEC,
                        address->protocol);
    if (descriptor < 0) {
        /* Without IPv6 here an address of it is one that cannot be reached. */
        if (errno != EAFNOSUPPORT) {
            transfer->local_error = errno;
        }
        return CURL_SOCKET_BAD;
    }
    transfer->dialled = 1;
    if (transfer->sockets) {
        wh_sockets_opened(transfer->sockets, descriptor);
    }
    transfer->rival = transfer->descriptor;
    transfer->descriptor = descriptor;
    return descriptor;
}

int wh_transfer_socket(CURL *easy, curl_socket_t descriptor, int what,
                       void *sockets, void *unused)
{
    wh_transfer_t *transfer = NULL;

    if (what != CURL_POLL_REMOVE &&
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&transfer) ==
            CURLE_OK &&
        transfer) {
        transfer->descriptor = descriptor;
    }
    return wh_sockets_changed(easy, descriptor, what, sockets, unused);
}

/* Where no thread watches connections. */
static int on_close(void *baton, curl_socket_t descriptor)
{
    wh_transfer_t *transfer = baton;

    if (descriptor == transfer->descriptor) {
        transfer->descriptor = transfer->rival;
        transfer->rival = -1;
    }
    else if (descriptor == transfer->rival) {
        transfer->rival = -1;
    }
    return close(descriptor);
}

/* The second belt: before a request is written, also to a connection that was
 * kept. What the guard says may have changed since it was made. When a connection
 * that was kept turns out to be closed, libcurl sends the same request once more
 * by itself, and asks here again. */
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
        transfer->sent++;
        wh_intake_request(transfer->easy);
        return CURL_PREREQFUNC_OK;
    }
    transfer->refused = 1;
    return CURL_PREREQFUNC_ABORT;
}

/* libcurl has no address of a host. One that it should have got is not looked up
 * after all, which would leave a thread of its own behind. */
static int on_lookup(void *resolver, void *unused, void *baton)
{
    const wh_transfer_t *transfer = baton;

    (void)resolver;
    (void)unused;
    if (transfer->named) {
        wh_log(WH_LOG_WARNING, APR_SUCCESS,
               WHLOGNO(2412) "webhook %d: libcurl does not know the addresses "
                             "that it was given",
               transfer->configured->webhook_id);
    }
    return transfer->named;
}

/* Whatever would take the request elsewhere, or something of this machine
 * along: off by default, and here whatever the default becomes. */
static int set_isolation(CURL *easy)
{
    CURLcode rc = CURLE_OK;

    rc |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    rc |= curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    rc |= curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 0L);
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

    rc |= curl_easy_setopt(easy, CURLOPT_POST, 1L);
    rc |= curl_easy_setopt(easy, CURLOPT_USERAGENT, USER_AGENT);
    rc |= curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    rc |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->detail);
    rc |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    rc |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    rc |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    rc |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    rc |= curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    rc |= curl_easy_setopt(easy, CURLOPT_XFERINFODATA, transfer);
    rc |= curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    rc |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    rc |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    rc |= curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
    rc |= curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    if (!transfer->sockets) {
        rc |= curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
        rc |= curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, transfer);
    }
    else {
        rc |= curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION,
                               wh_sockets_close);
        rc |=
            curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, transfer->sockets);
        rc |=
            curl_easy_setopt(easy, CURLOPT_RESOLVER_START_FUNCTION, on_lookup);
        rc |= curl_easy_setopt(easy, CURLOPT_RESOLVER_START_DATA, transfer);
        rc |= curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT,
                               WH_NAMES_CACHE_SECONDS);
    }
    return rc == CURLE_OK;
}

static int set_up(CURL *easy, wh_transfer_t *transfer)
{
    return set_limits(easy, transfer->settings) && set_isolation(easy) &&
           wh_transport_set(easy, transfer->settings) &&
           set_request(easy, transfer);
}

/* NULL: out of memory, or libcurl is not what it was built as. */
static CURL *create_easy(wh_transfer_t *transfer)
{
    CURL *easy = curl_easy_init();

    if (easy && set_up(easy, transfer)) {
        return easy;
    }
    if (easy) {
        curl_easy_cleanup(easy);
    }
    wh_log(WH_LOG_ERROR, APR_SUCCESS,
           WHLOGNO(1211) "libcurl does not take its options");
    return NULL;
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
    transfer->easy = create_easy(transfer);
    if (!transfer->easy) {
        wh_transfer_destroy(transfer);
        return NULL;
    }
    return transfer;
}

static void drop_addresses(wh_transfer_t *transfer)
{
    if (transfer->addresses) {
        (void)curl_easy_setopt(transfer->easy, CURLOPT_RESOLVE, NULL);
        curl_slist_free_all(transfer->addresses);
        transfer->addresses = NULL;
    }
}

void wh_transfer_destroy(wh_transfer_t *transfer)
{
    drop_addresses(transfer);
    if (transfer->easy) {
        curl_easy_cleanup(transfer->easy);
    }
    if (transfer->configured) {
        wh_target_release(transfer->configured);
    }
    free(transfer->body.text);
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
        if (!set_up(transfer->easy, transfer)) {
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

/* A handle that served the same target before keeps its URL: what was judged is
 * what is dialled, no text is read again. One that is refused, or whose options
 * cannot be met, has none and fails at once, without a connection. */
apr_status_t wh_transfer_configure(wh_transfer_t *transfer, wh_target_t *target)
{
    if (transfer->configured == target) {
        return APR_SUCCESS;
    }
    /* libcurl keeps a text of the handle that it dialled last, and would dial
     * that one again if there were no handle. */
    if (!set_transport(transfer, target) ||
        curl_easy_setopt(transfer->easy, CURLOPT_URL, NULL) != CURLE_OK ||
        curl_easy_setopt(transfer->easy, CURLOPT_CURLU,
                         transfer->misconfigured ? NULL : target->url.handle) !=
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

/* A secret counts until its end, by the clock of the attempt. */
static void list_secrets(wh_attempt_t *attempt, const wh_target_t *target)
{
    int i;

    attempt->secret_count = 0;
    if (target->secret) {
        attempt->secrets[attempt->secret_count++] = target->secret;
    }
    for (i = 0; i < target->options.secret_count; i++) {
        const wh_secret_t *secret = &target->options.secrets[i];

        if (!secret->until || secret->until > attempt->now) {
            attempt->secrets[attempt->secret_count++] = secret->text;
        }
    }
}

/* The stored one, unless the webhook has become of another kind since: then it
 * is made anew. */
static apr_status_t find_body(wh_transfer_t *transfer,
                              const wh_attempt_t *attempt,
                              const wh_delivery_t *delivery)
{
    wh_parcel_t *body = &transfer->body;
    char *copy;

    transfer->rendered = !delivery->body ||
                         !wh_parcel_is_of(delivery->body, attempt->kind->name);
    if (transfer->rendered) {
        return attempt->kind->render(body, attempt);
    }
    copy = strdup(delivery->body);
    if (!copy) {
        return APR_ENOMEM;
    }
    wh_parcel_read(body, copy);
    return APR_SUCCESS;
}

static apr_status_t set_headers(wh_transfer_t *transfer,
                                const wh_attempt_t *attempt)
{
    wh_header_list_t *list = &transfer->headers;
    apr_status_t rv;

    wh_header_list_begin(list);
    rv = attempt->kind->sign(list, attempt);
    if (rv == APR_SUCCESS && attempt->test) {
        rv = wh_header_list_line(list, "X-Hook-Test: true");
    }
    return rv == APR_SUCCESS ? wh_parcel_open(&transfer->body, list) : rv;
}

/* Body and headers, without the handle. */
static apr_status_t make(wh_transfer_t *transfer, const wh_target_t *target,
                         const wh_delivery_t *delivery, apr_time_t now)
{
    wh_parcel_t *body = &transfer->body;
    wh_attempt_t attempt;
    apr_status_t rv;

    if (!target->kind) {
        return APR_ENOTIMPL;
    }
    attempt.kind = target->kind;
    attempt.target = target;
    attempt.event = delivery->event;
    attempt.number = delivery->attempts;
    attempt.test = transfer->test;
    attempt.now = now;
    attempt.body = NULL;
    attempt.length = 0;
    list_secrets(&attempt, target);
    rv = find_body(transfer, &attempt, delivery);
    if (rv == APR_SUCCESS) {
        attempt.body = body->text + body->head;
        attempt.length = body->length - body->head;
        rv = set_headers(transfer, &attempt);
    }
    return rv;
}

/* What prepare() has made of the handle is overwritten by the next one. */
static apr_status_t set_message(wh_transfer_t *transfer,
                                const wh_target_t *target)
{
    const wh_parcel_t *body = &transfer->body;
    CURL *easy = transfer->easy;

    if (curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body->text + body->head) !=
            CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)(body->length - body->head)) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER,
                         wh_header_list_join(&transfer->headers,
                                             target->headers)) != CURLE_OK) {
        return APR_ENOMEM;
    }
    return APR_SUCCESS;
}

static void drop_body(wh_transfer_t *transfer)
{
    free(transfer->body.text);
    memset(&transfer->body, 0, sizeof(transfer->body));
}

static void reset_answer(wh_transfer_t *transfer)
{
    transfer->status = 0;
    transfer->in_block = 0;
    transfer->complete = transfer->outdated = 0;
    transfer->received = 0;
    transfer->descriptor = transfer->rival = -1;
    transfer->sent = 0;
    transfer->blocked = NULL;
    transfer->dialled = 0;
    transfer->refused = 0;
    transfer->hidden = transfer->configured->url.literal;
    transfer->local_error = 0;
    transfer->detail[0] = '\0';
    transfer->retry_after = 0;
    transfer->header_bytes = 0;
    transfer->body_bytes = 0;
    transfer->answer_length = 0;
    transfer->answer_headers = 0;
    transfer->answer_cut = 0;
}

apr_status_t wh_transfer_prepare(wh_transfer_t *transfer, wh_target_t *target,
                                 wh_delivery_t *delivery, apr_time_t now)
{
    apr_status_t rv = wh_transfer_configure(transfer, target);

    if (rv == APR_SUCCESS) {
        rv = make(transfer, target, delivery, now);
    }
    if (rv == APR_SUCCESS) {
        rv = set_message(transfer, target);
    }
    if (rv != APR_SUCCESS) {
        drop_body(transfer);
        return rv;
    }
    reset_answer(transfer);
    transfer->delivery = delivery;
    transfer->started = now;
    return APR_SUCCESS;
}

/* Of all that can be wrong with HTTP/2 this alone is nothing that libcurl has
 * words for. */
int wh_transfer_may_repeat(const wh_transfer_t *transfer, CURLcode code)
{
    return code == CURLE_HTTP2 && !transfer->detail[0] &&
           transfer->header_bytes == 0 && transfer->sent > 0 &&
           transfer->sent < WH_REQUESTS_MAX;
}

apr_status_t wh_transfer_name(wh_transfer_t *transfer,
                              struct curl_slist *addresses, int named)
{
    transfer->named = named;
    transfer->addresses = addresses;
    return !addresses || curl_easy_setopt(transfer->easy, CURLOPT_RESOLVE,
                                          addresses) == CURLE_OK
               ? APR_SUCCESS
               : APR_ENOMEM;
}

/* The receiver may have these bytes already: none but them may follow. */
static int is_to_be_kept(const wh_transfer_t *transfer)
{
    return transfer->rendered &&
           (transfer->delivery->outcome == WH_OUTCOME_RETRY ||
            (transfer->delivery->outcome == WH_OUTCOME_RETURNED &&
             transfer->sent > 0));
}

/* libcurl counts the requests that it has sent again over the whole life of a
 * handle and fails at the sixth: a handle that has done so is not used again.
 * The connections are not its own. */
static void renew(wh_transfer_t *transfer)
{
    CURL *easy = create_easy(transfer);

    if (!easy) {
        return;
    }
    curl_easy_cleanup(transfer->easy);
    transfer->easy = easy;
    forget_target(transfer);
    transfer->transport = 0;
}

wh_delivery_t *wh_transfer_finish(wh_transfer_t *transfer)
{
    wh_delivery_t *delivery = transfer->delivery;

    drop_addresses(transfer);
    if (is_to_be_kept(transfer)) {
        char *text =
            wh_parcel_keep(&transfer->body, transfer->configured->kind->name);

        if (text) {
            free(delivery->body);
            delivery->body = text;
            delivery->body_is_new = 1;
        }
    }
    drop_body(transfer);
    transfer->delivery = NULL;
    if (transfer->sent > 1) {
        renew(transfer);
    }
    return delivery;
}
