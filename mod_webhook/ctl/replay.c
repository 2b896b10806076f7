/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_cstr.h>
#include <apr_strings.h>

#include "ctl/record.h"
#include "ctl/replay_job.h"

#define STATE_ALL "all"

/* 1 if something narrows what is sent again. */
static int is_narrow(const wh_options_t *options)
{
    return wh_option_given(options, WH_OPTION_WEBHOOK) ||
           wh_option_given(options, WH_OPTION_EVENT_ID) ||
           wh_option_given(options, WH_OPTION_SINCE) ||
           wh_option_given(options, WH_OPTION_UNTIL);
}

/* "failed" said aloud is narrow enough; the default is not. */
static int judge_width(const wh_ctl_t *ctl, int state)
{
    const wh_options_t *options = ctl->options;
    int is_named = wh_option_given(options, WH_OPTION_REPLAY_STATE) &&
                   state == WH_DELIVERY_FAILED;

    if (!is_narrow(options) && !is_named &&
        !wh_option_given(options, WH_OPTION_ALL)) {
        return wh_output_fail(WH_EXIT_USAGE,
                              "nothing says which deliveries: use --webhook, "
                              "--event, --since, --until, --state failed, or "
                              "--all");
    }
    if (!wh_option_given(options, WH_OPTION_YES)) {
        return wh_output_fail(WH_EXIT_USAGE,
                              "receivers will get these deliveries once more: "
                              "say --yes if that is meant");
    }
    return WH_EXIT_DONE;
}

static int read_state(int *state, const wh_ctl_t *ctl)
{
    const char *text = wh_option_text(ctl->options, WH_OPTION_REPLAY_STATE);

    *state = WH_DELIVERY_FAILED;
    if (text && !apr_cstr_casecmp(text, STATE_ALL)) {
        *state = -1;
        return 1;
    }
    if (text && (!wh_delivery_state_parse(state, text) ||
                 *state == WH_DELIVERY_PENDING)) {
        wh_ctl_bad_value(ctl, WH_OPTION_REPLAY_STATE);
        return 0;
    }
    return 1;
}

static int read_times(wh_log_filter_t *filter, const wh_ctl_t *ctl)
{
    apr_time_t since, until;

    if (!wh_record_span(&since, &until, ctl)) {
        return 0;
    }
    filter->since = wh_record_floor(since);
    filter->before = wh_record_floor(until);
    return 1;
}

static int find_event(wh_log_filter_t *filter, wh_ctl_t *ctl)
{
    const char *id = wh_option_text(ctl->options, WH_OPTION_EVENT_ID);
    wh_log_event_t *event;
    apr_status_t rv;

    if (!id) {
        return WH_EXIT_DONE;
    }
    rv = wh_store_event_get(&event, ctl->store, ctl->context, id, ctl->pool);
    if (rv != APR_SUCCESS) {
        return wh_ctl_storage(rv, apr_pstrcat(ctl->pool, "event ", id, NULL));
    }
    filter->event_id = event->id;
    return WH_EXIT_DONE;
}

/* What the dispatcher can do by itself is its job: of one webhook, and what
 * failed or all. */
static int is_job(const wh_ctl_t *ctl, const wh_log_filter_t *filter)
{
    return filter->webhook_id && ctl->context && !filter->event_id &&
           filter->state != WH_DELIVERY_DELIVERED;
}

/* At once, by this program. */
static int replay_now(const wh_log_filter_t *filter, wh_ctl_t *ctl)
{
    int replayed = 0;
    apr_status_t rv = wh_store_replay(&replayed, ctl->store, filter);

    if (rv != APR_SUCCESS) {
        /* It goes in portions: some may be done. */
        wh_output_fail(0, "%d deliveries are sent once more so far", replayed);
        return wh_ctl_storage(rv, "such delivery");
    }
    if (replayed == 0) {
        return wh_output_fail(WH_EXIT_FAILED, "no delivery is like that");
    }
    if (ctl->json) {
        return wh_output_json(json_pack("{s:i}", "Replayed", replayed), 0);
    }
    printf("%d deliveries are sent once more\n", replayed);
    return WH_EXIT_DONE;
}

int wh_ctl_replay(wh_ctl_t *ctl)
{
    wh_log_filter_t filter;
    int status;

    if (!wh_record_filter(&filter, ctl) || !read_state(&filter.state, ctl) ||
        !read_times(&filter, ctl)) {
        return WH_EXIT_USAGE;
    }
    status = judge_width(ctl, filter.state);
    if (status == WH_EXIT_DONE) {
        status = find_event(&filter, ctl);
    }
    if (status != WH_EXIT_DONE) {
        return status;
    }
    return is_job(ctl, &filter)
               ? wh_ctl_replay_start(ctl, filter.webhook_id,
                                     filter.state == WH_DELIVERY_FAILED)
               : replay_now(&filter, ctl);
}
