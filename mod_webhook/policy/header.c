/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/header.h"

#include <apr_cstr.h>
#include <string.h>

/* They frame the message or steer the connection (RFC 9110, RFC 9112): a
 * custom value would let the receiver read another request than we sent. */
static const char *const http_names[] = {"Connection",
                                         "Content-Encoding",
                                         "Content-Length",
                                         "Content-Range",
                                         "Expect",
                                         "Host",
                                         "HTTP2-Settings",
                                         "Keep-Alive",
                                         "TE",
                                         "Trailer",
                                         "Transfer-Encoding",
                                         "Upgrade",
                                         NULL};

static const char *const http_prefixes[] = {"Proxy-", NULL};

static const char *const sender_names[] = {"Content-Type", "User-Agent",
                                           "X-Hook-Test", NULL};

static const char *const sender_prefixes[] = {"X-SuperOffice-", NULL};

/* Built-in members of the payload (superoffice.md section 5.2). */
static const char *const members[] = {"EventId",
                                      "Timestamp",
                                      "Changes",
                                      "Values",
                                      "Event",
                                      "PrimaryKey",
                                      "Entity",
                                      "ContextIdentifier",
                                      "ChangedByAssociateId",
                                      "WebhookName",
                                      "FieldValues",
                                      NULL};

static int is_listed(const char *const *list, const char *name)
{
    for (; *list; list++) {
        if (!apr_cstr_casecmp(*list, name)) {
            return 1;
        }
    }
    return 0;
}

static int has_prefix(const char *const *prefixes, const char *name)
{
    for (; *prefixes; prefixes++) {
        if (!apr_cstr_casecmpn(*prefixes, name, strlen(*prefixes))) {
            return 1;
        }
    }
    return 0;
}

/* By ranges, not by ctype.h: another module may have set a locale. */
static int is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static int is_token(const char *text)
{
    if (!*text) {
        return 0;
    }
    for (; *text; text++) {
        if (!is_token_char(*text)) {
            return 0;
        }
    }
    return 1;
}

/* The grammar lets the tab in; bytes from 0x80 are UTF-8 of the owner's. */
static int has_control(const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return 1;
        }
    }
    return 0;
}

const char *wh_header_malformed(const char *name, const char *value)
{
    if (!is_token(name)) {
        return "is not a valid header name";
    }
    if (strlen(name) > WH_HEADER_SIZE_MAX) {
        return "has too long a name";
    }
    if (strlen(value) > WH_HEADER_SIZE_MAX) {
        return "has too long a value";
    }
    if (has_control(value)) {
        return "has a value with control characters";
    }
    if (is_listed(http_names, name) || has_prefix(http_prefixes, name)) {
        return "belongs to HTTP itself";
    }
    return NULL;
}

const char *wh_header_refusal(const char *name, const char *value)
{
    const char *problem = wh_header_malformed(name, value);

    if (problem) {
        return problem;
    }
    if (is_listed(sender_names, name) || has_prefix(sender_prefixes, name)) {
        return "is set by the sender";
    }
    return NULL;
}

const char *wh_property_refusal(const char *name)
{
    if (!*name) {
        return "has an empty name";
    }
    if (is_listed(members, name)) {
        return "is a built-in member";
    }
    return NULL;
}
