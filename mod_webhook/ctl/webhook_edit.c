/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/webhook_edit.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/output.h"
#include "media/json.h"
#include "model/webhook_json.h"

/* A webhook's members together cannot be longer. */
#define FILE_MAX (1024 * 1024)

/* Members that are texts as they stand in an option. */
static const struct {
    wh_option_t option;
    const char *member;
} texts[] = {{WH_OPTION_NAME, "Name"},
             {WH_OPTION_TARGET, "TargetUrl"},
             {WH_OPTION_STATE, "State"},
             {WH_OPTION_TYPE, "Type"},
             {WH_OPTION_DESCRIPTION, "Description"},
             {WH_OPTION_NOTIFY_VIA, "NotifyVia"},
             {WH_OPTION_NOTIFY_WHEN, "NotifyWhen"}};

/* A whole file, with a NUL behind it; "-" is standard input. */
static int read_file(char **bytes, apr_size_t *length, const char *path,
                     apr_pool_t *pool)
{
    apr_file_t *file;
    apr_status_t rv;
    char reason[120];

    rv = strcmp(path, "-")
             ? apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BINARY,
                             APR_FPROT_OS_DEFAULT, pool)
             : apr_file_open_stdin(&file, pool);
    if (rv == APR_SUCCESS) {
        *bytes = apr_palloc(pool, FILE_MAX + 1);
        rv = apr_file_read_full(file, *bytes, FILE_MAX + 1, length);
        apr_file_close(file);
    }
    if (rv == APR_SUCCESS) {
        return wh_output_fail(WH_EXIT_FAILED, "%s: larger than %d bytes", path,
                              FILE_MAX);
    }
    if (rv != APR_EOF) {
        return wh_output_fail(WH_EXIT_FAILED, "%s: %s", path,
                              apr_strerror(rv, reason, sizeof(reason)));
    }
    (*bytes)[*length] = '\0';
    return WH_EXIT_DONE;
}

static int overlay(wh_webhook_t *webhook, const json_t *entity, wh_ctl_t *ctl)
{
    const char *message = NULL;

    if (wh_webhook_json_read(webhook, &message, entity, ctl->pool) !=
        APR_SUCCESS) {
        return wh_output_fail(WH_EXIT_FAILED, "%s", message);
    }
    return WH_EXIT_DONE;
}

static int read_entity(wh_webhook_t *webhook, const char *path, wh_ctl_t *ctl)
{
    const char *message = NULL;
    apr_size_t length = 0;
    char *bytes = NULL;
    json_t *entity;
    int status = read_file(&bytes, &length, path, ctl->pool);

    if (status != WH_EXIT_DONE) {
        return status;
    }
    if (wh_json_parse(&entity, &message, bytes, length, ctl->pool) !=
        APR_SUCCESS) {
        return wh_output_fail(WH_EXIT_FAILED, "%s: %s", path, message);
    }
    if (!json_is_object(entity)) {
        return wh_output_fail(WH_EXIT_FAILED,
                              "%s: must hold a webhook, a JSON object", path);
    }
    /* The old member counts only where the list that took its place says
     * nothing; the list that is stored would hide it. */
    if (json_is_string(wh_json_member(entity, "ErrorsEmail")) &&
        !wh_json_member(entity, "ErrorEmails")) {
        webhook->error_emails = NULL;
    }
    return overlay(webhook, entity, ctl);
}

/* Words parted by commas and blanks as an array. */
static json_t *split(const char *text, apr_pool_t *pool)
{
    json_t *array = json_array();
    char *rest = NULL, *word;

    for (word = apr_strtok(apr_pstrdup(pool, text), ", ", &rest); word;
         word = apr_strtok(NULL, ", ", &rest)) {
        json_array_append_new(array, json_string(word));
    }
    return array;
}

/* One "NAME=VALUE" of Headers or Properties into their object. */
static int set_member(json_t *object, wh_option_t option, const char *given,
                      apr_pool_t *pool)
{
    const char *equals = strchr(given, '=');
    const char *name, *message = NULL;
    json_t *value;

    if (!equals || equals == given) {
        return wh_output_fail(WH_EXIT_USAGE, "--%s: \"%s\" is not %s",
                              wh_option_row(option)->name, given,
                              wh_option_row(option)->value);
    }
    name = apr_pstrmemdup(pool, given, (apr_size_t)(equals - given));
    if (option == WH_OPTION_HEADER) {
        value = *++equals ? json_string(equals) : json_null();
        wh_json_own(value, pool);
    }
    else if (wh_json_parse(&value, &message, equals + 1, strlen(equals + 1),
                           pool) != APR_SUCCESS) {
        return wh_output_fail(WH_EXIT_USAGE, "--property: %s: %s", name,
                              message);
    }
    if (!value) {
        return wh_output_fail(WH_EXIT_USAGE, "--%s: %s: not a value",
                              wh_option_row(option)->name, name);
    }
    if (json_is_null(value)) {
        json_object_del(object, name);
    }
    else if (json_object_set(object, name, value) < 0) {
        return wh_output_fail(WH_EXIT_USAGE, "--%s: the name is not UTF-8",
                              wh_option_row(option)->name);
    }
    return WH_EXIT_DONE;
}

