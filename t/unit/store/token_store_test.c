/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens, applications and secrets in the database. */
#include "store/token_store.h"

#include "unit/store/fixture.h"

#define NOW APR_INT64_C(1767323045678900)

/* Of the form of a hash. */
static const char *hash_of(int n)
{
    return apr_psprintf(pool, "%064x", n);
}

static wh_token_t make_token(const char *context, int n)
{
    wh_token_t token = {.kind = WH_TOKEN_BEARER,
                        .context = context,
                        .owner = "o\303\245'; --",
                        .associate_id = -5,
                        .app_id = APR_INT64_C(5000000000),
                        .scopes = WH_SCOPE_SIGNAL | WH_SCOPE_READ,
                        .created = NOW,
                        .expires = NOW + n};

    return token;
}

static apr_int64_t insert_token(const char *context, int n)
{
    wh_token_t token = make_token(context, n);

    return wh_store_token_insert(store, &token, hash_of(n)) == APR_SUCCESS
               ? token.id
               : 0;
}

static apr_status_t find_token(int n)
{
    wh_token_t *token;

    return wh_store_token_find(&token, store, hash_of(n), pool);
}

static void test_token(void)
{
    wh_token_t token = make_token("tenant", 1), *got;

    is_int(wh_store_token_insert(store, &token, hash_of(1)), APR_SUCCESS,
           "a token is stored");
    is_int(token.id, 1, "under the first id");
    is_int(wh_store_token_find(&got, store, hash_of(1), pool), APR_SUCCESS,
           "and found by its hash");
    is_int(got->id, 1, "id");
    is_int(got->kind, WH_TOKEN_BEARER, "kind");
    is_str(got->context, "tenant", "context");
    is_str(got->owner, token.owner, "owner");
    is_int(got->associate_id, -5, "associate");
    is_int(got->app_id, APR_INT64_C(5000000000), "application");
    is_int(got->scopes, WH_SCOPE_SIGNAL | WH_SCOPE_READ, "scopes");
    is_int(got->created, NOW, "created");
    is_int(got->expires, NOW + 1, "expires");
    is_int(wh_store_token_find(&got, store, hash_of(2), pool), APR_ENOENT,
           "another hash is not known");
    ok(!got, "and gives nothing");
    is_int(wh_store_token_find(&got, store, "' OR 1=1 --", pool), APR_ENOENT,
           "whatever it says");
}

static void test_token_contexts(void)
{
    apr_int64_t id = insert_token("a", 10), other = insert_token("b", 11);
    apr_array_header_t *list;

    is_int(wh_store_token_list(&list, store, "a", pool), APR_SUCCESS, "a list");
    is_int(list->nelts, 1, "is of one context");
    is_int(APR_ARRAY_IDX(list, 0, wh_token_t *)->id, id, "the one asked for");
    wh_store_token_list(&list, store, NULL, pool);
    is_int(list->nelts, number("SELECT count(*) FROM token"), "or of all");
    wh_store_token_list(&list, store, "A", pool);
    is_int(list->nelts, 0, "contexts differ in case");
    is_int(wh_store_token_revoke(store, "b", id), APR_ENOENT,
           "another context cannot revoke it");
    is_int(find_token(10), APR_SUCCESS, "it is still known");
    is_int(wh_store_token_revoke(store, "a", id), APR_SUCCESS, "its own can");
    is_int(find_token(10), APR_ENOENT, "and then it is unknown");
    is_int(wh_store_token_revoke(store, "a", id), APR_ENOENT, "once");
    is_int(wh_store_token_revoke(store, NULL, other), APR_SUCCESS,
           "so can who works on all contexts");
    ok(insert_token("a", 12) > other, "ids are never used again");
}

static void test_extend(void)
{
    apr_int64_t id = insert_token("extend", 20), forever;
    wh_token_t endless = make_token("extend", 21), *got;

    is_int(wh_store_token_extend(store, id, NOW + 500), APR_SUCCESS,
           "the expiry is moved");
    wh_store_token_find(&got, store, hash_of(20), pool);
    is_int(got->expires, NOW + 500, "to a later time");
    is_int(wh_store_token_extend(store, id, NOW + 400), APR_SUCCESS,
           "an earlier time is no error");
    wh_store_token_find(&got, store, hash_of(20), pool);
    is_int(got->expires, NOW + 500, "and changes nothing");
    endless.expires = 0;
    wh_store_token_insert(store, &endless, hash_of(21));
    forever = endless.id;
    is_int(wh_store_token_extend(store, forever, NOW), APR_SUCCESS,
           "one that never expires");
    wh_store_token_find(&got, store, hash_of(21), pool);
    is_int(got->expires, 0, "never does");
    wh_store_token_revoke(store, NULL, id);
    is_int(wh_store_token_extend(store, id, NOW + 900), APR_ENOENT,
           "one that was revoked");
    is_int(find_token(20), APR_ENOENT, "does not come back");
}

