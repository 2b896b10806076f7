/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Options of the command line and their values.
 * Private to ctl/ · pure · one thread
 */
#ifndef WH_CTL_OPTION_H
#define WH_CTL_OPTION_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

#include "model/webhook.h"

/** What completion offers for a value besides a list of words. */
#define WH_VALUE_FILE "<file>"

#define WH_WEBHOOK_STATES "Active Stopped TooManyErrors"

/**
 * The one list of options: X(symbol, name, value, words, help). A value of
 * NULL: the option is a flag. Words are what completion offers, or NULL. One
 * name may stand here several times when commands mean different things by
 * it; it then takes a value in all of them.
 */
#define WH_OPTIONS(X)                                                          \
    X(DATABASE, "database", "FILE", WH_VALUE_FILE,                             \
      "database (default: $WEBHOOK_DATABASE, else " WH_DEFAULT_STATE_DIR       \
      "/webhook.db)")                                                          \
    X(CONTEXT, "context", "NAME", NULL, "tenant (default: Default)")           \
    X(ALL_CONTEXTS, "all-contexts", NULL, NULL, "all tenants")                 \
    X(JSON, "json", NULL, NULL, "machine form")                                \
    X(ALLOW_HTTP, "allow-http", NULL, NULL, "targets may be http:// too")      \
    X(ALLOW_NETWORK, "allow-network", "CIDR", NULL,                            \
      "network of targets that is not public; may be repeated")                \
    X(DENY_NETWORK, "deny-network", "CIDR", NULL,                              \
      "network that targets must not be in; may be repeated")                  \
    X(INSECURE, "insecure", NULL, NULL,                                        \
      "do not verify the certificate of a target")                             \
    X(NO_PROBE, "no-probe", NULL, NULL,                                        \
      "save an active webhook without a test event")                           \
    X(HELP, "help", NULL, NULL, "what there is to say about a command")        \
    X(VERSION, "version", NULL, NULL, "version of this program")               \
    X(FILE, "file", "FILE", WH_VALUE_FILE,                                     \
      "webhook as a JSON object; - is standard input")                         \
    X(NAME, "name", "NAME", NULL, "name")                                      \
    X(EVENTS, "events", "NAMES", NULL, "events to listen for, with commas")    \
    X(TARGET, "target", "URL", NULL, "where deliveries go")                    \
    X(SECRET, "secret", "TEXT", NULL,                                          \
      "key of signatures; empty: none; other users may see it in the list "    \
      "of processes")                                                          \
    X(SECRET_FILE, "secret-file", "FILE", WH_VALUE_FILE,                       \
      "file with the key; - is standard input")                                \
    X(HEADER, "header", "NAME=VALUE", NULL,                                    \
      "header to send along, an empty value removes it; may be repeated")      \
    X(PROPERTY, "property", "NAME=JSON", NULL,                                 \
      "member to add to the payload, null removes it; may be repeated")        \
    X(STATE, "state", "STATE", WH_WEBHOOK_STATES,                              \
      "Active, Stopped or TooManyErrors")                                      \
    X(TYPE, "type", "TYPE", WH_WEBHOOK_TYPES,                                  \
      "kind of delivery: webhook, standardwebhooks or cloudevents")            \
    X(DESCRIPTION, "description", "TEXT", NULL, "description")                 \
    X(ERRORS_EMAIL, "errors-email", "ADDRESSES", NULL,                         \
      "whom to write about failures, with commas")                             \
    X(NOTIFY_VIA, "notify-via", "WAYS", "None Email InApp",                    \
      "None, Email, InApp, with commas")                                       \
    X(NOTIFY_WHEN, "notify-when", "TIMES", "None FirstFailure Disabling",      \
      "None, FirstFailure, Disabling, with commas")                            \
    X(SHOW_SECRET, "show-secret", NULL, NULL, "show the key of signatures")    \
    X(EVENT, "event", "NAME", NULL, "only this event name")                    \
    X(EVENT_ID, "event", "ID", NULL, "only this event, by id or UUID")         \
    X(WEBHOOK, "webhook", "ID", NULL, "only this webhook")                     \
    X(DELIVERY_STATE, "state", "STATE", "pending delivered failed",            \
      "pending, delivered or failed")                                          \
    X(REPLAY_STATE, "state", "STATE", "failed delivered all",                  \
      "failed (default), delivered or all")                                    \
    X(LIMIT, "limit", "NUMBER", NULL, "how many to list (default: 50)")        \
    X(FOLLOW, "follow", NULL, NULL,                                            \
      "go on with what comes, until interrupted")                              \
    X(FOR, "for", "SECONDS", NULL, "end after this time")                      \
    X(SINCE, "since", "TIME", NULL, "only what came at or after this time")    \
    X(UNTIL, "until", "TIME", NULL, "only what came before this time")         \
    X(YES, "yes", NULL, NULL, "do it")                                         \
    X(ALL, "all", NULL, NULL, "no filter is meant")                            \
    X(NO_WAIT, "no-wait", NULL, NULL, "do not wait for the end")               \
    X(OWNER, "owner", "NAME", NULL, "user that the token stands for")          \
    X(SCOPE, "scope", "SCOPES", "signal manage read",                          \
      "signal, manage, read, with commas")                                     \
    X(TICKET, "ticket", NULL, NULL, "a ticket: each use prolongs it")          \
    X(EXPIRES, "expires", "TIME", NULL,                                        \
      "life from now on, such as 12h or 90d (default: a bearer token lives "   \
      "until it is revoked, a ticket 6h)")                                     \
    X(ASSOCIATE, "associate", "ID", NULL, "associate id of the owner")         \
    X(APP, "app", "ID", NULL, "application that the token belongs to")         \
    X(NO_WEBHOOK_ACCESS, "no-webhook-access", NULL, NULL,                      \
      "registered without access to the Webhook agent")

