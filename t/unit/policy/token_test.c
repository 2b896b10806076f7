/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens, hashes and scopes; the hashes were made with openssl(1). */
#include <apr_general.h>
#include <stdlib.h>
#include <string.h>

#include "policy/token.h"
#include "unit/tap.h"

#define TOKENS 2000

static apr_pool_t *pool;

/* The letters of base64url. */
static int is_url_text(const char *text, apr_size_t length)
{
    return strlen(text) == length &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                        "0123456789-_") == length;
}

static void test_prefixes(void)
{
    char text[WH_TOKEN_SIZE];

    is_str(wh_token_prefix(WH_TOKEN_BEARER), "8A:", "prefix of a bearer token");
    is_str(wh_token_prefix(WH_TOKEN_TICKET), "7T:", "prefix of a ticket");
    is_str(WH_APP_PREFIX, "APP:", "prefix of an application's secret");
    is_int(wh_token_create(text, WH_APP_PREFIX), APR_SUCCESS, "a secret");
    ok(!strncmp(text, "APP:", 4) && is_url_text(text + 4, 43),
       "its prefix and 256 bits");
    is_int(wh_token_create(text, ""), APR_SUCCESS, "no prefix");
    ok(is_url_text(text, 43), "only 256 bits");
    is_int(wh_token_create(text, "12345678901234567890"), APR_SUCCESS,
           "the longest prefix");
    is_int((int)strlen(text), WH_TOKEN_SIZE - 1, "the room is used up");
    is_int(wh_token_create(text, "123456789012345678901"), APR_EINVAL,
           "a prefix that is too long");
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Every place of the text takes many values, so no byte of it is lost. The
 * last letter carries four bits. */
static void test_random(void)
{
    static char tokens[TOKENS][WH_TOKEN_SIZE];
    char seen[43][128] = {{0}};
    int i, at, failed = 0, poor = 0;

    for (i = 0; i < TOKENS; i++) {
        failed += wh_token_create(tokens[i], "8A:") != APR_SUCCESS ||
                  strncmp(tokens[i], "8A:", 3) != 0 ||
                  !is_url_text(tokens[i] + 3, 43);
        for (at = 0; at < 43; at++) {
            seen[at][(unsigned char)tokens[i][3 + at] & 127] = 1;
        }
    }
    is_int(failed, 0, "%d tokens are in order", TOKENS);
    for (at = 0; at < 43; at++) {
        int values = 0, c;

        for (c = 0; c < 128; c++) {
            values += seen[at][c];
        }
        poor += values != (at < 42 ? 64 : 16);
    }
    is_int(poor, 0, "every letter takes all its values");
    qsort(tokens, TOKENS, WH_TOKEN_SIZE, compare);
    for (i = 1; i < TOKENS; i++) {
        failed += !strcmp(tokens[i - 1], tokens[i]);
    }
    is_int(failed, 0, "no two are the same");
}

static void check_hash(const char *text, const char *want)
{
    char hex[WH_TOKEN_HASH_SIZE + 1];

    memset(hex, '#', sizeof(hex));
    is_int(wh_token_hash(hex, text), APR_SUCCESS, "hash of \"%s\"", text);
    ok(hex[WH_TOKEN_HASH_SIZE] == '#', "nothing behind the hash");
    hex[WH_TOKEN_HASH_SIZE] = '\0';
    is_str(hex, want, "the hash of \"%s\"", text);
}

static void test_hash(void)
{
    check_hash(
        "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check_hash(
        "abc",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check_hash(
        "8A:\xc3\xa9",
        "dadbafb2d3e03b3ec149a00c38a521a06b5c03cbee9da3bc440521a97e01bc80");
}

static void check_parse(const char *text, int want)
{
    int scopes = -1;
    apr_status_t rv = wh_scopes_parse(&scopes, text, pool);

    is_int(rv, want ? APR_SUCCESS : APR_EINVAL, "\"%s\": the status", text);
    is_int(scopes, want, "\"%s\": the scopes", text);
}

static void test_parse(void)
{
    check_parse("signal", WH_SCOPE_SIGNAL);
    check_parse("manage", WH_SCOPE_MANAGE);
    check_parse("read", WH_SCOPE_READ);
    check_parse("SIGNAL,Read", WH_SCOPE_SIGNAL | WH_SCOPE_READ);
    check_parse("read signal", WH_SCOPE_SIGNAL | WH_SCOPE_READ);
    check_parse(" ,\tmanage ,, read\tsignal, ", WH_SCOPE_ALL);
    check_parse("read,read,READ", WH_SCOPE_READ);
    check_parse("", 0);
    check_parse(" , \t", 0);
    check_parse("write", 0);
    check_parse("signal,write", 0);
    check_parse("signals", 0);
    check_parse("sign", 0);
    check_parse("signal;read", 0);
    check_parse("signal\nread", 0);
    check_parse("all", 0);
    check_parse("1", 0);
}

static void test_text(void)
{
    int scopes, again;

    is_str(wh_scopes_text(0, pool), "", "no scope");
    is_str(wh_scopes_text(WH_SCOPE_READ, pool), "read", "one scope");
    is_str(wh_scopes_text(WH_SCOPE_ALL, pool), "signal,manage,read",
           "all of them in the order of the list");
    is_str(wh_scopes_text(8, pool), "", "a bit that is none");
    for (scopes = 1; scopes <= WH_SCOPE_ALL; scopes++) {
        again = 0;
        wh_scopes_parse(&again, wh_scopes_text(scopes, pool), pool);
        is_int(again, scopes, "scopes %d as a text and back", scopes);
    }
}

static void test_allow(void)
{
    /* For each set of scopes: signal, manage, read. */
    static const int want[8][3] = {{0, 0, 0}, {1, 0, 0}, {0, 1, 1}, {1, 1, 1},
                                   {0, 0, 1}, {1, 0, 1}, {0, 1, 1}, {1, 1, 1}};
    int scopes;

    for (scopes = 0; scopes <= WH_SCOPE_ALL; scopes++) {
        const char *text = wh_scopes_text(scopes, pool);

        is_int(wh_scopes_allow(scopes, WH_SCOPE_SIGNAL), want[scopes][0],
               "\"%s\" for signal", text);
        is_int(wh_scopes_allow(scopes, WH_SCOPE_MANAGE), want[scopes][1],
               "\"%s\" for manage", text);
        is_int(wh_scopes_allow(scopes, WH_SCOPE_READ), want[scopes][2],
               "\"%s\" for read", text);
        is_int(wh_scopes_allow(scopes, 0), 0, "\"%s\" for nothing", text);
    }
    is_int(wh_scopes_allow(WH_SCOPE_READ, WH_SCOPE_READ | WH_SCOPE_SIGNAL), 1,
           "one of two that are needed");
    is_int(wh_scopes_allow(WH_SCOPE_SIGNAL, WH_SCOPE_READ | WH_SCOPE_MANAGE), 0,
           "none of two that are needed");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_prefixes();
    test_random();
    test_hash();
    test_parse();
    test_text();
    test_allow();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
