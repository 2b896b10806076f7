/* SPDX-License-Identifier: Apache-2.0 */
#include "model/webhook_json.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "media/json.h"

#define DEFAULT_EVENTS "contact.created,contact.deleted"
#define DEFAULT_TYPE "webhook"
#define UNSET_DATE "0001-01-01T00:00:00"

/* Where an index of a names list stands for a number. */
static const char *const state_names[] = {"Unknown", "Active", "Stopped",
                                          "TooManyErrors", NULL};
/* Other modules may add to them; they are known where they are delivered. */
static const char *const type_names[] = {DEFAULT_TYPE, "standardwebhooks",
                                         "cloudevents", NULL};
/* Bit n of a set of flags. */
static const char *const via_names[] = {"Email", "InApp", NULL};
static const char *const when_names[] = {"FirstFailure", "Disabling", NULL};

typedef struct field_t field_t;

/* A member being read; the readers of the table fill the webhook with it. */
typedef struct reader_t {
    wh_webhook_t *webhook;
    const char *problem; /* rest of a sentence, when refused */
    apr_uint32_t seen;   /* bit n: member n has come, in any case */
    apr_pool_t *pool;
} reader_t;

typedef apr_status_t read_fn_t(reader_t *reader, const field_t *field,
                               const json_t *value);
typedef json_t *write_fn_t(const wh_webhook_t *webhook, const field_t *field);

struct field_t {
    const char *name;
    read_fn_t *read; /* NULL: read-only */
    write_fn_t *write;
    apr_size_t offset;        /* in wh_webhook_t */
    apr_size_t most;          /* bytes of text, 0: not text */
    const char *const *names; /* of states and flags */
};

static void *place(wh_webhook_t *webhook, const field_t *field)
{
    return (char *)webhook + field->offset;
}

static const void *place_of(const wh_webhook_t *webhook, const field_t *field)
{
    return (const char *)webhook + field->offset;
}

static const char *text_of(const wh_webhook_t *webhook, const field_t *field)
{
    return *(const char *const *)place_of(webhook, field);
}

static int number_of(const wh_webhook_t *webhook, const field_t *field)
{
    return *(const int *)place_of(webhook, field);
}

static apr_status_t refuse(reader_t *reader, const char *problem)
{
    reader->problem = problem;
    return APR_EINVAL;
}

static apr_status_t refuse_length(reader_t *reader, const field_t *field)
{
    return refuse(reader,
                  apr_psprintf(reader->pool,
                               "must have at most %" APR_SIZE_T_FMT " bytes",
                               field->most));
}

/* -- readers ------------------------------------------------------------ */

static apr_status_t read_text(reader_t *reader, const field_t *field,
                              const json_t *value)
{
    const char *text = json_string_value(value);

    if (!text) {
        return refuse(reader, "must be a string or null");
    }
    if (strlen(text) > field->most) {
        return refuse_length(reader, field);
    }
    *(const char **)place(reader->webhook, field) =
        apr_pstrdup(reader->pool, text);
    return APR_SUCCESS;
}

static int is_listed(const char *events, const char *name, apr_size_t length)
{
    while (*events) {
        apr_size_t one = strcspn(events, ",");

        if (one == length && !apr_cstr_casecmpn(events, name, length)) {
            return 1;
        }
        events += one + (events[one] == ',');
    }
    return 0;
}

/* Appends a name unless it is there; joined has room for most + 1 bytes. */
static apr_status_t join_event(reader_t *reader, char *joined,
                               apr_size_t *filled, const json_t *value,
                               apr_size_t most)
{
    const char *name = json_string_value(value);
    apr_size_t length = name ? strlen(name) : 0;

    /* Which names are allowed is a rule of policy; these would not even
     * survive being joined. */
    if (length == 0 || strchr(name, ',')) {
        return refuse(reader, "must be names without a comma");
    }
    if (is_listed(joined, name, length)) {
        return APR_SUCCESS;
    }
    if (*filled + (*filled > 0) + length > most) {
        return refuse(reader, "has more names than fit");
    }
    if (*filled) {
        joined[(*filled)++] = ',';
    }
    memcpy(joined + *filled, name, length + 1);
    *filled += length;
    return APR_SUCCESS;
}

