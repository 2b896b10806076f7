/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/command.h"

#include <apr_strings.h>
#include <stdio.h>
#include <string.h>

#include "ctl/output.h"

#define BIT(symbol) WH_OPTION_BIT(symbol)

/* What a webhook can be made of. */
#define MEMBERS                                                                \
    (BIT(FILE) | BIT(NAME) | BIT(EVENTS) | BIT(TARGET) | BIT(SECRET) |         \
     BIT(SECRET_FILE) | BIT(HEADER) | BIT(PROPERTY) | BIT(STATE) | BIT(TYPE) | \
     BIT(DESCRIPTION) | BIT(ERRORS_EMAIL) | BIT(NOTIFY_VIA) |                  \
     BIT(NOTIFY_WHEN))

#define FILTER (BIT(ALL_CONTEXTS) | BIT(WEBHOOK) | BIT(EVENT))

static const wh_command_t commands[] = {
    {"webhook", "list", "", 0, 0, 1,
     BIT(ALL_CONTEXTS) | BIT(STATE) | BIT(EVENT) | BIT(NAME),
     wh_ctl_webhook_list, "list webhooks"},
    {"webhook", "show", "ID", 1, 1, 1, BIT(SHOW_SECRET), wh_ctl_webhook_show,
     "show a webhook"},
    {"webhook", "create", "", 0, 0, 1, MEMBERS, wh_ctl_webhook_create,
     "save a new webhook"},
    {"webhook", "update", "ID", 1, 1, 1, MEMBERS, wh_ctl_webhook_update,
     "change what is given of a webhook"},
    {"webhook", "delete", "ID", 1, 1, 1, 0, wh_ctl_webhook_delete,
     "delete a webhook; what waits for it ends"},
    {"webhook", "test", "ID", 1, 1, 1, 0, wh_ctl_webhook_test,
     "send the test event and show the answer"},
    {"event", "list", "", 0, 0, 1,
     BIT(ALL_CONTEXTS) | BIT(EVENT) | BIT(LIMIT) | BIT(FOLLOW),
     wh_ctl_event_list, "list events, the newest first"},
    {"event", "show", "ID", 1, 1, 1, 0, wh_ctl_event_show,
     "show an event, by id or UUID, with its deliveries"},
    {"delivery", "list", "", 0, 0, 1,
     FILTER | BIT(DELIVERY_STATE) | BIT(SINCE) | BIT(UNTIL) | BIT(LIMIT) |
         BIT(FOLLOW),
     wh_ctl_delivery_list, "list deliveries, the newest first"},
    {"delivery", "show", "ID", 1, 1, 1, 0, wh_ctl_delivery_show,
     "show a delivery with its attempts"},
    {"tail", NULL, "", 0, 0, 1, FILTER | BIT(FOR), wh_ctl_tail,
     "show new deliveries and attempts as they come"},
    {"replay", "list", "", 0, 0, 1, BIT(ALL_CONTEXTS) | BIT(WEBHOOK),
     wh_ctl_replay_list, "list replays of webhooks, the newest first"},
    {"replay", "show", "ID", 1, 1, 1, 0, wh_ctl_replay_show,
     "show a replay and how far it has come"},
    {"replay", "cancel", "ID", 1, 1, 1, 0, wh_ctl_replay_cancel,
     "end a replay; what is pending by then goes out"},
    {"replay", NULL, "", 0, 0, 1,
     BIT(ALL_CONTEXTS) | BIT(WEBHOOK) | BIT(EVENT_ID) | BIT(SINCE) |
         BIT(UNTIL) | BIT(REPLAY_STATE) | BIT(YES) | BIT(ALL) | BIT(NO_WAIT),
     wh_ctl_replay, "send deliveries that are done once more"},
    {"token", "create", "", 0, 0, 1,
     BIT(OWNER) | BIT(SCOPE) | BIT(TICKET) | BIT(EXPIRES) | BIT(ASSOCIATE) |
         BIT(APP),
     wh_ctl_token_create, "make a token and show it, this once"},
    {"token", "list", "", 0, 0, 1, BIT(ALL_CONTEXTS), wh_ctl_token_list,
     "list tokens"},
    {"token", "revoke", "ID", 1, 1, 1, 0, wh_ctl_token_revoke,
     "revoke a token"},
    {"app", "create", "", 0, 0, 1, BIT(NAME) | BIT(NO_WEBHOOK_ACCESS),
     wh_ctl_app_create, "register an application and show its secret, once"},
    {"app", "list", "", 0, 0, 1, BIT(ALL_CONTEXTS), wh_ctl_app_list,
     "list applications"},
    {"app", "delete", "ID", 1, 1, 1, 0, wh_ctl_app_delete,
     "delete an application and its tokens"},
    {"check", NULL, "", 0, 0, 1, 0, wh_ctl_check,
     "look the database over: schema, integrity, orphans"},
    {"completion", NULL, "SHELL", 1, 1, 0, 0, wh_ctl_completion,
     "print completion for a shell: bash"},
    {"help", NULL, "[COMMAND]", 0, 2, 0, 0, wh_ctl_help,
     "say what there is, or more about one command"},
    {NULL, NULL, NULL, 0, 0, 0, 0, NULL, NULL}};

