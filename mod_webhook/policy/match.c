/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/match.h"

#include <apr_hash.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#include "model/webhook.h"
#include "policy/event_name.h"

#define KEY_SIZE 512

struct wh_match_index_t {
    apr_hash_t *by_key; /* "name NUL context": array of webhooks */
};

/* 0: too long to be a name that any webhook could have. */
static apr_size_t make_key(char key[KEY_SIZE], const char *context,
                           const char *name, apr_size_t name_length)
{
    apr_size_t context_length = strlen(context), i;

    if (name_length + 1 + context_length > KEY_SIZE) {
        return 0;
    }
    for (i = 0; i < name_length; i++) {
        key[i] = (char)apr_tolower(name[i]);
    }
    key[i++] = '\0';
    memcpy(key + i, context, context_length);
    return i + context_length;
}

static void add(wh_match_index_t *index, wh_webhook_t *webhook,
                const char *name, apr_size_t length, apr_pool_t *pool)
{
    char key[KEY_SIZE];
    apr_size_t key_length = make_key(key, webhook->context, name, length);
    apr_array_header_t *listeners;

    if (key_length == 0) {
        return;
    }
    listeners = apr_hash_get(index->by_key, key, (apr_ssize_t)key_length);
    if (!listeners) {
        listeners = apr_array_make(pool, 2, sizeof(wh_webhook_t *));
        apr_hash_set(index->by_key, apr_pmemdup(pool, key, key_length),
                     (apr_ssize_t)key_length, listeners);
    }
    if (listeners->nelts == 0 || APR_ARRAY_IDX(listeners, listeners->nelts - 1,
                                               wh_webhook_t *) != webhook) {
        APR_ARRAY_PUSH(listeners, wh_webhook_t *) = webhook;
    }
}

static void add_webhook(wh_match_index_t *index, wh_webhook_t *webhook,
                        apr_pool_t *pool)
{
    const char *name = webhook->events;

    while (*name) {
        apr_size_t length = strcspn(name, ",");

        if (length > 0) {
            add(index, webhook, name, length, pool);
        }
        name += length + (name[length] == ',');
    }
}

static int listens(const wh_webhook_t *webhook, int disabled_too)
{
    return webhook->context && webhook->events &&
           (webhook->state == WH_STATE_ACTIVE ||
            (disabled_too && webhook->state == WH_STATE_TOO_MANY_ERRORS));
}

wh_match_index_t *wh_match_index_create(const apr_array_header_t *webhooks,
                                        int disabled_too, apr_pool_t *pool)
{
    wh_match_index_t *index = apr_palloc(pool, sizeof(*index));
    int i;

    index->by_key = apr_hash_make(pool);
    for (i = 0; i < webhooks->nelts; i++) {
        wh_webhook_t *webhook = APR_ARRAY_IDX(webhooks, i, wh_webhook_t *);

        if (listens(webhook, disabled_too)) {
            add_webhook(index, webhook, pool);
        }
    }
    return index;
}

const apr_array_header_t *wh_match_find(const wh_match_index_t *index,
                                        const char *context,
                                        const char *event_name)
{
    char key[KEY_SIZE];
    apr_size_t length = make_key(key, context, event_name, strlen(event_name));

    return length ? apr_hash_get(index->by_key, key, (apr_ssize_t)length)
                  : NULL;
}
