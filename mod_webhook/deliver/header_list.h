/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The headers of one attempt as libcurl takes them, without an allocation for
 * each.
 * Stage: deliver · from: kinds · to: transfer · belongs to one transfer
 */
#ifndef WH_DELIVER_HEADER_LIST_H
#define WH_DELIVER_HEADER_LIST_H

#include <apr.h>
#include <apr_errno.h>
#include <curl/curl.h>

/** Lines, and bytes of the texts that the list itself holds. */
#define WH_HEADER_LIST_LINES 64
#define WH_HEADER_LIST_BYTES 4096

typedef struct wh_header_list_t {
    int count;
    apr_size_t filled;
    struct curl_slist nodes[WH_HEADER_LIST_LINES];
    char texts[WH_HEADER_LIST_BYTES];
} wh_header_list_t;

/** Empties it. */
void wh_header_list_begin(wh_header_list_t *list);

/**
 * Adds "Name: value", put together as by printf.
 * @return APR_SUCCESS, or APR_ENOSPC: there is no room
 */
apr_status_t wh_header_list_add(wh_header_list_t *list, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Adds a line that stays the caller's, who keeps it as long as the list. */
apr_status_t wh_header_list_line(wh_header_list_t *list, const char *line);

/** The whole list, with the lines of another one behind it. */
struct curl_slist *wh_header_list_join(wh_header_list_t *list,
                                       struct curl_slist *rest);

#endif
