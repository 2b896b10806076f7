/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection with TLS may bring: two ends of one, in memory. */
#include "deliver/intake.h"
#include "unit/tap.h"

#define PIECE 16000

static SSL_CTX *create_context(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_method());

    /* Without certificates, which are none of this test's. */
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(context, "aNULL:@SECLEVEL=0");
    return context;
}

static SSL *create_end(SSL_CTX *context, BIO *bio)
{
    SSL *ssl = SSL_new(context);

    SSL_set_bio(ssl, bio, bio);
    return ssl;
}

static void shake_hands(SSL *near, SSL *far)
{
    int i;

    SSL_set_connect_state(near);
    SSL_set_accept_state(far);
    for (i = 0; i < 10 && SSL_do_handshake(near) != 1; i++) {
        SSL_do_handshake(far);
    }
    SSL_do_handshake(far);
    ok(SSL_is_init_finished(near) && SSL_is_init_finished(far), "connected");
}

/* Bytes of so many that arrive. */
static apr_size_t pass(SSL *near, SSL *far, apr_size_t size)
{
    static char piece[PIECE];
    apr_size_t passed = 0;

    while (passed < size) {
        if (SSL_write(far, piece, PIECE) != PIECE ||
            SSL_read(near, piece, PIECE) != PIECE) {
            break;
        }
        passed += PIECE;
    }
    return passed;
}

static void test_flood(SSL *near, SSL *far)
{
    const apr_size_t most = WH_INTAKE_MAX, nearly = most - most / 10;
    apr_size_t passed;
    char byte;
    int i;

    for (i = 0; i < 3; i++) {
        wh_intake_begin(near);
        passed = pass(near, far, nearly);
        ok(passed >= nearly, "request %d: what it may bring", i);
    }
    passed += pass(near, far, 2 * most);
    ok(passed > most - 2 * PIECE && passed < most + PIECE,
       "without another one: no more than that");
    is_int(SSL_get_error(near, SSL_read(near, &byte, 1)), SSL_ERROR_ZERO_RETURN,
           "... as if it had been closed");
    wh_intake_begin(near);
    is_int(SSL_get_error(near, SSL_read(near, &byte, 1)), SSL_ERROR_ZERO_RETURN,
           "... for good");
}

static void test_handle(void)
{
    CURL *easy = curl_easy_init();

    /* It has no connection yet. */
    wh_intake_request(easy);
    ok(wh_intake_watch(easy), "libcurl's TLS can be watched");
    curl_easy_cleanup(easy);
}

int main(void)
{
    SSL_CTX *watched = create_context(), *plain = create_context();
    SSL *near, *far;
    BIO *bios[2];

    curl_global_init(CURL_GLOBAL_ALL);
    wh_intake_watch_context(watched);
    BIO_new_bio_pair(&bios[0], (size_t)64 * 1024, &bios[1], (size_t)64 * 1024);
    near = create_end(watched, bios[0]);
    far = create_end(plain, bios[1]);
    shake_hands(near, far);
    test_flood(near, far);
    test_handle();
    SSL_free(near);
    SSL_free(far);
    SSL_CTX_free(watched);
    SSL_CTX_free(plain);
    curl_global_cleanup();
    return done_testing();
}
