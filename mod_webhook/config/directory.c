/* SPDX-License-Identifier: Apache-2.0 */
#include "config/directory.h"

#include <ap_provider.h>
#include <apr_strings.h>

#include "httpd_private.h"

void *wh_config_create_directory(apr_pool_t *pool, char *path)
{
    (void)path;
    return apr_pcalloc(pool, sizeof(wh_directory_config_t));
}

void *wh_config_merge_directory(apr_pool_t *pool, void *base, void *overrides)
{
    const wh_directory_config_t *outer = base, *inner = overrides;
    wh_directory_config_t *merged = apr_pcalloc(pool, sizeof(*merged));

    merged->basic_providers = inner->basic_providers ? inner->basic_providers
                                                     : outer->basic_providers;
    return merged;
}

const char *wh_config_add_basic_provider(cmd_parms *cmd, void *config,
                                         const char *name)
{
    wh_directory_config_t *directory = config;
    wh_basic_provider_t found = {apr_pstrdup(cmd->pool, name), NULL};

    found.provider =
        ap_lookup_provider(AUTHN_PROVIDER_GROUP, name, AUTHN_PROVIDER_VERSION);
    if (!found.provider) {
        return apr_pstrcat(cmd->pool, "AuthBasicProvider: no provider ", name,
                           ", is its module loaded before?", NULL);
    }
    if (!found.provider->check_password) {
        return apr_pstrcat(cmd->pool, "AuthBasicProvider: ", name,
                           " does not check passwords", NULL);
    }
    if (!directory->basic_providers) {
        directory->basic_providers =
            apr_array_make(cmd->pool, 1, sizeof(wh_basic_provider_t));
    }
    APR_ARRAY_PUSH(directory->basic_providers, wh_basic_provider_t) = found;
    return NULL;
}

const apr_array_header_t *wh_config_basic_providers(const request_rec *r)
{
    const wh_directory_config_t *directory =
        ap_get_module_config(r->per_dir_config, &webhook_module);

    return directory->basic_providers;
}
