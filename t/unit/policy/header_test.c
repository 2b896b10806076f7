/* SPDX-License-Identifier: Apache-2.0 */
/* Custom headers and payload members. */
#include <apr_general.h>
#include <string.h>

#include "policy/header.h"
#include "unit/tap.h"

static const char invalid_name[] = "is not a valid header name";
static const char control[] = "has a value with control characters";
static const char of_http[] = "belongs to HTTP itself";
static const char of_sender[] = "is set by the sender";
static const char built_in[] = "is a built-in member";

static int is_token_byte(int byte)
{
    return strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                  "0123456789!#$%&'*+-.^_`|~",
                  byte) != NULL;
}

/* A NUL ends the text, so the bytes start at 1; it is no token on its own. */
static void test_name_bytes(void)
{
    int byte;

    for (byte = 1; byte < 256; byte++) {
        char name[] = {'X', '-', (char)byte, 'a', '\0'};
        char alone[] = {(char)byte, '\0'};
        const char *expected = is_token_byte(byte) ? NULL : invalid_name;

        is_str(wh_header_refusal(name, "v"), expected, "byte 0x%02x in a name",
               byte);
        is_str(wh_header_refusal(alone, "v"), expected, "byte 0x%02x as a name",
               byte);
    }
    is_str(wh_header_refusal("", "v"), invalid_name, "empty name");
}

static void test_value_bytes(void)
{
    int byte;

    for (byte = 1; byte < 256; byte++) {
        char value[] = {'a', (char)byte, 'z', '\0'};
        char alone[] = {(char)byte, '\0'};
        int bad = byte == 0x7f || (byte < 0x20 && byte != 0x09);

        is_str(wh_header_refusal("X-A", value), bad ? control : NULL,
               "byte 0x%02x in a value", byte);
        is_str(wh_header_refusal("X-A", alone), bad ? control : NULL,
               "byte 0x%02x as a value", byte);
    }
    is_str(wh_header_refusal("X-A", ""), NULL, "empty value");
    is_str(wh_header_refusal("X-A", "a\r\nInjected: 1"), control,
           "a second header behind a line end");
    is_str(wh_header_refusal("X-A", "a\n b"), control, "a folded value");
    is_str(wh_header_refusal("X-A: 1\r\nB", "v"), invalid_name,
           "a second header in the name");
}

static void test_sizes(void)
{
    static char text[WH_HEADER_SIZE_MAX + 2];

    memset(text, 'a', WH_HEADER_SIZE_MAX);
    is_str(wh_header_refusal("X-A", text), NULL, "value of 8192 bytes");
    is_str(wh_header_refusal(text, "v"), NULL, "name of 8192 bytes");
    text[WH_HEADER_SIZE_MAX] = 'a';
    is_str(wh_header_refusal("X-A", text), "has too long a value",
           "value of 8193 bytes");
    is_str(wh_header_refusal(text, "v"), "has too long a name",
           "name of 8193 bytes");
}

static void test_owned_names(void)
{
    static const struct {
        const char *name;
        const char *refusal;
    } rows[] = {{"Connection", of_http},
                {"Content-Encoding", of_http},
                {"Content-Length", of_http},
                {"content-length", of_http},
                {"CONTENT-LENGTH", of_http},
                {"Content-Range", of_http},
                {"Expect", of_http},
                {"Host", of_http},
                {"hOsT", of_http},
                {"HTTP2-Settings", of_http},
                {"Keep-Alive", of_http},
                {"TE", of_http},
                {"te", of_http},
                {"Trailer", of_http},
                {"Transfer-Encoding", of_http},
                {"Upgrade", of_http},
                {"Proxy-Authorization", of_http},
                {"proxy-connection", of_http},
                {"PROXY-X", of_http},
                {"Proxy-", of_http},
                {"Content-Type", of_sender},
                {"user-agent", of_sender},
                {"X-Hook-Test", of_sender},
                {"x-hook-test", of_sender},
                {"X-SuperOffice-Event", of_sender},
                {"X-SuperOffice-EventId", of_sender},
                {"X-SuperOffice-Retry", of_sender},
                {"X-SuperOffice-Signature", of_sender},
                {"x-superoffice-anything", of_sender},
                {"X-SuperOffice-", of_sender},
                /* near misses and what receivers do ask for */
                {"X-SuperOffice", NULL},
                {"X-SuperOfficeEvent", NULL},
                {"Proxy", NULL},
                {"X-Proxy-A", NULL},
                {"X-Host", NULL},
                {"Hos", NULL},
                {"Hosts", NULL},
                {"T", NULL},
                {"TEA", NULL},
                {"X-Hook-Test-2", NULL},
                {"X-Hook", NULL},
                {"Authorization", NULL},
                {"Accept", NULL},
                {"Cookie", NULL},
                {"X-Api-Key", NULL},
                {"Content-Language", NULL}};
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is_str(wh_header_refusal(rows[i].name, "v"), rows[i].refusal,
               "header %s", rows[i].name);
    }
}

static void test_members(void)
{
    static const struct {
        const char *name;
        const char *refusal;
    } rows[] = {{"", "has an empty name"},
                {"EventId", built_in},
                {"Timestamp", built_in},
                {"Changes", built_in},
                {"Values", built_in},
                {"Event", built_in},
                {"PrimaryKey", built_in},
                {"Entity", built_in},
                {"ContextIdentifier", built_in},
                {"ChangedByAssociateId", built_in},
                {"WebhookName", built_in},
                {"FieldValues", built_in},
                {"eventid", built_in},
                {"EVENTID", built_in},
                {"eventId", built_in},
                {"fieldVALUES", built_in},
                {"Even", NULL},
                {"Events", NULL},
                {"EventId ", NULL},
                {" ", NULL},
                {"Secret", NULL},
                {"\xc3\xa5", NULL},
                {"a\nb", NULL}};
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is_str(wh_property_refusal(rows[i].name), rows[i].refusal,
               "member number %d", (int)i);
    }
}

int main(void)
{
    apr_initialize();
    test_name_bytes();
    test_value_bytes();
    test_sizes();
    test_owned_names();
    test_members();
    apr_terminate();
    return done_testing();
}
