/* SPDX-License-Identifier: Apache-2.0 */
/* The table of kinds, and what each built-in one makes of an event. */
#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "deliver/handshake.h"
#include "deliver/kind.h"
#include "deliver/target.h"
#include "model/webhook_json.h"
#include "unit/tap.h"

/* 2026-01-02T03:04:05Z */
#define TIME APR_INT64_C(1767323045000000)

#define UUID "8f4a1c52-6d0b-4c39-9a53-0b7a3c1d2e4f"

static apr_pool_t *pool;
static wh_settings_t settings;

/* -- the table ------------------------------------------------------------ */

static apr_status_t render_nothing(wh_parcel_t *parcel,
                                   const wh_attempt_t *attempt)
{
    (void)parcel;
    (void)attempt;
    return APR_ENOENT;
}

static void test_table(void)
{
    static const wh_kind_t taken = {.name = "WebHook"};
    static wh_kind_t others[WH_KIND_ADDED_MAX + 1];
    int i;

    is_str(wh_kind_find(NULL)->name, "webhook", "the default");
    is_str(wh_kind_find("WEBHOOK")->name, "webhook", "in any case");
    ok(!wh_kind_find("crmscript") && !wh_kind_find(""), "others are none");
    is_str(wh_kind_names(pool), "webhook, standardwebhooks or cloudevents",
           "the names");
    is_int(wh_kind_add(&taken), APR_EEXIST, "a name that is taken");
    for (i = 0; i <= WH_KIND_ADDED_MAX; i++) {
        others[i].name = apr_psprintf(pool, "other%d", i);
        others[i].render = render_nothing;
        is_int(wh_kind_add(&others[i]),
               i < WH_KIND_ADDED_MAX ? APR_SUCCESS : APR_ENOSPC, "kind %d", i);
    }
    ok(wh_kind_find("OTHER3") == &others[3], "it is found");
    wh_kind_forget();
    ok(!wh_kind_find("other3"), "until it is forgotten");
}

/* The schema of a webhook and the command line tool know them by name. */
static void test_lists(void)
{
    const char *joined = "";
    wh_field_t field;
    int i;

    for (i = 0; wh_webhook_json_field(&field, i); i++) {
        if (!strcmp(field.name, "Type")) {
            const char *const *name;

            for (name = field.names; *name; name++) {
                joined = apr_pstrcat(pool, joined, *joined ? " " : "",
                                     wh_kind_find(*name)->name, NULL);
            }
        }
    }
    is_str(joined, WH_WEBHOOK_TYPES, "the lists of types agree");
    is_int((int)strlen(joined) + 4, (int)strlen(wh_kind_names(pool)),
           "... and have all that are built in");
}

static void test_success(void)
{
    static const int statuses[] = {200, 202, 204, 299, 300, 500};
    size_t i;

    for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        int status = statuses[i];

        settings.only_200 = 1;
        is_int(wh_kind_succeeds(&wh_kind_superoffice, status, &settings),
               status == 200, "webhook, only 200: %d", status);
        is_int(wh_kind_succeeds(&wh_kind_standard, status, &settings),
               status < 300, "standardwebhooks: %d", status);
        settings.only_200 = 0;
        is_int(wh_kind_succeeds(&wh_kind_superoffice, status, &settings),
               status < 300, "webhook: %d", status);
    }
}

/* -- parcels -------------------------------------------------------------- */

static void test_parcel(void)
{
    static const char head[] = "Content-Type: text/x\nX-A: b\nX-Empty;\n";
    static wh_header_list_t list;
    wh_parcel_t parcel, again;
    char *text;

    is_int(wh_parcel_create(&parcel, head, "a\n\nb", 4), APR_SUCCESS, "made");
    is_str(parcel.text, "Content-Type: text/x\nX-A: b\nX-Empty;\n\na\n\nb",
           "as it is stored");
    wh_parcel_read(&again, parcel.text);
    ok(again.head == parcel.head && again.length == parcel.length,
       "read as what it is");
    wh_header_list_begin(&list);
    is_int(wh_parcel_open(&again, &list), APR_SUCCESS, "opened");
    is_int(list.count, 3, "its lines");
    is_str(list.nodes[1].data, "X-A: b", "... one of them");
    is_str(again.text + again.head, "a\n\nb", "... its body");
    wh_parcel_close(&again);
    is_str(again.text, "Content-Type: text/x\nX-A: b\nX-Empty;\n\na\n\nb",
           "closed again");
    text = wh_parcel_keep(&again, "one");
    is_str(text, "Kind: one\nContent-Type: text/x\nX-A: b\nX-Empty;\n\na\n\nb",
           "kept with its kind");
    ok(wh_parcel_is_of(text, "one") && !wh_parcel_is_of(text, "on") &&
           !wh_parcel_is_of(text, "one1") && !wh_parcel_is_of(text, "webhook"),
       "which is told");
    wh_parcel_read(&again, text);
    is_str(again.text, "Content-Type: text/x\nX-A: b\nX-Empty;\n\na\n\nb",
           "and taken out again");
    ok(wh_parcel_is_of(again.text, "one") &&
           !wh_parcel_is_of(again.text, "webhook"),
       "without it any kind but one may be meant");
    free(text);
    ok(wh_parcel_is_of("{\"Kind: \":1}", "webhook") &&
           !wh_parcel_is_of("{}", "one"),
       "a body alone is of that one");

    is_int(wh_parcel_create(&parcel, "", "{}", 2), APR_SUCCESS, "a body alone");
    is_int((int)parcel.head, 0, "... has no head");
    wh_header_list_begin(&list);
    wh_parcel_open(&parcel, &list);
    is_str(list.nodes[0].data, "Content-Type: application/json; charset=utf-8",
           "... but a type");
    free(parcel.text);
}

