/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/validate.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <arpa/inet.h>
#include <curl/curl.h>
#include <jansson.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "deliver/guard.h"
#include "deliver/kind.h"
#include "deliver/transport.h"
#include "policy/event_name.h"
#include "policy/header.h"
#include "policy/options.h"

typedef struct target_t {
    CURLU *handle;
    const char *scheme;
    const char *host;
    const char *zone;
    const char *port;
    const char *url; /* as it is kept */
} target_t;

static const char *part_of(const target_t *target, CURLUPart part,
                           unsigned int flags, apr_pool_t *pool)
{
    char *text = NULL;
    const char *copy = NULL;

    if (curl_url_get(target->handle, part, &text, flags) == CURLUE_OK) {
        copy = apr_pstrdup(pool, text);
    }
    curl_free(text);
    return copy;
}

static apr_status_t cleanup_url(void *handle)
{
    curl_url_cleanup(handle);
    return APR_SUCCESS;
}

static int is_ascii(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f) {
            return 0;
        }
    }
    return 1;
}

/* NULL: parsed, else a sentence. */
static const char *parse_target(target_t *target, const char *url,
                                apr_pool_t *pool)
{
    CURLUcode code;

    memset(target, 0, sizeof(*target));
    if (!url || !*url) {
        return "Webhook TargetUrl must be set.";
    }
    /* Other letters could become ASCII in the resolver's hands, behind the
     * back of whoever reads the URL. */
    if (!is_ascii(url)) {
        return "Webhook TargetUrl must be ASCII without blanks; names with "
               "other letters are written in their xn-- form.";
    }
    target->handle = curl_url();
    if (!target->handle) {
        return "Webhook TargetUrl cannot be parsed.";
    }
    apr_pool_cleanup_register(pool, target->handle, cleanup_url,
                              apr_pool_cleanup_null);
    code =
        curl_url_set(target->handle, CURLUPART_URL, url, CURLU_DISALLOW_USER);
    if (code == CURLUE_USER_NOT_ALLOWED) {
        return "Webhook TargetUrl must not hold a user name or password.";
    }
    if (code == CURLUE_UNSUPPORTED_SCHEME) {
        return "Webhook TargetUrl must begin with https:// or http://.";
    }
    if (code != CURLUE_OK) {
        return "Webhook TargetUrl must be an absolute URL.";
    }
    target->scheme = part_of(target, CURLUPART_SCHEME, 0, pool);
    target->host = part_of(target, CURLUPART_HOST, 0, pool);
    target->zone = part_of(target, CURLUPART_ZONEID, 0, pool);
    target->port = part_of(target, CURLUPART_PORT, CURLU_DEFAULT_PORT, pool);
    target->url = part_of(target, CURLUPART_URL, 0, pool);
    return NULL;
}

/* 1 if the host is an IPv4 or IPv6 address, which is then filled in. libcurl
 * has turned octal, hexadecimal and short forms into the usual one. */
static int literal_address(struct sockaddr_storage *address, const char *host,
                           int port)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
    char text[INET6_ADDRSTRLEN + 2];
    apr_size_t length = strlen(host);

    memset(address, 0, sizeof(*address));
    if (length == 0 || length >= sizeof(text)) {
        return 0;
    }
    if (host[0] == '[') {
        apr_cpystrn(text, host + 1, length - 1);
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((apr_uint16_t)port);
        return inet_pton(AF_INET6, text, &v6->sin6_addr) == 1;
    }
    apr_cpystrn(text, host, sizeof(text));
    if (text[length - 1] == '.') {
        text[length - 1] = '\0';
    }
    v4->sin_family = AF_INET;
    v4->sin_port = htons((apr_uint16_t)port);
    return inet_pton(AF_INET, text, &v4->sin_addr) == 1;
}

/* The guard at connect time decides for names; an address that it is bound to
 * refuse is refused here, where the owner sees it. */
static int is_address_allowed(const target_t *target,
                              const wh_settings_t *settings, apr_pool_t *pool)
{
    struct sockaddr_storage address;
    wh_guard_t guard;
    int port = target->port ? atoi(target->port) : 0;

    if (target->zone) {
        return 0;
    }
    if (!literal_address(&address, target->host, port)) {
        /* Only an address can stand in brackets. */
        return target->host[0] != '[';
    }
    wh_guard_init(&guard, settings->addresses, pool);
    wh_guard_refresh(&guard, apr_time_now());
    return !wh_guard_refusal(&guard, (const struct sockaddr *)&address);
}

