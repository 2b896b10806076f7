/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What each receiver of these programs needs: a port of this machine, whole
 * requests and whole answers.
 */
#ifndef T_UNIT_DELIVER_RECEIVER_H
#define T_UNIT_DELIVER_RECEIVER_H

#include <apr.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVER_FUNCTION static inline __attribute__((unused))

/** A descriptor that listens on a free port; programs that are started do not
 * inherit it. */
RECEIVER_FUNCTION int listen_somewhere(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 ||
        listen(fd, 128) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) < 0) {
        exit(1);
    }
    *port = ntohs(address.sin_port);
    return fd;
}

/** 1: this is all of a request that says how long its body is. */
RECEIVER_FUNCTION int is_whole(const char *request)
{
    const char *end = strstr(request, "\r\n\r\n");
    const char *length = strstr(request, "Content-Length: ");

    return end && length &&
           strlen(end + 4) >= (apr_size_t)strtoul(length + 16, NULL, 10);
}

/** Reads until a request is whole, the room is full or the sender has ended; 1:
 * whole. The text ends with a NUL in any case. */
RECEIVER_FUNCTION int receive_request(int fd, char *request, apr_size_t size)
{
    apr_size_t filled = 0;
    ssize_t count = 1;

    request[0] = '\0';
    while (count > 0 && !is_whole(request)) {
        count = recv(fd, request + filled, size - 1 - filled, 0);
        filled += count > 0 ? (apr_size_t)count : 0;
        request[filled] = '\0';
    }
    return is_whole(request);
}

/** A client that has seen enough closes: that is no error here. */
RECEIVER_FUNCTION void send_all(int fd, const char *bytes, apr_size_t length)
{
    apr_size_t sent = 0;
    ssize_t count = 1;

    while (sent < length && count > 0) {
        count = send(fd, bytes + sent, length - sent, MSG_NOSIGNAL);
        sent += count > 0 ? (apr_size_t)count : 0;
    }
}

#endif
