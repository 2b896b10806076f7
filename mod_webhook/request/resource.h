/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the API offers, one function for each operation.
 * Private to request/ · runs on: request threads of children
 */
#ifndef WH_REQUEST_RESOURCE_H
#define WH_REQUEST_RESOURCE_H

#include "request/route.h"

/** WEBHOOK_ASSOCIATE_ID of the request's environment; 0: none. */
apr_int32_t wh_resource_associate(const request_rec *r);

/* resource_signal.c */
wh_resource_fn_t wh_resource_signal;

/* resource_webhook.c */
wh_resource_fn_t wh_resource_default;
wh_resource_fn_t wh_resource_list;
wh_resource_fn_t wh_resource_create;
wh_resource_fn_t wh_resource_get;
wh_resource_fn_t wh_resource_update;
wh_resource_fn_t wh_resource_delete;

#endif
