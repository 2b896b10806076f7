/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>

#include "ctl/command.h"
#include "ctl/output.h"

/* Finds noun and verb among the words before the cursor; what an option takes
 * is none of them. Works without the package bash-completion. */
static const char head[] =
    "# bash completion for webhookctl; made by \"webhookctl completion bash\"\n"
    "_webhookctl()\n"
    "{\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
    "    local noun= verb= options= words= i\n"
    "    COMPREPLY=()\n"
    "    if [[ $cur == = ]]; then\n"
    "        cur=\n"
    "    elif [[ $prev == = && $COMP_CWORD -gt 1 ]]; then\n"
    "        prev=${COMP_WORDS[COMP_CWORD-2]}\n"
    "    fi\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        case ${COMP_WORDS[i]} in\n";

static const char middle[] =
    ")\n"
    "            [[ ${COMP_WORDS[i+1]} == = ]] && ((i++))\n"
    "            ((i++)) ;;\n"
    "        -*|=) ;;\n"
    "        *)\n"
    "            if [[ -z $noun ]]; then\n"
    "                noun=${COMP_WORDS[i]}\n"
    "            elif [[ -z $verb ]]; then\n"
    "                verb=${COMP_WORDS[i]}\n"
    "            fi ;;\n"
    "        esac\n"
    "    done\n";

static const char tail[] =
    "    if [[ $cur == -* ]]; then\n"
    "        COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
    "    else\n"
    "        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
    "    fi\n"
    "}\n"
    "complete -F _webhookctl webhookctl\n";

static void print_option_names(wh_option_set_t set)
{
    int i;

    for (i = 0; i < WH_OPTION_COUNT; i++) {
        if (set & (wh_option_set_t)1 << i) {
            printf(" --%s", wh_option_row((wh_option_t)i)->name);
        }
    }
}

/* "--a|--b": all that take a value. */
static void print_value_options(void)
{
    const char *bar = "        ";
    int i;

    for (i = 0; i < WH_OPTION_COUNT; i++) {
        if (wh_option_row((wh_option_t)i)->value) {
            printf("%s--%s", bar, wh_option_row((wh_option_t)i)->name);
            bar = "|";
        }
    }
}

static int is_first_of_noun(const wh_command_t *command)
{
    return command == wh_commands() || strcmp(command->noun, command[-1].noun);
}

/* What may stand behind an option of a command. */
static void print_values(wh_option_set_t set)
{
    int i;

    printf("        case $prev in\n");
    for (i = 0; i < WH_OPTION_COUNT; i++) {
        const wh_option_row_t *row = wh_option_row((wh_option_t)i);

        if (!(set & (wh_option_set_t)1 << i) || !row->value) {
            continue;
        }
        if (row->words && strcmp(row->words, WH_VALUE_FILE)) {
            printf("        --%s) COMPREPLY=($(compgen -W '%s' -- \"$cur\"))\n"
                   "            return ;;\n",
                   row->name, row->words);
        }
        else {
            printf("        --%s) %s\n            return ;;\n", row->name,
                   row->words ? "COMPREPLY=($(compgen -f -- \"$cur\"))" : "");
        }
    }
    printf("        esac ;;\n");
}

/* What may stand first, or behind a noun. */
static void print_words(void)
{
    const wh_command_t *command, *other;

    printf("    case \"$noun\" in\n    '') words='");
    for (command = wh_commands(); command->noun; command++) {
        if (is_first_of_noun(command)) {
            printf("%s%s", command == wh_commands() ? "" : " ", command->noun);
        }
    }
    printf("'\n        options='--help --version'\n");
    print_values(WH_GLOBAL_OPTIONS);
    for (command = wh_commands(); command->noun; command++) {
        if (!command->verb || !is_first_of_noun(command)) {
            continue;
        }
        printf("    %s) [[ -n $verb ]] || words='", command->noun);
        for (other = command;
             other->noun && !strcmp(other->noun, command->noun); other++) {
            if (other->verb) {
                printf("%s%s", other == command ? "" : " ", other->verb);
            }
        }
        printf("' ;;\n");
    }
    printf("    completion) [[ -n $verb ]] || words=bash ;;\n    esac\n");
}

static void print_commands(apr_pool_t *pool)
{
    const wh_command_t *command;

    printf("    case \"$noun${verb:+ $verb}\" in\n");
    for (command = wh_commands(); command->noun; command++) {
        wh_option_set_t set = WH_GLOBAL_OPTIONS | command->options;

        printf("    '%s'%s)\n        options='", wh_command_name(command, pool),
               command->verb
                   ? ""
                   : apr_pstrcat(pool, "|'", command->noun, " '*", NULL));
        print_option_names(set);
        printf("'\n");
        print_values(set);
    }
    printf("    esac\n");
}

int wh_ctl_completion(wh_ctl_t *ctl)
{
    if (strcmp(ctl->arguments[0], "bash")) {
        return wh_output_fail(WH_EXIT_USAGE,
                              "there is completion for bash only, not for %s",
                              ctl->arguments[0]);
    }
    fputs(head, stdout);
    print_value_options();
    fputs(middle, stdout);
    print_words();
    print_commands(ctl->pool);
    fputs(tail, stdout);
    return WH_EXIT_DONE;
}
