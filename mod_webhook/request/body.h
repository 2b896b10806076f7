/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Request bodies: read in bounded memory, judged by media type, parsed.
 * Private to request/ · runs on: request threads of children
 */
#ifndef WH_REQUEST_BODY_H
#define WH_REQUEST_BODY_H

#include <httpd.h>
#include <jansson.h>

/**
 * Reads the body and parses it as JSON.
 * @param document lives as long as the request; NULL: the body is empty
 * @param message set when refused
 * @return OK, or the status to answer with: 400, 408, 413, 415,
 *         AP_FILTER_ERROR
 */
int wh_body_json(json_t **document, const char **message, request_rec *r);

#endif
