/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/validate.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <jansson.h>
#include <string.h>

#include "deliver/guard.h"
#include "deliver/kind.h"
#include "deliver/transport.h"
#include "deliver/url.h"
#include "policy/event_name.h"
#include "policy/header.h"
#include "policy/options.h"

/* Always the same words: they must not tell what is behind an address. */
static const char not_allowed[] =
    "Webhook TargetUrl: target address not allowed";

/* The guard at connect time decides for names; an address that it is bound to
 * refuse is refused here, where the owner sees it. */
static int is_address_allowed(const wh_url_t *url,
                              const wh_settings_t *settings, apr_pool_t *pool)
{
    wh_guard_t guard;

    if (!url->literal) {
        return 1;
    }
    wh_guard_init(&guard, settings->addresses, pool);
    wh_guard_refresh(&guard, apr_time_now());
    return wh_guard_is_ready(&guard) &&
           !wh_guard_refusal(&guard, (const struct sockaddr *)&url->address);
}

/* NULL: it may be saved as it is in url, else a sentence. */
static const char *judge_url(wh_url_t *url, const wh_webhook_t *webhook,
                             const wh_settings_t *settings, apr_pool_t *pool)
{
    const char *problem = wh_url_parse(url, webhook->target_url);

    if (problem) {
        return url->zone ? not_allowed : problem;
    }
    if (settings->require_https && !url->https) {
        return apr_pstrcat(pool,
                           "Webhook TargetUrl must be secure: 'HTTPS:' "
                           "not found in ",
                           webhook->target_url, NULL);
    }
    if (strlen(url->text) > WH_TARGET_URL_MAX) {
        return "Webhook TargetUrl must have at most 4000 bytes.";
    }
    return is_address_allowed(url, settings, pool) ? NULL : not_allowed;
}

static const char *judge_target(wh_webhook_t *webhook,
                                const wh_settings_t *settings, apr_pool_t *pool)
{
    wh_url_t url;
    const char *problem = judge_url(&url, webhook, settings, pool);

    if (!problem) {
        webhook->target_url = apr_pstrdup(pool, url.text);
    }
    wh_url_free(&url);
    return problem;
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