static const char *judge_target(wh_webhook_t *webhook,
                                const wh_settings_t *settings, apr_pool_t *pool)
{
    target_t target;
    const char *problem = parse_target(&target, webhook->target_url, pool);

    if (problem) {
        return problem;
    }
    if (!target.scheme || !target.url || !target.host || !*target.host ||
        (strcmp(target.scheme, "https") && strcmp(target.scheme, "http"))) {
        return "Webhook TargetUrl must begin with https:// or http:// and "
               "name a host.";
    }
    if (settings->require_https && strcmp(target.scheme, "https")) {
        return apr_pstrcat(pool,
                           "Webhook TargetUrl must be secure: 'HTTPS:' "
                           "not found in ",
                           webhook->target_url, NULL);
    }
    if (strlen(target.url) > WH_TARGET_URL_MAX) {
        return "Webhook TargetUrl must have at most 4000 bytes.";
    }
    /* Always the same words: they must not tell what is behind an address. */
    if (!is_address_allowed(&target, settings, pool)) {
        return "Webhook TargetUrl: target address not allowed";
    }
    webhook->target_url = target.url;
    return NULL;
}

static const char *judge_events(const char *names)
{
    int patterns = 0;

    if (!names || !*names) {
        return "Webhook Events must have at least one event name.";
    }
    while (*names) {
        apr_size_t length = strcspn(names, ",");

        if (wh_event_pattern_valid(names, length)) {
            patterns++;
        }
        else if (!wh_event_name_valid(names, length)) {
            return "Webhook Events must be names of 1 to 128 letters, digits, "
                   "\".\", \"_\" and \"-\", or patterns in which one part "
                   "between dots is \"*\".";
        }
        names += length + (names[length] == ',');
    }
    return patterns > WH_EVENT_PATTERNS_MAX
               ? "Webhook Events must have at most 16 patterns."
               : NULL;
}

typedef const char *judge_fn_t(const char *name, const json_t *value,
                               const wh_kind_t *kind);

static const char *judge_header(const char *name, const json_t *value,
                                const wh_kind_t *kind)
{
    const char *refusal = wh_header_refusal(name, json_string_value(value));

    if (!refusal && wh_kind_owns_header(kind, name)) {
        refusal = "is set by the sender";
    }
    return refusal;
}

static const char *judge_property(const char *name, const json_t *value,
                                  const wh_kind_t *kind)
{
    (void)value;
    (void)kind;
    return wh_property_refusal(name);
}

/* Judges the members of an object that is kept as text. */
static const char *judge_members(const char *member, const char *text,
                                 size_t most, judge_fn_t *judge,
                                 const wh_kind_t *kind, apr_pool_t *pool)
{
    json_t *object = text ? json_loads(text, 0, NULL) : NULL;
    const char *problem = NULL, *name;
    json_t *value;

    if (most && json_object_size(object) > most) {
        problem = apr_psprintf(pool, "Webhook %s must have at most %d members.",
                               member, (int)most);
    }
    json_object_foreach(object, name, value)
    {
        const char *refusal = problem ? NULL : judge(name, value, kind);

        if (refusal) {
            problem = apr_psprintf(pool, "Webhook %s: \"%s\" %s.", member, name,
                                   refusal);
        }
    }
    json_decref(object);
    return problem;
}

/* The type gets its one spelling. */
static const char *judge_type(const wh_kind_t **kind, wh_webhook_t *webhook,
                              apr_pool_t *pool)
{
    *kind = wh_kind_find(webhook->type);
    if (!*kind) {
        return apr_pstrcat(pool, "Webhook Type must be ", wh_kind_names(pool),
                           ".", NULL);
    }
    webhook->type = (*kind)->name;
    return NULL;
}

/* Tools know no configuration: then any name may be right. */
static const char *judge_names(const wh_settings_t *settings,
                               const wh_options_t *options)
{
    return settings->client_certificates && settings->proxies
               ? wh_transport_refusal(settings, options)
               : NULL;
}

apr_status_t wh_validate_webhook(wh_webhook_t *webhook, const char **message,
                                 const wh_settings_t *settings,
                                 apr_pool_t *pool)
{
    const char *problem = judge_events(webhook->events);
    const wh_kind_t *kind = NULL;
    wh_options_t options;

    if (!problem) {
        problem = judge_type(&kind, webhook, pool);
    }
    if (!problem) {
        problem = judge_target(webhook, settings, pool);
    }
    if (!problem) {
        problem = judge_members("Headers", webhook->headers, WH_HEADERS_MAX,
                                judge_header, kind, pool);
    }
    if (!problem) {
        problem = judge_members("Properties", webhook->properties, 0,
                                judge_property, kind, pool);
    }
    if (!problem) {
        problem = wh_options_read(&options, webhook->properties, pool);
    }
    if (!problem) {
        problem = wh_kind_refusal(kind, webhook, &options, pool);
    }
    if (!problem) {
        problem = judge_names(settings, &options);
    }
    *message = problem;
    return problem ? APR_EINVAL : APR_SUCCESS;
}
