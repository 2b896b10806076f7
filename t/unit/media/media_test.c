/* SPDX-License-Identifier: Apache-2.0 */
/* Media types and charsets of bodies. */
#include <apr_general.h>
#include <apr_strings.h>
#include <apr_xlate.h>
#include <stdlib.h>

#include "media/json.h"
#include "media/media.h"
#include "unit/tap.h"

static apr_pool_t *pool;

/* The length counts, so that texts may hold NUL. */
#define TEXT(text) text, sizeof(text) - 1

static const char *dump(const json_t *value)
{
    char *text =
        value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    const char *copy = text ? apr_pstrdup(pool, text) : "(none)";

    free(text);
    return copy;
}

static const struct {
    const char *type;
    wh_media_kind_t kind;
    const char *charset;
} good_types[] = {
    {"application/json", WH_MEDIA_JSON, NULL},
    {"text/json", WH_MEDIA_JSON, NULL},
    {"application/xml", WH_MEDIA_XML, NULL},
    {"text/xml", WH_MEDIA_XML, NULL},
    {"application/x-www-form-urlencoded", WH_MEDIA_FORM, NULL},
    {"application/json-patch+json", WH_MEDIA_JSON_PATCH, NULL},
    {"application/merge-patch+json", WH_MEDIA_MERGE_PATCH, NULL},
    {"APPLICATION/Merge-Patch+JSON", WH_MEDIA_MERGE_PATCH, NULL},
    {" \tapplication/json \t", WH_MEDIA_JSON, NULL},
    {"application/json;charset=utf-8", WH_MEDIA_JSON, NULL},
    {"application/json; charset=UTF-8", WH_MEDIA_JSON, NULL},
    {"application/json ; Charset=\"utf-8\" ", WH_MEDIA_JSON, NULL},
    {"application/json;charset=\"u\\tf-8\"", WH_MEDIA_JSON, NULL},
    {"application/json;charset=utf8", WH_MEDIA_JSON, NULL},
    {"text/xml;charset=utf-8", WH_MEDIA_XML, NULL},
    {"text/xml;charset=iso-8859-1", WH_MEDIA_XML, "iso-8859-1"},
    {"text/xml;charset=\"ISO-8859-1\"", WH_MEDIA_XML, "ISO-8859-1"},
    {"text/json;charset=us-ascii", WH_MEDIA_JSON, "us-ascii"},
    {"text/json;charset=no-such-charset", WH_MEDIA_JSON, "no-such-charset"},
    {"application/json;odata=verbose", WH_MEDIA_JSON, NULL},
    {"application/json;a=\"; charset=x\";charset=y", WH_MEDIA_JSON, "y"},
    {"application/json;a=\"\\\"\";charset=y", WH_MEDIA_JSON, "y"},
    {"application/json;", WH_MEDIA_JSON, NULL},
    {"application/json; ;; charset=utf-8 ;", WH_MEDIA_JSON, NULL},
    {"application/json;charset=utf-8;charset=UTF-8", WH_MEDIA_JSON, NULL},
};

