/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Answers of the API, in the media type that the client accepts. Each is the
 * last thing that a request does.
 * Private to request/ · runs on: request threads of children
 */
#ifndef WH_REQUEST_ANSWER_H
#define WH_REQUEST_ANSWER_H

#include <httpd.h>
#include <jansson.h>

/** Chooses the media type of the answer by Accept; done once for a request,
 * before anything else is answered. */
void wh_answer_negotiate(request_rec *r);

/** 1 if the client accepts a media type that we have. */
int wh_answer_is_acceptable(request_rec *r);

/** Sets the headers that every answer has. */
void wh_answer_set_headers(request_rec *r);

/** 200 with a body.
 * @param root name of the value in XML
 * @param value its reference is taken; NULL (no memory) gives 500 */
int wh_answer_value(request_rec *r, const char *root, json_t *value);

/** 202: what is described has begun. Likewise. */
int wh_answer_accepted(request_rec *r, const char *root, json_t *value);

/** 204, nothing else. */
int wh_answer_empty(request_rec *r);

/** An error in the API's form. AP_FILTER_ERROR is passed on: then a filter
 * has answered already. 429 and 503 get Retry-After.
 * @param message one sentence for a person */
int wh_answer_error(request_rec *r, int status, const char *message);

/** 401 with WWW-Authenticate, whatever the configuration says. */
int wh_answer_unauthorized(request_rec *r, const char *message);

/** Text of an error in the client's media type, from the request's pool; an
 * empty text if there is no memory.
 * @param type its Content-Type */
const char *wh_answer_error_text(apr_size_t *length, const char **type,
                                 request_rec *r, int status,
                                 const char *message);

#endif
