/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets beside the member Secret: those among the options in Properties.
 */
#include <apr_cstr.h>

#include "model/webhook_json.h"

/* A list of secrets that is none, written by hand, is hidden as a whole. */
static void hide_list(json_t *options, const char *name, json_t *list)
{
    json_t *item, *value;
    const char *member;
    void *next;
    size_t i;

    if (!json_is_array(list)) {
        json_object_set_new(options, name, json_null());
        return;
    }
    json_array_foreach(list, i, item)
    {
        if (!json_is_object(item)) {
            json_array_set_new(list, i, json_null());
            continue;
        }
        json_object_foreach_safe(item, next, member, value)
        {
            if (!apr_cstr_casecmp(member, WH_SECRET_MEMBER)) {
                json_object_set_new(item, member, json_null());
            }
        }
    }
}

void wh_webhook_json_hide(json_t *properties)
{
    const char *name, *option;
    json_t *value, *list;
    void *next, *after;

    json_object_foreach_safe(properties, next, name, value)
    {
        if (apr_cstr_casecmp(name, WH_OPTIONS_MEMBER)) {
            continue;
        }
        json_object_foreach_safe(value, after, option, list)
        {
            if (!apr_cstr_casecmp(option, WH_SECRETS_MEMBER)) {
                hide_list(value, option, list);
            }
        }
    }
}
