/* SPDX-License-Identifier: Apache-2.0 */
#include "media/media.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <apr_xlate.h>
#include <string.h>

#include "base/text.h"
#include "media/form.h"
#include "media/json.h"
#include "media/xml.h"

/* Longest name of a charset that is looked at. */
#define CHARSET_MAX 40

/* No common charset has a byte that becomes more than this many of UTF-8. */
#define GROWTH_MAX 4

/* Room for what a stateful charset holds back until the end. */
#define GROWTH_EXTRA 32

#define MEDIA_TYPE(kind, name) {WH_MEDIA_##kind, name},
static const struct {
    wh_media_kind_t kind;
    const char *name;
} types[] = {WH_MEDIA_TYPES(MEDIA_TYPE)};
#undef MEDIA_TYPE

#define MEDIA_NAME(kind, name) ", " name

const char *wh_media_names(void)
{
    static const char names[] = WH_MEDIA_TYPES(MEDIA_NAME);

    /* Without the first ", ". */
    return names + 2;
}
#undef MEDIA_NAME

/* ---- Content-Type -------------------------------------------------------- */

static int is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static void skip_space(const char **at)
{
    *at += strspn(*at, " \t");
}

/* Takes a token; NULL: there is none. */
static const char *take_token(const char **at, apr_pool_t *pool)
{
    const char *start = *at;

    while (is_token_char(**at)) {
        (*at)++;
    }
    return *at > start ? apr_pstrmemdup(pool, start, (apr_size_t)(*at - start))
                       : NULL;
}

/* Takes what is between two quotes, without the escapes; NULL: it has no end
 * or a control byte. */
static const char *take_quoted(const char **at, apr_pool_t *pool)
{
    const char *start = *at + 1, *c;
    char *value, *end;

    for (c = start; *c && *c != '"'; c++) {
        if (*c == '\\' && c[1]) {
            c++;
        }
        if ((unsigned char)*c < ' ' && *c != '\t') {
            return NULL;
        }
    }
    if (!*c) {
        return NULL;
    }
    *at = c + 1;
    value = end = apr_palloc(pool, (apr_size_t)(c - start) + 1);
    for (c = start; *c != '"'; c++) {
        c += *c == '\\';
        *end++ = *c;
    }
    *end = '\0';
    return value;
}

static int kind_of(wh_media_kind_t *kind, const char *name, apr_size_t length)
{
    size_t i;

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strlen(types[i].name) == length &&
            !apr_cstr_casecmpn(types[i].name, name, length)) {
            *kind = types[i].kind;
            return 1;
        }
    }
    return 0;
}

/* Names go to iconv(), to which "" and "/" mean more than a charset. */
static int is_charset(const char *name)
{
    const char *c;

    for (c = name; *c; c++) {
        if ((*c < 'a' || *c > 'z') && (*c < 'A' || *c > 'Z') &&
            (*c < '0' || *c > '9') && !strchr("-_.:+", *c)) {
            return 0;
        }
    }
    return c > name && c - name <= CHARSET_MAX;
}

/* The first charset counts; a second one must be the same. */
static int set_charset(const char **charset, const char *value)
{
    if (!is_charset(value)) {
        return 0;
    }
    if (*charset) {
        return !apr_cstr_casecmp(*charset, value);
    }
    *charset = value;
    return 1;
}

/* One "; name=value", or a semicolon with nothing behind it. */
static int take_parameter(const char **charset, const char **at,
                          apr_pool_t *pool)
{
    const char *name, *value;

    if (**at != ';') {
        return 0;
    }
    (*at)++;
    skip_space(at);
    if (!**at || **at == ';') {
        return 1;
    }
    name = take_token(at, pool);
    if (!name || **at != '=') {
        return 0;
    }
    (*at)++;
    value = **at == '"' ? take_quoted(at, pool) : take_token(at, pool);
    skip_space(at);
    return value &&
           (apr_cstr_casecmp(name, "charset") || set_charset(charset, value));
}

apr_status_t wh_media_type_parse(wh_media_t *media, const char *content_type,
                                 apr_pool_t *pool)
{
    const char *at = content_type, *charset = NULL;
    apr_size_t length;

    media->charset = NULL;
    if (!at) {
        return APR_ENOTIMPL;
    }
    skip_space(&at);
    length = strcspn(at, " \t;");
    if (!kind_of(&media->kind, at, length)) {
        return APR_ENOTIMPL;
    }
    at += length;
    skip_space(&at);
    while (*at) {
        if (!take_parameter(&charset, &at, pool)) {
            return APR_ENOTIMPL;
        }
    }
    if (charset && apr_cstr_casecmp(charset, "utf-8") &&
        apr_cstr_casecmp(charset, "utf8")) {
        media->charset = charset;
    }
    return APR_SUCCESS;
}

