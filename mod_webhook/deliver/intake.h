/* SPDX-License-Identifier: Apache-2.0 */
/**
 * How much a connection may bring for what it was asked.
 * Stage: deliver · from: transport, transfer · to: libcurl, OpenSSL
 * runs on: the thread that owns the connection · owns: nothing
 *
 * Over HTTP/2 libcurl reads on for as long as frames come that are no answer:
 * pings, priorities, empty data. So does OpenSSL below it, while tickets for new
 * sessions come. They call nobody meanwhile and look at no clock, so a receiver
 * that sends them without end would have the thread for itself. The records of TLS
 * are seen all the same, one by one. Without TLS it is what libcurl drops without a
 * word, such as the extensions of chunks; there the kernel's count is asked.
 *
 * What a connection has brought since its last request is a number that its SSL
 * object holds, as the baton of a callback: nothing is allocated.
 */
#ifndef WH_DELIVER_INTAKE_H
#define WH_DELIVER_INTAKE_H

#include <apr.h>
#include <curl/curl.h>
#include <openssl/ssl.h>

/** Bytes that a connection may bring after a request has been sent on it, for
 * all that are under way: many times what is read of an answer. Then it is as
 * if the other side had closed it. */
#define WH_INTAKE_MAX ((apr_size_t)4 * 1024 * 1024)

/** Watches the connections that the handle will make. 0: libcurl's TLS is not
 * OpenSSL, and nothing is watched. */
int wh_intake_watch(CURL *easy);

/** The handle is about to send a request on its connection. */
void wh_intake_request(CURL *easy);

/** Bytes that a connection has brought over TCP since it was made; 0: not known. */
apr_uint64_t wh_intake_received(int descriptor);

/** The same two for OpenSSL's objects: connections made from now on; a
 * connection that begins anew. */
void wh_intake_watch_context(SSL_CTX *context);
void wh_intake_begin(SSL *ssl);

#endif
