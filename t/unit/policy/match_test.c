/* SPDX-License-Identifier: Apache-2.0 */
/* Which webhooks listen for an event. */
#include <apr_general.h>
#include <apr_strings.h>

#include "model/webhook.h"
#include "policy/match.h"
#include "unit/tap.h"

static apr_pool_t *pool;

static const wh_webhook_t webhooks[] = {
    {.id = 1, .context = "", .events = "contact.created", .state = 1},
    {.id = 2,
     .context = "",
     .events = "contact.created,sale.changed",
     .state = 1},
    {.id = 3, .context = "a", .events = "contact.created", .state = 1},
    {.id = 4, .context = "", .events = "contact.created", .state = 2},
    {.id = 5, .context = "", .events = "contact.created", .state = 3},
    {.id = 6, .context = "", .events = "contact.created", .state = 0},
    {.id = 7,
     .context = "",
     .events = "CONTACT.Created,contact.created",
     .state = 1},
    {.id = 8, .context = "", .events = "", .state = 1},
    {.id = 9, .context = "", .events = ",,sale.changed,", .state = 1},
    {.id = 10, .context = "", .events = NULL, .state = 1},
    {.id = 11, .context = NULL, .events = "contact.created", .state = 1},
    {.id = 12, .context = "A", .events = "contact.created", .state = 1},
    {.id = 13, .context = "", .events = "x,y,x", .state = 1},
    {.id = 14, .context = "contact", .events = "created", .state = 1},
};

#define COUNT (sizeof(webhooks) / sizeof(webhooks[0]))

static wh_match_index_t *create_index(void)
{
    apr_array_header_t *all =
        apr_array_make(pool, COUNT, sizeof(wh_webhook_t *));
    size_t i;

    for (i = 0; i < COUNT; i++) {
        APR_ARRAY_PUSH(all, const wh_webhook_t *) = &webhooks[i];
    }
    return wh_match_index_create(all, 0, pool);
}

/* Ids of the listeners, "" for none. */
static const char *listeners(const wh_match_index_t *index, const char *context,
                             const char *name)
{
    const apr_array_header_t *found = wh_match_find(index, context, name, pool);
    const char *ids = "";
    int i;

    for (i = 0; found && i < found->nelts; i++) {
        ids = apr_psprintf(pool, "%s%s%d", ids, i ? " " : "",
                           APR_ARRAY_IDX(found, i, wh_webhook_t *)->id);
    }
    return ids;
}

static void test_find(void)
{
    static const struct {
        const char *context;
        const char *name;
        const char *ids;
    } rows[] = {
        {"", "contact.created", "1 2 7"},
        {"", "Contact.CREATED", "1 2 7"},
        {"", "sale.changed", "2 9"},
        {"a", "contact.created", "3"},
        {"A", "contact.created", "12"},
        {"b", "contact.created", ""},
        {"", "contact.create", ""},
        {"", "contact.createdx", ""},
        {"", "contact", ""},
        {"", "", ""},
        {"", ",", ""},
        {"", "contact.created,sale.changed", ""},
        {"", "x", "13"},
        {"", "y", "13"},
        {"contact", "created", "14"},
        {"created", "contact", ""},
    };
    wh_match_index_t *index = create_index();
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is_str(listeners(index, rows[i].context, rows[i].name), rows[i].ids,
               "\"%s\" in context \"%s\"", rows[i].name, rows[i].context);
    }
    ok(wh_match_find(index, "b", "contact.created", pool) == NULL,
       "nobody listens: NULL");
}

static void test_disabled(void)
{
    apr_array_header_t *all =
        apr_array_make(pool, COUNT, sizeof(wh_webhook_t *));
    wh_match_index_t *index;
    size_t i;

    for (i = 0; i < COUNT; i++) {
        APR_ARRAY_PUSH(all, const wh_webhook_t *) = &webhooks[i];
    }
    index = wh_match_index_create(all, 1, pool);
    is_str(listeners(index, "", "contact.created"), "1 2 5 7",
           "one with too many errors, but not one that was stopped");
}

static wh_match_index_t *index_of(const wh_webhook_t *list, size_t count)
{
    apr_array_header_t *all =
        apr_array_make(pool, (int)count, sizeof(wh_webhook_t *));
    size_t i;

    for (i = 0; i < count; i++) {
        APR_ARRAY_PUSH(all, const wh_webhook_t *) = &list[i];
    }
    return wh_match_index_create(all, 0, pool);
}