/* ---- bodies -------------------------------------------------------------- */

typedef struct text_t {
    const char *bytes;
    apr_size_t length;
} text_t;

static apr_status_t refuse_charset(const char **message,
                                   const wh_media_t *media, apr_pool_t *pool)
{
    *message = apr_psprintf(pool,
                            "The request body has the charset %s, which "
                            "cannot be converted here.",
                            media->charset);
    return APR_ENOTIMPL;
}

/* What clients send. The C library knows a thousand charsets more; each is
 * code that nobody needs and everybody could call. */
static const char *const charsets[] = {
    "us-ascii", "iso-8859-", "windows-125", "cp125",  "utf-16",
    "utf-32",   "koi8-",     "shift_jis",   "euc-jp", "euc-kr",
    "gb2312",   "gbk",       "gb18030",     "big5",   "macintosh",
};

/* By their beginnings: most are families. */
static int is_charset_known(const char *charset)
{
    apr_size_t i;

    for (i = 0; i < sizeof(charsets) / sizeof(charsets[0]); i++) {
        if (!apr_cstr_casecmpn(charset, charsets[i], strlen(charsets[i]))) {
            return 1;
        }
    }
    return 0;
}

/* One or two calls: the text, then what the converter still holds. */
static apr_status_t convert_all(apr_xlate_t *converter, const text_t *from,
                                char *to, apr_size_t *left)
{
    apr_size_t size = *left, unread = from->length;
    apr_status_t rv;

    rv = apr_xlate_conv_buffer(converter, from->bytes, &unread, to, left);
    if (rv == APR_SUCCESS && unread > 0) {
        return APR_ENOSPC;
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    return apr_xlate_conv_buffer(converter, NULL, NULL, to + (size - *left),
                                 left);
}

/* text becomes one of scratch. */
static apr_status_t convert(text_t *text, const char **message,
                            const wh_media_t *media, apr_pool_t *pool,
                            apr_pool_t *scratch)
{
    apr_xlate_t *converter;
    apr_size_t size, left;
    apr_status_t rv;
    char *converted;

    if (text->length > (APR_SIZE_MAX - GROWTH_EXTRA) / GROWTH_MAX) {
        *message = "The request body is too large to be converted.";
        return APR_EINVAL;
    }
    if (!is_charset_known(media->charset) ||
        apr_xlate_open(&converter, "UTF-8", media->charset, scratch) !=
            APR_SUCCESS) {
        return refuse_charset(message, media, pool);
    }
    size = left = text->length * GROWTH_MAX + GROWTH_EXTRA;
    converted = apr_palloc(scratch, size);
    rv = convert_all(converter, text, converted, &left);
    if (rv == APR_ENOSPC) {
        *message = "The request body grows too much when it is converted.";
        return APR_EINVAL;
    }
    if (rv != APR_SUCCESS) {
        *message = apr_psprintf(
            pool, "The request body is not valid in its charset %s.",
            media->charset);
        return APR_EINVAL;
    }
    text->bytes = converted;
    text->length = size - left;
    return APR_SUCCESS;
}

static apr_status_t read_text(json_t **document, const char **message,
                              const wh_media_t *media, const text_t *text,
                              apr_pool_t *pool)
{
    if (wh_text_is_blank(text->bytes, text->length)) {
        return APR_SUCCESS;
    }
    switch (media->kind) {
    case WH_MEDIA_XML:
        if (media->charset) {
            return wh_xml_parse_converted(document, message, text->bytes,
                                          text->length, pool);
        }
        return wh_xml_parse(document, message, text->bytes, text->length, pool);
    case WH_MEDIA_FORM:
        return wh_form_parse(document, message, text->bytes, text->length,
                             pool);
    default:
        return wh_json_parse(document, message, text->bytes, text->length,
                             pool);
    }
}

apr_status_t wh_media_read(json_t **document, const char **message,
                           const wh_media_t *media, const char *bytes,
                           apr_size_t length, apr_pool_t *pool)
{
    text_t text = {bytes, length};
    apr_pool_t *scratch;
    apr_status_t rv;

    *document = NULL;
    if (!media->charset) {
        return read_text(document, message, media, &text, pool);
    }
    rv = apr_pool_create(&scratch, pool);
    if (rv != APR_SUCCESS) {
        *message = "The request body could not be read.";
        return rv;
    }
    apr_pool_tag(scratch, "wh_media");
    rv = convert(&text, message, media, pool, scratch);
    if (rv == APR_SUCCESS) {
        rv = read_text(document, message, media, &text, pool);
    }
    apr_pool_destroy(scratch);
    return rv;
}
