/* SPDX-License-Identifier: Apache-2.0 */
#include "request/credential.h"

#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include <http_config.h>
#include <http_log.h>
#include <string.h>

#include "config/config.h"
#include "config/directive.h"
#include "httpd_private.h"
#include "policy/token.h"
#include "signal/child.h"
#include "store/token_store.h"

/* How long a record is believed. Revocation takes effect within a second. */
#define BELIEF apr_time_from_msec(500)

/* Records are kept by the first bytes of their key; two that meet replace
 * each other. */
#define SLOTS 256

/* A ticket is prolonged when so much of its life is gone, not at each use. */
#define TICKET_STEP apr_time_from_sec(5 * 60)

#define KEY_SIZE (WH_TOKEN_HASH_SIZE + 1)

/* The kinds of records, first character of a key. */
#define KEY_TOKEN 'T'
#define KEY_APP 'A'
#define KEY_APP_ID 'I'

typedef struct slot_t {
    char key[KEY_SIZE]; /* "": empty */
    apr_time_t read_at;
    wh_token_t token;
    wh_app_t app;
    char context[WH_CONTEXT_MAX + 1];
    char name[WH_OWNER_MAX + 1]; /* owner, or the application's name */
} slot_t;

/* One for each child, made in child_init; the slots have their lock. */
typedef struct cache_t {
    apr_thread_mutex_t *lock;
    char xsrf_key[WH_TOKEN_SIZE]; /* "": not read yet */
    slot_t slots[SLOTS];
} cache_t;

static cache_t *cache;

static void child_init(apr_pool_t *pchild, server_rec *s)
{
    apr_pool_t *pool;
    cache_t *made;

    cache = NULL;
    if (!wh_config_engine_anywhere(s) ||
        apr_pool_create(&pool, pchild) != APR_SUCCESS) {
        return;
    }
    apr_pool_tag(pool, "webhook_credentials");
    made = apr_pcalloc(pool, sizeof(*made));
    if (apr_thread_mutex_create(&made->lock, APR_THREAD_MUTEX_DEFAULT, pool) ==
        APR_SUCCESS) {
        cache = made;
    }
}

void wh_credential_register_hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
}

static slot_t *slot_of(const char *key)
{
    apr_uint32_t hash = 2166136261u;

    for (; *key; key++) {
        hash = (hash ^ (unsigned char)*key) * 16777619u;
    }
    return &cache->slots[hash % SLOTS];
}

static void copy_token(wh_token_t *to, const wh_token_t *from,
                       const char *context, const char *owner)
{
    *to = *from;
    to->context = context;
    to->owner = owner;
}

static void copy_app(wh_app_t *to, const wh_app_t *from, const char *context,
                     const char *name)
{
    *to = *from;
    to->context = context;
    to->name = name;
}

/* What the slot holds goes to pool while the lock is held. */
static int recall(const wh_token_t **token, const wh_app_t **app,
                  const char *key, apr_time_t now, apr_pool_t *pool)
{
    slot_t *slot = slot_of(key);
    int found;

    apr_thread_mutex_lock(cache->lock);
    found = !strcmp(slot->key, key) && now >= slot->read_at &&
            now - slot->read_at < BELIEF;
    if (found && token) {
        wh_token_t *copy = apr_palloc(pool, sizeof(*copy));

        copy_token(copy, &slot->token, apr_pstrdup(pool, slot->context),
                   apr_pstrdup(pool, slot->name));
        *token = copy;
    }
    if (found && app) {
        wh_app_t *copy = apr_palloc(pool, sizeof(*copy));

        copy_app(copy, &slot->app, apr_pstrdup(pool, slot->context),
                 apr_pstrdup(pool, slot->name));
        *app = copy;
    }
    apr_thread_mutex_unlock(cache->lock);
    return found;
}

/* Empties the slot of a key for a new record; its texts are set. */
static slot_t *take_slot(const char *key, const char *context, const char *name,
                         apr_time_t now)
{
    slot_t *slot = slot_of(key);

    apr_cpystrn(slot->key, key, sizeof(slot->key));
    slot->read_at = now;
    apr_cpystrn(slot->context, context, sizeof(slot->context));
    apr_cpystrn(slot->name, name, sizeof(slot->name));
    return slot;
}

static void remember_token(const char *key, const wh_token_t *token,
                           apr_time_t now)
{
    slot_t *slot;

    apr_thread_mutex_lock(cache->lock);
    slot = take_slot(key, token->context, token->owner, now);
    copy_token(&slot->token, token, slot->context, slot->name);
    apr_thread_mutex_unlock(cache->lock);
}

static void remember_app(const char *key, const wh_app_t *app, apr_time_t now)
{
    slot_t *slot;

    apr_thread_mutex_lock(cache->lock);
    slot = take_slot(key, app->context, app->name, now);
    copy_app(&slot->app, app, slot->context, slot->name);
    apr_thread_mutex_unlock(cache->lock);
}

static const char *key_of(char kind, const char *hash, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%c%s", kind, hash);
}

