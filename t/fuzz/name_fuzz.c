/* SPDX-License-Identifier: Apache-2.0 */
/* Event names, primary keys and ids, as they come in a path. */
#include "base/identifier.h"
#include "fuzz/fuzz.h"
#include "model/webhook.h"
#include "policy/event_name.h"
#include "policy/match.h"

/* The same rule, said in another way. */
static int is_name(const char *text)
{
    size_t length = strlen(text);

    return length >= 1 && length <= 128 &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789._-") == length;
}

static void check_key(const char *text)
{
    apr_int32_t value = 77;
    char again[16];

    if (wh_primary_key_parse(&value, text)) {
        snprintf(again, sizeof(again), "%d", value);
        MUST(!strcmp(again, text));
    }
    else {
        MUST(value == 77);
    }
}

/* The rule of patterns, said in another way: a name when "*" becomes a letter,
 * with the "*" alone between dots. */
static int is_pattern(const char *text)
{
    const char *star = strchr(text, '*');
    char *name = strdup(text);
    int is_one;

    MUST(name != NULL);
    if (star) {
        name[star - text] = 'x';
    }
    is_one = star && is_name(name) && (star == text || star[-1] == '.') &&
             (star[1] == '\0' || star[1] == '.');
    free(name);
    return is_one;
}

/* Alone in a list, in the index and out of it, a pattern says the same. */
static void check_pattern(const char *text)
{
    static const char *const names[] = {"contact.created", "a", "list.a.b"};
    apr_pool_t *pool = fuzz_pool();
    apr_array_header_t *all = apr_array_make(pool, 1, sizeof(wh_webhook_t *));
    wh_webhook_t webhook = {
        .id = 1, .context = "", .events = text, .state = WH_STATE_ACTIVE};
    wh_match_index_t *index;
    size_t i;

    MUST(wh_event_pattern_valid(text, strlen(text)) == is_pattern(text));
    APR_ARRAY_PUSH(all, wh_webhook_t *) = &webhook;
    index = wh_match_index_create(all, 0, pool);
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        MUST(wh_event_list_means(text, names[i]) ==
             (wh_match_find(index, "", names[i], pool) != NULL));
    }
}

/* A webhook that listens for a list of names hears each of them. */
static void check_match(const char *text)
{
    apr_pool_t *pool = fuzz_pool();
    apr_array_header_t *all = apr_array_make(pool, 1, sizeof(wh_webhook_t *));
    wh_webhook_t webhook = {
        .id = 1, .context = "", .events = text, .state = WH_STATE_ACTIVE};
    wh_match_index_t *index;

    APR_ARRAY_PUSH(all, wh_webhook_t *) = &webhook;
    index = wh_match_index_create(all, 0, pool);
    MUST(!is_name(text) || wh_match_find(index, "", text, pool) != NULL);
    MUST(wh_match_find(index, "other", text, pool) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);

    MUST(wh_event_name_valid(text, strlen(text)) == is_name(text));
    MUST(!memchr(text, '\0', size) || !wh_event_name_valid(text, size));
    MUST(wh_event_name_entity_length(text) <= strlen(text));
    if (wh_uuid_valid(text)) {
        MUST(strlen(text) == WH_UUID_SIZE - 1 && is_name(text));
    }
    check_key(text);
    check_match(text);
    check_pattern(text);
    free(text);
    return 0;
}
