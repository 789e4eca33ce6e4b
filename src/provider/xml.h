/*
 * provider/xml.h: XML answers as the JSON the rest of the engine walks.
 *
 * Shape    { "Root": … }; an element with children is an object of its children by local name (prefixes dropped), an
 *          array where a name repeats; attributes are "@name"; an element with text only is a string, with attributes
 *          too { "@a": …, "#": "text" }. Text between children is dropped.
 * Bounds   16 levels, 65536 elements and attributes, UTF-8; no document type, so no entities but the five and
 *          character references.
 * Errors   ERR_INPUT "invalid-request" with the line.
 */
#ifndef REEVE_PROVIDER_XML_H
#define REEVE_PROVIDER_XML_H

#include "json/json.h"

#define XML_DEPTH_MAX 16u
#define XML_NODES_MAX 65536u

MUST_CHECK bool xml_read(struct str text, json_t **ret, struct err *err);

#endif