/* Its own use keeps a ticket alive. Should the write fail, the next use tries
 * again; nothing is refused for it. */
static void prolong(wh_store_t *store, wh_token_t *token, apr_time_t now)
{
    apr_time_t expires = now + WH_TICKET_LIFE;

    if (token->kind == WH_TOKEN_TICKET && token->expires &&
        expires - token->expires >= TICKET_STEP &&
        wh_store_token_extend(store, token->id, expires) == APR_SUCCESS) {
        token->expires = expires;
    }
}

static int is_alive(const wh_token_t *token, apr_time_t now)
{
    return !token->expires || now < token->expires;
}

static apr_status_t read_token(const wh_token_t **token, const char *hash,
                               apr_time_t now, apr_pool_t *pool)
{
    wh_store_t *store;
    wh_token_t *found = NULL;
    apr_status_t rv = wh_child_store_get(&store);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = wh_store_token_find(&found, store, hash, pool);
    if (rv == APR_SUCCESS && is_alive(found, now)) {
        prolong(store, found, now);
    }
    wh_child_store_put(store);
    *token = found;
    return rv;
}

apr_status_t wh_credential_token(const wh_token_t **token, const char *text,
                                 wh_token_kind_t kind, apr_pool_t *pool)
{
    char hash[WH_TOKEN_HASH_SIZE];
    apr_time_t now = apr_time_now();
    const char *key;
    apr_status_t rv;

    if (!cache) {
        return APR_ENOTIMPL;
    }
    rv = wh_token_hash(hash, text);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    key = key_of(KEY_TOKEN, hash, pool);
    if (!recall(token, NULL, key, now, pool)) {
        rv = read_token(token, hash, now, pool);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        remember_token(key, *token, now);
    }
    return (*token)->kind == kind && is_alive(*token, now) ? APR_SUCCESS
                                                           : APR_ENOENT;
}

/* By its secret's hash, or by its id when there is no hash. */
static apr_status_t read_app(const wh_app_t **app, const char *hash,
                             apr_int64_t id, apr_pool_t *pool)
{
    wh_store_t *store;
    wh_app_t *found = NULL;
    apr_status_t rv = wh_child_store_get(&store);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = hash ? wh_store_app_find(&found, store, hash, pool)
              : wh_store_app_get(&found, store, id, pool);
    wh_child_store_put(store);
    *app = found;
    return rv;
}

static apr_status_t find_app(const wh_app_t **app, const char *key,
                             const char *hash, apr_int64_t id, apr_pool_t *pool)
{
    apr_time_t now = apr_time_now();
    apr_status_t rv = APR_SUCCESS;

    if (!recall(NULL, app, key, now, pool)) {
        rv = read_app(app, hash, id, pool);
        if (rv == APR_SUCCESS) {
            remember_app(key, *app, now);
        }
    }
    return rv;
}

apr_status_t wh_credential_app(const wh_app_t **app, const char *text,
                               apr_pool_t *pool)
{
    char hash[WH_TOKEN_HASH_SIZE];
    apr_status_t rv;

    if (!cache) {
        return APR_ENOTIMPL;
    }
    rv = wh_token_hash(hash, text);
    return rv == APR_SUCCESS
               ? find_app(app, key_of(KEY_APP, hash, pool), hash, 0, pool)
               : rv;
}

apr_status_t wh_credential_app_by_id(const wh_app_t **app, apr_int64_t id,
                                     apr_pool_t *pool)
{
    const char *text = apr_psprintf(pool, "%" APR_INT64_T_FMT, id);

    return cache ? find_app(app, key_of(KEY_APP_ID, text, pool), NULL, id, pool)
                 : APR_ENOTIMPL;
}

static apr_status_t read_xsrf_key(const char **key, apr_pool_t *pool)
{
    char proposed[WH_TOKEN_SIZE];
    wh_store_t *store;
    apr_status_t rv = wh_token_create(proposed, "");

    if (rv == APR_SUCCESS) {
        rv = wh_child_store_get(&store);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = wh_store_secret(key, store, "xsrf", proposed, pool);
    wh_child_store_put(store);
    return rv;
}

/* Not read under the lock: every request with a token would wait for a
 * storage that is slow or down. Several may read it at first; all read the
 * same. */
apr_status_t wh_credential_xsrf_key(const char **key, apr_pool_t *pool)
{
    apr_status_t rv;

    if (!cache) {
        return APR_ENOTIMPL;
    }
    apr_thread_mutex_lock(cache->lock);
    *key = apr_pstrdup(pool, cache->xsrf_key);
    apr_thread_mutex_unlock(cache->lock);
    if (**key) {
        return APR_SUCCESS;
    }
    rv = read_xsrf_key(key, pool);
    if (rv == APR_SUCCESS && *key && strlen(*key) < sizeof(cache->xsrf_key)) {
        apr_thread_mutex_lock(cache->lock);
        apr_cpystrn(cache->xsrf_key, *key, sizeof(cache->xsrf_key));
        apr_thread_mutex_unlock(cache->lock);
    }
    return rv;
}
