/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/xsrf.h"

#include <apr_encode.h>
#include <apr_strings.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "policy/sign.h"

/* base64url of an HMAC-SHA256, without padding. */
#define MAC_LENGTH 43

/* No token of ours is longer: 19 digits, 22 and 43 characters, two dots. */
#define TOKEN_MAX 86

/* The mac of "time.random" for a user and a context. NULL: none can be made.
 * The fingerprint keeps the parts apart, whatever is in them; its first part
 * keeps the key's other uses apart. */
static const char *make_mac(const char *key, const char *stamp,
                            const char *user, const char *context,
                            apr_pool_t *pool)
{
    const char *const parts[] = {"xsrf", stamp, user, context};
    unsigned char code[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    apr_size_t key_length = strlen(key);
    char hex[65];

    if (key_length == 0 || key_length > INT_MAX ||
        wh_sign_fingerprint(hex, parts, 4) != APR_SUCCESS ||
        !HMAC(EVP_sha256(), key, (int)key_length, (const unsigned char *)hex,
              strlen(hex), code, &length)) {
        return NULL;
    }
    return apr_pencode_base64_binary(pool, code, length, APR_ENCODE_BASE64URL,
                                     NULL);
}

const char *wh_xsrf_create(const char *key, const char *user,
                           const char *context,
                           const unsigned char random[WH_XSRF_RANDOM],
                           apr_time_t now, apr_pool_t *pool)
{
    const char *dice = apr_pencode_base64_binary(pool, random, WH_XSRF_RANDOM,
                                                 APR_ENCODE_BASE64URL, NULL);
    const char *stamp =
        apr_psprintf(pool, "%" APR_TIME_T_FMT ".%s", apr_time_sec(now), dice);
    const char *mac = make_mac(key, stamp, user, context, pool);

    return mac ? apr_pstrcat(pool, stamp, ".", mac, NULL) : NULL;
}

int wh_xsrf_valid(const char *token, const char *key, const char *user,
                  const char *context, apr_time_t now, apr_pool_t *pool)
{
    const char *dot, *mac, *stamp;
    apr_time_t made;

    if (!token || strlen(token) > TOKEN_MAX) {
        return 0;
    }
    dot = strrchr(token, '.');
    if (!dot || strlen(dot + 1) != MAC_LENGTH) {
        return 0;
    }
    stamp = apr_pstrmemdup(pool, token, (apr_size_t)(dot - token));
    mac = make_mac(key, stamp, user, context, pool);
    if (!mac || strlen(mac) != MAC_LENGTH ||
        CRYPTO_memcmp(mac, dot + 1, MAC_LENGTH)) {
        return 0;
    }
    /* From here on it is a token of ours: its time is in order. */
    made = apr_time_from_sec(apr_atoi64(stamp));
    return made <= now + WH_XSRF_SKEW && now - made <= WH_XSRF_LIFE;
}
