/* SPDX-License-Identifier: Apache-2.0 */
/* Names, their addresses and whose turn it is, with a keeper that is the test. */
#include <apr_general.h>
#include <apr_strings.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "deliver/names.h"
#include "unit/tap.h"

#define NOW apr_time_from_sec(1000000)
#define SECOND apr_time_from_sec(1)
#define LIMIT (5 * SECOND)
#define MOST 8
#define USERS 40

static apr_pool_t *pool;
static wh_names_t names;
static wh_name_user_t users[USERS];
static int keeper;
static int ready_count;
static wh_lookup_request_t request;

static void on_ready(void *baton, wh_name_user_t *user)
{
    (void)baton;
    (void)user;
    ready_count++;
}

static void begin(void)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) < 0) {
        abort();
    }
    keeper = pair[1];
    ready_count = 0;
    memset(users, 0, sizeof(users));
    wh_names_init(&names, pair[0], MOST, LIMIT, on_ready, NULL, pool);
}

static void end(void)
{
    int i;

    for (i = 0; i < USERS; i++) {
        wh_names_release(&names, &users[i]);
    }
    wh_names_destroy(&names);
    if (keeper >= 0) {
        close(keeper);
    }
}

static void bind_to(int user, const char *host)
{
    wh_host_t one = {.name = apr_pstrdup(pool, host), .port = 80};

    is_int(wh_names_bind(&names, &users[user], &one, 1), APR_SUCCESS,
           "user %d needs %s", user, host);
}

static int ask(int user, int good, apr_time_t now)
{
    return wh_names_ask(&names, &users[user], good, now);
}

/* So many users, each with a new name of its own. */
static void ask_all(int count)
{
    int i;

    for (i = 0; i < count; i++) {
        bind_to(i, apr_psprintf(pool, "n%d.test", i));
        ask(i, 0, NOW);
    }
}

/* The name that is looked up next, NULL: none. */
static const char *asked(void)
{
    return recv(keeper, &request, sizeof(request), 0) == sizeof(request)
               ? request.name
               : NULL;
}

static int count_asked(void)
{
    int count = 0;

    while (asked()) {
        count++;
    }
    return count;
}

static void answer(apr_uint64_t slot, wh_lookup_result_t result,
                   const char *text)
{
    static wh_lookup_answer_t one;
    apr_size_t length = strlen(text);

    one.number = slot;
    one.result = result;
    apr_cpystrn(one.text, text, sizeof(one.text));
    if (send(keeper, &one, WH_LOOKUP_ANSWER_HEAD + (length ? length + 1 : 0),
             0) < 0) {
        abort();
    }
}

/* The lookup that was asked for last has ended. */
static void finish(wh_lookup_result_t result, const char *text, apr_time_t now)
{
    answer(request.number, result, text);
    wh_names_read(&names, now);
}

/* What libcurl gets, "": nothing. */
static const char *line(int user, apr_time_t now)
{
    struct curl_slist *list = NULL;
    const char *text;

    wh_names_lines(&list, &users[user], now);
    text = list ? apr_pstrdup(pool, list->data) : "";
    curl_slist_free_all(list);
    wh_names_taken(&users[user], now);
    return text;
}

static CURLcode failure(int user)
{
    apr_interval_time_t waited;

    return wh_names_take_failure(&users[user], &waited, NOW);
}

/* -- tests ------------------------------------------------------------------- */

static void test_most(void)
{
    is_int(wh_names_most(1), 4, "few transfers: four lookups");
    is_int(wh_names_most(128), 16, "an eighth");
    is_int(wh_names_most(100000), WH_LOOKUPS_MAX, "and a bound");
}

static void test_found(void)
{
    begin();
    is_int(ask(0, 0, NOW), 1, "whoever needs no name begins");
    bind_to(0, "127.0.0.1");
    is_int(ask(0, 0, NOW), 1, "an address is no name");
    is_int(wh_names_cover(&names, &users[0]), 0, "libcurl reads it");
    bind_to(0, "a.test");
    bind_to(1, "a.test");
    is_int(ask(0, 0, NOW), 0, "a name that is not known is waited for");
    is_int(ask(1, 0, NOW), 0, "by all who need it");
    is_str(asked(), "a.test", "it is looked up");
    is_int(request.milliseconds, 1000, "for a second");
    ok(!asked(), "once");
    is_int(ready_count, 0, "nobody is ready");
    answer(request.number, WH_LOOKUP_FOUND, "192.0.2.1,[::1]");
    wh_names_read(&names, NOW);
    is_int(ready_count, 2, "then both are ready");
    is_int(ask(0, 0, NOW), 1, "and may begin");
    is_int(wh_names_cover(&names, &users[0]), 1, "with what was found");
    is_int(failure(0), CURLE_OK, "without a failure");
    is_str(line(0, NOW), "+a.test:80:192.0.2.1,[::1]", "libcurl gets it");
    is_str(line(1, NOW), "", "once");
    is_str(line(1, NOW + 61 * SECOND), "+a.test:80:192.0.2.1,[::1]",
           "and again before it forgets");
    ok(!asked(), "nothing more is looked up");
    end();
}

