/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The only way from one thread to another: a queue and a file descriptor.
 * Stage: all · from: any thread · to: the one thread that owns the inbox
 * runs on: both sides · owns: a mutex and an eventfd; the messages belong to
 * whoever holds them
 */
#ifndef WH_BASE_INBOX_H
#define WH_BASE_INBOX_H

#include <apr_errno.h>
#include <apr_pools.h>

/** First member of everything that is posted. */
typedef struct wh_message_t {
    struct wh_message_t *next;
    int kind; /**< told apart by the receiver */
} wh_message_t;

/** Messages on their way, in order. All zero: empty. */
typedef struct wh_message_list_t {
    wh_message_t *first;
    wh_message_t *last;
} wh_message_list_t;

typedef struct wh_inbox_t wh_inbox_t;

void wh_message_list_add(wh_message_list_t *list, wh_message_t *message);

apr_status_t wh_inbox_create(wh_inbox_t **inbox, apr_pool_t *pool);

/** Readable while messages wait: for the owner's epoll set. */
int wh_inbox_descriptor(const wh_inbox_t *inbox);

/**
 * Posts all messages of a list and empties it. The owner is woken only when
 * its inbox was empty: one system call for a burst.
 */
void wh_inbox_post(wh_inbox_t *inbox, wh_message_list_t *list);

/** Owner only: takes all that waits, in the order it was posted, or NULL. */
wh_message_t *wh_inbox_take(wh_inbox_t *inbox);

#endif
