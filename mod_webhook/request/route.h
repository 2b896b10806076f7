/* SPDX-License-Identifier: Apache-2.0 */
/**
 * From a path and a method to the function that answers.
 * Private to request/ · runs on: request threads of children
 */
#ifndef WH_REQUEST_ROUTE_H
#define WH_REQUEST_ROUTE_H

#include <httpd.h>

#include "policy/operation.h"

/** Answers one operation. Returns what a handler returns. */
typedef int wh_resource_fn_t(request_rec *r, const wh_path_t *path);

/** Answers a request of the API whose caller is in order. */
int wh_route_answer(request_rec *r);

#endif
