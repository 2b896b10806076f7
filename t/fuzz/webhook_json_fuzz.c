/* SPDX-License-Identifier: Apache-2.0 */
/* The webhook entity of the API. */
#include <jansson.h>

#include "fuzz/fuzz.h"
#include "model/webhook_json.h"

static char *write_text(const wh_webhook_t *webhook)
{
    json_t *entity = wh_webhook_json_write(webhook, 1);
    char *text;

    MUST(entity != NULL);
    text = json_dumps(entity, JSON_COMPACT);
    json_decref(entity);
    MUST(text != NULL);
    return text;
}

/* What we write of a webhook says the same when it is read again. */
static void check_again(const wh_webhook_t *webhook, apr_pool_t *pool)
{
    char *first = write_text(webhook), *second;
    json_t *entity = json_loads(first, JSON_REJECT_DUPLICATES, NULL);
    const char *message = NULL;
    wh_webhook_t again;

    MUST(entity != NULL);
    wh_webhook_json_default(&again);
    MUST(wh_webhook_json_read(&again, &message, entity, pool) == APR_SUCCESS);
    second = write_text(&again);
    MUST(!strcmp(first, second));
    free(second);
    free(first);
    json_decref(entity);
}

static void check_state(const char *text)
{
    int state = -1;

    if (wh_webhook_json_state(&state, text)) {
        MUST(state >= WH_STATE_UNKNOWN && state <= WH_STATE_TOO_MANY_ERRORS);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    char *text = fuzz_text(data, size);
    json_t *entity = json_loadb(text, size, 0, NULL);
    const char *message = NULL;
    wh_webhook_t webhook;

    check_state(text);
    if (json_is_object(entity)) {
        wh_webhook_json_default(&webhook);
        if (wh_webhook_json_read(&webhook, &message, entity, pool) ==
            APR_SUCCESS) {
            MUST(webhook.events && webhook.type);
            check_again(&webhook, pool);
        }
        else {
            MUST(message && *message);
        }
    }
    json_decref(entity);
    free(text);
    return 0;
}
