/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A webhook made from what the command line says.
 * Private to ctl/ · one thread
 */
#ifndef WH_CTL_WEBHOOK_EDIT_H
#define WH_CTL_WEBHOOK_EDIT_H

#include "ctl/ctl.h"
#include "model/webhook.h"

/**
 * Overlays a webhook with --file and then with the options; what neither names
 * stays as it is. Types and lengths are judged.
 * @return WH_EXIT_DONE, or an exit status; why is said
 */
int wh_webhook_edit(wh_webhook_t *webhook, wh_ctl_t *ctl);

#endif
