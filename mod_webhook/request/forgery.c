/* SPDX-License-Identifier: Apache-2.0 */
#include "request/forgery.h"

#include <apr_cstr.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <apr_uri.h>
#include <http_log.h>
#include <http_protocol.h>
#include <openssl/crypto.h>
#include <string.h>
#include <util_cookies.h>

#include "httpd_private.h"
#include "policy/xsrf.h"
#include "request/caller.h"
#include "request/credential.h"

#define COOKIE "XSRF-TOKEN"
#define HEADER "X-XSRF-TOKEN"

int wh_forgery_is_safe(const request_rec *r)
{
    return r->method_number == M_GET || r->method_number == M_OPTIONS;
}

/* The port of a "host:port"; 0: none. */
static apr_port_t port_of(const char *host)
{
    const char *colon = strrchr(host, ':');

    if (!colon || strchr(colon, ']')) {
        return 0;
    }
    return (apr_port_t)apr_atoi64(colon + 1);
}

/* Scheme and host may be rewritten on the way (a proxy that ends TLS), so
 * only what the client sees of both is compared: the host's name, and the
 * port if the Host header names one. */
static int is_own_origin(const request_rec *r, const char *origin)
{
    const char *host = apr_table_get(r->headers_in, "Host");
    apr_uri_t uri;
    apr_size_t length;
    apr_port_t port;

    if (!host || apr_uri_parse(r->pool, origin, &uri) != APR_SUCCESS ||
        !uri.scheme || !uri.hostname) {
        return 0;
    }
    length = strlen(uri.hostname);
    if (host[0] == '[') {
        host++;
    }
    if (apr_cstr_casecmpn(host, uri.hostname, length) ||
        (host[length] != '\0' && host[length] != ':' && host[length] != ']')) {
        return 0;
    }
    port = port_of(host + length);
    return port ? port == (uri.port_str ? uri.port
                                        : apr_uri_port_of_scheme(uri.scheme))
                : !uri.port_str ||
                      uri.port == apr_uri_port_of_scheme(uri.scheme);
}

int wh_forgery_is_cross_site(const request_rec *r)
{
    const char *site = apr_table_get(r->headers_in, "Sec-Fetch-Site");
    const char *origin = apr_table_get(r->headers_in, "Origin");

    if (site && !apr_cstr_casecmp(site, "cross-site")) {
        return 1;
    }
    return origin && !is_own_origin(r, origin);
}

static void give_cookie(request_rec *r, const char *key, const char *context)
{
    unsigned char random[WH_XSRF_RANDOM];
    const char *token, *attributes;

    if (apr_generate_random_bytes(random, sizeof(random)) != APR_SUCCESS) {
        return;
    }
    token =
        wh_xsrf_create(key, r->user, context, random, apr_time_now(), r->pool);
    attributes = apr_cstr_casecmp(ap_http_scheme(r), "https")
                     ? "path=/;SameSite=Strict"
                     : "path=/;SameSite=Strict;Secure";
    /* A script of the site reads it, so it is not HttpOnly. */
    if (token) {
        ap_cookie_write(r, COOKIE, token, attributes, 0, r->headers_out, NULL);
    }
}

static int is_same(const char *one, const char *other)
{
    apr_size_t length = strlen(one);

    return strlen(other) == length && !CRYPTO_memcmp(one, other, length);
}

int wh_forgery_check(const char **message, request_rec *r, const char *context)
{
    const char *header = apr_table_get(r->headers_in, HEADER);
    const char *cookie = NULL, *key;
    int is_good;
    apr_status_t rv;

    if (wh_call_get(r)->has_authorization) {
        return OK;
    }
    rv = wh_credential_xsrf_key(&key, r->pool);
    if (rv != APR_SUCCESS) {
        *message = "The storage is not available now.";
        return wh_forgery_is_safe(r) ? OK : HTTP_SERVICE_UNAVAILABLE;
    }
    if (ap_cookie_read(r, COOKIE, &cookie, 0) != APR_SUCCESS) {
        cookie = NULL;
    }
    is_good = cookie && wh_xsrf_valid(cookie, key, r->user, context,
                                      apr_time_now(), r->pool);
    if (wh_forgery_is_safe(r)) {
        if (!is_good) {
            give_cookie(r, key, context);
        }
        return OK;
    }
    if (is_good && header && is_same(header, cookie)) {
        return OK;
    }
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                  WHLOGNO(2030) "no Authorization header, and X-XSRF-TOKEN is "
                                "missing or not the cookie's");
    *message = "A request without an Authorization header needs X-XSRF-TOKEN "
               "with the value of the cookie XSRF-TOKEN.";
    return HTTP_UNAUTHORIZED;
}
