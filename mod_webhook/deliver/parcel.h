/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A body, and the headers that belong to it.
 * Stage: deliver · from: kinds · to: transfer, store · any thread
 */
#ifndef WH_DELIVER_PARCEL_H
#define WH_DELIVER_PARCEL_H

#include <apr.h>
#include <apr_errno.h>

#include "deliver/header_list.h"

/** Headers that belong to a body, and their bytes. */
#define WH_PARCEL_HEAD_LINES 32
#define WH_PARCEL_HEAD_MAX 8192

/** Bytes of a body. */
#define WH_PARCEL_BODY_MAX (64 * 1024 * 1024)

/** The kind whose bodies have no lines before them. */
#define WH_PARCEL_BARE_KIND "webhook"

/** Content type of a body that says none. */
#define WH_PARCEL_CONTENT_TYPE "application/json; charset=utf-8"

/**
 * What is stored of a first attempt and sent again by the others: the body,
 * before it the headers that belong to it if there are any, as lines, the
 * first of which is "Content-Type: ...", and an empty one. One text without
 * NUL; a body alone begins with "{".
 */
typedef struct wh_parcel_t {
    char *text;        /**< malloc'ed */
    apr_size_t head;   /**< bytes of the lines, with the empty one */
    apr_size_t length; /**< of all */
} wh_parcel_t;

/**
 * Makes a body of lines and bytes.
 * @param head lines that each end with a line end, or "": only a body that
 *        begins with "{" can go without
 * @return APR_SUCCESS, APR_ENOMEM or APR_EINVAL: not what a body can be
 */
apr_status_t wh_parcel_create(wh_parcel_t *parcel, const char *head,
                              const char *bytes, apr_size_t length);

/**
 * The text to be stored, with the name of the kind that has made it before its
 * lines. A body alone needs none: WH_PARCEL_BARE_KIND has made it.
 * @return malloc'ed, and the parcel's own is gone; NULL: out of memory
 */
char *wh_parcel_keep(wh_parcel_t *parcel, const char *kind);

/** 1: a text that was stored is of this kind. Texts that have lines and tell no
 * kind are of any but WH_PARCEL_BARE_KIND: so they were stored once. */
int wh_parcel_is_of(const char *text, const char *kind);

/** Takes a text that was stored; what tells its kind is taken out of it. */
void wh_parcel_read(wh_parcel_t *parcel, char *text);

/** Makes of the lines texts of their own, in place, and adds them. */
apr_status_t wh_parcel_open(wh_parcel_t *parcel, wh_header_list_t *list);
/** Makes them lines again. */
void wh_parcel_close(wh_parcel_t *parcel);

#endif
