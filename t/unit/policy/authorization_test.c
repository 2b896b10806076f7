/* SPDX-License-Identifier: Apache-2.0 */
/* The Authorization header. */
#include <apr_base64.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "policy/authorization.h"
#include "unit/tap.h"

#define NONE WH_AUTHORIZATION_NONE
#define BASIC WH_AUTHORIZATION_BASIC
#define BEARER WH_AUTHORIZATION_BEARER
#define TICKET WH_AUTHORIZATION_TICKET
#define OTHER WH_AUTHORIZATION_OTHER

static apr_pool_t *pool;

static void test_good(void)
{
    static const struct {
        const char *header;
        wh_authorization_scheme_t scheme;
        const char *user;
        const char *password;
        const char *token;
    } rows[] = {
        {NULL, NONE, NULL, NULL, NULL},
        {"", NONE, NULL, NULL, NULL},
        {"  \t", NONE, NULL, NULL, NULL},
        {"Basic dGplMDpUamUw", BASIC, "tje0", "Tje0", NULL},
        {"BASIC dGplMDpUamUw", BASIC, "tje0", "Tje0", NULL},
        {"basic   dGplMDpUamUw  ", BASIC, "tje0", "Tje0", NULL},
        {" Basic dGplMDpUamUw", BASIC, "tje0", "Tje0", NULL},
        {"Basic QURNMDo=", BASIC, "ADM0", "", NULL},
        {"Basic QURNMDo", BASIC, "ADM0", "", NULL},
        {"Basic Og==", BASIC, "", "", NULL},
        {"Basic OnB3", BASIC, "", "pw", NULL},
        {"Basic YTpiOmM=", BASIC, "a", "b:c", NULL},
        {"Basic w6U6w6U=", BASIC, "\303\245", "\303\245", NULL},
        {"Bearer 8A:Cust12345.abc", BEARER, NULL, NULL, "8A:Cust12345.abc"},
        {"bEARER a", BEARER, NULL, NULL, "a"},
        {"Bearer   a  ", BEARER, NULL, NULL, "a"},
        {"SoTicket 7T:abc==", TICKET, NULL, NULL, "7T:abc=="},
        {"SOTicket 7T:abc==", TICKET, NULL, NULL, "7T:abc=="},
        {"SOTICKET 7T:abc==", TICKET, NULL, NULL, "7T:abc=="},
        {"soticket !~", TICKET, NULL, NULL, "!~"},
        /* somebody else's business, however it looks */
        {"Negotiate YII=", OTHER, NULL, NULL, NULL},
        {"Digest username=\"a\", realm=\"b\"", OTHER, NULL, NULL, NULL},
        {"Bearers abc", OTHER, NULL, NULL, NULL},
        {"Beare abc", OTHER, NULL, NULL, NULL},
        {"Basic:abc", OTHER, NULL, NULL, NULL},
        {"dGplMDpUamUw", OTHER, NULL, NULL, NULL},
        {"X \1\2", OTHER, NULL, NULL, NULL},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        wh_authorization_t got;

        is_int(wh_authorization_parse(&got, rows[i].header, pool), APR_SUCCESS,
               "%s", rows[i].header ? rows[i].header : "no header");
        is_int(got.scheme, rows[i].scheme, "its scheme");
        is_str(got.user, rows[i].user, "its user");
        is_str(got.password, rows[i].password, "its password");
        is_str(got.token, rows[i].token, "its token");
    }
}

