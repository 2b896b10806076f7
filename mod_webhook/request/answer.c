/* SPDX-License-Identifier: Apache-2.0 */
#include "request/answer.h"

#include <apr_strings.h>
#include <httpd.h>
#include <http_core.h>
#include <http_protocol.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define ERROR_SOURCE "mod_webhook"
#define FALLBACK_CHALLENGE "Basic realm=\"webhook\""
#define RETRY_AFTER_SECONDS "1"

/* What clients of the API know as the kind of an error. */
static const struct {
    int status;
    const char *type;
} error_types[] = {
    {HTTP_BAD_REQUEST, "ArgumentException"},
    {HTTP_UNAUTHORIZED, "AuthenticationException"},
    {HTTP_FORBIDDEN, "ForbiddenException"},
    {HTTP_NOT_FOUND, "SoNotFoundException"},
    {HTTP_METHOD_NOT_ALLOWED, "MethodNotAllowedException"},
    {HTTP_REQUEST_TIME_OUT, "TimeoutException"},
    {HTTP_REQUEST_ENTITY_TOO_LARGE, "RequestTooLargeException"},
    {HTTP_UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaTypeException"},
    {HTTP_UNPROCESSABLE_ENTITY, "ConflictException"},
    {HTTP_SERVICE_UNAVAILABLE, "ServiceUnavailableException"}};

static const char *error_type(int status)
{
    apr_size_t i;

    for (i = 0; i < sizeof(error_types) / sizeof(error_types[0]); i++) {
        if (error_types[i].status == status) {
            return error_types[i].type;
        }
    }
    return "Exception";
}

static void set_common_headers(request_rec *r)
{
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
}

/* Takes the reference. A client that has gone is no error of ours. */
static int send_json(request_rec *r, int status, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    apr_size_t length;

    json_decref(value);
    if (!text) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    length = strlen(text);
    r->status = status;
    set_common_headers(r);
    ap_set_content_type(r, "application/json; charset=utf-8");
    ap_set_content_length(r, (apr_off_t)length);
    ap_rwrite(text, (int)length, r);
    free(text);
    return OK;
}

int wh_answer_json(request_rec *r, json_t *value)
{
    return send_json(r, HTTP_OK, value);
}

int wh_answer_empty(request_rec *r)
{
    r->status = HTTP_NO_CONTENT;
    set_common_headers(r);
    return OK;
}

int wh_answer_error(request_rec *r, int status, const char *message)
{
    char *clean = apr_pstrdup(r->pool, message);

    if (status == AP_FILTER_ERROR) {
        return status;
    }
    /* httpd would read what is left of the body, be it gigabytes, before it
     * sends the answer; it does not when the connection ends. */
    if (ap_request_has_body(r)) {
        r->connection->keepalive = AP_CONN_CLOSE;
    }
    /* A message may quote what the client sent. */
    wh_text_clean(clean, strlen(clean));
    return send_json(r, status,
                     json_pack("{s:b, s:s, s:s, s:s, s:s}", "Error", 1,
                               "ErrorType", error_type(status), "Message",
                               clean, "ErrorMessage", clean, "ErrorSource",
                               ERROR_SOURCE));
}

int wh_answer_unavailable(request_rec *r, const char *message)
{
    apr_table_setn(r->headers_out, "Retry-After", RETRY_AFTER_SECONDS);
    return wh_answer_error(r, HTTP_SERVICE_UNAVAILABLE, message);
}

int wh_answer_unauthorized(request_rec *r)
{
    if (ap_auth_type(r)) {
        ap_note_auth_failure(r);
    }
    if (!apr_table_get(r->err_headers_out, "WWW-Authenticate") &&
        !apr_table_get(r->headers_out, "WWW-Authenticate")) {
        apr_table_setn(r->err_headers_out, "WWW-Authenticate",
                       FALLBACK_CHALLENGE);
    }
    return wh_answer_error(r, HTTP_UNAUTHORIZED,
                           "This needs an authenticated user.");
}
