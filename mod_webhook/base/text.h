/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Text that came from elsewhere. Any thread.
 */
#ifndef WH_BASE_TEXT_H
#define WH_BASE_TEXT_H

#include <apr.h>
#include <apr_pools.h>

/** Replaces NUL, control bytes but tab and line ends, and all that is not
 * UTF-8 by '?', in place: what is left can be stored, logged and shown. */
void wh_text_clean(char *text, apr_size_t length);

/** 1 if every byte belongs to a well-formed sequence of UTF-8 (Unicode 15,
 * table 3-7); NUL is one. */
int wh_text_is_utf8(const char *text, apr_size_t length);

/** 1 for nothing but blanks, tabs and line ends: the white space of JSON and
 * of XML. */
int wh_text_is_blank(const char *text, apr_size_t length);

/**
 * The JSON form of a string with its quotes; NULL text gives "null".
 * @return NULL if text is not UTF-8
 */
const char *wh_text_json(const char *text, apr_pool_t *pool);

/** A copy in which A to Z are small letters and all else is as it was: texts
 * that apr_cstr_casecmp() takes for one have one such copy. */
char *wh_text_lower(const char *text, apr_pool_t *pool);

/** The same in place. */
void wh_text_lower_bytes(char *text, apr_size_t length);

#endif
