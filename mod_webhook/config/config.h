/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Directives: read, merged and checked.
 * Stage: config · from: httpd.conf · to: request, signal, the fork · runs on: the parent at start; read-only later
 */
#ifndef WH_CONFIG_CONFIG_H
#define WH_CONFIG_CONFIG_H

#include <httpd.h>
#include <http_config.h>

#include "base/settings.h"

/** Per server: what WebhookEngine and its companions say for a virtual host.
 * Read through the getters: members may be unset. */
typedef struct wh_server_config_t wh_server_config_t;

/** The command table of the module record. */
extern const command_rec wh_config_directives[];

void *wh_config_create_server(apr_pool_t *pool, server_rec *s);
void *wh_config_merge_server(apr_pool_t *pool, void *base, void *overrides);
/** Registers the whole-configuration check (check_config hook). */
void wh_config_register_hooks(apr_pool_t *pool);

/** 1: WebhookEngine On for this server. */
int wh_config_engine(const server_rec *s);
/** 1: at least one server has WebhookEngine On, so a dispatcher is needed. */
int wh_config_engine_anywhere(server_rec *main_server);
/** WebhookBasePath: begins with "/", ends without it. */
const char *wh_config_base_path(const server_rec *s);
/** WebhookOnlineRestricted. */
int wh_config_online_restricted(const server_rec *s);

/**
 * WebhookContext of a request: the tenant it belongs to.
 * @param r NULL: outside of a request, where an expression has no value
 * @return NULL: the expression fails, or gives what is no name of a tenant
 */
const char *wh_config_context(const server_rec *s, request_rec *r,
                              apr_pool_t *pool);
/** WebhookMaxBody in bytes. */
apr_off_t wh_config_max_body(const server_rec *s);

/**
 * The settings of this httpd with every default filled in, made from the main
 * server's directives. Allocated from pool; the address policy and the retry
 * schedule in it too. main_server is the first of the list.
 */
apr_status_t wh_config_settings(wh_settings_t **settings,
                                server_rec *main_server, apr_pool_t *pool);

#endif
