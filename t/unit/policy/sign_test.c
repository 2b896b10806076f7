/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures and fingerprints; expected values were made with openssl(1). */
#include <apr_general.h>
#include <stdlib.h>
#include <string.h>

#include "policy/sign.h"
#include "unit/tap.h"

#define LARGE (10 * 1024 * 1024)

static void check_bytes(const char *secret, const void *body, size_t length,
                        const char *expected, const char *name)
{
    char signature[WH_SIGNATURE_SIZE + 1];

    memset(signature, '#', sizeof(signature));
    ok(wh_sign_superoffice(signature, secret, body, length) == APR_SUCCESS,
       "%s: signed", name);
    ok(signature[WH_SIGNATURE_SIZE] == '#', "%s: nothing behind it", name);
    signature[WH_SIGNATURE_SIZE] = '\0';
    is_str(signature, expected, "%s: the signature", name);
}

static void check(const char *secret, const char *body, const char *expected,
                  const char *name)
{
    check_bytes(secret, body, strlen(body), expected, name);
}

static void test_worked_example(void)
{
    static const char body[] =
        "{\"EventId\":\"8f4a1c52-6d0b-4c39-9a53-0b7a3c1d2e4f\","
        "\"Timestamp\":\"2026-01-02T03:04:05.6789Z\","
        "\"Changes\":[\"windowName\",\"widgets\"],"
        "\"Event\":\"window.closed\",\"PrimaryKey\":0,\"Entity\":\"window\","
        "\"ContextIdentifier\":\"Default\",\"ChangedByAssociateId\":5,"
        "\"WebhookName\":\"My hook\"}";

    is_int((int)strlen(body), 261, "length of the worked example");
    check("Something Super Secret", body,
          "sEplWu3L0GCkwGz0zxWLEs7HRlRUBMrJoYTQJmuZHQw=", "ASCII secret");
    check("s3cret-\xc3\xa5\xc3\x9f", body,
          "dOrwVnDy3yDUX1Fxp5qfIgab5b87MNkpm0JbRGjMCVE=", "UTF-8 secret");
}

/* The keys of RFC 4231 that hold no NUL. */
static void test_rfc4231(void)
{
    static const char long_data[] =
        "This is a test using a larger than block-size key and a larger than "
        "block-size data. The key needs to be hashed before being used by "
        "the HMAC algorithm.";
    char key[132] = "", data[51] = "";
    int i;

    memset(key, 0x0b, 20);
    check(key, "Hi There",
          "sDRMYdjbOFNcqK/OrwvxK4gdwgDJgz2nJuk3bC4yz/c=", "RFC 4231 case 1");
    check("Jefe", "what do ya want for nothing?",
          "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=", "RFC 4231 case 2");
    memset(key, 0xaa, 20);
    memset(data, 0xdd, 50);
    check(key, data,
          "dz6pHjaADkaFTbjr0JGBpylZCYs++MEi2WNVFM7VZf4=", "RFC 4231 case 3");
    for (i = 0; i < 25; i++) {
        key[i] = (char)(i + 1);
    }
    memset(data, 0xcd, 50);
    check(key, data,
          "glWKOJpEPA6kzIGYmfIIOoXw+qPlePgHei4/9GcpZls=", "RFC 4231 case 4");
    memset(key, 0xaa, 131);
    check(key, "Test Using Larger Than Block-Size Key - Hash Key First",
          "YOQxWR7gtn8Niiaqy/W3f44LxiE3KMUUBUYEDw7jf1Q=", "RFC 4231 case 6");
    check(key, long_data,
          "mwn/pxuUL8snY1+81bDpRL/cY2RPBxOTin9RU1w6NeI=", "RFC 4231 case 7");
}

static void test_extremes(void)
{
    char secret[401] = "";
    char *body = malloc(LARGE);

    if (!body) {
        ok(0, "memory for a large body");
        return;
    }
    memset(body, 'a', LARGE);
    memset(secret, 'k', 400);
    check("", "", "thNnmggU2ex3L5XXeMNfxf8Wl8STcVZTxscSFEKSxa0=",
          "empty secret, empty body");
    check("", "{}",
          "IvjuqQlACvmK3zaBqfMZI+9rf8ukq7VT2Sgjo+nVwl4=", "empty secret");
    check("secret", "",
          "+eZuF5tnR65UEI+C+K3os8Jddv0wr95sOVgixTAZYWk=", "empty body");
    check_bytes("secret", NULL, 0,
                "+eZuF5tnR65UEI+C+K3os8Jddv0wr95sOVgixTAZYWk=", "no body");
    check_bytes(
        "secret", "a\0b", 3,
        "KptnRJKn7XZ+KsJZ6U8ZQzXbSsgK/J33Ry4DngMnAxA=", "body with a NUL");
    check(secret, "{}",
          "rhn+ol5XymaOe2ZNS4EGN25WvBLwAFc5qWOUqN6Erxw=", "longest secret");
    check_bytes(
        "secret", body, LARGE,
        "BfJhJAGv5c4lGTcCrD85PnNLwfx3z7BucDk5v/JSkUs=", "body of 10 MiB");
    free(body);
}

static void check_fingerprint(const char *const *parts, int count,
                              const char *expected, const char *name)
{
    char hex[66];

    memset(hex, '#', sizeof(hex));
    ok(wh_sign_fingerprint(hex, parts, count) == APR_SUCCESS, "%s: made", name);
    ok(hex[65] == '#', "%s: nothing behind it", name);
    hex[65] = '\0';
    is_str(hex, expected, "%s: the fingerprint", name);
}

