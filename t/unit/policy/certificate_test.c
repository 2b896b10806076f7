/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens against forged requests; expected ones were made with Python's hmac
 * and hashlib. */
#include <apr_general.h>
#include <apr_strings.h>
#include <string.h>

#include "policy/xsrf.h"
#include "unit/tap.h"

#define NOW apr_time_from_sec(APR_INT64_C(1767322800))

static const char expected[] = "1767322800.AAECAwQFBgcICQoLDA0ODw."
                               "uGY9a6tL1jTv6VXaZaEXyyHsg9YfHqS0hVr0kqgsIyc";

static const unsigned char dice[WH_XSRF_RANDOM] = {
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static apr_pool_t *pool;

static const char *create(const char *key, const char *user,
                          const char *context, apr_time_t now)
{
    return wh_xsrf_create(key, user, context, dice, now, pool);
}

static int valid(const char *token)
{
    return wh_xsrf_valid(token, "key", "tje0", "Default", NOW, pool);
}

static void test_create(void)
{
    unsigned char ones[WH_XSRF_RANDOM];
    const char *token;

    memset(ones, 0xff, sizeof(ones));
    is_str(create("key", "tje0", "Default", NOW), expected, "a token");
    is_str(create("key", "tje0", "Default", NOW + 999999), expected,
           "the same within a second");
    token = wh_xsrf_create("s3cret-\xc3\xa5\xc3\x9f", "\xc3\xa5", "", ones, NOW,
                           pool);
    is_str(token,
           "1767322800._____________________w."
           "VYz9ApfIBbPR0JCyrgGaxgmlJ8nAfLQ5phjzhXU3od4",
           "another token");
    is_str(create("", "tje0", "Default", NOW), NULL, "no key, no token");
}

static void test_letters(void)
{
    unsigned char random[WH_XSRF_RANDOM];
    const char *token;
    int i, wrong = 0;

    for (i = 0; i < 256; i++) {
        memset(random, i, sizeof(random));
        token = wh_xsrf_create("key", "tje0", "Default", random,
                               NOW + apr_time_from_sec(i), pool);
        wrong += !token || token[strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                               "abcdefghijklmnopqrstuvwxyz"
                                               "0123456789-_.")];
    }
    is_int(wrong, 0, "nothing in a token needs quotes in a cookie");
}

static void test_binding(void)
{
    ok(valid(expected), "a token is valid");
    ok(!wh_xsrf_valid(expected, "kez", "tje0", "Default", NOW, pool),
       "not with another key");
    ok(!wh_xsrf_valid(expected, "", "tje0", "Default", NOW, pool),
       "not without a key");
    ok(!wh_xsrf_valid(expected, "key", "tje1", "Default", NOW, pool),
       "not for another user");
    ok(!wh_xsrf_valid(expected, "key", "", "Default", NOW, pool),
       "not for no user");
    ok(!wh_xsrf_valid(expected, "key", "tje0", "Other", NOW, pool),
       "not in another context");
    ok(!wh_xsrf_valid(expected, "key", "TJE0", "Default", NOW, pool),
       "users are compared in their case");
    ok(!wh_xsrf_valid(create("key", "ab", "c", NOW), "key", "a", "bc", NOW,
                      pool),
       "user and context are kept apart");
    ok(!wh_xsrf_valid(create("key", "", "abc", NOW), "key", "abc", "", NOW,
                      pool),
       "even when one is empty");
}

/* A token is of no use with any one of its letters changed or missing. */
static void test_changes(void)
{
    apr_size_t length = strlen(expected), i;
    int changed = 0, missing = 0, cut = 0, flipped = 0;
    char *token;

    for (i = 0; i < length; i++) {
        token = apr_pstrdup(pool, expected);
        token[i] = token[i] == 'A' ? 'B' : 'A';
        changed += valid(token);
        token[i] = (char)(expected[i] ^ 0x20);
        flipped += valid(token);
        missing += valid(apr_pstrcat(pool, apr_pstrmemdup(pool, expected, i),
                                     expected + i + 1, NULL));
        cut += valid(apr_pstrmemdup(pool, expected, i));
    }
    is_int(changed, 0, "no letter can be changed");
    is_int(flipped, 0, "not even its case");
    is_int(missing, 0, "no letter can be left out");
    is_int(cut, 0, "no end can be cut off");
}

static void test_garbage(void)
{
    const char *mac = strrchr(expected, '.');
    char *large = apr_palloc(pool, 100001);
    apr_size_t i;
    const char *const tokens[] = {NULL, "", ".", "..", "...", "a.b.c", mac,
                                  mac + 1, large,
                                  apr_pstrcat(pool, expected, ".", NULL),
                                  apr_pstrcat(pool, expected, "=", NULL),
                                  apr_pstrcat(pool, expected, " ", NULL),
                                  apr_pstrcat(pool, " ", expected, NULL),
                                  apr_pstrcat(pool, expected, mac, NULL),
                                  /* The same time, other letters. */
                                  apr_pstrcat(pool, "0", expected, NULL),
                                  apr_pstrcat(pool, "+", expected, NULL),
                                  "99999999999999999999.AAECAwQFBgcICQoLDA0ODw."
                                  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                  "\xff\xfe.\xff.\xff"};

    memset(large, '.', 100000);
    large[100000] = '\0';
    for (i = 0; i < sizeof(tokens) / sizeof(*tokens); i++) {
        ok(!valid(tokens[i]), "garbage %d is not valid", (int)i);
    }
}

static void check_age(apr_time_t age, int want, const char *name)
{
    is_int(wh_xsrf_valid(expected, "key", "tje0", "Default", NOW + age, pool),
           want, "%s", name);
}

static void test_age(void)
{
    check_age(0, 1, "just made");
    check_age(apr_time_from_sec(1), 1, "a second old");
    check_age(WH_XSRF_LIFE, 1, "at the end of its life");
    check_age(WH_XSRF_LIFE + 1, 0, "just too old");
    check_age(10 * WH_XSRF_LIFE, 0, "much too old");
    check_age(-WH_XSRF_SKEW, 1, "made by a clock that is ahead");
    check_age(-WH_XSRF_SKEW - 1, 0, "made by a clock that is too far ahead");
    check_age(-NOW, 0, "made long after this now");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_create();
    test_letters();
    test_binding();
    test_changes();
    test_garbage();
    test_age();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
