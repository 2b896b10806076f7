/* SPDX-License-Identifier: Apache-2.0 */
/* Which hosts have to be reached, and which of them are names. */
#include <apr_general.h>
#include <apr_strings.h>
#include <apr_tables.h>

#include "deliver/host.h"
#include "unit/tap.h"

#define COUNT(rows) (int)(sizeof(rows) / sizeof((rows)[0]))

static apr_pool_t *pool;

/* "host port host port" */
static const char *list(const char *url, const char *proxy)
{
    wh_webhook_t webhook = {.id = 1, .context = "", .target_url = url};
    wh_settings_t settings = {.proxy = proxy};
    wh_target_t *target = wh_target_create(&webhook);
    wh_host_t hosts[WH_HOSTS_MAX];
    const char *text = "";
    int count, i;

    is_int(wh_hosts_find(hosts, &count, &settings, target), APR_SUCCESS,
           "the hosts of %s", url);
    for (i = 0; i < count; i++) {
        text = apr_psprintf(pool, "%s%s%s %d", text, i ? " " : "",
                            hosts[i].name, hosts[i].port);
    }
    wh_hosts_free(hosts);
    wh_target_release(target);
    return text;
}

static void test_hosts(void)
{
    static const struct {
        const char *url, *proxy, *hosts;
    } rows[] = {
        {"https://a.test/", NULL, "a.test 443"},
        {"http://a.test/", NULL, "a.test 80"},
        {"http://a.test.:8080/x", NULL, "a.test. 8080"},
        {"http://127.1/", NULL, "127.0.0.1 80"},
        {"http://[::1]:81/", NULL, "[::1] 81"},
        {"http://a.test/", "http://proxy.test", "proxy.test 1080"},
        {"http://a.test/", "http://u:p@proxy.test:3128/", "proxy.test 3128"},
        {"https://a.test/", "socks5h://proxy.test", "proxy.test 1080"},
        {"https://a.test/", "socks5://proxy.test:9", "proxy.test 9 a.test 443"},
        {"https://a.test/", "SOCKS5://[::1]:9", "[::1] 9 a.test 443"},
        {"ftp://a.test/", NULL, ""},
        {"https://u@a.test/", "http://proxy.test", ""},
    };
    int i;

    for (i = 0; i < COUNT(rows); i++) {
        is_str(list(rows[i].url, rows[i].proxy), rows[i].hosts, "%s by %s",
               rows[i].url, rows[i].proxy ? rows[i].proxy : "itself");
    }
}

static void test_names(void)
{
    static const struct {
        const char *host;
        int is_name;
    } rows[] = {
        {"a.test", 1},      {"127.0.0.1", 0},    {"[::1]", 0},
        {"127.0.0.1.", 1},  {"localhost", 0},    {"LOCALHOST", 0},
        {"a.localhost", 0}, {"notlocalhost", 1}, {"localhost.test", 1},
        {"localhost.", 1},  {"1.2.3.4.5", 1},    {"a", 1},
    };
    int i;

    for (i = 0; i < COUNT(rows); i++) {
        is_int(wh_host_is_name(rows[i].host), rows[i].is_name, "%s",
               rows[i].host);
    }
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_hosts();
    test_names();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
