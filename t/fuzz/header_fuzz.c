/* SPDX-License-Identifier: Apache-2.0 */
/* Custom headers and payload members: the name ends at the first colon, the
 * value is the rest. */
#include <jansson.h>

#include "deliver/target.h"
#include "fuzz/fuzz.h"
#include "policy/header.h"

/* What a line of a request may hold, said in another way. */
static void check_line(const char *name, const char *value)
{
    const unsigned char *c;

    MUST(*name && strlen(name) <= WH_HEADER_SIZE_MAX &&
         strlen(value) <= WH_HEADER_SIZE_MAX);
    for (c = (const unsigned char *)name; *c; c++) {
        MUST(*c > ' ' && *c < 0x7f && !strchr("\"(),/:;<=>?@[\\]{}", *c));
    }
    for (c = (const unsigned char *)value; *c; c++) {
        MUST((*c >= ' ' || *c == '\t') && *c != 0x7f);
    }
}

/* The header as libcurl gets it: one line, and it is the first. */
static void check_target(const char *name, const char *value, int allowed)
{
    json_t *headers = json_pack("{s:s}", name, value);
    char *text = headers ? json_dumps(headers, 0) : NULL;
    wh_webhook_t webhook = {.context = "", .headers = text};
    wh_target_t *target;
    size_t length = strlen(name);

    json_decref(headers);
    if (!text) {
        return; /* not UTF-8 */
    }
    target = wh_target_create(&webhook);
    MUST(target != NULL);
    if (allowed) {
        const char *line = target->headers->data;

        MUST(!strncmp(line, name, length));
        MUST(*value ? !strncmp(line + length, ": ", 2) &&
                          !strcmp(line + length + 2, value)
                    : !strcmp(line + length, ";"));
    }
    else {
        MUST(!strncmp(target->headers->data, "Expect:", 7));
    }
    wh_target_release(target);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    char *colon = strchr(text, ':');
    const char *value = "", *refusal;

    if (colon) {
        *colon = '\0';
        value = colon + 1;
    }
    refusal = wh_header_refusal(text, value);
    MUST(!refusal || *refusal);
    if (!refusal) {
        check_line(text, value);
    }
    check_target(text, value, !refusal);
    refusal = wh_property_refusal(text);
    MUST(refusal || *text);
    free(text);
    return 0;
}
