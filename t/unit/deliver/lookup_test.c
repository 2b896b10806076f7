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
    is_int(answer.slot, slot, "of its slot");
    is_int(answer.ended, 0, "that is not its end");
    is_int(answer.result, addresses ? WH_LOOKUP_FOUND : WH_LOOKUP_UNKNOWN,
           "its result");
    is_str(answer.text, addresses ? addresses : "", "its addresses");
    is_int(read_one(socket), APR_SUCCESS, "then its end");
    is_int(answer.slot, slot, "of the same slot");
    is_int(answer.ended, 1, "which is one");
}

/* Before anything can have been found it is over. */
static void test_late(int socket)
{
    is_int(wh_lookup_ask(socket, 3, "127.0.0.1", 0), APR_SUCCESS, "no time");
    do {
        is_int(read_one(socket), APR_SUCCESS, "an answer");
    } while (!answer.ended);
    is_int(answer.slot, 3, "and an end");
}

int main(void)
{
    int sockets[2], i;
    pid_t keeper;

    apr_initialize();
    is_int(wh_lookup_start(sockets, 2, &keeper), APR_SUCCESS, "a keeper");
    is_int(wh_lookup_read(sockets[0], &answer), APR_EAGAIN, "says nothing");
    test_found(sockets[0], 0, "127.0.0.1", "127.0.0.1");
    test_found(sockets[1], 31, "::1", "[::1]");
    test_found(sockets[0], 0, "a..b", NULL);
    for (i = 0; i < 20; i++) {
        test_late(sockets[1]);
    }
    close(sockets[0]);
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
