/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Answers of the API. Each is the last thing that a request does.
 * Private to request/ · runs on: request threads of children
 */
#ifndef WH_REQUEST_ANSWER_H
#define WH_REQUEST_ANSWER_H

#include <httpd.h>
#include <jansson.h>

/** 200 with a JSON body.
 * @param value its reference is taken; NULL (no memory) gives 500 */
int wh_answer_json(request_rec *r, json_t *value);

/** 204, nothing else. */
int wh_answer_empty(request_rec *r);

/** An error in the API's form. AP_FILTER_ERROR is passed on: then a filter
 * has answered already.
 * @param message one sentence for a person */
int wh_answer_error(request_rec *r, int status, const char *message);

/** 503 with Retry-After. */
int wh_answer_unavailable(request_rec *r, const char *message);

/** 401 with WWW-Authenticate, whatever the configuration says. */
int wh_answer_unauthorized(request_rec *r);

#endif