static void test_types(void)
{
    static const char *const bad[] = {
        NULL,
        "",
        " ",
        "json",
        "text/plain",
        "application/jsonx",
        "application/jso",
        "application/json-patch",
        "multipart/form-data; boundary=x",
        "*/*",
        "application /json",
        "application/json charset=utf-8",
        "application/json,text/json",
        "application/json;charset",
        "application/json;charset=",
        "application/json;charset=\"\"",
        "application/json;charset=\"utf-8",
        "application/json;charset=\"utf-8\\",
        "application/json;charset = utf-8",
        "application/json;charset= utf-8",
        "application/json;=x",
        "application/json;a=b c",
        "application/json;a=\"b\"c",
        "application/json;a=\"b\1\"",
        "application/json;charset=utf-8;charset=utf-16",
        "application/json;charset=utf-8//IGNORE",
        "application/json;charset=\"utf-8//TRANSLIT\"",
        "application/json;charset=\"/etc/passwd\"",
        "application/json;charset=\"..\\/x\"",
        "application/json;charset=\"a b\"",
        "application/json;charset=\"\303\251\"",
        "application/json;charset="
        "a1234567890123456789012345678901234567890",
    };
    wh_media_t media;
    size_t i;

    for (i = 0; i < sizeof(good_types) / sizeof(good_types[0]); i++) {
        is_int(wh_media_type_parse(&media, good_types[i].type, pool),
               APR_SUCCESS, "type %s", good_types[i].type);
        is_int(media.kind, good_types[i].kind, "its kind");
        is_str(media.charset, good_types[i].charset, "its charset");
    }
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        is_int(wh_media_type_parse(&media, bad[i], pool), APR_ENOTIMPL,
               "no type: %s", bad[i] ? bad[i] : "NULL");
    }
    is_str(wh_media_names(),
           "application/json, text/json, application/xml, text/xml, "
           "application/x-www-form-urlencoded, application/json-patch+json, "
           "application/merge-patch+json",
           "all seven of them");
}

typedef struct body_row_t {
    const char *type;
    const char *bytes;
    apr_size_t length;
    const char *value; /* NULL: refused with the status */
    apr_status_t status;
} body_row_t;

#define E_ACUTE "\"\303\251\""