static void test_age(void)
{
    begin();
    bind_to(0, "a.test");
    ask(0, 1, NOW);
    asked();
    finish(WH_LOOKUP_FOUND, "192.0.2.1", NOW);
    is_int(ask(0, 0, NOW + 59 * SECOND), 1, "addresses are good for a minute");
    ok(!asked(), "... and nobody asks");
    is_int(ask(0, 1, NOW + 61 * SECOND), 1, "whoever answers does not wait");
    is_str(asked(), "a.test", "... while they are looked up again");
    is_int(ask(0, 0, NOW + 61 * SECOND), 0, "others do");
    finish(WH_LOOKUP_FOUND, "192.0.2.2", NOW + 62 * SECOND);
    is_int(ask(0, 0, NOW + 62 * SECOND), 1, "until they are there");
    is_str(line(0, NOW + 62 * SECOND), "+a.test:80:192.0.2.2", "the new ones");
    ask(0, 1, NOW + 130 * SECOND);
    asked();
    finish(WH_LOOKUP_LATE, "", NOW + 131 * SECOND);
    is_int(ask(0, 1, NOW + 132 * SECOND), 1, "silence: the old ones serve on");
    ok(!asked(), "... and are left alone");
    is_int(ask(0, 1, NOW + 142 * SECOND), 1, "... for a while");
    is_str(asked(), "a.test", "then it is asked again");
    is_int(request.milliseconds, 5000, "for longer");
    finish(WH_LOOKUP_FAILED, "", NOW + 143 * SECOND);
    is_int(ask(0, 1, NOW + 144 * SECOND), 1, "also when nobody knows");
    is_int(ask(0, 1, NOW + 363 * SECOND), 0, "but not for ever");
    asked();
    finish(WH_LOOKUP_UNKNOWN, "", NOW + 364 * SECOND);
    is_int(failure(0), CURLE_COULDNT_RESOLVE_HOST, "there is no such name");
    is_int(ask(0, 1, NOW + 364 * SECOND), 0, "... so there are no addresses");
    end();
}

static void test_failures(void)
{
    begin();
    bind_to(0, "a.test");
    is_int(ask(0, 0, NOW), 0, "looked up");
    asked();
    finish(WH_LOOKUP_LATE, "", NOW + SECOND);
    is_int(ready_count, 0, "too long for a first lookup");
    is_str(asked(), "a.test", "there is a second one");
    is_int(request.milliseconds, 5000, "for as long as a connect may last");
    finish(WH_LOOKUP_LATE, "", NOW + 6 * SECOND);
    is_int(ready_count, 1, "then the attempt may fail");
    is_int(ask(0, 0, NOW + 6 * SECOND), 1, "... at once");
    is_int(failure(0), CURLE_OPERATION_TIMEDOUT, "for want of time");
    is_int(failure(0), CURLE_OK, "that is one attempt");
    is_int(ask(0, 0, NOW + 6 * SECOND), 0, "the next one looks it up again");
    asked();
    finish(WH_LOOKUP_LOCAL, "", NOW + 7 * SECOND);
    is_int(failure(0), CURLE_OUT_OF_MEMORY, "trouble of this machine");
    ask(0, 0, NOW + 7 * SECOND);
    asked();
    finish(WH_LOOKUP_FAILED, "", NOW + 7 * SECOND);
    is_int(failure(0), CURLE_COULDNT_RESOLVE_HOST, "nobody knows");
    ask(0, 0, NOW + 7 * SECOND);
    asked();
    finish(WH_LOOKUP_UNKNOWN, "", NOW + 8 * SECOND);
    is_int(ask(0, 0, NOW + 80 * SECOND), 0,
           "a failure that nobody came for is forgotten");
    bind_to(1, "a,b");
    is_int(ask(1, 0, NOW), 1, "what is no name is not looked up");
    is_int(failure(1), CURLE_COULDNT_RESOLVE_HOST, "... and fails");
    bind_to(1, apr_psprintf(pool, "%0300d", 1));
    is_int(ask(1, 0, NOW), 1, "nor what is too long for one");
    is_int(failure(1), CURLE_COULDNT_RESOLVE_HOST, "... which fails too");
    end();
}

