/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates, keys and pins as texts. */
#include <apr_general.h>
#include <apr_strings.h>

#include "policy/certificate.h"
#include "unit/tap.h"

static apr_pool_t *pool;

/* Made for this test alone. */
static const char certificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBbzCCARWgAwIBAgIUbVNZcBVWlGZsMqpT3Olx0g1iDnYwCgYIKoZIzj0EAwIw\n"
    "DDEKMAgGA1UEAwwBYTAgFw0yNjExMjUwODEyMzBaGA8yMTI2MTEwMTA4MTIzMFow\n"
    "DDEKMAgGA1UEAwwBYTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABLkwezIXeZ49\n"
    "13fzc0QO0WW7cIcumcI+bg95SZaTPZi0e3hq54gllsL3hdCzolMQkoNrJ92HBg0c\n"
    "2cWMDhMyz++jUzBRMB0GA1UdDgQWBBTPx77AqJ35Pt0zw/hY3veO1kTxmzAfBgNV\n"
    "HSMEGDAWgBTPx77AqJ35Pt0zw/hY3veO1kTxmzAPBgNVHRMBAf8EBTADAQH/MAoG\n"
    "CCqGSM49BAMCA0gAMEUCIQDxxjheyjKO/pdr3fr1zHQTnl/zcviIkIlS3aWYBQJ/\n"
    "TQIgSk4ycPxe3ezI4kuJA0py95Pfap8V43C4WVUaYbHkDRg=\n"
    "-----END CERTIFICATE-----\n";

static const char other_certificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBcDCCARWgAwIBAgIUYm1Zh/7iR7XgZD5q6RT7l/vl+sQwCgYIKoZIzj0EAwIw\n"
    "DDEKMAgGA1UEAwwBYjAgFw0yNjExMjUwODEyMzBaGA8yMTI2MTEwMTA4MTIzMFow\n"
    "DDEKMAgGA1UEAwwBYjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABFCeihXUyJOt\n"
    "KjsxrJdw76pVAsW+vsAZF/LeFKFxu4OtOeJg5p4UU3jO+et8ap5vxqifnwJuwARp\n"
    "t+rYc5oxhYijUzBRMB0GA1UdDgQWBBTwHI7fS9ft180w/90pdWJbucZ5CDAfBgNV\n"
    "HSMEGDAWgBTwHI7fS9ft180w/90pdWJbucZ5CDAPBgNVHRMBAf8EBTADAQH/MAoG\n"
    "CCqGSM49BAMCA0kAMEYCIQDgOPJPrZXZpcF8d6emqqthuSvvZnB0lbPyAsIyruoG\n"
    "WQIhALJvppYmas7sH77qjUld1/0GE7dOgOl6beMNcZG2IUDU\n"
    "-----END CERTIFICATE-----\n";

static const char key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgrJvvd57vSnEaoYMa\n"
    "6vnvVb3vUrdDvZCnpb9Uv6YkU2KhRANCAAS5MHsyF3mePdd383NEDtFlu3CHLpnC\n"
    "Pm4PeUmWkz2YtHt4aueIJZbC94XQs6JTEJKDayfdhwYNHNnFjA4TMs/v\n"
    "-----END PRIVATE KEY-----\n";

static const char locked_key[] =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiem4a9OH009wICCAAw\n"
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEENzLaARQAAiC+XLy7DkSQN8EgZDD\n"
    "2r+digmCXyRF3pGePBjTirfhAgBWUINtQp9AK6oztidN25kOZ7NIRBqkDPvhPMdE\n"
    "bnFly2zOkQuUMgRVwW0M45KBqK84a62jdtfZa4ajXkLFkB4yn76F3WAY8T68nUPj\n"
    "FcH8FLJJDr+7v9ONA82MCqfv6fFqemhpR1uZpsIXAomDtZo9touwg1WRUU6jkL4=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";

static const char *repeat(const char *text, int count)
{
    const char *all = "";

    while (count-- > 0) {
        all = apr_pstrcat(pool, all, text, NULL);
    }
    return all;
}

static const char revoked[] =
    "-----BEGIN X509 CRL-----\n"
    "MIGRMDowCgYIKoZIzj0EAwIwDDEKMAgGA1UEAwwBYxcNMjYxMTI5MTY1OTI2WhgP\n"
    "MjEyNjExMDUxNjU5MjZaMAoGCCqGSM49BAMCA0cAMEQCID+cUnnuYMV0OKC5xLXj\n"
    "KRQ6aV5Q7UGutEPOJfRzrVMaAiAnTQeI6VXsynAWeN+gOg7GViP5RXhQwGbEdwdj\n"
    "jqIVEw==\n"
    "-----END X509 CRL-----\n";

