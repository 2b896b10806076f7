/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/options.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "media/json.h"
#include "policy/certificate.h"
#include "policy/instant.h"

#define ALLOWED_RATE "CloudEventsAllowedRate"
#define ALLOWED_RATE_MOST 6000000
#define SOURCE_MAX 1000
#define ORIGIN_MAX 253

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

static int read_flag(int *flag, const json_t *value)
{
    static const char *const names[] = {"false", "true", NULL};
    int index =
        json_is_boolean(value) ? json_is_true(value) : index_of(names, value);

    *flag = index == 1;
    return index >= 0;
}

static int read_include_values(wh_options_t *options, const json_t *value)
{
    return read_flag(&options->include_values, value);
}

static int read_handshake(wh_options_t *options, const json_t *value)
{
    return read_flag(&options->cloudevents_handshake, value);
}

static int read_mode(wh_options_t *options, const json_t *value)
{
    static const char *const names[] = {"structured", "binary", NULL};
    int index = index_of(names, value);

    options->cloudevents_binary = index == 1;
    return index >= 0;
}

static int is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
           (c >= 'A' && c <= 'F');
}

/* By ranges, not by ctype.h: another module may have set a locale. */
static int is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9');
}

/* The characters of RFC 3986. */
static int is_reference(const char *text)
{
    for (; *text; text++) {
        if (*text == '%' && (!is_hex(text[1]) || !is_hex(text[2]))) {
            return 0;
        }
        if (!is_alphanumeric(*text) &&
            !strchr("%-._~:/?#[]@!$&'()*+,;=", *text)) {
            return 0;
        }
    }
    return 1;
}

static int is_name(const char *text)
{
    for (; *text; text++) {
        if (!is_alphanumeric(*text) && !strchr("-._", *text)) {
            return 0;
        }
    }
    return 1;
}

/* A text of 1 to most bytes, kept with the options; NULL: it is none. */
static const char *read_text(const wh_options_t *options, const json_t *value,
                             apr_size_t most)
{
    const char *text = json_string_value(value);

    return text && *text && strlen(text) <= most
               ? apr_pstrdup(options->pool, text)
               : NULL;
}

static int read_source(wh_options_t *options, const json_t *value)
{
    const char *text = read_text(options, value, SOURCE_MAX);

    options->cloudevents_source = text && is_reference(text) ? text : NULL;
    return options->cloudevents_source != NULL;
}

static int read_origin(wh_options_t *options, const json_t *value)
{
    const char *text = read_text(options, value, ORIGIN_MAX);

    options->cloudevents_origin = text && is_name(text) ? text : NULL;
    return options->cloudevents_origin != NULL;
}

static int read_allowed_rate(wh_options_t *options, const json_t *value)
{
    double rate;

    if (!read_number(&rate, value) ||
        !(rate >= 1 && rate <= ALLOWED_RATE_MOST) ||
        rate != (double)(apr_int64_t)rate) {
        return 0;
    }
    options->allowed_rate = rate / 60;
    return 1;
}

/* Each once: a misspelt end would be none. */
static int has_secret_members(json_t *item)
{
    const char *name;
    json_t *value;
    int secrets = 0, ends = 0;

    json_object_foreach(item, name, value)
    {
        int is_end = !apr_cstr_casecmp(name, "Until");

        if (!is_end && apr_cstr_casecmp(name, WH_SECRET_MEMBER)) {
            return 0;
        }
        ends += is_end;
        secrets += !is_end;
    }
    return secrets == 1 && ends <= 1;
}

static int read_secret(wh_secret_t *secret, const wh_options_t *options,
                       json_t *item)
{
    const json_t *until = wh_json_member(item, "Until");

    secret->text = read_text(options, wh_json_member(item, WH_SECRET_MEMBER),
                             WH_SECRET_MAX);
    secret->until = 0;
    if (!secret->text || !has_secret_members(item)) {
        return 0;
    }
    return !until || json_is_null(until) ||
           (json_is_string(until) &&
            wh_instant_read(&secret->until, json_string_value(until)));
}

static int read_secrets(wh_options_t *options, const json_t *value)
{
    size_t i, count = json_array_size(value);

    if (!json_is_array(value) || count > WH_SECRETS_MAX) {
        return 0;
    }
    for (i = 0; i < count; i++) {
        if (!read_secret(&options->secrets[i], options,
                         json_array_get(value, i))) {
            return 0;
        }
    }
    options->secret_count = (int)count;
    return 1;
}

