/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Event names.
 * Stage: policy · from: request, signal, dispatcher · to: - · pure · any thread
 */
#ifndef WH_POLICY_EVENT_NAME_H
#define WH_POLICY_EVENT_NAME_H

#include <apr.h>

#define WH_EVENT_NAME_MAX 128

/** 1 if name matches ^[A-Za-z0-9._-]{1,128}$. */
int wh_event_name_valid(const char *name, apr_size_t length);

/** Patterns that one webhook may have. */
#define WH_EVENT_PATTERNS_MAX 16

/**
 * 1 if text is a pattern: as long as a name and like one, but one of its parts
 * between dots is "*": "*", "contact.*", "*.created", "list.*.created".
 */
int wh_event_pattern_valid(const char *text, apr_size_t length);

/** 1 if a name is one that a valid pattern means, in any case: "*" stands for
 * one or more characters, dots too. */
int wh_event_pattern_matches(const char *pattern, apr_size_t length,
                             const char *name);

/** 1 if one of the names and patterns, parted by commas, means this name, or
 * is this text, in any case. */
int wh_event_list_means(const char *events, const char *name);

/** Length of the entity part: all before the last dot, else the whole name
 * (superoffice.md section 2). */
apr_size_t wh_event_name_entity_length(const char *name);

/**
 * The name as the payload gives it: a webhook's state event, such as
 * "webhook66.errors", without the id (superoffice.md section 5.4); any other
 * name as it is.
 * @return a constant, or name itself
 */
const char *wh_event_name_shown(const char *name);

/** Exact int32 in decimal: "0", "-7"; no sign "+", no leading zero, no blank.
 * @return 1 and the value, or 0 */
int wh_primary_key_parse(apr_int32_t *value, const char *text);

#endif
