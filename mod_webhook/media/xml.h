/* SPDX-License-Identifier: Apache-2.0 */
/**
 * JSON values as XML and back: the one mapping of the API's XML form.
 * Stage: media · from: request · to: - · pure · any thread
 *
 * Writing. The root element bears the name of what is answered. The members
 * of an object are elements named as the member; a name that is no XML name of
 * ASCII letters (NCName without ":"), or begins with "xml" in any case, is
 * written as <member name="...">. The items of an array are elements named
 * "item". Every element but a string, and but the root when it is an object,
 * says what it is: type="object", "array", "number", "boolean" or "null". A
 * string is the text of its element; if it holds characters that XML 1.0
 * cannot carry, it is written with type="json" as the text of a JSON string
 * (with its quotes), and so is such a name, with name-type="json". A root says
 * what it is too where reading would take it for something else: type="string"
 * of a blank text, type="object" of an object whose only member is called
 * "item" or "string" in any case. Carriage returns are written as &#13;.
 * UTF-8, no XML declaration is needed, but one is written.
 *
 * Reading is the reverse, and more: the root's name and all namespaces do not
 * matter; an element without type (an attribute in no namespace) that has
 * child elements is an array if all children have the same name and that is
 * "item" or "string" in any case, or if there are several and all are called
 * "Webhook" in any case; else an object. Without child elements it is a
 * string, or null with nil="true" in any namespace; only a root that is blank
 * is an empty object. White space between elements is dropped; other text
 * beside elements is refused. A byte order mark is skipped. Refused: a document
 * type, entities other than the five and character references, the same name
 * twice in an object, NUL, what is not UTF-8, a declared encoding other than
 * UTF-8 or US-ASCII, prefixes that are not declared, a value of more than
 * WH_MEDIA_DEPTH_MAX levels, more than WH_MEDIA_MEMBERS_MAX elements in the
 * root, four times as many attributes, more than 1000 declared namespaces, more
 * than a million line ends, references and tags together, a type that does not
 * fit the text.
 */
#ifndef WH_MEDIA_XML_H
#define WH_MEDIA_XML_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <jansson.h>

/**
 * Parses an XML document with apr_xml.
 * @param document the root's value, lives as long as pool
 * @param message set when refused: one sentence
 * @return APR_SUCCESS or APR_EINVAL; anything else: no memory
 */
apr_status_t wh_xml_parse(json_t **document, const char **message,
                          const char *text, apr_size_t length,
                          apr_pool_t *pool);

/** The same for a text that was converted to UTF-8: what its declaration says
 * of the encoding is not true any more (RFC 7303 section 3.2). */
apr_status_t wh_xml_parse_converted(json_t **document, const char **message,
                                    const char *text, apr_size_t length,
                                    apr_pool_t *pool);

/**
 * Writes a value as a document.
 * @param root name of the root element, an XML name
 * @return the text, NUL-terminated, lives as long as pool; NULL: no memory
 */
const char *wh_xml_write(apr_size_t *length, const json_t *value,
                         const char *root, apr_pool_t *pool);

#endif
