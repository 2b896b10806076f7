/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Request bodies: read in bounded memory, judged by media type, parsed.
 * Private to request/ · runs on: request threads of children
 */
#ifndef WH_REQUEST_BODY_H
#define WH_REQUEST_BODY_H

#include <httpd.h>
#include <jansson.h>

#include "media/media.h"

/**
 * Reads the body in any of the media types.
 * @param document lives as long as the request; NULL: the body is empty
 * @param kind its media type; not set when the body is empty
 * @param message set when refused
 * @return OK, or the status to answer with: 400, 408, 413, 415,
 *         AP_FILTER_ERROR
 */
int wh_body_read(json_t **document, wh_media_kind_t *kind, const char **message,
                 request_rec *r);

/**
 * The same for what takes an object: a patch is applied to {}, null counts as
 * empty, everything else but an object is refused.
 * @param texts 1: the media type knows only texts, so members are to be read
 *        by what they should be
 */
int wh_body_object(json_t **object, int *texts, const char **message,
                   request_rec *r);

#endif
