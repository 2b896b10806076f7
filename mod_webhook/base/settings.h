/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the operator set, merged and checked: read-only once a process runs.
 * Stage: all · from: config · to: every core folder · runs on: any thread
 */
#ifndef WH_BASE_SETTINGS_H
#define WH_BASE_SETTINGS_H

#include <apr.h>
#include <apr_time.h>

struct wh_retry_schedule_t;
struct wh_address_policy_t;

/** The default of WebhookLimit, for tools too, which know no configuration. */
#define WH_WEBHOOK_LIMIT 10000
#define WH_WEBHOOK_MEBIBYTES 16

/** WebhookClientCertificate: what webhooks may name. */
typedef struct wh_client_certificate_t {
    const char *name;
    const char *certificate_file; /**< PEM */
    const char *key_file;         /**< PEM, without a password */
} wh_client_certificate_t;

/** WebhookProxy with a name. */
typedef struct wh_proxy_t {
    const char *name;
    const char *url;
} wh_proxy_t;

/** One httpd has one dispatcher and so one of these. */
typedef struct wh_settings_t {
    const char *state_dir;       /**< absolute; mode 0700, server's user */
    const char *database_driver; /**< name of an apr_dbd driver */
    const char *database_params; /**< as apr_dbd_open() takes them */
    int threads;                 /**< delivery threads, 1 to 64 */
    int concurrency;             /**< transfers in flight, all threads */
    int endpoint_concurrency;    /**< transfers in flight to one webhook */
    int window;                  /**< deliveries held in memory, in total */
    int endpoint_window;         /**< deliveries held in memory, one webhook */
    int webhook_limit;           /**< webhooks stored; 0: no bound */
    apr_int64_t webhook_bytes;   /**< bytes of their texts; 0: no bound */
    apr_interval_time_t timeout; /**< one attempt, in total */
    apr_interval_time_t connect_timeout; /**< name, TCP and TLS together */
    apr_interval_time_t drain_timeout;   /**< transfers' time at a stop */
    apr_interval_time_t signal_timeout;  /**< a request waits so long for 204 */
    apr_interval_time_t retention;       /**< age at which rows are swept */
    apr_size_t max_body;  /**< largest WebhookMaxBody of all servers */
    const char *ca_file;  /**< authorities, PEM; NULL: the system's */
    const char *crl_file; /**< revoked certificates, PEM; NULL: not asked */
    const struct apr_array_header_t *client_certificates; /**< NULL: not known
                                                here, any name may be right */
    const struct apr_array_header_t *proxies;             /**< likewise */
    const char *proxy;  /**< URL for webhooks that name none; NULL: none */
    int tls_1_3;        /**< 1: nothing below TLS 1.3 */
    int http2;          /**< 1: HTTP/2 where the receiver has it */
    int require_https;  /**< 1: only https targets */
    int verify_tls;     /**< 0: certificates of targets are not verified */
    int probe;          /**< 1: active webhooks are tested before a save */
    int only_200;       /**< 1: only status 200 is a success, else any 2xx */
    double max_rate;    /**< deliveries a second to one webhook; 0: any */
    int disable_errors; /**< failed attempts in a row after which a webhook
                              may be TooManyErrors; 0: never */
    apr_interval_time_t disable_time; /**< and so long nothing but failures */
    int disable_drops;       /**< 1: what waits for it fails, 0: it is kept */
    const char *mail_server; /**< URL, smtp:// or smtps://; NULL: no mail */
    const char *mail_from;   /**< sender of mail, never NULL with a server */
    const struct wh_retry_schedule_t *retry;
    const struct wh_address_policy_t *addresses;
} wh_settings_t;

#endif
