/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/operation.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <string.h>

#include "base/text.h"
#include "policy/event_name.h"

/* What a segment of a path stands for, besides itself. */
#define ANY_ID "{id}"

#define ROW(symbol, form, method, path, name, scope, statuses, summary)        \
    {WH_OPERATION_##symbol, WH_FORM_##form, #method, path, name,               \
     WH_SCOPE_##scope,      statuses,       summary},
const wh_operation_t wh_operations[WH_OPERATION_COUNT] = {WH_OPERATIONS(ROW)};
#undef ROW

const char *wh_path_resource(wh_form_kind_t form)
{
    return form == WH_FORM_AGENT ? WH_AGENT_RESOURCE : WH_REST_RESOURCE;
}

/* Behind a leading part, compared ignoring case; NULL: it is not there. */
static const char *skip(const char *text, const char *part)
{
    apr_size_t length = strlen(part);

    return apr_cstr_casecmpn(text, part, length) ? NULL : text + length;
}

static const char *skip_resource(const char *text, wh_form_kind_t form)
{
    const char *rest = skip(text, wh_path_resource(form));

    return rest && (*rest == '/' || *rest == '\0') ? rest : NULL;
}

const char *wh_path_find(wh_form_kind_t *form, const char *uri,
                         const char *base_path)
{
    const char *at;

    for (at = strchr(uri, '/'); at; at = strchr(at + 1, '/')) {
        const char *behind = skip(at, base_path);
        const char *rest = behind ? skip_resource(behind, WH_FORM_AGENT) : NULL;

        *form = WH_FORM_AGENT;
        if (behind && !rest) {
            *form = WH_FORM_REST;
            rest = skip_resource(behind, WH_FORM_REST);
        }
        if (rest) {
            return rest;
        }
    }
    return NULL;
}

apr_status_t wh_path_split(wh_path_t *path, wh_form_kind_t form,
                           const char *rest, apr_pool_t *pool)
{
    memset(path, 0, sizeof(*path));
    path->form = form;
    if (!strcmp(rest, "/")) {
        return APR_SUCCESS;
    }
    while (*rest == '/') {
        apr_size_t length = strcspn(++rest, "/");

        if (length == 0 || path->count == WH_SEGMENTS_MAX) {
            return APR_EINVAL;
        }
        path->segments[path->count++] = apr_pstrmemdup(pool, rest, length);
        rest += length;
    }
    if (path->count > 0 &&
        !wh_primary_key_parse(&path->id, path->segments[0])) {
        path->id = 0;
    }
    return APR_SUCCESS;
}

/* One segment of an operation's path against one of a request. */
static int is_segment_match(const char *pattern, apr_size_t length,
                            const char *segment)
{
    apr_int32_t id;

    if (length == strlen(ANY_ID) && !strncmp(pattern, ANY_ID, length)) {
        return wh_primary_key_parse(&id, segment);
    }
    if (pattern[0] == '{') {
        return 1;
    }
    return strlen(segment) == length &&
           !apr_cstr_casecmpn(pattern, segment, length);
}

static int is_match(const wh_operation_t *operation, const wh_path_t *path)
{
    const char *pattern = operation->path + 1;
    int i;

    if (operation->form != path->form) {
        return 0;
    }
    for (i = 0; i < path->count; i++) {
        apr_size_t length = strcspn(pattern, "/");

        if (length == 0 ||
            !is_segment_match(pattern, length, path->segments[i])) {
            return 0;
        }
        pattern += length + (pattern[length] == '/');
    }
    return *pattern == '\0';
}

/* The fixed parts of a pattern, the rest of the path in lower case. */
static const char *spell(const char *pattern, const wh_path_t *path,
                         apr_pool_t *pool)
{
    const char *spelled = "";
    int i;

    pattern++;
    for (i = 0; i < path->count; i++) {
        apr_size_t length = strcspn(pattern, "/");
        const char *segment = pattern[0] == '{'
                                  ? wh_text_lower(path->segments[i], pool)
                                  : apr_pstrmemdup(pool, pattern, length);

        spelled = apr_pstrcat(pool, spelled, "/", segment, NULL);
        pattern += length + (pattern[length] == '/');
    }
    return spelled;
}

const char *wh_path_canonical(wh_form_kind_t form, const char *rest,
                              apr_pool_t *pool)
{
    wh_path_t path;
    int i;

    if (wh_path_split(&path, form, rest, pool) != APR_SUCCESS ||
        path.count == 0) {
        return rest;
    }
    for (i = 0; i < WH_OPERATION_COUNT; i++) {
        if (is_match(&wh_operations[i], &path)) {
            return spell(wh_operations[i].path, &path, pool);
        }
    }
    return rest;
}

const wh_operation_t *wh_operation_find(const wh_path_t *path,
                                        const char *method)
{
    int i;

    for (i = 0; i < WH_OPERATION_COUNT; i++) {
        if (!strcmp(wh_operations[i].method, method) &&
            is_match(&wh_operations[i], path)) {
            return &wh_operations[i];
        }
    }
    return NULL;
}

const char *wh_operation_allow(const wh_path_t *path, apr_pool_t *pool)
{
    const char *allowed = NULL;
    int i;

    for (i = 0; i < WH_OPERATION_COUNT; i++) {
        const wh_operation_t *operation = &wh_operations[i];

        /* Not what another operation of this method hides. */
        if (wh_operation_find(path, operation->method) == operation) {
            allowed = apr_pstrcat(
                pool, allowed ? allowed : "", allowed ? ", " : "",
                operation->method,
                strcmp(operation->method, "GET") ? "" : ", HEAD", NULL);
        }
    }
    /* GET describes a method of the agent. */
    if (allowed && path->form == WH_FORM_AGENT) {
        allowed = apr_pstrcat(pool, allowed, ", GET, HEAD", NULL);
    }
    return allowed ? apr_pstrcat(pool, allowed, ", OPTIONS", NULL) : NULL;
}