static const body_row_t bodies[] = {
    {"application/json", TEXT("{\"a\":1,}"), "{\"a\":1}", 0},
    {"text/json", TEXT("null"), "null", 0},
    {"application/json-patch+json", TEXT("[{\"op\":\"test\"}]"),
     "[{\"op\":\"test\"}]", 0},
    {"application/merge-patch+json", TEXT("{\"a\":null}"), "{\"a\":null}", 0},
    {"application/xml", TEXT("<x><a>1</a></x>"), "{\"a\":\"1\"}", 0},
    {"text/xml", TEXT("<x><a type='number'>1</a></x>"), "{\"a\":1}", 0},
    {"application/x-www-form-urlencoded", TEXT("a=1"), "{\"a\":\"1\"}", 0},
    /* nothing is there */
    {"application/json", TEXT(" \r\n"), "(none)", 0},
    {"application/xml", TEXT(" \r\n"), "(none)", 0},
    {"application/xml", TEXT(""), "(none)", 0},
    {"application/x-www-form-urlencoded", TEXT("\n"), "(none)", 0},
    {"application/merge-patch+json", TEXT(""), "(none)", 0},
    {"application/json;charset=iso-8859-1", TEXT(""), "(none)", 0},
    {"application/json;charset=utf-16", TEXT(" \0\n\0"), "(none)", 0},
    /* charsets */
    {"application/json;charset=iso-8859-1", TEXT("\"\351\""), E_ACUTE, 0},
    {"application/json;charset=ISO-8859-15", TEXT("\"\244\""),
     "\"\342\202\254\"", 0},
    {"application/json;charset=windows-1252", TEXT("\"\200\""),
     "\"\342\202\254\"", 0},
    {"application/json;charset=us-ascii", TEXT("\"e\""), "\"e\"", 0},
    {"application/json;charset=utf-16le", TEXT("\"\0\351\0\"\0"), E_ACUTE, 0},
    {"application/json;charset=utf-16be", TEXT("\0\"\0\351\0\""), E_ACUTE, 0},
    {"application/json;charset=utf-16", TEXT("\376\377\0\"\0\351\0\""), E_ACUTE,
     0},
    {"application/json;charset=utf-16", TEXT("\377\376\"\0\351\0\"\0"), E_ACUTE,
     0},
    {"application/json;charset=utf-16le", TEXT("\377\376\"\0\351\0\"\0"),
     E_ACUTE, 0},
    {"application/json;charset=utf-16le", TEXT("\"\0\075\330\0\336\"\0"),
     "\"\360\237\230\200\"", 0},
    {"application/json;charset=utf-32be", TEXT("\0\0\0\"\0\0\0\351\0\0\0\""),
     E_ACUTE, 0},
    {"application/json;charset=shift_jis", TEXT("\"\202\240\""),
     "\"\343\201\202\"", 0},
    /* one that the C library knows and nobody sends */
    {"application/json;charset=iso-2022-jp", TEXT("\"\33$B$\"\33(B\""), NULL,
     APR_ENOTIMPL},
    /* its converter holds the last letter back */
    {"application/x-www-form-urlencoded;charset=windows-1258", TEXT("a=b&b=a"),
     "{\"a\":\"b\",\"b\":\"a\"}", 0},
    {"application/x-www-form-urlencoded;charset=iso-8859-1", TEXT("a=\351"),
     "{\"a\":" E_ACUTE "}", 0},
    {"application/x-www-form-urlencoded;charset=iso-8859-1", TEXT("a=%c3%a9"),
     "{\"a\":" E_ACUTE "}", 0},
    /* for XML the header wins, where it names another charset than UTF-8 */
    {"text/xml;charset=iso-8859-1",
     TEXT("<?xml version='1.0' encoding='utf-8'?><x>\351</x>"), E_ACUTE, 0},
    {"text/xml;charset=iso-8859-1",
     TEXT("<?xml version='1.0' encoding='iso-8859-1'?><x>\351</x>"), E_ACUTE,
     0},
    {"text/xml;charset=iso-8859-1",
     TEXT("<?xml version='1.0' encoding='utf-16'?><x>\351</x>"), E_ACUTE, 0},
    {"text/xml;charset=utf-16le", TEXT("\377\376<\0x\0>\0\351\0<\0/\0x\0>\0"),
     E_ACUTE, 0},
    {"text/xml;charset=utf-8",
     TEXT("<?xml version='1.0' encoding='UTF-8'?><x>\303\251</x>"), E_ACUTE, 0},
    {"text/xml", TEXT("<?xml version='1.0' encoding='iso-8859-1'?><x>e</x>"),
     NULL, APR_EINVAL},
    {"text/xml;charset=utf-8",
     TEXT("<?xml version='1.0' encoding='iso-8859-1'?><x>e</x>"), NULL,
     APR_EINVAL},
    /* what cannot be converted here */
    {"application/json;charset=no-such-charset", TEXT("{}"), NULL,
     APR_ENOTIMPL},
    {"application/xml;charset=x-unknown", TEXT("<x/>"), NULL, APR_ENOTIMPL},
    /* what is not in the charset */
    {"application/json", TEXT("\"\351\""), NULL, APR_EINVAL},
    {"application/json", TEXT("\"\0\351\0\"\0"), NULL, APR_EINVAL},
    {"application/json", TEXT("\377\376\"\0\351\0\"\0"), NULL, APR_EINVAL},
    {"application/xml", TEXT("\377\376<\0x\0/\0>\0"), NULL, APR_EINVAL},
    {"application/xml", TEXT("\0<\0x\0/\0>"), NULL, APR_EINVAL},
    {"application/json;charset=us-ascii", TEXT("\"\303\251\""), NULL,
     APR_EINVAL},
    {"application/json;charset=utf-16le", TEXT("\"\0e\0\"\0x"), NULL,
     APR_EINVAL},
    {"application/json;charset=utf-16le", TEXT("\"\0\0\330\"\0"), NULL,
     APR_EINVAL},
    {"application/json;charset=utf-16le", TEXT("\"\0\75\330"), NULL,
     APR_EINVAL},
    {"application/json;charset=utf-32be", TEXT("\0\x11\0\0"), NULL, APR_EINVAL},
    {"application/json;charset=shift_jis", TEXT("\"\202"), NULL, APR_EINVAL},
    {"application/json;charset=utf-16le", TEXT("\"\0\0\0\"\0"), NULL,
     APR_EINVAL},
    {"application/json;charset=iso-8859-1", TEXT("\"\0\""), NULL, APR_EINVAL},
    {"application/xml", TEXT("{}"), NULL, APR_EINVAL},
    {"application/json", TEXT("<x/>"), NULL, APR_EINVAL},
};

