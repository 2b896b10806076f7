/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/lookup.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "deliver/lookup_keeper.h"
#include "deliver/lookup_message.h"

static void close_all(const int *sockets, int count)
{
    int i;

    for (i = 0; i < count; i++) {
        close(sockets[i]);
    }
}

apr_status_t wh_lookup_start(int *sockets, int count, pid_t *keeper)
{
    int ends[WH_LOOKUP_SOCKETS_MAX], pair[2], made;
    apr_status_t rv = APR_SUCCESS;

    for (made = 0; rv == APR_SUCCESS && made < count;) {
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
            rv = APR_FROM_OS_ERROR(errno);
            break;
        }
        sockets[made] = pair[0];
        ends[made++] = pair[1];
    }
    if (rv == APR_SUCCESS) {
        *keeper = fork();
        if (*keeper == 0) {
            /* With them it would not see when the dispatcher ends. */
            close_all(sockets, made);
            wh_lookup_keep(ends, count);
        }
        rv = *keeper < 0 ? APR_FROM_OS_ERROR(errno) : APR_SUCCESS;
    }
    close_all(ends, made);
    if (rv != APR_SUCCESS) {
        close_all(sockets, made);
    }
    return rv;
}

apr_status_t wh_lookup_ask(int socket, apr_uint32_t slot, const char *name,
                           apr_interval_time_t limit)
{
    wh_lookup_request_t request;

    memset(&request, 0, sizeof(request));
    request.number = slot;
    request.milliseconds = (apr_uint32_t)apr_time_as_msec(limit);
    memcpy(request.name, name, strnlen(name, WH_LOOKUP_NAME_MAX));
    return send(socket, &request, sizeof(request),
                MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(request)
               ? APR_SUCCESS
               : APR_FROM_OS_ERROR(errno);
}
