/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What an attempt came to.
 * Stage: deliver · from: delivery thread, when libcurl has ended a transfer
 * pure: the clock and the dice are passed in
 */
#ifndef WH_DELIVER_OUTCOME_H
#define WH_DELIVER_OUTCOME_H

#include "deliver/transfer.h"

/** A failure of our own is tried again after this time and not counted. */
#define WH_LOCAL_RETRY apr_time_from_sec(5)

/**
 * Fills the outcome of transfer->delivery. Delivered is what has a complete
 * final header block with a 2xx status, whatever happens to the body after
 * it; a refused address fails for good; errors of this machine (no socket, no
 * memory) cost no attempt; all else is tried again by the schedule.
 */
void wh_outcome_decide(wh_transfer_t *transfer, CURLcode code,
                       const struct wh_retry_schedule_t *schedule,
                       apr_time_t now, apr_uint32_t dice);

/** The class of an error, a constant text such as "timeout". */
const char *wh_outcome_error_class(CURLcode code);

#endif
