/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/kind.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <string.h>

static const wh_kind_t *const built_in[] = {
    &wh_kind_superoffice, &wh_kind_standard, &wh_kind_cloudevents};

#define BUILT_IN (int)(sizeof(built_in) / sizeof(built_in[0]))

/* Filled by the parent before it forks, read-only from then on. */
static const wh_kind_t *added[WH_KIND_ADDED_MAX];
static int added_count;

/* The kind with this number, NULL behind the last one. */
static const wh_kind_t *kind_at(int number)
{
    if (number < BUILT_IN) {
        return built_in[number];
    }
    return number - BUILT_IN < added_count ? added[number - BUILT_IN] : NULL;
}

const wh_kind_t *wh_kind_find(const char *name)
{
    const wh_kind_t *kind;
    int i;

    if (!name) {
        return built_in[0];
    }
    for (i = 0; (kind = kind_at(i)); i++) {
        if (!apr_cstr_casecmp(kind->name, name)) {
            return kind;
        }
    }
    return NULL;
}

const char *wh_kind_names(apr_pool_t *pool)
{
    const char *names = kind_at(0)->name;
    const wh_kind_t *kind;
    int i;

    for (i = 1; (kind = kind_at(i)); i++) {
        names = apr_pstrcat(pool, names, kind_at(i + 1) ? ", " : " or ",
                            kind->name, NULL);
    }
    return names;
}

apr_status_t wh_kind_add(const wh_kind_t *kind)
{
    if (wh_kind_find(kind->name)) {
        return APR_EEXIST;
    }
    if (added_count >= WH_KIND_ADDED_MAX) {
        return APR_ENOSPC;
    }
    added[added_count++] = kind;
    return APR_SUCCESS;
}

void wh_kind_forget(void)
{
    added_count = 0;
}

int wh_kind_owns_header(const wh_kind_t *kind, const char *name)
{
    const char *const *begin;

    for (begin = kind ? kind->own_headers : NULL; begin && *begin; begin++) {
        if (!apr_cstr_casecmpn(*begin, name, strlen(*begin))) {
            return 1;
        }
    }
    return 0;
}

int wh_kind_succeeds(const wh_kind_t *kind, int status,
                     const wh_settings_t *settings)
{
    if (kind && kind->succeeds) {
        return kind->succeeds(kind, status, settings);
    }
    return status >= 200 && status <= 299;
}

const char *wh_kind_refusal(const wh_kind_t *kind, const wh_webhook_t *webhook,
                            const wh_options_t *options, apr_pool_t *pool)
{
    int has_secret = webhook->secret && webhook->secret[0];
    const char *problem = NULL;
    int i;

    if (kind->needs_secret && !has_secret) {
        return apr_pstrcat(pool, "Webhook Secret must be set for Type ",
                           kind->name, ".", NULL);
    }
    if (!kind->secret_refusal) {
        return NULL;
    }
    if (has_secret) {
        problem = kind->secret_refusal(kind, webhook->secret, pool);
    }
    if (problem) {
        return apr_pstrcat(pool, "Webhook Secret ", problem, " for Type ",
                           kind->name, ".", NULL);
    }
    for (i = 0; i < options->secret_count && !problem; i++) {
        problem = kind->secret_refusal(kind, options->secrets[i].text, pool);
    }
    return problem ? apr_pstrcat(pool,
                                 "Webhook Properties: \"" WH_OPTIONS_MEMBER
                                 "\": each of \"" WH_SECRETS_MEMBER "\" ",
                                 problem, " for Type ", kind->name, ".", NULL)
                   : NULL;
}
