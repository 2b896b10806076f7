/* SPDX-License-Identifier: Apache-2.0 */
/**
 * For every file that speaks to httpd, but not mod_webhook.c itself: its
 * AP_DECLARE_MODULE says the same already.
 * Stage: config, request, signal, the fork
 */
#ifndef WH_HTTPD_PRIVATE_H
#define WH_HTTPD_PRIVATE_H

#include <httpd.h>
#include <http_config.h>
#include <http_log.h>

#include "base/log.h"

/* Declares webhook_module, and makes its LogLevel the one that counts. */
APLOG_USE_MODULE(webhook);

#endif
