/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd_private.h"

#include "signal/kind_register.h"

#include <apr_cstr.h>
#include <apr_lib.h>
#include <apr_optional.h>
#include <apr_strings.h>
#include <http_config.h>
#include <mod_webhook.h>
#include <stddef.h>
#include <string.h>

#include "base/pool.h"
#include "deliver/kind.h"
#include "deliver/target.h"
#include "policy/header.h"

#define CONTENT_TYPE "Content-Type"
#define LINES_MAX 32

/* 1: the dispatcher has been forked, or is about to be. */
static int closed;

static const webhook_kind_t *kind_of(const wh_kind_t *kind)
{
    return kind->baton;
}

static void fill(webhook_attempt_t *to, const wh_attempt_t *from)
{
    const wh_event_t *event = from->event;

    memset(to, 0, sizeof(*to));
    to->size = sizeof(*to);
    to->webhook_id = from->target->webhook_id;
    to->context = event->context;
    to->event_id = event->uuid;
    to->event_name = event->name;
    to->event_time = event->time;
    to->primary_key = event->primary_key;
    to->associate_id = event->associate_id;
    to->data = event->data;
    to->changes = event->changes;
    to->number = from->number;
    to->test = from->test;
    to->now = from->now;
    to->secrets = from->secrets;
    to->secret_count = from->secret_count;
    to->body = from->body;
    to->body_length = from->length;
    to->webhook_name = from->target->name;
    to->properties = from->target->properties;
}

static int is_content_type(const char *name)
{
    return !apr_cstr_casecmp(name, CONTENT_TYPE);
}

/* What another module says is not trusted either: a line end would make two
 * headers of one. */
static int is_line(const char *name, const char *value)
{
    return is_content_type(name) ? !strpbrk(value, "\r\n")
                                 : !wh_header_malformed(name, value);
}

/* "Name;" is how libcurl sends an empty one. */
static const char *line_of(const apr_table_entry_t *entry, apr_pool_t *pool)
{
    return *entry->val ? apr_pstrcat(pool, entry->key, ": ", entry->val, NULL)
                       : apr_pstrcat(pool, entry->key, ";", NULL);
}

/* The lines that are stored before a body. NULL: one is none. */
static const char *head_of(const apr_table_t *headers, const char *content_type,
                           apr_pool_t *pool)
{
    const apr_array_header_t *all = apr_table_elts(headers);
    const char *given = apr_table_get(headers, CONTENT_TYPE);
    const char *head;
    int i;

    given = given && *given ? given : content_type;
    given = given ? given : "application/json";
    if (!is_line(CONTENT_TYPE, given)) {
        return NULL;
    }
    head = apr_pstrcat(pool, CONTENT_TYPE ": ", given, "\n", NULL);
    for (i = 0; i < all->nelts; i++) {
        const apr_table_entry_t *entry =
            &APR_ARRAY_IDX(all, i, apr_table_entry_t);

        if (!is_line(entry->key, entry->val)) {
            return NULL;
        }
        if (!is_content_type(entry->key)) {
            head = apr_pstrcat(pool, head, line_of(entry, pool), "\n", NULL);
        }
    }
    return head;
}

