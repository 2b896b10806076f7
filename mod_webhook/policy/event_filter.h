/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Which events a webhook wants, by what is in them: the option Filter.
 * Stage: policy · from: options, dispatcher · to: - · pure: no I/O
 *
 * A filter is made ready once and then asked for each event. What it costs is
 * bounded by its own text: the event's data is only looked up in.
 */
#ifndef WH_POLICY_EVENT_FILTER_H
#define WH_POLICY_EVENT_FILTER_H

#include <apr_pools.h>
#include <jansson.h>

/** Operators in all, levels of "and", "or" and "not", values of one "in", and
 * names of one path. */
#define WH_EVENT_FILTER_CONDITIONS_MAX 64
#define WH_EVENT_FILTER_DEPTH_MAX 8
#define WH_EVENT_FILTER_VALUES_MAX 64
#define WH_EVENT_FILTER_NAMES_MAX 16

typedef struct wh_event_filter_t wh_event_filter_t;

/** What a filter looks at. */
typedef struct wh_event_facts_t {
    const char *name; /**< as the payload gives it: wh_event_name_shown() */
    apr_int32_t primary_key;
    apr_int32_t associate_id;
    const json_t *data; /**< object; NULL: none */
} wh_event_facts_t;

/**
 * Makes a filter out of its JSON form (API.md, "Filters").
 * @param filter set in any case: one that is refused lets nothing through
 * @param message set when refused: rest of a sentence, such as
 *        "has more than 64 conditions"
 * @param pool of the filter, which refers to nothing of form
 * @return APR_SUCCESS or APR_EINVAL
 */
apr_status_t wh_event_filter_create(const wh_event_filter_t **filter,
                                    const char **message, const json_t *form,
                                    apr_pool_t *pool);

/**
 * Copies a filter into one block of memory, which is all that it takes. To be
 * freed with free().
 * @return NULL: out of memory
 */
wh_event_filter_t *wh_event_filter_keep(const wh_event_filter_t *filter);

/** 1 if the filter lets the event through. Any thread. */
int wh_event_filter_passes(const wh_event_filter_t *filter,
                           const wh_event_facts_t *facts);

#endif