static apr_status_t read_events(reader_t *reader, const field_t *field,
                                const json_t *value)
{
    char *joined = apr_palloc(reader->pool, field->most + 1);
    apr_size_t filled = 0;
    apr_status_t rv = APR_SUCCESS;
    size_t i;

    if (!json_is_array(value)) {
        return refuse(reader, "must be an array of event names");
    }
    joined[0] = '\0';
    for (i = 0; rv == APR_SUCCESS && i < json_array_size(value); i++) {
        rv = join_event(reader, joined, &filled, json_array_get(value, i),
                        field->most);
    }
    *(const char **)place(reader->webhook, field) = joined;
    return rv;
}

/* Keeps the compact text of an object or array. */
static apr_status_t keep_json(reader_t *reader, const field_t *field,
                              const json_t *value)
{
    char *dump = wh_json_dump(value, JSON_COMPACT);
    apr_status_t rv = APR_SUCCESS;

    if (!dump) {
        return refuse(reader, "cannot be kept");
    }
    if (strlen(dump) > field->most) {
        rv = refuse_length(reader, field);
    }
    else {
        *(const char **)place(reader->webhook, field) =
            apr_pstrdup(reader->pool, dump);
    }
    free(dump);
    return rv;
}

static apr_status_t read_object(reader_t *reader, const field_t *field,
                                const json_t *value)
{
    if (!json_is_object(value)) {
        return refuse(reader, "must be an object or null");
    }
    return keep_json(reader, field, value);
}

static apr_status_t read_array(reader_t *reader, const field_t *field,
                               const json_t *value)
{
    if (!json_is_array(value)) {
        return refuse(reader, "must be an array or null");
    }
    return keep_json(reader, field, value);
}

static apr_status_t read_headers(reader_t *reader, const field_t *field,
                                 const json_t *value)
{
    void *at;

    for (at = json_object_iter((json_t *)value); at;
         at = json_object_iter_next((json_t *)value, at)) {
        if (!json_is_string(json_object_iter_value(at))) {
            return refuse(reader, "must have strings as values");
        }
    }
    return read_object(reader, field, value);
}

/* One address as it may stand in a mail header: something on both sides of
 * one "@", no blank and no control byte. Whether it exists, mail will tell. */
int wh_webhook_json_is_email(const char *text)
{
    const char *at = strchr(text, '@');
    const char *c;

    if (!at || at == text || !at[1] || strchr(at + 1, '@') ||
        strlen(text) > WH_ERRORS_EMAIL_MAX) {
        return 0;
    }
    for (c = text; *c; c++) {
        if ((unsigned char)*c <= ' ' || *c == 0x7f || strchr(",;<>()\"", *c)) {
            return 0;
        }
    }
    return 1;
}

static apr_status_t refuse_email(reader_t *reader)
{
    return refuse(reader, "must be a mail address of at most 239 bytes");
}

static apr_status_t read_emails(reader_t *reader, const field_t *field,
                                const json_t *value)
{
    size_t i;

    for (i = 0; i < json_array_size(value); i++) {
        const char *text = json_string_value(json_array_get(value, i));

        if (!text || !wh_webhook_json_is_email(text)) {
            return refuse_email(reader);
        }
    }
    return read_array(reader, field, value);
}

static apr_status_t read_errors_email(reader_t *reader, const field_t *field,
                                      const json_t *value)
{
    const char *text = json_string_value(value);

    (void)field;
    if (!text || (*text && !wh_webhook_json_is_email(text))) {
        return refuse_email(reader);
    }
    reader->webhook->errors_email = apr_pstrdup(reader->pool, text);
    return APR_SUCCESS;
}

/* The index of a name, or the number that a text or JSON integer is. */
static int find_name(int *index, const char *const *names, const char *text)
{
    int i;

    for (i = 0; names[i]; i++) {
        if (!apr_cstr_casecmp(names[i], text)) {
            *index = i;
            return 1;
        }
    }
    /* Less than ten names: a number is one digit. */
    if (text[0] < '0' || text[0] >= '0' + i || text[1]) {
        return 0;
    }
    *index = text[0] - '0';
    return 1;
}

