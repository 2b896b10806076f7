/* SPDX-License-Identifier: Apache-2.0 */
/* Content negotiation. */
#include <apr_strings.h>
#include <ctype.h>

#include "fuzz/fuzz.h"
#include "media/accept.h"

#define NAME(symbol, name) name,
static const char *const names[] = {WH_FORMATS(NAME)};

/* A type that is named outright wins, or one before it in the list. */
static void check_named(const char *accept, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < WH_FORMAT_COUNT; i++) {
        const char *more = apr_pstrcat(pool, names[i], ",", accept, NULL);

        MUST((int)wh_accept_choose(more) <= i);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    char *accept = fuzz_text(data, size), *c;
    wh_format_t format = wh_accept_choose(accept);

    MUST(format <= WH_FORMAT_NONE);
    MUST(!strncmp(wh_format_content_type(format),
                  names[format < WH_FORMAT_COUNT ? format : 0],
                  strlen(names[format < WH_FORMAT_COUNT ? format : 0])));
    check_named(accept, pool);
    /* Empty elements and case mean nothing. */
    MUST(wh_accept_choose(apr_pstrcat(pool, " ,\t,", accept, NULL)) == format);
    for (c = accept; *c; c++) {
        *c = (char)toupper((unsigned char)*c);
    }
    MUST(wh_accept_choose(accept) == format);
    free(accept);
    return 0;
}
