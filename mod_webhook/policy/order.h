/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What deliveries must come one after the other.
 * Stage: policy · from: dispatcher · to: store · pure: no I/O
 */
#ifndef WH_POLICY_ORDER_H
#define WH_POLICY_ORDER_H

#include <apr.h>

#include "policy/options.h"

/** The order key of a delivery that need not wait for any other. */
#define WH_ORDER_FREE 0

/**
 * Deliveries of one webhook with the same key go one after the other, in the
 * order in which their events were stored.
 * @return WH_ORDER_FREE, or a positive number: the same for all events of a
 *         webhook that wants all in order, else made of entity and primary
 *         key; two that have the same by chance only wait for each other
 */
apr_int64_t wh_order_key(wh_ordering_t ordering, const char *event_name,
                         apr_int32_t primary_key);

#endif
