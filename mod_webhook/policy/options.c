/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/options.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "policy/certificate.h"

#define RATE_LEAST 0.001
#define RATE_MOST 100000.0

/* 0: the value is not in order. */
typedef int read_fn_t(wh_options_t *options, const json_t *value);

typedef struct option_t {
    const char *name;
    read_fn_t *read;
    const char *allowed;
} option_t;

/* Forms and XML know texts only. */
static int read_number(double *number, const json_t *value)
{
    const char *text = json_string_value(value);
    char *end = NULL;

    if (json_is_number(value)) {
        *number = json_number_value(value);
        return 1;
    }
    if (!text || !*text) {
        return 0;
    }
    *number = strtod(text, &end);
    return *end == '\0';
}

static int read_max_rate(wh_options_t *options, const json_t *value)
{
    double rate;

    /* The comparison is also false for what is no number. */
    if (!read_number(&rate, value) ||
        !(rate >= RATE_LEAST && rate <= RATE_MOST)) {
        return 0;
    }
    options->max_rate = rate;
    return 1;
}

/* The index of a text in a list that ends with NULL; -1: not there. */
static int index_of(const char *const *names, const json_t *value)
{
    const char *text = json_string_value(value);
    int i;

    for (i = 0; text && names[i]; i++) {
        if (!apr_cstr_casecmp(names[i], text)) {
            return i;
        }
    }
    return -1;
}

static int read_ordering(wh_options_t *options, const json_t *value)
{
    static const char *const names[] = {
        [WH_ORDERING_NONE] = "none",
        [WH_ORDERING_KEY] = "key",
        [WH_ORDERING_WEBHOOK] = "webhook",
        NULL,
    };
    int index = index_of(names, value);

    if (index < 0) {
        return 0;
    }
    options->ordering = (wh_ordering_t)index;
    return 1;
}

/* An object, or its text. One that is refused lets nothing through. */
static int read_filter(wh_options_t *options, const json_t *value)
{
    const char *text = json_string_value(value);
    json_t *parsed = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL)
                          : json_incref((json_t *)value);
    apr_status_t rv = wh_event_filter_create(
        &options->filter, &options->filter_problem, parsed, options->pool);

    json_decref(parsed);
    options->refusal = options->filter_problem;
    return rv == APR_SUCCESS;
}

/* Keeps a text that says how the webhook is reached. */
static int keep_transport(wh_options_t *options, const char **member,
                          const char *text, int is_valid)
{
    options->transport = 1;
    if (!text || !is_valid) {
        options->transport_wrong = 1;
        return 0;
    }
    *member = apr_pstrdup(options->pool, text);
    return 1;
}

static int read_ca_certificate(wh_options_t *options, const json_t *value)
{
    const char *text = json_string_value(value);

    return keep_transport(options, &options->ca_certificate, text,
                          text && wh_certificate_list_valid(text));
}

static int read_pins(wh_options_t *options, const json_t *value)
{
    const char *text = json_string_value(value);

    return keep_transport(options, &options->pins, text,
                          text && wh_certificate_pins_valid(text));
}

static int read_client_certificate(wh_options_t *options, const json_t *value)
{
    const char *text = json_string_value(value);

    return keep_transport(options, &options->client_certificate, text,
                          text && *text);
}

static int read_proxy(wh_options_t *options, const json_t *value)
{
    const char *text = json_string_value(value);

    return keep_transport(options, &options->proxy, text, text && *text);
}

static int read_min_tls(wh_options_t *options, const json_t *value)
{
    double version = 0;

    options->transport = 1;
    if (read_number(&version, value)) {
        options->min_tls = version == 1.2   ? WH_TLS_1_2
                           : version == 1.3 ? WH_TLS_1_3
                                            : WH_TLS_UNSET;
    }
    options->transport_wrong |= options->min_tls == WH_TLS_UNSET;
    return options->min_tls != WH_TLS_UNSET;
}

static int read_http2(wh_options_t *options, const json_t *value)
{
    const char *text = json_string_value(value);

    options->transport = 1;
    if (json_is_true(value) || (text && !apr_cstr_casecmp(text, "true"))) {
        options->http2 = WH_SWITCH_ON;
    }
    else if (json_is_false(value) ||
             (text && !apr_cstr_casecmp(text, "false"))) {
        options->http2 = WH_SWITCH_OFF;
    }
    options->transport_wrong |= options->http2 == WH_SWITCH_UNSET;
    return options->http2 != WH_SWITCH_UNSET;
}

#define ROW(name, reader, type, allowed) {#name, reader, allowed},
static const option_t rows[] = {WH_OPTIONS(ROW)};
#undef ROW

static const option_t *find(const char *name)
{
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!apr_cstr_casecmp(rows[i].name, name)) {
            return &rows[i];
        }
    }
    return NULL;
}

int wh_options_is_member(const char *name)
{
    return !apr_cstr_casecmp(name, WH_OPTIONS_MEMBER);
}

static const char *read_members(wh_options_t *options, json_t *members,
                                apr_pool_t *pool)
{
    const char *problem = NULL, *name;
    json_t *value;

    if (!json_is_object(members)) {
        return "Webhook Properties: \"" WH_OPTIONS_MEMBER
               "\" must be an object.";
    }
    json_object_foreach(members, name, value)
    {
        const option_t *option = find(name);
        const char *refusal = NULL;

        if (!option) {
            refusal = "is no option";
        }
        else if (!json_is_null(value) && !option->read(options, value)) {
            refusal = options->refusal ? options->refusal
                                       : apr_pstrcat(pool, "must be ",
                                                     option->allowed, NULL);
        }
        options->refusal = NULL;
        if (refusal && !problem) {
            problem = apr_psprintf(pool,
                                   "Webhook Properties: \"" WH_OPTIONS_MEMBER
                                   "\": \"%s\" %s.",
                                   name, refusal);
        }
    }
    return problem;
}

const char *wh_options_read(wh_options_t *options, const char *properties,
                            apr_pool_t *pool)
{
    json_t *all = properties ? json_loads(properties, 0, NULL) : NULL;
    const char *problem = NULL, *name;
    json_t *value;

    memset(options, 0, sizeof(*options));
    options->pool = pool;
    json_object_foreach(all, name, value)
    {
        if (wh_options_is_member(name) && !json_is_null(value)) {
            problem = read_members(options, value, pool);
        }
    }
    json_decref(all);
    return problem;
}

const char *wh_options_read_filter(const wh_event_filter_t **filter,
                                   const char *properties, apr_pool_t *pool)
{
    wh_options_t options;

    *filter = NULL;
    if (!properties || !strcasestr(properties, WH_OPTIONS_MEMBER)) {
        return NULL;
    }
    (void)wh_options_read(&options, properties, pool);
    *filter = options.filter;
    return options.filter_problem;
}
