/* SPDX-License-Identifier: Apache-2.0 */
/* The URL of a target: what is refused, what is kept, what is an address. */
#include <apr_general.h>
#include <arpa/inet.h>
#include <locale.h>
#include <netinet/in.h>
#include <string.h>

#include "deliver/guard.h"
#include "deliver/url.h"
#include "unit/tap.h"

#define COUNT(rows) (int)(sizeof(rows) / sizeof((rows)[0]))

static void test_kept(void)
{
    static const struct {
        const char *given, *kept;
        int https;
    } rows[] = {
        {"https://a.example/", "https://a.example/", 1},
        {"HTTPS://Hooks.Example.Com", "https://Hooks.Example.Com/", 1},
        {"http://a.example:81/x?y=z", "http://a.example:81/x?y=z", 0},
        {"http://a.example/a/../b", "http://a.example/b", 0},
        {"http://2130706433/", "http://127.0.0.1/", 0},
        {"http://0x7f.1/", "http://127.0.0.1/", 0},
        {"http://0177.0.0.01/", "http://127.0.0.1/", 0},
        {"http://%31%32%37.0.0.1/", "http://127.0.0.1/", 0},
        {"http://[::1]/", "http://[::1]/", 0},
        {"http://a_b.example/", "http://a_b.example/", 0},
        {"http://a.example/%2e%2e/%ff#x", "http://a.example/%2e%2e/%ff#x", 0}};
    int i;

    for (i = 0; i < COUNT(rows); i++) {
        wh_url_t url, again;
        const char *problem = wh_url_parse(&url, rows[i].given);

        is_str(problem, NULL, "taken: %s", rows[i].given);
        is_str(url.text, rows[i].kept, "as it is kept");
        is_int(url.https, rows[i].https, "https or not");
        is_str(wh_url_parse(&again, url.text ? url.text : ""), NULL,
               "and taken again");
        is_str(again.text, url.text, "as it was");
        wh_url_free(&again);
        wh_url_free(&url);
    }
}

static void test_refused(void)
{
    static const struct {
        const char *given, *word;
    } rows[] = {{NULL, "must be set"},
                {"", "must be set"},
                {"/path", "absolute URL"},
                {"//a.example/", "absolute URL"},
                {"a.example", "absolute URL"},
                {"https://", "absolute URL"},
                {"http://a.example:65536/", "absolute URL"},
                {"http://a.example:x/", "absolute URL"},
                {"http://[::1/", "absolute URL"},
                {"http://[a.example]/", "absolute URL"},
                {"file:///etc/passwd", "https:// or http://"},
                {"gopher://a.example/_x", "https:// or http://"},
                {"ftp://a.example/", "https:// or http://"},
                {"ws://a.example/", "https:// or http://"},
                {"javascript:alert(1)", "https:// or http://"},
                {"rtmpt://a.example/", "https:// or http://"},
                {"http://user@a.example/", "user name"},
                {"http://user:p@a.example/", "user name"},
                {"http://@a.example/", "user name"},
                {"http://a.example@127.0.0.1/", "user name"},
                {"http://a.example\\@127.0.0.1/", "Webhook TargetUrl must"},
                {"http://a.example /", "ASCII without blanks"},
                {" http://a.example/", "ASCII without blanks"},
                {"http://a.example/\r\nX: y", "ASCII without blanks"},
                {"http://a.example/\t", "ASCII without blanks"},
                {"http://a.example/\x7f", "ASCII without blanks"},
                {"http://\xef\xbc\x91\xef\xbc\x90.0.0.1/", "ASCII"},
                {"http://%ef%bc%91%ef%bc%90.0.0.1/", "ASCII"},
                {"http://\xe2\x91\xa0.0.0.1/", "ASCII"},
                {"http://%e2%91%a0.0.0.1/", "ASCII"},
                {"http://a%00.example/", "Webhook TargetUrl must"},
                {"http://a%2f.example/", "Webhook TargetUrl must"},
                {"http://a%40b.example/", "Webhook TargetUrl must"},
                {"http://a+b.example/", "Webhook TargetUrl must"},
                {"http://a~b.example/", "name a host"},
                {"http://127.0.0.1%25lo/", "Webhook TargetUrl must"},
                {"http://[fe80::1%25lo]/", "interface"},
                {"http://[fe80::1%251]/", "interface"}};
    int i;

    for (i = 0; i < COUNT(rows); i++) {
        wh_url_t url;
        const char *problem = wh_url_parse(&url, rows[i].given);

        ok(problem && strstr(problem, rows[i].word) &&
               !wh_url_is_shortage(problem),
           "refused: %s (%s)", rows[i].given ? rows[i].given : "none",
           problem ? problem : "taken");
        wh_url_free(&url);
    }
}

static void test_literals(void)
{
    static const struct {
        const char *given, *address;
    } rows[] = {{"http://a.example/", NULL},
                {"http://1.a/", NULL},
                {"http://127.0.0.1.example/", NULL},
                {"http://127.0.0.1/", "127.0.0.1:80"},
                {"https://127.0.0.1/", "127.0.0.1:443"},
                {"http://127.0.0.1:8080/", "127.0.0.1:8080"},
                {"http://127.0.0.1./", "127.0.0.1:80"},
                {"http://127.1./", "127.0.0.1:80"},
                {"http://0x7f000001./", "127.0.0.1:80"},
                {"http://127.0.0.1../", "127.0.0.1:80"},
                {"http://017700000001/", "127.0.0.1:80"},
                {"http://0/", "0.0.0.0:80"},
                {"http://[::1]:81/", "[::1]:81"},
                {"http://[::ffff:127.0.0.1]/", "[::ffff:127.0.0.1]:80"},
                {"http://[0:0::1]/", "[::1]:80"}};
    int i;

    for (i = 0; i < COUNT(rows); i++) {
        char text[WH_GUARD_TEXT] = "";
        wh_url_t url;

        if (wh_url_parse(&url, rows[i].given)) {
            /* libcurl may refuse an empty label: then nobody is called. */
            ok(strstr(rows[i].given, "..") != NULL, "refused: %s",
               rows[i].given);
        }
        else {
            if (url.literal) {
                wh_guard_address_text(text,
                                      (const struct sockaddr *)&url.address);
            }
            is_int(url.literal, rows[i].address != NULL, "%s", rows[i].given);
            is_str(text, rows[i].address ? rows[i].address : "", "its address");
        }
        wh_url_free(&url);
    }
}

int main(void)
{
    apr_initialize();
    test_kept();
    test_refused();
    test_literals();
    if (setlocale(LC_ALL, "C.UTF-8")) {
        test_kept();
        test_refused();
        test_literals();
    }
    apr_terminate();
    return done_testing();
}
