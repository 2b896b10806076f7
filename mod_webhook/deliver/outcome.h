/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What an attempt came to.
 * Stage: deliver · from: delivery thread, when libcurl has ended a transfer
 * pure: the clock and the dice are passed in
 */
#ifndef WH_DELIVER_OUTCOME_H
#define WH_DELIVER_OUTCOME_H

#include "deliver/transfer.h"

/**
 * The classes of errors: symbol, text, and what has happened. The table in
 * API.md, "Errors of attempts", has the same rows.
 */
#define WH_ERRORS(X)                                                           \
    X(STATUS, "status", "an answer, but no success")                           \
    X(DNS, "dns", "the name has no address, or nobody says so")                \
    X(CONNECT, "connect", "no connection")                                     \
    X(TIMEOUT, "timeout", "not done in time")                                  \
    X(TLS, "tls", "TLS or its certificates failed, on either side")            \
    X(PROXY, "proxy", "the proxy has no address, or refused")                  \
    X(RESET, "reset", "the connection ended before the answer did")            \
    X(PROTOCOL, "protocol", "the answer is not HTTP, or is too long")          \
    X(URL, "url", "the target is no URL that may be called")                   \
    X(ADDRESS, "address not allowed", "the address guard refused all of them") \
    X(CONFIGURATION, "configuration", "options that the server cannot meet")   \
    X(TYPE, "type", "the type is not known here, or made no callback")         \
    X(STOPPED, "stopped", "the server stopped or was restarted; not counted")

typedef enum {
#define WH_ERROR_SYMBOL(symbol, text, meaning) WH_ERROR_##symbol,
    WH_ERRORS(WH_ERROR_SYMBOL)
#undef WH_ERROR_SYMBOL
} wh_error_t;

/** The text of a class. */
const char *wh_error_text(wh_error_t error);

/** What users are told of a target that may not be called: the same words,
 * whatever the reason. */
#define WH_TOLD_REFUSED "target address not allowed"
/** And of one that gives no answer, where the reason would tell what there is
 * at an address that is not public or that they have named. */
#define WH_TOLD_SILENT "the target did not answer"

/** A failure of our own is tried again after this time and not counted. */
#define WH_LOCAL_RETRY apr_time_from_sec(5)

/**
 * Fills the outcome of transfer->delivery. Delivered is what has a success
 * for its answer; a refused address fails for good, and so does 410 Gone when
 * settings->disable_errors is set; errors of this machine (no socket, no
 * memory) cost no attempt; all else is tried again by settings->retry.
 */
void wh_outcome_decide(wh_transfer_t *transfer, CURLcode code,
                       const wh_settings_t *settings, apr_time_t now,
                       apr_uint32_t dice);

/**
 * An attempt that is broken off since its dispatcher stops. If its answer is
 * there it is decided; else it goes back to be made once more, as it was, and
 * what is known of it is on record.
 */
void wh_outcome_break_off(wh_transfer_t *transfer,
                          const wh_settings_t *settings, apr_time_t now,
                          apr_uint32_t dice);

/**
 * An attempt that the webhook's kind could not make: counted, with the error
 * "type", and tried again by settings->retry.
 */
void wh_outcome_refuse(wh_delivery_t *delivery, apr_status_t reason,
                       const wh_settings_t *settings, apr_time_t now,
                       apr_uint32_t dice);

/**
 * 1: the answer is a success: a complete final header block with a status that
 * is one for the webhook's kind, whatever happens to the body after it.
 */
int wh_outcome_is_success(const wh_transfer_t *transfer,
                          const wh_settings_t *settings);

/** 1: nobody was asked, for want of a socket or memory on this machine. */
int wh_outcome_is_local(const wh_transfer_t *transfer, CURLcode code);

/** Fills status, answer, address, error, told, started and duration of
 * transfer->delivery; error also after a success. */
void wh_outcome_describe(wh_transfer_t *transfer, CURLcode code,
                         apr_time_t now);

/** The class of an error, a constant text such as "timeout". */
const char *wh_outcome_error_class(CURLcode code);

#endif
