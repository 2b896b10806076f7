/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/match.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <string.h>

#include "base/text.h"
#include "model/webhook.h"
#include "policy/event_name.h"

#define KEY_SIZE 512

/* One that a webhook listens for, in lower case. */
typedef struct pattern_t {
    wh_webhook_t *webhook;
    const char *before; /* the star */
    apr_size_t before_length;
    const char *behind;
    apr_size_t behind_length;
} pattern_t;

struct wh_match_index_t {
    apr_hash_t *by_key;   /* "name NUL context": array of webhooks */
    apr_hash_t *patterns; /* by context: array of pattern_t, by webhook's id;
                             NULL: there are none */
};

/* 0: too long to be a name that any webhook could have. */
static apr_size_t make_key(char key[KEY_SIZE], const char *context,
                           const char *name, apr_size_t name_length)
{
    apr_size_t context_length = strlen(context);

    if (name_length + 1 + context_length > KEY_SIZE) {
        return 0;
    }
    memcpy(key, name, name_length);
    wh_text_lower_bytes(key, name_length);
    key[name_length] = '\0';
    memcpy(key + name_length + 1, context, context_length);
    return name_length + 1 + context_length;
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

static void add_pattern(wh_match_index_t *index, wh_webhook_t *webhook,
                        const char *text, apr_size_t length, apr_pool_t *pool)
{
    const char *context = webhook->context;
    char *lower = apr_pstrmemdup(pool, text, length);
    char *star = strchr(lower, '*');
    apr_array_header_t *patterns;
    pattern_t *pattern;

    wh_text_lower_bytes(lower, length);
    if (!index->patterns) {
        index->patterns = apr_hash_make(pool);
    }
    patterns = apr_hash_get(index->patterns, context, APR_HASH_KEY_STRING);
    if (!patterns) {
        patterns = apr_array_make(pool, 2, sizeof(pattern_t));
        apr_hash_set(index->patterns, context, APR_HASH_KEY_STRING, patterns);
    }
    pattern = apr_array_push(patterns);
    pattern->webhook = webhook;
    pattern->before = lower;
    pattern->before_length = (apr_size_t)(star - lower);
    pattern->behind = star + 1;
    pattern->behind_length = length - pattern->before_length - 1;
}

static void add_webhook(wh_match_index_t *index, wh_webhook_t *webhook,
                        apr_pool_t *pool)
{
    const char *name = webhook->events;

    while (*name) {
        apr_size_t length = strcspn(name, ",");

        if (wh_event_pattern_valid(name, length)) {
            add_pattern(index, webhook, name, length, pool);
        }
        else if (length > 0) {
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
    index->patterns = NULL;
    for (i = 0; i < webhooks->nelts; i++) {
        wh_webhook_t *webhook = APR_ARRAY_IDX(webhooks, i, wh_webhook_t *);

        if (listens(webhook, disabled_too)) {
            add_webhook(index, webhook, pool);
        }
    }
    return index;
}

/* Name is in lower case. */
static int means(const pattern_t *pattern, const char *name, apr_size_t length)
{
    return length > pattern->before_length + pattern->behind_length &&
           !memcmp(pattern->before, name, pattern->before_length) &&
           !memcmp(pattern->behind, name + length - pattern->behind_length,
                   pattern->behind_length);
}

/* Those whose pattern means the name, by id, each once. NULL: nobody's does. */
static apr_array_header_t *find_by_pattern(const apr_array_header_t *patterns,
                                           const char *name, apr_size_t length,
                                           apr_pool_t *pool)
{
    apr_array_header_t *found = NULL;
    wh_webhook_t *last = NULL;
    int i;

    for (i = 0; i < patterns->nelts; i++) {
        const pattern_t *pattern = &APR_ARRAY_IDX(patterns, i, pattern_t);

        if (pattern->webhook == last || !means(pattern, name, length)) {
            continue;
        }
        if (!found) {
            found = apr_array_make(pool, 4, sizeof(wh_webhook_t *));
        }
        last = pattern->webhook;
        APR_ARRAY_PUSH(found, wh_webhook_t *) = last;
    }
    return found;
}

/* Both are by id; who is in both comes once. */
static const apr_array_header_t *merge(const apr_array_header_t *a,
                                       const apr_array_header_t *b,
                                       apr_pool_t *pool)
{
    apr_array_header_t *merged =
        apr_array_make(pool, a->nelts + b->nelts, sizeof(wh_webhook_t *));
    int i = 0, k = 0;

    while (i < a->nelts || k < b->nelts) {
        wh_webhook_t *of_a =
            i < a->nelts ? APR_ARRAY_IDX(a, i, wh_webhook_t *) : NULL;
        wh_webhook_t *of_b =
            k < b->nelts ? APR_ARRAY_IDX(b, k, wh_webhook_t *) : NULL;
        int is_a = of_a && (!of_b || of_a->id <= of_b->id);

        APR_ARRAY_PUSH(merged, wh_webhook_t *) = is_a ? of_a : of_b;
        i += is_a;
        k += !is_a || of_a == of_b;
    }
    return merged;
}

const apr_array_header_t *wh_match_find(const wh_match_index_t *index,
                                        const char *context,
                                        const char *event_name,
                                        apr_pool_t *pool)
{
    char key[KEY_SIZE];
    apr_size_t name_length = strlen(event_name);
    apr_size_t length = make_key(key, context, event_name, name_length);
    const apr_array_header_t *named, *patterns, *meant = NULL;

    if (length == 0) {
        return NULL;
    }
    named = apr_hash_get(index->by_key, key, (apr_ssize_t)length);
    if (!index->patterns) {
        return named;
    }
    patterns = apr_hash_get(index->patterns, context, APR_HASH_KEY_STRING);
    if (patterns) {
        meant = find_by_pattern(patterns, key, name_length, pool);
    }
    return named && meant ? merge(named, meant, pool) : (meant ? meant : named);
}