/* The stored object with what the option changes of it. */
static int edit_object(const char **text, json_t *entity, const char *member,
                       wh_option_t option, wh_ctl_t *ctl)
{
    const apr_array_header_t *given = ctl->options->values[option];
    json_t *object;
    int status = WH_EXIT_DONE;
    int i;

    if (!given) {
        return WH_EXIT_DONE;
    }
    object = *text ? json_loads(*text, 0, NULL) : NULL;
    object = json_is_object(object) ? object : json_object();
    for (i = 0; i < given->nelts && status == WH_EXIT_DONE; i++) {
        status = set_member(object, option,
                            APR_ARRAY_IDX(given, i, const char *), ctl->pool);
    }
    if (json_object_size(object) == 0) {
        *text = NULL;
        json_decref(object);
    }
    else {
        json_object_set_new(entity, member, object);
    }
    return status;
}

static int add_secret(json_t *entity, wh_webhook_t *webhook, wh_ctl_t *ctl)
{
    const char *secret = wh_option_text(ctl->options, WH_OPTION_SECRET);
    const char *path = wh_option_text(ctl->options, WH_OPTION_SECRET_FILE);
    apr_size_t length = 0;
    char *bytes = NULL;
    int status;

    if (secret && path) {
        return wh_output_fail(WH_EXIT_USAGE,
                              "either --secret or --secret-file");
    }
    if (path) {
        status = read_file(&bytes, &length, path, ctl->pool);
        if (status != WH_EXIT_DONE) {
            return status;
        }
        /* Editors end a file with a line end. */
        bytes[strcspn(bytes, "\r\n")] = '\0';
        secret = bytes;
        if (!*secret) {
            return wh_output_fail(WH_EXIT_FAILED, "%s: no secret in it", path);
        }
    }
    if (secret && !*secret) {
        webhook->secret = NULL;
    }
    else if (secret &&
             json_object_set_new(entity, "Secret", json_string(secret)) < 0) {
        return wh_output_fail(WH_EXIT_FAILED, "the secret is not UTF-8");
    }
    return WH_EXIT_DONE;
}

static int add_texts(json_t *entity, wh_ctl_t *ctl)
{
    apr_size_t i;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const char *text = wh_option_text(ctl->options, texts[i].option);

        if (text && json_object_set_new(entity, texts[i].member,
                                        json_string(text)) < 0) {
            return wh_output_fail(WH_EXIT_USAGE, "--%s: not UTF-8",
                                  wh_option_row(texts[i].option)->name);
        }
    }
    return WH_EXIT_DONE;
}

static int add_members(json_t *entity, wh_webhook_t *webhook, wh_ctl_t *ctl)
{
    const char *events = wh_option_text(ctl->options, WH_OPTION_EVENTS);
    const char *emails = wh_option_text(ctl->options, WH_OPTION_ERRORS_EMAIL);
    int status = add_texts(entity, ctl);

    if (events) {
        json_object_set_new(entity, "Events", split(events, ctl->pool));
    }
    if (emails) {
        json_object_set_new(entity, "ErrorEmails", split(emails, ctl->pool));
    }
    if (status == WH_EXIT_DONE) {
        status = add_secret(entity, webhook, ctl);
    }
    if (status == WH_EXIT_DONE) {
        status = edit_object(&webhook->headers, entity, "Headers",
                             WH_OPTION_HEADER, ctl);
    }
    if (status == WH_EXIT_DONE) {
        status = edit_object(&webhook->properties, entity, "Properties",
                             WH_OPTION_PROPERTY, ctl);
    }
    return status;
}

int wh_webhook_edit(wh_webhook_t *webhook, wh_ctl_t *ctl)
{
    const char *path = wh_option_text(ctl->options, WH_OPTION_FILE);
    json_t *entity = json_object();
    int status = WH_EXIT_DONE;

    if (!entity) {
        return wh_output_fail(WH_EXIT_FAILED, "out of memory");
    }
    wh_json_own(entity, ctl->pool);
    if (path) {
        status = read_entity(webhook, path, ctl);
    }
    if (status == WH_EXIT_DONE) {
        status = add_members(entity, webhook, ctl);
    }
    return status == WH_EXIT_DONE ? overlay(webhook, entity, ctl) : status;
}
