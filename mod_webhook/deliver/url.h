/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The URL of a target: read once, by libcurl, for whoever judges it and for
 * whoever calls it.
 * Stage: deliver · from: validate, target · to: transfer
 * pure: no I/O · owns: libcurl's handle
 */
#ifndef WH_DELIVER_URL_H
#define WH_DELIVER_URL_H

#include <curl/curl.h>
#include <sys/socket.h>

/** All zeros: nothing to be freed. */
typedef struct wh_url_t {
    CURLU *handle; /**< what is dialled; no second parser sees the text */
    char *text;    /**< as libcurl writes it: this is what is kept */
    int https;     /**< 1: the scheme is https, else it is http */
    int zone;      /**< 1: refused because it names an interface */
    int literal;   /**< 1: the host is an address, else it is a name */
    struct sockaddr_storage address; /**< of a literal, with the port */
} wh_url_t;

/**
 * Reads the URL of a target. To be freed in any case.
 * @return NULL, or a sentence for the owner of the webhook: a constant
 */
const char *wh_url_parse(wh_url_t *url, const char *text);

/** 1: it is refused, whatever it says, for want of memory. */
int wh_url_is_shortage(const char *problem);

void wh_url_free(wh_url_t *url);

#endif