/* Eight places: two for slow names, two for none but known ones. */
static void test_lanes(void)
{
    int i;

    begin();
    for (i = 0; i < USERS; i++) {
        bind_to(i, apr_psprintf(pool, "n%d.test", i));
    }
    for (i = 0; i < 20; i++) {
        ask(i, 0, NOW);
    }
    is_int(count_asked(), 6, "new names have three quarters");
    is_int(ask(20, 1, NOW), 0, "one whose endpoint answers");
    is_str(asked(), "n20.test", "has its turn");
    ask(21, 1, NOW);
    is_str(asked(), "n21.test", "and another one");
    ask(22, 1, NOW);
    ok(!asked(), "then there is no place left");
    for (i = 0; i < 8; i++) {
        answer((apr_uint64_t)i, WH_LOOKUP_LATE, "");
    }
    wh_names_read(&names, NOW + SECOND);
    is_str(asked(), "n22.test", "the known ones first");
    is_int(count_asked(), 6, "then new ones and a slow one");
    is_int(names.used[WH_LANE_SLOW], 1, "... which they leave a place");
    for (i = 0; i < 8; i++) {
        answer((apr_uint64_t)i, WH_LOOKUP_UNKNOWN, "");
    }
    wh_names_read(&names, NOW + 2 * SECOND);
    for (i = 0; i < 8; i++) {
        answer((apr_uint64_t)i, WH_LOOKUP_UNKNOWN, "");
    }
    wh_names_read(&names, NOW + 3 * SECOND);
    is_int(names.used[WH_LANE_SLOW], 2, "slow ones have a quarter");
    is_int(names.used[WH_LANE_NEW], 4, "beside what is new");
    for (i = 0; i < 8; i++) {
        answer((apr_uint64_t)i, WH_LOOKUP_UNKNOWN, "");
    }
    wh_names_read(&names, NOW + 4 * SECOND);
    is_int(names.used[WH_LANE_SLOW], 2, "and no more");
    count_asked();
    ask(30, 0, NOW + 4 * SECOND);
    is_str(asked(), "n30.test", "a new one does not wait for them");
    end();
}

/* However many known ones there are, and however long each takes. */
static void test_no_starving(void)
{
    int i, turn, found = 0;

    begin();
    for (i = 0; i < USERS; i++) {
        bind_to(i, apr_psprintf(pool, "n%d.test", i));
    }
    for (i = 0; i < USERS - 1; i++) {
        ask(i, 1, NOW);
    }
    is_int(count_asked(), 8, "known ones may have each place");
    ask(USERS - 1, 0, NOW);
    ok(!asked(), "a new one waits");
    for (turn = 0; turn < 3 && !found; turn++) {
        for (i = 0; i < 8; i++) {
            answer((apr_uint64_t)i, WH_LOOKUP_FOUND, "192.0.2.1");
        }
        wh_names_read(&names, NOW + turn * SECOND);
        while (asked()) {
            found |= !strcmp(request.name, "n39.test");
        }
    }
    is_int(turn, 1, "until one of them has ended");
    end();
}

/* Nor slow ones behind both, without end. */
static void test_slow_have_a_place(void)
{
    int i, turn, slow = 0;

    begin();
    bind_to(0, "slow.test");
    ask(0, 0, NOW);
    asked();
    finish(WH_LOOKUP_LATE, "", NOW);
    asked();
    finish(WH_LOOKUP_LATE, "", NOW);
    failure(0);
    for (i = 1; i < USERS; i++) {
        bind_to(i, apr_psprintf(pool, "n%d.test", i));
        ask(i, i % 2, NOW);
    }
    ask(0, 0, NOW);
    for (turn = 0; turn < 4 && !slow; turn++) {
        while (asked()) {
            slow |= !strcmp(request.name, "slow.test");
        }
        for (i = 0; i < 8; i++) {
            if (!slow) {
                answer((apr_uint64_t)i, WH_LOOKUP_FAILED, "");
            }
        }
        wh_names_read(&names, NOW);
        for (i = 1; i < USERS; i++) {
            failure(i);
            if (!users[i].awaited) {
                ask(i, i % 2, NOW);
            }
        }
    }
    ok(slow, "a slow one has its turn before the others have had theirs");
    end();
}

