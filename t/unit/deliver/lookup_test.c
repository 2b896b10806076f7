/* SPDX-License-Identifier: Apache-2.0 */
/* The process that looks names up, with names that need no server. */
#include <apr_general.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deliver/lookup.h"
#include "deliver/lookup_message.h"
#include "unit/tap.h"

#define PATIENCE 20000
#define MINUTE apr_time_from_sec(60)

static wh_lookup_answer_t answer;

static apr_status_t read_one(int socket)
{
    struct pollfd polled = {.fd = socket, .events = POLLIN};

    memset(&answer, 0, sizeof(answer));
    return poll(&polled, 1, PATIENCE) == 1 ? wh_lookup_read(socket, &answer)
                                           : APR_TIMEUP;
}

static void test_found(int socket, apr_uint32_t slot, const char *name,
                       const char *addresses)
{
    is_int(wh_lookup_ask(socket, slot, name, MINUTE), APR_SUCCESS,
           "asked for %s", name);
    is_int(read_one(socket), APR_SUCCESS, "an answer");
    is_int(answer.number, slot, "of its slot");
    is_int(answer.result, addresses ? WH_LOOKUP_FOUND : WH_LOOKUP_UNKNOWN,
           "its result");
    is_str(answer.text, addresses ? addresses : "", "its addresses");
}

/* Before anything can have been found it is over. */
static void test_late(int socket)
{
    is_int(wh_lookup_ask(socket, 3, "127.0.0.1", 0), APR_SUCCESS, "no time");
    is_int(read_one(socket), APR_SUCCESS, "an answer");
    is_int(answer.number, 3, "... of its slot");
}

/* All at one time, more than a worker takes: one answer each. */
static void test_crowd(const int sockets[3])
{
    int answers[3][WH_LOOKUPS_MAX] = {{0}}, all_once = 1, i, j;

    for (i = 0; i < 3 * WH_LOOKUPS_MAX; i++) {
        wh_lookup_ask(sockets[i % 3], (apr_uint32_t)i / 3, "127.0.0.1", MINUTE);
    }
    for (i = 0; i < 3; i++) {
        for (j = 0; j < WH_LOOKUPS_MAX; j++) {
            if (read_one(sockets[i]) == APR_SUCCESS &&
                answer.number < WH_LOOKUPS_MAX) {
                answers[i][answer.number] += !strcmp(answer.text, "127.0.0.1");
            }
        }
    }
    for (i = 0; i < 3; i++) {
        for (j = 0; j < WH_LOOKUPS_MAX; j++) {
            all_once = all_once && answers[i][j] == 1;
        }
        is_int(wh_lookup_read(sockets[i], &answer), APR_EAGAIN, "nothing more");
    }
    ok(all_once, "a crowd of lookups: one answer each");
}

int main(void)
{
    int sockets[3], i;
    pid_t keeper;

    apr_initialize();
    is_int(wh_lookup_start(sockets, 3, &keeper), APR_SUCCESS, "a keeper");
    is_int(wh_lookup_read(sockets[0], &answer), APR_EAGAIN, "says nothing");
    test_found(sockets[0], 0, "127.0.0.1", "127.0.0.1");
    test_found(sockets[1], 31, "::1", "[::1]");
    test_found(sockets[0], 0, "a..b", NULL);
    for (i = 0; i < 20; i++) {
        test_late(sockets[1]);
    }
    test_crowd(sockets);
    close(sockets[0]);
    close(sockets[2]);
    test_found(sockets[1], 1, "127.0.0.2", "127.0.0.2");
    close(sockets[1]);
    is_int(waitpid(keeper, &i, 0), keeper, "it ends with the last socket");
    ok(WIFEXITED(i) && WEXITSTATUS(i) == 0, "by itself");

    is_int(wh_lookup_start(sockets, 1, &keeper), APR_SUCCESS, "another one");
    kill(keeper, SIGKILL);
    is_int(waitpid(keeper, NULL, 0), keeper, "is killed");
    is_int(read_one(sockets[0]), APR_EOF, "which is seen");
    ok(wh_lookup_ask(sockets[0], 0, "127.0.0.1", MINUTE) != APR_SUCCESS,
       "it cannot be asked");
    close(sockets[0]);
    apr_terminate();
    return done_testing();
}