/* Which charsets there are is a matter of the system's packages. */
static int is_convertible(const char *charset)
{
    apr_xlate_t *converter;

    return !charset ||
           apr_xlate_open(&converter, "UTF-8", charset, pool) == APR_SUCCESS;
}

static void test_bodies(void)
{
    size_t i;

    for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        const body_row_t *row = &bodies[i];
        json_t *value = NULL;
        const char *message = NULL;
        wh_media_t media;
        apr_status_t rv;

        is_int(wh_media_type_parse(&media, row->type, pool), APR_SUCCESS,
               "body %d, %s", (int)i, row->type);
        rv = wh_media_read(&value, &message, &media, row->bytes, row->length,
                           pool);
        if (row->status != APR_ENOTIMPL && !is_convertible(media.charset)) {
            is_int(rv, APR_ENOTIMPL, "the system lacks the charset");
            continue;
        }
        is_int(rv, row->status, "what becomes of it");
        if (row->value) {
            is_str(dump(value), row->value, "the value");
        }
        else {
            ok(!value && message &&
                   !strncmp(message, "The request body ", 17) &&
                   message[strlen(message) - 1] == '.',
               "why: %s", message ? message : "(NULL)");
        }
    }
}

/* Bytes of any kind in any charset are a value or a sentence. */
static void test_all_bytes(void)
{
    static const char *const charsets[] = {
        "iso-8859-1", "utf-16", "utf-7",  "iso-2022-jp", "iso-2022-kr",
        "gb18030",    "big5",   "euc-jp", "tscii",       "utf-32"};
    char bytes[512];
    size_t c;
    int i;

    for (c = 0; c < sizeof(charsets) / sizeof(charsets[0]); c++) {
        wh_media_t media = {WH_MEDIA_FORM, charsets[c]};
        int wrong = 0;

        for (i = 0; i < 256; i++) {
            json_t *value = NULL;
            const char *message = NULL;
            apr_status_t rv;

            memset(bytes, i, sizeof(bytes));
            bytes[sizeof(bytes) - 1] = (char)(i ^ 0x55);
            rv = wh_media_read(&value, &message, &media, bytes, sizeof(bytes),
                               pool);
            wrong += rv == APR_SUCCESS ? message != NULL : !message || value;
        }
        is_int(wrong, 0, "any byte in %s", charsets[c]);
        apr_pool_clear(pool);
    }
}

static void test_bounds(void)
{
    apr_size_t size = 1000000;
    char *bytes = apr_palloc(pool, size);
    wh_media_t media = {WH_MEDIA_JSON, "iso-8859-1"};
    json_t *value = NULL;
    const char *message = NULL;

    memset(bytes, '\351', size);
    bytes[0] = bytes[size - 1] = '"';
    is_int(wh_media_read(&value, &message, &media, bytes, size, pool),
           APR_SUCCESS, "a megabyte that grows to two");
    is_int((apr_int64_t)json_string_length(value), 2 * (1000000 - 2),
           "all of it");
    /* One byte of it is four letters of three bytes each. */
    media.charset = "tscii";
    is_int(wh_media_read(&value, &message, &media, bytes, 1000, pool),
           APR_ENOTIMPL, "a charset that nobody sends");
    ok(strstr(message, "tscii") != NULL, "and says which");
    media.charset = "iso-8859-1";
    is_int(
        wh_media_read(&value, &message, &media, bytes, APR_SIZE_MAX / 2, pool),
        APR_EINVAL, "a length that would overflow");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_types();
    test_bodies();
    test_all_bytes();
    test_bounds();
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
