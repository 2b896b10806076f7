/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/intake.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/log.h"

/* The next read finds the end of the connection. */
static void close_for_reading(SSL *ssl)
{
    SSL_set_shutdown(ssl, SSL_get_shutdown(ssl) | SSL_RECEIVED_SHUTDOWN);
}

static void set_spent(SSL *ssl, apr_size_t spent)
{
    SSL_set_msg_callback_arg(ssl, (void *)(apr_uintptr_t)spent);
}

/* OpenSSL shows the five bytes at the head of each record. The baton is the
 * number itself. */
static void on_message(int is_own, int version, int type, const void *bytes,
                       size_t length, SSL *ssl, void *baton)
{
    apr_size_t spent = (apr_size_t)(apr_uintptr_t)baton;
    const unsigned char *head = bytes;

    (void)version;
    if (is_own || type != SSL3_RT_HEADER || length != SSL3_RT_HEADER_LENGTH) {
        return;
    }
    if (spent <= WH_INTAKE_MAX) {
        spent += length + (apr_size_t)head[3] * 256 + head[4];
        set_spent(ssl, spent);
        if (spent > WH_INTAKE_MAX) {
            wh_log(WH_LOG_DEBUG, APR_SUCCESS,
                   WHLOGNO(2420) "a receiver sends without end what is no "
                                 "answer: its connection is closed");
            close_for_reading(ssl);
        }
    }
}

void wh_intake_watch_context(SSL_CTX *context)
{
    SSL_CTX_set_msg_callback(context, on_message);
    SSL_CTX_set_msg_callback_arg(context, NULL);
}

void wh_intake_begin(SSL *ssl)
{
    set_spent(ssl, 0);
}

static CURLcode on_context(CURL *easy, void *context, void *unused)
{
    (void)easy;
    (void)unused;
    wh_intake_watch_context(context);
    return CURLE_OK;
}

/* NULL: it has none, or none of OpenSSL's. */
static const struct curl_tlssessioninfo *tls_of(CURL *easy)
{
    struct curl_tlssessioninfo *info = NULL;

    if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &info) != CURLE_OK ||
        !info || info->backend != CURLSSLBACKEND_OPENSSL) {
        return NULL;
    }
    return info;
}

int wh_intake_watch(CURL *easy)
{
    return tls_of(easy) && curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION,
                                            on_context) == CURLE_OK;
}

apr_uint64_t wh_intake_received(int descriptor)
{
    struct tcp_info info = {0};
    socklen_t length = sizeof(info);

    if (descriptor < 0 ||
        getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &length) < 0) {
        return 0;
    }
    return info.tcpi_bytes_received;
}

void wh_intake_request(CURL *easy)
{
    const struct curl_tlssessioninfo *info = tls_of(easy);

    if (info && info->internals) {
        wh_intake_begin(info->internals);
    }
}
