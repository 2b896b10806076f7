/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What is configured for a directory or location: who checks passwords where
 * "AuthType Webhook" stands.
 * Stage: config · from: httpd.conf, .htaccess · to: request · read-only at run time
 *
 * AuthBasicProvider is mod_auth_basic's directive. httpd hands a directive to
 * every module that knows it, so the same line serves both.
 */
#ifndef WH_CONFIG_DIRECTORY_H
#define WH_CONFIG_DIRECTORY_H

#include <httpd.h>
#include <http_config.h>
#include <mod_auth.h>

typedef struct wh_basic_provider_t {
    const char *name;
    const authn_provider *provider;
} wh_basic_provider_t;

typedef struct wh_directory_config_t {
    apr_array_header_t *basic_providers; /**< NULL: nothing said here */
} wh_directory_config_t;

void *wh_config_create_directory(apr_pool_t *pool, char *path);
void *wh_config_merge_directory(apr_pool_t *pool, void *base, void *overrides);

/** The setter of AuthBasicProvider. */
const char *wh_config_add_basic_provider(cmd_parms *cmd, void *config,
                                         const char *name);

/** Providers of a request, of wh_basic_provider_t; NULL: none. */
const apr_array_header_t *wh_config_basic_providers(const request_rec *r);

#endif
