/* SPDX-License-Identifier: Apache-2.0 */
/**
 * From a path and a method to the function that answers.
 * Private to request/ · runs on: request threads of children
 */
#ifndef WH_REQUEST_ROUTE_H
#define WH_REQUEST_ROUTE_H

#include <httpd.h>

/** What stands behind the base path. */
#define WH_ROUTE_RESOURCE "/Webhook"

#define WH_SEGMENTS_MAX 2

/** The part of a path behind ".../Webhook", in segments. */
typedef struct wh_path_t {
    int count;
    const char *segments[WH_SEGMENTS_MAX];
    apr_int32_t id; /**< the first segment, when it is an int32 */
} wh_path_t;

/** Answers one request. Returns what a handler returns. */
typedef int wh_resource_fn_t(request_rec *r, const wh_path_t *path);

/**
 * Finds "<base path>/Webhook" in a path, in any case, at any "/", as long as
 * a "/" or nothing follows.
 * @return what follows ("" or "/..."), or NULL
 */
const char *wh_route_find(const char *uri, const char *base_path);

/** The same for "/Webhook" without a base path before it. */
const char *wh_route_find_bare(const char *uri);

/** Answers a request for what wh_route_find() returned. */
int wh_route_answer(request_rec *r, const char *rest);

#endif
