/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/transport.h"

#include <apr_cstr.h>
#include <apr_tables.h>
#include <string.h>

#include "deliver/intake.h"

/* Of several with one name the last counts, as of other directives. */
static const wh_client_certificate_t *
find_certificate(const wh_settings_t *settings, const char *name)
{
    const apr_array_header_t *all = settings->client_certificates;
    int i;

    for (i = all ? all->nelts - 1 : -1; i >= 0; i--) {
        const wh_client_certificate_t *one =
            &APR_ARRAY_IDX(all, i, const wh_client_certificate_t);

        if (!apr_cstr_casecmp(one->name, name)) {
            return one;
        }
    }
    return NULL;
}

static const wh_proxy_t *find_proxy(const wh_settings_t *settings,
                                    const char *name)
{
    const apr_array_header_t *all = settings->proxies;
    int i;

    for (i = all ? all->nelts - 1 : -1; i >= 0; i--) {
        const wh_proxy_t *one = &APR_ARRAY_IDX(all, i, const wh_proxy_t);

        if (!apr_cstr_casecmp(one->name, name)) {
            return one;
        }
    }
    return NULL;
}

static int is_none(const char *proxy)
{
    return !apr_cstr_casecmp(proxy, WH_PROXY_NONE);
}

const char *wh_transport_refusal(const wh_settings_t *settings,
                                 const wh_options_t *options)
{
    if (options->client_certificate &&
        !find_certificate(settings, options->client_certificate)) {
        return "Webhook Properties: \"" WH_OPTIONS_MEMBER
               "\": \"ClientCertificate\" must be a name of "
               "WebhookClientCertificate.";
    }
    if (options->proxy && !is_none(options->proxy) &&
        !find_proxy(settings, options->proxy)) {
        return "Webhook Properties: \"" WH_OPTIONS_MEMBER
               "\": \"Proxy\" must be none or a name of WebhookProxy.";
    }
    return NULL;
}

const char *wh_transport_proxy(const wh_settings_t *settings,
                               const wh_options_t *options)
{
    const wh_proxy_t *proxy;

    if (!options->proxy) {
        return settings->proxy;
    }
    proxy =
        is_none(options->proxy) ? NULL : find_proxy(settings, options->proxy);
    return proxy ? proxy->url : NULL;
}

static CURLcode set_proxy(CURL *easy, const char *url)
{
    CURLcode rc = CURLE_OK;

    /* Empty, not NULL: NULL would look at the environment. */
    rc |= curl_easy_setopt(easy, CURLOPT_PROXY, url ? url : "");
    rc |= curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    /* The proxy's own answer is not that of the receiver. */
    rc |= curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    return rc;
}

/* A library without HTTP/2 goes on with HTTP/1.1, and so does one whose
 * connections cannot be watched. All of TLS is: also over HTTP/1.1 libcrypto reads
 * on for as long as records come that are no answer. */
static CURLcode set_http2(CURL *easy, int on)
{
    CURLcode rc = CURLE_UNSUPPORTED_PROTOCOL;
    int watched = wh_intake_watch(easy);

    if (on && watched) {
        rc = curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                              (long)CURL_HTTP_VERSION_2TLS);
    }
    if (rc != CURLE_OK) {
        return curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                                (long)CURL_HTTP_VERSION_1_1);
    }
    /* Rather wait for a connection that is being made than make another. */
    return curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
}

static CURLcode set_version(CURL *easy, int tls_1_3)
{
    return curl_easy_setopt(easy, CURLOPT_SSLVERSION,
                            tls_1_3 ? (long)CURL_SSLVERSION_TLSv1_3
                                    : (long)CURL_SSLVERSION_TLSv1_2);
}

int wh_transport_set(CURL *easy, const wh_settings_t *settings)
{
    CURLcode rc = CURLE_OK;

    rc |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER,
                           settings->verify_tls ? 1L : 0L);
    rc |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST,
                           settings->verify_tls ? 2L : 0L);
    if (settings->ca_file) {
        rc |= curl_easy_setopt(easy, CURLOPT_CAINFO, settings->ca_file);
        /* libcurl's own default, which would count beside the file. */
        rc |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    if (settings->crl_file) {
        rc |= curl_easy_setopt(easy, CURLOPT_CRLFILE, settings->crl_file);
    }
    rc |= set_version(easy, settings->tls_1_3);
    rc |= set_http2(easy, settings->http2);
    rc |= set_proxy(easy, settings->proxy);
    return rc == CURLE_OK;
}

static CURLcode add_authorities(CURL *easy, const char *pem)
{
    struct curl_blob blob = {
        .data = (void *)pem, .len = strlen(pem), .flags = CURL_BLOB_COPY};
    CURLcode rc = CURLE_OK;

    rc |= curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
    rc |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    return rc;
}

static CURLcode add_certificate(CURL *easy, const wh_client_certificate_t *one)
{
    CURLcode rc = CURLE_OK;

    rc |= curl_easy_setopt(easy, CURLOPT_SSLCERT, one->certificate_file);
    rc |= curl_easy_setopt(easy, CURLOPT_SSLKEY, one->key_file);
    /* Without one libcrypto would ask at the terminal. */
    rc |= curl_easy_setopt(easy, CURLOPT_KEYPASSWD, "");
    return rc;
}

int wh_transport_add(CURL *easy, const wh_settings_t *settings,
                     const wh_options_t *options)
{
    const wh_client_certificate_t *certificate =
        options->client_certificate
            ? find_certificate(settings, options->client_certificate)
            : NULL;
    CURLcode rc = CURLE_OK;

    if (options->ca_certificate) {
        rc |= add_authorities(easy, options->ca_certificate);
    }
    if (options->pins) {
        rc |= curl_easy_setopt(easy, CURLOPT_PINNEDPUBLICKEY, options->pins);
    }
    if (certificate) {
        rc |= add_certificate(easy, certificate);
    }
    if (options->min_tls) {
        /* What the operator demands of all is the least. */
        rc |= set_version(easy,
                          settings->tls_1_3 || options->min_tls == WH_TLS_1_3);
    }
    if (options->http2) {
        rc |= set_http2(easy, options->http2 == WH_SWITCH_ON);
    }
    if (options->proxy) {
        rc |= set_proxy(easy, wh_transport_proxy(settings, options));
    }
    return rc == CURLE_OK;
}