static void test_patterns(void)
{
    static const wh_webhook_t listening[] = {
        {.id = 1, .context = "", .events = "*", .state = 1},
        {.id = 2, .context = "", .events = "contact.*", .state = 1},
        {.id = 3, .context = "", .events = "contact.created", .state = 1},
        {.id = 4, .context = "", .events = "*.CREATED,x", .state = 1},
        {.id = 5, .context = "", .events = "list.*.created", .state = 1},
        {.id = 6,
         .context = "",
         .events = "*,contact.*,contact.created,*.created",
         .state = 1},
        {.id = 7, .context = "", .events = "*", .state = 2},
        {.id = 8, .context = "a", .events = "*", .state = 1},
        /* written by hand */
        {.id = 9,
         .context = "",
         .events = "con*,*created,*.*,**,contact.*.*,,*x*",
         .state = 1},
    };
    static const struct {
        const char *context;
        const char *name;
        const char *ids;
    } rows[] = {
        {"", "contact.created", "1 2 3 4 6"},
        {"", "CONTACT.created", "1 2 3 4 6"},
        {"", "contact.person.changed", "1 2 6"},
        {"", "contact.", "1 6"},
        {"", "contact", "1 6"},
        {"", ".created", "1 6"},
        {"", "acontact.b", "1 6"},
        {"", "x", "1 4 6"},
        {"", "list.a.created", "1 4 5 6"},
        {"", "list.a.b.created", "1 4 5 6"},
        {"", "list.created", "1 4 6"},
        {"", "list..created", "1 4 6"},
        {"", "webhook12.errors", "1 6"},
        {"a", "contact.created", "8"},
        {"b", "contact.created", ""},
    };
    wh_match_index_t *index =
        index_of(listening, sizeof(listening) / sizeof(listening[0]));
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is_str(listeners(index, rows[i].context, rows[i].name), rows[i].ids,
               "patterns for \"%s\" in context \"%s\"", rows[i].name,
               rows[i].context);
    }
}

/* One event is not to cost memory where no pattern is concerned. */
static void test_own_array(void)
{
    static const wh_webhook_t listening[] = {
        {.id = 1, .context = "", .events = "a.b", .state = 1},
        {.id = 2, .context = "", .events = "c.*", .state = 1},
    };
    wh_match_index_t *named = index_of(listening, 1);
    wh_match_index_t *index = index_of(listening, 2);

    ok(wh_match_find(named, "", "a.b", NULL) ==
           wh_match_find(named, "", "a.b", NULL),
       "no patterns: the index's own array");
    ok(wh_match_find(index, "", "a.b", NULL) ==
           wh_match_find(index, "", "a.b", NULL),
       "other patterns: the same");
    ok(wh_match_find(index, "", "b.b", NULL) == NULL, "nobody: none");
}

static void test_empty(void)
{
    apr_array_header_t *none = apr_array_make(pool, 1, sizeof(wh_webhook_t *));
    wh_match_index_t *index = wh_match_index_create(none, 0, pool);

    ok(wh_match_find(index, "", "contact.created", pool) == NULL,
       "no webhooks");
}

/* Texts of any length: what is too long for a webhook matches nothing. */
static void test_lengths(void)
{
    apr_array_header_t *all = apr_array_make(pool, 2, sizeof(wh_webhook_t *));
    wh_webhook_t webhook = {.id = 1, .context = "c", .state = WH_STATE_ACTIVE};
    wh_match_index_t *index;
    apr_size_t length;
    int wrong = 0;
    char name[2001];

    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    webhook.events = apr_pstrcat(pool, name, ",", name + 2000 - 128, NULL);
    APR_ARRAY_PUSH(all, wh_webhook_t *) = &webhook;
    index = wh_match_index_create(all, 0, pool);
    for (length = 1; length <= 2000; length++) {
        int found =
            wh_match_find(index, "c", name + 2000 - length, pool) != NULL;

        wrong += found != (length == 128);
    }
    is_int(wrong, 0, "of all lengths the one listed is found");
    ok(wh_match_find(index, name, name, pool) == NULL, "nor in a long context");
}

static void test_many(void)
{
    apr_array_header_t *all =
        apr_array_make(pool, 2000, sizeof(wh_webhook_t *));
    const apr_array_header_t *found;
    wh_match_index_t *index;
    int i, unordered = 0;

    for (i = 1; i <= 2000; i++) {
        wh_webhook_t *webhook = apr_pcalloc(pool, sizeof(*webhook));

        webhook->id = i;
        webhook->context = "";
        webhook->events = i % 2 ? "odd,all" : "even,all";
        webhook->state = WH_STATE_ACTIVE;
        APR_ARRAY_PUSH(all, wh_webhook_t *) = webhook;
    }
    index = wh_match_index_create(all, 0, pool);
    is_int(wh_match_find(index, "", "odd", pool)->nelts, 1000, "half listen");
    found = wh_match_find(index, "", "all", pool);
    is_int(found->nelts, 2000, "all listen");
    for (i = 0; i < found->nelts; i++) {
        unordered += APR_ARRAY_IDX(found, i, wh_webhook_t *)->id != i + 1;
    }
    is_int(unordered, 0, "by id");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_find();
    test_disabled();
    test_patterns();
    test_own_array();
    test_empty();
    test_lengths();
    test_many();
    apr_terminate();
    return done_testing();
}
