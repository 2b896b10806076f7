/* SPDX-License-Identifier: Apache-2.0 */
#include "request/answer.h"

#include <apr_strings.h>
#include <httpd.h>
#include <http_core.h>
#include <http_protocol.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "media/accept.h"
#include "media/json.h"
#include "media/xml.h"
#include "request/caller.h"

#define ERROR_ROOT "Error"
#define ERROR_SOURCE "mod_webhook"

/* Not Basic: a browser would ask for a password that nobody here takes. */
#define FALLBACK_CHALLENGE "Bearer realm=\"webhook\""
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
    {HTTP_NOT_ACCEPTABLE, "NotAcceptableException"},
    {HTTP_REQUEST_TIME_OUT, "TimeoutException"},
    {HTTP_CONFLICT, "ConflictException"},
    {HTTP_PRECONDITION_FAILED, "PreconditionFailedException"},
    {HTTP_REQUEST_ENTITY_TOO_LARGE, "RequestTooLargeException"},
    {HTTP_UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaTypeException"},
    {HTTP_UNPROCESSABLE_ENTITY, "ConflictException"},
    {HTTP_TOO_MANY_REQUESTS, "TooManyRequestsException"},
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

void wh_answer_set_headers(request_rec *r)
{
    if (r->status == HTTP_SERVICE_UNAVAILABLE ||
        r->status == HTTP_TOO_MANY_REQUESTS) {
        apr_table_setn(r->headers_out, "Retry-After", RETRY_AFTER_SECONDS);
    }
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
}

void wh_answer_negotiate(request_rec *r)
{
    wh_call_get(r)->format =
        wh_accept_choose(apr_table_get(r->headers_in, "Accept"));
}

int wh_answer_is_acceptable(request_rec *r)
{
    return wh_call_get(r)->format != WH_FORMAT_NONE;
}

/* Text of a value, from the request's pool; NULL: no memory. Consumes the
 * reference. */
static const char *write_value(apr_size_t *length, const char **type,
                               request_rec *r, const char *root, json_t *value)
{
    wh_format_t format = wh_call_get(r)->format;
    const char *text = NULL;

    *type = wh_format_content_type(format);
    if (value && wh_format_is_xml(format)) {
        text = wh_xml_write(length, value, root, r->pool);
    }
    else if (value) {
        char *dump = wh_json_dump(value, JSON_COMPACT | JSON_ENCODE_ANY);

        *length = dump ? strlen(dump) : 0;
        text = dump ? apr_pstrmemdup(r->pool, dump, *length) : NULL;
        free(dump);
    }
    json_decref(value);
    return text;
}

/* A client that has gone is no error of ours. */
static int send_text(request_rec *r, int status, const char *text,
                     apr_size_t length, const char *type)
{
    r->status = status;
    wh_answer_set_headers(r);
    apr_table_mergen(r->headers_out, "Vary", "Accept");
    ap_set_content_type(r, type);
    ap_set_content_length(r, (apr_off_t)length);
    ap_rwrite(text, (int)length, r);
    return OK;
}

static int answer(request_rec *r, int status, const char *root, json_t *value)
{
    apr_size_t length;
    const char *type;
    const char *text = write_value(&length, &type, r, root, value);

    return text ? send_text(r, status, text, length, type)
                : HTTP_INTERNAL_SERVER_ERROR;
}

int wh_answer_value(request_rec *r, const char *root, json_t *value)
{
    return answer(r, HTTP_OK, root, value);
}

int wh_answer_accepted(request_rec *r, const char *root, json_t *value)
{
    return answer(r, HTTP_ACCEPTED, root, value);
}

int wh_answer_empty(request_rec *r)
{
    r->status = HTTP_NO_CONTENT;
    wh_answer_set_headers(r);
    return OK;
}

const char *wh_answer_error_text(apr_size_t *length, const char **type,
                                 request_rec *r, int status,
                                 const char *message)
{
    char *clean = apr_pstrdup(r->pool, message);
    const char *text;

    /* A message may quote what the client sent. */
    wh_text_clean(clean, strlen(clean));
    text = write_value(length, type, r, ERROR_ROOT,
                       json_pack("{s:b, s:s, s:s, s:s, s:s}", "Error", 1,
                                 "ErrorType", error_type(status), "Message",
                                 clean, "ErrorMessage", clean, "ErrorSource",
                                 ERROR_SOURCE));
    if (!text) {
        *length = 0;
        text = "";
    }
    return text;
}

int wh_answer_error(request_rec *r, int status, const char *message)
{
    apr_size_t length;
    const char *type, *text;

    if (status == AP_FILTER_ERROR) {
        return status;
    }
    /* httpd would read what is left of the body, be it gigabytes, before it
     * sends the answer; it does not when the connection ends. */
    if (ap_request_has_body(r)) {
        r->connection->keepalive = AP_CONN_CLOSE;
    }
    apr_table_unset(r->headers_out, "ETag");
    apr_table_unset(r->headers_out, "Last-Modified");
    text = wh_answer_error_text(&length, &type, r, status, message);
    return send_text(r, status, text, length, type);
}

int wh_answer_unauthorized(request_rec *r, const char *message)
{
    if (ap_auth_type(r)) {
        ap_note_auth_failure(r);
    }
    if (!apr_table_get(r->err_headers_out, "WWW-Authenticate") &&
        !apr_table_get(r->headers_out, "WWW-Authenticate")) {
        apr_table_setn(r->err_headers_out, "WWW-Authenticate",
                       FALLBACK_CHALLENGE);
    }
    return wh_answer_error(r, HTTP_UNAUTHORIZED, message);
}
