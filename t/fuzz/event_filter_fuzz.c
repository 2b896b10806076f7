/* SPDX-License-Identifier: Apache-2.0 */
/* Filters on events: the first line is a filter, the rest an event's data. */
#include <jansson.h>

#include "fuzz/fuzz.h"
#include "policy/event_filter.h"

/* {"not": form}, {"and": [form]}, {"or": [form]}; to be released. */
static json_t *wrap(const char *word, json_t *form)
{
    json_t *wrapped = strcmp(word, "not") ? json_pack("{s[O]}", word, form)
                                          : json_pack("{sO}", word, form);

    MUST(wrapped != NULL);
    return wrapped;
}

/* What is wrapped in a word says the same, or the contrary, or is nested too
 * deeply or empty. */
static void check_wrapped(const char *word, json_t *form,
                          const wh_event_facts_t *facts, int expected,
                          apr_pool_t *pool)
{
    json_t *wrapped = wrap(word, form);
    const wh_event_filter_t *filter;
    const char *message = NULL;

    if (wh_event_filter_create(&filter, &message, wrapped, pool) ==
        APR_SUCCESS) {
        MUST(wh_event_filter_passes(filter, facts) == expected);
    }
    else {
        MUST(!wh_event_filter_passes(filter, facts));
        MUST(strstr(message, "nested") || json_object_size(form) == 0);
    }
    json_decref(wrapped);
}

static void check(json_t *form, const wh_event_facts_t *facts, apr_pool_t *pool)
{
    const wh_event_filter_t *filter;
    const char *message = NULL;
    int passes;

    if (wh_event_filter_create(&filter, &message, form, pool) != APR_SUCCESS) {
        MUST(message && *message);
        MUST(!wh_event_filter_passes(filter, facts));
        return;
    }
    MUST(message == NULL);
    passes = wh_event_filter_passes(filter, facts);
    MUST(passes == 0 || passes == 1);
    check_wrapped("and", form, facts, passes, pool);
    check_wrapped("or", form, facts, passes, pool);
    check_wrapped("not", form, facts, !passes, pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    char *text = fuzz_text(data, size);
    char *rest = strchr(text, '\n');
    json_t *form, *event;

    if (rest) {
        *rest++ = '\0';
    }
    form = json_loads(text, JSON_DECODE_ANY, NULL);
    event = json_loads(rest ? rest : "{}", 0, NULL);
    if (form) {
        wh_event_facts_t facts = {.name = "Contact.Created",
                                  .primary_key = 7,
                                  .associate_id = -1,
                                  .data = event};

        check(form, &facts, pool);
    }
    json_decref(event);
    json_decref(form);
    free(text);
    return 0;
}
