/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The module record. Each part registers its own hooks, in the order in which
 * an event meets them.
 */
#include <httpd.h>
#include <http_config.h>

#include "config/config.h"
#include "config/directory.h"
#include "dispatcher/process.h"
#include "request/request.h"
#include "signal/child.h"
#include "signal/kind_register.h"

static void register_hooks(apr_pool_t *pool)
{
    wh_config_register_hooks(pool);
    wh_kind_register_register_hooks(pool);
    wh_process_register_hooks(pool);
    wh_child_register_hooks(pool);
    wh_request_register_hooks(pool);
}

AP_DECLARE_MODULE(webhook) = {
    STANDARD20_MODULE_STUFF,
    wh_config_create_directory,
    wh_config_merge_directory,
    wh_config_create_server,
    wh_config_merge_server,
    wh_config_directives,
    register_hooks,
    AP_MODULE_FLAG_NONE,
};
