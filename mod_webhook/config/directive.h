/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The one list of directives: command table, scopes, ranges and defaults come
 * from it. Private to config/.
 *
 * A configuration is kept as text, as the setters wrote it once they had
 * checked it; defaults are text too, so both go through the same readers.
 */
#ifndef WH_CONFIG_DIRECTIVE_H
#define WH_CONFIG_DIRECTIVE_H

#include <apr_general.h>
#include <httpd.h>
#include <ap_expr.h>
#include <http_config.h>

#include "base/settings.h"
#include "policy/retry.h"

#ifndef WH_DEFAULT_STATE_DIR
#define WH_DEFAULT_STATE_DIR "/var/lib/mod_webhook"
#endif

/** Longest name of a tenant, in bytes. */
#define WH_CONTEXT_MAX 100

/** The value of WebhookProfile that is not the default. */
#define WH_PROFILE_SUPEROFFICE "superoffice"

/** "number size", as WebhookLimit is written. */
#define WH_LIMIT_DEFAULT                                                       \
    APR_STRINGIFY(WH_WEBHOOK_LIMIT) " " APR_STRINGIFY(WH_WEBHOOK_MEBIBYTES) "M"

/** "time number", as WebhookDisableAfter is written. */
#define WH_DISABLE_DEFAULT "5d 9"

/** The value of WebhookDisableAfter that disables nothing. */
#define WH_DISABLE_NEVER "never"

/** The values of WebhookWhenDisabled. */
#define WH_DISABLED_HOLD "hold"
#define WH_DISABLED_DROP "drop"

/** The channel's socket in the state directory. */
#define WH_CHANNEL_FILE "/channel.sock"

/**
 * X(symbol, name, scope, arguments, setter, least, most, default, help)
 *
 * scope: SERVER (main server and virtual hosts) or MAIN (main server only);
 * arguments: as in AP_INIT_<arguments>; least, most: range of what the setter
 * reads, NULL where it has none; help: a sentence for "apache2 -L".
 */
