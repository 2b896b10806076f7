/* SPDX-License-Identifier: Apache-2.0 */
/* The Authorization header. */
#include <apr_base64.h>
#include <apr_strings.h>

#include "fuzz/fuzz.h"
#include "policy/authorization.h"

static void check_clean(const char *text)
{
    for (; *text; text++) {
        MUST((unsigned char)*text >= ' ' && *text != 0x7f);
    }
}

/* Encoded again it is read as the same. */
static void check_basic(const wh_authorization_t *first, apr_pool_t *pool)
{
    const char *pair =
        apr_pstrcat(pool, first->user, ":", first->password, NULL);
    char *code =
        apr_palloc(pool, (apr_size_t)apr_base64_encode_len((int)strlen(pair)));
    wh_authorization_t again;

    MUST(!strchr(first->user, ':') && !first->token);
    check_clean(pair);
    apr_base64_encode(code, pair, (int)strlen(pair));
    MUST(wh_authorization_parse(&again, apr_pstrcat(pool, "Basic ", code, NULL),
                                pool) == APR_SUCCESS);
    MUST(again.scheme == WH_AUTHORIZATION_BASIC);
    MUST(!strcmp(again.user, first->user));
    MUST(!strcmp(again.password, first->password));
}

static void check_token(const wh_authorization_t *first)
{
    MUST(first->token && *first->token && !first->user && !first->password);
    MUST(strlen(first->token) <= WH_AUTHORIZATION_TOKEN_MAX);
    MUST(!strchr(first->token, ' '));
    check_clean(first->token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    char *header = fuzz_text(data, size);
    wh_authorization_t authorization;
    apr_status_t rv = wh_authorization_parse(&authorization, header, pool);
    int ours = 0;

    MUST(rv == APR_SUCCESS || rv == APR_EINVAL);
    switch (authorization.scheme) {
    case WH_AUTHORIZATION_BASIC:
        ours = 1;
        if (rv == APR_SUCCESS) {
            check_basic(&authorization, pool);
        }
        break;
    case WH_AUTHORIZATION_BEARER:
    case WH_AUTHORIZATION_TICKET:
        ours = 1;
        if (rv == APR_SUCCESS) {
            check_token(&authorization);
        }
        break;
    default:
        break;
    }
    MUST(ours || rv == APR_SUCCESS);
    if (!ours || rv != APR_SUCCESS) {
        MUST(!authorization.user && !authorization.password &&
             !authorization.token);
    }
    free(header);
    return 0;
}
