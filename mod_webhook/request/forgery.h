/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Requests that another site's page makes a browser send.
 * Private to request/ · runs on: request threads of children
 */
#ifndef WH_REQUEST_FORGERY_H
#define WH_REQUEST_FORGERY_H

#include <httpd.h>

/** 1 if the method changes nothing (RFC 9110 section 9.2.1). */
int wh_forgery_is_safe(const request_rec *r);

/** 1 if Sec-Fetch-Site or Origin says that another site's page sent it. */
int wh_forgery_is_cross_site(const request_rec *r);

/**
 * A caller without an Authorization header was let in by what his browser
 * sends by itself: a request that changes something must then bring the token
 * of the cookie in X-XSRF-TOKEN (superoffice.md section 6). Gives such a
 * caller the cookie with every answer to a safe request if he has none that is
 * good.
 * @param message set when refused
 * @return OK, 401 or 503
 */
int wh_forgery_check(const char **message, request_rec *r, const char *context);

#endif
