/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/authorization.h"

#include <apr_cstr.h>
#include <apr_encode.h>
#include <apr_strings.h>
#include <string.h>

static const struct {
    const char *name;
    wh_authorization_scheme_t scheme;
} schemes[] = {{"Basic", WH_AUTHORIZATION_BASIC},
               {"Bearer", WH_AUTHORIZATION_BEARER},
               {"SoTicket", WH_AUTHORIZATION_TICKET}};

static wh_authorization_scheme_t scheme_of(const char *name, apr_size_t length)
{
    size_t i;

    for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (strlen(schemes[i].name) == length &&
            !apr_cstr_casecmpn(schemes[i].name, name, length)) {
            return schemes[i].scheme;
        }
    }
    return WH_AUTHORIZATION_OTHER;
}

static int has_control(const char *text, apr_size_t length)
{
    apr_size_t i;

    for (i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c < ' ' || c == 0x7f) {
            return 1;
        }
    }
    return 0;
}

/* The user has no colon, the password may (RFC 7617 section 2). */
static apr_status_t read_basic(wh_authorization_t *authorization,
                               const char *text, apr_size_t length,
                               apr_pool_t *pool)
{
    apr_size_t decoded;
    char *pair = apr_palloc(pool, length + 1), *colon;

    /* It decodes to no more than three quarters, and a NUL. */
    if (apr_decode_base64(pair, text, (apr_ssize_t)length, APR_ENCODE_NONE,
                          &decoded) != APR_SUCCESS ||
        has_control(pair, decoded)) {
        return APR_EINVAL;
    }
    pair[decoded] = '\0';
    colon = strchr(pair, ':');
    if (!colon) {
        return APR_EINVAL;
    }
    *colon = '\0';
    authorization->user = pair;
    authorization->password = colon + 1;
    return APR_SUCCESS;
}

/* Wider than RFC 6750: the tokens of the API hold colons. */
static apr_status_t read_token(wh_authorization_t *authorization,
                               const char *text, apr_size_t length,
                               apr_pool_t *pool)
{
    apr_size_t i;

    if (length == 0 || length > WH_AUTHORIZATION_TOKEN_MAX) {
        return APR_EINVAL;
    }
    for (i = 0; i < length; i++) {
        if (text[i] <= ' ' || text[i] >= 0x7f) {
            return APR_EINVAL;
        }
    }
    authorization->token = apr_pstrmemdup(pool, text, length);
    return APR_SUCCESS;
}

apr_status_t wh_authorization_parse(wh_authorization_t *authorization,
                                    const char *header, apr_pool_t *pool)
{
    apr_size_t length;

    memset(authorization, 0, sizeof(*authorization));
    authorization->scheme = WH_AUTHORIZATION_NONE;
    if (!header) {
        return APR_SUCCESS;
    }
    header += strspn(header, " \t");
    if (!*header) {
        return APR_SUCCESS;
    }
    length = strcspn(header, " \t");
    authorization->scheme = scheme_of(header, length);
    header += length;
    header += strspn(header, " ");
    length = strlen(header);
    while (length && header[length - 1] == ' ') {
        length--;
    }
    switch (authorization->scheme) {
    case WH_AUTHORIZATION_BASIC:
        return read_basic(authorization, header, length, pool);
    case WH_AUTHORIZATION_BEARER:
    case WH_AUTHORIZATION_TICKET:
        return read_token(authorization, header, length, pool);
    default:
        return APR_SUCCESS;
    }
}