int wh_webhook_json_state(int *state, const char *text)
{
    return find_name(state, state_names, text);
}

static const char *number_or_text(const json_t *value, apr_pool_t *pool)
{
    if (json_is_integer(value)) {
        return apr_psprintf(pool, "%" APR_INT64_T_FMT,
                            (apr_int64_t)json_integer_value(value));
    }
    return json_string_value(value);
}

static apr_status_t read_state(reader_t *reader, const field_t *field,
                               const json_t *value)
{
    const char *text = number_or_text(value, reader->pool);
    int state;

    if (!text || !wh_webhook_json_state(&state, text) ||
        state == WH_STATE_UNKNOWN) {
        return refuse(reader, "must be Active, Stopped or TooManyErrors");
    }
    *(int *)place(reader->webhook, field) = state;
    return APR_SUCCESS;
}

/* "None", or names parted by commas. Numbers in the text are not names. */
static int parse_flags(int *flags, const char *const *names, char *text)
{
    char *rest = NULL, *word;

    *flags = 0;
    for (word = apr_strtok(text, ", ", &rest); word;
         word = apr_strtok(NULL, ", ", &rest)) {
        int i = 0;

        while (names[i] && apr_cstr_casecmp(names[i], word)) {
            i++;
        }
        if (names[i]) {
            *flags |= 1 << i;
        }
        else if (apr_cstr_casecmp("None", word)) {
            return 0;
        }
    }
    return 1;
}

static apr_status_t read_flags(reader_t *reader, const field_t *field,
                               const json_t *value)
{
    int flags = 0, all = 0, known = 0, i;

    for (i = 0; field->names[i]; i++) {
        all |= 1 << i;
    }
    if (json_is_integer(value)) {
        json_int_t number = json_integer_value(value);

        known = number >= 0 && number <= all;
        flags = known ? (int)number : 0;
    }
    else if (json_is_string(value)) {
        known =
            parse_flags(&flags, field->names,
                        apr_pstrdup(reader->pool, json_string_value(value)));
    }
    if (!known) {
        return refuse(reader, apr_pstrcat(reader->pool, "must be None, ",
                                          field->names[0], ", ",
                                          field->names[1], " or both", NULL));
    }
    *(int *)place(reader->webhook, field) = flags;
    return APR_SUCCESS;
}

/* Which types there are is known where they are delivered. */
static apr_status_t read_type(reader_t *reader, const field_t *field,
                              const json_t *value)
{
    const char *text = json_string_value(value);

    if (!text || !*text || strlen(text) > field->most) {
        return refuse(reader, "must be the name of a type");
    }
    *(const char **)place(reader->webhook, field) =
        apr_pstrdup(reader->pool, text);
    return APR_SUCCESS;
}

/* -- writers ------------------------------------------------------------ */

/* A text that is not UTF-8 cannot have come from a client; it is shown as
 * null and not as a failure of the whole answer. */
static json_t *text_or_null(const char *text)
{
    json_t *value = text ? json_string(text) : NULL;

    return value ? value : json_null();
}

static json_t *write_text(const wh_webhook_t *webhook, const field_t *field)
{
    return text_or_null(text_of(webhook, field));
}

static json_t *write_text_or_empty(const wh_webhook_t *webhook,
                                   const field_t *field)
{
    const char *text = text_of(webhook, field);

    return text_or_null(text ? text : "");
}

static json_t *write_id(const wh_webhook_t *webhook, const field_t *field)
{
    return json_integer(*(const apr_int32_t *)place_of(webhook, field));
}

static json_t *write_count(const wh_webhook_t *webhook, const field_t *field)
{
    apr_int64_t count = *(const apr_int64_t *)place_of(webhook, field);

    /* Clients read an int32 (superoffice.md section 4): the count stays at the
     * largest one. */
    return json_integer(count < APR_INT32_MAX ? count : APR_INT32_MAX);
}

static json_t *write_events(const wh_webhook_t *webhook, const field_t *field)
{
    const char *names = text_of(webhook, field);
    json_t *array = json_array();

    while (names && *names) {
        apr_size_t length = strcspn(names, ",");

        json_array_append_new(array, json_stringn(names, length));
        names += length + (names[length] == ',');
    }
    return array;
}