static void test_fingerprint(void)
{
    char large[301] = "";
    const char *const empty[] = {"", ""};
    const char *const ab_c[] = {"ab", "c"};
    const char *const a_bc[] = {"a", "bc"};
    const char *const abc[] = {"abc"};
    const char *const mixed[] = {"Default", "\xc3\xa5", large};

    memset(large, 'x', 300);
    check_fingerprint(
        NULL, 0,
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "no part");
    check_fingerprint(
        empty, 1,
        "af5570f5a1810b7af78caf4bc70a660f0df51e42baf91d4de5b2328de0e83dfc",
        "one empty part");
    check_fingerprint(
        empty, 2,
        "374708fff7719dd5979ec875d56cd2286f6d3cf7ec317a3b25632aab28ec37bb",
        "two empty parts");
    check_fingerprint(
        ab_c, 2,
        "601d5476e2ccfe2c87a2bba7a322659734a05749d5b5aa781f513e4912db0d5f",
        "ab, c");
    check_fingerprint(
        a_bc, 2,
        "3fafa1cf2f19a7c1129beb20cf0983f73a489a221fc0dd2f16d1be292d089205",
        "a, bc");
    check_fingerprint(
        abc, 1,
        "c3494ca1a2cf8eeb8a11ded316fb55b83c3bbbedb6313cd50415251e5d09e12f",
        "abc");
    check_fingerprint(
        mixed, 3,
        "ebbe3e5ac364c37aab8a9017f075398364e42572f28e9bdb720ed658b0c99b06",
        "three parts");
}

#define CONTENT "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}"

/* The key pair of RFC 8032, section 7.1, test 1. */
#define SEED "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
#define PAIR                                                                   \
    "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/"           \
    "tPJZAc6DuFy89qmIyWvAhpo9wdRGg=="

static void test_standard(void)
{
    static const struct {
        const char *secret;
        const char *content;
        const char *signature;
    } rows[] = {
        {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", CONTENT,
         "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
        {SEED, "",
         "v1a,5VZDAMNgrHKQhuLMgG6CioSHfx645dl02HPgZSJJAVVfuIIVkKM7rMYeOXAc+"
         "bRr0lv18FlbviRlUUFDjnoQCw=="},
        {PAIR, CONTENT,
         "v1a,fldxM4gAKugP6nnt1hdz3sgGfZ6d99nzrMFnZOELIxbzEHoVmAb2ADpkJK7zgPePm"
         "Psle0zV9jSeGlHFG2NVAw=="},
    };
    char signature[WH_STANDARD_SIGNATURE_SIZE];
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is_str(wh_sign_standard_refusal(rows[i].secret), NULL, "secret %d",
               (int)i);
        is_int(wh_sign_standard(signature, rows[i].secret, rows[i].content,
                                strlen(rows[i].content)),
               APR_SUCCESS, "... signs");
        is_str(signature, rows[i].signature, "... its signature");
    }
    is_int(wh_sign_standard(signature, "plain", "", 0), APR_EINVAL,
           "what is refused does not sign");
}

/* Keys of so many bytes, all "s". */
#define SIXTY                                                                  \
    "c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nz"                                 \
    "c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nz"
#define TWENTY_FOUR "c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nz"

static void test_standard_secrets(void)
{
    static const struct {
        const char *secret;
        const char *problem;
    } rows[] = {
        {"whsec_" TWENTY_FOUR, NULL},
        {"whsec_" SIXTY "c3Nzcw==", NULL},
        {"whsec_" SIXTY "c3Nzc3M=", "must be a key of 24 to 64 bytes"},
        {"whsec_c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M=",
         "must be a key of 24 to 64 bytes"},
        {"whsec_", "must be a key of 24 to 64 bytes"},
        {"whsec_" TWENTY_FOUR "=", "must have base64 behind its begin"},
        {"whsec_" TWENTY_FOUR "c3", "must have base64 behind its begin"},
        {"whsec_" TWENTY_FOUR "c3==x", "must have base64 behind its begin"},
        {"whsec_" TWENTY_FOUR "c3N_", "must have base64 behind its begin"},
        {"whsec_ " TWENTY_FOUR, "must have base64 behind its begin"},
        {"whsec_" SIXTY SIXTY, "must have base64 behind its begin"},
        {TWENTY_FOUR, "must begin with whsec_ or whsk_"},
        {"WHSEC_" TWENTY_FOUR, "must begin with whsec_ or whsk_"},
        {"whpk_" TWENTY_FOUR, "must begin with whsec_ or whsk_"},
        {"", "must begin with whsec_ or whsk_"},
        {"whsk_" TWENTY_FOUR,
         "must be a seed of 32 bytes, alone or with its public key"},
        {"whsk_" SIXTY "c3Nzcw==",
         "must be a seed of 32 bytes, alone or with its public key"},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is_str(wh_sign_standard_refusal(rows[i].secret), rows[i].problem,
               "secret %s", rows[i].secret);
    }
}

int main(void)
{
    apr_initialize();
    test_worked_example();
    test_rfc4231();
    test_extremes();
    test_fingerprint();
    test_standard();
    test_standard_secrets();
    apr_terminate();
    return done_testing();
}