#define WH_DIRECTIVES(X)                                                       \
    X(ENGINE, "WebhookEngine", SERVER, FLAG, set_flag, NULL, NULL, "Off",      \
      "On: this server answers the webhook API")                               \
    X(BASE_PATH, "WebhookBasePath", SERVER, TAKE1, set_base_path, NULL, NULL,  \
      "/api/v1", "Path before /Webhook, with a leading slash")                 \
    X(CONTEXT, "WebhookContext", SERVER, TAKE1, set_context, NULL, NULL,       \
      "Default", "Expression that gives the tenant of a request, or its name") \
    X(ONLINE_RESTRICTED, "WebhookOnlineRestricted", SERVER, FLAG, set_flag,    \
      NULL, NULL, "Off",                                                       \
      "On: only applications registered with access are answered")             \
    X(MAX_BODY, "WebhookMaxBody", SERVER, TAKE1, set_size, "1K", "64M",        \
      "256K", "Largest request body in bytes, K or M")                         \
    X(STATE_DIR, "WebhookStateDir", MAIN, TAKE1, set_state_dir, NULL, NULL,    \
      WH_DEFAULT_STATE_DIR, "Directory of the database and the channel")       \
    X(DATABASE, "WebhookDatabase", MAIN, TAKE2, set_database, NULL, NULL,      \
      "sqlite3 webhook.db", "Driver and parameters of the database")           \
    X(THREADS, "WebhookThreads", MAIN, TAKE1, set_number, "1", "64", "2",      \
      "Number of delivery threads")                                            \
    X(CONCURRENCY, "WebhookConcurrency", MAIN, TAKE1, set_number, "1",         \
      "10000", "1024",                                                         \
      "Most transfers at one time that are answered within a second")          \
    X(ENDPOINT_CONCURRENCY, "WebhookEndpointConcurrency", MAIN, TAKE1,         \
      set_number, "1", "1000", "16",                                           \
      "Most transfers at one time to one webhook")                             \
    X(WINDOW, "WebhookWindow", MAIN, TAKE12, set_window, "16", "1000000",      \
      "10000 1000", "Most deliveries in memory, in total and for one webhook") \
    X(LIMIT, "WebhookLimit", MAIN, TAKE12, set_limit, "1", "1000000",          \
      WH_LIMIT_DEFAULT, "Most webhooks, and most bytes of all their texts")    \
    X(TIMEOUT, "WebhookTimeout", MAIN, TAKE1, set_time, "1s", "10m", "30s",    \
      "Longest time of one attempt")                                           \
    X(CONNECT_TIMEOUT, "WebhookConnectTimeout", MAIN, TAKE1, set_time,         \
      "100ms", "10m", "5s", "Longest time to reach a target, TLS included")    \
    X(DRAIN_TIMEOUT, "WebhookDrainTimeout", MAIN, TAKE1, set_time, "0", "60s", \
      "5s", "Time that transfers have to end at a stop or restart")            \
    X(SIGNAL_TIMEOUT, "WebhookSignalTimeout", MAIN, TAKE1, set_time, "100ms",  \
      "60s", "5s", "Longest time a request waits until its event is stored")   \
    X(RETENTION, "WebhookRetention", MAIN, TAKE1, set_time, "1h", "30d", "7d", \
      "Age at which events and their deliveries are removed")                  \
    X(RETRY, "WebhookRetry", MAIN, RAW_ARGS, set_retry, NULL, NULL,            \
      WH_RETRY_DEFAULT, "Waits between the attempts of a delivery")            \
    X(MAX_RATE, "WebhookMaxRate", MAIN, TAKE1, set_number, "0", "100000", "0", \
      "Most deliveries a second to one webhook; 0: as many as it takes")       \
    X(DISABLE_AFTER, "WebhookDisableAfter", MAIN, TAKE12, set_disable_after,   \
      "1", "1000000", WH_DISABLE_DEFAULT,                                      \
      "Time and number of failures in a row that disable a webhook; or never") \
    X(WHEN_DISABLED, "WebhookWhenDisabled", MAIN, TAKE1, set_when_disabled,    \
      NULL, NULL, "hold",                                                      \
      "hold or drop: what is done with the deliveries of a disabled webhook")  \
    X(REQUIRE_HTTPS, "WebhookRequireHTTPS", MAIN, FLAG, set_flag, NULL, NULL,  \
      "On", "On: only https targets")                                          \
    X(VERIFY_TLS, "WebhookVerifyTLS", MAIN, FLAG, set_flag, NULL, NULL, "On",  \
      "Off: certificates of targets are not verified")                         \
    X(PROBE, "WebhookProbe", MAIN, FLAG, set_flag, NULL, NULL, "On",           \
      "On: an active webhook is saved only if its target answers a test")      \
    X(PROFILE, "WebhookProfile", MAIN, TAKE1, set_profile, NULL, NULL,         \
      "durable", "durable, or superoffice: the original's weaker rules")       \
    X(MAIL_SERVER, "WebhookMailServer", MAIN, TAKE1, set_mail_server, NULL,    \
      NULL, "none", "URL of the mail server, smtp:// or smtps://")             \
    X(MAIL_FROM, "WebhookMailFrom", MAIN, TAKE1, set_mail_from, NULL, NULL,    \
      "none", "Sender of mail about failing webhooks")                         \
    X(CA_FILE, "WebhookCACertificateFile", MAIN, TAKE1, set_pem_file, NULL,    \
      NULL, "none",                                                            \
      "Certificates of authorities that vouch for targets, instead of the "    \
      "system's")                                                              \
    X(CRL_FILE, "WebhookCARevocationFile", MAIN, TAKE1, set_pem_file, NULL,    \
      NULL, "none", "Lists of certificates that authorities have revoked")     \
    X(MIN_TLS, "WebhookMinTLS", MAIN, TAKE1, set_min_tls, NULL, NULL, "1.2",   \
      "Lowest version of TLS, 1.2 or 1.3")                                     \
    X(CLIENT_CERTIFICATE, "WebhookClientCertificate", MAIN, TAKE3,             \
      add_client_certificate, NULL, NULL, "none",                              \
      "Name, certificate file and key file that webhooks may ask for")         \
    X(HTTP2, "WebhookHTTP2", MAIN, FLAG, set_flag, NULL, NULL, "Off",          \
      "On: HTTP/2 is spoken with targets that have it")                        \
    X(PROXY, "WebhookProxy", MAIN, TAKE12, add_proxy, NULL, NULL, "none",      \
      "Proxy for all webhooks, or a name and the proxy that may be asked for") \
    X(ALLOW_NETWORK, "WebhookAllowNetwork", MAIN, ITERATE, add_network, NULL,  \
      NULL, "none",                                                            \
      "Networks that may be called although they are not public")              \
    X(DENY_NETWORK, "WebhookDenyNetwork", MAIN, ITERATE, refuse_network, NULL, \
      NULL, "none", "Networks that are never called")

#define WH_DIRECTIVE_SYMBOL(symbol, ...) WH_DIRECTIVE_##symbol,
/** WH_DIRECTIVE_ENGINE and so on: index in wh_directives and in the texts. */
typedef enum {
    WH_DIRECTIVES(WH_DIRECTIVE_SYMBOL) WH_DIRECTIVE_COUNT
} wh_directive_index_t;
#undef WH_DIRECTIVE_SYMBOL

typedef enum { WH_SCOPE_SERVER, WH_SCOPE_MAIN } wh_scope_t;

/** One row of the list. */
typedef struct wh_directive_t {
    wh_directive_index_t index;
    const char *name;
    wh_scope_t scope;
    const char *least;
    const char *most;
    const char *standard; /**< the default's text */
} wh_directive_t;

extern const wh_directive_t wh_directives[WH_DIRECTIVE_COUNT];

/** What one server says; NULL: nothing, the merge or the default decides. */
struct wh_server_config_t {
    const char *texts[WH_DIRECTIVE_COUNT];
    const ap_expr_info_t *context; /**< WebhookContext; NULL: the default */
};

/** The text that counts for a server: its own, merged, or the default. */
const char *wh_directive_text(const server_rec *s, wh_directive_index_t index);

/** The check_config hook (check.c). */
int wh_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                    server_rec *s);

#endif
