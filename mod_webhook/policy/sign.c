/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/sign.h"

#include <apr_escape.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define SHA256_SIZE 32

apr_status_t wh_sign_superoffice(char signature[WH_SIGNATURE_SIZE],
                                 const char *secret, const void *body,
                                 apr_size_t length)
{
    unsigned char code[EVP_MAX_MD_SIZE];
    unsigned int code_length = 0;
    apr_size_t secret_length = strlen(secret);

    if (secret_length > INT_MAX) {
        return APR_EGENERAL;
    }
    if (!HMAC(EVP_sha256(), secret, (int)secret_length, length ? body : "",
              length, code, &code_length) ||
        code_length != SHA256_SIZE) {
        return APR_EGENERAL;
    }
    if (EVP_EncodeBlock((unsigned char *)signature, code, SHA256_SIZE) !=
        WH_SIGNATURE_SIZE - 1) {
        return APR_EGENERAL;
    }
    return APR_SUCCESS;
}

/* The length goes in as eight bytes, high byte first: the fingerprint is the
 * same on every machine that shares the database. */
static int add_part(EVP_MD_CTX *context, const char *part)
{
    apr_uint64_t length = strlen(part);
    unsigned char prefix[8];
    int i;

    for (i = 0; i < 8; i++) {
        prefix[i] = (unsigned char)(length >> (56 - 8 * i));
    }
    return EVP_DigestUpdate(context, prefix, sizeof(prefix)) == 1 &&
           EVP_DigestUpdate(context, part, (size_t)length) == 1;
}

apr_status_t wh_sign_fingerprint(char hex[65], const char *const *parts,
                                 int count)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int i, good;

    if (!context) {
        return APR_EGENERAL;
    }
    good = EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
    for (i = 0; good && i < count; i++) {
        good = add_part(context, parts[i]);
    }
    good = good && EVP_DigestFinal_ex(context, digest, &length) == 1 &&
           length == SHA256_SIZE;
    EVP_MD_CTX_free(context);
    if (!good) {
        return APR_EGENERAL;
    }
    return apr_escape_hex(hex, digest, SHA256_SIZE, 0, NULL);
}