static apr_status_t make_payload(wh_parcel_t *parcel,
                                 const wh_attempt_t *attempt, apr_pool_t *pool)
{
    const webhook_kind_t *kind = kind_of(attempt->kind);
    apr_table_t *headers = apr_table_make(pool, 8);
    const char *body = NULL, *head;
    apr_size_t length = 0;
    webhook_attempt_t own;
    apr_status_t rv;

    fill(&own, attempt);
    rv = kind->payload(&body, &length, headers, &own, kind->baton, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    head = body ? head_of(headers, kind->content_type, pool) : NULL;
    return head ? wh_parcel_create(parcel, head, body, length) : APR_EINVAL;
}

static apr_status_t render(wh_parcel_t *parcel, const wh_attempt_t *attempt)
{
    apr_pool_t *pool;
    apr_status_t rv = wh_pool_create(&pool, "webhook_kind", 0);

    if (rv != APR_SUCCESS) {
        return APR_ENOMEM;
    }
    rv = make_payload(parcel, attempt, pool);
    apr_pool_destroy(pool);
    return rv;
}

static apr_status_t make_headers(wh_header_list_t *list,
                                 const wh_attempt_t *attempt, apr_pool_t *pool)
{
    const webhook_kind_t *kind = kind_of(attempt->kind);
    apr_table_t *headers = apr_table_make(pool, 8);
    const apr_array_header_t *all = apr_table_elts(headers);
    webhook_attempt_t own;
    apr_status_t rv;
    int i;

    fill(&own, attempt);
    rv = kind->headers(headers, &own, kind->baton, pool);
    if (rv == APR_SUCCESS && all->nelts > LINES_MAX) {
        rv = APR_ENOSPC;
    }
    for (i = 0; i < all->nelts && rv == APR_SUCCESS; i++) {
        const apr_table_entry_t *entry =
            &APR_ARRAY_IDX(all, i, apr_table_entry_t);

        /* The type of the body is stored with it. */
        rv = is_content_type(entry->key) ||
                     wh_header_malformed(entry->key, entry->val)
                 ? APR_EINVAL
                 : wh_header_list_add(list, "%s", line_of(entry, pool));
    }
    return rv;
}

static apr_status_t sign(wh_header_list_t *list, const wh_attempt_t *attempt)
{
    apr_pool_t *pool;
    apr_status_t rv;

    if (!kind_of(attempt->kind)->headers) {
        return APR_SUCCESS;
    }
    rv = wh_pool_create(&pool, "webhook_kind", 0);
    if (rv != APR_SUCCESS) {
        return APR_ENOMEM;
    }
    rv = make_headers(list, attempt, pool);
    apr_pool_destroy(pool);
    return rv;
}

static int succeeds(const wh_kind_t *kind, int status,
                    const wh_settings_t *settings)
{
    (void)settings;
    /* There is no such class, and a module may have a table of those there are. */
    return status <= 599 &&
           kind_of(kind)->success(status, kind_of(kind)->baton);
}

static const char *secret_refusal(const wh_kind_t *kind, const char *secret,
                                  apr_pool_t *pool)
{
    return kind_of(kind)->secret_refusal(secret, kind_of(kind)->baton, pool);
}

static int is_name(const char *name)
{
    const char *c;

    for (c = name; c && *c; c++) {
        if (!apr_isalnum(*c) && !strchr("._-", *c)) {
            return 0;
        }
    }
    return c && c > name && c - name <= WH_TYPE_MAX;
}

static apr_status_t webhook_kind_register(const webhook_kind_t *kind,
                                          apr_pool_t *pconf)
{
    webhook_kind_t *copy;
    wh_kind_t *row;

    if (closed) {
        return APR_EBUSY;
    }
    /* A record of an older header ends earlier, one of a newer header later. */
    if (!kind || kind->size < offsetof(webhook_kind_t, headers) ||
        !kind->payload || !is_name(kind->name)) {
        return APR_EINVAL;
    }
    copy = apr_pcalloc(pconf, sizeof(*copy));
    memcpy(copy, kind, kind->size < sizeof(*copy) ? kind->size : sizeof(*copy));
    row = apr_pcalloc(pconf, sizeof(*row));
    row->name = copy->name;
    row->own_headers = copy->own_headers;
    row->needs_secret = copy->needs_secret;
    row->secret_refusal = copy->secret_refusal ? secret_refusal : NULL;
    row->render = render;
    row->sign = sign;
    row->succeeds = copy->success ? succeeds : NULL;
    row->baton = copy;
    return wh_kind_add(row);
}

/* Each configuration begins with the built-in kinds alone: those of the last
 * one lie in memory that is gone. */
static int pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)pconf;
    (void)plog;
    (void)ptemp;
    wh_kind_forget();
    closed = 0;
    return OK;
}

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                       server_rec *s)
{
    (void)pconf;
    (void)plog;
    (void)ptemp;
    (void)s;
    closed = 1;
    return OK;
}

void wh_kind_register_register_hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_pre_config(pre_config, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_LAST);
    APR_REGISTER_OPTIONAL_FN(webhook_kind_register);
}
