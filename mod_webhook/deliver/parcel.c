/* SPDX-License-Identifier: Apache-2.0 */
#include "deliver/parcel.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define HEAD_BEGIN "Content-Type: "
#define KIND_BEGIN "Kind: "

static apr_size_t head_of(const char *text)
{
    const char *end;

    if (strncmp(text, HEAD_BEGIN, sizeof(HEAD_BEGIN) - 1)) {
        return 0;
    }
    end = strstr(text, "\n\n");
    return end ? (apr_size_t)(end - text) + 2 : 0;
}

static int is_head(const char *head)
{
    int lines = 0;

    if (strncmp(head, HEAD_BEGIN, sizeof(HEAD_BEGIN) - 1) ||
        strstr(head, "\n\n") || strlen(head) > WH_PARCEL_HEAD_MAX) {
        return 0;
    }
    for (; *head; head++) {
        lines += *head == '\n';
    }
    return lines <= WH_PARCEL_HEAD_LINES && head[-1] == '\n';
}

apr_status_t wh_parcel_create(wh_parcel_t *parcel, const char *head,
                              const char *bytes, apr_size_t length)
{
    apr_size_t head_length = strlen(head);

    if (length > WH_PARCEL_BODY_MAX || memchr(bytes, '\0', length) ||
        !wh_text_is_utf8(bytes, length) ||
        (head_length ? !is_head(head) : *bytes != '{')) {
        return APR_EINVAL;
    }
    parcel->head = head_length ? head_length + 1 : 0;
    parcel->length = parcel->head + length;
    parcel->text = malloc(parcel->length + 1);
    if (!parcel->text) {
        return APR_ENOMEM;
    }
    memcpy(parcel->text, head, head_length);
    if (head_length) {
        parcel->text[head_length] = '\n';
    }
    memcpy(parcel->text + parcel->head, bytes, length);
    parcel->text[parcel->length] = '\0';
    return APR_SUCCESS;
}

char *wh_parcel_keep(wh_parcel_t *parcel, const char *kind)
{
    apr_size_t size = sizeof(KIND_BEGIN "\n") + strlen(kind) + parcel->length;
    char *text = parcel->text;

    wh_parcel_close(parcel);
    if (parcel->head) {
        text = malloc(size);
        if (!text) {
            return NULL;
        }
        apr_snprintf(text, size, KIND_BEGIN "%s\n", kind);
        memcpy(text + strlen(text), parcel->text, parcel->length + 1);
        free(parcel->text);
    }
    parcel->text = NULL;
    return text;
}

/* Of the line that tells the kind; 0: there is none. */
static apr_size_t kind_length(const char *text)
{
    return strncmp(text, KIND_BEGIN, sizeof(KIND_BEGIN) - 1)
               ? 0
               : strcspn(text, "\n");
}

int wh_parcel_is_of(const char *text, const char *kind)
{
    apr_size_t length = kind_length(text);
    int is_bare = !strcmp(kind, WH_PARCEL_BARE_KIND);

    if (!length) {
        return is_bare == (head_of(text) == 0);
    }
    text += sizeof(KIND_BEGIN) - 1;
    length -= sizeof(KIND_BEGIN) - 1;
    return strlen(kind) == length && !memcmp(text, kind, length);
}

void wh_parcel_read(wh_parcel_t *parcel, char *text)
{
    apr_size_t skipped = kind_length(text);

    if (skipped) {
        skipped += text[skipped] == '\n';
        memmove(text, text + skipped, strlen(text + skipped) + 1);
    }
    parcel->text = text;
    parcel->head = head_of(text);
    parcel->length = parcel->head + strlen(text + parcel->head);
}

static void replace(wh_parcel_t *parcel, char from, char to)
{
    apr_size_t i;

    for (i = 0; i < parcel->head; i++) {
        if (parcel->text[i] == from) {
            parcel->text[i] = to;
        }
    }
}

apr_status_t wh_parcel_open(wh_parcel_t *parcel, wh_header_list_t *list)
{
    apr_status_t rv = APR_SUCCESS;
    char *line = parcel->text;

    if (!parcel->head) {
        return wh_header_list_line(list, HEAD_BEGIN WH_PARCEL_CONTENT_TYPE);
    }
    replace(parcel, '\n', '\0');
    while (*line && rv == APR_SUCCESS) {
        rv = wh_header_list_line(list, line);
        line += strlen(line) + 1;
    }
    return rv;
}

void wh_parcel_close(wh_parcel_t *parcel)
{
    replace(parcel, '\0', '\n');
}
