/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Who calls, and what is known of a request while it is answered.
 * Private to request/ · runs on: request threads of children · owns: a record in the request's configuration
 */
#ifndef WH_REQUEST_CALLER_H
#define WH_REQUEST_CALLER_H

#include <httpd.h>

#include "media/accept.h"
#include "model/token.h"
#include "model/webhook.h"
#include "policy/operation.h"

typedef struct wh_call_t {
    const char *rest; /**< path behind the resource; NULL: path not ours */
    wh_form_kind_t form;
    const char *resource_path; /**< path as it came, with the resource */
    const char *args;          /**< query as it came, or NULL */
    int has_authorization;     /**< the client sent an Authorization header; one
                                that a module fakes does not count */
    const wh_token_t *token;   /**< what let the caller in, or NULL */
    const wh_app_t *app;       /**< the application that calls, or NULL */
    const char *context;       /**< tenant, once wh_caller_check() has run */
    const wh_webhook_t *probed; /**< took the test event in this request, or
                                   NULL */
    const struct wh_probe_result_t *probe; /**< what it said then */
    wh_format_t format;  /**< of the answer; NONE: not acceptable */
    const char *message; /**< what an error of httpd's is to say */
} wh_call_t;

/** The record of a request; NULL: there is none. */
wh_call_t *wh_call_find(const request_rec *r);
/** The same, made when there is none. */
wh_call_t *wh_call_get(request_rec *r);

/**
 * Remembers which part of the request's path is what, and the media type of
 * the answer: an error of httpd's own is in the client's, too.
 * @return 1; 0 if the path is not the API's
 */
int wh_call_note_path(request_rec *r, const char *base_path);

/**
 * Looks at whom check_authn has let in: the tenant, the application, and
 * whether another site's page makes a browser send this.
 * @param message set when refused
 * @return OK, 401, 403 or 503
 */
int wh_caller_check(const char **message, request_rec *r);

/** 1 if the caller's token, if any, has the scope. */
int wh_caller_may(const request_rec *r, int scope);

/** Associate of the caller: its token's, or WEBHOOK_ASSOCIATE_ID of the
 * request's environment; 0: none. */
apr_int32_t wh_caller_associate(const request_rec *r);

/** Id of the application that calls; 0: none. */
apr_int64_t wh_caller_app(const request_rec *r);

#endif
