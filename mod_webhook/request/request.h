/* SPDX-License-Identifier: Apache-2.0 */
/**
 * HTTP requests to the API, in children.
 * Stage: request · from: httpd's hooks · to: signal, store · runs on: request threads
 */
#ifndef WH_REQUEST_REQUEST_H
#define WH_REQUEST_REQUEST_H

#include <apr_pools.h>

/** Registers post_read_request, translate_name, map_to_storage, fixups and
 * handler. */
void wh_request_register_hooks(apr_pool_t *pool);

#endif
