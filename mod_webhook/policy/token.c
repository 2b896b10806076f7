/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/token.h"

#include <apr_cstr.h>
#include <apr_encode.h>
#include <apr_escape.h>
#include <apr_strings.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#define RANDOM_SIZE 32

/* base64url of the random bytes, without padding. */
#define RANDOM_LENGTH 43

#define SHA256_SIZE 32

typedef struct scope_t {
    int bit;
    const char *name;
} scope_t;

#define SCOPE_ROW(symbol, bit, name) {bit, name},
static const scope_t scopes_list[] = {WH_SCOPES(SCOPE_ROW){0, NULL}};
#undef SCOPE_ROW

apr_status_t wh_token_create(char text[WH_TOKEN_SIZE], const char *prefix)
{
    unsigned char random[RANDOM_SIZE];
    apr_size_t length = strlen(prefix);
    apr_status_t rv;

    if (length + RANDOM_LENGTH >= WH_TOKEN_SIZE) {
        return APR_EINVAL;
    }
    if (RAND_priv_bytes(random, RANDOM_SIZE) != 1) {
        return APR_EGENERAL;
    }
    memcpy(text, prefix, length);
    rv = apr_encode_base64_binary(text + length, random, RANDOM_SIZE,
                                  APR_ENCODE_BASE64URL, NULL);
    OPENSSL_cleanse(random, sizeof(random));
    return rv;
}

const char *wh_token_prefix(wh_token_kind_t kind)
{
    return kind == WH_TOKEN_TICKET ? "7T:" : "8A:";
}

apr_status_t wh_token_hash(char hex[WH_TOKEN_HASH_SIZE], const char *text)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;

    if (EVP_Digest(text, strlen(text), digest, &length, EVP_sha256(), NULL) !=
            1 ||
        length != SHA256_SIZE) {
        return APR_EGENERAL;
    }
    return apr_escape_hex(hex, digest, SHA256_SIZE, 0, NULL);
}

static int find_scope(const char *name)
{
    const scope_t *scope = scopes_list;

    while (scope->name && apr_cstr_casecmp(scope->name, name)) {
        scope++;
    }
    return scope->bit;
}

apr_status_t wh_scopes_parse(int *scopes, const char *text, apr_pool_t *pool)
{
    char *names = apr_pstrdup(pool, text), *name, *rest;
    int bit;

    *scopes = 0;
    for (name = apr_strtok(names, ", \t", &rest); name;
         name = apr_strtok(NULL, ", \t", &rest)) {
        bit = find_scope(name);
        if (!bit) {
            *scopes = 0;
            return APR_EINVAL;
        }
        *scopes |= bit;
    }
    return *scopes ? APR_SUCCESS : APR_EINVAL;
}

const char *wh_scopes_text(int scopes, apr_pool_t *pool)
{
    const char *text = "";
    const scope_t *scope;

    for (scope = scopes_list; scope->name; scope++) {
        if (scopes & scope->bit) {
            text = apr_pstrcat(pool, text, *text ? "," : "", scope->name, NULL);
        }
    }
    return text;
}

int wh_scopes_allow(int scopes, int needed)
{
    if (scopes & WH_SCOPE_MANAGE) {
        scopes |= WH_SCOPE_READ;
    }
    return (scopes & needed) != 0;
}