static void test_no_parcel(void)
{
    static const struct {
        const char *head;
        const char *body;
        apr_size_t length;
    } rows[] = {{"", "text", 4},
                {"X-A: b\n", "{}", 2},
                {"Content-Type: a", "{}", 2},
                {"Content-Type: a\n\nX: y\n", "{}", 2},
                {"Content-Type: a\n", "a\0b", 3},
                {"Content-Type: a\n", "\xff", 1}};
    wh_parcel_t parcel;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is_int(wh_parcel_create(&parcel, rows[i].head, rows[i].body,
                                rows[i].length),
               APR_EINVAL, "row %d is none", (int)i);
    }
}

static void test_full_list(void)
{
    static wh_header_list_t list;
    char text[WH_HEADER_LIST_BYTES];
    int i;

    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    wh_header_list_begin(&list);
    ok(!wh_header_list_join(&list, NULL), "an empty list is none");
    is_int(wh_header_list_add(&list, "X: %s", text), APR_ENOSPC,
           "a text that is too long");
    is_int(list.count, 0, "... is not there");
    for (i = 0; i < WH_HEADER_LIST_LINES; i++) {
        wh_header_list_line(&list, "X: y");
    }
    is_int(wh_header_list_line(&list, "X: y"), APR_ENOSPC, "a line too much");
}

/* -- what a kind makes ---------------------------------------------------- */

static wh_event_t event = {.uuid = UUID,
                           .time = TIME + 678900,
                           .primary_key = 7,
                           .associate_id = 5,
                           .name = "webhook12.stopped",
                           .context = "a b/\xc3\xa9\"",
                           .changes = "[\"x\"]",
                           .data = "{\"x\":0.1,\"Entity\":\"other\"}",
                           .idempotency = ""};

static const char *render(const char *type, const char *properties)
{
    wh_webhook_t webhook = {.id = 7,
                            .context = event.context,
                            .name = "n",
                            .type = type,
                            .properties = properties};
    wh_target_t *target = wh_target_create(&webhook);
    wh_attempt_t attempt = {
        .kind = target->kind, .target = target, .event = &event};
    wh_parcel_t parcel = {.text = NULL};
    const char *copy = NULL;

    is_int(target->kind->render(&parcel, &attempt), APR_SUCCESS, "%s", type);
    copy = apr_pstrdup(pool, parcel.text);
    free(parcel.text);
    wh_target_release(target);
    return copy;
}

#define BINARY "\"CloudEventsMode\":\"binary\""
#define OPTIONS(text) "{\"mod_webhook\":{" text "}}"

static void test_render(void)
{
    is_str(render("webhook", OPTIONS("\"IncludeValues\":\"true\"")),
           "{\"EventId\":\"" UUID "\",\"Timestamp\":\"2026-01-02T03:04:05.6789Z"
           "\",\"Changes\":[\"x\"],\"Values\":{\"x\":0.1,\"Entity\":\"other\"},"
           "\"Event\":\"webhook.stopped\",\"PrimaryKey\":7,\"Entity\":"
           "\"webhook\",\"ContextIdentifier\":\"a b/\xc3\xa9\\\"\","
           "\"ChangedByAssociateId\":5,\"WebhookName\":\"n\"}",
           "... with values");
    is_str(render("standardwebhooks", NULL),
           "Content-Type: application/json\n\n{\"type\":\"webhook.stopped\","
           "\"timestamp\":\"2026-01-02T03:04:05.6789Z\",\"data\":{\"x\":0.1,"
           "\"Entity\":\"webhook\",\"PrimaryKey\":7,\"ContextIdentifier\":"
           "\"a b/\xc3\xa9\\\"\",\"ChangedByAssociateId\":5}}",
           "... the members of the standard");
    is_str(render("cloudevents", NULL),
           "Content-Type: application/cloudevents+json; charset=utf-8\n\n"
           "{\"specversion\":\"1.0\",\"id\":\"" UUID "\",\"source\":"
           "\"/webhook/a%20b%2F%C3%A9%22\",\"type\":\"webhook.stopped\","
           "\"subject\":\"7\",\"time\":\"2026-01-02T03:04:05.6789Z\","
           "\"datacontenttype\":\"application/json\",\"associateid\":5,"
           "\"data\":{\"x\":0.1,\"Entity\":\"other\"}}",
           "... structured");
    is_str(render("cloudevents", OPTIONS(BINARY)),
           "Content-Type: application/json\nce-specversion: 1.0\nce-id: " UUID
           "\nce-source: /webhook/a%2520b%252F%25C3%25A9%2522\n"
           "ce-type: webhook.stopped\nce-subject: 7\n"
           "ce-time: 2026-01-02T03:04:05.6789Z\nce-associateid: 5\n\n"
           "{\"x\":0.1,\"Entity\":\"other\"}",
           "... binary, what is no plain character encoded");
}

static void test_origin(void)
{
    wh_options_t options = {.cloudevents_origin = "me.example"};
    char origin[WH_ORIGIN_SIZE];

    wh_handshake_origin(origin, &options);
    is_str(origin, "me.example", "the origin of the options");
    options.cloudevents_origin = NULL;
    wh_handshake_origin(origin, &options);
    ok(origin[0], "or this machine's name");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_table();
    test_lists();
    test_success();
    test_parcel();
    test_no_parcel();
    test_full_list();
    test_render();
    test_origin();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