/* Whoever decrypted it would ask for a password. */
static const char encrypted[] = "-----BEGIN X509 CRL-----\n"
                                "Proc-Type: 4,ENCRYPTED\n"
                                "DEK-Info: AES-128-CBC,"
                                "00000000000000000000000000000000\n\n"
                                "AAAAAAAAAAAAAAAAAAAAAA==\n"
                                "-----END X509 CRL-----\n";

static void test_list(void)
{
    ok(wh_certificate_list_valid(certificate), "one certificate");
    ok(wh_certificate_list_valid(
           apr_pstrcat(pool, "words before\n", certificate, "and\n\n",
                       other_certificate, "behind", NULL)),
       "two, with words around them");
    ok(wh_certificate_list_valid(repeat(certificate, WH_CERTIFICATES_MAX)),
       "as many as may be");
    ok(!wh_certificate_list_valid(repeat(certificate, WH_CERTIFICATES_MAX + 1)),
       "one too many");
    ok(!wh_certificate_list_valid(""), "nothing");
    ok(!wh_certificate_list_valid("/etc/ssl/ca.pem"), "a path");
    ok(!wh_certificate_list_valid(key), "a key");
    ok(!wh_certificate_list_valid(apr_pstrcat(pool, certificate, key, NULL)),
       "a key beside a certificate");
    ok(!wh_certificate_list_valid(
           apr_pstrmemdup(pool, certificate, strlen(certificate) / 2)),
       "half a certificate");
    ok(!wh_certificate_list_valid(apr_pstrcat(
           pool, certificate,
           "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
           NULL)),
       "a second one that is none");
    ok(!wh_certificate_list_valid(
           apr_pstrcat(pool, certificate, revoked, NULL)),
       "a list of revoked ones, which would count beside the operator's");
    ok(!wh_certificate_list_valid(
           apr_pstrcat(pool, certificate, encrypted, NULL)),
       "anything encrypted");
}

#define HASH "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void test_pins(void)
{
    static const struct {
        const char *text;
        int valid;
    } rows[] = {
        {"sha256//" HASH, 1},
        {"sha256//+/09azAZ+/09azAZ+/09azAZ+/09azAZ+/09azAZ+/0=", 1},
        {"sha256//" HASH ";sha256//" HASH, 1},
        {"", 0},
        {";", 0},
        {"sha256//", 0},
        {HASH, 0},
        {"SHA256//" HASH, 0},
        {"sha1//" HASH, 0},
        {"sha256//" HASH ";", 0},
        {";sha256//" HASH, 0},
        {"sha256//" HASH " ", 0},
        {"sha256//" HASH HASH, 0},
        {"sha256//AAAA", 0},
        {"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==", 0},
        {"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 0},
        {"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-AAA=", 0},
        {"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=AAA=", 0},
        {"sha256// AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", 0},
        {"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n=", 0},
        {"/etc/passwd", 0},
    };
    const char *many = repeat("sha256//" HASH ";", WH_PINS_MAX - 1);
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is_int(wh_certificate_pins_valid(rows[i].text), rows[i].valid,
               "\"%s\": %s", rows[i].text, rows[i].valid ? "pins" : "none");
    }
    many = apr_pstrcat(pool, many, "sha256//" HASH, NULL);
    ok(wh_certificate_pins_valid(many), "as many as may be");
    many = apr_pstrcat(pool, many, ";sha256//" HASH, NULL);
    ok(!wh_certificate_pins_valid(many), "one too many");
}

static void test_pair(void)
{
    const char *no_certificate = "there is no certificate in PEM form";
    const char *no_key = "there is no key in PEM form without a password";

    is_str(wh_certificate_pair_refusal(certificate, key), NULL, "a pair");
    is_str(wh_certificate_pair_refusal(
               apr_pstrcat(pool, certificate, other_certificate, NULL), key),
           NULL, "with the authority behind it");
    is_str(wh_certificate_pair_refusal(other_certificate, key),
           "the key is not that of the certificate", "no pair");
    is_str(wh_certificate_pair_refusal("", key), no_certificate, "nothing");
    is_str(wh_certificate_pair_refusal(key, key), no_certificate,
           "a key in its place");
    is_str(wh_certificate_pair_refusal(certificate, ""), no_key, "no key");
    is_str(wh_certificate_pair_refusal(certificate, certificate), no_key,
           "a certificate in its place");
    is_str(wh_certificate_pair_refusal(certificate, locked_key), no_key,
           "a key with a password is not asked for");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_list();
    test_pins();
    test_pair();
    apr_terminate();
    return done_testing();
}
