/* SPDX-License-Identifier: Apache-2.0 */
#include "base/inbox.h"

#include <apr_thread_mutex.h>
#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"

struct wh_inbox_t {
    apr_thread_mutex_t *lock;
    int descriptor;
    /* shared: lock */
    wh_message_list_t waiting;
};

static apr_status_t close_descriptor(void *data)
{
    wh_inbox_t *inbox = data;

    close(inbox->descriptor);
    return APR_SUCCESS;
}

void wh_message_list_add(wh_message_list_t *list, wh_message_t *message)
{
    message->next = NULL;
    if (list->last) {
        list->last->next = message;
    }
    else {
        list->first = message;
    }
    list->last = message;
}

apr_status_t wh_inbox_create(wh_inbox_t **result, apr_pool_t *pool)
{
    wh_inbox_t *inbox = apr_pcalloc(pool, sizeof(*inbox));
    apr_status_t rv;

    rv = apr_thread_mutex_create(&inbox->lock, APR_THREAD_MUTEX_DEFAULT, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    inbox->descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (inbox->descriptor < 0) {
        return APR_FROM_OS_ERROR(errno);
    }
    apr_pool_cleanup_register(pool, inbox, close_descriptor,
                              apr_pool_cleanup_null);
    *result = inbox;
    return APR_SUCCESS;
}

int wh_inbox_descriptor(const wh_inbox_t *inbox)
{
    return inbox->descriptor;
}

void wh_inbox_post(wh_inbox_t *inbox, wh_message_list_t *list)
{
    uint64_t one = 1;
    int was_empty;

    if (!list->first) {
        return;
    }
    apr_thread_mutex_lock(inbox->lock);
    was_empty = !inbox->waiting.first;
    if (was_empty) {
        inbox->waiting = *list;
    }
    else {
        inbox->waiting.last->next = list->first;
        inbox->waiting.last = list->last;
    }
    apr_thread_mutex_unlock(inbox->lock);
    list->first = list->last = NULL;
    /* Cannot block: the counter would have to reach 2^64. */
    if (was_empty && write(inbox->descriptor, &one, sizeof(one)) < 0) {
        wh_log(WH_LOG_ERROR, APR_FROM_OS_ERROR(errno),
               WHLOGNO(1001) "cannot wake a thread");
    }
}

wh_message_t *wh_inbox_take(wh_inbox_t *inbox)
{
    wh_message_t *first;
    uint64_t count;

    /* Read before the list is taken: a later post then wakes again. */
    if (read(inbox->descriptor, &count, sizeof(count)) < 0 && errno != EAGAIN) {
        wh_log(WH_LOG_ERROR, APR_FROM_OS_ERROR(errno),
               WHLOGNO(1002) "cannot read a wake-up");
    }
    apr_thread_mutex_lock(inbox->lock);
    first = inbox->waiting.first;
    inbox->waiting.first = inbox->waiting.last = NULL;
    apr_thread_mutex_unlock(inbox->lock);
    return first;
}