const wh_command_t *wh_commands(void)
{
    return commands;
}

const wh_command_t *wh_command_find(int *words, const char *const *arguments,
                                    int count)
{
    const wh_command_t *command;

    for (command = commands; count > 0 && command->noun; command++) {
        if (strcmp(command->noun, arguments[0])) {
            continue;
        }
        if (!command->verb) {
            *words = 1;
            return command;
        }
        if (count > 1 && !strcmp(command->verb, arguments[1])) {
            *words = 2;
            return command;
        }
    }
    return NULL;
}

int wh_command_is_noun(const char *noun)
{
    const wh_command_t *command = commands;

    while (command->noun && strcmp(command->noun, noun)) {
        command++;
    }
    return command->noun != NULL;
}

const char *wh_command_name(const wh_command_t *command, apr_pool_t *pool)
{
    return command->verb
               ? apr_pstrcat(pool, command->noun, " ", command->verb, NULL)
               : command->noun;
}

#define OPTION_COLUMN 28

static void print_options(wh_option_set_t set)
{
    int i;

    for (i = 0; i < WH_OPTION_COUNT; i++) {
        const wh_option_row_t *row = wh_option_row((wh_option_t)i);
        int width;

        if (!(set & (wh_option_set_t)1 << i)) {
            continue;
        }
        width = printf("  --%s%s%s", row->name, row->value ? " " : "",
                       row->value ? row->value : "");
        if (width >= OPTION_COLUMN) {
            printf("\n");
            width = 0;
        }
        printf("%*s%s\n", OPTION_COLUMN - width, "", row->help);
    }
}

void wh_command_help(const wh_command_t *command, apr_pool_t *pool)
{
    printf("Usage: webhookctl %s%s%s [OPTION...]\n\n%s: %s.\n",
           wh_command_name(command, pool), *command->arguments ? " " : "",
           command->arguments, wh_command_name(command, pool),
           command->summary);
    if (command->options) {
        printf("\nOptions:\n");
        print_options(command->options);
    }
    printf("\nOptions of every command:\n");
    print_options(WH_GLOBAL_OPTIONS);
}

static void print_commands(const char *noun, apr_pool_t *pool)
{
    const wh_command_t *command;

    for (command = commands; command->noun; command++) {
        if (noun && strcmp(noun, command->noun)) {
            continue;
        }
        printf("  %-16s %-10s %s\n", wh_command_name(command, pool),
               command->arguments, command->summary);
    }
}

static int help_all(wh_ctl_t *ctl)
{
    printf("Usage: webhookctl COMMAND [ARGUMENT...] [OPTION...]\n\n"
           "Shows and changes what mod_webhook has stored.\n\nCommands:\n");
    print_commands(NULL, ctl->pool);
    printf("\nOptions of every command:\n");
    print_options(WH_GLOBAL_OPTIONS);
    printf("\nWithout a command:\n");
    print_options(BIT(VERSION));
    printf("\nExit status: 0 done, 1 refused or not found, 2 wrong use, "
           "3 no storage.\n");
    return WH_EXIT_DONE;
}

int wh_ctl_help(wh_ctl_t *ctl)
{
    const char *const *arguments = ctl->arguments;
    const wh_command_t *command;
    int words;

    if (ctl->argument_count == 0) {
        return help_all(ctl);
    }
    command = wh_command_find(&words, arguments, ctl->argument_count);
    if (command && words == ctl->argument_count) {
        wh_command_help(command, ctl->pool);
        return WH_EXIT_DONE;
    }
    if (ctl->argument_count == 1 && wh_command_is_noun(arguments[0])) {
        print_commands(arguments[0], ctl->pool);
        return WH_EXIT_DONE;
    }
    return wh_output_fail(WH_EXIT_USAGE, "there is no command %s%s%s",
                          arguments[0], ctl->argument_count > 1 ? " " : "",
                          ctl->argument_count > 1 ? arguments[1] : "");
}
