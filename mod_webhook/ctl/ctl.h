/* SPDX-License-Identifier: Apache-2.0 */
/**
 * webhookctl: what its commands share.
 * Stage: ctl · from: a person or a script · to: store, deliver (test events)
 * runs on: the only thread of the program
 *
 * A command is a function that gets a wh_ctl_t, writes its result to standard
 * output and returns the exit status. Whatever fails is said by
 * wh_output_fail() once, where it is noticed.
 */
#ifndef WH_CTL_CTL_H
#define WH_CTL_CTL_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_tables.h>

#include "base/settings.h"
#include "ctl/option.h"
#include "store/store.h"

typedef struct wh_ctl_t {
    apr_pool_t *pool; /**< lives as long as the program */
    const wh_options_t *options;
    const char *const *arguments; /**< behind the name of the command */
    int argument_count;
    const char *user;       /**< whoever runs this */
    const char *context;    /**< NULL: all */
    int json;               /**< 1: machine form */
    wh_settings_t settings; /**< of the checks and of test events */
    wh_store_t *store;      /**< NULL for a command without a database */
} wh_ctl_t;

/** Runs a command. @return the exit status */
typedef int wh_ctl_fn_t(wh_ctl_t *ctl);

wh_ctl_fn_t wh_ctl_webhook_list, wh_ctl_webhook_show, wh_ctl_webhook_create,
    wh_ctl_webhook_update, wh_ctl_webhook_delete, wh_ctl_webhook_test;
wh_ctl_fn_t wh_ctl_event_list, wh_ctl_event_show;
wh_ctl_fn_t wh_ctl_delivery_list, wh_ctl_delivery_show;
wh_ctl_fn_t wh_ctl_tail, wh_ctl_replay, wh_ctl_check;
wh_ctl_fn_t wh_ctl_replay_list, wh_ctl_replay_show, wh_ctl_replay_cancel;
wh_ctl_fn_t wh_ctl_token_create, wh_ctl_token_list, wh_ctl_token_revoke;
wh_ctl_fn_t wh_ctl_app_create, wh_ctl_app_list, wh_ctl_app_delete;
wh_ctl_fn_t wh_ctl_help, wh_ctl_completion;

/**
 * Says why the storage did not do as it was told.
 * @param what was looked for, as "webhook 7", for APR_ENOENT
 * @return the exit status
 */
int wh_ctl_storage(apr_status_t rv, const char *what);

/** Says what is wrong with an option's value. @return WH_EXIT_USAGE */
int wh_ctl_bad_value(const wh_ctl_t *ctl, wh_option_t option);

/** The first argument as an id. @return 1, or 0: it is said what is wrong */
int wh_ctl_id(const wh_ctl_t *ctl, apr_int64_t *id, apr_int64_t most);

/** A number that an option gives; it stays as it is when there is none.
 * @return 1, or 0: it is said what is wrong */
int wh_ctl_number(const wh_ctl_t *ctl, apr_int64_t *number, wh_option_t option,
                  apr_int64_t least, apr_int64_t most);

/** 1 if text is UTF-8 without control characters, of 1 to most bytes. */
int wh_ctl_is_label(const char *text, apr_size_t most, apr_pool_t *pool);

#endif