/* A webhook is saved, with the same host. */
static void test_bound_again(void)
{
    begin();
    bind_to(0, "a.test");
    ask(0, 0, NOW);
    asked();
    finish(WH_LOOKUP_FOUND, "192.0.2.1", NOW);
    bind_to(0, "a.test");
    is_int(ask(0, 0, NOW + SECOND), 1, "what is known of a name stays");
    is_int(apr_hash_count(names.all), 1, "... once");
    bind_to(0, "b.test");
    is_int(ask(0, 0, NOW + SECOND), 0, "of another one nothing is known");
    is_int(apr_hash_count(names.all), 1, "... and the old one is forgotten");
    end();
}

static void test_better_lane(void)
{
    begin();
    ask_all(10);
    count_asked();
    bind_to(10, "n9.test");
    ask(10, 1, NOW);
    is_str(asked(), "n9.test", "whoever stands better takes a name along");
    finish(WH_LOOKUP_FOUND, "192.0.2.1", NOW);
    is_int(ready_count, 2, "for both");
    end();
}

static void test_release(void)
{
    int i;

    begin();
    ask_all(10);
    is_int(count_asked(), 6, "six run, four wait");
    for (i = 0; i < 10; i++) {
        wh_names_release(&names, &users[i]);
    }
    is_int(names.used[WH_LANE_NEW], 6, "a lookup counts until it has ended");
    is_int(apr_hash_count(names.all), 6, "what waited is forgotten");
    for (i = 0; i < 6; i++) {
        answer((apr_uint64_t)i, WH_LOOKUP_FOUND, "192.0.2.1");
    }
    wh_names_read(&names, NOW);
    is_int(names.used[WH_LANE_NEW], 0, "all have ended");
    is_int(apr_hash_count(names.all), 0, "and are forgotten");
    is_int(ready_count, 0, "nobody was told");
    end();
}

static void on_log(void *baton, const char *file, int line_number, int level,
                   apr_status_t rv, const char *text)
{
    (void)file;
    (void)line_number;
    (void)level;
    (void)rv;
    (void)text;
    ++*(int *)baton;
}

static int is_enabled(void *baton, int level)
{
    (void)baton;
    return level == WH_LOG_ERROR;
}

static void test_keeper_gone(void)
{
    int lines = 0;

    begin();
    wh_log_set_sink(on_log, is_enabled, &lines);
    ask_all(10);
    wh_names_release(&names, &users[0]);
    close(keeper);
    keeper = -1;
    wh_names_read(&names, NOW);
    is_int(ready_count, 9, "nobody waits for ever");
    is_int(lines, 1, "the operator is told");
    is_int(ask(1, 0, NOW), 1, "and goes on");
    is_int(failure(1), CURLE_OK, "without a failure");
    is_int(wh_names_cover(&names, &users[1]), 0, "libcurl looks it up");
    end();
    begin();
    close(keeper);
    keeper = -1;
    bind_to(0, "a.test");
    is_int(ask(0, 0, NOW), 1, "also when that is seen by asking");
    wh_log_set_sink(NULL, NULL, NULL);
    end();
}

/* A proxy that looks nothing up. */
static void test_two(void)
{
    wh_host_t both[] = {{.name = apr_pstrdup(pool, "proxy.test"), .port = 9},
                        {.name = apr_pstrdup(pool, "a.test"), .port = 80}};
    wh_host_t half[] = {{.name = apr_pstrdup(pool, "proxy.test"), .port = 9},
                        {.name = apr_pstrdup(pool, "[::1]"), .port = 80}};

    begin();
    wh_names_bind(&names, &users[0], both, 2);
    is_int(ask(0, 0, NOW), 0, "two names");
    is_str(asked(), "proxy.test", "first one");
    finish(WH_LOOKUP_FOUND, "192.0.2.1", NOW);
    is_int(ask(0, 0, NOW), 0, "is known");
    is_str(asked(), "a.test", "then the other");
    finish(WH_LOOKUP_FOUND, "192.0.2.2", NOW);
    is_int(ask(0, 0, NOW), 1, "is known too");
    wh_names_bind(&names, &users[1], half, 2);
    is_int(ask(1, 0, NOW), 1, "a name and an address");
    is_int(wh_names_cover(&names, &users[1]), 0, "which libcurl has to read");
    end();
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_most();
    test_found();
    test_age();
    test_failures();
    test_lanes();
    test_no_starving();
    test_slow_have_a_place();
    test_bound_again();
    test_better_lane();
    test_release();
    test_keeper_gone();
    test_two();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
