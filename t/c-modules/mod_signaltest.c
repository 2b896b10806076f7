/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests only: uses the C interface of mod_webhook.
 *
 * It adds the kind of delivery "SignalTest". Its body is text, which is not the
 * same on two attempts unless it is stored; its signature the length of each
 * secret; its successes 200 and 418. Secrets begin with "k_". An event whose
 * number is below 0 has no body.
 *
 * And it signals events:
 *
 *     SetHandler signaltest
 *     GET /signaltest?name=contact.created&pk=7&key=K&data=%7B%22a%22%3A1%7D
 *
 * Arguments: name, pk, associate, key, data; server=1 gives the server record
 * in place of the request, null=1 neither. The answer is text: "status N", the
 * name of the status, "id" and the event id, "codeset" and that of the process's
 * locale, each on its line. httpd leaves the locale at "C"; with
 * WEBHOOK_TEST_SETLOCALE in its environment it is the environment's, as after
 * another module has called setlocale().
 */
#include <apr_optional.h>
#include <apr_strings.h>
#include <httpd.h>
#include <http_config.h>
#include <http_protocol.h>
#include <util_script.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>

#include "mod_webhook.h"

static APR_OPTIONAL_FN_TYPE(webhook_signal) * signal_event;

static apr_status_t make_payload(const char **body, apr_size_t *length,
                                 apr_table_t *headers,
                                 const webhook_attempt_t *attempt,
                                 const void *baton, apr_pool_t *pool)
{
    if (attempt->primary_key < 0) {
        return APR_EINVAL;
    }
    *body = apr_psprintf(pool, "%s %s %d %s attempt %d of %s\n",
                         (const char *)baton, attempt->event_name,
                         attempt->primary_key, attempt->data, attempt->number,
                         attempt->context);
    *length = strlen(*body);
    apr_table_setn(headers, "Content-Type", "text/x-signaltest");
    apr_table_setn(headers, "X-Webhook",
                   apr_pstrcat(pool, attempt->webhook_name, " ",
                               attempt->properties, NULL));
    apr_table_setn(headers, "X-First",
                   apr_psprintf(pool, "%" APR_TIME_T_FMT, attempt->now));
    return APR_SUCCESS;
}

static apr_status_t make_headers(apr_table_t *headers,
                                 const webhook_attempt_t *attempt,
                                 const void *baton, apr_pool_t *pool)
{
    int i;

    (void)baton;
    apr_table_setn(headers, "X-Kind",
                   apr_psprintf(pool, "%d bytes, attempt %d%s",
                                (int)attempt->body_length, attempt->number,
                                attempt->test ? ", test" : ""));
    for (i = 0; i < attempt->secret_count; i++) {
        apr_table_addn(
            headers, "X-Kind-Signature",
            apr_psprintf(pool, "%d", (int)strlen(attempt->secrets[i])));
    }
    return APR_SUCCESS;
}

static int is_success(int status, const void *baton)
{
    (void)baton;
    return status == 200 || status == 418;
}

static const char *judge_secret(const char *secret, const void *baton,
                                apr_pool_t *pool)
{
    (void)baton;
    (void)pool;
    return strncmp(secret, "k_", 2) ? "must begin with k_" : NULL;
}

static const char *const own_headers[] = {"X-Kind", "X-First", NULL};

static const webhook_kind_t kind = {.size = sizeof(webhook_kind_t),
                                    .name = "SignalTest",
                                    .baton = "it is",
                                    .payload = make_payload,
                                    .headers = make_headers,
                                    .success = is_success,
                                    .secret_refusal = judge_secret,
                                    .own_headers = own_headers};

/* Of this configuration. */
static apr_pool_t *late_pool;

static const struct {
    apr_status_t status;
    const char *name;
} names[] = {{APR_SUCCESS, "APR_SUCCESS"},  {APR_EINVAL, "APR_EINVAL"},
             {APR_EEXIST, "APR_EEXIST"},    {APR_ENOSPC, "APR_ENOSPC"},
             {APR_EAGAIN, "APR_EAGAIN"},    {APR_TIMEUP, "APR_TIMEUP"},
             {APR_ENOTIMPL, "APR_ENOTIMPL"}};

