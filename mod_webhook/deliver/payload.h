/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The body of a callback (superoffice.md section 5.2).
 * Stage: deliver · pure: no I/O · any thread
 */
#ifndef WH_DELIVER_PAYLOAD_H
#define WH_DELIVER_PAYLOAD_H

#include "deliver/target.h"
#include "model/event.h"

/** Room for a timestamp with its NUL. */
#define WH_TIMESTAMP_SIZE 40

/** UTC, ISO 8601, fraction without trailing zeros, "Z". */
void wh_payload_timestamp(char text[WH_TIMESTAMP_SIZE], apr_time_t time);

/**
 * The members that are the same for all events of a webhook:
 * ,"WebhookName":...,<properties>}
 * Properties that bear the name of a built-in member are left out.
 * @return malloc'ed, NULL: out of memory
 */
char *wh_payload_tail(const char *webhook_name, const char *properties);

/**
 * The same of Properties alone, as an object.
 * @return malloc'ed, NULL: out of memory
 */
char *wh_payload_properties(const char *properties);

/**
 * The whole body; the same input gives the same bytes.
 * @param length set to the length without the NUL
 * @param values JSON object, the member Values; NULL: there is none
 * @return malloc'ed, NULL: out of memory
 */
char *wh_payload_render(apr_size_t *length, const wh_event_t *event,
                        const char *values, const char *context_json,
                        const char *tail);

#endif
