/* SPDX-License-Identifier: Apache-2.0 */
#include "signal/state_event.h"

#include <apr_strings.h>
#include <string.h>

apr_status_t wh_state_event_send(wh_channel_t *channel,
                                 const wh_webhook_t *webhook,
                                 apr_int32_t associate_id, const char *user,
                                 apr_pool_t *pool)
{
    static const char *const verbs[] = {
        [WH_STATE_ACTIVE] = "started",
        [WH_STATE_STOPPED] = "stopped",
        [WH_STATE_TOO_MANY_ERRORS] = "errors",
    };
    wh_signal_t signal = {.primary_key = webhook->id,
                          .associate_id = associate_id,
                          .context = webhook->context,
                          .user = user};
    wh_signal_result_t result;

    if (webhook->state < WH_STATE_ACTIVE ||
        webhook->state > WH_STATE_TOO_MANY_ERRORS) {
        return APR_EINVAL;
    }
    signal.event_name =
        apr_psprintf(pool, "webhook%d.%s", webhook->id, verbs[webhook->state]);
    signal.data = apr_psprintf(pool, "{\"state\":%d}", webhook->state);
    signal.data_length = strlen(signal.data);
    return wh_signal_send(&result, channel, &signal, pool);
}
