/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/lookup_message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

apr_status_t wh_lookup_read(int socket, wh_lookup_answer_t *answer)
{
    ssize_t length = recv(socket, answer, sizeof(*answer), MSG_DONTWAIT);

    if (length >= (ssize_t)WH_LOOKUP_ANSWER_HEAD) {
        answer->text[sizeof(answer->text) - 1] = '\0';
        if (length == (ssize_t)WH_LOOKUP_ANSWER_HEAD) {
            answer->text[0] = '\0';
        }
        return APR_SUCCESS;
    }
    return length < 0 &&
                   (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
               ? APR_EAGAIN
               : APR_EOF;
}

void wh_lookup_say(int socket, const wh_lookup_answer_t *answer)
{
    apr_size_t length = strlen(answer->text);

    length = WH_LOOKUP_ANSWER_HEAD + (length ? length + 1 : 0);
    while (send(socket, answer, length, MSG_NOSIGNAL) < 0 && errno == EINTR) {
        continue;
    }
}