#define WH_OPTION_SYMBOL(symbol, name, value, words, help) WH_OPTION_##symbol,
typedef enum { WH_OPTIONS(WH_OPTION_SYMBOL) WH_OPTION_COUNT } wh_option_t;
#undef WH_OPTION_SYMBOL

/** A set of options: bit n is option n. */
typedef apr_uint64_t wh_option_set_t;
#define WH_OPTION_BIT(symbol) ((wh_option_set_t)1 << WH_OPTION_##symbol)

/** What the list says of an option. */
typedef struct wh_option_row_t {
    const char *name;
    const char *value; /**< NULL: a flag */
    const char *words; /**< for completion, or NULL */
    const char *help;
} wh_option_row_t;

const wh_option_row_t *wh_option_row(wh_option_t option);

/** A command line, taken apart. */
typedef struct wh_options_t {
    apr_array_header_t *given;                   /**< private to option.c */
    apr_array_header_t *values[WH_OPTION_COUNT]; /**< of const char *; NULL */
    apr_array_header_t *arguments; /**< of const char *: what is no option */
} wh_options_t;

/**
 * Takes a command line apart; options may stand anywhere before "--".
 * @param message set when refused
 * @return APR_SUCCESS or APR_EINVAL
 */
apr_status_t wh_options_parse(wh_options_t **options, const char **message,
                              int argc, const char *const *argv,
                              apr_pool_t *pool);

/** 1 if an option of this name was given, whatever the command. */
int wh_options_named(const wh_options_t *options, wh_option_t option);

/**
 * Gives each option the meaning it has for a command.
 * @param allowed those that the command takes
 * @return APR_SUCCESS, or APR_EINVAL and a message: one that it does not take
 */
apr_status_t wh_options_resolve(wh_options_t *options, const char **message,
                                wh_option_set_t allowed, apr_pool_t *pool);

/** 1 if it was given. */
int wh_option_given(const wh_options_t *options, wh_option_t option);

/** The last value given, or NULL. */
const char *wh_option_text(const wh_options_t *options, wh_option_t option);

/** A decimal number from least to most. @return 1, or 0: it is none */
int wh_value_number(apr_int64_t *number, const char *text, apr_int64_t least,
                    apr_int64_t most);

/** A time such as "90s", "15m", "12h", "90d", "2w". @return 1 or 0 */
int wh_value_duration(apr_interval_time_t *duration, const char *text);

/**
 * A point in time: ISO 8601 ("2026-01-31", "2026-01-31T12:00",
 * "2026-01-31T12:00:00Z", "...+02:00"; UTC unless it says else), or a
 * duration, which is meant back from now. @return 1 or 0
 */
int wh_value_time(apr_time_t *time, const char *text, apr_time_t now);

#endif