static const char *name_of(apr_status_t status)
{
    apr_size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].status == status) {
            return names[i].name;
        }
    }
    return "another status";
}

/* The decoded value of a query argument; NULL: it is missing or malformed. */
static const char *argument(request_rec *r, apr_table_t *arguments,
                            const char *name)
{
    const char *value = apr_table_get(arguments, name);
    char *decoded = value ? apr_pstrdup(r->pool, value) : NULL;

    return decoded && ap_unescape_urlencoded(decoded) == OK ? decoded : NULL;
}

static apr_int32_t number(request_rec *r, apr_table_t *arguments,
                          const char *name)
{
    const char *value = argument(r, arguments, name);

    return value ? (apr_int32_t)apr_atoi64(value) : 0;
}

static int handle(request_rec *r)
{
    char event_id[WEBHOOK_EVENT_ID_SIZE] = "";
    webhook_event_t event = {.name = NULL};
    apr_table_t *arguments;
    apr_status_t rv;

    if (!r->handler || strcmp(r->handler, "signaltest")) {
        return DECLINED;
    }
    ap_set_content_type(r, "text/plain");
    if (!signal_event) {
        ap_rputs("no webhook_signal\n", r);
        return OK;
    }
    ap_args_to_table(r, &arguments);
    if (number(r, arguments, "server")) {
        event.s = r->server;
    }
    else if (!number(r, arguments, "null")) {
        event.r = r;
    }
    event.name = argument(r, arguments, "name");
    event.primary_key = number(r, arguments, "pk");
    event.associate_id = number(r, arguments, "associate");
    event.idempotency_key = argument(r, arguments, "key");
    event.data = argument(r, arguments, "data");
    rv = signal_event(event_id, &event, r->pool);
    ap_rprintf(r, "status %d\n%s\nid %s\ncodeset %s\n", rv, name_of(rv),
               event_id, nl_langinfo(CODESET));
    return OK;
}

static void retrieve(void)
{
    APR_OPTIONAL_FN_TYPE(webhook_kind_register) * add_kind;

    signal_event = APR_RETRIEVE_OPTIONAL_FN(webhook_signal);
    /* By now the dispatcher has been forked. */
    add_kind = APR_RETRIEVE_OPTIONAL_FN(webhook_kind_register);
    ap_assert(!add_kind || add_kind(&kind, late_pool) == APR_EBUSY);
}

/* What must not be accepted, then what must. */
static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                       server_rec *s)
{
    webhook_kind_t bad = kind;
    APR_OPTIONAL_FN_TYPE(webhook_kind_register) *add_kind =
        APR_RETRIEVE_OPTIONAL_FN(webhook_kind_register);

    (void)plog;
    (void)ptemp;
    (void)s;
    late_pool = pconf;
    if (!add_kind) {
        return OK;
    }
    bad.name = "CloudEvents";
    ap_assert(add_kind(&bad, pconf) == APR_EEXIST);
    bad.name = "no name";
    ap_assert(add_kind(&bad, pconf) == APR_EINVAL);
    bad = kind;
    bad.payload = NULL;
    ap_assert(add_kind(&bad, pconf) == APR_EINVAL);
    bad = kind;
    bad.size = sizeof(bad.size);
    ap_assert(add_kind(&bad, pconf) == APR_EINVAL);
    ap_assert(add_kind(&kind, pconf) == APR_SUCCESS);
    ap_assert(add_kind(&kind, pconf) == APR_EEXIST);
    return OK;
}

static void register_hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
    if (getenv("WEBHOOK_TEST_SETLOCALE")) {
        setlocale(LC_ALL, "");
    }
    ap_hook_optional_fn_retrieve(retrieve, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(handle, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(signaltest) = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks,
    AP_MODULE_FLAG_NONE};