static json_t *write_state(const wh_webhook_t *webhook, const field_t *field)
{
    int state = number_of(webhook, field);

    if (state < WH_STATE_UNKNOWN || state > WH_STATE_TOO_MANY_ERRORS) {
        state = WH_STATE_UNKNOWN;
    }
    return json_string(field->names[state]);
}

static json_t *write_flags(const wh_webhook_t *webhook, const field_t *field)
{
    char text[64] = "";
    int flags = number_of(webhook, field);
    int i;

    for (i = 0; field->names[i]; i++) {
        if (flags & 1 << i) {
            apr_size_t filled = strlen(text);

            apr_snprintf(text + filled, sizeof(text) - filled, "%s%s",
                         filled ? ", " : "", field->names[i]);
        }
    }
    return json_string(*text ? text : "None");
}

static json_t *write_object(const wh_webhook_t *webhook, const field_t *field)
{
    const char *text = text_of(webhook, field);
    json_t *value = text ? json_loads(text, 0, NULL) : NULL;

    return value ? value : json_null();
}

static json_t *write_array(const wh_webhook_t *webhook, const field_t *field)
{
    const char *text = text_of(webhook, field);
    json_t *value = text ? json_loads(text, 0, NULL) : NULL;

    return value ? value : json_array();
}

static json_t *write_errors_email(const wh_webhook_t *webhook,
                                  const field_t *field)
{
    json_t *array = write_array(webhook, field);
    json_t *first = json_incref(json_array_get(array, 0));

    json_decref(array);
    return first ? first : json_null();
}

static json_t *write_date(const wh_webhook_t *webhook, const field_t *field)
{
    apr_time_t time = *(const apr_time_t *)place_of(webhook, field);
    apr_time_exp_t utc;
    char text[64];

    if (!time || apr_time_exp_gmt(&utc, time) != APR_SUCCESS) {
        return json_string(UNSET_DATE);
    }
    apr_snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02dZ",
                 utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
                 utc.tm_min, utc.tm_sec);
    return json_string(text);
}

/* Only id and user name are known here; the rest has the value that says so.
 * A name that is not UTF-8 came from a password file or a certificate. */
static json_t *write_associate(apr_int32_t id, const char *user)
{
    if (!id && !user) {
        return json_null();
    }
    if (!user || !wh_text_is_utf8(user, strlen(user))) {
        user = "";
    }
    return json_pack("{s:n, s:{}, s:i, s:s, s:i, s:i, s:s, s:s, s:i, s:s, "
                     "s:s, s:b, s:i, s:s, s:{}, s:{}}",
                     "TableRight", "FieldProperties", "AssociateId", (int)id,
                     "Name", user, "PersonId", 0, "Rank", 0, "Tooltip", "",
                     "Type", "Unknown", "GroupIdx", 0, "FullName", user,
                     "FormalName", user, "Deleted", 0, "EjUserId", 0,
                     "UserName", user, "ExtraFields", "CustomFields");
}

static json_t *write_registered_by(const wh_webhook_t *webhook,
                                   const field_t *field)
{
    (void)field;
    return write_associate(webhook->registered_id, webhook->registered_by);
}

static json_t *write_updated_by(const wh_webhook_t *webhook,
                                const field_t *field)
{
    (void)field;
    return write_associate(webhook->updated_id, webhook->updated_by);
}

/* -- the table ---------------------------------------------------------- */

#define AT(member) offsetof(wh_webhook_t, member)

