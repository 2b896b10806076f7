/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ctl.h"

#include <apr_strings.h>
#include <string.h>

#include "base/text.h"
#include "ctl/output.h"

int wh_ctl_storage(apr_status_t rv, const char *what)
{
    char text[120];

    switch (rv) {
    case APR_ENOENT:
        return wh_output_fail(WH_EXIT_FAILED, "there is no %s", what);
    case WH_STORE_CHANGED:
        return wh_output_fail(WH_EXIT_FAILED,
                              "%s was changed by somebody else meanwhile; "
                              "nothing is saved",
                              what);
    case WH_STORE_FULL:
        return wh_output_fail(
            WH_EXIT_FAILED,
            "the database holds as many webhooks, or as many bytes of them, "
            "as this program allows (%d, %dM); the API saves more if "
            "WebhookLimit says so",
            WH_WEBHOOK_LIMIT, WH_WEBHOOK_MEBIBYTES);
    case APR_TIMEUP:
        return wh_output_fail(WH_EXIT_STORAGE,
                              "the database is busy: its write lock was not "
                              "to be had");
    case WH_STORE_DOWN:
        return wh_output_fail(WH_EXIT_STORAGE,
                              "the database does not do its work");
    case WH_STORE_UNKNOWN:
        return wh_output_fail(WH_EXIT_STORAGE,
                              "the database failed; it is not known whether "
                              "the change was saved");
    default:
        return wh_output_fail(WH_EXIT_STORAGE, "the database: %s",
                              apr_strerror(rv, text, sizeof(text)));
    }
}

int wh_ctl_bad_value(const wh_ctl_t *ctl, wh_option_t option)
{
    const wh_option_row_t *row = wh_option_row(option);

    return wh_output_fail(WH_EXIT_USAGE, "--%s: \"%s\" will not do: %s",
                          row->name, wh_option_text(ctl->options, option),
                          row->help);
}

int wh_ctl_id(const wh_ctl_t *ctl, apr_int64_t *id, apr_int64_t most)
{
    if (wh_value_number(id, ctl->arguments[0], 1, most)) {
        return 1;
    }
    wh_output_fail(WH_EXIT_USAGE, "\"%s\" is not an id", ctl->arguments[0]);
    return 0;
}

int wh_ctl_number(const wh_ctl_t *ctl, apr_int64_t *number, wh_option_t option,
                  apr_int64_t least, apr_int64_t most)
{
    const char *text = wh_option_text(ctl->options, option);

    if (!text || wh_value_number(number, text, least, most)) {
        return 1;
    }
    wh_ctl_bad_value(ctl, option);
    return 0;
}

int wh_ctl_is_label(const char *text, apr_size_t most, apr_pool_t *pool)
{
    apr_size_t length = strlen(text);
    char *clean = apr_pstrmemdup(pool, text, length);

    wh_text_clean(clean, length);
    return length > 0 && length <= most && !strcmp(clean, text) &&
           !strpbrk(text, "\t\r\n");
}
