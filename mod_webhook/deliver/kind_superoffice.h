/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the kind "webhook" shares with others.
 * Stage: deliver · from: kinds · any thread
 */
#ifndef WH_DELIVER_KIND_SUPEROFFICE_H
#define WH_DELIVER_KIND_SUPEROFFICE_H

#include "deliver/kind.h"

/**
 * Adds X-SuperOffice-Signature with the signature of the first secret, and
 * X-SuperOffice-Signature-2, -3 ... with those of the others.
 */
apr_status_t wh_kind_sign_superoffice(wh_header_list_t *list,
                                      const wh_attempt_t *attempt);

#endif
