/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/library.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

static const char key_log[] = "SSLKEYLOGFILE";

apr_status_t wh_library_start(void)
{
    const char *value = getenv(key_log);
    char *kept = value ? strdup(value) : NULL;
    CURLcode code;

    if (value && (!kept || unsetenv(key_log) < 0)) {
        free(kept);
        return APR_ENOMEM;
    }
    /* It opens the file now or never. Others of this process may want it. */
    code = curl_global_init(CURL_GLOBAL_ALL);
    if (kept && setenv(key_log, kept, 1) < 0) {
        code = CURLE_OUT_OF_MEMORY;
    }
    free(kept);
    return code == CURLE_OK ? APR_SUCCESS : APR_EGENERAL;
}
