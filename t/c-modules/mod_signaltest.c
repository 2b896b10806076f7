/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests only: signals an event through the C interface of mod_webhook.
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
    signal_event = APR_RETRIEVE_OPTIONAL_FN(webhook_signal);
}

static void register_hooks(apr_pool_t *pool)
{
    (void)pool;
    if (getenv("WEBHOOK_TEST_SETLOCALE")) {
        setlocale(LC_ALL, "");
    }
    ap_hook_optional_fn_retrieve(retrieve, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(handle, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(signaltest) = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks,
    AP_MODULE_FLAG_NONE};
