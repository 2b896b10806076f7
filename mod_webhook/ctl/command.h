/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The one table of commands: what is run, what help and completion show.
 * Private to ctl/ · constant
 */
#ifndef WH_CTL_COMMAND_H
#define WH_CTL_COMMAND_H

#include "ctl/ctl.h"

typedef struct wh_command_t {
    const char *noun;
    const char *verb;      /**< NULL: the noun says it all */
    const char *arguments; /**< form of what comes behind, "" for nothing */
    int least;             /**< arguments */
    int most;
    int needs_database;
    wh_option_set_t options; /**< beside the global ones */
    wh_ctl_fn_t *run;
    const char *summary; /**< what it does, half a sentence */
} wh_command_t;

/** Options that every command takes. */
#define WH_GLOBAL_OPTIONS                                                      \
    (WH_OPTION_BIT(DATABASE) | WH_OPTION_BIT(CONTEXT) | WH_OPTION_BIT(JSON) |  \
     WH_OPTION_BIT(ALLOW_HTTP) | WH_OPTION_BIT(ALLOW_NETWORK) |                \
     WH_OPTION_BIT(DENY_NETWORK) | WH_OPTION_BIT(INSECURE) |                   \
     WH_OPTION_BIT(NO_PROBE) | WH_OPTION_BIT(HELP))

/** The table; its last row has no noun. */
const wh_command_t *wh_commands(void);

/**
 * Finds the command that the first words are.
 * @param words how many of them are its name
 * @return NULL: there is none
 */
const wh_command_t *wh_command_find(int *words, const char *const *arguments,
                                    int count);

/** 1 if a command of this noun is in the table. */
int wh_command_is_noun(const char *noun);

/** "webhook list", "tail". */
const char *wh_command_name(const wh_command_t *command, apr_pool_t *pool);

/** Prints what there is to say about a command. */
void wh_command_help(const wh_command_t *command, apr_pool_t *pool);

#endif
