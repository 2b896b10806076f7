/* SPDX-License-Identifier: Apache-2.0 */
/**
 * How a webhook wants to be delivered to: the object "mod_webhook" among its
 * Properties. The API has no members for it, and its clients keep Properties
 * as they are. It never becomes a part of the payload.
 * Stage: policy · from: validate, dispatcher, deliver · to: - · pure: no I/O
 */
#ifndef WH_POLICY_OPTIONS_H
#define WH_POLICY_OPTIONS_H

#include <apr_pools.h>
#include <apr_time.h>
#include <jansson.h>

#include "model/webhook.h"
#include "policy/event_filter.h"

/**
 * X(name, reader, JSON type, what it may be)
 *
 * The one list of options: names in any case, read by static functions of
 * options.c; the manual's table is held to it.
 */
#define WH_OPTIONS(X)                                                          \
    X(CACertificate, read_ca_certificate, "string",                            \
      "certificates of authorities in PEM form")                               \
    X(ClientCertificate, read_client_certificate, "string",                    \
      "a name of WebhookClientCertificate")                                    \
    X(Filter, read_filter, "object", "conditions on the event, see below")     \
    X(HTTP2, read_http2, "boolean", "true or false")                           \
    X(MaxRate, read_max_rate, "number", "a number from 0.001 to 100000")       \
    X(MinTLS, read_min_tls, "string", "1.2 or 1.3")                            \
    X(Ordering, read_ordering, "string", "none, key or webhook")               \
    X(PinnedPublicKey, read_pins, "string",                                    \
      "sha256//, and a hash in base64, or several, joined by a semicolon")     \
    X(Proxy, read_proxy, "string", "none or a name of WebhookProxy")           \
    X(Secrets, read_secrets, "list", "at most 8 objects of Secret and Until")  \
    X(IncludeValues, read_include_values, "boolean", "true or false")          \
    X(CloudEventsMode, read_mode, "string", "structured or binary")            \
    X(CloudEventsSource, read_source, "string",                                \
      "a URI reference of 1 to 1000 bytes")                                    \
    X(CloudEventsHandshake, read_handshake, "boolean", "true or false")        \
    X(CloudEventsOrigin, read_origin, "string",                                \
      "a DNS name of 1 to 253 bytes")                                          \
    X(CloudEventsAllowedRate, read_allowed_rate, "number",                     \
      "a whole number from 1 to 6000000")

/** In which order a webhook wants its events. */
typedef enum {
    WH_ORDERING_NONE,   /**< as they come */
    WH_ORDERING_KEY,    /**< first in first out for each entity and number */
    WH_ORDERING_WEBHOOK /**< first in first out for all */
} wh_ordering_t;

/** More secrets than the member Secret. */
#define WH_SECRETS_MAX 8

typedef struct wh_secret_t {
    const char *text;
    apr_time_t until; /**< from then on it does not count; 0: no end */
} wh_secret_t;

/** Versions of TLS, in their order. */
typedef enum { WH_TLS_UNSET, WH_TLS_1_2, WH_TLS_1_3 } wh_tls_t;

/** A choice that is not made, or made. */
typedef enum { WH_SWITCH_UNSET, WH_SWITCH_OFF, WH_SWITCH_ON } wh_switch_t;

/** All zeros: the webhook says nothing. */
typedef struct wh_options_t {
    apr_pool_t *pool; /**< of its texts */
    double max_rate;  /**< deliveries a second; 0: WebhookMaxRate counts. What
                          the receiver allows in a handshake is in it */
    double own_rate;  /**< MaxRate alone */
    double allowed_rate; /**< the receiver's alone, 0: it has said nothing */
    wh_ordering_t ordering;
    int secret_count;
    wh_secret_t secrets[WH_SECRETS_MAX];
    int include_values; /**< payloads have the values of the event's data */
    int cloudevents_binary;
    int cloudevents_handshake;
    const char *cloudevents_source; /**< NULL: by the context */
    const char *cloudevents_origin; /**< NULL: this machine's name */
    /* how it is reached */
    const char *ca_certificate;     /**< PEM, NULL: as for all */
    const char *pins;               /**< as libcurl takes them, NULL: none */
    const char *client_certificate; /**< a name, NULL: none */
    const char *proxy;              /**< a name, "none", NULL: as for all */
    wh_tls_t min_tls;
    wh_switch_t http2;
    int transport;       /**< 1: one of these is set */
    int transport_wrong; /**< 1: one of these is not in order */
    /* while they are read */
    const char *refusal; /**< of the last member, in place of the list's */
} wh_options_t;

/**
 * Reads the options of a webhook; unknown members and those of the wrong form
 * are left at their defaults.
 * @param properties JSON object, or NULL
 * @return NULL, or a sentence about the first member that is not in order,
 *         from pool; out of memory reads as no options
 */
const char *wh_options_read(wh_options_t *options, const char *properties,
                            apr_pool_t *pool);

/**
 * Puts into the options what a receiver allows: CloudEventsAllowedRate.
 * @param properties JSON object, or NULL; set to a new text from pool
 * @param rate requests a minute; 0: no bound, the option goes
 * @return APR_SUCCESS, or APR_ENOMEM: properties is as it was
 */
apr_status_t wh_options_allow(const char **properties, int rate,
                              apr_pool_t *pool);

/**
 * Reads one option only: the filter.
 * @param filter NULL: there is none; to be freed with free()
 * @param problem NULL, or rest of a sentence from pool: the filter is not in
 *        order, and lets nothing through
 * @param pool scratch memory besides
 * @return APR_SUCCESS or APR_ENOMEM
 */
apr_status_t wh_options_read_filter(wh_event_filter_t **filter,
                                    const char **problem,
                                    const char *properties, apr_pool_t *pool);

/** Whether a member of Properties holds the options. */
int wh_options_is_member(const char *name);

#endif