static const field_t fields[] = {
    {"WebhookId", NULL, write_id, AT(id), 0, NULL},
    {"Name", read_text, write_text, AT(name), WH_NAME_MAX, NULL},
    {"Events", read_events, write_events, AT(events), WH_EVENTS_MAX, NULL},
    {"TargetUrl", read_text, write_text, AT(target_url), WH_TARGET_URL_MAX,
     NULL},
    {"Secret", read_text, write_text, AT(secret), WH_SECRET_MAX, NULL},
    {"State", read_state, write_state, AT(state), 0, state_names},
    {"Type", read_type, write_text, AT(type), WH_TYPE_MAX, type_names},
    {"Headers", read_headers, write_object, AT(headers), WH_JSON_COLUMN_MAX,
     NULL},
    {"Properties", read_object, write_object, AT(properties),
     WH_JSON_COLUMN_MAX, NULL},
    {"Registered", NULL, write_date, AT(registered), 0, NULL},
    {"Updated", NULL, write_date, AT(updated), 0, NULL},
    {"RegisteredAssociate", NULL, write_registered_by, 0, 0, NULL},
    {"UpdatedAssociate", NULL, write_updated_by, 0, 0, NULL},
    {"ErrorsEmail", read_errors_email, write_errors_email, AT(error_emails), 0,
     NULL},
    {"ErrorEmails", read_emails, write_array, AT(error_emails),
     WH_JSON_COLUMN_MAX, NULL},
    {"ErrorAssociates", read_array, write_array, AT(error_associates),
     WH_JSON_COLUMN_MAX, NULL},
    {"Description", read_text, write_text, AT(description), WH_DESCRIPTION_MAX,
     NULL},
    {"NotifyVia", read_flags, write_flags, AT(notify_via), 0, via_names},
    {"NotifyWhen", read_flags, write_flags, AT(notify_when), 0, when_names},
    {"TotalCalls", NULL, write_count, AT(total_calls), 0, NULL},
    {"TotalErrors", NULL, write_count, AT(total_errors), 0, NULL},
    {"ConsecutiveErrors", NULL, write_count, AT(consecutive_errors), 0, NULL},
    {"LastError", NULL, write_text_or_empty, AT(last_error), 0, NULL}};

#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))

typedef char fields_have_bits[FIELD_COUNT <= 32 ? 1 : -1];

void wh_webhook_json_default(wh_webhook_t *webhook)
{
    memset(webhook, 0, sizeof(*webhook));
    webhook->events = DEFAULT_EVENTS;
    webhook->state = WH_STATE_ACTIVE;
    webhook->type = DEFAULT_TYPE;
}

static wh_field_kind_t kind_of(const field_t *field)
{
    static const struct {
        write_fn_t *write;
        wh_field_kind_t kind;
    } kinds[] = {{write_id, WH_FIELD_INT32},
                 {write_count, WH_FIELD_INT32},
                 {write_events, WH_FIELD_TEXTS},
                 {write_state, WH_FIELD_NAMED},
                 {write_flags, WH_FIELD_FLAGS},
                 {write_object, WH_FIELD_OBJECT},
                 {write_registered_by, WH_FIELD_OBJECT},
                 {write_updated_by, WH_FIELD_OBJECT},
                 {write_array, WH_FIELD_LIST},
                 {write_date, WH_FIELD_DATE}};
    apr_size_t i;

    if (field->read == read_emails) {
        return WH_FIELD_TEXTS;
    }
    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].write == field->write) {
            return kinds[i].kind;
        }
    }
    return WH_FIELD_TEXT;
}

int wh_webhook_json_field(wh_field_t *field, int number)
{
    const field_t *row;

    if (number < 0 || number >= (int)FIELD_COUNT) {
        return 0;
    }
    row = &fields[number];
    field->name = row->name;
    field->kind = kind_of(row);
    field->read_only = !row->read;
    field->most = row->most;
    field->names = row->names;
    return 1;
}

static const field_t *find_field(const char *name)
{
    apr_size_t i;

    for (i = 0; i < FIELD_COUNT; i++) {
        if (!apr_cstr_casecmp(fields[i].name, name)) {
            return &fields[i];
        }
    }
    return NULL;
}

static apr_status_t read_member(reader_t *reader, const char **message,
                                const char *name, const json_t *value)
{
    const field_t *field = find_field(name);
    apr_uint32_t bit = field ? 1u << (field - fields) : 0;
    apr_status_t rv;

    if (reader->seen & bit) {
        *message = apr_pstrcat(reader->pool, "Webhook ", field->name,
                               " is there twice.", NULL);
        return APR_EINVAL;
    }
    reader->seen |= bit;
    if (!field || !field->read || json_is_null(value)) {
        return APR_SUCCESS;
    }
    rv = field->read(reader, field, value);
    if (rv != APR_SUCCESS) {
        *message = apr_pstrcat(reader->pool, "Webhook ", field->name, " ",
                               reader->problem, ".", NULL);
    }
    return rv;
}

