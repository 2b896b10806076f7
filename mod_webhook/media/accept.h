/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Content negotiation of answers (RFC 9110 section 12.5.1).
 * Stage: media · from: request · to: - · pure · any thread
 */
#ifndef WH_MEDIA_ACCEPT_H
#define WH_MEDIA_ACCEPT_H

#include <apr_pools.h>

/** The one list of answers' media types, in the order of preference when a
 * client leaves the choice: X(symbol, name). */
#define WH_FORMATS(X)                                                          \
    X(JSON, "application/json")                                                \
    X(TEXT_JSON, "text/json")                                                  \
    X(XML, "application/xml")                                                  \
    X(TEXT_XML, "text/xml")

#define WH_FORMAT_SYMBOL(symbol, name) WH_FORMAT_##symbol,
typedef enum {
    WH_FORMATS(WH_FORMAT_SYMBOL) WH_FORMAT_COUNT,
    WH_FORMAT_NONE = WH_FORMAT_COUNT /**< nothing that we have is accepted */
} wh_format_t;
#undef WH_FORMAT_SYMBOL

/**
 * Chooses by the q-values; the most specific range that names a type counts
 * for it; of equals, the one that comes first in the list above. Parameters
 * other than q are ignored. NULL, "" and what is no Accept header at all: JSON
 * (an error in one element drops that element).
 */
wh_format_t wh_accept_choose(const char *accept);

/** "application/json; charset=utf-8" and so on; NONE gives JSON's. */
const char *wh_format_content_type(wh_format_t format);

/** 1 for the two XML types. */
int wh_format_is_xml(wh_format_t format);

#endif
