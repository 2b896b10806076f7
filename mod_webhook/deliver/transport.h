/* SPDX-License-Identifier: Apache-2.0 */
/**
 * How a receiver is reached: TLS, HTTP/2, proxy; what the operator set for all
 * webhooks and what one webhook asks for.
 * Stage: deliver · from: transfer, validate · to: libcurl
 * runs on: the thread that owns the easy handle
 */
#ifndef WH_DELIVER_TRANSPORT_H
#define WH_DELIVER_TRANSPORT_H

#include <curl/curl.h>

#include "base/settings.h"
#include "policy/options.h"

/** The Proxy that a webhook asks for when it wants none. */
#define WH_PROXY_NONE "none"

/**
 * Judges what a webhook asks for by name.
 * @return NULL, or a sentence: the operator has not configured it
 */
const char *wh_transport_refusal(const wh_settings_t *settings,
                                 const wh_options_t *options);

/** The proxy's URL; NULL: the receiver is called directly. */
const char *wh_transport_proxy(const wh_settings_t *settings,
                               const wh_options_t *options);

/** Sets a handle up for all webhooks that ask for nothing. 0: libcurl does not
 * take its options. */
int wh_transport_set(CURL *easy, const wh_settings_t *settings);

/**
 * Sets such a handle up for one webhook; the texts are copied. What it asks
 * for must not be refused.
 */
int wh_transport_add(CURL *easy, const wh_settings_t *settings,
                     const wh_options_t *options);

#endif