static void test_sweep(void)
{
    int deleted = -1, i;

    wh_db_execute(&outside, "DELETE FROM token");
    wh_db_begin(&outside);
    for (i = 1; i <= 1003; i++) {
        wh_db_execute(
            &outside,
            apr_psprintf(pool,
                         "INSERT INTO token VALUES (%d, 'h%d', 1, '', 'o', 0, "
                         "0, 7, 1, %d)",
                         10000 + i, i, i));
    }
    wh_db_execute(&outside, "INSERT INTO token VALUES (1, 'never', 1, '', "
                            "'o', 0, 0, 7, 1, 0)");
    wh_db_commit(&outside);
    is_int(wh_store_token_sweep(&deleted, store, 900), APR_SUCCESS, "a sweep");
    is_int(deleted, 500, "takes a portion");
    wh_store_token_sweep(&deleted, store, 900);
    is_int(deleted, 399, "and the rest of what expired before");
    wh_store_token_sweep(&deleted, store, 900);
    is_int(deleted, 0, "and then nothing");
    is_int(number("SELECT count(*) FROM token WHERE expires >= 900"), 104,
           "what expires later stays");
    is_int(number("SELECT count(*) FROM token WHERE expires = 0"), 1,
           "and what never does");
}

/* More than one portion of a select. */
static void test_long_list(void)
{
    apr_array_header_t *list;
    int i, unordered = 0;

    wh_db_begin(&outside);
    for (i = 1; i <= 1001; i++) {
        wh_db_execute(
            &outside,
            apr_psprintf(pool,
                         "INSERT INTO token VALUES (%d, 'm%d', 2, 'many', 'o', "
                         "0, 0, 7, 1, 0)",
                         20000 + i, i));
    }
    wh_db_commit(&outside);
    is_int(wh_store_token_list(&list, store, "many", pool), APR_SUCCESS,
           "a long list");
    is_int(list->nelts, 1001, "is whole");
    for (i = 0; i < list->nelts; i++) {
        unordered += APR_ARRAY_IDX(list, i, wh_token_t *)->id != 20001 + i;
    }
    is_int(unordered, 0, "by id");
}

static apr_int64_t insert_app(const char *context, const char *name, int n)
{
    wh_app_t app = {
        .context = context, .name = name, .webhook_access = 1, .created = NOW};

    return wh_store_app_insert(store, &app, hash_of(n)) == APR_SUCCESS ? app.id
                                                                       : 0;
}

static void test_app(void)
{
    wh_app_t app = {.context = "tenant", .name = "n'", .created = NOW}, *got;

    is_int(wh_store_app_insert(store, &app, hash_of(1)), APR_SUCCESS,
           "an application is stored");
    is_int(app.id, 1, "under the first id");
    is_int(wh_store_app_find(&got, store, hash_of(1), pool), APR_SUCCESS,
           "and found by its hash");
    is_int(got->id, 1, "id");
    is_str(got->context, "tenant", "context");
    is_str(got->name, "n'", "name");
    is_int(got->webhook_access, 0, "no access to webhooks");
    is_int(got->created, NOW, "created");
    is_int(wh_store_app_get(&got, store, 1, pool), APR_SUCCESS, "and by id");
    is_str(got->name, "n'", "the same");
    is_int(wh_store_app_get(&got, store, 99, pool), APR_ENOENT, "no such id");
    ok(!got, "gives nothing");
    is_int(wh_store_app_find(&got, store, hash_of(99), pool), APR_ENOENT,
           "no such hash");
    app.id = 0;
    is_int(wh_store_app_insert(store, &app, hash_of(2)), APR_EEXIST,
           "the name is taken");
    is_int(app.id, 0, "and nothing is set");
    is_int(number("SELECT count(*) FROM app"), 1, "nor stored");
    app.context = "other";
    is_int(wh_store_app_insert(store, &app, hash_of(2)), APR_SUCCESS,
           "in this context alone");
}