/* An object, or its text. */
static apr_status_t make_filter(const wh_event_filter_t **filter,
                                const char **problem, const json_t *value,
                                apr_pool_t *pool)
{
    const char *text = json_string_value(value);
    json_t *parsed = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL)
                          : json_incref((json_t *)value);
    apr_status_t rv = wh_event_filter_create(filter, problem, parsed, pool);

    json_decref(parsed);
    return rv;
}

/* It is only judged: whoever asks it makes it by wh_options_read_filter(). */
static int read_filter(wh_options_t *options, const json_t *value)
{
    const wh_event_filter_t *filter;
    const char *problem;
    apr_pool_t *scratch;
    apr_status_t rv = apr_pool_create(&scratch, options->pool);

    if (rv != APR_SUCCESS) {
        return 1;
    }
    rv = make_filter(&filter, &problem, value, scratch);
    if (rv != APR_SUCCESS) {
        options->refusal = apr_pstrdup(options->pool, problem);
    }
    apr_pool_destroy(scratch);
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

#define OPTIONS (sizeof(rows) / sizeof(rows[0]))

static const option_t *find(const char *name)
{
    size_t i;

    for (i = 0; i < OPTIONS; i++) {
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
    int seen[OPTIONS] = {0};
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
        else if (seen[option - rows]++) {
            refusal = "is there twice";
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
    int count = 0;

    memset(options, 0, sizeof(*options));
    options->pool = pool;
    json_object_foreach(all, name, value)
    {
        if (wh_options_is_member(name) && ++count == 1 &&
            !json_is_null(value)) {
            problem = read_members(options, value, pool);
        }
    }
    if (count > 1 && !problem) {
        problem =
            "Webhook Properties: \"" WH_OPTIONS_MEMBER "\" is there twice.";
    }
    json_decref(all);
    options->own_rate = options->max_rate;
    if (options->allowed_rate > 0 &&
        (options->max_rate == 0 || options->allowed_rate < options->max_rate)) {
        options->max_rate = options->allowed_rate;
    }
    return problem;
}

/* The object of options, in whatever case it is there; made if it is not. */
static json_t *own_object(json_t *properties)
{
    const char *name;
    json_t *value;

    json_object_foreach(properties, name, value)
    {
        if (wh_options_is_member(name) && json_is_object(value)) {
            return value;
        }
    }
    json_object_set_new(properties, WH_OPTIONS_MEMBER, json_object());
    return json_object_get(properties, WH_OPTIONS_MEMBER);
}

apr_status_t wh_options_allow(const char **properties, int rate,
                              apr_pool_t *pool)
{
    json_t *all = *properties ? json_loads(*properties, 0, NULL) : NULL;
    json_t *options, *value;
    const char *name;
    void *next;
    char *text;

    all = all ? all : json_object();
    options = own_object(all);
    json_object_foreach_safe(options, next, name, value)
    {
        if (!apr_cstr_casecmp(name, ALLOWED_RATE)) {
            json_object_del(options, name);
        }
    }
    if (rate > 0) {
        json_object_set_new(
            options, ALLOWED_RATE,
            json_integer(rate < ALLOWED_RATE_MOST ? rate : ALLOWED_RATE_MOST));
    }
    text = wh_json_dump(all, JSON_COMPACT);
    json_decref(all);
    if (!text) {
        return APR_ENOMEM;
    }
    *properties = apr_pstrdup(pool, text);
    free(text);
    return APR_SUCCESS;
}

apr_status_t wh_options_read_filter(wh_event_filter_t **filter,
                                    const char **problem,
                                    const char *properties, apr_pool_t *pool)
{
    const wh_event_filter_t *made = NULL;
    const json_t *value;
    json_t *all;

    *filter = NULL;
    *problem = NULL;
    if (!properties || !strcasestr(properties, WH_OPTIONS_MEMBER)) {
        return APR_SUCCESS;
    }
    /* Nothing else is read: certificates for instance take their time. */
    all = json_loads(properties, 0, NULL);
    value = wh_json_member(wh_json_member(all, WH_OPTIONS_MEMBER), "Filter");
    if (value && !json_is_null(value)) {
        (void)make_filter(&made, problem, value, pool);
        *filter = wh_event_filter_keep(made);
    }
    json_decref(all);
    return made && !*filter ? APR_ENOMEM : APR_SUCCESS;
}