static void test_bad(void)
{
    static const struct {
        const char *header;
        wh_authorization_scheme_t scheme;
    } rows[] = {
        {"Basic", BASIC},
        {"Basic   ", BASIC},
        {"Basic\tdGplMDpUamUw", BASIC},
        {"Basic ====", BASIC},
        {"Basic =", BASIC},
        {"Basic d", BASIC},
        {"Basic dGplMDpUam*w", BASIC},
        {"Basic dGpl MDpUamUw", BASIC},
        {"Basic dGplMDpUamUw, x", BASIC},
        {"Basic Og==Og==", BASIC},
        {"Basic dXNlcg==", BASIC}, /* no colon */
        {"Basic YQA6Yg==", BASIC}, /* NUL in the user */
        {"Basic YTpiAA==", BASIC}, /* NUL in the password */
        {"Basic YToNCg==", BASIC}, /* a line end */
        {"Basic YTpifw==", BASIC}, /* DEL */
        {"Basic \303\251", BASIC},
        {"Bearer", BEARER},
        {"Bearer  ", BEARER},
        {"Bearer a b", BEARER},
        {"Bearer a\tb", BEARER},
        {"Bearer \ta", BEARER},
        {"Bearer a\t", BEARER},
        {"Bearer a\1", BEARER},
        {"Bearer a\177", BEARER},
        {"Bearer \303\251", BEARER},
        {"SoTicket", TICKET},
        {"SoTicket a b", TICKET},
        {"SoTicket a\r\nX: y", TICKET},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        wh_authorization_t got;

        is_int(wh_authorization_parse(&got, rows[i].header, pool), APR_EINVAL,
               "refuses number %d", (int)i);
        is_int(got.scheme, rows[i].scheme, "its scheme");
        ok(!got.user && !got.password && !got.token, "and nothing else");
    }
}

static void test_bounds(void)
{
    char *token = apr_palloc(pool, WH_AUTHORIZATION_TOKEN_MAX + 2);
    wh_authorization_t got;
    char *pair, *header;

    memset(token, 'x', WH_AUTHORIZATION_TOKEN_MAX + 1);
    token[WH_AUTHORIZATION_TOKEN_MAX] = '\0';
    is_int(wh_authorization_parse(
               &got, apr_pstrcat(pool, "Bearer ", token, NULL), pool),
           APR_SUCCESS, "the longest token");
    is_str(got.token, token, "is whole");
    token[WH_AUTHORIZATION_TOKEN_MAX] = 'x';
    token[WH_AUTHORIZATION_TOKEN_MAX + 1] = '\0';
    is_int(wh_authorization_parse(
               &got, apr_pstrcat(pool, "Bearer ", token, NULL), pool),
           APR_EINVAL, "one byte more");
    is_int(got.scheme, BEARER, "its scheme");
    ok(!got.token, "and no token");

    pair = apr_palloc(pool, 100001);
    memset(pair, 'u', 100000);
    pair[50000] = ':';
    pair[100000] = '\0';
    header = apr_palloc(pool, (apr_size_t)apr_base64_encode_len(100000));
    apr_base64_encode(header, pair, 100000);
    is_int(wh_authorization_parse(
               &got, apr_pstrcat(pool, "Basic ", header, NULL), pool),
           APR_SUCCESS, "a long password");
    is_int((apr_int64_t)strlen(got.password), 49999, "is whole");
}

/* What is encoded comes back, at each of the three ends that base64 has. */
static void test_lengths(void)
{
    int user, password, wrong = 0;

    for (user = 0; user < 12; user++) {
        for (password = 0; password < 12; password++) {
            const char *pair =
                apr_psprintf(pool, "%.*s:%.*s", user, "abcdefghijkl", password,
                             ":/+~\303\251 xyz:");
            char *code = apr_palloc(
                pool, (apr_size_t)apr_base64_encode_len((int)strlen(pair)));
            wh_authorization_t got;

            apr_base64_encode(code, pair, (int)strlen(pair));
            wrong +=
                wh_authorization_parse(
                    &got, apr_pstrcat(pool, "Basic ", code, NULL), pool) ||
                strcmp(apr_pstrcat(pool, got.user, ":", got.password, NULL),
                       pair) != 0;
        }
    }
    is_int(wrong, 0, "users and passwords of all lengths");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_good();
    test_bad();
    test_bounds();
    test_lengths();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
