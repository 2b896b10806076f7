/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/certificate.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#define PIN_PREFIX "sha256//"
/* 32 bytes in base64. */
#define PIN_DIGITS 44
#define BASE64                                                                 \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

/* Without it libcrypto would ask at the terminal for a password. */
static int no_password(char *buffer, int size, int rwflag, void *baton)
{
    (void)buffer;
    (void)size;
    (void)rwflag;
    (void)baton;
    return -1;
}

/* A block that libcrypto would take for a certificate. Of anything else libcurl
 * makes what it likes: a list of revoked ones that counts beside the operator's, or
 * a question for a password. */
static int is_certificate(const char *name, const char *header,
                          const unsigned char *bytes, long length)
{
    X509 *certificate;
    int is_aux = !strcmp(name, PEM_STRING_X509_TRUSTED);

    if (*header || (!is_aux && strcmp(name, PEM_STRING_X509) &&
                    strcmp(name, PEM_STRING_X509_OLD))) {
        return 0;
    }
    certificate = is_aux ? d2i_X509_AUX(NULL, &bytes, length)
                         : d2i_X509(NULL, &bytes, length);
    X509_free(certificate);
    return certificate != NULL;
}

/* All blocks are certificates that are in order: their number, else 0. */
static int count_certificates(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    unsigned char *bytes = NULL;
    char *name = NULL, *header = NULL;
    int count = 0, good = 1, at_end;
    long length;

    ERR_clear_error();
    while (bio && good && count <= WH_CERTIFICATES_MAX &&
           PEM_read_bio(bio, &name, &header, &bytes, &length)) {
        good = is_certificate(name, header, bytes, length);
        count++;
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(bytes);
    }
    if (!good) {
        BIO_free(bio);
        ERR_clear_error();
        return 0;
    }
    /* The one error that means: there is no more. */
    at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    BIO_free(bio);
    return at_end ? count : 0;
}

int wh_certificate_list_valid(const char *pem)
{
    int count = strstr(pem, "PRIVATE KEY-") ? 0 : count_certificates(pem);

    return count >= 1 && count <= WH_CERTIFICATES_MAX;
}

static int is_pin(const char *text, size_t length)
{
    const size_t prefix = sizeof(PIN_PREFIX) - 1;
    unsigned char digits[PIN_DIGITS], bytes[PIN_DIGITS];
    int size;

    if (length != prefix + PIN_DIGITS || memcmp(text, PIN_PREFIX, prefix) ||
        text[length - 1] != '=') {
        return 0;
    }
    memcpy(digits, text + prefix, PIN_DIGITS);
    /* libcrypto is lenient about blanks and "=". */
    if (strspn(text + prefix, BASE64) != PIN_DIGITS - 1) {
        return 0;
    }
    size = EVP_DecodeBlock(bytes, digits, PIN_DIGITS);
    return size == PIN_DIGITS / 4 * 3;
}

int wh_certificate_pins_valid(const char *pins)
{
    int count = 0;

    for (;;) {
        size_t length = strcspn(pins, ";");

        if (!is_pin(pins, length) || ++count > WH_PINS_MAX) {
            return 0;
        }
        if (!pins[length]) {
            return 1;
        }
        pins += length + 1;
    }
}

const char *wh_certificate_pair_refusal(const char *certificate,
                                        const char *key)
{
    BIO *first = BIO_new_mem_buf(certificate, -1);
    BIO *second = BIO_new_mem_buf(key, -1);
    X509 *x509 =
        first ? PEM_read_bio_X509(first, NULL, no_password, NULL) : NULL;
    EVP_PKEY *pkey =
        second ? PEM_read_bio_PrivateKey(second, NULL, no_password, NULL)
               : NULL;
    const char *refusal = NULL;

    if (!x509) {
        refusal = "there is no certificate in PEM form";
    }
    else if (!pkey) {
        refusal = "there is no key in PEM form without a password";
    }
    else if (X509_check_private_key(x509, pkey) != 1) {
        refusal = "the key is not that of the certificate";
    }
    EVP_PKEY_free(pkey);
    X509_free(x509);
    BIO_free(first);
    BIO_free(second);
    ERR_clear_error();
    return refusal;
}
