/* SPDX-License-Identifier: Apache-2.0
 * json: jansson under our rules. Everything else includes this, never <jansson.h>.
 *
 * Building cannot fail (bytes that are not UTF-8 are replaced by U+FFFD, out of memory aborts), so code that builds
 * needs no checks. Keys keep their order. Values are borrowed references as in jansson; use json_auto_t.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/error.h"
#include "runner/base/strbuf.h"

/* Any bytes as a JSON string; invalid UTF-8 and NULs replaced by U+FFFD. NULL becomes null. */
json_t *json_text(const char *s);
json_t *json_textn(const char *s, size_t len);

/* Set and forget: the object owns `value` from now on. */
void json_put(json_t *object, const char *key, json_t *value);
void json_put_text(json_t *object, const char *key, const char *s);	/* NULL becomes null */
void json_put_int(json_t *object, const char *key, int64_t n);
void json_put_bool(json_t *object, const char *key, bool b);
void json_put_seconds(json_t *object, const char *key, uint64_t ns);	/* number with at most 6 decimals */
void json_push(json_t *array, json_t *value);

/* Append the serialised value: indent 0 is one line without blanks. Control, bidirectional and other invisible characters are
 * written as \u escapes, so the text is safe to look at. Numbers have at most 15 digits. */
void json_write(const json_t *value, int indent, struct strbuf *out);

/* The same without building a value first, for lists that may be long: `"key":value` in an object that stands open at the end of
 * `out` (a comma comes before it where one is needed). Keys are plain words; NULL becomes null. */
void json_add_key(struct strbuf *out, const char *key);
void json_add_text(struct strbuf *out, const char *key, const char *s);
void json_add_int(struct strbuf *out, const char *key, int64_t n);
void json_add_bool(struct strbuf *out, const char *key, bool b);
/* A string on its own, quotes and all. */
void json_add_string(struct strbuf *out, const char *s, size_t len);

/* Parse untrusted text: one value of any type and nothing after it, at most JSON_MAX_DEPTH levels, duplicate keys refused. `*ret`
 * is untouched on failure: ERR_INVALID_INPUT "name:line:column: …". */
#define JSON_MAX_DEPTH 64
int json_parse(const char *text, size_t len, const char *name, json_t **ret, struct error *err);