static void test_app_delete(void)
{
    apr_int64_t id = insert_app("a", "goes", 30);
    apr_int64_t stays = insert_app("b", "stays", 31);
    wh_token_t of_app = make_token("a", 30), of_other = make_token("b", 31);
    apr_array_header_t *list;

    of_app.app_id = id;
    of_other.app_id = stays;
    wh_store_token_insert(store, &of_app, hash_of(30));
    wh_store_token_insert(store, &of_other, hash_of(31));
    wh_store_app_list(&list, store, "a", pool);
    is_int(list->nelts, 1, "a list of one context");
    is_int(APR_ARRAY_IDX(list, 0, wh_app_t *)->id, id, "the one asked for");
    is_int(APR_ARRAY_IDX(list, 0, wh_app_t *)->webhook_access, 1,
           "with access to webhooks");
    wh_store_app_list(&list, store, NULL, pool);
    is_int(list->nelts, number("SELECT count(*) FROM app"), "or of all");
    is_int(wh_store_app_delete(store, "b", id), APR_ENOENT,
           "another context cannot delete it");
    is_int(find_token(30), APR_SUCCESS, "its token is still known");
    is_int(wh_store_app_delete(store, "a", id), APR_SUCCESS, "its own can");
    is_int(find_token(30), APR_ENOENT, "its tokens go with it");
    is_int(find_token(31), APR_SUCCESS, "others stay");
    is_int(wh_store_app_delete(store, "a", id), APR_ENOENT, "once");
    is_int(wh_store_app_delete(store, NULL, stays), APR_SUCCESS,
           "so can who works on all contexts");
    ok(insert_app("a", "goes", 32) > stays, "ids are never used again");
}

static void test_secret(void)
{
    const char *value;
    wh_store_t *second;

    is_int(wh_store_secret(&value, store, "xsrf", "first", pool), APR_SUCCESS,
           "a secret that is not there yet");
    is_str(value, "first", "becomes what is proposed");
    wh_store_create(&second, &settings);
    is_int(wh_store_secret(&value, second, "xsrf", "second", pool), APR_SUCCESS,
           "another process");
    is_str(value, "first", "gets the same one");
    wh_store_destroy(second);
    wh_store_secret(&value, store, "XSRF", "third", pool);
    is_str(value, "third", "another name, another secret");
}

/* COMMIT fails and takes place all the same: the work is done once more. */
static void test_lost_commit(void)
{
    wh_token_t token = make_token("lost", 40);
    wh_app_t app = {.context = "lost", .name = "lost", .created = NOW};
    const char *value;

    lost_commits = 1;
    is_int(wh_store_token_insert(store, &token, hash_of(40)), APR_SUCCESS,
           "a token whose COMMIT was not answered");
    is_int(token.id,
           number("SELECT id FROM token WHERE context = 'lost' AND (SELECT "
                  "count(*) FROM token WHERE context = 'lost') = 1"),
           "is stored once, under the id that is told");
    lost_commits = 1;
    is_int(wh_store_app_insert(store, &app, hash_of(40)), APR_SUCCESS,
           "an application");
    is_int(app.id, number("SELECT id FROM app WHERE context = 'lost'"),
           "likewise");
    lost_commits = 1;
    is_int(wh_store_secret(&value, store, "lost", "mine", pool), APR_SUCCESS,
           "a secret");
    is_str(value, "mine", "likewise");
    lost_commits = 1;
    is_int(wh_store_token_extend(store, token.id, NOW * 2), APR_SUCCESS,
           "a later expiry");
    lost_commits = 1;
    is_int(wh_store_token_revoke(store, "lost", token.id), APR_SUCCESS,
           "a revoked token was there");
    lost_commits = 1;
    is_int(wh_store_app_delete(store, "lost", app.id), APR_SUCCESS,
           "so was a deleted application");
    lost_commits = 2;
    is_int(wh_store_token_insert(store, &token, hash_of(41)), WH_STORE_UNKNOWN,
           "twice not answered: nobody knows");
    is_int(lost_commits, 0, "and that is it");
}

int main(void)
{
    if (!begin()) {
        return 1;
    }
    test_token();
    test_token_contexts();
    test_extend();
    test_sweep();
    test_long_list();
    test_app();
    test_app_delete();
    test_secret();
    test_lost_commit();
    end();
    return done_testing();
}
