/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Errors that httpd itself answers a request of the API with (401 of an
 * authentication module, 403 of Require, 413 of LimitRequestBody ...) in the
 * API's form instead of httpd's page.
 * Private to request/ · runs on: request threads of children
 */
#ifndef WH_REQUEST_ERROR_FILTER_H
#define WH_REQUEST_ERROR_FILTER_H

#include <apr_pools.h>

/** Registers the filter and insert_error_filter. */
void wh_error_filter_register_hooks(apr_pool_t *pool);

#endif
