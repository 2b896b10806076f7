/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/url.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "deliver/guard.h"

static const char no_memory[] = "Webhook TargetUrl cannot be parsed.";
static const char no_letters[] =
    "Webhook TargetUrl must be ASCII without blanks; names with other letters "
    "are written in their xn-- form.";
static const char no_host[] =
    "Webhook TargetUrl must begin with https:// or http:// and name a host.";
static const char no_zone[] =
    "Webhook TargetUrl must not name an interface of this machine.";

static int is_ascii(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f) {
            return 0;
        }
    }
    return 1;
}

/* libcurl has undone percent-encoding in it. What else a host may hold is
 * there to be read in two ways. */
static int is_host(const char *host)
{
    if (!*host) {
        return 0;
    }
    for (; *host; host++) {
        if (!apr_isalnum(*host) && !strchr("-._:[]", *host)) {
            return 0;
        }
    }
    return 1;
}

static const char *problem_of(CURLUcode code)
{
    switch (code) {
    case CURLUE_OK:
        return NULL;
    case CURLUE_OUT_OF_MEMORY:
        return no_memory;
    case CURLUE_USER_NOT_ALLOWED:
        return "Webhook TargetUrl must not hold a user name or password.";
    case CURLUE_UNSUPPORTED_SCHEME:
        return "Webhook TargetUrl must begin with https:// or http://.";
    default:
        return "Webhook TargetUrl must be an absolute URL.";
    }
}

/* A part, to be freed by curl_free(); NULL: there is none. */
static char *part_of(const wh_url_t *url, CURLUPart part, unsigned int flags)
{
    char *text = NULL;

    if (curl_url_get(url->handle, part, &text, flags) != CURLUE_OK) {
        return NULL;
    }
    return text;
}

static const char *judge_scheme(wh_url_t *url)
{
    char *scheme = part_of(url, CURLUPART_SCHEME, 0);
    const char *problem = NULL;

    if (scheme && !strcmp(scheme, "https")) {
        url->https = 1;
    }
    else if (!scheme || strcmp(scheme, "http")) {
        problem = no_host;
    }
    curl_free(scheme);
    return problem;
}

static int port_of(const wh_url_t *url)
{
    char *text = part_of(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    int port = text ? atoi(text) : 0;

    curl_free(text);
    return port;
}

/* libcurl has turned octal, hexadecimal and short forms into the usual one,
 * but for those that end with a dot: the resolver would. */
static void read_literal(wh_url_t *url, const char *host)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&url->address;
    apr_size_t length = strlen(host);
    char text[INET6_ADDRSTRLEN + 32];

    if (length >= sizeof(text)) {
        return;
    }
    apr_cpystrn(text, host, sizeof(text));
    if (text[0] == '[') {
        text[length - 1] = '\0';
        url->literal = wh_guard_read_address(&url->address, text + 1,
                                             port_of(url)) == APR_SUCCESS;
        return;
    }
    while (length > 0 && text[length - 1] == '.') {
        text[--length] = '\0';
    }
    memset(v4, 0, sizeof(*v4));
    if (inet_aton(text, &v4->sin_addr)) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((apr_uint16_t)port_of(url));
        url->literal = 1;
    }
}

static const char *judge_host(wh_url_t *url)
{
    char *host = part_of(url, CURLUPART_HOST, 0);
    char *zone = part_of(url, CURLUPART_ZONEID, 0);
    const char *problem = NULL;

    if (!host || !is_host(host)) {
        problem = host && *host && !is_ascii(host) ? no_letters : no_host;
    }
    else if (zone) {
        url->zone = 1;
        problem = no_zone;
    }
    else {
        read_literal(url, host);
        /* Only an address can stand in brackets. */
        problem = host[0] == '[' && !url->literal ? no_host : NULL;
    }
    curl_free(host);
    curl_free(zone);
    return problem;
}

const char *wh_url_parse(wh_url_t *url, const char *text)
{
    const char *problem;

    memset(url, 0, sizeof(*url));
    if (!text || !*text) {
        return "Webhook TargetUrl must be set.";
    }
    /* Other letters could become ASCII in the resolver's hands, behind the
     * back of whoever reads the URL. */
    if (!is_ascii(text)) {
        return no_letters;
    }
    url->handle = curl_url();
    if (!url->handle) {
        return no_memory;
    }
    problem = problem_of(
        curl_url_set(url->handle, CURLUPART_URL, text, CURLU_DISALLOW_USER));
    if (!problem) {
        problem = judge_scheme(url);
    }
    if (!problem) {
        problem = judge_host(url);
    }
    if (!problem) {
        url->text = part_of(url, CURLUPART_URL, 0);
        problem = url->text ? NULL : no_memory;
    }
    return problem;
}

int wh_url_is_shortage(const char *problem)
{
    return problem == no_memory;
}

void wh_url_free(wh_url_t *url)
{
    curl_url_cleanup(url->handle);
    curl_free(url->text);
    memset(url, 0, sizeof(*url));
}