/* An empty list is none. */
static json_t *email_list(const wh_webhook_t *webhook)
{
    json_t *list = webhook->error_emails
                       ? json_loads(webhook->error_emails, 0, NULL)
                       : NULL;

    return list ? list : json_array();
}

static void keep_emails(wh_webhook_t *webhook, const json_t *list,
                        apr_pool_t *pool)
{
    char *dump = json_dumps(list, JSON_COMPACT);

    if (dump) {
        webhook->error_emails = apr_pstrdup(pool, dump);
    }
    free(dump);
}

/* The old single address stands in where the newer list says nothing. */
static void apply_errors_email(wh_webhook_t *webhook, apr_pool_t *pool)
{
    json_t *list = email_list(webhook);

    if (webhook->errors_email && webhook->errors_email[0] &&
        json_array_size(list) == 0) {
        json_array_append_new(list, json_string(webhook->errors_email));
        keep_emails(webhook, list, pool);
    }
    json_decref(list);
}

static apr_size_t length_of(const char *text)
{
    return text ? strlen(text) : 0;
}

/* They are what a webhook is large by: each may be as long as all. */
static apr_status_t check_json_length(const wh_webhook_t *webhook,
                                      const char **message, apr_pool_t *pool)
{
    if (length_of(webhook->headers) + length_of(webhook->properties) +
            length_of(webhook->error_emails) +
            length_of(webhook->error_associates) <=
        WH_JSON_COLUMN_MAX) {
        return APR_SUCCESS;
    }
    *message = apr_psprintf(pool,
                            "Webhook Headers, Properties, ErrorEmails and "
                            "ErrorAssociates must have at most %d bytes "
                            "together.",
                            WH_JSON_COLUMN_MAX);
    return APR_EINVAL;
}

apr_status_t wh_webhook_json_settle_email(wh_webhook_t *webhook,
                                          const char **message,
                                          const wh_webhook_t *stored,
                                          apr_pool_t *pool)
{
    json_t *list = email_list(webhook), *old = email_list(stored);
    const char *first = json_string_value(json_array_get(old, 0));

    if (webhook->errors_email && webhook->errors_email[0] && first &&
        json_equal(list, old) && strcmp(webhook->errors_email, first)) {
        json_array_set_new(list, 0, json_string(webhook->errors_email));
        keep_emails(webhook, list, pool);
    }
    json_decref(list);
    json_decref(old);
    return check_json_length(webhook, message, pool);
}

apr_status_t wh_webhook_json_read(wh_webhook_t *webhook, const char **message,
                                  const json_t *entity, apr_pool_t *pool)
{
    reader_t reader = {.webhook = webhook, .pool = pool};
    apr_status_t rv = APR_SUCCESS;
    void *at;

    for (at = json_object_iter((json_t *)entity); at && rv == APR_SUCCESS;
         at = json_object_iter_next((json_t *)entity, at)) {
        rv = read_member(&reader, message, json_object_iter_key(at),
                         json_object_iter_value(at));
    }
    if (rv == APR_SUCCESS) {
        apply_errors_email(webhook, pool);
        rv = check_json_length(webhook, message, pool);
    }
    return rv;
}

static json_t *write_hidden(const wh_webhook_t *webhook, const field_t *field)
{
    json_t *value = field->offset == AT(secret) ? json_null()
                                                : field->write(webhook, field);

    if (field->offset == AT(properties)) {
        wh_webhook_json_hide(value);
    }
    return value;
}

json_t *wh_webhook_json_write(const wh_webhook_t *webhook, int with_secret)
{
    json_t *entity = json_object();
    apr_size_t i;

    for (i = 0; entity && i < FIELD_COUNT; i++) {
        json_t *value = with_secret ? fields[i].write(webhook, &fields[i])
                                    : write_hidden(webhook, &fields[i]);

        if (json_object_set_new(entity, fields[i].name, value) < 0) {
            json_decref(entity);
            entity = NULL;
        }
    }
    return entity;
}
