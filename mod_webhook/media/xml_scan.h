/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What is judged of an XML text before a parser sees it.
 * Stage: media · from: xml.c · to: - · pure · any thread
 *
 * apr_xml builds the whole tree, recursion over it follows, and some of its
 * lists are searched from their start: depth, elements, attributes and
 * namespaces are counted first, in one pass.
 */
#ifndef WH_MEDIA_XML_SCAN_H
#define WH_MEDIA_XML_SCAN_H

#include <apr.h>

/**
 * Refuses what is not UTF-8, NUL, a document type, and more than the bounds of
 * xml.h. Text that is not well-formed may pass; the parser refuses it.
 * @param start set to what is behind a byte order mark and an XML declaration:
 *        the parser must not follow the encoding that is declared there
 * @param any_encoding 1: it does not matter what is declared
 * @return NULL or a sentence, a constant
 */
const char *wh_xml_scan(const char **start, const char *text, apr_size_t length,
                        int any_encoding);

#endif
