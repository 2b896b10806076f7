/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/header_list.h"

#include <stdarg.h>
#include <stdio.h>

void wh_header_list_begin(wh_header_list_t *list)
{
    list->count = 0;
    list->filled = 0;
}

apr_status_t wh_header_list_line(wh_header_list_t *list, const char *line)
{
    if (list->count >= WH_HEADER_LIST_LINES) {
        return APR_ENOSPC;
    }
    /* libcurl reads its lists. */
    list->nodes[list->count++].data = (char *)line;
    return APR_SUCCESS;
}

apr_status_t wh_header_list_add(wh_header_list_t *list, const char *format, ...)
{
    char *text = list->texts + list->filled;
    apr_size_t room = sizeof(list->texts) - list->filled;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(text, room, format, arguments);
    va_end(arguments);
    if (length < 0 || (apr_size_t)length >= room) {
        return APR_ENOSPC;
    }
    list->filled += (apr_size_t)length + 1;
    return wh_header_list_line(list, text);
}

struct curl_slist *wh_header_list_join(wh_header_list_t *list,
                                       struct curl_slist *rest)
{
    int i;

    if (!list->count) {
        return rest;
    }
    for (i = 0; i < list->count; i++) {
        list->nodes[i].next = i + 1 < list->count ? &list->nodes[i + 1] : rest;
    }
    return &list->nodes[0];
}
