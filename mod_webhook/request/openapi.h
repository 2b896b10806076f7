/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Parts of the OpenAPI 3.1 document: schemas of bodies, and headers of requests
 * and answers, each described once and referred to by operations.
 * Private to request/ · runs on: request threads of children · pure
 *
 * All return new references.
 */
#ifndef WH_REQUEST_OPENAPI_H
#define WH_REQUEST_OPENAPI_H

#include <apr_pools.h>
#include <jansson.h>

#include "policy/operation.h"

/** A reference to one of the components.
 * @param kind "schemas", "parameters" or "headers" */
json_t *wh_openapi_reference(const char *kind, const char *name,
                             apr_pool_t *pool);

/** The schema of ids and keys. */
json_t *wh_openapi_int32(void);

/** The schema of 64-bit ids, which are strings. */
json_t *wh_openapi_id(void);

/** components.schemas */
json_t *wh_openapi_schemas(apr_pool_t *pool);

/** components.parameters: the headers that requests may have. */
json_t *wh_openapi_parameters(void);

/** components.headers: those of answers. */
json_t *wh_openapi_headers(void);

/** Adds references to the headers that an operation looks at.
 * @param parameters the operation's */
void wh_openapi_add_parameters(json_t *parameters,
                               const wh_operation_t *operation,
                               apr_pool_t *pool);

/**
 * References to the headers that an answer of an operation may have.
 * @param schema of the answer's body; NULL: none
 * @return NULL: there are none
 */
json_t *wh_openapi_answer_headers(const wh_operation_t *operation, int status,
                                  const char *schema, apr_pool_t *pool);

#endif
