/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/sign.h"

#include <apr_escape.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define SHA256_SIZE 32
#define SEED_SIZE 32
#define ED25519_SIZE 64

/* Room for what any key takes: base64 is decoded in groups of three bytes. */
#define KEY_ROOM 96

/* A secret of Standard Webhooks, decoded. */
typedef struct standard_key_t {
    int ed25519;
    apr_size_t length;
    unsigned char bytes[KEY_ROOM];
} standard_key_t;

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

/* Only padded text of the standard alphabet: a secret that two programs could
 * decode to two keys is none. */
static int decode(standard_key_t *key, const char *text)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz0123456789+/";
    apr_size_t length = strspn(text, alphabet), padding = 0;
    int decoded;

    while (text[length + padding] == '=') {
        padding++;
    }
    if (text[length + padding] || padding > 2 || (length + padding) % 4 ||
        (length + padding) / 4 * 3 > sizeof(key->bytes)) {
        return 0;
    }
    decoded = EVP_DecodeBlock(key->bytes, (const unsigned char *)text,
                              (int)(length + padding));
    if (decoded < (int)padding) {
        return 0;
    }
    key->length = (apr_size_t)decoded - padding;
    return 1;
}

/* The public key that may follow the seed is that of the seed. */
static int has_its_public_key(const standard_key_t *key)
{
    unsigned char bytes[SEED_SIZE];
    size_t length = sizeof(bytes);
    EVP_PKEY *made = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
                                                  key->bytes, SEED_SIZE);
    int good = made && EVP_PKEY_get_raw_public_key(made, bytes, &length) == 1 &&
               length == sizeof(bytes) &&
               !memcmp(bytes, key->bytes + SEED_SIZE, sizeof(bytes));

    EVP_PKEY_free(made);
    return good;
}

static const char *read_key(standard_key_t *key, const char *secret)
{
    key->ed25519 = !strncmp(secret, WH_SECRET_ED25519, 5);
    if (!key->ed25519 && strncmp(secret, WH_SECRET_HMAC, 6)) {
        return "must begin with " WH_SECRET_HMAC " or " WH_SECRET_ED25519;
    }
    if (!decode(key, secret + (key->ed25519 ? 5 : 6))) {
        return "must have base64 behind its begin";
    }
    if (!key->ed25519) {
        return key->length < WH_HMAC_KEY_MIN || key->length > WH_HMAC_KEY_MAX
                   ? "must be a key of 24 to 64 bytes"
                   : NULL;
    }
    if (key->length != SEED_SIZE && (key->length != (apr_size_t)2 * SEED_SIZE ||
                                     !has_its_public_key(key))) {
        return "must be a seed of 32 bytes, alone or with its public key";
    }
    return NULL;
}

const char *wh_sign_standard_refusal(const char *secret)
{
    standard_key_t key;
    const char *problem = read_key(&key, secret);

    OPENSSL_cleanse(&key, sizeof(key));
    return problem;
}

static apr_status_t sign_hmac(char *text, const standard_key_t *key,
                              const void *content, apr_size_t length)
{
    unsigned char code[EVP_MAX_MD_SIZE];
    unsigned int code_length = 0;

    if (!HMAC(EVP_sha256(), key->bytes, (int)key->length, content, length, code,
              &code_length) ||
        code_length != SHA256_SIZE) {
        return APR_EGENERAL;
    }
    memcpy(text, "v1,", 3);
    EVP_EncodeBlock((unsigned char *)text + 3, code, SHA256_SIZE);
    return APR_SUCCESS;
}

static apr_status_t sign_ed25519(char *text, const standard_key_t *key,
                                 const void *content, apr_size_t length)
{
    unsigned char code[ED25519_SIZE];
    size_t code_length = sizeof(code);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY *made = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
                                                  key->bytes, SEED_SIZE);
    int good =
        context && made &&
        EVP_DigestSignInit(context, NULL, NULL, NULL, made) == 1 &&
        EVP_DigestSign(context, code, &code_length, content, length) == 1 &&
        code_length == ED25519_SIZE;

    EVP_MD_CTX_free(context);
    EVP_PKEY_free(made);
    if (!good) {
        return APR_EGENERAL;
    }
    memcpy(text, "v1a,", 4);
    EVP_EncodeBlock((unsigned char *)text + 4, code, ED25519_SIZE);
    return APR_SUCCESS;
}

apr_status_t wh_sign_standard(char signature[WH_STANDARD_SIGNATURE_SIZE],
                              const char *secret, const void *content,
                              apr_size_t length)
{
    standard_key_t key;
    apr_status_t rv;

    if (read_key(&key, secret)) {
        rv = APR_EINVAL;
    }
    else if (key.ed25519) {
        rv = sign_ed25519(signature, &key, content, length);
    }
    else {
        rv = sign_hmac(signature, &key, content, length);
    }
    OPENSSL_cleanse(&key, sizeof(key));
    return rv;
}
