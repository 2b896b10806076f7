/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of the API and what is made of them; the first byte chooses the
 * method. */
#include "fuzz/fuzz.h"
#include "policy/event_name.h"
#include "policy/operation.h"

static const char *const methods[] = {"GET",   "POST",   "PUT",
                                      "PATCH", "DELETE", "BREW"};

/* What is found is a part of the path, and so are the segments. */
static void check_path(const wh_path_t *path, const char *rest)
{
    size_t length = 0;
    int i;

    MUST(path->count >= 0 && path->count <= WH_SEGMENTS_MAX);
    for (i = 0; i < path->count; i++) {
        MUST(path->segments[i][0] != '\0');
        MUST(strchr(path->segments[i], '/') == NULL);
        MUST(strstr(rest, path->segments[i]) != NULL);
        length += strlen(path->segments[i]) + 1;
    }
    MUST(path->count == 0 || length == strlen(rest));
}

static void check_operation(const wh_path_t *path, const char *method,
                            apr_pool_t *pool)
{
    const wh_operation_t *operation = wh_operation_find(path, method);
    const char *allowed = wh_operation_allow(path, pool);

    if (operation) {
        MUST(allowed && strstr(allowed, method));
        MUST(operation->form == path->form);
    }
    if (operation && strstr(operation->path, "{id}")) {
        apr_int32_t id;

        MUST(wh_primary_key_parse(&id, path->segments[0]) && id == path->id);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const bases[] = {"/api/v1", "", "/a"};
    apr_pool_t *pool = fuzz_pool();
    char *text;
    size_t i;

    if (size == 0) {
        return 0;
    }
    text = fuzz_text(data + 1, size - 1);
    for (i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
        wh_form_kind_t form;
        wh_path_t path;
        const char *rest = wh_path_find(&form, text, bases[i]);

        if (!rest) {
            continue;
        }
        MUST(rest >= text && rest <= text + strlen(text));
        MUST(*rest == '/' || *rest == '\0');
        if (wh_path_split(&path, form, rest, pool) == APR_SUCCESS) {
            check_path(&path, rest);
            check_operation(&path, methods[data[0] % 6], pool);
        }
    }
    free(text);
    return 0;
}
