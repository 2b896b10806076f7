/* SPDX-License-Identifier: Apache-2.0 */
/* Text that came from elsewhere: answers of receivers, and an event's data. */
#include <jansson.h>

#include "base/text.h"
#include "fuzz/fuzz.h"
#include "model/event.h"

/* What is left can be shown, stored and put into JSON, and stays so. */
static void check_clean(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size), *again;

    wh_text_clean(text, size);
    MUST(strlen(text) == size);
    MUST(wh_text_json(text, fuzz_pool()) != NULL);
    again = fuzz_text((uint8_t *)text, size);
    wh_text_clean(again, size);
    MUST(!memcmp(text, again, size));
    free(again);
    free(text);
}

/* The names of an object are an array of as many texts. */
static void check_changes(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    const char *changes = wh_event_changes(text, fuzz_pool());
    json_t *object = json_loads(text, 0, NULL);

    MUST((changes != NULL) == json_is_object(object));
    if (changes) {
        json_t *names = json_loads(changes, 0, NULL);

        MUST(json_is_array(names) &&
             json_array_size(names) == json_object_size(object));
        json_decref(names);
    }
    json_decref(object);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_clean(data, size);
    check_changes(data, size);
    return 0;
}
