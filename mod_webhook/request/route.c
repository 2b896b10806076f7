/* SPDX-License-Identifier: Apache-2.0 */
#include "request/route.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <string.h>

#include "policy/event_name.h"
#include "request/answer.h"
#include "request/resource.h"

/* What a segment of a route stands for, besides itself. */
#define ANY_ID "{id}"
#define ANY_TEXT "{text}"

typedef struct route_t {
    int method; /* HEAD goes with GET */
    const char *segments[WH_SEGMENTS_MAX];
    wh_resource_fn_t *answer;
} route_t;

/* Methods of one path stand in the order of the Allow header. */
static const route_t routes[] = {
    {M_GET, {"default", NULL}, wh_resource_default},
    {M_GET, {NULL, NULL}, wh_resource_list},
    {M_POST, {NULL, NULL}, wh_resource_create},
    {M_GET, {ANY_ID, NULL}, wh_resource_get},
    {M_PUT, {ANY_ID, NULL}, wh_resource_update},
    {M_DELETE, {ANY_ID, NULL}, wh_resource_delete},
    {M_POST, {ANY_TEXT, ANY_TEXT}, wh_resource_signal}};

#define ROUTE_COUNT (sizeof(routes) / sizeof(routes[0]))

static const char *method_name(int method)
{
    switch (method) {
    case M_GET:
        return "GET, HEAD";
    case M_POST:
        return "POST";
    case M_PUT:
        return "PUT";
    case M_DELETE:
        return "DELETE";
    default:
        return "";
    }
}

/* Behind a leading part, compared ignoring case; NULL: it is not there. */
static const char *skip(const char *text, const char *part)
{
    apr_size_t length = strlen(part);

    return apr_cstr_casecmpn(text, part, length) ? NULL : text + length;
}

const char *wh_route_find(const char *uri, const char *base_path)
{
    const char *at;

    for (at = strchr(uri, '/'); at; at = strchr(at + 1, '/')) {
        const char *rest = skip(at, base_path);

        rest = rest ? skip(rest, WH_ROUTE_RESOURCE) : NULL;
        if (rest && (*rest == '/' || *rest == '\0')) {
            return rest;
        }
    }
    return NULL;
}

const char *wh_route_find_bare(const char *uri)
{
    return wh_route_find(uri, "");
}

/* 0: more segments than any route has, or an empty one. One "/" behind the
 * collection's name is all that may be too much. */
static int split(wh_path_t *path, const char *rest, apr_pool_t *pool)
{
    memset(path, 0, sizeof(*path));
    if (!strcmp(rest, "/")) {
        return 1;
    }
    while (*rest == '/') {
        apr_size_t length = strcspn(++rest, "/");

        if (length == 0 || path->count == WH_SEGMENTS_MAX) {
            return 0;
        }
        path->segments[path->count++] = apr_pstrmemdup(pool, rest, length);
        rest += length;
    }
    return 1;
}

static int is_segment_match(const char *pattern, const char *segment,
                            apr_int32_t *id)
{
    if (!pattern || !segment) {
        return !pattern && !segment;
    }
    if (!strcmp(pattern, ANY_TEXT)) {
        return 1;
    }
    if (!strcmp(pattern, ANY_ID)) {
        return wh_primary_key_parse(id, segment);
    }
    return !apr_cstr_casecmp(pattern, segment);
}

static int is_match(const route_t *route, wh_path_t *path)
{
    int i;

    for (i = 0; i < WH_SEGMENTS_MAX; i++) {
        if (!is_segment_match(route->segments[i], path->segments[i],
                              &path->id)) {
            return 0;
        }
    }
    return 1;
}

/* The Allow header of a path; NULL: no route leads there. */
static const char *allowed_methods(wh_path_t *path, apr_pool_t *pool)
{
    const char *allowed = NULL;
    apr_size_t i;

    for (i = 0; i < ROUTE_COUNT; i++) {
        if (is_match(&routes[i], path)) {
            allowed =
                apr_pstrcat(pool, allowed ? allowed : "", allowed ? ", " : "",
                            method_name(routes[i].method), NULL);
        }
    }
    return allowed ? apr_pstrcat(pool, allowed, ", OPTIONS", NULL) : NULL;
}

static int answer_other(request_rec *r, wh_path_t *path)
{
    const char *allowed = allowed_methods(path, r->pool);

    if (!allowed) {
        return wh_answer_error(r, HTTP_NOT_FOUND,
                               "There is nothing at this path.");
    }
    apr_table_setn(r->headers_out, "Allow", allowed);
    if (r->method_number == M_OPTIONS) {
        return wh_answer_empty(r);
    }
    return wh_answer_error(
        r, HTTP_METHOD_NOT_ALLOWED,
        apr_pstrcat(r->pool, "This path allows ", allowed, ".", NULL));
}

int wh_route_answer(request_rec *r, const char *rest)
{
    wh_path_t path;
    apr_size_t i;

    if (!split(&path, rest, r->pool)) {
        return wh_answer_error(r, HTTP_NOT_FOUND,
                               "There is nothing at this path.");
    }
    for (i = 0; i < ROUTE_COUNT; i++) {
        if (routes[i].method == r->method_number &&
            is_match(&routes[i], &path)) {
            return routes[i].answer(r, &path);
        }
    }
    return answer_other(r, &path);
}
